//! Decisions over `authorized_keys`, and files that are refused.

use std::fs;
use std::time::SystemTime;

use handfast::key::PublicKey;
use handfast::trust::{AuthorizedKeys, Decision, Question, StrictModes, TrustErrorKind};

use crate::trust_files::{RSA, keys};

fn decide(keys: &AuthorizedKeys, key: &PublicKey) -> Decision {
    keys.decide(&Question::new(key, SystemTime::UNIX_EPOCH))
}

/// Temporary folders lie where everybody may write.
#[cfg(unix)]
fn below(folder: &tempfile::TempDir) -> StrictModes {
    StrictModes::Below(folder.path().to_owned())
}

#[test]
fn truth_table() {
    let [a, b] = keys::<2>();
    for (file, expected) in [
        ("".to_owned(), "no line of authorized_keys lists this key"),
        (format!("{a}"), "authorized_keys:1 admits this key"),
        (format!("# alice\n\n{b} bob\n{a} alice\n"), "authorized_keys:4 admits this key"),
        (format!("{b}\n{RSA}\n"), "no line of authorized_keys lists this key"),
        (format!("#{a}"), "no line of authorized_keys lists this key"),
        (format!("nonsense\n{a}\0\n{a}"), "authorized_keys:3 admits this key"),
        (format!("tunnel=\"1\" {a}\n{a}"), "authorized_keys:2 admits this key"),
        (format!("restrict {a}\n{a}"), "authorized_keys:1 admits this key"),
        (
            format!("cert-authority {a}"),
            "authorized_keys:1: the entry is a certificate authority, which this version does not honour",
        ),
        (format!("restrict {b}\n{a}"), "authorized_keys:2 admits this key"),
        // A marker is nothing here.
        (format!("@revoked {a}"), "authorized_keys:1: `@revoked` is not the name of an option"),
    ] {
        let keys = AuthorizedKeys::parse("authorized_keys", file.as_bytes()).unwrap();
        assert_eq!(decide(&keys, &a).to_string(), expected, "{file}");
    }
}

/// The current folder is that of the whole process, so another one looks.
#[cfg(unix)]
#[test]
fn above_the_current_folder_no_folder_counts_whatever_the_path() {
    const PATHS: &str = "HANDFAST_TEST_AUTHORIZED_KEYS";
    if let Some(paths) = std::env::var_os(PATHS) {
        for path in std::env::split_paths(&paths) {
            AuthorizedKeys::open(&path).unwrap();
        }
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let (folder, below) = (dir.path().join("a"), dir.path().join("a/b"));
    fs::create_dir_all(&below).unwrap();
    for path in [folder.join("keys"), below.join("keys")] {
        fs::write(path, "").unwrap();
    }
    let set_mode = |path: &std::path::Path, mode| {
        use std::os::unix::fs::PermissionsExt as _;
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    };
    set_mode(dir.path(), 0o777);
    let reads = |paths: &[std::path::PathBuf]| {
        let name = "trust_files::authorized_keys::above_the_current_folder_no_folder_counts_whatever_the_path";
        let test = std::process::Command::new(std::env::current_exe().unwrap())
            .args(["--exact", name])
            .current_dir(&folder)
            .env(PATHS, std::env::join_paths(paths).unwrap())
            .env("HOME", "/nonexistent")
            .output()
            .unwrap();
        assert!(String::from_utf8_lossy(&test.stdout).contains("running 1 test"));
        test.status.success()
    };
    let absolute = [folder.join("keys"), below.join("keys")];
    assert!(reads(&absolute));
    assert!(reads(&["keys".into(), "b/keys".into(), "../a/keys".into()]));
    // from the file up to the current folder each counts, and that folder too
    set_mode(&below, 0o777);
    assert!(!reads(&absolute[1..]) && !reads(&["b/keys".into()]));
    assert!(reads(&absolute[..1]));
    set_mode(&folder, 0o777);
    assert!(!reads(&absolute[..1]) && !reads(&["keys".into()]));
}

#[cfg(unix)]
#[test]
fn the_file_is_read_only_if_nobody_else_can_write_it() {
    use std::os::unix::fs::PermissionsExt as _;

    let [a] = keys::<1>();
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("authorized_keys");
    fs::write(&path, format!("{a} alice@example.org\n")).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o664)).unwrap();
    let error = AuthorizedKeys::open_with(&path, &below(&dir)).unwrap_err();
    assert_eq!(
        error.to_string(),
        format!(
            "{path}: the file has mode 0664, so that others could admit anyone; run `chmod go-w {path}`",
            path = path.display()
        )
    );
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    let Decision::Admitted(entry) =
        decide(&AuthorizedKeys::open_with(&path, &below(&dir)).unwrap(), &a)
    else {
        panic!()
    };
    assert_eq!(entry.place().to_string(), format!("{}:1", path.display()));
    assert_eq!(entry.comment(), "alice@example.org");
}

#[test]
fn a_missing_file_is_an_error() {
    let dir = tempfile::tempdir().unwrap();
    let error = AuthorizedKeys::open(dir.path().join("authorized_keys")).unwrap_err();
    assert!(matches!(error.kind(), TrustErrorKind::NotFound), "{error}");
    let error = AuthorizedKeys::open(dir.path()).unwrap_err();
    assert!(matches!(error.kind(), TrustErrorKind::NotRegular { seen: "a directory" }), "{error}");
}
