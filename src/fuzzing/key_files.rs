//! Keys and signatures as they stand in files and on the wire.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ssh_key::{Cipher, Kdf};

use super::input::Script;
use super::{Reached, fixed};
use crate::key::{self, Identity, PublicKey};

const MESSAGE: &[u8] = b"meet me at noon";
const NAMESPACE: &str = "example";

/// Reads a public key, as text or as bytes.
pub fn public_key(data: &[u8]) -> Reached {
    let mut script = Script::new(data);
    let read = match script.u8() % 3 {
        0 => str::from_utf8(script.rest()).ok().and_then(|text| PublicKey::from_openssh(text).ok()),
        1 => {
            let blob = script.rest();
            PublicKey::from_blob(blob).ok().inspect(|key| {
                assert_eq!(key.blob().as_slice(), blob, "a key has one encoding");
            })
        }
        _ => script.rest().first_chunk().and_then(|bytes| PublicKey::from_bytes(bytes).ok()),
    };
    let Some(key) = read else { return Reached::Nothing };
    assert_eq!(PublicKey::from_openssh(&key.to_string()).as_ref(), Ok(&key), "it is read again");
    assert_eq!(PublicKey::from_blob(&key.blob()).as_ref(), Ok(&key), "it is read again");
    assert_eq!(PublicKey::from_bytes(key.as_bytes()).as_ref(), Ok(&key), "it is read again");
    let fingerprint = key.fingerprint().to_string();
    assert!(fingerprint.starts_with("SHA256:") && fingerprint.len() == 50, "{fingerprint}");
    Reached::Proved
}

/// Reads a private key file: its text, what its base64 says, or what its private part says, plain
/// and encrypted.
pub fn private_key(data: &[u8]) -> Reached {
    let mut script = Script::new(data);
    let (text, passphrase) = match script.u8() % 4 {
        0 => (script.rest().to_vec(), None),
        1 => (private_text(script.rest()), None),
        2 => (private_text(&container(b"none", b"none", b"", script.rest(), None)), None),
        _ => {
            let passphrase = fixed::PASSWORD.as_bytes();
            match encrypted(&mut script, passphrase) {
                Some(text) => (text, Some(passphrase)),
                None => return Reached::Nothing,
            }
        }
    };
    let Ok(identity) = Identity::from_openssh(&text, passphrase) else { return Reached::Nothing };
    let again = identity.to_openssh(None).expect("it was read");
    let again = Identity::from_openssh(&**again, None).expect("it was written");
    assert_eq!(again.public_key(), identity.public_key(), "it is read again");
    assert_eq!(again.comment(), identity.comment(), "it is read again");
    let signature = identity.sign(MESSAGE);
    assert_eq!(identity.public_key().verify(MESSAGE, &signature), Ok(()), "the halves match");
    Reached::Proved
}

/// A private part under a passphrase, with one round of bcrypt.
fn encrypted(script: &mut Script<'_>, passphrase: &[u8]) -> Option<Vec<u8>> {
    const CIPHERS: [Cipher; 4] =
        [Cipher::Aes256Ctr, Cipher::Aes256Cbc, Cipher::Aes256Gcm, Cipher::ChaCha20Poly1305];
    let cipher = *CIPHERS.get(usize::from(script.u8() % 4))?;
    let kdf = Kdf::Bcrypt { salt: vec![7; 16], rounds: 1 };
    let (key, iv) = kdf.derive_key_and_iv(cipher, passphrase).ok()?;
    let mut body = script.rest().to_vec();
    let tag = cipher.encrypt(&key, &iv, &mut body).ok()?;
    let options = [&16u32.to_be_bytes()[..], &[7; 16], &1u32.to_be_bytes()].concat();
    let name = cipher.as_str().as_bytes();
    let tag = tag.as_ref().map(AsRef::as_ref);
    Some(private_text(&container(name, b"bcrypt", &options, &body, tag)))
}

/// The bytes of a private key file with this private part, of the fixed client's key.
fn container(
    cipher: &[u8],
    kdf: &[u8],
    options: &[u8],
    body: &[u8],
    tag: Option<&[u8]>,
) -> Vec<u8> {
    let mut out = b"openssh-key-v1\0".to_vec();
    for part in [cipher, kdf, options] {
        string(&mut out, part);
    }
    out.extend_from_slice(&1u32.to_be_bytes());
    string(&mut out, &fixed::alice().public_key().blob());
    string(&mut out, body);
    out.extend_from_slice(tag.unwrap_or_default());
    out
}

fn string(out: &mut Vec<u8>, bytes: &[u8]) {
    out.extend_from_slice(&u32::try_from(bytes.len()).expect("it is short").to_be_bytes());
    out.extend_from_slice(bytes);
}

fn private_text(blob: &[u8]) -> Vec<u8> {
    armoured("OPENSSH PRIVATE KEY", blob)
}

fn armoured(what: &str, blob: &[u8]) -> Vec<u8> {
    format!("-----BEGIN {what}-----\n{}\n-----END {what}-----\n", STANDARD.encode(blob))
        .into_bytes()
}

/// Reads a signature: its text, what its base64 says, or its innermost bytes.
pub fn sshsig(data: &[u8]) -> Reached {
    let mut script = Script::new(data);
    let alice = fixed::alice();
    let kind = script.u8() % 3;
    let bytes = script.rest();
    let text = match kind {
        0 => bytes.to_vec(),
        1 => armoured("SSH SIGNATURE", bytes),
        _ => {
            return match key::sshsig::parse_signature_blob(bytes) {
                Ok(signature) => {
                    let again = key::sshsig::signature_blob(&signature);
                    assert_eq!(again.as_slice(), bytes, "a signature has one encoding");
                    Reached::Proved
                }
                Err(_) => Reached::Nothing,
            };
        }
    };
    if key::sshsig::verify(alice.public_key(), NAMESPACE, MESSAGE, &text).is_err() {
        return Reached::Nothing;
    }
    // signatures are deterministic, so there is one
    let own = key::sshsig::sign(&alice, NAMESPACE, MESSAGE).expect("the namespace is good");
    assert_eq!(base64_of(&text), base64_of(own.as_bytes()), "nobody else can sign");
    let other = fixed::host();
    assert!(
        key::sshsig::verify(other.public_key(), NAMESPACE, MESSAGE, &text).is_err(),
        "one key has signed"
    );
    Reached::Proved
}

/// What stands between the first line and the last one, without white space.
fn base64_of(text: &[u8]) -> Vec<u8> {
    let lines = text.split(|&byte| byte == b'\n').skip(1);
    lines
        .take_while(|line| !line.starts_with(b"-"))
        .flatten()
        .copied()
        .filter(|byte| !matches!(byte, b' ' | b'\t'..=b'\r'))
        .collect()
}
