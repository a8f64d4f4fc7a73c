//! A few words at a fixed address through which calls answer with more than one number.

use super::batches::TakenBatch;
use super::staging::Committed;
use super::topics::Topics;
use client_core::protocol::record_batch::{RecordIndex, TimestampType};

/// The words, by the call that sets them. `js/src/boundary.ts` has the same list.
#[derive(Clone, Copy)]
enum Word {
    // commit
    CommittedBytes = 0,
    CommittedRecords = 1,
    FirstRecordIdLow = 2,
    FirstRecordIdHigh = 3,
    BufferFull = 4,
    RejectionsAddress = 5,
    Rejections = 6,
    // drain
    SettlementsAddress = 8,
    Settlements = 9,
    // take
    Topic = 12,
    Partition = 13,
    DataAddress = 14,
    DataBytes = 15,
    IndexAddress = 16,
    Records = 17,
    HeadersAddress = 18,
    Headers = 19,
    HighWatermarkLow = 20,
    HighWatermarkHigh = 21,
    LogAppendTime = 22,
    LeaderEpoch = 23,
}

/// How many words there are.
const WORDS: usize = 32;

/// The report of one client.
pub(super) struct Report {
    words: Box<[i32; WORDS]>,
}

impl Default for Report {
    fn default() -> Self {
        Self { words: Box::new([0; WORDS]) }
    }
}

impl Report {
    pub(super) fn address(&self) -> u32 {
        self.words.as_ptr() as u32
    }

    pub(super) fn set_commit(&mut self, committed: &Committed, rejections: &[i32]) {
        self.set(Word::CommittedBytes, committed.bytes as i32);
        self.set(Word::CommittedRecords, committed.records as i32);
        self.set_i64(Word::FirstRecordIdLow, Word::FirstRecordIdHigh, committed.first_record_id as i64);
        self.set(Word::BufferFull, i32::from(committed.buffer_full));
        self.set(Word::RejectionsAddress, rejections.as_ptr() as i32);
        self.set(Word::Rejections, (rejections.len() / 2) as i32);
    }

    pub(super) fn set_settlements(&mut self, words: &[i32]) {
        self.set(Word::SettlementsAddress, words.as_ptr() as i32);
        self.set(Word::Settlements, (words.len() / super::settlements::WORDS_PER_SETTLEMENT) as i32);
    }

    pub(super) fn set_batch(&mut self, taken: &TakenBatch, topics: &mut Topics) {
        let (Some(fetched), index) = (taken.fetched(), taken.index()) else { return };
        let batch = &fetched.batch;
        self.set(Word::Topic, topics.handle_of(&fetched.partition.topic) as i32);
        self.set(Word::Partition, fetched.partition.partition);
        self.set(Word::DataAddress, batch.bytes().as_ptr() as i32);
        self.set(Word::DataBytes, batch.bytes().len() as i32);
        self.set(Word::IndexAddress, index.records.as_ptr() as i32);
        self.set(Word::Records, index.record_count() as i32);
        self.set(Word::HeadersAddress, index.headers.as_ptr() as i32);
        self.set(Word::Headers, (index.headers.len() / RecordIndex::HEADER_WORDS) as i32);
        self.set_i64(Word::HighWatermarkLow, Word::HighWatermarkHigh, fetched.high_watermark);
        self.set(Word::LogAppendTime, i32::from(batch.timestamp_type() == TimestampType::LogAppendTime));
        self.set(Word::LeaderEpoch, batch.partition_leader_epoch());
    }

    fn set(&mut self, word: Word, value: i32) {
        self.words[word as usize] = value;
    }

    fn set_i64(&mut self, low: Word, high: Word, value: i64) {
        self.set(low, value as i32);
        self.set(high, (value >> 32) as i32);
    }
}
