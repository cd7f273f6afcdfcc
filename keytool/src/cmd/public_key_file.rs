//! A file with one public key in it, as an argument.

use std::path::Path;

use handfast::key::PublicKey;
use handfast::trust::{ListedKey, list_keys};

use crate::error::Failure;
use crate::paths;

/// Largest such file, in bytes.
const MAX: usize = 65_536;

/// The one key of a `.pub` file, and its comment.
pub(crate) fn read(path: &Path) -> Result<(PublicKey, String), Failure> {
    let (key, _) = read_any(path)?;
    match key.public_key() {
        Some(public) => Ok((public.clone(), key.comment().to_owned())),
        None => Err(Failure::No(format!(
            "{}: a key of type {} is not supported; make an Ed25519 key with `keytool generate`",
            key.place(),
            key.key_type()
        ))),
    }
}

/// The one key or certificate of a `.pub` file, of whatever type, and its line.
pub(crate) fn read_any(path: &Path) -> Result<(ListedKey, Vec<u8>), Failure> {
    let (name, bytes) = paths::read(path, MAX)?;
    if bytes.starts_with(b"-----BEGIN") {
        return Err(Failure::Usage(format!(
            "{name}: this is a private key; give the public one, whose name ends in .pub"
        )));
    }
    let (keys, skipped) = list_keys(&name, &bytes)?;
    match keys.as_slice() {
        [_] if skipped.total() > 0 => Err(Failure::Io(skipped.to_string())),
        [key] if !key.before().is_empty() => Err(Failure::Usage(format!(
            "{}: there is `{}` before the key; give a file with a bare public key",
            key.place(),
            handfast::key::printable(key.before())
        ))),
        [key] => {
            let text = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes);
            let mut lines =
                text.split(|&byte| byte == b'\n').skip(key.place().line().saturating_sub(1));
            Ok((key.clone(), lines.next().unwrap_or_default().to_vec()))
        }
        [] if skipped.total() > 0 => Err(Failure::Io(skipped.to_string())),
        [] => Err(Failure::Io(format!(
            "{name}: there is no key in it; expected `ssh-ed25519 AAAA...`"
        ))),
        more => Err(Failure::Usage(format!(
            "{name}: there are {} keys in it; give a file with one",
            more.len()
        ))),
    }
}
