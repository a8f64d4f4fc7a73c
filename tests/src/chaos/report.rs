//! The closing tables.

use super::journal::{Journal, Millis, Outcome};
use super::proxy::{Front, Path};
use super::verdict::Verdict;
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// Something that was done to the cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Happened {
    /// What, in words.
    pub what: String,
    /// When it began.
    pub from: Millis,
    /// When whatever it was about worked again: a broker listened, bytes passed.
    pub until: Millis,
}

/// One application and what became of its records.
#[derive(Clone, Debug)]
pub struct Run {
    /// Which way it came.
    pub path: Path,
    /// What it wrote down.
    pub journal: Journal,
    /// What that was worth.
    pub verdict: Verdict,
}

/// A time in which a partition acknowledged nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Silence {
    from: Millis,
    until: Millis,
}

impl Silence {
    const fn len(self) -> Millis {
        self.until - self.from
    }
}

/// The counts of both applications beside each other.
#[must_use]
pub fn counts(runs: &[Run]) -> String {
    let mut rows: Vec<(String, Vec<String>)> = Vec::new();
    let mut row = |name: &str, of: &dyn Fn(&Run) -> usize| {
        rows.push((name.to_owned(), runs.iter().map(|run| of(run).to_string()).collect()));
    };
    row("sent", &|run| run.verdict.sent);
    row("acknowledged", &|run| run.verdict.acknowledged);
    let codes: std::collections::BTreeSet<&String> =
        runs.iter().flat_map(|run| run.verdict.failed.keys()).collect();
    for code in codes {
        row(&format!("failed: {code}"), &|run| run.verdict.failed.get(code).copied().unwrap_or(0));
    }
    row("lost", &|run| run.verdict.lost);
    row("duplicated", &|run| run.verdict.duplicated);
    row("reordered", &|run| run.verdict.reordered);
    row("acknowledged elsewhere", &|run| run.verdict.misplaced);
    row("never sent", &|run| run.verdict.foreign);
    row("not ended exactly once", &|run| run.verdict.not_ended_once);
    row("read", &|run| run.journal.read.len());
    row("misread", &|run| run.verdict.misread);
    for name in ["producer", "consumer"] {
        row(&format!("connections of the {name}"), &|run| {
            let connects = run.journal.facts.get(&format!("{name}.connects"));
            usize::try_from(connects.copied().unwrap_or(0)).unwrap_or(0)
        });
    }
    rows.push(("slowest record".into(), runs.iter().map(|run| seconds(slowest(&run.journal))).collect()));
    let heads = runs.iter().map(|run| run.path.to_string()).collect();
    table("", heads, &rows)
}

/// What happened, how long it lasted, and the longest silence of a partition around it.
#[must_use]
pub fn outages(runs: &[Run], happened: &[Happened], began: Millis) -> String {
    let silences: Vec<Vec<Silence>> = runs.iter().map(|run| silences(&run.journal)).collect();
    let longest = |silences: &[Silence], from, until| {
        let around = silences.iter().filter(|silence| silence.until > from && silence.from < until);
        around.map(|silence| silence.len()).max().unwrap_or(0)
    };
    let mut rows = Vec::new();
    for Happened { what, from, until } in happened {
        let at = format!("{:>6.1} s  {what}", since(*from, began));
        let mut cells = vec![seconds(until - from)];
        cells.extend(silences.iter().map(|silences| seconds(longest(silences, *from, *until))));
        rows.push((at, cells));
    }
    let longest_downtime = happened.iter().map(|happened| happened.until - happened.from).max().unwrap_or(0);
    let mut cells = vec![seconds(longest_downtime)];
    cells.extend(silences.iter().map(|silences| seconds(longest(silences, 0, Millis::MAX))));
    rows.push(("longest".into(), cells));
    let mut heads = vec!["its own".to_owned()];
    heads.extend(runs.iter().map(|run| run.path.to_string()));
    table("without an acknowledgement from a partition", heads, &rows)
}

