//! How authenticators decide, alone and stacked: who is asked for what, in which order, and who is
//! admitted.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]
#![expect(clippy::panic, reason = "a test that finds something else fails")]

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, RwLock};

#[cfg(unix)]
use handfast::auth::public_key_by_login;
use handfast::auth::{
    Admitted, Attempt, Authenticator, Denied, Either, Password, PeerAddr, anonymous, ip_allowlist,
    nobody, password, public_key,
};
use handfast::key::Identity;
use handfast::server::TurnedAway;
#[cfg(unix)]
use handfast::trust::StrictModes;
use handfast::trust::{AuthorizedKeys, Host, PinnedKeys};
use handfast::{AcceptError, Client, ConnectError, Error, ErrorCode, Peer, Refusal, Server};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use zeroize::Zeroizing;

mod files;

/// Who connects.
#[derive(Clone)]
struct Caller {
    identity: Option<Identity>,
    login: &'static str,
    password: Option<&'static str>,
    from: &'static str,
    eager: bool,
}

impl Caller {
    fn with_key(identity: &Identity) -> Self {
        Self { identity: Some(identity.clone()), ..Self::without_key() }
    }

    const fn without_key() -> Self {
        Self { identity: None, login: "alice", password: None, from: "192.0.2.1:7", eager: false }
    }

    const fn with_password(mut self, password: &'static str) -> Self {
        self.password = Some(password);
        self
    }

    const fn from(mut self, from: &'static str) -> Self {
        self.from = from;
        self
    }
}

type Outcome<C> = (Result<Peer<C>, AcceptError>, Result<(), ConnectError>);

/// One client against one stack.
async fn meet<A: Authenticator + 'static>(stack: A, caller: Caller) -> Outcome<A::Credentials>
where
    A::Credentials: 'static,
{
    let host = Identity::generate().unwrap();
    let mut client = Client::new()
        .host_verifier(PinnedKeys::new([host.public_key().clone()]))
        .login(caller.login);
    if let Some(identity) = caller.identity {
        client = client.identity(identity);
    }
    if let Some(password) = caller.password {
        client = client.password(move |request| {
            assert_eq!((request.login, request.host.name()), ("alice", "example.org"));
            Some(Zeroizing::new(password.to_owned()))
        });
    }
    let (near, far) = tokio::io::duplex(1 << 16);
    let from = PeerAddr::Ip(caller.from.parse::<SocketAddr>().unwrap());
    let server = Server::new(host).authenticator(stack);
    let target = Host::new("example.org", 7000).unwrap();
    let call = async {
        let stream = if caller.eager {
            client.connect_over_eager(near, &target, b"early").await?
        } else {
            client.connect_over(near, &target).await?
        };
        Ok::<_, ConnectError>(stream)
    };
    let (accepted, connected) = tokio::join!(server.accept_over(far, from), call);
    if let (Ok((theirs, _)), Ok(ours)) = (&accepted, &connected) {
        assert_eq!(theirs.channel_binding(), ours.channel_binding(), "both know the same channel");
    }
    (accepted.map(|(_, peer)| peer), connected.map(drop))
}

fn authorized(keys: &[&Identity]) -> AuthorizedKeys {
    let lines: String =
        keys.iter().map(|key| format!("{} a comment\n", key.public_key())).collect();
    AuthorizedKeys::parse("authorized_keys", lines.as_bytes()).unwrap()
}

fn key() -> Identity {
    Identity::generate().unwrap()
}

#[track_caller]
fn assert_denied<C: std::fmt::Debug>((accepted, connected): Outcome<C>, reason: &str) {
    match accepted {
        Err(AcceptError::Denied { reason: found }) if found.contains(reason) => {}
        other => panic!("{other:?}, not denied for `{reason}`"),
    }
    match connected {
        Err(ConnectError::Handshake(Error::Ended(farewell))) => {
            assert_eq!(farewell.code, ErrorCode::PermissionDenied, "refusals look alike");
            assert_eq!(farewell.text, "", "and say nothing");
        }
        other => panic!("{other:?} in the place of Error 2"),
    }
}

#[track_caller]
fn assert_admitted<C: std::fmt::Debug>((accepted, connected): Outcome<C>) -> Peer<C> {
    connected.unwrap();
    accepted.unwrap()
}

