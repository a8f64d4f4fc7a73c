//! One line on standard error for what is being done, and one for how long it took.

use crate::error::Result;
use std::time::Instant;

/// Says what is going on.
pub(crate) fn say(what: &str) {
    eprintln!("xtask: {what}");
}

/// Runs `work`, and says what it is before, and how long it took after.
pub(crate) fn step<T>(what: &str, work: impl FnOnce() -> Result<T>) -> Result<T> {
    let start = Instant::now();
    say(&format!("{what} ..."));
    let value = work()?;
    say(&format!("{what}: done in {:.1} s", start.elapsed().as_secs_f64()));
    Ok(value)
}
