//! What a server answers to hellos, and to what is none.