fn yes(calls: &Arc<AtomicUsize>) -> impl Authenticator<Credentials = &'static str> + use<> {
    let calls = Arc::clone(calls);
    move |mut attempt: Attempt| {
        calls.fetch_add(1, Ordering::Relaxed);
        async move {
            let _ = attempt.public_key().await;
            attempt.admit("yes")
        }
    }
}

fn no(calls: &Arc<AtomicUsize>) -> impl Authenticator<Credentials = &'static str> + use<> {
    let calls = Arc::clone(calls);
    move |mut attempt: Attempt| {
        calls.fetch_add(1, Ordering::Relaxed);
        async move {
            let _ = attempt.public_key().await;
            attempt.deny("no")
        }
    }
}

#[tokio::test]
async fn a_listed_key_is_admitted_and_its_line_told() {
    crate::limit::bounded();
    let alice = key();
    let peer =
        assert_admitted(meet(public_key(authorized(&[&alice])), Caller::with_key(&alice)).await);
    assert_eq!(peer.key.as_ref(), Some(alice.public_key()));
    assert_eq!(peer.credentials.key, *alice.public_key());
    assert_eq!(peer.credentials.place.to_string(), "authorized_keys:1");
    assert_eq!(peer.credentials.comment, "a comment");
    assert_eq!(peer.login, "alice");
    assert_eq!((peer.target.name.as_str(), peer.target.port), ("example.org", 7000));
}

/// [AUTH-15]
#[tokio::test]
async fn another_key_or_none_is_denied() {
    crate::limit::bounded();
    let (alice, bob) = (key(), key());
    let stack = || public_key(authorized(&[&alice]));
    assert_denied(meet(stack(), Caller::with_key(&bob)).await, "no line of authorized_keys");
    assert_denied(meet(stack(), Caller::without_key()).await, "the client proved no key");
    assert_denied(meet(nobody(), Caller::with_key(&alice)).await, "admits nobody");
}

#[tokio::test]
async fn and_or_follow_their_truth_tables_and_ask_no_more_than_they_must() {
    crate::limit::bounded();
    for (first, second) in [(true, true), (true, false), (false, true), (false, false)] {
        for or in [false, true] {
            let (a, b) = (Arc::<AtomicUsize>::default(), Arc::<AtomicUsize>::default());
            let layer = |says, calls: &Arc<AtomicUsize>| {
                if says { yes(calls).boxed() } else { no(calls).boxed() }
            };
            let caller = Caller::with_key(&key());
            let (x, y) = (layer(first, &a), layer(second, &b));
            let (admitted, asked_second) = if or {
                (meet(x.or(y), caller).await.0.is_ok(), !first)
            } else {
                (meet(x.and(y), caller).await.0.is_ok(), first)
            };
            let expected = if or { first || second } else { first && second };
            assert_eq!(admitted, expected, "{first} {second} or={or}");
            assert_eq!(a.load(Ordering::Relaxed), 1, "the first is asked once");
            assert_eq!(b.load(Ordering::Relaxed), usize::from(asked_second), "the second");
        }
    }
}

#[tokio::test]
async fn credentials_are_those_of_the_path_that_admitted() {
    crate::limit::bounded();
    let (alice, calls) = (key(), Arc::<AtomicUsize>::default());
    let both = yes(&calls).and(yes(&calls).map(str::len));
    assert_eq!(assert_admitted(meet(both, Caller::with_key(&alice)).await).credentials, ("yes", 3));
    let either = no(&calls).or(yes(&calls).map(str::len));
    let peer = assert_admitted(meet(either, Caller::with_key(&alice)).await);
    assert_eq!(peer.credentials, Either::Second(3));
    let same = no(&calls).or(yes(&calls)).map(Either::into_inner);
    assert_eq!(assert_admitted(meet(same, Caller::with_key(&alice)).await).credentials, "yes");
}

