//! This crate's two ends over a pipe that holds less than what they write.

use handfast::Stream;
use handfast::trust::Host;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};

use crate::wire::support::rig::{client, serve_over, server, soon};

type Piped = Stream<DuplexStream>;

/// [CLOSE-1] [CLOSE-4]
#[tokio::test]
async fn two_sides_that_close_with_much_unread_both_learn_that_all_arrived() {
    // written and not flushed; what each has written fits one batch, and not the pipe
    let (io, task) = serve_pair().await;
    let (mut one, mut other) = (io, task);
    one.write_all(&[1; 20_000]).await.unwrap();
    other.write_all(&[2; 20_000]).await.unwrap();
    let (a, b) = soon(async { tokio::join!(one.close(), other.close()) }).await;
    a.unwrap();
    b.unwrap();
}

async fn serve_pair() -> (Piped, Piped) {
    let (io, task) = serve_over(&server().0, 1024);
    let host = Host::new("localhost", 7000).unwrap();
    let stream = client().0.connect_over(io, &host).await.unwrap();
    (stream, task.await.unwrap().unwrap().0)
}

/// [CLOSE-4]
#[tokio::test]
async fn what_was_written_without_a_flush_arrives_while_the_writer_only_reads() {
    let (mut one, mut other) = serve_pair().await;
    let request = vec![7; 20_000];
    one.write_all(&request).await.unwrap();
    let answering = async {
        let mut got = vec![0; 20_000];
        other.read_exact(&mut got).await.unwrap();
        other.write_all(b"answer").await.unwrap();
        other.flush().await.unwrap();
        got
    };
    let asking = async {
        let mut answer = [0; 6];
        one.read_exact(&mut answer).await.unwrap();
        answer
    };
    let (got, answer) = soon(async { tokio::join!(answering, asking) }).await;
    assert!(got == request);
    assert_eq!(&answer, b"answer");
}
