//! Looks offsets up: for partitions that need a place to begin, and for the application.

use crate::backoff::Backoff;
use crate::broker_error::broker_error;
use crate::cx::{Cx, Effect, Outgoing, Owner, Target};
use crate::error::Error;
use crate::ids::{BrokerId, OperationId, TopicName, TopicPartition};
use crate::io::{Completion, Deadline, OffsetFound, OffsetSpec, Timer};
use crate::protocol::{
    ErrorCode, ListOffsetsPartition, ListOffsetsRequest, ListOffsetsResponse, ListOffsetsTopic, Request,
    Response,
};
use crate::time::{Duration, Instant};
use crate::view::ClusterView;
use alloc::borrow::Cow;
use alloc::boxed::Box;
use alloc::collections::BinaryHeap;
use alloc::format;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;
use core::cmp::Ordering;
use litemap::LiteMap;

/// All look-ups under way.
#[derive(Clone, Debug, Default)]
pub(crate) struct LookUps {
    /// Questions not sent yet.
    waiting: Vec<Item>,
    in_flight: LiteMap<u64, Vec<Item>>,
    next_request: u64,
    operations: LiteMap<OperationId, Operation>,
}

#[derive(Clone, Debug)]
struct Item {
    partition: TopicPartition,
    question: OffsetSpec,
    asker: Asker,
    retry_at: Option<Instant>,
    failures: u32,
}

/// Sorted by partition, and as they came. A heap, because each of core's sorts is 7 kB of wasm.
#[derive(Debug)]
struct InOrder(Item);

impl Ord for InOrder {
    fn cmp(&self, other: &Self) -> Ordering {
        (&self.0.partition, self.0.asker).cmp(&(&other.0.partition, other.0.asker))
    }
}

impl PartialOrd for InOrder {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for InOrder {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for InOrder {}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Asker {
    /// An assigned partition without position, under this epoch.
    Position { epoch: u32 },
    /// The application: which operation, and the how-manieth of its questions.
    Operation { operation: OperationId, index: usize },
}

#[derive(Clone, Debug)]
struct Operation {
    answers: Vec<Option<OffsetFound>>,
    limit: Instant,
    after: Duration,
    last_error: Option<Error>,
}

impl LookUps {
    /// Begins an operation of the application.
    pub(crate) fn begin(
        &mut self,
        wanted: &[(TopicPartition, OffsetSpec)],
        after: Duration,
        cx: &mut Cx,
    ) -> OperationId {
        let operation = cx.begin_operation();
        for (index, (partition, question)) in wanted.iter().enumerate() {
            let asker = Asker::Operation { operation, index };
            self.waiting.push(Item {
                partition: partition.clone(),
                question: *question,
                asker,
                retry_at: None,
                failures: 0,
            });
        }
        let answers = vec![None; wanted.len()];
        self.operations
            .insert(operation, Operation { answers, limit: cx.now + after, after, last_error: None });
        operation
    }

    /// An assigned partition needs a place to begin.
    pub(crate) fn ask_for_position(
        &mut self,
        partition: &TopicPartition,
        epoch: u32,
        question: OffsetSpec,
        retry_at: Option<Instant>,
    ) {
        let asker = Asker::Position { epoch };
        // An older question of the same partition is moot: it was moved since.
        self.waiting
            .retain(|item| item.partition != *partition || !matches!(item.asker, Asker::Position { .. }));
        self.waiting.push(Item { partition: partition.clone(), question, asker, retry_at, failures: 0 });
    }

    /// Forgets questions of partitions which the assignment no longer has, or has under another epoch.
    pub(crate) fn keep_positions(&mut self, wanted: impl Fn(&TopicPartition, u32) -> bool) {
        self.waiting.retain(|item| match item.asker {
            Asker::Position { epoch } => wanted(&item.partition, epoch),
            Asker::Operation { .. } => true,
        });
    }

