//! What the tests share that cross crates.

pub mod chaos;
pub mod driver;
pub mod fuzz;
pub mod wire;
