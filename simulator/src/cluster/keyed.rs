//! Randomness by key: the same seed, purpose, name and number always give the same value, whatever else was
//! asked for before.

/// 64 bits that depend on these four and nothing else.
pub(crate) fn keyed(seed: u64, purpose: &str, name: &str, number: u64) -> u64 {
    let mut hash = seed ^ 0xcbf2_9ce4_8422_2325;
    let separated = purpose.bytes().chain([0]).chain(name.bytes()).chain(number.to_le_bytes());
    for byte in separated {
        hash = (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
    }
    // The finalizer of MurmurHash3: spreads what FNV leaves in the low bits.
    hash = (hash ^ (hash >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
    hash = (hash ^ (hash >> 33)).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    hash ^ (hash >> 33)
}
