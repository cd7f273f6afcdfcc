//! Keys, fingerprints and signatures against the real `ssh-keygen` (OpenSSH's client tools must be
//! installed).

#![expect(clippy::expect_used, clippy::panic, reason = "helpers of tests end a test this way")]

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use handfast::key::{Fingerprint, Identity, KeyError, PublicKey, SignatureError, sshsig};
use handfast::trust::KeyFileError;
use tempfile::TempDir;

/// A directory of one test's own, with `ssh-keygen` at hand.
struct Desk(TempDir);

impl Desk {
    fn new() -> Self {
        Self(TempDir::new().expect("a temporary directory"))
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, content).expect("a file in a temporary directory");
        path
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).expect("a file that was just made")
    }

    fn try_keygen(&self, args: &[&str], input: &[u8]) -> Output {
        let mut child = Command::new("ssh-keygen")
            .args(args)
            .current_dir(self.0.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("ssh-keygen of OpenSSH's client tools");
        child.stdin.take().expect("its input").write_all(input).expect("writing to it");
        child.wait_with_output().expect("its end")
    }

    fn keygen(&self, args: &[&str], input: &[u8]) -> String {
        let output = self.try_keygen(args, input);
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "ssh-keygen {args:?}: {errors}");
        String::from_utf8(output.stdout).expect("text")
    }

    /// Makes a key in the file `name`.
    fn make(&self, name: &str, more: &[&str]) -> PathBuf {
        let mut args = vec!["-q", "-C", "alice@example.org", "-f", name];
        if !more.contains(&"-t") {
            args.extend(["-t", "ed25519"]);
        }
        if !more.contains(&"-N") {
            args.extend(["-N", ""]);
        }
        args.extend(more);
        self.keygen(&args, b"");
        self.path(name)
    }

    fn public(&self, name: &str) -> PublicKey {
        self.read(name).parse().expect("a .pub file")
    }
}

/// The error of the key in a file, which must be named.
fn key_error(result: Result<Identity, KeyFileError>, file: &Path) -> KeyError {
    let error = result.expect_err("a refusal");
    let text = error.to_string();
    let KeyFileError::Key { path, problem } = error else { panic!("{text}") };
    assert_eq!(path, file);
    assert_eq!(text, format!("{}: {}", file.display(), problem.for_file(file)));
    assert!(!text.contains("FILE"), "a command names the file itself: {text}");
    problem
}

fn set_mode(path: &Path, mode: u32) {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("a mode");
    }
    #[cfg(not(unix))]
    let _ = (path, mode);
}

#[test]
fn a_plain_key_is_loaded() {
    let desk = Desk::new();
    let path = desk.make("key", &[]);
    let alice = Identity::load(&path).expect("a key");
    assert_eq!(alice.public_key(), &desk.public("key.pub"));
    assert_eq!(alice.comment(), "alice@example.org");
    let again = Identity::load_with_passphrase(&path, "not needed").expect("a key");
    assert_eq!(again.public_key(), alice.public_key());
}

#[test]
fn keys_under_every_cipher_are_loaded() {
    for cipher in [
        "aes128-cbc",
        "aes192-cbc",
        "aes256-cbc",
        "aes128-ctr",
        "aes192-ctr",
        "aes256-ctr",
        "aes128-gcm@openssh.com",
        "aes256-gcm@openssh.com",
        "chacha20-poly1305@openssh.com",
    ] {
        let desk = Desk::new();
        let path = desk.make("key", &["-N", "a secret", "-Z", cipher, "-a", "2"]);
        let alice = Identity::load_with_passphrase(&path, "a secret").expect(cipher);
        assert_eq!(alice.public_key(), &desk.public("key.pub"), "{cipher}");
        assert_eq!(alice.comment(), "alice@example.org", "{cipher}");
        assert_eq!(key_error(Identity::load(&path), &path), KeyError::PassphraseNeeded, "{cipher}");
        for wrong in ["", "a Secret", "a secret "] {
            let refused = Identity::load_with_passphrase(&path, wrong);
            assert_eq!(key_error(refused, &path), KeyError::WrongPassphrase, "{cipher}");
        }
    }
}

