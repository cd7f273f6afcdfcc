//! Buffers that idle connections do not keep.

use std::cell::RefCell;

/// A buffer's length: two of the largest records, so that one read finds many small ones and a
/// large one is never cut twice.
pub(super) const LEN: usize = 128 << 10;
/// Buffers that a thread keeps for the next connection.
const KEPT: usize = 8;

thread_local! {
    static READ: RefCell<Vec<Box<[u8]>>> = const { RefCell::new(Vec::new()) };
    static WRITE: RefCell<Vec<Vec<u8>>> = const { RefCell::new(Vec::new()) };
}

/// A buffer for reading: [`LEN`] bytes of no meaning.
pub(super) fn read_buffer() -> Box<[u8]> {
    let kept = READ.try_with(|pool| pool.borrow_mut().pop()).ok().flatten();
    kept.unwrap_or_else(|| vec![0; LEN].into_boxed_slice())
}

/// Gives a read buffer back; one of another length is freed.
pub(super) fn keep_read(buffer: Box<[u8]>) {
    if buffer.len() != LEN {
        return;
    }
    // a thread that is ending has no pool any more: the buffer is freed
    let _ = READ.try_with(|pool| {
        let mut pool = pool.borrow_mut();
        if pool.len() < KEPT {
            pool.push(buffer);
        }
    });
}

/// An empty buffer for records to send.
pub(super) fn write_buffer() -> Vec<u8> {
    WRITE.try_with(|pool| pool.borrow_mut().pop()).ok().flatten().unwrap_or_default()
}

/// Gives a write buffer back.
pub(super) fn keep_write(mut buffer: Vec<u8>) {
    buffer.clear();
    if buffer.capacity() == 0 {
        return;
    }
    let _ = WRITE.try_with(|pool| {
        let mut pool = pool.borrow_mut();
        if pool.len() < KEPT {
            pool.push(buffer);
        }
    });
}
