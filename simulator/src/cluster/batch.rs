//! Record batches as a broker sees them: a header to check and to patch, and records to walk over.
//!
//! Written apart from the client's code for record batches on purpose: what the client packs is read here by
//! somebody else.
//!
//! Compressed batches are opened to be checked, with the codecs that the client has too, and stored as they came.
//!
//! Deviations from Apache Kafka: a batch that takes more than 128 MiB when decompressed is refused like one that cannot be decompressed;
//! Kafka has no limit.

use super::crc32c::crc32c;
use alloc::borrow::Cow;
use alloc::format;
use alloc::string::String;
use bytes::{Bytes, BytesMut};
use client_core::protocol::ErrorCode;
use client_core::protocol::record_batch::{Compression, decompress};

/// Why a broker does not accept what it was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    /// What the producer is told.
    pub(crate) code: ErrorCode,
    /// The same in words.
    pub(crate) message: String,
}

impl Refusal {
    pub(crate) fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }
}

/// The header of a record batch of magic 2.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct BatchHeader {
    pub(crate) base_offset: i64,
    /// Bytes of the batch, the header's first twelve included.
    pub(crate) size: usize,
    pub(crate) attributes: i16,
    pub(crate) last_offset_delta: i32,
    pub(crate) base_timestamp: i64,
    pub(crate) max_timestamp: i64,
    pub(crate) producer_id: i64,
    pub(crate) producer_epoch: i16,
    pub(crate) base_sequence: i32,
    pub(crate) record_count: i32,
}

impl BatchHeader {
    const fn compression(&self) -> i16 {
        self.attributes & 0b111
    }

    pub(crate) const fn transactional(&self) -> bool {
        self.attributes & 0x10 != 0
    }

    pub(crate) const fn idempotent(&self) -> bool {
        self.producer_id >= 0
    }

    /// The sequence number of the last record; they wrap around to 0.
    pub(crate) const fn last_sequence(&self) -> i32 {
        let last = self.base_sequence as i64 + self.last_offset_delta as i64;
        (if last > i32::MAX as i64 { last - i32::MAX as i64 - 1 } else { last }) as i32
    }
}

/// One record's place in its batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct WalkedRecord {
    pub(crate) offset_delta: i32,
    pub(crate) timestamp: i64,
}

/// Checks what a producer sent for one partition before anything else is looked at: exactly one batch of magic 2,
/// whole, with a compression that the version of the Produce request allows.
pub(crate) fn check_envelope(records: &[u8], version: i16) -> Result<BatchHeader, Refusal> {
    let size = whole_batch(records)?.ok_or_else(|| {
        let message = format!("expected one whole record batch, got {} bytes", records.len());
        Refusal::new(ErrorCode::InvalidRecord, message)
    })?;
    if records[MAGIC] != 2 {
        let message = format!("expected a record batch of magic 2, got magic {}", records[MAGIC]);
        return Err(Refusal::new(ErrorCode::InvalidRecord, message));
    }
    if size < HEADER_SIZE {
        let message = format!("expected a record batch of at least {HEADER_SIZE} bytes, got {size}");
        return Err(Refusal::new(ErrorCode::CorruptMessage, message));
    }
    let header = header(records, size);
    if header.compression() == ZSTD && version < ZSTD_SINCE {
        let message = format!("zstd needs Produce version {ZSTD_SINCE}, got version {version}");
        return Err(Refusal::new(ErrorCode::UnsupportedCompressionType, message));
    }
    if whole_batch(&records[size..])?.is_some() {
        return Err(Refusal::new(ErrorCode::InvalidRecord, "expected one record batch, got more"));
    }
    Ok(header)
}

