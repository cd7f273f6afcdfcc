//! The process that accepts: it sends back what it reads, and says how it is when it is asked.

#![expect(clippy::print_stdout, reason = "the other process reads it")]

use std::io::BufRead;
use std::net::SocketAddr;

use handfast::Server;
use handfast::auth::anonymous;
use handfast::key::Identity;
use tokio::io::AsyncWriteExt;

use crate::figures::{self, Figures};

/// Set in the environment of that process.
pub(crate) const IS_SERVER: &str = "HANDFAST_CROWD_SERVER";

/// What an answer begins with.
pub(crate) fn mark(to: &str) -> String {
    format!("<{to}> ")
}

pub(crate) fn run() {
    let runtime = figures::runtime();
    let host = Identity::generate().unwrap();
    let host_key = host.public_key().to_string();
    let server = Server::new(host).authenticator(anonymous());
    let listener = runtime.block_on(server.listen("127.0.0.1:0")).unwrap();
    let address: SocketAddr = listener.local_addr().unwrap();
    let listener = std::sync::Arc::new(listener);
    let accepting = std::sync::Arc::clone(&listener);
    runtime.spawn(async move {
        while let Ok((stream, _)) = accepting.accept().await {
            tokio::spawn(async move {
                let (mut reader, mut writer) = stream.into_split();
                // no buffer for each, as `tokio::io::copy` has
                tokio::io::copy_buf(&mut reader, &mut writer).await.unwrap();
                writer.shutdown().await.unwrap();
            });
        }
    });
    println!("\n{}{address}", mark("address"));
    println!("{}{host_key}", mark("host key"));
    // until the other process closes the pipe, or ends
    for line in std::io::stdin().lock().lines() {
        line.unwrap();
        let mut figures = Figures::here(&runtime);
        figures.connections = listener.connections();
        println!("{}{figures}", mark("figures"));
    }
}
