//! What follows ClientAuth: other factors, eager clients, Welcome and host_keys.

use super::pair::{CLIENT, HOST, Seen, Setup, data, identity, noon, take, welcomed};
use super::script::{Auth, Peer, bytes16, client_front, extension, padded, said};
use super::who_ends_how::{OTHER_RECORDS, malformed, seventeen};
use crate::error::{Error, ErrorCode, Incompatible, Malformed, Misbehaved, Misuse};
use crate::handshake::client::{Answer, AnswerPassword, AwaitWelcome};
use crate::handshake::{Failure, Identities};
use crate::key::{PublicKey, sshsig};

fn unexpected(got: &'static str, state: &'static str) -> Error {
    Error::Misbehaved(Misbehaved::Unexpected { got, state })
}

/// A client that awaits Welcome meets a record of the script's: its error and code.
#[track_caller]
fn ends(setup: &Setup, kind: u8, content: &[u8]) -> (Error, u16) {
    let (client, mut peer) = setup.client_awaits_welcome();
    let mut record = peer.say(kind, content);
    failed(client.read(&mut record), &mut peer)
}

#[track_caller]
fn failed<T: std::fmt::Debug>(result: Result<T, Failure>, peer: &mut Peer) -> (Error, u16) {
    let Failure { error, farewell, .. } = result.unwrap_err();
    let said = said(&mut peer.opener, &farewell);
    assert_eq!(said, padded(said.code), "without text, padded");
    (error, said.code)
}

fn classical() -> Setup {
    Setup::classical()
}

/// [WIRE-10] [AUTH-1] [REC-2] [REC-3] [ERR-6]
#[test]
fn a_client_that_awaits_welcome_ends_with_error_1_at_any_other_record() {
    for setup in [classical(), classical().eager()] {
        for (kind, name) in OTHER_RECORDS {
            let told = (unexpected(name, "awaiting Welcome"), 1);
            assert_eq!(ends(&setup, kind, b""), told, "{name}");
        }
        assert_eq!(ends(&setup, 0, b""), (Error::Misbehaved(Misbehaved::NoType), 1));
        let (client, mut peer) = setup.client_awaits_welcome();
        let mut record = peer.say(1, &[5, 0, 0, 0]);
        record[2] ^= 1;
        assert_eq!(failed(client.read(&mut record), &mut peer), (Error::Decrypt, 1));
    }
}

/// [WIRE-1] [WIRE-2] [WIRE-3] [WIRE-4] [WIRE-5] [WIRE-6] [AUTH-18]
#[test]
fn a_malformed_auth_message_before_welcome_gets_error_1() {
    let prompt = |text: &[u8]| [&[3, 1][..], &bytes16(text)].concat();
    let welcome = |ext: &[u8]| [&[5, 0][..], &bytes16(ext)].concat();
    let cases: Vec<(Vec<u8>, Malformed)> = vec![
        (vec![], Malformed::Short("the type")),
        (vec![1], Malformed::Value("the type")),
        (vec![2], Malformed::Value("the type")),
        (vec![4, 1, 0, 0], Malformed::Value("the type")),
        (vec![6], Malformed::Value("the type")),
        (vec![3], Malformed::Short("the method")),
        (vec![3, 1, 0], Malformed::Short("the request")),
        (vec![3, 1, 0, 1], Malformed::Short("the request")),
        (vec![3, 9, 0, 0, 0], Malformed::Leftover("the request")),
        (prompt(&[b'x'; 256]), Malformed::Long("the prompt")),
        (prompt(b"\x1b[2J"), Malformed::Text("the prompt")),
        (prompt(b"\xc3"), Malformed::Text("the prompt")),
        (vec![5], Malformed::Short("the protocol")),
        (vec![5, 1], Malformed::Short("the protocol")),
        (vec![5, 0, 0], Malformed::Short("the extensions")),
        (vec![5, 0, 0, 0, 0], Malformed::Leftover("the extensions")),
        (welcome(&seventeen()), Malformed::Long("the extensions")),
        (
            welcome(&[extension(9, b""), extension(8, b"")].concat()),
            Malformed::Order("the extensions"),
        ),
        (welcome(&extension(1, b"")), Malformed::Empty("host_keys")),
        (welcome(&extension(1, &[0])), Malformed::Short("a host key")),
        (welcome(&extension(1, &[0, 1])), Malformed::Short("a host key")),
        (welcome(&extension(1, &[0, 0])), Malformed::Short("a host key's proof")),
        (welcome(&extension(1, &[0, 0, 0, 0, 0])), Malformed::Short("a host key")),
        (welcome(&extension(1, &bytes16(&[0; 8193]))), Malformed::Long("a host key")),
        (welcome(&extension(1, &[0; 4 * 9])), Malformed::Long("host_keys")),
    ];
    for (message, cause) in cases {
        assert_eq!(ends(&classical(), 1, &message), (malformed("Auth", cause), 1));
    }
}

