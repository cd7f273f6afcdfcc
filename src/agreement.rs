//! What both ends of a connection agreed on.

use crate::crypto::Cipher;
use crate::handshake::Exchange;
use crate::key::PublicKey;
use crate::schedule::Exporter;

/// What both ends of a connection agreed on.
#[derive(Debug)]
pub(crate) struct Agreement {
    pub(crate) cipher: Cipher,
    pub(crate) exchange: Exchange,
    pub(crate) protocol: Vec<u8>,
    pub(crate) host_key: PublicKey,
    /// What else the server proved to hold; nothing at a server's own end.
    pub(crate) other_host_keys: Vec<PublicKey>,
    pub(crate) exporter: Exporter,
}