    /// Sends what can be sent, one request per leader.
    pub(crate) fn drive(
        &mut self,
        view: &ClusterView,
        unreachable: &impl Fn(BrokerId) -> bool,
        read_committed: bool,
        request_timeout: Duration,
        cx: &mut Cx,
    ) {
        let mut by_broker: LiteMap<BrokerId, Vec<InOrder>> = LiteMap::new();
        for item in core::mem::take(&mut self.waiting) {
            let leader = view.leader(&item.partition);
            let waits = item.retry_at.is_some_and(|at| at > cx.now);
            match leader.filter(|broker| !waits && !unreachable(*broker)) {
                Some(broker) => by_broker.entry(broker).or_default().push(InOrder(item)),
                None => {
                    if leader.is_none() {
                        self.note_missing(&item, view);
                        cx.wants_metadata = true;
                    }
                    self.waiting.push(item);
                }
            }
        }
        for (broker, items) in by_broker {
            // A request names each partition once: a second question about one goes with the next request.
            let mut asked = Vec::new();
            for InOrder(item) in BinaryHeap::from(items).into_sorted_vec() {
                if asked.last().is_some_and(|last: &Item| last.partition == item.partition) {
                    self.waiting.push(item);
                } else {
                    asked.push(item);
                }
            }
            self.send(broker, asked, read_committed, request_timeout, cx);
        }
    }

    /// The end of a request. Returns the answers for partitions that need a place to begin.
    pub(crate) fn handle_reply(
        &mut self,
        request: u64,
        result: Result<Response, Error>,
        backoff: &mut Backoff,
        cx: &mut Cx,
    ) -> Vec<(TopicPartition, u32, Result<i64, Error>)> {
        let Some(items) = self.in_flight.remove(&request) else { return Vec::new() };
        let result = match result {
            Ok(Response::ListOffsets(response)) => Ok(response),
            Ok(_) => Err(Error::Internal("ListOffsets was answered with something else".into())),
            Err(error) => Err(error),
        };
        let mut positions = Vec::new();
        for item in items {
            let answer = match &result {
                Ok(response) => find(response, &item.partition, cx),
                Err(error) => Err(error.clone()),
            };
            match item.asker {
                Asker::Position { epoch } => {
                    positions.push((item.partition, epoch, answer.map(|found| found.offset)));
                }
                Asker::Operation { operation, index } => {
                    self.answer_operation(operation, index, item, answer, backoff, cx);
                }
            }
        }
        positions
    }

    /// Operations that wait to ask about one of these partitions fail.
    pub(crate) fn handle_refused(
        &mut self,
        concerned: impl Fn(&TopicPartition) -> bool,
        error: &Error,
        cx: &mut Cx,
    ) {
        let refused: Vec<OperationId> = self
            .waiting
            .iter()
            .filter(|item| concerned(&item.partition))
            .filter_map(|item| match item.asker {
                Asker::Operation { operation, .. } => Some(operation),
                Asker::Position { .. } => None,
            })
            .collect();
        for operation in refused {
            if self.operations.remove(&operation).is_some() {
                self.forget(operation);
                cx.complete(operation, Err(error.clone()));
            }
        }
    }

    pub(crate) fn handle_timeout(&mut self, cx: &mut Cx) {
        let now = cx.now;
        let late: Vec<OperationId> = self
            .operations
            .iter()
            .filter(|(_, it)| it.limit <= now)
            .map(|(operation, _)| *operation)
            .collect();
        for operation in late {
            if let Some(found) = self.operations.remove(&operation) {
                self.forget(operation);
                let cause = found.last_error.map(Box::new);
                let what = Cow::Borrowed("looking offsets up");
                cx.complete(operation, Err(Error::Timeout { what, after: found.after, cause }));
            }
        }
    }

    pub(crate) fn cancel(&mut self, operation: OperationId, cx: &mut Cx) -> bool {
        let known = self.operations.remove(&operation).is_some();
        if known {
            self.forget(operation);
            cx.complete(operation, Err(Error::Cancelled));
        }
        known
    }

    /// The client stops.
    pub(crate) fn end(&mut self, error: &Error, cx: &mut Cx) {
        self.waiting.clear();
        self.in_flight.clear();
        for (operation, _) in core::mem::take(&mut self.operations) {
            cx.complete(operation, Err(error.clone()));
        }
    }

    pub(crate) fn topics(&self) -> impl Iterator<Item = TopicName> + '_ {
        self.waiting.iter().map(|item| item.partition.topic.clone())
    }

    pub(crate) fn waiting(&self) -> usize {
        self.operations.len()
    }

    pub(crate) fn retry_at(&self) -> Option<Instant> {
        self.waiting.iter().filter_map(|item| item.retry_at).min()
    }

    pub(crate) fn limit(&self) -> Option<Deadline> {
        self.operations
            .iter()
            .map(|(operation, it)| Deadline { at: it.limit, why: Timer::OperationLimit(*operation) })
            .min()
    }

