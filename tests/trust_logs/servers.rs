//! A server's log: one event for each client, with fields, whether tasks or threads wait.

use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use handfast::auth::{
    Attempt, Authenticator, Password, PeerAddr, anonymous, ip_allowlist, password, public_key,
    public_key_by_login,
};
use handfast::key::Identity;
use handfast::trust::{AuthorizedKeys, Host, PinnedKeys, StrictModes};
use handfast::{Client, Server, blocking};

use super::logged;

fn from() -> PeerAddr {
    PeerAddr::Ip("192.0.2.1:7".parse().unwrap())
}

/// What a client does at a server.
type Call<'a> = &'a (dyn Fn(UnixStream) + Sync);

/// Without the time that it took, which is last.
fn without_took(line: &str) -> String {
    let (line, took) = line.rsplit_once(" took_ms=").unwrap();
    took.parse::<u64>().unwrap();
    line.to_owned()
}

/// Goes on after an authenticator that panics.
fn unwound(work: impl FnOnce()) -> std::thread::Result<()> {
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(work))
}

/// The events of a server on threads and of one on tokio, which must be the same one.
fn event<A: Authenticator + 'static>(server: &Server<A>, call: Call<'_>) -> String
where
    A::Credentials: 'static,
{
    let pair = || UnixStream::pair().unwrap();
    let on_threads = logged(|| {
        let (near, far) = pair();
        std::thread::scope(|scope| {
            scope.spawn(move || call(near));
            let server = blocking::Server::from(server.clone());
            let _ = unwound(|| drop(server.accept_over(far, from())));
        });
    });
    let on_tokio = logged(|| {
        let (near, far) = pair();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        std::thread::scope(|scope| {
            scope.spawn(move || call(near));
            let _ = unwound(|| {
                runtime.block_on(async {
                    far.set_nonblocking(true).unwrap();
                    let far = tokio::net::UnixStream::from_std(far).unwrap();
                    drop(server.accept_over(far, from()).await);
                });
            });
        });
    });
    assert_eq!(on_threads.len(), 1, "{on_threads:#?}");
    assert_eq!(on_tokio.len(), 1, "{on_tokio:#?}");
    let line = without_took(on_threads.first().unwrap());
    assert_eq!(without_took(on_tokio.first().unwrap()), line);
    line
}

struct Desk {
    host: Identity,
    alice: Identity,
    folder: tempfile::TempDir,
}

impl Desk {
    fn new() -> Self {
        let (host, alice) = (Identity::generate().unwrap(), Identity::generate().unwrap());
        let folder = tempfile::tempdir().unwrap();
        let lines = format!("# keys\n{} alice@example.org\n", alice.public_key());
        std::fs::write(folder.path().join("alice"), lines).unwrap();
        Self { host, alice, folder }
    }

    fn file(&self) -> String {
        self.folder.path().join("alice").display().to_string()
    }

    fn keys(&self) -> AuthorizedKeys {
        AuthorizedKeys::open_with(self.file(), &StrictModes::Off).unwrap()
    }

    fn server<A: Authenticator>(&self, stack: A) -> Server<A> {
        Server::new(self.host.clone()).authenticator(stack)
    }

    fn client(&self, identity: &Identity, login: &str) -> blocking::Client {
        let pins = PinnedKeys::new([self.host.public_key().clone()]);
        Client::new().host_verifier(pins).identity(identity.clone()).login(login).into()
    }
}

fn connect(client: &blocking::Client, io: UnixStream) {
    drop(client.connect_over(io, &Host::new("example.org", 7000).unwrap()));
}

fn fields(keys: &AuthorizedKeys) -> String {
    let read = keys.read_at().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    // the second as the log writes it, checked for its form alone
    assert!(read > 0);
    format!("file=\"{}\"", keys.path())
}

