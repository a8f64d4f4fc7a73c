//! The row of places that the transport moves along: one run's events, or two runs' events lined up.

use simulator::event::Event;
use simulator::sentence::{Detail, sentence};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Which run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Side {
    /// With the fix. Also the only run of a lesson without a pair.
    After,
    /// With the defect.
    Before,
}

/// How the two sides of a row relate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Relation {
    /// Only one run is shown.
    Single,
    /// Both runs did the same.
    Same,
    /// Both runs have the event, but not with the same content.
    Differs,
    /// Only the run with the defect has it.
    OnlyBefore,
    /// Only the run with the fix has it.
    OnlyAfter,
}

/// One row: the events, by index, that stand side by side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row {
    /// The event of the run with the defect.
    pub before: Option<usize>,
    /// The event of the run with the fix.
    pub after: Option<usize>,
    /// How they relate.
    pub relation: Relation,
}

impl Row {
    /// This side's event.
    #[must_use]
    pub const fn of(&self, side: Side) -> Option<usize> {
        match side {
            Side::Before => self.before,
            Side::After => self.after,
        }
    }
}

/// The rows, and how many events of each side precede each position.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Track {
    rows: Vec<Row>,
    before_seen: Vec<usize>,
    after_seen: Vec<usize>,
    split: Option<usize>,
    is_open_ended: bool,
}

impl Track {
    /// One run alone.
    #[must_use]
    pub fn single(side: Side, len: usize) -> Self {
        let row = |index| match side {
            Side::Before => Row { before: Some(index), after: None, relation: Relation::Single },
            Side::After => Row { before: None, after: Some(index), relation: Relation::Single },
        };
        Self::of_rows((0..len).map(row).collect())
    }

    /// Two runs lined up by their events' keys.
    ///
    /// The longest set of common keys that keeps both orders is paired; what is left stands alone, the defect's
    /// events first. Pairing by index would call everything after one extra event different.
    #[must_use]
    pub fn aligned(before: &[Arc<Event>], after: &[Arc<Event>]) -> Self {
        let places: BTreeMap<&str, usize> =
            after.iter().enumerate().map(|(index, event)| (event.key.as_str(), index)).collect();
        let candidates: Vec<(usize, usize)> = before
            .iter()
            .enumerate()
            .filter_map(|(index, event)| places.get(event.key.as_str()).map(|place| (index, *place)))
            .collect();
        let mut rows = Vec::with_capacity(before.len() + after.len());
        let (mut next_before, mut next_after) = (0, 0);
        let ends = longest_rising(&candidates).into_iter().chain([(before.len(), after.len())]);
        for (paired_before, paired_after) in ends {
            rows.extend((next_before..paired_before).map(|index| Row {
                before: Some(index),
                after: None,
                relation: Relation::OnlyBefore,
            }));
            rows.extend((next_after..paired_after).map(|index| Row {
                before: None,
                after: Some(index),
                relation: Relation::OnlyAfter,
            }));
            if let (Some(left), Some(right)) = (before.get(paired_before), after.get(paired_after)) {
                let relation = if brief(left) == brief(right) { Relation::Same } else { Relation::Differs };
                rows.push(Row { before: Some(paired_before), after: Some(paired_after), relation });
            }
            (next_before, next_after) = (paired_before + 1, paired_after + 1);
        }
        Self::of_rows(rows)
    }

    fn of_rows(rows: Vec<Row>) -> Self {
        let seen = |side: Side| {
            let mut count = 0;
            let mut seen = vec![0];
            seen.extend(rows.iter().map(|row| {
                count += usize::from(row.of(side).is_some());
                count
            }));
            seen
        };
        let (before_seen, after_seen) = (seen(Side::Before), seen(Side::After));
        let split = rows.iter().position(|row| !matches!(row.relation, Relation::Single | Relation::Same));
        Self { rows, before_seen, after_seen, split, is_open_ended: false }
    }

    /// The same, of a run that the reader goes on with: what has not ended at its end may still end.
    #[must_use]
    pub const fn open_ended(mut self) -> Self {
        self.is_open_ended = true;
        self
    }

    /// Whether nothing more can happen at this position, not even later.
    #[must_use]
    pub fn is_over_at(&self, position: usize) -> bool {
        position >= self.len() && !self.is_open_ended
    }

    /// How many rows. Positions go from 0 (nothing has happened) to this.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether nothing happens at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// All rows.
    #[must_use]
    pub fn rows(&self) -> &[Row] {
        &self.rows
    }

    /// How many events of this side have happened at a position; a position past the end counts as the end.
    #[must_use]
    pub fn seen(&self, side: Side, position: usize) -> usize {
        let seen = match side {
            Side::Before => &self.before_seen,
            Side::After => &self.after_seen,
        };
        seen.get(position.min(self.rows.len())).copied().unwrap_or_default()
    }

