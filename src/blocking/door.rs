//! Waiting for clients in a way that can be stopped.

use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream};
#[cfg(unix)]
use std::os::{
    fd::AsFd,
    unix::net::{UnixListener, UnixStream},
};
#[cfg(not(unix))]
use std::time::Duration;

use super::Transport;
use crate::auth::PeerAddr;

/// What connections come from. It must not block once [`Source::unblock`] was called.
#[cfg(unix)]
pub(super) trait Source: AsFd + Send + 'static {
    type Io: Transport;

    fn address(&self) -> Option<SocketAddr>;

    fn unblock(&self) -> io::Result<()>;

    fn accept(&self) -> io::Result<(Self::Io, PeerAddr)>;
}

/// What connections come from. It must not block once [`Source::unblock`] was called.
#[cfg(not(unix))]
pub(super) trait Source: Send + 'static {
    type Io: Transport;

    fn address(&self) -> Option<SocketAddr>;

    fn unblock(&self) -> io::Result<()>;

    fn accept(&self) -> io::Result<(Self::Io, PeerAddr)>;
}

impl Source for TcpListener {
    type Io = TcpStream;

    fn address(&self) -> Option<SocketAddr> {
        self.local_addr().ok()
    }

    fn unblock(&self) -> io::Result<()> {
        self.set_nonblocking(true)
    }

    fn accept(&self) -> io::Result<(TcpStream, PeerAddr)> {
        let (stream, address) = Self::accept(self)?;
        // on some systems it is as its listener
        let _ = stream.set_nonblocking(false);
        // what is wrong with one client's socket shows when it is used, and holds up no other
        let _ = stream.set_nodelay(true);
        Ok((stream, PeerAddr::Ip(address)))
    }
}

#[cfg(unix)]
impl Source for UnixListener {
    type Io = UnixStream;

    fn address(&self) -> Option<SocketAddr> {
        None
    }

    fn unblock(&self) -> io::Result<()> {
        self.set_nonblocking(true)
    }

    fn accept(&self) -> io::Result<(UnixStream, PeerAddr)> {
        let (stream, _) = Self::accept(self)?;
        stream.set_nonblocking(false)?;
        Ok((stream, PeerAddr::Unix))
    }
}

/// Where clients come in, and who waits for them can be told to look up.
pub(super) struct Door<S> {
    source: S,
    #[cfg(unix)]
    bell: UnixStream,
}

/// Tells who waits at a door to look up.
pub(super) struct Knock {
    #[cfg(unix)]
    bell: UnixStream,
}

impl Knock {
    pub(super) fn knock(&self) {
        // the end of the bell can be read for ever, however many look
        #[cfg(unix)]
        let _ = self.bell.shutdown(std::net::Shutdown::Write);
    }
}

impl<S: Source> Door<S> {
    pub(super) fn new(source: S) -> io::Result<(Self, Knock)> {
        source.unblock()?;
        #[cfg(unix)]
        {
            let (bell, knocker) = UnixStream::pair()?;
            Ok((Self { source, bell }, Knock { bell: knocker }))
        }
        #[cfg(not(unix))]
        Ok((Self { source }, Knock {}))
    }

    /// The next client; `None` when there was a knock or nobody after all.
    pub(super) fn accept(&self) -> io::Result<Option<(S::Io, PeerAddr)>> {
        self.wait()?;
        match self.source.accept() {
            Err(error) if is_nobody(error.kind()) => Ok(None),
            accepted => accepted.map(Some),
        }
    }

    #[cfg(unix)]
    fn wait(&self) -> io::Result<()> {
        use rustix::event::{PollFd, PollFlags, poll};
        let mut both =
            [PollFd::new(&self.source, PollFlags::IN), PollFd::new(&self.bell, PollFlags::IN)];
        match poll(&mut both, None) {
            Ok(_) | Err(rustix::io::Errno::INTR) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Where one cannot wait for two things, one looks often.
    #[cfg(not(unix))]
    fn wait(&self) -> io::Result<()> {
        std::thread::sleep(Duration::from_millis(10));
        Ok(())
    }
}

fn is_nobody(kind: io::ErrorKind) -> bool {
    matches!(kind, io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted)
}
