//! What a server answers to hellos, and to what is none.

use handfast::auth::{Attempt, Authenticator, ip_allowlist, public_key};
use handfast::key::PublicKey;
use handfast::trust::AuthorizedKeys;
use handfast::{AcceptError, Cipher, Error, Foreign, Incompatible, Misbehaved, Server};

use crate::wire::support::client::{Hello, say_hello};
use crate::wire::support::crypto::key_blob;
use crate::wire::support::link::{End, Link, SILENCE};
use crate::wire::support::messages::{
    HINTS, MLKEM, Proof, REFUSAL, SERVER_HELLO, SERVER_NAME, frame,
};
use crate::wire::support::rig::{ALICE, Accepted, HOST, identity, serve, server, soon};

fn refusal(code: u8) -> End {
    End::Closed(frame(1, REFUSAL, &[code]))
}

/// Sends `bytes`, then reads to the end: what came, and why the server gave up. No authenticator
/// may have been called.
async fn answer(server: &Server<impl Authenticator + 'static>, bytes: &[u8]) -> (End, AcceptError) {
    let (io, task) = serve(server);
    let mut link = Link::new(io);
    link.offer(bytes).await;
    let end = soon(link.end()).await;
    drop(link);
    let Err(error) = task.await.unwrap() else { panic!("admitted") };
    (end, error)
}

async fn refused(bytes: &[u8]) -> End {
    let (server, called) = server();
    let (end, _) = answer(&server, bytes).await;
    assert_eq!(called.get(), 0, "no authenticator is called");
    end
}

