//! The files that say whom to trust: verdicts, errors, and OpenSSH's own tools as the judge.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "all of it is test code, and not all of it in functions that are tests"
)]

mod authorized_keys;
mod hostile;
mod known_hosts;
mod ssh_keygen;

use handfast::key::PublicKey;

/// Different keys, the same in each run.
fn keys<const N: usize>() -> [PublicKey; N] {
    // About every second y-coordinate has a point.
    let mut keys = (0u8..=255).filter_map(|n| PublicKey::from_bytes(&[n; 32]).ok());
    std::array::from_fn(|_| keys.next().expect("there are about 100 of them"))
}

/// Keys of types that are not supported.
const RSA: &str = concat!(
    "ssh-rsa ",
    "AAAAB3NzaC1yc2EAAAADAQABAAAAgQDLMUaiyeWqUyDhyNU6IfFUSvur1WY88XmGu1GHmjA6dypJQiR/",
    "JovVUmzDEuqjt7DDXZRvwmxKF3R44xzalgRYtz6VUQB4oYq0XLzmjnXVwC5D3GYUSgHyVAb8V4tAR4pF",
    "wNeTdclcqAjvtPwhCzpZwrynxJvQ0hVl+R7hEysPGw==",
);
const ECDSA: &str = concat!(
    "ecdsa-sha2-nistp256 ",
    "AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBFalsTzN1FHHf58lK+yProxvSWSF",
    "i7DuUDREU+ek+SJ1ZtY7my/1YwWGp7sZL0a5ab/hx8/0sSmG0ZysIxiaWNM=",
);
