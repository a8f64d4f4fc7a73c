//! The application: tasks that call clients, and wait until each call ends.

use super::World;
use super::ledger::{Content, End, ReadWhat, SentRecord};
use crate::choice::{Call, From};
use crate::event::{Actor, Entry, Kind, Outcome};
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec;
use alloc::vec::Vec;
use client_core::ids::{OperationId, RecordId, TopicPartition};
use client_core::io::{AdminCommand, Completion, Delivery, NewPartitions, NewTopic};
use client_core::time::Duration;
use client_core::{Client, Error, OffsetSpec, Record, RecordHeader, StartOffset, StartOptions, StopOptions};

/// Who waits for what.
#[derive(Clone, Debug, Default)]
pub(super) struct Tasks {
    /// Calls that wait for an operation, by client and operation.
    operations: BTreeMap<(u8, OperationId), Waiter>,
    /// Calls that wait for records, by the index of the call.
    sends: BTreeMap<u32, Sending>,
    /// Which call each record belongs to, and its place in the ledger.
    records: BTreeMap<(u8, RecordId), (u32, usize)>,
    /// The task that takes a client's records.
    consumers: BTreeMap<u8, u16>,
}

#[derive(Clone, Debug)]
struct Waiter {
    task: u16,
    call: u32,
    what: String,
}

#[derive(Clone, Debug)]
struct Sending {
    waiter: Waiter,
    left: u32,
    failed: Option<Error>,
    /// Where the acknowledged ones went: topic-partition and first offset.
    places: Vec<String>,
}

/// What a call gave at once.
struct Called {
    outcome: String,
    operation: Option<OperationId>,
    records: Vec<(RecordId, Content)>,
    /// What it means for the consumer's reading.
    read: Option<ReadWhat>,
}

impl Called {
    fn at_once(outcome: impl Into<String>) -> Self {
        Self { outcome: outcome.into(), operation: None, records: Vec::new(), read: None }
    }

    fn waiting(operation: OperationId, outcome: impl Into<String>) -> Self {
        Self { operation: Some(operation), ..Self::at_once(outcome) }
    }

    fn read(outcome: impl Into<String>, what: ReadWhat) -> Self {
        Self { read: Some(what), ..Self::at_once(outcome) }
    }
}

impl Tasks {
    /// How many calls have not ended.
    pub(super) fn waiting(&self) -> usize {
        self.operations.len() + self.sends.len()
    }
}

impl World {
    /// A task calls a client.
    pub(super) fn perform(&mut self, task: u16, number: u8, call: &Call) {
        let now = self.now;
        let what = call.shown();
        if usize::from(number) >= self.clients.len() {
            self.note(
                Actor::Task(task),
                format!("T{task} calls client {}, which does not exist", number + 1),
            );
            return;
        }
        if matches!(call, Call::Consume) {
            self.tasks.consumers.insert(number, task);
        }
        let given_up = matches!(call, Call::Cancel).then(|| self.oldest_wait(task, number)).flatten();
        let client = &mut self.clients[usize::from(number)];
        let called = match given_up {
            Some(operation) => {
                client.cancel(now, operation);
                Called::at_once("")
            }
            None => {
                let headers =
                    self.recording.scenario.clients.get(usize::from(number)).and_then(|it| it.limits.headers);
                invoke(client, now, &Caller { task, step: self.steps, headers }, call)
            }
        };
        let waits = called.operation.is_some() || !called.records.is_empty();
        let operation = called.operation;
        let kind =
            Kind::Call { client: number, call: what.clone(), operation, outcome: called.outcome, waits };
        let index = self.log.push(Entry::new(now, Actor::Task(task), kind));
        self.log.set_current_cause(index, None);
        let waiter = Waiter { task, call: index, what };
        if let Some(operation) = called.operation {
            self.tasks.operations.insert((number, operation), waiter);
        } else if waits {
            let left = called.records.len() as u32;
            self.accepted(number, index, call, called.records);
            self.tasks.sends.insert(index, Sending { waiter, left, failed: None, places: Vec::new() });
        }
        if let Some(what) = called.read {
            self.ledger.note(number, index, what);
        }
        self.drain_client(usize::from(number));
        if matches!(call, Call::Consume) {
            self.consume(usize::from(number));
            self.drain_client(usize::from(number));
        }
    }

