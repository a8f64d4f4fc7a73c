//! Where the fields of a batch's header are.

use core::ops::Range;

use crate::protocol::span::SpanKind;

pub(super) const BASE_OFFSET: Range<usize> = 0..8;
/// Counts the bytes after itself.
pub(super) const BATCH_LENGTH: Range<usize> = 8..12;
pub(super) const PARTITION_LEADER_EPOCH: Range<usize> = 12..16;
/// At the same place in all formats.
pub(super) const MAGIC: Range<usize> = 16..17;
/// Covers everything after itself. What stands before it, a broker may change without computing it anew.
pub(super) const CRC: Range<usize> = 17..21;
pub(super) const ATTRIBUTES: Range<usize> = 21..23;
pub(super) const LAST_OFFSET_DELTA: Range<usize> = 23..27;
pub(super) const BASE_TIMESTAMP: Range<usize> = 27..35;
pub(super) const MAX_TIMESTAMP: Range<usize> = 35..43;
pub(super) const PRODUCER_ID: Range<usize> = 43..51;
pub(super) const PRODUCER_EPOCH: Range<usize> = 51..53;
pub(super) const BASE_SEQUENCE: Range<usize> = 53..57;
pub(super) const RECORD_COUNT: Range<usize> = 57..61;

/// Bytes a batch has besides its records.
pub const BATCH_OVERHEAD: usize = RECORD_COUNT.end;

/// The only format we speak.
pub(super) const MAGIC_2: i8 = 2;

/// The lowest three bits of the attributes say how the records are compressed.
pub(super) const COMPRESSION_MASK: i16 = 0b111;
pub(super) const TIMESTAMP_TYPE_BIT: i16 = 1 << 3;
pub(super) const TRANSACTIONAL_BIT: i16 = 1 << 4;
pub(super) const CONTROL_BIT: i16 = 1 << 5;
pub(super) const DELETE_HORIZON_BIT: i16 = 1 << 6;

/// The header's fields in order, for those who show them.
pub(super) const HEADER_FIELDS: [(&str, SpanKind, Range<usize>); 13] = [
    ("base_offset", SpanKind::Int64, BASE_OFFSET),
    ("batch_length", SpanKind::Int32, BATCH_LENGTH),
    ("partition_leader_epoch", SpanKind::Int32, PARTITION_LEADER_EPOCH),
    ("magic", SpanKind::Int8, MAGIC),
    ("crc", SpanKind::Uint32, CRC),
    ("attributes", SpanKind::Int16, ATTRIBUTES),
    ("last_offset_delta", SpanKind::Int32, LAST_OFFSET_DELTA),
    ("base_timestamp", SpanKind::Int64, BASE_TIMESTAMP),
    ("max_timestamp", SpanKind::Int64, MAX_TIMESTAMP),
    ("producer_id", SpanKind::Int64, PRODUCER_ID),
    ("producer_epoch", SpanKind::Int16, PRODUCER_EPOCH),
    ("base_sequence", SpanKind::Int32, BASE_SEQUENCE),
    ("record_count", SpanKind::Int32, RECORD_COUNT),
];

/// The bytes of a field, as the array its integer is made from. For headers known to be complete.
pub(super) fn field<const N: usize>(bytes: &[u8], range: Range<usize>) -> [u8; N] {
    let mut field = [0; N];
    field.copy_from_slice(&bytes[range]);
    field
}
