//! Asking the person at the terminal.

use std::io::{self, BufRead as _, IsTerminal as _, Write as _};

use handfast::key::Fingerprint;
use handfast::trust::Host;

use crate::error::Failure;
use crate::output::talk;

/// Whether somebody is there to be asked. Only then is anybody.
pub(crate) fn somebody_there() -> bool {
    io::stdin().is_terminal() && io::stderr().is_terminal()
}

/// What a person says about the key of a host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Said {
    /// It is the right one.
    Yes,
    /// It is not, or nobody knows.
    No,
    /// The right one has this fingerprint.
    Expected(Fingerprint),
}

/// Asks about a key that has been shown; whoever has the fingerprint from the operator pastes that.
pub(crate) fn about_key(host: &Host) -> Result<Said, Failure> {
    let failed = |error: io::Error| Failure::Io(format!("the terminal: {error}"));
    loop {
        let mut out = io::stderr().lock();
        write!(
            out,
            "Is that what the operator of {host} says? (yes, no, or paste the fingerprint): "
        )
        .and_then(|()| out.flush())
        .map_err(failed)?;
        drop(out);
        let mut line = String::new();
        let len = io::stdin().lock().read_line(&mut line).map_err(failed)?;
        match line.trim() {
            "yes" => return Ok(Said::Yes),
            "no" => return Ok(Said::No),
            _ if len == 0 => return Ok(Said::No),
            text => match text.parse() {
                Ok(fingerprint) => return Ok(Said::Expected(fingerprint)),
                Err(_) => talk("Please say yes or no, or paste SHA256:..."),
            },
        }
    }
}