/// [HELLO-11]
#[test]
fn unknown_extensions_of_welcome_are_ignored() {
    let (client, mut peer) = classical().client_awaits_welcome();
    let more = [extension(0, b"x"), extension(2, b""), extension(65_535, b"y")].concat();
    let mut record = peer.say(1, &[&[5, 0][..], &bytes16(&more)].concat());
    assert_eq!(welcomed(client.read(&mut record).unwrap()).other_host_keys, []);
}

/// [AUTH-14]
#[test]
fn a_protocol_that_the_client_did_not_name_gets_error_1() {
    let mut setup = classical();
    let told = (Error::Misbehaved(Misbehaved::NotOffered("an application protocol")), 1);
    assert_eq!(ends(&setup, 1, &[5, 1, b'a', 0, 0]), told, "it named none");
    setup.client.protocols = vec![b"a".to_vec(), b"b".to_vec()];
    assert_eq!(ends(&setup, 1, &[5, 1, b'A', 0, 0]), told);
    assert_eq!(ends(&setup, 1, &[5, 2, b'a', b'b', 0, 0]), told);
    for (name, taken) in [(&b"b"[..], &b"b"[..]), (b"", b"")] {
        let (client, mut peer) = setup.client_awaits_welcome();
        let message = [&[5, u8::try_from(name.len()).unwrap()][..], name, &[0, 0]].concat();
        let answer = client.read(&mut peer.say(1, &message)).unwrap();
        assert_eq!(welcomed(answer).established.protocol, taken);
    }
}

#[track_caller]
fn asked(client: AwaitWelcome, peer: &mut Peer) -> Box<AnswerPassword> {
    match client.read(&mut peer.say(1, &[3, 1, 0, 2, b'P', b'?'])).unwrap() {
        Answer::Password(question) => question,
        Answer::Welcome(_) => panic!("Welcome in the place of a question"),
    }
}

/// [AUTH-21] [AUTH-22] [WIRE-11]
#[test]
fn eight_questions_are_answered_and_the_ninth_gets_error_1_whatever_it_asks() {
    for ninth in [&[3, 1, 0, 0][..], &[3, 2, 0, 0]] {
        let (mut client, mut peer) = classical().client_awaits_welcome();
        for round in 0..8 {
            let question = asked(client, &mut peer);
            assert_eq!(question.prompt(), "P?");
            let (next, out) = question.answer(&format!("secret {round}")).unwrap();
            assert_eq!(out.len(), 2 + 512 + 16, "padded");
            let expected = [&[4, 1, 0, 8][..], format!("secret {round}").as_bytes()].concat();
            assert_eq!(peer.hear(&out), (1, expected));
            client = next;
        }
        let told = Error::Misbehaved(Misbehaved::TooMany("requests for another factor"));
        let result = client.read(&mut peer.say(1, ninth));
        assert_eq!(failed(result, &mut peer), (told, 1));
    }
}

