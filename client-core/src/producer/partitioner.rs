//! Which partition a record goes to.

use crate::config::Partitioner;
use crate::rng::Rng;

/// Chooses partitions for the records of one topic.
#[derive(Clone, Debug)]
pub(crate) struct Chooser {
    partitioner: Partitioner,
    rng: Rng,
    /// The partition for records without key, and how many bytes have gone there since it was chosen.
    sticky: Option<(i32, usize)>,
    next: u32,
}

impl Chooser {
    pub(crate) const fn new(partitioner: Partitioner, rng: Rng) -> Self {
        Self { partitioner, rng, sticky: None, next: 0 }
    }

    /// A partition out of `count`. Records without key stay with one partition until `batch_size` bytes have gone
    /// there, then move to another that is `available`, if there is one (KIP-480, KIP-794).
    pub(crate) fn choose(
        &mut self,
        key: Option<&[u8]>,
        size: usize,
        count: u32,
        batch_size: usize,
        available: impl Fn(i32) -> bool,
    ) -> i32 {
        match (self.partitioner, key) {
            (Partitioner::RoundRobin, _) => {
                let chosen = self.next % count;
                self.next = self.next.wrapping_add(1);
                chosen.cast_signed()
            }
            (Partitioner::Default, Some(key)) => ((murmur2(key) & 0x7fff_ffff) % count).cast_signed(),
            (Partitioner::Default, None) => {
                let stays = self.sticky.filter(|(partition, sent)| {
                    *sent < batch_size && partition.cast_unsigned() < count && available(*partition)
                });
                let (partition, sent) = stays.unwrap_or_else(|| (self.draw(count, available), 0));
                self.sticky = Some((partition, sent + size));
                partition
            }
        }
    }

    fn draw(&mut self, count: u32, available: impl Fn(i32) -> bool) -> i32 {
        let previous = self.sticky.map(|(partition, _)| partition);
        let start = u32::try_from(self.rng.below(u64::from(count))).unwrap_or(0);
        let candidates = || (0..count).map(|step| ((start + step) % count).cast_signed());
        candidates()
            .find(|partition| available(*partition) && Some(*partition) != previous)
            .or_else(|| candidates().find(|partition| available(*partition)))
            .unwrap_or_else(|| start.cast_signed())
    }
}

/// The hash with which the Java client spreads keys: 32-bit murmur2 with its seed.
pub(crate) fn murmur2(key: &[u8]) -> u32 {
    const M: u32 = 0x5bd1_e995;
    const SEED: u32 = 0x9747_b28c;
    // Java's lengths have 32 bits, and no record is as long as that.
    let mut hash = SEED ^ key.len() as u32;
    let mut words = key.chunks_exact(4);
    for word in &mut words {
        let mut k = word.iter().rev().fold(0_u32, |k, byte| (k << 8) | u32::from(*byte));
        k = k.wrapping_mul(M);
        k ^= k >> 24;
        k = k.wrapping_mul(M);
        hash = hash.wrapping_mul(M) ^ k;
    }
    let rest = words.remainder();
    if !rest.is_empty() {
        let tail = rest.iter().rev().fold(0_u32, |tail, byte| (tail << 8) | u32::from(*byte));
        hash = (hash ^ tail).wrapping_mul(M);
    }
    hash ^= hash >> 13;
    hash = hash.wrapping_mul(M);
    hash ^ (hash >> 15)
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    /// Values of `org.apache.kafka.common.utils.Utils.murmur2`.
    #[test]
    fn keys_hash_as_in_java() {
        for (key, hash) in [
            ("21", -973_932_308),
            ("foobar", -790_332_482),
            ("a-little-bit-long-string", -985_981_536),
            ("a-little-bit-longer-string", -1_486_304_829),
            ("lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58_897_971),
            ("abc", 479_470_107),
        ] {
            assert_eq!(murmur2(key.as_bytes()).cast_signed(), hash, "{key}");
        }
    }

    #[test]
    fn records_without_key_stay_until_a_batch_is_full() {
        let mut chooser = Chooser::new(Partitioner::Default, Rng::new(1));
        let chosen: Vec<i32> = (0..40).map(|_| chooser.choose(None, 100, 5, 1_000, |_| true)).collect();
        for run in chosen.chunks(10) {
            assert!(run.iter().all(|partition| *partition == run[0]), "{chosen:?}");
        }
        assert!(chosen.chunks(10).zip(chosen.chunks(10).skip(1)).all(|(a, b)| a[0] != b[0]), "{chosen:?}");
    }

    #[test]
    fn partitions_without_leader_are_avoided() {
        let mut chooser = Chooser::new(Partitioner::Default, Rng::new(1));
        assert!((0..50).all(|_| chooser.choose(None, 100, 3, 100, |partition| partition == 2) == 2));
    }

    #[test]
    fn round_robin_ignores_keys() {
        let mut chooser = Chooser::new(Partitioner::RoundRobin, Rng::new(1));
        let chosen: Vec<i32> = (0..4).map(|_| chooser.choose(Some(b"k"), 1, 3, 1, |_| true)).collect();
        assert_eq!(chosen, [0, 1, 2, 0]);
    }
}
