//! The batches of one partition, oldest first, and their sequence numbers.

use crate::compression::Compression;
use crate::error::Error;
use crate::ids::{BrokerId, RecordId};
use crate::io::RecordIds;
use crate::protocol::record_batch::{ProducerStamp, RecordBatch, RecordBatchBuilder, RecordHeader};
use crate::time::Instant;
use alloc::collections::VecDeque;
use alloc::vec::Vec;
use bytes::Bytes;

/// A producer id and epoch, as InitProducerId gave them (KIP-98).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ProducerId {
    pub(crate) id: i64,
    pub(crate) epoch: i16,
}

/// The batches of one partition that are not in flight.
#[derive(Clone, Debug, Default)]
pub(crate) struct PartitionQueue {
    /// The batch that still takes records.
    open: Option<Batch>,
    /// Batches that take no more records, in the order of their numbers. A batch that has to be sent again comes back to its place.
    closed: VecDeque<Batch>,
    /// How many batches are in flight.
    in_flight: usize,
    /// How many of those have ended because their time was up, so that only their replies will say which numbers the broker has seen.
    unresolved: usize,
    /// The broker that the latest batch went to.
    sent_to: Option<BrokerId>,
    /// Under which id the sequence numbers of this partition run.
    pub(crate) identity: Option<ProducerId>,
    next_sequence: i32,
    /// Whether the broker has taken a batch under this id. Until then it accepts any sequence number as the first, so
    /// that a second batch could overtake the first one: only one is in flight (KIP-98).
    confirmed: bool,
    /// Whether a batch with a sequence number was lost for good, so that the broker will refuse the numbers after it.
    pub(crate) needs_new_identity: bool,
    /// Whether a batch was given up of which the broker may still get a copy: one that is on its way on a connection which has ended
    /// here, but not there. Then it may also still take those that were numbered after it.
    is_gap_uncertain: bool,
    /// Whether the broker refused even the first number under the identity.
    is_identity_refused: bool,
}

/// Records that travel together.
#[derive(Clone, Debug)]
pub(crate) struct Batch {
    /// Its place among the partition's batches: the number of its first record, so that the halves of a batch have theirs, too.
    number: u64,
    contents: Contents,
    compression: Compression,
    pub(crate) ids: RecordIds,
    pub(crate) records: usize,
    /// What it takes of the buffer memory.
    pub(crate) memory: usize,
    pub(crate) created_at: Instant,
    /// When to give up on it.
    pub(crate) deadline: Instant,
    /// Which flush waits for it.
    pub(crate) flush_epoch: u32,
    pub(crate) retries: u32,
    /// Not before then.
    pub(crate) retry_at: Option<Instant>,
    /// Its first sequence number, once it has one.
    pub(crate) sequence: Option<i32>,
    /// Whether the broker may have it although no reply came.
    pub(crate) ambiguous: bool,
    pub(crate) last_error: Option<Error>,
}

#[derive(Clone, Debug)]
enum Contents {
    Building(RecordBatchBuilder),
    Sealed(Bytes),
}

/// A record's bytes, on their way into a batch.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Payload<'a> {
    pub(crate) key: Option<&'a [u8]>,
    pub(crate) value: Option<&'a [u8]>,
    pub(crate) headers: &'a [RecordHeader<'a>],
    pub(crate) timestamp: i64,
    /// How its batch is compressed.
    pub(crate) compression: Compression,
    /// An upper bound of its size in the batch.
    pub(crate) size: usize,
}

/// What a new batch needs to know.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BatchLimits {
    pub(crate) batch_size: usize,
    pub(crate) now: Instant,
    pub(crate) deadline: Instant,
    pub(crate) flush_epoch: u32,
}

impl Batch {
    /// Whether its records were accepted before the other's.
    pub(crate) const fn is_older_than(&self, other: &Self) -> bool {
        self.number < other.number
    }

    /// At most how many bytes it takes in a request.
    pub(crate) fn size(&self) -> usize {
        match &self.contents {
            Contents::Building(builder) => builder.size(),
            Contents::Sealed(bytes) => bytes.len(),
        }
    }

