//! The consumer: takes exact partitions, fetches from their leaders, and hands out whole batches in order.
//!
//! `mod.rs` is what the application calls; `assignment.rs` holds each partition's position and buffer; `fetcher.rs` decides
//! what to fetch and what replies mean; `offsets.rs` looks offsets up.

mod aborted;
mod assignment;
mod fetcher;
mod offsets;

pub use assignment::{AssignOutcome, FetchedBatch, StartOffset};

use crate::backoff::Backoff;
use crate::config::{Config, ConsumerConfig, OffsetReset};
use crate::cx::Cx;
use crate::error::Error;
use crate::ids::{BrokerId, OperationId, TopicName, TopicPartition};
use crate::io::{Deadline, Event, OffsetSpec, Timer};
use crate::rng::Rng;
use crate::time::{Duration, Instant};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use assignment::Partition;
use fetcher::InFlightFetch;
use litemap::LiteMap;
use offsets::LookUps;

/// The consumer's part of a client.
#[derive(Clone, Debug)]
pub(crate) struct ConsumerState {
    config: ConsumerConfig,
    request_timeout: Duration,
    /// The most that the records of a batch may take when decompressed.
    batch_size_max: usize,
    retry_backoff: Backoff,
    assignment: Assignment,
    /// Rises with every change of the assignment; batches carry it (AS4).
    epoch: u32,
    /// Whose turn it is in `take()`, so that one busy partition does not starve the others.
    turn: usize,
    in_flight: LiteMap<u64, InFlightFetch>,
    /// Which brokers have a fetch under way that somebody waits for: at most one each.
    fetching: LiteMap<BrokerId, u64>,
    next_request: u64,
    look_ups: LookUps,
    /// Topics that metadata has been asked to tell about.
    announced: LiteMap<TopicName, ()>,
    active: bool,
    #[cfg(feature = "exhibits")]
    defect: Option<crate::config::Defect>,
}

/// How the consumer got its partitions. One enum, so that two ways cannot hold at once.
#[derive(Clone, Debug)]
enum Assignment {
    /// It has none.
    None,
    /// The application named them.
    Manual(LiteMap<TopicPartition, Partition>),
}

impl ConsumerState {
    pub(crate) fn new(config: &Config, consumer: &ConsumerConfig, rng: &Rng) -> Self {
        let backoff =
            Backoff::new(config.retry_backoff, config.retry_backoff_max, rng.fork("fetch retry", 0));
        Self {
            config: consumer.clone(),
            request_timeout: config.request_timeout,
            batch_size_max: config.max_frame_size,
            retry_backoff: backoff,
            assignment: Assignment::None,
            epoch: 0,
            turn: 0,
            in_flight: LiteMap::new(),
            fetching: LiteMap::new(),
            next_request: 0,
            look_ups: LookUps::default(),
            announced: LiteMap::new(),
            active: false,
            #[cfg(feature = "exhibits")]
            defect: config.defect,
        }
    }

    // ---- what the application wants ----

    /// Replaces the assignment. Partitions that stay keep position, pause and buffer (AS3); the same set changes nothing.
    pub(crate) fn assign(
        &mut self,
        wanted: &[(TopicPartition, StartOffset)],
        cx: &mut Cx,
    ) -> Result<AssignOutcome, Error> {
        for (partition, start) in wanted {
            if let Some(problem) = TopicName::problem(partition.topic.as_str()) {
                let problem = format!("{:?} is not a topic name: {problem}", partition.topic.as_str());
                return Err(Error::InvalidArgument { argument: "topic".into(), problem: problem.into() });
            }
            if partition.partition < 0 {
                let problem = format!("expected 0 or more, found {}", partition.partition);
                return Err(Error::InvalidArgument { argument: "partition".into(), problem: problem.into() });
            }
            check_start(*start)?;
        }
        let mut distinct: LiteMap<&TopicPartition, StartOffset> = LiteMap::new();
        for (partition, start) in wanted {
            if distinct.insert(partition, *start).is_some_and(|other| other != *start) {
                let problem = format!("{partition} is named twice, with different places to start");
                return Err(Error::InvalidArgument {
                    argument: "partitions".into(),
                    problem: problem.into(),
                });
            }
        }
        let unchanged = self.partitions().count() == distinct.len()
            && distinct.iter().all(|(partition, start)| {
                self.partition(partition).is_some_and(|_| *start == StartOffset::Default)
            });
        if unchanged {
            return Ok(AssignOutcome::Unchanged);
        }
        self.epoch += 1;
        let mut old = match core::mem::replace(&mut self.assignment, Assignment::None) {
            Assignment::None => LiteMap::new(),
            Assignment::Manual(partitions) => partitions,
        };
        let mut new = LiteMap::new();
        for (partition, start) in distinct {
            // A partition that stays keeps everything unless the caller names a place to start.
            let fresh = Partition::new(start, self.epoch);
            // Not removed from the old map, which would move all that come behind it, for each of them.
            let kept = old.get_mut(partition).filter(|_| start == StartOffset::Default);
            new.insert(
                partition.clone(),
                match kept {
                    Some(kept) => core::mem::replace(kept, fresh),
                    None => fresh,
                },
            );
        }
        #[cfg(feature = "exhibits")]
        if self.defect == Some(crate::config::Defect::KeepOldAssignment) {
            for (partition, kept) in old.into_iter().filter(|(_, partition)| partition.has_buffered()) {
                new.insert(partition, kept);
            }
        }
        if !new.is_empty() {
            self.assignment = Assignment::Manual(new);
        }
        self.abandon_fetches();
        self.turn = 0;
        cx.trace(|| crate::trace::TraceKind::Called { call: "assign", operation: None, outcome: "changed" });
        Ok(AssignOutcome::Changed { epoch: self.epoch })
    }

