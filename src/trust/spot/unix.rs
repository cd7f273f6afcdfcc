//! Folders by their descriptors.

use std::collections::VecDeque;
use std::ffi::{OsStr, OsString};
use std::fs::{File, Metadata};
use std::io;
use std::os::unix::ffi::OsStringExt as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Component, Path, PathBuf};

use rustix::fs::{AtFlags, CWD, Dir, Mode, OFlags, openat, readlinkat};
use rustix::io::Errno;

use super::{Astray, Found, LinkRefused, Links};

/// Longest chain of symbolic links that is followed, as on Linux.
const MAX_LINKS: usize = 40;

/// A folder, by a descriptor that serves to look up names.
#[derive(Debug)]
pub(super) struct Folder(File);

/// A folder in which a name was looked up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::trust) struct Passed {
    pub(in crate::trust) path: PathBuf,
    pub(in crate::trust) uid: u32,
    pub(in crate::trust) gid: u32,
    pub(in crate::trust) mode: u32,
}

pub(super) struct Reached {
    pub(super) folder: Folder,
    pub(super) name: OsString,
    pub(super) real: PathBuf,
    pub(super) passed: Vec<Passed>,
}

/// Only a descriptor, which needs no permission but to search the folders above.
#[cfg(any(target_os = "linux", target_os = "android"))]
const BARE: OFlags = OFlags::PATH;
#[cfg(not(any(target_os = "linux", target_os = "android")))]
const BARE: OFlags = OFlags::RDONLY.union(OFlags::NONBLOCK).union(OFlags::NOCTTY);

fn open_at(folder: &File, name: &OsStr, flags: OFlags) -> io::Result<File> {
    let fd = openat(folder, name, flags | OFlags::NOFOLLOW | OFlags::CLOEXEC, Mode::empty())?;
    Ok(fd.into())
}

/// One thing on the way.
struct Seen {
    #[cfg(any(target_os = "linux", target_os = "android"))]
    file: File,
    uid: u32,
    is_link: bool,
    is_dir: bool,
    is_file: bool,
}

#[cfg(any(target_os = "linux", target_os = "android"))]
impl Seen {
    fn look(folder: &File, name: &OsStr) -> io::Result<Self> {
        let file = open_at(folder, name, BARE)?;
        let metadata = file.metadata()?;
        let (is_link, is_dir) = (metadata.is_symlink(), metadata.is_dir());
        Ok(Self { uid: metadata.uid(), is_link, is_dir, is_file: metadata.is_file(), file })
    }

    /// What the link says that was looked at, whatever has its name by now.
    fn leads_to(&self, _: &File, _: &OsStr) -> io::Result<OsString> {
        Ok(OsString::from_vec(readlinkat(&self.file, "", Vec::new())?.into_bytes()))
    }

    fn enter(self, _: &File, _: &OsStr) -> io::Result<File> {
        Ok(self.file)
    }
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
impl Seen {
    fn look(folder: &File, name: &OsStr) -> io::Result<Self> {
        use rustix::fs::{FileType, statat};

        let stat = statat(folder, name, AtFlags::SYMLINK_NOFOLLOW)?;
        let kind = FileType::from_raw_mode(stat.st_mode);
        let (is_link, is_dir) = (kind == FileType::Symlink, kind == FileType::Directory);
        let is_file = kind == FileType::RegularFile;
        Ok(Self { uid: stat.st_uid, is_link, is_dir, is_file })
    }

    /// What the link says, if it is still the same one.
    fn leads_to(&self, folder: &File, name: &OsStr) -> io::Result<OsString> {
        use rustix::fs::statat;

        let before = statat(folder, name, AtFlags::SYMLINK_NOFOLLOW)?;
        let text = readlinkat(folder, name, Vec::new())?;
        let after = statat(folder, name, AtFlags::SYMLINK_NOFOLLOW)?;
        let same = (before.st_dev, before.st_ino, before.st_ctime, before.st_uid)
            == (after.st_dev, after.st_ino, after.st_ctime, self.uid);
        if !same {
            return Err(io::Error::other("a symbolic link was exchanged meanwhile; try again"));
        }
        Ok(OsString::from_vec(text.into_bytes()))
    }

