//! What goes out, and what replies mean.

use super::ProducerState;
use super::queue::Batch;
use crate::broker_error::broker_error;
use crate::config::Acks;
use crate::cx::{Cx, Effect, Outgoing, Owner, Target};
use crate::error::{CloseReason, Error, LossCause};
use crate::ids::{BrokerId, NodeId, TopicPartition};
use crate::io::{Delivered, Delivery};
use crate::protocol::{
    ErrorCode, PartitionProduceData, PartitionProduceResponse, ProduceRequest, ProduceResponse, Request,
    Response, TopicProduceData,
};
use crate::time::{Duration, Instant};
use crate::trace::TraceKind;
use crate::view::ClusterView;
use alloc::borrow::Cow;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use bytes::Bytes;
use litemap::LiteMap;

/// A produce request whose end is still to come.
#[derive(Clone, Debug)]
pub(crate) struct InFlightRequest {
    broker: BrokerId,
    batches: Vec<InFlightBatch>,
    /// When the first of its batches has to have ended.
    deadline: Option<Instant>,
}

#[derive(Clone, Debug)]
struct InFlightBatch {
    topic: usize,
    partition: i32,
    batch: Batch,
    /// Whether its time was up before the reply came: its records have ended. Of the reply only counts what it says about the
    /// sequence numbers.
    ended: bool,
}

impl InFlightRequest {
    /// When the first of its batches has to have ended.
    pub(super) const fn deadline(&self) -> Option<Instant> {
        self.deadline
    }

    fn find_deadline(&mut self) {
        let waiting = self.batches.iter().filter(|sent| !sent.ended);
        self.deadline = waiting.map(|sent| sent.batch.deadline).min();
    }
}

impl ProducerState {
    /// Sends what can be sent now. `unreachable` says which brokers had better be left alone.
    pub(crate) fn drive(&mut self, view: &ClusterView, unreachable: impl Fn(BrokerId) -> bool, cx: &mut Cx) {
        let mut by_broker: LiteMap<BrokerId, Vec<(usize, i32)>> = LiteMap::new();
        for (index, partition) in self.active.keys() {
            let topic = &self.topics[*index];
            let leader = view.topics.get(&topic.name).and_then(|view| view.partitions.get(partition)?.leader);
            match leader.and_then(|node: NodeId| view.nodes.get(&node)) {
                Some(broker) if !unreachable(*broker) => {
                    by_broker.entry(*broker).or_default().push((*index, *partition));
                }
                Some(_) => {}
                None => cx.wants_metadata = true,
            }
        }
        // Requests that expect no reply end when they are written: only those which wait for a connection add up, and the buffer's
        // limit bounds them.
        let most = if self.config.acks == Acks::None { usize::MAX } else { self.config.max_in_flight };
        for (broker, partitions) in by_broker {
            while self.requests_per_broker.get(&broker).is_none_or(|count| *count < most) {
                let batches = self.take_batches(broker, &partitions, cx);
                if batches.is_empty() {
                    break;
                }
                self.send_request(broker, batches, cx);
            }
        }
    }

    /// A produce request with acks=0 has been written. Brokers do not answer it: sent is all that can be said (CN17).
    pub(crate) fn handle_written(&mut self, request: u64, cx: &mut Cx) {
        let Some(request) = self.land(request) else { return };
        for batch in request.batches {
            self.finish(batch, Ok(Delivered { base_offset: None, log_append_time: None }), cx);
        }
    }

    /// The end of a produce request.
    pub(crate) fn handle_reply(&mut self, request: u64, result: Result<Response, Error>, cx: &mut Cx) {
        let Some(request) = self.land(request) else { return };
        match result {
            Ok(Response::Produce(response)) => self.handle_response(request, &response, cx),
            Ok(_) => {
                let error = Error::Internal("a produce request was answered with something else".into());
                for batch in request.batches {
                    self.finish(batch, Err(error.clone()), cx);
                }
            }
            Err(error) => {
                for batch in request.batches {
                    self.handle_lost(batch, error.clone(), cx);
                }
            }
        }
    }

