//! The examples `shutdown_tokio` and `shutdown_threads`: a signal ends them, and their clients find
//! a clean end. `cargo test` builds them.

#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use handfast::blocking::Client;
use handfast::key::Identity;
use handfast::trust::PinnedKeys;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// The examples' own.
const GRACE: Duration = Duration::from_secs(10);

/// A program that is killed when the test fails.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn start(example: &str, folder: &Path) -> (Running, String) {
    let test = std::env::current_exe().unwrap();
    let examples = test.parent().unwrap().parent().unwrap().join("examples");
    let program = examples.join(example);
    assert!(program.exists(), "run `cargo build --example {example}` first");
    let mut child = Command::new(program)
        .args(["127.0.0.1:0", "host_ed25519", "authorized_keys"])
        .current_dir(folder)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
    let address = line.trim().strip_prefix("listening on ").unwrap().to_owned();
    (Running(child), address)
}

fn a_signal_ends_it_cleanly(example: &str, signal: Signal) {
    let folder = tempfile::tempdir().unwrap();
    let (host, alice) = (Identity::generate().unwrap(), Identity::generate().unwrap());
    host.save(folder.path().join("host_ed25519"), None).unwrap();
    let list = folder.path().join("authorized_keys");
    std::fs::write(&list, format!("{} alice@example.org\n", alice.public_key())).unwrap();
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o600);
    std::fs::set_permissions(&list, mode).unwrap();

    let (mut server, address) = start(example, folder.path());
    let pinned = PinnedKeys::new([host.public_key().clone()]);
    let client = Client::new().identity(alice).host_verifier(pinned);
    let mut stream = client.connect(&address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    stream.write_all(b"hello").unwrap();
    let mut answer = [0; 5];
    stream.read_exact(&mut answer).unwrap();
    assert_eq!(&answer, b"hello");

    let asked = Instant::now();
    kill(Pid::from_raw(server.0.id().try_into().unwrap()), signal).unwrap();
    let mut rest = Vec::new();
    stream.read_to_end(&mut rest).unwrap(); // an error, were the server's end not there
    assert_eq!(rest, b"");
    // the port is closed while the server still waits for its client
    while client.connect(&address).is_ok() {
        assert!(asked.elapsed() < GRACE, "clients are accepted still");
    }
    stream.close().unwrap();
    assert!(server.0.wait().unwrap().success());
    assert!(asked.elapsed() < GRACE, "{:?}", asked.elapsed());
}

#[test]
fn sigterm_ends_the_server_on_tokio() {
    a_signal_ends_it_cleanly("shutdown_tokio", Signal::SIGTERM);
}

#[test]
fn ctrl_c_ends_the_server_on_tokio() {
    a_signal_ends_it_cleanly("shutdown_tokio", Signal::SIGINT);
}

#[test]
fn sigterm_ends_the_server_on_threads() {
    a_signal_ends_it_cleanly("shutdown_threads", Signal::SIGTERM);
}

#[test]
fn ctrl_c_ends_the_server_on_threads() {
    a_signal_ends_it_cleanly("shutdown_threads", Signal::SIGINT);
}
