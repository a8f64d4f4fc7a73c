//! The log of one partition: batches with their offsets.
//!
//! Deviations from Apache Kafka: one copy serves all replicas, so the high watermark is always the end of the
//! log and acknowledgement by all replicas takes no time. There are no segments: retention by size drops whole
//! batches. Nothing is compacted.

use super::batch::{self, BatchHeader};
use super::digest::Feed;
use crate::digest::Digest;
use alloc::collections::VecDeque;
use alloc::vec::Vec;
use bytes::{Bytes, BytesMut};

/// A batch in a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoggedBatch {
    /// The offset of its first record.
    pub base_offset: i64,
    /// The offset of its last record.
    pub last_offset: i64,
    /// How many records it holds.
    pub records: i32,
    /// The epoch of the leader that appended it.
    pub leader_epoch: i32,
    /// The producer, or -1.
    pub producer_id: i64,
    /// The producer's epoch, or -1.
    pub producer_epoch: i16,
    /// The sequence number of its first record, or -1.
    pub base_sequence: i32,
    /// The latest timestamp of its records, in milliseconds since 1970.
    pub max_timestamp: i64,
    /// The batch as it is sent to consumers.
    pub bytes: Bytes,
}

impl LoggedBatch {
    fn header(&self) -> BatchHeader {
        batch::header(&self.bytes, self.bytes.len())
    }
}

/// A record found by its timestamp.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FoundRecord {
    pub(crate) offset: i64,
    pub(crate) timestamp: i64,
    pub(crate) leader_epoch: i32,
}

/// Batches read from a log. The last one may be cut off at the limit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Slice {
    pieces: Vec<Bytes>,
    size: usize,
}

impl Slice {
    pub(crate) const fn len(&self) -> usize {
        self.size
    }

    /// The batches in one piece; copied only when there is more than one.
    pub(crate) fn into_bytes(self) -> Bytes {
        let mut pieces = self.pieces.into_iter();
        match (pieces.next(), pieces.len()) {
            (None, _) => Bytes::new(),
            (Some(only), 0) => only,
            (Some(first), _) => {
                let mut joined = BytesMut::with_capacity(self.size);
                joined.extend_from_slice(&first);
                pieces.for_each(|piece| joined.extend_from_slice(&piece));
                joined.freeze()
            }
        }
    }
}

/// One partition's log.
#[derive(Clone, Debug, Default)]
pub(crate) struct Log {
    start_offset: i64,
    end_offset: i64,
    size: usize,
    batches: VecDeque<LoggedBatch>,
    /// Each epoch with the offset of its first record, ascending.
    epochs: Vec<(i32, i64)>,
}

impl Log {
    /// A new leader appends from here on. An epoch without records leaves no trace.
    pub(crate) fn begin_epoch(&mut self, epoch: i32) {
        self.epochs.retain(|&(_, start)| start < self.end_offset);
        self.epochs.push((epoch, self.end_offset));
    }

    /// The offset of the first record that can be read.
    pub(crate) const fn start_offset(&self) -> i64 {
        self.start_offset
    }

    /// The offset the next record will get.
    pub(crate) const fn end_offset(&self) -> i64 {
        self.end_offset
    }

    /// Bytes of all batches.
    pub(crate) const fn size(&self) -> usize {
        self.size
    }

    pub(crate) const fn batches(&self) -> &VecDeque<LoggedBatch> {
        &self.batches
    }

    /// Appends a checked batch and returns the offset of its first record.
    pub(crate) fn append(
        &mut self,
        records: &[u8],
        header: &BatchHeader,
        leader_epoch: i32,
        max_timestamp: i64,
    ) -> i64 {
        let base_offset = self.end_offset;
        self.end_offset += i64::from(header.record_count);
        self.size += header.size;
        self.batches.push_back(LoggedBatch {
            base_offset,
            last_offset: self.end_offset - 1,
            records: header.record_count,
            leader_epoch,
            producer_id: header.producer_id,
            producer_epoch: header.producer_epoch,
            base_sequence: header.base_sequence,
            max_timestamp,
            bytes: batch::place(records, header, base_offset, leader_epoch, max_timestamp),
        });
        base_offset
    }

    /// Drops the oldest batches until the log is not larger than this. The newest always stays.
    pub(crate) fn retain(&mut self, size_max: usize) {
        while self.size > size_max && self.batches.len() > 1 {
            self.pop_front();
        }
    }

