//! keytool as a program: what it prints, what it leaves on the disk, and what it asks of servers.

mod cli;
#[cfg(unix)]
mod files;
mod scan;
