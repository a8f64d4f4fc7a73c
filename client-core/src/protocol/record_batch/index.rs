//! Where the parts of records are, as plain numbers.

use alloc::vec::Vec;

use super::batch::RecordBatch;
use super::error::RecordBatchError;
use super::records::NoObserver;

/// Positions of records' parts, in flat arrays that cross the JavaScript boundary in one copy.
///
/// Each record takes [`RECORD_WORDS`](Self::RECORD_WORDS) words of `records`:
///
/// | word | meaning |
/// |---|---|
/// | 0, 1 | offset: low half, high half |
/// | 2, 3 | timestamp in milliseconds since 1970: low half, high half |
/// | 4, 5 | key: position, length |
/// | 6, 7 | value: position, length |
/// | 8, 9 | headers: number of the first one in `headers`, how many |
///
/// Each header takes [`HEADER_WORDS`](Self::HEADER_WORDS) words of `headers`: position and length of its
/// key, position and length of its value. The length of null is [`NULL`](Self::NULL).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RecordIndex {
    /// The records, in order.
    pub records: Vec<u32>,
    /// The headers of all of them, in order.
    pub headers: Vec<u32>,
}

impl RecordIndex {
    /// Words of a record.
    pub const RECORD_WORDS: usize = 10;
    /// Words of a header.
    pub const HEADER_WORDS: usize = 4;
    /// The length of null.
    pub const NULL: u32 = u32::MAX;

    /// The number of records.
    pub fn record_count(&self) -> usize {
        self.records.len() / Self::RECORD_WORDS
    }

    /// Forgets all records, and keeps the memory.
    pub fn clear(&mut self) {
        self.records.clear();
        self.headers.clear();
    }

    pub(super) fn add(
        &mut self,
        batch: &RecordBatch,
        from_offset: i64,
        position_base: u32,
    ) -> Result<usize, RecordBatchError> {
        let before = (self.records.len(), self.headers.len());
        let added = self.add_records(batch, from_offset, position_base);
        if added.is_err() {
            self.records.truncate(before.0);
            self.headers.truncate(before.1);
        }
        added
    }

    fn add_records(
        &mut self,
        batch: &RecordBatch,
        from_offset: i64,
        position_base: u32,
    ) -> Result<usize, RecordBatchError> {
        let mut records = batch.records()?;
        let place = Place { batch: batch.bytes().as_ptr().addr(), base: position_base };
        let mut added = 0;
        while let Some(record) = records.read(&mut NoObserver)? {
            let first_header = self.headers.len() / Self::HEADER_WORDS;
            let mut headers = record.headers;
            let header_count = headers.count_left();
            // Even of records nobody wants, the headers are read: a malformed batch is an error at any offset.
            let wanted = record.offset >= from_offset;
            while let Some(header) = headers.read(&mut NoObserver)? {
                if wanted {
                    let [key, key_length] = place.of(Some(header.key));
                    let [value, value_length] = place.of(header.value);
                    self.headers.extend_from_slice(&[key, key_length, value, value_length]);
                }
            }
            if !wanted {
                continue;
            }
            added += 1;
            let [key, key_length] = place.of(record.key);
            let [value, value_length] = place.of(record.value);
            self.records.extend_from_slice(&[
                record.offset as u32,
                (record.offset >> 32) as u32,
                record.timestamp as u32,
                (record.timestamp >> 32) as u32,
                key,
                key_length,
                value,
                value_length,
                first_header as u32,
                header_count as u32,
            ]);
        }
        Ok(added)
    }
}

/// Where slices of a batch are counted from.
struct Place {
    /// The address of the batch's first byte.
    batch: usize,
    /// The position of that byte.
    base: u32,
}

impl Place {
    /// Position and length of a slice of the batch. A batch is smaller than 2 GiB.
    fn of(&self, slice: Option<&[u8]>) -> [u32; 2] {
        match slice {
            Some(slice) => {
                let position = slice.as_ptr().addr().wrapping_sub(self.batch) as u32;
                [self.base.wrapping_add(position), slice.len() as u32]
            }
            None => [0, RecordIndex::NULL],
        }
    }
}
