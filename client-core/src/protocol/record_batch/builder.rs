//! Writing record batches.

use alloc::vec::Vec;
use core::fmt;

use bytes::{Bytes, BytesMut};

use super::compression::compress_into;
use super::crc32c::crc32c;
use super::layout::{
    ATTRIBUTES, BASE_OFFSET, BASE_SEQUENCE, BASE_TIMESTAMP, BATCH_LENGTH, BATCH_OVERHEAD, COMPRESSION_MASK,
    CRC, LAST_OFFSET_DELTA, MAGIC, MAGIC_2, MAX_TIMESTAMP, PARTITION_LEADER_EPOCH, PRODUCER_EPOCH,
    PRODUCER_ID, RECORD_COUNT, TRANSACTIONAL_BIT, field,
};
use super::records::RecordHeader;
use super::varint::{SmallBuffer, VARINT_SIZE_MAX, VARLONG_SIZE_MAX, varint_size, varlong_size};
use crate::compression::Compression;

/// Collects records into a batch. Keys, values and headers are copied once, to where they will be sent from.
///
/// A batch has exactly the size [`size`](Self::size) says, and [`size_with`](Self::size_with) says it before
/// a record is appended, so that a limit on batches can be kept. After [`seal`](Self::seal) the builder is
/// empty and can be used again; it takes the memory of earlier batches back once they have been dropped.
#[derive(Debug, Clone, Default)]
pub struct RecordBatchBuilder {
    /// Empty, or room for the header and the records so far.
    buffer: BytesMut,
    record_count: i32,
    base_timestamp: i64,
    max_timestamp: i64,
}

/// What the producer state of a batch is: who wrote it, and after what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProducerStamp {
    /// The producer's id; -1 without idempotence.
    pub producer_id: i64,
    /// The epoch that goes with it; -1 without idempotence.
    pub producer_epoch: i16,
    /// The sequence number of the batch's first record in its partition; -1 without idempotence.
    pub base_sequence: i32,
    /// Whether the batch is part of a transaction.
    pub is_transactional: bool,
}

impl ProducerStamp {
    /// The stamp of a producer without idempotence.
    pub const NONE: Self =
        Self { producer_id: -1, producer_epoch: -1, base_sequence: -1, is_transactional: false };
}

impl Default for ProducerStamp {
    fn default() -> Self {
        Self::NONE
    }
}

/// A record that would make its batch larger than the format can say (2 GiB).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BatchFull {
    /// The size the batch would have had, in bytes.
    pub got: u64,
}

impl RecordBatchBuilder {
    /// A builder without records and without memory.
    pub fn new() -> Self {
        Self::default()
    }

    /// Makes room for records, so that a batch of this size (in bytes, overhead included) is written
    /// without moving it.
    pub fn reserve(&mut self, batch_size: usize) {
        self.buffer.reserve(batch_size.saturating_sub(self.buffer.len()));
    }

    /// The number of records so far.
    pub fn record_count(&self) -> usize {
        self.record_count.unsigned_abs() as usize
    }

    /// Whether there are no records yet.
    pub fn is_empty(&self) -> bool {
        self.record_count == 0
    }

    /// The size of the batch if it were sealed now, in bytes.
    pub fn size(&self) -> usize {
        self.buffer.len().max(BATCH_OVERHEAD)
    }

