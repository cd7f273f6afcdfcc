//! Authenticators made of others.

use super::{Admitted, Attempt, Authenticator, Denied};

/// Both must admit; see [`Authenticator::and`].
#[derive(Debug, Clone)]
pub struct And<A, B> {
    pub(super) first: A,
    pub(super) second: B,
}

impl<A: Authenticator, B: Authenticator> Authenticator for And<A, B> {
    type Credentials = (A::Credentials, B::Credentials);

    async fn authenticate(&self, attempt: Attempt) -> Result<Admitted<Self::Credentials>, Denied> {
        let first = self.first.authenticate(attempt).await?;
        let second = self.second.authenticate(first.attempt).await?;
        Ok(Admitted {
            credentials: (first.credentials, second.credentials),
            attempt: second.attempt,
        })
    }
}

/// One must admit; see [`Authenticator::or`].
#[derive(Debug, Clone)]
pub struct Or<A, B> {
    pub(super) first: A,
    pub(super) second: B,
}

impl<A: Authenticator, B: Authenticator> Authenticator for Or<A, B> {
    type Credentials = Either<A::Credentials, B::Credentials>;

    async fn authenticate(&self, attempt: Attempt) -> Result<Admitted<Self::Credentials>, Denied> {
        let (before, account) = (attempt.evidence, attempt.account.clone());
        let (reason, mut attempt) = match self.first.authenticate(attempt).await {
            Ok(Admitted { credentials, attempt }) => {
                return Ok(Admitted { credentials: Either::First(credentials), attempt });
            }
            Err(Denied { reason, attempt }) => (reason, attempt),
        };
        // what the branch that denied had seen proves nothing for the other one
        attempt.evidence = before;
        let first = std::mem::replace(&mut attempt.account, account);
        match self.second.authenticate(attempt).await {
            Ok(Admitted { credentials, attempt }) => {
                Ok(Admitted { credentials: Either::Second(credentials), attempt })
            }
            Err(Denied { reason: other, mut attempt }) => {
                attempt.account.and_denied(*first);
                Err(Denied { reason: format!("{reason}; {other}"), attempt })
            }
        }
    }
}

/// The credentials of whichever branch of [`Authenticator::or`] admitted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Either<A, B> {
    /// The first one's.
    First(A),
    /// The second one's.
    Second(B),
}

impl<T> Either<T, T> {
    /// The credentials, where both branches give the same type.
    pub fn into_inner(self) -> T {
        match self {
            Self::First(inner) | Self::Second(inner) => inner,
        }
    }
}

/// Other credentials; see [`Authenticator::map`].
#[derive(Debug, Clone)]
pub struct Map<A, F> {
    pub(super) inner: A,
    pub(super) f: F,
}

impl<A, F, C> Authenticator for Map<A, F>
where
    A: Authenticator,
    F: Fn(A::Credentials) -> C + Send + Sync,
    C: Send,
{
    type Credentials = C;

    async fn authenticate(&self, attempt: Attempt) -> Result<Admitted<C>, Denied> {
        let Admitted { credentials, attempt } = self.inner.authenticate(attempt).await?;
        Ok(Admitted { credentials: (self.f)(credentials), attempt })
    }
}
