use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::PathBuf;

use nix::unistd::{Gid, Uid};
use tempfile::TempDir;

use super::*;

const ALICE: u32 = 54_321;

fn alice(home: &Path) -> User {
    let mut user = User::from_uid(nix::unistd::geteuid()).unwrap().expect("the user of the tests");
    user.name = "alice-of-the-tests".to_owned();
    (user.uid, user.gid) = (Uid::from_raw(ALICE), Gid::from_raw(ALICE));
    user.dir = home.to_owned();
    user
}

/// A home directory that anybody may search, of another user than alice.
fn home() -> (TempDir, PathBuf) {
    let folder = TempDir::new().unwrap();
    fs::set_permissions(folder.path(), Permissions::from_mode(0o755)).unwrap();
    let path = fs::canonicalize(folder.path()).unwrap();
    (folder, path)
}

fn open(path: &Path) -> Result<(), String> {
    let user = alice(path);
    Reader::new(&user).open(path).map(drop).map_err(|kind| kind.to_string())
}

#[test]
fn the_bits_that_count_are_those_of_the_users_own_class() {
    let user = alice(Path::new("/"));
    let reader = Reader::new(&user);
    for (owner, group, mode, may) in [
        (ALICE, 0, 0o400, true),
        (ALICE, ALICE, 0o044, false),
        (0, ALICE, 0o040, true),
        (0, ALICE, 0o604, false),
        (0, 0, 0o004, true),
        (0, 0, 0o640, false),
        (0, 0, 0o600, false),
    ] {
        assert_eq!(reader.may(READ, owner, group, mode), may, "{owner} {group} {mode:o}");
    }
    let mut root = user.clone();
    root.uid = Uid::from_raw(0);
    assert!(Reader::new(&root).may(READ, ALICE, ALICE, 0));
}

#[test]
fn what_the_user_could_not_read_is_not_read() {
    let (_folder, home) = home();
    let [file, link, closed] = ["file", "link", "closed"].map(|name| home.join(name));
    fs::write(&file, "").unwrap();
    symlink(&file, &link).unwrap();
    for (mode, seen) in [(0o644, Ok(())), (0o600, Err(()))] {
        fs::set_permissions(&file, Permissions::from_mode(mode)).unwrap();
        for path in [&file, &link] {
            let expected = seen.map_err(|()| {
                format!(
                    "user id {ALICE} may not read the file {}, so it is not read for that user; change its mode or owner",
                    file.display()
                )
            });
            assert_eq!(open(path), expected);
        }
    }
    fs::create_dir(&closed).unwrap();
    fs::write(closed.join("file"), "").unwrap();
    fs::set_permissions(closed.join("file"), Permissions::from_mode(0o644)).unwrap();
    fs::set_permissions(&closed, Permissions::from_mode(0o700)).unwrap();
    symlink("closed/file", home.join("way")).unwrap();
    for path in [closed.join("file"), home.join("way")] {
        assert_eq!(
            open(&path).unwrap_err(),
            format!(
                "user id {ALICE} may not search the folder {}, so it is not read for that user; change its mode or owner",
                closed.display()
            )
        );
    }
}

#[test]
fn what_is_no_file_is_not_opened_for_a_user() {
    let (_folder, home) = home();
    let _socket = std::os::unix::net::UnixListener::bind(home.join("socket")).unwrap();
    fs::set_permissions(home.join("socket"), Permissions::from_mode(0o666)).unwrap();
    symlink("/dev/null", home.join("device")).unwrap();
    symlink("nowhere", home.join("dangling")).unwrap();
    let no_file = "this is not a regular file; give the path of a regular file";
    assert_eq!(open(&home.join("socket")).unwrap_err(), no_file);
    assert_eq!(open(&home.join("device")).unwrap_err(), no_file);
    for missing in ["dangling", "missing", "no/such"] {
        let error = open(&home.join(missing)).unwrap_err();
        assert!(error.starts_with("there is no such file"), "{error}");
    }
}