    /// Remembers the records of a call.
    fn accepted(&mut self, number: u8, index: u32, call: &Call, records: Vec<(RecordId, Content)>) {
        let Call::Send { topic, partition, .. } = call else { return };
        for (record, content) in records {
            self.tasks.records.insert((number, record), (index, self.ledger.sent.len()));
            let (topic, partition) = (topic.clone(), *partition);
            self.ledger.sent.push(SentRecord {
                client: number,
                call: index,
                content,
                topic,
                partition,
                end: None,
            });
        }
    }

    /// The operation that a task has waited for the longest.
    fn oldest_wait(&self, task: u16, number: u8) -> Option<OperationId> {
        self.tasks
            .operations
            .iter()
            .filter(|((client, _), waiter)| *client == number && waiter.task == task)
            .min_by_key(|(_, waiter)| waiter.call)
            .map(|((_, operation), _)| *operation)
    }

    /// An operation ended.
    pub(super) fn resolve(&mut self, number: u8, operation: OperationId, result: Result<Completion, Error>) {
        let (outcome, text) = match result {
            Ok(completion) => (Outcome::Value, completion_text(&completion)),
            Err(error) => (outcome_of(&error), error.to_string()),
        };
        let waiter = self.tasks.operations.remove(&(number, operation));
        self.log_resolve(number, waiter, Some(operation), outcome, text);
    }

    /// Records ended.
    pub(super) fn deliver(&mut self, number: u8, delivery: &Delivery) {
        for (place, record) in (0..).zip(delivery.records.iter()) {
            let Some((call, sent)) = self.tasks.records.remove(&(number, record)) else {
                let text = format!("record {} ended, and nobody waits for it", record.0);
                self.log_resolve(number, None, None, Outcome::Value, text);
                continue;
            };
            let end = match &delivery.result {
                Err(error) => End::Failed(error.code()),
                Ok(delivered) => End::Acknowledged {
                    partition: delivery.partition.clone(),
                    offset: delivered.base_offset.map(|base| base + place),
                },
            };
            self.ledger.ended(sent, self.log.len(), end);
            let Some(sending) = self.tasks.sends.get_mut(&call) else { continue };
            sending.left -= 1;
            match &delivery.result {
                Err(error) => {
                    sending.failed.get_or_insert_with(|| error.clone());
                }
                Ok(delivered) => {
                    let offset =
                        delivered.base_offset.map_or_else(String::new, |base| format!(" from offset {base}"));
                    let place = format!("{}{offset}", delivery.partition);
                    if !sending.places.contains(&place) {
                        sending.places.push(place);
                    }
                }
            }
            if sending.left == 0
                && let Some(sending) = self.tasks.sends.remove(&call)
            {
                let (outcome, text) = match &sending.failed {
                    Some(error) => (outcome_of(error), error.to_string()),
                    None => (Outcome::Value, sending.places.join(", ")),
                };
                self.log_resolve(number, Some(sending.waiter), None, outcome, text);
            }
        }
    }

    fn log_resolve(
        &mut self,
        number: u8,
        waiter: Option<Waiter>,
        operation: Option<OperationId>,
        outcome: Outcome,
        text: String,
    ) {
        let (actor, call, what) = match waiter {
            Some(waiter) => (Actor::Task(waiter.task), Some(waiter.call), waiter.what),
            None => {
                let what = operation.map_or_else(|| "send()".to_string(), |operation| operation.to_string());
                (Actor::Client(number), None, what)
            }
        };
        let kind = Kind::Resolve { call, what, operation, outcome, text };
        let cause = self.log.current_cause(None);
        self.log.push(Entry::new(self.now, actor, kind).because(cause));
    }

