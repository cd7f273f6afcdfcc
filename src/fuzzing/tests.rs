//! Replays `fuzz/seeds` and `fuzz/regressions`.
