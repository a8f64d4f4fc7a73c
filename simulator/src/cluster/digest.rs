//! What the cluster feeds to a digest besides plain numbers.

use crate::digest::Digest;

/// More ways to feed a digest.
pub(crate) trait Feed {
    /// Takes a signed number in, as eight bytes.
    fn feed_i64(&mut self, number: i64);

    /// Takes bytes in with their length in front, so that neighbours cannot flow into each other.
    fn feed_sized(&mut self, bytes: &[u8]);
}

impl Feed for Digest {
    fn feed_i64(&mut self, number: i64) {
        self.feed(&number.to_le_bytes());
    }

    fn feed_sized(&mut self, bytes: &[u8]) {
        self.feed_u64(bytes.len() as u64);
        self.feed(bytes);
    }
}
