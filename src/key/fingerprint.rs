//! SHA-256 fingerprints.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;

use super::certificate::Certificate;
use super::shown::shown;
use super::{KeyError, randomart};
use crate::crypto;

/// The SHA-256 fingerprint of a public key, for people to compare: `SHA256:` and 43 characters of
/// base64.
///
/// Read from and written as exactly the text that `ssh-keygen -l` prints. Comparing is not
/// constant-time: a fingerprint is public.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fingerprint([u8; 32]);

impl Fingerprint {
    /// The fingerprint of a key in the form it has on the wire. That of a certificate is the one of
    /// its plain key, as `ssh-keygen -l` prints it.
    pub fn of_blob(blob: &[u8]) -> Self {
        match Certificate::parse(blob) {
            Some(certificate) => Self(crypto::sha256(&[&certificate.key])),
            None => Self(crypto::sha256(&[blob])),
        }
    }

    /// The fingerprint as a picture, which people tell apart more easily than base64: the "drunken
    /// bishop" of `ssh-keygen -lv`, nine lines in a frame, without a line end behind the last.
    ///
    /// `title` stands in the upper edge in brackets, as `ED25519 256`; no more than 15 characters
    /// of it have room.
    pub fn randomart(&self, title: &str) -> String {
        randomart::draw(&self.0, title, "SHA256")
    }

    /// The hash itself.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SHA256:{}", STANDARD_NO_PAD.encode(self.0))
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Fingerprint {
    type Err = KeyError;

    /// Reads exactly what [`Display`](fmt::Display) writes: no blanks, no padding, no other hash.
    fn from_str(text: &str) -> Result<Self, KeyError> {
        let invalid = || KeyError::InvalidFingerprint { seen: shown(text.as_bytes()) };
        let hash =
            text.strip_prefix("SHA256:").filter(|hash| hash.len() == 43).ok_or_else(invalid)?;
        let bytes = STANDARD_NO_PAD.decode(hash).map_err(|_| invalid())?;
        bytes.try_into().map(Self).map_err(|_| invalid())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn text_is_sha256_in_base64_without_padding() {
        let print = Fingerprint::of_blob(b"");
        assert_eq!(print.to_string(), "SHA256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU");
        assert_eq!(format!("{print:?}"), print.to_string());
        assert_eq!(print.to_string().parse(), Ok(print));
    }

    #[test]
    fn other_forms_are_refused_and_shown_escaped() {
        for text in [
            "",
            "SHA256:",
            "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU",
            "sha256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU",
            "SHA256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=",
            "SHA256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFV", // bits left over
            "SHA256:47DEQpj8HBSa-_TImW+5JCeuQeRkm5NMpJWZG3hSuFU",
            " SHA256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU",
            "MD5:16:27:ac:a5:76:28:2d:36:63:1b:56:4d:eb:df:a6:48",
        ] {
            let error = text.parse::<Fingerprint>().unwrap_err();
            assert_eq!(
                error,
                KeyError::InvalidFingerprint { seen: shown(text.as_bytes()) },
                "{text}"
            );
        }
        let error = "\x1b[2J".parse::<Fingerprint>().unwrap_err().to_string();
        assert!(error.starts_with("`\\u{1b}[2J` is not a fingerprint"), "{error}");
    }

    proptest! {
        #[test]
        fn any_text_is_refused_or_comes_back(text in "(SHA256:)?\\PC{0,60}") {
            if let Ok(print) = text.parse::<Fingerprint>() {
                prop_assert_eq!(print.to_string(), text);
            }
        }
    }
}
