//! SSH keys, fingerprints and signatures: the one module that knows the crate `ssh-key`.
