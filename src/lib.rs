//! Secure sockets between programs that know each other: a byte stream becomes one that is
//! encrypted and authenticated on both ends, by SSH Ed25519 keys and OpenSSH's own trust files.
//!
//! | it guarantees | it does not |
//! |---|---|
//! | Both ends proved keys that the other trusts, and meant this connection (a server can let clients off, in so many words: [`auth::anonymous`]) | Hide lengths and times; [`Stream::pad_to`] blunts lengths |
//! | Nobody else reads it; not later either, with stolen keys or a quantum computer | Authenticate against a quantum computer that exists during the connection |
//! | Observers who do not know the server's public key learn no identity | Hide a server's default key from who connects, unless it is stealth |
//! | Whoever cannot prove a trusted host key learns nothing of the client | Make up for a stolen key before it is out of the files and they are read again |
//! | What was reordered, replayed, cut off or injected is an error, never data | Resume connections, send 0-RTT data, or let anybody deny that a key was used |
//!
//! No outside audit has been made of the protocol or of this code.
//!
//! ```text
//!   the wire                      the core                            the stream
//!                                 no I/O, no clock, no threads        tokio or threads
//!  ┌─────────────┐   bytes   ┌──────────────────────────────┐   ┌────────────────────┐
//!  │ TCP, Unix   │ ────────► │ handshake ─────► session     │ ◄─│ Client      Server │ ◄── you
//!  │ sockets,    │           │ (one type for    (Data,      │   │       Stream       │
//!  │ any stream  │ ◄──────── │ each state)      Close, ...) │ ─►│ AsyncRead + Write  │ ──► you
//!  └─────────────┘   bytes   └──────┬───────────────────────┘   └─────────┬──────────┘
//!                                   │ proves keys                         │ asks whom to trust
//!                                 key: Identity, PublicKey         trust: KnownHosts, AuthorizedKeys
//!                                                                  auth: Authenticator
//! ```
//!
//! # Quick start
//!
#![cfg_attr(feature = "tokio", doc = "```")]
#![cfg_attr(not(feature = "tokio"), doc = "```ignore")]
//! use handfast::auth::{Authenticator, ip_allowlist, public_key};
//! use handfast::key::Identity;
//! use handfast::trust::{AuthorizedKeys, KnownHosts};
//! use handfast::{Client, Server};
//! use tokio::io::{AsyncReadExt, AsyncWriteExt};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! // Programs read these from files, by `Identity::load`, `AuthorizedKeys::open` and
//! // `KnownHosts::open`.
//! let (host, alice) = (Identity::generate()?, Identity::generate()?);
//! let authorized_keys = format!("{} alice@example.org", alice.public_key());
//! let authorized_keys = AuthorizedKeys::parse("authorized_keys", authorized_keys.as_bytes())?;
//!
//! // A server admits whom its authenticators admit, in their order.
//! let server = Server::new(host.clone())
//!     .authenticator(ip_allowlist(["127.0.0.1", "::1"])?.and(public_key(authorized_keys)));
//! let listener = server.listen("127.0.0.1:0").await?;
//! let address = listener.local_addr().ok_or("no address")?;
//! tokio::spawn(async move {
//!     while let Ok((stream, peer)) = listener.accept().await {
//!         let ((), listed) = &peer.credentials;
//!         assert_eq!(listed.comment, "alice@example.org");
//!         tokio::spawn(async move {
//!             let (mut reader, mut writer) = stream.into_split();
//!             tokio::io::copy(&mut reader, &mut writer).await?;
//!             writer.shutdown().await
//!         });
//!     }
//! });
//!
//! // A client connects to hosts whose keys it knows.
//! let known_hosts = format!("[127.0.0.1]:{} {}", address.port(), host.public_key());
//! let known_hosts = KnownHosts::parse("known_hosts", known_hosts.as_bytes())?;
//! let client = Client::new().identity(alice).known_hosts(known_hosts);
//! let mut stream = client.connect(&address.to_string()).await?;
//! stream.write_all(b"hello").await?;
//! stream.shutdown().await?; // sends the authenticated end
//!
//! let mut answer = String::new();
//! stream.read_to_string(&mut answer).await?; // an error, were the server's end not there
//! assert_eq!(answer, "hello");
//! # Ok(())
//! # }
//! ```
//!
//! # Where to go from here
//!
//! | module | what it has |
//! |---|---|
//! | [`client`], [`server`] | the settings of [`Client`] and [`Server`]: ciphers, deadlines, names, passwords, stealth, ... |
//! | [`stream`] | [`Stream`]: its end, its halves, cancel safety, what it runs over |
//! | [`blocking`] | the same for threads, over [`Read`](std::io::Read) and [`Write`](std::io::Write) |
//! | [`auth`] | whom a server admits: authenticators and how they combine |
//! | [`trust`] | `known_hosts`, `authorized_keys`, and what decides about host keys |
//! | [`key`] | keys, fingerprints, SSH signatures |
//! | [`handshake`], [`session`] | the core, for those who bring their own I/O |
//!
//! The repository has examples: `quickstart` shows all of this on one page, `echo` is a server and a
//! client with a command line, `shutdown_tokio` and `shutdown_threads` are servers that stop at
//! ctrl-C and SIGTERM. `docs/PROTOCOL.md` has the protocol to the byte, `SECURITY.md` the threat model.
//!
//! # Errors
//!
//! [`Error`] says what went wrong between two peers, by who is at fault. Connecting gives
//! [`ConnectError`], accepting [`AcceptError`], which add what happens before and around that:
//! names that lead nowhere, time-outs, host keys that are not trusted. A stream gives
//! [`io::Error`](std::io::Error) with an [`Error`] inside
//! ([`get_ref`](std::io::Error::get_ref)). Each message is one sentence that holds its causes
//! already, so print the error alone, not its [`source`](std::error::Error::source)s too. Errors about
//! files begin with the path and, where there is one, the line.
//!
//! What is decided is logged through `tracing`: who was admitted, who was not and why, and lines of
//! trust files that were passed over. Clients are told less than the log.
//!
//! # Features
//!
//! | feature | default | adds |
//! |---|---|---|
//! | `tokio` | yes | streams, connector and listener on tokio; implies `files` |
//! | `blocking` | yes | the same on `std::io` and threads, without tokio; implies `files` |
//! | `files` | by both | `known_hosts`, `authorized_keys`, key files, and the authenticators that read them |
//! | `aws-lc-rs` | no | a second cryptographic backend, and selects it; needs a C compiler |
//!
//! Without default features there remains the core. Rust 1.88 or later is needed; raising that is
//! not a breaking change, but is noted in the change log.

