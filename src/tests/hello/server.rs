//! What a server answers to hellos that it does not take.

use super::super::pair::Setup;
use super::super::script::{Client, bytes8, bytes16, extension, frame};
use super::super::who_ends_how::{malformed, seventeen};
use super::{WEAK_SHARES, meet, refusal};
use crate::crypto::Cipher;
use crate::error::{Error, Foreign, Incompatible, Malformed, Misbehaved};
use crate::handshake::Exchange;

fn hybrid() -> Setup {
    Setup::new(Cipher::ChaCha20Poly1305, Exchange::Hybrid)
}

/// The script's hello with a change in it meets a server.
#[track_caller]
fn refused(setup: &Setup, change: &dyn Fn(&mut Client)) -> (Error, Vec<u8>) {
    let mut script = Client::new();
    change(&mut script);
    meet(setup, &script.frame()).map(|_| "a hello that is taken").unwrap_err()
}

/// [HELLO-2]
#[test]
fn foreign_protocols_are_named_here_and_get_nothing() {
    let cases: [(&[u8], Foreign); 14] = [
        (b"\x16\x03\x01\x02\x00", Foreign::Tls),
        (b"\x16\x03\x03", Foreign::Tls),
        (b"\x15\x03\x01", Foreign::Tls),
        (b"SSH-2.0-OpenSSH_9.9\r\n", Foreign::Ssh),
        (b"GET / HTTP/1.1\r\n", Foreign::Http),
        (b"POST / HTTP/1.1\r\n", Foreign::Http),
        (b"HTTP/1.1 400 Bad Request\r\n", Foreign::Http),
        (b"PRI * HTTP/2.0\r\n", Foreign::Http),
        (b"EHLO x\r\n", Foreign::Other),
        (b"\0\0\0", Foreign::Other),
        (b"\x89PNG", Foreign::Other),
        (b"\x88HF\x01", Foreign::Other),
        (b"\x89hF\x01", Foreign::Other),
        (b"\x89Hf\x01", Foreign::Other),
    ];
    for (bytes, foreign) in cases {
        let error = Error::Foreign(foreign);
        assert_eq!(meet(&hybrid(), bytes).unwrap_err(), (error.clone(), Vec::new()));
        let (client, _) = hybrid().start();
        assert_eq!(client.read(bytes).unwrap_err(), error, "at the client");
    }
}

/// [HELLO-1]
#[test]
fn another_form_gets_refusal_1_whatever_stands_behind_it() {
    for form in [0, 2, 3, 255] {
        for kind in [1, 2, 9] {
            let error = Error::Misbehaved(Misbehaved::Version(form));
            let told = (error, refusal(1));
            assert_eq!(meet(&hybrid(), &frame(form, kind, b"")).unwrap_err(), told);
        }
    }
}

/// [HELLO-3]
#[test]
fn another_frame_than_client_hello_ends_in_silence() {
    let unexpected = |got, state| Error::Misbehaved(Misbehaved::Unexpected { got, state });
    for (kind, name) in [(2, "ServerHello"), (3, "Refusal")] {
        let told = (unexpected(name, "awaiting ClientHello"), Vec::new());
        assert_eq!(meet(&hybrid(), &frame(1, kind, &[1])).unwrap_err(), told);
        let told = (malformed(name, Malformed::Long("the body")), Vec::new());
        assert_eq!(meet(&hybrid(), &frame(1, kind, &[0; 4097])).unwrap_err(), told);
    }
    for kind in [0, 4, 255] {
        let told = (unexpected("an unknown frame", "awaiting a hello"), Vec::new());
        assert_eq!(meet(&hybrid(), &frame(1, kind, &[1])).unwrap_err(), told);
    }
}

/// [HELLO-4] [WIRE-4] [LIM-1]
#[test]
fn a_body_beyond_4096_bytes_gets_refusal_4_from_its_header_alone() {
    let filled = |len: usize| {
        let mut script = Client::new();
        let rest = 4096 - script.hello.body().len() - 4;
        script.hello.extensions.push((500, vec![0; rest]));
        assert_eq!(script.hello.body().len(), 4096);
        let mut frame = script.frame();
        frame[5..7].copy_from_slice(&u16::try_from(len).unwrap().to_be_bytes());
        frame
    };
    let told = (malformed("ClientHello", Malformed::Long("the body")), refusal(4));
    assert_eq!(meet(&hybrid(), &filled(4097)[..7]).unwrap_err(), told);
    assert_eq!(meet(&hybrid(), &filled(65_535)[..7]).unwrap_err(), told);
    assert!(meet(&hybrid(), &filled(4096)).is_ok(), "4,096 bytes are allowed");
}

type Change = fn(&mut Client);

