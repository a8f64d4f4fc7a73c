//! What can be wrong with compressed records.

use crate::compression::Compression;
use core::fmt;

/// Why records could not be decompressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CompressionError {
    /// How they are compressed.
    pub compression: Compression,
    /// About where, in bytes from the start of what is compressed.
    pub position: usize,
    /// What was wrong.
    pub problem: CompressionProblem,
}

/// What was wrong with compressed records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CompressionProblem {
    /// Bytes that end inside of something.
    EndOfInput {
        /// Bytes it needs.
        expected: usize,
        /// Bytes that are left.
        got: usize,
    },
    /// A part that does not begin as it must.
    WrongStart {
        /// The first four bytes it must have, or as many as there are, as a big-endian number.
        expected: u32,
        /// Those found.
        got: u32,
    },
    /// A length that lies about what follows it.
    InvalidLength {
        /// The most it can be.
        expected_at_most: usize,
        /// The length found.
        got: usize,
    },
    /// Something which the format knows and nobody may use here, such as a dictionary.
    Unsupported(&'static str),
    /// Bytes which the compression does not make.
    Malformed(&'static str),
    /// A checksum that is not the one of the decompressed bytes.
    ChecksumMismatch {
        /// The checksum that stands there.
        expected: u32,
        /// The checksum of the bytes.
        got: u32,
    },
    /// More records than may be held in memory at once.
    TooLarge {
        /// The most bytes that are allowed.
        limit: usize,
    },
}

impl CompressionError {
    /// Whoever calls a codec fills in which one it was.
    #[cold]
    pub(super) const fn new(position: usize, problem: CompressionProblem) -> Self {
        Self { compression: Compression::None, position, problem }
    }
}

impl fmt::Display for CompressionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, at byte {}: {}", self.compression.name(), self.position, self.problem)
    }
}

impl core::error::Error for CompressionError {}

impl fmt::Display for CompressionProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::EndOfInput { expected, got } => write!(f, "expected {expected} more bytes, got {got}"),
            Self::WrongStart { expected, got } => write!(f, "expected {expected:08x}, got {got:08x}"),
            Self::InvalidLength { expected_at_most, got } => {
                write!(f, "expected a length of at most {expected_at_most}, got {got}")
            }
            Self::Unsupported(what) => write!(f, "{what} cannot be read"),
            Self::Malformed(what) => f.write_str(what),
            Self::ChecksumMismatch { expected, got } => {
                write!(f, "expected bytes with checksum {expected:08x}, got {got:08x}")
            }
            Self::TooLarge { limit } => {
                write!(
                    f,
                    "expected at most {limit} bytes of records, got more; raise maxFrameSize if they are meant"
                )
            }
        }
    }
}
