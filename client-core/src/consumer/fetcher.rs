//! What to fetch, and what the replies mean.

use super::assignment::{FetchedBatch, StartOffset};
use super::{Assignment, ConsumerState};
use crate::broker_error::broker_error;
use crate::config::OffsetReset;
use crate::cx::{Cx, Effect, Outgoing, Owner, Target};
use crate::error::Error;
use crate::ids::{BrokerId, TopicPartition};
use crate::io::Event;
use crate::protocol::record_batch::Batches;
use crate::protocol::{
    ErrorCode, FetchPartition, FetchRequest, FetchResponse, FetchTopic, PartitionData, Request, Response,
};
use crate::trace::TraceKind;
use crate::view::ClusterView;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use litemap::LiteMap;

/// A fetch whose reply is still to come.
#[derive(Clone, Debug)]
pub(crate) struct InFlightFetch {
    broker: BrokerId,
    /// Which partitions, under which epoch, from which offset.
    partitions: Vec<(TopicPartition, u32, i64)>,
}

impl ConsumerState {
    /// Asks for what is missing: positions first, then records. One fetch per broker at a time.
    pub(crate) fn drive(&mut self, view: &ClusterView, unreachable: impl Fn(BrokerId) -> bool, cx: &mut Cx) {
        if !self.active {
            return;
        }
        self.ask_for_positions(cx);
        self.look_ups.drive(view, &unreachable, self.config.read_committed, self.request_timeout, cx);
        let mut by_broker: LiteMap<BrokerId, Vec<(TopicPartition, u32, i64, i32)>> = LiteMap::new();
        // Enough for the next fetch to be under way while the application works on the last one.
        let enough = usize::try_from(self.config.max_partition_fetch_bytes).unwrap_or(usize::MAX);
        let all = usize::try_from(self.config.fetch_max_bytes).unwrap_or(usize::MAX);
        // A paused partition's buffer may stay for long: it must not keep the others from going on.
        let buffered: usize = self
            .partitions()
            .filter(|(_, partition)| !partition.paused)
            .map(|(_, partition)| partition.buffered_bytes())
            .sum();
        if buffered >= all {
            return;
        }
        for (name, partition) in self.partitions() {
            let waits = partition.retry_at.is_some_and(|at| at > cx.now);
            if partition.paused || partition.busy || waits || partition.halted.is_some() {
                continue;
            }
            let Some(offset) = partition.fetch_offset.filter(|_| partition.buffered_bytes() < enough) else {
                continue;
            };
            match view.leader(name) {
                Some(broker) if unreachable(broker) || self.fetching.contains_key(&broker) => {}
                Some(broker) => {
                    let epoch = view.partition(name).map_or(-1, |known| known.leader_epoch);
                    by_broker.entry(broker).or_default().push((name.clone(), partition.epoch, offset, epoch));
                }
                None => cx.wants_metadata = true,
            }
        }
        for (broker, partitions) in by_broker {
            self.fetch(broker, partitions, cx);
        }
    }

    /// The end of a fetch.
    pub(crate) fn handle_fetch_reply(&mut self, request: u64, result: Result<Response, Error>, cx: &mut Cx) {
        let Some(fetch) = self.in_flight.remove(&request) else { return };
        if self.fetching.get(&fetch.broker) == Some(&request) {
            self.fetching.remove(&fetch.broker);
        } else {
            self.abandon_fetches();
        }
        for (name, epoch, _) in &fetch.partitions {
            if let Some(partition) = self.partition_mut(name).filter(|partition| partition.epoch == *epoch) {
                partition.busy = false;
            }
        }
        let error = match result {
            Ok(Response::Fetch(response)) if response.error_code == 0 => {
                let was_empty = !self.has_records();
                self.handle_response(&fetch, response, cx);
                if was_empty && self.has_records() {
                    cx.event(Event::RecordsAvailable);
                }
                return;
            }
            Ok(Response::Fetch(response)) => broker_error(response.error_code, "Fetch".to_string()),
            Ok(_) => Error::Internal("a fetch was answered with something else".into()),
            Err(error) => error,
        };
        let fatal = !error.retriable() && !matches!(error, Error::Connection { .. });
        for (name, epoch, _) in &fetch.partitions {
            if fatal {
                self.halt(name, *epoch, error.clone(), cx);
            } else if !matches!(error, Error::Connection { .. }) {
                // After a loss the connection has its own wait.
                self.wait(name, *epoch, cx);
            }
        }
    }

