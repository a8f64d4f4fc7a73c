//! playground.
fn main() {}
