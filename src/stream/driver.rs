//! The task that looks after a connection while the application does something else.
//!
//! It answers Pings and rekeys, finds out that the peer is gone, renews keys by the hour, and sends
//! what a writer left behind. It is woken by the transport only where neither half waits for it,
//! and looks in by itself from time to time: on a connection in use it does next to nothing.

use std::ops::ControlFlow;
use std::pin::Pin;
use std::sync::{Arc, Weak};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::task::AbortHandle;
use tokio::time::{Instant, Sleep, sleep};

use super::Transport;
use super::connection::Connection;
use crate::liveness::{Liveness, Watch};

/// A Ping waits no longer than this for its Pong, should neither half ever be polled.
const VISIT: Duration = Duration::from_secs(5);

/// Starts looking after a connection, until it is over or gone.
pub(super) fn start<IO: Transport>(
    connection: &Arc<Connection<IO>>,
    liveness: Liveness,
) -> AbortHandle {
    let driver = Driver {
        connection: Arc::downgrade(connection),
        watch: Watch::new(liveness, Instant::now().into_std()),
        visit: Box::pin(sleep(VISIT)),
    };
    tokio::spawn(driver).abort_handle()
}

/// A type by itself, since an async block would hold its parts twice, for each idle connection.
struct Driver<IO: Transport> {
    connection: Weak<Connection<IO>>,
    watch: Watch,
    visit: Pin<Box<Sleep>>,
}

impl<IO: Transport> Future for Driver<IO> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = self.get_mut();
        loop {
            let Some(connection) = this.connection.upgrade() else { return Poll::Ready(()) };
            let next = match connection.look_after(&mut this.watch, cx) {
                ControlFlow::Break(()) => return Poll::Ready(()),
                ControlFlow::Continue(next) => next,
            };
            let soon = Instant::now() + VISIT;
            this.visit.as_mut().reset(next.map_or(soon, |next| soon.min(next.into())));
            ready!(this.visit.as_mut().poll(cx));
        }
    }
}
