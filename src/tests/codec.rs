//! Messages and bytes: what is encoded is decoded, in one way only, and no bytes make it panic.

use proptest::collection::{btree_set, vec};
use proptest::prelude::*;

use super::script::{bytes8, bytes16, client_front, extension};
use crate::error::{ErrorCode, Farewell, Malformed};
use crate::wire::auth::{self, AuthRequest, ClientAuth, FromServer, ServerAuth, Welcome};
use crate::wire::hello::{self, ClientHello, ServerHello};
use crate::wire::rekey::{RekeyInit, RekeyReply};
use crate::wire::{frame, writer};

/// Text in the protocol's sense.
fn text(max: usize) -> impl Strategy<Value = String> {
    vec(any::<char>(), 0..64).prop_map(move |chars| {
        let mut out = String::new();
        for c in chars {
            if crate::wire::text::is_plain(c.encode_utf8(&mut [0; 4]))
                && out.len() + c.len_utf8() <= max
            {
                out.push(c);
            }
        }
        out
    })
}

fn blob() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![4 => vec(any::<u8>(), 1..200), 1 => Just(vec![7; 8192])]
}

fn array<const N: usize>() -> impl Strategy<Value = Box<[u8; N]>> {
    vec(any::<u8>(), N).prop_map(|bytes| bytes.into_boxed_slice().try_into().unwrap())
}

