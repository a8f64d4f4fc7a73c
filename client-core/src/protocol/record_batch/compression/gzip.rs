//! gzip (RFC 1952): members that follow each other, each a header, a Deflate stream, and checksum and size of what it holds.
//!
//! Written as one member. Read as any number of them; what follows the last one and is none is ignored, as Java ignores it.

use super::super::crc32::crc32;
use super::output::Output;
use super::{CompressionError, CompressionProblem, Input};
use alloc::boxed::Box;
use alloc::vec::Vec;
use miniz_oxide::deflate::core::{
    CompressorOxide, TDEFLFlush, TDEFLStatus, compress as deflate, create_comp_flags_from_zip_params,
};
use miniz_oxide::inflate::TINFLStatus;
use miniz_oxide::inflate::core::{DecompressorOxide, decompress as inflate, inflate_flags};

pub(super) fn compress(records: &[u8], compressed: &mut Vec<u8>) {
    compressed.extend_from_slice(&OUR_HEADER);
    let flags = create_comp_flags_from_zip_params(LEVEL, RAW_DEFLATE, 0);
    let mut compressor = Box::new(CompressorOxide::new(flags));
    let mut rest = records;
    let mut end = compressed.len();
    compressed.resize(end + records.len() / 2 + 64, 0);
    loop {
        let (status, read, written) =
            deflate(&mut compressor, rest, &mut compressed[end..], TDEFLFlush::Finish);
        rest = &rest[read..];
        end += written;
        if status != TDEFLStatus::Okay {
            debug_assert_eq!(
                status,
                TDEFLStatus::Done,
                "the arguments are good, and nothing else can go wrong"
            );
            break;
        }
        compressed.resize(end + records.len() / 2 + 64, 0);
    }
    compressed.truncate(end);
    compressed.extend_from_slice(&crc32(records).to_le_bytes());
    compressed.extend_from_slice(&(records.len() as u32).to_le_bytes());
}

pub(super) fn decompress(compressed: &[u8], output: &mut Output<'_>) -> Result<(), CompressionError> {
    let mut input = Input::new(compressed);
    let mut inflator = Box::new(DecompressorOxide::new());
    decompress_member(&mut input, &mut inflator, output)?;
    while input.rest.starts_with(&MAGIC) {
        decompress_member(&mut input, &mut inflator, output)?;
    }
    Ok(())
}

fn decompress_member(
    input: &mut Input<'_>,
    inflator: &mut DecompressorOxide,
    output: &mut Output<'_>,
) -> Result<(), CompressionError> {
    read_header(input)?;
    let start = output.len();
    inflate_into(input, inflator, output)?;
    let position = input.position();
    let expected = u32::from_le_bytes(input.array()?);
    let got = crc32(output.since(start));
    if expected != got {
        return Err(CompressionError::new(position, CompressionProblem::ChecksumMismatch { expected, got }));
    }
    let size = u32::from_le_bytes(input.array()?);
    if size != (output.len() - start) as u32 {
        let problem =
            CompressionProblem::InvalidLength { expected_at_most: output.len() - start, got: size as usize };
        return Err(CompressionError::new(position, problem));
    }
    Ok(())
}

fn read_header(input: &mut Input<'_>) -> Result<(), CompressionError> {
    let position = input.position();
    let [first, second, method, flags] = input.array()?;
    if [first, second] != MAGIC || method != DEFLATE {
        let [expected, got] =
            [[MAGIC[0], MAGIC[1], DEFLATE, 0], [first, second, method, 0]].map(u32::from_be_bytes);
        return Err(CompressionError::new(position, CompressionProblem::WrongStart { expected, got }));
    }
    if flags & RESERVED_FLAGS != 0 {
        let problem = CompressionProblem::Unsupported("a gzip header with flags that have no meaning");
        return Err(CompressionError::new(position, problem));
    }
    // The time, hints about the compression, and the operating system.
    input.take(6)?;
    if flags & HAS_EXTRA != 0 {
        let length = u16::from_le_bytes(input.array()?);
        input.take(usize::from(length))?;
    }
    for flag in [HAS_NAME, HAS_COMMENT] {
        if flags & flag != 0 {
            let text = input.rest.iter().position(|byte| *byte == 0).unwrap_or(input.rest.len());
            input.take(text + 1)?;
        }
    }
    if flags & HAS_HEADER_CHECKSUM != 0 {
        input.take(2)?;
    }
    Ok(())
}

/// Takes a Deflate stream (RFC 1951) from the input. The place for it grows as it is needed: nothing says before how much comes.
fn inflate_into(
    input: &mut Input<'_>,
    inflator: &mut DecompressorOxide,
    output: &mut Output<'_>,
) -> Result<(), CompressionError> {
    inflator.init();
    let limit = output.room();
    let mut place = size_hint(input.rest).min(input.rest.len().saturating_mul(RATIO_MAX)).max(PLACE_MIN);
    let mut written = 0;
    let start = output.len();
    loop {
        // Each time the whole of it, because the stream refers back to what it has written.
        let (status, read) = output.refill(start, place, |whole| {
            let flags = inflate_flags::TINFL_FLAG_USING_NON_WRAPPING_OUTPUT_BUF;
            let (status, read, more) = inflate(inflator, input.rest, whole, written, flags);
            written += more;
            (status, read)
        });
        input.rest = &input.rest[read..];
        match status {
            TINFLStatus::Done => {
                output.keep(start + written);
                return Ok(());
            }
            TINFLStatus::HasMoreOutput if place < limit => place = place.saturating_mul(2),
            TINFLStatus::HasMoreOutput => return Err(output.too_large(input.position())),
            TINFLStatus::FailedCannotMakeProgress | TINFLStatus::NeedsMoreInput => {
                return Err(input.problem(CompressionProblem::EndOfInput { expected: 1, got: 0 }));
            }
            TINFLStatus::BadParam | TINFLStatus::Adler32Mismatch | TINFLStatus::Failed | _ => {
                return Err(input.problem(CompressionProblem::Malformed("no Deflate stream")));
            }
        }
    }
}

/// What the end of the input says about the size, if there is but one member, as there nearly always is.
fn size_hint(rest: &[u8]) -> usize {
    rest.last_chunk().map_or(0, |size| u32::from_le_bytes(*size) as usize)
}

const MAGIC: [u8; 2] = [0x1f, 0x8b];
const DEFLATE: u8 = 8;

const HAS_HEADER_CHECKSUM: u8 = 1 << 1;
const HAS_EXTRA: u8 = 1 << 2;
const HAS_NAME: u8 = 1 << 3;
const HAS_COMMENT: u8 = 1 << 4;
const RESERVED_FLAGS: u8 = 0b1110_0000;

/// No flags, no time, no hints, an unknown operating system.
const OUR_HEADER: [u8; 10] = [MAGIC[0], MAGIC[1], DEFLATE, 0, 0, 0, 0, 0, 0, 255];
/// Of ten. About as small as the sixth, which Java uses, at one and a half times its speed.
const LEVEL: i32 = 4;
/// A window of 32 KiB, and negative for a stream without zlib's header.
const RAW_DEFLATE: i32 = -15;

/// The most that Deflate can save.
const RATIO_MAX: usize = 1032;
const PLACE_MIN: usize = 1 << 10;
