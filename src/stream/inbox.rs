//! Reading the handshake's frames off a transport.

use std::io;

use tokio::io::{AsyncRead, AsyncReadExt};

use crate::error::Error;

/// Bytes that are held during a handshake, at most: one record of a peer that is not
/// authenticated. It reads no further until that was taken. A longer one is read where `len_of`
/// admits it.
const CAPACITY: usize = 16_386;

/// Why a frame was not read.
#[derive(Debug)]
pub(crate) enum Fault {
    /// The transport failed.
    Io(io::Error),
    /// The bytes are no frame, or the stream ended within one.
    Protocol(Error),
}

/// Bytes of a handshake that were read and not used.
pub(crate) struct Inbox<R> {
    io: R,
    bytes: Vec<u8>,
}

impl<R: AsyncRead + Unpin> Inbox<R> {
    pub(crate) const fn new(io: R) -> Self {
        Self { io, bytes: Vec::new() }
    }

    /// Reads one frame, whose length `len_of` tells as soon as it can.
    ///
    /// Cancel-safe: bytes that were read stay here.
    pub(crate) async fn frame(
        &mut self,
        len_of: fn(&[u8]) -> Result<Option<usize>, Error>,
    ) -> Result<Vec<u8>, Fault> {
        loop {
            let wanted = len_of(&self.bytes).map_err(Fault::Protocol)?;
            if let Some(len) = wanted
                && len <= self.bytes.len()
            {
                let rest = self.bytes.split_off(len);
                return Ok(std::mem::replace(&mut self.bytes, rest));
            }
            let capacity = wanted.map_or(CAPACITY, |len| len.max(CAPACITY));
            let room = capacity.saturating_sub(self.bytes.len());
            // no more is taken than is wanted: growing by halves would double it
            let want = wanted.map_or(2048, |len| len.saturating_sub(self.bytes.len()));
            if self.bytes.len() == self.bytes.capacity() || wanted.is_some() {
                self.bytes.reserve_exact(want.min(room));
            }
            let spare = self.bytes.capacity().saturating_sub(self.bytes.len()).min(room);
            let mut limited = (&mut self.io).take(u64::try_from(spare).unwrap_or(0));
            if limited.read_buf(&mut self.bytes).await.map_err(Fault::Io)? == 0 {
                return Err(Fault::Protocol(Error::Truncated));
            }
        }
    }

    /// Reads and drops until the end.
    pub(crate) async fn drain(&mut self) -> io::Result<()> {
        self.bytes = Vec::new();
        let mut scratch = [0; 1024];
        while self.io.read(&mut scratch).await? > 0 {}
        Ok(())
    }

    /// The transport, and the bytes that were read behind the last frame.
    pub(crate) fn into_parts(self) -> (R, Vec<u8>) {
        (self.io, self.bytes)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncWriteExt;

    use super::*;
    use crate::handshake::record_len;

    /// [LIM-2]
    #[tokio::test]
    async fn the_largest_record_of_a_stranger_takes_its_own_length_and_no_more() {
        let (mut near, far) = tokio::io::duplex(1 << 16);
        let mut record = vec![7; CAPACITY];
        record[..2].copy_from_slice(&16_384_u16.to_be_bytes());
        // in pieces, and with more behind it
        let sent = record.clone();
        let send = tokio::spawn(async move {
            for piece in sent.chunks(1000) {
                near.write_all(piece).await.unwrap();
                tokio::task::yield_now().await;
            }
            near.write_all(&[0; 20_000]).await.unwrap();
            near
        });
        let mut inbox = Inbox::new(far);
        let frame = inbox.frame(record_len).await.unwrap();
        assert!(frame == record, "the record is whole");
        assert!(frame.capacity() <= CAPACITY, "{} bytes taken", frame.capacity());
        assert!(inbox.bytes.capacity() <= CAPACITY, "{} bytes kept", inbox.bytes.capacity());
        send.await.unwrap();
    }
}
