//! This process' memory as a debugger sees it, freed parts included: `/proc/self/mem`.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The bytes at an address, whether something lives there or not. They go to where the caller has
/// room already: room that is made for them may be the very memory that was freed.
pub(crate) fn read(address: usize, into: &mut [u8]) -> io::Result<()> {
    File::open("/proc/self/mem")?.read_exact_at(into, u64::try_from(address).unwrap())
}

/// The same for what lives.
pub(crate) fn at(address: usize, len: usize) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; len];
    read(address, &mut bytes)?;
    Ok(bytes)
}

/// Held by a test for as long as it searches the memory: the search of another one would have copies
/// of what it has passed by.
pub(crate) fn alone() -> MutexGuard<'static, ()> {
    static SEARCHING: Mutex<()> = Mutex::new(());
    SEARCHING.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A secret of a test, kept in a form that a search of the memory does not take for a copy.
pub(crate) struct Masked(Vec<u8>);

const MASK: u8 = 0x5a;

impl Masked {
    /// Letters that no other test draws. They are made masked, and unmasked by the caller alone.
    pub(crate) fn letters(len: usize) -> Self {
        use rand::TryRng as _;
        let mut bytes = vec![0; len];
        rand::rngs::SysRng.try_fill_bytes(&mut bytes).unwrap();
        bytes.iter_mut().for_each(|byte| *byte = (b'a' + *byte % 26) ^ MASK);
        Self(bytes)
    }

    pub(crate) fn unmask(&self) -> impl Iterator<Item = u8> {
        self.0.iter().map(|byte| byte ^ MASK)
    }

    fn is_at(&self, bytes: &[u8]) -> bool {
        bytes.len() >= self.0.len() && self.unmask().zip(bytes).all(|(a, b)| a == *b)
    }

    /// How many copies of it there are in all memory that this process can write to.
    pub(crate) fn copies(&self) -> usize {
        const CHUNK: usize = 1 << 16;
        let memory = File::open("/proc/self/mem").unwrap();
        let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
        let zeros = vec![0; CHUNK];
        let mut chunk = vec![0; CHUNK];
        let mut copies = 0;
        for line in maps.lines() {
            let mut words = line.split(' ');
            let (range, mode) = (words.next().unwrap(), words.next().unwrap());
            if !mode.starts_with("rw") {
                continue;
            }
            let (from, to) = range.split_once('-').unwrap();
            let [mut from, to] = [from, to].map(|hex| u64::from_str_radix(hex, 16).unwrap());
            while from < to {
                let len = usize::try_from(to - from).unwrap().min(CHUNK);
                let chunk = &mut chunk[..len];
                // a region that another thread has given back meanwhile holds nothing
                if memory.read_exact_at(chunk, from).is_ok() && *chunk != zeros[..len] {
                    let first = self.unmask().next().unwrap();
                    let found = |at: &usize| chunk[*at] == first && self.is_at(&chunk[*at..]);
                    copies += (0..len).filter(found).count();
                }
                // a copy on the border of two chunks is whole in the second
                let step = len - if len == CHUNK { self.0.len() } else { 0 };
                from += u64::try_from(step).unwrap();
            }
            chunk.fill(0);
        }
        copies
    }
}
