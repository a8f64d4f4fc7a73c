//! `cargo xtask behaviour`: the lines of docs/behaviour.md, the tests that name them, and how those ended last time.

mod lines;
mod results;
mod sources;

use crate::error::{Context, Error, Result};
use crate::paths;
use lines::Line;
use results::{Outcome, Results};
use sources::Source;
use std::path::Path;

/// What came of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    Proven,
    /// Some test failed.
    Failed,
    /// There are tests, and none has run.
    NotRun,
    NoTest,
    /// Not built yet, and said so.
    Later,
}

impl Verdict {
    const fn word(self) -> &'static str {
        match self {
            Self::Proven => "ok",
            Self::Failed => "FAILED",
            Self::NotRun => "NOT RUN",
            Self::NoTest => "NO TEST",
            Self::Later => "later",
        }
    }

    fn of(line: &Line, outcomes: &[Option<Outcome>]) -> Self {
        if outcomes.contains(&Some(Outcome::Failed)) {
            Self::Failed
        } else if outcomes.contains(&Some(Outcome::Passed)) {
            Self::Proven
        } else if line.later {
            Self::Later
        } else if outcomes.is_empty() {
            Self::NoTest
        } else {
            Self::NotRun
        }
    }
}

/// Prints the table. `Ok(false)`: not everything is proven.
pub(crate) fn report() -> Result<bool> {
    let page = paths::root().join("docs/behaviour.md");
    let text = std::fs::read_to_string(&page).context(|| format!("cannot read {}", page.display()))?;
    let lines = lines::read(&text)?;
    let tests = sources::find(&paths::root())?;
    let unknown =
        tests.iter().find(|test| test.lines.iter().any(|id| lines.iter().all(|line| line.id != *id)));
    if let Some(test) = unknown {
        return Err(Error::new(format!(
            "{}: `{}` names a line that docs/behaviour.md does not have",
            test.file, test.name
        )));
    }
    let results = Results::read(&paths::target().join("test-logs"))?;
    let figures = figures(&paths::target().join("tmp/behaviour"))?;

    let mut verdicts = Vec::new();
    for line in &lines {
        let proofs: Vec<&Source> = tests.iter().filter(|test| test.lines.contains(&line.id)).collect();
        let outcomes: Vec<Option<Outcome>> = proofs.iter().map(|test| results.of(test)).collect();
        let verdict = Verdict::of(line, &outcomes);
        println!("{:<5} {:<8} {}", line.id, verdict.word(), line.text);
        for (test, outcome) in proofs.iter().zip(outcomes) {
            let outcome = outcome.map_or("not run", Outcome::word);
            println!("        {outcome:<8} {}  ({}; {})", test.name, test.file, results.places(test));
        }
        for figure in figures.iter().filter(|figure| figure.starts_with(&format!("{}: ", line.id))) {
            println!("        measured {}", &figure[line.id.len() + 2..]);
        }
        verdicts.push(verdict);
    }
    println!("\nresults are from {}", results.ages());
    let count = |wanted: Verdict| verdicts.iter().filter(|verdict| **verdict == wanted).count();
    println!(
        "{} lines: {} proven, {} failed, {} not run, {} without a test, {} later",
        lines.len(),
        count(Verdict::Proven),
        count(Verdict::Failed),
        count(Verdict::NotRun),
        count(Verdict::NoTest),
        count(Verdict::Later)
    );
    Ok(verdicts.iter().all(|verdict| matches!(verdict, Verdict::Proven | Verdict::Later)))
}

/// What tests have measured, as `LINE: text`. Each writes its own file into this folder.
fn figures(folder: &Path) -> Result<Vec<String>> {
    let mut figures = Vec::new();
    for file in paths::files(folder, ".txt")? {
        let text = std::fs::read_to_string(&file).context(|| format!("cannot read {}", file.display()))?;
        figures.extend(text.lines().map(str::to_owned));
    }
    Ok(figures)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_proven_by_one_test_that_passed_and_none_that_failed() {
        let line = |later| Line { id: "LC1".into(), text: String::new(), later };
        let (passed, failed) = (Some(Outcome::Passed), Some(Outcome::Failed));
        assert_eq!(Verdict::of(&line(false), &[]), Verdict::NoTest);
        assert_eq!(Verdict::of(&line(true), &[]), Verdict::Later);
        assert_eq!(Verdict::of(&line(false), &[None]), Verdict::NotRun);
        assert_eq!(Verdict::of(&line(false), &[None, passed]), Verdict::Proven);
        assert_eq!(Verdict::of(&line(true), &[passed, failed]), Verdict::Failed);
    }
}