#[test]
fn what_a_passphrase_error_says() {
    let desk = Desk::new();
    let path = desk.make("key", &["-N", "a secret", "-a", "2"]);
    let says = |error: KeyFileError| {
        error
            .to_string()
            .strip_prefix(&format!("{}: ", path.display()))
            .expect("the path")
            .to_owned()
    };
    assert_eq!(
        says(Identity::load(&path).expect_err("a refusal")),
        "the private key is protected by a passphrase and none was given"
    );
    assert_eq!(
        says(Identity::load_with_passphrase(&path, "guess").expect_err("a refusal")),
        "wrong passphrase for the private key"
    );
}

#[test]
fn a_key_under_3des_is_refused_by_name() {
    let desk = Desk::new();
    let path = desk.make("key", &["-N", "a secret", "-Z", "3des-cbc", "-a", "2"]);
    let error = key_error(Identity::load_with_passphrase(&path, "a secret"), &path);
    assert_eq!(error, KeyError::UnsupportedCipher { cipher: "3des-cbc".to_owned() });
}

#[test]
fn other_types_are_refused_with_what_to_do() {
    let desk = Desk::new();
    for (more, name) in [
        (&["-t", "rsa", "-b", "2048"][..], "ssh-rsa"),
        (&["-t", "rsa", "-b", "2048", "-N", "a secret", "-a", "2"], "ssh-rsa"),
        (&["-t", "ecdsa", "-b", "256"], "ecdsa-sha2-nistp256"),
        (&["-t", "ecdsa", "-b", "521"], "ecdsa-sha2-nistp521"),
    ] {
        let desk = Desk::new();
        let path = desk.make("key", more);
        let error = key_error(Identity::load(&path), &path);
        assert_eq!(error, KeyError::UnsupportedAlgorithm { algorithm: name.to_owned() });
        let text = format!(
            "keys of type {name} are not supported; make an Ed25519 key with `ssh-keygen -t ed25519`"
        );
        assert_eq!(error.to_string(), text);
        let public = PublicKey::from_openssh(&desk.read("key.pub")).expect_err("a refusal");
        assert_eq!(public.to_string(), text);
    }
    let path = desk.make("pem", &["-t", "rsa", "-b", "2048", "-m", "PEM"]);
    assert_eq!(
        key_error(Identity::load(&path), &path).to_string(),
        "not a private key in OpenSSH's format: it is an RSA private key in a PEM file (PKCS#1); \
         `ssh-keygen -p -f FILE` rewrites the file in OpenSSH's format, but keys of type ssh-rsa are \
         not supported in any format: make an Ed25519 key with `ssh-keygen -t ed25519`"
    );
    desk.make("ca", &[]);
    desk.make("key", &[]);
    desk.keygen(&["-q", "-s", "ca", "-I", "alice", "-n", "alice", "key.pub"], b"");
    let error = PublicKey::from_openssh(&desk.read("key-cert.pub")).expect_err("a refusal");
    let name = "ssh-ed25519-cert-v01@openssh.com".to_owned();
    assert_eq!(error, KeyError::UnsupportedAlgorithm { algorithm: name });
    let path = desk.path("key.pub");
    set_mode(&path, 0o600);
    let error = Identity::load(&path).expect_err("a refusal");
    assert!(matches!(error, KeyFileError::PublicKey { .. }), "{error}");
    assert_eq!(
        error.to_string(),
        format!(
            "{}: this is a public key; give the private one, `{}`",
            path.display(),
            desk.path("key").display()
        )
    );
}

#[cfg(unix)]
#[test]
fn only_the_owner_may_have_access() {
    let desk = Desk::new();
    let path = desk.make("my key", &[]);
    for mode in [0o600, 0o400, 0o700] {
        set_mode(&path, mode);
        assert!(Identity::load(&path).is_ok(), "{mode:o}");
    }
    for mode in [0o644, 0o640, 0o604, 0o660, 0o610, 0o601, 0o777] {
        set_mode(&path, mode);
        let error = Identity::load(&path).expect_err("a refusal");
        assert!(matches!(error, KeyFileError::Permissions { mode: seen, .. } if seen == mode));
        let path = path.display();
        assert_eq!(
            error.to_string(),
            format!(
                "{path}: refused, for its mode is 0{mode:o} and others than its owner have access to the \
                 private key in it; run `chmod 600 '{path}'`"
            )
        );
    }
}

