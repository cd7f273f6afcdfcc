//! The second implementation agrees with the recorded connections.

use serde_json::Value;

use crate::wire::support::crypto::{
    Direction, Secrets, export, kem_key, key_blob, label32, x25519, x25519_public,
};
use crate::wire::support::messages::{
    AUTH, Fields, HINTS, MLKEM, Proof, REKEY_DONE, REKEY_INIT, REKEY_REPLY, bytes8, hint, padded,
    target, unpad,
};

const NAMES: [&str; 12] = [
    "aes",
    "anonymous",
    "classical",
    "default",
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

    fn hex(&self, pointer: &str) -> Vec<u8> {
        hex::decode(self.0.pointer(pointer).unwrap().as_str().unwrap()).unwrap()
    }

    fn secret(&self, name: &str) -> Vec<u8> {
        self.hex(&format!("/messages_and_secrets/{name}"))
    }

    fn seed(&self, name: &str) -> Option<[u8; 32]> {
        let text = self.0[name].as_str()?;
        Some(hex::decode(text).unwrap().try_into().unwrap())
    }

    /// All values that a side drew under this name, in order.
    fn fresh(&self, role: &str, what: &str) -> Vec<Vec<u8>> {
        let list = self.0[role]["fresh_in_order"].as_array().unwrap();
        let these = list.iter().filter(|v| v["what"].as_str().unwrap().starts_with(what));
        these.map(|v| hex::decode(v["hex"].as_str().unwrap()).unwrap()).collect()
    }

    fn texts(&self, role: &str, name: &str) -> Vec<&str> {
        self.0[role][name].as_array().unwrap().iter().map(|v| v.as_str().unwrap()).collect()
    }
}

fn array<const N: usize>(bytes: &[u8]) -> [u8; N] {
    bytes.try_into().unwrap()
}

/// [WIRE-5] [HELLO-5] [HELLO-8] [KEX-3] [HINT-1]
#[test]
fn recorded_hellos_hold_what_the_recorded_randomness_makes() {
    for name in NAMES {
        let vector = Vector::load(name);
        let hello = vector.secret("client_hello");
        let mut fields = Fields(&hello[7..]);
        let random: [u8; 32] = fields.array();
        assert_eq!(random.to_vec(), vector.fresh("client", "random")[0], "{name}");
        let public: [u8; 32] = fields.array();
        let secret = array(&vector.fresh("client", "x25519")[0]);
        assert_eq!(public, x25519_public(&secret), "{name}");
        let aeads = fields.bytes8();
        assert_eq!(aeads.iter().filter(|id| [0x1a, 0x3a, 0x5a, 0x7a].contains(id)).count(), 1);
        let extensions = fields.extensions();
        assert!(fields.0.is_empty(), "{name}");
        for (kind, body) in &extensions {
            match *kind {
                MLKEM => {
                    let seed = array(&vector.fresh("client", "mlkem768")[0]);
                    assert_eq!(*body, kem_key(&seed), "{name}");
                }
                HINTS => {
                    assert_eq!(body.len(), 128);
                    let real = hint(&vector.hex("/host_key_blob"), &random, &public);
                    let hints = body.chunks(16).filter(|h| *h == real).count();
                    let fillers = vector.fresh("client", "hint filler").len();
                    assert_eq!(hints + fillers, 8, "{name}");
                }
                3 => {
                    assert_eq!(body, vector.0["client"]["server_name"].as_str().unwrap().as_bytes())
                }
                grease => {
                    let [high, low] = grease.to_be_bytes();
                    assert!(high == low && low & 0x0f == 0x0a, "{name}");
                    assert_eq!(*body, vector.fresh("client", "grease")[0]);
                }
            }
        }
        let hello = vector.secret("server_hello");
        let mut fields = Fields(&hello[7..]);
        assert_eq!(fields.take(32), vector.fresh("server", "random")[0], "{name}");
        let server: [u8; 32] = fields.array();
        let ikm = vector.secret("ikm");
        assert_eq!(ikm[ikm.len() - 32..], x25519(&secret, &server), "{name}");
        assert_eq!(u64::from(fields.u8()), vector.0["aead"].as_u64().unwrap(), "{name}");
    }
}