    /// The request is not in flight any more.
    fn land(&mut self, request: u64) -> Option<InFlightRequest> {
        let request = self.in_flight.remove(&request)?;
        if let Some(count) = self.requests_per_broker.get_mut(&request.broker) {
            *count -= 1;
        }
        Some(request)
    }

    /// The end of the request for a producer id.
    pub(crate) fn handle_producer_id(&mut self, number: u64, result: Result<Response, Error>, cx: &mut Cx) {
        self.identity.handle_reply(number, result, cx);
    }

    /// Newer metadata: records that waited for it find their partitions, or hear that there are none.
    pub(crate) fn handle_metadata(&mut self, view: &ClusterView, cx: &mut Cx) {
        for index in 0..self.topics.len() {
            let Some(known) = view.topics.get(&self.topics[index].name) else { continue };
            let context = || format!("metadata of {}", self.topics[index].name);
            let error = (known.error_code != 0).then(|| broker_error(known.error_code, context()));
            let count = known.partitions.last().map_or(0, |(number, _)| *number + 1);
            let available = (0..count).map(|number| {
                known.partitions.get(&number).is_some_and(|partition| partition.leader.is_some())
            });
            let available: Vec<bool> = available.collect();
            let topic = &mut self.topics[index];
            topic.error.clone_from(&error);
            topic.set_partitions(available);
            if topic.is_known() {
                self.append_waiting(index, cx);
            } else if let Some(error) = error.filter(|error| !may_appear(error)) {
                while let Some(waiting) = self.topics[index].waiting.pop_front() {
                    self.fail_record(index, &waiting, error.clone(), cx);
                }
            }
        }
    }

    pub(crate) fn handle_timeout(&mut self, cx: &mut Cx) {
        self.identity.handle_timeout(cx);
        self.expire_waiting(cx);
        self.expire_in_flight(cx);
        for ((index, partition), ()) in self.active.clone() {
            let now = cx.now;
            let Some(queue) = self.topics[index].queue_mut(partition) else { continue };
            for batch in queue.take_expired(now) {
                let error = self.delivery_timed_out(index, partition, &batch);
                self.end_batch(index, partition, batch, Err(error), cx);
            }
            self.forget_if_idle(index, partition);
        }
        for waiters in self.flushes.iter_mut().map(|(_, it)| it) {
            waiters.expire("flush()", None, cx);
        }
        self.flushes.retain(|_, waiters| !waiters.is_empty());
    }

    /// Ends batches whose time is up although their request may still be answered. The connection stays: its own time limit says
    /// when a reply is given up. Until then the numbers of the partition hang on that reply, and nothing new is numbered.
    fn expire_in_flight(&mut self, cx: &mut Cx) {
        let now = cx.now;
        let mut expired = Vec::new();
        for (_, request) in self.in_flight.iter_mut() {
            if request.deadline.is_none_or(|at| at > now) {
                continue;
            }
            for sent in request.batches.iter_mut().filter(|sent| !sent.ended && sent.batch.deadline <= now) {
                sent.ended = true;
                expired.push((sent.topic, sent.partition, sent.batch.clone()));
            }
            request.find_deadline();
        }
        for (topic, partition, batch) in expired {
            if let Some(queue) = self.topics[topic].queue_mut(partition) {
                queue.leave_unresolved();
            }
            let error = self.delivery_timed_out(topic, partition, &batch);
            self.tell_end(topic, partition, batch, Err(error), cx);
        }
    }

    fn delivery_timed_out(&self, topic: usize, partition: i32, batch: &Batch) -> Error {
        Error::Timeout {
            what: Cow::Owned(format!("delivery to {}-{partition}", self.topics[topic].name)),
            after: self.config.delivery_timeout,
            cause: batch.last_error.clone().map(alloc::boxed::Box::new),
        }
    }

