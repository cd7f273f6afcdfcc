//! Streams on threads that block.
//!
//! A [`Stream`] is what the application holds of a connection: [`Read`](std::io::Read),
//! [`BufRead`](std::io::BufRead) and [`Write`](std::io::Write), over a TCP or Unix socket or any
//! other [`Transport`].
//!
//! # Its end
//!
//! [`shutdown`](Stream::shutdown) sends Close: the peer reads what was written before it and then
//! the end of the stream. Reading goes on until the peer's own Close. A stream that is dropped
//! without `shutdown` is *truncated* to the peer, who reads
//! [`UnexpectedEof`](std::io::ErrorKind::UnexpectedEof) in the place of the end, as it does when
//! somebody cuts the connection. [`Stream::abort`] ends it with an error code.
//!
//! A socket that is closed with bytes unread takes back what its peer has not read yet. So dropping
//! a stream behind its `shutdown`, or with an error that the peer is to be told, reads and drops
//! what still comes until the peer ends its direction, but for no more than a second or 1 MiB.
//! That long a drop can take, and the read or write that finds such an error. [`close`](Stream::close) waits for the peer's end as long as it
//! takes.
//!
//! # Two threads
//!
//! [`into_split`](Stream::into_split) gives a half to each. A reader never waits for a writer that
//! waits for room, nor the other way round. Whichever is at work sends what the protocol owes the
//! peer (Pong, the answers of a rekey); a reader that finds the transport full tries again from
//! time to time while it reads.
//!
//! # Time-outs
//!
//! [`set_read_timeout`](Stream::set_read_timeout) and
//! [`set_write_timeout`](Stream::set_write_timeout) are like those of a socket, and no byte is lost
//! or sent twice when they are over. The stream uses the socket's own for itself; see [`Deadline`]
//! and, for what has none, [`NoDeadline`].
//!
//! # One way for long
//!
//! There is no thread in the background: a stream answers its peer while it is read or written. A
//! program that does neither for longer than its peer's patience (2 minutes by default, see
//! [`Liveness`]) should keep a thread reading, or have its peers configured for it. Pings are sent,
//! and a peer that is gone or an idle connection is found, while somebody reads; time in which
//! nobody does is not held against the peer.
//!
//! Who only writes looks for what the peer has sent every 5 s of writing, and every 256 KiB during
//! a rekey, as far as the first Data that the application has not read. If that Data bars the way
//! to the answer of a rekey until the key in use is worn out (2^24 records or 2^38 bytes), writing
//! fails with [`Error::RekeyBlocked`](crate::Error::RekeyBlocked) rather than waiting for ever.
//! Where the reading half was dropped, Data is dropped on that occasion.
//!
//! # Memory
//!
//! A read holds a buffer of 128 KiB while it waits; a stream that has nothing unread and is not
//! being read or written holds none.

mod connection;
mod halves;
mod inbound;
mod outbound;
mod patience;
mod stream;
mod transport;

pub use crate::liveness::Liveness;
pub use halves::{ReadHalf, WriteHalf};
pub use stream::Stream;
pub use transport::{Deadline, Finish, NoDeadline, ReadSide, Transport, WriteSide};

#[cfg_attr(not(test), expect(unused_imports, reason = "for the connector and the listener"))]
pub(crate) use connection::Begin;