    /// The end of a look-up of offsets.
    pub(crate) fn handle_offsets_reply(
        &mut self,
        request: u64,
        result: Result<Response, Error>,
        cx: &mut Cx,
    ) {
        let answers = self.look_ups.handle_reply(request, result, &mut self.retry_backoff, cx);
        for (name, epoch, answer) in answers {
            let Some(partition) = self.partition_mut(&name).filter(|partition| partition.epoch == epoch)
            else {
                continue;
            };
            partition.busy = false;
            match answer {
                Ok(offset) if offset < 0 => self.wait(&name, epoch, cx),
                Ok(offset) => partition.begin_at(offset),
                Err(error) if error.retriable() || matches!(error, Error::Connection { .. }) => {
                    self.wait(&name, epoch, cx);
                }
                Err(error) => self.halt(&name, epoch, error, cx),
            }
        }
    }

    /// Newer metadata: tells the application about assigned partitions that do not exist (AS9).
    pub(crate) fn handle_metadata(&mut self, view: &ClusterView, cx: &mut Cx) {
        let Assignment::Manual(partitions) = &mut self.assignment else { return };
        for (name, partition) in partitions {
            let code = match view.topics.get(&name.topic) {
                Some(topic) if topic.error_code != 0 => topic.error_code,
                Some(topic) if topic.partitions.contains_key(&name.partition) => 0,
                Some(_) => ErrorCode::UnknownTopicOrPartition.code(),
                None => continue,
            };
            if code != partition.reported {
                partition.reported = code;
                if code != 0 {
                    let error = broker_error(code, format!("metadata of {name}"));
                    cx.event(Event::PartitionError { partition: name.clone(), error });
                }
            }
        }
    }

    /// A broker refuses this client's credentials: the application hears it for each partition that is read from there (AS9), and
    /// look-ups that wait for it fail.
    pub(crate) fn handle_refused(
        &mut self,
        view: &ClusterView,
        broker: BrokerId,
        nobody_else: bool,
        error: &Error,
        cx: &mut Cx,
    ) {
        let concerned = |name: &TopicPartition| match view.leader(name) {
            Some(leader) => leader == broker,
            None => nobody_else,
        };
        for (name, _) in self.partitions().filter(|(name, _)| concerned(name)) {
            cx.event(Event::PartitionError { partition: name.clone(), error: error.clone() });
        }
        self.look_ups.handle_refused(concerned, error, cx);
    }

    /// The partition has another leader: the wait was for the one before.
    pub(crate) fn handle_moved(&mut self, name: &TopicPartition) {
        if let Some(partition) = self.partition_mut(name) {
            partition.retry_at = None;
        }
    }

    pub(crate) fn handle_timeout(&mut self, cx: &mut Cx) {
        self.look_ups.handle_timeout(cx);
    }

    /// After a change of places: a fetch of which every partition was moved is nobody's any more. The next one need not wait for its
    /// reply, as long as not too many are left behind. (A broker still answers one after the other.)
    pub(super) fn abandon_fetches(&mut self) {
        let is_wanted = |(name, epoch, _): &(TopicPartition, u32, i64)| {
            self.partition(name).is_some_and(|partition| partition.epoch == *epoch)
        };
        let under_way =
            |broker: BrokerId| self.in_flight.values().filter(|fetch| fetch.broker == broker).count();
        let abandoned: Vec<BrokerId> = self
            .fetching
            .iter()
            .filter(|(broker, request)| {
                let wanted =
                    self.in_flight.get(request).is_some_and(|fetch| fetch.partitions.iter().any(is_wanted));
                !wanted && under_way(**broker) < FETCHES_MAX
            })
            .map(|(broker, _)| *broker)
            .collect();
        for broker in abandoned {
            self.fetching.remove(&broker);
        }
    }

    // ---- inside ----

