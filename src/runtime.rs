//! How a program waits.
//!
//! These name it in types: [`handfast::Client`](crate::client::Client) is a
//! [`client::Client`](crate::client::Client) of [`Tokio`], and the one in
//! [`blocking`](crate::blocking) is the same type of [`Blocking`].

/// In tasks, on tokio.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tokio {}

/// In threads that block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Blocking {}