    /// Makes two batches of one that the broker finds too large, as the Java client does. The halves keep their sequence numbers, so
    /// that batches behind them keep theirs. `None` for a single record, which cannot be split.
    pub(crate) fn split(&self) -> Option<[Self; 2]> {
        let Contents::Sealed(bytes) = &self.contents else { return None };
        let whole = RecordBatch::decode(bytes).ok().flatten()?.decompressed(usize::MAX).ok()?;
        let middle = self.records / 2;
        if middle == 0 {
            return None;
        }
        let half = |range: core::ops::Range<usize>| {
            let mut builder = RecordBatchBuilder::new();
            for record in whole.records().ok()?.skip(range.start).take(range.len()) {
                let record = record.ok()?;
                let headers: Vec<RecordHeader<'_>> = record.headers.collect::<Result<_, _>>().ok()?;
                builder.append(record.key, record.value, headers.into_iter(), record.timestamp).ok()?;
            }
            let mut ids = RecordIds::default();
            self.ids.iter().skip(range.start).take(range.len()).for_each(|id| ids.push(id));
            let sequence = self.sequence.map(|first| following_sequence(first, range.start));
            let stamp = ProducerStamp {
                producer_id: whole.producer_id(),
                producer_epoch: whole.producer_epoch(),
                base_sequence: sequence.unwrap_or(-1),
                is_transactional: false,
            };
            Some(Self {
                number: ids.runs().first()?.0,
                contents: Contents::Sealed(builder.seal_compressed(stamp, self.compression)),
                ids,
                records: range.len(),
                memory: self.memory / 2,
                sequence,
                retry_at: None,
                ambiguous: false,
                ..self.clone()
            })
        };
        let mut halves = [half(0..middle)?, half(middle..self.records)?];
        halves[1].memory = self.memory - halves[0].memory;
        Some(halves)
    }
}

impl PartitionQueue {
    /// Adds a record to the open batch, or to a new one. True if a new batch was begun.
    ///
    /// The caller has checked that the record fits into a request, so it fits into a batch of its own.
    pub(crate) fn append(&mut self, id: RecordId, payload: &Payload<'_>, limits: &BatchLimits) -> bool {
        // A batch is compressed as a whole.
        let takes_it = self.open.as_ref().is_some_and(|batch| {
            batch.compression == payload.compression && batch.size() + payload.size <= limits.batch_size
        });
        if !takes_it {
            self.close_open();
        }
        let begun = self.open.is_none();
        let number = id.0;
        let batch = self.open.get_or_insert_with(|| Batch {
            number,
            contents: Contents::Building(RecordBatchBuilder::new()),
            compression: payload.compression,
            ids: RecordIds::default(),
            records: 0,
            memory: 0,
            created_at: limits.now,
            deadline: limits.deadline,
            flush_epoch: limits.flush_epoch,
            retries: 0,
            retry_at: None,
            sequence: None,
            ambiguous: false,
            last_error: None,
        });
        if let Contents::Building(builder) = &mut batch.contents {
            let headers = payload.headers.iter().copied();
            let appended = builder.append(payload.key, payload.value, headers, payload.timestamp);
            debug_assert!(appended.is_ok(), "max_request_size is far below what a batch can hold");
        }
        batch.ids.push(id);
        batch.records += 1;
        batch.memory += payload.size;
        begun
    }

