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
mod error;
mod fingerprint;
mod identity;
mod private_file;
mod public;
mod randomart;
#[cfg(feature = "files")]
mod shell;
pub(crate) mod shown;
pub mod sshsig;

pub use error::KeyError;
pub use fingerprint::Fingerprint;
pub use identity::Identity;
pub use private_file::{MAX_FILE, MAX_ROUNDS};
pub use public::{MAX_BLOB, PublicKey};
pub use sshsig::SignatureError;

pub(crate) use public::blob_type;

#[cfg(feature = "files")]
pub use shell::{shell_path, shell_word};
#[cfg(feature = "files")]
pub use shown::printable;

#[cfg(feature = "files")]
pub(crate) use public::{blob_from_text, is_key_type};
