//! An `authorized_keys` file for each login.

use std::fmt;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use nix::unistd::User;

use super::authorized_keys::decide_in_file;
use super::file::open_to_read;
use super::reader::Reader;
use super::strict_modes::Guard;
use super::{AuthorizedKeys, Decision, Question, StrictModes, TrustError, TrustErrorKind};
use crate::key::shown::{shown, shown_whole};

/// Longest login that can be part of a path, in bytes.
const MAX_LOGIN: usize = 64;

/// A path with `%u` in it for the login and `%h` at its start for that user's home directory, as in
/// `AuthorizedKeysFile` of sshd; `%%` is a percent sign. Unix only.
///
/// ```
/// use handfast::trust::{LoginPath, StrictModes};
///
/// let path: LoginPath = "/etc/rpc/keys/%u".parse()?;
/// let error = path.open("../alice", &StrictModes::Full).unwrap_err();
/// assert_eq!(
///     error.to_string(),
///     "the login `../alice` is no file name: it may have letters, digits, `.`, `_` and `-`, and \
///      begins with a letter, a digit or `_`"
/// );
/// # Ok::<(), handfast::trust::LoginPathError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoginPath {
    below_home: bool,
    pieces: Vec<Piece>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Text(String),
    Login,
}

/// Why there is no `authorized_keys` for a login.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LoginPathError {
    /// The path itself is of no use.
    #[error("`{}` is no path for logins: {reason}", shown_whole(path))]
    Path {
        /// The path.
        path: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The login could lead out of the folder, or to a file that was not meant.
    #[error("the login `{login}` is no file name: {reason}")]
    Login {
        /// The login, escaped and cut.
        login: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The user database has nobody of this name, or no home directory for them.
    #[error("the login `{login}` has no home directory on this machine, which `%h` asks for")]
    NoHome {
        /// The login.
        login: String,
    },
    /// The user database cannot be read.
    #[error("the user database cannot be asked for `{login}`: {problem}")]
    Users {
        /// The login.
        login: String,
        /// What the operating system said.
        problem: std::io::Error,
    },
    /// The file cannot be read, or is refused.
    #[error(transparent)]
    File(#[from] TrustError),
}

impl std::str::FromStr for LoginPath {
    type Err = LoginPathError;

    fn from_str(path: &str) -> Result<Self, LoginPathError> {
        let wrong = |reason| LoginPathError::Path { path: path.to_owned(), reason };
        let (below_home, rest) = match path.strip_prefix("%h/") {
            Some(_) => (true, path.strip_prefix("%h").unwrap_or_default()),
            None => (false, path),
        };
        if !rest.starts_with('/') {
            return Err(wrong("it must begin with `/` or `%h/`"));
        }
        if rest.contains('\0') {
            return Err(wrong("there is a NUL byte in it"));
        }
        let mut pieces = Vec::new();
        let mut parts = rest.split('%');
        pieces.extend(parts.next().map(|text| Piece::Text(text.to_owned())));
        while let Some(part) = parts.next() {
            if let Some(text) = part.strip_prefix('u') {
                pieces.extend([Piece::Login, Piece::Text(text.to_owned())]);
            } else if part.is_empty() {
                // `%%`: the sign itself, and what follows it
                let text = parts.next().ok_or_else(|| wrong("it ends with a single `%`"))?;
                pieces.push(Piece::Text(format!("%{text}")));
            } else if part.starts_with('h') {
                return Err(wrong("`%h` can only stand at its start"));
            } else {
                return Err(wrong("behind `%` can stand `u`, `%` and, at its start, `h`"));
            }
        }
        if !below_home && !pieces.contains(&Piece::Login) {
            return Err(wrong(
                "neither `%u` nor `%h` is in it, so all logins would share one file",
            ));
        }
        Ok(Self { below_home, pieces })
    }
}

impl fmt::Display for LoginPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.below_home { "%h" } else { "" })?;
        for piece in &self.pieces {
            match piece {
                Piece::Text(text) => f.write_str(&text.replace('%', "%%"))?,
                Piece::Login => f.write_str("%u")?,
            }
        }
        Ok(())
    }
}

