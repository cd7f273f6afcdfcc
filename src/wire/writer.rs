//! Appending fields to a buffer.

use crate::error::{Error, Misuse};

const TOO_LONG: Error = Error::Misuse(Misuse::Setting("a value is too long for its field"));

/// `bytes8(x)`.
pub(crate) fn bytes8(out: &mut Vec<u8>, bytes: &[u8]) -> Result<(), Error> {
    out.push(u8::try_from(bytes.len()).map_err(|_| TOO_LONG)?);
    out.extend_from_slice(bytes);
    Ok(())
}

/// `bytes16(x)`.
pub(crate) fn bytes16(out: &mut Vec<u8>, bytes: &[u8]) -> Result<(), Error> {
    out.extend_from_slice(&u16::try_from(bytes.len()).map_err(|_| TOO_LONG)?.to_be_bytes());
    out.extend_from_slice(bytes);
    Ok(())
}

/// `bytes16` around whatever `fill` appends.
pub(crate) fn container16(
    out: &mut Vec<u8>,
    fill: impl FnOnce(&mut Vec<u8>) -> Result<(), Error>,
) -> Result<(), Error> {
    out.extend_from_slice(&[0, 0]);
    let start = out.len();
    fill(out)?;
    let len = u16::try_from(out.len().saturating_sub(start)).map_err(|_| TOO_LONG)?;
    if let Some(header) = out.get_mut(start.saturating_sub(2)..start) {
        header.copy_from_slice(&len.to_be_bytes());
    }
    Ok(())
}

/// One extension.
pub(crate) fn extension(out: &mut Vec<u8>, kind: u16, body: &[u8]) -> Result<(), Error> {
    out.extend_from_slice(&kind.to_be_bytes());
    bytes16(out, body)
}
