//! Streams on threads that block.
//!
//! A [`Stream`] is what the application holds of a connection: [`Read`](std::io::Read),
//! [`BufRead`](std::io::BufRead) and [`Write`](std::io::Write), over a TCP or Unix socket or any
//! other [`Transport`]. It is made by [`Client::connect`] or [`Listener::accept`]:
//!
//! ```
//! use std::io::{Read, Write};
//!
//! use handfast::auth::public_key;
//! use handfast::blocking::{Client, Server};
//! use handfast::key::Identity;
//! use handfast::trust::{AuthorizedKeys, PinnedKeys};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let (host, alice) = (Identity::generate()?, Identity::generate()?);
//! let keys = format!("{} alice@example.org", alice.public_key());
//! let keys = AuthorizedKeys::parse("authorized_keys", keys.as_bytes())?;
//! let pinned = PinnedKeys::new([host.public_key().clone()]);
//!
//! let listener = Server::new(host).authenticator(public_key(keys)).listen("127.0.0.1:0")?;
//! let address = listener.local_addr().ok_or("no address")?;
//! let serving = std::thread::spawn(move || -> std::io::Result<()> {
//!     let (mut stream, peer) = listener.accept()?;
//!     assert_eq!(peer.credentials.comment, "alice@example.org");
//!     let mut question = String::new();
//!     stream.read_to_string(&mut question)?; // an error, were the client's end not there
//!     stream.write_all(question.to_uppercase().as_bytes())?;
//!     stream.close()
//! });
//!
//! let client = Client::new().identity(alice).host_verifier(pinned);
//! let mut stream = client.connect(&address.to_string())?;
//! stream.write_all(b"hello")?;
//! stream.shutdown()?; // sends the authenticated end
//! let mut answer = String::new();
//! stream.read_to_string(&mut answer)?;
//! assert_eq!(answer, "HELLO");
//! serving.join().map_err(|_| "the server's thread failed")??;
//! # Ok(())
//! # }
//! ```
//!
//! Authenticators are the same as on tokio. One that waits, such as an async closure, is polled by
//! the thread of its handshake; what needs a runtime (timers, sockets of tokio's) has to bring it.
//! While the client is awaited it is polled every 50 ms, so that a timer of its own can end that wait;
//! while the authenticator is awaited the client is looked for every 200 ms, so that one that has
//! gone away is noticed. Both need a transport with time-outs, and an authenticator that does not
//! block its thread.
//!
//! # Stopping
//!
//! A [`ShutdownHandle`] ends a listener from the thread that waits for a signal, and `main` cannot
//! end before that is done. The example `shutdown_threads` is a whole server.
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
//! That long a drop can take, and the read or write that finds such an error.
//! [`close`](Stream::close) waits for the peer's end as long as it takes.
//!
//! # Two threads
//!
//! [`into_split`](Stream::into_split) gives a half to each. A reader never waits for a writer that
//! waits for room, nor the other way round. Whichever is at work sends what the protocol owes the
//! peer (Pong, the answers of a rekey); a reader that finds the transport full tries again from
//! time to time while it reads.
//!
//! # Transports that buffer
//!
//! Each write goes out without a [`flush`](std::io::Write::flush), also through a transport that
//! buffers, such as a [`BufWriter`](std::io::BufWriter): the stream flushes it behind each write.
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

mod any;
mod client;
mod connection;
mod door;
mod halves;
mod inbound;
mod link;
mod listener;
mod outbound;
mod patience;
mod server;
mod shutdown;
mod stream;
mod transport;
mod wait;

pub use crate::liveness::Liveness;
pub use any::{Any, AnySide};
pub use halves::{ReadHalf, WriteHalf};
pub use listener::Listener;
pub use shutdown::ShutdownHandle;
pub use stream::Stream;
pub use transport::{Deadline, Finish, NoDeadline, ReadSide, Transport, WriteSide};

#[cfg(test)]
pub(crate) use connection::Begin;

use crate::auth::Nobody;
use crate::runtime::Blocking;

/// A [`client::Client`](crate::client::Client) that waits in threads; see there.
pub type Client = crate::client::Client<Blocking>;

/// A [`server::Server`](crate::server::Server) that waits in threads; see there.
pub type Server<A = Nobody> = crate::server::Server<A, Blocking>;
