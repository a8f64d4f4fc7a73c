//! Record batches from a broker that cannot be trusted.

use super::Input;
use bytes::{Bytes, BytesMut};
use client_core::protocol::record_batch::crc32c::crc32c;
use client_core::protocol::record_batch::{Batches, RecordBatch, RecordIndex};

/// What a batch may decompress to.
pub(super) const DECOMPRESSED_SIZE_MAX: usize = 64 * 1_024;

/// The first byte says whether checksums and lengths are set right before reading: what has a wrong one is refused early, and
/// what lies behind would never be tried.
pub(super) fn record_batch(data: &[u8]) {
    let mut input = Input::new(data);
    let mended = input.byte() & 1 == 1;
    let bytes = if mended { mend(input.rest) } else { Bytes::copy_from_slice(input.rest) };
    for batch in Batches::new(bytes) {
        let Ok(batch) = batch else { return };
        read(&batch);
    }
}

fn read(batch: &RecordBatch) {
    let _ = (batch.next_offset(), batch.is_control(), batch.timestamp_type(), batch.max_timestamp());
    // Whatever it claims, it may not become larger than the limit.
    let Ok(plain) = batch.decompressed(DECOMPRESSED_SIZE_MAX) else { return };
    let mut count = 0;
    let mut sound = true;
    if let Ok(records) = plain.records() {
        for record in records {
            let Ok(record) = record else {
                sound = false;
                break;
            };
            sound &= record.headers.clone().all(|header| header.is_ok());
            count += 1;
        }
        let mut index = RecordIndex::default();
        let indexed = plain.index_into(i64::MIN, 0, &mut index);
        if sound {
            assert_eq!(indexed.ok(), Some(count), "both readers find the same records");
        }
    }
}

/// The same bytes as one batch with its length, its magic and its checksum right.
fn mend(data: &[u8]) -> Bytes {
    const LENGTH: std::ops::Range<usize> = 8..12;
    const MAGIC: usize = 16;
    const CRC: std::ops::Range<usize> = 17..21;
    let mut bytes = BytesMut::from(data);
    if bytes.len() >= CRC.end {
        let length = (bytes.len() - LENGTH.end) as i32;
        bytes[LENGTH].copy_from_slice(&length.to_be_bytes());
        bytes[MAGIC] = 2;
        let crc = crc32c(&bytes[CRC.end..]);
        bytes[CRC].copy_from_slice(&crc.to_be_bytes());
    }
    bytes.freeze()
}
