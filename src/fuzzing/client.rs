//! The client's handshake; the fuzzer is its server.

use std::sync::Arc;

use super::input::{Input, Script, seal, whole_hello, whole_record};
use super::peer::{self, CLIENT_NAMESPACE, Handshake, Prover, ROTATE_NAMESPACE, SERVER_NAMESPACE};
use super::session::Peer;
use super::{Reached, fixed};
use crate::crypto::Cipher;
use crate::error::{Error, ErrorCode, Unproved};
use crate::handshake::client::{self, Answer, AwaitServerAuth, AwaitWelcome, VerifyHost};
use crate::handshake::{ClientConfig, Exchange, Target};
use crate::key::{Identity, sshsig};
use crate::record::{Opener, Padding, RecordType, Sealer};
use crate::schedule::{Agreed, Exporter};
use crate::session::Role;
use crate::wire::auth::{self, AuthRequest, ClientAuth, ServerAuth, Welcome};
use crate::wire::frame::{HELLO_HEADER, HelloType};
use crate::wire::hello::{ClientHello, ServerHello};
use crate::wire::text;

/// What the two sides are set to; every bit of the input's second byte is one choice.
#[derive(Debug, Clone, Copy)]
struct Settings(u8);

impl Settings {
    const fn exchange(self) -> Exchange {
        match self.0 & 3 {
            1 => Exchange::PreferHybrid,
            2 => Exchange::Classical,
            _ => Exchange::Hybrid,
        }
    }

    /// The server does without ML-KEM.
    const fn server_is_classical(self) -> bool {
        self.0 & 3 == 3
    }

    const fn is_eager(self) -> bool {
        self.0 & 4 != 0
    }

    const fn is_aes(self) -> bool {
        self.0 & 8 != 0
    }

    const fn rejects(self) -> bool {
        self.0 & 0x30 == 0x10
    }

    /// The client has the host's key for its own.
    const fn is_host(self) -> bool {
        self.0 & 0x30 == 0x20
    }

    const fn is_anonymous(self) -> bool {
        self.0 & 0x30 == 0x30
    }

    const fn names_protocols(self) -> bool {
        self.0 & 64 != 0
    }

    const fn declines(self) -> bool {
        self.0 & 128 != 0
    }

    /// Only an eager client may, and that one is asked for no password.
    const fn closes_early(self) -> bool {
        self.declines()
    }

    fn config(self) -> ClientConfig {
        ClientConfig {
            ciphers: peer::ciphers(self.is_aes()),
            exchange: self.exchange(),
            login: fixed::LOGIN.to_owned(),
            protocols: peer::protocols(self.names_protocols(), self.is_eager()),
            target: Target::new(fixed::NAME, fixed::PORT),
            eager: self.is_eager(),
            ..ClientConfig::default()
        }
    }

    fn identity(self) -> Option<Identity> {
        match (self.is_anonymous(), self.is_host()) {
            (true, _) => None,
            (false, true) => Some(fixed::host()),
            (false, false) => Some(fixed::alice()),
        }
    }

    /// What an honest server answers.
    fn server_hello(self, hello: &ClientHello<'_>) -> Vec<u8> {
        let offered = hello.mlkem.filter(|_| !self.server_is_classical());
        let ciphertext = offered.and_then(|key| fixed::SERVER.encapsulate(key));
        let mut frame = Vec::new();
        ServerHello {
            random: &[7; 32],
            x25519: &fixed::SERVER.x25519().public(),
            aead: if self.is_aes() { 2 } else { 1 },
            mlkem: ciphertext.as_ref().map(|(ciphertext, _)| ciphertext),
        }
        .encode(&mut frame)
        .expect("it is short");
        frame
    }
}

/// Runs a client against a server that says what `data` tells it to say.
pub fn handshake_client(data: &[u8]) -> Reached {
    let mut script = Script::new(data);
    let raw = script.u8() == 0;
    let settings = Settings(script.u8());
    hello(Input::read(&mut script, raw), settings)
}

