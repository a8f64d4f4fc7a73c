//! What all programs for libFuzzer share: they weigh what an input costs.

/// Gives an input to a target.
///
/// # Panics
/// When the target finds something, or takes more memory at once than its bound.
pub fn check(name: &str, data: &[u8]) {
    let target = tests::fuzz::target(name);
    let memory = allocation_counter::measure(|| (target.run)(data)).bytes_max;
    let bound = (target.memory)(data.len());
    assert!(memory <= bound as u64, "{name} took {memory} bytes at once, expected at most {bound}");
}
