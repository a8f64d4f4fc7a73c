//! One record batch, as read.

use alloc::vec::Vec;

use bytes::{Bytes, BytesMut};

use super::builder::{ProducerStamp, restamp};
use super::compression::decompress_into;
use super::crc32c::crc32c;
use super::error::{RecordBatchError, RecordBatchProblem};
use super::index::RecordIndex;
use super::layout::{
    ATTRIBUTES, BASE_OFFSET, BASE_SEQUENCE, BASE_TIMESTAMP, BATCH_LENGTH, BATCH_OVERHEAD, COMPRESSION_MASK,
    CONTROL_BIT, CRC, DELETE_HORIZON_BIT, LAST_OFFSET_DELTA, MAGIC, MAGIC_2, MAX_TIMESTAMP,
    PARTITION_LEADER_EPOCH, PRODUCER_EPOCH, PRODUCER_ID, RECORD_COUNT, TIMESTAMP_TYPE_BIT, TRANSACTIONAL_BIT,
    field,
};
use super::records::Records;
use crate::compression::Compression;

/// A record batch with a sound header and a good checksum. Its records are read when asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordBatch {
    /// Exactly one batch, or its header and the decompressed records.
    bytes: Bytes,
    /// Whether the records have been compressed and are not any more.
    is_decompressed: bool,
}

impl RecordBatch {
    /// Takes the batch at the start of the bytes, or nothing if they end inside of it. What follows the
    /// batch is not looked at.
    ///
    /// # Errors
    ///
    /// When it is not a batch of format 2, or its checksum is wrong.
    pub fn decode(bytes: &Bytes) -> Result<Option<Self>, RecordBatchError> {
        let Some(length) = complete_length(bytes)? else {
            return Ok(None);
        };
        let batch = Self { bytes: bytes.slice(..length), is_decompressed: false };
        let expected = batch.crc();
        let got = crc32c(&batch.bytes[CRC.end..]);
        if expected != got {
            let problem = RecordBatchProblem::CrcMismatch { expected, got };
            return Err(RecordBatchError::new(CRC.start, problem));
        }
        Ok(Some(batch))
    }

    /// All bytes of the batch. Those of a [decompressed](Self::decompressed) one are the header, as it came, and the records as they
    /// were before they were compressed.
    pub fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// The offset of its first record, or of the first it had before compaction.
    pub fn base_offset(&self) -> i64 {
        i64::from_be_bytes(field(&self.bytes, BASE_OFFSET))
    }

    /// The offset of its last record, or of the last it had before compaction.
    pub fn last_offset(&self) -> i64 {
        self.base_offset().saturating_add(i64::from(self.last_offset_delta()))
    }

    /// The offset after the batch: where to go on reading.
    pub fn next_offset(&self) -> i64 {
        self.last_offset().saturating_add(1)
    }

    /// The last offset, counted from the first.
    pub fn last_offset_delta(&self) -> i32 {
        i32::from_be_bytes(field(&self.bytes, LAST_OFFSET_DELTA))
    }

    /// The epoch of the leader that appended the batch; -1 when unknown.
    pub fn partition_leader_epoch(&self) -> i32 {
        i32::from_be_bytes(field(&self.bytes, PARTITION_LEADER_EPOCH))
    }

    /// The checksum it carries.
    pub fn crc(&self) -> u32 {
        u32::from_be_bytes(field(&self.bytes, CRC))
    }

    /// The timestamp the records' own are counted from, in milliseconds since 1970.
    pub fn base_timestamp(&self) -> i64 {
        i64::from_be_bytes(field(&self.bytes, BASE_TIMESTAMP))
    }

    /// The largest timestamp of its records, in milliseconds since 1970.
    pub fn max_timestamp(&self) -> i64 {
        i64::from_be_bytes(field(&self.bytes, MAX_TIMESTAMP))
    }

    /// The producer that wrote it; -1 without idempotence.
    pub fn producer_id(&self) -> i64 {
        i64::from_be_bytes(field(&self.bytes, PRODUCER_ID))
    }

    /// The epoch that goes with the producer's id; -1 without idempotence.
    pub fn producer_epoch(&self) -> i16 {
        i16::from_be_bytes(field(&self.bytes, PRODUCER_EPOCH))
    }

    /// The sequence number of its first record; -1 without idempotence.
    pub fn base_sequence(&self) -> i32 {
        i32::from_be_bytes(field(&self.bytes, BASE_SEQUENCE))
    }

    /// The number of records, as the header says.
    pub fn record_count(&self) -> i32 {
        i32::from_be_bytes(field(&self.bytes, RECORD_COUNT))
    }

    /// Whether it is part of a transaction.
    pub fn is_transactional(&self) -> bool {
        self.attributes() & TRANSACTIONAL_BIT != 0
    }

    /// Whether it holds marks of the broker (such as the end of a transaction) instead of records for the
    /// application.
    pub fn is_control(&self) -> bool {
        self.attributes() & CONTROL_BIT != 0
    }

    /// Whose clock the timestamps come from.
    pub fn timestamp_type(&self) -> TimestampType {
        if self.attributes() & TIMESTAMP_TYPE_BIT == 0 {
            TimestampType::CreateTime
        } else {
            TimestampType::LogAppendTime
        }
    }

