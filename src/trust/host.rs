//! A host as it is looked up.

mod address;

use std::borrow::Cow;
use std::fmt;

use self::address::{ipv4_spelling, ipv6_spelling};
pub(super) use self::address::{long_spellings, looked_up};
use crate::key::shown::shown;

/// Longest name of a host, in bytes: what the handshake's *target* has room for.
pub const MAX_HOST_NAME: usize = 255;

/// The port whose number stands in no lookup, because it is ssh's.
const SSH_PORT: u16 = 22;

/// A host as it is looked up in `known_hosts`: a name in lower case, without brackets, and a port.
///
/// The name is the one that the user gave, never one learned from DNS. An address gets the spelling
/// that OpenSSH gives it before it looks into its files (that of `inet_ntop`), whatever was typed:
/// `127.1`, `2130706433` and `0x7f.1` are `127.0.0.1`, as for the system's resolver. The zone of an
/// IPv6 address stays as it was typed, in lower case, where OpenSSH puts the name of an interface in
/// the place of its number. Port 0 stands for a stream that is not TCP. Written as it is looked up:
///
/// ```
/// use handfast::trust::Host;
///
/// let host = Host::parse("RPC.example.org:7000", None)?;
/// assert_eq!((host.name(), host.port()), ("rpc.example.org", 7000));
/// assert_eq!(host.to_string(), "[rpc.example.org]:7000");
/// assert_eq!(Host::parse("[2001:DB8:0::1]:22", None)?.to_string(), "2001:db8::1");
/// # Ok::<(), handfast::trust::HostError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Host {
    name: Box<str>,
    port: u16,
}

/// Why a text does not name a host. The text is escaped and cut.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HostError {
    /// There is no name.
    #[error("the name of the host is empty; give a name or an address")]
    Empty,
    /// More than [`MAX_HOST_NAME`] bytes.
    #[error("the name of the host has {len} bytes; at most {max} are allowed")]
    TooLong {
        /// Its length.
        len: usize,
        /// The limit.
        max: usize,
    },
    /// Blanks, control characters, commas and brackets are in no name.
    #[error(
        "`{name}` is not the name of a host: no blanks, commas, brackets or control characters"
    )]
    Forbidden {
        /// The name.
        name: String,
    },
    /// There is no port, and no other one to take.
    #[error("`{text}` has no port; write `name:port`, and an IPv6 address as `[address]:port`")]
    NoPort {
        /// The text.
        text: String,
    },
    /// The port is not a number from 1 to 65535.
    #[error("`{text}` ends in no port from 1 to 65535; write `name:port`")]
    BadPort {
        /// The text.
        text: String,
    },
    /// What stands behind the last colon is a part of an IPv6 address, or a port.
    #[error(
        "`{text}` can be read in two ways; write `[{address}]:{port}` for port {port} of {address}, or `[{text}]:{other}` for port {other} of the address {text}"
    )]
    Ambiguous {
        /// The text.
        text: String,
        /// What stands before the last colon.
        address: String,
        /// What stands behind it.
        port: u16,
        /// The port that counts where there is none, or the word `PORT`.
        other: String,
    },
    /// More than one colon, and neither an IPv6 address nor brackets round one.
    #[error("`{text}` is neither `name:port` nor an IPv6 address; write `[address]:port`")]
    Colons {
        /// The text.
        text: String,
    },
}

impl Host {
    /// Names a host; `name` comes without brackets, and a `port` of 0 stands for a stream that is
    /// not TCP.
    ///
    /// # Errors
    /// [`HostError::Empty`], [`HostError::TooLong`] and [`HostError::Forbidden`].
    pub fn new(name: &str, port: u16) -> Result<Self, HostError> {
        if name.is_empty() {
            return Err(HostError::Empty);
        }
        if name.len() > MAX_HOST_NAME {
            return Err(HostError::TooLong { len: name.len(), max: MAX_HOST_NAME });
        }
        let forbidden =
            |c: char| c.is_control() || c.is_whitespace() || matches!(c, ',' | '[' | ']');
        if name.contains(forbidden) {
            return Err(HostError::Forbidden { name: shown(name.as_bytes()) });
        }
        let spelling = ipv6_spelling(name).or_else(|| ipv4_spelling(name));
        let name = spelling.unwrap_or_else(|| name.to_ascii_lowercase());
        Ok(Self { name: name.into(), port })
    }

