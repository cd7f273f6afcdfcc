//! What can be wrong with any file of lines.

use std::path::Path;

use handfast::key::{printable, shell_path};
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
