//! What clients do about hosts that are new, and about those that change their keys.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use handfast::auth::{Password, PeerAddr, anonymous, password};
use handfast::handshake::Identities;
use handfast::key::Identity;
use handfast::trust::{
    AcceptNew, Ask, HostAnswer, HostKeyError, HostQuestion, HostVerifier, KnownHosts,
    KnownHostsFile, PinnedKeys,
};
use handfast::{Client, ConnectError, Deadlines, Server, blocking};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::Notify;
use zeroize::Zeroizing;

/// A folder with a `known_hosts` in it.
struct Desk {
    _folder: TempDir,
    path: PathBuf,
}

impl Desk {
    fn new(content: &str) -> Self {
        crate::limit::bounded();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("known_hosts");
        fs::write(&path, content).unwrap();
        Self { _folder: folder, path }
    }

    fn known(&self) -> KnownHosts {
        KnownHosts::open(&self.path).unwrap()
    }

    fn file(&self) -> KnownHostsFile {
        KnownHostsFile::new(&self.path)
    }

    fn read(&self) -> String {
        fs::read_to_string(&self.path).unwrap()
    }
}

/// Serves until the test ends; gives the address.
async fn serve<A>(server: Server<A>) -> String
where
    A: handfast::Authenticator + 'static,
    A::Credentials: Send + 'static,
{
    let listener = server.listen("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let (mut reader, mut writer) = stream.into_split();
                let _ = tokio::io::copy(&mut reader, &mut writer).await;
            });
        }
    });
    address
}

/// The line that a client writes about a server on this address.
fn line(address: &str, key: &Identity) -> String {
    let (ip, port) = address.rsplit_once(':').unwrap();
    format!("[{ip}]:{port} {}\n", key.public_key())
}

/// Connects on tokio and on a thread.
async fn both(client: Client, address: &str) -> [Result<(), ConnectError>; 2] {
    let on_tokio = client.connect(address).await.map(drop);
    let address = address.to_owned();
    let on_thread = tokio::task::spawn_blocking(move || {
        blocking::Client::from(client).connect(&address).map(drop)
    });
    [on_tokio, on_thread.await.unwrap()]
}

fn client(policy: impl HostVerifier + 'static) -> Client {
    Client::new().host_verifier(policy)
}

#[tokio::test]
async fn a_person_is_asked_once_for_each_connection_until_the_key_is_in_the_file() {
    let host = Identity::generate().unwrap();
    let address = serve(Server::new(host.clone()).authenticator(anonymous())).await;
    let desk = Desk::new("");
    let asked = Arc::new(AtomicUsize::new(0));
    let ask = || {
        let (asked, key) = (Arc::clone(&asked), host.fingerprint());
        Ask::new(desk.known(), move |question: &HostQuestion| {
            asked.fetch_add(1, Ordering::Relaxed);
            assert_eq!(question.fingerprint(), key);
            HostAnswer::Fingerprint(key)
        })
    };
    for connected in both(client(ask()), &address).await {
        connected.unwrap();
    }
    assert_eq!(asked.load(Ordering::Relaxed), 2);
    assert_eq!(desk.read(), "", "nothing is written unless a file is named");
    client(ask().write_to(desk.file())).connect(&address).await.unwrap();
    assert_eq!(desk.read(), line(&address, &host));
    for connected in both(client(ask().write_to(desk.file())), &address).await {
        connected.unwrap();
    }
    assert_eq!(asked.load(Ordering::Relaxed), 3, "it is known by now");
}

#[tokio::test]
async fn whoever_says_no_is_not_connected() {
    let host = Identity::generate().unwrap();
    let address = serve(Server::new(host).authenticator(anonymous())).await;
    let desk = Desk::new("");
    let ask = Ask::new(desk.known(), |_: &HostQuestion| HostAnswer::No).write_to(desk.file());
    for connected in both(client(ask), &address).await {
        let refused = connected.unwrap_err();
        assert!(
            matches!(&refused, ConnectError::HostKey(HostKeyError::NotConfirmed { .. })),
            "{refused}"
        );
    }
    assert_eq!(desk.read(), "");
}

/// Shows another key on each connection.
#[tokio::test]
async fn only_the_key_that_was_confirmed_is_trusted_on_the_second_connection() {
    let [first, second] = [(); 2].map(|()| Identity::generate().unwrap());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let shown = first.fingerprint();
    tokio::spawn(async move {
        for identity in [first, second] {
            let (tcp, _) = listener.accept().await.unwrap();
            let server = Server::new(identity).authenticator(anonymous());
            let _ = server.accept_over(tcp, PeerAddr::Unknown).await;
        }
    });
    let desk = Desk::new("");
    let ask = Ask::new(desk.known(), |_: &HostQuestion| HostAnswer::Yes);
    let refused = client(ask).connect(&address).await.unwrap_err();
    let ConnectError::HostKey(HostKeyError::Unknown { reason, .. }) = refused else {
        panic!("{refused}")
    };
    assert_eq!(reason, format!("{shown} was confirmed, on the connection before this one"));
}

