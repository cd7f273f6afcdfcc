//! What can be wrong with any file of lines.

use std::path::Path;

use handfast::key::{printable, public_key_format, shell_path};
use handfast::trust::glued;

use super::findings::Findings;

const MARK: &[u8] = b"\xef\xbb\xbf";

/// What OpenSSH would take for something else, and what deceives whoever looks at the file.
pub(super) fn check(path: &Path, bytes: &[u8], findings: &mut Findings) {
    let word = shell_path(path);
    let text = bytes.strip_prefix(MARK).unwrap_or(bytes);
    if text.len() < bytes.len() {
        findings.warning(
            1,
            "a byte order mark stands before it, which OpenSSH takes for part of the line",
            "save the file as UTF-8 without a byte order mark",
        );
    }
    if !text.is_empty() && !text.ends_with(b"\n") {
        let last = text.split(|&byte| byte == b'\n').count();
        findings.warning(
            last,
            "the line has no end, and what a program appends becomes part of it",
            "add a line end",
        );
    }
    let show = format!("look at it with `cat -v {word}`, and remove what does not belong there");
    if public_key_format(bytes).is_none() {
        other_formats(text, findings);
    }
    let mut crlf = false;
    for (number, line) in (1..).zip(text.split(|&byte| byte == b'\n')) {
        let bare = line.strip_suffix(b"\r").unwrap_or(line);
        if bare.len() < line.len() && !crlf {
            crlf = true;
            findings.warning(
                number,
                "the line ends in CR LF, as on Windows, and OpenSSH makes the CR part of it",
                &format!("convert the file, as by `sed -i 's/\\r$//' {word}`"),
            );
        }
        if let Some(fault) = glued(bare) {
            findings.error(number, &fault.to_string(), "put each on a line of its own");
        }
        match str::from_utf8(bare) {
            Err(_) => findings.warning(number, "there are bytes in it that are not UTF-8", &show),
            Ok(text) => {
                // A NUL is told of where the line is read.
                let text = text.replace(['\t', '\0'], " ");
                if printable(&text) != text {
                    let problem = "there are control characters in it, or marks that hide text";
                    findings.warning(number, problem, &show);
                }
            }
        }
    }
}

/// First lines of public keys in other formats, what they are called, and what `ssh-keygen -i` needs to
/// read them.
const OTHERS: [(&[u8], &str, &str); 3] = [
    (b"---- BEGIN SSH2 PUBLIC KEY ----", "in the format of RFC 4716 (PuTTYgen)", ""),
    (b"-----BEGIN PUBLIC KEY-----", "in a PEM file", " -m PKCS8"),
    (b"-----BEGIN RSA PUBLIC KEY-----", "in a PEM file", " -m PEM"),
];

/// Most lines of such a key; longer ones are none.
const MOST_LINES: usize = 64;

/// Names each key in another format that was appended to the file, once for all of its lines.
fn other_formats(text: &[u8], findings: &mut Findings) {
    let mut lines = text.split(|&byte| byte == b'\n').map(<[u8]>::trim_ascii).enumerate();
    while let Some((index, line)) = lines.next() {
        let Some((_, name, option)) = OTHERS.iter().find(|(first, ..)| line.starts_with(first))
        else {
            continue;
        };
        let number = index.saturating_add(1);
        findings.error(
            number,
            &format!("a public key {name} begins here, and OpenSSH's files hold none of that format"),
            &format!(
                "move it into a file of its own, and add what `ssh-keygen -i{option} -f FILE` prints"
            ),
        );
        let rest = lines.clone().map(|(_, line)| line).take(MOST_LINES);
        // a line with a marker or a key is an entry, and belongs to no such key
        let is_entry =
            |line: &&[u8]| line.starts_with(b"@") || line.windows(4).any(|it| it == b"ssh-");
        let body = rest.take_while(|line| !is_entry(line));
        let is_end =
            |line: &[u8]| line.starts_with(b"----") && line.windows(4).any(|it| it == b"END ");
        let len = body.clone().position(is_end);
        findings
            .told_of(number..=number.saturating_add(len.map_or(0, |len| len.saturating_add(1))));
    }
}
