//! The stream below, and records over it.

use std::io::ErrorKind;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use super::crypto::{Direction, Secrets};
use super::messages::{ERROR, Fields, error, inner, padded, unpad};

pub(crate) trait Io: AsyncRead + AsyncWrite + Send + Unpin {}
impl<S: AsyncRead + AsyncWrite + Send + Unpin> Io for S {}

/// How the other side ended.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// These bytes and no more; a reset counts as an end.
    Closed(Vec<u8>),
}

pub(crate) const SILENCE: End = End::Closed(Vec::new());

/// One record: its type, its content, and the length of `inner`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Record {
    pub(crate) kind: u8,
    pub(crate) content: Vec<u8>,
    pub(crate) inner: usize,
}

impl Record {
    /// An Error record's code; its text must be empty.
    pub(crate) fn code(&self) -> u16 {
        assert_eq!(self.kind, ERROR, "{self:?}");
        let code = u16::from_be_bytes(self.content[..2].try_into().unwrap());
        assert_eq!(self.content, error(code, ""), "no text");
        code
    }
}

/// Longer than any test lets the other side take: where the clock is paused, a side that never does
/// what is waited for is found out at once.
const LONG: Duration = Duration::from_secs(3600);

pub(crate) async fn in_time<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(LONG, future).await.expect("the other side reads, speaks or closes")
}

/// A stream on which whole frames and records are sent and read.
pub(crate) struct Link {
    pub(crate) io: Box<dyn Io>,
    /// What was read and not taken.
    pub(crate) bytes: Vec<u8>,
}

impl Link {
    pub(crate) fn new(io: impl Io + 'static) -> Self {
        Self { io: Box::new(io), bytes: Vec::new() }
    }

    pub(crate) async fn send(&mut self, bytes: &[u8]) {
        in_time(self.io.write_all(bytes)).await.unwrap();
        in_time(self.io.flush()).await.unwrap();
    }

    /// Sends although the other side may be gone.
    pub(crate) async fn offer(&mut self, bytes: &[u8]) -> bool {
        in_time(self.io.write_all(bytes)).await.is_ok() && in_time(self.io.flush()).await.is_ok()
    }

    async fn fill(&mut self, n: usize) -> bool {
        while self.bytes.len() < n {
            match in_time(self.io.read_buf(&mut self.bytes)).await {
                Ok(0) => return false,
                Ok(_) => {}
                Err(e)
                    if matches!(e.kind(), ErrorKind::ConnectionReset | ErrorKind::BrokenPipe) =>
                {
                    return false;
                }
                Err(e) => panic!("{e}"),
            }
        }
        true
    }

    /// Form, type and body of the next frame.
    pub(crate) async fn frame(&mut self) -> (Vec<u8>, u8, Vec<u8>) {
        assert!(self.fill(7).await, "a frame, not the end: {:?}", self.bytes);
        assert_eq!(&self.bytes[..4], b"\x89HF\x01");
        let n = usize::from(Fields(&self.bytes[5..]).u16());
        assert!(self.fill(7 + n).await, "a whole frame");
        let frame: Vec<u8> = self.bytes.drain(..7 + n).collect();
        let (kind, body) = (frame[4], frame[7..].to_vec());
        (frame, kind, body)
    }

    /// The ciphertext of the next record; none at the end.
    pub(crate) async fn record(&mut self) -> Option<Vec<u8>> {
        if !self.fill(2).await {
            assert!(self.bytes.is_empty(), "the end within a record");
            return None;
        }
        let n = usize::from(Fields(&self.bytes).u16());
        assert!(self.fill(2 + n).await, "the end within a record");
        Some(self.bytes.drain(..2 + n).skip(2).collect())
    }

    /// All that still comes.
    pub(crate) async fn end(&mut self) -> End {
        while self.fill(self.bytes.len() + 1).await {}
        End::Closed(std::mem::take(&mut self.bytes))
    }
}

/// A connection past its hellos: either role.
pub(crate) struct Channel {
    pub(crate) link: Link,
    pub(crate) aead: u8,
    pub(crate) hybrid: bool,
    pub(crate) secrets: Secrets,
    pub(crate) tx: Direction,
    pub(crate) rx: Direction,
}

impl Channel {
    /// Sends a record without padding.
    pub(crate) async fn send(&mut self, kind: u8, content: &[u8]) {
        let record = self.tx.seal(&inner(kind, content));
        self.link.send(&record).await;
    }

    /// Sends it although the other side may be gone.
    pub(crate) async fn offer(&mut self, kind: u8, content: &[u8]) -> bool {
        let record = self.tx.seal(&inner(kind, content));
        self.link.offer(&record).await
    }

    /// Sends a record padded as Auth is.
    pub(crate) async fn send_padded(&mut self, kind: u8, content: &[u8]) {
        let record = self.tx.seal(&padded(kind, content));
        self.link.send(&record).await;
    }

    /// The next record; none at the end.
    pub(crate) async fn next(&mut self) -> Option<Record> {
        let ciphertext = self.link.record().await?;
        let inner = self.rx.open(&ciphertext).expect("it decrypts");
        let (kind, content) = unpad(&inner);
        Some(Record { kind, content: content.to_vec(), inner: inner.len() })
    }

    /// The next record, which must be there.
    pub(crate) async fn expect(&mut self, kind: u8) -> Vec<u8> {
        let record = self.next().await.expect("a record");
        assert_eq!(record.kind, kind, "{record:?}");
        record.content
    }

    /// The next record is an Error with this code and no text, and the last.
    pub(crate) async fn expect_error(&mut self, code: u16) {
        let record = self.next().await.expect("an Error");
        assert_eq!(record.code(), code);
        assert_eq!(self.link.end().await, SILENCE, "nothing behind an Error");
    }

    /// The same before Welcome, where AUTH-1 pads it.
    pub(crate) async fn expect_early_error(&mut self, code: u16) {
        let record = self.next().await.expect("an Error");
        assert_eq!(record.code(), code);
        assert_eq!(record.inner, 512, "padded");
        assert_eq!(self.link.end().await, SILENCE, "nothing behind an Error");
    }

    pub(crate) async fn expect_silence(&mut self) {
        assert_eq!(self.link.end().await, SILENCE);
    }
}
