//! Leaves out the records of aborted transactions, for `isolation.level=read_committed` (KIP-98).

use crate::protocol::AbortedTransaction;
use crate::protocol::record_batch::RecordBatch;
use alloc::collections::BinaryHeap;
use core::cmp::Reverse;
use litemap::LiteMap;

/// Which producers' records are being left out at the current place of the log.
#[derive(Clone, Debug, Default)]
pub(crate) struct AbortedFilter {
    /// Aborted transactions not reached yet, the one with the lowest first offset on top. A heap: core's sorts are 3 kB of wasm each.
    upcoming: BinaryHeap<Reverse<(i64, i64)>>,
    aborted: LiteMap<i64, ()>,
}

impl AbortedFilter {
    /// Takes over what a fetch reply says about aborted transactions.
    pub(crate) fn begin(&mut self, transactions: &[AbortedTransaction]) {
        self.aborted.clear();
        self.upcoming =
            transactions.iter().map(|aborted| Reverse((aborted.first_offset, aborted.producer_id))).collect();
    }

    /// Whether the batch is for the application: no control batch, and no part of an aborted transaction.
    pub(crate) fn wants(&mut self, batch: &RecordBatch) -> bool {
        while let Some(Reverse((first_offset, producer))) = self.upcoming.peek().copied() {
            if first_offset > batch.last_offset() {
                break;
            }
            self.aborted.insert(producer, ());
            self.upcoming.pop();
        }
        if batch.is_control() {
            // An end-of-transaction mark: what this producer writes from here on is another transaction.
            self.aborted.remove(&batch.producer_id());
            return false;
        }
        !(batch.is_transactional() && self.aborted.contains_key(&batch.producer_id()))
    }
}
