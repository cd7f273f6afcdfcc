//! `from=`: where a client must come from.

use std::net::IpAddr;

use ipnet::{IpNet, Ipv4Net};

use super::super::OptionFault;
use super::super::pattern::{self, Listed};
use crate::key::shown::shown;

/// The value of `from=`: networks and patterns of addresses, some of them excluded by `!`.
///
/// There is no look at the DNS, as in sshd without `UseDNS`: patterns are held against the address
/// as text. An IPv4 address that is mapped into IPv6 is the IPv4 address, in the list as in the
/// question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::trust) struct FromList {
    text: String,
    /// The elements that are addresses or networks, each with whether it is negated.
    networks: Vec<(bool, IpNet)>,
}

impl FromList {
    pub(in crate::trust) fn parse(text: &str) -> Result<Self, OptionFault> {
        let mut networks = Vec::new();
        // unlike in other lists, a comma at the end has an empty element behind it
        for element in text.split(',') {
            let (negated, pattern) = match element.strip_prefix('!') {
                Some(pattern) => (true, pattern),
                None => (false, element),
            };
            let fault = |reason| OptionFault::From { element: shown(element.as_bytes()), reason };
            networks.extend(network(pattern).map_err(fault)?.map(|network| (negated, network)));
        }
        Ok(Self { text: text.to_owned(), networks })
    }

    /// As it stands in the file, without its quotes.
    pub(super) fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether some element has the address, and none that is negated.
    pub(super) fn allows(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        let in_one = |wanted: bool| {
            self.networks
                .iter()
                .any(|(negated, network)| *negated == wanted && network.contains(&address))
        };
        let patterns = self.text.to_ascii_lowercase();
        match pattern::listed(patterns.as_bytes(), address.to_string().as_bytes()) {
            Listed::Excluded => false,
            _ if in_one(true) => false,
            Listed::Yes => true,
            Listed::No => in_one(false),
        }
    }
}

/// The network that an element names; `None` for a pattern. What is neither, and looks like an
/// address, is refused: it would match nothing, or exclude nothing, where something was meant.
fn network(element: &str) -> Result<Option<IpNet>, &'static str> {
    if element.is_empty() {
        return Err("empty");
    }
    if element.len() >= pattern::TOO_LONG {
        return Err("too long");
    }
    if let Some((address, prefix)) = element.split_once('/') {
        return cidr(address, prefix).map(Some);
    }
    if let Ok(address) = element.parse::<IpAddr>() {
        return Ok(Some(address.to_canonical().into()));
    }
    if element.contains(['*', '?']) {
        return Ok(None);
    }
    if element.contains(':') {
        return Err("not an IPv6 address; write it without brackets, zone and port");
    }
    // what inet_aton(3) takes for an IPv4 address: `10.1`, `012.1.2.3`, `0x7f.1`
    let is_number = |part: &str| {
        let hexadecimal = part.strip_prefix("0x").or(part.strip_prefix("0X"));
        part.chars().all(|c| c.is_ascii_digit())
            || hexadecimal.is_some_and(|digits| digits.chars().all(|c| c.is_ascii_hexdigit()))
    };
    if element.split('.').all(is_number) {
        return Err("not an IPv4 address; write it as four decimal numbers without leading zeros");
    }
    Ok(None)
}

