//! An attempt to connect, as far as it has come.

use core::fmt;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::account::Account;
use super::conversation::{self, Desk, Line};
use crate::handshake::Target;
use crate::handshake::server::Claims;
use crate::key::PublicKey;

/// Where a client comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum PeerAddr {
    /// An address of the internet.
    Ip(SocketAddr),
    /// A Unix socket of this machine.
    Unix,
    /// A stream that has no address.
    Unknown,
}

impl PeerAddr {
    /// The IP address; an IPv4 address mapped into IPv6 is the IPv4 address.
    #[must_use]
    pub fn ip(&self) -> Option<IpAddr> {
        match self {
            Self::Ip(addr) => Some(addr.ip().to_canonical()),
            Self::Unix | Self::Unknown => None,
        }
    }
}

impl fmt::Display for PeerAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ip(addr) => {
                write!(f, "{}", SocketAddr::new(addr.ip().to_canonical(), addr.port()))
            }
            Self::Unix => f.write_str("a Unix socket"),
            Self::Unknown => f.write_str("an unknown address"),
        }
    }
}

/// What the path through the stack has shown so far.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Evidence {
    /// A key was looked at since the last layer admitted.
    key_seen: bool,
    /// A password was looked at since the last layer admitted.
    password_seen: bool,
    /// A layer that had looked at one of them admitted.
    proved: bool,
    /// A layer accepted the key for what it is.
    key_accepted: bool,
}

impl Evidence {
    /// A layer admitted: what it had looked at counts.
    const fn settle(&mut self) {
        self.proved |= self.key_seen | self.password_seen;
        self.key_seen = false;
        self.password_seen = false;
    }
}

/// An attempt to connect: the conversation so far. Layers pull what they need; it travels through
/// them by value.
#[derive(Debug)]
pub struct Attempt {
    peer: PeerAddr,
    line: Line,
    claims: Option<Arc<Claims>>,
    pub(super) evidence: Evidence,
    /// On the heap, since an attempt travels by value through every layer.
    pub(super) account: Box<Account>,
}

impl Attempt {
    #[cfg_attr(
        not(any(feature = "tokio", feature = "blocking")),
        expect(dead_code, reason = "streams begin it")
    )]
    pub(crate) fn new(peer: PeerAddr) -> (Self, Desk) {
        let (line, desk) = conversation::conversation();
        let (evidence, account) = (Evidence::default(), Box::default());
        (Self { peer, line, claims: None, evidence, account }, desk)
    }

    /// Where the client comes from. Needs nothing of the client.
    #[must_use]
    pub const fn peer_addr(&self) -> PeerAddr {
        self.peer
    }

    async fn claims(&mut self) -> &Claims {
        let claims = match self.claims.take() {
            Some(claims) => claims,
            None => self.line.claims().await,
        };
        self.claims.insert(claims)
    }

    /// The key that the client proved to hold; none if it chose to prove nothing. Runs the
    /// handshake that far. That it holds the key says nothing about whether to admit it.
    pub async fn public_key(&mut self) -> Option<PublicKey> {
        let key = self.claims().await.key.clone();
        self.evidence.key_seen |= key.is_some();
        key
    }

    /// Who the client says it is; empty for nobody. Runs the handshake as far as
    /// [`Self::public_key`]. Nothing vouches for it, unless a layer has found out that it is true.
    pub async fn login(&mut self) -> String {
        self.claims().await.login.clone()
    }

    /// The host that the client wanted. Runs the handshake as far as [`Self::public_key`].
    pub async fn target(&mut self) -> Target {
        self.claims().await.target.clone()
    }

    /// Asks the client for a password; the prompt, at most 255 bytes of text, is shown behind the
    /// client's own words. At most 8 times. An eager client cannot be asked and is refused.
    pub async fn password(&mut self, prompt: &str) -> Password {
        let password = self.line.password(prompt.to_owned(), self.evidence.key_accepted).await;
        self.evidence.password_seen = true;
        Password(password)
    }

    /// Says that the login is true: this layer has found proof that the client is who it says. The
    /// server's log tells so; to whom a stack admits it makes no difference.
    pub fn vouch_for_login(&mut self) {
        self.account.vouch_for_login();
    }

    /// Admits the client, as far as this layer is concerned.
    ///
    /// # Errors
    ///
    /// None; the form is what [`super::Authenticator::authenticate`] returns.
    pub fn admit<C>(mut self, credentials: C) -> Result<Admitted<C>, Denied> {
        self.evidence.settle();
        self.account.admit();
        Ok(Admitted { credentials, attempt: self })
    }

    /// Denies the client. The reason is for the server's log; the client never sees it.
    ///
    /// # Errors
    ///
    /// Always.
    pub fn deny<C>(mut self, reason: impl Into<String>) -> Result<Admitted<C>, Denied> {
        // whoever goes on with the attempt starts from nothing; `or` knows what went before
        self.evidence = Evidence::default();
        self.account.deny();
        Err(Denied { reason: reason.into(), attempt: self })
    }

    /// The key was not only looked at: it is one that this server admits.
    pub(super) const fn accept_key(&mut self) {
        self.evidence.key_accepted = true;
    }

    /// Counts as proved although nothing was: anonymity, by name.
    pub(super) const fn vouch(&mut self) {
        self.evidence.proved = true;
    }
}

/// A layer's yes, with what it knows of the client.
#[derive(Debug)]
pub struct Admitted<C> {
    pub(super) credentials: C,
    pub(super) attempt: Attempt,
}

impl<C> Admitted<C> {
    /// What is known of the client, and the attempt, for layers that go on with it.
    #[must_use]
    pub fn into_parts(self) -> (C, Attempt) {
        (self.credentials, self.attempt)
    }

    /// Whether anything was proved on the path that admitted.
    #[cfg_attr(
        not(any(feature = "tokio", feature = "blocking")),
        expect(dead_code, reason = "streams ask")
    )]
    pub(crate) const fn is_proved(&self) -> bool {
        self.attempt.evidence.proved
    }

    /// How that came about.
    #[cfg_attr(
        not(any(feature = "tokio", feature = "blocking")),
        expect(dead_code, reason = "streams log it")
    )]
    pub(crate) fn account(&self) -> &Account {
        &self.attempt.account
    }
}

/// A layer's no, with the reason for the log.
#[derive(Debug)]
pub struct Denied {
    pub(super) reason: String,
    pub(super) attempt: Attempt,
}

impl Denied {
    /// Why, for the server's log.
    #[must_use]
    pub fn reason(&self) -> &str {
        &self.reason
    }

    /// The attempt, for layers that give it to another. What had been proved on the way here
    /// counts no more.
    #[must_use]
    pub fn into_attempt(mut self) -> Attempt {
        *self.attempt.account = Account::default();
        self.attempt
    }

    /// How that came about.
    #[cfg_attr(
        not(any(feature = "tokio", feature = "blocking")),
        expect(dead_code, reason = "streams log it")
    )]
    pub(crate) fn account(&self) -> &Account {
        &self.attempt.account
    }
}

/// A password that a client sent: prepared as an OpaqueString (RFC 8265), wiped on drop, never
/// shown.
pub struct Password(Zeroizing<String>);

impl Password {
    /// Compares with a known password, in time that depends on the lengths alone.
    #[must_use]
    pub fn matches(&self, known: &str) -> bool {
        self.0.as_bytes().ct_eq(known.as_bytes()).into()
    }

    /// The password itself, for checks against stored hashes.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password")
    }
}
