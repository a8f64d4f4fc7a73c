//! LZ4 frames: a header, blocks with their length in front (32 bits, little-endian, the highest bit for blocks that are stored as they
//! are), and a length of zero at the end. Batches of format 2 have the header checksum right; older formats of Kafka did not.
//!
//! Written as Kafka's Java client does: independent blocks of 64 KiB, no checksums. Read in all variants but with dictionaries;
//! checksums are passed over. Frames may follow each other; what follows the last one and is none is ignored, as Java's client
//! ignores it.

use super::output::Output;
use super::{CompressionError, CompressionProblem, Input};
use alloc::vec::Vec;
use lz4_flex::block::{
    CompressTable, compress_into_with_table, decompress_into, decompress_into_with_dict,
    get_maximum_output_size,
};

pub(super) fn compress(records: &[u8], compressed: &mut Vec<u8>) {
    compressed.extend_from_slice(&MAGIC);
    compressed.extend_from_slice(&OUR_DESCRIPTOR);
    let mut table = CompressTable::default();
    for block in records.chunks(OUR_BLOCK_SIZE) {
        let start = compressed.len();
        compressed.resize(start + LENGTH_SIZE + get_maximum_output_size(block.len()), 0);
        let place = &mut compressed[start + LENGTH_SIZE..];
        let (length, stored) = match compress_into_with_table(block, place, &mut table) {
            Ok(length) if length < block.len() => (length, 0),
            // What does not shrink is stored.
            Ok(_) | Err(_) => {
                place[..block.len()].copy_from_slice(block);
                (block.len(), STORED)
            }
        };
        compressed[start..start + LENGTH_SIZE].copy_from_slice(&(length as u32 | stored).to_le_bytes());
        compressed.truncate(start + LENGTH_SIZE + length);
    }
    compressed.extend_from_slice(&END_MARK.to_le_bytes());
}

pub(super) fn decompress(compressed: &[u8], output: &mut Output<'_>) -> Result<(), CompressionError> {
    let mut input = Input::new(compressed);
    decompress_frame(&mut input, output)?;
    while input.rest.starts_with(&MAGIC) {
        decompress_frame(&mut input, output)?;
    }
    Ok(())
}

fn decompress_frame(input: &mut Input<'_>, output: &mut Output<'_>) -> Result<(), CompressionError> {
    let frame = Frame::read(input)?;
    let start = output.len();
    loop {
        let position = input.position();
        let length = u32::from_le_bytes(input.array()?);
        if length == END_MARK {
            break;
        }
        let is_stored = length & STORED != 0;
        let length = (length & !STORED) as usize;
        if length > frame.block_size_max {
            let problem =
                CompressionProblem::InvalidLength { expected_at_most: frame.block_size_max, got: length };
            return Err(CompressionError::new(position, problem));
        }
        let block = input.take(length)?;
        if is_stored {
            output.extend(block).map_err(|error| CompressionError { position, ..error })?;
        } else {
            decompress_block(block, &frame, start, output, position)?;
        }
        input.take(frame.block_checksum_size)?;
    }
    input.take(frame.content_checksum_size)?;
    Ok(())
}

fn decompress_block(
    block: &[u8],
    frame: &Frame,
    frame_start: usize,
    output: &mut Output<'_>,
    position: usize,
) -> Result<(), CompressionError> {
    let size_max = frame.block_size_max.min(block.len().saturating_mul(RATIO_MAX));
    let is_cut_short = output.room() < size_max;
    let result = output.fill(size_max, |before, place| {
        if frame.is_linked {
            let dictionary = &before[frame_start.max(before.len().saturating_sub(WINDOW_SIZE))..];
            decompress_into_with_dict(block, place, dictionary)
        } else {
            decompress_into(block, place)
        }
    });
    match result {
        Ok(_) => Ok(()),
        Err(lz4_flex::block::DecompressError::OutputTooSmall { .. }) if is_cut_short => {
            Err(output.too_large(position))
        }
        Err(_) => Err(CompressionError::new(position, CompressionProblem::Malformed("no LZ4 block"))),
    }
}

/// What a frame's header says.
struct Frame {
    /// Whether blocks refer to those before them.
    is_linked: bool,
    /// The most a block takes, decompressed or stored.
    block_size_max: usize,
    block_checksum_size: usize,
    content_checksum_size: usize,
}

impl Frame {
    fn read(input: &mut Input<'_>) -> Result<Self, CompressionError> {
        let start = input.position();
        let magic = input.array()?;
        if magic != MAGIC {
            let [expected, got] = [MAGIC, magic].map(u32::from_be_bytes);
            return Err(CompressionError::new(start, CompressionProblem::WrongStart { expected, got }));
        }
        let position = input.position();
        let problem = |problem| Err(CompressionError::new(position, problem));
        let [flags, block_descriptor] = input.array()?;
        if flags & VERSION_MASK != VERSION_1 {
            return problem(CompressionProblem::Unsupported("another version of LZ4 frames than the first"));
        }
        if flags & HAS_DICTIONARY != 0 {
            return problem(CompressionProblem::Unsupported("an LZ4 frame with a dictionary"));
        }
        let block_size_max = match block_descriptor >> 4 {
            code @ 4..=7 => 1 << (2 * code + 8),
            _ => return problem(CompressionProblem::Malformed("an LZ4 block size that does not exist")),
        };
        // The content's size, if there, and the header's checksum. The size decides nothing.
        input.take(if flags & HAS_CONTENT_SIZE == 0 { 1 } else { 9 })?;
        let checksum_size = |flag| if flags & flag == 0 { 0 } else { 4 };
        Ok(Self {
            is_linked: flags & INDEPENDENT == 0,
            block_size_max,
            block_checksum_size: checksum_size(HAS_BLOCK_CHECKSUMS),
            content_checksum_size: checksum_size(HAS_CONTENT_CHECKSUM),
        })
    }
}

const MAGIC: [u8; 4] = 0x184d_2204_u32.to_le_bytes();
const END_MARK: u32 = 0;
const LENGTH_SIZE: usize = 4;
/// The bit of a block's length that says that it is stored as it is.
const STORED: u32 = 1 << 31;

const VERSION_MASK: u8 = 0b1100_0000;
const VERSION_1: u8 = 0b0100_0000;
const INDEPENDENT: u8 = 0b0010_0000;
const HAS_BLOCK_CHECKSUMS: u8 = 0b0001_0000;
const HAS_CONTENT_SIZE: u8 = 0b0000_1000;
const HAS_CONTENT_CHECKSUM: u8 = 0b0000_0100;
const HAS_DICTIONARY: u8 = 0b0000_0001;

/// Version 1, independent blocks, of 64 KiB; and the checksum of these two bytes.
const OUR_DESCRIPTOR: [u8; 3] = [VERSION_1 | INDEPENDENT, 4 << 4, 0x82];
const OUR_BLOCK_SIZE: usize = 64 << 10;

/// How far blocks can refer back.
const WINDOW_SIZE: usize = 64 << 10;

/// More than LZ4 can save: a byte stands for at most 255, except for those of the token, of which there is one for at least three.
const RATIO_MAX: usize = 256;
