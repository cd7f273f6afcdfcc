//! The server's handshake; the fuzzer is its client.

use std::sync::Arc;

use super::input::{Input, Script, whole_hello, whole_record};
use super::peer::{self, CLIENT_NAMESPACE, Handshake, Prover, SERVER_NAMESPACE};
use super::session::Peer;
use super::{Reached, fixed};
use crate::crypto::Cipher;
use crate::error::{Error, ErrorCode, Incompatible, Unproved};
use crate::handshake::server::{self, Authenticating, Refused};
use crate::handshake::{ClientConfig, Exchange, Identities, ServerConfig, Stealth, Target, client};
use crate::key::Identity;
use crate::record::RecordType;
use crate::schedule::Agreed;
use crate::session::Role;
use crate::wire::auth::{self, ClientAuth, FromServer, ServerAuth};
use crate::wire::frame::{self, HELLO_HEADER, HelloType};
use crate::wire::hello::{ClientHello, ServerHello};
use crate::wire::{MAX_PASSWORD, text};

/// What the two sides are set to; every bit of the input's second and third byte is one choice.
#[derive(Debug, Clone, Copy)]
struct Settings {
    server: u8,
    client: u8,
}

impl Settings {
    const fn exchange(self) -> Exchange {
        match self.server & 3 {
            1 => Exchange::PreferHybrid,
            2 => Exchange::Classical,
            _ => Exchange::Hybrid,
        }
    }

    const fn is_stealth(self) -> bool {
        self.server & 8 != 0
    }

    const fn has_names(self) -> bool {
        self.server & 16 != 0
    }

    /// How often the server asks for a password.
    const fn passwords(self) -> u8 {
        self.server >> 5 & 3
    }

    const fn refuses(self) -> bool {
        self.server & 128 != 0
    }

    const fn client_is_classical(self) -> bool {
        self.client & 1 != 0
    }

    const fn is_anonymous(self) -> bool {
        self.client & 2 != 0
    }

    const fn is_eager(self) -> bool {
        self.client & 4 != 0
    }

    const fn sends_name(self) -> bool {
        self.client & 8 != 0
    }

    /// The client has stolen the host's key.
    const fn is_host(self) -> bool {
        self.client & 16 != 0
    }

    const fn is_aes(self) -> bool {
        self.client & 32 != 0
    }

    const fn names_protocols(self) -> bool {
        self.client & 64 != 0
    }

    fn config(self) -> ServerConfig {
        let identities = Identities::new(fixed::host())
            .and(fixed::other_host())
            .named("named.example.org", fixed::named_host());
        let mut config = ServerConfig::new(identities);
        config.exchange = self.exchange();
        config.ciphers = peer::ciphers(self.server & 4 != 0);
        config.protocols = vec![b"echo/1".to_vec()];
        config.stealth = self.is_stealth().then(Stealth::new);
        if self.has_names() {
            config.names = vec![fixed::NAME.to_owned()];
        }
        config
    }