    /// A broker refuses this client's credentials: what waits for it fails, and with it, if no broker is left to ask, what waits for
    /// metadata.
    pub(crate) fn handle_refused(
        &mut self,
        view: &ClusterView,
        broker: BrokerId,
        nobody_else: bool,
        error: &Error,
        cx: &mut Cx,
    ) {
        for ((index, partition), ()) in self.active.clone() {
            let name = TopicPartition { topic: self.topics[index].name.clone(), partition };
            if view.leader(&name) != Some(broker) {
                continue;
            }
            let Some(queue) = self.topics[index].queue_mut(partition) else { continue };
            for batch in queue.take_all() {
                self.end_batch(index, partition, batch, Err(error.clone()), cx);
            }
            self.forget_if_idle(index, partition);
        }
        for index in 0..self.topics.len() {
            while nobody_else && let Some(waiting) = self.topics[index].waiting.pop_front() {
                self.fail_record(index, &waiting, error.clone(), cx);
            }
        }
    }

    /// Every record that has not ended fails.
    pub(crate) fn fail_everything(&mut self, error: &Error, cx: &mut Cx) {
        self.requests_per_broker.clear();
        for (_, request) in core::mem::take(&mut self.in_flight) {
            for batch in request.batches {
                self.finish(batch, Err(error.clone()), cx);
            }
        }
        for ((index, partition), ()) in core::mem::take(&mut self.active) {
            let Some(queue) = self.topics[index].queue_mut(partition) else { continue };
            for batch in queue.take_all() {
                self.end_batch(index, partition, batch, Err(error.clone()), cx);
            }
        }
        for index in 0..self.topics.len() {
            while let Some(waiting) = self.topics[index].waiting.pop_front() {
                self.fail_record(index, &waiting, error.clone(), cx);
            }
        }
    }

    // ---- sending ----

    /// At most one batch of each partition, as many as fit into a request.
    fn take_batches(
        &mut self,
        broker: BrokerId,
        partitions: &[(usize, i32)],
        cx: &mut Cx,
    ) -> Vec<(InFlightBatch, Bytes)> {
        let mut taken = Vec::new();
        let mut room = self.config.max_request_size;
        let mut identity = self.identity.current();
        let idempotent = self.config.idempotent;
        // One request at a time promises order without idempotence, too.
        let in_order = idempotent || (self.config.max_in_flight == 1 && self.config.acks != Acks::None);
        for (index, partition) in partitions {
            let linger = if self.stopping { Duration::ZERO } else { self.config.linger };
            let Some(queue) = self.topics[*index].queue_mut(*partition) else { continue };
            if !queue.has_closed() && queue.open_since().is_some_and(|since| since + linger <= cx.now) {
                queue.close_open();
            }
            if in_order && queue.is_in_flight_elsewhere(broker) {
                continue;
            }
            let Some(head) = queue.head() else { continue };
            // What is out of time is not sent again: the timer that is due ends it.
            // A retry waits for the broker that wanted it; another one may be asked at once.
            let rests = head.retry_at.is_some_and(|at| at > cx.now) && !queue.was_sent_elsewhere(broker);
            let waits = rests || head.deadline <= cx.now;
            let too_big = !taken.is_empty() && head.size() > room;
            if waits || too_big {
                continue;
            }
            if !queue.head_may_go(identity, idempotent) {
                if queue.needs_new_identity && queue.in_flight() == 0 && identity == queue.identity {
                    self.identity.renew(queue.is_identity_refused(), cx);
                    identity = self.identity.current();
                }
                if !queue.head_may_go(identity, idempotent) {
                    continue;
                }
            }
            let Some((batch, bytes)) = queue.take_head(broker, identity, idempotent) else { continue };
            room = room.saturating_sub(bytes.len());
            let name = self.topics[*index].name.clone();
            cx.trace(|| TraceKind::BatchSent {
                partition: TopicPartition { topic: name, partition: *partition },
                records: batch.records,
                base_sequence: batch.sequence.unwrap_or(-1),
                retries: batch.retries,
            });
            let sent = InFlightBatch { topic: *index, partition: *partition, batch, ended: false };
            taken.push((sent, bytes));
            self.forget_if_idle(*index, *partition);
        }
        taken
    }

