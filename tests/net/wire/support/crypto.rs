//! The primitives of sections 2, 5 and 7, put together from public crates.

use chacha20poly1305::ChaCha20Poly1305;
use chacha20poly1305::aead::{AeadInOut, KeyInit};
use ed25519_dalek::Signer;
use hmac::{Hmac, Mac};
use libcrux_ml_kem::mlkem768;
use sha2::{Digest, Sha256, Sha512};

pub(crate) const CHACHA: u8 = 1;
pub(crate) const AES: u8 = 2;

pub(crate) fn random<const N: usize>() -> [u8; N] {
    use rand::TryRng;
    let mut out = [0; N];
    rand::rngs::SysRng.try_fill_bytes(&mut out).unwrap();
    out
}

pub(crate) fn sha256(data: &[u8]) -> [u8; 32] {
    Sha256::digest(data).into()
}

pub(crate) fn hmac(key: &[u8], data: &[u8]) -> [u8; 32] {
    let mut mac = <Hmac<Sha256> as KeyInit>::new_from_slice(key).unwrap();
    mac.update(data);
    mac.finalize().into_bytes().into()
}

/// HKDF-Extract.
pub(crate) fn extract(salt: &[u8], ikm: &[u8]) -> [u8; 32] {
    hmac(salt, ikm)
}

/// HKDF-Expand, RFC 5869 section 2.3.
fn expand(secret: &[u8; 32], info: &[u8], n: usize) -> Vec<u8> {
    let (mut out, mut block) = (Vec::new(), Vec::new());
    let mut counter = 0_u8;
    while out.len() < n {
        counter += 1;
        block = hmac(secret, &[block.as_slice(), info, &[counter]].concat()).to_vec();
        out.extend_from_slice(&block);
    }
    out.truncate(n);
    out
}

/// Label of section 2.
pub(crate) fn label(secret: &[u8; 32], label: &str, context: &[u8], n: usize) -> Vec<u8> {
    let mut info = (n as u16).to_be_bytes().to_vec();
    let label = format!("hf1 {label}");
    info.push(label.len() as u8);
    info.extend_from_slice(label.as_bytes());
    info.push(context.len() as u8);
    info.extend_from_slice(context);
    expand(secret, &info, n)
}

pub(crate) fn label32(secret: &[u8; 32], name: &str, context: &[u8]) -> [u8; 32] {
    label(secret, name, context, 32).try_into().unwrap()
}

/// SCHED-3.
pub(crate) fn export(exporter: &[u8; 32], name: &str, context: &[u8], n: usize) -> Vec<u8> {
    label(&label32(exporter, name, b""), "export", &sha256(context), n)
}

pub(crate) fn x25519_public(secret: &[u8; 32]) -> [u8; 32] {
    x25519_dalek::PublicKey::from(&x25519_dalek::StaticSecret::from(*secret)).to_bytes()
}

pub(crate) fn x25519(secret: &[u8; 32], public: &[u8; 32]) -> [u8; 32] {
    x25519_dalek::StaticSecret::from(*secret)
        .diffie_hellman(&x25519_dalek::PublicKey::from(*public))
        .to_bytes()
}

pub(crate) fn kem_key(seed: &[u8; 64]) -> [u8; 1184] {
    *mlkem768::generate_key_pair(*seed).public_key().as_slice()
}

pub(crate) fn encapsulate(key: &[u8; 1184], m: [u8; 32]) -> ([u8; 1088], [u8; 32]) {
    let (ciphertext, shared) = mlkem768::encapsulate(&key.into(), m);
    (*ciphertext.as_slice(), shared)
}

pub(crate) fn decapsulate(seed: &[u8; 64], ciphertext: &[u8; 1088]) -> [u8; 32] {
    mlkem768::decapsulate(mlkem768::generate_key_pair(*seed).private_key(), &ciphertext.into())
}

fn ssh_string(bytes: &[u8]) -> Vec<u8> {
    [&(bytes.len() as u32).to_be_bytes(), bytes].concat()
}

/// The blob of a plain key.
pub(crate) fn key_blob(seed: &[u8; 32]) -> Vec<u8> {
    let public = ed25519_dalek::SigningKey::from_bytes(seed).verifying_key().to_bytes();
    blob("ssh-ed25519", &public)
}

/// `string(name) || string(body)`: the form of plain keys and signatures.
pub(crate) fn blob(name: &str, body: &[u8]) -> Vec<u8> {
    [ssh_string(name.as_bytes()), ssh_string(body)].concat()
}

/// SIG-1: the bytes that are signed.
fn signed(namespace: &str, th: &[u8; 32]) -> Vec<u8> {
    let hash = Sha512::digest(th);
    let parts = [namespace.as_bytes(), b"", b"sha512", hash.as_slice()];
    [b"SSHSIG".to_vec(), parts.map(ssh_string).concat()].concat()
}

/// The signature blob.
pub(crate) fn sign(seed: &[u8; 32], namespace: &str, th: &[u8; 32]) -> Vec<u8> {
    let key = ed25519_dalek::SigningKey::from_bytes(seed);
    blob("ssh-ed25519", &key.sign(&signed(namespace, th)).to_bytes())
}

pub(crate) fn verify(key: &[u8], signature: &[u8], namespace: &str, th: &[u8; 32]) -> bool {
    let (Some(key), Some(signature)) = (key.last_chunk(), signature.last_chunk()) else {
        return false;
    };
    ed25519_dalek::VerifyingKey::from_bytes(key)
        .unwrap()
        .verify_strict(&signed(namespace, th), &ed25519_dalek::Signature::from_bytes(signature))
        .is_ok()
}