    /// Reads `name:port`, `[address]:port`, or without a port and brackets if there is a default
    /// port. `::1:7000`, which may be an address with a port or a longer address, is refused.
    ///
    /// # Errors
    /// Those of [`new`](Self::new), [`HostError::NoPort`], [`HostError::BadPort`],
    /// [`HostError::Ambiguous`] and [`HostError::Colons`].
    pub fn parse(text: &str, default_port: Option<u16>) -> Result<Self, HostError> {
        let shown_text = || shown(text.as_bytes());
        let default = || default_port.ok_or_else(|| HostError::NoPort { text: shown_text() });
        if let Some(rest) = text.strip_prefix('[') {
            let (name, rest) =
                rest.split_once(']').ok_or_else(|| HostError::Colons { text: shown_text() })?;
            return match rest.strip_prefix(':') {
                Some(port) => Self::new(name, parse_port(port, text)?),
                None if rest.is_empty() => Self::new(name, default()?),
                None => Err(HostError::BadPort { text: shown_text() }),
            };
        }
        match text.split_once(':') {
            None => Self::new(text, default()?),
            Some((name, port)) if !port.contains(':') => Self::new(name, parse_port(port, text)?),
            Some(_) if ipv6_spelling(text).is_some() => match two_readings(text) {
                Some((address, port)) => Err(HostError::Ambiguous {
                    text: shown_text(),
                    address: shown(address.as_bytes()),
                    port,
                    other: default_port.map_or("PORT".to_owned(), |port| port.to_string()),
                }),
                None => Self::new(text, default()?),
            },
            Some(_) => Err(HostError::Colons { text: shown_text() }),
        }
    }

    /// The name or address: lower case, no brackets, 1 to [`MAX_HOST_NAME`] bytes.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The port; 0 for a stream that is not TCP.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// What the patterns and hashes of `known_hosts` are held against: `name` on port 22 and for
    /// streams that are not TCP, `[name]:port` otherwise.
    pub fn lookup(&self) -> Cow<'_, str> {
        match self.port {
            0 | SSH_PORT => Cow::Borrowed(&self.name),
            port => Cow::Owned(format!("[{}]:{port}", self.name)),
        }
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.lookup())
    }
}

/// An IPv6 address that is another one with a port behind it, too.
fn two_readings(text: &str) -> Option<(&str, u16)> {
    let (address, port) = text.rsplit_once(':')?;
    ipv6_spelling(address)?;
    Some((address, parse_port(port, text).ok()?))
}

