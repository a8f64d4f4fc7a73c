//! Cyclic redundancy checks of 32 bits, by tables.
//!
//! The tables are built at the first use; as constants they would be 12 KiB in every download that no compression makes smaller.

use core::sync::atomic::{AtomicBool, AtomicU32, Ordering};

/// What the sums are looked up in. The cells are atomic only so that they can be filled in at the first
/// use: everyone who fills them in writes the same, and reading one costs what reading a number costs.
pub(super) struct Tables {
    /// The effect of a byte that is followed by 0 to 7 others.
    by_byte: [[AtomicU32; 256]; 8],
    /// The effect of a stretch of zeros on each byte of the sum.
    by_stretch: [[AtomicU32; 256]; 4],
    ready: AtomicBool,
}

impl Tables {
    /// Empty ones.
    pub(super) const fn new() -> Self {
        Self {
            by_byte: [const { [const { AtomicU32::new(0) }; 256] }; 8],
            by_stretch: [const { [const { AtomicU32::new(0) }; 256] }; 4],
            ready: AtomicBool::new(false),
        }
    }

    /// The checksum of the bytes. The polynomial has its lowest bit first, and is always the same.
    ///
    /// Three stretches of the input are summed side by side, so that the processor works on two while it
    /// waits for the tables of the third; then each sum is moved past the stretch after it.
    pub(super) fn sum(&self, polynomial: u32, bytes: &[u8]) -> u32 {
        if !self.ready.load(Ordering::Acquire) {
            self.fill(polynomial);
        }
        let mut crc = !0;
        let (words, odd_bytes) = bytes.as_chunks::<8>();
        let (blocks, odd_words) = words.as_chunks::<{ 3 * STRETCH_WORDS }>();
        for block in blocks {
            let (first, others) = block.split_at(STRETCH_WORDS);
            let (second, third) = others.split_at(STRETCH_WORDS);
            let (mut crc_of_second, mut crc_of_third) = (0, 0);
            for ((a, b), c) in first.iter().zip(second).zip(third) {
                crc = self.add_word(crc, *a);
                crc_of_second = self.add_word(crc_of_second, *b);
                crc_of_third = self.add_word(crc_of_third, *c);
            }
            crc = self.skip_stretch(crc) ^ crc_of_second;
            crc = self.skip_stretch(crc) ^ crc_of_third;
        }
        for word in odd_words {
            crc = self.add_word(crc, *word);
        }
        for byte in odd_bytes {
            crc = self.add_byte(crc, *byte);
        }
        !crc
    }

    #[cold]
    fn fill(&self, polynomial: u32) {
        for (byte, cell) in (0u32..).zip(&self.by_byte[0]) {
            let sum = (0..8).fold(byte, |sum, _| (sum >> 1) ^ if sum & 1 == 1 { polynomial } else { 0 });
            cell.store(sum, Ordering::Relaxed);
        }
        for followers in 1..self.by_byte.len() {
            for byte in 0..256 {
                let sum = self.by_byte[followers - 1][byte].load(Ordering::Relaxed);
                self.by_byte[followers][byte].store(self.add_byte(sum, 0), Ordering::Relaxed);
            }
        }
        for (place, table) in self.by_stretch.iter().enumerate() {
            // The effect is linear: that of a byte is the sum of the effects of its bits.
            let mut bits = [0; 8];
            for (bit, effect) in bits.iter_mut().enumerate() {
                *effect = (0..8 * STRETCH_WORDS).fold(1 << (8 * place + bit), |sum, _| self.add_byte(sum, 0));
            }
            for (byte, cell) in table.iter().enumerate() {
                let set = bits.iter().enumerate().filter(|(bit, _)| byte >> bit & 1 == 1);
                cell.store(set.fold(0, |sum, (_, effect)| sum ^ effect), Ordering::Relaxed);
            }
        }
        self.ready.store(true, Ordering::Release);
    }

    #[inline]
    fn add_byte(&self, crc: u32, byte: u8) -> u32 {
        look_up(&self.by_byte[0], crc ^ u32::from(byte)) ^ (crc >> 8)
    }

    #[inline]
    fn add_word(&self, crc: u32, word: [u8; 8]) -> u32 {
        let word = u64::from_le_bytes(word) ^ u64::from(crc);
        let (low, high) = (word as u32, (word >> 32) as u32);
        look_up(&self.by_byte[7], low)
            ^ look_up(&self.by_byte[6], low >> 8)
            ^ look_up(&self.by_byte[5], low >> 16)
            ^ look_up(&self.by_byte[4], low >> 24)
            ^ look_up(&self.by_byte[3], high)
            ^ look_up(&self.by_byte[2], high >> 8)
            ^ look_up(&self.by_byte[1], high >> 16)
            ^ look_up(&self.by_byte[0], high >> 24)
    }

    #[inline]
    fn skip_stretch(&self, crc: u32) -> u32 {
        look_up(&self.by_stretch[0], crc)
            ^ look_up(&self.by_stretch[1], crc >> 8)
            ^ look_up(&self.by_stretch[2], crc >> 16)
            ^ look_up(&self.by_stretch[3], crc >> 24)
    }
}

/// Looks the lowest byte up.
#[inline]
fn look_up(table: &[AtomicU32; 256], index: u32) -> u32 {
    table[(index & 0xff) as usize].load(Ordering::Relaxed)
}

/// Words of each of the three stretches. Long enough that moving a sum costs nothing in comparison, short
/// enough that few bytes are left to be summed one by one.
const STRETCH_WORDS: usize = 32;
