//! Authenticators whose type is not known before run time.

use core::fmt;
use core::pin::Pin;
use std::sync::Arc;

use super::{Admitted, Attempt, Authenticator, Denied};

type Decision<'a, C> = Pin<Box<dyn Future<Output = Result<Admitted<C>, Denied>> + Send + 'a>>;

/// The trait's form without a named future.
trait Erased<C>: Send + Sync {
    fn authenticate(&self, attempt: Attempt) -> Decision<'_, C>;
}

impl<A: Authenticator> Erased<A::Credentials> for A {
    fn authenticate(&self, attempt: Attempt) -> Decision<'_, A::Credentials> {
        Box::pin(Authenticator::authenticate(self, attempt))
    }
}

/// Any authenticator with these credentials; see [`Authenticator::boxed`]. Cheap to clone.
pub struct BoxAuthenticator<C>(Arc<dyn Erased<C>>);

impl<C> BoxAuthenticator<C> {
    pub(super) fn new<A: Authenticator<Credentials = C> + 'static>(inner: A) -> Self {
        Self(Arc::new(inner))
    }
}

impl<C> Clone for BoxAuthenticator<C> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<C: Send> Authenticator for BoxAuthenticator<C> {
    type Credentials = C;

    fn authenticate(
        &self,
        attempt: Attempt,
    ) -> impl Future<Output = Result<Admitted<C>, Denied>> + Send {
        self.0.authenticate(attempt)
    }
}

impl<C> fmt::Debug for BoxAuthenticator<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BoxAuthenticator")
    }
}
