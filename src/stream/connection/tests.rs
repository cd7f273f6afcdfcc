//! Ends that come in the middle of a look.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::task::{Wake, Waker};

use tokio::io::{AsyncRead, AsyncWrite, DuplexStream, ReadBuf};

use super::*;
use crate::auth::{PeerAddr, anonymous};
use crate::key::Identity;
use crate::stream::{Any, Stream};
use crate::trust::{Host, PinnedKeys};
use crate::{Client, Server};

/// What a pipe does when it is flushed, besides.
type Flushed = Arc<Mutex<Option<Box<dyn FnOnce() + Send>>>>;

struct Hooked(DuplexStream, Flushed);

impl AsyncRead for Hooked {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, buf)
    }
}

impl AsyncWrite for Hooked {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        data: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, data)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if let Some(hook) = lock(&self.1).take() {
            hook();
        }
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}

#[derive(Default)]
struct Woken(AtomicUsize);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

async fn pair(flushed: &Flushed) -> (Stream<Any<Hooked>>, Stream<DuplexStream>) {
    let host = Identity::generate().unwrap();
    let client = Client::new().host_verifier(PinnedKeys::new([host.public_key().clone()]));
    let server = Server::new(host).authenticator(anonymous());
    let (near, far) = tokio::io::duplex(1 << 16);
    let near = Any(Hooked(near, Arc::clone(flushed)));
    let target = Host::new("example.org", 0).unwrap();
    let (client, server) = tokio::join!(
        client.connect_over(near, &target),
        server.accept_over(far, PeerAddr::Unknown)
    );
    (client.unwrap(), server.unwrap().0)
}

#[tokio::test]
async fn a_writer_learns_of_an_end_that_comes_while_it_asks_the_transport() {
    crate::tests::limit::bounded();
    let (client, _server) = pair(&Flushed::default()).await;
    let connection = &client.reader.connection;
    let woken = Arc::<Woken>::default();
    let waker = Waker::from(Arc::clone(&woken));
    let mut first = true;
    let polled = connection.poll_outbound(Party::Writer, &Context::from_waker(&waker), |_| {
        if std::mem::take(&mut first) {
            connection.fail(Error::Truncated);
        }
        Poll::Pending
    });
    assert!(polled.is_pending());
    assert_eq!(woken.0.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn a_reader_learns_of_an_end_that_comes_while_it_sends_what_was_left() {
    crate::tests::limit::bounded();
    let flushed = Flushed::default();
    let (mut client, _server) = pair(&flushed).await;
    let connection = Arc::clone(&client.reader.connection);
    connection.writable.leave(true);
    let failing = Arc::clone(&connection);
    *lock(&flushed) = Some(Box::new(move || failing.fail(Error::Truncated)));
    let mut byte = [0];
    let mut cx = Context::from_waker(Waker::noop());
    let polled = Pin::new(&mut client).poll_read(&mut cx, &mut ReadBuf::new(&mut byte));
    let Poll::Ready(Err(error)) = polled else { panic!("{polled:?}") };
    assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
}
