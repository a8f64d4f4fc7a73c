//! The producer: takes records, gathers them into batches, sends those to the partitions' leaders, and tells for each
//! record how it ended.
//!
//! `mod.rs` takes records and counts who waits; `sender.rs` decides what goes out and what replies mean; `queue.rs` keeps
//! one partition's batches in order; `identity.rs` gets the producer id; `partitioner.rs` chooses partitions.

mod identity;
mod partitioner;
mod queue;
mod sender;
mod topic;

use crate::backoff::Backoff;
use crate::compression::Compression;
use crate::config::{Config, ProducerConfig};
use crate::cx::{Cx, Effect};
use crate::error::Error;
use crate::ids::{BrokerId, OperationId, RecordId, TopicName, TopicPartition};
use crate::io::{Completion, Deadline, Delivery, Event, RecordIds, Timer};
use crate::protocol::record_batch::{BATCH_OVERHEAD, RecordHeader};
use crate::rng::Rng;
use crate::time::{Duration, Instant, WallClock};
use crate::waiters::Waiters;
use alloc::borrow::Cow;
use alloc::format;
use alloc::vec::Vec;
use identity::Identity;
use litemap::LiteMap;
use partitioner::Chooser;
use queue::{BatchLimits, Payload};
use sender::InFlightRequest;
use topic::{Topic, Waiting};

/// A record to be sent.
#[derive(Clone, Copy, Debug)]
pub struct Record<'a> {
    /// The topic's name.
    pub topic: &'a str,
    /// The partition, or `None` to let the partitioner choose.
    pub partition: Option<i32>,
    /// The key.
    pub key: Option<&'a [u8]>,
    /// The value; `None` is a tombstone in compacted topics.
    pub value: Option<&'a [u8]>,
    /// Unix milliseconds, or `None` for now.
    pub timestamp: Option<i64>,
    /// The headers, in order; keys may repeat.
    pub headers: &'a [RecordHeader<'a>],
}

/// The producer's part of a client.
#[derive(Clone, Debug)]
pub(crate) struct ProducerState {
    config: ProducerConfig,
    wall_clock: WallClock,
    request_timeout: Duration,
    retry_backoff: Backoff,
    rng: Rng,
    topics: Vec<Topic>,
    by_name: LiteMap<TopicName, usize>,
    last_topic: usize,
    /// Partitions with batches that are not in flight, as (topic, partition).
    active: LiteMap<(usize, i32), ()>,
    next_record_id: u64,
    buffered_bytes: usize,
    identity: Identity,
    in_flight: LiteMap<u64, InFlightRequest>,
    next_request: u64,
    requests_per_broker: LiteMap<BrokerId, usize>,
    /// Unfinished batches and waiting records by flush epoch: a flush ends when none of its epoch or before is left.
    outstanding: LiteMap<u32, usize>,
    flush_epoch: u32,
    flushes: LiteMap<u32, Waiters>,
    writable_waiters: Waiters,
    accepting: bool,
    stopping: bool,
}

impl ProducerState {
    pub(crate) fn new(config: &Config, producer: &ProducerConfig, rng: &Rng) -> Self {
        let backoff =
            |label| Backoff::new(config.retry_backoff, config.retry_backoff_max, rng.fork(label, 0));
        Self {
            config: producer.clone(),
            wall_clock: config.wall_clock,
            request_timeout: config.request_timeout,
            retry_backoff: backoff("produce retry"),
            rng: rng.fork("partitioner", 0),
            topics: Vec::new(),
            by_name: LiteMap::new(),
            last_topic: 0,
            active: LiteMap::new(),
            next_record_id: 0,
            buffered_bytes: 0,
            identity: Identity::new(backoff("producer id"), config.request_timeout),
            in_flight: LiteMap::new(),
            next_request: 0,
            requests_per_broker: LiteMap::new(),
            outstanding: LiteMap::new(),
            flush_epoch: 0,
            flushes: LiteMap::new(),
            writable_waiters: Waiters::default(),
            accepting: false,
            stopping: false,
        }
    }

    // ---- what the application wants ----