fn hello(mut input: Input<'_>, settings: Settings) -> Reached {
    let (state, sent) = client::start(Arc::new(settings.config()), fixed::CLIENT.client_fresh())
        .expect("the settings are good");
    let own = ClientHello::decode(sent.get(HELLO_HEADER..).unwrap_or_default())
        .expect("its own hello is well formed");
    let (bytes, is_honest) = input.hello(HelloType::Server, || settings.server_hello(&own));
    let Ok(Some(frame)) = whole_hello(&bytes) else { return Reached::Nothing };
    let state = match state.read(frame) {
        Ok(state) => state,
        Err(error) => {
            let too_little =
                settings.server_is_classical() && settings.exchange() == Exchange::Hybrid;
            assert!(!is_honest || too_little, "an honest ServerHello: {error}");
            return Reached::Nothing;
        }
    };
    let body = frame.get(HELLO_HEADER..).unwrap_or_default();
    let answer = ServerHello::decode(body, own.mlkem.is_some()).expect("it was taken");
    let cipher = Cipher::from_id(answer.aead).expect("it was taken");
    assert!(peer::ciphers(settings.is_aes()).contains(&cipher), "the AEAD was offered");
    match settings.exchange() {
        Exchange::Hybrid => assert!(answer.mlkem.is_some(), "no less than ML-KEM"),
        Exchange::Classical => assert!(answer.mlkem.is_none(), "ML-KEM was not offered"),
        Exchange::PreferHybrid => {}
    }
    let kem = fixed::CLIENT.kem();
    let agreed = Agreed {
        mlkem: answer.mlkem.map(|it| kem.decapsulate(it).expect("it always gives a secret")),
        x25519: fixed::CLIENT.x25519().agree(answer.x25519).expect("a weak share is refused"),
    };
    let hybrid = agreed.mlkem.is_some();
    auth(input, settings, state, Handshake::new(&sent, frame, cipher, &agreed), hybrid)
}

fn auth(
    mut input: Input<'_>,
    settings: Settings,
    state: AwaitServerAuth,
    mut handshake: Handshake,
    hybrid: bool,
) -> Reached {
    let host = fixed::host();
    let mut honest = Vec::new();
    ServerAuth::encode_signed(&mut honest, &host.public_key().blob()).expect("it is short");
    let mut sealer = handshake.sealer(&handshake.secrets.server);
    let mut mirror = handshake.opener(&handshake.secrets.server);
    let mut opener = handshake.opener(&handshake.secrets.client);
    let prover = Prover {
        secret: &handshake.secrets.server,
        transcript: &handshake.transcript,
        namespace: SERVER_NAMESPACE,
        identity: Some(&host),
    };
    let (record, is_honest) = prover.record(&mut input, &mut sealer, &honest);
    let Some(mut record) = whole_record(record) else { return Reached::Hello };
    let seen = peer::seen(&mut mirror, &record);
    let message = match seen {
        Some((RecordType::Auth, message)) => message,
        _ => Vec::new(),
    };
    let proof = ServerAuth::decode(&message).ok().map(|message| message.proof);
    let made_mac = proof.is_some_and(|proof| prover.made_mac(&message, &proof));
    let made = proof.is_some_and(|proof| prover.made(&message, &proof));

    let state = match state.read(&mut record) {
        Ok(state) => state,
        Err(failure) => {
            assert!(!is_honest, "an honest ServerAuth: {}", failure.error);
            let silent = matches!(failure.error, Error::Ended(_));
            assert_eq!(failure.farewell.is_empty(), silent, "only an Error is not answered");
            if !silent {
                let code = peer::farewell(&mut opener, &failure.farewell);
                let denied =
                    if made_mac { ErrorCode::PermissionDenied } else { ErrorCode::Protocol };
                assert_eq!(code, denied, "{}", failure.error);
            }
            return Reached::Hello;
        }
    };
    assert!(made, "nobody but the host can have proved this");
    assert_eq!(state.host_key(), host.public_key(), "the key is the one that was proved");
    handshake.transcript.add(&message);
    trust(input, settings, state, handshake, opener, hybrid)
}

fn trust(
    input: Input<'_>,
    settings: Settings,
    state: VerifyHost,
    mut handshake: Handshake,
    mut opener: Opener,
    hybrid: bool,
) -> Reached {
    if settings.rejects() {
        let code = peer::farewell(&mut opener, &state.reject());
        assert_eq!(code, ErrorCode::PermissionDenied, "the client rejects");
        return Reached::Proved;
    }
    let identity = settings.identity();
    let (state, out) = match state.trust(identity.as_ref()) {
        Ok(trusted) => trusted,
        Err(failure) => {
            assert_eq!(failure.error, Error::Unproved(Unproved::OwnKey));
            assert!(settings.is_host(), "the client has a key of its own");
            let code = peer::farewell(&mut opener, &failure.farewell);
            assert_eq!(code, ErrorCode::PermissionDenied, "{}", failure.error);
            return Reached::Proved;
        }
    };
    assert!(!settings.is_host(), "nobody talks to itself");
    let (kind, message) = peer::open_early(&mut opener, &out);
    assert_eq!(kind, RecordType::Auth, "ClientAuth");
    let said = ClientAuth::decode(&message).expect("it is well formed");
    let prover = Prover {
        secret: &handshake.secrets.client,
        transcript: &handshake.transcript,
        namespace: CLIENT_NAMESPACE,
        identity: identity.as_ref(),
    };
    assert!(prover.made(&message, &said.proof), "the client proves its key");
    handshake.transcript.add(&message);
    let generation = handshake.secrets.into_generation(handshake.transcript.hash());
    let exporter = generation.traffic().and_then(|traffic| traffic.exporter());
    let exporter = exporter.expect("it is always possible");
    let peer = Peer::new(Role::Server, handshake.cipher, hybrid, generation);
    welcome(input, settings, state, peer, &exporter)
}

