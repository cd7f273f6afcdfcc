//! Passwords, and eager clients.
