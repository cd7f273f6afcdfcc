//! rustls with raw public keys (RFC 7250) on both sides, and no tickets, since handfast resumes
//! nothing either.

use std::sync::Arc;

use tokio::net::TcpStream;
use tokio_rustls::rustls::client::danger::{
    HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier,
};
use tokio_rustls::rustls::client::{AlwaysResolvesClientRawPublicKeys, Resumption};
use tokio_rustls::rustls::crypto::{
    CryptoProvider, WebPkiSupportedAlgorithms, verify_tls13_signature_with_raw_key,
};
use tokio_rustls::rustls::pki_types::{
    CertificateDer, PrivatePkcs8KeyDer, ServerName, SubjectPublicKeyInfoDer, UnixTime,
};
use tokio_rustls::rustls::server::AlwaysResolvesServerRawPublicKeys;
use tokio_rustls::rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use tokio_rustls::rustls::sign::CertifiedKey;
use tokio_rustls::rustls::version::TLS13;
use tokio_rustls::rustls::{
    self, ClientConfig, ClientConnection, DigitallySignedStruct, DistinguishedName, Error,
    ServerConfig, ServerConnection, SignatureScheme,
};
use tokio_rustls::{TlsAcceptor, TlsConnector};

use super::{End, Later, Peer, Result};
use crate::keys;
use crate::variant::{Cipher, Exchange, Variant};

#[cfg(feature = "aws-lc-rs")]
use rustls::crypto::aws_lc_rs as backend;
#[cfg(not(feature = "aws-lc-rs"))]
use rustls::crypto::ring as backend;

pub struct Rustls {
    client: Arc<ClientConfig>,
    server: Arc<ServerConfig>,
    name: ServerName<'static>,
}

fn provider(variant: Variant) -> Result<CryptoProvider> {
    let suite = match variant.cipher {
        Cipher::ChaCha => backend::cipher_suite::TLS13_CHACHA20_POLY1305_SHA256,
        Cipher::Aes => backend::cipher_suite::TLS13_AES_256_GCM_SHA384,
    };
    let group = match variant.exchange {
        Exchange::Classical => backend::kx_group::X25519,
        #[cfg(feature = "aws-lc-rs")]
        Exchange::Hybrid => backend::kx_group::X25519MLKEM768,
        #[cfg(not(feature = "aws-lc-rs"))]
        Exchange::Hybrid => return Err("rustls has no ML-KEM over ring".into()),
    };
    Ok(CryptoProvider {
        cipher_suites: vec![suite],
        kx_groups: vec![group],
        ..backend::default_provider()
    })
}

fn certified(provider: &CryptoProvider, seed: &[u8; 32]) -> Result<Arc<CertifiedKey>> {
    let key = PrivatePkcs8KeyDer::from(keys::pkcs8(seed));
    let key = provider.key_provider.load_private_key(key.into())?;
    Ok(Arc::new(CertifiedKey::new(vec![CertificateDer::from(keys::spki(seed))], key)))
}

impl Rustls {
    pub fn new(variant: Variant) -> Result<Self> {
        let provider = Arc::new(provider(variant)?);
        let algorithms = provider.signature_verification_algorithms;

        let mut client = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_protocol_versions(&[&TLS13])?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(OneKey::new(&keys::SERVER, algorithms)))
            .with_client_cert_resolver(Arc::new(AlwaysResolvesClientRawPublicKeys::new(
                certified(&provider, &keys::CLIENT)?,
            )));
        client.resumption = Resumption::disabled();

        let mut server = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_protocol_versions(&[&TLS13])?
            .with_client_cert_verifier(Arc::new(OneKey::new(&keys::CLIENT, algorithms)))
            .with_cert_resolver(Arc::new(AlwaysResolvesServerRawPublicKeys::new(certified(
                &provider,
                &keys::SERVER,
            )?)));
        server.send_tls13_tickets = 0;