    /// The task that consumes takes everything there is. The caller drains the client afterwards.
    pub(super) fn consume(&mut self, number: usize) {
        let Some(task) = self.tasks.consumers.get(&(number as u8)).copied() else { return };
        // A buffer is finite; the bound is for a client that would refill it without end.
        for _ in 0..100_000 {
            let Some(client) = self.clients.get_mut(number) else { return };
            let Ok(mut consumer) = client.consumer(self.now) else { return };
            let Some(fetched) = consumer.take() else { return };
            // The first batch can begin in front of what was asked for.
            let first_offset = fetched.first_offset.max(fetched.batch.base_offset());
            let skipped = first_offset - fetched.batch.base_offset();
            let records = i64::from(fetched.batch.record_count()).saturating_sub(skipped).max(0);
            let kind = Kind::Consumed {
                client: number as u8,
                partition: fetched.partition.to_string(),
                first_offset,
                records: u32::try_from(records).unwrap_or(u32::MAX),
            };
            let cause = self.log.current_cause(None);
            let index = self.log.push(Entry::new(self.now, Actor::Task(task), kind).because(cause));
            let (partition, batch) = (fetched.partition, fetched.batch);
            self.ledger.note(number as u8, index, ReadWhat::Taken { partition, first_offset, batch });
        }
    }
}

/// Who sends records, and what they look like.
struct Caller {
    task: u16,
    step: u32,
    headers: Option<u32>,
}

fn invoke(client: &mut Client, now: client_core::time::Instant, caller: &Caller, call: &Call) -> Called {
    let millis = |timeout: &Option<u64>| timeout.map(Duration::from_millis);
    let refused = |error: &Error| Called::at_once(error.code());
    match call {
        Call::Start { timeout_ms } => {
            let start = client.start(now, StartOptions { timeout: millis(timeout_ms) });
            Called::waiting(start.operation, format!("{:?}", start.outcome))
        }
        Call::Stop { timeout_ms } => {
            Called::waiting(client.stop(now, StopOptions { timeout: millis(timeout_ms) }), "")
        }
        Call::Cancel => Called::at_once("nothing to cancel"),
        Call::Send { topic, partition, count, size } => {
            match send(client, now, caller, topic, *partition, *count, *size) {
                (records, None) => Called { records, ..Called::at_once("") },
                (records, Some(error)) => Called { records, ..refused(&error) },
            }
        }
        Call::Flush => match client.producer(now) {
            Ok(mut producer) => Called::waiting(producer.flush(None), ""),
            Err(error) => refused(&error),
        },
        Call::Assign { partitions, from } => {
            let start = start_offset(*from);
            let wanted: Vec<(TopicPartition, StartOffset)> =
                partitions.iter().map(|partition| (partition.clone(), start)).collect();
            let assigned = client.consumer(now).and_then(|mut consumer| consumer.assign(&wanted));
            match assigned {
                Ok(outcome) => {
                    let partitions = partitions.clone();
                    Called::read(format!("{outcome:?}"), ReadWhat::Assigned { partitions, from: *from })
                }
                Err(error) => refused(&error),
            }
        }
        Call::Seek { partition, to } => {
            let sought =
                client.consumer(now).and_then(|mut consumer| consumer.seek(partition, start_offset(*to)));
            match sought {
                Ok(()) => Called::read("", ReadWhat::Sought { partition: partition.clone(), to: *to }),
                Err(error) => refused(&error),
            }
        }
        Call::Pause { partitions } | Call::Resume { partitions } => {
            let paused = matches!(call, Call::Pause { .. });
            let done = client.consumer(now).and_then(|mut consumer| {
                if paused { consumer.pause(partitions) } else { consumer.resume(partitions) }
            });
            match done {
                Ok(()) => Called::read("", ReadWhat::Paused { partitions: partitions.clone(), paused }),
                Err(error) => refused(&error),
            }
        }
        Call::ListOffsets { partitions } => {
            let wanted: Vec<_> =
                partitions.iter().map(|partition| (partition.clone(), OffsetSpec::Latest)).collect();
            match client.consumer(now).and_then(|mut consumer| consumer.list_offsets(&wanted, None)) {
                Ok(operation) => Called::waiting(operation, ""),
                Err(error) => refused(&error),
            }
        }
        Call::Writable => match client.producer(now).map(|mut producer| producer.writable()) {
            Ok(Some(operation)) => Called::waiting(operation, ""),
            Ok(None) => Called::at_once("there is room"),
            Err(error) => refused(&error),
        },
        Call::Consume => match client.consumer(now) {
            Ok(_) => Called::at_once(""),
            Err(error) => refused(&error),
        },
        Call::CreateTopic { topic, partitions } => {
            let topic = NewTopic { num_partitions: *partitions, ..NewTopic::named(topic) };
            let command = AdminCommand::CreateTopics { topics: vec![topic], validate_only: false };
            administer(client, now, command)
        }
        Call::GrowTopic { topic, partitions } => {
            let (topic, total_count) = (topic.as_str().into(), *partitions);
            let topics = vec![NewPartitions { topic, total_count, assignments: Vec::new() }];
            administer(client, now, AdminCommand::CreatePartitions { topics, validate_only: false })
        }
        Call::DeleteTopic { topic } => {
            administer(client, now, AdminCommand::DeleteTopics { topics: vec![topic.as_str().into()] })
        }
        Call::DescribeTopic { topic } => {
            administer(client, now, AdminCommand::DescribeTopics { topics: vec![topic.as_str().into()] })
        }
        Call::PartitionsFor { topic } => match client.partitions_for(now, topic, None) {
            Ok(operation) => Called::waiting(operation, ""),
            Err(error) => refused(&error),
        },
    }
}

