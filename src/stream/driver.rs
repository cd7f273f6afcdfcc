//! The task that looks after a connection while the application does something else.
//!
//! It answers Pings and rekeys, finds out that the peer is gone, renews keys by the hour, and sends
//! what a writer left behind. It is woken by the transport only where neither half waits for it,
//! and looks in by itself from time to time: on a connection in use it does next to nothing.

use std::future::poll_fn;
use std::ops::ControlFlow;
use std::pin::pin;
use std::sync::{Arc, Weak};
use std::task::Poll;
use std::time::Duration;

use tokio::task::AbortHandle;
use tokio::time::{Instant, sleep};

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
    let connection = Arc::downgrade(connection);
    let now = Instant::now().into_std();
    tokio::spawn(drive(connection, Watch::new(liveness, now))).abort_handle()
}

async fn drive<IO: Transport>(connection: Weak<Connection<IO>>, mut watch: Watch) {
    let mut visit = pin!(sleep(VISIT));
    poll_fn(|cx| {
        loop {
            let Some(connection) = connection.upgrade() else { return Poll::Ready(()) };
            let next = match connection.look_after(&mut watch, cx) {
                ControlFlow::Break(()) => return Poll::Ready(()),
                ControlFlow::Continue(next) => next,
            };
            let soon = Instant::now() + VISIT;
            visit.as_mut().reset(next.map_or(soon, |next| next.min(soon)));
            if visit.as_mut().poll(cx).is_pending() {
                return Poll::Pending;
            }
        }
    })
    .await;
}