    fn send_request(&mut self, broker: BrokerId, taken: Vec<(InFlightBatch, Bytes)>, cx: &mut Cx) {
        let mut topic_data: Vec<TopicProduceData> = Vec::new();
        let mut last_topic = None;
        let mut batches = Vec::with_capacity(taken.len());
        for (sent, records) in taken {
            if last_topic != Some(sent.topic) {
                last_topic = Some(sent.topic);
                let name = String::from(self.topics[sent.topic].name.as_str());
                topic_data.push(TopicProduceData { name, ..Default::default() });
            }
            if let Some(topic) = topic_data.last_mut() {
                topic
                    .partition_data
                    .push(PartitionProduceData { index: sent.partition, records: Some(records) });
            }
            batches.push(sent);
        }
        let timeout = self.request_timeout;
        let body = Request::Produce(ProduceRequest {
            transactional_id: None,
            acks: self.config.acks.as_i16(),
            timeout_ms: i32::try_from(timeout.as_millis()).unwrap_or(i32::MAX),
            topic_data,
        });
        let expects_reply = self.config.acks != Acks::None;
        let mut request = InFlightRequest { broker, batches, deadline: None };
        request.find_deadline();
        let number = self.next_request;
        self.next_request += 1;
        cx.effect(Effect::Request(Outgoing {
            owner: Owner::Produce(number),
            target: Target::Broker(broker),
            body,
            timeout,
            // What has not been written when its time is up is not written any more.
            until: request.deadline,
            expects_reply,
        }));
        *self.requests_per_broker.entry(broker).or_default() += 1;
        self.in_flight.insert(number, request);
    }

    fn append_waiting(&mut self, index: usize, cx: &mut Cx) {
        while let Some(waiting) = self.topics[index].waiting.pop_front() {
            let count = self.topics[index].partition_count();
            if let Some(partition) = waiting.partition.filter(|partition| partition.cast_unsigned() >= count)
            {
                let name = &self.topics[index].name;
                let problem = format!("{name} has {count} partitions, and {partition} is none of them");
                let error = Error::InvalidArgument { argument: "partition".into(), problem: problem.into() };
                self.fail_record(index, &waiting, error, cx);
                continue;
            }
            // Its place among the things a flush waits for passes from the record to its batch.
            let deadline = waiting.accepted_at + self.config.delivery_timeout;
            let epoch = core::mem::replace(&mut self.flush_epoch, waiting.flush_epoch);
            waiting.with_payload(|payload| {
                self.append(index, waiting.partition, waiting.id, payload, deadline, cx)
            });
            self.flush_epoch = epoch;
            if let Some(count) = self.outstanding.get_mut(&waiting.flush_epoch) {
                *count -= 1;
                if *count == 0 {
                    self.outstanding.remove(&waiting.flush_epoch);
                }
            }
            let next = self.topics[index].waiting.front().map(|next| next.flush_epoch);
            if waiting.flush_epoch != epoch && next != Some(waiting.flush_epoch) {
                self.close_open_batches_of(index);
            }
        }
    }

    // ---- replies ----

    fn handle_response(&mut self, request: InFlightRequest, response: &ProduceResponse, cx: &mut Cx) {
        for sent in request.batches {
            let name = self.topics[sent.topic].name.as_str();
            let answer = response
                .responses
                .iter()
                .filter(|topic| topic.name == name)
                .flat_map(|topic| &topic.partition_responses)
                .find(|answer| answer.index == sent.partition);
            match answer {
                Some(answer) => self.handle_answer(sent, answer, cx),
                None => {
                    let problem = format!("it says nothing of {name}-{}", sent.partition);
                    self.retry(sent, Error::MalformedReply { api: "Produce", problem }, true, cx);
                }
            }
        }
    }