    /// Moves a position. What was buffered or is under way for the old one is dropped (AS6).
    pub(crate) fn seek(&mut self, partition: &TopicPartition, to: StartOffset) -> Result<(), Error> {
        check_start(to)?;
        let epoch = self.epoch + 1;
        let found = self.partition_mut(partition).ok_or_else(|| not_assigned(partition))?;
        let paused = found.paused;
        *found = Partition::new(to, epoch);
        found.paused = paused;
        self.epoch = epoch;
        self.abandon_fetches();
        Ok(())
    }

    /// Pauses or resumes delivery; the buffer stays (AS6).
    pub(crate) fn set_paused(
        &mut self,
        partitions: &[TopicPartition],
        paused: bool,
        cx: &mut Cx,
    ) -> Result<(), Error> {
        let was_empty = !self.has_records();
        if let Some(unknown) = partitions.iter().find(|partition| self.partition(partition).is_none()) {
            return Err(not_assigned(unknown));
        }
        for partition in partitions {
            if let Some(found) = self.partition_mut(partition) {
                found.paused = paused;
            }
        }
        if was_empty && self.has_records() {
            cx.event(Event::RecordsAvailable);
        }
        Ok(())
    }

    /// The next batch, taking turns between partitions. Taking it moves the partition's position past it.
    ///
    /// It is decompressed only now: what is buffered takes no more memory than it took on the wire.
    pub(crate) fn take(&mut self, cx: &mut Cx) -> Option<FetchedBatch> {
        while let Some(fetched) = self.take_as_it_came() {
            let opened = fetched.batch.decompressed(self.batch_size_max);
            match opened.and_then(|batch| batch.records().map(drop).map(|()| batch)) {
                Ok(batch) => return Some(FetchedBatch { batch, ..fetched }),
                Err(error) => self.halt_at(&fetched, error.to_string(), cx),
            }
        }
        None
    }

    fn take_as_it_came(&mut self) -> Option<FetchedBatch> {
        let Assignment::Manual(partitions) = &mut self.assignment else { return None };
        let count = partitions.len();
        for step in 0..count {
            let index = (self.turn + step) % count;
            let Some((name, partition)) = partitions.iter_mut().nth(index) else { continue };
            if let Some(batch) = partition.take(name) {
                // Stay with this partition while it has more: neighbours in the log belong together.
                self.turn = if partition.has_buffered() { index } else { (index + 1) % count };
                return Some(batch);
            }
        }
        None
    }

    /// The partition does not get past this batch, unless the application seeks: what came after it is dropped, and so is what is under
    /// way.
    fn halt_at(&mut self, fetched: &FetchedBatch, problem: String, cx: &mut Cx) {
        let epoch = self.epoch + 1;
        let Some(partition) = self.partition_mut(&fetched.partition) else { return };
        partition.begin_again(fetched.first_offset, epoch);
        self.epoch = epoch;
        let error = Error::CorruptData { partition: fetched.partition.clone(), problem };
        self.halt(&fetched.partition, epoch, error, cx);
    }

    /// Looks offsets up.
    pub(crate) fn list_offsets(
        &mut self,
        wanted: &[(TopicPartition, OffsetSpec)],
        timeout: Option<Duration>,
        cx: &mut Cx,
    ) -> Result<OperationId, Error> {
        if wanted.is_empty() {
            let problem = "expected at least one partition".into();
            return Err(Error::InvalidArgument { argument: "partitions".into(), problem });
        }
        let limit = timeout.unwrap_or_else(|| self.request_timeout.saturating_mul(2));
        Ok(self.look_ups.begin(wanted, limit, cx))
    }

