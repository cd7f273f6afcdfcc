use std::fs;
use std::os::unix::fs::{lchown, symlink};

use tempfile::TempDir;

use super::super::new_file::NewFile;
use super::*;

/// Somebody who is neither root nor the user of the tests, if they run as root.
const OTHER: u32 = 54_321;

/// A link of another user than the owner of what it leads to, whoever runs the tests: root gives
/// the link away; another user has one of their own, and asks as a caller that is not them.
struct Lab {
    folder: TempDir,
    caller: u32,
    other: u32,
}

impl Lab {
    fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let me = rustix::process::geteuid().as_raw();
        let (caller, other) = if me == 0 { (0, OTHER) } else { (OTHER, me) };
        Self { folder, caller, other }
    }

    fn path(&self, name: &str) -> PathBuf {
        fs::canonicalize(self.folder.path()).unwrap().join(name)
    }

    fn foreign_link(&self, to: impl AsRef<Path>, name: &str) {
        symlink(to, self.path(name)).unwrap();
        if self.caller == 0 {
            lchown(self.path(name), Some(OTHER), Some(OTHER)).unwrap();
        }
    }

    fn walk(&self, name: &str, links: Links) -> Result<PathBuf, Astray> {
        let reached = system::walk_as(&self.path(name), links, self.caller)?;
        Ok(reached.real)
    }

    fn refused(&self, name: &str) -> LinkRefused {
        match self.walk(name, Links::Trusted) {
            Err(Astray::Link(refused)) => refused,
            other => panic!("{name}: {other:?}"),
        }
    }
}

/// `/etc/passwd` is root's, and a link of another user leads there.
#[test]
fn a_link_of_another_user_is_not_followed() {
    let lab = Lab::new();
    let real = fs::canonicalize("/etc/passwd").unwrap();
    lab.foreign_link("/etc/passwd", "file");
    lab.foreign_link("/etc", "folder");
    symlink("file", lab.path("hop")).unwrap();
    for (name, link) in [("file", "file"), ("folder/passwd", "folder"), ("hop", "file")] {
        let refused =
            LinkRefused::Foreign { link: lab.path(link), owner: lab.other, real: real.clone() };
        assert_eq!(lab.refused(name), refused, "{name}");
        assert_eq!(
            refused.to_string(),
            format!(
                "{} is a symbolic link that user id {} has laid, who is neither root nor the user of this program nor the owner of what it leads to; if the real path {} is meant, give that",
                lab.path(link).display(),
                lab.other,
                real.display(),
            )
        );
        assert_eq!(lab.walk(name, Links::All).unwrap(), real, "{name}");
    }
    // a file that is not there, in a folder that is
    let LinkRefused::Foreign { real, .. } = lab.refused("folder/missing") else { panic!() };
    assert_eq!(real, Path::new("/etc/missing"));
    // what stands after a folder that does not exist is named all the same
    let LinkRefused::Foreign { real, .. } = lab.refused("folder/a/b") else { panic!() };
    assert_eq!(real, Path::new("/etc/a/b"));
    // a new file does not follow its own name, and the folders above it are judged
    assert_eq!(lab.walk("file", Links::Above).unwrap(), lab.path("file"));
    assert!(matches!(lab.walk("folder/new", Links::Above), Err(Astray::Link(_))));
}

#[test]
fn a_link_to_what_belongs_to_its_owner_is_followed() {
    let lab = Lab::new();
    fs::create_dir(lab.path("home")).unwrap();
    fs::write(lab.path("home/keys"), "").unwrap();
    if lab.caller == 0 {
        for path in ["home", "home/keys"] {
            lchown(lab.path(path), Some(OTHER), Some(OTHER)).unwrap();
        }
    }
    lab.foreign_link("home/keys", "file");
    lab.foreign_link("home", "folder");
    lab.foreign_link("folder/../file", "roundabout");
    for name in ["file", "folder/keys", "roundabout", "folder/../home/keys"] {
        assert_eq!(lab.walk(name, Links::Trusted).unwrap(), lab.path("home/keys"), "{name}");
    }
    assert_eq!(lab.walk("folder/new", Links::Trusted).unwrap(), lab.path("home/new"));
}

