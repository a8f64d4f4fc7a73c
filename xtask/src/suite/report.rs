//! The closing table.

use super::count::Count;
use std::fmt;

/// How a part ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    Passed { count: Count },
    Failed { count: Count },
    CouldNotRun { why: String },
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Passed { count } | Self::Failed { count } => {
                write!(f, "{} passed", count.passed)?;
                if count.failed > 0 {
                    write!(f, ", {} failed", count.failed)?;
                }
                if count.skipped > 0 {
                    write!(f, ", {} skipped", count.skipped)?;
                }
                Ok(())
            }
            Self::CouldNotRun { .. } => f.write_str("could not run"),
        }
    }
}

/// Every part's outcome, in the order in which they ran.
#[derive(Debug, Default)]
pub(super) struct Report {
    rows: Vec<Row>,
}

#[derive(Debug)]
struct Row {
    name: &'static str,
    outcome: Outcome,
    seconds: f64,
}

impl Report {
    pub(super) fn add(&mut self, name: &'static str, outcome: Outcome, seconds: f64) {
        self.rows.push(Row { name, outcome, seconds });
    }

    /// One line per part; then, for those that could not run, why.
    pub(super) fn table(&self, seconds: f64) -> String {
        let width = self.rows.iter().map(|row| row.name.len()).max().unwrap_or(0);
        let mut table = String::from("\n");
        for Row { name, outcome, seconds } in &self.rows {
            let mark = match outcome {
                Outcome::Passed { .. } => "ok    ",
                Outcome::Failed { .. } => "FAILED",
                Outcome::CouldNotRun { .. } => "-     ",
            };
            table.push_str(&format!("{mark}  {name:<width$}  {seconds:>6.1} s  {outcome}\n"));
        }
        table.push_str(&format!("\nparts: {}, in {seconds:.0} s\n", self.rows.len()));
        for Row { name, outcome, .. } in &self.rows {
            if let Outcome::CouldNotRun { why } = outcome {
                table.push_str(&format!("could not run {name}: {why}\n"));
            }
        }
        table
    }

    /// `N passed, M failed`, and `, K skipped` if anything did not run.
    pub(super) fn last_line(&self) -> String {
        let total = self.total();
        let mut line = format!("{} passed, {} failed", total.passed, total.failed);
        if total.skipped > 0 {
            line.push_str(&format!(", {} skipped", total.skipped));
        }
        line
    }

    /// Nothing failed; and, if that is asked for, everything ran.
    pub(super) fn is_success(&self, fail_on_missing: bool) -> bool {
        let total = self.total();
        total.failed == 0 && !(fail_on_missing && total.skipped > 0)
    }

    fn total(&self) -> Count {
        let mut total = Count::default();
        for row in &self.rows {
            total += match row.outcome {
                Outcome::Passed { count } | Outcome::Failed { count } => count,
                Outcome::CouldNotRun { .. } => Count { skipped: 1, ..Count::default() },
            };
        }
        total
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(outcomes: &[Outcome]) -> Report {
        let mut report = Report::default();
        for outcome in outcomes {
            report.add("part", outcome.clone(), 1.0);
        }
        report
    }

    #[test]
    fn the_last_line_adds_up() {
        let passed = Outcome::Passed { count: Count { passed: 3, ..Count::default() } };
        let failed = Outcome::Failed { count: Count { passed: 1, failed: 2, skipped: 0 } };
        let missing = Outcome::CouldNotRun { why: "no java".to_owned() };
        assert_eq!(report(std::slice::from_ref(&passed)).last_line(), "3 passed, 0 failed");
        assert_eq!(report(&[passed.clone(), failed.clone()]).last_line(), "4 passed, 2 failed");
        assert_eq!(report(&[passed.clone(), missing.clone()]).last_line(), "3 passed, 0 failed, 1 skipped");
        assert!(report(std::slice::from_ref(&passed)).is_success(true));
        assert!(!report(&[passed.clone(), failed]).is_success(false));
        assert!(report(&[passed.clone(), missing.clone()]).is_success(false));
        assert!(!report(&[passed, missing.clone()]).is_success(true));
        assert!(report(&[missing]).table(1.0).contains("could not run part: no java"));
    }
}