/// Checks size and checksum of a batch. `size_max` is `max.message.bytes`.
pub(crate) fn check_bytes(records: &[u8], header: &BatchHeader, size_max: usize) -> Result<(), Refusal> {
    let size = header.size;
    if size > size_max {
        let message = format!("expected a batch of at most {size_max} bytes, got {size}");
        return Err(Refusal::new(ErrorCode::MessageTooLarge, message));
    }
    let stated = u32::from_be_bytes(array(records, CRC));
    let computed = crc32c(&records[CRC_COVERS..size]);
    if stated != computed {
        let message = format!("expected checksum {computed:#010x} of the batch's bytes, got {stated:#010x}");
        return Err(Refusal::new(ErrorCode::CorruptMessage, message));
    }
    Ok(())
}

/// Checks what the header says and every record. Returns the latest timestamp.
pub(crate) fn check_content(records: &[u8], header: &BatchHeader) -> Result<i64, Refusal> {
    check_header(header)?;
    let latest = check_records(records, header)?;
    // With timestamps of the broker, the batch's stands for all of its records.
    Ok(if header.attributes & LOG_APPEND_TIME != 0 { header.max_timestamp } else { latest })
}

/// The batch as it stands in the log: with its offset and leader epoch in the part that the checksum does not
/// cover. What is covered stays as it was sent, unless the producer stated a wrong latest timestamp or claimed
/// timestamps of the broker: that is put right, and the checksum with it.
pub(crate) fn place(
    records: &[u8],
    header: &BatchHeader,
    base_offset: i64,
    leader_epoch: i32,
    max_timestamp: i64,
) -> Bytes {
    let mut placed = BytesMut::from(&records[..header.size]);
    put(&mut placed, BASE_OFFSET, base_offset.to_be_bytes());
    put(&mut placed, LEADER_EPOCH, leader_epoch.to_be_bytes());
    if header.max_timestamp != max_timestamp || header.attributes & LOG_APPEND_TIME != 0 {
        put(&mut placed, MAX_TIMESTAMP, max_timestamp.to_be_bytes());
        put(&mut placed, ATTRIBUTES, (header.attributes & !LOG_APPEND_TIME).to_be_bytes());
        let checksum = crc32c(&placed[CRC_COVERS..]);
        put(&mut placed, CRC, checksum.to_be_bytes());
    }
    placed.freeze()
}

fn put<const N: usize>(batch: &mut [u8], at: usize, field: [u8; N]) {
    batch[at..at + N].copy_from_slice(&field);
}

/// The records of a batch as bytes, decompressed if they are compressed.
pub(crate) fn open<'a>(batch: &'a [u8], header: &BatchHeader) -> Result<Cow<'a, [u8]>, Refusal> {
    let records = &batch[HEADER_SIZE..header.size];
    match Compression::from_number(header.compression()) {
        Some(Compression::None) => Ok(Cow::Borrowed(records)),
        // What a library throws at a broker is none of the errors that the protocol knows.
        Some(compression) => decompress(compression, records, DECOMPRESSED_SIZE_MAX)
            .map(Cow::Owned)
            .map_err(|error| Refusal::new(ErrorCode::UnknownServerError, format!("{error}"))),
        None => {
            let message = format!("expected a compression of 0 to 4, got {}", header.compression());
            Err(Refusal::new(ErrorCode::InvalidRecord, message))
        }
    }
}

/// The records of a batch, in order, from its bytes as [`open`] gives them. Ends with an error where a record is not sound.
pub(crate) fn walk<'a>(opened: &'a [u8], header: &BatchHeader) -> Records<'a> {
    Records { rest: opened, base_timestamp: header.base_timestamp, count: header.record_count, index: 0 }
}

/// The walk over the records of a batch.
pub(crate) struct Records<'a> {
    rest: &'a [u8],
    base_timestamp: i64,
    count: i32,
    index: i32,
}

impl Iterator for Records<'_> {
    type Item = Result<WalkedRecord, Refusal>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.index >= self.count {
            return None;
        }
        let index = self.index;
        self.index += 1;
        let record = walk_record(&mut self.rest, self.base_timestamp);
        Some(record.map_err(|problem| {
            self.index = self.count;
            Refusal::new(ErrorCode::InvalidRecord, format!("record {index} of the batch {problem}"))
        }))
    }
}

