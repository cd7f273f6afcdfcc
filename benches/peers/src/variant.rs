//! What is measured: a library with a cipher, an exchange of keys and a backend.

use std::fmt;

use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Library {
    Plain,
    Handfast,
    Rustls,
    Snow,
    Russh,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Cipher {
    ChaCha,
    Aes,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Exchange {
    /// X25519 alone.
    Classical,
    /// X25519 with ML-KEM-768.
    Hybrid,
}

/// Which build of this program runs it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Backend {
    /// ring; for handfast with dalek and libcrux, which is its default.
    Ring,
    Aws,
}

impl Backend {
    /// The backend that this process was built with.
    pub const HERE: Self = if cfg!(feature = "aws-lc-rs") { Self::Aws } else { Self::Ring };
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Variant {
    pub library: Library,
    pub cipher: Cipher,
    pub exchange: Exchange,
    pub backend: Backend,
}

impl Variant {
    pub const PLAIN: Self =
        Self::new(Library::Plain, Cipher::ChaCha, Exchange::Classical, Backend::Ring);

    pub const fn new(
        library: Library,
        cipher: Cipher,
        exchange: Exchange,
        backend: Backend,
    ) -> Self {
        Self { library, cipher, exchange, backend }
    }

    /// The same of another library.
    pub const fn of(self, library: Library) -> Self {
        Self { library, ..self }
    }

    /// Whether the library can do it.
    pub fn exists(self) -> bool {
        match self.library {
            Library::Plain => self == Self::PLAIN,
            Library::Handfast | Library::Russh => true,
            // rustls has the hybrid over aws-lc-rs only
            Library::Rustls => self.exchange == Exchange::Classical || self.backend == Backend::Aws,
            Library::Snow => self.exchange == Exchange::Classical && self.backend == Backend::Ring,
        }
    }

    /// What it is called where only data flows, and the exchange of keys makes no difference.
    pub fn name_of_stream(self) -> String {
        match self.library {
            Library::Plain => self.library.to_string(),
            library => format!("{library} {} {}", self.cipher, self.backend),
        }
    }

    /// What it is called where keys are exchanged.
    pub fn name_of_handshake(self) -> String {
        match self.library {
            Library::Plain => self.library.to_string(),
            library => format!("{library} {} {}", self.exchange, self.backend),
        }
    }
}

impl fmt::Display for Library {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Plain => "plain TCP",
            Self::Handfast => "handfast",
            Self::Rustls => "rustls",
            Self::Snow => "snow",
            Self::Russh => "russh",
        })
    }
}

impl fmt::Display for Cipher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ChaCha => "ChaCha20-Poly1305",
            Self::Aes => "AES-256-GCM",
        })
    }
}

impl fmt::Display for Exchange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Classical => "X25519",
            Self::Hybrid => "X25519+ML-KEM-768",
        })
    }
}

impl fmt::Display for Backend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ring => "ring",
            Self::Aws => "aws-lc-rs",
        })
    }
}
