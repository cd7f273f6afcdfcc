use std::cell::Cell;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::path::Path;

use rustix::fs::{FlockOperation, flock};
use tempfile::TempDir;

use super::super::super::spot::Links;
use super::super::super::{
    AcceptNew, EditError, Host, HostKeyError, HostVerifier, KnownHosts, KnownHostsFile, NewHost,
    Trusted,
};
use super::super::{Change, change};
use super::*;
use crate::key::{Identity, PublicKey};

thread_local! {
    /// Files that this thread opens seem to be mounts of their own.
    pub(super) static PRETENDS_TO_BE_A_MOUNT: Cell<bool> = const { Cell::new(false) };
}

const LOCK: &str = ".known_hosts.handfast-lock";

struct Desk {
    folder: TempDir,
}

impl Desk {
    fn new(content: &str) -> Self {
        let desk = Self { folder: TempDir::new().unwrap() };
        fs::write(desk.path("known_hosts"), content).unwrap();
        desk
    }

    fn path(&self, name: &str) -> PathBuf {
        fs::canonicalize(self.folder.path()).unwrap().join(name)
    }

    fn file(&self) -> KnownHostsFile {
        KnownHostsFile::new(self.path("known_hosts"))
    }

    fn spot(&self) -> Arc<Spot> {
        Spot::find(&self.path("known_hosts"), Links::Trusted).unwrap()
    }

    fn read(&self) -> String {
        fs::read_to_string(self.path("known_hosts")).unwrap()
    }

    fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(&self.folder).unwrap();
        let name = |entry: io::Result<fs::DirEntry>| entry.unwrap().file_name();
        entries.map(|entry| name(entry).into_string().unwrap()).collect()
    }

    fn add(&self, name: &str) -> Result<(), EditError> {
        self.file().add(&NewHost::new(&host(name), &key(1))).map(drop)
    }
}

fn key(seed: u8) -> PublicKey {
    Identity::from_seed(&[seed; 32]).public_key().clone()
}

fn host(text: &str) -> Host {
    Host::parse(text, Some(22)).unwrap()
}

fn line(name: &str) -> String {
    format!("{name} {}\n", key(1))
}

fn inode(path: &Path) -> u64 {
    fs::metadata(path).unwrap().ino()
}

/// Another open file, as another process has one, with the lock.
fn held(path: &Path) -> File {
    let file = File::open(path).unwrap();
    flock(&file, FlockOperation::NonBlockingLockExclusive).unwrap();
    file
}

#[test]
fn a_reader_who_locks_the_file_holds_up_nobody() {
    let desk = Desk::new("");
    let _reader = held(&desk.path("known_hosts"));
    let started = Instant::now();
    desk.add("a").unwrap();
    assert!(started.elapsed() < PATIENCE / 10, "{:?}", started.elapsed());
    assert_eq!(desk.read(), line("a"));
}

#[test]
fn the_lock_file_is_its_owners_alone_and_goes_with_the_edit() {
    let desk = Desk::new("");
    fs::set_permissions(desk.path("known_hosts"), fs::Permissions::from_mode(0o666)).unwrap();
    let locked = Locked::open(&desk.spot()).unwrap();
    let metadata = fs::symlink_metadata(desk.path(LOCK)).unwrap();
    assert!(metadata.is_file());
    assert_eq!((metadata.mode() & 0o7777, metadata.len()), (0o600, 0));
    assert_eq!(metadata.uid(), fs::metadata(desk.path("known_hosts")).unwrap().uid());
    let error = flock(File::open(desk.path(LOCK)).unwrap(), FlockOperation::NonBlockingLockShared);
    assert_eq!(error, Err(rustix::io::Errno::WOULDBLOCK));
    drop(locked);
    assert_eq!(desk.names(), ["known_hosts"]);
}

