//! What each side brings into a handshake.

use core::fmt;
use std::collections::BTreeMap;

use crate::crypto::Cipher;
use crate::error::{Error, Misuse};
use crate::handshake::Stealth;
use crate::key::{Identity, PublicKey};
use crate::wire::{MAX_AEADS, MAX_PROTOCOLS, hello, text};

/// How the two sides agree on keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Exchange {
    /// X25519 with ML-KEM-768, and nothing less: the default.
    #[default]
    Hybrid,
    /// X25519 with ML-KEM-768 where the peer takes part, else X25519 alone.
    PreferHybrid,
    /// X25519 alone.
    Classical,
}

impl Exchange {
    /// What was run, or is wanted, in the words of the protocols that define it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Hybrid => "X25519 + ML-KEM-768",
            Self::PreferHybrid => "X25519 + ML-KEM-768 where possible",
            Self::Classical => "X25519",
        }
    }
}

impl fmt::Display for Exchange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The name and port whose key a client checks; the server is told both.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub struct Target {
    /// Lower case, as looked up, without brackets; at most 255 bytes.
    pub name: String,
    /// 0 for streams that are not TCP.
    pub port: u16,
}

impl Target {
    /// A target; the name is lowered.
    #[must_use]
    pub fn new(name: &str, port: u16) -> Self {
        Self { name: name.to_ascii_lowercase(), port }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.name.escape_debug();
        match self.port {
            0 => write!(f, "{name}"),
            port if self.name.contains(':') => write!(f, "[{name}]:{port}"),
            port => write!(f, "{name}:{port}"),
        }
    }
}

fn check_ciphers(ciphers: &[Cipher], max: usize) -> Result<(), Error> {
    let setting = |text| Err(Error::Misuse(Misuse::Setting(text)));
    if ciphers.is_empty() {
        return setting("no cipher is allowed; name at least one");
    }
    if ciphers.len() > max {
        return setting("too many ciphers");
    }
    if ciphers.iter().enumerate().any(|(at, cipher)| ciphers.iter().take(at).any(|c| c == cipher)) {
        return setting("a cipher is named twice");
    }
    if !ciphers.iter().all(|cipher| cipher.available()) {
        return setting("a cipher is named that this build does not have");
    }
    Ok(())
}

fn check_protocols(protocols: &[Vec<u8>], max: usize) -> Result<(), Error> {
    let setting = |text| Err(Error::Misuse(Misuse::Setting(text)));
    if protocols.len() > max {
        return setting("too many application protocols");
    }
    if protocols.iter().any(|name| name.is_empty() || name.len() > 255) {
        return setting("the name of an application protocol is 1 to 255 bytes long");
    }
    if protocols.iter().enumerate().any(|(at, name)| protocols.iter().take(at).any(|n| n == name)) {
        return setting("an application protocol is named twice");
    }
    Ok(())
}

/// The ciphers that this build has, in the order that suits most machines.
pub(crate) fn default_ciphers() -> Vec<Cipher> {
    [Cipher::ChaCha20Poly1305, Cipher::Aes256Gcm].into_iter().filter(|c| c.available()).collect()
}

/// A client's side of a handshake.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ClientConfig {
    /// The AEADs that it accepts, its favourite first: 1 to 15, none twice.
    pub ciphers: Vec<Cipher>,
    /// The exchanges of keys that it accepts.
    pub exchange: Exchange,
    /// The host keys that it would accept, for the hints in its hello. Empty unless no other key
    /// can end up being accepted; then all hints are random.
    pub expected: Vec<PublicKey>,
    /// A name for the server to choose its identity by, readable by everyone on the way.
    pub server_name: Option<String>,
    /// What both applications said before, or nothing.
    pub prologue: Vec<u8>,
    /// Who the client says it is: text, at most 255 bytes; empty for none.
    pub login: String,
    /// The application protocols that it speaks, its favourite first: at most 16.
    pub protocols: Vec<Vec<u8>>,
    /// Whose key it checks.
    pub target: Target,
    /// Whether it sends Data without waiting for Welcome; then it names at most one protocol.
    pub eager: bool,
}