    // ---- inside ----

    fn send(
        &mut self,
        broker: BrokerId,
        items: Vec<Item>,
        read_committed: bool,
        request_timeout: Duration,
        cx: &mut Cx,
    ) {
        let mut topics: Vec<ListOffsetsTopic> = Vec::new();
        for item in &items {
            if topics.last().is_none_or(|topic| topic.name != item.partition.topic.as_str()) {
                let name = String::from(item.partition.topic.as_str());
                topics.push(ListOffsetsTopic { name, ..Default::default() });
            }
            if let Some(topic) = topics.last_mut() {
                topic.partitions.push(ListOffsetsPartition {
                    partition_index: item.partition.partition,
                    timestamp: item.question.timestamp(),
                    ..Default::default()
                });
            }
        }
        let body = Request::ListOffsets(ListOffsetsRequest {
            isolation_level: i8::from(read_committed),
            topics,
            timeout_ms: i32::try_from(request_timeout.as_millis()).unwrap_or(i32::MAX),
            ..Default::default()
        });
        let number = self.next_request;
        self.next_request += 1;
        self.in_flight.insert(number, items);
        cx.effect(Effect::Request(Outgoing {
            owner: Owner::ListOffsets(number),
            target: Target::Broker(broker),
            body,
            timeout: request_timeout,
            until: None,
            expects_reply: true,
        }));
    }

    fn answer_operation(
        &mut self,
        operation: OperationId,
        index: usize,
        mut item: Item,
        answer: Result<OffsetFound, Error>,
        backoff: &mut Backoff,
        cx: &mut Cx,
    ) {
        let Some(found) = self.operations.get_mut(&operation) else { return };
        match answer {
            Ok(offset) => {
                if let Some(slot) = found.answers.get_mut(index) {
                    *slot = Some(offset);
                }
                if found.answers.iter().all(Option::is_some) {
                    let answers = core::mem::take(&mut found.answers).into_iter().flatten().collect();
                    self.operations.remove(&operation);
                    cx.complete(operation, Ok(Completion::Offsets(answers)));
                }
            }
            Err(error)
                if error.retriable()
                    || (matches!(error, Error::Connection { .. }) && error.authentication().is_none()) =>
            {
                found.last_error = Some(error);
                item.retry_at = Some(cx.now + backoff.wait_after(item.failures));
                item.failures = item.failures.saturating_add(1);
                self.waiting.push(item);
            }
            Err(error) => {
                self.operations.remove(&operation);
                self.forget(operation);
                cx.complete(operation, Err(error));
            }
        }
    }

    /// Remembers why a question cannot be sent, for the error should its time run out.
    fn note_missing(&mut self, item: &Item, view: &ClusterView) {
        let Asker::Operation { operation, .. } = item.asker else { return };
        let Some(found) = self.operations.get_mut(&operation) else { return };
        let code = match view.topics.get(&item.partition.topic) {
            Some(topic) if topic.error_code != 0 => topic.error_code,
            Some(topic) if topic.partitions.contains_key(&item.partition.partition) => {
                ErrorCode::LeaderNotAvailable.code()
            }
            Some(_) => ErrorCode::UnknownTopicOrPartition.code(),
            None => return,
        };
        found.last_error = Some(broker_error(code, format!("metadata of {}", item.partition)));
    }

    fn forget(&mut self, operation: OperationId) {
        self.waiting
            .retain(|item| !matches!(item.asker, Asker::Operation { operation: of, .. } if of == operation));
    }
}

fn find(
    response: &ListOffsetsResponse,
    partition: &TopicPartition,
    cx: &mut Cx,
) -> Result<OffsetFound, Error> {
    let answer = response
        .topics
        .iter()
        .filter(|topic| topic.name == partition.topic.as_str())
        .flat_map(|topic| &topic.partitions)
        .find(|answer| answer.partition_index == partition.partition);
    let Some(answer) = answer else {
        let problem = format!("it says nothing of {partition}");
        return Err(Error::MalformedReply { api: "ListOffsets", problem });
    };
    if answer.error_code != 0 {
        if ErrorCode::from_code(answer.error_code).needs_new_metadata() {
            cx.wants_metadata = true;
        }
        return Err(broker_error(answer.error_code, format!("ListOffsets of {partition}")));
    }
    Ok(OffsetFound { partition: partition.clone(), offset: answer.offset, timestamp: answer.timestamp })
}
