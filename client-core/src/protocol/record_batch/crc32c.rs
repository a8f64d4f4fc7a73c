//! CRC-32C (Castagnoli), the checksum of record batches.
//!
//! Processors have instructions for it, and the `crc32c` crate uses them. WebAssembly has none: there a
//! table-driven one of our own is used, twice as fast as the crate's. Its tables are built at the first
//! use; as constants they would be 12 KiB in every download that no compression makes smaller.

/// The CRC-32C of the bytes.
pub fn crc32c(bytes: &[u8]) -> u32 {
    #[cfg(target_family = "wasm")]
    {
        software::crc32c(bytes)
    }
    #[cfg(not(target_family = "wasm"))]
    {
        ::crc32c::crc32c(bytes)
    }
}

#[cfg(any(target_family = "wasm", test))]
mod software {
    use core::sync::atomic::{AtomicBool, AtomicU32, Ordering};

    /// Three stretches of the input are summed side by side, so that the processor works on two while it
    /// waits for the tables of the third; then each sum is moved past the stretch after it.
    pub(super) fn crc32c(bytes: &[u8]) -> u32 {
        let tables = Tables::get();
        let mut crc = !0;
        let (words, odd_bytes) = bytes.as_chunks::<8>();
        let (blocks, odd_words) = words.as_chunks::<{ 3 * STRETCH_WORDS }>();
        for block in blocks {
            let (first, others) = block.split_at(STRETCH_WORDS);
            let (second, third) = others.split_at(STRETCH_WORDS);
            let (mut crc_of_second, mut crc_of_third) = (0, 0);
            for ((a, b), c) in first.iter().zip(second).zip(third) {
                crc = tables.add_word(crc, *a);
                crc_of_second = tables.add_word(crc_of_second, *b);
                crc_of_third = tables.add_word(crc_of_third, *c);
            }
            crc = tables.skip_stretch(crc) ^ crc_of_second;
            crc = tables.skip_stretch(crc) ^ crc_of_third;
        }
        for word in odd_words {
            crc = tables.add_word(crc, *word);
        }
        for byte in odd_bytes {
            crc = tables.add_byte(crc, *byte);
        }
        !crc
    }

    /// What the sums are looked up in. The cells are atomic only so that they can be filled in at the first
    /// use: everyone who fills them in writes the same, and reading one costs what reading a number costs.
    struct Tables {
        /// The effect of a byte that is followed by 0 to 7 others.
        by_byte: [[AtomicU32; 256]; 8],
        /// The effect of a stretch of zeros on each byte of the sum.
        by_stretch: [[AtomicU32; 256]; 4],
        ready: AtomicBool,
    }

    static TABLES: Tables = Tables {
        by_byte: [const { [const { AtomicU32::new(0) }; 256] }; 8],
        by_stretch: [const { [const { AtomicU32::new(0) }; 256] }; 4],
        ready: AtomicBool::new(false),
    };

    impl Tables {
        #[inline]
        fn get() -> &'static Self {
            if !TABLES.ready.load(Ordering::Acquire) {
                TABLES.fill();
            }
            &TABLES
        }

        #[cold]
        fn fill(&self) {
            for (byte, cell) in (0u32..).zip(&self.by_byte[0]) {
                let sum = (0..8).fold(byte, |sum, _| (sum >> 1) ^ if sum & 1 == 1 { POLYNOMIAL } else { 0 });
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
                    *effect =
                        (0..8 * STRETCH_WORDS).fold(1 << (8 * place + bit), |sum, _| self.add_byte(sum, 0));
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

    /// Castagnoli's polynomial, the lowest bit first.
    const POLYNOMIAL: u32 = 0x82f6_3b78;
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use super::{crc32c, software};
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[track_caller]
    fn check(bytes: &[u8], expected: u32) {
        assert_eq!(crc32c(bytes), expected);
        assert_eq!(software::crc32c(bytes), expected);
    }

    /// The check value of the CRC catalogue, and the examples of RFC 3720 (iSCSI), appendix B.4.
    #[test]
    fn known_answers() {
        check(b"", 0);
        check(b"123456789", 0xe306_9283);
        check(&[0; 32], 0x8a91_36aa);
        check(&[0xff; 32], 0x62a8_ab43);
        check(&(0..32).collect::<Vec<_>>(), 0x46dd_794e);
        check(&(0..32).rev().collect::<Vec<_>>(), 0x113f_db5c);
    }

    #[test]
    fn both_ways_agree_at_every_length() {
        let bytes: Vec<u8> = (0..5000u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
        for length in (0..2100).chain([4095, 4096, 4999, 5000]) {
            assert_eq!(software::crc32c(&bytes[..length]), crc32c(&bytes[..length]), "{length} bytes");
        }
    }
}