#[tokio::test]
async fn the_stack_of_the_documentation_runs() {
    crate::limit::bounded();
    let alice = key();
    let office_hours = |attempt: Attempt| async move { attempt.admit("open") };
    let users = |login: String, password: Password| async move {
        (login == "alice" && password.matches("correct horse")).then_some(login)
    };
    let stack = || {
        ip_allowlist(["192.0.2.0/24"])
            .unwrap()
            .and(public_key(authorized(&[&alice])).or(password(users)))
            .and(office_hours)
    };
    let ((), by_key) = assert_admitted(meet(stack(), Caller::with_key(&alice)).await).credentials.0;
    assert!(matches!(by_key, Either::First(login) if login.key == *alice.public_key()));

    let stranger = Caller::with_key(&key()).with_password("correct horse");
    let ((), by_password) = assert_admitted(meet(stack(), stranger).await).credentials.0;
    assert!(matches!(by_password, Either::Second(login) if login == "alice"));

    let wrong = Caller::without_key().with_password("wrong horse");
    assert_denied(meet(stack(), wrong).await, "wrong password for `alice`");
}

/// [HELLO-15]
#[tokio::test]
async fn an_address_is_refused_in_the_clear_before_any_key_is_looked_at() {
    crate::limit::bounded();
    let (alice, calls) = (key(), Arc::<AtomicUsize>::default());
    let stack = ip_allowlist(["10.0.0.0/8", "2001:db8::/32", "::1"]).unwrap().and(yes(&calls));
    let (accepted, connected) = meet(stack, Caller::with_key(&alice)).await;
    assert!(
        matches!(accepted, Err(AcceptError::Denied { reason }) if reason.contains("192.0.2.1"))
    );
    assert!(matches!(connected, Err(ConnectError::Handshake(Error::Refused(Refusal::NotAllowed)))));
    assert_eq!(calls.load(Ordering::Relaxed), 0, "nobody behind it was asked");
}

/// [HELLO-15]
#[tokio::test]
async fn an_address_is_refused_in_silence_where_that_is_set() {
    crate::limit::bounded();
    let server = Server::new(key())
        .authenticator(ip_allowlist(["10.0.0.0/8"]).unwrap().and(anonymous()))
        .turned_away(TurnedAway::InSilence);
    let (near, far) = tokio::io::duplex(1 << 16);
    let (client, target) = (Client::new(), Host::new("example.org", 0).unwrap());
    let (accepted, connected) = tokio::join!(
        server.accept_over(far, PeerAddr::Unknown),
        client.connect_over(near, &target)
    );
    assert!(matches!(accepted, Err(AcceptError::Denied { .. })));
    assert!(matches!(connected, Err(ConnectError::Closed { waiting_for: "ServerHello" })));
}

#[tokio::test]
async fn networks_are_matched_by_address() {
    crate::limit::bounded();
    for (network, from, admitted) in [
        ("10.0.0.0/8", "10.255.0.1:1", true),
        ("10.0.0.0/8", "11.0.0.1:1", false),
        ("10.0.0.0/8", "[::ffff:10.1.2.3]:1", true),
        ("::ffff:10.1.2.3", "10.1.2.3:1", true),
        ("2001:db8::/32", "[2001:db8:1::1]:1", true),
        ("2001:db8::/32", "[2001:db9::1]:1", false),
        ("0.0.0.0/0", "[::1]:1", false),
        ("::/0", "10.0.0.1:1", false),
    ] {
        let stack = ip_allowlist([network]).unwrap().and(anonymous());
        let (accepted, _) = meet(stack, Caller::without_key().from(from)).await;
        assert_eq!(accepted.is_ok(), admitted, "{from} in {network}");
    }
}

#[test]
fn texts_that_are_no_network_are_refused_with_the_reason() {
    for (text, reason) in [
        ("10.0.0.1/8", "bits are set behind its prefix"),
        ("10.0.0.0/33", "expected a network"),
        ("10.1", "expected a network"),
        ("012.1.2.3", "expected a network"),
        ("example.org", "expected a network"),
        ("", "expected a network"),
    ] {
        let error = ip_allowlist([text]).unwrap_err().to_string();
        assert!(error.contains(reason) && error.starts_with(&format!("`{text}`")), "{error}");
    }
}

/// [AUTH-10]
#[tokio::test]
async fn a_stack_that_proved_nothing_admits_nobody_unless_anonymity_was_asked_for() {
    crate::limit::bounded();
    let alice = key();
    let open = |attempt: Attempt| async move { attempt.admit(()) };
    let named = |mut attempt: Attempt| async move {
        let login = attempt.login().await;
        attempt.admit(login)
    };
    let here = || ip_allowlist(["192.0.2.0/24"]).unwrap();
    for caller in [Caller::without_key(), Caller::with_key(&alice)] {
        assert_denied(meet(here(), caller.clone()).await, "nothing was proved");
        assert_denied(meet(open, caller.clone()).await, "nothing was proved");
        assert_denied(meet(here().and(named), caller.clone()).await, "nothing was proved");
        assert_admitted(meet(here().and(anonymous()), caller).await);
    }
}