/// Whoever gives the public key in the place of the private one is not told to change its mode.
#[cfg(unix)]
#[test]
fn what_is_no_private_key_is_said_before_its_mode() {
    let desk = Desk::new();
    let public = desk.make("key", &[]).with_extension("pub");
    let [empty, other] = ["empty", "other"].map(|name| desk.path(name));
    fs::write(&empty, " \n").expect("a file");
    fs::copy(&public, &other).expect("a file");
    let private = public.with_extension("");
    for mode in [0o644, 0o600] {
        for (path, expected) in [
            (
                &public,
                format!("this is a public key; give the private one, `{}`", private.display()),
            ),
            (&other, "this is a public key; give the private one".to_owned()),
            (&empty, "the file is empty; restore it from a copy, or make a new key".to_owned()),
        ] {
            set_mode(path, mode);
            let errors = [
                Identity::load(path).expect_err("no private key"),
                Identity::load_with_passphrase(path, "x").expect_err("no private key"),
                Identity::load_shared_with_group(path, "0").expect_err("no private key"),
                Identity::change_passphrase(path, None, None).expect_err("no private key"),
            ];
            for error in errors {
                assert_eq!(error.to_string(), format!("{}: {expected}", path.display()));
            }
        }
    }
}

#[cfg(unix)]
#[test]
fn a_group_may_read_that_is_named_and_nobody_else() {
    use std::os::unix::fs::MetadataExt as _;

    let desk = Desk::new();
    let path = desk.make("key", &[]);
    let group = fs::metadata(&path).expect("a file").gid();
    let load = |group: &str| Identity::load_shared_with_group(&path, group);
    for mode in [0o600, 0o400, 0o640, 0o440] {
        set_mode(&path, mode);
        assert!(load(&group.to_string()).is_ok(), "{mode:o}");
    }
    for mode in [0o660, 0o650, 0o644, 0o444, 0o604, 0o641] {
        set_mode(&path, mode);
        let error = load(&group.to_string()).expect_err("a refusal");
        assert!(matches!(error, KeyFileError::Permissions { mode: seen, .. } if seen == mode));
    }
    set_mode(&path, 0o640);
    let error = load(&(group + 1).to_string()).expect_err("a refusal");
    assert!(matches!(error, KeyFileError::OtherGroup { seen, .. } if seen == group), "{error}");
    let error = load("no-group-of-this-name").expect_err("a refusal");
    assert!(matches!(error, KeyFileError::NoGroup { .. }), "{error}");
    if let Ok(Some(named)) = nix::unistd::Group::from_gid(group.into()) {
        assert!(load(&named.name).is_ok());
    }
}

#[cfg(unix)]
#[test]
fn the_mode_that_counts_is_that_of_the_file_itself() {
    let desk = Desk::new();
    let path = desk.make("key", &[]);
    let link = desk.path("link");
    std::os::unix::fs::symlink(&path, &link).expect("a link");
    assert!(Identity::load(&link).is_ok());
    set_mode(&path, 0o644);
    assert!(
        matches!(Identity::load(&link), Err(KeyFileError::Permissions { path, .. }) if path == link)
    );
}

#[test]
fn what_is_no_file_is_refused() {
    let desk = Desk::new();
    let missing = desk.path("missing");
    let error = Identity::load(&missing).expect_err("a refusal");
    assert!(matches!(&error, KeyFileError::NotFound { path } if *path == missing));
    let path = missing.display();
    assert_eq!(
        error.to_string(),
        format!("{path}: there is no such file; make a key with `ssh-keygen -t ed25519 -f {path}`")
    );

    let directory = desk.0.path();
    let error = Identity::load(directory).expect_err("a refusal");
    assert!(matches!(&error, KeyFileError::NotAFile { path } if path == directory));
    assert_eq!(error.to_string(), format!("{}: not a regular file", directory.display()));
}

