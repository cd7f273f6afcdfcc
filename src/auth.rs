//! Authenticators: functions that decide whom a server admits, and that stack like middleware.
//!
//! An [`Authenticator`] takes an [`Attempt`] and gives it back: admitted, with credentials of its
//! own type, or denied, with a reason for the log. Plain async closures are authenticators:
//!
//! ```
//! # use handfast::auth::{Attempt, Authenticator, ip_allowlist, public_key, password};
//! # use handfast::trust::AuthorizedKeys;
//! # fn open_now() -> bool { true }
//! # fn stack(keys: AuthorizedKeys) -> Result<impl Authenticator, Box<dyn std::error::Error>> {
//! let office_hours = |attempt: Attempt| async move {
//!     if open_now() { attempt.admit(()) } else { attempt.deny("outside office hours") }
//! };
//! let users = |login: String, password: handfast::auth::Password| async move {
//!     (login == "alice" && password.matches("correct horse")).then_some(login)
//! };
//! let stack = ip_allowlist(["10.0.0.0/8", "::1"])?
//!     .and(public_key(keys).or(password(users)))
//!     .and(office_hours);
//! # Ok(stack)
//! # }
//! ```
//!
//! # Order
//!
//! Each layer *pulls* what it needs from the client, so the order of the stack is the order on the
//! wire: [`ip_allowlist`] needs nothing and refuses before any cryptography is done;
//! [`Attempt::public_key`] runs the handshake until the client has proved its key;
//! [`Attempt::password`] asks for another factor.
//!
//! - [`a.and(b)`](Authenticator::and) asks `b` only if `a` admits, and gives both credentials.
//! - [`a.or(b)`](Authenticator::or) asks `b` only if `a` denies, and gives the first that admits.
//!   What `a` had found out before it denied admits nobody later.
//!
//! # Time
//!
//! An authenticator is polled also while the client is awaited, so it may race
//! [`Attempt::password`] against a timer of its own. A question that it gives up counts as asked:
//! the client answers it before it hears anything else, unless it is refused at once. A client that
//! goes away while an authenticator waits for something else ends the attempt.
//!
//! # What a stack must prove
//!
//! A stack that admits a client of whom nothing was proved (no key was pulled, no password was
//! asked for on the path that admitted) refuses it all the same, unless [`anonymous`] stands on
//! that path. So an address list alone admits nobody by mistake.
//!
//! To the client all refusals look alike; the server's log tells them apart.

mod account;
mod attempt;
mod boxed;
mod combine;
mod conversation;
mod layers;
#[cfg_attr(
    not(any(unix, feature = "tokio", feature = "blocking")),
    expect(dead_code, reason = "streams and readers of files count by it")
)]
pub(crate) mod network;
mod public_key;
#[cfg(unix)]
mod readers;

#[cfg(any(feature = "tokio", feature = "blocking"))]
pub(crate) use account::Account;
pub use attempt::{Admitted, Attempt, Denied, Password, PeerAddr};
pub use boxed::BoxAuthenticator;
pub use combine::{And, Either, Map, Or};
pub use layers::{
    Anonymous, InvalidNetwork, IpAllowlist, Nobody, PasswordCheck, anonymous, ip_allowlist, nobody,
    password,
};
pub use public_key::{AuthorizedLogin, PublicKeyCheck, public_key};
#[cfg(unix)]
pub use public_key::{LoginFiles, PublicKeyByLogin, public_key_by_login};

#[cfg(any(feature = "tokio", feature = "blocking"))]
pub(crate) use conversation::{Asked, Desk, Question};

/// Decides whether a client is admitted.
///
/// Implemented by the functions of this module, by what [`and`](Self::and), [`or`](Self::or) and
/// [`map`](Self::map) make of them, and by every
/// `Fn(Attempt) -> impl Future<Output = Result<Admitted<C>, Denied>>`.
pub trait Authenticator: Send + Sync {
    /// What is known of a client that was admitted.
    type Credentials: Send;

    /// Decides. The future may be dropped at any await: when the client goes away, breaks the
    /// protocol, or a deadline passes.
    fn authenticate(
        &self,
        attempt: Attempt,
    ) -> impl Future<Output = Result<Admitted<Self::Credentials>, Denied>> + Send;

    /// Admits whom both admit, and gives both credentials. `other` is not asked if this one denies.
    fn and<B: Authenticator>(self, other: B) -> And<Self, B>
    where
        Self: Sized,
    {
        And { first: self, second: other }
    }

    /// Admits whom either admits. `other` is asked only if this one denies.
    fn or<B: Authenticator>(self, other: B) -> Or<Self, B>
    where
        Self: Sized,
    {
        Or { first: self, second: other }
    }

    /// Makes other credentials of what this one gives.
    fn map<C: Send, F>(self, f: F) -> Map<Self, F>
    where
        Self: Sized,
        F: Fn(Self::Credentials) -> C + Send + Sync,
    {
        Map { inner: self, f }
    }

    /// A form whose type tells nothing but the credentials, for stacks built at run time.
    fn boxed(self) -> BoxAuthenticator<Self::Credentials>
    where
        Self: Sized + 'static,
    {
        BoxAuthenticator::new(self)
    }
}

impl<F, Fut, C> Authenticator for F
where
    F: Fn(Attempt) -> Fut + Send + Sync,
    Fut: Future<Output = Result<Admitted<C>, Denied>> + Send,
    C: Send,
{
    type Credentials = C;

    fn authenticate(
        &self,
        attempt: Attempt,
    ) -> impl Future<Output = Result<Admitted<C>, Denied>> + Send {
        self(attempt)
    }
}