/// [AUTH-10]
#[tokio::test]
async fn what_a_branch_that_denied_had_seen_proves_nothing_for_another() {
    crate::limit::bounded();
    let (alice, bob) = (key(), key());
    let open = |attempt: Attempt| async move { attempt.admit(()) };
    let stack = || public_key(authorized(&[&alice])).or(open);
    assert_admitted(meet(stack(), Caller::with_key(&alice)).await);
    assert_denied(meet(stack(), Caller::with_key(&bob)).await, "nothing was proved");
    // the same through a closure that passes the attempt on
    let wrapped = |attempt: Attempt| async move {
        let attempt = match public_key(authorized(&[])).authenticate(attempt).await {
            Ok(admitted) => admitted.into_parts().1,
            Err(denied) => denied.into_attempt(),
        };
        attempt.admit(())
    };
    assert_denied(meet(wrapped, Caller::with_key(&bob)).await, "nothing was proved");
}

#[tokio::test]
async fn a_closure_decides_by_what_it_pulls() {
    crate::limit::bounded();
    let alice = key();
    let wanted = alice.public_key().clone();
    let stack = move |mut attempt: Attempt| {
        let wanted = wanted.clone();
        async move {
            let key = attempt.public_key().await;
            let login = attempt.login().await;
            let target = attempt.target().await;
            match key {
                Some(key) if key == wanted && target.name == "example.org" => attempt.admit(login),
                _ => attempt.deny("not alice"),
            }
        }
    };
    let peer = assert_admitted(meet(stack.clone(), Caller::with_key(&alice)).await);
    assert_eq!(peer.credentials, "alice");
    assert_denied(meet(stack, Caller::with_key(&key())).await, "not alice");
}

/// [AUTH-21]
#[tokio::test]
async fn a_password_is_asked_for_again_and_again_up_to_eight_times() {
    crate::limit::bounded();
    let tries = |times: usize| {
        move |mut attempt: Attempt| async move {
            for _ in 0..times {
                let given = attempt.password("Again: ").await;
                if !given.matches("pa\u{df}wort") {
                    return attempt.deny("wrong");
                }
            }
            attempt.admit(times)
        }
    };
    let caller = Caller::without_key().with_password("pa\u{df}wort");
    assert_eq!(assert_admitted(meet(tries(8), caller.clone()).await).credentials, 8);
    let (accepted, connected) = meet(tries(9), caller).await;
    assert!(matches!(accepted, Err(AcceptError::Handshake(Error::Misuse(_)))), "{accepted:?}");
    assert!(connected.is_err());
}

/// [AUTH-16]
#[tokio::test]
async fn a_login_that_does_not_exist_is_asked_like_one_that_does() {
    crate::limit::bounded();
    let asked = Arc::<AtomicUsize>::default();
    for login in ["alice", "nobody-of-that-name", ""] {
        let count = Arc::clone(&asked);
        let users = move |login: String, given: Password| {
            count.fetch_add(1, Ordering::Relaxed);
            async move { (login == "alice" && given.matches("secret")).then_some(()) }
        };
        let (host, client) = (key(), Client::new().login(login));
        let client = client
            .host_verifier(PinnedKeys::new([host.public_key().clone()]))
            .password(|_| Some(Zeroizing::new("guess".to_owned())));
        let (near, far) = tokio::io::duplex(1 << 16);
        let server = Server::new(host).authenticator(password(users));
        let target = Host::new("example.org", 0).unwrap();
        let (accepted, connected) = tokio::join!(
            server.accept_over(far, PeerAddr::Unknown),
            client.connect_over(near, &target)
        );
        assert_denied((accepted.map(|(_, peer)| peer), connected.map(drop)), "wrong password");
    }
    assert_eq!(asked.load(Ordering::Relaxed), 3, "each was asked and checked");
}

