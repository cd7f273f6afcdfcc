//! Hellos: what is refused how, in which order, and which identity answers.

mod choice;
mod client;
mod server;

use std::sync::Arc;

use super::pair::Setup;
use crate::error::{Error, Refusal};
use crate::handshake::server::{AwaitClientAuth, Refused};
use crate::handshake::{self, ServerConfig};

/// Points of small order, and encodings of them that are not canonical: they agree on zero.
const WEAK_SHARES: [[u8; 32]; 7] = [
    filled(0, 0, 0),
    filled(1, 0, 0),
    [
        0xe0, 0xeb, 0x7a, 0x7c, 0x3b, 0x41, 0xb8, 0xae, 0x16, 0x56, 0xe3, 0xfa, 0xf1, 0x9f, 0xc4,
        0x6a, 0xda, 0x09, 0x8d, 0xeb, 0x9c, 0x32, 0xb1, 0xfd, 0x86, 0x62, 0x05, 0x16, 0x5f, 0x49,
        0xb8, 0x00,
    ],
    filled(0xec, 0xff, 0x7f),
    filled(0xed, 0xff, 0x7f),
    filled(0xee, 0xff, 0x7f),
    filled(0, 0, 0x80),
];

const fn filled(first: u8, middle: u8, last: u8) -> [u8; 32] {
    let mut out = [middle; 32];
    out[0] = first;
    out[31] = last;
    out
}

/// A server's answer to the bytes of a stream: a state, or an error and what is sent.
fn meet(setup: &Setup, bytes: &[u8]) -> Result<AwaitClientAuth, (Error, Vec<u8>)> {
    let config: Arc<ServerConfig> = Arc::new(setup.server.clone());
    let told = |refused: Refused| {
        let frame = refused.frame();
        (refused.error, frame)
    };
    let len = handshake::hello_len(bytes)
        .map_err(|error| told(Refused::unframed(&config, error)))?
        .expect("a whole header");
    let read = handshake::server::hello(&config, &bytes[..len]).map_err(told)?;
    Ok(read.accept(setup.server_fresh()).map_err(told)?.0)
}

/// The frame that a client gets.
fn refusal(code: u8) -> Vec<u8> {
    vec![0x89, b'H', b'F', 1, 3, 0, 1, code]
}

/// [HELLO-13] [HELLO-15]
#[test]
fn refusals_have_the_codes_of_the_protocol() {
    let codes = [
        Refusal::Version,
        Refusal::Aead,
        Refusal::PostQuantum,
        Refusal::Malformed,
        Refusal::Busy,
        Refusal::NotAllowed,
    ];
    for (number, code) in (1..).zip(codes) {
        assert_eq!(handshake::server::refusal(code), refusal(number));
        let read = {
            let (_, hello) = Setup::classical().start();
            handshake::server::hello(&Arc::new(Setup::classical().server), &hello).unwrap()
        };
        assert_eq!(read.refuse(code), refusal(number), "once the hello is read");
    }
}
