//! A line that the user types and the terminal does not show.
//!
//! The terminal stays in its usual mode but for the echo, so that Ctrl-C and Ctrl-Z are signals. A
//! signal that ends or stops this process would leave the echo off. So a thread takes those signals,
//! gives the terminal back as it was, and lets the signal do what it does by default; when this
//! process goes on, the echo is off again and the prompt is shown again.

use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;

use nix::sys::signal::{SigSet, Signal, raise};
use rustix::process::getpgrp;
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcgetpgrp, tcsetattr};
use zeroize::Zeroizing;

/// Longest line, in bytes; a terminal hands over no longer one.
const MAX: usize = 4096;

/// The prompt that waits for its line, if one does.
static ACTIVE: Mutex<Option<Prompt>> = Mutex::new(None);

/// Shows `prompt` on the terminal of this process and reads a line, which is not shown. Without its
/// line end.
pub(crate) fn hidden_line(prompt: &str) -> io::Result<Zeroizing<Vec<u8>>> {
    watch()?;
    let tty = File::options().read(true).write(true).open("/dev/tty")?;
    let hidden = Hidden::start(tty.try_clone()?, prompt)?;
    let line = read_line(&tty);
    drop(hidden);
    (&tty).write_all(b"\n")?;
    line
}

fn read_line(mut tty: &File) -> io::Result<Zeroizing<Vec<u8>>> {
    // As large as it can become: growing would leave copies behind.
    let mut line = Zeroizing::new(Vec::with_capacity(MAX));
    let mut byte = Zeroizing::new([0; 1]);
    loop {
        match tty.read(&mut *byte) {
            Ok(0) if line.is_empty() => {
                let error = "the input has ended, and nothing was given";
                return Err(io::Error::new(io::ErrorKind::UnexpectedEof, error));
            }
            Ok(0) => return Ok(line),
            Ok(_) => match *byte {
                [b'\n'] => return Ok(line),
                _ if line.len() == MAX => return Err(io::Error::other("the line is too long")),
                [byte] => line.push(byte),
            },
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

struct Prompt {
    tty: File,
    text: String,
    /// How the terminal was before, and is to be again.
    before: Termios,
    hidden: bool,
}

impl Prompt {
    /// Whether this process may change the terminal: from the background that would stop it.
    fn is_in_front(&self) -> bool {
        tcgetpgrp(&self.tty).is_ok_and(|front| front == getpgrp())
    }

    fn hide(&mut self) -> io::Result<()> {
        let mut mode = self.before.clone();
        mode.local_modes.remove(LocalModes::ECHO | LocalModes::ECHONL);
        tcsetattr(&self.tty, OptionalActions::Now, &mode)?;
        self.hidden = true;
        Ok(())
    }

    fn show(&mut self) {
        if self.hidden && self.is_in_front() {
            // There is no other way if it fails.
            let _ = tcsetattr(&self.tty, OptionalActions::Now, &self.before);
            self.hidden = false;
        }
    }

    /// As [`hide`](Self::hide), when this process goes on after a stop.
    fn hide_again(&mut self) -> io::Result<()> {
        if !self.is_in_front() {
            // Reading stops this process, and it is told when it is in front again.
            return Ok(());
        }
        let was_shown = !self.hidden;
        if was_shown {
            self.before = tcgetattr(&self.tty)?;
        }
        self.hide()?;
        if was_shown {
            self.tty.write_all(self.text.as_bytes())?;
        }
        Ok(())
    }
}

/// While it lives, the terminal does not show what is typed.
struct Hidden;

impl Hidden {
    fn start(tty: File, prompt: &str) -> io::Result<Self> {
        // No signal comes between the change and the note of it.
        let mut active = active();
        let before = tcgetattr(&tty)?;
        let mut new = Prompt { tty, text: prompt.to_owned(), before, hidden: false };
        new.tty.write_all(prompt.as_bytes())?;
        new.hide()?;
        *active = Some(new);
        Ok(Self)
    }
}

impl Drop for Hidden {
    fn drop(&mut self) {
        if let Some(mut prompt) = active().take() {
            prompt.show();
        }
    }
}

fn active() -> MutexGuard<'static, Option<Prompt>> {
    ACTIVE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Starts the thread that takes signals, once. They are blocked in the thread that calls, and in
/// those that it starts.
fn watch() -> io::Result<()> {
    static STARTED: Mutex<bool> = Mutex::new(false);

    let mut started = STARTED.lock().unwrap_or_else(PoisonError::into_inner);
    if *started {
        return Ok(());
    }
    let signals: SigSet = [
        Signal::SIGHUP,
        Signal::SIGINT,
        Signal::SIGQUIT,
        Signal::SIGTERM,
        Signal::SIGTSTP,
        Signal::SIGCONT,
    ]
    .into_iter()
    .collect();
    signals.thread_block()?;
    thread::Builder::new().name("signals".to_owned()).spawn(move || {
        while let Ok(signal) = signals.wait() {
            take(signal);
        }
    })?;
    *started = true;
    Ok(())
}

fn take(signal: Signal) {
    if signal != Signal::SIGCONT {
        if let Some(prompt) = &mut *active() {
            prompt.show();
        }
        by_default(signal);
    }
    // Here if it stopped this process and that goes on, or is ignored.
    if let Some(prompt) = &mut *active() {
        // The line is read all the same.
        let _ = prompt.hide_again();
    }
}

/// Lets the signal do what it does to a program that does not look at it.
fn by_default(signal: Signal) {
    let alone: SigSet = [signal].into_iter().collect();
    let _ = alone.thread_unblock();
    let _ = raise(signal);
    let _ = alone.thread_block();
}
