//! The plain key inside an OpenSSH certificate, and the key of the authority that signed it.
//!
//! Only the form is read here: no signature is verified and nothing is trusted.

use super::blob::{Reader, put_string};
use super::public::blob_type;

const SUFFIX: &[u8] = b"-cert-v01@openssh.com";

/// Key types whose names say who defined them, certificate or not.
const OF_OPENSSH: [&[u8]; 2] = [b"sk-", b"ssh-mldsa"];

/// Most fields of a plain key behind its type.
const MAX_FIELDS: usize = 6;

/// A certificate that has the form of one.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Certificate<'a> {
    /// The plain key that it is about, as it stands on the wire.
    pub(crate) key: Vec<u8>,
    /// The key of the authority, which is no certificate.
    pub(crate) authority: &'a [u8],
}

/// Whether the name of a type is one of a certificate.
pub(crate) fn is_certificate_type(name: &[u8]) -> bool {
    name.ends_with(SUFFIX)
}

impl<'a> Certificate<'a> {
    /// `None` for a plain key, and for what has not the form of a certificate.
    pub(crate) fn parse(blob: &'a [u8]) -> Option<Self> {
        let name = blob_type(blob).ok()?;
        let stem = name.strip_suffix(SUFFIX)?;
        let mut plain = stem.to_vec();
        if OF_OPENSSH.iter().any(|start| stem.starts_with(start)) || stem == b"ssh-xmss" {
            plain.extend_from_slice(b"@openssh.com");
        }
        let mut reader = Reader::new(blob);
        let (_name, _nonce) = (reader.string()?, reader.string()?);
        let counts = match &*plain {
            b"ssh-ed25519" => 1..=1,
            b"sk-ssh-ed25519@openssh.com"
            | b"ssh-rsa"
            | b"ecdsa-sha2-nistp256"
            | b"ecdsa-sha2-nistp384"
            | b"ecdsa-sha2-nistp521" => 2..=2,
            b"sk-ecdsa-sha2-nistp256@openssh.com" => 3..=3,
            b"ssh-dss" => 4..=4,
            // as many as leave a certificate behind them
            _ => 1..=MAX_FIELDS,
        };
        let rest = reader.rest();
        for count in counts {
            let (mut key, mut reader) = (Vec::new(), Reader::new(rest));
            put_string(&mut key, &plain);
            for _ in 0..count {
                put_string(&mut key, reader.string()?);
            }
            if let Some(authority) = authority(reader) {
                return Some(Self { key, authority });
            }
        }
        None
    }
}

/// The authority in what follows the key's own fields, to the end.
fn authority(mut reader: Reader<'_>) -> Option<&[u8]> {
    let _serial = reader.array::<8>()?;
    let kind = reader.u32()?;
    let (_key_id, _principals) = (reader.string()?, reader.string()?);
    let (_after, _before) = (reader.array::<8>()?, reader.array::<8>()?);
    let (_critical, _extensions, _reserved) =
        (reader.string()?, reader.string()?, reader.string()?);
    let authority = reader.string()?;
    let _signature = reader.string()?;
    let is_plain = blob_type(authority).is_ok_and(|name| !is_certificate_type(name));
    (matches!(kind, 1 | 2) && is_plain && reader.is_empty()).then_some(authority)
}

/// What a revocation is compared with: the plain key of a key or certificate and, for a
/// certificate, the key of its authority. `T` is those keys as bytes, or their fingerprints.
///
/// Plain keys and certificates are compared with revoked ones here and nowhere else.
#[cfg(any(test, feature = "files"))]
#[derive(Debug, Clone, Copy)]
pub(crate) struct Revocable<T> {
    pub(crate) key: T,
    pub(crate) authority: Option<T>,
}