/// [AUTH-20]
#[tokio::test]
async fn no_password_goes_to_a_host_that_was_not_known_before() {
    let host = Identity::generate().unwrap();
    let asked = Arc::new(AtomicUsize::new(0));
    let users = |login: String, _: Password| async move { Some(login) };
    let address = serve(Server::new(host.clone()).authenticator(password(users))).await;
    let desk = Desk::new("");
    let told = |client: Client| {
        let asked = Arc::clone(&asked);
        client.login("alice").password(move |_| {
            asked.fetch_add(1, Ordering::Relaxed);
            Some(Zeroizing::new("correct horse".to_owned()))
        })
    };
    let yes = told(client(Ask::new(desk.known(), |_: &HostQuestion| HostAnswer::Yes)));
    let accepts_new = told(client(AcceptNew::new(desk.known(), desk.file())));
    for client in [yes, accepts_new.clone()] {
        let refused = client.connect(&address).await.unwrap_err();
        assert!(matches!(&refused, ConnectError::PasswordForNewHost { .. }), "{refused}");
    }
    assert_eq!(asked.load(Ordering::Relaxed), 0);
    assert_eq!(desk.read(), line(&address, &host));
    accepts_new.connect(&address).await.unwrap();
    assert_eq!(asked.load(Ordering::Relaxed), 1);
}

/// Forwards connections to a server; of the first it holds back what follows the client's hello
/// until it is told to go on.
async fn relay(address: String, go_on: Arc<Notify>) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let relay = listener.local_addr().unwrap().to_string();
    tokio::spawn(async move {
        for number in 0.. {
            let (mut client, _) = listener.accept().await.unwrap();
            let mut server = TcpStream::connect(&address).await.unwrap();
            let go_on = Arc::clone(&go_on);
            tokio::spawn(async move {
                // mark, form and type, then the body behind its length
                let mut head = [0; 5];
                client.read_exact(&mut head).await.unwrap();
                let len = client.read_u16().await.unwrap();
                let mut body = vec![0; len.into()];
                client.read_exact(&mut body).await.unwrap();
                let hello = [&head[..], &len.to_be_bytes(), &body].concat();
                server.write_all(&hello).await.unwrap();
                let ((client_in, mut client_out), (mut server_in, mut server_out)) =
                    (client.into_split(), server.into_split());
                let back = async move { tokio::io::copy(&mut server_in, &mut client_out).await };
                let forth = async move {
                    if number == 0 {
                        go_on.notified().await;
                    }
                    tokio::io::copy(&mut { client_in }, &mut server_out).await
                };
                let _ = tokio::join!(back, forth);
            });
        }
    });
    relay
}

/// The line that the first contact writes does not make the second one known, in whichever client
/// of the process; when both have ended it counts.
/// [AUTH-20]
#[tokio::test]
async fn no_password_goes_to_a_new_host_on_the_second_of_two_connections() {
    for hashed in [false, true] {
        let host = Identity::generate().unwrap();
        let asked = Arc::new(AtomicUsize::new(0));
        let users = |login: String, _: Password| async move { Some(login) };
        let address = serve(Server::new(host.clone()).authenticator(password(users))).await;
        let go_on = Arc::new(Notify::new());
        let address = relay(address, Arc::clone(&go_on)).await;
        let desk = Desk::new("");
        let told = |client: Client| {
            let asked = Arc::clone(&asked);
            client.login("alice").password(move |_| {
                asked.fetch_add(1, Ordering::Relaxed);
                Some(Zeroizing::new("correct horse".to_owned()))
            })
        };
        let accepts = told(client(AcceptNew::new(desk.known(), desk.file()).hashed(hashed)));
        let first = tokio::spawn({
            let (client, address) = (accepts.clone(), address.clone());
            async move { client.connect(&address).await.map(drop) }
        });
        while desk.read().is_empty() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        let port = address.rsplit(':').next().unwrap();
        let respelled = format!("127.1:{port}");
        for (client, address) in [
            (accepts.clone(), &address),
            (told(client(AcceptNew::new(desk.known(), desk.file()))), &respelled),
            (told(client(desk.known())), &address),
            (told(client(Ask::new(desk.known(), |_| HostAnswer::No))), &address),
        ] {
            for connected in both(client, address).await {
                let refused = connected.unwrap_err();
                assert!(matches!(&refused, ConnectError::PasswordForNewHost { .. }), "{refused}");
            }
        }
        go_on.notify_one();
        let refused = first.await.unwrap().unwrap_err();
        assert!(matches!(&refused, ConnectError::PasswordForNewHost { .. }), "{refused}");
        assert_eq!(asked.load(Ordering::Relaxed), 0);
        assert_eq!(desk.read().lines().count(), 1);
        for connected in both(accepts, &address).await {
            connected.unwrap();
        }
        assert_eq!(asked.load(Ordering::Relaxed), 2);
    }
}