    /// Takes a record. It is accepted, or refused with nothing done. Without a compression it is compressed as configured.
    pub(crate) fn send(
        &mut self,
        record: &Record<'_>,
        compression: Option<Compression>,
        cx: &mut Cx,
    ) -> Result<RecordId, Error> {
        if !self.accepting {
            return Err(Error::NotStarted { call: "send()" });
        }
        // Reference-counted bytes: this copies no header.
        let extra = self.config.extra_headers.clone();
        let merged;
        let headers = if extra.is_empty() {
            record.headers
        } else {
            merged = merge_headers(record.headers, &extra);
            &merged
        };
        let size = record_size(record, headers);
        let limit = self.config.max_request_size;
        if size + BATCH_OVERHEAD > limit {
            return Err(Error::RecordTooLarge { size, limit });
        }
        if self.buffered_bytes + size > self.config.buffer_memory {
            return Err(Error::BufferFull { limit: self.config.buffer_memory });
        }
        let index = self.topic_index(record.topic)?;
        if let Some(partition) = record.partition {
            self.check_partition(index, partition, cx)?;
        }
        let timestamp = record.timestamp.unwrap_or_else(|| self.wall_clock.unix_millis(cx.now));
        let compression = compression.unwrap_or(self.config.compression);
        let payload = Payload { key: record.key, value: record.value, headers, timestamp, compression, size };
        let id = RecordId(self.next_record_id);
        self.next_record_id += 1;
        self.buffered_bytes += size;
        if self.topics[index].is_known() {
            self.append(index, record.partition, id, &payload, cx.now + self.config.delivery_timeout, cx);
        } else {
            *self.outstanding.entry(self.flush_epoch).or_default() += 1;
            let wait = self.config.max_block.min(self.config.delivery_timeout);
            let deadline = cx.now + wait;
            self.topics[index].waiting.push_back(Waiting::new(
                id,
                record.partition,
                &payload,
                deadline,
                self.flush_epoch,
                cx.now,
            ));
        }
        Ok(id)
    }

    /// Ends when everything accepted so far has ended; what lingers goes out now (LC12).
    pub(crate) fn flush(&mut self, timeout: Option<Duration>, cx: &mut Cx) -> OperationId {
        self.close_open_batches();
        let epoch = self.flush_epoch;
        self.flush_epoch += 1;
        let operation = self.flushes.entry(epoch).or_default().begin(timeout, cx);
        self.settle_flushes(cx);
        operation
    }

    /// How many bytes of records wait for their end.
    pub(crate) const fn buffered_bytes(&self) -> usize {
        self.buffered_bytes
    }

    /// `None` when there is room for more; else an operation that ends when there is.
    pub(crate) fn writable(&mut self, cx: &mut Cx) -> Option<OperationId> {
        if self.has_room() { None } else { Some(self.writable_waiters.begin(None, cx)) }
    }

    pub(crate) fn cancel(&mut self, operation: OperationId, cx: &mut Cx) -> bool {
        self.writable_waiters.cancel(operation, cx)
            || self.flushes.iter_mut().map(|(_, it)| it).any(|waiters| waiters.cancel(operation, cx))
    }

    // ---- the client's life ----

    /// A start begins.
    pub(crate) fn begin(&mut self, cx: &mut Cx) {
        self.accepting = true;
        self.stopping = false;
        for topic in &mut self.topics {
            topic.forget_identities();
        }
        if self.config.idempotent {
            self.identity.begin(cx);
        }
    }

    /// The cluster is another one: it knows neither the producer's id nor what was sent. What has not ended goes there under a new id, of
    /// which the numbers begin anew; that it may stand in the logs of the other cluster, too, is nothing that numbers could prevent.
    pub(crate) fn handle_cluster_changed(&mut self, cx: &mut Cx) {
        if self.config.idempotent {
            for topic in &mut self.topics {
                topic.forget_identities();
            }
            self.identity.begin(cx);
        }
    }

    /// A stop begins: nothing more is accepted, and what was accepted goes out now.
    pub(crate) fn begin_stop(&mut self, cx: &mut Cx) {
        self.accepting = false;
        self.stopping = true;
        self.close_open_batches();
        self.settle_flushes(cx);
    }

    /// The client stops, or is finished: every record that has not ended fails.
    pub(crate) fn end(&mut self, error: &Error, cx: &mut Cx) {
        self.accepting = false;
        self.stopping = false;
        self.identity.end(cx);
        self.fail_everything(error, cx);
        for (_, mut waiters) in core::mem::take(&mut self.flushes) {
            waiters.complete_all(&Err(error.clone()), cx);
        }
        self.writable_waiters.complete_all(&Err(error.clone()), cx);
    }

