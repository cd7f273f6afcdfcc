//! The key that is shown, of whatever type.

use std::path::Path;

use handfast::key::{Fingerprint, PublicKey};
use handfast::trust::ListedKey;

use super::super::public_key_file;
use crate::error::Failure;

/// What somebody shows to be let in.
pub(super) enum Offered {
    /// A key that can be asked about.
    Key { key: PublicKey, listed: ListedKey },
    /// What is never let in.
    Never {
        listed: ListedKey,
        why: String,
        /// Its line in the file.
        text: Vec<u8>,
    },
}

impl Offered {
    pub(super) fn read(path: &Path) -> Result<Self, Failure> {
        let (key, text) = public_key_file::read_any(path)?;
        if let Some(public) = key.public_key() {
            return Ok(Self::Key { key: public.clone(), listed: key });
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
        Ok(Self::Never { why, text, listed: key })
    }

    /// The key or certificate as it stands in its file.
    pub(super) fn listed(&self) -> &ListedKey {
        match self {
            Self::Key { listed, .. } | Self::Never { listed, .. } => listed,
        }
    }

    pub(super) fn fingerprint(&self) -> Fingerprint {
        self.listed().fingerprint()
    }
}

pub(super) const PLAIN: &str = "use a plain Ed25519 key, as `keytool generate` makes it";