    /// The open batch takes no more records.
    pub(crate) fn close_open(&mut self) {
        if let Some(batch) = self.open.take() {
            self.closed.push_back(batch);
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.open.is_none() && self.closed.is_empty()
    }

    pub(crate) const fn in_flight(&self) -> usize {
        self.in_flight
    }

    /// Whether batches are in flight to another broker than this one, as after a change of leader. What is sent to the new
    /// leader meanwhile would overtake them. It could even overtake them by so much that the broker, which remembers five
    /// batches of a producer, no longer knows a retried one for a duplicate (KIP-98).
    pub(crate) fn is_in_flight_elsewhere(&self, broker: BrokerId) -> bool {
        self.in_flight > 0 && self.was_sent_elsewhere(broker)
    }

    /// Whether the latest batch went to another broker than this one.
    pub(crate) fn was_sent_elsewhere(&self, broker: BrokerId) -> bool {
        self.sent_to.is_some_and(|before| before != broker)
    }

    /// When the open batch began.
    pub(crate) fn open_since(&self) -> Option<Instant> {
        self.open.as_ref().map(|batch| batch.created_at)
    }

    /// Whether there are closed batches.
    pub(crate) fn has_closed(&self) -> bool {
        !self.closed.is_empty()
    }

    /// The batch that has to go first.
    pub(crate) fn head(&self) -> Option<&Batch> {
        self.closed.front()
    }

    /// Whether the head may be sent at all, as far as identity and order are concerned.
    pub(crate) fn head_may_go(&self, current: Option<ProducerId>, idempotent: bool) -> bool {
        let Some(head) = self.head() else { return false };
        if !idempotent {
            return true;
        }
        if self.unresolved > 0 {
            return false;
        }
        if !self.needs_new_identity {
            return self.identity.or(current).is_some() && (self.confirmed || self.in_flight == 0);
        }
        // The numbers run out of step with the broker. First settle, under the old identity, what the broker may already have;
        // then, with nothing in flight, begin anew under a new identity.
        head.ambiguous || (self.in_flight == 0 && current.is_some() && current != self.identity)
    }

    /// Takes the head to send it to a broker: gives it its sequence number and seals it if that has not been done.
    pub(crate) fn take_head(
        &mut self,
        broker: BrokerId,
        current: Option<ProducerId>,
        idempotent: bool,
    ) -> Option<(Batch, Bytes)> {
        let mut batch = self.closed.pop_front()?;
        self.sent_to = Some(broker);
        if idempotent {
            if self.needs_new_identity && !batch.ambiguous {
                self.begin_identity(current);
                batch.sequence = None;
            }
            if self.identity.is_none() {
                self.begin_identity(current);
            }
        }
        let fresh_sequence = idempotent && batch.sequence.is_none();
        if fresh_sequence {
            batch.sequence = Some(self.next_sequence);
            self.next_sequence = following_sequence(self.next_sequence, batch.records);
        }
        let (id, epoch) = self.identity.filter(|_| idempotent).map_or((-1, -1), |it| (it.id, it.epoch));
        let sequence = batch.sequence.unwrap_or(-1);
        let stamp = ProducerStamp {
            producer_id: id,
            producer_epoch: epoch,
            base_sequence: sequence,
            is_transactional: false,
        };
        let bytes = match batch.contents {
            Contents::Building(mut builder) => builder.seal_compressed(stamp, batch.compression),
            Contents::Sealed(bytes) if fresh_sequence => match RecordBatch::decode(&bytes) {
                Ok(Some(sealed)) => sealed.with_stamp(stamp).bytes().clone(),
                // We wrote it, so it can be read; should that ever fail, the broker's checks will tell.
                Ok(None) | Err(_) => bytes,
            },
            Contents::Sealed(bytes) => bytes,
        };
        batch.contents = Contents::Sealed(bytes.clone());
        self.in_flight += 1;
        Some((batch, bytes))
    }

    /// The batch's request has ended.
    pub(crate) fn landed(&mut self) {
        debug_assert!(self.in_flight > 0, "a batch landed that was not in flight");
        self.in_flight = self.in_flight.saturating_sub(1);
    }

    /// A batch in flight has ended before its reply.
    pub(crate) const fn leave_unresolved(&mut self) {
        self.unresolved += 1;
    }

    /// The reply of such a batch has come, or never will.
    pub(crate) const fn resolve(&mut self) {
        self.unresolved = self.unresolved.saturating_sub(1);
    }

    /// A batch is given up: its number, if it has one, is missing from now on.
    pub(crate) const fn give_up(&mut self, batch: &Batch) {
        if batch.sequence.is_some() {
            self.needs_new_identity = true;
            self.is_gap_uncertain |= batch.ambiguous;
        }
    }

    /// Whether a batch whose number was refused, and before which nothing is missing any more but what was given up, can be sent
    /// under another number. Not when an earlier copy of it may still be taken under the old one.
    pub(crate) const fn can_number_anew(&self, batch: &Batch) -> bool {
        !(batch.ambiguous && self.is_gap_uncertain)
    }

    /// The broker refused the number of a batch before which nothing is missing any more but what was given up.
    pub(crate) const fn refuse(&mut self) {
        self.needs_new_identity = true;
        self.is_identity_refused = !self.confirmed;
    }

    /// Whether the broker refused even the first number under the identity.
    pub(crate) const fn is_identity_refused(&self) -> bool {
        self.is_identity_refused
    }

    /// The broker has taken a batch: from now on it checks that the sequence numbers follow each other.
    pub(crate) const fn confirm(&mut self) {
        self.confirmed = true;
    }

    /// Puts a batch back to its place, to be sent again.
    pub(crate) fn put_back(&mut self, batch: Batch) {
        let place =
            self.closed.iter().position(|other| other.number > batch.number).unwrap_or(self.closed.len());
        self.closed.insert(place, batch);
    }

    /// Whether a batch older than this one is still to be sent. (Those in flight are not seen here.)
    pub(crate) fn has_older_than(&self, batch: &Batch) -> bool {
        self.closed.front().is_some_and(|head| head.number < batch.number)
    }

    /// Takes out every batch whose time is up.
    pub(crate) fn take_expired(&mut self, now: Instant) -> VecDeque<Batch> {
        if self.open.as_ref().is_some_and(|batch| batch.deadline <= now) {
            self.close_open();
        }
        let (expired, kept) = self.closed.drain(..).partition(|batch| batch.deadline <= now);
        self.closed = kept;
        expired
    }

    /// Takes out everything.
    pub(crate) fn take_all(&mut self) -> VecDeque<Batch> {
        self.close_open();
        core::mem::take(&mut self.closed)
    }

    /// The first time at which something has to happen by itself: a deadline, or the end of a wait still to come.
    pub(crate) fn first_deadline(&self) -> Option<Instant> {
        self.closed.iter().chain(&self.open).map(|batch| batch.deadline).min()
    }

    /// Forgets everything about sequence numbers: a start, and another cluster, begin with a new producer id. Nothing is in flight.
    pub(crate) fn forget_identity(&mut self) {
        self.identity = None;
        self.confirmed = false;
        self.next_sequence = 0;
        self.needs_new_identity = false;
        self.is_gap_uncertain = false;
        self.is_identity_refused = false;
        self.in_flight = 0;
        self.unresolved = 0;
        for batch in &mut self.closed {
            batch.sequence = None;
            batch.ambiguous = false;
        }
    }

    fn begin_identity(&mut self, current: Option<ProducerId>) {
        self.identity = current;
        self.confirmed = false;
        self.next_sequence = 0;
        self.needs_new_identity = false;
        self.is_gap_uncertain = false;
        self.is_identity_refused = false;
        // The broker has not taken the head, of which no copy is on its way, or only one that cannot be taken. So it has not taken
        // and will not take one that was numbered after it, even if no reply said so. All are numbered anew: one that kept its old
        // number would be overtaken by those behind it.
        for batch in &mut self.closed {
            batch.sequence = None;
            batch.ambiguous = false;
        }
    }
}

/// The sequence number that many records further on. They wrap around after 2^31 - 1 (KIP-98).
fn following_sequence(first: i32, records: usize) -> i32 {
    let next = (i64::from(first) + records as i64) % (i64::from(i32::MAX) + 1);
    i32::try_from(next).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const CURRENT: Option<ProducerId> = Some(ProducerId { id: 7, epoch: 0 });

    fn payload(value: &[u8], compression: Compression) -> Payload<'_> {
        Payload {
            key: None,
            value: Some(value),
            headers: &[],
            timestamp: 0,
            compression,
            size: 80 + value.len(),
        }
    }