/// [AUTH-20] [AUTH-22]
#[tokio::test]
async fn a_client_without_a_password_declines() {
    crate::limit::bounded();
    let users = |_: String, _: Password| async move { Some(()) };
    let (accepted, connected) = meet(password(users), Caller::without_key()).await;
    assert!(
        matches!(&accepted, Err(AcceptError::Handshake(Error::Ended(f))) if f.code == ErrorCode::PermissionDenied),
        "{accepted:?}"
    );
    assert!(matches!(connected, Err(ConnectError::NoPassword { login }) if login == "alice"));
}

/// [AUTH-17]
#[tokio::test]
async fn an_eager_client_is_told_that_a_factor_is_missing_only_if_its_key_was_accepted() {
    crate::limit::bounded();
    let (alice, bob) = (key(), key());
    let users = |login: String, _: Password| async move { Some(login) };
    let stack = || public_key(authorized(&[&alice])).and(password(users));
    let either = || public_key(authorized(&[&alice])).or(password(users));
    let eager = |identity: &Identity| Caller { eager: true, ..Caller::with_key(identity) };
    let code = |(_, connected): Outcome<_>| match connected {
        Err(ConnectError::Handshake(Error::Ended(farewell))) => farewell.code,
        other => panic!("{other:?}"),
    };
    assert_eq!(code(meet(stack(), eager(&alice)).await), ErrorCode::FactorNeeded);
    assert_eq!(code(meet(stack(), eager(&bob)).await), ErrorCode::PermissionDenied);
    let (_, connected) = meet(either(), eager(&bob)).await;
    assert!(
        matches!(&connected, Err(ConnectError::Handshake(Error::Ended(f))) if f.code == ErrorCode::PermissionDenied),
        "a key that was denied before is no accepted key: {connected:?}"
    );
}

/// [AUTH-17]
#[tokio::test]
async fn a_key_that_was_only_looked_at_is_not_one_that_was_accepted() {
    crate::limit::bounded();
    let look = |mut attempt: Attempt| async move {
        let _ = attempt.public_key().await;
        attempt.admit(())
    };
    let users = |login: String, _: Password| async move { Some(login) };
    let stranger = Caller { eager: true, ..Caller::with_key(&key()) };
    let (_, connected) = meet(look.and(password(users)), stranger).await;
    assert!(
        matches!(&connected, Err(ConnectError::Handshake(Error::Ended(f))) if f.code == ErrorCode::PermissionDenied),
        "{connected:?}"
    );
}

/// [AUTH-12]
#[tokio::test]
async fn early_data_reaches_the_application_once_the_client_is_admitted() {
    crate::limit::bounded();
    let (host, alice) = (key(), key());
    let server = Server::new(host.clone()).authenticator(public_key(authorized(&[&alice])));
    let client =
        Client::new().identity(alice).host_verifier(PinnedKeys::new([host.public_key().clone()]));
    let (near, far) = tokio::io::duplex(1 << 16);
    let target = Host::new("example.org", 0).unwrap();
    let data = vec![7; 65_535];
    let serve = async {
        let (mut stream, _) = server.accept_over(far, PeerAddr::Unknown).await.unwrap();
        let mut all = Vec::new();
        stream.read_to_end(&mut all).await.unwrap();
        all
    };
    let call = async {
        let mut stream = client.connect_over_eager(near, &target, &data).await.unwrap();
        stream.shutdown().await.unwrap();
        stream
    };
    let (all, _stream) = tokio::join!(serve, call);
    assert!(all == data, "all of it, once");
}

#[tokio::test]
async fn a_wrapping_closure_sees_both_answers() {
    crate::limit::bounded();
    let alice = key();
    let audited = Arc::<AtomicUsize>::default();
    let seen = Arc::clone(&audited);
    let keys = authorized(&[&alice]);
    let stack = move |attempt: Attempt| {
        let (inner, seen) = (public_key(keys.clone()), Arc::clone(&seen));
        async move {
            let decision: Result<Admitted<_>, Denied> = inner.authenticate(attempt).await;
            seen.fetch_add(if decision.is_ok() { 1 } else { 100 }, Ordering::Relaxed);
            decision
        }
    };
    assert_admitted(meet(stack.clone(), Caller::with_key(&alice)).await);
    assert_denied(meet(stack, Caller::with_key(&key())).await, "no line");
    assert_eq!(audited.load(Ordering::Relaxed), 101);
}