    /// The exact size the batch would have with one more record, in bytes.
    pub fn size_with<'h>(
        &self,
        key: Option<&[u8]>,
        value: Option<&[u8]>,
        headers: impl Iterator<Item = RecordHeader<'h>>,
        timestamp: i64,
    ) -> u64 {
        let (record, _) = self.record_size(key, value, headers, timestamp);
        self.size() as u64 + record.with_length()
    }

    /// Adds a record. Its timestamp is in milliseconds since 1970. Header keys must be UTF-8, as the caller
    /// knows best.
    ///
    /// # Errors
    ///
    /// When the batch would become larger than the format can say. The builder is unchanged then.
    pub fn append<'h>(
        &mut self,
        key: Option<&[u8]>,
        value: Option<&[u8]>,
        headers: impl Iterator<Item = RecordHeader<'h>> + Clone,
        timestamp: i64,
    ) -> Result<(), BatchFull> {
        let (record, header_count) = self.record_size(key, value, headers.clone(), timestamp);
        let batch_size = self.size() as u64 + record.with_length();
        let (Ok(batch_size), Ok(body)) = (i32::try_from(batch_size), i32::try_from(record.body)) else {
            return Err(BatchFull { got: batch_size });
        };
        if self.is_empty() {
            self.buffer.clear();
            self.buffer.resize(BATCH_OVERHEAD, 0);
            self.base_timestamp = timestamp;
            self.max_timestamp = timestamp;
        }
        let batch_size = batch_size.unsigned_abs() as usize;
        self.buffer.reserve(batch_size - self.buffer.len());

        // Each copy costs a little of its own, so what is small is collected before it is copied.
        let mut small = SmallBuffer::<SMALL_BUFFER_SIZE>::new();
        small.varint(body);
        small.byte(RECORD_ATTRIBUTES);
        small.varlong(timestamp.wrapping_sub(self.base_timestamp));
        small.varint(self.record_count);
        small.varint(length_of(key));
        if let Some(key) = key {
            self.buffer.extend_from_slice(small.as_slice());
            self.buffer.extend_from_slice(key);
            small.clear();
        }
        small.varint(length_of(value));
        self.buffer.extend_from_slice(small.as_slice());
        if let Some(value) = value {
            self.buffer.extend_from_slice(value);
        }
        self.push_varint(header_count);
        for header in headers {
            self.push_varint(length_of(Some(header.key)));
            self.buffer.extend_from_slice(header.key);
            self.push_varint(length_of(header.value));
            self.buffer.extend_from_slice(header.value.unwrap_or_default());
        }
        assert_eq!(self.buffer.len(), batch_size, "the size of a record is known before it is written");

        self.record_count += 1;
        self.max_timestamp = self.max_timestamp.max(timestamp);
        Ok(())
    }

    /// Completes the batch and leaves the builder empty. Without records the result is an empty batch,
    /// which brokers refuse.
    pub fn seal(&mut self, stamp: ProducerStamp) -> Bytes {
        if self.is_empty() {
            self.buffer.clear();
            self.buffer.resize(BATCH_OVERHEAD, 0);
            self.base_timestamp = NO_TIMESTAMP;
            self.max_timestamp = NO_TIMESTAMP;
        }
        self.write_header();
        write_stamp(&mut self.buffer, stamp);
        self.record_count = 0;
        self.buffer.split().freeze()
    }

    /// The same with compressed records. If that does not make the batch smaller, it is sealed without compression.
    pub fn seal_compressed(&mut self, stamp: ProducerStamp, compression: Compression) -> Bytes {
        if self.is_empty() || compression == Compression::None {
            return self.seal(stamp);
        }
        self.write_header();
        let (header, records) = self.buffer.split_at(BATCH_OVERHEAD);
        let mut batch = Vec::from(header);
        compress_into(compression, records, &mut batch);
        if batch.len() >= self.buffer.len() {
            return self.seal(stamp);
        }
        batch[ATTRIBUTES].copy_from_slice(&compression.number().to_be_bytes());
        write_length(&mut batch);
        write_stamp(&mut batch, stamp);
        self.clear();
        batch.into()
    }

    /// Drops the records so far, and keeps the memory.
    pub fn clear(&mut self) {
        self.buffer.clear();
        self.record_count = 0;
    }

    /// Writes what depends neither on the producer nor on compression.
    fn write_header(&mut self) {
        write_length(&mut self.buffer);
        let header = &mut self.buffer[..BATCH_OVERHEAD];
        header[BASE_OFFSET].copy_from_slice(&0i64.to_be_bytes());
        header[PARTITION_LEADER_EPOCH].copy_from_slice(&NO_PARTITION_LEADER_EPOCH.to_be_bytes());
        header[MAGIC].copy_from_slice(&MAGIC_2.to_be_bytes());
        header[ATTRIBUTES].copy_from_slice(&Compression::None.number().to_be_bytes());
        header[LAST_OFFSET_DELTA].copy_from_slice(&(self.record_count - 1).to_be_bytes());
        header[BASE_TIMESTAMP].copy_from_slice(&self.base_timestamp.to_be_bytes());
        header[MAX_TIMESTAMP].copy_from_slice(&self.max_timestamp.to_be_bytes());
        header[RECORD_COUNT].copy_from_slice(&self.record_count.to_be_bytes());
    }

    fn record_size<'h>(
        &self,
        key: Option<&[u8]>,
        value: Option<&[u8]>,
        headers: impl Iterator<Item = RecordHeader<'h>>,
        timestamp: i64,
    ) -> (RecordSize, i32) {
        let base_timestamp = if self.is_empty() { timestamp } else { self.base_timestamp };
        let mut header_count = 0u32;
        let mut body = 1 // attributes
            + varlong_size(timestamp.wrapping_sub(base_timestamp)) as u64
            + varint_size(self.record_count) as u64
            + sized(key)
            + sized(value);
        for header in headers {
            header_count = header_count.saturating_add(1);
            body += sized(Some(header.key)) + sized(header.value);
        }
        // So many headers make the record larger than a batch can be, so the cut-off is never written.
        let header_count = i32::try_from(header_count).unwrap_or(i32::MAX);
        body += varint_size(header_count) as u64;
        (RecordSize { body }, header_count)
    }

    #[inline]
    fn push_varint(&mut self, value: i32) {
        let mut buffer = SmallBuffer::<VARINT_SIZE_MAX>::new();
        buffer.varint(value);
        self.buffer.extend_from_slice(buffer.as_slice());
    }
}