/// How often clients tried to connect (CN9).
#[must_use]
pub fn attempts(fronts: &[impl AsRef<Front>], began: Millis, ended: Millis) -> String {
    let minutes = (ended - began) as f64 / 60_000.0;
    let mut rows = Vec::new();
    for front in fronts {
        let front = front.as_ref();
        let accepted = front.accepted();
        rows.push((
            format!("{}, broker {}", front.path, front.broker),
            vec![
                accepted.len().to_string(),
                format!("{:.0}", accepted.len() as f64 / minutes),
                in_worst_minute(&accepted).to_string(),
                front.cut_in_passing().to_string(),
            ],
        ));
    }
    let heads = ["in all", "a minute", "worst minute", "met their fate"].map(str::to_owned).to_vec();
    table("attempts to connect, of two clients each", heads, &rows)
}

fn in_worst_minute(times: &[Millis]) -> usize {
    let minute =
        |first: usize| times[first..].iter().take_while(|&&time| time < times[first] + 60_000).count();
    (0..times.len()).map(minute).max().unwrap_or(0)
}

/// From `send()` to the acknowledgement.
fn slowest(journal: &Journal) -> Millis {
    let times = journal.outcomes.iter().filter_map(|(number, at, outcome)| {
        let sent = journal.sent.get(usize::try_from(*number).ok()?)?;
        matches!(outcome, Outcome::Acknowledged { .. }).then(|| at.saturating_sub(*sent))
    });
    times.max().unwrap_or(0)
}

/// The times between acknowledgements of one partition, for all partitions. Records for each are sent all the time.
fn silences(journal: &Journal) -> Vec<Silence> {
    let mut last: BTreeMap<i32, Millis> = BTreeMap::new();
    let mut silences = Vec::new();
    for (_, at, outcome) in &journal.outcomes {
        let Outcome::Acknowledged { partition, .. } = outcome else { continue };
        if let Some(from) = last.insert(*partition, *at) {
            silences.push(Silence { from, until: *at });
        }
    }
    silences
}

fn since(time: Millis, began: Millis) -> f64 {
    time.saturating_sub(began) as f64 / 1000.0
}

fn seconds(millis: Millis) -> String {
    format!("{:.1} s", millis as f64 / 1000.0)
}

/// Names to the left, cells to the right.
fn table(title: &str, heads: Vec<String>, rows: &[(String, Vec<String>)]) -> String {
    let name_width =
        rows.iter().map(|(name, _)| name.chars().count()).chain([title.len()]).max().unwrap_or(0);
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|(_, cells)| cells.get(column)).chain(heads.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..heads.len()).map(width).collect();
    let mut text = String::new();
    for (name, cells) in std::iter::once((title.to_owned(), heads.clone())).chain(rows.iter().cloned()) {
        // Writing to a String cannot fail.
        let _ = write!(text, "{name:<name_width$}");
        for (cell, width) in cells.iter().zip(&widths) {
            let _ = write!(text, "  {cell:>width$}");
        }
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn acknowledged(number: u64, at: Millis, partition: i32) -> (u64, Millis, Outcome) {
        (number, at, Outcome::Acknowledged { partition, offset: None })
    }

    #[test]
    fn the_longest_silence_is_that_of_a_partition() {
        let outcomes = vec![
            acknowledged(0, 1_000, 0),
            acknowledged(1, 1_100, 1),
            acknowledged(2, 3_000, 1),
            acknowledged(3, 6_500, 0),
        ];
        let journal = Journal { sent: vec![500; 4], outcomes, ..Journal::default() };
        assert_eq!(slowest(&journal), 6_000);
        let run = Run { path: Path::Native, journal, verdict: Verdict::default() };
        let fault = |from, until| Happened { what: "broker 1: kill -9".into(), from, until };
        let shown = outages(&[run], &[fault(1_050, 2_000), fault(6_600, 7_000)], 0);
        let lines: Vec<&str> = shown.lines().collect();
        assert!(lines[1].ends_with("0.9 s   5.5 s"), "{shown}");
        assert!(lines[2].ends_with("0.4 s   0.0 s"), "{shown}");
        assert!(lines[3].starts_with("longest") && lines[3].ends_with("0.9 s   5.5 s"), "{shown}");
    }

    #[test]
    fn the_worst_minute_need_not_begin_at_zero() {
        assert_eq!(in_worst_minute(&[0, 50_000, 59_000, 70_000, 109_999, 110_000]), 4);
        assert_eq!(in_worst_minute(&[]), 0);
    }
}