fn administer(client: &mut Client, now: client_core::time::Instant, command: AdminCommand) -> Called {
    match client.admin(now).and_then(|mut admin| admin.request(command, None)) {
        Ok(operation) => Called::waiting(operation, ""),
        Err(error) => Called::at_once(error.code()),
    }
}

const fn start_offset(from: From) -> StartOffset {
    match from {
        From::Kept => StartOffset::Default,
        From::Earliest => StartOffset::Earliest,
        From::Latest => StartOffset::Latest,
        From::Offset(offset) => StartOffset::At(offset),
    }
}

/// Sends records until one is refused: the accepted ones, and the refusal.
fn send(
    client: &mut Client,
    now: client_core::time::Instant,
    caller: &Caller,
    topic: &str,
    partition: Option<i32>,
    count: u32,
    size: u32,
) -> (Vec<(RecordId, Content)>, Option<Error>) {
    let mut producer = match client.producer(now) {
        Ok(producer) => producer,
        Err(error) => return (Vec::new(), Some(error)),
    };
    let mut accepted = Vec::new();
    for number in 1..=count {
        let Caller { task, step, headers } = caller;
        let label = format!("T{task} in step {step}, record {number} of {count}");
        let content = Content { label, size, headers: *headers };
        let (key, value, headers) = (content.key(), content.value(), content.headers());
        let headers: Vec<_> =
            headers.iter().map(|(key, value)| RecordHeader { key, value: value.as_deref() }).collect();
        let record = Record {
            topic,
            partition,
            key: key.as_deref(),
            value: Some(&value),
            timestamp: None,
            headers: &headers,
        };
        match producer.send(&record) {
            Ok(record) => accepted.push((record, content)),
            Err(error) => return (accepted, Some(error)),
        }
    }
    (accepted, None)
}

fn outcome_of(error: &Error) -> Outcome {
    if *error == Error::Cancelled { Outcome::Cancelled } else { Outcome::Error(error.code().to_string()) }
}

fn completion_text(completion: &Completion) -> String {
    match completion {
        Completion::Done => String::new(),
        Completion::Partitions(partitions) => format!("{} partitions", partitions.len()),
        Completion::Offsets(offsets) => offsets
            .iter()
            .map(|found| format!("{} at {}", found.partition, found.offset))
            .collect::<Vec<_>>()
            .join(", "),
        Completion::Admin(results) => results
            .iter()
            .map(|part| part.result.as_ref().map_or_else(Error::code, |_| "OK"))
            .collect::<Vec<_>>()
            .join(", "),
    }
}
