//! Snappy, in the framing of xerial's Java library, which Kafka's Java client has always used: a header of 16 bytes (magic and two
//! versions), then blocks, each with its compressed length in front (32 bits, big-endian).
//!
//! Written that way. Read that way and as a single block without header, as librdkafka writes it. The versions are not looked at:
//! there has been only one.

use super::output::Output;
use super::{CompressionError, CompressionProblem, Input};
use alloc::vec::Vec;
use snap::raw::{Decoder, Encoder, decompress_len, max_compress_len};

pub(super) fn compress(records: &[u8], compressed: &mut Vec<u8>) {
    compressed.extend_from_slice(&MAGIC);
    compressed.extend_from_slice(&VERSION.to_be_bytes());
    compressed.extend_from_slice(&VERSION.to_be_bytes());
    let mut encoder = Encoder::new();
    for block in records.chunks(BLOCK_SIZE) {
        let start = compressed.len();
        compressed.resize(start + LENGTH_SIZE + max_compress_len(block.len()), 0);
        let length = encoder
            .compress(block, &mut compressed[start + LENGTH_SIZE..])
            .unwrap_or_else(|error| unreachable!("there is room for the longest result: {error}"));
        compressed[start..start + LENGTH_SIZE].copy_from_slice(&(length as u32).to_be_bytes());
        compressed.truncate(start + LENGTH_SIZE + length);
    }
}

pub(super) fn decompress(compressed: &[u8], output: &mut Output<'_>) -> Result<(), CompressionError> {
    let mut input = Input::new(compressed);
    if !compressed.starts_with(&MAGIC) {
        return decompress_block(&mut input, compressed.len(), output);
    }
    input.take(HEADER_SIZE)?;
    while !input.rest.is_empty() {
        let length = u32::from_be_bytes(input.array()?) as usize;
        decompress_block(&mut input, length, output)?;
    }
    Ok(())
}

fn decompress_block(
    input: &mut Input<'_>,
    length: usize,
    output: &mut Output<'_>,
) -> Result<(), CompressionError> {
    let position = input.position();
    let malformed = || CompressionError::new(position, CompressionProblem::Malformed("no Snappy block"));
    let block = input.take(length)?;
    let size = decompress_len(block).map_err(|_| malformed())?;
    let expected_at_most = block.len().saturating_mul(RATIO_MAX);
    if size > expected_at_most {
        let problem = CompressionProblem::InvalidLength { expected_at_most, got: size };
        return Err(CompressionError::new(position, problem));
    }
    if output.check(size).is_err() {
        return Err(output.too_large(position));
    }
    output.fill(size, |_, place| Decoder::new().decompress(block, place)).map_err(|_| malformed())?;
    Ok(())
}

const MAGIC: [u8; 8] = *b"\x82SNAPPY\0";
/// The version of the framing, and the oldest one that can read it.
const VERSION: u32 = 1;
const HEADER_SIZE: usize = MAGIC.len() + 8;
const LENGTH_SIZE: usize = 4;

/// What is compressed at once: all that a Snappy encoder looks back over.
const BLOCK_SIZE: usize = 64 << 10;

/// More than Snappy can save: three bytes stand for at most 64.
const RATIO_MAX: usize = 64 / 3 + 1;
