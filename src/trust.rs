//! The files that say whom to trust: `known_hosts` and `authorized_keys`.

mod key_file;

pub use key_file::KeyFileError;