/// [AUTH-22]
#[test]
fn a_client_that_cannot_or_will_not_answer_says_error_2() {
    let (client, mut peer) = classical().client_awaits_welcome();
    let question = asked(client, &mut peer);
    assert_eq!(said(&mut peer.opener, &question.decline()), padded(2));
    for method in [0, 2, 3, 255] {
        let unknown = "the server asks for a factor unknown to this version";
        let told = (Error::Denied(unknown.to_owned()), 2);
        assert_eq!(ends(&classical(), 1, &[3, method, 0, 1, 7]), told, "method {method}");
    }
}

/// [AUTH-19]
#[test]
fn a_password_is_prepared_and_has_1_to_1024_bytes() {
    let answer = |password: &str| {
        let (client, mut peer) = classical().client_awaits_welcome();
        match asked(client, &mut peer).answer(password) {
            Ok((_, out)) => Ok(String::from_utf8(peer.hear(&out).1[4..].to_vec()).unwrap()),
            Err(failure) => Err(failed(Err::<(), _>(failure), &mut peer)),
        }
    };
    let bad = "a password is 1 to 1,024 bytes long, without control characters";
    let refused = Err((Error::Denied(bad.to_owned()), 2));
    assert_eq!(answer("pass word"), Ok("pass word".to_owned()));
    assert_eq!(answer("a\u{a0}b"), Ok("a b".to_owned()), "other blanks become U+0020");
    assert_eq!(answer("e\u{301}"), Ok("\u{e9}".to_owned()), "normalised to NFC");
    assert_eq!(answer("Ab"), Ok("Ab".to_owned()), "case is kept");
    assert_eq!(answer(&"x".repeat(1024)), Ok("x".repeat(1024)));
    for password in ["", &"x".repeat(1025), "a\u{7}", "a\nb"] {
        assert_eq!(answer(password), refused, "{password:?}");
    }
}

/// [AUTH-11] [AUTH-21]
#[test]
fn a_server_asks_at_most_eight_times_and_no_eager_client() {
    let (mut client, mut server) = classical().authenticating();
    for _ in 0..8 {
        let (waiting, mut out) = server.ask_password("P").unwrap();
        let Answer::Password(question) = client.read(&mut out).unwrap() else { panic!() };
        let (next, mut out) = question.answer("secret").unwrap();
        let (admitted, password) = waiting.read(&mut out).unwrap();
        assert_eq!(*password, "secret");
        (client, server) = (next, admitted);
    }
    let setting = |text| Error::Misuse(Misuse::Setting(text));
    let many = setting("a client can be asked for at most 8 factors");
    assert_eq!(server.ask_password("P").map(|_| ()).unwrap_err().1, many);
    let (_, server) = classical().authenticating();
    let bad = setting("a prompt is at most 255 bytes without control characters");
    assert_eq!(server.ask_password(&"x".repeat(256)).map(|_| ()).unwrap_err().1, bad);
    let (_, server) = classical().eager().authenticating();
    let eager = Error::Incompatible(Incompatible::Eager);
    assert_eq!(server.ask_password("P").map(|_| ()).unwrap_err().1, eager);
}