    fn enter(self, folder: &File, name: &OsStr) -> io::Result<File> {
        open_at(folder, name, BARE | OFlags::DIRECTORY)
    }
}

/// What is still to be done on the way.
enum Step {
    Root,
    Up,
    Into(OsString),
    /// All that a link says is done: what it leads to is reached.
    Led(Led),
}

struct Led {
    link: PathBuf,
    owner: u32,
}

fn steps(path: &Path) -> impl DoubleEndedIterator<Item = Step> {
    path.components().filter_map(|component| match component {
        Component::RootDir => Some(Step::Root),
        Component::ParentDir => Some(Step::Up),
        Component::Normal(name) => Some(Step::Into(name.to_owned())),
        Component::CurDir | Component::Prefix(_) => None,
    })
}

/// A walk that is under way.
struct Walk {
    links: Links,
    caller: u32,
    folder: File,
    real: PathBuf,
    todo: VecDeque<Step>,
    followed: usize,
    foreign: Option<Led>,
    passed: Vec<Passed>,
}

pub(super) fn walk(path: &Path, links: Links) -> Result<Reached, Astray> {
    walk_as(path, links, rustix::process::geteuid().as_raw())
}

/// Walks a path; `caller` is the user id whose links are followed.
pub(super) fn walk_as(path: &Path, links: Links, caller: u32) -> Result<Reached, Astray> {
    let (start, real) = match path.is_absolute() {
        true => ("/", PathBuf::from("/")),
        false => (".", std::env::current_dir().unwrap_or_default()),
    };
    let walk = Walk {
        links,
        caller,
        folder: open_start(start).map_err(Astray::Io)?,
        real,
        todo: steps(path).collect(),
        followed: 0,
        foreign: None,
        passed: Vec::new(),
    };
    walk.run()
}

fn open_start(name: &str) -> io::Result<File> {
    let flags = BARE | OFlags::DIRECTORY | OFlags::CLOEXEC;
    Ok(openat(CWD, name, flags, Mode::empty())?.into())
}

impl Walk {
    fn run(mut self) -> Result<Reached, Astray> {
        while let Some(step) = self.todo.pop_front() {
            match step {
                Step::Root => {
                    self.folder = open_start("/").map_err(Astray::Io)?;
                    self.real = PathBuf::from("/");
                }
                Step::Up => {
                    self.pass()?;
                    let up = open_at(&self.folder, OsStr::new(".."), BARE | OFlags::DIRECTORY);
                    self.folder = up.map_err(Astray::Io)?;
                    self.real.pop();
                }
                Step::Led(led) => {
                    let owner = self.folder.metadata().map_err(Astray::Io)?.uid();
                    self.judge(led, owner);
                }
                Step::Into(name) => {
                    if let Some(end) = self.look_up(name)? {
                        return Ok(end);
                    }
                }
            }
        }
        // a path without a name, such as `/` or `..`
        Err(self.refusal(Path::new("")).unwrap_or(Astray::Io(Errno::ISDIR.into())))
    }

    /// Notes that a name is looked up in this folder.
    fn pass(&mut self) -> Result<(), Astray> {
        let here = self.folder.metadata().map_err(Astray::Io)?;
        let (uid, gid, mode) = (here.uid(), here.gid(), here.mode());
        self.passed.push(Passed { path: self.real.clone(), uid, gid, mode });
        Ok(())
    }

    /// Looks up a name; gives where the walk ends, if it does here.
    fn look_up(&mut self, name: OsString) -> Result<Option<Reached>, Astray> {
        self.pass()?;
        let last = self.todo.iter().all(|step| matches!(step, Step::Led(_)));
        let seen = match Seen::look(&self.folder, &name) {
            Ok(seen) => seen,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return self.nothing(name, last);
            }
            Err(error) => return Err(self.refusal(Path::new(&name)).unwrap_or(Astray::Io(error))),
        };
        if seen.is_link && !(last && self.links == Links::Above) {
            self.followed = self.followed.saturating_add(1);
            if self.followed > MAX_LINKS {
                return Err(Astray::Io(Errno::LOOP.into()));
            }
            let text = seen.leads_to(&self.folder, &name).map_err(Astray::Io)?;
            self.todo.push_front(Step::Led(Led { link: self.real.join(&name), owner: seen.uid }));
            for step in steps(Path::new(&text)).rev() {
                self.todo.push_front(step);
            }
            return Ok(None);
        }
        if last {
            while let Some(step) = self.todo.pop_front() {
                if let Step::Led(led) = step {
                    self.judge(led, seen.uid);
                }
            }
            return self.end(name).map(Some);
        }
        if !seen.is_dir {
            let error = Astray::Io(Errno::NOTDIR.into());
            return Err(self.refusal(Path::new(&name)).unwrap_or(error));
        }
        self.folder = seen.enter(&self.folder, &name).map_err(Astray::Io)?;
        self.real.push(name);
        Ok(None)
    }