    /// The first position at which this side has seen `count` events.
    #[must_use]
    pub fn position_of(&self, side: Side, count: usize) -> usize {
        let seen = match side {
            Side::Before => &self.before_seen,
            Side::After => &self.after_seen,
        };
        seen.partition_point(|seen| *seen < count).min(self.rows.len())
    }

    /// The row on which an event of this side stands.
    #[must_use]
    pub fn row_of(&self, side: Side, event: usize) -> usize {
        self.position_of(side, event + 1).saturating_sub(1)
    }

    /// The first row on which the two runs are not the same: the Split.
    #[must_use]
    pub const fn split(&self) -> Option<usize> {
        self.split
    }

    /// The positions that show a row on which the two runs are not the same, rising.
    pub fn differences(&self) -> impl Iterator<Item = usize> + '_ {
        let rows = self.rows.iter().enumerate();
        rows.filter(|(_, row)| !matches!(row.relation, Relation::Single | Relation::Same))
            .map(|(row, _)| row + 1)
    }
}

fn brief(event: &Event) -> String {
    sentence(event, Detail::Brief)
}

/// The longest run of pairs in which both numbers rise. The first numbers rise already.
fn longest_rising(pairs: &[(usize, usize)]) -> Vec<(usize, usize)> {
    let mut tails: Vec<usize> = Vec::new();
    let mut previous: Vec<Option<usize>> = vec![None; pairs.len()];
    for (index, pair) in pairs.iter().enumerate() {
        let length = tails.partition_point(|tail| pairs[*tail].1 < pair.1);
        previous[index] = length.checked_sub(1).map(|shorter| tails[shorter]);
        if length == tails.len() {
            tails.push(index);
        } else {
            tails[length] = index;
        }
    }
    let mut chain = Vec::with_capacity(tails.len());
    let mut at = tails.last().copied();
    while let Some(index) = at {
        chain.push(pairs[index]);
        at = previous[index];
    }
    chain.reverse();
    chain
}

#[cfg(test)]
mod tests {
    use super::*;
    use client_core::time::Instant;
    use simulator::event::{Actor, Kind};

    fn run(keys: &[&str]) -> Vec<Arc<Event>> {
        let event = |(index, key): (usize, &&str)| {
            let (key, text) = key.split_once('=').unwrap_or((key, key));
            Arc::new(Event {
                index: index as u32,
                step: index as u32,
                at: Instant::ZERO,
                actor: Actor::Network,
                kind: Kind::Note { text: text.into() },
                connection: None,
                correlation_id: None,
                cause: None,
                key: key.into(),
                payload: None,
            })
        };
        keys.iter().enumerate().map(event).collect()
    }

    fn check(before: &[&str], after: &[&str], expected: &str) {
        let (before, after) = (run(before), run(after));
        let track = Track::aligned(&before, &after);
        let shown: Vec<String> = track
            .rows()
            .iter()
            .map(|row| {
                let name = |side: Option<usize>, run: &[Arc<Event>]| {
                    side.map_or_else(|| "-".to_owned(), |index| run[index].key.to_string())
                };
                format!("{}{}", name(row.before, &before), name(row.after, &after))
            })
            .collect();
        assert_eq!(shown.join(" "), expected);
        for side in [Side::Before, Side::After] {
            let len = if side == Side::Before { before.len() } else { after.len() };
            assert_eq!(track.seen(side, track.len()), len, "every event has its row");
            for count in 0..=len {
                assert_eq!(track.seen(side, track.position_of(side, count)), count);
            }
        }
    }

    #[test]
    fn equal_runs_pair_up() {
        check(&["a", "b"], &["a", "b"], "aa bb");
        let track = Track::aligned(&run(&["a", "b"]), &run(&["a", "b"]));
        assert_eq!(track.split(), None);
    }

    #[test]
    fn one_extra_event_leaves_the_rest_paired() {
        check(&["a", "x", "b", "c"], &["a", "b", "c"], "aa x- bb cc");
        check(&["a", "c"], &["a", "b", "c"], "aa -b cc");
        check(&["a", "x"], &["a", "y"], "aa x- -y");
        check(&[], &["a"], "-a");
    }

    #[test]
    fn events_that_changed_places_are_paired_once() {
        check(&["a", "b", "c"], &["c", "a", "b"], "-c aa bb c-");
    }

    #[test]
    fn split_and_differences_are_found() {
        let track = Track::aligned(&run(&["a", "b=1", "c", "x"]), &run(&["a", "b=2", "c", "y"]));
        assert_eq!(track.split(), Some(1));
        assert_eq!(track.differences().collect::<Vec<_>>(), [2, 4, 5]);
    }

    #[test]
    fn a_single_run_is_its_own_track() {
        let track = Track::single(Side::After, 3);
        assert_eq!((track.len(), track.seen(Side::After, 2), track.seen(Side::Before, 2)), (3, 2, 0));
        assert_eq!(track.seen(Side::After, 99), 3);
    }
}