/// [WIRE-10] [WIRE-11] [AUTH-19] [ERR-5] [AUTH-1]
#[test]
fn a_server_that_asked_answers_anything_else_with_error_1() {
    let auth = Auth::of_client(identity(CLIENT));
    let meet = |kind: u8, content: &[u8]| {
        let (server, mut peer) = classical().server_authenticates(&auth);
        let (server, out) = server.ask_password("P").unwrap();
        assert_eq!(peer.hear(&out).0, 1);
        let mut record = peer.say(kind, content);
        failed(server.read(&mut record), &mut peer)
    };
    let with = |cause| (malformed("AuthResponse", cause), 1);
    for (kind, name) in OTHER_RECORDS {
        assert_eq!(meet(kind, b""), (unexpected(name, "awaiting AuthResponse"), 1));
    }
    assert_eq!(meet(0, b""), (Error::Misbehaved(Misbehaved::NoType), 1));
    assert_eq!(meet(1, b""), with(Malformed::Short("the type")));
    assert_eq!(meet(1, &[2, 0]), with(Malformed::Value("the type")));
    assert_eq!(meet(1, &[4, 2, 0, 1, b'x']), with(Malformed::Value("the method")));
    assert_eq!(meet(1, &[4, 1, 0, 0]), with(Malformed::Empty("the password")));
    assert_eq!(meet(1, &[4, 1, 0, 2, b'x']), with(Malformed::Short("the password")));
    assert_eq!(meet(1, &[4, 1, 0, 1, b'x', 0]), with(Malformed::Leftover("the password")));
    assert_eq!(meet(1, &[4, 1, 0, 1, 0xff]), with(Malformed::Text("the password")));
    let long = [&[4, 1][..], &bytes16(&[b'x'; 1025])].concat();
    assert_eq!(meet(1, &long), with(Malformed::Long("the password")));
    assert_eq!(meet(4, &[0, 2, 0]), (malformed("Error", Malformed::Short("the text")), 1));

    let (server, mut peer) = classical().server_authenticates(&auth);
    let (server, out) = server.ask_password("P").unwrap();
    assert_eq!(peer.hear(&out).0, 1);
    let mut record = peer.say(1, &[4, 1, 0, 1, b'x']);
    record[3] ^= 1;
    assert_eq!(failed(server.read(&mut record), &mut peer), (Error::Decrypt, 1));
    // the deadline
    let (server, mut peer) = classical().server_authenticates(&auth);
    let (server, out) = server.ask_password("P").unwrap();
    assert_eq!(peer.hear(&out).0, 1);
    assert_eq!(said(&mut peer.opener, &server.abandon(ErrorCode::TimedOut)), padded(3));
}

/// [AUTH-11]
#[test]
fn an_eager_client_is_not_asked() {
    let told = (unexpected("AuthRequest", "eager, awaiting Welcome"), 1);
    assert_eq!(ends(&classical().eager(), 1, &[3, 1, 0, 0]), told);
    assert_eq!(ends(&classical().eager(), 1, &[3, 2, 0, 0]), told);
    let mut setup = classical().eager();
    setup.client.protocols = vec![b"a".to_vec(), b"b".to_vec()];
    let Ok(fresh) = crate::handshake::ClientFresh::draw(&mut setup.rng(1));
    let started = crate::handshake::client::start(std::sync::Arc::new(setup.client), fresh);
    let two = "an eager client names at most one application protocol";
    assert_eq!(started.map(|_| ()).unwrap_err(), Error::Misuse(Misuse::Setting(two)));
}

/// [AUTH-11] [AUTH-12] [CLOSE-1] [WIRE-12]
#[test]
fn eager_data_and_close_go_ahead_of_welcome_and_count_behind_it() {
    let (mut client, server) = classical().eager().authenticating();
    assert!(server.claims().eager);
    let mut early = client.eager_data(b"one").unwrap();
    early.extend(client.eager_data(b"two").unwrap());
    early.extend(client.eager_close().unwrap());
    let closed = Error::Misuse(Misuse::AfterClose);
    assert_eq!(client.eager_data(b"three").unwrap_err(), closed);
    assert_eq!(client.eager_close().unwrap_err(), closed);
    let (server, mut welcome) = server.welcome().unwrap();
    let mut server = server.session;
    let mut rng = classical().rng(3);
    let seen = take(&mut server, &early, noon(), &mut rng);
    assert_eq!(seen, Ok(vec![data("one"), data("two"), Seen::Closed]));
    let mut session = welcomed(client.read(&mut welcome).unwrap()).established.session;
    assert_eq!(session.send(b"x", &mut Vec::new()), Err(closed));
    let mut out = Vec::new();
    session.close(&mut out).unwrap();
    assert_eq!(out, Vec::<u8>::new(), "no second Close");
    server.send(b"answer", &mut out).unwrap();
    server.close(&mut out).unwrap();
    let seen = take(&mut session, &out, noon(), &mut rng);
    assert_eq!(seen, Ok(vec![data("answer"), Seen::Closed]));
    assert!(session.is_over() && server.is_over());
}

