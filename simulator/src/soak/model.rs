//! The reference model of records: what the logs may hold, given what was sent and how it ended.
//!
//! The logs only ever grow, so looking at them at the end finds what any earlier look would have found.

use super::{Breach, Law};
use crate::scenario::RoleSetup;
use crate::world::World;
use crate::world::ledger::{End, OwnedHeader, SentRecord};
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use bytes::Bytes;
use client_core::config::Role;
use client_core::ids::TopicPartition;
use client_core::protocol::record_batch::{RecordBatch, RecordView};

/// A record as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Stored {
    pub(super) offset: i64,
    pub(super) key: Option<Bytes>,
    pub(super) value: Option<Bytes>,
    pub(super) headers: Vec<OwnedHeader>,
}

impl Stored {
    fn of(record: &RecordView<'_>) -> Result<Self, String> {
        let owned = |bytes: Option<&[u8]>| bytes.map(Bytes::copy_from_slice);
        let headers = record
            .headers
            .clone()
            .map(|header| header.map(|header| (Bytes::copy_from_slice(header.key), owned(header.value))))
            .collect::<Result<_, _>>()
            .map_err(|error| format!("a header cannot be read: {error}"))?;
        Ok(Self { offset: record.offset, key: owned(record.key), value: owned(record.value), headers })
    }

    /// The records of a batch as it is stored.
    fn logged(batch: &Bytes) -> Result<Vec<Self>, String> {
        let batch = RecordBatch::decode(batch)
            .map_err(|error| format!("a batch cannot be read: {error}"))?
            .ok_or_else(|| String::from("a batch is not whole"))?;
        Self::all(&batch)
    }

    /// The records of a batch, compressed or not.
    pub(super) fn all(batch: &RecordBatch) -> Result<Vec<Self>, String> {
        let plain = batch
            .decompressed(DECOMPRESSED_SIZE_MAX)
            .map_err(|error| format!("a batch cannot be decompressed: {error}"))?;
        let records = plain.records().map_err(|error| format!("records cannot be read: {error}"))?;
        records
            .map(|record| Self::of(&record.map_err(|error| format!("a record cannot be read: {error}"))?))
            .collect()
    }
}

/// More than any batch of a drawn world holds.
const DECOMPRESSED_SIZE_MAX: usize = 16 << 20;

/// The logs of all partitions.
pub(super) type Logs = BTreeMap<TopicPartition, Vec<Stored>>;

/// Reads the logs, and judges them by what was sent.
pub(super) fn judge(world: &World, breaches: &mut Vec<Breach>) -> Logs {
    let last = world.events().len().saturating_sub(1) as u32;
    let mut fail = |law, event: u32, text: String| breaches.push(Breach { law, event, text });
    let logs = match read(world) {
        Ok(logs) => logs,
        Err(text) => {
            fail(Law::Foreign, last, text);
            return Logs::new();
        }
    };
    let sent = &world.ledger().sent;
    let by_value: BTreeMap<Bytes, usize> =
        sent.iter().enumerate().map(|(place, record)| (record.content.value(), place)).collect();
    // Where each record that was sent is stored.
    let mut places: Vec<Vec<(&TopicPartition, i64)>> = alloc::vec![Vec::new(); sent.len()];
    for (partition, log) in &logs {
        for stored in log {
            let found = stored.value.as_ref().and_then(|value| by_value.get(value)).copied();
            let Some(found) = found else {
                fail(Law::Foreign, last, format!("{partition} holds at {} what nobody sent", stored.offset));
                continue;
            };
            let record = &sent[found];
            if let Some(problem) = altered(record, partition, stored) {
                fail(
                    Law::Foreign,
                    last,
                    format!("{} at {partition}, {}: {problem}", name(record), stored.offset),
                );
            }
            places[found].push((partition, stored.offset));
        }
    }
    for (record, places) in sent.iter().zip(&places) {
        let (idempotent, answered) = guarantees(world, record);
        if idempotent && places.len() > 1 {
            fail(Law::Doubled, last, format!("{} is at {}", name(record), shown(places)));
        }
        let Some((event, End::Acknowledged { partition, offset })) = &record.end else { continue };
        if !answered {
            continue;
        }
        let there =
            places.iter().any(|(at, found)| *at == partition && offset.is_none_or(|offset| offset == *found));
        if !there {
            let offset = offset.map_or_else(|| "?".into(), |offset| format!("{offset}"));
            let text = format!(
                "{} was acknowledged at {partition}, {offset}, and is at {}",
                name(record),
                shown(places)
            );
            fail(Law::Lost, *event, text);
        }
    }
    order(world, &places, &mut fail);
    logs
}

