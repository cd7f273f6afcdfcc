//! How a file is named in the commands of a message.

use std::path::Path;

use super::shell::shell_path;

/// The file that a message is about, where it is known.
#[derive(Clone, Copy)]
pub(super) struct Named<'a>(Option<&'a Path>);

impl<'a> Named<'a> {
    pub(super) fn unknown() -> Self {
        Self(None)
    }

    pub(super) fn path(path: &'a Path) -> Self {
        Self(Some(path))
    }

    /// The file as a word of a shell.
    pub(super) fn word(self) -> String {
        self.0.map_or_else(|| "FILE".to_owned(), shell_path)
    }

    /// Another file beside it: its name with more at the end.
    pub(super) fn with(self, end: &str) -> String {
        self.0.map_or_else(
            || format!("FILE{end}"),
            |path| {
                let mut name = path.as_os_str().to_owned();
                name.push(end);
                shell_path(name)
            },
        )
    }

    /// Another file beside it, whose name ends in `new` in the place of `old`, if it ends in that.
    pub(super) fn ending(self, old: &str, new: &str) -> String {
        let ends = |path: &&Path| path.extension().is_some_and(|is| is == old);
        match self.0.filter(ends) {
            Some(path) => shell_path(path.with_extension(new)),
            None => self.with(&format!(".{new}")),
        }
    }
}
