//! Listeners that are shut down, whoever holds what.

use std::future::poll_fn;
use std::io::ErrorKind;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use handfast::{Error, ErrorCode};
use tokio::io::AsyncReadExt;
use tokio::time::Instant;

use crate::sockets::{Ends, soon};

/// Polls a future once and leaves it.
async fn once<F: Future>(future: std::pin::Pin<&mut F>) -> Poll<F::Output> {
    let mut future = Some(future);
    poll_fn(|cx| Poll::Ready(future.take().unwrap().poll(cx))).await
}

/// [ERR-1]
#[tokio::test]
async fn a_shutdown_takes_no_longer_than_its_grace_beside_an_accept_that_is_not_polled() {
    const GRACE: Duration = Duration::from_millis(300);
    let ends = Ends::new();
    let listener = ends.server.listen("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let mut client = soon(ends.client.connect(&address)).await.unwrap();
    let (_held, _) = soon(listener.accept()).await.unwrap();
    let mut accept = pin!(listener.accept());
    assert!(once(accept.as_mut()).await.is_pending());
    let start = Instant::now();
    assert_eq!(soon(listener.shutdown(GRACE)).await, 1);
    assert!(start.elapsed() >= GRACE);
    assert!(start.elapsed() < GRACE + Duration::from_secs(10), "{:?}", start.elapsed());
    let error = soon(client.read(&mut [0])).await.unwrap_err();
    let inner: &Error = error.get_ref().unwrap().downcast_ref().unwrap();
    assert!(matches!(inner, Error::Ended(f) if f.code == ErrorCode::ShuttingDown), "{error}");
    let error = soon(accept).await.map(drop).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotConnected);
}

#[tokio::test]
async fn an_accept_that_is_not_polled_keeps_no_client_from_another() {
    let ends = Ends::new();
    let listener = ends.server.listen("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let mut left = pin!(listener.accept());
    assert!(once(left.as_mut()).await.is_pending());
    let mut polled = pin!(listener.accept());
    assert!(once(polled.as_mut()).await.is_pending());
    let _client = soon(ends.client.connect(&address)).await.unwrap();
    soon(polled).await.unwrap();
    // and one that is dropped takes none
    let _client = soon(ends.client.connect(&address)).await.unwrap();
    soon(left).await.unwrap();
}

/// [ERR-1]
#[tokio::test]
async fn clients_that_were_admitted_and_not_accepted_are_told_at_once_however_many() {
    let ends = Ends::new();
    let listener = ends.server.listen("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let mut clients = Vec::new();
    for _ in 0..50 {
        clients.push(soon(ends.client.connect(&address)).await.unwrap());
    }
    let start = Instant::now();
    let stopping = tokio::spawn(async move { listener.shutdown(Duration::from_secs(50)).await });
    for mut client in clients {
        let error = soon(client.read(&mut [0])).await.unwrap_err();
        let inner: &Error = error.get_ref().unwrap().downcast_ref().unwrap();
        assert!(matches!(inner, Error::Ended(f) if f.code == ErrorCode::ShuttingDown), "{error}");
    }
    assert_eq!(soon(stopping).await.unwrap(), 0);
    assert!(start.elapsed() < Duration::from_secs(40), "{:?}", start.elapsed());
}
