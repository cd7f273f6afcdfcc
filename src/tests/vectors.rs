//! Whole connections, byte for byte, against recordings made by another implementation
//! (tests/vectors). Each role is run alone against what was recorded of the other.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Instant;

use rand::{TryCryptoRng, TryRng};
use serde_json::Value;

use crate::crypto::Cipher;
use crate::crypto::secret::Secret;
use crate::error::{Error, ErrorCode};
use crate::handshake::client::{self, Answer};
use crate::handshake::fresh::Grease;
use crate::handshake::{
    ClientConfig, ClientFresh, Established, Exchange, Identities, ServerConfig, ServerFresh,
    Target, server,
};
use crate::key::Identity;
use crate::session::{self, Event, Session};
use crate::wire::frame;

const NAMES: [&str; 12] = [
    "default",
    "aes",
    "anonymous",
    "classical",
    "denied",
    "eager",
    "host-keys",
    "named",
    "password",
    "prologue",
    "rekey",
    "rekey-classical-aes",
];

struct Vector(Value);

impl Vector {
    fn load(name: &str) -> Self {
        let path = format!("{}/tests/vectors/{name}.json", env!("CARGO_MANIFEST_DIR"));
        Self(serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap())
    }

    fn text(&self, pointer: &str) -> &str {
        self.0.pointer(pointer).and_then(Value::as_str).unwrap_or_else(|| panic!("{pointer}"))
    }

    fn bytes(&self, pointer: &str) -> Vec<u8> {
        hex::decode(self.text(pointer)).unwrap()
    }

    fn secret(&self, name: &str) -> Vec<u8> {
        self.bytes(&format!("/messages_and_secrets/{name}"))
    }

    fn list(&self, pointer: &str) -> Vec<&str> {
        let list = self.0.pointer(pointer).and_then(Value::as_array).unwrap();
        list.iter().map(|v| v.as_str().unwrap()).collect()
    }

    fn identity(&self, pointer: &str) -> Option<Identity> {
        let seed = self.0.pointer(pointer)?.as_str()?;
        Some(Identity::from_seed(&hex::decode(seed).unwrap().try_into().unwrap()))
    }

    fn fresh(&self, role: &str) -> Fresh {
        let list = self.0.pointer(&format!("/{role}/fresh_in_order")).unwrap().as_array().unwrap();
        let draw = |v: &Value| {
            (
                v["what"].as_str().unwrap().to_owned(),
                hex::decode(v["hex"].as_str().unwrap()).unwrap(),
            )
        };
        Fresh(list.iter().map(draw).collect())
    }

    fn ciphers(&self, role: &str) -> Vec<Cipher> {
        let list = self.0.pointer(&format!("/{role}/aeads")).unwrap().as_array().unwrap();
        list.iter()
            .map(|v| Cipher::from_id(v.as_u64().unwrap().try_into().unwrap()).unwrap())
            .collect()
    }

    fn protocols(&self, role: &str) -> Vec<Vec<u8>> {
        let names = self.list(&format!("/{role}/protocols"));
        names.into_iter().map(|name| name.as_bytes().to_vec()).collect()
    }

    fn is_hybrid(&self) -> bool {
        self.0["client"]["hybrid"].as_bool().unwrap()
    }

    fn exchange(&self) -> Exchange {
        if self.is_hybrid() { Exchange::Hybrid } else { Exchange::Classical }
    }

    fn client_config(&self) -> ClientConfig {
        let client = &self.0["client"];
        let mut config = ClientConfig::default();
        config.ciphers = self.ciphers("client");
        config.exchange = self.exchange();
        config.prologue = self.bytes("/prologue");
        config.login = client["login"].as_str().unwrap().to_owned();
        config.protocols = self.protocols("client");
        config.target = Target::new(
            client["target"][0].as_str().unwrap(),
            client["target"][1].as_u64().unwrap().try_into().unwrap(),
        );
        config.server_name = client["server_name"].as_str().map(str::to_owned);
        config.eager = client["eager"].as_bool().unwrap();
        config
    }

    fn server_config(&self) -> ServerConfig {
        let mut identities = Identities::new(self.identity("/host_key_seed").unwrap());
        for at in 0..self.list("/other_host_key_seeds").len() {
            identities =
                identities.and(self.identity(&format!("/other_host_key_seeds/{at}")).unwrap());
        }
        let mut config = ServerConfig::new(identities);
        config.ciphers = self.ciphers("server");
        config.protocols = self.protocols("server");
        config.exchange = Exchange::PreferHybrid;
        config.prologue = self.bytes("/prologue");
        config
    }