    /// Whether the base timestamp is not one of a record, but the time from which on compaction may remove
    /// the batch's tombstones (KIP-534).
    pub fn has_delete_horizon(&self) -> bool {
        self.attributes() & DELETE_HORIZON_BIT != 0
    }

    /// How the records are compressed, or were until they were [decompressed](Self::decompressed).
    ///
    /// # Errors
    ///
    /// When Kafka has invented the compression since.
    pub fn compression(&self) -> Result<Compression, RecordBatchError> {
        let got = self.attributes() & COMPRESSION_MASK;
        Compression::from_number(got).ok_or_else(|| {
            RecordBatchError::new(ATTRIBUTES.start, RecordBatchProblem::UnknownCompression { got })
        })
    }

    /// Whether the records can be read as they are.
    ///
    /// # Errors
    ///
    /// When Kafka has invented the compression since.
    pub fn is_readable(&self) -> Result<bool, RecordBatchError> {
        Ok(self.is_decompressed || self.compression()? == Compression::None)
    }

    /// The batch with its records decompressed, which take at most `size_max` bytes then; the same batch if they are not compressed.
    ///
    /// The header stays what it was, so length, checksum and compression are those of the batch that came.
    ///
    /// # Errors
    ///
    /// When they cannot be decompressed, or would take more.
    pub fn decompressed(&self, size_max: usize) -> Result<Self, RecordBatchError> {
        if self.is_readable()? {
            return Ok(self.clone());
        }
        let (header, compressed) = self.bytes.split_at(BATCH_OVERHEAD);
        let mut bytes = Vec::from(header);
        decompress_into(self.compression()?, compressed, &mut bytes, size_max).map_err(|error| {
            RecordBatchError::new(
                BATCH_OVERHEAD + error.position,
                RecordBatchProblem::CannotDecompress(error),
            )
        })?;
        Ok(Self { bytes: bytes.into(), is_decompressed: true })
    }

    /// The records, one by one.
    ///
    /// # Errors
    ///
    /// When they have to be [decompressed](Self::decompressed) first, or their number cannot be true.
    pub fn records(&self) -> Result<Records<'_>, RecordBatchError> {
        if !self.is_readable()? {
            let problem = RecordBatchProblem::Compressed(self.compression()?);
            return Err(RecordBatchError::new(ATTRIBUTES.start, problem));
        }
        Records::new(self)
    }

    /// Adds where everything is to an index: the records from `from_offset` on, with positions counted from
    /// `position_base` bytes before the batch. Returns how many records that were.
    ///
    /// # Errors
    ///
    /// When a record is malformed. The index is unchanged then.
    pub fn index_into(
        &self,
        from_offset: i64,
        position_base: u32,
        index: &mut RecordIndex,
    ) -> Result<usize, RecordBatchError> {
        index.add(self, from_offset, position_base)
    }

    /// The batch with another first offset and leader epoch, as a broker gives it when it appends it. Copies
    /// only if the bytes are shared. The checksum does not cover these fields.
    pub fn with_base_offset(self, base_offset: i64, partition_leader_epoch: i32) -> Self {
        let mut buffer = self.bytes.try_into_mut().unwrap_or_else(|shared| BytesMut::from(shared.as_ref()));
        buffer[BASE_OFFSET].copy_from_slice(&base_offset.to_be_bytes());
        buffer[PARTITION_LEADER_EPOCH].copy_from_slice(&partition_leader_epoch.to_be_bytes());
        Self { bytes: buffer.freeze(), ..self }
    }

    /// The batch under another producer stamp, as when a producer goes on with a new id. Copies only if the
    /// bytes are shared.
    pub fn with_stamp(self, stamp: ProducerStamp) -> Self {
        Self { bytes: restamp(self.bytes, stamp), ..self }
    }

    pub(super) fn attributes(&self) -> i16 {
        i16::from_be_bytes(field(&self.bytes, ATTRIBUTES))
    }
}

/// The length of the batch at the start of the bytes, if all of it is there and its format is ours.
fn complete_length(bytes: &Bytes) -> Result<Option<usize>, RecordBatchError> {
    if bytes.len() < MAGIC.end {
        return Ok(None);
    }
    let magic = i8::from_be_bytes(field(bytes, MAGIC));
    if magic != MAGIC_2 {
        let problem = RecordBatchProblem::UnsupportedMagic { got: magic };
        return Err(RecordBatchError::new(MAGIC.start, problem));
    }
    let claimed = i32::from_be_bytes(field(bytes, BATCH_LENGTH));
    let expected_at_least = BATCH_OVERHEAD - BATCH_LENGTH.end;
    match usize::try_from(claimed) {
        Ok(length) if length >= expected_at_least => {
            let whole = BATCH_LENGTH.end + length;
            Ok((whole <= bytes.len()).then_some(whole))
        }
        _ => {
            let problem = RecordBatchProblem::BatchTooShort { expected_at_least, got: claimed };
            Err(RecordBatchError::new(BATCH_LENGTH.start, problem))
        }
    }
}

/// Whose clock the timestamps of a batch come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TimestampType {
    /// The producer's, when it made the record.
    CreateTime,
    /// The broker's, when it appended the batch: all records have the batch's largest timestamp.
    LogAppendTime,
}