/// Killed processes leave it, and backups bring it back with any mode.
#[test]
fn a_lock_file_that_nobody_holds_does_no_harm() {
    for mode in [0o600, 0o644, 0o666] {
        let desk = Desk::new("");
        fs::write(desk.path(LOCK), "").unwrap();
        fs::set_permissions(desk.path(LOCK), fs::Permissions::from_mode(mode)).unwrap();
        let locked = Locked::open(&desk.spot()).unwrap();
        assert_eq!(fs::metadata(desk.path(LOCK)).unwrap().mode() & 0o7777, 0o600);
        drop(locked);
        desk.add("a").unwrap();
        assert_eq!(desk.names(), ["known_hosts"]);
    }
}

#[test]
fn an_editor_waits_for_another_and_then_sees_its_change() {
    let desk = Desk::new("");
    let locked = Locked::open(&desk.spot()).unwrap();
    std::thread::scope(|scope| {
        let other = scope.spawn(|| desk.add("b"));
        while fs::metadata(desk.path("known_hosts")).unwrap().len() == 0 {
            assert!(!other.is_finished(), "it did not wait");
            fs::write(desk.path("known_hosts"), line("a")).unwrap();
        }
        drop(locked);
        other.join().unwrap().unwrap();
    });
    assert_eq!(desk.read(), line("a") + &line("b"));
}

#[test]
fn what_has_the_name_of_the_lock_file_is_named_and_left_alone() {
    let refused = |desk: &Desk| match desk.add("a").unwrap_err() {
        EditError::LockFile { path, lock, reason } => {
            assert_eq!((path, lock), (desk.path("known_hosts"), desk.path(LOCK)));
            reason
        }
        other => panic!("{other}"),
    };
    let desk = Desk::new("");
    fs::write(desk.path("victim"), "mine").unwrap();
    symlink("victim", desk.path(LOCK)).unwrap();
    assert_eq!(refused(&desk), "it is not a regular file");
    fs::remove_file(desk.path(LOCK)).unwrap();
    fs::create_dir(desk.path(LOCK)).unwrap();
    assert_eq!(refused(&desk), "it is not a regular file");
    fs::remove_dir(desk.path(LOCK)).unwrap();
    // another name of an empty file, and a file with a content: neither is a lock file of ours
    let open_to_others = |path| {
        fs::set_permissions(desk.path(path), fs::Permissions::from_mode(0o644)).unwrap();
    };
    fs::write(desk.path("victim"), "").unwrap();
    open_to_others("victim");
    fs::hard_link(desk.path("victim"), desk.path(LOCK)).unwrap();
    assert_eq!(refused(&desk), "its mode is 0644, so that others can hold it");
    fs::remove_file(desk.path(LOCK)).unwrap();
    fs::write(desk.path(LOCK), "mine").unwrap();
    open_to_others(LOCK);
    assert_eq!(refused(&desk), "its mode is 0644, so that others can hold it");
    for (name, len) in [("victim", 0), (LOCK, 4)] {
        let left = fs::metadata(desk.path(name)).unwrap();
        assert_eq!((left.mode() & 0o7777, left.len()), (0o644, len), "{name}");
    }
    assert_eq!(desk.read(), "");
    let error = desk.add("a").unwrap_err().to_string();
    assert!(error.contains(" is in the way, the name of the lock file: "), "{error}");
}

/// `docker run -v FILE:FILE`
#[test]
fn lines_are_added_in_place_to_a_file_that_is_a_mount() {
    let desk = Desk::new(line("a").trim_end());
    let before = inode(&desk.path("known_hosts"));
    PRETENDS_TO_BE_A_MOUNT.set(true);
    let _ = super::super::super::new_file::traces::traces();
    desk.add("b").unwrap();
    let traces = super::super::super::new_file::traces::traces();
    assert_eq!(traces, [super::super::super::new_file::traces::Trace::Synced]);
    assert_eq!(desk.read(), line("a") + &line("b"));

    let policy = AcceptNew::new(KnownHosts::open(desk.path("known_hosts")).unwrap(), desk.file());
    assert_eq!(policy.verify(&host("c"), &key(1)), Ok(Trusted::New));
    assert_eq!(desk.read(), line("a") + &line("b") + &line("c"));
    assert_eq!(inode(&desk.path("known_hosts")), before);
    assert_eq!(desk.names(), ["known_hosts"]);

    // what would take another file is refused
    for error in [
        desk.file().remove(&host("a")).map(drop).unwrap_err(),
        desk.file().hash().map(drop).unwrap_err(),
    ] {
        assert!(matches!(error, EditError::Mount { .. }), "{error}");
    }
    Identity::from_seed(&[1; 32]).save(desk.path("key"), None).unwrap();
    let error = Identity::change_passphrase(desk.path("key"), None, Some(b"secret")).unwrap_err();
    assert!(error.to_string().contains("mount its folder"), "{error}");
    assert_eq!(desk.read(), line("a") + &line("b") + &line("c"));
}