impl LoginPath {
    /// Reads the file of a login. Reads from disk and, for `%h`, asks the user database, so call it
    /// where blocking is allowed.
    ///
    /// With `%h` the file and its folders must belong to root or to that user, up to the user's home
    /// directory, unless `modes` names another last folder; without, as with
    /// [`AuthorizedKeys::open_with`]. With `%h` root opens regular files alone, and none that the
    /// user could not read, as the permission bits say it: a link in a home directory leads root to
    /// no file that the user has no access to.
    ///
    /// # Errors
    /// A login with other characters than letters, digits, `.`, `_` and `-`, that begins with `.` or
    /// `-`, or that is longer than 64 bytes; a user who does not exist; and whatever keeps the file
    /// from being read, also that it does not exist.
    pub fn open(&self, login: &str, modes: &StrictModes) -> Result<AuthorizedKeys, LoginPathError> {
        Ok(self.find(login, modes)?.read()?)
    }

    /// Decides about a key by the file of a login. The file is read line by line, and nothing of it
    /// is kept: whatever its size, this takes little memory. Otherwise as [`open`](Self::open) and
    /// [`AuthorizedKeys::decide`], but that lines which do not list the key are not looked into, so
    /// that what is wrong with them is not logged.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn decide(
        &self,
        login: &str,
        modes: &StrictModes,
        question: &Question<'_>,
    ) -> Result<Decision, LoginPathError> {
        Ok(self.decide_and_name(login, modes, question)?.0)
    }

    /// The same, and the path of the file as messages show it.
    pub(crate) fn decide_and_name(
        &self,
        login: &str,
        modes: &StrictModes,
        question: &Question<'_>,
    ) -> Result<(Decision, Arc<str>), LoginPathError> {
        Ok(self.find(login, modes)?.decide(question)?)
    }

    fn find(&self, login: &str, modes: &StrictModes) -> Result<LoginFile, LoginPathError> {
        check_login(login)?;
        if !self.below_home {
            let path = self.below(Path::new(""), login);
            return Ok(LoginFile { path, guard: modes.guard(), user: None });
        }
        let no_home = || LoginPathError::NoHome { login: login.to_owned() };
        let user = User::from_name(login).map_err(|error| LoginPathError::Users {
            login: login.to_owned(),
            problem: error.into(),
        })?;
        // some databases find `alice` for `Alice`, and those are two logins
        let user = user.filter(|user| user.name == login && user.dir.is_absolute());
        let user = user.ok_or_else(no_home)?;
        Ok(self.place_of(user, modes))
    }

    fn place_of(&self, user: User, modes: &StrictModes) -> LoginFile {
        let path = self.below(&user.dir, &user.name);
        let guard = modes.guard_of(user.uid.as_raw(), user.dir.clone());
        LoginFile { path, guard, user: Some(user) }
    }

    fn below(&self, home: &Path, login: &str) -> PathBuf {
        let mut path = home.as_os_str().to_owned();
        for piece in &self.pieces {
            match piece {
                Piece::Text(text) => path.push(text),
                Piece::Login => path.push(login),
            }
        }
        path.into()
    }
}

/// The file of a login.
struct LoginFile {
    path: PathBuf,
    guard: Option<Guard>,
    /// Whose home directory it is in.
    user: Option<User>,
}

impl LoginFile {
    fn read(self) -> Result<AuthorizedKeys, TrustError> {
        let Self { path, guard, user } = self;
        AuthorizedKeys::open_by(&path, guard, |path| open_for(user.as_ref(), path))
    }

    fn decide(self, question: &Question<'_>) -> Result<(Decision, Arc<str>), TrustError> {
        let Self { path, guard, user } = self;
        decide_in_file(&path, guard, |path| open_for(user.as_ref(), path), question)
    }
}

