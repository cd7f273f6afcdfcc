//! What the honest peer, who knows all secrets, computes for itself.

use super::fixed;
use super::input::{Input, Script, said, seal};
use crate::crypto::{Cipher, Mac};
use crate::error::{ErrorCode, Farewell};
use crate::key::{Identity, sshsig};
use crate::record::{Opener, Padding, RecordType, Sealer};
use crate::schedule::{Agreed, DirectionSecret, HandshakeSecrets, Transcript};
use crate::wire::auth::Proof;
use crate::wire::writer;

pub(super) const SERVER_NAMESPACE: &str = "handfast-v1-server";
pub(super) const CLIENT_NAMESPACE: &str = "handfast-v1-client";
pub(super) const ROTATE_NAMESPACE: &str = "handfast-v1-rotate";

/// Both sides' keys behind the hellos.
#[derive(Debug)]
pub(super) struct Handshake {
    pub(super) cipher: Cipher,
    pub(super) secrets: HandshakeSecrets,
    pub(super) transcript: Transcript,
}

impl Handshake {
    pub(super) fn new(
        client_hello: &[u8],
        server_hello: &[u8],
        cipher: Cipher,
        agreed: &Agreed,
    ) -> Self {
        let mut transcript = Transcript::new(&[]).expect("it is short");
        transcript.add(client_hello);
        transcript.add(server_hello);
        let secrets =
            HandshakeSecrets::derive(agreed, &transcript.hash()).expect("it is always possible");
        Self { cipher, secrets, transcript }
    }

    pub(super) fn sealer(&self, secret: &DirectionSecret) -> Sealer {
        Sealer::new(self.cipher, secret).expect("the cipher is there")
    }

    pub(super) fn opener(&self, secret: &DirectionSecret) -> Opener {
        Opener::new(self.cipher, secret).expect("the cipher is there")
    }
}

/// Who proves what in an Auth message.
#[derive(Debug, Clone, Copy)]
pub(super) struct Prover<'a> {
    pub(super) secret: &'a DirectionSecret,
    pub(super) transcript: &'a Transcript,
    pub(super) namespace: &'static str,
    pub(super) identity: Option<&'a Identity>,
}

impl Prover<'_> {
    fn signature(&self, signed: &[u8]) -> Vec<u8> {
        let mut transcript = self.transcript.clone();
        transcript.add(signed);
        let data = sshsig::signed_data(self.namespace, &transcript.hash());
        self.identity
            .map(|identity| sshsig::signature_blob(&identity.sign(&data)).to_vec())
            .unwrap_or_default()
    }

    fn mac(&self, maced: &[u8]) -> Mac {
        let mut transcript = self.transcript.clone();
        transcript.add(maced);
        self.secret.mac(&transcript.hash()).expect("it is always possible")
    }

    /// Adds the MAC.
    fn mac_behind(&self, maced: &[u8]) -> Vec<u8> {
        let mut message = maced.to_vec();
        self.mac(maced).append_to(&mut message);
        message
    }

    /// Adds signature and MAC.
    pub(super) fn proof_behind(&self, signed: &[u8]) -> Vec<u8> {
        let mut maced = signed.to_vec();
        writer::bytes16(&mut maced, &self.signature(signed)).expect("it is short");
        self.mac_behind(&maced)
    }

    /// Whether the MAC is the one that the peer makes.
    pub(super) fn made_mac(&self, message: &[u8], proof: &Proof<'_>) -> bool {
        self.mac(message.get(..proof.maced_len).unwrap_or_default()).is(proof.mac)
    }

    /// Whether all that is proved is what the peer proves: nobody else can make any of it.
    /// Signatures are deterministic, so there is one.
    pub(super) fn made(&self, message: &[u8], proof: &Proof<'_>) -> bool {
        let signed = message.get(..proof.signed_len).unwrap_or_default();
        let own = self.identity.is_some_and(|identity| identity.public_key().blob() == proof.key);
        self.made_mac(message, proof)
            && (proof.key.is_empty() || own && self.signature(signed) == proof.signature)
    }

    /// The record with an Auth message that the input asks for, and whether it is the honest one.
    pub(super) fn record(
        &self,
        input: &mut Input<'_>,
        sealer: &mut Sealer,
        honest: &[u8],
    ) -> (Vec<u8>, bool) {
        let script: &mut Script<'_> = match input {
            Input::Raw(rest) => return (Input::raw_record(rest), false),
            Input::Scripted(script) => script,
        };
        let (message, is_honest) = match script.u8() % 6 {
            0 => (self.proof_behind(honest), true),
            1 => (self.proof_behind(&script.patch(honest)), false),
            2 => (self.proof_behind(script.chunk()), false),
            3 => (self.mac_behind(script.chunk()), false),
            4 => return (said(script, sealer), false),
            _ => return (script.chunk().to_vec(), false),
        };
        (seal(sealer, RecordType::Auth.id(), &message, Padding::AUTH), is_honest)
    }
}

/// What the side under test finds in a record: its type and content.
pub(super) fn seen(mirror: &mut Opener, record: &[u8]) -> Option<(RecordType, Vec<u8>)> {
    let mut record = record.to_vec();
    let opened = mirror.open(&mut record).ok()?;
    Some((opened.kind, opened.content.to_vec()))
}

/// Opens a record that the side under test has made.
pub(super) fn open(opener: &mut Opener, record: &[u8]) -> (RecordType, Vec<u8>) {
    assert_eq!(
        crate::session::record_len(record),
        Ok(Some(record.len())),
        "it sends whole records"
    );
    let mut record = record.to_vec();
    let opened = opener.open(&mut record).expect("what it sends can be opened");
    (opened.kind, opened.content.to_vec())
}

/// Opens a record from before Welcome, whose padding hides what it is.
pub(super) fn open_early(opener: &mut Opener, record: &[u8]) -> (RecordType, Vec<u8>) {
    assert_eq!(record.len() % 512, 18, "it is padded");
    open(opener, record)
}

/// Reads the Error with which the side under test ends a handshake.
pub(super) fn farewell(opener: &mut Opener, record: &[u8]) -> ErrorCode {
    let (kind, content) = open_early(opener, record);
    assert_eq!(kind, RecordType::Error, "the last word is an Error");
    let farewell = Farewell::decode(&content).expect("it is well formed");
    assert_eq!(farewell.text, "", "an early Error has no text");
    farewell.code
}

/// The AEADs that both sides of a handshake use.
pub(super) fn ciphers(aes: bool) -> Vec<Cipher> {
    match aes {
        true => vec![Cipher::Aes256Gcm],
        false => vec![Cipher::ChaCha20Poly1305, Cipher::Aes256Gcm],
    }
}

/// The application protocols that both sides of a handshake name.
pub(super) fn protocols(named: bool, eager: bool) -> Vec<Vec<u8>> {
    match (named, eager) {
        (false, _) => Vec::new(),
        (true, false) => vec![b"echo/2".to_vec(), b"echo/1".to_vec()],
        (true, true) => vec![b"echo/1".to_vec()],
    }
}

/// Whether a key is one of the host's.
pub(super) fn host_of(blob: &[u8]) -> Option<Identity> {
    [fixed::host(), fixed::other_host(), fixed::named_host()]
        .into_iter()
        .find(|identity| identity.public_key().blob() == blob)
}