/// [HELLO-4] [HELLO-5] [KEX-6] [WIRE-1] [WIRE-2] [WIRE-3] [WIRE-4] [WIRE-5]
#[test]
fn a_malformed_body_gets_refusal_4() {
    let cases: Vec<(Change, Malformed)> = vec![
        (|c| c.hello.aead = bytes8(&[]), Malformed::Empty("the AEAD list")),
        (|c| c.hello.aead = bytes8(&[1, 2, 1]), Malformed::Order("the AEAD list")),
        (|c| c.hello.aead = bytes8(&[1, 9, 9]), Malformed::Order("the AEAD list")),
        (|c| c.hello.aead = bytes8(&[0x1a, 0x1a, 1]), Malformed::Order("the AEAD list")),
        (
            |c| c.hello.aead = bytes8(&(1..=17).collect::<Vec<u8>>()),
            Malformed::Long("the AEAD list"),
        ),
        (|c| c.hello.tail = vec![0], Malformed::Leftover("the hello")),
        (|c| c.hello.extensions.reverse(), Malformed::Order("the extensions")),
        (|c| c.hello.extensions.push((2, vec![0; 128])), Malformed::Order("the extensions")),
        (
            |c| {
                c.hello.extensions.clear();
                c.hello.extensions.extend((0..17).map(|kind| (100 + kind, Vec::new())));
            },
            Malformed::Long("the extensions"),
        ),
        (|c| c.hello.set(1, &[0; 1183]), Malformed::Value("mlkem768")),
        (|c| c.hello.set(1, &[0; 1185]), Malformed::Value("mlkem768")),
        (|c| c.hello.set(1, b""), Malformed::Value("mlkem768")),
        (|c| c.hello.set(2, &[0; 127]), Malformed::Value("host_hints")),
        (|c| c.hello.set(2, &[0; 144]), Malformed::Value("host_hints")),
        (|c| c.hello.set(2, b""), Malformed::Value("host_hints")),
        (|c| c.hello.set(3, b""), Malformed::Value("server_name")),
        (|c| c.hello.set(3, &[b'a'; 254]), Malformed::Value("server_name")),
        (|c| c.hello.set(3, b"host."), Malformed::Value("server_name")),
        (|c| c.hello.set(3, b"."), Malformed::Value("server_name")),
        (|c| c.hello.set(3, b"Host"), Malformed::Value("server_name")),
        (|c| c.hello.set(3, b"a b"), Malformed::Value("server_name")),
        (|c| c.hello.set(3, b"a*"), Malformed::Value("server_name")),
        (|c| c.hello.set(3, b"[::1]"), Malformed::Value("server_name")),
        (|c| c.hello.set(3, "ä".as_bytes()), Malformed::Value("server_name")),
        (|c| c.hello.set(3, b"a\0"), Malformed::Value("server_name")),
    ];
    for (at, (change, cause)) in cases.into_iter().enumerate() {
        let told = (malformed("ClientHello", cause), refusal(4));
        assert_eq!(refused(&hybrid(), &change), told, "case {at}");
    }
}

/// [WIRE-1]
#[test]
fn a_client_hello_cut_short_anywhere_gets_refusal_4() {
    let body = Client::new().hello.body();
    for len in 0..body.len() {
        let (error, sent) = meet(&hybrid(), &frame(1, 1, &body[..len])).unwrap_err();
        let short = matches!(
            error,
            Error::Malformed { message: "ClientHello", cause: Malformed::Short(_) }
        );
        assert!(short, "{len}: {error}");
        assert_eq!(sent, refusal(4), "{len}");
    }
    let inside = [&body[..65], &bytes8(&[1]), &bytes16(&[0, 9, 0, 4, 0])].concat();
    let inside = [&inside[..64], &inside[65..]].concat();
    let told = (malformed("ClientHello", Malformed::Short("an extension")), refusal(4));
    assert_eq!(meet(&hybrid(), &frame(1, 1, &inside)).unwrap_err(), told);
}

/// [HELLO-9] [HELLO-6]
#[test]
fn what_a_server_does_not_know_is_ignored() {
    let mut script = Client::new();
    script.hello.aead = bytes8(&[0x1a, 0x3a, 0x5a, 0x7a, 0, 3, 4, 5, 6, 7, 8, 9, 10, 11, 255, 1]);
    script.hello.extensions.insert(0, (0, vec![1, 2, 3]));
    for kind in 0..12 {
        script.hello.extensions.push((0x0a0a + kind, vec![0; usize::from(kind)]));
    }
    script.hello.extensions.push((0xffff, Vec::new()));
    assert_eq!(script.hello.extensions.len(), 16);
    assert!(meet(&hybrid(), &script.frame()).is_ok());
    for name in ["a", "0", "a.b", "::1", "xn--a_b:7000", &"a".repeat(253)] {
        let mut script = Client::new();
        script.hello.set(3, name.as_bytes());
        assert!(meet(&hybrid(), &script.frame()).is_ok(), "{name}");
    }
    assert_eq!(seventeen().len(), 17 * extension(100, b"").len());
}

