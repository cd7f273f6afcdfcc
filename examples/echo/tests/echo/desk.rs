//! A folder of one test's own, and the programs that run in it.

use std::fs::{self, File};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, ChildStdout, Command, Output, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};

use handfast::key::Identity;
use tempfile::TempDir;

/// The example, which cargo has put beside this test.
pub(crate) fn echo() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let profile = test.parent().unwrap().parent().unwrap();
    let path = profile.join("examples").join(format!("echo{}", std::env::consts::EXE_SUFFIX));
    assert!(path.exists(), "no {}: run `cargo build --example echo` first", path.display());
    path
}

pub(crate) struct Desk {
    folder: TempDir,
    servers: AtomicUsize,
}

impl Desk {
    pub(crate) fn empty() -> Self {
        Self { folder: TempDir::new().unwrap(), servers: AtomicUsize::new(0) }
    }

    /// With the keys of a server, `host`, and of a client, `alice`, who stands in
    /// `authorized_keys`.
    pub(crate) fn new() -> Self {
        let desk = Self::empty();
        desk.key("host");
        let alice = desk.key("alice");
        desk.write("authorized_keys", format!("{} alice\n", alice.public_key()));
        desk
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    /// Puts a file where nobody else may write to it, whatever the umask is.
    pub(crate) fn write(&self, name: &str, text: impl AsRef<[u8]>) {
        fs::write(self.path(name), text).unwrap();
        self.set_mode(name, 0o600);
    }

    pub(crate) fn set_mode(&self, name: &str, mode: u32) {
        #[cfg(unix)]
        {
            let mode = std::os::unix::fs::PermissionsExt::from_mode(mode);
            fs::set_permissions(self.path(name), mode).unwrap();
        }
        #[cfg(not(unix))]
        let _ = (name, mode);
    }

    /// Makes a key and its file.
    pub(crate) fn key(&self, name: &str) -> Identity {
        let key = Identity::generate().unwrap();
        key.save(self.path(name), None).unwrap();
        key
    }

    /// The example with these arguments, in this folder.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(echo());
        command.args(arguments).current_dir(self.folder.path());
        command.env_remove("RUST_LOG").env_remove("HANDFAST_PASSPHRASE");
        command
    }

    /// Starts a server under the key `host`.
    pub(crate) fn serve(&self, options: &[&str]) -> Server {
        let number = self.servers.fetch_add(1, Ordering::Relaxed);
        let log = self.path(&format!("log{number}"));
        let mut child = self
            .command(&["serve", "--listen", "127.0.0.1:0", "--host-key", "host"])
            .args(options)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(File::create(&log).unwrap())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let address = line.trim_end().strip_prefix("listening on ").map(str::to_owned);
        let server = Server { child, log, address: address.unwrap_or_default() };
        assert!(!server.address.is_empty(), "the server did not start: {}", server.log());
        server
    }

    /// Writes a `known_hosts` with the server's true key.
    pub(crate) fn know(&self, server: &Server) {
        let host = Identity::load(self.path("host")).unwrap();
        self.write("known_hosts", format!("{} {}\n", server.host(), host.public_key()));
    }

    /// Calls the server with `known_hosts`, and waits for the end.
    pub(crate) fn call(&self, server: &Server, options: &[&str], input: &[u8]) -> Called {
        let mut command = self.command(&["call", &server.address]);
        command.args(["--known-hosts", "known_hosts"]).args(options);
        run(command, input)
    }

    /// Calls the server, to talk to it step by step.
    pub(crate) fn begin_call(&self, server: &Server, options: &[&str]) -> Call {
        let mut child = self
            .command(&["call", &server.address, "--known-hosts", "known_hosts"])
            .args(options)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let (input, output) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        Call { child, input, output }
    }
}

/// Runs a program to its end, writing and reading at once.
pub(crate) fn run(mut command: Command, input: &[u8]) -> Called {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    std::thread::scope(|scope| {
        scope.spawn(move || {
            // one that fails reads no further
            let _ = stdin.write_all(input);
        });
        Called::of(child.wait_with_output().unwrap())
    })
}

pub(crate) fn keygen(desk: &Desk, arguments: &[&str]) {
    let mut command = Command::new("ssh-keygen");
    command.arg("-q").args(arguments).current_dir(desk.folder.path());
    let made = run(command, b"");
    assert_eq!(made.code, 0, "ssh-keygen {arguments:?}: {}", made.err);
}

pub(crate) struct Server {
    child: Child,
    log: PathBuf,
    pub(crate) address: String,
}

impl Server {
    /// The server as a line of `known_hosts` begins.
    pub(crate) fn host(&self) -> String {
        let (name, port) = self.address.rsplit_once(':').unwrap();
        format!("[{name}]:{port}")
    }

    pub(crate) fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap()
    }

    /// Asks it to stop, and gives its exit code.
    #[cfg(unix)]
    pub(crate) fn terminate(&mut self) -> i32 {
        let kill = format!("kill -TERM {}", self.child.id());
        assert!(Command::new("sh").args(["-c", &kill]).status().unwrap().success());
        self.child.wait().unwrap().code().unwrap_or(-1)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A call under way.
pub(crate) struct Call {
    child: Child,
    input: ChildStdin,
    output: ChildStdout,
}

impl Call {
    pub(crate) fn say_and_hear(&mut self, words: &[u8]) {
        self.input.write_all(words).unwrap();
        self.input.flush().unwrap();
        let mut heard = vec![0; words.len()];
        self.output.read_exact(&mut heard).unwrap();
        assert_eq!(heard, words);
    }

    /// Ends the program in the midst of it.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Ends the input, and waits for the end of the call.
    pub(crate) fn end(self) -> Called {
        drop(self.input);
        Called::of(self.child.wait_with_output().unwrap())
    }
}

/// How a program ended.
pub(crate) struct Called {
    pub(crate) code: i32,
    pub(crate) out: Vec<u8>,
    pub(crate) err: String,
}

impl Called {
    fn of(output: Output) -> Self {
        let code = output.status.code().unwrap_or(-1);
        Self { code, out: output.stdout, err: String::from_utf8(output.stderr).unwrap() }
    }

    /// Expects this exit code, this as the one line of errors, and no output.
    #[track_caller]
    pub(crate) fn fails(&self, code: i32, error: &str) {
        assert_eq!((self.err.trim_end(), self.code), (error, code));
        assert_eq!(self.out, b"", "there is no output");
    }
}
