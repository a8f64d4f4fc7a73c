//! A small seeded generator (`SplitMix64`), forked by label, so that one more draw in one machine does not
//! change another machine's jitter. Not for secrets: drivers hand in nonces where a protocol needs them.

/// A deterministic stream of numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rng {
    state: u64,
}

impl Rng {
    /// The stream of this seed.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self { state: seed }
    }

    /// An independent stream for one machine: the same seed, label and number always give the same stream.
    #[must_use]
    pub fn fork(&self, label: &str, number: u64) -> Self {
        let mut hash = self.state ^ 0xcbf2_9ce4_8422_2325;
        for byte in label.bytes().chain(number.to_le_bytes()) {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
        let mut forked = Self::new(hash);
        forked.next_u64();
        forked
    }

    /// The next 64 bits.
    pub const fn next_u64(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number from 0 to `bound - 1`, or 0 when `bound` is 0.
    pub const fn below(&mut self, bound: u64) -> u64 {
        // The high half of a 128-bit product: no division, and a bias too small to matter for jitter.
        ((self.next_u64() as u128 * bound as u128) >> 64) as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn forks_depend_on_the_seed_the_label_and_the_number_only() {
        let rng = Rng::new(7);
        let mut drained = rng.clone();
        assert_eq!(rng.fork("jitter", 1), rng.fork("jitter", 1));
        assert_ne!(rng.fork("jitter", 1), rng.fork("jitter", 2));
        assert_ne!(rng.fork("jitter", 1), rng.fork("sticky", 1));
        drained.next_u64();
        assert_ne!(rng, drained);
    }

    #[test]
    fn below_stays_below() {
        let mut rng = Rng::new(1);
        assert!((0..1_000).all(|_| rng.below(7) < 7));
        assert_eq!(rng.below(0), 0);
    }
}
