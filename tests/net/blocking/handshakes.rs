//! Handshakes on threads: who is let in, who is not, and what is said.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

#[cfg(unix)]
use handfast::auth::public_key_by_login;
use handfast::auth::{
    Attempt, Authenticator, Password, PeerAddr, ip_allowlist, password, public_key,
};
use handfast::blocking::{Client, Server, Stream};
use handfast::key::Identity;
#[cfg(unix)]
use handfast::trust::StrictModes;
use handfast::trust::{AuthorizedKeys, HostKeyError, PinnedKeys};
use handfast::{AcceptError, Cipher, ConnectError, Deadlines, ErrorCode, Peer};
use zeroize::Zeroizing;

use crate::blocking::{Ends, host, soon};

fn sockets() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let near = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    (near, listener.accept().unwrap().0)
}

type Connected = Result<Stream, ConnectError>;
type Accepted<C> = Result<(Stream, Peer<C>), AcceptError>;

/// Runs both sides of a handshake.
fn shake<A>(client: &Client, server: &Server<A>) -> (Connected, Accepted<A::Credentials>)
where
    A: Authenticator + 'static,
    A::Credentials: 'static,
{
    let (near, far) = sockets();
    let (client, server) = (client.clone(), server.clone());
    let accepting = thread::spawn(move || server.accept_over(far, PeerAddr::Unknown));
    let connected = soon(move || client.connect_over(near, &host()));
    (connected, soon(move || accepting.join().unwrap()))
}

fn lists(key: &Identity) -> AuthorizedKeys {
    let line = format!("{} alice", key.public_key());
    AuthorizedKeys::parse("authorized_keys", line.as_bytes()).unwrap()
}

#[test]
fn keys_passwords_and_closures_decide_in_their_order() {
    let ends = Ends::new();
    let alice = Identity::generate().unwrap();
    let opens = |attempt: Attempt| async move {
        // an authenticator that waits for something else than the client
        let (done, waiting) = std::sync::mpsc::channel();
        thread::spawn(move || done.send(7_u8));
        let found = std::future::poll_fn(move |cx| match waiting.try_recv() {
            Ok(found) => std::task::Poll::Ready(found),
            Err(_) => {
                cx.waker().wake_by_ref();
                std::task::Poll::Pending
            }
        });
        let found = found.await;
        attempt.admit(found)
    };
    let users = |login: String, given: Password| async move {
        (login == "alice" && given.matches("correct horse")).then_some(login)
    };
    let server = ends
        .server
        .clone()
        .authenticator(public_key(lists(&alice)).and(password(users)).and(opens));
    let client = ends.client.clone().identity(alice.clone()).login("alice");

    let knows = client.clone().password(|_| Some(Zeroizing::new("correct horse".to_owned())));
    let (connected, accepted) = shake(&knows, &server);
    let (mut client_end, (mut server_end, peer)) = (connected.unwrap(), accepted.unwrap());
    let ((listed, login), found) = &peer.credentials;
    assert_eq!((listed.comment.as_str(), login.as_str(), *found), ("alice", "alice", 7));
    assert_eq!(peer.key.as_ref(), Some(alice.public_key()));
    assert_eq!(client_end.host_key(), ends.host.public_key());
    assert_eq!(client_end.channel_binding().unwrap(), server_end.channel_binding().unwrap());
    client_end.write_all(b"ping").unwrap();
    let mut word = [0; 4];
    server_end.read_exact(&mut word).unwrap();
    assert_eq!(&word, b"ping");

    let errs = client.password(|_| Some(Zeroizing::new("wrong".to_owned())));
    let (connected, accepted) = shake(&errs, &server);
    let error = connected.unwrap_err();
    assert!(
        matches!(&error, ConnectError::Handshake(handfast::Error::Ended(said))
            if said.code == ErrorCode::PermissionDenied),
        "{error}"
    );
    assert!(matches!(accepted.unwrap_err(), AcceptError::Denied { .. }));
}

#[test]
fn a_host_key_that_is_not_trusted_is_refused_before_anything_is_told() {
    let ends = Ends::new();
    let other = Identity::generate().unwrap();
    let client = Client::new().host_verifier(PinnedKeys::new([other.public_key().clone()]));
    let (connected, accepted) = shake(&client, &ends.server);
    let error = connected.unwrap_err();
    assert!(matches!(error, ConnectError::HostKey(HostKeyError::NotPinned { .. })), "{error}");
    assert!(matches!(accepted.unwrap_err(), AcceptError::HostKeyRefused));
}

#[test]
fn an_address_list_refuses_in_front_of_everything() {
    let ends = Ends::new();
    let server = ends.server.clone().authenticator(ip_allowlist(["10.0.0.0/8"]).unwrap());
    let (connected, accepted) = shake(&ends.client, &server);
    assert!(matches!(
        connected.unwrap_err(),
        ConnectError::Handshake(handfast::Error::Refused(handfast::Refusal::NotAllowed))
    ));
    assert!(matches!(accepted.unwrap_err(), AcceptError::Denied { .. }));
}

#[test]
fn eager_data_is_the_first_that_the_server_reads() {
    let ends = Ends::new();
    let (near, far) = sockets();
    let server = ends.server.clone();
    let accepting = thread::spawn(move || server.accept_over(far, PeerAddr::Unknown));
    let data = vec![5; 40_000];
    let client = ends.client.clone().ciphers([Cipher::Aes256Gcm]);
    let mut stream = {
        let data = data.clone();
        soon(move || client.connect_over_eager(near, &host(), &data).unwrap())
    };
    assert_eq!(stream.cipher(), Cipher::Aes256Gcm);
    stream.shutdown().unwrap();
    let (mut server_end, _) = accepting.join().unwrap().unwrap();
    let read = soon(move || {
        let mut all = Vec::new();
        server_end.read_to_end(&mut all).unwrap();
        all
    });
    assert!(read == data);
}

