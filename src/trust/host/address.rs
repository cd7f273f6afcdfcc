//! Addresses as the C library reads and writes them, which is how OpenSSH spells them in its files.

use std::net::{Ipv4Addr, Ipv6Addr};

/// An IPv6 address as the C library writes it, with the zone as it was typed; `None` for all else.
pub(super) fn ipv6_spelling(text: &str) -> Option<String> {
    let (address, zone) = text.find('%').map_or((text, ""), |at| text.split_at(at));
    let address: Ipv6Addr = address.parse().ok()?;
    let written = match address.segments() {
        // The C library shows the last four bytes in the way of IPv4 here, Rust's does not.
        [0, 0, 0, 0, 0, 0, high, _] if high != 0 => {
            let [.., a, b, c, d] = address.octets();
            format!("::{a}.{b}.{c}.{d}")
        }
        _ => address.to_string(),
    };
    Some(format!("{written}{}", zone.to_ascii_lowercase()))
}

/// Spellings of the same IPv6 address that others write: without `::`, and with all zeros, as it
/// would stand in a file. `written` is as a host is looked up, with brackets and port or without.
pub(in crate::trust) fn long_spellings(written: &str) -> Option<[String; 2]> {
    let (name, port) = match written.strip_prefix('[') {
        Some(rest) => rest.split_once(']')?,
        None => (written, ""),
    };
    let (address, zone) = name.find('%').map_or((name, ""), |at| name.split_at(at));
    if !address.contains(':') {
        return None;
    }
    let address: Ipv6Addr = address.parse().ok()?;
    let (open, close) = if written.starts_with('[') { ("[", "]") } else { ("", "") };
    let groups = |group: fn(&u16) -> String| {
        let groups: Vec<_> = address.segments().iter().map(group).collect();
        format!("{open}{}{zone}{close}{port}", groups.join(":"))
    };
    Some([groups(|group| format!("{group:x}")), groups(|group| format!("{group:04x}"))])
}

/// A name of a file, in lower case, with an IPv6 address in it spelled as it is looked up; `None` if
/// it is spelled so already, or is no such address.
pub(in crate::trust) fn looked_up(name: &[u8]) -> Option<String> {
    if name.iter().filter(|byte| **byte == b':').take(2).count() < 2 {
        return None;
    }
    let name = str::from_utf8(name).ok()?;
    let written = match name.strip_prefix('[') {
        Some(rest) => {
            let (address, port) = rest.split_once("]:")?;
            format!("[{}]:{port}", ipv6_spelling(address)?)
        }
        None => ipv6_spelling(name)?,
    };
    (written != name).then_some(written)
}

/// What `inet_aton` takes for an IPv4 address, written with four numbers; `None` for all else.
///
/// One to four numbers, decimal, octal (`0...`) or hexadecimal (`0x...`), of which the last stands
/// for all bytes that are left.
pub(super) fn ipv4_spelling(text: &str) -> Option<String> {
    let mut address = 0u32;
    // of the bytes that are left
    let mut most = u32::MAX;
    let mut numbers = text.split('.').take(5).peekable();
    while let Some(number) = numbers.next() {
        let number = c_number(number)?;
        if numbers.peek().is_some() {
            let byte = u8::try_from(number).ok()?;
            // three at most stand before the last
            let left = most.checked_shr(8).filter(|&left| left != 0)?;
            address |= u32::from(byte).checked_mul(left.checked_add(1)?)?;
            most = left;
        } else if number > most {
            return None;
        } else {
            address |= number;
        }
    }
    Some(Ipv4Addr::from(address).to_string())
}

/// A number as `strtoul` reads it with base 0, without a sign.
fn c_number(text: &str) -> Option<u32> {
    let hex = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X"));
    let (digits, radix) = match hex {
        Some(digits) => (digits, 16),
        None => (text, if text.starts_with('0') { 8 } else { 10 }),
    };
    // `from_str_radix` takes a `+`
    let plain = digits.chars().all(|digit| digit.is_digit(radix));
    if plain { u32::from_str_radix(digits, radix).ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Held against `ssh -v`, which says what it looks up.
    #[test]
    fn ipv4_as_inet_aton_reads_it() {
        for (text, expected) in [
            ("192.0.2.1", "192.0.2.1"),
            ("0.0.0.0", "0.0.0.0"),
            ("127.1", "127.0.0.1"),
            ("1.2.3", "1.2.0.3"),
            ("1.2.65535", "1.2.255.255"),
            ("1.16777215", "1.255.255.255"),
            ("2130706433", "127.0.0.1"),
            ("4294967295", "255.255.255.255"),
            ("0", "0.0.0.0"),
            ("0x7f.1", "127.0.0.1"),
            ("0X7F000001", "127.0.0.1"),
            ("010.1.2.3", "8.1.2.3"),
            ("127.0.0.01", "127.0.0.1"),
            ("00000000000127.1", "87.0.0.1"),
        ] {
            assert_eq!(ipv4_spelling(text).as_deref(), Some(expected), "{text}");
        }
    }

    #[test]
    fn names_that_are_no_address() {
        for text in [
            "",
            ".",
            "1.",
            ".1",
            "1..2",
            "1.2.3.4.",
            "1.2.3.4.5",
            "1.2.3.4.5.6",
            "256.1",
            "1.256.1.1",
            "1.2.3.256",
            "1.2.65536",
            "1.16777216",
            "4294967296",
            "99999999999999999999",
            "09.1",
            "0x",
            "0x.1",
            "0x100.1",
            "0xg",
            "+1",
            "-1",
            "0x+1",
            "1.2.3.4%5",
            "7f.1",
            "1e3",
            "rpc.example.org",
            "١",
        ] {
            assert_eq!(ipv4_spelling(text), None, "{text}");
        }
    }
}