/// [AUTH-11] [REC-8]
#[test]
fn only_an_eager_client_may_send_before_welcome() {
    let setting = |text| Error::Misuse(Misuse::Setting(text));
    let length = setting("before Welcome an eager client may send 1 to 65,518 bytes at a time");
    let (mut client, _) = classical().authenticating();
    assert_eq!(client.eager_data(b"x").unwrap_err(), length);
    let close = setting("before Welcome only an eager client may send Close");
    assert_eq!(client.eager_close().unwrap_err(), close);
    let (mut client, _) = classical().eager().authenticating();
    assert_eq!(client.eager_data(b"").unwrap_err(), length);
    assert_eq!(client.eager_data(&[0; 65_519]).unwrap_err(), length);
    assert_eq!(client.eager_data(&[0; 65_518]).unwrap().len(), 65_537);
    let auth = {
        let mut auth = Auth::of_client(identity(CLIENT));
        auth.front = client_front(1, b"", &[b"one"]);
        auth
    };
    let (server, _) = classical().server_authenticates(&auth);
    assert!(server.claims().eager);
    assert_eq!(server.claims().protocols, [b"one".to_vec()]);
}

/// [AUTH-23] [SIG-5]
#[test]
fn welcome_names_each_other_key_of_the_set_once_and_eight_at_most() {
    let others = |identities: Identities, name: Option<&str>| {
        let mut setup = classical();
        setup.server.identities = identities;
        setup.client.server_name = name.map(str::to_owned);
        setup.established().0.other_host_keys
    };
    let keys = |seeds: &[u8]| -> Vec<PublicKey> {
        seeds.iter().map(|seed| identity(*seed).public_key().clone()).collect()
    };
    let one = || Identities::new(identity(HOST));
    assert_eq!(others(one(), None), []);
    assert_eq!(others(one().and(identity(4)).and(identity(5)), None), keys(&[4, 5]));
    let twice = one().and(identity(4)).and(identity(HOST)).named("x", identity(4));
    assert_eq!(others(twice, None), keys(&[4]));
    let sets = one().and(identity(4)).named("x", identity(5)).named("x", identity(6));
    assert_eq!(others(sets.clone(), Some("x")), keys(&[6]));
    assert_eq!(others(sets, None), keys(&[4, 5, 6]));
    let many = (10..30).fold(one(), |all, seed| all.and(identity(seed)));
    assert_eq!(others(many, None), keys(&(10..18).collect::<Vec<_>>()));
}

/// [SIG-5] [AUTH-24]
#[test]
fn a_host_key_without_a_good_proof_is_passed_over() {
    let (client, mut peer) = classical().client_awaits_welcome();
    let exporter = peer.generation.traffic().unwrap().exporter().unwrap();
    let proof = |seed: u8, signer: u8, namespace: &str, context: &[u8]| {
        let mut challenge = [0; 32];
        exporter.export_reserved("host key", context, &mut challenge).unwrap();
        let signed = sshsig::signed_data(namespace, &challenge);
        let signature = sshsig::signature_blob(&identity(signer).sign(&signed));
        [bytes16(&identity(seed).public_key().blob()), bytes16(&signature)].concat()
    };
    let blob = |seed: u8| identity(seed).public_key().blob();
    let rotate = "handfast-v1-rotate";
    let body = [
        proof(10, 10, rotate, &blob(10)),
        proof(11, 10, rotate, &blob(11)),
        proof(12, 12, "handfast-v1-server", &blob(12)),
        proof(13, 13, rotate, &blob(10)),
        [bytes16(b"\0\0\0\x07ssh-rsa"), bytes16(&[1; 83])].concat(),
        [bytes16(&blob(14)), bytes16(b"")].concat(),
        proof(15, 15, rotate, &blob(15)),
    ]
    .concat();
    let message = [&[5, 0][..], &bytes16(&extension(1, &body))].concat();
    let welcome = welcomed(client.read(&mut peer.say(1, &message)).unwrap());
    let keys = [10, 15].map(|seed| identity(seed).public_key().clone());
    assert_eq!(welcome.other_host_keys, keys);
}
