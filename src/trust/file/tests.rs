use std::fs;

use super::*;
use crate::trust::StrictModes;

fn refused(path: &Path, ownership: Ownership) -> String {
    Contents::read(path, ownership).unwrap_err().to_string()
}

fn lines(bytes: &[u8]) -> Vec<(usize, Vec<u8>)> {
    let contents = Contents::new("file", bytes).unwrap();
    contents
        .lines()
        .map(|line| line.map(|(number, line)| (number, line.to_vec())).unwrap())
        .collect()
}

#[test]
fn lines_are_numbered_from_one_and_lose_their_ends() {
    let expected = |lines: &[&str]| {
        (1..).zip(lines.iter().map(|line| line.as_bytes().to_vec())).collect::<Vec<_>>()
    };
    assert_eq!(lines(b""), expected(&[""]));
    assert_eq!(lines(b"a\nb"), expected(&["a", "b"]));
    assert_eq!(lines(b"a\r\n\r\nb\r"), expected(&["a", "", "b"]));
    assert_eq!(lines(b"a\r\r\nb\rc\n"), expected(&["a\r", "b\rc", ""]));
}

#[test]
fn one_byte_order_mark_is_stripped() {
    assert_eq!(lines(b"\xef\xbb\xbfa"), [(1, b"a".to_vec())]);
    assert_eq!(lines(b"\xef\xbb\xbf\xef\xbb\xbfa"), [(1, b"\xef\xbb\xbfa".to_vec())]);
    assert_eq!(lines(b"a\n\xef\xbb\xbfb")[1].1, b"\xef\xbb\xbfb");
}

#[test]
fn home_is_expanded() {
    let home = std::env::home_dir().unwrap();
    assert_eq!(expand(Path::new("~/.ssh/known_hosts")).unwrap(), home.join(".ssh/known_hosts"));
    for other in ["~alice/keys", "a/~/b", "/~/b", "~~"] {
        assert_eq!(expand(Path::new(other)).unwrap(), Path::new(other));
    }
}

#[test]
fn what_is_no_file_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path();
    assert_eq!(
        refused(path, Ownership::Any),
        format!("{}: this is a directory; give the path of a regular file", path.display())
    );
    let missing = path.join("no\nsuch file");
    assert_eq!(
        refused(&missing, Ownership::Any),
        format!(
            "{}/no\\u{{a}}such file: there is no such file; give another path, or create it (it may be empty)",
            path.display()
        )
    );
}

#[cfg(unix)]
#[test]
fn devices_and_pipes_are_refused_without_waiting() {
    let text = refused(Path::new("/dev/null"), Ownership::Any);
    assert_eq!(text, "/dev/null: this is not a regular file; give the path of a regular file");

    let dir = tempfile::tempdir().unwrap();
    let fifo = dir.path().join("fifo");
    let made = std::process::Command::new("mkfifo").arg(&fifo).status().unwrap();
    assert!(made.success());
    let error = Contents::read(&fifo, Ownership::Any).unwrap_err();
    assert!(matches!(error.kind(), TrustErrorKind::NotRegular { .. }), "{error}");
}

#[cfg(unix)]
#[test]
fn others_may_not_write() {
    use std::os::unix::fs::PermissionsExt as _;

    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("the authorized_keys");
    let strict = || Ownership::Strict(StrictModes::Below(dir.path().into()).guard().unwrap());
    fs::write(&path, "").unwrap();
    for mode in [0o620, 0o602, 0o666, 0o4622] {
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        assert_eq!(
            refused(&path, strict()),
            format!(
                "{path}: the file has mode {mode:04o}, so that others could admit anyone; run `chmod go-w '{path}'`",
                path = path.display()
            )
        );
        assert!(Contents::read(&path, Ownership::Any).is_ok());
    }
    for mode in [0o600, 0o644, 0o755] {
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        assert!(Contents::read(&path, strict()).is_ok());
    }
}

#[test]
fn size_limits() {
    let too_long = |len: usize| {
        let bytes = [b"a\n".to_vec(), vec![b'#'; len], b"\r\nb".to_vec()].concat();
        let contents = Contents::new("file", &bytes).unwrap();
        let error = contents.lines().find_map(Result::err);
        error.map(|error| error.to_string())
    };
    assert_eq!(too_long(MAX_LINE), None);
    assert_eq!(
        too_long(MAX_LINE + 1).unwrap(),
        "file:2: the line has 1048577 bytes and at most 1048576 are read; split or remove it"
    );

    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("known_hosts");
    let mut bytes = vec![b'\n'; MAX_FILE];
    fs::write(&path, &bytes).unwrap();
    assert!(Contents::read(&path, Ownership::Any).is_ok());
    bytes.push(b'\n');
    fs::write(&path, &bytes).unwrap();
    let why = "the file has more than 16777216 bytes; split it or remove what is not needed";
    assert_eq!(refused(&path, Ownership::Any), format!("{}: {why}", path.display()));
    assert_eq!(Contents::new("file", &bytes).unwrap_err().to_string(), format!("file: {why}"));
}