/// The part before and the part behind the time at which the snapshot was read.
fn around_read(line: &str) -> (&str, &str) {
    let (before, rest) = line.split_once(" file_read=").unwrap();
    let (read, behind) = rest.split_at("2026-01-01T00:00:00Z".len());
    assert!(read.starts_with("20") && read.ends_with('Z'), "{read}");
    (before, behind)
}

#[test]
fn an_admission_is_one_event_with_key_login_layer_file_and_line() {
    let desk = Desk::new();
    let key = desk.alice.fingerprint();
    let client = desk.client(&desk.alice, "alice");
    let keys = desk.keys();
    let stack = ip_allowlist(["192.0.2.0/24"]).unwrap().and(public_key(keys.clone()));
    let line = event(&desk.server(stack), &|io| connect(&client, io));
    let file = fields(&keys);
    assert_eq!(
        around_read(&line),
        (
            format!(
                "INFO admitted peer=192.0.2.1:7 key={key} login=\"alice\" \
                 login_vouched_by=\"nothing\" layer=\"ip_allowlist, public_key\" {file} line=2"
            )
            .as_str(),
            ""
        )
    );
    // a login's own file vouches for the login, and is no snapshot
    let path = format!("{}/%u", desk.folder.path().display());
    let stack = public_key_by_login(&path).unwrap().strict_modes(StrictModes::Off);
    let line = event(&desk.server(stack), &|io| connect(&client, io));
    assert_eq!(
        line,
        format!(
            "INFO admitted peer=192.0.2.1:7 key={key} login=\"alice\" \
             login_vouched_by=\"public_key_by_login\" layer=\"public_key_by_login\" {file} line=2"
        )
    );
}

#[test]
fn a_refusal_is_one_event_whatever_the_login_holds() {
    let desk = Desk::new();
    let mallory = Identity::generate().unwrap();
    let key = mallory.fingerprint();
    // text that looks like the rest of an event
    let client = desk.client(&mallory, "eve\" key=SHA256:none admitted \\");
    let keys = desk.keys();
    let file = fields(&keys);
    let line = event(&desk.server(public_key(keys)), &|io| connect(&client, io));
    assert_eq!(
        around_read(&line),
        (
            format!(
                "WARN not admitted peer=192.0.2.1:7 key={key} \
                 login=\"eve\\\" key=SHA256:none admitted \\\\\" login_vouched_by=\"nothing\" \
                 layer=\"public_key\" {file}"
            )
            .as_str(),
            format!(" reason=\"the key {key}: no line of authorized_keys lists this key\"")
                .as_str()
        )
    );
    // of two alternatives both are named; a layer of the application's own is called that
    let closed = |mut attempt: Attempt| async move {
        let _ = attempt.public_key().await;
        attempt.deny("outside office hours")
    };
    let stack = public_key(desk.keys()).or(closed.map(|(): ()| ()));
    let line = event(&desk.server(stack), &|io| connect(&client, io));
    assert!(line.contains(" layer=\"public_key, application\" file="), "{line}");
    assert!(line.ends_with("lists this key; outside office hours\""), "{line}");
}

#[test]
fn what_the_client_declines_is_told_apart() {
    let desk = Desk::new();
    let key = desk.alice.fingerprint();
    let users = |_: String, _: Password| async move { Some(()) };
    let client = desk.client(&desk.alice, "alice");
    let known = format!("key={key} login=\"alice\" login_vouched_by=\"nothing\"");
    let line = event(&desk.server(password(users)), &|io| connect(&client, io));
    assert_eq!(
        line,
        format!(
            "INFO ended by the client peer=192.0.2.1:7 {known} \
             reason=\"the client declined to give a password\""
        )
    );
    let other = PinnedKeys::new([desk.alice.public_key().clone()]);
    let client = blocking::Client::from(Client::new().host_verifier(other));
    let line = event(&desk.server(anonymous()), &|io| connect(&client, io));
    // nothing of the client is asked for before it is admitted, and it was not
    assert_eq!(
        line,
        "INFO ended by the client peer=192.0.2.1:7 layer=\"anonymous\" reason=\"the client does \
         not trust this server's host key; its known_hosts, or whatever decides there, says why\""
    );
}

