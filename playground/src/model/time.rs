//! Virtual time as people read it.

/// `0 ms`, `0.4 ms`, `12.4 ms`, `1.250 s`: short enough for a narrow column.
#[must_use]
pub fn short(micros: u64) -> String {
    if micros >= 1_000_000 {
        format!("{}.{:03} s", micros / 1_000_000, micros % 1_000_000 / 1_000)
    } else if micros.is_multiple_of(1_000) {
        format!("{} ms", micros / 1_000)
    } else {
        format!("{}.{} ms", micros / 1_000, micros % 1_000 / 100)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_read_well() {
        for (micros, text) in [
            (0, "0 ms"),
            (400, "0.4 ms"),
            (12_400, "12.4 ms"),
            (30_000, "30 ms"),
            (999_999, "999.9 ms"),
            (1_250_000, "1.250 s"),
        ] {
            assert_eq!(short(micros), text);
        }
    }
}
