//! Files of keys in other formats than OpenSSH's, told apart by how they begin.

use std::fmt;

use ssh_key::encoding::base64::{Base64, Encoding as _};
use zeroize::Zeroizing;

use super::named::Named;

/// A format of key files that is not read here, found by the first line of the file. `Display` says
/// what the file is, and what converts it or what to use instead.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyFormat(Kind);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Pkcs1Rsa,
    Sec1Ec,
    PemDsa,
    Pkcs8(Inside),
    EncryptedPkcs8,
    Putty { ed25519: bool },
    SshComPrivate,
    Ssh1,
    Pgp,
    X509,
    OtherPem,
    PublicKey,
    Rfc4716,
    PublicPem,
}

/// The type of key in a PKCS#8 file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Inside {
    Ed25519,
    Rsa,
    Ec,
    Other,
}

/// The first lines of PEM files.
const PEM: [(&[u8], Kind); 9] = [
    (b"-----BEGIN RSA PRIVATE KEY-----", Kind::Pkcs1Rsa),
    (b"-----BEGIN EC PRIVATE KEY-----", Kind::Sec1Ec),
    (b"-----BEGIN DSA PRIVATE KEY-----", Kind::PemDsa),
    (b"-----BEGIN PRIVATE KEY-----", Kind::Pkcs8(Inside::Other)),
    (b"-----BEGIN ENCRYPTED PRIVATE KEY-----", Kind::EncryptedPkcs8),
    (b"-----BEGIN PGP ", Kind::Pgp),
    (b"-----BEGIN CERTIFICATE-----", Kind::X509),
    (b"-----BEGIN PUBLIC KEY-----", Kind::PublicPem),
    (b"-----BEGIN RSA PUBLIC KEY-----", Kind::PublicPem),
];

/// Where OpenSSH's own private key files begin.
const OPENSSH: &[u8] = b"-----BEGIN OPENSSH PRIVATE KEY-----";

/// How many characters of base64 tell the type of key in a PKCS#8 file.
const HEAD: usize = 32;

impl KeyFormat {
    /// The format of a file that begins with `text`, white space aside; `None` for OpenSSH's private
    /// keys and for what is not known.
    pub(super) fn of_private(text: &[u8]) -> Option<Self> {
        let public: [&[u8]; 3] = [b"ssh-", b"ecdsa-", b"sk-"];
        let kind = if public.iter().any(|start| text.starts_with(start)) {
            Kind::PublicKey
        } else if let Some(rest) = text.strip_prefix(b"PuTTY-User-Key-File-") {
            let line = rest.split(|&byte| byte == b'\n').next().unwrap_or_default();
            let (_, key_type) = line.split_at_checked(2).unwrap_or_default();
            Kind::Putty { ed25519: key_type.trim_ascii() == b"ssh-ed25519" }
        } else if text.starts_with(b"SSH PRIVATE KEY FILE FORMAT 1.1") {
            Kind::Ssh1
        } else if text.starts_with(b"---- BEGIN SSH2 ENCRYPTED PRIVATE KEY ----") {
            Kind::SshComPrivate
        } else {
            return Self::of_public(text).or_else(|| Self::of_pem(text));
        };
        Some(Self(kind))
    }

    /// The format of a file of public keys that begins with `text`; `None` for OpenSSH's.
    pub(crate) fn of_public(text: &[u8]) -> Option<Self> {
        if text.starts_with(b"---- BEGIN SSH2 PUBLIC KEY ----") {
            return Some(Self(Kind::Rfc4716));
        }
        Self::of_pem(text).filter(|format| matches!(format.0, Kind::PublicPem | Kind::X509))
    }

    fn of_pem(text: &[u8]) -> Option<Self> {
        if text.starts_with(OPENSSH) || !text.starts_with(b"-----BEGIN ") {
            return None;
        }
        let known = PEM.iter().find(|(first, _)| text.starts_with(first));
        Some(Self(match known {
            Some((first, Kind::Pkcs8(_))) => {
                Kind::Pkcs8(Inside::of(text.get(first.len()..).unwrap_or_default()))
            }
            Some((_, kind)) => *kind,
            None => Kind::OtherPem,
        }))
    }

    /// Whether it is of public keys.
    pub fn is_public(self) -> bool {
        matches!(self.0, Kind::PublicKey | Kind::Rfc4716 | Kind::PublicPem | Kind::X509)
    }