/// [SCHED-1] [SCHED-2] [SCHED-3] [SIG-1] [SIG-2]
#[test]
fn recorded_proofs_and_secrets_come_out_the_same() {
    for name in NAMES {
        let vector = Vector::load(name);
        let begin = Secrets::begin(&vector.hex("/prologue"));
        let hellos = [begin, vector.secret("client_hello"), vector.secret("server_hello")];
        let mut secrets = Secrets::handshake(hellos.concat(), &vector.secret("ikm"));
        assert_eq!(secrets.handshake.to_vec(), vector.secret("handshake_secret"), "{name}");
        assert_eq!(secrets.th().to_vec(), vector.secret("th_server_hello"), "{name}");
        assert_eq!(secrets.c_hs.to_vec(), vector.secret("c_hs"), "{name}");
        assert_eq!(secrets.s_hs.to_vec(), vector.secret("s_hs"), "{name}");
        assert_eq!(secrets.main.to_vec(), vector.secret("main_0"), "{name}");

        let host = vector.seed("host_key_seed").unwrap();
        assert_eq!(key_blob(&host), vector.hex("/host_key_blob"));
        let (s_hs, c_hs) = (secrets.s_hs, secrets.c_hs);
        let server_auth = Proof::of_server(&host).encode(&mut secrets, &s_hs);
        assert_eq!(server_auth, vector.secret("server_auth"), "{name}");
        assert_eq!(secrets.th().to_vec(), vector.secret("th_server_auth"), "{name}");

        let client = &vector.0["client"];
        let mut proof = match vector.seed("client_key_seed") {
            Some(seed) => Proof::of_client(&seed),
            None => Proof::of_nobody(),
        };
        proof = proof.login(client["login"].as_str().unwrap());
        proof.words().flags = u8::from(client["eager"].as_bool().unwrap());
        let names = vector.texts("client", "protocols");
        proof.words().protocols = names.iter().flat_map(|n| bytes8(n.as_bytes())).collect();
        let port = client["target"][1].as_u64().unwrap() as u16;
        proof.extensions[0].1 = target(client["target"][0].as_str().unwrap(), port);
        let client_auth = proof.encode(&mut secrets, &c_hs);
        assert_eq!(client_auth, vector.secret("client_auth"), "{name}");
        secrets.authenticated();
        assert_eq!(secrets.tr.to_vec(), vector.secret("th_client_auth"), "{name}");
        assert_eq!(secrets.exporter.to_vec(), vector.secret("exporter"), "{name}");
        assert_eq!(secrets.c_ap().to_vec(), vector.secret("c_ap_0"), "{name}");
        assert_eq!(secrets.s_ap().to_vec(), vector.secret("s_ap_0"), "{name}");
        let binding = export(&secrets.exporter, "channel binding", b"", 32);
        assert_eq!(binding, vector.secret("channel_binding"), "{name}");
    }
}

