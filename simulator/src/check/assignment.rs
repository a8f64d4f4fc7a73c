//! Rules about what a consumer reads.

use super::{Finding, RuleId};
use crate::event::{Event, Kind};
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::format;
use alloc::sync::Arc;

/// I17.
pub(super) fn only_assigned_partitions(events: &[Arc<Event>]) -> Finding {
    let mut finding = Finding::new(RuleId::I17);
    let mut assigned: BTreeMap<u8, BTreeSet<&str>> = BTreeMap::new();
    for event in events {
        match &event.kind {
            // A call that was refused, or changed nothing, leaves the assignment as it was.
            Kind::Call { client, call, outcome, .. } if outcome.starts_with("Changed") => {
                if let Some(partitions) = named(call) {
                    assigned.insert(*client, partitions);
                }
            }
            Kind::Consumed { client, partition, .. } => {
                finding.exercise(event.index);
                let is_assigned = assigned.get(client).is_some_and(|of| of.contains(partition.as_str()));
                if !is_assigned {
                    finding.fail(event.index, || {
                        format!("a batch of {partition} is delivered, which is not assigned")
                    });
                }
            }
            _ => {}
        }
    }
    finding
}

/// The partitions in `assign(orders-0, orders-1, earliest)`: all but the last word, which says where to begin.
fn named(call: &str) -> Option<BTreeSet<&str>> {
    let (partitions, _from) = call.strip_prefix("assign(")?.strip_suffix(')')?.rsplit_once(", ")?;
    Some(partitions.split(", ").collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_partitions_of_a_call_are_read() {
        assert_eq!(named("assign(orders-0, a.b-1, earliest)"), Some(BTreeSet::from(["orders-0", "a.b-1"])));
        assert_eq!(named("assign(orders-0, 17)"), Some(BTreeSet::from(["orders-0"])));
        assert_eq!(named("start()"), None);
    }
}
