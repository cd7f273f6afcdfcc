use std::fs::Permissions;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::PathBuf;

use tempfile::TempDir;

use super::super::StrictModes;
use super::*;

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

/// A file two folders below a temporary one.
fn desk() -> (TempDir, PathBuf) {
    let top = TempDir::new().unwrap();
    let path = top.path().join("a/b/authorized_keys");
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(&path, "").unwrap();
    for below in ["a", "a/b"] {
        set_mode(&top.path().join(below), 0o755);
    }
    set_mode(&path, 0o644);
    (top, path)
}

fn below(top: &Path, path: &Path) -> Result<(), String> {
    let guard = StrictModes::Below(top.to_owned()).guard().unwrap();
    check(&fs::metadata(path).unwrap(), path, &guard).map_err(|kind| kind.to_string())
}

#[test]
fn folders_that_others_may_write_to_are_refused_up_to_the_top() {
    let (top, path) = desk();
    assert_eq!(below(top.path(), &path), Ok(()));
    let real = fs::canonicalize(top.path()).unwrap();
    for folder in ["", "a", "a/b"] {
        let folder = real.join(folder);
        let folder = folder.strip_prefix("/").map(|rest| Path::new("/").join(rest)).unwrap();
        let shown = folder.display().to_string();
        let shown = shown.trim_end_matches('/');
        for mode in [0o775, 0o757, 0o777] {
            set_mode(&folder, mode);
            assert_eq!(
                below(top.path(), &path).unwrap_err(),
                format!(
                    "the folder {shown} has mode {mode:04o}, so that others could put another file in \
                     place of this one; run `chmod go-w {shown}`"
                )
            );
        }
        set_mode(&folder, 0o1777);
        assert_eq!(
            below(top.path(), &path).unwrap_err(),
            format!(
                "the folder {shown} has mode 1777, so that others could put another file in place \
                 of this one; keep the file elsewhere"
            )
        );
        set_mode(&folder, 0o755);
        assert_eq!(below(top.path(), &path), Ok(()));
    }
    // above the top nothing counts, and a folder that is not above the file is no top
    set_mode(top.path(), 0o777);
    assert_eq!(below(&top.path().join("a"), &path), Ok(()));
    let beside = top.path().join("beside");
    fs::create_dir(&beside).unwrap();
    assert!(below(&beside, &path).is_err());
    assert!(below(&top.path().join("missing"), &path).is_err());
}

#[test]
fn links_are_followed_and_the_folders_of_the_real_file_count() {
    let (top, path) = desk();
    let links = top.path().join("links");
    fs::create_dir(&links).unwrap();
    let link = links.join("authorized_keys");
    symlink(&path, &link).unwrap();
    set_mode(&links, 0o777);
    assert_eq!(below(top.path(), &link), Ok(()));
    set_mode(path.parent().unwrap(), 0o777);
    assert!(below(top.path(), &link).is_err());
    set_mode(path.parent().unwrap(), 0o755);
    // out of the top: all folders count, as far as the system's temporary one, which is open to all
    assert!(below(&links, &link).is_err());
}

#[test]
fn another_file_at_the_path_is_noticed() {
    let (top, path) = desk();
    let guard = StrictModes::Below(top.path().to_owned()).guard().unwrap();
    let opened = fs::File::open(&path).unwrap();
    fs::rename(&path, path.with_extension("old")).unwrap();
    fs::write(&path, "").unwrap();
    let result = check(&opened.metadata().unwrap(), &path, &guard);
    assert!(matches!(result, Err(TrustErrorKind::Replaced)), "{result:?}");
}

#[test]
fn home_and_the_current_folder_are_tops() {
    let guard = StrictModes::Full.guard().unwrap();
    assert_eq!(guard.tops, [std::env::home_dir().unwrap(), PathBuf::from(".")]);
    assert!(StrictModes::Off.guard().is_none());

    // for the file of another user it is that user's home, unless a folder is named
    let of = |modes: StrictModes| modes.guard_of(1000, "/home/alice".into());
    let guard = of(StrictModes::Full).unwrap();
    assert_eq!((guard.user, guard.tops), (1000, vec!["/home/alice".into()]));
    let guard = of(StrictModes::Below("/home".into())).unwrap();
    assert_eq!((guard.user, guard.tops), (1000, vec!["/home".into()]));
    assert!(of(StrictModes::Off).is_none());
}

#[test]
fn root_and_the_user_may_own() {
    for (owner, user, mode, good) in [
        (0, 1000, 0o644, true),
        (1000, 1000, 0o755, true),
        (0, 0, 0o600, true),
        (1001, 1000, 0o600, false),
        (1001, 0, 0o600, false),
        (1000, 1000, 0o620, false),
        (0, 1000, 0o602, false),
        (0, 0, 0o1777, false),
    ] {
        assert_eq!(fault(owner, mode, user).is_none(), good, "{owner} {user} {mode:o}");
    }
}
