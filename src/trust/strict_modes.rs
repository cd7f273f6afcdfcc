//! Who else could have written a file, or could put another in its place.

use std::path::PathBuf;

/// How a file that admits people is guarded, as `StrictModes` of sshd says it. On Unix only; other
/// systems check nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum StrictModes {
    /// The file and each folder above it must belong to root or the user of this process, and
    /// neither group nor others may write to them; a sticky bit does not help. Symbolic links are
    /// followed first: what counts are the folders above the real file.
    ///
    /// The last folder that is looked at is the home directory or the current folder, whichever is
    /// met first on the way up; if neither is above the file, it is `/`. So a file below `/tmp` is
    /// refused unless this program works or is at home in a folder below `/tmp` that is above the
    /// file.
    #[default]
    Full,
    /// As [`Full`](Self::Full), but the last folder that is looked at is this one, if it is above
    /// the file.
    Below(PathBuf),
    /// Nothing is looked at but that it is a file: for a folder that others may write to and are
    /// kept away from in another way, such as a volume of a container. sshd calls it
    /// `StrictModes no`.
    Off,
}

/// Whose a file must be, and where its folders end to matter.
#[derive(Debug, Clone)]
pub(super) struct Guard {
    #[cfg(unix)]
    pub(super) user: u32,
    pub(super) tops: Vec<PathBuf>,
}

impl StrictModes {
    /// For a file that the user of this process may own.
    pub(super) fn guard(&self) -> Option<Guard> {
        let tops = match self {
            Self::Off => return None,
            Self::Below(folder) => vec![folder.clone()],
            Self::Full => std::env::home_dir().into_iter().chain([PathBuf::from(".")]).collect(),
        };
        Some(Guard {
            #[cfg(unix)]
            user: rustix::process::geteuid().as_raw(),
            tops,
        })
    }

    /// For a file below the home directory of a user, who may own it.
    #[cfg(unix)]
    pub(super) fn guard_of(&self, user: u32, home: PathBuf) -> Option<Guard> {
        let tops = match self {
            Self::Full => vec![home],
            Self::Below(_) | Self::Off => self.guard()?.tops,
        };
        Some(Guard { user, tops })
    }
}

#[cfg(unix)]
pub(super) use self::unix::check;

#[cfg(not(unix))]
pub(super) fn check(
    _: &std::fs::Metadata,
    _: &std::path::Path,
    _: &Guard,
) -> Result<(), super::TrustErrorKind> {
    Ok(())
}

#[cfg(unix)]
mod unix {
    use std::fs::{self, Metadata};
    use std::os::unix::fs::MetadataExt as _;
    use std::path::Path;

    use super::super::TrustErrorKind;
    use super::super::file::kind_of;
    use super::Guard;
    use crate::key::shell_path;
    use crate::key::shown::shown_whole;

    /// Checks an open file, by what it is itself, and the folders above its path.
    pub(in crate::trust) fn check(
        file: &Metadata,
        path: &Path,
        guard: &Guard,
    ) -> Result<(), TrustErrorKind> {
        match fault(file.uid(), file.mode(), guard.user) {
            Some(Fault::Owner) => {
                let (owner, user) = (file.uid(), guard.user);
                return Err(TrustErrorKind::ForeignOwner { owner, user, path: shell_path(path) });
            }
            Some(Fault::Mode) => {
                let mode = file.mode() & 0o7777;
                return Err(TrustErrorKind::WritableByOthers { mode, path: shell_path(path) });
            }
            None => {}
        }
        let real = fs::canonicalize(path).map_err(kind_of)?;
        // or else the folders that are looked at are those of another file
        let there = fs::metadata(&real).map_err(kind_of)?;
        if (there.dev(), there.ino()) != (file.dev(), file.ino()) {
            return Err(TrustErrorKind::Replaced);
        }
        check_folders(&real, guard)
    }

    fn check_folders(real: &Path, guard: &Guard) -> Result<(), TrustErrorKind> {
        // what cannot be resolved ends nothing
        let tops: Vec<_> = guard.tops.iter().filter_map(|top| fs::canonicalize(top).ok()).collect();
        for folder in real.ancestors().skip(1) {
            let metadata = fs::metadata(folder).map_err(kind_of)?;
            let (owner, user, mode) = (metadata.uid(), guard.user, metadata.mode() & 0o7777);
            let shown = || shown_whole(&folder.to_string_lossy());
            match fault(owner, mode, user) {
                Some(Fault::Owner) => {
                    return Err(TrustErrorKind::ForeignFolder { folder: shown(), owner, user });
                }
                Some(Fault::Mode) => {
                    let remedy = if mode & 0o1000 == 0 {
                        format!("run `chmod go-w {}`", shell_path(folder))
                    } else {
                        "keep the file elsewhere".to_owned()
                    };
                    return Err(TrustErrorKind::WritableFolder { folder: shown(), mode, remedy });
                }
                None => {}
            }
            if tops.iter().any(|top| top == folder) {
                break;
            }
        }
        Ok(())
    }

    enum Fault {
        Owner,
        Mode,
    }

    fn fault(owner: u32, mode: u32, user: u32) -> Option<Fault> {
        if owner != 0 && owner != user {
            return Some(Fault::Owner);
        }
        (mode & 0o022 != 0).then_some(Fault::Mode)
    }

    #[cfg(test)]
    mod tests;
}