/// One recorded direction: opens every record and seals it again. Gives the messages, those of
/// rekeys apart.
fn replay(vector: &Vector, client: bool) -> Vec<(u8, Vec<u8>)> {
    let bytes = if client { "/client_to_server_bytes" } else { "/server_to_client_bytes" };
    let bytes = vector.hex(bytes);
    let aead = vector.0["aead"].as_u64().unwrap() as u8;
    let secret = |name: &str| array::<32>(&vector.secret(name));
    let side = if client { "c" } else { "s" };
    let mut keys = vec![secret(&format!("{side}_hs")), secret(&format!("{side}_ap_0"))];
    if vector.0["messages_and_secrets"].get("main_1").is_some() {
        keys.push(secret(&format!("{side}_ap_1")));
    }
    let hello = 7 + usize::from(u16::from_be_bytes([bytes[5], bytes[6]]));
    let mut fields = Fields(&bytes[hello..]);
    let mut keys = keys.into_iter();
    let mut open = Direction::new(aead, &keys.next().unwrap());
    let mut seal = open.clone();
    let mut messages = Vec::new();
    while !fields.0.is_empty() {
        let ciphertext = fields.bytes16();
        let inner = open.open(ciphertext).expect("it decrypts");
        assert_eq!(seal.seal(&inner)[2..], *ciphertext, "it is sealed to the same bytes");
        let (kind, content) = unpad(&inner);
        if kind == AUTH {
            assert_eq!(inner, padded(AUTH, content), "AUTH-1");
        }
        messages.push((kind, content.to_vec()));
        if messages.len() == 1 || kind == REKEY_REPLY || kind == REKEY_DONE {
            open = Direction::new(aead, &keys.next().unwrap());
            seal = open.clone();
        }
    }
    messages
}

/// [REC-1] [REC-2] [AUTH-1] [REKEY-3] [REKEY-4]
#[test]
fn recorded_connections_open_record_by_record() {
    for name in NAMES {
        let vector = Vector::load(name);
        let (client, server) = (replay(&vector, true), replay(&vector, false));
        assert_eq!(client[0], (AUTH, vector.secret("client_auth")), "{name}");
        assert_eq!(server[0], (AUTH, vector.secret("server_auth")), "{name}");
        let messages = vector.0["messages_and_secrets"].as_object().unwrap();
        for (what, side, kind) in [
            ("auth_request", &server, AUTH),
            ("auth_response", &client, AUTH),
            ("welcome", &server, AUTH),
            ("rekey_init", &client, REKEY_INIT),
            ("rekey_reply", &server, REKEY_REPLY),
        ] {
            if messages.contains_key(what) && name != "denied" {
                assert!(side.contains(&(kind, vector.secret(what))), "{name}: {what}");
            }
        }
        if name == "denied" {
            assert_eq!(server[1..], [(4, vec![0, 2, 0, 0])]);
        }
    }
}

/// [SCHED-2] [REKEY-2]
#[test]
fn recorded_rekeys_derive_the_same_keys() {
    for name in ["rekey", "rekey-classical-aes"] {
        let vector = Vector::load(name);
        let (init, reply) = (vector.secret("rekey_init"), vector.secret("rekey_reply"));
        let mut ikm = Vec::new();
        let (mut sent, mut answered) = (Fields(&init), Fields(&reply));
        let (client, server): ([u8; 32], [u8; 32]) = (sent.array(), answered.array());
        let ciphertext = answered.bytes16();
        assert_eq!(ciphertext.is_empty(), name != "rekey");
        if let Ok(ciphertext) = ciphertext.try_into() {
            let seed = array(&vector.fresh("client", "mlkem768")[1]);
            assert_eq!(sent.bytes16(), kem_key(&seed));
            ikm.extend(crate::wire::support::crypto::decapsulate(&seed, ciphertext));
        }
        let secret = array(&vector.fresh("client", "x25519")[1]);
        assert_eq!(client, x25519_public(&secret));
        ikm.extend(x25519(&secret, &server));
        let mut secrets = Secrets::handshake(Vec::new(), &[]);
        secrets.main = array(&vector.secret("main_0"));
        secrets.tr = array(&vector.secret("th_client_auth"));
        secrets.exporter = label32(&secrets.main, "exporter", &secrets.tr);
        secrets.rekeyed(&init, &reply, &ikm);
        assert_eq!(secrets.main.to_vec(), vector.secret("main_1"), "{name}");
        assert_eq!(secrets.c_ap().to_vec(), vector.secret("c_ap_1"), "{name}");
        assert_eq!(secrets.s_ap().to_vec(), vector.secret("s_ap_1"), "{name}");
        assert_eq!(secrets.exporter.to_vec(), vector.secret("exporter"), "SCHED-6");
    }
}