    /// Moves the start of the log forward, as `DeleteRecords` does.
    pub(crate) fn delete_before(&mut self, offset: i64) {
        self.start_offset = offset.clamp(self.start_offset, self.end_offset);
        while self.batches.front().is_some_and(|batch| batch.last_offset < self.start_offset) {
            self.pop_front();
        }
    }

    fn pop_front(&mut self) {
        if let Some(oldest) = self.batches.pop_front() {
            self.size -= oldest.bytes.len();
            self.start_offset = self.start_offset.max(oldest.last_offset + 1);
        }
    }

    /// Reads from the batch that holds `offset` on, at most `size_max` bytes.
    ///
    /// As a real broker does, the last batch is cut off at the limit. A first batch that is larger than the
    /// limit is returned whole when `whole_first`, else nothing is.
    pub(crate) fn read(&self, offset: i64, size_max: usize, whole_first: bool) -> Slice {
        let mut slice = Slice::default();
        let from = self.batches.partition_point(|batch| batch.last_offset < offset);
        for batch in self.batches.range(from..) {
            let size = batch.bytes.len();
            let left = size_max - slice.size.min(size_max);
            let piece = if size <= left {
                batch.bytes.clone()
            } else if slice.size > 0 {
                batch.bytes.slice(..left)
            } else if whole_first {
                batch.bytes.clone()
            } else {
                break;
            };
            if piece.is_empty() {
                break;
            }
            slice.size += piece.len();
            slice.pieces.push(piece);
            if size >= left {
                break;
            }
        }
        slice
    }

    /// The first record that is not older than this, in offset order.
    pub(crate) fn find_timestamp(&self, timestamp: i64) -> Option<FoundRecord> {
        self.batches
            .iter()
            .filter(|batch| batch.max_timestamp >= timestamp)
            .find_map(|batch| self.records(batch).into_iter().find(|record| record.timestamp >= timestamp))
    }

    /// The first of the records with the latest timestamp.
    pub(crate) fn find_latest_timestamp(&self) -> Option<FoundRecord> {
        let latest = self.batches.iter().map(|batch| batch.max_timestamp).max()?;
        let batch = self.batches.iter().find(|batch| batch.max_timestamp == latest)?;
        let records = self.records(batch);
        let latest = records.iter().map(|record| record.timestamp).max()?;
        records.into_iter().find(|record| record.timestamp == latest)
    }

    /// The records of a batch. They have been checked when it was appended.
    fn records(&self, batch: &LoggedBatch) -> Vec<FoundRecord> {
        let header = batch.header();
        let found = |offset, timestamp| FoundRecord { offset, timestamp, leader_epoch: batch.leader_epoch };
        let Ok(opened) = batch::open(&batch.bytes, &header) else { return Vec::new() };
        batch::walk(&opened, &header)
            .map_while(Result::ok)
            .map(|record| found(batch.base_offset + i64::from(record.offset_delta), record.timestamp))
            .filter(|record| record.offset >= self.start_offset)
            .collect()
    }

    /// The epoch that a record at this offset has or would have.
    pub(crate) fn epoch_at(&self, offset: i64) -> Option<i32> {
        let newer = self.epochs.partition_point(|&(_, start)| start <= offset);
        self.epochs.get(newer.checked_sub(1)?).map(|&(epoch, _)| epoch)
    }

    /// The largest epoch of the log that is not above this one, and the offset where it ends. `None` for epochs
    /// of the future.
    pub(crate) fn epoch_end(&self, epoch: i32) -> Option<(i32, i64)> {
        let &(latest, _) = self.epochs.last()?;
        if epoch > latest {
            return None;
        }
        let newer = self.epochs.partition_point(|&(known, _)| known <= epoch);
        let end = self.epochs.get(newer).map_or(self.end_offset, |&(_, start)| start);
        let known = newer.checked_sub(1).map_or(epoch, |last| self.epochs[last].0);
        Some((known, end))
    }

    pub(crate) fn digest(&self, into: &mut Digest) {
        into.feed_i64(self.start_offset);
        into.feed_i64(self.end_offset);
        into.feed_u64(self.epochs.len() as u64);
        for &(epoch, start) in &self.epochs {
            into.feed_i64(i64::from(epoch));
            into.feed_i64(start);
        }
        into.feed_u64(self.batches.len() as u64);
        for batch in &self.batches {
            // The header holds the checksum of all that follows it.
            into.feed(&batch.bytes[..batch::HEADER_SIZE]);
        }
    }
}