    fn check_established(&self, established: &Established) {
        let mut binding = [0; 32];
        established.export("channel binding", b"", &mut binding).unwrap();
        assert_eq!(binding.to_vec(), self.secret("channel_binding"));
        assert_eq!(established.exporter.expose().to_vec(), self.secret("exporter"));
        assert_eq!(established.protocol, self.text("/protocol").as_bytes());
        assert_eq!(established.exchange, self.exchange());
        assert_eq!(u64::from(established.cipher.id()), self.0["aead"].as_u64().unwrap());
    }

    fn check_rekeyed(&self, session: &Session) {
        let generation = session.generation();
        assert_eq!(generation.expose_main().to_vec(), self.secret("main_1"));
        assert_eq!(
            generation.traffic().unwrap().client().unwrap().expose().to_vec(),
            self.secret("c_ap_1")
        );
        assert_eq!(
            generation.traffic().unwrap().server().unwrap().expose().to_vec(),
            self.secret("s_ap_1")
        );
    }
}

/// Fresh values, taken by their kind.
struct Fresh(Vec<(String, Vec<u8>)>);

impl Fresh {
    fn take(&mut self, what: &str) -> Vec<u8> {
        let at = self.0.iter().position(|(kind, _)| kind.starts_with(what));
        self.0.remove(at.unwrap_or_else(|| panic!("no {what} left"))).1
    }

    fn has(&self, what: &str) -> bool {
        self.0.iter().any(|(kind, _)| kind.starts_with(what))
    }

    fn array<const N: usize>(&mut self, what: &str) -> [u8; N] {
        self.take(what).try_into().unwrap()
    }

    /// As the recordings' README says: the real hint stands at place 3, grease is fixed.
    fn client(&mut self, hinted: bool) -> ClientFresh {
        let mut fillers = [[0; 16]; 8];
        for (place, filler) in fillers.iter_mut().enumerate() {
            if !(hinted && place == 3) {
                *filler = self.array("hint filler");
            }
        }
        ClientFresh {
            random: self.array("random"),
            x25519: Secret::new(self.array("x25519")),
            kem: if self.has("mlkem768") {
                Secret::new(self.array("mlkem768"))
            } else {
                Secret::zero()
            },
            fillers,
            places: [3; 8],
            grease: Grease::fixed(0x5a, 1, 0x3a3a, &self.take("grease")),
        }
    }

    fn server(&mut self) -> ServerFresh {
        ServerFresh {
            random: self.array("random"),
            x25519: Secret::new(self.array("x25519")),
            kem: if self.has("mlkem768") {
                Secret::new(self.array("mlkem768"))
            } else {
                Secret::zero()
            },
        }
    }
}

/// Rekeys draw X25519 first, then ML-KEM.
impl TryRng for Fresh {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        panic!("a rekey draws bytes")
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        panic!("a rekey draws bytes")
    }

    fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), Infallible> {
        let what = if self.has("x25519") { "x25519" } else { "mlkem768" };
        out.copy_from_slice(&self.take(what));
        Ok(())
    }
}

impl TryCryptoRng for Fresh {}

/// One direction's recorded bytes, taken piece by piece.
struct Recorded {
    bytes: Vec<u8>,
    at: usize,
}

impl Recorded {
    fn new(bytes: Vec<u8>) -> Self {
        Self { bytes, at: 0 }
    }

    fn take(&mut self, len: usize) -> Vec<u8> {
        let piece = self.bytes[self.at..self.at + len].to_vec();
        self.at += len;
        piece
    }

    fn hello(&mut self) -> Vec<u8> {
        let (_, len) = frame::hello(&self.bytes[self.at..]).unwrap().unwrap();
        self.take(len)
    }

    fn record(&mut self) -> Vec<u8> {
        let len = session::record_len(&self.bytes[self.at..]).unwrap().unwrap();
        self.take(len)
    }

    #[track_caller]
    fn expect(&mut self, sent: &[u8]) {
        let at = self.at;
        assert_eq!(hex::encode(self.take(sent.len())), hex::encode(sent), "at byte {at}");
    }

    #[track_caller]
    fn finish(self) {
        assert_eq!(self.at, self.bytes.len(), "all recorded bytes were used");
    }
}