#[cfg(unix)]
#[test]
fn a_pipe_is_refused_without_waiting() {
    let desk = Desk::new();
    let pipe = desk.path("pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().expect("mkfifo").success());
    assert!(matches!(Identity::load(&pipe), Err(KeyFileError::NotAFile { .. })));
}

#[test]
fn a_file_beyond_the_limit_is_refused() {
    let desk = Desk::new();
    let path = desk.make("key", &[]);
    let mut text = desk.read("key");
    text.push_str(&"\n".repeat(65_536 - text.len()));
    fs::write(&path, &text).expect("a file");
    assert!(Identity::load(&path).is_ok());
    text.push('\n');
    fs::write(&path, &text).expect("a file");
    assert_eq!(key_error(Identity::load(&path), &path), KeyError::FileTooLarge);
}

#[test]
fn a_file_cut_anywhere_is_refused() {
    let desk = Desk::new();
    desk.make("key", &[]);
    desk.make("locked", &["-N", "a secret", "-a", "1"]);
    let (plain, locked) = (desk.read("key"), desk.read("locked"));
    // Only the end of the last line may be missing.
    for len in 0..plain.len() - 1 {
        assert!(Identity::from_openssh(&plain[..len], None).is_err(), "{len}");
    }
    for len in 0..locked.len() - 1 {
        assert!(Identity::from_openssh(&locked[..len], Some(b"a secret")).is_err(), "{len}");
    }
}

#[test]
fn fingerprints_are_those_of_ssh_keygen() {
    let desk = Desk::new();
    desk.make("key", &[]);
    let line = desk.keygen(&["-l", "-f", "key.pub"], b"");
    let theirs = line.split(' ').nth(1).expect("a fingerprint");
    assert_eq!(desk.public("key.pub").fingerprint().to_string(), theirs);
    assert_eq!(theirs.parse::<Fingerprint>(), Ok(desk.public("key.pub").fingerprint()));
}

#[test]
fn ssh_keygen_reads_what_is_saved() {
    let desk = Desk::new();
    let alice = Identity::generate().expect("a key").with_comment("alice@example.org");
    for (name, passphrase) in [("plain", ""), ("locked", "a secret")] {
        let path = desk.path(name);
        let given = (!passphrase.is_empty()).then_some(passphrase.as_bytes());
        alice.save(&path, given).expect("a file");
        let public = desk.keygen(&["-y", "-P", passphrase, "-f", name], b"");
        assert_eq!(public.trim_end(), format!("{} alice@example.org", alice.public_key()));
        let read = Identity::load_with_passphrase(&path, passphrase).expect("a key");
        assert_eq!(read.public_key(), alice.public_key());
        assert_eq!(read.comment(), "alice@example.org");
        assert!(desk.read(name).lines().all(|line| line.len() <= 70));
    }
    assert!(!desk.try_keygen(&["-y", "-P", "guess", "-f", "locked"], b"").status.success());
}

#[test]
fn saving_leaves_what_is_there_alone() {
    let desk = Desk::new();
    let alice = Identity::from_seed(&[1; 32]);
    let path = desk.write("key", "something");
    let error = alice.save(&path, None).expect_err("a refusal");
    assert!(matches!(error, KeyFileError::Exists { .. }));
    assert_eq!(
        error.to_string(),
        format!(
            "{}: there is a file already, and a private key never replaces one",
            path.display()
        )
    );
    assert_eq!(desk.read("key"), "something");

    let error = alice.save(desk.path("no/key"), None).expect_err("a refusal");
    assert!(matches!(error, KeyFileError::Write { .. }), "{error}");

    let error = alice.save(desk.path("empty"), Some(b"")).expect_err("a refusal");
    assert!(
        matches!(error, KeyFileError::Key { problem: KeyError::EmptyPassphrase, .. }),
        "{error}"
    );
    assert!(!desk.path("empty").exists());
}

#[cfg(unix)]
#[test]
fn a_saved_key_is_its_owners_alone_and_follows_no_link() {
    use std::os::unix::fs::PermissionsExt as _;
    let desk = Desk::new();
    let alice = Identity::from_seed(&[1; 32]);
    let path = desk.path("key");
    alice.save(&path, None).expect("a file");
    let mode = fs::metadata(&path).expect("a file").permissions().mode();
    assert_eq!(mode & 0o7777, 0o600);

    let link = desk.path("link");
    std::os::unix::fs::symlink(desk.path("target"), &link).expect("a link");
    assert!(matches!(alice.save(&link, None), Err(KeyFileError::Exists { .. })));
    assert!(!desk.path("target").exists());
}

#[test]
fn a_passphrase_is_changed_in_place() {
    let desk = Desk::new();
    let path = desk.make("id", &["-t", "ed25519", "-a", "1", "-N", "old"]);
    let (before, public) = (desk.read("id"), desk.public("id.pub"));
    let change = |old, new| Identity::change_passphrase(&path, old, new);
    for (old, new, expected) in [
        (None, Some(&b"new"[..]), KeyError::PassphraseNeeded),
        (Some(&b"new"[..]), None, KeyError::WrongPassphrase),
        (Some(b"old"), Some(b""), KeyError::EmptyPassphrase),
    ] {
        match change(old, new).expect_err("an error") {
            KeyFileError::Key { problem, .. } => assert_eq!(problem, expected),
            error => panic!("{error}"),
        }
        assert_eq!(desk.read("id"), before);
    }
    change(Some(b"old"), Some(b"new")).expect("a change");
    let identity = Identity::load_with_passphrase(&path, b"new").expect("the key");
    assert_eq!((identity.public_key(), identity.comment()), (&public, "alice@example.org"));
    change(Some(b"new"), None).expect("a change");
    assert_eq!(Identity::load(&path).expect("the key").public_key(), &public);
    let missing = Identity::change_passphrase(desk.path("missing"), None, None);
    assert!(matches!(missing, Err(KeyFileError::NotFound { .. })));
    let folder = Identity::change_passphrase(desk.0.path(), None, None);
    assert!(matches!(folder, Err(KeyFileError::NotAFile { .. })));
    assert_eq!(fs::read_dir(desk.0.path()).expect("the directory").count(), 2);
}

#[test]
fn ssh_keygen_verifies_our_signatures() {
    let desk = Desk::new();
    let alice = Identity::from_seed(&[1; 32]);
    desk.write("allowed", format!("alice {}\n", alice.public_key()));
    for message in [&b""[..], b"meet me at noon", &[0xff; 100_000]] {
        desk.write("sig", sshsig::sign(&alice, "example", message).expect("a signature"));
        let check = |namespace| {
            let args =
                ["-Y", "verify", "-f", "allowed", "-I", "alice", "-n", namespace, "-s", "sig"];
            desk.try_keygen(&args, message).status.success()
        };
        assert!(check("example"));
        assert!(!check("other"));
    }
    let args = ["-Y", "verify", "-f", "allowed", "-I", "alice", "-n", "example", "-s", "sig"];
    assert!(!desk.try_keygen(&args, b"another message").status.success());
}

#[test]
fn signatures_of_ssh_keygen_are_verified() {
    let desk = Desk::new();
    desk.make("key", &[]);
    desk.make("other", &[]);
    let (key, other) = (desk.public("key.pub"), desk.public("other.pub"));
    for message in [&b""[..], b"meet me at noon", &[0xff; 100_000]] {
        let text = desk.keygen(&["-Y", "sign", "-q", "-n", "example", "-f", "key"], message);
        let text = text.as_bytes();
        assert_eq!(sshsig::verify(&key, "example", message, text), Ok(()));
        assert_eq!(
            sshsig::verify(&key, "example", b"else", text),
            Err(SignatureError::BadSignature)
        );
        assert_eq!(
            sshsig::verify(&key, "file", message, text),
            Err(SignatureError::OtherNamespace {
                seen: "example".to_owned(),
                expected: "file".to_owned()
            })
        );
        assert_eq!(
            sshsig::verify(&other, "example", message, text),
            Err(SignatureError::OtherKey {
                seen: key.fingerprint(),
                expected: other.fingerprint()
            })
        );
    }
}

#[test]
fn the_two_make_the_same_signature() {
    let desk = Desk::new();
    let alice = Identity::from_seed(&[1; 32]);
    alice.save(desk.path("key"), None).expect("a file");
    let theirs = desk.keygen(&["-Y", "sign", "-q", "-n", "example", "-f", "key"], b"message");
    assert_eq!(sshsig::sign(&alice, "example", b"message"), Ok(theirs));
}

#[test]
fn other_signatures_of_ssh_keygen_are_refused_by_name() {
    let desk = Desk::new();
    desk.make("key", &[]);
    let key = desk.public("key.pub");
    let args = ["-Y", "sign", "-q", "-O", "hashalg=sha256", "-n", "example", "-f", "key"];
    let text = desk.keygen(&args, b"message");
    assert_eq!(
        sshsig::verify(&key, "example", b"message", text.as_bytes()),
        Err(SignatureError::OtherHash { seen: "sha256".to_owned() })
    );
    desk.make("rsa", &["-t", "rsa", "-b", "2048"]);
    let text = desk.keygen(&["-Y", "sign", "-q", "-n", "example", "-f", "rsa"], b"message");
    let problem = KeyError::UnsupportedAlgorithm { algorithm: "ssh-rsa".to_owned() };
    assert_eq!(
        sshsig::verify(&key, "example", b"message", text.as_bytes()),
        Err(SignatureError::Key { problem })
    );
}
