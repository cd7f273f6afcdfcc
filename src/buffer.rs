//! The bytes of an established connection between the session and a transport, for streams of every
//! kind: no I/O here.

mod pool;
mod read;
mod write;

pub(crate) use read::{Kind, ReadBuffer, Room};
pub(crate) use write::WriteBuffer;