fn parse_port(port: &str, text: &str) -> Result<u16, HostError> {
    // `u16::from_str` takes a `+`.
    let digits = !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
    let number = if digits { port.parse().ok() } else { None };
    number
        .filter(|&number| number != 0)
        .ok_or_else(|| HostError::BadPort { text: shown(text.as_bytes()) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parsed() {
        for (text, default, expected) in [
            ("rpc.example.org:7000", None, "[rpc.example.org]:7000"),
            ("RPC.Example.ORG:22", None, "rpc.example.org"),
            ("rpc.example.org", Some(22), "rpc.example.org"),
            ("rpc.example.org", Some(7000), "[rpc.example.org]:7000"),
            ("[2001:DB8::1]:22", None, "2001:db8::1"),
            ("[2001:db8::1]:2222", Some(22), "[2001:db8::1]:2222"),
            ("[2001:db8::1]", Some(7000), "[2001:db8::1]:7000"),
            ("2001:db8::1", Some(7000), "[2001:db8::1]:7000"),
            ("FE80:0::1%eth0", Some(22), "fe80::1%eth0"),
            ("2001:db8:0:0::01", Some(22), "2001:db8::1"),
            ("[0:0:0:0:0:0:0:1]:7000", None, "[::1]:7000"),
            ("[1:0:0:2:0:0:0:3]:22", None, "1:0:0:2::3"),
            ("[1:0:2:3:4:5:6:7]:22", None, "1:0:2:3:4:5:6:7"),
            ("[::FFFF:c000:201]:22", None, "::ffff:192.0.2.1"),
            ("[::2:3]:22", None, "::0.2.0.3"),
            ("[0::0]:22", None, "::"),
            ("[2001:db8::1:22]:22", None, "2001:db8::1:22"),
            ("[2001:db8::1:22]", Some(22), "2001:db8::1:22"),
            ("2001:db8:0:0:0:0:1:22", Some(22), "2001:db8::1:22"),
            ("::1:0", Some(22), "::0.1.0.0"),
            ("2001:db8::1:cafe", Some(22), "2001:db8::1:cafe"),
            ("192.0.2.1:65535", None, "[192.0.2.1]:65535"),
            ("127.1", Some(22), "127.0.0.1"),
            ("0x7F.1:7000", None, "[127.0.0.1]:7000"),
        ] {
            let host = Host::parse(text, default).unwrap();
            assert_eq!(host.to_string(), expected, "{text}");
        }
        assert_eq!(Host::new("/run/rpc.sock", 0).unwrap().lookup(), "/run/rpc.sock");
    }

    #[test]
    fn an_address_with_two_readings_is_refused_with_both() {
        for (text, default, expected) in [
            (
                "::1:7000",
                None,
                "`::1:7000` can be read in two ways; write `[::1]:7000` for port 7000 of ::1, or \
                 `[::1:7000]:PORT` for port PORT of the address ::1:7000",
            ),
            (
                "::1:7000",
                Some(22),
                "`::1:7000` can be read in two ways; write `[::1]:7000` for port 7000 of ::1, or \
                 `[::1:7000]:22` for port 22 of the address ::1:7000",
            ),
            (
                "2001:DB8::1:22",
                Some(22),
                "`2001:DB8::1:22` can be read in two ways; write `[2001:DB8::1]:22` for port 22 of \
                 2001:DB8::1, or `[2001:DB8::1:22]:22` for port 22 of the address 2001:DB8::1:22",
            ),
            (
                "fe80::1%eth0:7000",
                Some(22),
                "`fe80::1%eth0:7000` can be read in two ways; write `[fe80::1%eth0]:7000` for port \
                 7000 of fe80::1%eth0, or `[fe80::1%eth0:7000]:22` for port 22 of the address \
                 fe80::1%eth0:7000",
            ),
        ] {
            assert_eq!(Host::parse(text, default).unwrap_err().to_string(), expected);
        }
        assert_eq!(Host::parse("[::1]:7000", None), Host::new("::1", 7000));
        assert_eq!(Host::parse("[::1:7000]:22", None), Host::new("::1:7000", 22));
    }

    #[test]
    fn refused() {
        let text = |error: Result<Host, HostError>| error.unwrap_err().to_string();
        let no_port = "has no port; write `name:port`, and an IPv6 address as `[address]:port`";
        let colons = "is neither `name:port` nor an IPv6 address; write `[address]:port`";
        for (input, expected) in [
            ("", no_port),
            ("example.org", no_port),
            ("2001:db8::1", no_port),
            ("[2001:db8::1]", no_port),
            ("example.org:", "ends in no port from 1 to 65535; write `name:port`"),
            ("example.org:0", "ends in no port from 1 to 65535; write `name:port`"),
            ("example.org:65536", "ends in no port from 1 to 65535; write `name:port`"),
            ("example.org:+7", "ends in no port from 1 to 65535; write `name:port`"),
            ("[::1]7000", "ends in no port from 1 to 65535; write `name:port`"),
            ("[::1", colons),
            ("a:b:7", colons),
            ("2001:db8::1:zz:70000", colons),
        ] {
            assert_eq!(text(Host::parse(input, None)), format!("`{input}` {expected}"));
        }
        assert_eq!(Host::new("", 7), Err(HostError::Empty));
        assert_eq!(Host::parse(":7", None), Err(HostError::Empty));
        for name in ["a b", "a,b", "[::1]", "a\tb", "a\u{7f}", "a\u{a0}b"] {
            assert_eq!(
                Host::new(name, 7),
                Err(HostError::Forbidden { name: shown(name.as_bytes()) })
            );
        }
        assert!(Host::new(&"x".repeat(255), 7).is_ok());
        assert_eq!(
            text(Host::new(&"x".repeat(256), 7)),
            "the name of the host has 256 bytes; at most 255 are allowed"
        );
    }
}