/// Data sent by the client, in their order, as the recordings' `application` tells them.
fn messages(vector: &Vector) -> Vec<String> {
    let sent = vector.list("/application").join("\n");
    let mut out = Vec::new();
    for line in sent.lines() {
        let mut quoted = line.split('\'').skip(1).step_by(2);
        if let Some(first) = quoted.next() {
            out.push(first.to_owned());
        }
    }
    out
}

fn receive_data(session: &mut Session, from: &mut Recorded, expected: &str, fresh: &mut Fresh) {
    loop {
        let mut record = from.record();
        match session.receive(&mut record, Instant::now(), fresh).unwrap() {
            Event::Data(data) => {
                assert_eq!(data, expected.as_bytes());
                return;
            }
            Event::Nothing => {}
            other => panic!("{other:?} in the place of {expected}"),
        }
    }
}

fn run_client(name: &str) {
    let vector = Vector::load(name);
    let mut to_server = Recorded::new(vector.bytes("/client_to_server_bytes"));
    let mut to_client = Recorded::new(vector.bytes("/server_to_client_bytes"));
    let mut fresh = vector.fresh("client");
    let mut config = vector.client_config();
    let host_key = vector.identity("/host_key_seed").unwrap();
    let hinted = fresh.0.iter().filter(|(what, _)| what == "hint filler").count() == 7;
    if hinted {
        config.expected = vec![host_key.public_key().clone()];
    }
    let eager = config.eager;

    let (state, out) = client::start(Arc::new(config), fresh.client(hinted)).unwrap();
    assert_eq!(out, vector.secret("client_hello"));
    to_server.expect(&out);
    let state = state.read(&to_client.hello()).unwrap();
    let state = state.read(&mut to_client.record()).unwrap();
    assert_eq!(state.host_key(), host_key.public_key());
    let identity = vector.identity("/client_key_seed");
    let (mut state, out) = state.trust(identity.as_ref()).unwrap();
    to_server.expect(&out);

    let sent = messages(&vector);
    if eager {
        to_server.expect(&state.eager_data(sent[0].as_bytes()).unwrap());
    }
    if name == "denied" {
        let failure = state.read(&mut to_client.record()).unwrap_err();
        assert!(
            matches!(&failure.error, Error::Ended(farewell) if farewell.code == ErrorCode::PermissionDenied),
            "{}",
            failure.error
        );
        assert!(failure.farewell.is_empty(), "an Error is not answered");
        to_server.finish();
        return to_client.finish();
    }
    let welcomed = loop {
        match state.read(&mut to_client.record()).unwrap() {
            Answer::Password(question) => {
                assert_eq!(question.prompt(), "Password for alice: ");
                let (next, out) = question.answer(vector.text("/password")).unwrap();
                to_server.expect(&out);
                state = next;
            }
            Answer::Welcome(welcomed) => break welcomed,
        }
    };
    vector.check_established(&welcomed.established);
    let others: Vec<_> = (0..vector.list("/other_host_key_seeds").len())
        .map(|at| vector.identity(&format!("/other_host_key_seeds/{at}")).unwrap())
        .map(|identity| identity.public_key().clone())
        .collect();
    assert_eq!(welcomed.other_host_keys, others);

    let mut session = welcomed.established.session;
    for (at, text) in sent.iter().enumerate() {
        let mut out = Vec::new();
        if text == "during" {
            session.rekey(Instant::now(), &mut fresh, &mut out).unwrap();
        }
        if !(eager && at == 0) {
            session.send(text.as_bytes(), &mut out).unwrap();
        }
        to_server.expect(&out);
        receive_data(&mut session, &mut to_client, &format!("re: {text}"), &mut fresh);
    }
    if name.starts_with("rekey") {
        vector.check_rekeyed(&session);
    }
    let mut out = Vec::new();
    session.close(&mut out).unwrap();
    to_server.expect(&out);
    let mut record = to_client.record();
    let event = session.receive(&mut record, Instant::now(), &mut fresh).unwrap();
    assert!(matches!(event, Event::Closed), "the server's Close");
    assert!(session.is_over(), "both sides have closed");
    to_server.finish();
    to_client.finish();
    assert!(fresh.0.is_empty(), "all fresh values were used: {:?}", fresh.0);
}