    /// There is no such name: that is where a file can be made, unless a link led here.
    fn nothing(&mut self, name: OsString, last: bool) -> Result<Option<Reached>, Astray> {
        if let Some(refused) = self.refusal(Path::new(&name)) {
            return Err(refused);
        }
        let led = self.todo.iter().find_map(|step| match step {
            Step::Led(led) => Some(led.link.clone()),
            _ => None,
        });
        match led {
            Some(link) => {
                let real = self.rest(Path::new(&name));
                Err(Astray::Link(LinkRefused::Dangling { link, real }))
            }
            None if last => self.end(name).map(Some),
            None => Err(Astray::NoFolder),
        }
    }

    fn end(&mut self, name: OsString) -> Result<Reached, Astray> {
        if let Some(refused) = self.refusal(Path::new(&name)) {
            return Err(refused);
        }
        let folder = Folder(self.folder.try_clone().map_err(Astray::Io)?);
        let real = self.real.join(&name);
        Ok(Reached { folder, name, real, passed: std::mem::take(&mut self.passed) })
    }

    fn judge(&mut self, led: Led, leads_to_one_of: u32) {
        let trusted = [0, self.caller, leads_to_one_of].contains(&led.owner);
        if !trusted && self.links != Links::All && self.foreign.is_none() {
            self.foreign = Some(led);
        }
    }

    /// The link that was not to be followed, if there was one.
    fn refusal(&self, name: &Path) -> Option<Astray> {
        let led = self.foreign.as_ref()?;
        let (link, owner) = (led.link.clone(), led.owner);
        Some(Astray::Link(LinkRefused::Foreign { link, owner, real: self.rest(name) }))
    }

    /// Where the path leads, as far as that is known.
    fn rest(&self, name: &Path) -> PathBuf {
        let mut real = self.real.clone();
        if !name.as_os_str().is_empty() {
            real.push(name);
        }
        for step in &self.todo {
            match step {
                Step::Into(name) => real.push(name),
                Step::Up => drop(real.pop()),
                Step::Root | Step::Led(_) => {}
            }
        }
        real
    }
}

impl Folder {
    pub(super) fn open(&self, name: &OsStr, write: bool) -> io::Result<Found> {
        let missing = |error: io::Error| match error.kind() {
            io::ErrorKind::NotFound => Ok(Found::Missing),
            _ => Err(error),
        };
        // to open what is no file can do something already, such as rewind a tape
        match Seen::look(&self.0, name) {
            Ok(seen) if seen.is_file => {}
            Ok(seen) if seen.is_dir => return Ok(Found::NotRegular("a directory")),
            Ok(seen) if seen.is_link => return Ok(Found::NotRegular("a symbolic link")),
            Ok(_) => return Ok(Found::NotRegular("not a regular file")),
            Err(error) => return missing(error),
        }
        // where a pipe takes its place meanwhile, this does not wait for its other end
        let access = if write { OFlags::RDWR } else { OFlags::RDONLY };
        match open_at(&self.0, name, access | OFlags::NONBLOCK | OFlags::NOCTTY) {
            Ok(file) if file.metadata()?.is_file() => Ok(Found::File(file)),
            Ok(_) => Ok(Found::NotRegular("not a regular file")),
            Err(error) => missing(error),
        }
    }

    pub(super) fn look(&self, name: &OsStr) -> io::Result<Metadata> {
        open_at(&self.0, name, BARE)?.metadata()
    }

    pub(super) fn create(&self, name: &OsStr) -> io::Result<File> {
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW;
        let fd = openat(&self.0, name, flags | OFlags::CLOEXEC, Mode::RUSR | Mode::WUSR)?;
        Ok(fd.into())
    }

    pub(super) fn rename(&self, from: &OsStr, to: &OsStr) -> io::Result<()> {
        Ok(rustix::fs::renameat(&self.0, from, &self.0, to)?)
    }

    pub(super) fn link(&self, from: &OsStr, to: &OsStr) -> io::Result<()> {
        Ok(rustix::fs::linkat(&self.0, from, &self.0, to, AtFlags::empty())?)
    }

    pub(super) fn remove(&self, name: &OsStr) -> io::Result<()> {
        Ok(rustix::fs::unlinkat(&self.0, name, AtFlags::empty())?)
    }

    pub(super) fn names(&self) -> Vec<OsString> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY;
        let folder = open_at(&self.0, OsStr::new("."), flags).ok();
        let Some(Ok(folder)) = folder.map(Dir::new) else { return Vec::new() };
        let name = |entry: rustix::io::Result<rustix::fs::DirEntry>| {
            Some(OsString::from_vec(entry.ok()?.file_name().to_bytes().to_vec()))
        };
        folder.filter_map(name).collect()
    }

    pub(super) fn is_shielded(&self) -> bool {
        super::is_shielded(&self.0)
    }

    pub(super) fn sync(&self) -> io::Result<()> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY;
        open_at(&self.0, OsStr::new("."), flags)?.sync_all()
    }
}
