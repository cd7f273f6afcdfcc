//! Transports that keep what they are given until they are flushed.

use std::io::{self, BufReader, BufWriter, Read, Write};
use std::thread;
use std::time::Duration;

use handfast::auth::PeerAddr;
use handfast::blocking::{Any, Deadline, Finish, NoDeadline, Stream, Transport};

use crate::blocking::{Ends, host, soon};

type Reads = NoDeadline<BufReader<io::PipeReader>>;
type Writes = NoDeadline<BufWriter<io::PipeWriter>>;

/// Two pipes, each behind buffers that hold far more than the test sends.
fn pipes() -> ((Reads, Writes), (Reads, Writes)) {
    let ((a, b), (c, d)) = (io::pipe().unwrap(), io::pipe().unwrap());
    let reads = |pipe| NoDeadline(BufReader::new(pipe));
    let writes = |pipe| NoDeadline(BufWriter::with_capacity(1 << 20, pipe));
    ((reads(a), writes(d)), (reads(c), writes(b)))
}

/// Both directions in one thing, as a serial line is.
#[derive(Debug)]
struct Both(Reads, Writes);

impl Read for Both {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.0.read(buf)
    }
}

impl Write for Both {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.1.write(buf)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.1.flush()
    }
}

impl Deadline for Both {
    fn set_timeout(&mut self, _: Option<Duration>) -> io::Result<()> {
        Ok(())
    }

    fn has_timeouts(&self) -> bool {
        false
    }
}

impl Finish for Both {}

fn over<A: Transport, B: Transport>(a: A, b: B) -> (Stream<A>, Stream<B>) {
    let ends = Ends::new();
    let server = ends.server.clone();
    let accepting =
        thread::spawn(move || server.accept_over(b, PeerAddr::Unknown).map(|(s, _)| s).unwrap());
    let client = soon(move || ends.client.connect_over(a, &host()).unwrap());
    (client, soon(move || accepting.join().unwrap()))
}

/// Questions and answers of all sizes, and not one flush.
fn talk<A: Transport, B: Transport>(a: A, b: B) {
    let (mut client, mut server) = over(a, b);
    let echo = thread::spawn(move || {
        let mut word = [0; 5];
        for _ in 0..3 {
            server.read_exact(&mut word).unwrap();
            server.write_all(&word).unwrap();
        }
        let mut rest = Vec::new();
        server.read_to_end(&mut rest).unwrap();
        server.write_all(&rest).unwrap();
        server.shutdown().unwrap();
    });
    soon(move || {
        let mut word = [0; 5];
        for question in [b"first", b"secon", b"third"] {
            client.write_all(question).unwrap();
            client.read_exact(&mut word).unwrap();
            assert_eq!(&word, question);
        }
        let long = vec![7; 40_000];
        client.write_all(&long).unwrap();
        client.shutdown().unwrap();
        let mut rest = Vec::new();
        client.read_to_end(&mut rest).unwrap();
        assert!(rest == long);
    });
    soon(move || echo.join().unwrap());
}

#[test]
fn what_is_written_arrives_through_a_transport_that_buffers() {
    let (a, b) = pipes();
    talk(a, b);
    let (a, b) = pipes();
    talk(Any(Both(a.0, a.1)), Any(Both(b.0, b.1)));
}