        let name = ServerName::try_from("localhost")?;
        Ok(Self { client: Arc::new(client), server: Arc::new(server), name })
    }

    fn in_memory(&self) -> Result<()> {
        let mut client = ClientConnection::new(Arc::clone(&self.client), self.name.clone())?;
        let mut server = ServerConnection::new(Arc::clone(&self.server))?;
        let mut wire = Vec::with_capacity(8 << 10);
        while client.is_handshaking() || server.is_handshaking() {
            wire.clear();
            while client.wants_write() {
                client.write_tls(&mut wire)?;
            }
            feed(&wire, |from| server.read_tls(from))?;
            server.process_new_packets()?;
            wire.clear();
            while server.wants_write() {
                server.write_tls(&mut wire)?;
            }
            feed(&wire, |from| client.read_tls(from))?;
            client.process_new_packets()?;
        }
        Ok(())
    }
}

fn feed(
    mut wire: &[u8],
    mut read: impl FnMut(&mut dyn std::io::Read) -> std::io::Result<usize>,
) -> Result<()> {
    while !wire.is_empty() {
        read(&mut wire)?;
    }
    Ok(())
}

impl Peer for Rustls {
    fn connect(&self, tcp: TcpStream) -> Later<'_, End> {
        Box::pin(async {
            let connector = TlsConnector::from(Arc::clone(&self.client));
            Ok(Box::new(connector.connect(self.name.clone(), tcp).await?) as End)
        })
    }

    fn accept(&self, tcp: TcpStream) -> Later<'_, End> {
        Box::pin(async {
            let acceptor = TlsAcceptor::from(Arc::clone(&self.server));
            Ok(Box::new(acceptor.accept(tcp).await?) as End)
        })
    }

    fn handshake(&self) -> Later<'_, ()> {
        Box::pin(async { self.in_memory() })
    }
}

/// Trusts one raw public key.
#[derive(Debug)]
struct OneKey {
    spki: Vec<u8>,
    algorithms: WebPkiSupportedAlgorithms,
}

impl OneKey {
    fn new(seed: &[u8; 32], algorithms: WebPkiSupportedAlgorithms) -> Self {
        Self { spki: keys::spki(seed), algorithms }
    }

    fn check(&self, shown: &CertificateDer<'_>) -> std::result::Result<(), Error> {
        if shown.as_ref() == self.spki {
            Ok(())
        } else {
            Err(rustls::CertificateError::UnknownIssuer.into())
        }
    }

    fn verify(
        &self,
        message: &[u8],
        shown: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> std::result::Result<HandshakeSignatureValid, Error> {
        let key = SubjectPublicKeyInfoDer::from(shown.as_ref());
        verify_tls13_signature_with_raw_key(message, &key, signature, &self.algorithms)
    }
}

impl ServerCertVerifier for OneKey {
    fn verify_server_cert(
        &self,
        shown: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> std::result::Result<ServerCertVerified, Error> {
        self.check(shown).map(|()| ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> std::result::Result<HandshakeSignatureValid, Error> {
        Err(Error::General("TLS 1.3 only".into()))
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        shown: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> std::result::Result<HandshakeSignatureValid, Error> {
        self.verify(message, shown, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        vec![SignatureScheme::ED25519]
    }

    fn requires_raw_public_keys(&self) -> bool {
        true
    }
}

impl ClientCertVerifier for OneKey {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        shown: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: UnixTime,
    ) -> std::result::Result<ClientCertVerified, Error> {
        self.check(shown).map(|()| ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> std::result::Result<HandshakeSignatureValid, Error> {
        Err(Error::General("TLS 1.3 only".into()))
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        shown: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> std::result::Result<HandshakeSignatureValid, Error> {
        self.verify(message, shown, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        vec![SignatureScheme::ED25519]
    }

    fn requires_raw_public_keys(&self) -> bool {
        true
    }
}
