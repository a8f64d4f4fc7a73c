//! CRC-32C (Castagnoli), the checksum of record batches.
//!
//! Processors have instructions for it, and the `crc32c` crate uses them. WebAssembly has none: there a
//! table-driven one of our own is used, twice as fast as the crate's.

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
    use super::super::crc_tables::Tables;

    pub(super) fn crc32c(bytes: &[u8]) -> u32 {
        TABLES.sum(POLYNOMIAL, bytes)
    }

    static TABLES: Tables = Tables::new();

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