fn hasty() -> Deadlines {
    let mut deadlines = Deadlines::default();
    deadlines.hello = Duration::from_millis(300);
    deadlines.server_auth = Duration::from_millis(300);
    deadlines
}

#[test]
fn a_silent_peer_is_given_up_at_the_deadline() {
    let ends = Ends::new();
    let start = Instant::now();
    let (near, _far) = sockets();
    let client = ends.client.clone().deadlines(hasty());
    let error = soon(move || client.connect_over(near, &host()).unwrap_err());
    assert!(matches!(error, ConnectError::TimedOut { waiting_for: "ServerHello" }), "{error}");

    let (mut near, far) = sockets();
    near.write_all(b"\x89HF").unwrap();
    let server = ends.server.clone().deadlines(hasty());
    let error = soon(move || server.accept_over(far, PeerAddr::Unknown).unwrap_err());
    assert!(matches!(error, AcceptError::TimedOut { waiting_for: "ClientHello" }), "{error}");
    assert!(start.elapsed() >= Duration::from_millis(600));
}

#[test]
fn a_stealth_server_reads_in_silence_until_the_deadline() {
    let ends = Ends::new();
    let (mut near, far) = sockets();
    let server = ends.server.clone().stealth().deadlines(hasty());
    let accepting = thread::spawn(move || server.accept_over(far, PeerAddr::Unknown).map(|_| ()));
    near.write_all(b"GET / HTTP/1.1\r\n\r\n").unwrap();
    let start = Instant::now();
    let mut answer = Vec::new();
    // it may end by a reset, since nothing of it was read by an application
    let _ = near.read_to_end(&mut answer);
    assert_eq!(answer, b"");
    assert!(start.elapsed() >= Duration::from_millis(200), "not at once");
    assert!(soon(move || accepting.join().unwrap()).is_err());
}

#[cfg(unix)]
#[test]
fn unix_sockets_and_pairs_of_pipes_carry_it_as_well() {
    use handfast::blocking::NoDeadline;
    use std::os::unix::net::UnixStream;

    let ends = Ends::new();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("socket");
    let listener = ends.server.listen_unix(&path).unwrap();
    let client = ends.client.clone();
    let mut near = soon(move || client.connect_unix(&path, &host()).unwrap());
    let (mut far, peer) = listener.accept().unwrap();
    assert_eq!(peer.address, PeerAddr::Unix);
    near.write_all(b"x").unwrap();
    far.read_exact(&mut [0]).unwrap();

    // a program's output and another's input, which have no time-outs
    let ((here, there), (back, forth)) = (UnixStream::pair().unwrap(), UnixStream::pair().unwrap());
    let server = ends.server.clone();
    let accepting = thread::spawn(move || {
        server.accept_over((NoDeadline(there), NoDeadline(back)), PeerAddr::Unknown).unwrap().0
    });
    let client = ends.client.clone();
    let mut near =
        soon(move || client.connect_over((NoDeadline(forth), NoDeadline(here)), &host()).unwrap());
    let mut far = accepting.join().unwrap();
    near.write_all(b"y").unwrap();
    far.read_exact(&mut [0]).unwrap();
}

/// Reads and writes, and nothing else.
#[cfg(unix)]
struct Plain(std::os::unix::net::UnixStream);

#[cfg(unix)]
impl Read for Plain {
    fn read(&mut self, buf: &mut [u8]) -> std::io::Result<usize> {
        self.0.read(buf)
    }
}

#[cfg(unix)]
impl Write for Plain {
    fn write(&mut self, buf: &[u8]) -> std::io::Result<usize> {
        self.0.write(buf)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.0.flush()
    }
}

#[cfg(unix)]
#[test]
fn anything_that_is_read_and_written_carries_it() {
    use handfast::blocking::{Any, NoDeadline};

    let ends = Ends::new();
    let (near, far) = std::os::unix::net::UnixStream::pair().unwrap();
    let server = ends.server.clone();
    let serving = thread::spawn(move || {
        let io = Any(NoDeadline(Plain(far)));
        let (mut stream, _) = server.accept_over(io, PeerAddr::Unknown).unwrap();
        let mut request = Vec::new();
        stream.read_to_end(&mut request).unwrap();
        stream.write_all(&request).unwrap();
        stream.shutdown().unwrap();
    });
    let client = ends.client.clone();
    let answer = soon(move || {
        let mut stream = client.connect_over(Any(NoDeadline(Plain(near))), &host()).unwrap();
        stream.write_all(&[3; 50_000]).unwrap();
        stream.shutdown().unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        answer
    });
    assert!(answer == [3; 50_000]);
    soon(move || serving.join().unwrap());
}

#[cfg(unix)]
#[test]
fn a_login_has_its_own_file_on_threads_too() {
    let ends = Ends::new();
    let alice = Identity::generate().unwrap();
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("alice"), format!("{}\n", alice.public_key())).unwrap();
    let stack = public_key_by_login(&format!("{}/%u", folder.path().display()))
        .unwrap()
        .strict_modes(StrictModes::Below(folder.path().to_owned()));
    let server = Server::new(ends.host.clone()).authenticator(stack);
    let client = Client::new()
        .identity(alice)
        .host_verifier(PinnedKeys::new([ends.host.public_key().clone()]));
    let (connected, accepted) = shake(&client.clone().login("alice"), &server);
    assert_eq!(accepted.unwrap().1.login, "alice");
    connected.unwrap();
    let (_, accepted) = shake(&client.login("bob"), &server);
    assert!(matches!(accepted, Err(AcceptError::Denied { .. })));
}
