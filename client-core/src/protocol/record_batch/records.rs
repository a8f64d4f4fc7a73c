//! The records of a batch, as slices of it.

use core::ops::Range;

use super::batch::{RecordBatch, TimestampType};
use super::error::{RecordBatchError, RecordBatchProblem};
use super::layout::{BATCH_OVERHEAD, RECORD_COUNT};
use super::varint::Cursor;
use crate::protocol::span::SpanKind;

/// A record, as slices of its batch.
#[derive(Debug, Clone)]
pub struct RecordView<'a> {
    /// Its place in the partition.
    pub offset: i64,
    /// Milliseconds since 1970; see [`RecordBatch::timestamp_type`] for whose.
    pub timestamp: i64,
    /// The key, if it has one.
    pub key: Option<&'a [u8]>,
    /// The value; none marks the key as deleted in compacted topics.
    pub value: Option<&'a [u8]>,
    /// The headers, in order. Keys may repeat.
    pub headers: RecordHeaders<'a>,
}

/// A header of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RecordHeader<'a> {
    /// The key: UTF-8, if whoever wrote it kept to the protocol.
    pub key: &'a [u8],
    /// The value.
    pub value: Option<&'a [u8]>,
}

/// Walks over the records of a batch. An error ends the walk.
#[derive(Debug, Clone)]
pub struct Records<'a> {
    cursor: Cursor<'a>,
    left: u32,
    base_offset: i64,
    last_offset_delta: i32,
    base_timestamp: i64,
    /// The timestamp of all records, if the broker gave it.
    append_timestamp: Option<i64>,
}

/// Walks over the headers of a record, reading them as it goes. An error ends the walk.
#[derive(Debug, Clone)]
pub struct RecordHeaders<'a> {
    cursor: Cursor<'a>,
    left: u32,
}

impl<'a> Records<'a> {
    pub(super) fn new(batch: &'a RecordBatch) -> Result<Self, RecordBatchError> {
        let bytes = batch.bytes();
        let got = batch.record_count();
        let expected_at_most = (bytes.len() - BATCH_OVERHEAD) / RECORD_SIZE_MIN;
        let left = match u32::try_from(got) {
            Ok(count) if count as usize <= expected_at_most => count,
            _ => {
                let problem = RecordBatchProblem::InvalidRecordCount { expected_at_most, got };
                return Err(RecordBatchError::new(RECORD_COUNT.start, problem));
            }
        };
        Ok(Self {
            cursor: Cursor::new(bytes, BATCH_OVERHEAD),
            left,
            base_offset: batch.base_offset(),
            last_offset_delta: batch.last_offset_delta(),
            base_timestamp: batch.base_timestamp(),
            append_timestamp: match batch.timestamp_type() {
                TimestampType::CreateTime => None,
                TimestampType::LogAppendTime => Some(batch.max_timestamp()),
            },
        })
    }

    /// Reads the next record and tells the observer where its fields are; none after the last.
    #[inline]
    pub(super) fn read(
        &mut self,
        observer: &mut impl Observer,
    ) -> Result<Option<RecordView<'a>>, RecordBatchError> {
        if self.left == 0 {
            return match self.cursor.remaining() {
                0 => Ok(None),
                got => Err(self.cursor.problem(RecordBatchProblem::TrailingBytes { got })),
            };
        }
        let record = self.read_record(observer);
        self.left = if record.is_ok() { self.left - 1 } else { 0 };
        record.map(Some)
    }

    #[inline]
    fn read_record(&mut self, observer: &mut impl Observer) -> Result<RecordView<'a>, RecordBatchError> {
        let start = self.cursor.position();
        let length = self.cursor.length()?;
        observer.integer("length", start..self.cursor.position(), length as i64);
        let mut cursor = self.cursor.split(length)?;

        let start = cursor.position();
        let attributes = cursor.byte()?;
        observer.field("attributes", SpanKind::Int8, start..cursor.position(), i64::from(attributes));

        let start = cursor.position();
        let timestamp_delta = cursor.varlong()?;
        observer.integer("timestamp_delta", start..cursor.position(), timestamp_delta);

        let start = cursor.position();
        let offset_delta = cursor.varint()?;
        if offset_delta < 0 || offset_delta > self.last_offset_delta {
            let expected_at_most = self.last_offset_delta;
            let problem = RecordBatchProblem::OffsetOutsideBatch { expected_at_most, got: offset_delta };
            return Err(RecordBatchError::new(start, problem));
        }
        observer.integer("offset_delta", start..cursor.position(), i64::from(offset_delta));

        let key = read_bytes(&mut cursor, "key", observer)?;
        let value = read_bytes(&mut cursor, "value", observer)?;

        let start = cursor.position();
        let count = cursor.length()?;
        let expected_at_most = cursor.remaining() / HEADER_SIZE_MIN;
        if count > expected_at_most {
            let expected = count.saturating_mul(HEADER_SIZE_MIN);
            let problem = RecordBatchProblem::EndOfInput { expected, got: cursor.remaining() };
            return Err(RecordBatchError::new(start, problem));
        }
        observer.integer("headers.count", start..cursor.position(), count as i64);
        if count == 0 {
            expect_record_end(&cursor)?;
        }

        Ok(RecordView {
            offset: self.base_offset.wrapping_add(i64::from(offset_delta)),
            timestamp: self
                .append_timestamp
                .unwrap_or_else(|| self.base_timestamp.wrapping_add(timestamp_delta)),
            key,
            value,
            headers: RecordHeaders { cursor, left: count as u32 },
        })
    }
}

