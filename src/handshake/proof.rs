//! What both Auth messages share: signature and MAC over the transcript, and keys in hellos.

use crate::crypto::secret::Secret;
use crate::crypto::{hmac_sha256, sha256};
use crate::error::{Error, Farewell, Incompatible, KeyType, Misbehaved, Unproved};
use crate::key::{KeyError, PublicKey, sshsig};
use crate::record::RecordType;
use crate::schedule::{DirectionSecret, Exporter, Transcript};
use crate::wire::auth::Proof;
use crate::wire::{HINT_LEN, writer};

/// The namespace of a server's signature.
pub(super) const SERVER_NAMESPACE: &str = "handfast-v1-server";
/// The namespace of a client's signature.
pub(super) const CLIENT_NAMESPACE: &str = "handfast-v1-client";
/// The namespace of the proofs of a server's other host keys.
pub(super) const ROTATE_NAMESPACE: &str = "handfast-v1-rotate";

/// A hint: names a host key to those who know it.
pub(super) fn hint_for(blob: &[u8], random: &[u8; 32], x25519: &[u8; 32]) -> [u8; HINT_LEN] {
    let key = sha256(&[b"hf1 hint", blob]);
    let mac = hmac_sha256(&key, &[random, x25519]);
    mac.first_chunk().copied().unwrap_or_default()
}

/// The transcript at the two places of an Auth message that are signed and authenticated.
pub(super) struct ProofHashes {
    pub(super) signed: [u8; 32],
    pub(super) maced: [u8; 32],
}

impl ProofHashes {
    /// Adds a whole Auth message to the transcript.
    pub(super) fn add(transcript: &mut Transcript, message: &[u8], proof: &Proof<'_>) -> Self {
        let (front, mac) = message.split_at_checked(proof.maced_len).unwrap_or((message, &[]));
        let (signed, signature) = front.split_at_checked(proof.signed_len).unwrap_or((front, &[]));
        transcript.add(signed);
        let signed = transcript.hash();
        transcript.add(signature);
        let maced = transcript.hash();
        transcript.add(mac);
        Self { signed, maced }
    }
}

/// Compares a message's MAC, in constant time.
pub(super) fn check_mac(
    secret: &DirectionSecret,
    th: &ProofHashes,
    proof: &Proof<'_>,
) -> Result<(), Error> {
    if secret.mac(&th.maced)?.is(proof.mac) {
        Ok(())
    } else {
        Err(Error::Misbehaved(Misbehaved::Mac))
    }
}

/// Reads the key, and checks its signature. If both are wrong, the error is about the key: the
/// protocol's order is type, point, signature.
pub(super) fn check_signature(
    proof: &Proof<'_>,
    namespace: &str,
    th: &[u8; 32],
) -> Result<PublicKey, Error> {
    proved_key(proof.key, proof.signature, namespace, th)
        .ok_or_else(|| read_key(proof.key).err().unwrap_or(Error::Unproved(Unproved::Signature)))
}

/// The key in `blob`, if `signature` is its signature over `message` for this purpose.
pub(super) fn proved_key(
    blob: &[u8],
    signature: &[u8],
    namespace: &str,
    message: &[u8],
) -> Option<PublicKey> {
    let signature = sshsig::parse_signature_blob(signature).ok()?;
    PublicKey::proved(blob, &sshsig::signed_data(namespace, message), &signature)
}

/// Reads a key blob: a plain Ed25519 key, or an error that names what it is.
fn read_key(blob: &[u8]) -> Result<PublicKey, Error> {
    PublicKey::from_blob(blob).map_err(|error| match error {
        KeyError::UnsupportedAlgorithm { .. } | KeyError::UnknownAlgorithm { .. } => {
            let kind = match crate::key::blob_type(blob).unwrap_or_default() {
                b"ssh-ed25519-cert-v01@openssh.com" => KeyType::Certificate,
                b"sk-ssh-ed25519@openssh.com" => KeyType::SecurityKey,
                b"sk-ssh-ed25519-cert-v01@openssh.com" => KeyType::SecurityKeyCertificate,
                _ => KeyType::Other,
            };
            Error::Incompatible(Incompatible::KeyType(kind))
        }
        _ => Error::Unproved(Unproved::Key),
    })
}

pub(super) fn ended(content: &[u8]) -> Error {
    match Farewell::decode(content) {
        Ok(farewell) => Error::Ended(farewell),
        Err(cause) => Error::malformed("Error", cause),
    }
}

pub(super) const fn unexpected(kind: RecordType, state: &'static str) -> Error {
    Error::Misbehaved(Misbehaved::Unexpected { got: kind.name(), state })
}

/// Ends an Auth message: the signature over it so far (none without a key), then the MAC.
pub(super) fn finish_auth(
    transcript: &mut Transcript,
    message: &mut Vec<u8>,
    secret: &DirectionSecret,
    sign: impl FnOnce(&[u8; 32]) -> Option<[u8; 83]>,
) -> Result<(), Error> {
    transcript.add(message);
    let signed = message.len();
    let signature = sign(&transcript.hash());
    writer::bytes16(message, signature.as_ref().map_or(&[][..], |blob| &blob[..]))?;
    transcript.add(message.get(signed..).unwrap_or_default());
    let maced = message.len();
    secret.mac(&transcript.hash())?.append_to(message);
    transcript.add(message.get(maced..).unwrap_or_default());
    Ok(())
}

/// What a proof of another host key signs.
pub(super) fn rotate_challenge(exporter: &Exporter, blob: &[u8]) -> Result<Secret<32>, Error> {
    let mut challenge = Secret::zero();
    exporter.export_reserved("host key", blob, challenge.expose_mut())?;
    Ok(challenge)
}