    /// Partitions without a position need one before anything can be fetched.
    fn ask_for_positions(&mut self, cx: &mut Cx) {
        let reset = self.config.offset_reset;
        let assignment = &self.assignment;
        self.look_ups.keep_positions(|name, epoch| match assignment {
            Assignment::None => false,
            Assignment::Manual(partitions) => partitions.get(name).is_some_and(|it| it.epoch == epoch),
        });
        let Assignment::Manual(partitions) = &mut self.assignment else { return };
        for (name, partition) in partitions {
            if partition.fetch_offset.is_some() || partition.busy || partition.halted.is_some() {
                continue;
            }
            if let Some(question) = Self::question(partition.start, reset) {
                partition.busy = true;
                self.look_ups.ask_for_position(name, partition.epoch, question, partition.retry_at);
            } else {
                let problem = format!(
                    "{name} has no place to begin, and offsetReset is none; name one in assign() or seek()"
                );
                let error = Error::InvalidArgument { argument: "offset".into(), problem: problem.into() };
                partition.halted = Some(error.clone());
                cx.event(Event::PartitionError { partition: name.clone(), error });
            }
        }
    }

    fn fetch(&mut self, broker: BrokerId, partitions: Vec<(TopicPartition, u32, i64, i32)>, cx: &mut Cx) {
        let mut topics: Vec<FetchTopic> = Vec::new();
        for (name, _, offset, leader_epoch) in &partitions {
            if topics.last().is_none_or(|topic| topic.topic != name.topic.as_str()) {
                topics.push(FetchTopic { topic: String::from(name.topic.as_str()), ..Default::default() });
            }
            if let Some(topic) = topics.last_mut() {
                topic.partitions.push(FetchPartition {
                    partition: name.partition,
                    current_leader_epoch: *leader_epoch,
                    fetch_offset: *offset,
                    partition_max_bytes: self.config.max_partition_fetch_bytes,
                    ..Default::default()
                });
            }
            if let Some(partition) = self.partition_mut(name) {
                partition.busy = true;
                partition.retry_at = None;
            }
        }
        let body = Request::Fetch(FetchRequest {
            max_wait_ms: i32::try_from(self.config.fetch_max_wait.as_millis()).unwrap_or(i32::MAX),
            min_bytes: self.config.fetch_min_bytes,
            max_bytes: self.config.fetch_max_bytes,
            isolation_level: i8::from(self.config.read_committed),
            topics,
            ..Default::default()
        });
        let number = self.next_request;
        self.next_request += 1;
        let partitions =
            partitions.into_iter().map(|(name, epoch, offset, _)| (name, epoch, offset)).collect();
        self.in_flight.insert(number, InFlightFetch { broker, partitions });
        self.fetching.insert(broker, number);
        cx.effect(Effect::Request(Outgoing {
            owner: Owner::Fetch(number),
            target: Target::Broker(broker),
            body,
            timeout: self.request_timeout.saturating_add(self.config.fetch_max_wait),
            until: None,
            expects_reply: true,
        }));
    }

    fn handle_response(&mut self, fetch: &InFlightFetch, response: FetchResponse, cx: &mut Cx) {
        for topic in response.responses {
            for data in topic.partitions {
                let found = fetch.partitions.iter().find(|(name, _, _)| {
                    name.topic.as_str() == topic.topic && name.partition == data.partition_index
                });
                let Some((name, epoch, offset)) = found else { continue };
                let current = self.partition(name).is_some_and(|partition| partition.epoch == *epoch);
                if current {
                    self.handle_partition(name, *epoch, *offset, data, cx);
                } else {
                    let (partition, count) = (name.clone(), data.records.map_or(0, |records| records.len()));
                    let base_offset = *offset;
                    cx.trace(|| TraceKind::BatchFetched { partition, base_offset, count, kept: false });
                }
            }
        }
    }

