//! Kafka's 128-bit ids of topics and directories.

use core::fmt;

/// A 128-bit id, as Kafka gives to topics (KIP-516). All zero means "none".
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Uuid(pub [u8; 16]);

impl Uuid {
    /// The id that stands for "no id".
    pub const ZERO: Self = Self([0; 16]);

    /// Whether this is the id that stands for "no id".
    pub fn is_zero(&self) -> bool {
        *self == Self::ZERO
    }
}

/// Kafka's own notation, which its tools print and accept: URL-safe base64, without padding.
impl fmt::Display for Uuid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
        for group in self.0.chunks(3) {
            let mut bits = 0u32;
            for index in 0..3 {
                bits = bits << 8 | u32::from(group.get(index).copied().unwrap_or(0));
            }
            for digit in 0..=group.len() {
                let index = (bits >> (18 - 6 * digit)) & 63;
                write!(f, "{}", char::from(DIGITS[index as usize]))?;
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Uuid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Uuid({self})")
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;

    use super::Uuid;

    #[test]
    fn prints_like_kafka_does() {
        // Known from Kafka itself: its reserved id for the cluster metadata topic is 0…01.
        let mut one = [0; 16];
        one[15] = 1;
        assert_eq!(Uuid(one).to_string(), "AAAAAAAAAAAAAAAAAAAAAQ");
        assert_eq!(Uuid::ZERO.to_string(), "AAAAAAAAAAAAAAAAAAAAAA");
        assert_eq!(Uuid([0xff; 16]).to_string(), "_____________________w");
    }
}
