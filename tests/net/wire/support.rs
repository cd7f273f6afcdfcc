//! A scripted peer in either role, over any stream.

pub(crate) mod client;
pub(crate) mod crypto;
pub(crate) mod link;
pub(crate) mod messages;
pub(crate) mod rig;
pub(crate) mod server;