/// [HELLO-2] [ERR-5]
#[tokio::test]
async fn foreign_protocols_are_met_with_silence_and_named_in_the_log() {
    let cases: [(&[u8], Foreign); 9] = [
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", Foreign::Tls),
        (b"SSH-2.0-OpenSSH_10.0\r\n", Foreign::Ssh),
        (b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", Foreign::Http),
        (b"POST / HTTP/1.1\r\n\r\n", Foreign::Http),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", Foreign::Http),
        (b"\x00\x00\x00\x00\x00", Foreign::Other),
        (b"\xff\xff\xff", Foreign::Other),
        (b"\x89PNG\r\n\x1a\n", Foreign::Other),
        (b"\x89HG\x01\x01\x00\x00", Foreign::Other),
    ];
    for (bytes, foreign) in cases {
        let (server, called) = server();
        let (end, error) = answer(&server, bytes).await;
        assert_eq!(end, SILENCE, "{bytes:?}");
        assert_eq!(called.get(), 0);
        let AcceptError::Handshake(Error::Foreign(named)) = error else { panic!("{error}") };
        assert_eq!(named, foreign, "{bytes:?}");
    }
}

/// [HELLO-3]
#[tokio::test]
async fn frames_of_another_type_are_met_with_silence() {
    for kind in [0, SERVER_HELLO, REFUSAL, 4, 255] {
        let mut hello = Hello::new();
        hello.kind = kind;
        assert_eq!(refused(&hello.frame()).await, SILENCE, "{kind}");
    }
}

/// [HELLO-1]
#[tokio::test]
async fn any_form_but_1_is_answered_with_refusal_1() {
    for form in [0, 2, 3, 255] {
        let mut hello = Hello::new();
        hello.form = form;
        assert_eq!(refused(&hello.frame()).await, refusal(1), "{form}");
        hello.kind = 77;
        assert_eq!(refused(&hello.frame()[..4]).await, refusal(1), "nothing else is read");
    }
}

/// [HELLO-4] [HELLO-5] [WIRE-1] [WIRE-2] [WIRE-3] [WIRE-4] [HINT-1] [KEX-6]
#[tokio::test]
async fn malformed_hellos_are_answered_with_refusal_4() {
    let base = Hello::new();
    let swapped = |a: usize, b: usize| {
        let mut hello = base.clone();
        hello.extensions.swap(a, b);
        hello.frame()
    };
    let tail = |bytes: &[u8]| Hello { tail: bytes.to_vec(), ..base.clone() }.frame();
    let body = base.body();
    let cut = |n: usize| frame(1, 1, &body[..n]);
    let doubled = {
        let mut hello = base.clone();
        let last = hello.extensions.last().unwrap().clone();
        hello.extensions.push(last);
        hello.frame()
    };
    let many = |n: u16| {
        let mut hello = base.clone();
        hello.extensions.extend((0..n).map(|n| (0x5000 + n, Vec::new())));
        hello.frame()
    };
    let bad_kem = |at: usize| {
        let mut key = base.extensions[0].1.clone();
        // 0xfff is no coefficient below q = 3329
        key[at..at + 2].copy_from_slice(&[0xff, 0xff]);
        base.clone().with(MLKEM, key).frame()
    };
    let name = |name: &[u8]| base.clone().with(SERVER_NAME, name.to_vec()).frame();
    let kem = base.extensions[0].1.clone();
    let cases = [
        ("no AEAD", base.clone().aeads(&[]).frame()),
        ("an AEAD twice", base.clone().aeads(&[1, 2, 1]).frame()),
        ("17 AEADs", base.clone().aeads(&(1..=17).collect::<Vec<u8>>()).frame()),
        ("types descend", swapped(0, 1)),
        ("a type twice", doubled),
        ("17 extensions", many(14)),
        ("a byte left over", tail(&[0])),
        ("empty body", frame(1, 1, &[])),
        ("cut in random", cut(31)),
        ("cut in x25519", cut(63)),
        ("cut before AEADs", cut(64)),
        ("cut in AEADs", cut(66)),
        ("cut before extensions", cut(67)),
        ("cut in extensions", cut(body.len() - 1)),
        ("7 hints", base.clone().with(HINTS, vec![0; 112]).frame()),
        ("9 hints", base.clone().with(HINTS, vec![0; 144]).frame()),
        ("no hint bytes", base.clone().with(HINTS, Vec::new()).frame()),
        ("short ML-KEM key", base.clone().with(MLKEM, kem[1..].to_vec()).frame()),
        ("long ML-KEM key", base.clone().with(MLKEM, [kem, vec![0]].concat()).frame()),
        ("first coefficient", bad_kem(0)),
        ("last coefficient", bad_kem(1150)),
        ("empty name", name(b"")),
        ("name of 254", name(&[b'a'; 254])),
        ("upper case", name(b"Example.org")),
        ("dot at the end", name(b"example.org.")),
        ("a space", name(b"a b")),
        ("not ASCII", name("é".as_bytes())),
    ];
    for (what, bytes) in cases {
        assert_eq!(refused(&bytes).await, refusal(4), "{what}");
    }
}

/// [HELLO-4] [LIM-1]
#[tokio::test]
async fn a_hello_body_over_4096_is_refused_before_it_is_there() {
    let header = [&frame(1, 1, &[])[..5], &4097_u16.to_be_bytes()].concat();
    assert_eq!(refused(&header).await, refusal(4));
    let header = [&frame(1, 1, &[])[..5], &65535_u16.to_be_bytes()].concat();
    assert_eq!(refused(&header).await, refusal(4));
}

/// [HELLO-4] [HELLO-9]
#[tokio::test]
async fn a_hello_of_exactly_4096_bytes_and_16_extensions_is_taken() {
    let mut hello = Hello::new();
    hello.extensions.extend((0..12).map(|n| (0x5000 + n, vec![7; 3])));
    hello.extensions.push((0xffff, Vec::new()));
    assert_eq!(hello.extensions.len(), 16);
    let room = 4096 - hello.body().len();
    hello.extensions.last_mut().unwrap().1 = vec![9; room];
    assert_eq!(hello.body().len(), 4096);
    let (server, _) = server();
    let (io, _task) = serve(&server);
    soon(async { say_hello(io, &hello).await.server_auth().await }).await;
}

/// [HELLO-6]
#[tokio::test]
async fn no_aead_in_common_is_refusal_2() {
    let (server, called) = server();
    let server = server.ciphers([Cipher::Aes256Gcm]);
    let (end, error) = answer(&server, &Hello::new().frame()).await;
    assert_eq!((end, called.get()), (refusal(2), 0));
    assert!(matches!(error, AcceptError::Handshake(Error::Incompatible(Incompatible::Aead))));
    assert_eq!(
        refused(&Hello::new().aeads(&[0x1a, 0x3a, 0x5a, 0x7a, 3, 0]).frame()).await,
        refusal(2)
    );
}

/// [KEX-4] [HELLO-14]
#[tokio::test]
async fn a_hello_without_mlkem_is_refusal_3_and_the_aead_is_looked_at_first() {
    let classical = Hello::new().without(MLKEM);
    assert_eq!(refused(&classical.frame()).await, refusal(3));
    assert_eq!(refused(&classical.clone().aeads(&[99]).frame()).await, refusal(2));
    let malformed = Hello { tail: vec![0], ..classical.aeads(&[99]) };
    assert_eq!(refused(&malformed.frame()).await, refusal(4), "parsing comes first of all");
}

/// Points of small order, and one that only reduction makes one.
fn weak_points() -> [[u8; 32]; 4] {
    let mut one = [0; 32];
    one[0] = 1;
    let mut p = [0xff; 32];
    (p[0], p[31]) = (0xed, 0x7f);
    let mut minus_one = p;
    minus_one[0] = 0xec;
    [[0; 32], one, p, minus_one]
}

/// [KEX-2]
#[tokio::test]
async fn an_x25519_share_that_gives_zeros_is_refusal_4() {
    for point in weak_points() {
        let hello = Hello { x25519: Some(point), ..Hello::new() };
        let (server, called) = server();
        let (end, error) = answer(&server, &hello.frame()).await;
        assert_eq!((end, called.get()), (refusal(4), 0));
        let share = AcceptError::Handshake(Error::Misbehaved(Misbehaved::KeyShare));
        assert_eq!(error.to_string(), share.to_string());
    }
    // anything else goes: the high bit is ignored, as RFC 7748 says
    let mut hello = Hello::new();
    let mut public = hello.public();
    public[31] |= 0x80;
    hello.x25519 = Some(public);
    let (server, _) = server();
    let (io, _task) = serve(&server);
    soon(async { say_hello(io, &hello).await.server_auth().await }).await;
}

/// [HELLO-15] [HELLO-14]
#[tokio::test]
async fn an_address_that_is_not_allowed_is_refusal_6_once_the_hello_is_read() {
    let called = crate::wire::support::rig::Calls::default();
    let count = called.clone();
    let later = move |attempt: Attempt| {
        count.count();
        async move { attempt.admit(()) }
    };
    let keys = AuthorizedKeys::parse("keys", public_line(&ALICE).as_bytes()).unwrap();
    let stack = ip_allowlist(["203.0.113.0/24"]).unwrap().and(later).and(public_key(keys));
    let server = Server::new(identity(&HOST)).authenticator(stack);
    // nothing is said before the hello is there
    let (io, task) = serve(&server);
    let mut link = Link::new(io);
    let hello = Hello::new().frame();
    link.send(&hello[..hello.len() - 1]).await;
    tokio::task::yield_now().await;
    link.send(&hello[hello.len() - 1..]).await;
    assert_eq!(soon(link.end()).await, refusal(6));
    assert!(matches!(task.await.unwrap(), Err(AcceptError::Denied { .. })));
    assert_eq!(called.get(), 0, "what stands behind the address list is not asked");
    // a share that gives zeros is not noticed: no key operation was done
    let weak = Hello { x25519: Some([0; 32]), ..Hello::new() };
    assert_eq!(answer(&server, &weak.frame()).await.0, refusal(6));
    // what is wrong with the hello comes first
    for (bytes, end) in [
        (Hello { tail: vec![0], ..Hello::new() }.frame(), refusal(4)),
        (Hello::new().without(MLKEM).frame(), refusal(3)),
        (Hello::new().aeads(&[9]).frame(), refusal(2)),
        (frame(2, 1, &[]), refusal(1)),
        (b"GET / HTTP/1.1".to_vec(), SILENCE),
    ] {
        assert_eq!(answer(&server, &bytes).await.0, end);
    }
}

fn public_line(seed: &[u8; 32]) -> String {
    let key: PublicKey = identity(seed).public_key().clone();
    key.to_string()
}

/// [HELLO-4] [CLOSE-4]
#[tokio::test]
async fn a_hello_cut_off_anywhere_is_met_with_silence() {
    let hello = Hello::new().frame();
    for n in (0..80).chain([hello.len() / 2, hello.len() - 1]) {
        let (server, called) = server();
        let (io, task) = serve(&server);
        let mut link = Link::new(io);
        link.send(&hello[..n]).await;
        tokio::io::AsyncWriteExt::shutdown(&mut link.io).await.unwrap();
        assert_eq!(soon(link.end()).await, SILENCE, "{n}");
        let result: Accepted = task.await.unwrap();
        assert!(matches!(result, Err(AcceptError::Closed { .. })), "{n}");
        assert_eq!(called.get(), 0);
    }
}

/// [WIRE-9] [HELLO-4]
#[tokio::test]
async fn a_hello_that_comes_byte_by_byte_is_taken() {
    let (server, _) = server();
    let (io, task) = serve(&server);
    let hello = Hello::new();
    let mut channel = {
        // one byte at a time through a pipe that holds one
        let (near, far) = tokio::io::duplex(1);
        let mut far = far;
        let mut io = io;
        tokio::spawn(async move { tokio::io::copy_bidirectional(&mut far, &mut io).await });
        soon(say_hello(near, &hello)).await
    };
    assert_eq!(soon(channel.server_auth()).await, key_blob(&HOST));
    channel.client_auth(&Proof::of_client(&ALICE)).await;
    soon(channel.welcome()).await;
    task.await.unwrap().unwrap();
}
