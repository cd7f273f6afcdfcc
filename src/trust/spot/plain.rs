//! Folders by their paths, where there are no descriptors of folders.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File, Metadata};
use std::io;
use std::path::{Path, PathBuf};

use super::{Astray, Found, LinkRefused, Links};

#[derive(Debug)]
pub(super) struct Folder(PathBuf);

pub(super) struct Reached {
    pub(super) folder: Folder,
    pub(super) name: OsString,
    pub(super) real: PathBuf,
}

/// Follows links, whoever laid them: owners are not known here.
pub(super) fn walk(path: &Path, links: Links) -> Result<Reached, Astray> {
    let at =
        |path: &Path| path.parent().filter(|it| !it.as_os_str().is_empty()).map(Path::to_owned);
    let whole = match fs::canonicalize(path) {
        Ok(whole) if links == Links::Trusted => whole,
        _ if links == Links::Trusted
            && fs::symlink_metadata(path).is_ok_and(|it| it.is_symlink()) =>
        {
            let real = fs::read_link(path).map_err(Astray::Io)?;
            let real = at(path).unwrap_or_default().join(real);
            return Err(Astray::Link(LinkRefused::Dangling { link: path.to_owned(), real }));
        }
        _ => path.to_owned(),
    };
    let name = whole.file_name().ok_or_else(|| Astray::Io(io::ErrorKind::IsADirectory.into()))?;
    let folder = at(&whole).unwrap_or_else(|| PathBuf::from("."));
    let folder = fs::canonicalize(folder).map_err(|problem| match problem.kind() {
        io::ErrorKind::NotFound => Astray::NoFolder,
        _ => Astray::Io(problem),
    })?;
    Ok(Reached { real: folder.join(name), name: name.to_owned(), folder: Folder(folder) })
}

impl Folder {
    pub(super) fn open(&self, name: &OsStr, write: bool) -> io::Result<Found> {
        let path = self.0.join(name);
        match fs::metadata(&path) {
            Ok(metadata) if metadata.is_dir() => return Ok(Found::NotRegular("a directory")),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Found::Missing),
            _ => {}
        }
        match File::options().read(true).write(write).open(path) {
            Ok(file) if file.metadata()?.is_file() => Ok(Found::File(file)),
            Ok(_) => Ok(Found::NotRegular("not a regular file")),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Found::Missing),
            Err(error) => Err(error),
        }
    }

    pub(super) fn look(&self, name: &OsStr) -> io::Result<Metadata> {
        fs::symlink_metadata(self.0.join(name))
    }

    pub(super) fn create(&self, name: &OsStr) -> io::Result<File> {
        File::options().read(true).write(true).create_new(true).open(self.0.join(name))
    }

    pub(super) fn rename(&self, from: &OsStr, to: &OsStr) -> io::Result<()> {
        fs::rename(self.0.join(from), self.0.join(to))
    }

    pub(super) fn link(&self, from: &OsStr, to: &OsStr) -> io::Result<()> {
        fs::hard_link(self.0.join(from), self.0.join(to))
    }

    pub(super) fn remove(&self, name: &OsStr) -> io::Result<()> {
        fs::remove_file(self.0.join(name))
    }

    pub(super) fn is_shielded(&self) -> bool {
        let _ = self;
        false
    }

    pub(super) fn sync(&self) -> io::Result<()> {
        let _ = self;
        Ok(())
    }
}
