//! SSH keys, fingerprints and signatures: the one module that knows the crate `ssh-key`.
//!
//! | | |
//! |---|---|
//! | [`PublicKey`] | an `ssh-ed25519` key that was checked when it was read |
//! | [`Fingerprint`] | `SHA256:...`, as `ssh-keygen -l` prints it |
//! | [`Identity`] | a private key, from an OpenSSH file or made here |
//! | [`sshsig`] | signatures over messages, as `ssh-keygen -Y` makes and checks them |
//!
//! ```
//! use handfast::key::{Identity, PublicKey, sshsig};
//!
//! let alice = Identity::generate()?;
//! let line = alice.public_key().to_string();          // ssh-ed25519 AAAA...
//! let known: PublicKey = line.parse()?;
//!
//! let signature = sshsig::sign(&alice, "example", b"meet me at noon")?;
//! sshsig::verify(&known, "example", b"meet me at noon", signature.as_bytes())?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod armour;
mod blob;
mod certificate;
mod encoding;
mod error;
mod fingerprint;
mod format;
mod identity;
mod named;
mod private_file;
mod public;
mod randomart;
mod shell;
pub(crate) mod shown;
pub mod sshsig;
mod text_change;

#[cfg(all(unix, feature = "files"))]
pub(crate) use encoding::Utf16Scan;
pub use encoding::is_utf16;
pub use error::KeyError;
pub use fingerprint::Fingerprint;
pub use format::KeyFormat;
pub use identity::Identity;
pub use private_file::{MAX_FILE, MAX_ROUNDS};
pub use public::{MAX_BLOB, PublicKey};
pub use shell::{shell_path, shell_word};
pub use sshsig::SignatureError;
pub use text_change::TextChange;

#[cfg(feature = "files")]
pub(crate) use certificate::{Certificate, Revocable, is_certificate_type};
#[cfg(feature = "files")]
pub(crate) use encoding::UTF16;
pub(crate) use public::blob_type;

#[cfg(feature = "files")]
pub use shown::printable;

#[cfg(feature = "files")]
pub(crate) use public::{blob_from_text, is_key_type, key_type_at_end};

/// What happened to the text of a private key file that is read all the same: such things as a
/// byte order mark or blanks at the ends of lines, which OpenSSH does not read. Empty for a file as
/// `ssh-keygen` writes it.
///
/// # Errors
/// As [`Identity::from_openssh`] where the text cannot be read.
pub fn text_changes(text: impl AsRef<[u8]>) -> Result<Vec<TextChange>, KeyError> {
    private_file::text_changes(text.as_ref())
}

/// Whether a text is a private key file, in whatever format, also one that is not read here, and
/// however it was changed on its way: for programs that look for who else can read it.
#[cfg(feature = "files")]
pub fn is_private_key(text: impl AsRef<[u8]>) -> bool {
    private_file::is_private(text.as_ref())
}

/// The format of a file of public keys that is not OpenSSH's, as PuTTYgen (RFC 4716) and OpenSSL
/// write them.
#[cfg(feature = "files")]
pub fn public_key_format(text: impl AsRef<[u8]>) -> Option<KeyFormat> {
    let text = text.as_ref();
    KeyFormat::of_public(text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text).trim_ascii_start())
}