/// [HELLO-6]
#[test]
fn no_aead_in_common_gets_refusal_2_and_else_the_servers_order_counts() {
    let none = (Error::Incompatible(Incompatible::Aead), refusal(2));
    for ids in [&[2_u8][..], &[0x1a, 0x3a, 0x5a, 0x7a], &[0, 3, 255]] {
        let change = |c: &mut Client| c.hello.aead = bytes8(ids);
        assert_eq!(refused(&hybrid(), &change), none);
    }
    let both = [Cipher::ChaCha20Poly1305, Cipher::Aes256Gcm];
    for favourite in both {
        let mut setup = hybrid();
        setup.client.ciphers = both.to_vec();
        setup.server.ciphers = both.to_vec();
        setup.server.ciphers.sort_by_key(|cipher| *cipher != favourite);
        assert_eq!(setup.established().1.cipher, favourite);
        setup.client.ciphers.reverse();
        assert_eq!(setup.established().1.cipher, favourite, "whatever the client likes");
    }
}

/// [KEX-3] [KEX-4] [KEX-5]
#[test]
fn less_than_the_hybrid_exchange_must_be_allowed_on_both_sides() {
    use Exchange::{Classical, Hybrid, PreferHybrid};
    assert_eq!(Exchange::default(), Hybrid);
    let with = |client, server| {
        let mut setup = hybrid();
        (setup.client.exchange, setup.server.exchange) = (client, server);
        setup
    };
    for (client, server, run) in [
        (Hybrid, Hybrid, Hybrid),
        (Hybrid, PreferHybrid, Hybrid),
        (PreferHybrid, Hybrid, Hybrid),
        (PreferHybrid, PreferHybrid, Hybrid),
        (PreferHybrid, Classical, Classical),
        (Classical, PreferHybrid, Classical),
        (Classical, Classical, Classical),
    ] {
        let (at_client, at_server) = with(client, server).established();
        assert_eq!(at_client.established.exchange, run);
        assert_eq!(at_server.exchange, run);
    }
    let incompatible = Error::Incompatible(Incompatible::PostQuantum);
    let setup = with(Classical, Hybrid);
    let told = (incompatible.clone(), refusal(3));
    assert_eq!(meet(&setup, &setup.start().1).unwrap_err(), told);
    let (client, hello) = with(Hybrid, Classical).start();
    let read = crate::handshake::server::hello(
        &std::sync::Arc::new(with(Hybrid, Classical).server),
        &hello,
    );
    let (_, answer) = read.unwrap().accept(with(Hybrid, Classical).server_fresh()).unwrap();
    let (answer, _) = super::super::pair::split_hello(&answer);
    assert_eq!(client.read(&answer).unwrap_err(), incompatible);
}

/// [KEX-2] [KEX-6]
#[test]
fn a_share_that_agrees_on_nothing_gets_refusal_4() {
    let unusable = (Error::Misbehaved(Misbehaved::KeyShare), refusal(4));
    for share in WEAK_SHARES {
        let change = |c: &mut Client| c.hello.x25519 = share;
        assert_eq!(refused(&hybrid(), &change), unusable, "{share:?}");
        let classical = |c: &mut Client| (c.hello.x25519, _) = (share, c.hello.drop(1));
        assert_eq!(refused(&Setup::classical(), &classical), unusable, "{share:?}");
    }
    // the first, a middle and the last coefficient, of 12 bits each
    for (at, odd) in [(0, false), (577, true), (1150, true)] {
        for (value, taken) in [(3328_u16, true), (3329, false), (4095, false)] {
            let mut script = Client::new();
            let key = &mut script.hello.extensions[0].1;
            let [high, low] = value.to_be_bytes();
            if odd {
                key[at] = (key[at] & 0x0f) | (low << 4);
                key[at + 1] = (high << 4) | (low >> 4);
            } else {
                key[at] = low;
                key[at + 1] = (key[at + 1] & 0xf0) | high;
            }
            match meet(&hybrid(), &script.frame()) {
                Ok(_) => assert!(taken, "{value} at byte {at}"),
                Err(told) => assert_eq!((told, taken), (unusable.clone(), false), "{value}"),
            }
        }
    }
}

/// [HELLO-14]
#[test]
fn a_server_judges_form_then_aead_then_policy_then_shares() {
    let aead = |c: &mut Client| c.hello.aead = bytes8(&[2]);
    let policy = |c: &mut Client| c.hello.drop(1);
    let share = |c: &mut Client| c.hello.x25519 = [0; 32];
    let form = |c: &mut Client| c.hello.tail = vec![0];
    let code = |changes: &[&dyn Fn(&mut Client)]| {
        let all = |c: &mut Client| changes.iter().for_each(|change| change(c));
        refused(&hybrid(), &all).1
    };
    assert_eq!(code(&[&form, &aead, &policy, &share]), refusal(4));
    assert_eq!(code(&[&aead, &policy, &share]), refusal(2));
    assert_eq!(code(&[&policy, &share]), refusal(3));
    assert_eq!(code(&[&share]), refusal(4));
    let both = |c: &mut Client| (c.hello.drop(1), c.hello.set(1, &[0xff; 1184])).1;
    assert_eq!(code(&[&both]), refusal(4));
}
