use std::fs;
use std::os::unix::fs::{MetadataExt as _, symlink};
use std::path::Path;

use tempfile::TempDir;

use super::super::spot::Links;
use super::super::{AuthorizedKeysFile, Host, KnownHostsFile, NewHost, NewKey};
use super::traces::traces;
use super::*;
use crate::key::Identity;

fn spot_of(path: &Path) -> Arc<Spot> {
    Spot::find(path, Links::Trusted).unwrap()
}

/// What stands under the name that a new file is about to take is not opened, whatever it is.
#[test]
fn a_new_file_is_created_exclusively() {
    let folder = TempDir::new().unwrap();
    let victim = folder.path().join("victim");
    let spot = spot_of(&folder.path().join("known_hosts"));
    fs::write(&victim, "mine").unwrap();
    symlink(&victim, folder.path().join(beside_name(spot.name(), 1))).unwrap();
    symlink("nowhere", folder.path().join(beside_name(spot.name(), 2))).unwrap();
    fs::write(folder.path().join(beside_name(spot.name(), 3)), "mine").unwrap();
    for random in 1..=3 {
        let error = NewFile::named(&spot, random).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::AlreadyExists, "{random}");
    }
    assert_eq!(fs::read_to_string(victim).unwrap(), "mine");
    assert!(!folder.path().join("nowhere").exists());
    assert!(NewFile::named(&spot, 4).is_ok());
}

/// With the usual umask any other mode would show here.
#[test]
fn a_new_file_has_mode_0600_from_its_first_byte() {
    let folder = TempDir::new().unwrap();
    let spot = spot_of(&folder.path().join("id_ed25519"));
    let mut new = NewFile::named(&spot, 1).unwrap();
    let path = folder.path().join(&new.name);
    let seen = |path: &Path| {
        let metadata = fs::metadata(path).unwrap();
        (metadata.mode() & 0o7777, metadata.len())
    };
    assert_eq!(seen(&path), (0o600, 0));
    new.write(b"secret").unwrap();
    assert_eq!(seen(&path), (0o600, 6));
}

#[test]
fn a_new_file_takes_no_place_that_is_taken() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("known_hosts");
    let new = NewFile::beside(&spot_of(&path)).unwrap();
    fs::write(&path, "quicker").unwrap();
    assert_eq!(new.put().unwrap_err().kind(), io::ErrorKind::AlreadyExists);
    assert_eq!(fs::read_to_string(path).unwrap(), "quicker");
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 1);
}

/// The file before it takes its place, the folder after it.
#[test]
fn file_and_folder_are_on_the_disk_when_a_change_is_done() {
    use Trace::{Created, FolderSynced, Placed, Synced, Written};

    let folder = TempDir::new().unwrap();
    let path = |name: &str| folder.path().join(name);
    let alice = Identity::from_seed(&[1; 32]);
    let host = Host::new("a", 22).unwrap();
    let lock = Created;
    let change = [lock, Created, Written, Synced, Placed, FolderSynced];

    // a file that is new, and one that is replaced
    for n in 0..2 {
        let _ = traces();
        let key = Identity::from_seed(&[n; 32]);
        let new = NewHost::new(&host, key.public_key()).beside_others(true);
        let _ = KnownHostsFile::new(path("known_hosts")).add(&new).unwrap();
        assert_eq!(traces(), change);
        let new = NewKey::new(key.public_key());
        let _ = AuthorizedKeysFile::new(path("authorized_keys")).add(&new).unwrap();
        assert_eq!(traces(), change);
    }
    let _ = KnownHostsFile::new(path("known_hosts")).remove(&host).unwrap();
    assert_eq!(traces(), change);

    alice.save(path("key"), None).unwrap();
    assert_eq!(traces(), change[1..]);
    Identity::change_passphrase(path("key"), None, Some(b"secret")).unwrap();
    assert_eq!(traces(), change);
    let both = [Created, Written, Synced, Created, Written, Synced];
    let places = [Placed, FolderSynced, Placed, FolderSynced];
    for (name, replace) in [("pair", false), ("pair", true)] {
        alice.save_pair(path(name), None, replace).unwrap();
        assert_eq!(traces(), [&both[..], &places[..]].concat());
    }
}