    fn client(self) -> ClientConfig {
        ClientConfig {
            ciphers: peer::ciphers(self.is_aes()),
            exchange: match self.client_is_classical() {
                true => Exchange::Classical,
                false => Exchange::Hybrid,
            },
            expected: vec![fixed::other_host().public_key().clone()],
            server_name: self.sends_name().then(|| "named.example.org".to_owned()),
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
}

/// Runs a server against a client that says what `data` tells it to say.
pub fn handshake_server(data: &[u8]) -> Reached {
    let mut script = Script::new(data);
    let raw = script.u8() == 0;
    let settings = Settings { server: script.u8(), client: script.u8() };
    hello(Input::read(&mut script, raw), settings)
}

fn hello(mut input: Input<'_>, settings: Settings) -> Reached {
    let config = Arc::new(settings.config());
    let (bytes, is_honest) = input.hello(HelloType::Client, || {
        client::start(Arc::new(settings.client()), fixed::CLIENT.client_fresh())
            .expect("the settings are good")
            .1
    });
    let hello = match whole_hello(&bytes) {
        Ok(Some(hello)) => hello,
        Ok(None) => return Reached::Nothing,
        Err(error) => {
            return refused(settings, &Refused::unframed(&config, error));
        }
    };
    let taken =
        server::hello(&config, hello).and_then(|read| read.accept(fixed::SERVER.server_fresh()));
    let (state, out) = match taken {
        Ok(taken) => taken,
        Err(error) => {
            let too_little = matches!(error.error, Error::Incompatible(Incompatible::PostQuantum))
                && settings.client_is_classical();
            // a set of one name has one key, which this client does not hint at
            let unnamed = settings.is_stealth() && settings.sends_name();
            assert!(!is_honest || too_little || unnamed, "an honest hello: {}", error.error);
            return refused(settings, &error);
        }
    };
    let Some(shared) = shared(settings, hello, &out) else { return Reached::Hello };
    auth(input, settings, state, shared)
}

fn refused(settings: Settings, refused: &Refused) -> Reached {
    let frame = refused.frame();
    assert!(!settings.is_stealth() || frame.is_empty(), "a stealth server is silent");
    assert!(frame.is_empty() || frame.len() == HELLO_HEADER + 1, "a Refusal has one length");
    Reached::Nothing
}

/// What the client computes from the server's first bytes.
struct Shared {
    handshake: Handshake,
    exchange: Exchange,
}

/// None where the server's library drew randomness that nobody else knows.
fn shared(settings: Settings, client_hello: &[u8], out: &[u8]) -> Option<Shared> {
    let (kind, len) = frame::hello(out).expect("it is a hello").expect("and whole");
    assert_eq!(kind, HelloType::Server, "the answer to a ClientHello");
    let (server_hello, record) = out.split_at_checked(len).expect("and whole");
    let body = client_hello.get(HELLO_HEADER..).unwrap_or_default();
    let sent = ClientHello::decode(body).expect("it was taken");
    let body = server_hello.get(HELLO_HEADER..).unwrap_or_default();
    let answer = ServerHello::decode(body, sent.mlkem.is_some()).expect("it is well formed");
    assert!(sent.aeads.contains(&answer.aead), "the AEAD is one of the client's");
    let cipher = Cipher::from_id(answer.aead).expect("and a known one");
    let x25519 = fixed::SERVER.x25519().agree(sent.x25519).expect("a weak share is not answered");
    let mlkem = match (sent.mlkem, answer.mlkem) {
        (Some(key), Some(ciphertext)) => {
            Some(fixed::SERVER.encapsulated(fixed::CLIENT, key, ciphertext)?)
        }
        _ => None,
    };
    let exchange = if mlkem.is_some() { Exchange::Hybrid } else { Exchange::Classical };
    match settings.exchange() {
        Exchange::PreferHybrid => {
            assert_eq!(mlkem.is_some(), sent.mlkem.is_some(), "ML-KEM where possible");
        }
        fixed => assert_eq!(exchange, fixed, "nothing but what is configured"),
    }
    let mut handshake =
        Handshake::new(client_hello, server_hello, cipher, &Agreed { mlkem, x25519 });
    let mut opener = handshake.opener(&handshake.secrets.server);
    let (kind, message) = peer::open_early(&mut opener, record);
    assert_eq!(kind, RecordType::Auth, "ServerAuth is behind ServerHello");
    let proof = ServerAuth::decode(&message).expect("it is well formed").proof;
    let identity = peer::host_of(proof.key).expect("it is one of the host's keys");
    let prover = Prover {
        secret: &handshake.secrets.server,
        transcript: &handshake.transcript,
        namespace: SERVER_NAMESPACE,
        identity: Some(&identity),
    };
    assert!(prover.made(&message, &proof), "the server proves its key");
    handshake.transcript.add(&message);
    Some(Shared { handshake, exchange })
}

fn auth(
    mut input: Input<'_>,
    settings: Settings,
    state: server::AwaitClientAuth,
    shared: Shared,
) -> Reached {
    let Shared { mut handshake, exchange } = shared;
    let config = settings.client();
    let identity = settings.identity();
    let mut honest = Vec::new();
    let blob = identity.as_ref().map(|identity| identity.public_key().blob().to_vec());
    ClientAuth::encode_signed(
        &mut honest,
        config.eager,
        &config.login,
        &config.protocols,
        &blob.unwrap_or_default(),
        (&config.target.name, config.target.port),
    )
    .expect("it can be said");

    let mut sealer = handshake.sealer(&handshake.secrets.client);
    let mut mirror = handshake.opener(&handshake.secrets.client);
    let prover = Prover {
        secret: &handshake.secrets.client,
        transcript: &handshake.transcript,
        namespace: CLIENT_NAMESPACE,
        identity: identity.as_ref(),
    };
    let (record, is_honest) = prover.record(&mut input, &mut sealer, &honest);
    let Some(mut record) = whole_record(record) else { return Reached::Hello };
    let message = match peer::seen(&mut mirror, &record) {
        Some((RecordType::Auth, message)) => message,
        _ => Vec::new(),
    };
    let proof = ClientAuth::decode(&message).ok().map(|message| message.proof);
    let made_mac = proof.is_some_and(|proof| prover.made_mac(&message, &proof));
    let made = proof.is_some_and(|proof| prover.made(&message, &proof));
    handshake.transcript.add(&message);
    let cipher = handshake.cipher;
    let generation = handshake.secrets.into_generation(handshake.transcript.hash());
    let mut peer = Peer::new(Role::Client, cipher, exchange == Exchange::Hybrid, generation);

    let authenticating = match state.read(&mut record) {
        Ok(authenticating) => authenticating,
        Err(failure) => {
            if !failure.farewell.is_empty() {
                assert!(made_mac, "before the MAC is right the server is silent");
                let code = peer::farewell(&mut peer.opener, &failure.farewell);
                assert_eq!(code, ErrorCode::PermissionDenied, "{}", failure.error);
            }
            let stolen =
                matches!(failure.error, Error::Unproved(Unproved::OwnKey)) && settings.is_host();
            assert!(!is_honest || stolen, "an honest ClientAuth: {}", failure.error);
            return Reached::Hello;
        }
    };
    assert!(made, "nobody but the client can have proved this");
    let claims = authenticating.claims();
    let proved = claims.key.as_ref().map(|key| key.blob().to_vec());
    let shown = proof.map(|proof| proof.key.to_vec()).filter(|key| !key.is_empty());
    assert_eq!(proved, shown, "the key is the one in the message");
    assert!(!settings.has_names() || claims.target.name == fixed::NAME, "the target is checked");
    assert!(text::is_plain(&claims.login), "a login is text");
    assert!(!claims.eager || claims.protocols.len() <= 1, "an eager client names one protocol");
    decide(input, settings, authenticating, peer)
}

fn decide(
    mut input: Input<'_>,
    settings: Settings,
    mut state: Authenticating,
    mut peer: Peer,
) -> Reached {
    let mut reached = Reached::Proved;
    let claims = state.claims().clone();
    let mut mirror = peer.mirror();
    for _ in 0..settings.passwords() {
        let (waiting, out) = match state.ask_password("Password: ") {
            Ok(asked) => asked,
            Err((state, error)) => {
                assert!(claims.eager, "only an eager client is not asked: {error}");
                let out = state.refuse(ErrorCode::FactorNeeded);
                let code = peer::farewell(&mut peer.opener, &out);
                assert_eq!(code, ErrorCode::FactorNeeded, "the server says what is missing");
                return reached;
            }
        };
        reached = Reached::Factor;
        let (kind, request) = peer::open_early(&mut peer.opener, &out);
        assert_eq!(kind, RecordType::Auth, "AuthRequest");
        let request = FromServer::decode(&request).expect("it is well formed");
        assert!(matches!(request, FromServer::Request(_)), "AuthRequest");
        let mut honest = Vec::new();
        auth::encode_password(&mut honest, fixed::PASSWORD).expect("it is short");
        let (record, is_honest) = input.record(&mut peer.sealer, RecordType::Auth, &honest);
        let Some(mut record) = whole_record(record) else { return reached };
        let said = peer::seen(&mut mirror, &record);
        state = match waiting.read(&mut record) {
            Ok((next, password)) => {
                assert!((1..=MAX_PASSWORD).contains(&password.len()), "its length is checked");
                let mut again = Vec::new();
                auth::encode_password(&mut again, &password).expect("it is short");
                assert_eq!(said, Some((RecordType::Auth, again)), "it is what was said");
                next
            }
            Err(failure) => {
                assert!(!is_honest, "an honest AuthResponse: {}", failure.error);
                let silent = matches!(failure.error, Error::Ended(_));
                assert_eq!(failure.farewell.is_empty(), silent, "only an Error is not answered");
                if !silent {
                    let code = peer::farewell(&mut peer.opener, &failure.farewell);
                    assert_eq!(code, ErrorCode::Protocol, "{}", failure.error);
                }
                return reached;
            }
        };
    }
    if settings.refuses() {
        let out = state.refuse(ErrorCode::PermissionDenied);
        let code = peer::farewell(&mut peer.opener, &out);
        assert_eq!(code, ErrorCode::PermissionDenied, "the server refuses");
        return reached;
    }
    let (established, out) = match state.welcome() {
        Ok(welcomed) => welcomed,
        Err(failure) => {
            assert_eq!(failure.error, Error::Incompatible(Incompatible::Protocol));
            assert!(!claims.protocols.is_empty(), "who names none takes any");
            assert!(!claims.protocols.iter().any(|name| name == b"echo/1"), "none is shared");
            let code = peer::farewell(&mut peer.opener, &failure.farewell);
            assert_eq!(code, ErrorCode::NoProtocol, "{}", failure.error);
            return reached;
        }
    };
    let (kind, message) = peer::open_early(&mut peer.opener, &out);
    assert_eq!(kind, RecordType::Auth, "Welcome");
    let Ok(FromServer::Welcome(welcome)) = FromServer::decode(&message) else {
        panic!("Welcome cannot be read")
    };
    assert_eq!(welcome.protocol, established.protocol, "both sides have the same protocol");
    let names_others = welcome.host_keys().next().is_some();
    assert!(!(settings.is_stealth() && names_others), "a stealth server names no other key");
    peer.check_established(&established);
    peer.run(input, established.session)
}
