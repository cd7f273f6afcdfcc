//! The files that say whom to trust: `known_hosts` and `authorized_keys`.