#[test]
fn what_is_no_handfast_client_is_debug_and_counted() {
    let desk = Desk::new();
    let server = desk.server(public_key(desk.keys()));
    let says: [(&[u8], &str); 4] = [
        (b"GET / HTTP/1.1\r\n\r\n", "the peer does not speak handfast: it seems to speak HTTP"),
        (b"\x16\x03\x01\x00\x05hello", "the peer does not speak handfast: it seems to speak TLS"),
        (b"\0\0\0\0", "the peer does not speak handfast: it speaks an unknown protocol"),
        (b"", "the client closed the connection while ClientHello was awaited"),
    ];
    for (words, reason) in says {
        let line = event(&server, &|mut io: UnixStream| {
            io.write_all(words).unwrap();
            io.shutdown(std::net::Shutdown::Write).unwrap();
            let _ = io.read_to_end(&mut Vec::new());
        });
        let expected = format!("DEBUG not a handfast client peer=192.0.2.1:7 reason=\"{reason}\"");
        assert_eq!(line, expected);
    }
    assert_eq!(server.strangers(), 8, "each once on threads and once on tokio");
}

/// Waits for a count that other threads make.
fn until(count: impl Fn() -> u64, expected: u64) {
    let end = Instant::now() + Duration::from_secs(20);
    while count() < expected && Instant::now() < end {
        std::thread::sleep(Duration::from_millis(5));
    }
    assert_eq!(count(), expected);
}

#[test]
fn listeners_count_what_is_no_handfast_client() {
    let desk = Desk::new();
    let server = desk.server(anonymous());
    let client = desk.client(&desk.alice, "");
    let visit = |address: std::net::SocketAddr| {
        let mut io = std::net::TcpStream::connect(address).unwrap();
        io.write_all(b"GET / HTTP/1.1\r\n\r\n").unwrap();
        drop(std::net::TcpStream::connect(address).unwrap());
        client.connect(&address.to_string()).unwrap();
    };

    let on_threads = blocking::Server::from(server.clone()).listen("127.0.0.1:0").unwrap();
    visit(on_threads.local_addr().unwrap());
    until(|| on_threads.strangers(), 2);

    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let on_tokio = runtime.block_on(server.listen("127.0.0.1:0")).unwrap();
    visit(on_tokio.local_addr().unwrap());
    until(|| on_tokio.strangers(), 2);
    assert_eq!(server.strangers(), 0, "a listener counts its own");
}

#[test]
fn an_authenticator_that_panics_is_one_event() {
    let desk = Desk::new();
    let server = desk.server(|attempt: Attempt| async move {
        assert_eq!(attempt.peer_addr(), PeerAddr::Unix, "it panics");
        attempt.admit(())
    });
    let client = desk.client(&desk.alice, "alice");
    let line = event(&server, &|io| connect(&client, io));
    assert_eq!(line, "WARN not admitted peer=192.0.2.1:7 reason=\"an authenticator panicked\"");
}

/// As the shutdown of a listener does.
#[test]
fn a_handshake_that_the_server_drops_is_one_event() {
    let server = Desk::new().server(anonymous());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let log = logged(|| {
        let (_near, far) = UnixStream::pair().unwrap();
        far.set_nonblocking(true).unwrap();
        runtime.block_on(async {
            let far = tokio::net::UnixStream::from_std(far).unwrap();
            let handshake = server.accept_over(far, from());
            tokio::time::timeout(Duration::from_millis(10), handshake).await.unwrap_err();
        });
    });
    assert_eq!(log.len(), 1, "{log:#?}");
    assert_eq!(
        without_took(log.first().unwrap()),
        "INFO not admitted peer=192.0.2.1:7 reason=\"the server dropped the handshake\""
    );
}