fn read(world: &World) -> Result<Logs, String> {
    let mut logs = Logs::new();
    for topic in world.cluster().topics() {
        for partition in topic.partitions() {
            let mut log = Vec::new();
            for batch in partition.batches() {
                log.extend(Stored::logged(&batch.bytes)?);
            }
            logs.insert(TopicPartition::new(topic.name(), partition.index()), log);
        }
    }
    Ok(logs)
}

/// In what a stored record differs from the one that was sent.
fn altered(record: &SentRecord, partition: &TopicPartition, stored: &Stored) -> Option<&'static str> {
    let elsewhere = record.partition.is_some_and(|wanted| wanted != partition.partition);
    if record.topic != partition.topic.as_str() || elsewhere {
        return Some("it was sent elsewhere");
    }
    if record.content.key() != stored.key {
        return Some("its key is another one");
    }
    let mut headers = record.content.headers();
    if record.content.headers.is_some() {
        // What the configuration adds, unless the record has such a key already (CF5).
        for (key, value) in [("own-1", "never"), ("extra", "added")] {
            if !headers.iter().any(|(own, _)| own == key) {
                headers
                    .push((Bytes::from_static(key.as_bytes()), Some(Bytes::from_static(value.as_bytes()))));
            }
        }
    }
    (headers != stored.headers).then_some("its headers are other ones")
}

/// Whether the record's producer is idempotent, and whether brokers answer it at all.
fn guarantees(world: &World, record: &SentRecord) -> (bool, bool) {
    let setup = world.scenario().clients.get(usize::from(record.client)).map(|client| client.role);
    match setup {
        Some(RoleSetup::Producer { idempotent, acks, .. }) => {
            (idempotent, idempotent || acks != client_core::config::Acks::None)
        }
        Some(RoleSetup::Consumer | RoleSetup::Admin) | None => (false, false),
    }
}

/// Acknowledged records of one producer follow each other in each partition as they were sent, with idempotence and wherever
/// only one request at a time is under way.
fn order(world: &World, places: &[Vec<(&TopicPartition, i64)>], fail: &mut impl FnMut(Law, u32, String)) {
    let scenario = world.scenario();
    let in_order: Vec<bool> = scenario
        .clients
        .iter()
        .enumerate()
        .map(|(number, client)| match scenario.config(client, number).role {
            Role::Producer(producer) => {
                producer.acks != client_core::config::Acks::None
                    && (producer.idempotent || producer.max_in_flight == 1)
            }
            Role::Consumer(_) | Role::Admin(_) => false,
        })
        .collect();
    let mut latest: BTreeMap<(u8, &TopicPartition), (i64, &SentRecord)> = BTreeMap::new();
    for (record, places) in world.ledger().sent.iter().zip(places) {
        let Some((event, End::Acknowledged { .. })) = &record.end else { continue };
        if !in_order.get(usize::from(record.client)).copied().unwrap_or_default() {
            continue;
        }
        // Where it first stands: a copy that a retry made may follow later.
        let Some((partition, offset)) = places.iter().min_by_key(|(_, offset)| *offset) else { continue };
        let before = latest.insert((record.client, *partition), (*offset, record));
        if let Some((previous, earlier)) = before.filter(|(previous, _)| previous > offset) {
            let text = format!(
                "{} stands in {partition} at {offset}, behind it at {previous} {}, which was sent earlier",
                name(record),
                name(earlier)
            );
            fail(Law::Reordered, *event, text);
        }
    }
}

fn name(record: &SentRecord) -> String {
    format!("\"{}\"", record.content.label)
}

fn shown(places: &[(&TopicPartition, i64)]) -> String {
    if places.is_empty() {
        return "no place".into();
    }
    let shown: Vec<String> =
        places.iter().map(|(partition, offset)| format!("{partition}, {offset}")).collect();
    shown.join(" and ")
}