    fn handle_answer(&mut self, sent: InFlightBatch, answer: &PartitionProduceResponse, cx: &mut Cx) {
        let code = ErrorCode::from_code(answer.error_code);
        let error = || {
            let name = &self.topics[sent.topic].name;
            broker_error(answer.error_code, format!("Produce to {name}-{}", sent.partition))
        };
        let refused_sequence = [
            ErrorCode::OutOfOrderSequenceNumber,
            ErrorCode::UnknownProducerId,
            ErrorCode::InvalidProducerEpoch,
        ];
        if code == ErrorCode::None {
            let log_append_time = (answer.log_append_time_ms >= 0).then_some(answer.log_append_time_ms);
            let base_offset = (answer.base_offset >= 0).then_some(answer.base_offset);
            self.finish(sent, Ok(Delivered { base_offset, log_append_time }), cx);
        } else if code == ErrorCode::DuplicateSequenceNumber {
            // The broker had it already, from an attempt whose reply was lost, and has forgotten where.
            self.finish(sent, Ok(Delivered { base_offset: None, log_append_time: None }), cx);
        } else if self.config.idempotent && refused_sequence.contains(&code) {
            let error = error();
            self.out_of_step(sent, error, cx);
        } else if let (ErrorCode::MessageTooLarge, false, Some(halves)) =
            (code, sent.ended, sent.batch.split())
        {
            self.resend_in_halves(&sent, halves);
        } else if code == ErrorCode::ProducerFenced {
            let error = Error::Fenced { name: code.name() };
            self.finish(sent, Err(error.clone()), cx);
            cx.effect(Effect::Fenced { error });
        } else {
            let error = error();
            if code.needs_new_metadata() {
                let name = self.topics[sent.topic].name.clone();
                let partition = TopicPartition { topic: name, partition: sent.partition };
                cx.moved(&partition, &answer.current_leader);
            }
            if code.is_retriable() {
                // Of these two the broker itself does not know whether the batch will stay.
                let ambiguous =
                    matches!(code, ErrorCode::RequestTimedOut | ErrorCode::NotEnoughReplicasAfterAppend);
                self.retry(sent, error, ambiguous, cx);
            } else {
                self.finish(sent, Err(error), cx);
            }
        }
    }

    /// The broker refuses the batch's sequence number. If an older batch is still under way, that one comes first and this
    /// one will fit then; else the partition begins anew, and this batch goes under another number, unless the broker may
    /// yet get an older copy of it and take that, too.
    fn out_of_step(&mut self, mut sent: InFlightBatch, error: Error, cx: &mut Cx) {
        let older_in_flight = self.in_flight.values().flat_map(|request| &request.batches).any(|other| {
            (other.topic, other.partition) == (sent.topic, sent.partition)
                && other.batch.is_older_than(&sent.batch)
        });
        if let Some(queue) = self.topics[sent.topic].queue_mut(sent.partition)
            && !older_in_flight
            && !queue.has_older_than(&sent.batch)
        {
            if !queue.can_number_anew(&sent.batch) {
                let name = &self.topics[sent.topic].name;
                let problem = "records before these were given up, and an earlier attempt may still arrive";
                let context = format!("Produce to {name}-{} ({problem})", sent.partition);
                let error = broker_error(ErrorCode::OutOfOrderSequenceNumber.code(), context);
                self.finish(sent, Err(error), cx);
                return;
            }
            sent.batch.ambiguous = false;
            queue.refuse();
        }
        self.retry(sent, error, false, cx);
    }

