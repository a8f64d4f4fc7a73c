//! A 64-bit fingerprint of a world, the same on every platform.
//!
//! Everything fed to it has a fixed width: pointer-sized integers differ between 32-bit wasm and 64-bit hosts.

use core::fmt;

/// Takes in bytes and gives back 64 bits (FNV-1a, mixed at the end). Not for secrets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Digest {
    state: u64,
}

impl Default for Digest {
    fn default() -> Self {
        Self::new()
    }
}

impl Digest {
    /// An empty digest.
    #[must_use]
    pub const fn new() -> Self {
        Self { state: 0xcbf2_9ce4_8422_2325 }
    }

    /// Takes in bytes as they are; the caller sees to it that two different values cannot feed the same bytes.
    pub fn feed(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.state = (self.state ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
    }

    /// Takes in a number.
    pub fn feed_u64(&mut self, value: u64) {
        self.feed(&value.to_le_bytes());
    }

    /// Takes in text with its length, so that two texts in a row cannot be mistaken for others.
    pub fn feed_text(&mut self, text: &str) {
        self.feed_u64(text.len() as u64);
        self.feed(text.as_bytes());
    }

    /// Takes in a value by its `Debug` text: decimal numbers look the same whatever the pointer width.
    pub fn feed_debug(&mut self, value: &dyn fmt::Debug) {
        // Writing into a digest cannot fail; an error could only come from the value's own formatter, and the
        // derived ones have none. Feed a mark so that even then two digests differ rather than agree by luck.
        if fmt::write(&mut Sink(self), format_args!("{value:?}")).is_err() {
            self.feed(b"unformattable");
        }
        self.feed(&[0xff]);
    }

    /// The fingerprint.
    #[must_use]
    pub const fn finish(&self) -> u64 {
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}

struct Sink<'a>(&'a mut Digest);

impl fmt::Write for Sink<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0.feed(text.as_bytes());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_answers_hold_on_every_platform() {
        let mut digest = Digest::new();
        digest.feed(b"hello");
        // FNV-1a of "hello" is 0xa430d84680aabd0b; the end mixes it.
        assert_eq!(digest.state, 0xa430_d846_80aa_bd0b);
        let mut by_text = Digest::new();
        by_text.feed_debug(&(1_usize, "a"));
        let mut by_hand = Digest::new();
        by_hand.feed(b"(1, \"a\")\xff");
        assert_eq!(by_text.finish(), by_hand.finish());
    }
}
