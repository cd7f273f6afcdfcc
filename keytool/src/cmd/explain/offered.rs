//! The key that is shown, of whatever type.

use std::path::Path;

use handfast::key::{Fingerprint, PublicKey};

use super::super::public_key_file;
use crate::error::Failure;

/// What somebody shows to be let in.
pub(super) enum Offered {
    /// A key that can be asked about.
    Key(PublicKey),
    /// What is never let in.
    Never {
        fingerprint: Fingerprint,
        why: String,
        /// Its line in the file.
        text: Vec<u8>,
    },
}

impl Offered {
    pub(super) fn read(path: &Path) -> Result<Self, Failure> {
        let (key, text) = public_key_file::read_any(path)?;
        if let Some(public) = key.public_key() {
            return Ok(Self::Key(public.clone()));
        }
        let key_type = key.key_type();
        let why = if key_type.contains("-cert-v01@") {
            format!(
                "it is a certificate ({key_type}), and this version does not honour certificates"
            )
        } else if key_type == "ssh-ed25519" {
            "its bytes are no valid point of the curve, or one under which anybody can forge"
                .to_owned()
        } else {
            format!("keys of type {key_type} are not supported")
        };
        Ok(Self::Never { fingerprint: key.fingerprint(), why, text })
    }

    pub(super) fn fingerprint(&self) -> Fingerprint {
        match self {
            Self::Key(key) => key.fingerprint(),
            Self::Never { fingerprint, .. } => *fingerprint,
        }
    }
}

pub(super) const PLAIN: &str = "use a plain Ed25519 key, as `keytool generate` makes it";
