//! Many clients at once, of whom some are silent and some are broken.

use std::time::Duration;

use handfast::Deadlines;
use handfast::server::Limits;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use crate::sockets::{Ends, pattern, soon};

/// [LIM-4] [ERR-5]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn good_clients_are_served_beside_silent_and_broken_ones() {
    let ends = Ends::new();
    let listener = ends.server.listen("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            tokio::spawn(async move {
                let mut request = Vec::new();
                if stream.read_to_end(&mut request).await.is_ok() {
                    let _ = stream.write_all(&request).await;
                    let _ = stream.close().await;
                }
            });
        }
    });
    let mut silent = Vec::new();
    for n in 0..150_usize {
        let mut stream = TcpStream::connect(address).await.unwrap();
        match n % 5 {
            0 => {}
            1 => stream.write_all(b"\x89HF\x01\x01\x07\x00").await.unwrap(),
            2 => stream.write_all(b"GET / HTTP/1.1\r\n\r\n").await.unwrap(),
            3 => stream.set_zero_linger().unwrap(),
            _ => stream.write_all(&pattern(300)).await.unwrap(),
        }
        if n % 5 != 3 {
            silent.push(stream);
        }
    }
    let mut clients = JoinSet::new();
    for n in 0..200_usize {
        let client = ends.client.clone();
        let address = address.to_string();
        clients.spawn(async move {
            let mut stream = client.connect(&address).await.unwrap();
            let request = pattern(1000 + n);
            stream.write_all(&request).await.unwrap();
            stream.shutdown().await.unwrap();
            let mut answer = Vec::new();
            stream.read_to_end(&mut answer).await.unwrap();
            assert!(answer == request);
        });
    }
    let all = async {
        while let Some(client) = clients.join_next().await {
            client.unwrap();
        }
    };
    soon(all).await;
    drop(silent);
}

const BUSY: [u8; 8] = [0x89, b'H', b'F', 1, 3, 0, 1, 5];

fn short() -> Deadlines {
    let mut deadlines = Deadlines::default();
    deadlines.hello = Duration::from_millis(500);
    deadlines
}

/// [LIM-4] [LIM-5] [STEALTH-4]
#[tokio::test]
async fn one_too_many_waits_for_a_place_and_is_told_that_the_server_is_busy() {
    for stealth in [false, true] {
        let mut limits = Limits::default();
        limits.unauthenticated = 2;
        let ends = Ends::new();
        let mut server = ends.server.clone().limits(limits);
        // who has a place keeps it for long
        let mut deadlines = short();
        deadlines.client_auth = Duration::from_secs(600);
        server = server.deadlines(deadlines);
        let slow = server.authenticator(|mut attempt: handfast::auth::Attempt| async move {
            attempt.public_key().await;
            std::future::pending::<()>().await;
            attempt.admit(())
        });
        let slow = if stealth { slow.stealth() } else { slow };
        let listener = slow.listen("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let mut holders = JoinSet::new();
        for _ in 0..2 {
            let (client, address) = (ends.client.clone(), address.clone());
            holders.spawn(async move { client.connect(&address).await.map(drop) });
        }
        tokio::time::sleep(Duration::from_millis(300)).await;
        let mut third = TcpStream::connect(&address).await.unwrap();
        let mut answer = Vec::new();
        soon(third.read_to_end(&mut answer)).await.unwrap();
        assert_eq!(answer, if stealth { Vec::new() } else { BUSY.to_vec() });
        // a place that comes free in time goes to who waits for it
        holders.abort_all();
        while holders.join_next().await.is_some() {}
        drop(listener);
    }
}

/// [LIM-4] [LIM-5]
#[tokio::test]
async fn who_waits_for_a_place_gets_the_next_one() {
    let mut limits = Limits::default();
    limits.unauthenticated = 1;
    let ends = Ends::new();
    let listener = ends.server.clone().limits(limits).listen("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let holder = TcpStream::connect(address).await.unwrap();
    tokio::time::sleep(Duration::from_millis(100)).await;
    let (client, text) = (ends.client.clone(), address.to_string());
    let connecting = tokio::spawn(async move { client.connect(&text).await });
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert!(!connecting.is_finished());
    drop(holder);
    soon(connecting).await.unwrap().unwrap();
    soon(listener.accept()).await.unwrap();
}

/// [LIM-4]
#[tokio::test]
async fn loopback_is_held_to_the_whole_number_alone_unless_it_is_counted() {
    for count in [false, true] {
        let mut limits = Limits::default();
        limits.from_one_network = 1;
        limits.count_loopback = count;
        let ends = Ends::new();
        let server = ends.server.clone().limits(limits).deadlines(short());
        let listener = server.listen("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let mut held = Vec::new();
        for _ in 0..3 {
            held.push(TcpStream::connect(address).await.unwrap());
        }
        let mut busy = 0;
        for mut stream in held {
            let mut answer = Vec::new();
            soon(stream.read_to_end(&mut answer)).await.unwrap();
            busy += usize::from(answer == BUSY);
        }
        assert_eq!(busy > 0, count);
    }
}
