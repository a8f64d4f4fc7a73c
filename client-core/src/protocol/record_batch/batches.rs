//! The batches in the records of a fetched partition.

use bytes::Bytes;

use super::batch::RecordBatch;
use super::error::RecordBatchError;

/// Walks over record batches that follow each other, as in a fetch response.
///
/// Brokers fill a response up with as much of a last batch as fits, so bytes that end inside a batch end the
/// walk without an error; [`incomplete`](Self::incomplete) tells how many those were. Everything else that is
/// wrong is an error, after which there are no more batches.
#[derive(Debug, Clone)]
pub struct Batches {
    rest: Bytes,
    /// Bytes in front of `rest`.
    position: usize,
    failed: bool,
}

impl Batches {
    /// The batches in these bytes.
    pub fn new(records: Bytes) -> Self {
        Self { rest: records, position: 0, failed: false }
    }

    /// Bytes not read: at the end of the walk, those of a batch that was cut off.
    pub fn incomplete(&self) -> usize {
        self.rest.len()
    }

    /// Where the next batch begins, counted from the start of the bytes.
    pub fn position(&self) -> usize {
        self.position
    }
}

impl Iterator for Batches {
    type Item = Result<RecordBatch, RecordBatchError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.failed {
            return None;
        }
        match RecordBatch::decode(&self.rest) {
            Ok(Some(batch)) => {
                let length = batch.bytes().len();
                self.rest = self.rest.slice(length..);
                self.position += length;
                Some(Ok(batch))
            }
            Ok(None) => None,
            Err(error) => {
                self.failed = true;
                Some(Err(error.shifted(self.position)))
            }
        }
    }
}

impl core::iter::FusedIterator for Batches {}
