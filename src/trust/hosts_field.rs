//! The field of a `known_hosts` line that says for which hosts it stands.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::LineFault;
use super::host::{long_spellings, looked_up};
use super::pattern::{Listed, TOO_LONG, elements, listed};
use crate::crypto::hmac_sha1;

/// For which hosts a line stands.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum HostsField {
    /// A comma list of patterns, in lower case, with IPv6 addresses spelled as they are looked up.
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
        Ok(Self::Patterns(spelled(field.to_ascii_lowercase()).into()))
    }

    /// Whether the line stands for the host that is looked up as `lookup`.
    pub(super) fn matches(&self, lookup: &str) -> bool {
        match self {
            Self::Patterns(patterns) => listed(patterns, lookup.as_bytes()) == Listed::Yes,
            Self::Hashed { salt, hash } => {
                let is_it = |name: &str| hmac_sha1(salt, name.as_bytes()) == *hash;
                // what was hashed may have been another spelling of the address
                is_it(lookup)
                    || long_spellings(lookup)
                        .is_some_and(|names| names.iter().any(|name| is_it(name)))
            }
        }
    }
}

/// The names of a line in lower case, with IPv6 addresses in one spelling.
fn spelled(field: Vec<u8>) -> Vec<u8> {
    let other = |name: &[u8]| looked_up(name.strip_prefix(b"!").unwrap_or(name));
    if !field.split(|&byte| byte == b',').any(|name| other(name).is_some()) {
        return field;
    }
    let names: Vec<_> = field
        .split(|&byte| byte == b',')
        .map(|name| match other(name) {
            Some(written) if name.starts_with(b"!") => format!("!{written}").into_bytes(),
            Some(written) => written.into_bytes(),
            None => name.to_vec(),
        })
        .collect();
    names.join(&b","[..])
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
    fn ipv6_in_any_spelling() {
        for name in [
            "2001:db8:0:0:0:0:0:1",
            "2001:0db8:0000:0000:0000:0000:0000:0001",
            "2001:DB8::0:1",
            "2001:db8::1",
            "h,2001:db8:0::1",
        ] {
            let field = HostsField::parse(name.as_bytes()).unwrap();
            assert!(field.matches("2001:db8::1"), "{name}");
            assert!(!field.matches("2001:db8::2") && !field.matches("[2001:db8::1]:7000"));
        }
        for name in ["[2001:db8:0:0:0:0:0:1]:7000", "[2001:0db8::0001]:7000"] {
            let field = HostsField::parse(name.as_bytes()).unwrap();
            assert!(field.matches("[2001:db8::1]:7000") && !field.matches("2001:db8::1"), "{name}");
        }
        let field = HostsField::parse(b"*,!2001:db8:0:0:0:0:0:1").unwrap();
        assert!(field.matches("2001:db8::2") && !field.matches("2001:db8::1"));
        // what is no single address stays a pattern of text
        let field = HostsField::parse(b"2001:db8:0:0:*").unwrap();
        assert!(!field.matches("2001:db8::1") && field.matches("2001:db8:0:0:1::"));
    }

    #[test]
    fn hashed_ipv6_in_the_spellings_of_others() {
        for name in ["2001:db8:0:0:0:0:0:1", "2001:0db8:0000:0000:0000:0000:0000:0001"] {
            let field = HostsField::parse(hashed(name).as_bytes()).unwrap();
            assert!(field.matches("2001:db8::1"), "{name}");
            assert!(!field.matches("2001:db8::2") && !field.matches("[2001:db8::1]:7000"));
            let name = format!("[{name}]:7000");
            let field = HostsField::parse(hashed(&name).as_bytes()).unwrap();
            assert!(field.matches("[2001:db8::1]:7000") && !field.matches("2001:db8::1"), "{name}");
        }
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
