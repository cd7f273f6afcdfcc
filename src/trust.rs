//! The files that say whom to trust: `known_hosts` and `authorized_keys`.
//!
//! | | |
//! |---|---|
//! | [`KnownHosts`] | which keys belong to which hosts; [`check`](KnownHosts::check) gives a [`Verdict`] |
//! | [`AuthorizedKeys`] | which keys a server admits; [`decide`](AuthorizedKeys::decide) gives a [`Decision`] |
//! | [`KnownHostsFile`], [`AuthorizedKeysFile`] | the same files, to be changed |
//! | [`Host`] | a host as it is looked up: a name and a port |
//! | [`HostVerifier`] | what a client does about host keys: [`KnownHosts`] itself, [`Ask`], [`AcceptNew`], [`PinnedKeys`] |
//! | [`KeyFileError`] | why a private key file was refused; `Identity::load` and `save` give it |
//! | [`TrustError`] | why one of the other files was refused as a whole, with its path and line |
//!
//! The files are those of OpenSSH and are read as OpenSSH reads them, and more strictly but for three
//! spellings: a byte order mark before the first line, IPv6 addresses of `known_hosts` in another
//! spelling than the one that is looked up, and IPv4 addresses that `from=` has mapped into IPv6.
//!
//! - A file that is missing or cannot be read is an error, never an empty file.
//! - A line of `known_hosts` that begins with `@` and cannot be understood refuses the whole file:
//!   it may have been a revocation. OpenSSH passes over it. So does one with `@revoked` behind bytes
//!   that do not show, and one with a second entry in it that could be a revocation, as a last line
//!   without its end gets it when a program appends to the file.
//! - A revocation is compared by plain keys: one of a certificate revokes the plain key as well.
//! - A file that is UTF-16, or to which UTF-16 was appended, is refused.
//! - `@revoked` lines for a host hold for each of its ports.
//! - Other lines that cannot be read are passed over, as in OpenSSH, but each is logged with its
//!   place and the reason, and [`Verdict::Unknown`] names them.
//! - A line with a NUL byte counts as one that cannot be read; a byte order mark at the start of a
//!   file is passed over.
//! - Files over [`MAX_FILE`] and lines over [`MAX_LINE`] bytes are refused.
//!
//! # Options of `authorized_keys`
//!
//! A line counts only if each of its options is enforced or cannot matter here.
//!
//! | | |
//! |---|---|
//! | `from="..."` | enforced: addresses, networks and patterns with `*` and `?`, each excluded by `!`. Clients without an address (Unix sockets) are refused. Names are held against the address, for the DNS is not asked |
//! | `expiry-time="..."` | enforced: `YYYYMMDD[HHMM[SS]]`, in the server's time zone or, with `Z`, in UTC; the earliest counts |
//! | `command="..."` | the line counts only for applications that [say](crate::auth::PublicKeyCheck::honours_command) that they carry it out |
//! | `environment="..."` | handed to the application |
//! | `verify-required`, `no-touch-required` | handed to the application; they are about FIDO keys |
//! | `restrict`, `pty`, `user-rc`, `agent-`, `port-` and `x11-forwarding`, and these with `no-` | no effect: there is nothing of the kind |
//! | `cert-authority`, `principals="..."` | read; the line admits nobody in this version |
//! | `permitopen`, `permitlisten`, `tunnel`, and all that is not known | the line admits nobody, and a log line says which |
//!
//! Where OpenSSH takes a malformed time or address for another one, the line is refused: days that
//! the month has not, times before 1970, blanks in place of digits, addresses with leading zeros or
//! fewer than four numbers. A time without `Z` is what the clock on the wall shows, also in summer,
//! when OpenSSH counts an hour more; in Ireland's winter, when it counts an hour less, so do we.
//!
//! What this version does not honour, it does not trust: certificates (`@cert-authority`,
//! `cert-authority`) admit nobody.

mod authorized_keys;
mod contacts;
mod edit;
mod error;
mod file;
mod glued;
mod host;
mod hosts_field;
mod key_file;
mod key_text;
mod known_hosts;
mod listing;
#[cfg(unix)]
mod login_path;
mod new_file;
mod pattern;
mod place;
#[cfg(unix)]
mod reader;
mod spot;
mod strict_modes;
mod verifier;

#[cfg(any(feature = "tokio", feature = "blocking"))]
pub(crate) use authorized_keys::rfc3339;
pub use authorized_keys::{
    AuthorizedKeys, Decision, Entry, Permissions, Question, RefusedLine, RefusedLines, WhyRefused,
    expiry_time,
};
#[cfg(any(test, feature = "tokio", feature = "blocking"))]
pub(crate) use contacts::Contact;
pub use edit::{
    Added, AuthorizedKeysFile, AuthorizedLine, EditError, FoundHost, HashedHosts, HostLine,
    HostLineState, KeptHost, KnownHostsFile, Learned, LeftOut, LineState, MatchedBy, NewHost,
    NewKey, OtherName, ProvedKeys, RemovedHosts, WhyKept, WhyLeftOut, WhyNotLearned,
};
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) use edit::{Edit, edit_known_hosts};
pub use error::{LineFault, OptionFault, TrustError, TrustErrorKind};
pub use glued::glued;
pub use host::{Host, HostError, MAX_HOST_NAME};
pub use key_file::KeyFileError;
pub use known_hosts::{KnownHosts, KnownKey, KnownName, Verdict};
pub use listing::{ListedKey, list_keys};
#[cfg(unix)]
pub use login_path::{LoginPath, LoginPathError};
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) use pattern::{Listed, listed, matches};
pub use place::{Place, SkippedLine, SkippedLines};
pub use spot::LinkRefused;
pub use strict_modes::StrictModes;
pub use verifier::{
    AcceptNew, Ask, HostAnswer, HostKeyError, HostQuestion, HostVerifier, NoHostAnswer, PinnedKeys,
    Trusted,
};

/// Largest file that is read, in bytes.
pub const MAX_FILE: usize = 16 << 20;

/// Longest line that is read, in bytes, without its end.
pub const MAX_LINE: usize = 1 << 20;
