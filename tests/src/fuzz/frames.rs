//! A stream of bytes in any pieces.

use super::Input;
use bytes::Bytes;
use client_core::protocol::{FrameDecoder, FrameError};

/// The largest frame that any of the decoders accepts.
pub(super) const FRAME_SIZE_MAX: usize = 8_192;

/// The first byte chooses the limit, the second how the rest is cut into pieces. Whatever the pieces, the frames are the same
/// (CN4), and nothing beyond the limit is taken in (CN5).
pub(super) fn frame_decoder(data: &[u8]) {
    let mut input = Input::new(data);
    let limit = [0, 1, 16, 100, 300, 1_024, 4_096, FRAME_SIZE_MAX][usize::from(input.byte() % 8)];
    let mut cut = input.byte();
    let stream = Bytes::copy_from_slice(input.rest);
    let expected = reference(&stream, limit);
    let mut rest = stream.clone();
    let mut decoder = FrameDecoder::new(limit);
    let mut found = Vec::new();
    let mut refused = None;
    while !rest.is_empty() && refused.is_none() {
        // Small pieces, large ones and whole frames, as a small generator has it.
        cut = cut.wrapping_mul(181).wrapping_add(13);
        let size = if cut.is_multiple_of(3) { 1 } else { usize::from(cut) + 1 };
        decoder.push(rest.split_to(size.min(rest.len())));
        refused = drain(&mut decoder, &mut found);
        let pending: usize = decoder.pending_bytes().map(<[u8]>::len).sum();
        assert_eq!(pending, decoder.buffered(), "what is pending is what is buffered");
    }
    assert_eq!((&found, refused), (&expected.0, expected.1), "the frames of the stream");
    if let Some(error) = refused {
        assert_eq!(decoder.next_frame(), Err(error), "a stream that was refused stays refused");
    }

    let mut at_once = FrameDecoder::new(limit);
    at_once.push(stream.clone());
    let mut whole = Vec::new();
    let refused = drain(&mut at_once, &mut whole);
    assert_eq!((whole, refused), expected, "the same at once");
    let taken: usize = found.iter().map(|frame| frame.len() + 4).sum();
    assert_eq!(at_once.clear(), stream.len() - taken, "all that was not a frame is thrown away");
}

fn drain(decoder: &mut FrameDecoder, found: &mut Vec<Bytes>) -> Option<FrameError> {
    loop {
        match decoder.next_frame() {
            Ok(Some(frame)) => found.push(frame),
            Ok(None) => return None,
            Err(error) => return Some(error),
        }
    }
}

/// The frames of a stream, and what is wrong behind them.
fn reference(stream: &[u8], limit: usize) -> (Vec<Bytes>, Option<FrameError>) {
    let mut frames = Vec::new();
    let mut rest = stream;
    while let Some((size, behind)) = rest.split_first_chunk::<4>() {
        let size = i32::from_be_bytes(*size);
        let Ok(size) = usize::try_from(size) else {
            return (frames, Some(FrameError::NegativeSize { got: size }));
        };
        if size > limit {
            return (frames, Some(FrameError::TooLarge { expected_at_most: limit, got: size }));
        }
        let Some((frame, behind)) = behind.split_at_checked(size) else { break };
        frames.push(Bytes::copy_from_slice(frame));
        rest = behind;
    }
    (frames, None)
}
