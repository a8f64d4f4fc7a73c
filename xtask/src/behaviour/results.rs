//! How tests ended, from the logs that `cargo xtask test` leaves.

use super::sources::Source;
use crate::error::{Context, Result};
use crate::paths;
use std::collections::BTreeMap;
use std::path::Path;

/// How a test ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    Passed,
    Failed,
}

impl Outcome {
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Passed => "ok",
            Self::Failed => "FAILED",
        }
    }
}

/// Every result of every log.
#[derive(Debug, Default)]
pub(super) struct Results {
    /// By part: each test's name, as the log has it, and its outcome.
    parts: BTreeMap<String, Vec<(String, Outcome)>>,
    ages: Vec<String>,
}

impl Results {
    pub(super) fn read(folder: &Path) -> Result<Self> {
        let mut results = Self::default();
        for file in paths::files(folder, ".log")? {
            let failed = || format!("cannot read {}", file.display());
            let text = String::from_utf8_lossy(&std::fs::read(&file).context(failed)?).into_owned();
            let part = file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            let found: Vec<(String, Outcome)> = text.lines().filter_map(result).collect();
            if found.is_empty() {
                continue;
            }
            let written = file.metadata().and_then(|metadata| metadata.modified()).context(failed)?;
            let age = written.elapsed().unwrap_or_default().as_secs() / 60;
            results.ages.push(format!("{part} ({age} min ago)"));
            results.parts.insert(part, found);
        }
        Ok(results)
    }

    /// How the test ended, wherever it ran: it passed if it failed nowhere.
    pub(super) fn of(&self, test: &Source) -> Option<Outcome> {
        let mut outcome = None;
        for (name, found) in self.parts.values().flatten() {
            if is_meant(test, name) && outcome != Some(Outcome::Failed) {
                outcome = Some(*found);
            }
        }
        outcome
    }

    /// The parts in which the test ran.
    pub(super) fn places(&self, test: &Source) -> String {
        let ran = |results: &&(String, Outcome)| is_meant(test, &results.0);
        let parts =
            self.parts.iter().filter_map(|(part, results)| match results.iter().filter(ran).count() {
                0 => None,
                1 => Some(part.clone()),
                times => Some(format!("{part} x{times}")),
            });
        let parts: Vec<String> = parts.collect();
        if parts.is_empty() { "nowhere".to_owned() } else { parts.join(", ") }
    }

    pub(super) fn ages(&self) -> String {
        if self.ages.is_empty() { "nowhere: no test has run".to_owned() } else { self.ages.join(", ") }
    }
}

/// A Rust test has its path before its name; a title may go on after what the source spells out.
fn is_meant(test: &Source, logged: &str) -> bool {
    if test.file.ends_with(".rs") {
        logged.rsplit("::").next() == Some(test.name.as_str())
    } else {
        logged.starts_with(&test.name)
    }
}

/// `test starting::lc1_x ... ok` or `✔ LC1: x (3.2ms)`.
fn result(line: &str) -> Option<(String, Outcome)> {
    let line = line.trim();
    if let Some(rest) = line.strip_prefix("test ") {
        let (name, outcome) = rest.split_once(" ... ")?;
        let outcome = match outcome.split_whitespace().next()? {
            "ok" => Outcome::Passed,
            "FAILED" | "FAIL" => Outcome::Failed,
            // Ignored: it did not run.
            _ => return None,
        };
        return Some((name.trim_end_matches(" - should panic").to_owned(), outcome));
    }
    let (title, outcome) = match (line.strip_prefix("✔ "), line.strip_prefix("✖ ")) {
        (Some(title), _) => (title, Outcome::Passed),
        (_, Some(title)) => (title, Outcome::Failed),
        (None, None) => return None,
    };
    // Skipped and still to be written: they did not run.
    if title.contains("# SKIP") || title.contains("# TODO") {
        return None;
    }
    Some((title.rsplit_once(" (").map_or(title, |(title, _)| title).to_owned(), outcome))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_of_every_runner_are_read() {
        use Outcome::{Failed, Passed};
        for (line, expected) in [
            ("test starting::lc1_x ... ok", Some(("starting::lc1_x", Passed))),
            ("test lc1_x ... FAILED", Some(("lc1_x", Failed))),
            ("test lc1_x ... ignored", None),
            ("  ✔ LC1: a start (12.3ms)", Some(("LC1: a start", Passed))),
            ("✖ LC1: a start (of a producer) (12.3ms)", Some(("LC1: a start (of a producer)", Failed))),
            ("✔ LC1: a start (0.1ms) # SKIP", None),
            ("test result: ok. 3 passed; 0 failed", None),
        ] {
            let found = result(line);
            let found = found.as_ref().map(|(name, outcome)| (name.as_str(), *outcome));
            assert_eq!(found, expected, "{line}");
        }
    }

    #[test]
    fn one_failure_counts_more_than_many_successes() {
        let test =
            |name: &str, file: &str| Source { lines: Vec::new(), name: name.into(), file: file.into() };
        let mut results = Results::default();
        let logged = |name: &str, outcome| (name.to_owned(), outcome);
        results.parts.insert(
            "native".into(),
            vec![logged("a::lc1_x", Outcome::Passed), logged("LC2: of a producer", Outcome::Failed)],
        );
        results.parts.insert(
            "node".into(),
            vec![logged("LC2: of a consumer", Outcome::Passed), logged("lc1_x", Outcome::Passed)],
        );
        assert_eq!(results.of(&test("lc1_x", "x.rs")), Some(Outcome::Passed));
        assert_eq!(results.of(&test("LC2: of ", "x.mjs")), Some(Outcome::Failed));
        assert_eq!(results.of(&test("lc1", "x.rs")), None);
        assert_eq!(results.places(&test("LC2: of ", "x.mjs")), "native, node");
    }
}
