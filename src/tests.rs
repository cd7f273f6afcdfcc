//! Behaviour of the core across its layers: two ends without I/O, and what is recorded of others.

mod vectors;
