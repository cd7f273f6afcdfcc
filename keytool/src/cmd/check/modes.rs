//! Who else can change a file.

use std::path::Path;

use super::findings::Findings;

/// Says if others than root and the user of this process can change the file or put another in its
/// place.
#[cfg(unix)]
pub(super) fn check(path: &Path, findings: &mut Findings) {
    use std::os::unix::fs::MetadataExt as _;

    use handfast::key::shell_path;

    let Ok(real) = std::fs::canonicalize(path) else { return };
    let us = rustix::process::geteuid().as_raw();
    if let Ok(metadata) = std::fs::metadata(&real) {
        let (owner, mode) = (metadata.uid(), metadata.mode() & 0o7777);
        if owner != 0 && owner != us {
            findings.warning(
                None,
                &format!("the file belongs to user id {owner}, who can change what it says"),
                &format!("make it yours: `chown {us} {}`", shell_path(path)),
            );
        }
        if mode & 0o022 != 0 {
            findings.error(
                None,
                &format!("the file has mode {mode:04o}, so that others can change what it says"),
                &format!("run `chmod go-w {}`", shell_path(path)),
            );
        }
    }
    let Some(folder) = real.parent() else { return };
    if let Ok(metadata) = std::fs::metadata(folder) {
        let mode = metadata.mode() & 0o7777;
        // In a sticky folder nobody removes the file of another.
        if mode & 0o022 != 0 && mode & 0o1000 == 0 {
            findings.warning(
                None,
                &format!(
                    "its folder has mode {mode:04o}, so that others can put another file in its place"
                ),
                &format!("run `chmod go-w {}`", shell_path(folder)),
            );
        }
    }
}

#[cfg(not(unix))]
pub(super) fn check(_: &Path, _: &mut Findings) {}
