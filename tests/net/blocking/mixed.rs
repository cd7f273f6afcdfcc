//! A thread at one end, a task at the other.

use std::io::{Read, Write};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::runtime::Runtime;

use crate::blocking::{Ends, soon};

fn pattern(len: usize) -> Vec<u8> {
    (0..=255_u8).cycle().take(len).collect()
}

#[test]
fn a_blocking_client_talks_to_a_server_on_tokio() {
    let ends = Ends::new();
    let runtime = Runtime::new().unwrap();
    let server =
        handfast::Server::new(ends.host.clone()).authenticator(handfast::auth::anonymous());
    let listener = runtime.block_on(server.listen("127.0.0.1:0")).unwrap();
    let address = listener.local_addr().unwrap().to_string();
    runtime.spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut all = Vec::new();
        stream.read_to_end(&mut all).await.unwrap();
        stream.write_all(&all).await.unwrap();
        stream.close().await.unwrap();
    });
    let back = soon(move || {
        let mut stream = ends.client.connect(&address).unwrap();
        stream.write_all(&pattern(1 << 20)).unwrap();
        stream.shutdown().unwrap();
        let mut back = Vec::new();
        stream.read_to_end(&mut back).unwrap();
        back
    });
    assert!(back == pattern(1 << 20));
}

#[test]
fn a_client_on_tokio_talks_to_a_blocking_server() {
    let ends = Ends::new();
    let listener = ends.server.listen("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let serve = std::thread::spawn(move || {
        let (stream, _) = listener.accept().unwrap();
        let (mut reader, mut writer) = stream.into_split();
        std::io::copy(&mut reader, &mut writer).unwrap();
        writer.shutdown().unwrap();
    });
    let client = handfast::Client::new()
        .host_verifier(handfast::trust::PinnedKeys::new([ends.host.public_key().clone()]));
    let runtime = Runtime::new().unwrap();
    let back = runtime.block_on(async move {
        let (mut reader, mut writer) = client.connect(&address).await.unwrap().into_split();
        let write = tokio::spawn(async move {
            writer.write_all(&pattern(1 << 20)).await.unwrap();
            writer.shutdown().await.unwrap();
            writer
        });
        let mut back = Vec::new();
        reader.read_to_end(&mut back).await.unwrap();
        write.await.unwrap();
        back
    });
    assert!(back == pattern(1 << 20));
    soon(move || serve.join().unwrap());
}
