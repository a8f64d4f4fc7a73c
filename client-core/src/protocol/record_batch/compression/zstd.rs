//! Zstandard frames (RFC 8878, KIP-110).
//!
//! Written by ruzstd's encoder, about as the first level of the original does it. Read in all variants but with dictionaries. Frames may
//! follow each other, skippable ones too.
//!
//! A frame's header says how far its matches reach back (the window): up to 128 MiB at Java's highest level, even for a batch of a few
//! hundred bytes. The decoder keeps that many bytes before it gives any out, so the header is read here, and the decoder sees one with a
//! window no larger than the records may be: when more comes, they are too large anyway.

use super::output::Output;
use super::{CompressionError, CompressionProblem, Input};
use alloc::vec::Vec;
use ruzstd::decoding::{BlockDecodingStrategy, FrameDecoder};
use ruzstd::encoding::{CompressionLevel, compress as encode};
use ruzstd::io::Read;

pub(super) fn compress(records: &[u8], compressed: &mut Vec<u8>) {
    encode(records, compressed, CompressionLevel::Fastest);
}

pub(super) fn decompress(compressed: &[u8], output: &mut Output<'_>) -> Result<(), CompressionError> {
    let mut input = Input::new(compressed);
    // None at all is not what a compressor makes.
    loop {
        let start = input.position();
        let magic = u32::from_le_bytes(input.array()?);
        if magic & SKIPPABLE_MASK == SKIPPABLE_MAGIC {
            let length = u32::from_le_bytes(input.array()?) as usize;
            input.take(length)?;
        } else if magic == MAGIC {
            decompress_frame(&mut input, output)?;
        } else {
            let [expected, got] = [MAGIC, magic].map(u32::swap_bytes);
            return Err(CompressionError::new(start, CompressionProblem::WrongStart { expected, got }));
        }
        if input.rest.is_empty() {
            return Ok(());
        }
    }
}

fn decompress_frame(input: &mut Input<'_>, output: &mut Output<'_>) -> Result<(), CompressionError> {
    let header = Header::read(input)?;
    let start = output.len();
    if header.content_size.is_some_and(|size| size > output.room() as u64) {
        return Err(output.too_large(input.position()));
    }
    let malformed = |input: &Input<'_>| input.problem(CompressionProblem::Malformed("no Zstandard frame"));
    let mut decoder = FrameDecoder::new();
    decoder.set_max_window_size(u64::MAX);
    decoder.reset(&header.for_decoder(output.room())[..]).map_err(|_| malformed(input))?;
    loop {
        // Exactly the bytes of a block are read, or none. A block gives at most 128 KiB.
        let is_last = decoder
            .decode_blocks(&mut input.rest, BlockDecodingStrategy::UptoBlocks(1))
            .map_err(|_| malformed(input))?;
        let ready = decoder.can_collect();
        if output.check(ready).is_err() {
            return Err(output.too_large(input.position()));
        }
        let collected = output.fill(ready, |_, place| decoder.read(place)).map_err(|_| malformed(input))?;
        debug_assert_eq!(collected, ready, "it said that it was ready");
        if is_last {
            break;
        }
    }
    let got = output.len() - start;
    if header.content_size.is_some_and(|expected| expected != got as u64) {
        return Err(malformed(input));
    }
    Ok(())
}

/// What a frame's header says.
struct Header {
    has_checksum: bool,
    /// How far matches reach back.
    window_size: u64,
    content_size: Option<u64>,
}

impl Header {
    /// Reads what stands behind the magic number.
    fn read(input: &mut Input<'_>) -> Result<Self, CompressionError> {
        let position = input.position();
        let [descriptor] = input.array()?;
        if descriptor & RESERVED != 0 {
            let problem =
                CompressionProblem::Unsupported("a Zstandard frame with flags that have no meaning");
            return Err(CompressionError::new(position, problem));
        }
        let is_single_segment = descriptor & SINGLE_SEGMENT != 0;
        let window_size = if is_single_segment {
            None
        } else {
            let [window] = input.array()?;
            let base = 1u64 << (10 + (window >> 3));
            Some(base + base / 8 * u64::from(window & 0b111))
        };
        let dictionary = input.take([0, 1, 2, 4][usize::from(descriptor & DICTIONARY_SIZE_MASK)])?;
        if dictionary.iter().any(|byte| *byte != 0) {
            let problem = CompressionProblem::Unsupported("a Zstandard frame with a dictionary");
            return Err(CompressionError::new(position, problem));
        }
        let content_size = match descriptor >> 6 {
            0 if !is_single_segment => None,
            0 => Some(u64::from(input.array::<1>()?[0])),
            1 => Some(u64::from(u16::from_le_bytes(input.array()?)) + 256),
            2 => Some(u64::from(u32::from_le_bytes(input.array()?))),
            _ => Some(u64::from_le_bytes(input.array()?)),
        };
        Ok(Self {
            has_checksum: descriptor & HAS_CHECKSUM != 0,
            window_size: window_size.or(content_size).unwrap_or(0),
            content_size,
        })
    }

    /// A whole header that says the same to the decoder, except that its window is at most as large as needed for a content of
    /// `size_max`.
    fn for_decoder(&self, size_max: usize) -> [u8; 6] {
        let wanted = self.window_size.min((size_max as u64).max(BLOCK_SIZE_MAX)).max(WINDOW_SIZE_MIN);
        // The next power of two, at most 2^41.
        let exponent = wanted.next_power_of_two().trailing_zeros().min(41) as u8;
        let [a, b, c, d] = MAGIC.to_le_bytes();
        [a, b, c, d, if self.has_checksum { HAS_CHECKSUM } else { 0 }, (exponent - 10) << 3]
    }
}

const MAGIC: u32 = 0xfd2f_b528;
const SKIPPABLE_MAGIC: u32 = 0x184d_2a50;
const SKIPPABLE_MASK: u32 = 0xffff_fff0;

const DICTIONARY_SIZE_MASK: u8 = 0b11;
const HAS_CHECKSUM: u8 = 1 << 2;
const RESERVED: u8 = 1 << 3;
const SINGLE_SEGMENT: u8 = 1 << 5;

/// No block gives more, and none gives more than a window.
const BLOCK_SIZE_MAX: u64 = 128 << 10;
const WINDOW_SIZE_MIN: u64 = 1 << 10;
