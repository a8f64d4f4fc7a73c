//! What a partition remembers of idempotent producers: the epoch and the last five batches of each.
//!
//! As in Apache Kafka, a batch that repeats one of those five is not appended again but answered with the
//! offset it got the first time; any other batch must follow on. A producer the partition does not know may
//! begin with any sequence number, because the partition may have forgotten it.
//!
//! Deviation: producers are forgotten by number (the limit of [`Limits`](super::Limits)), not by time.

use super::batch::{BatchHeader, Refusal};
use super::digest::Feed;
use crate::digest::Digest;
use alloc::collections::{BTreeMap, VecDeque};
use alloc::format;
use client_core::protocol::ErrorCode;

/// The producers of one partition.
#[derive(Clone, Debug, Default)]
pub(crate) struct ProducerStates {
    producers: BTreeMap<i64, ProducerState>,
}

#[derive(Clone, Debug)]
struct ProducerState {
    epoch: i16,
    batches: VecDeque<RememberedBatch>,
}

#[derive(Clone, Copy, Debug)]
struct RememberedBatch {
    first_sequence: i32,
    last_sequence: i32,
    base_offset: i64,
    max_timestamp: i64,
}

/// What a sound batch of an idempotent producer is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sequence {
    /// The next one: append it.
    Next,
    /// One that is in the log already.
    Duplicate {
        /// Where its first record is.
        base_offset: i64,
        /// The latest timestamp of its records.
        max_timestamp: i64,
    },
}

impl ProducerStates {
    /// Tells whether the batch follows on what the partition has of its producer.
    pub(crate) fn check(&self, header: &BatchHeader) -> Result<Sequence, Refusal> {
        if !header.idempotent() {
            return Ok(Sequence::Next);
        }
        let Some(state) = self.producers.get(&header.producer_id) else {
            return Ok(Sequence::Next);
        };
        if header.producer_epoch < state.epoch {
            return Err(Refusal::new(
                ErrorCode::InvalidProducerEpoch,
                format!(
                    "expected epoch {} of producer {}, got the older {}",
                    state.epoch, header.producer_id, header.producer_epoch
                ),
            ));
        }
        if header.producer_epoch > state.epoch {
            return if header.base_sequence == 0 { Ok(Sequence::Next) } else { Err(out_of_order(header, 0)) };
        }
        let repeated = state.batches.iter().find(|batch| {
            batch.first_sequence == header.base_sequence && batch.last_sequence == header.last_sequence()
        });
        if let Some(batch) = repeated {
            let &RememberedBatch { base_offset, max_timestamp, .. } = batch;
            return Ok(Sequence::Duplicate { base_offset, max_timestamp });
        }
        match state.batches.back() {
            Some(last) if following(last.last_sequence) != header.base_sequence => {
                Err(out_of_order(header, following(last.last_sequence)))
            }
            Some(_) | None => Ok(Sequence::Next),
        }
    }

    /// Remembers a batch that was appended.
    pub(crate) fn appended(
        &mut self,
        header: &BatchHeader,
        base_offset: i64,
        max_timestamp: i64,
        producers_max: usize,
    ) {
        if !header.idempotent() {
            return;
        }
        if !self.producers.contains_key(&header.producer_id) {
            while self.producers.len() >= producers_max.max(1) {
                // Ids rise, so the lowest is the oldest.
                self.producers.pop_first();
            }
        }
        let state = self
            .producers
            .entry(header.producer_id)
            .or_insert_with(|| ProducerState { epoch: header.producer_epoch, batches: VecDeque::new() });
        if state.epoch != header.producer_epoch {
            state.epoch = header.producer_epoch;
            state.batches.clear();
        }
        if state.batches.len() == BATCHES_REMEMBERED {
            state.batches.pop_front();
        }
        state.batches.push_back(RememberedBatch {
            first_sequence: header.base_sequence,
            last_sequence: header.last_sequence(),
            base_offset,
            max_timestamp,
        });
    }

    /// How many producers are remembered.
    pub(crate) fn len(&self) -> usize {
        self.producers.len()
    }