    // ---- what others may ask ----

    /// Whether a start has all that the producer needs.
    pub(crate) const fn is_ready(&self) -> bool {
        !self.config.idempotent || self.identity.current().is_some()
    }

    pub(crate) fn waiting(&self) -> usize {
        self.writable_waiters.len() + self.flushes.values().map(Waiters::len).sum::<usize>()
    }

    /// Topics that metadata has to tell about.
    pub(crate) fn new_topics(&mut self) -> Vec<TopicName> {
        let fresh = self.topics.iter_mut().filter(|topic| !topic.announced);
        fresh
            .map(|topic| {
                topic.announced = true;
                topic.name.clone()
            })
            .collect()
    }

    pub(crate) fn deadline(&self, now: Instant) -> Option<Deadline> {
        let mut first: Option<Deadline> = None;
        let mut consider = |at: Instant, why: Timer| {
            let deadline = Deadline { at, why };
            if first.as_ref().is_none_or(|first| deadline < *first) {
                first = Some(deadline);
            }
        };
        for (topic, partition) in self.active.keys() {
            let Some(queue) = self.topics[*topic].queue(*partition) else { continue };
            // A time that has passed waits for something else: a reply, a leader. No wake-up brings that about (LC11).
            if let Some(at) =
                queue.open_since().map(|since| since + self.config.linger).filter(|at| *at > now)
            {
                consider(at, Timer::Linger);
            }
            if let Some(at) = queue.head().and_then(|head| head.retry_at).filter(|at| *at > now) {
                consider(at, Timer::ProduceRetry);
            }
            if let Some(at) = queue.first_deadline() {
                consider(at, Timer::Delivery);
            }
        }
        for request in self.in_flight.values() {
            if let Some(at) = request.deadline() {
                consider(at, Timer::Delivery);
            }
        }
        for topic in &self.topics {
            if let Some(waiting) = topic.waiting.front() {
                consider(waiting.deadline, Timer::Delivery);
            }
        }
        if let Some(at) = self.identity.retry_at() {
            consider(at, Timer::ProducerIdRetry);
        }
        let flushes = self.flushes.values().filter_map(Waiters::deadline).min();
        first.into_iter().chain(flushes).chain(self.writable_waiters.deadline()).min()
    }

    // ---- inside ----

    fn topic_index(&mut self, name: &str) -> Result<usize, Error> {
        if self.topics.get(self.last_topic).is_some_and(|topic| topic.name.as_str() == name) {
            return Ok(self.last_topic);
        }
        if let Some(index) = self.by_name.get(name) {
            self.last_topic = *index;
            return Ok(*index);
        }
        if let Some(problem) = TopicName::problem(name) {
            let problem = format!("{name:?} is not a topic name: {problem}");
            return Err(Error::InvalidArgument { argument: "topic".into(), problem: problem.into() });
        }
        let index = self.topics.len();
        let name = TopicName::from(name);
        let chooser = Chooser::new(self.config.partitioner, self.rng.fork(name.as_str(), 0));
        self.topics.push(Topic::new(name.clone(), chooser));
        self.by_name.insert(name, index);
        self.last_topic = index;
        Ok(index)
    }

    fn check_partition(&self, index: usize, partition: i32, cx: &mut Cx) -> Result<(), Error> {
        let topic = &self.topics[index];
        let known = topic.partition_count();
        if partition < 0 || (topic.is_known() && partition.cast_unsigned() >= known) {
            // The topic may have grown: the next call may find the partition.
            cx.wants_metadata = true;
            let name = &topic.name;
            let problem = if topic.is_known() {
                format!("{name} has {known} partitions, and {partition} is none of them")
            } else {
                format!("expected 0 or more, found {partition}")
            };
            return Err(Error::InvalidArgument { argument: "partition".into(), problem: problem.into() });
        }
        Ok(())
    }

    fn append(
        &mut self,
        index: usize,
        partition: Option<i32>,
        id: RecordId,
        payload: &Payload<'_>,
        deadline: Instant,
        cx: &Cx,
    ) {
        let limits = BatchLimits {
            // A batch that is larger than a request could never be sent.
            batch_size: self.config.batch_size.min(self.config.max_request_size),
            now: cx.now,
            deadline,
            flush_epoch: self.flush_epoch,
        };
        let (partition, begun) = self.topics[index].append(partition, id, payload, &limits);
        if begun {
            *self.outstanding.entry(self.flush_epoch).or_default() += 1;
            self.active.insert((index, partition), ());
        }
    }

