//! What root reads for another user: only what that user could read.

use std::cell::OnceCell;
use std::fs::File;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use nix::unistd::User;

use super::TrustErrorKind;
use super::file::kind_of;
use super::spot::{Astray, Found, Spot};
use crate::key::shown::shown_whole;

const READ: u32 = 0o4;
const SEARCH: u32 = 0o1;

/// A user whose files are read by another.
#[derive(Debug)]
pub(super) struct Reader<'a> {
    user: &'a User,
    groups: OnceCell<Vec<u32>>,
}

impl<'a> Reader<'a> {
    /// For root, who may read everything: links in a home directory could lead it to any file. The
    /// system says to others what they may read.
    pub(super) fn for_root(user: &'a User) -> Option<Self> {
        rustix::process::geteuid().is_root().then(|| Self::new(user))
    }

    fn new(user: &'a User) -> Self {
        Self { user, groups: OnceCell::new() }
    }

    /// Opens a regular file that the user could read, and nothing else.
    pub(super) fn open(&self, path: &Path) -> Result<File, TrustErrorKind> {
        let (spot, passed) = Spot::find_by_way_of(path).map_err(|astray| match astray {
            Astray::NoFolder | Astray::Link(_) => TrustErrorKind::NotFound,
            Astray::Io(error) => kind_of(error),
        })?;
        for folder in &passed {
            if !self.may(SEARCH, folder.uid, folder.gid, folder.mode) {
                return Err(self.refusal("search the folder", &folder.path));
            }
        }
        let file = match spot.open(false).map_err(kind_of)? {
            Found::File(file) => file,
            Found::Missing => return Err(TrustErrorKind::NotFound),
            Found::NotRegular(seen) => return Err(TrustErrorKind::NotRegular { seen }),
        };
        let metadata = file.metadata().map_err(kind_of)?;
        if !self.may(READ, metadata.uid(), metadata.gid(), metadata.mode()) {
            return Err(self.refusal("read the file", spot.real()));
        }
        Ok(file)
    }

    fn refusal(&self, doing: &'static str, path: &Path) -> TrustErrorKind {
        let path = shown_whole(&path.to_string_lossy());
        TrustErrorKind::NotForUser { user: self.user.uid.as_raw(), doing, path }
    }

    /// Whether the permission bits let the user do that. Access control lists are not looked at: of
    /// a file that has one, the bits say what they let a group do at most.
    fn may(&self, what: u32, owner: u32, group: u32, mode: u32) -> bool {
        let uid = self.user.uid.as_raw();
        if uid == 0 {
            return true;
        }
        let allows = |shift: u32| mode >> shift & what != 0;
        if owner == uid {
            return allows(6);
        }
        // the user database is asked only where it matters
        let (of_group, of_others) = (allows(3), allows(0));
        if of_group == of_others || self.is_in(group) { of_group } else { of_others }
    }

    fn is_in(&self, group: u32) -> bool {
        group == self.user.gid.as_raw()
            || self.groups.get_or_init(|| groups_of(self.user)).contains(&group)
    }
}

#[cfg(not(target_vendor = "apple"))]
fn groups_of(user: &User) -> Vec<u32> {
    let name = std::ffi::CString::new(user.name.as_str()).unwrap_or_default();
    let groups = nix::unistd::getgrouplist(&name, user.gid).unwrap_or_default();
    groups.into_iter().map(nix::unistd::Gid::as_raw).collect()
}

#[cfg(target_vendor = "apple")]
fn groups_of(_: &User) -> Vec<u32> {
    Vec::new()
}

#[cfg(test)]
mod tests;
