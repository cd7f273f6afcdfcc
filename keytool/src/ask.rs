//! Asking the person at the terminal.

use std::io::{self, BufRead as _, IsTerminal as _, Write as _};

use handfast::trust::{Host, HostAnswer};

use crate::error::Failure;
use crate::output::talk;

/// Whether somebody is there to be asked. Only then is anybody.
pub(crate) fn somebody_there() -> bool {
    io::stdin().is_terminal() && io::stderr().is_terminal()
}

/// Asks about a key that has been shown; whoever has the fingerprint from the operator pastes that.
pub(crate) fn about_key(host: &Host) -> Result<HostAnswer, Failure> {
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
        if len == 0 {
            return Ok(HostAnswer::No);
        }
        match line.trim().parse() {
            Ok(answer) => return Ok(answer),
            Err(help) => talk(help),
        }
    }
}
