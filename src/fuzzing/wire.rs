//! Every message by itself: what can be read is written again, byte for byte.

use super::Reached;
use super::input::Script;
use crate::error::{Farewell, Malformed};
use crate::wire::auth::{self, AuthRequest, ClientAuth, FromServer, Proof, ServerAuth, Welcome};
use crate::wire::frame::{self, HELLO_HEADER, HelloType};
use crate::wire::hello::{self, ClientHello, ServerHello};
use crate::wire::reader::{Extensions, Reader};
use crate::wire::rekey::Share;
use crate::wire::{KEM_CIPHERTEXT_LEN, KEM_KEY_LEN, MAX_EXTENSIONS, text, writer};

/// Reads a message; the first byte says which.
pub fn wire(data: &[u8]) -> Reached {
    let mut script = Script::new(data);
    let kind = script.u8() % 13;
    let bytes = script.rest();
    let mut out = Vec::new();
    let read = match kind {
        0 => client_hello(bytes, &mut out),
        1 => server_hello(bytes, &mut out),
        2 => hello::decode_refusal(bytes).ok().map(|refusal| {
            out.extend_from_slice(hello::refusal(refusal).get(HELLO_HEADER..).unwrap_or_default());
        }),
        3 => server_auth(bytes, &mut out),
        4 => client_auth(bytes, &mut out),
        5 => from_server(bytes, &mut out),
        6 => auth::decode_password(bytes).ok().map(|password| {
            assert!(!password.is_empty(), "a password is not empty");
            auth::encode_password(&mut out, password).expect("it fits");
        }),
        7 => Share::<KEM_KEY_LEN>::decode(bytes).ok().map(|share| {
            share.encode(&mut out).expect("it fits");
        }),
        8 => Share::<KEM_CIPHERTEXT_LEN>::decode(bytes).ok().map(|share| {
            share.encode(&mut out).expect("it fits");
        }),
        9 => Farewell::decode(bytes).ok().map(|farewell| {
            assert!(text::is_plain(&farewell.text), "its text is text");
            Farewell::encode(farewell.code, &farewell.text, &mut out).expect("it fits");
        }),
        10 => extensions(bytes, &mut out),
        11 => frame::hello(bytes).ok().flatten().map(|(_, len)| {
            assert!((HELLO_HEADER..=HELLO_HEADER + 4096).contains(&len), "it has bounds");
            out.extend_from_slice(bytes);
        }),
        _ => text::decode(bytes, "text").ok().map(|text| {
            assert!(!text.chars().any(char::is_control), "text has no control characters");
            out.extend_from_slice(text.as_bytes());
        }),
    };
    match read {
        Some(()) => {
            assert_eq!(out, bytes, "a value has one encoding");
            Reached::Proved
        }
        None => Reached::Nothing,
    }
}

/// The bodies of a hello that was written, and of one that was read: the same but for extensions
/// that nobody knows.
fn client_hello(body: &[u8], out: &mut Vec<u8>) -> Option<()> {
    let hello = ClientHello::decode(body).ok()?;
    let mut frame = Vec::new();
    hello.encode(&mut frame).expect("it fits");
    let (kind, len) = frame::hello(&frame).expect("it is a hello").expect("and whole");
    assert_eq!((kind, len), (HelloType::Client, frame.len()), "the header is right");
    let again = frame.get(HELLO_HEADER..).unwrap_or_default();
    if again.len() == body.len() {
        out.extend_from_slice(again);
        return Some(());
    }
    let again = ClientHello::decode(again).expect("it was written");
    assert_eq!(
        (again.random, again.x25519, again.aeads),
        (hello.random, hello.x25519, hello.aeads)
    );
    assert_eq!(
        (again.mlkem, again.hints, again.server_name),
        (hello.mlkem, hello.hints, hello.server_name)
    );
    out.extend_from_slice(body);
    Some(())
}

