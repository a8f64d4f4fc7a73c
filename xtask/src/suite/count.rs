//! How many tests a log speaks of: cargo's and wasm-bindgen's result lines, and those of Node's test runner.

use std::ops::AddAssign;

/// Numbers of tests.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Count {
    pub(crate) passed: u64,
    pub(crate) failed: u64,
    /// Present, but not run.
    pub(crate) skipped: u64,
}

impl Count {
    /// Adds up every result line of a log.
    pub(crate) fn of(log: &str) -> Self {
        let mut count = Self::default();
        for line in log.lines() {
            let line = plain(line);
            if let Some(found) = cargo(&line).or_else(|| node(&line)) {
                count += found;
            }
        }
        count
    }

    /// Whether the log had no result at all.
    pub(crate) fn is_empty(self) -> bool {
        self == Self::default()
    }
}

impl AddAssign for Count {
    fn add_assign(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.skipped += other.skipped;
    }
}

/// `test result: ok. 12 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out`
fn cargo(line: &str) -> Option<Count> {
    let (_, numbers) = line.strip_prefix("test result: ")?.split_once(". ")?;
    let mut count = Count::default();
    for part in numbers.split(';') {
        let mut words = part.split_whitespace();
        let (Some(number), Some(what)) =
            (words.next().and_then(|word| word.parse::<u64>().ok()), words.next())
        else {
            continue;
        };
        match what {
            "passed" => count.passed += number,
            "failed" => count.failed += number,
            "ignored" => count.skipped += number,
            // Measured and filtered out: not tests of this run; "finished in": a time.
            _ => {}
        }
    }
    Some(count)
}

/// `ℹ pass 12` (spec reporter) or `# pass 12` (TAP).
fn node(line: &str) -> Option<Count> {
    let mut words = line.strip_prefix("ℹ ").or_else(|| line.strip_prefix("# "))?.split(' ');
    let (what, number) = (words.next()?, words.next()?.parse().ok()?);
    if words.next().is_some() {
        return None;
    }
    match what {
        "pass" => Some(Count { passed: number, ..Count::default() }),
        // A cancelled test did not end; that is no pass.
        "fail" | "cancelled" => Some(Count { failed: number, ..Count::default() }),
        "skipped" | "todo" => Some(Count { skipped: number, ..Count::default() }),
        _ => None,
    }
}

/// The line without colours.
fn plain(line: &str) -> String {
    let mut plain = String::with_capacity(line.len());
    let mut chars = line.chars();
    while let Some(c) = chars.next() {
        if c == '\u{1b}' {
            // An escape sequence ends with its first letter.
            chars.by_ref().find(char::is_ascii_alphabetic);
        } else {
            plain.push(c);
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_result_line_is_counted() {
        let log = "\
running 3 tests
test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 2 filtered out; finished in 0.00s
test result: \u{1b}[31mFAILED\u{1b}[0m. 4 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out; finished in 1.20s
test result: ok. 5 passed; 0 failed; 0 ignored; 2 filtered out; finished in 0.01s
\u{1b}[34mℹ tests 10\u{1b}[39m
\u{1b}[34mℹ pass 7\u{1b}[39m
\u{1b}[34mℹ fail 1\u{1b}[39m
\u{1b}[34mℹ cancelled 1\u{1b}[39m
\u{1b}[34mℹ skipped 1\u{1b}[39m
# pass 2
# fail 0
# pass the salt
";
        assert_eq!(Count::of(log), Count { passed: 21, failed: 4, skipped: 2 });
    }

    #[test]
    fn a_log_without_results_is_empty() {
        assert!(Count::of("Finished in 3 s\nok\n").is_empty());
    }
}