/// [AUTH-24] [AUTH-25] [AUTH-26]
#[tokio::test]
async fn a_client_that_is_set_to_learn_knows_the_next_key_of_a_host() {
    let [old, new] = [(); 2].map(|()| Identity::generate().unwrap());
    let both_keys = Identities::new(old.clone()).and(new.clone());
    let server = Server::new(old.clone()).identities(both_keys).authenticator(anonymous());
    let address = serve(server).await;
    let desk = Desk::new(&line(&address, &old));
    let strict = || client(desk.known());

    let stream = strict().connect(&address).await.unwrap();
    assert_eq!(stream.other_host_keys(), [new.public_key().clone()]);
    assert_eq!(desk.read(), line(&address, &old), "learning is off by default");

    let pinned = client(PinnedKeys::new([old.public_key().clone()]));
    let empty = Desk::new("");
    pinned.learn_host_keys(empty.file()).connect(&address).await.unwrap();
    assert_eq!(empty.read(), "", "the key came from no line of this file");

    for connected in both(strict().learn_host_keys(desk.file()), &address).await {
        connected.unwrap();
    }
    let text = desk.read();
    let learned = line(&address, &new).replace('\n', " handfast-learned ");
    assert!(text.starts_with(&format!("{}{learned}", line(&address, &old))), "{text}");
    assert_eq!(text.lines().count(), 2, "{text}");
}

/// One server has two names, and the other name has the new key already.
#[tokio::test]
async fn a_name_learns_a_key_that_another_name_has() {
    let [old, new] = [(); 2].map(|()| Identity::generate().unwrap());
    let both_keys = Identities::new(old.clone()).and(new.clone());
    let server = Server::new(old.clone()).identities(both_keys).authenticator(anonymous());
    let address = serve(server).await;
    let other = format!("rpc.example.org {}\n", new.public_key());
    let before = format!("{}{other}", line(&address, &old));
    let desk = Desk::new(&before);
    let client = client(desk.known()).learn_host_keys(desk.file());
    for connected in both(client, &address).await {
        connected.unwrap();
    }
    let text = desk.read();
    let learned = line(&address, &new).replace('\n', " handfast-learned ");
    assert!(text.starts_with(&format!("{before}{learned}")), "{text}");
    assert_eq!(text.lines().count(), 3, "{text}");
}

/// What is revoked in another file than the one that is written is not learned either.
#[tokio::test]
async fn a_key_that_any_known_file_revokes_is_not_learned() {
    let [old, new] = [(); 2].map(|()| Identity::generate().unwrap());
    let both_keys = Identities::new(old.clone()).and(new.clone());
    let server = Server::new(old.clone()).identities(both_keys).authenticator(anonymous());
    let address = serve(server).await;
    let desk = Desk::new(&line(&address, &old));
    let elsewhere = format!("{}@revoked * {}\n", line(&address, &old), new.public_key());
    let known = KnownHosts::parse("ssh_known_hosts", elsewhere.as_bytes()).unwrap();
    let pinned = PinnedKeys::new([old.public_key().clone()]);
    for client in [
        client(known.clone()),
        client(AcceptNew::new(known.clone(), desk.file())),
        client(Ask::new(known.clone(), |_| HostAnswer::No)),
        client(pinned.unless_contradicted_by(known)),
    ] {
        for connected in both(client.learn_host_keys(desk.file()), &address).await {
            connected.unwrap();
        }
        assert_eq!(desk.read(), line(&address, &old));
    }
}

/// An editor that holds the lock of the file holds up neither the tasks of a runtime with one
/// thread, nor the client for longer than its handshake may take.
#[cfg(unix)]
#[tokio::test]
async fn a_file_that_is_being_edited_does_not_hold_up_the_runtime() {
    use std::os::unix::fs::OpenOptionsExt as _;

    use rustix::fs::{FlockOperation, flock};

    let host = Identity::generate().unwrap();
    let address = serve(Server::new(host.clone()).authenticator(anonymous())).await;
    let desk = Desk::new("");
    let lock = desk.path.with_file_name(".known_hosts.handfast-lock");
    let lock = fs::File::options().write(true).create_new(true).mode(0o600).open(lock).unwrap();
    flock(&lock, FlockOperation::NonBlockingLockExclusive).unwrap();
    let policy = AcceptNew::new(desk.known(), desk.file());

    let mut deadlines = Deadlines::default();
    deadlines.handshake = Duration::from_millis(300);
    let late = client(policy.clone()).deadlines(deadlines).connect(&address).await.unwrap_err();
    let expected = "the policy to decide about the host key";
    assert!(
        matches!(late, ConnectError::TimedOut { waiting_for } if waiting_for == expected),
        "{late}"
    );

    let client = client(policy);
    let connecting = client.connect(&address);
    let release = async {
        for _ in 0..10 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        assert_eq!(desk.read(), "", "it is not written yet");
        drop(lock);
    };
    let (connected, ()) = tokio::join!(connecting, release);
    connected.unwrap();
    assert_eq!(desk.read(), line(&address, &host));
}
