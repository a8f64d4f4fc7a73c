//! CRC-32 (IEEE 802.3), the checksum of gzip.

use super::crc_tables::Tables;

/// The CRC-32 of the bytes.
pub(super) fn crc32(bytes: &[u8]) -> u32 {
    TABLES.sum(POLYNOMIAL, bytes)
}

static TABLES: Tables = Tables::new();

/// The polynomial, the lowest bit first.
const POLYNOMIAL: u32 = 0xedb8_8320;

#[cfg(test)]
mod tests {
    use super::crc32;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    /// The check value of the CRC catalogue, and what zlib computes for a longer text.
    #[test]
    fn known_answers() {
        assert_eq!(crc32(b""), 0);
        assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
        assert_eq!(crc32(&[b'k'; 1000]), 0x72b1_cbab);
    }
}