/// Gives a sealed batch another producer stamp, as when a producer continues under a new id. Copies only if
/// the bytes are shared.
pub(super) fn restamp(batch: Bytes, stamp: ProducerStamp) -> Bytes {
    let mut buffer = batch.try_into_mut().unwrap_or_else(|shared| BytesMut::from(shared.as_ref()));
    write_stamp(&mut buffer, stamp);
    buffer.freeze()
}

/// Writes the length of a whole batch.
fn write_length(batch: &mut [u8]) {
    // `append` keeps the size of a batch within an i32.
    let length = (batch.len() - BATCH_LENGTH.end) as u32;
    batch[BATCH_LENGTH].copy_from_slice(&length.to_be_bytes());
}

/// Writes everything that depends on the producer, and the checksum over the whole. How the records are compressed stays.
fn write_stamp(batch: &mut [u8], stamp: ProducerStamp) {
    let compression = i16::from_be_bytes(field(batch, ATTRIBUTES)) & COMPRESSION_MASK;
    let attributes = compression | if stamp.is_transactional { TRANSACTIONAL_BIT } else { 0 };
    batch[ATTRIBUTES].copy_from_slice(&attributes.to_be_bytes());
    batch[PRODUCER_ID].copy_from_slice(&stamp.producer_id.to_be_bytes());
    batch[PRODUCER_EPOCH].copy_from_slice(&stamp.producer_epoch.to_be_bytes());
    batch[BASE_SEQUENCE].copy_from_slice(&stamp.base_sequence.to_be_bytes());
    let crc = crc32c(&batch[CRC.end..]);
    batch[CRC].copy_from_slice(&crc.to_be_bytes());
}

/// The size of a record without the varint in front of it that says so.
#[derive(Debug, Clone, Copy)]
struct RecordSize {
    body: u64,
}

impl RecordSize {
    fn with_length(self) -> u64 {
        let length_size = i32::try_from(self.body).map_or(VARINT_SIZE_MAX, varint_size);
        self.body + length_size as u64
    }
}

/// The bytes of something with its length in front.
fn sized(bytes: Option<&[u8]>) -> u64 {
    (varint_size(length_of(bytes)) + bytes.map_or(0, <[u8]>::len)) as u64
}

/// The length that stands in front of something. What is longer than an i32 can say does not get so far.
fn length_of(bytes: Option<&[u8]>) -> i32 {
    bytes.map_or(-1, |bytes| i32::try_from(bytes.len()).unwrap_or(i32::MAX))
}

impl fmt::Display for BatchFull {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "expected a batch of at most {} bytes, got a record that would make it {}",
            i32::MAX,
            self.got
        )
    }
}

impl core::error::Error for BatchFull {}

/// Room for what stands in front of a record's value if there is no key.
const SMALL_BUFFER_SIZE: usize = 1 + 4 * VARINT_SIZE_MAX + VARLONG_SIZE_MAX;

/// No bit of a record's own attributes has a meaning yet.
const RECORD_ATTRIBUTES: u8 = 0;

/// Brokers fill it in.
const NO_PARTITION_LEADER_EPOCH: i32 = -1;

/// The timestamp of no record.
const NO_TIMESTAMP: i64 = -1;
