//! Keys and trust files, with OpenSSH's own tools as the judge, and what the project's documents
//! say of its tests.

#![cfg(feature = "files")]

mod documents;
mod keys;
mod openssh_cases;
mod random;
#[cfg(unix)]
mod ssh;
#[cfg(unix)]
mod sshd;
mod trust_files;
