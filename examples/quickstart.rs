//! A server, two clients and their files, in one process: who is let in, who is not, and why.
//!
//! ```sh
//! cargo run --release --example quickstart
//! ```

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a program talks to its user")]

use std::error::Error as StdError;
use std::process::ExitCode;
use std::time::SystemTime;

use handfast::auth::{Authenticator as _, ip_allowlist, public_key};
use handfast::key::Identity;
use handfast::trust::{AuthorizedKeys, Host, HostKeyError, KnownHosts, Question};
use handfast::{Client, ConnectError, Error, ErrorCode, Server, Stream};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

#[tokio::main]
async fn main() -> ExitCode {
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<(), Box<dyn StdError>> {
    // Everything happens in a temporary folder, so that files can be called by their short names.
    let folder = tempfile::tempdir()?;
    std::env::set_current_dir(&folder)?;

    println!("1. Three private keys, in files like those of ssh-keygen");
    for file in ["host_ed25519", "alice_ed25519", "bob_ed25519"] {
        let key = Identity::generate()?;
        key.save(file, None)?; // readable by its owner only, and `load` insists on that
        row(file, key.fingerprint());
    }
    let host_key = Identity::load("host_ed25519")?;
    let alice_key = Identity::load("alice_ed25519")?;
    let bob_key = Identity::load("bob_ed25519")?;

    // The server's list of clients, in the form of ~/.ssh/authorized_keys.
    write("authorized_keys", format!("{} alice@example.org\n", alice_key.public_key()))?;
    let authorized_keys = AuthorizedKeys::open("authorized_keys")?;

    // A stack of authenticators is asked from left to right: a client from another network is
    // refused before any cryptography is done, and one whose key is not listed afterwards.
    let admits = ip_allowlist(["127.0.0.0/8", "::1"])?.and(public_key(authorized_keys.clone()));
    let server = Server::new(host_key.clone()).authenticator(admits);
    let listener = server.listen("127.0.0.1:0").await?;
    let address = listener.local_addr().ok_or("no address")?.to_string();

    // The clients' list of servers, in the form of ~/.ssh/known_hosts.
    let host = Host::parse(&address, None)?;
    write("known_hosts", format!("{host} {}\n", host_key.public_key()))?;
    let known_hosts = KnownHosts::open("known_hosts")?;

    let alice = Client::new().identity(alice_key).login("alice").known_hosts(known_hosts.clone());
    let bob = Client::new().identity(bob_key.clone()).login("bob").known_hosts(known_hosts.clone());

    title("2. Two text files that say who trusts whom");
    row("authorized_keys", "the server admits alice's key");
    row("known_hosts", format_args!("the clients expect the host's key at {host}"));

    // A server accepts in a loop and spawns a task for each client, as the example `echo` does.
    // Here one task plays both sides, so that what they say stands in order.
    let (accepted, connected) = tokio::join!(listener.accept(), alice.connect(&address));
    let (mut at_server, peer) = accepted?;
    let mut at_alice = connected?;

    title("3. Alice calls: each side proves its key, and finds the other's in its file");
    let server_key = at_alice.host_key().fingerprint();
    row("alice knows", format_args!("the server is {server_key}"));
    row("", known_hosts.check(&host, at_alice.host_key()));
    row("", format_args!("{}, keys from {}", at_alice.cipher(), at_alice.exchange()));
    let ((), listed) = &peer.credentials; // one of the address list, one of the keys
    row("server knows", format_args!("the client is {}", listed.key.fingerprint()));
    row("", format_args!("{} lists this key, for {}", listed.place, listed.comment));
    row("", format_args!("login {}, from {}, which is allowed", peer.login, peer.address));

    // What they have now is a stream like any other. `shutdown` sends the authenticated end.
    // Reading to the end fails if it did not come, so nobody can cut off the rest unnoticed.
    at_alice.write_all(b"Are you there?").await?;
    at_alice.shutdown().await?;
    let mut question = String::new();
    at_server.read_to_string(&mut question).await?;
    at_server.write_all(b"I am here.").await?;
    at_server.shutdown().await?;
    let mut answer = String::new();
    at_alice.read_to_string(&mut answer).await?;
    row("they talk", format_args!("\"{question}\" \"{answer}\""));
    expect(question == "Are you there?" && answer == "I am here.", "they misunderstood")?;

    title("4. Bob calls: he trusts the server, but the server does not know him");
    match bob.connect(&address).await {
        Err(ConnectError::Handshake(Error::Ended(farewell))) => {
            row("bob hears", &farewell);
            let question = Question::new(bob_key.public_key(), SystemTime::now());
            row("server's reason", authorized_keys.decide(&question));
            row("", "(bob is not told: all refusals look alike to him)");
            expect(farewell.code == ErrorCode::PermissionDenied, "refused for another reason")?;
        }
        other => return Err(unexpected("bob", other)),
    }

    // Somebody leads alice's connection to a server of their own. She still asks for the host
    // that she means, and so its line in known_hosts decides.
    let impostor_key = Identity::generate()?;
    let impostor = Server::new(impostor_key.clone()).listen("127.0.0.1:0").await?;
    let elsewhere = impostor.local_addr().ok_or("no address")?;

    title("5. Alice calls again, and somebody with another key answers");
    match alice.connect_over(TcpStream::connect(elsewhere).await?, &host).await {
        Err(ConnectError::HostKey(HostKeyError::Changed { offered, known, .. })) => {
            let offered = offered.fingerprint();
            row("it shows", offered);
            for line in &known {
                row("alice expects", format_args!("{}, by {}", line.fingerprint(), line.place()));
            }
            row("", "(her client hung up: it sent neither her key nor her login)");
            expect(offered == impostor_key.fingerprint(), "it showed a key of somebody else")?;
        }
        other => return Err(unexpected("alice", other)),
    }
    Ok(())
}

/// Writes a file of trust. Others must not be able to change it, whatever the umask says.
fn write(file: &str, text: String) -> std::io::Result<()> {
    std::fs::write(file, text)?;
    #[cfg(unix)]
    std::fs::set_permissions(file, std::os::unix::fs::PermissionsExt::from_mode(0o600))?;
    Ok(())
}

fn title(text: &str) {
    println!("\n{text}");
}

fn row(name: &str, text: impl std::fmt::Display) {
    println!("   {name:<17}{text}");
}

fn expect(holds: bool, otherwise: &str) -> Result<(), Box<dyn StdError>> {
    if holds { Ok(()) } else { Err(otherwise.into()) }
}

fn unexpected(who: &str, outcome: Result<Stream, ConnectError>) -> Box<dyn StdError> {
    match outcome {
        Ok(_) => format!("{who} has a connection and should have none").into(),
        Err(error) => error.into(),
    }
}
