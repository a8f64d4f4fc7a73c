//! Fetched batches on their way to JavaScript.
//!
//! JavaScript copies a batch and its index out of wasm memory with one copy each, and makes small objects over the
//! copies which decode what somebody reads. The index is `RecordIndex`: ten words a record, four a header.

use client_core::protocol::record_batch::RecordIndex;
use client_core::{Error, FetchedBatch};

/// The batch that JavaScript is looking at.
#[derive(Default)]
pub(super) struct TakenBatch {
    fetched: Option<FetchedBatch>,
    index: RecordIndex,
}

impl TakenBatch {
    /// Replaces the batch. Returns whether there is one.
    pub(super) fn set(&mut self, fetched: Option<FetchedBatch>) -> Result<bool, Error> {
        self.index.clear();
        self.fetched = None;
        let Some(fetched) = fetched else { return Ok(false) };
        fetched.batch.index_into(fetched.first_offset, 0, &mut self.index).map_err(|error| {
            Error::CorruptData { partition: fetched.partition.clone(), problem: error.to_string() }
        })?;
        self.fetched = Some(fetched);
        Ok(true)
    }

    pub(super) const fn fetched(&self) -> Option<&FetchedBatch> {
        self.fetched.as_ref()
    }

    pub(super) const fn index(&self) -> &RecordIndex {
        &self.index
    }
}
