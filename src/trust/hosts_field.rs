//! The field of a `known_hosts` line that says for which hosts it stands.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::LineFault;
use super::pattern::{Listed, TOO_LONG, elements, listed};
use crate::crypto::hmac_sha1;

/// For which hosts a line stands.
#[derive(Debug)]
pub(super) enum HostsField {
    /// A comma list of patterns, in lower case.
    Patterns(Box<[u8]>),
    /// One name, hidden: HMAC-SHA1 of the lookup under a salt. The text decides, as in OpenSSH.
    Hashed { salt: [u8; 20], hash: [u8; 20] },
}

impl HostsField {
    pub(super) fn parse(field: &[u8]) -> Result<Self, LineFault> {
        if field.starts_with(b"|") {
            return parse_hashed(field).ok_or(LineFault::HashedName);
        }
        if let Some((_, long)) = elements(field).find(|(_, name)| name.len() >= TOO_LONG) {
            return Err(LineFault::NameTooLong { len: long.len(), max: TOO_LONG });
        }
        Ok(Self::Patterns(field.to_ascii_lowercase().into()))
    }

    /// Whether the line stands for the host that is looked up as `lookup`.
    pub(super) fn matches(&self, lookup: &str) -> bool {
        match self {
            Self::Patterns(patterns) => listed(patterns, lookup.as_bytes()) == Listed::Yes,
            Self::Hashed { salt, hash } => hmac_sha1(salt, lookup.as_bytes()) == *hash,
        }
    }
}

/// Other spellings of the base64 than ours are refused: OpenSSH encodes its own result and compares
/// the text.
fn parse_hashed(field: &[u8]) -> Option<HostsField> {
    let field = field.strip_prefix(b"|1|")?;
    let bar = field.iter().position(|&byte| byte == b'|')?;
    let (salt, hash) = field.split_at_checked(bar)?;
    let decode = |text: &[u8]| STANDARD.decode(text).ok()?.try_into().ok();
    Some(HostsField::Hashed { salt: decode(salt)?, hash: decode(hash.strip_prefix(b"|")?)? })
}

#[cfg(test)]
mod tests {
    use super::*;

    const SALT: &str = "|1|AAECAwQFBgcICQoLDA0ODxAREhM=|";

    fn hashed(lookup: &str) -> String {
        let salt: [u8; 20] = std::array::from_fn(|i| u8::try_from(i).unwrap());
        format!("{SALT}{}", STANDARD.encode(hmac_sha1(&salt, lookup.as_bytes())))
    }

    #[test]
    fn hashed_names() {
        let field = HostsField::parse(hashed("[rpc.example.org]:7000").as_bytes()).unwrap();
        assert!(field.matches("[rpc.example.org]:7000"));
        assert!(!field.matches("rpc.example.org"));
        assert!(!field.matches("[rpc.example.org]:7001"));
    }

    #[test]
    fn broken_hashes() {
        let good = hashed("example.org");
        for field in [
            "|",
            "|1|",
            "|1||",
            SALT,
            &format!("{good},example.org"),
            &good.replace("|1|", "|2|"),
            good.trim_end_matches('='),
            &good.replacen("AAEC", "AA\u{b}EC", 1),
            &good.replacen("AAEC", "", 1),
            &format!("|{good}"),
        ] {
            let fault = HostsField::parse(field.as_bytes()).unwrap_err();
            assert_eq!(fault, LineFault::HashedName, "{field}");
        }
    }

    #[test]
    fn names_too_long() {
        let field = format!("a,!{}", "x".repeat(1023));
        let fault = HostsField::parse(field.as_bytes()).unwrap_err();
        assert_eq!(fault, LineFault::NameTooLong { len: 1023, max: 1023 });
        assert!(HostsField::parse(&field.as_bytes()[..field.len() - 1]).unwrap().matches("a"));
    }
}