/// The header of a stored or checked batch.
pub(crate) fn header(batch: &[u8], size: usize) -> BatchHeader {
    BatchHeader {
        base_offset: i64::from_be_bytes(array(batch, BASE_OFFSET)),
        size,
        attributes: i16::from_be_bytes(array(batch, ATTRIBUTES)),
        last_offset_delta: i32::from_be_bytes(array(batch, LAST_OFFSET_DELTA)),
        base_timestamp: i64::from_be_bytes(array(batch, BASE_TIMESTAMP)),
        max_timestamp: i64::from_be_bytes(array(batch, MAX_TIMESTAMP)),
        producer_id: i64::from_be_bytes(array(batch, PRODUCER_ID)),
        producer_epoch: i16::from_be_bytes(array(batch, PRODUCER_EPOCH)),
        base_sequence: i32::from_be_bytes(array(batch, BASE_SEQUENCE)),
        record_count: i32::from_be_bytes(array(batch, RECORD_COUNT)),
    }
}

/// The size of the batch at the front, or `None` when the bytes hold no whole one.
fn whole_batch(records: &[u8]) -> Result<Option<usize>, Refusal> {
    if records.len() < SIZE_PREFIX {
        return Ok(None);
    }
    let length = i32::from_be_bytes(array(records, LENGTH));
    let length = match usize::try_from(length) {
        Ok(length) if length >= LEGACY_LENGTH_MIN => length,
        _ => {
            let message =
                format!("expected a batch length of at least {LEGACY_LENGTH_MIN} bytes, got {length}");
            return Err(Refusal::new(ErrorCode::CorruptMessage, message));
        }
    };
    if records.len() <= MAGIC {
        return Ok(None);
    }
    if records[MAGIC] > 2 {
        let message = format!("expected a magic of 0 to 2, got {}", records[MAGIC] as i8);
        return Err(Refusal::new(ErrorCode::CorruptMessage, message));
    }
    let size = SIZE_PREFIX + length;
    Ok((records.len() >= size).then_some(size))
}

fn check_header(header: &BatchHeader) -> Result<(), Refusal> {
    let invalid = |message: String| Err(Refusal::new(ErrorCode::InvalidRecord, message));
    if header.base_offset != 0 {
        return invalid(format!("expected a base offset of 0, got {}", header.base_offset));
    }
    if header.attributes & CONTROL != 0 {
        return invalid("expected data, got a control batch, which only brokers write".into());
    }
    if header.compression() > ZSTD {
        return invalid(format!("expected a compression of 0 to 4, got {}", header.compression()));
    }
    if header.record_count <= 0 || i64::from(header.last_offset_delta) + 1 != i64::from(header.record_count) {
        return invalid(format!(
            "expected one offset for each of at least one record, got {} records and a last offset delta of {}",
            header.record_count, header.last_offset_delta
        ));
    }
    if header.idempotent() && header.base_sequence < 0 {
        return invalid(format!(
            "expected a sequence number with producer id {}, got {}",
            header.producer_id, header.base_sequence
        ));
    }
    Ok(())
}

fn check_records(batch: &[u8], header: &BatchHeader) -> Result<i64, Refusal> {
    let opened = open(batch, header)?;
    let mut records = walk(&opened, header);
    let mut latest = NO_TIMESTAMP;
    for expected in 0..header.record_count {
        let Some(record) = records.next() else { break };
        let record = record?;
        latest = latest.max(record.timestamp);
        let got = record.offset_delta;
        if got != expected {
            let message = format!("expected offset delta {expected}, got {got}");
            return Err(Refusal::new(ErrorCode::InvalidRecord, message));
        }
    }
    if !records.rest.is_empty() {
        let message = format!(
            "expected the end of the batch after {} records, got {} more bytes",
            header.record_count,
            records.rest.len()
        );
        return Err(Refusal::new(ErrorCode::InvalidRecord, message));
    }
    Ok(latest)
}