    fn queue(batches: u64) -> PartitionQueue {
        let limits = BatchLimits {
            batch_size: 1,
            now: Instant::ZERO,
            deadline: Instant::from_millis(1),
            flush_epoch: 0,
        };
        let payload = payload(b"x", Compression::None);
        let mut queue = PartitionQueue::default();
        for id in 0..batches {
            queue.append(RecordId(id), &payload, &limits);
            queue.close_open();
        }
        queue
    }

    #[test]
    fn nothing_overtakes_the_first_batch_of_an_id() {
        let mut queue = queue(3);
        assert!(queue.head_may_go(CURRENT, true));
        let (first, _) = queue.take_head(BrokerId(1), CURRENT, true).expect("there are three");
        assert!(!queue.head_may_go(CURRENT, true), "the first batch is not confirmed");

        // The broker does not lead the partition yet: the first batch has to go again, and again alone.
        queue.landed();
        queue.put_back(first);
        assert_eq!(queue.head().and_then(|head| head.sequence), Some(0));
        queue.take_head(BrokerId(1), CURRENT, true).expect("there are three");
        assert!(!queue.head_may_go(CURRENT, true));

        queue.landed();
        queue.confirm();
        assert!(queue.head_may_go(CURRENT, true));
        queue.take_head(BrokerId(1), CURRENT, true).expect("there are two");
        assert!(queue.head_may_go(CURRENT, true), "then several may be in flight");
    }

    #[test]
    fn what_is_in_flight_to_one_broker_keeps_the_next_one_waiting() {
        let mut queue = queue(2);
        assert!(!queue.is_in_flight_elsewhere(BrokerId(1)));
        queue.take_head(BrokerId(1), CURRENT, true).expect("there are two");
        assert!(queue.is_in_flight_elsewhere(BrokerId(2)) && !queue.is_in_flight_elsewhere(BrokerId(1)));
        queue.landed();
        assert!(!queue.is_in_flight_elsewhere(BrokerId(2)));
    }

    #[test]
    fn without_idempotence_order_is_not_kept_that_way() {
        let mut queue = queue(2);
        queue.take_head(BrokerId(1), None, false).expect("there are two");
        assert!(queue.head_may_go(None, false));
    }
}