    fn close_open_batches(&mut self) {
        for (topic, partition) in self.active.keys() {
            if let Some(queue) = self.topics[*topic].queue_mut(*partition) {
                queue.close_open();
            }
        }
    }

    fn close_open_batches_of(&mut self, index: usize) {
        for (_, partition) in self.active.keys().filter(|(topic, _)| *topic == index) {
            if let Some(queue) = self.topics[index].queue_mut(*partition) {
                queue.close_open();
            }
        }
    }

    /// Tells how records ended, and gives their memory back.
    fn deliver(&mut self, delivery: Delivery, memory: usize, flush_epoch: u32, cx: &mut Cx) {
        self.buffered_bytes = self.buffered_bytes.saturating_sub(memory);
        if let Some(count) = self.outstanding.get_mut(&flush_epoch) {
            *count -= 1;
            if *count == 0 {
                self.outstanding.remove(&flush_epoch);
            }
        }
        cx.event(Event::Delivered(delivery));
        self.settle_flushes(cx);
        if self.has_room() {
            self.writable_waiters.complete_all(&Ok(Completion::Done), cx);
        }
    }

    fn settle_flushes(&mut self, cx: &mut Cx) {
        let oldest = self.outstanding.first().map(|(epoch, _)| *epoch);
        let is_over = |epoch: &u32| oldest.is_none_or(|oldest| *epoch < oldest);
        while let Some(epoch) = self.flushes.first().map(|(epoch, _)| *epoch).filter(is_over) {
            if let Some(mut waiters) = self.flushes.remove(&epoch) {
                waiters.complete_all(&Ok(Completion::Done), cx);
            }
        }
        if self.stopping && self.outstanding.is_empty() {
            self.stopping = false;
            cx.effect(Effect::Flushed);
        }
    }

    /// Whether the largest record would be accepted: whoever is told that there is room can send whatever was refused.
    const fn has_room(&self) -> bool {
        self.buffered_bytes + self.config.max_request_size <= self.config.buffer_memory
    }

    fn fail_record(&mut self, topic: usize, waiting: &Waiting, error: Error, cx: &mut Cx) {
        let mut records = RecordIds::default();
        records.push(waiting.id);
        let partition = TopicPartition {
            topic: self.topics[topic].name.clone(),
            partition: waiting.partition.unwrap_or(-1),
        };
        let delivery = Delivery { partition, records, result: Err(error) };
        self.deliver(delivery, waiting.size, waiting.flush_epoch, cx);
    }

    fn expire_waiting(&mut self, cx: &mut Cx) {
        for index in 0..self.topics.len() {
            while self.topics[index].waiting.front().is_some_and(|waiting| waiting.deadline <= cx.now) {
                let Some(waiting) = self.topics[index].waiting.pop_front() else { break };
                let error = self.topics[index].error.clone().unwrap_or_else(|| Error::Timeout {
                    what: Cow::Owned(format!("waiting for metadata of {}", self.topics[index].name)),
                    after: waiting.deadline.since(waiting.accepted_at),
                    cause: None,
                });
                self.fail_record(index, &waiting, error, cx);
            }
        }
    }
}

/// An upper bound of what the record takes in a batch.
fn record_size(record: &Record<'_>, headers: &[RecordHeader<'_>]) -> usize {
    let header = |header: &RecordHeader<'_>| 10 + header.key.len() + header.value.map_or(0, <[u8]>::len);
    // Length, attributes, timestamp and offset deltas, key and value lengths, header count: at most 36 bytes.
    36 + record.key.map_or(0, <[u8]>::len)
        + record.value.map_or(0, <[u8]>::len)
        + headers.iter().map(header).sum::<usize>()
}

/// The record's own headers as they are, then each extra one whose key the record lacks (CF5).
fn merge_headers<'a>(
    own: &[RecordHeader<'a>],
    extra: &'a [(bytes::Bytes, Option<bytes::Bytes>)],
) -> Vec<RecordHeader<'a>> {
    let mut merged = own.to_vec();
    for (key, value) in extra {
        if !own.iter().any(|own| own.key == &**key) {
            merged.push(RecordHeader { key, value: value.as_deref() });
        }
    }
    merged
}