#[test]
fn waiting_for_a_file_that_is_a_mount_is_short() {
    let desk = Desk::new("");
    PRETENDS_TO_BE_A_MOUNT.set(true);
    let reader = held(&desk.path("known_hosts"));
    let started = Instant::now();
    let error = desk.add("a").unwrap_err();
    assert!(matches!(error, EditError::Busy { .. }), "{error}");
    let policy = AcceptNew::new(KnownHosts::open(desk.path("known_hosts")).unwrap(), desk.file());
    let refused = policy.verify(&host("a"), &key(1)).unwrap_err();
    assert!(matches!(refused, HostKeyError::NotWritten { .. }), "{refused}");
    assert!(started.elapsed() < PATIENCE, "{:?}", started.elapsed());
    drop(reader);
    desk.add("a").unwrap();
}

/// An editor without the lock, at the worst moment: after the file was read.
fn disturbed(desk: &Desk, times: usize, disturb: impl Fn(&Path)) -> (Result<(), EditError>, usize) {
    let (path, seen) = (desk.path("known_hosts"), Cell::new(0));
    let result = change(&path, Missing::Create, |contents| -> Result<Change<()>, EditError> {
        seen.set(seen.get() + 1);
        if seen.get() <= times {
            disturb(&path);
        }
        Ok((Some([contents.bytes(), b"ours\n"].concat()), ()))
    });
    (result, seen.get())
}

#[test]
fn a_program_that_edits_without_the_lock_is_noticed() {
    for mount in [false, true] {
        PRETENDS_TO_BE_A_MOUNT.set(mount);
        let desk = Desk::new("old\n");
        let (result, seen) = disturbed(&desk, 1, |path| fs::write(path, "theirs\n").unwrap());
        assert_eq!((desk.read().as_str(), seen), ("theirs\nours\n", 2), "mount: {mount}");
        result.unwrap();
        // the same length and time, as `touch -r` leaves them
        let (result, _) = disturbed(&desk, 1, |path| {
            let time = fs::metadata(path).unwrap().modified().unwrap();
            fs::write(path, "THEIRS\nours\n").unwrap();
            File::options().write(true).open(path).unwrap().set_modified(time).unwrap();
        });
        result.unwrap();
        assert_eq!(desk.read(), "THEIRS\nours\nours\n", "mount: {mount}");
    }
    PRETENDS_TO_BE_A_MOUNT.set(false);
    // another file in its place, and one where there was none
    let desk = Desk::new("old\n");
    let replace = |path: &Path| {
        fs::write(path.with_extension("new"), "new\n").unwrap();
        fs::rename(path.with_extension("new"), path).unwrap();
    };
    disturbed(&desk, 1, replace).0.unwrap();
    assert_eq!(desk.read(), "new\nours\n");
    fs::remove_file(desk.path("known_hosts")).unwrap();
    disturbed(&desk, 1, replace).0.unwrap();
    assert_eq!(desk.read(), "new\nours\n");
}

#[test]
fn a_file_that_does_not_come_to_rest_is_left_alone() {
    let desk = Desk::new("");
    let add = |path: &Path| {
        let text = fs::read_to_string(path).unwrap() + "theirs\n";
        fs::write(path, text).unwrap();
    };
    let (result, seen) = disturbed(&desk, usize::MAX, add);
    let error = result.unwrap_err();
    assert!(matches!(error, EditError::KeepsChanging { .. }), "{error}");
    assert_eq!(desk.read(), "theirs\n".repeat(seen));
    assert_eq!(desk.names(), ["known_hosts"]);
}
