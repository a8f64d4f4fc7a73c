//! The reference model of reading: where each consumer stands in each partition, and what it may get next.

use super::model::{Logs, Stored};
use super::{Breach, Law};
use crate::choice::From;
use crate::world::World;
use crate::world::ledger::{Read, ReadWhat};
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use client_core::ids::TopicPartition;
use client_core::protocol::record_batch::RecordBatch;

/// Where a consumer stands in a partition that is assigned to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Standing {
    next: Next,
    paused: bool,
}

/// Which offset comes next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Next {
    /// This one.
    At(i64),
    /// This one, or the first one, should this one not exist when the broker is asked.
    AtOrReset(i64),
    /// Whatever is the end when the broker is asked.
    End,
}

impl Next {
    const fn from(from: From) -> Self {
        match from {
            // The scenario's consumers begin with the first record when nothing else is said.
            From::Kept | From::Earliest => Self::At(0),
            From::Latest => Self::End,
            From::Offset(offset) => Self::AtOrReset(offset),
        }
    }
}

impl Standing {
    /// Whether there is nothing to read in a log that ends here.
    const fn is_at(self, end: i64) -> bool {
        match self.next {
            Next::At(next) => next >= end,
            Next::AtOrReset(next) => next == end || end == 0,
            Next::End => true,
        }
    }
}

/// Follows what consumers do, and knows where each of them stands.
#[derive(Clone, Debug, Default)]
pub(super) struct Reader {
    standings: BTreeMap<(u8, TopicPartition), Standing>,
    /// How much of the ledger it has seen.
    seen: usize,
}

impl Reader {
    /// Takes in what is new, and judges it if there are logs to compare with.
    pub(super) fn follow(&mut self, world: &World, logs: Option<&Logs>, breaches: &mut Vec<Breach>) {
        let entries = &world.ledger().read;
        for Read { client, event, what } in &entries[self.seen..] {
            match what {
                ReadWhat::Assigned { partitions, from } => self.assigned(*client, partitions, *from),
                ReadWhat::Sought { partition, to } => {
                    if let Some(standing) = self.standings.get_mut(&(*client, partition.clone())) {
                        standing.next = Next::from(*to);
                    }
                }
                ReadWhat::Paused { partitions, paused } => {
                    for partition in partitions {
                        if let Some(standing) = self.standings.get_mut(&(*client, partition.clone())) {
                            standing.paused = *paused;
                        }
                    }
                }
                ReadWhat::Taken { partition, first_offset, batch } => {
                    let standing = self.standings.get_mut(&(*client, partition.clone()));
                    let Some(logs) = logs else {
                        // Whether it may be there is for later; where it leads is what counts now.
                        if let Some(standing) = standing {
                            standing.next = Next::At(batch.next_offset());
                        }
                        continue;
                    };
                    let log = logs.get(partition).map_or(&[][..], |log| log);
                    if let Err(text) = taken(standing, log, *first_offset, batch) {
                        let text =
                            format!("client {} reads {partition} from {first_offset}: {text}", client + 1);
                        breaches.push(Breach { law: Law::Misread, event: *event, text });
                    }
                }
            }
        }
        self.seen = entries.len();
    }

    fn assigned(&mut self, client: u8, partitions: &[TopicPartition], from: From) {
        let mut old = BTreeMap::new();
        self.standings.retain(|(owner, partition), standing| {
            let mine = *owner == client;
            if mine {
                old.insert(partition.clone(), *standing);
            }
            !mine
        });
        for partition in partitions {
            let kept = old.get(partition).copied().filter(|_| from == From::Kept);
            let standing = kept.unwrap_or_else(|| Standing { next: Next::from(from), paused: false });
            self.standings.insert((client, partition.clone()), standing);
        }
    }

    /// The partitions of a client.
    pub(super) fn partitions(&self, client: u8) -> Vec<TopicPartition> {
        let mine = self.standings.keys().filter(|(owner, _)| *owner == client);
        mine.map(|(_, partition)| partition.clone()).collect()
    }

    /// A partition whose reader has not come to its end.
    pub(super) fn behind(&self, world: &World) -> Option<String> {
        self.standings.iter().find_map(|((client, partition), standing)| {
            let there = world.cluster().partition(partition.topic.as_str(), partition.partition)?;
            let end = there.end_offset();
            (!standing.is_at(end)).then(|| {
                format!(
                    "client {} stands at {:?} of {partition}, which ends at {end}",
                    client + 1,
                    standing.next
                )
            })
        })
    }
}

/// Compares a batch with where the consumer stands, and with the log.
fn taken(
    standing: Option<&mut Standing>,
    log: &[Stored],
    first_offset: i64,
    batch: &RecordBatch,
) -> Result<(), String> {
    let standing = standing.ok_or("the partition is not assigned")?;
    if standing.paused {
        return Err("the partition is paused".into());
    }
    let fits = match standing.next {
        Next::At(next) => first_offset == next,
        Next::AtOrReset(next) => first_offset == next || first_offset == 0,
        Next::End => true,
    };
    if !fits {
        return Err(format!("it stands at {:?}", standing.next));
    }
    let mut next = first_offset;
    for record in Stored::all(batch)? {
        if record.offset < first_offset {
            continue;
        }
        let there = usize::try_from(record.offset).ok().and_then(|offset| log.get(offset));
        if there != Some(&record) {
            return Err(format!("at {} the log holds another record", record.offset));
        }
        if record.offset != next {
            return Err(format!("after {next} comes {}", record.offset));
        }
        next += 1;
    }
    standing.next = Next::At(next);
    Ok(())
}