/// Opens a file; in the home directory of a user, root opens what that user could read.
fn open_for(user: Option<&User>, path: &Path) -> Result<File, TrustErrorKind> {
    match user.and_then(Reader::for_root) {
        Some(reader) => reader.open(path),
        None => open_to_read(path),
    }
}

/// A name that stays one name in every path.
fn check_login(login: &str) -> Result<(), LoginPathError> {
    let wrong = |reason| LoginPathError::Login { login: shown(login.as_bytes()), reason };
    if login.is_empty() {
        return Err(wrong("it is empty"));
    }
    if login.len() > MAX_LOGIN {
        return Err(wrong("it is longer than 64 bytes"));
    }
    let good = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    if !login.chars().all(good) || login.starts_with(['.', '-']) {
        return Err(wrong(
            "it may have letters, digits, `.`, `_` and `-`, and begins with a letter, a digit or `_`",
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn path(text: &str) -> LoginPath {
        text.parse().unwrap()
    }

    #[test]
    fn signs_are_replaced() {
        for (text, expected) in [
            ("/etc/rpc/keys/%u", "/etc/rpc/keys/alice"),
            ("/keys/%u/%u.pub", "/keys/alice/alice.pub"),
            ("/100%%/%%u/%u", "/100%/%u/alice"),
            ("/%%%u", "/%alice"),
            ("%h/.ssh/authorized_keys", "/home/alice/.ssh/authorized_keys"),
            ("%h/%u", "/home/alice/alice"),
        ] {
            assert_eq!(path(text).to_string(), text);
            let home = if text.starts_with("%h") { "/home/alice" } else { "" };
            assert_eq!(path(text).below(Path::new(home), "alice"), Path::new(expected), "{text}");
        }
    }

    #[test]
    fn paths_that_are_of_no_use() {
        let start = "it must begin with `/` or `%h/`";
        let sign = "behind `%` can stand `u`, `%` and, at its start, `h`";
        let shared = "neither `%u` nor `%h` is in it, so all logins would share one file";
        for (text, reason) in [
            ("", start),
            ("keys/%u", start),
            ("%u", start),
            ("%hkeys", start),
            ("~/%u", start),
            ("/keys/%U", sign),
            ("/keys/%d/%u", sign),
            ("/keys/%u%", "it ends with a single `%`"),
            ("/keys/%h", "`%h` can only stand at its start"),
            ("/keys", shared),
            ("/keys/%%u", shared),
            ("/\0%u", "there is a NUL byte in it"),
        ] {
            let error = text.parse::<LoginPath>().unwrap_err();
            assert_eq!(
                error.to_string(),
                format!("`{}` is no path for logins: {reason}", shown_whole(text))
            );
        }
    }

    #[test]
    fn logins_that_could_lead_elsewhere_are_refused() {
        for login in ["alice", "Alice", "a", "_rpc", "alice.b-c_9", "0", &"a".repeat(64)] {
            assert!(check_login(login).is_ok(), "{login}");
        }
        for login in [
            "",
            ".",
            "..",
            "../alice",
            "alice/../bob",
            "/etc/passwd",
            "alice/",
            "a\0",
            ".ssh",
            "-rf",
            "alice bob",
            "alice\n",
            "\u{e4}",
            "a\\b",
            "C:",
            "%u",
            "~",
            "a*",
            &"a".repeat(65),
        ] {
            assert!(matches!(check_login(login), Err(LoginPathError::Login { .. })), "{login}");
        }
        let error = check_login("\u{1b}[31m").unwrap_err().to_string();
        assert!(error.starts_with("the login `\\u{1b}[31m` is no file name"), "{error}");
    }

    proptest! {
        #[test]
        fn a_login_is_one_name_in_the_folder(login in "[./a-z\\-]{0,8}|\\PC{0,8}") {
            if check_login(&login).is_ok() {
                let path = path("/keys/%u").below(Path::new(""), &login);
                prop_assert_eq!(path.parent(), Some(Path::new("/keys")));
                prop_assert_eq!(path.file_name().and_then(|name| name.to_str()), Some(login.as_str()));
            }
        }
    }

    #[test]
    fn each_login_has_its_file() {
        let folder = tempfile::tempdir().unwrap();
        let modes = StrictModes::Below(folder.path().to_owned());
        std::fs::write(folder.path().join("alice"), "").unwrap();
        let path = path(&format!("{}/%u", folder.path().display()));
        assert!(path.open("alice", &modes).is_ok());
        let error = path.open("bob", &modes).unwrap_err().to_string();
        assert!(error.contains("bob: there is no such file"), "{error}");
    }

    /// A user whose home is a folder of the test's, and who has nothing else on this machine.
    #[test]
    #[ignore = "needs root"]
    fn root_reads_nothing_for_a_user_that_the_user_could_not_read() {
        use std::fs::{self, Permissions};
        use std::os::unix::fs::{PermissionsExt as _, chown, symlink};

        use nix::unistd::{Gid, Uid};

        let folder = tempfile::tempdir().unwrap();
        let home = fs::canonicalize(folder.path()).unwrap();
        let mut alice = User::from_uid(nix::unistd::geteuid()).unwrap().unwrap();
        (alice.uid, alice.gid) = (Uid::from_raw(54_321), Gid::from_raw(54_321));
        (alice.name, alice.dir) = ("alice-of-the-tests".to_owned(), home.join("home"));
        fs::set_permissions(&home, Permissions::from_mode(0o755)).unwrap();
        fs::create_dir(&alice.dir).unwrap();
        fs::write(home.join("secret"), "").unwrap();
        fs::set_permissions(home.join("secret"), Permissions::from_mode(0o600)).unwrap();
        let keys = alice.dir.join("keys");
        chown(&alice.dir, Some(54_321), Some(54_321)).unwrap();
        fs::set_permissions(&alice.dir, Permissions::from_mode(0o700)).unwrap();

        let key = crate::key::Identity::from_seed(&[1; 32]).public_key().clone();
        let question = Question::new(&key, std::time::SystemTime::UNIX_EPOCH);
        let told = |modes: &StrictModes| {
            let file = || path("%h/keys").place_of(alice.clone(), modes);
            let read = file().read().map(drop).map_err(|error| error.to_string());
            let decided = file().decide(&question).map(drop).map_err(|error| error.to_string());
            assert_eq!(read, decided);
            read
        };
        fs::write(&keys, "").unwrap();
        fs::set_permissions(&keys, Permissions::from_mode(0o600)).unwrap();
        chown(&keys, Some(54_321), Some(54_321)).unwrap();
        assert_eq!(told(&StrictModes::Full), Ok(()));
        for (target, reason) in [
            ("../secret", format!("user id 54321 may not read the file {}/secret", home.display())),
            ("/dev/null", "this is not a regular file".to_owned()),
        ] {
            fs::remove_file(&keys).unwrap();
            symlink(target, &keys).unwrap();
            for modes in [StrictModes::Full, StrictModes::Off] {
                let error = told(&modes).unwrap_err();
                let expected = format!("{}: {reason}", keys.display());
                assert!(error.starts_with(&expected), "{error}");
            }
        }
    }

    #[test]
    fn homes_come_from_the_user_database() {
        let user =
            User::from_uid(nix::unistd::geteuid()).unwrap().expect("whoever tests is a user");
        let path = path("%h/there is no such folder/authorized_keys");
        let error = path.open(&user.name, &StrictModes::Full).unwrap_err();
        let expected = user.dir.join("there is no such folder").display().to_string();
        assert!(error.to_string().starts_with(&expected), "{error}");
        let error = path.open("nobody-of-this-name", &StrictModes::Full).unwrap_err();
        assert!(matches!(error, LoginPathError::NoHome { .. }), "{error}");
    }
}
