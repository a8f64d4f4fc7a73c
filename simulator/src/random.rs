//! Numbers that are functions of what they are for.
//!
//! A single stream of random numbers would make the whole network change its mind as soon as one client sends one
//! request more. Here each number depends on the seed, the link, the purpose and a count, and on nothing else,
//! so that two variants of a run differ only where their behaviour differs.

use client_core::rng::Rng;

/// The number for the `count`-th time this link needs a number for this purpose.
#[must_use]
pub fn draw(seed: u64, link: u64, purpose: &str, count: u64) -> u64 {
    Rng::new(seed).fork("link", link).fork(purpose, count).next_u64()
}

/// The same, scaled into `low..=high`; `low` if the range is empty.
#[must_use]
pub fn draw_in(seed: u64, link: u64, purpose: &str, count: u64, low: u64, high: u64) -> u64 {
    if high <= low {
        return low;
    }
    // A range of 2^64 numbers has no width that fits; nobody asks for it, and saturating only drops its last one.
    let width = (high - low).saturating_add(1);
    low + Rng::new(draw(seed, link, purpose, count)).below(width)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_part_of_the_key_matters_and_nothing_else() {
        let number = draw(1, 2, "delay", 3);
        assert_eq!(number, draw(1, 2, "delay", 3));
        for other in
            [draw(2, 2, "delay", 3), draw(1, 3, "delay", 3), draw(1, 2, "cut", 3), draw(1, 2, "delay", 4)]
        {
            assert_ne!(number, other);
        }
    }

    #[test]
    fn a_range_is_kept() {
        assert!((0..1_000).all(|count| (5..=9).contains(&draw_in(1, 2, "delay", count, 5, 9))));
        assert_eq!(draw_in(1, 2, "delay", 0, 7, 7), 7);
        assert_eq!(draw_in(1, 2, "delay", 0, 7, 3), 7);
    }
}