/// One direction under one secret: REC-1.
#[derive(Clone)]
pub(crate) struct Direction {
    aead: u8,
    key: [u8; 32],
    iv: [u8; 12],
    pub(crate) sequence: u64,
}

impl Direction {
    pub(crate) fn new(aead: u8, secret: &[u8; 32]) -> Self {
        let key = label32(secret, "key", b"");
        let iv = label(secret, "iv", b"", 12).try_into().unwrap();
        Self { aead, key, iv, sequence: 0 }
    }

    fn nonce(&mut self) -> [u8; 12] {
        let mut nonce = self.iv;
        for (byte, n) in nonce[4..].iter_mut().zip(self.sequence.to_be_bytes()) {
            *byte ^= n;
        }
        self.sequence += 1;
        nonce
    }

    fn ring(&self) -> ring::aead::LessSafeKey {
        let key = ring::aead::UnboundKey::new(&ring::aead::AES_256_GCM, &self.key).unwrap();
        ring::aead::LessSafeKey::new(key)
    }

    /// A whole record around `inner`.
    pub(crate) fn seal(&mut self, inner: &[u8]) -> Vec<u8> {
        let n = ((inner.len() + 16) as u16).to_be_bytes();
        let nonce = self.nonce();
        let mut bytes = inner.to_vec();
        let tag: Vec<u8> = if self.aead == AES {
            let nonce = ring::aead::Nonce::assume_unique_for_key(nonce);
            let aad = ring::aead::Aad::from(n);
            self.ring().seal_in_place_separate_tag(nonce, aad, &mut bytes).unwrap().as_ref().into()
        } else {
            let cipher = ChaCha20Poly1305::new((&self.key).into());
            let tag = cipher
                .encrypt_inout_detached((&nonce).into(), &n, bytes.as_mut_slice().into())
                .unwrap();
            tag.to_vec()
        };
        [n.as_slice(), &bytes, &tag].concat()
    }

    /// The `inner` of a record's ciphertext, if it decrypts.
    pub(crate) fn open(&mut self, ciphertext: &[u8]) -> Option<Vec<u8>> {
        let n = (ciphertext.len() as u16).to_be_bytes();
        let nonce = self.nonce();
        if self.aead == AES {
            let nonce = ring::aead::Nonce::assume_unique_for_key(nonce);
            let mut bytes = ciphertext.to_vec();
            let aad = ring::aead::Aad::from(n);
            return self.ring().open_in_place(nonce, aad, &mut bytes).ok().map(|b| b.to_vec());
        }
        let (body, tag) = ciphertext.split_last_chunk::<16>()?;
        let mut bytes = body.to_vec();
        ChaCha20Poly1305::new((&self.key).into())
            .decrypt_inout_detached((&nonce).into(), &n, bytes.as_mut_slice().into(), tag.into())
            .ok()?;
        Some(bytes)
    }
}

/// The secrets of a connection, as both ends have them.
#[derive(Clone)]
pub(crate) struct Secrets {
    pub(crate) transcript: Vec<u8>,
    pub(crate) handshake: [u8; 32],
    pub(crate) c_hs: [u8; 32],
    pub(crate) s_hs: [u8; 32],
    pub(crate) main: [u8; 32],
    pub(crate) tr: [u8; 32],
    pub(crate) exporter: [u8; 32],
}

impl Secrets {
    /// What the transcript begins with.
    pub(crate) fn begin(prologue: &[u8]) -> Vec<u8> {
        let len = (prologue.len() as u32).to_be_bytes();
        [b"handfast/1".as_slice(), &len, prologue].concat()
    }

    /// `transcript` reaches to the end of ServerHello.
    pub(crate) fn handshake(transcript: Vec<u8>, ikm: &[u8]) -> Self {
        let handshake = extract(&[0; 32], ikm);
        let th = sha256(&transcript);
        let main = extract(&label32(&handshake, "derived", b""), &[0; 32]);
        Self {
            handshake,
            c_hs: label32(&handshake, "c hs", &th),
            s_hs: label32(&handshake, "s hs", &th),
            main,
            transcript,
            tr: [0; 32],
            exporter: [0; 32],
        }
    }

    pub(crate) fn th(&self) -> [u8; 32] {
        sha256(&self.transcript)
    }

    pub(crate) fn finished(&self, secret: &[u8; 32]) -> [u8; 32] {
        hmac(&label32(secret, "finished", b""), &self.th())
    }

    /// ClientAuth is in the transcript.
    pub(crate) fn authenticated(&mut self) {
        self.tr = self.th();
        self.exporter = label32(&self.main, "exporter", &self.tr);
    }

    pub(crate) fn c_ap(&self) -> [u8; 32] {
        label32(&self.main, "c ap", &self.tr)
    }

    pub(crate) fn s_ap(&self) -> [u8; 32] {
        label32(&self.main, "s ap", &self.tr)
    }

    /// Section 7.5.
    pub(crate) fn rekeyed(&mut self, init: &[u8], reply: &[u8], ikm: &[u8]) {
        self.tr = sha256(&[&self.tr, init, reply].concat());
        self.main = extract(&label32(&self.main, "rekey", &self.tr), ikm);
    }
}
