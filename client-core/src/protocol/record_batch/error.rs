//! What can be wrong with record batches.

use core::fmt;

use super::compression::CompressionError;
use crate::compression::Compression;

/// Why bytes could not be read as record batches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RecordBatchError {
    /// Where, in bytes from the start of the batch (of the first batch, when it comes from
    /// [`Batches`](super::Batches)).
    pub position: usize,
    /// What was wrong.
    pub problem: RecordBatchProblem,
}

/// What was wrong with bytes that could not be read as record batches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RecordBatchProblem {
    /// Records in a format that Kafka wrote before version 0.11, or in one it has invented since.
    UnsupportedMagic {
        /// The format found.
        got: i8,
    },
    /// A batch that claims to be shorter than its own header.
    BatchTooShort {
        /// The least a batch can claim.
        expected_at_least: usize,
        /// The length found.
        got: i32,
    },
    /// A batch whose bytes do not have the checksum it carries: they were damaged on the way or on disk.
    CrcMismatch {
        /// The checksum it carries.
        expected: u32,
        /// The checksum of the bytes.
        got: u32,
    },
    /// Records that are still compressed.
    Compressed(Compression),
    /// Records that cannot be decompressed.
    CannotDecompress(CompressionError),
    /// A compression Kafka has invented since.
    UnknownCompression {
        /// Its number.
        got: i16,
    },
    /// A batch that claims more records than its bytes could hold, or a negative number of them.
    InvalidRecordCount {
        /// The most that would fit.
        expected_at_most: usize,
        /// The count found.
        got: i32,
    },
    /// A batch that goes on after its last record, or a record that goes on after its last header.
    TrailingBytes {
        /// How many bytes.
        got: usize,
    },
    /// A record, key, value or header that ends after what it is part of.
    EndOfInput {
        /// Bytes it needs.
        expected: usize,
        /// Bytes that are left.
        got: usize,
    },
    /// A length below -1, the mark of null; or below 0, where null is not allowed.
    NegativeLength {
        /// The length found.
        got: i32,
    },
    /// A variable-length integer that does not fit into the bits of its type.
    VarintOverflow {
        /// The bits of its type.
        bits: u32,
    },
    /// A record whose offset lies outside of its batch.
    OffsetOutsideBatch {
        /// The batch's last offset, from its first one.
        expected_at_most: i32,
        /// The record's offset, from the batch's first one.
        got: i32,
    },
}

impl RecordBatchError {
    #[cold]
    pub(super) const fn new(position: usize, problem: RecordBatchProblem) -> Self {
        Self { position, problem }
    }

    /// The same error, seen from bytes that begin earlier.
    pub(super) const fn shifted(self, by: usize) -> Self {
        Self { position: self.position + by, problem: self.problem }
    }
}

impl fmt::Display for RecordBatchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "record batch, at byte {}: {}", self.position, self.problem)
    }
}

impl core::error::Error for RecordBatchError {}

impl fmt::Display for RecordBatchProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::UnsupportedMagic { got } => {
                write!(f, "expected records in format 2 (Kafka 0.11 and newer), got format {got}")
            }
            Self::BatchTooShort { expected_at_least, got } => {
                write!(f, "expected a batch length of at least {expected_at_least}, got {got}")
            }
            Self::CrcMismatch { expected, got } => {
                write!(f, "expected bytes with checksum {expected:08x}, got {got:08x}: they are damaged")
            }
            Self::Compressed(compression) => {
                write!(f, "expected decompressed records, got {}", compression.name())
            }
            Self::CannotDecompress(CompressionError { compression, problem, .. }) => {
                write!(f, "{}: {problem}", compression.name())
            }
            Self::UnknownCompression { got } => {
                write!(f, "expected a compression from 0 to 4, got {got}")
            }
            Self::InvalidRecordCount { expected_at_most, got } => {
                write!(
                    f,
                    "expected from 0 to {expected_at_most} records in the bytes of the batch, got {got}"
                )
            }
            Self::TrailingBytes { got } => {
                write!(f, "expected the end of the batch or record, got {got} more bytes")
            }
            Self::EndOfInput { expected, got } => write!(f, "expected {expected} more bytes, got {got}"),
            Self::NegativeLength { got } => write!(f, "expected a length, got {got}"),
            Self::VarintOverflow { bits } => {
                write!(f, "expected a variable-length integer of {bits} bits, got a longer one")
            }
            Self::OffsetOutsideBatch { expected_at_most, got } => {
                write!(f, "expected an offset delta from 0 to {expected_at_most}, got {got}")
            }
        }
    }
}
