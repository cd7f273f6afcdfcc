//! What goes out when a server speaks first.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, DuplexStream, ReadBuf};

use crate::auth::{PeerAddr, anonymous};
use crate::key::Identity;
use crate::stream::Any;
use crate::trust::{Host, PinnedKeys};
use crate::{Client, Server};

/// A pipe that counts how often it is written to.
struct Counted(DuplexStream, Arc<AtomicUsize>);

impl AsyncRead for Counted {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, buf)
    }
}

impl AsyncWrite for Counted {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        data: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.1.fetch_add(1, Ordering::Relaxed);
        Pin::new(&mut self.0).poll_write(cx, data)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}

#[tokio::test]
async fn welcome_goes_with_the_servers_first_words_or_by_itself() {
    crate::tests::limit::bounded();
    for speaks in [true, false] {
        let host = Identity::generate().unwrap();
        let client = Client::new().host_verifier(PinnedKeys::new([host.public_key().clone()]));
        let server = Server::new(host).authenticator(anonymous());
        let (near, far) = tokio::io::duplex(1 << 16);
        let writes = Arc::new(AtomicUsize::new(0));
        let counted = Any(Counted(far, Arc::clone(&writes)));
        let target = Host::new("example.org", 0).unwrap();
        let accepted = async {
            let (mut stream, _) = server.accept_over(counted, PeerAddr::Unknown).await.unwrap();
            if speaks {
                stream.write_all(b"hello").await.unwrap();
            }
            stream
        };
        let (client, server) = tokio::join!(client.connect_over(near, &target), accepted);
        // a server that says nothing is spoken for by its driver, or nobody would be here
        let mut client = client.unwrap();
        if speaks {
            let mut got = [0; 5];
            client.read_exact(&mut got).await.unwrap();
            assert_eq!(&got, b"hello");
        }
        assert_eq!(writes.load(Ordering::Relaxed), 2, "hello and proof, then Welcome");
        drop(server);
    }
}