fn welcome(
    mut input: Input<'_>,
    settings: Settings,
    mut state: AwaitWelcome,
    mut peer: Peer,
    exporter: &Exporter,
) -> Reached {
    let mut reached = Reached::Proved;
    let early = state.eager_data(b"early");
    assert_eq!(early.is_ok(), settings.is_eager(), "an eager client need not wait");
    if let Ok(mut early) = early {
        if settings.closes_early() {
            early.extend_from_slice(&state.eager_close().expect("it is eager"));
            assert!(state.eager_close().is_err(), "there is one Close");
            assert!(state.eager_data(b"late").is_err(), "no Data follows Close");
        }
        peer.hear_early(&early, b"early");
    }
    for asked in 0.. {
        assert!(asked <= 8, "at most 8 factors are asked for");
        let (record, is_honest) = answer(&mut input, settings, &mut peer.sealer, exporter);
        let Some(mut record) = whole_record(record) else { return reached };
        match state.read(&mut record) {
            Err(failure) => {
                assert!(!is_honest, "an honest Welcome: {}", failure.error);
                let silent = matches!(failure.error, Error::Ended(_));
                assert_eq!(failure.farewell.is_empty(), silent, "only an Error is not answered");
                if !silent {
                    let code = peer::farewell(&mut peer.opener, &failure.farewell);
                    let unknown = matches!(failure.error, Error::Denied(_));
                    let expected =
                        if unknown { ErrorCode::PermissionDenied } else { ErrorCode::Protocol };
                    assert_eq!(code, expected, "{}", failure.error);
                }
                return reached;
            }
            Ok(Answer::Password(question)) => {
                reached = Reached::Factor;
                assert!(!settings.is_eager(), "an eager client is not asked");
                assert!(text::is_plain(question.prompt()), "a prompt is text");
                assert!(question.prompt().len() <= auth::MAX_PROMPT, "and short");
                if settings.declines() {
                    let code = peer::farewell(&mut peer.opener, &question.decline());
                    assert_eq!(code, ErrorCode::PermissionDenied, "the client declines");
                    return reached;
                }
                let (next, out) = question.answer(fixed::PASSWORD).expect("it is a password");
                let (kind, message) = peer::open_early(&mut peer.opener, &out);
                assert_eq!(kind, RecordType::Auth, "AuthResponse");
                assert_eq!(auth::decode_password(&message), Ok(fixed::PASSWORD));
                state = next;
            }
            Ok(Answer::Welcome(welcomed)) => {
                for key in &welcomed.other_host_keys {
                    let known = peer::host_of(&key.blob()).is_some();
                    assert!(known, "nobody but the host can have proved this");
                }
                let chosen = &welcomed.established.protocol;
                let ours = settings.config().protocols;
                assert!(chosen.is_empty() || ours.contains(chosen), "the protocol was named");
                peer.check_established(&welcomed.established);
                return peer.run(input, welcomed.established.session);
            }
        }
    }
    reached
}

/// The record in answer to ClientAuth that the input asks for, and whether it is the honest one.
fn answer(
    input: &mut Input<'_>,
    settings: Settings,
    sealer: &mut Sealer,
    exporter: &Exporter,
) -> (Vec<u8>, bool) {
    let protocol = if settings.names_protocols() { &b"echo/1"[..] } else { b"" };
    let mut message = Vec::new();
    if let Input::Scripted(script) = input {
        match script.u8() % 3 {
            0 => {}
            1 => {
                let prompt = String::from_utf8_lossy(script.chunk()).into_owned();
                AuthRequest::encode_password(&mut message, &prompt).unwrap_or_default();
                return (seal(sealer, RecordType::Auth.id(), &message, Padding::AUTH), false);
            }
            _ => {
                let proofs = script.u8() % 10;
                let other = fixed::other_host();
                let blob = other.public_key().blob();
                let mut challenge = [0; 32];
                exporter
                    .export_reserved("host key", &blob, &mut challenge)
                    .expect("it is short enough");
                let signed = sshsig::signed_data(ROTATE_NAMESPACE, &challenge);
                let proof = sshsig::signature_blob(&other.sign(&signed)).to_vec();
                let keys = vec![(blob.to_vec(), proof); proofs.into()];
                Welcome::encode(&mut message, protocol, &keys).expect("it is short");
                let message = script.patch(&message);
                return (seal(sealer, RecordType::Auth.id(), &message, Padding::AUTH), false);
            }
        }
    }
    Welcome::encode(&mut message, protocol, &[]).expect("it is short");
    input.record(sealer, RecordType::Auth, &message)
}