#[cfg(any(test, feature = "files"))]
impl<T: PartialEq> Revocable<T> {
    /// Whether the revocation of `revoked`, a plain key or the plain key of a certificate, is one of
    /// this key or certificate; as OpenSSH, which compares the plain keys.
    pub(crate) fn is_revoked_by(&self, revoked: &T) -> bool {
        self.key == *revoked || self.authority.as_ref() == Some(revoked)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A certificate with this name and these fields of the key.
    fn certificate(name: &str, fields: &[&[u8]], authority: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        put_string(&mut out, name.as_bytes());
        put_string(&mut out, &[7; 32]);
        fields.iter().for_each(|field| put_string(&mut out, field));
        out.extend_from_slice(&[0; 8]);
        out.extend_from_slice(&2u32.to_be_bytes());
        put_string(&mut out, b"id");
        put_string(&mut out, b"\0\0\0\x01h");
        out.extend_from_slice(&[0; 16]);
        for part in [b"", b"", b"", authority, b"signature"] {
            put_string(&mut out, part);
        }
        out
    }

    fn key(name: &str, fields: &[&[u8]]) -> Vec<u8> {
        let mut out = Vec::new();
        put_string(&mut out, name.as_bytes());
        fields.iter().for_each(|field| put_string(&mut out, field));
        out
    }

    #[test]
    fn the_plain_key_of_every_type() {
        let authority = key("ssh-ed25519", &[&[1; 32]]);
        let fields: [&[u8]; 4] = [b"a", b"bb", b"ccc", b"dddd"];
        for (plain, count) in [
            ("ssh-ed25519", 1),
            ("sk-ssh-ed25519@openssh.com", 2),
            ("ecdsa-sha2-nistp256", 2),
            ("ecdsa-sha2-nistp384", 2),
            ("ecdsa-sha2-nistp521", 2),
            ("sk-ecdsa-sha2-nistp256@openssh.com", 3),
            ("ssh-rsa", 2),
            ("ssh-dss", 4),
            ("ssh-mldsa44-ed25519@openssh.com", 1),
            ("ssh-xmss@openssh.com", 2),
        ] {
            let stem = plain.strip_suffix("@openssh.com").unwrap_or(plain);
            let name = format!("{stem}-cert-v01@openssh.com");
            let blob = certificate(&name, &fields[..count], &authority);
            let read = Certificate::parse(&blob).unwrap();
            assert_eq!(read.key, key(plain, &fields[..count]), "{plain}");
            assert_eq!(read.authority, authority, "{plain}");
            assert_eq!(Certificate::parse(&read.key), None, "{plain}");
        }
    }

    #[test]
    fn what_has_not_the_form() {
        const NAME: &str = "ssh-ed25519-cert-v01@openssh.com";
        let authority = key("ssh-ed25519", &[&[1; 32]]);
        let good = certificate(NAME, &[&[2; 32]], &authority);
        assert!(Certificate::parse(&good).is_some());
        for len in 0..good.len() {
            assert_eq!(Certificate::parse(&good[..len]), None, "{len}");
        }
        assert_eq!(Certificate::parse(&[&good[..], b"x"].concat()), None);
        assert_eq!(Certificate::parse(&certificate(NAME, &[&[2; 32]], &good)), None);
        assert_eq!(Certificate::parse(&certificate(NAME, &[], &authority)), None);
        let kind = good.windows(8).position(|at| at == b"\0\0\0\x02\0\0\0\x02").unwrap() + 3;
        let mut other = good.clone();
        other[kind] = 3;
        assert_eq!(Certificate::parse(&other), None);
    }

    #[test]
    fn a_certificate_is_revoked_by_its_key_and_by_its_authority() {
        let plain = Revocable { key: 1, authority: None };
        let certificate = Revocable { key: 1, authority: Some(2) };
        assert_eq!([1, 2, 3].map(|key| plain.is_revoked_by(&key)), [true, false, false]);
        assert_eq!([1, 2, 3].map(|key| certificate.is_revoked_by(&key)), [true, true, false]);
    }
}
