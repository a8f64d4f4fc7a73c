//! One assigned partition: where it stands, and what has been fetched and not yet taken.

use super::aborted::AbortedFilter;
use crate::error::Error;
use crate::ids::TopicPartition;
use crate::protocol::record_batch::RecordBatch;
use crate::time::Instant;
use alloc::collections::VecDeque;

/// Where a partition begins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum StartOffset {
    /// Where it stands, if it is assigned already; else as `auto.offset.reset` says.
    #[default]
    Default,
    /// The first record there is.
    Earliest,
    /// After the last record there is.
    Latest,
    /// This offset.
    At(i64),
}

/// What a call of `assign()` did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AssignOutcome {
    /// The assignment is a new one.
    Changed {
        /// Its number; batches carry it.
        epoch: u32,
    },
    /// The same partitions were assigned already.
    Unchanged,
}

/// A batch of records for the application.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FetchedBatch {
    /// Where it comes from.
    pub partition: TopicPartition,
    /// The epoch of the assignment under which it was fetched.
    pub epoch: u32,
    /// Records below this offset are not wanted: a batch may begin before the place where reading starts.
    pub first_offset: i64,
    /// The offset after the last record that all replicas in sync have.
    pub high_watermark: i64,
    /// The records.
    pub batch: RecordBatch,
}

/// One assigned partition.
#[derive(Clone, Debug)]
pub(crate) struct Partition {
    pub(crate) start: StartOffset,
    /// Changes with every seek and new assignment: replies for another one are old (AS4).
    pub(crate) epoch: u32,
    /// The next offset to fetch, once known.
    pub(crate) fetch_offset: Option<i64>,
    buffered: VecDeque<FetchedBatch>,
    buffered_bytes: usize,
    /// The next offset to be taken, once known.
    taken_offset: Option<i64>,
    pub(crate) paused: bool,
    /// Whether a fetch or look-up for it is under way.
    pub(crate) busy: bool,
    /// Not before then, after a failure.
    pub(crate) retry_at: Option<Instant>,
    /// How many times in a row it has failed.
    pub(crate) failures: u32,
    /// What it is stuck on, if the application has to act (AS9).
    pub(crate) halted: Option<Error>,
    /// The error code of metadata that the application has been told about.
    pub(crate) reported: i16,
    pub(crate) high_watermark: Option<i64>,
    pub(crate) aborted: AbortedFilter,
}

impl Partition {
    pub(crate) fn new(start: StartOffset, epoch: u32) -> Self {
        let offset = match start {
            StartOffset::At(offset) => Some(offset),
            StartOffset::Default | StartOffset::Earliest | StartOffset::Latest => None,
        };
        Self {
            start,
            epoch,
            fetch_offset: offset,
            buffered: VecDeque::new(),
            buffered_bytes: 0,
            taken_offset: offset,
            paused: false,
            busy: false,
            retry_at: None,
            failures: 0,
            halted: None,
            reported: 0,
            high_watermark: None,
            aborted: AbortedFilter::default(),
        }
    }

    /// The next offset to be delivered.
    pub(crate) const fn position(&self) -> Option<i64> {
        self.taken_offset
    }

    /// A look-up has said where to begin.
    pub(crate) fn begin_at(&mut self, offset: i64) {
        self.fetch_offset = Some(offset);
        // What is still buffered comes first.
        if self.buffered.is_empty() {
            self.taken_offset = Some(offset);
        }
    }

    /// The position does not exist any more: find another one, as `start` says.
    pub(crate) fn reset(&mut self, start: StartOffset) {
        self.start = start;
        self.fetch_offset = None;
    }

    pub(crate) fn push(&mut self, batch: FetchedBatch) {
        self.fetch_offset = Some(batch.batch.next_offset());
        self.buffered_bytes += batch.batch.bytes().len();
        self.buffered.push_back(batch);
    }

    /// Forgets what has been fetched from an offset on, and what is under way.
    pub(crate) fn begin_again(&mut self, offset: i64, epoch: u32) {
        let Self { paused, reported, high_watermark, .. } = *self;
        *self = Self { paused, reported, high_watermark, ..Self::new(StartOffset::At(offset), epoch) };
    }

    /// Passes over a batch that is not for the application.
    pub(crate) fn skip(&mut self, next_offset: i64) {
        self.fetch_offset = Some(next_offset);
        if self.buffered.is_empty() {
            self.taken_offset = Some(next_offset);
        }
    }

    pub(crate) fn take(&mut self, name: &TopicPartition) -> Option<FetchedBatch> {
        if self.paused {
            return None;
        }
        let batch = self.buffered.pop_front()?;
        debug_assert_eq!(&batch.partition, name, "a batch is buffered where it was fetched");
        self.buffered_bytes -= batch.batch.bytes().len();
        // Batches that were skipped after the last one count as taken with it.
        self.taken_offset =
            if self.buffered.is_empty() { self.fetch_offset } else { Some(batch.batch.next_offset()) };
        Some(batch)
    }

    pub(crate) fn has_buffered(&self) -> bool {
        !self.buffered.is_empty()
    }

    pub(crate) const fn buffered_bytes(&self) -> usize {
        self.buffered_bytes
    }

    pub(crate) fn forget_request(&mut self) {
        self.busy = false;
        self.retry_at = None;
    }

    /// A start begins: what stood in the way before may be gone, and is reported again if it is not.
    pub(crate) fn begin(&mut self) {
        self.halted = None;
        self.reported = 0;
        self.failures = 0;
    }
}
