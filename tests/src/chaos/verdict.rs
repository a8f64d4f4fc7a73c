//! What the application was told, against what is in the log.

use super::journal::{Journal, Outcome};
use std::collections::BTreeMap;

/// A topic as an independent reader found it: each partition's records from the first to the last, as offset and number
/// (`None`: a value that nobody sent).
pub type Log = BTreeMap<i32, Vec<(i64, Option<u64>)>>;

/// What was counted. Everything but the first three must be zero.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verdict {
    /// Records handed to the producer.
    pub sent: usize,
    /// Records that it said were in the log.
    pub acknowledged: usize,
    /// Records that it gave up, by error code. They may be in the log once.
    pub failed: BTreeMap<String, usize>,
    /// Acknowledged and not in the log.
    pub lost: usize,
    /// Copies beyond the first.
    pub duplicated: usize,
    /// Records that stand behind one which was sent later, in their partition.
    pub reordered: usize,
    /// Acknowledged with another place than the one where they are.
    pub misplaced: usize,
    /// Records in the log which nobody sent, or not like this.
    pub foreign: usize,
    /// Records which the producer never said anything about, or twice.
    pub not_ended_once: usize,
    /// Records of the log which the consumer did not get exactly once and in order.
    pub misread: usize,
    /// What went wrong besides, and the first of each kind of the above.
    pub problems: Vec<String>,
}

impl Verdict {
    /// Compares.
    #[must_use]
    pub fn of(journal: &Journal, log: &Log) -> Self {
        let mut verdict = Self { sent: journal.sent.len(), ..Self::default() };
        verdict.problems.extend(journal.complaints.iter().cloned());
        let places = verdict.check_log(journal, log);
        verdict.check_outcomes(journal, &places);
        verdict.check_reading(journal, log);
        verdict
    }

    /// Whether Kafka's promise was kept.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.problems.is_empty()
    }

    /// Looks at the log alone; returns where each record is.
    fn check_log(&mut self, journal: &Journal, log: &Log) -> BTreeMap<u64, (i32, i64)> {
        let mut places = BTreeMap::new();
        for (&partition, records) in log {
            let mut newest = None;
            for (position, &(offset, number)) in records.iter().enumerate() {
                let here = format!("partition {partition}, offset {offset}");
                if i64::try_from(position) != Ok(offset) {
                    self.problem(format!("{here}: the reader's record {position} of this partition"));
                }
                let Some(number) = number.filter(|&number| number < journal.sent.len() as u64) else {
                    self.foreign += 1;
                    self.first(self.foreign, || format!("{here}: a record that nobody sent"));
                    continue;
                };
                if let Some((other_partition, other)) = places.get(&number) {
                    self.duplicated += 1;
                    let first = format!("partition {other_partition}, offset {other}");
                    self.first(self.duplicated, || {
                        format!("{here}: record {number}, which is at {first}, too")
                    });
                    continue;
                }
                places.insert(number, (partition, offset));
                if newest.is_some_and(|newest| newest > number) {
                    self.reordered += 1;
                    self.first(self.reordered, || format!("{here}: record {number} after {newest:?}"));
                }
                newest = newest.max(Some(number));
            }
        }
        places
    }

    fn check_outcomes(&mut self, journal: &Journal, places: &BTreeMap<u64, (i32, i64)>) {
        let mut ends = vec![0_usize; journal.sent.len()];
        for (number, _, outcome) in &journal.outcomes {
            let Some(end) = usize::try_from(*number).ok().and_then(|number| ends.get_mut(number)) else {
                self.problem(format!("an end of record {number}, which was never sent"));
                continue;
            };
            *end += 1;
            match outcome {
                Outcome::Failed { code } => *self.failed.entry(code.clone()).or_default() += 1,
                Outcome::Acknowledged { partition, offset } => {
                    self.acknowledged += 1;
                    match places.get(number) {
                        None => {
                            self.lost += 1;
                            self.first(self.lost, || {
                                format!("record {number} was acknowledged at {partition}, {offset:?} and is not in the log")
                            });
                        }
                        Some(&(found, at))
                            if found != *partition || offset.is_some_and(|offset| offset != at) =>
                        {
                            self.misplaced += 1;
                            self.first(self.misplaced, || {
                                format!("record {number} was acknowledged at {partition}, {offset:?} and is at {found}, {at}")
                            });
                        }
                        Some(_) => {}
                    }
                }
            }
        }
        for (number, _) in ends.iter().enumerate().filter(|(_, ends)| **ends != 1) {
            self.not_ended_once += 1;
            let times = ends[number];
            self.first(self.not_ended_once, || format!("record {number} ended {times} times"));
        }
    }

    /// The consumer must have got each partition as it is.
    fn check_reading(&mut self, journal: &Journal, log: &Log) {
        let mut read: Log = log.keys().map(|&partition| (partition, Vec::new())).collect();
        for record in &journal.read {
            read.entry(record.partition).or_default().push((record.offset, record.number));
        }
        for (partition, records) in &read {
            let there: &[_] = log.get(partition).map_or(&[], Vec::as_slice);
            let differing = records.iter().zip(there).filter(|(read, there)| read != there).count()
                + records.len().abs_diff(there.len());
            self.misread += differing;
            if differing > 0 {
                let first = records.iter().zip(there).find(|(read, there)| read != there);
                self.problem(format!(
                    "partition {partition}: the consumer got {} records, {} are there; the first difference: {first:?}",
                    records.len(),
                    there.len(),
                ));
            }
        }
    }

    fn first(&mut self, count: usize, what: impl FnOnce() -> String) {
        if count == 1 {
            self.problem(what());
        }
    }

    fn problem(&mut self, what: String) {
        self.problems.push(what);
    }
}