impl<'a> Iterator for Records<'a> {
    type Item = Result<RecordView<'a>, RecordBatchError>;

    fn next(&mut self) -> Option<Self::Item> {
        let was_last = self.left == 0;
        let record = self.read(&mut NoObserver).transpose();
        if was_last || matches!(record, Some(Err(_))) {
            // Nothing is left to read, and nothing to complain about twice.
            self.cursor = Cursor::new(&[], 0);
            self.left = 0;
        }
        record
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (0, Some(self.left as usize + 1))
    }
}

impl core::iter::FusedIterator for Records<'_> {}

impl<'a> RecordHeaders<'a> {
    /// How many headers are left.
    pub fn count_left(&self) -> usize {
        self.left as usize
    }

    /// Reads the next header and tells the observer where its fields are; none after the last.
    pub(super) fn read(
        &mut self,
        observer: &mut impl Observer,
    ) -> Result<Option<RecordHeader<'a>>, RecordBatchError> {
        if self.left == 0 {
            return Ok(None);
        }
        let header = self.read_header(observer);
        self.left = if header.is_ok() { self.left - 1 } else { 0 };
        header.map(Some)
    }

    fn read_header(&mut self, observer: &mut impl Observer) -> Result<RecordHeader<'a>, RecordBatchError> {
        let start = self.cursor.position();
        let length = self.cursor.length()?;
        observer.integer("key.length", start..self.cursor.position(), length as i64);
        let start = self.cursor.position();
        let key = self.cursor.take(length)?;
        observer.bytes("key", start..self.cursor.position(), key);
        let value = read_bytes(&mut self.cursor, "value", observer)?;
        if self.left == 1 {
            expect_record_end(&self.cursor)?;
        }
        Ok(RecordHeader { key, value })
    }
}

impl<'a> Iterator for RecordHeaders<'a> {
    type Item = Result<RecordHeader<'a>, RecordBatchError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.read(&mut NoObserver).transpose()
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (0, Some(self.count_left()))
    }
}

impl core::iter::FusedIterator for RecordHeaders<'_> {}

/// Hears where the fields of records are. The ordinary reader has none and pays nothing.
pub(super) trait Observer {
    /// A number, and the bytes it was read from.
    fn field(&mut self, name: &'static str, kind: SpanKind, range: Range<usize>, value: i64);
    /// Payload, and where it is.
    fn bytes(&mut self, name: &'static str, range: Range<usize>, bytes: &[u8]);

    /// A variable-length integer, and the bytes it was read from.
    #[inline]
    fn integer(&mut self, name: &'static str, range: Range<usize>, value: i64) {
        self.field(name, SpanKind::Varint, range, value);
    }
}

/// Hears nothing.
pub(super) struct NoObserver;

impl Observer for NoObserver {
    #[inline(always)]
    fn field(&mut self, _name: &'static str, _kind: SpanKind, _range: Range<usize>, _value: i64) {}
    #[inline(always)]
    fn bytes(&mut self, _name: &'static str, _range: Range<usize>, _bytes: &[u8]) {}
}

#[inline]
fn read_bytes<'a>(
    cursor: &mut Cursor<'a>,
    name: &'static str,
    observer: &mut impl Observer,
) -> Result<Option<&'a [u8]>, RecordBatchError> {
    let start = cursor.position();
    let bytes = cursor.optional_bytes()?;
    let end = cursor.position();
    let content = end - bytes.map_or(0, <[u8]>::len);
    let length = bytes.map_or(-1, |bytes| bytes.len() as i64);
    observer.field(name, SpanKind::Length, start..content, length);
    observer.bytes(name, content..end, bytes.unwrap_or_default());
    Ok(bytes)
}

/// A record must fill its length exactly. The cursor ends where the record does.
#[inline]
fn expect_record_end(cursor: &Cursor<'_>) -> Result<(), RecordBatchError> {
    match cursor.remaining() {
        0 => Ok(()),
        got => Err(cursor.problem(RecordBatchProblem::TrailingBytes { got })),
    }
}

/// The least bytes of a record: its length, attributes, two deltas, two lengths and the count of headers.
const RECORD_SIZE_MIN: usize = 7;

/// The least bytes of a header: two lengths.
const HEADER_SIZE_MIN: usize = 2;