/// Extensions of types that nobody knows, in order.
fn unknown() -> impl Strategy<Value = Vec<u8>> {
    btree_set(100..u16::MAX, 0..12).prop_map(|kinds| {
        kinds
            .into_iter()
            .flat_map(|kind| extension(kind, &[1, 2, 3][..usize::from(kind) % 4]))
            .collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// [WIRE-5]
    #[test]
    fn a_client_hello_is_decoded_as_it_was_encoded(
        random in array::<32>(),
        x25519 in array::<32>(),
        aeads in btree_set(any::<u8>(), 1..=16),
        mlkem in proptest::option::of(array::<1184>()),
        hints in proptest::option::of(array::<128>()),
        server_name in proptest::option::of("[a-z0-9:_-]{1,253}"),
        grease in proptest::option::of((0..16_u16, vec(any::<u8>(), 0..=16))),
    ) {
        let aeads: Vec<u8> = aeads.into_iter().collect();
        let grease = grease.map(|(n, body)| (n * 0x1010 + 0x0a0a, body));
        let mut out = Vec::new();
        ClientHello {
            random: &random,
            x25519: &x25519,
            aeads: &aeads,
            mlkem: mlkem.as_deref(),
            hints: hints.as_deref(),
            server_name: server_name.as_deref(),
            grease: grease.as_ref().map(|(kind, body)| (*kind, &body[..])),
        }
        .encode(&mut out)
        .unwrap();
        let (kind, len) = frame::hello(&out).unwrap().unwrap();
        prop_assert_eq!((kind, len), (frame::HelloType::Client, out.len()));
        let back = ClientHello::decode(&out[7..]).unwrap();
        prop_assert_eq!(back.random, &*random);
        prop_assert_eq!(back.x25519, &*x25519);
        prop_assert_eq!(back.aeads, &aeads);
        prop_assert_eq!(back.mlkem, mlkem.as_deref());
        prop_assert_eq!(back.hints, hints.as_deref());
        prop_assert_eq!(back.server_name, server_name.as_deref());
        let mut again = Vec::new();
        let grease = grease.as_ref().map(|(kind, body)| (*kind, &body[..]));
        ClientHello { grease, ..back }.encode(&mut again).unwrap();
        prop_assert_eq!(out, again);
    }

    /// [WIRE-5]
    #[test]
    fn a_server_hello_is_decoded_as_it_was_encoded(
        random in array::<32>(),
        x25519 in array::<32>(),
        aead in any::<u8>(),
        mlkem in proptest::option::of(array::<1088>()),
    ) {
        let mut out = Vec::new();
        let hello =
            ServerHello { random: &random, x25519: &x25519, aead, mlkem: mlkem.as_deref() };
        hello.encode(&mut out).unwrap();
        let back = ServerHello::decode(&out[7..], true).unwrap();
        prop_assert_eq!((back.random, back.x25519, back.aead), (&*random, &*x25519, aead));
        prop_assert_eq!(back.mlkem, mlkem.as_deref());
    }

    /// [WIRE-1] [WIRE-2] [WIRE-5] [WIRE-6]
    #[test]
    fn a_client_auth_is_decoded_as_it_was_encoded_and_in_no_other_length(
        eager in any::<bool>(),
        login in text(255),
        names in btree_set(vec(any::<u8>(), 1..=255), 0..=16),
        proof in proptest::option::of((blob(), blob())),
        target in text(255),
        port in any::<u16>(),
        cut in any::<prop::sample::Index>(),
    ) {
        let mut protocols: Vec<Vec<u8>> = names.into_iter().collect();
        protocols.truncate(if eager { 1 } else { 16 });
        let (key, signature) = proof.unwrap_or_default();
        let mut out = Vec::new();
        ClientAuth::encode_signed(&mut out, eager, &login, &protocols, &key, (&target, port))
            .unwrap();
        let signed_len = out.len();
        writer::bytes16(&mut out, &signature).unwrap();
        let maced_len = out.len();
        out.extend_from_slice(&[9; 32]);
        let back = ClientAuth::decode(&out).unwrap();
        prop_assert_eq!((back.eager, back.login), (eager, &login[..]));
        prop_assert_eq!(back.target, (&target[..], port));
        let found: Vec<Vec<u8>> = back.protocols.iter().map(<[u8]>::to_vec).collect();
        prop_assert_eq!(found, protocols);
        prop_assert_eq!((back.proof.key, back.proof.signature), (&key[..], &signature[..]));
        prop_assert_eq!((back.proof.signed_len, back.proof.maced_len), (signed_len, maced_len));
        prop_assert_eq!(back.proof.mac, &[9; 32]);
        let cut = cut.index(out.len());
        prop_assert!(matches!(ClientAuth::decode(&out[..cut]), Err(Malformed::Short(_))), "{}", cut);
        out.push(0);
        let left = ClientAuth::decode(&out).map(|_| ());
        prop_assert_eq!(left, Err(Malformed::Leftover("the MAC")));
    }

    /// [WIRE-1] [WIRE-2] [WIRE-5] [HELLO-11]
    #[test]
    fn a_server_auth_is_decoded_with_extensions_that_nobody_knows(
        key in blob(),
        signature in blob(),
        extensions in unknown(),
    ) {
        let message = [
            &[1][..], &bytes16(&key), &bytes16(&extensions), &bytes16(&signature), &[9; 32],
        ].concat();
        let back = ServerAuth::decode(&message).unwrap().proof;
        prop_assert_eq!((back.key, back.signature), (&key[..], &signature[..]));
        for len in (0..message.len()).step_by(7) {
            let short = matches!(ServerAuth::decode(&message[..len]), Err(Malformed::Short(_)));
            prop_assert!(short, "{}", len);
        }
        let mut plain = Vec::new();
        ServerAuth::encode_signed(&mut plain, &key).unwrap();
        prop_assert_eq!(plain, [&[1][..], &bytes16(&key), &[0, 0]].concat());
    }

    /// [WIRE-5] [WIRE-6] [WIRE-7] [AUTH-18]
    #[test]
    fn questions_and_answers_are_decoded_as_they_were_encoded(
        prompt in text(255),
        password in "\\PC{1,200}",
    ) {
        let mut out = Vec::new();
        AuthRequest::encode_password(&mut out, &prompt).unwrap();
        let back = FromServer::decode(&out).unwrap();
        let same = matches!(back, FromServer::Request(AuthRequest::Password(p)) if p == prompt);
        prop_assert!(same);
        out.clear();
        auth::encode_password(&mut out, &password).unwrap();
        prop_assert_eq!(auth::decode_password(&out), Ok(&password[..]));
    }

    /// [WIRE-5]
    #[test]
    fn welcome_is_decoded_as_it_was_encoded(
        protocol in vec(any::<u8>(), 0..=255),
        keys in vec((blob(), blob()), 0..=3),
    ) {
        let mut out = Vec::new();
        Welcome::encode(&mut out, &protocol, &keys).unwrap();
        let Ok(FromServer::Welcome(back)) = FromServer::decode(&out) else {
            panic!("a Welcome");
        };
        prop_assert_eq!(back.protocol, &protocol[..]);
        let found: Vec<_> =
            back.host_keys().map(|(key, proof)| (key.to_vec(), proof.to_vec())).collect();
        prop_assert_eq!(found, keys);
    }

    /// [WIRE-5] [WIRE-6]
    #[test]
    fn rekey_shares_and_errors_are_decoded_as_they_were_encoded(
        x25519 in array::<32>(),
        key in proptest::option::of(array::<1184>()),
        ciphertext in proptest::option::of(array::<1088>()),
        code in any::<u16>(),
        text in text(255),
    ) {
        let mut out = Vec::new();
        RekeyInit { x25519: &x25519, mlkem: key.as_deref() }.encode(&mut out).unwrap();
        let back = RekeyInit::decode(&out).unwrap();
        prop_assert_eq!((back.x25519, back.mlkem), (&*x25519, key.as_deref()));
        out.clear();
        RekeyReply { x25519: &x25519, mlkem: ciphertext.as_deref() }.encode(&mut out).unwrap();
        let back = RekeyReply::decode(&out).unwrap();
        prop_assert_eq!((back.x25519, back.mlkem), (&*x25519, ciphertext.as_deref()));
        out.clear();
        let code = ErrorCode::from_number(code);
        Farewell::encode(code, &text, &mut out).unwrap();
        prop_assert_eq!(Farewell::decode(&out), Ok(Farewell { code, text }));
    }

    /// [WIRE-1] [WIRE-4] [WIRE-5] [LIM-1]
    #[test]
    fn no_bytes_make_a_decoder_panic_and_what_it_takes_has_one_encoding(
        kind in 0..8_u8,
        mut bytes in vec(any::<u8>(), 0..300),
    ) {
        if let Some(first) = bytes.first_mut() {
            *first = kind;
        }
        let _ = frame::hello(&bytes);
        let _ = frame::hello(&[b"\x89HF\x01", &bytes[..]].concat());
        let _ = frame::record(&bytes, 65_535);
        let _ = ServerAuth::decode(&bytes);
        let _ = ClientAuth::decode(&bytes);
        let _ = ClientHello::decode(&bytes);
        let _ = ServerHello::decode(&bytes, true);
        if let Ok(share) = RekeyInit::decode(&bytes) {
            let mut out = Vec::new();
            share.encode(&mut out).unwrap();
            prop_assert_eq!(&out, &bytes);
        }
        if let Ok(farewell) = Farewell::decode(&bytes) {
            let mut out = Vec::new();
            Farewell::encode(farewell.code, &farewell.text, &mut out).unwrap();
            prop_assert_eq!(&out, &bytes);
        }
        if let Ok(FromServer::Welcome(welcome)) = FromServer::decode(&bytes) {
            prop_assert_eq!(bytes.first(), Some(&5));
            prop_assert!(welcome.host_keys().count() <= 8);
        }
        if let Ok(password) = auth::decode_password(&bytes) {
            let mut out = Vec::new();
            auth::encode_password(&mut out, password).unwrap();
            prop_assert_eq!(&out, &bytes);
        }
        let _ = hello::decode_refusal(&bytes);
    }

    /// [WIRE-1] [WIRE-3]
    #[test]
    fn a_hello_with_any_byte_changed_is_refused_or_has_one_encoding_still(
        at in any::<prop::sample::Index>(),
        value in any::<u8>(),
    ) {
        let script = super::script::Client::classical();
        let mut body = script.hello.body();
        let at = at.index(body.len());
        body[at] = value;
        if let Ok(hello) = ClientHello::decode(&body) {
            let mut out = Vec::new();
            hello.encode(&mut out).unwrap();
            // an extension that nobody knows is left out of what is encoded again
            let known = out.len() == 7 + body.len();
            prop_assert!(!known || out[7..] == body[..]);
            prop_assert!(known || hello.hints.is_none());
        }
    }
}

/// [WIRE-6] [WIRE-7]
#[test]
fn text_holds_no_control_format_line_or_paragraph_characters() {
    fn plain(text: &str) -> Result<&str, Malformed> {
        crate::wire::text::decode(text.as_bytes(), "a field")
    }
    for good in ["", "alice", "Ünïcödé \u{1f980}", "\u{a0}", "a\u{301}", "\u{e000}", "\u{378}"]
    {
        assert_eq!(plain(good), Ok(good));
    }
    assert_ne!(plain("\u{e9}"), plain("e\u{301}"), "not normalised");
    let bad = [
        '\0',
        '\t',
        '\n',
        '\r',
        '\u{1b}',
        '\u{7f}',
        '\u{80}',
        '\u{9f}',
        '\u{ad}',
        '\u{61c}',
        '\u{200b}',
        '\u{200e}',
        '\u{2028}',
        '\u{2029}',
        '\u{202e}',
        '\u{2066}',
        '\u{feff}',
        '\u{e0001}',
        '\u{1d173}',
    ];
    for c in bad {
        assert_eq!(plain(&format!("a{c}b")), Err(Malformed::Text("a field")), "{c:?}");
    }
    for bytes in [&b"\xff"[..], b"\xc0\x80", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"a\xc3"] {
        let text = crate::wire::text::decode(bytes, "a field");
        assert_eq!(text, Err(Malformed::Text("a field")));
    }
}

/// [WIRE-4] [AUTH-9]
#[test]
fn the_largest_of_everything_is_taken() {
    let names: Vec<Vec<u8>> = (0..16).map(|n| vec![n; 255]).collect();
    let names: Vec<&[u8]> = names.iter().map(|name| &name[..]).collect();
    let target = extension(1, &[bytes8(&[b't'; 255]), vec![0, 1]].concat());
    let more: Vec<u8> = (2..17).flat_map(|kind| extension(kind, b"")).collect();
    let message = [
        &[2][..],
        &client_front(0, &[b'l'; 255], &names),
        &bytes16(&[1; 8192]),
        &bytes16(&[target, more].concat()),
        &bytes16(&[2; 8192]),
        &[3; 32],
    ]
    .concat();
    let back = ClientAuth::decode(&message).unwrap();
    assert_eq!(back.protocols.iter().count(), 16);
    assert_eq!((back.login.len(), back.target.0.len()), (255, 255));
}
