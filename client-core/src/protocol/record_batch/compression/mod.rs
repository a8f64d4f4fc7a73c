//! The records of a batch, compressed and decompressed.
//!
//! The codecs come from libraries; what Kafka wraps around them is here: gzip members, xerial's framing of Snappy, LZ4 frames,
//! Zstandard frames. What is read may be hostile:
//!
//! - The decompressed size is bounded before memory is taken for it, whatever the bytes claim. Beyond the limit is an error.
//! - Memory in use meanwhile stays below about three times that limit.
//!
//! Checksums inside the formats are not looked at, except gzip's: that of the batch covers the same bytes.

mod error;
mod gzip;
mod lz4;
mod output;
mod snappy;
mod zstd;

pub use error::{CompressionError, CompressionProblem};

use crate::compression::Compression;
use alloc::vec::Vec;
use output::Output;

/// Compresses records. The result may be longer than they are.
///
/// With [`Compression::None`] it is a copy of them.
pub fn compress(compression: Compression, records: &[u8]) -> Vec<u8> {
    let mut compressed = Vec::new();
    compress_into(compression, records, &mut compressed);
    compressed
}

/// Decompresses records that take at most `size_max` bytes then.
///
/// # Errors
///
/// When the bytes are not what the compression makes, or more would come out of them.
pub fn decompress(
    compression: Compression,
    compressed: &[u8],
    size_max: usize,
) -> Result<Vec<u8>, CompressionError> {
    let mut records = Vec::new();
    decompress_into(compression, compressed, &mut records, size_max)?;
    Ok(records)
}

/// The same, behind what is there already.
pub(super) fn compress_into(compression: Compression, records: &[u8], compressed: &mut Vec<u8>) {
    match compression {
        Compression::None => compressed.extend_from_slice(records),
        Compression::Gzip => gzip::compress(records, compressed),
        Compression::Snappy => snappy::compress(records, compressed),
        Compression::Lz4 => lz4::compress(records, compressed),
        Compression::Zstd => zstd::compress(records, compressed),
    }
}

/// The same, behind what is there already, which does not count towards the limit.
pub(super) fn decompress_into(
    compression: Compression,
    compressed: &[u8],
    records: &mut Vec<u8>,
    size_max: usize,
) -> Result<(), CompressionError> {
    let mut output = Output::new(records, size_max);
    let result = match compression {
        Compression::None => output.extend(compressed),
        Compression::Gzip => gzip::decompress(compressed, &mut output),
        Compression::Snappy => snappy::decompress(compressed, &mut output),
        Compression::Lz4 => lz4::decompress(compressed, &mut output),
        Compression::Zstd => zstd::decompress(compressed, &mut output),
    };
    result.map_err(|error| CompressionError { compression, ..error })
}

/// Bytes from the front of what is still to be read, or an error at their place.
fn take<'a>(input: &mut Input<'a>, length: usize) -> Result<&'a [u8], CompressionError> {
    match input.rest.split_at_checked(length) {
        Some((taken, rest)) => {
            input.rest = rest;
            Ok(taken)
        }
        None => {
            Err(input.problem(CompressionProblem::EndOfInput { expected: length, got: input.rest.len() }))
        }
    }
}

/// What is still to be read.
struct Input<'a> {
    rest: &'a [u8],
    /// Of all of it.
    length: usize,
}

impl<'a> Input<'a> {
    const fn new(compressed: &'a [u8]) -> Self {
        Self { rest: compressed, length: compressed.len() }
    }

    /// How much has been read.
    const fn position(&self) -> usize {
        self.length - self.rest.len()
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8], CompressionError> {
        take(self, length)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], CompressionError> {
        let mut array = [0; N];
        array.copy_from_slice(self.take(N)?);
        Ok(array)
    }

    /// An error at the current place.
    #[cold]
    const fn problem(&self, problem: CompressionProblem) -> CompressionError {
        CompressionError::new(self.position(), problem)
    }
}