#[cfg(any(feature = "tokio", feature = "blocking"))]
mod agreement;
#[cfg(feature = "files")]
pub mod auth;
#[cfg(feature = "blocking")]
pub mod blocking;
#[cfg(any(feature = "tokio", feature = "blocking"))]
mod buffer;
#[cfg(any(feature = "tokio", feature = "blocking"))]
pub mod client;
mod crypto;
#[cfg(any(feature = "tokio", feature = "blocking"))]
mod deadlines;
mod error;
#[cfg(any(test, feature = "fuzzing"))]
#[doc(hidden)]
pub mod fuzzing;
pub mod handshake;
pub mod key;
#[cfg(any(feature = "tokio", feature = "blocking"))]
mod link;
#[cfg(any(feature = "tokio", feature = "blocking"))]
mod liveness;
mod record;
#[cfg(any(feature = "tokio", feature = "blocking"))]
mod roll;
#[cfg(any(feature = "tokio", feature = "blocking"))]
pub mod runtime;
mod schedule;
#[cfg(any(feature = "tokio", feature = "blocking"))]
pub mod server;
pub mod session;
#[cfg(feature = "tokio")]
pub mod stream;
#[cfg(feature = "files")]
pub mod trust;
mod wire;

#[cfg(feature = "files")]
pub use auth::Authenticator;
#[cfg(any(feature = "tokio", feature = "blocking"))]
pub use client::ConnectError;
pub use crypto::{Cipher, UnknownCipher};
#[cfg(any(feature = "tokio", feature = "blocking"))]
pub use deadlines::Deadlines;
pub use error::{
    Error, ErrorCode, Farewell, Foreign, Incompatible, KeyType, Malformed, Misbehaved, Misuse,
    Refusal, Unproved,
};
pub use key::Identity;
#[cfg(feature = "tokio")]
pub use server::Listener;
#[cfg(any(feature = "tokio", feature = "blocking"))]
pub use server::{AcceptError, Peer};
#[cfg(feature = "tokio")]
pub use stream::Stream;

/// A [`client::Client`] that waits in tasks, on tokio; see there.
#[cfg(feature = "tokio")]
pub type Client = client::Client<runtime::Tokio>;

/// A [`server::Server`] that waits in tasks, on tokio; see there.
#[cfg(feature = "tokio")]
pub type Server<A = auth::Nobody> = server::Server<A, runtime::Tokio>;

#[cfg(test)]
mod tests;

/// The code in README.md.
#[cfg(all(doctest, feature = "tokio"))]
#[doc = include_str!("../README.md")]
struct Readme;