    /// The broker finds the batch too large: its halves go in its place.
    fn resend_in_halves(&mut self, sent: &InFlightBatch, halves: [Batch; 2]) {
        let Some(queue) = self.topics[sent.topic].queue_mut(sent.partition) else { return };
        queue.landed();
        // One more batch that a flush waits for.
        *self.outstanding.entry(sent.batch.flush_epoch).or_default() += 1;
        for half in halves {
            queue.put_back(half);
        }
        self.active.insert((sent.topic, sent.partition), ());
    }

    /// No reply came.
    fn handle_lost(&mut self, mut sent: InFlightBatch, error: Error, cx: &mut Cx) {
        // A garbled reply says nothing about the record: it may well be fine.
        let garbled = matches!(
            &error,
            Error::Connection { cause: LossCause::Local(CloseReason::ProtocolViolation(_)), .. }
        );
        if garbled || error.retriable() {
            self.retry(sent, error, true, cx);
        } else {
            sent.batch.ambiguous = true;
            self.finish(sent, Err(error), cx);
        }
    }

    fn retry(&mut self, mut sent: InFlightBatch, error: Error, ambiguous: bool, cx: &mut Cx) {
        sent.batch.ambiguous |= ambiguous;
        if sent.ended {
            self.finish(sent, Err(error), cx);
            return;
        }
        let Some(queue) = self.topics[sent.topic].queue_mut(sent.partition) else { return };
        queue.landed();
        // After a loss the connection has its own wait; a second one on top would only add silence.
        let wait = if matches!(error, Error::Connection { .. }) {
            Duration::ZERO
        } else {
            self.retry_backoff.wait_after(sent.batch.retries)
        };
        sent.batch.retries += 1;
        sent.batch.retry_at = Some(cx.now + wait);
        sent.batch.last_error = Some(error);
        queue.put_back(sent.batch);
        self.active.insert((sent.topic, sent.partition), ());
    }

    /// A batch that was in flight has ended.
    fn finish(&mut self, sent: InFlightBatch, result: Result<Delivered, Error>, cx: &mut Cx) {
        let InFlightBatch { topic, partition, batch, ended } = sent;
        if let Some(queue) = self.topics[topic].queue_mut(partition) {
            queue.landed();
            if result.is_ok() {
                queue.confirm();
            }
            if ended {
                queue.resolve();
                if result.is_err() {
                    queue.give_up(&batch);
                }
            }
        }
        if !ended {
            self.end_batch(topic, partition, batch, result, cx);
        }
    }

    /// A batch that was not in flight, or is no more, has ended.
    fn end_batch(
        &mut self,
        topic: usize,
        partition: i32,
        batch: Batch,
        result: Result<Delivered, Error>,
        cx: &mut Cx,
    ) {
        // Its numbers will never arrive: the broker would refuse all that follow.
        if result.is_err()
            && let Some(queue) = self.topics[topic].queue_mut(partition)
        {
            queue.give_up(&batch);
        }
        self.tell_end(topic, partition, batch, result, cx);
    }

    /// Tells how a batch has ended.
    fn tell_end(
        &mut self,
        topic: usize,
        partition: i32,
        batch: Batch,
        result: Result<Delivered, Error>,
        cx: &mut Cx,
    ) {
        let partition = TopicPartition { topic: self.topics[topic].name.clone(), partition };
        let outcome = result.as_ref().map_or_else(Error::code, |_| "OK");
        let traced = partition.clone();
        cx.trace(|| TraceKind::BatchEnded { partition: traced, records: batch.records, outcome });
        let delivery = Delivery { partition, records: batch.ids, result };
        self.deliver(delivery, batch.memory, batch.flush_epoch, cx);
    }

    fn forget_if_idle(&mut self, topic: usize, partition: i32) {
        if self.topics[topic].queue(partition).is_none_or(super::queue::PartitionQueue::is_empty) {
            self.active.remove(&(topic, partition));
        }
    }
}

/// Whether a topic with this error may still come into being.
fn may_appear(error: &Error) -> bool {
    error.retriable() || error.errno() == Some(ErrorCode::UnknownTopicOrPartition.code())
}
