//! A directory of one test's own, with keytool and other programs that run in it.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use handfast::key::Identity;
use tempfile::TempDir;

pub(crate) const KEYTOOL: &str = env!("CARGO_BIN_EXE_keytool");

/// A directory of one test's own, which is also the home directory.
pub(crate) struct Desk(TempDir);

impl Desk {
    pub(crate) fn new() -> Self {
        Self(TempDir::new().expect("a temporary directory"))
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(crate) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).expect("a file that was just made")
    }

    pub(crate) fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        fs::write(self.path(name), content).expect("a file in a temporary directory");
    }

    pub(crate) fn mode(&self, name: &str) -> u32 {
        fs::metadata(self.path(name)).expect("a file").permissions().mode() & 0o7777
    }

    pub(crate) fn set_mode(&self, name: &str, mode: u32) {
        fs::set_permissions(self.path(name), fs::Permissions::from_mode(mode)).expect("chmod");
    }

    pub(crate) fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.0.path()).expect("the directory");
        let name = |entry: std::io::Result<fs::DirEntry>| entry.expect("an entry").file_name();
        let mut names: Vec<_> =
            entries.map(|entry| name(entry).to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }

    pub(crate) fn command(&self, program: &str, args: &[&str]) -> Command {
        let mut command = Command::new(program);
        command
            .args(args)
            .current_dir(self.0.path())
            .env("HOME", self.0.path())
            .env_remove("HANDFAST_PASSPHRASE")
            .stdin(Stdio::null());
        command
    }

    pub(crate) fn run(&self, program: &str, args: &[&str]) -> Output {
        self.command(program, args).output().expect("the program to start")
    }

    /// Runs keytool; its exit code, data and talk.
    pub(crate) fn keytool(&self, args: &[&str]) -> (i32, String, String) {
        parts(self.run(KEYTOOL, args))
    }

    /// Runs keytool, which must succeed; its data.
    pub(crate) fn done(&self, args: &[&str]) -> String {
        let (code, data, talk) = self.keytool(args);
        assert_eq!(code, 0, "keytool {args:?}: {talk}");
        data
    }

    /// Runs ssh-keygen, which must succeed.
    pub(crate) fn keygen(&self, args: &[&str]) -> String {
        let (code, data, talk) = parts(self.run("ssh-keygen", args));
        assert_eq!(code, 0, "ssh-keygen {args:?}: {talk}");
        data
    }

    pub(crate) fn shell(&self, script: &str) -> (i32, String, String) {
        parts(self.command("sh", &["-c", script]).env("KEYTOOL", KEYTOOL).output().expect("sh"))
    }
}

pub(crate) fn parts(output: Output) -> (i32, String, String) {
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("text");
    (output.status.code().unwrap_or(-1), text(output.stdout), text(output.stderr))
}

/// The line of a `.pub` file.
pub(crate) fn public_line(seed: u8, comment: &str) -> String {
    format!("{} {comment}\n", Identity::from_seed(&[seed; 32]).public_key())
}
