//! What the ids of the benches begin with, so that runs with either backend stand side by side.

/// The libraries that do the cryptography of this build.
pub(crate) const BACKEND: &str =
    if cfg!(feature = "aws-lc-rs") { "aws-lc-rs" } else { "ring+dalek+libcrux" };