#[test]
fn a_link_that_leads_nowhere_is_refused_with_where_it_leads() {
    let lab = Lab::new();
    symlink("missing", lab.path("file")).unwrap();
    symlink("no/such", lab.path("folder")).unwrap();
    for (name, link, real) in
        [("file", "file", "missing"), ("folder/keys", "folder", "no/such/keys")]
    {
        let refused = lab.refused(name);
        assert_eq!(refused, LinkRefused::Dangling { link: lab.path(link), real: lab.path(real) });
        assert_eq!(
            refused.to_string(),
            format!(
                "{} is a symbolic link that leads to {}, and there is nothing; make that first, or give the real path",
                lab.path(link).display(),
                lab.path(real).display()
            )
        );
    }
    assert_eq!(lab.walk("file", Links::Above).unwrap(), lab.path("file"));
    assert!(matches!(lab.walk("no/keys", Links::Trusted), Err(Astray::NoFolder)));
    symlink("loop", lab.path("loop")).unwrap();
    let Err(Astray::Io(error)) = lab.walk("loop", Links::Trusted) else { panic!() };
    assert_eq!(error.raw_os_error(), Some(rustix::io::Errno::LOOP.raw_os_error()));
}

/// What is put beside a file goes into the folder that the walk reached, wherever that is by now.
#[test]
fn nothing_can_be_exchanged_after_the_walk() {
    let lab = Lab::new();
    for folder in ["folder", "elsewhere"] {
        fs::create_dir(lab.path(folder)).unwrap();
        fs::write(lab.path(folder).join("keys"), folder).unwrap();
    }
    let spot = Spot::find(&lab.path("folder/keys"), Links::Trusted).unwrap();
    fs::rename(lab.path("folder"), lab.path("moved")).unwrap();
    symlink("elsewhere", lab.path("folder")).unwrap();
    let mut new = NewFile::beside(&spot).unwrap();
    new.write(b"new").unwrap();
    new.rename().unwrap();
    assert_eq!(fs::read_to_string(lab.path("elsewhere/keys")).unwrap(), "elsewhere");
    assert_eq!(fs::read_to_string(lab.path("moved/keys")).unwrap(), "new");

    // a link that takes the file's own name is not opened
    fs::remove_file(lab.path("moved/keys")).unwrap();
    symlink(lab.path("elsewhere/keys"), lab.path("moved/keys")).unwrap();
    for write in [false, true] {
        let found = spot.open(write).unwrap();
        assert!(matches!(found, Found::NotRegular("a symbolic link")), "{found:?}");
    }
}

/// To open a socket is an error of its own, which shows that it was not tried.
#[test]
fn what_is_no_file_is_not_opened() {
    let lab = Lab::new();
    let pipe = lab.path("pipe");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let _socket = std::os::unix::net::UnixListener::bind(lab.path("socket")).unwrap();
    let no_file = "not a regular file";
    for (path, seen) in [
        (lab.path("pipe"), no_file),
        (lab.path("socket"), no_file),
        ("/dev/null".into(), no_file),
        ("/dev".into(), "a directory"),
    ] {
        let spot = Spot::find(&path, Links::Trusted).unwrap();
        for write in [false, true] {
            let found = spot.open(write).unwrap();
            assert!(matches!(found, Found::NotRegular(what) if what == seen), "{path:?} {found:?}");
        }
    }
}

#[test]
fn a_path_without_a_name_is_a_folder() {
    for path in ["/", "/etc/..", "."] {
        let Err(Astray::Io(error)) = Spot::find(Path::new(path), Links::Trusted) else { panic!() };
        assert_eq!(error.kind(), io::ErrorKind::IsADirectory, "{path}");
    }
    let here = std::env::current_dir().unwrap();
    let spot = Spot::find(Path::new("a-new-name"), Links::Trusted).unwrap();
    assert_eq!(spot.real(), here.join("a-new-name"));
    assert_eq!(spot.folder_path(), here);
}