#[cfg(test)]
mod tests {
    use super::super::journal::Read;
    use super::*;

    /// Records 0 to 3: two in each partition, of which the last failed and is in the log all the same.
    fn peace() -> (Journal, Log) {
        let acknowledged = |partition, offset| Outcome::Acknowledged { partition, offset: Some(offset) };
        let failed = Outcome::Failed { code: "TIMEOUT".into() };
        let outcomes = vec![
            (0, 1, acknowledged(0, 0)),
            (1, 1, acknowledged(1, 0)),
            (2, 2, acknowledged(0, 1)),
            (3, 3, failed),
        ];
        let log: Log = [(0, vec![(0, Some(0)), (1, Some(2))]), (1, vec![(0, Some(1)), (1, Some(3))])].into();
        let read = log
            .iter()
            .flat_map(|(&partition, records)| {
                records.iter().map(move |&(offset, number)| Read { partition, offset, number })
            })
            .collect();
        (Journal { sent: vec![0; 4], outcomes, read, ..Journal::default() }, log)
    }

    #[track_caller]
    fn check(change: impl FnOnce(&mut Journal, &mut Log), expected: impl FnOnce(&Verdict) -> usize) {
        let (mut journal, mut log) = peace();
        change(&mut journal, &mut log);
        let verdict = Verdict::of(&journal, &log);
        assert!(!verdict.is_clean(), "{verdict:?}");
        assert!(expected(&verdict) > 0, "{verdict:?}");
    }

    #[test]
    fn a_log_as_it_should_be() {
        let (journal, log) = peace();
        let verdict = Verdict::of(&journal, &log);
        assert!(verdict.is_clean(), "{verdict:?}");
        assert_eq!((verdict.sent, verdict.acknowledged), (4, 3));
        assert_eq!(verdict.failed, [("TIMEOUT".to_owned(), 1)].into());
    }

    #[test]
    fn a_failed_record_may_be_missing() {
        let (mut journal, mut log) = peace();
        log.get_mut(&1).unwrap().pop();
        journal.read.pop();
        assert!(Verdict::of(&journal, &log).is_clean());
    }

    #[test]
    fn every_breach_is_seen() {
        check(|_, log| log.get_mut(&0).unwrap().truncate(1), |verdict| verdict.lost);
        check(|_, log| log.get_mut(&0).unwrap().push((2, Some(2))), |verdict| verdict.duplicated);
        check(|_, log| log.get_mut(&1).unwrap().push((2, Some(0))), |verdict| verdict.duplicated);
        check(
            |_, log| *log.get_mut(&0).unwrap() = vec![(0, Some(2)), (1, Some(0))],
            |verdict| verdict.reordered,
        );
        check(
            |_, log| *log.get_mut(&0).unwrap() = vec![(0, Some(2)), (1, Some(0))],
            |verdict| verdict.misplaced,
        );
        check(|_, log| log.get_mut(&0).unwrap().push((2, None)), |verdict| verdict.foreign);
        check(|_, log| log.get_mut(&0).unwrap().push((2, Some(4))), |verdict| verdict.foreign);
        check(|_, log| log.get_mut(&0).unwrap()[1].0 = 7, |verdict| verdict.misplaced);
        check(|journal, _| drop(journal.outcomes.pop()), |verdict| verdict.not_ended_once);
        check(
            |journal, _| journal.outcomes.push(journal.outcomes[0].clone()),
            |verdict| verdict.not_ended_once,
        );
        check(|journal, _| journal.read.truncate(3), |verdict| verdict.misread);
        check(|journal, _| journal.read.push(journal.read[0]), |verdict| verdict.misread);
        check(|journal, _| journal.read.swap(0, 1), |verdict| verdict.misread);
        check(|journal, _| journal.read[0].number = None, |verdict| verdict.misread);
        check(|journal, _| journal.complaints.push("it hung".into()), |verdict| verdict.problems.len());
    }
}
