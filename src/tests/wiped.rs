//! What is left of secrets in memory once they were used: nothing. Linux shows a process its own.

#[cfg(feature = "blocking")]
use std::sync::Arc;

use zeroize::Zeroizing;

#[cfg(feature = "blocking")]
use super::pair::HOST;
use super::pair::{CLIENT, Setup, identity};
use super::script::Auth;
use crate::crypto::secret::Secret;
use crate::error::{Error, Malformed};
use crate::schedule::Agreed;

pub(crate) mod memory;

use memory::{Masked, alone, at};

fn unmasked(secret: &Masked) -> Zeroizing<String> {
    // with room from the start, so that it does not move while it grows
    let mut text = Zeroizing::new(String::with_capacity(64));
    text.extend(secret.unmask().map(char::from));
    text
}

/// Else no test below could fail.
#[test]
fn a_secret_that_nobody_wipes_is_found() {
    let _alone = alone();
    let secret = Masked::letters(24);
    assert_eq!(secret.copies(), 0, "none to begin with");
    let kept = unmasked(&secret);
    assert_eq!(secret.copies(), 1);
    let copied = String::clone(&kept);
    assert_eq!(at(copied.as_ptr().addr(), copied.len()).unwrap(), copied.as_bytes());
    assert_eq!(secret.copies(), 2);
    drop((kept, Zeroizing::new(copied)));
    assert_eq!(secret.copies(), 0);
}

/// Runs something on a part of the stack that is left alone while it is looked at; gives what the
/// stack holds there afterwards.
fn stack_below(what: impl FnOnce()) -> Vec<u8> {
    const DEPTH: usize = 64 << 10;
    #[inline(never)]
    fn deeper(what: impl FnOnce()) -> usize {
        let below = std::hint::black_box([0_u8; 32 << 10]);
        what();
        std::hint::black_box(&below).as_ptr().addr()
    }
    let end = deeper(what);
    at(end - DEPTH, DEPTH).unwrap()
}

/// [SCHED-2] `ikm`, which holds both shared secrets, is wiped once it was extracted from.
#[test]
fn the_joined_secrets_of_both_exchanges_are_wiped() {
    let ikm = [[0xc3; 32], [0x7e; 32]].concat();
    let holds = |stack: &[u8]| stack.windows(64).any(|window| window == ikm);
    let agreed = Agreed { mlkem: Some(Secret::new([0xc3; 32])), x25519: Secret::new([0x7e; 32]) };
    let stack = stack_below(|| {
        let joined: [u8; 64] = ikm.as_slice().try_into().unwrap();
        std::hint::black_box(&joined);
    });
    assert!(holds(&stack), "what is not wiped is found");
    // this alone, and not the derivations around it, whose later steps run over the same stack
    let mut secret = None;
    let stack = stack_below(|| secret = Some(agreed.extract(&[0; 32])));
    assert!(!holds(&stack), "what the secrets were joined in is left");
    assert!(secret.is_some(), "it was derived");
}

/// The server's copies of a password: the record that it came in, and the answer.
#[test]
fn a_received_password_is_wiped_with_its_record() {
    let auth = Auth::of_client(identity(CLIENT));
    let holds = |record: &[u8], part: &[u8]| record.windows(part.len()).any(|at| at == part);
    let (server, mut peer) = Setup::classical().server_authenticates(&auth);
    let (waiting, out) = server.ask_password("P").unwrap();
    assert_eq!(peer.hear(&out).0, 1);
    let mut record = peer.say(1, b"\x04\x01\x00\x0bopen sesame");
    let (_, password) = waiting.read(&mut record).unwrap();
    assert_eq!(*password, "open sesame");
    assert!(!holds(&record, b"sesa"), "the record holds it no more: {record:?}");
    // where the message is malformed as well
    let (server, mut peer) = Setup::classical().server_authenticates(&auth);
    let (waiting, out) = server.ask_password("P").unwrap();
    assert_eq!(peer.hear(&out).0, 1);
    let mut record = peer.say(1, b"\x04\x01\x00\x0bopen sesame, and more");
    let error = waiting.read(&mut record).unwrap_err().error;
    let cause = Malformed::Leftover("the password");
    assert_eq!(error, Error::Malformed { message: "AuthResponse", cause });
    assert!(!holds(&record, b"open"), "{record:?}");
}

/// A password is asked for, sent, compared and dropped at both ends, and no copy is left anywhere
/// in this process.
#[cfg(feature = "blocking")]
#[test]
fn no_copy_of_a_password_outlives_its_handshake() {
    use crate::auth::{Password, PeerAddr, password};
    use crate::blocking::{Client, Server};
    use crate::trust::{Host, PinnedKeys};

    super::limit::bounded();
    let _alone = alone();
    let secret = Arc::new(Masked::letters(24));
    let host = identity(HOST);
    let pins = PinnedKeys::new([host.public_key().clone()]);
    let known = Arc::clone(&secret);
    let check = move |_: String, given: Password| {
        let right = given.matches(&unmasked(&known));
        async move { right.then_some(()) }
    };
    let server = Server::new(host).authenticator(password(check));
    let (near, far) = super::blocking::tcp();
    let serving = std::thread::spawn(move || server.accept_over(far, PeerAddr::Unknown));
    let knows = Arc::clone(&secret);
    let client =
        Client::new().host_verifier(pins).login("alice").password(move |_| Some(unmasked(&knows)));
    let stream = client.connect_over(near, &Host::new("localhost", 7000).unwrap()).unwrap();
    let served = serving.join().unwrap().unwrap();
    assert_eq!(secret.copies(), 0, "with both streams alive");
    drop((stream, served));
    assert_eq!(secret.copies(), 0);
}