    fn handle_partition(
        &mut self,
        name: &TopicPartition,
        epoch: u32,
        offset: i64,
        data: PartitionData,
        cx: &mut Cx,
    ) {
        let code = ErrorCode::from_code(data.error_code);
        if code == ErrorCode::OffsetOutOfRange {
            self.out_of_range(name, epoch, offset, cx);
            return;
        }
        if code != ErrorCode::None {
            let error = broker_error(data.error_code, format!("Fetch from {name}"));
            if code.needs_new_metadata() {
                cx.moved(name, &data.current_leader);
            }
            if code.is_retriable() {
                self.wait(name, epoch, cx);
            } else {
                self.halt(name, epoch, error, cx);
            }
            return;
        }
        let read_committed = self.config.read_committed;
        let Some(partition) = self.partition_mut(name) else { return };
        partition.high_watermark = Some(data.high_watermark);
        partition.retry_at = None;
        let came = data.records.as_ref().map_or(0, bytes::Bytes::len);
        partition
            .aborted
            .begin(data.aborted_transactions.as_deref().filter(|_| read_committed).unwrap_or(&[]));
        let mut problem = None;
        // Not the offset asked for: a reply that names a partition twice must not deliver it twice.
        let Some(mut next) = partition.fetch_offset else { return };
        let before = next;
        for batch in Batches::new(data.records.unwrap_or_default()) {
            let batch = match batch {
                Ok(batch) => batch,
                Err(error) => {
                    problem = Some(error.to_string());
                    break;
                }
            };
            if batch.next_offset() <= next {
                continue;
            }
            let first_offset = core::mem::replace(&mut next, batch.next_offset());
            if !partition.aborted.wants(&batch) {
                partition.skip(batch.next_offset());
                continue;
            }
            // A batch that cannot be read must stop here, with its reason, and not later in somebody's loop.
            // (What is compressed is opened when it is taken.)
            let readable =
                batch.is_readable().and_then(|plain| if plain { batch.records().map(drop) } else { Ok(()) });
            if let Err(error) = readable {
                problem = Some(error.to_string());
                break;
            }
            let (base_offset, count) = (batch.base_offset(), batch.bytes().len());
            let traced = name.clone();
            cx.trace(|| TraceKind::BatchFetched { partition: traced, base_offset, count, kept: true });
            partition.push(FetchedBatch {
                partition: name.clone(),
                epoch,
                first_offset,
                high_watermark: data.high_watermark,
                batch,
            });
        }
        if next > before || came == 0 {
            partition.failures = 0;
        } else if problem.is_none() {
            // Bytes without a whole batch that is new: asking again at once would bring the same.
            self.wait(name, epoch, cx);
        }
        if let Some(problem) = problem {
            self.halt(name, epoch, Error::CorruptData { partition: name.clone(), problem }, cx);
        }
    }

    fn out_of_range(&mut self, name: &TopicPartition, epoch: u32, offset: i64, cx: &mut Cx) {
        let start = match self.config.offset_reset {
            OffsetReset::Earliest => StartOffset::Earliest,
            OffsetReset::Latest => StartOffset::Latest,
            OffsetReset::None => {
                let context = format!("Fetch from {name} at offset {offset}");
                self.halt(name, epoch, broker_error(ErrorCode::OffsetOutOfRange.code(), context), cx);
                return;
            }
        };
        if let Some(partition) = self.partition_mut(name) {
            partition.reset(start);
            // The place found for it may not exist either: then each time waits longer.
            if partition.failures > 0 {
                self.wait(name, epoch, cx);
            } else {
                partition.failures = 1;
            }
        }
        let context = format!("Fetch from {name} at offset {offset}");
        let error = broker_error(ErrorCode::OffsetOutOfRange.code(), context);
        cx.event(Event::PartitionError { partition: name.clone(), error });
    }

    /// Not again before a while.
    fn wait(&mut self, name: &TopicPartition, epoch: u32, cx: &Cx) {
        let found = self.partition_mut(name).filter(|partition| partition.epoch == epoch);
        let Some(failures) = found.map(|partition| partition.failures) else { return };
        let at = cx.now + self.retry_backoff.wait_after(failures);
        if let Some(partition) = self.partition_mut(name) {
            partition.failures = failures.saturating_add(1);
            partition.retry_at = Some(at);
        }
    }

    /// Only the application can help: seek past it, or assign something else (AS9).
    pub(super) fn halt(&mut self, name: &TopicPartition, epoch: u32, error: Error, cx: &mut Cx) {
        if let Some(partition) = self.partition_mut(name).filter(|partition| partition.epoch == epoch) {
            partition.halted = Some(error.clone());
            cx.event(Event::PartitionError { partition: name.clone(), error });
        }
    }
}

/// How many fetches to one broker may be unanswered, those that nobody waits for any more included.
const FETCHES_MAX: usize = 2;