    pub(crate) fn digest(&self, into: &mut Digest) {
        into.feed_u64(self.producers.len() as u64);
        for (&producer_id, state) in &self.producers {
            into.feed_i64(producer_id);
            into.feed_i64(i64::from(state.epoch));
            into.feed_u64(state.batches.len() as u64);
            for batch in &state.batches {
                into.feed_i64(i64::from(batch.first_sequence));
                into.feed_i64(i64::from(batch.last_sequence));
                into.feed_i64(batch.base_offset);
                into.feed_i64(batch.max_timestamp);
            }
        }
    }
}

/// Sequence numbers begin again at 0 after the highest one.
const fn following(sequence: i32) -> i32 {
    if sequence == i32::MAX { 0 } else { sequence + 1 }
}

fn out_of_order(header: &BatchHeader, expected: i32) -> Refusal {
    Refusal::new(
        ErrorCode::OutOfOrderSequenceNumber,
        format!(
            "expected sequence number {expected} of producer {} in epoch {}, got {}",
            header.producer_id, header.producer_epoch, header.base_sequence
        ),
    )
}

/// `ProducerStateEntry.NUM_BATCHES_TO_RETAIN`: it is why idempotent producers may have five requests in flight.
const BATCHES_REMEMBERED: usize = 5;

#[cfg(test)]
mod tests {
    use super::*;

    fn batch(epoch: i16, base_sequence: i32, records: i32) -> BatchHeader {
        BatchHeader {
            base_offset: 0,
            size: 0,
            attributes: 0,
            last_offset_delta: records - 1,
            base_timestamp: 0,
            max_timestamp: 0,
            producer_id: 7,
            producer_epoch: epoch,
            base_sequence,
            record_count: records,
        }
    }

    #[track_caller]
    fn check(states: &ProducerStates, header: BatchHeader, expected: Result<Sequence, ErrorCode>) {
        assert_eq!(states.check(&header).map_err(|refusal| refusal.code), expected);
    }

    fn with(batches: &[BatchHeader]) -> ProducerStates {
        let mut states = ProducerStates::default();
        for (index, header) in batches.iter().enumerate() {
            states.appended(header, index as i64 * 100, 0, 10);
        }
        states
    }

    #[test]
    fn a_batch_must_follow_on_or_repeat_one_of_the_last_five() {
        let states = with(&[0, 2, 4, 6, 8, 10].map(|sequence| batch(0, sequence, 2)));
        check(&states, batch(0, 12, 1), Ok(Sequence::Next));
        check(&states, batch(0, 13, 1), Err(ErrorCode::OutOfOrderSequenceNumber));
        check(&states, batch(0, 10, 2), Ok(Sequence::Duplicate { base_offset: 500, max_timestamp: 0 }));
        check(&states, batch(0, 2, 2), Ok(Sequence::Duplicate { base_offset: 100, max_timestamp: 0 }));
        // The sixth-last is forgotten, and half a batch is not a repetition.
        check(&states, batch(0, 0, 2), Err(ErrorCode::OutOfOrderSequenceNumber));
        check(&states, batch(0, 10, 1), Err(ErrorCode::OutOfOrderSequenceNumber));
    }

    #[test]
    fn a_new_epoch_begins_at_zero_and_fences_the_old_one() {
        let mut states = with(&[batch(0, 0, 3)]);
        check(&states, batch(1, 3, 1), Err(ErrorCode::OutOfOrderSequenceNumber));
        check(&states, batch(1, 0, 1), Ok(Sequence::Next));
        states.appended(&batch(1, 0, 1), 3, 0, 10);
        check(&states, batch(0, 3, 1), Err(ErrorCode::InvalidProducerEpoch));
        check(&states, batch(1, 1, 1), Ok(Sequence::Next));
    }

    #[test]
    fn an_unknown_producer_may_begin_anywhere_and_sequence_numbers_wrap() {
        check(&ProducerStates::default(), batch(0, 41, 1), Ok(Sequence::Next));
        let states = with(&[batch(0, i32::MAX - 1, 3)]);
        check(&states, batch(0, 1, 1), Ok(Sequence::Next));
        check(
            &states,
            batch(0, i32::MAX - 1, 3),
            Ok(Sequence::Duplicate { base_offset: 0, max_timestamp: 0 }),
        );
    }

    #[test]
    fn only_so_many_producers_are_remembered() {
        let mut states = ProducerStates::default();
        for producer_id in 0..5 {
            states.appended(&BatchHeader { producer_id, ..batch(0, 0, 1) }, producer_id, 0, 3);
        }
        assert_eq!(states.len(), 3);
    }
}
