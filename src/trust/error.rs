//! Why a file was refused, and why a line was passed over.

use std::io;
use std::sync::Arc;

use crate::key::{KeyError, UTF16};

/// Why a file that says whom to trust was refused as a whole.
///
/// Its text begins with the path and, where one is to blame, the line: `known_hosts:3: ...`.
#[derive(Debug, thiserror::Error)]
#[error("{path}{}: {kind}", line.map(|line| format!(":{line}")).unwrap_or_default())]
pub struct TrustError {
    path: Arc<str>,
    line: Option<usize>,
    kind: TrustErrorKind,
}

impl TrustError {
    pub(super) fn new(path: &Arc<str>, line: Option<usize>, kind: TrustErrorKind) -> Self {
        Self { path: Arc::clone(path), line, kind }
    }

    /// The file, with `~/` expanded, escaped where it holds what does not belong into a message.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The line to blame, counted from 1; `None` if it is the file.
    pub fn line(&self) -> Option<usize> {
        self.line
    }

    /// What is wrong.
    pub fn kind(&self) -> &TrustErrorKind {
        &self.kind
    }
}

/// What is wrong with a file that was refused; see [`TrustError`] for where.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TrustErrorKind {
    /// The path begins with `~/` and there is no home directory.
    #[error("no home directory is known to stand for `~`; set HOME or give the whole path")]
    NoHome,
    /// There is no such file.
    #[error("there is no such file; give another path, or create it (it may be empty)")]
    NotFound,
    /// This program may not read the file, or not enter a folder above it.
    #[error(
        "this program may not read the file, or not enter a folder above it; change the mode or owner of what keeps it out"
    )]
    Denied,
    /// Something else than a file with bytes in it.
    #[error("this is {seen}; give the path of a regular file")]
    NotRegular {
        /// What it is, with its article.
        seen: &'static str,
    },
    /// Reading failed for another reason.
    #[error("the file cannot be read: {error}")]
    Io {
        /// What the operating system said.
        error: io::Error,
    },
    /// More than [`MAX_FILE`](super::MAX_FILE) bytes.
    #[error("the file has more than {max} bytes; split it or remove what is not needed")]
    FileTooLarge {
        /// The limit.
        max: usize,
    },
    /// More than [`MAX_LINE`](super::MAX_LINE) bytes.
    #[error("the line has {len} bytes and at most {max} are read; split or remove it")]
    LineTooLong {
        /// The length of the line, without its end.
        len: usize,
        /// The limit.
        max: usize,
    },
    /// The file, or a part of it, is UTF-16: no line of it says what its author meant.
    #[error("{UTF16}")]
    Utf16,
    /// Somebody who is neither root nor the user in question owns the file.
    #[error(
        "the file belongs to user id {owner}, who could admit anyone; run `chown {user} {path}` (root may own it too)"
    )]
    ForeignOwner {
        /// The user id of the owner.
        owner: u32,
        /// The user id that may own it.
        user: u32,
        /// The file, quoted for the command that helps.
        path: String,
    },
    /// Group or others may write to the file.
    #[error(
        "the file has mode {mode:04o}, so that others could admit anyone; run `chmod go-w {path}`"
    )]
    WritableByOthers {
        /// The permission bits of the file.
        mode: u32,
        /// The file, quoted for the command that helps.
        path: String,
    },
    /// Somebody who is neither root nor the user in question owns a folder above the file.
    #[error(
        "the folder {folder} belongs to user id {owner}, who could put another file in place of this one; it must belong to user id {user} or root"
    )]
    ForeignFolder {
        /// The folder, escaped where it holds what does not belong into a message.
        folder: String,
        /// The user id of its owner.
        owner: u32,
        /// The user id that may own it.
        user: u32,
    },
    /// Group or others may write to a folder above the file.
    #[error(
        "the folder {folder} has mode {mode:04o}, so that others could put another file in place of this one; {remedy}"
    )]
    WritableFolder {
        /// The folder, escaped where it holds what does not belong into a message.
        folder: String,
        /// Its permission bits.
        mode: u32,
        /// What to do.
        remedy: String,
    },
    /// Root reads a user's file for that user, who could not read it.
    #[error(
        "user id {user} may not {doing} {path}, so it is not read for that user; change its mode or owner"
    )]
    NotForUser {
        /// The user id.
        user: u32,
        /// What the user may not do.
        doing: &'static str,
        /// The file or folder, without links, escaped where it holds what does not belong into a
        /// message.
        path: String,
    },
    /// Behind the path is another file than the one that was opened.
    #[error("another file took its place while it was read; try again")]
    Replaced,
    /// A line that begins with `@` is not understood; if it revokes a key, that must not get lost.
    #[error("the line begins with `@` and is not understood: {fault}; correct or remove it")]
    MarkedLine {
        /// What is wrong with the line.
        fault: LineFault,
    },
    /// Two entries stand in a line, and the second could be a revocation, which must not get lost.
    #[error("{fault}; put each on a line of its own, for the second could be a revocation")]
    GluedRevocation {
        /// [`LineFault::Glued`].
        fault: LineFault,
    },
    /// A line is not understood that holds `@revoked` behind bytes that do not show: a byte order
    /// mark, blanks that are not ASCII, or a carriage return.
    #[error(
        "`@revoked` stands in the line behind bytes that do not show, and the line is not understood: {fault}; put it on a line of its own, at the start"
    )]
    HiddenMarker {
        /// What is wrong with the line.
        fault: LineFault,
    },
}