/// Reads one record off the front.
fn walk_record(rest: &mut &[u8], base_timestamp: i64) -> Result<WalkedRecord, String> {
    let length = varint(rest, "its length")?;
    let length = usize::try_from(length).map_err(|_| format!("has a length of {length}"))?;
    if length > rest.len() {
        return Err(format!("claims {length} bytes, but {} are left", rest.len()));
    }
    let (mut body, after) = rest.split_at(length);
    *rest = after;
    let body = &mut body;
    skip(body, 1, "its attributes")?;
    let timestamp_delta = varint(body, "its timestamp")?;
    let offset_delta = varint(body, "its offset")?;
    skip_bytes(body, "its key")?;
    skip_bytes(body, "its value")?;
    let headers = varint(body, "its header count")?;
    if headers < 0 || headers > body.len() as i64 {
        return Err(format!("claims {headers} headers"));
    }
    for _ in 0..headers {
        if skip_bytes(body, "a header's key")?.is_none() {
            return Err("has a header without a key".into());
        }
        skip_bytes(body, "a header's value")?;
    }
    if !body.is_empty() {
        return Err(format!("has {} bytes after its end", body.len()));
    }
    let offset_delta =
        i32::try_from(offset_delta).map_err(|_| format!("has an offset delta of {offset_delta}"))?;
    Ok(WalkedRecord { offset_delta, timestamp: base_timestamp.saturating_add(timestamp_delta) })
}

fn skip_bytes(rest: &mut &[u8], what: &str) -> Result<Option<usize>, String> {
    let length = varint(rest, what)?;
    if length == -1 {
        return Ok(None);
    }
    let length = usize::try_from(length).map_err(|_| format!("gives {what} a length of {length}"))?;
    skip(rest, length, what)?;
    Ok(Some(length))
}

fn skip(rest: &mut &[u8], length: usize, what: &str) -> Result<(), String> {
    *rest = rest.get(length..).ok_or_else(|| format!("ends inside {what}"))?;
    Ok(())
}

/// A zigzag variable-length integer of up to 64 bits.
fn varint(rest: &mut &[u8], what: &str) -> Result<i64, String> {
    let mut value = 0u64;
    for (index, &byte) in rest.iter().enumerate() {
        let bits = u64::from(byte & 0x7f);
        if index == 9 && bits > 1 {
            break;
        }
        value |= bits << (7 * index);
        if byte & 0x80 == 0 {
            *rest = &rest[index + 1..];
            return Ok((value >> 1) as i64 ^ -((value & 1) as i64));
        }
        if index == 9 {
            break;
        }
    }
    Err(format!("ends inside {what}, or has too long a number there"))
}

/// The bytes of a fixed-size field. Callers have checked that the header is there.
fn array<const N: usize>(batch: &[u8], at: usize) -> [u8; N] {
    let mut field = [0; N];
    field.copy_from_slice(&batch[at..at + N]);
    field
}

/// Base offset and batch length: what stands before the bytes that the length counts.
const SIZE_PREFIX: usize = 12;
/// A header without records.
pub(crate) const HEADER_SIZE: usize = 61;
/// The smallest length any format had: that of a message of magic 0 without key and value.
const LEGACY_LENGTH_MIN: usize = 14;
const DECOMPRESSED_SIZE_MAX: usize = 128 << 20;
/// The first Produce version that may carry zstd.
const ZSTD_SINCE: i16 = 7;
const ZSTD: i16 = 4;
const NO_TIMESTAMP: i64 = -1;
const LOG_APPEND_TIME: i16 = 0x08;
const CONTROL: i16 = 0x20;

const BASE_OFFSET: usize = 0;
const LENGTH: usize = 8;
const LEADER_EPOCH: usize = 12;
const MAGIC: usize = 16;
const CRC: usize = 17;
const CRC_COVERS: usize = 21;
const ATTRIBUTES: usize = 21;
const LAST_OFFSET_DELTA: usize = 23;
const BASE_TIMESTAMP: usize = 27;
const MAX_TIMESTAMP: usize = 35;
const PRODUCER_ID: usize = 43;
const PRODUCER_EPOCH: usize = 51;
const BASE_SEQUENCE: usize = 53;
const RECORD_COUNT: usize = 57;
