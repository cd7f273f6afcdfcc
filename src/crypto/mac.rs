//! Message authentication codes: compared in constant time, and in no other way.

use core::fmt;

use subtle::ConstantTimeEq as _;

use super::hash::hmac_sha256;
use super::secret::Secret;

/// The HMAC-SHA-256 that a message ends with. It has no `PartialEq` and does not lend its bytes, so
/// that [`Mac::is`] is the only comparison.
pub(crate) struct Mac([u8; 32]);

impl Mac {
    pub(crate) fn of(key: &Secret<32>, message: &[u8]) -> Self {
        Self(hmac_sha256(key.expose(), &[message]))
    }

    /// Whether the peer sent this code. The time does not depend on where the two differ.
    pub(crate) fn is(&self, received: &[u8; 32]) -> bool {
        self.0.ct_eq(received).into()
    }

    /// Appends the code to the message that it ends.
    pub(crate) fn append_to(&self, message: &mut Vec<u8>) {
        message.extend_from_slice(&self.0);
    }
}

impl fmt::Debug for Mac {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Mac")
    }
}