fn cidr(address: &str, prefix: &str) -> Result<IpNet, &'static str> {
    let address: IpAddr =
        address.parse().map_err(|_| "not a network; write it like 192.0.2.0/24")?;
    let digits = !prefix.is_empty() && prefix.chars().all(|c| c.is_ascii_digit());
    let len = prefix.parse().ok().filter(|_| digits);
    let len: u8 = len.ok_or("not a network: the length of its prefix is no number")?;
    let network = IpNet::new(address, len)
        .map_err(|_| "not a network: its prefix is longer than an address")?;
    if network.trunc() != network {
        return Err("not a network: bits are set behind its prefix");
    }
    let (IpAddr::V4(mapped), Some(len)) = (address.to_canonical(), len.checked_sub(96)) else {
        return Ok(network);
    };
    Ok(Ipv4Net::new(mapped, len).map_or(network, IpNet::V4))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn allows(list: &str, address: &str) -> bool {
        FromList::parse(list).unwrap().allows(address.parse().unwrap())
    }

    #[test]
    fn addresses_networks_and_patterns() {
        for (list, address, expected) in [
            ("192.0.2.7", "192.0.2.7", true),
            ("192.0.2.7", "192.0.2.8", false),
            ("192.0.2.0/24", "192.0.2.255", true),
            ("192.0.2.0/24", "192.0.3.0", false),
            ("0.0.0.0/0", "198.51.100.1", true),
            ("0.0.0.0/0", "2001:db8::1", false),
            ("::/0", "192.0.2.1", false),
            ("2001:db8::/32", "2001:db8:1::1", true),
            ("2001:DB8:0::1", "2001:db8::1", true),
            ("192.0.2.*", "192.0.2.77", true),
            ("192.0.2.?", "192.0.2.77", false),
            ("2001:DB8::*", "2001:db8::77", true),
            ("*", "192.0.2.1", true),
            ("*.example.org", "192.0.2.1", false),
            ("rpc.example.org,192.0.2.1", "192.0.2.1", true),
            (" 192.0.2.*", "192.0.2.1", false),
            // `!` outweighs everything, wherever it stands
            ("192.0.2.0/24,!192.0.2.1", "192.0.2.1", false),
            ("!192.0.2.1,192.0.2.0/24", "192.0.2.1", false),
            ("!192.0.2.1,192.0.2.0/24", "192.0.2.2", true),
            ("*,!192.0.2.*", "192.0.2.1", false),
            ("192.0.2.1,!192.0.0.0/16", "192.0.2.1", false),
            ("192.0.2.0/24,!2001:DB8::*", "192.0.2.1", true),
            ("2001:db8::/32,!2001:DB8::*", "2001:db8::1", false),
            // negations alone allow nobody
            ("!192.0.2.1", "192.0.2.2", false),
            // mapped addresses are the IPv4 ones
            ("192.0.2.0/24", "::ffff:192.0.2.1", true),
            ("192.0.2.*", "::ffff:192.0.2.1", true),
            ("*,!192.0.2.1", "::ffff:192.0.2.1", false),
            ("::ffff:192.0.2.1", "192.0.2.1", true),
            ("::ffff:192.0.2.0/120", "192.0.2.1", true),
            ("*,!::ffff:192.0.2.0/120", "192.0.2.1", false),
            ("::ffff:*", "::ffff:192.0.2.1", false),
        ] {
            assert_eq!(allows(list, address), expected, "{list} {address}");
        }
    }

    #[test]
    fn what_is_malformed_is_refused() {
        let four = "not an IPv4 address; write it as four decimal numbers without leading zeros";
        let six = "not an IPv6 address; write it without brackets, zone and port";
        let bits = "not a network: bits are set behind its prefix";
        let long = "not a network: its prefix is longer than an address";
        let number = "not a network: the length of its prefix is no number";
        let network = "not a network; write it like 192.0.2.0/24";
        for (list, element, reason) in [
            ("", "", "empty"),
            ("*,", "", "empty"),
            (",*", "", "empty"),
            ("*,,192.0.2.1", "", "empty"),
            ("!", "!", "empty"),
            ("10.1.2.3/8", "10.1.2.3/8", bits),
            ("*,!10.1.2.3/8", "!10.1.2.3/8", bits),
            ("2001:db8::1/32", "2001:db8::1/32", bits),
            ("::ffff:192.0.2.1/120", "::ffff:192.0.2.1/120", bits),
            ("192.0.2.0/33", "192.0.2.0/33", long),
            ("2001:db8::/129", "2001:db8::/129", long),
            ("192.0.2.0/256", "192.0.2.0/256", number),
            ("192.0.2.0/", "192.0.2.0/", number),
            ("192.0.2.0/+8", "192.0.2.0/+8", number),
            ("192.0.2.0/24/8", "192.0.2.0/24/8", number),
            ("192.0.2.0/255.255.255.0", "192.0.2.0/255.255.255.0", number),
            ("10.1/16", "10.1/16", network),
            ("010.0.0.0/8", "010.0.0.0/8", network),
            (" 192.0.2.0/24", " 192.0.2.0/24", network),
            ("example.org/24", "example.org/24", network),
            ("10.1", "10.1", four),
            ("167772161", "167772161", four),
            ("012.1.2.3", "012.1.2.3", four),
            ("0x0a.1.2.3", "0x0a.1.2.3", four),
            ("192.0.2.256", "192.0.2.256", four),
            ("192.0.2.1.", "192.0.2.1.", four),
            ("[2001:db8::1]", "[2001:db8::1]", six),
            ("fe80::1%eth0", "fe80::1%eth0", six),
            ("192.0.2.1:22", "192.0.2.1:22", six),
            ("\u{1b}[31m:", "\\u{1b}[31m:", six),
        ] {
            let fault = OptionFault::From { element: element.to_owned(), reason };
            assert_eq!(FromList::parse(list), Err(fault), "{list}");
        }
        let long = "x".repeat(pattern::TOO_LONG);
        assert!(FromList::parse(&format!("*,!{long}")).is_err());
        assert!(FromList::parse(&long[1..]).is_ok());
    }

    proptest! {
        /// The definition: bits of the address under the prefix.
        #[test]
        fn networks_are_prefixes(network: u32, len in 0u32..=32, address: u32) {
            let mask = u32::MAX.checked_shl(32 - len).unwrap_or(0);
            let network = network & mask;
            let list = format!("{}/{len}", std::net::Ipv4Addr::from(network));
            let address_text = std::net::Ipv4Addr::from(address).to_string();
            prop_assert_eq!(allows(&list, &address_text), address & mask == network);
            prop_assert_eq!(allows(&format!("*,!{list}"), &address_text), address & mask != network);
            let inside = std::net::Ipv4Addr::from(network | (address & !mask)).to_string();
            prop_assert!(allows(&list, &inside));
        }

        #[test]
        fn no_text_panics(list in "\\PC{0,40}|[!0-9a-f.:/,*?x]{0,40}", address: IpAddr) {
            if let Ok(from) = FromList::parse(&list) {
                from.allows(address);
            }
        }
    }
}