fn run_server(name: &str) {
    let vector = Vector::load(name);
    let mut to_server = Recorded::new(vector.bytes("/client_to_server_bytes"));
    let mut to_client = Recorded::new(vector.bytes("/server_to_client_bytes"));
    let mut fresh = vector.fresh("server");
    let config = Arc::new(vector.server_config());

    let state = server::hello(&config, &to_server.hello()).unwrap();
    let (state, out) = state.accept(fresh.server()).unwrap();
    to_client.expect(&out);
    let mut state = state.read(&mut to_server.record()).unwrap();
    let claims = state.claims().clone();
    let identity = vector.identity("/client_key_seed");
    assert_eq!(claims.key, identity.map(|identity| identity.public_key().clone()));
    assert_eq!(claims.login, vector.text("/client/login"));
    assert_eq!(claims.target, vector.client_config().target);
    assert_eq!(claims.protocols, vector.protocols("client"));
    if name == "denied" {
        to_client.expect(&state.refuse(ErrorCode::PermissionDenied));
        to_server.finish();
        return to_client.finish();
    }
    if name == "password" {
        let (waiting, out) = state.ask_password("Password for alice: ").unwrap();
        to_client.expect(&out);
        let (next, password) = waiting.read(&mut to_server.record()).unwrap();
        assert_eq!(*password, vector.text("/password"));
        state = next;
    }
    let (established, out) = state.welcome().unwrap();
    to_client.expect(&out);
    vector.check_established(&established);

    let mut session = established.session;
    for text in messages(&vector) {
        receive_data(&mut session, &mut to_server, &text, &mut fresh);
        let mut out = Vec::new();
        session.send(format!("re: {text}").as_bytes(), &mut out).unwrap();
        to_client.expect(&out);
    }
    if name.starts_with("rekey") {
        vector.check_rekeyed(&session);
    }
    let mut record = to_server.record();
    let event = session.receive(&mut record, Instant::now(), &mut fresh).unwrap();
    assert!(matches!(event, Event::Closed), "the client's Close");
    let mut out = Vec::new();
    session.close(&mut out).unwrap();
    to_client.expect(&out);
    to_server.finish();
    to_client.finish();
    assert!(fresh.0.is_empty(), "all fresh values were used: {:?}", fresh.0);
}

#[test]
fn the_client_speaks_as_recorded() {
    for name in NAMES {
        println!("{name}");
        run_client(name);
    }
}

#[test]
fn the_server_speaks_as_recorded() {
    for name in NAMES {
        // aws-lc-rs draws ML-KEM's randomness itself, so what its servers send cannot be foretold
        if cfg!(feature = "aws-lc-rs") && Vector::load(name).is_hybrid() {
            continue;
        }
        println!("{name}");
        run_server(name);
    }
}

#[test]
fn the_secrets_of_the_handshake_are_as_recorded() {
    use crate::schedule::{Agreed, HandshakeSecrets, Transcript};
    for name in NAMES {
        let vector = Vector::load(name);
        let ikm = vector.secret("ikm");
        let agreed = Agreed {
            mlkem: vector.is_hybrid().then(|| Secret::new(ikm[..32].try_into().unwrap())),
            x25519: Secret::new(ikm[ikm.len() - 32..].try_into().unwrap()),
        };
        let mut transcript = Transcript::new(&vector.bytes("/prologue")).unwrap();
        transcript.add(&vector.secret("client_hello"));
        transcript.add(&vector.secret("server_hello"));
        let th = transcript.hash();
        assert_eq!(th.to_vec(), vector.secret("th_server_hello"), "{name}");
        let secrets = HandshakeSecrets::derive(&agreed, &th).unwrap();
        assert_eq!(secrets.client.expose().to_vec(), vector.secret("c_hs"), "{name}");
        assert_eq!(secrets.server.expose().to_vec(), vector.secret("s_hs"), "{name}");
        transcript.add(&vector.secret("server_auth"));
        assert_eq!(transcript.hash().to_vec(), vector.secret("th_server_auth"), "{name}");
        transcript.add(&vector.secret("client_auth"));
        let th = transcript.hash();
        assert_eq!(th.to_vec(), vector.secret("th_client_auth"), "{name}");
        let generation = secrets.into_generation(th);
        assert_eq!(generation.expose_main().to_vec(), vector.secret("main_0"), "{name}");
        assert_eq!(
            generation.traffic().unwrap().client().unwrap().expose().to_vec(),
            vector.secret("c_ap_0")
        );
        assert_eq!(
            generation.traffic().unwrap().server().unwrap().expose().to_vec(),
            vector.secret("s_ap_0")
        );
    }
}
