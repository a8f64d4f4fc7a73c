//! Where decompressed bytes go, and no more of them than allowed.

use super::{CompressionError, CompressionProblem};
use alloc::vec::Vec;

/// Decompressed bytes behind others, with a limit.
pub(super) struct Output<'a> {
    bytes: &'a mut Vec<u8>,
    /// Where the decompressed ones begin.
    start: usize,
    limit: usize,
}

impl<'a> Output<'a> {
    pub(super) const fn new(bytes: &'a mut Vec<u8>, limit: usize) -> Self {
        let start = bytes.len();
        Self { bytes, start, limit }
    }

    /// How many there are.
    pub(super) const fn len(&self) -> usize {
        self.bytes.len() - self.start
    }

    /// How many more there may be.
    pub(super) const fn room(&self) -> usize {
        self.limit - self.len()
    }

    /// Those from a place on.
    pub(super) fn since(&self, place: usize) -> &[u8] {
        &self.bytes[self.start + place..]
    }

    /// Adds bytes.
    pub(super) fn extend(&mut self, bytes: &[u8]) -> Result<(), CompressionError> {
        self.check(bytes.len())?;
        self.bytes.extend_from_slice(bytes);
        Ok(())
    }

    /// Makes place for so many bytes at most, lets `fill` write there and keeps as many as it says. `fill` also gets what has been
    /// written before.
    pub(super) fn fill<E>(
        &mut self,
        at_most: usize,
        fill: impl FnOnce(&[u8], &mut [u8]) -> Result<usize, E>,
    ) -> Result<usize, E> {
        let end = self.bytes.len();
        self.bytes.resize(end + at_most.min(self.room()), 0);
        let (before, place) = self.bytes.split_at_mut(end);
        let filled = fill(&before[self.start..], place);
        self.bytes.truncate(end + filled.as_ref().map_or(0, |filled| *filled));
        filled
    }

    /// Makes place for as many bytes from `start` on, as far as the limit allows, and lets `fill` write there. What has been written there
    /// before is kept. To be ended with [`keep`](Self::keep).
    pub(super) fn refill<R>(&mut self, start: usize, place: usize, fill: impl FnOnce(&mut [u8]) -> R) -> R {
        self.bytes.resize(self.start + start.saturating_add(place).min(self.limit), 0);
        fill(&mut self.bytes[self.start + start..])
    }

    /// Keeps as many bytes.
    pub(super) fn keep(&mut self, length: usize) {
        self.bytes.truncate(self.start + length);
    }

    /// Whether so many more bytes are allowed.
    pub(super) const fn check(&self, more: usize) -> Result<(), CompressionError> {
        if more <= self.room() { Ok(()) } else { Err(self.too_large(0)) }
    }

    #[cold]
    pub(super) const fn too_large(&self, position: usize) -> CompressionError {
        CompressionError::new(position, CompressionProblem::TooLarge { limit: self.limit })
    }
}
