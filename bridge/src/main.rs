//! bridge.
fn main() {}