/// Why a line was not read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LineFault {
    /// A NUL byte, where OpenSSH would stop reading the line.
    #[error("there is a NUL byte in it")]
    Nul,
    /// It seems to be two entries, of which the first lacks its line end. Both are escaped and cut.
    #[error("two entries stand in it without a line end between them: `{first}` and `{second}`")]
    Glued {
        /// The one that begins the line.
        first: String,
        /// The other one.
        second: String,
    },
    /// The line ends before its key.
    #[error("it ends before the key")]
    NoKey,
    /// The marker is none that OpenSSH knows.
    #[error("`{seen}` is no marker, only `@revoked` and `@cert-authority` are")]
    UnknownMarker {
        /// The marker, escaped and cut.
        seen: String,
    },
    /// A marker ends at the first space of the line, and there is something else between.
    #[error("there is no space behind its marker")]
    MarkerWithoutSpace,
    /// A line can have one marker.
    #[error("it has more than one marker")]
    SecondMarker,
    /// The hosts begin with `|` and are not one hashed name as `ssh-keygen -H` writes it.
    #[error("its hashed name is not `|1|salt|hash` with 20 bytes of base64 each, and nothing else")]
    HashedName,
    /// A list with such a long name matches nothing, in OpenSSH too.
    #[error("a name in it has {len} bytes, and with one of {max} or more the line matches no host")]
    NameTooLong {
        /// The length of the name.
        len: usize,
        /// The length from which on nothing matches.
        max: usize,
    },
    /// The text or the bytes of the key.
    #[error("{0}")]
    Key(KeyError),
    /// The key names a type that it has not the form of.
    #[error("the key is not a well-formed `{key_type}` key")]
    MalformedKey {
        /// The type that it names.
        key_type: String,
    },
    /// The options before a key of `authorized_keys`.
    #[error("{0}")]
    Options(OptionFault),
}

impl From<KeyError> for LineFault {
    fn from(error: KeyError) -> Self {
        Self::Key(error)
    }
}

impl From<OptionFault> for LineFault {
    fn from(fault: OptionFault) -> Self {
        Self::Options(fault)
    }
}

/// What is wrong with the options of a line of `authorized_keys`. Names are escaped and cut.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OptionFault {
    /// A quote is opened and not closed.
    #[error("a quote in its options is not closed")]
    OpenQuote,
    /// A value without its quotes.
    #[error("the value of its option `{name}` is not in double quotes")]
    BareValue {
        /// The option.
        name: String,
    },
    /// Something else than a comma behind a value.
    #[error("there is no comma behind the value of its option `{name}`")]
    AfterValue {
        /// The option.
        name: String,
    },
    /// An option name with other characters than letters, digits, and hyphens.
    #[error("`{name}` is not the name of an option")]
    Name {
        /// What stands in the place of a name.
        name: String,
    },
    /// An option that OpenSSH does not know either.
    #[error("its option `{name}` is not known")]
    Unknown {
        /// The option.
        name: String,
    },
    /// An option of OpenSSH that restricts what is forwarded: nothing is forwarded here, so whoever
    /// wrote it had something else in mind.
    #[error("its option `{name}` is about connections that SSH forwards, and means nothing here")]
    Forwarding {
        /// The option.
        name: String,
    },
    /// An option that needs a value stands there without one.
    #[error("its option `{name}` has no value")]
    NoValue {
        /// The option.
        name: String,
    },
    /// An option that takes no value has one.
    #[error("its option `{name}` takes no value")]
    NeedlessValue {
        /// The option.
        name: String,
    },
    /// An option that can stand there once.
    #[error("its option `{name}` stands there twice")]
    Twice {
        /// The option.
        name: String,
    },
    /// A value that is not UTF-8.
    #[error("the value of its option `{name}` is not UTF-8")]
    NotText {
        /// The option.
        name: String,
    },
    /// An element of `from=` that cannot be what was meant.
    #[error("`{element}` in its option `from` is {reason}")]
    From {
        /// The element, escaped and cut.
        element: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The time of `expiry-time=`.
    #[error("`{value}` in its option `expiry-time` is {reason}")]
    Expiry {
        /// The value, escaped and cut.
        value: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// `environment=` without a name that can be one.
    #[error(
        "`{value}` in its option `environment` is not `NAME=value`, with letters, digits and `_` in the name"
    )]
    Environment {
        /// The value, escaped and cut.
        value: String,
    },
    /// More variables than OpenSSH takes.
    #[error("its option `environment` sets more than {max} variables")]
    EnvironmentTooLarge {
        /// The limit.
        max: usize,
    },
    /// `principals=` on the line of a key that is no certificate authority.
    #[error(
        "its option `principals` is for certificate authorities, and it lacks `cert-authority`"
    )]
    PrincipalsAlone,
}