    pub(super) fn told(self, file: Named<'_>) -> String {
        let word = file.word();
        let convert = format!("`ssh-keygen -p -f {word}` rewrites the file in OpenSSH's format");
        let unsupported = |what: &str, key_type: &str| {
            format!(
                "{what}; {convert}, but keys of type {key_type} are not supported in any format: \
                 make an Ed25519 key with `ssh-keygen -t ed25519`"
            )
        };
        match self.0 {
            Kind::Pkcs1Rsa => {
                unsupported("it is an RSA private key in a PEM file (PKCS#1)", "ssh-rsa")
            }
            Kind::Sec1Ec => {
                unsupported("it is an ECDSA private key in a PEM file (SEC 1)", "ecdsa-sha2")
            }
            Kind::PemDsa => unsupported("it is a DSA private key in a PEM file", "ssh-dss"),
            Kind::Pkcs8(Inside::Rsa) => {
                unsupported("it is an RSA private key in a PEM file (PKCS#8)", "ssh-rsa")
            }
            Kind::Pkcs8(Inside::Ec) => {
                unsupported("it is an ECDSA private key in a PEM file (PKCS#8)", "ecdsa-sha2")
            }
            Kind::Pkcs8(Inside::Ed25519) => format!(
                "it is an Ed25519 private key in a PEM file (PKCS#8); {convert} (OpenSSH 9.6 or newer)"
            ),
            Kind::Pkcs8(Inside::Other) => format!(
                "it is a private key in a PEM file (PKCS#8); if it is an Ed25519 key, {convert} (OpenSSH 9.6 or newer)"
            ),
            Kind::EncryptedPkcs8 => format!(
                "it is a private key in a PEM file (PKCS#8) under a passphrase; if it is an Ed25519 key, {convert} (OpenSSH 9.6 or newer)"
            ),
            Kind::Putty { ed25519: true } => format!(
                "it is a PuTTY file; export it in OpenSSH's format with PuTTYgen, or by `puttygen {word} -O private-openssh -o {}`",
                file.ending("ppk", "openssh")
            ),
            Kind::Putty { ed25519: false } => format!(
                "it is a PuTTY file of a key that is not Ed25519; `puttygen {word} -O private-openssh -o {}` converts it, \
                 but such keys are not supported: make an Ed25519 key with `ssh-keygen -t ed25519`",
                file.ending("ppk", "openssh")
            ),
            Kind::SshComPrivate => "it is a private key of ssh.com, and no Ed25519 key; \
                 make one with `ssh-keygen -t ed25519`"
                .to_owned(),
            Kind::Ssh1 => "it is a private key of SSH version 1, which is not supported; \
                 make an Ed25519 key with `ssh-keygen -t ed25519`"
                .to_owned(),
            Kind::Pgp => "it is a PGP file, not an SSH key; \
                 make an Ed25519 key with `ssh-keygen -t ed25519`"
                .to_owned(),
            Kind::X509 => "it is an X.509 certificate, not an SSH key; \
                 make an Ed25519 key with `ssh-keygen -t ed25519`"
                .to_owned(),
            Kind::OtherPem => "it is a PEM file of another kind, not an SSH key; \
                 make an Ed25519 key with `ssh-keygen -t ed25519`"
                .to_owned(),
            Kind::PublicKey => "it is a public key; \
                 the private key's file has no `.pub` at the end of its name"
                .to_owned(),
            Kind::Rfc4716 => format!(
                "it is a public key in the format of RFC 4716, as PuTTYgen saves it; convert it with `ssh-keygen -i -f {word} > {}`",
                file.ending("pub", "openssh.pub")
            ),
            Kind::PublicPem => format!(
                "it is a public key in a PEM file; an RSA or ECDSA key is converted by `ssh-keygen -i -m PKCS8 -f {word}`, \
                 and of an Ed25519 key the public one is made from its private key by `ssh-keygen -y -f KEY`"
            ),
        }
    }
}

impl fmt::Display for KeyFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.told(Named::unknown()))
    }
}

impl Inside {
    /// By the object identifier near the beginning of what follows the first line.
    fn of(text: &[u8]) -> Self {
        // It is the beginning of a private key.
        let mut base64 = Zeroizing::new(Vec::with_capacity(HEAD));
        base64.extend(text.iter().copied().filter(|byte| !byte.is_ascii_whitespace()).take(HEAD));
        let mut der = Zeroizing::new([0; HEAD]);
        let Ok(der) = Base64::decode(&*base64, &mut *der) else { return Self::Other };
        let holds = |id: &[u8]| der.windows(id.len()).any(|window| window == id);
        if holds(b"\x06\x03\x2b\x65\x70") {
            Self::Ed25519
        } else if holds(b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01") {
            Self::Rsa
        } else if holds(b"\x06\x07\x2a\x86\x48\xce\x3d\x02\x01") {
            Self::Ec
        } else {
            Self::Other
        }
    }
}