impl Default for ClientConfig {
    fn default() -> Self {
        Self {
            ciphers: default_ciphers(),
            exchange: Exchange::default(),
            expected: Vec::new(),
            server_name: None,
            prologue: Vec::new(),
            login: String::new(),
            protocols: Vec::new(),
            target: Target::default(),
            eager: false,
        }
    }
}

impl ClientConfig {
    pub(crate) fn check(&self) -> Result<(), Error> {
        let setting = |text| Err(Error::Misuse(Misuse::Setting(text)));
        // one place of the list is the grease's
        check_ciphers(&self.ciphers, MAX_AEADS - 1)?;
        check_protocols(&self.protocols, MAX_PROTOCOLS)?;
        if self.eager && self.protocols.len() > 1 {
            return setting("an eager client names at most one application protocol");
        }
        if self.login.len() > 255 || !text::is_plain(&self.login) {
            return setting("a login is at most 255 bytes without control characters");
        }
        if self.target.name.len() > 255 || !text::is_plain(&self.target.name) {
            return setting("a target's name is at most 255 bytes without control characters");
        }
        if self.server_name.as_ref().is_some_and(|name| !hello::is_server_name(name.as_bytes())) {
            return setting(
                "a server name is 1 to 253 of a-z 0-9 . : _ - without a dot at the end",
            );
        }
        Ok(())
    }
}

/// A server's host keys: one or more, of which some may belong to a name alone.
#[derive(Debug, Clone)]
pub struct Identities {
    default: Identity,
    others: Vec<Identity>,
    named: BTreeMap<String, Vec<Identity>>,
}

impl Identities {
    /// One host key, shown to whoever hints at no other.
    #[must_use]
    pub const fn new(default: Identity) -> Self {
        Self { default, others: Vec::new(), named: BTreeMap::new() }
    }

    /// One more, for clients that hint at it: the old one beside the new while keys are rotated.
    #[must_use]
    pub fn and(mut self, identity: Identity) -> Self {
        self.others.push(identity);
        self
    }

    /// One of the host keys of a name; clients that send this name in the clear choose among its
    /// keys, the first being its default. Other clients reach it by a hint.
    #[must_use]
    pub fn named(mut self, name: &str, identity: Identity) -> Self {
        self.named.entry(name.to_ascii_lowercase()).or_default().push(identity);
        self
    }

    /// All of them, the default first.
    pub fn iter(&self) -> impl Iterator<Item = &Identity> {
        core::iter::once(&self.default).chain(&self.others).chain(self.named.values().flatten())
    }

    /// The set that a hello chooses from, its default first.
    pub(crate) fn set(&self, server_name: Option<&str>) -> Vec<&Identity> {
        match server_name.and_then(|name| self.named.get(name)) {
            Some(set) => set.iter().collect(),
            None => self.iter().collect(),
        }
    }
}

/// A server's side of a handshake.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ServerConfig {
    /// Its host keys.
    pub identities: Identities,
    /// The AEADs that it accepts; it picks the first that the client lists.
    pub ciphers: Vec<Cipher>,
    /// The exchanges of keys that it accepts.
    pub exchange: Exchange,
    /// The application protocols that it speaks; it picks the first that the client names.
    pub protocols: Vec<Vec<u8>>,
    /// The names by which clients may ask for it; empty: any.
    pub names: Vec<String>,
    /// What both applications said before, or nothing.
    pub prologue: Vec<u8>,
    /// Whether it answers only those who know one of its keys.
    pub stealth: Option<Stealth>,
}

impl ServerConfig {
    /// The defaults, with these host keys.
    #[must_use]
    pub fn new(identities: Identities) -> Self {
        Self {
            identities,
            ciphers: default_ciphers(),
            exchange: Exchange::default(),
            protocols: Vec::new(),
            names: Vec::new(),
            prologue: Vec::new(),
            stealth: None,
        }
    }

    /// Whether the protocol can express these settings.
    ///
    /// # Errors
    ///
    /// It cannot; the error says which.
    pub fn check(&self) -> Result<(), Error> {
        check_ciphers(&self.ciphers, MAX_AEADS)?;
        check_protocols(&self.protocols, usize::MAX)
    }
}
