//! The changes of `known_hosts` without a disk, for the fuzz targets.

use std::collections::BTreeSet;

use super::super::file::{Contents, check_bytes};
use super::super::listing::ListedKey;
use super::hashing::hashing;
use super::known_hosts::{adding, removing};
use super::learning::{Old, update};
use super::{EditError, NewHost, ProvedKeys};
use crate::trust::{Host, MAX_FILE};

/// A change of `known_hosts`.
#[derive(Debug)]
pub(crate) enum Edit<'a> {
    Add(NewHost<'a>),
    Remove(&'a Host),
    Hash,
    Learn(ProvedKeys<'a>),
    Rotate(ProvedKeys<'a>),
}

/// The new content of a file, if it changes, and the numbers of the old lines that were touched.
pub(crate) fn edit_known_hosts(
    bytes: &[u8],
    edit: &Edit<'_>,
) -> Result<(Option<Vec<u8>>, BTreeSet<usize>), EditError> {
    let contents = Contents::new("known_hosts", bytes)?;
    let numbers = |lines: &[ListedKey]| lines.iter().map(|line| line.place().line()).collect();
    let (out, touched) = match edit {
        Edit::Add(new) => (adding(&contents, new, &new.line()?)?.0, BTreeSet::new()),
        Edit::Remove(host) => {
            let (out, result) = removing(&contents, host)?;
            (out, numbers(&result.removed))
        }
        Edit::Hash => {
            let (out, result) = hashing(&contents)?;
            if out.as_ref().is_some_and(|out| out.len() > MAX_FILE) {
                return Err(EditError::TooLarge { path: "known_hosts".into() });
            }
            (out, numbers(&result.hashed))
        }
        Edit::Learn(proved) => (update(&contents, proved, Old::Stay)?.0, BTreeSet::new()),
        Edit::Rotate(proved) => {
            let (out, result) = update(&contents, proved, Old::Go)?;
            (out, numbers(&result.removed))
        }
    };
    if let Some(out) = &out {
        check_bytes(contents.name(), out)?;
    }
    Ok((out, touched))
}