fn server_hello(body: &[u8], out: &mut Vec<u8>) -> Option<()> {
    let hello = ServerHello::decode(body, true).ok()?;
    let plain = ServerHello::decode(body, false);
    assert_eq!(plain.is_ok(), hello.mlkem.is_none(), "what was not offered is refused");
    let mut frame = Vec::new();
    hello.encode(&mut frame).expect("it fits");
    out.extend_from_slice(frame.get(HELLO_HEADER..).unwrap_or_default());
    Some(())
}

fn server_auth(message: &[u8], out: &mut Vec<u8>) -> Option<()> {
    let proof = ServerAuth::decode(message).ok()?.proof;
    assert!(!proof.key.is_empty() && !proof.signature.is_empty(), "a server proves a key");
    ServerAuth::encode_signed(out, proof.key).expect("it fits");
    ends(message, out, &proof);
    Some(())
}

fn client_auth(message: &[u8], out: &mut Vec<u8>) -> Option<()> {
    let auth = ClientAuth::decode(message).ok()?;
    let proof = auth.proof;
    assert_eq!(proof.key.is_empty(), proof.signature.is_empty(), "a key is proved, if any");
    let protocols: Vec<_> = auth.protocols.iter().map(<[u8]>::to_vec).collect();
    assert!(protocols.len() <= 16, "there is a bound");
    assert!(!auth.eager || protocols.len() <= 1, "an eager client names one protocol");
    assert!(text::is_plain(auth.login) && text::is_plain(auth.target.0), "text is text");
    ClientAuth::encode_signed(out, auth.eager, auth.login, &protocols, proof.key, auth.target)
        .expect("it fits");
    ends(message, out, &proof);
    Some(())
}

/// Signature and MAC stand where the proof says. Where the message has extensions that nobody
/// knows, nothing else is compared.
fn ends(message: &[u8], out: &mut Vec<u8>, proof: &Proof<'_>) {
    if out.len() != proof.signed_len {
        *out = message.get(..proof.signed_len).expect("it is in the message").to_vec();
    }
    writer::bytes16(out, proof.signature).expect("it fits");
    assert_eq!(out.len(), proof.maced_len, "the MAC is over all before it");
    out.extend_from_slice(proof.mac);
}

fn from_server(message: &[u8], out: &mut Vec<u8>) -> Option<()> {
    match FromServer::decode(message).ok()? {
        FromServer::Request(AuthRequest::Password(prompt)) => {
            assert!(text::is_plain(prompt) && prompt.len() <= auth::MAX_PROMPT, "a prompt is text");
            AuthRequest::encode_password(out, prompt).expect("it fits");
        }
        FromServer::Request(AuthRequest::Unknown) => {
            assert_ne!(message.get(1), Some(&auth::METHOD_PASSWORD), "this one is known");
            out.extend_from_slice(message);
        }
        FromServer::Welcome(welcome) => {
            let keys: Vec<_> =
                welcome.host_keys().map(|(key, proof)| (key.to_vec(), proof.to_vec())).collect();
            assert!(keys.len() <= 8, "there is a bound");
            Welcome::encode(out, welcome.protocol, &keys).expect("it fits");
            if out.len() != message.len() {
                // extensions that nobody knows
                *out = message.to_vec();
            }
        }
    }
    Some(())
}

fn extensions(bytes: &[u8], out: &mut Vec<u8>) -> Option<()> {
    let mut reader = Reader::new(bytes);
    let extensions = Extensions::read(&mut reader).ok()?;
    let left: Result<(), Malformed> = reader.finish("the list");
    left.ok()?;
    let all: Vec<_> = extensions.iter().collect();
    assert!(all.len() <= MAX_EXTENSIONS, "there is a bound");
    assert!(all.is_sorted_by(|(one, _), (next, _)| one < next), "types ascend");
    writer::container16(out, |out| {
        all.iter().try_for_each(|(kind, body)| writer::extension(out, *kind, body))
    })
    .expect("it fits");
    Some(())
}
