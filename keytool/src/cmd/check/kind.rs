//! What kind of file it is.

use std::path::Path;

use handfast::key::{is_private_key, public_key_format};
use handfast::trust::list_keys;

use crate::cli::Kind;

/// The options that a line of `authorized_keys` can begin with.
const OPTIONS: [&str; 24] = [
    "agent-forwarding",
    "cert-authority",
    "command",
    "environment",
    "expiry-time",
    "from",
    "no-agent-forwarding",
    "no-port-forwarding",
    "no-pty",
    "no-touch-required",
    "no-user-rc",
    "no-x11-forwarding",
    "permitlisten",
    "permitopen",
    "port-forwarding",
    "principals",
    "pty",
    "restrict",
    "touch-required",
    "tunnel",
    "user-rc",
    "verify-required",
    "no-verify-required",
    "x11-forwarding",
];

/// Recognises a file by its contents; where they leave it open, by its name.
pub(super) fn recognise(path: &Path, bytes: &[u8]) -> Kind {
    if is_private_key(bytes) {
        return Kind::PrivateKey;
    }
    if public_key_format(bytes).is_some() {
        return Kind::PublicKey;
    }
    let seen = Seen::of(bytes);
    let name = path.file_name().map(|name| name.to_string_lossy()).unwrap_or_default();
    match (seen.hosts, seen.options) {
        (1.., 0) => return Kind::KnownHosts,
        (0, 1..) => return Kind::AuthorizedKeys,
        _ => {}
    }
    if name.contains("known_hosts") {
        Kind::KnownHosts
    } else if name.contains("authorized_keys") {
        Kind::AuthorizedKeys
    } else if name.ends_with(".pub") {
        Kind::PublicKey
    } else if name.starts_with("id_") && bytes.iter().all(u8::is_ascii_whitespace) {
        // what a full disk left of it
        Kind::PrivateKey
    } else if seen.words == 0 && seen.bare <= 1 {
        Kind::PublicKey
    } else if seen.words > seen.bare {
        Kind::KnownHosts
    } else {
        // What lets people in is looked at as strictly as it can be.
        Kind::AuthorizedKeys
    }
}

/// How many lines begin with what.
#[derive(Default)]
struct Seen {
    /// Something that only `known_hosts` has: a marker, a hash, a bracket, a list of names.
    hosts: usize,
    /// Something that only `authorized_keys` has.
    options: usize,
    /// A word that may be the name of a host, or an option that is none.
    words: usize,
    /// The key itself.
    bare: usize,
}

impl Seen {
    fn of(bytes: &[u8]) -> Self {
        let mut seen = Self::default();
        let Ok((keys, _)) = list_keys("", bytes) else { return seen };
        for key in &keys {
            let before = key.before();
            let first = before.split([',', '=']).next().unwrap_or_default().to_ascii_lowercase();
            if before.is_empty() {
                seen.bare += 1;
            } else if OPTIONS.contains(&first.as_str()) || before.contains("=\"") {
                seen.options += 1;
            } else if before.starts_with(['@', '|', '[', '!', '*'])
                || before.contains(['.', ':', '*', '?'])
            {
                seen.hosts += 1;
            } else {
                seen.words += 1;
            }
        }
        seen
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str =
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJmaIp1ahafeSGOpA9leTF2C29VxnuIPUVIrJGmfk63O x";

    fn of(name: &str, text: &str) -> Kind {
        recognise(Path::new(name), text.replace("<key>", KEY).as_bytes())
    }

    #[test]
    fn contents_come_first() {
        for (text, kind) in [
            ("-----BEGIN OPENSSH PRIVATE KEY-----\n", Kind::PrivateKey),
            ("PuTTY-User-Key-File-3: ssh-ed25519\n", Kind::PrivateKey),
            ("\u{feff}\n  -----BEGIN RSA PRIVATE KEY-----\n", Kind::PrivateKey),
            ("KEY='-----BEGIN OPENSSH PRIVATE KEY-----\\n", Kind::PrivateKey),
            ("# -----BEGIN OPENSSH PRIVATE KEY-----\na.example.org <key>\n", Kind::KnownHosts),
            ("---- BEGIN SSH2 PUBLIC KEY ----\n<key>\n<key>\n", Kind::PublicKey),
            ("-----BEGIN PUBLIC KEY-----\n", Kind::PublicKey),
            ("@revoked * <key>\n", Kind::KnownHosts),
            ("# x\nrpc.example.org <key>\n", Kind::KnownHosts),
            ("[a]:7000 <key>\n<key>\n", Kind::KnownHosts),
            ("restrict,pty <key>\n", Kind::AuthorizedKeys),
            ("<key>\nFROM=\"*\" <key>\n", Kind::AuthorizedKeys),
            ("frm=\"*.example.org\" <key>\n", Kind::AuthorizedKeys),
            ("<key>\n", Kind::PublicKey),
            ("<key>\n<key>\n", Kind::AuthorizedKeys),
            ("alpha <key>\nbeta <key>\n<key>\n", Kind::KnownHosts),
            ("typo <key>\n<key>\n<key>\n", Kind::AuthorizedKeys),
        ] {
            assert_eq!(of("x", text), kind, "{text}");
        }
    }

    #[test]
    fn names_decide_what_contents_leave_open() {
        for (name, text, kind) in [
            ("authorized_keys", "<key>\n", Kind::AuthorizedKeys),
            ("authorized_keys2", "", Kind::AuthorizedKeys),
            ("ssh_known_hosts", "", Kind::KnownHosts),
            ("id_ed25519", "", Kind::PrivateKey),
            ("id_ed25519", "\n", Kind::PrivateKey),
            ("id_ed25519", "<key>\n", Kind::PublicKey),
            ("id_ed25519.pub", "", Kind::PublicKey),
            ("known_hosts", "alpha <key>\n<key>\n<key>\n", Kind::KnownHosts),
            ("id.pub", "<key>\n<key>\n", Kind::PublicKey),
            ("authorized_keys", "@revoked * <key>\n", Kind::KnownHosts),
        ] {
            assert_eq!(of(name, text), kind, "{name}");
        }
    }
}
