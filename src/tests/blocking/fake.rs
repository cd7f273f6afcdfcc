//! Transports by script: what was recorded is read, what is written is recorded.

use std::collections::VecDeque;
use std::io::{self, ErrorKind, Read, Write};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::blocking::{Deadline, Finish};

/// What the next call comes to.
#[derive(Debug, Clone, Copy)]
pub(super) enum Turn {
    /// So many bytes, at most.
    Bytes(usize),
    Fail(ErrorKind),
}

/// Turns that come one after the other, and then over and over.
#[derive(Debug)]
pub(super) struct Script {
    turns: VecDeque<Turn>,
}

impl Script {
    pub(super) fn new(turns: impl IntoIterator<Item = Turn>) -> Self {
        Self { turns: turns.into_iter().collect() }
    }

    fn next(&mut self) -> io::Result<usize> {
        let Some(turn) = self.turns.pop_front() else { return Ok(usize::MAX) };
        self.turns.push_back(turn);
        match turn {
            Turn::Bytes(len) => Ok(len),
            Turn::Fail(kind) => Err(kind.into()),
        }
    }
}

pub(super) struct From {
    pub(super) bytes: VecDeque<u8>,
    pub(super) script: Script,
}

impl Read for From {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let len = self.script.next()?.min(buf.len()).min(self.bytes.len());
        for (place, byte) in buf.iter_mut().zip(self.bytes.drain(..len)) {
            *place = byte;
        }
        Ok(len)
    }
}

impl Deadline for From {
    fn set_timeout(&mut self, _: Option<Duration>) -> io::Result<()> {
        Ok(())
    }
}

pub(super) struct To {
    pub(super) bytes: Arc<Mutex<Vec<u8>>>,
    pub(super) script: Script,
}

impl Write for To {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        let len = self.script.next()?.min(buf.len());
        self.bytes.lock().unwrap().extend_from_slice(&buf[..len]);
        Ok(len)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Deadline for To {
    fn set_timeout(&mut self, _: Option<Duration>) -> io::Result<()> {
        Ok(())
    }
}

impl Finish for To {}
