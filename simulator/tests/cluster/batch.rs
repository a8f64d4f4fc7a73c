//! Record batches written by hand, so that they can also be wrong. Shares no code with client or cluster but the codecs.

use bytes::Bytes;
use client_core::protocol::record_batch::{Compression, compress};

/// A record batch, written by hand so that it can also be wrong.
#[derive(Clone)]
pub(crate) struct Batch {
    pub(crate) base_offset: i64,
    pub(crate) magic: u8,
    pub(crate) attributes: i16,
    pub(crate) base_timestamp: i64,
    pub(crate) producer_id: i64,
    pub(crate) producer_epoch: i16,
    pub(crate) base_sequence: i32,
    /// Timestamp deltas and values.
    pub(crate) records: Vec<(i64, Vec<u8>)>,
    /// In place of the records, as they are or compressed.
    pub(crate) payload: Option<Vec<u8>>,
    /// In place of the true number of records.
    pub(crate) claimed_count: Option<i32>,
    /// Added to the true latest timestamp.
    pub(crate) max_timestamp_off_by: i64,
    /// Added to the true checksum.
    pub(crate) checksum_off_by: u32,
}

impl Batch {
    pub(crate) fn of(values: &[&str]) -> Self {
        Self {
            base_offset: 0,
            magic: 2,
            attributes: 0,
            base_timestamp: 1_700_000_000_000,
            producer_id: -1,
            producer_epoch: -1,
            base_sequence: -1,
            records: values
                .iter()
                .zip(0..)
                .map(|(value, index)| (index, value.as_bytes().to_vec()))
                .collect(),
            payload: None,
            claimed_count: None,
            max_timestamp_off_by: 0,
            checksum_off_by: 0,
        }
    }

    pub(crate) fn idempotent(self, producer_id: i64, producer_epoch: i16, base_sequence: i32) -> Self {
        Self { producer_id, producer_epoch, base_sequence, ..self }
    }

    pub(crate) fn encode(&self) -> Bytes {
        let count = self.records.len() as i32;
        let mut covered = Vec::new();
        covered.extend(self.attributes.to_be_bytes());
        covered.extend((count - 1).to_be_bytes());
        covered.extend(self.base_timestamp.to_be_bytes());
        let latest = self.records.iter().map(|(delta, _)| delta).max().copied().unwrap_or(0);
        covered.extend((self.base_timestamp + latest + self.max_timestamp_off_by).to_be_bytes());
        covered.extend(self.producer_id.to_be_bytes());
        covered.extend(self.producer_epoch.to_be_bytes());
        covered.extend(self.base_sequence.to_be_bytes());
        covered.extend(self.claimed_count.unwrap_or(count).to_be_bytes());
        let mut records = Vec::new();
        for ((timestamp_delta, value), offset_delta) in self.records.iter().zip(0..) {
            let mut body = vec![0];
            body.extend(varint(*timestamp_delta));
            body.extend(varint(offset_delta));
            body.extend(varint(-1));
            body.extend(varint(value.len() as i64));
            body.extend(value);
            body.extend(varint(0));
            records.extend(varint(body.len() as i64));
            records.extend(body);
        }
        let compression = Compression::from_number(self.attributes & 7).unwrap_or(Compression::None);
        covered.extend(self.payload.clone().unwrap_or_else(|| compress(compression, &records)));
        let mut batch = self.base_offset.to_be_bytes().to_vec();
        batch.extend((covered.len() as i32 + 9).to_be_bytes());
        batch.extend((-1i32).to_be_bytes());
        batch.push(self.magic);
        batch.extend(crc32c(&covered).wrapping_add(self.checksum_off_by).to_be_bytes());
        batch.extend(covered);
        batch.into()
    }
}

fn varint(value: i64) -> Vec<u8> {
    let mut left = (value << 1 ^ value >> 63) as u64;
    let mut bytes = Vec::new();
    while left >= 0x80 {
        bytes.push(left as u8 | 0x80);
        left >>= 7;
    }
    bytes.push(left as u8);
    bytes
}

/// The definition of CRC-32C, one bit at a time.
fn crc32c(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |crc, &byte| {
        (0..8).fold(crc ^ u32::from(byte), |crc, _| (crc >> 1) ^ ((crc & 1) * 0x82f6_3b78))
    })
}