    pub(crate) fn cancel(&mut self, operation: OperationId, cx: &mut Cx) -> bool {
        self.look_ups.cancel(operation, cx)
    }

    // ---- the client's life ----

    pub(crate) fn begin(&mut self) {
        self.active = true;
        if let Assignment::Manual(partitions) = &mut self.assignment {
            partitions.iter_mut().map(|(_, it)| it).for_each(Partition::begin);
        }
    }

    /// The client stops: positions stay, what is under way is forgotten.
    pub(crate) fn end(&mut self, error: &Error, cx: &mut Cx) {
        self.active = false;
        self.in_flight.clear();
        self.fetching.clear();
        if let Assignment::Manual(partitions) = &mut self.assignment {
            for partition in partitions.iter_mut().map(|(_, it)| it) {
                partition.forget_request();
            }
        }
        self.look_ups.end(error, cx);
    }

    // ---- what others may ask ----

    pub(crate) fn assignment(&self) -> Vec<TopicPartition> {
        self.partitions().map(|(name, _)| name.clone()).collect()
    }

    pub(crate) fn position(&self, partition: &TopicPartition) -> Option<i64> {
        self.partition(partition)?.position()
    }

    pub(crate) fn is_paused(&self, partition: &TopicPartition) -> bool {
        self.partition(partition).is_some_and(|partition| partition.paused)
    }

    pub(crate) fn high_watermark(&self, partition: &TopicPartition) -> Option<i64> {
        self.partition(partition)?.high_watermark
    }

    /// Whether `take()` would give something.
    pub(crate) fn has_records(&self) -> bool {
        self.partitions().any(|(_, partition)| !partition.paused && partition.has_buffered())
    }

    /// Topics that metadata has not been asked to tell about yet.
    pub(crate) fn new_topics(&mut self) -> Vec<TopicName> {
        let assigned = self.partitions().map(|(name, _)| name.topic.clone());
        let asked = self.look_ups.topics();
        let topics: Vec<TopicName> =
            assigned.chain(asked).filter(|it| !self.announced.contains_key(it)).collect();
        for topic in &topics {
            self.announced.insert(topic.clone(), ());
        }
        topics
    }

    pub(crate) fn waiting(&self) -> usize {
        self.look_ups.waiting()
    }

    pub(crate) fn deadline(&self, now: Instant) -> Option<Deadline> {
        if !self.active {
            return self.look_ups.limit();
        }
        let retries = self.partitions().filter_map(|(_, partition)| partition.retry_at);
        let retries = retries.chain(self.look_ups.retry_at()).filter(|at| *at > now).min();
        let retry = retries.map(|at| Deadline { at, why: Timer::FetchRetry });
        retry.into_iter().chain(self.look_ups.limit()).min()
    }

    // ---- inside ----

    fn partitions(&self) -> impl Iterator<Item = (&TopicPartition, &Partition)> {
        let partitions = match &self.assignment {
            Assignment::None => None,
            Assignment::Manual(partitions) => Some(partitions.iter()),
        };
        partitions.into_iter().flatten()
    }

    fn partition(&self, name: &TopicPartition) -> Option<&Partition> {
        match &self.assignment {
            Assignment::None => None,
            Assignment::Manual(partitions) => partitions.get(name),
        }
    }

    fn partition_mut(&mut self, name: &TopicPartition) -> Option<&mut Partition> {
        match &mut self.assignment {
            Assignment::None => None,
            Assignment::Manual(partitions) => partitions.get_mut(name),
        }
    }

    /// What a partition without position asks the broker, or `None` when the configuration gives no answer.
    const fn question(start: StartOffset, reset: OffsetReset) -> Option<OffsetSpec> {
        match (start, reset) {
            (StartOffset::Earliest, _) | (StartOffset::Default, OffsetReset::Earliest) => {
                Some(OffsetSpec::Earliest)
            }
            (StartOffset::Latest, _) | (StartOffset::Default, OffsetReset::Latest) => {
                Some(OffsetSpec::Latest)
            }
            (StartOffset::Default, OffsetReset::None) | (StartOffset::At(_), _) => None,
        }
    }
}

fn check_start(start: StartOffset) -> Result<(), Error> {
    match start {
        StartOffset::At(offset) if offset < 0 => {
            let problem = format!("expected 0 or more, found {offset}");
            Err(Error::InvalidArgument { argument: "offset".into(), problem: problem.into() })
        }
        StartOffset::At(_) | StartOffset::Default | StartOffset::Earliest | StartOffset::Latest => Ok(()),
    }
}

fn not_assigned(partition: &TopicPartition) -> Error {
    let problem = format!("{partition} is not assigned; name it in assign() first");
    Error::InvalidArgument { argument: "partition".into(), problem: problem.into() }
}
