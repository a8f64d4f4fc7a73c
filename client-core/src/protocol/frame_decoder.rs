//! From chunks of a byte stream to frames.

use alloc::collections::VecDeque;
use alloc::vec::Vec;
use core::fmt;

use bytes::Bytes;

/// The receive buffer of one connection: chunks in, frames out.
///
/// Chunks may hold a single byte or many frames; their boundaries mean nothing. A frame inside one chunk is
/// a slice of it; only a frame that spans chunks is copied, once. Call [`next_frame`](Self::next_frame)
/// until it returns nothing after every [`push`](Self::push).
///
/// One decoder belongs to one generation of a connection: what it holds when the connection ends must never
/// meet the bytes of the next one. [`clear`](Self::clear) throws it away.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FrameDecoder {
    frame_size_max: usize,
    chunks: VecDeque<Bytes>,
    /// The beginning of a frame that spans chunks, its size included. In front of all `chunks`.
    assembly: Vec<u8>,
    /// Bytes in `chunks` and `assembly`.
    buffered: usize,
}

/// How much there is of the frame being received.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PendingFrame {
    /// Bytes received, the four of the size included.
    pub held: usize,
    /// Bytes it will have, the four of the size included; nothing before those have arrived.
    pub expected: Option<usize>,
}

/// A stream of bytes that cannot be frames. The connection is of no more use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FrameError {
    /// A frame that claims a negative size.
    NegativeSize {
        /// The size claimed.
        got: i32,
    },
    /// A frame that claims to be larger than allowed.
    TooLarge {
        /// The limit of this decoder.
        expected_at_most: usize,
        /// The size claimed.
        got: usize,
    },
}

impl FrameDecoder {
    /// An empty decoder that refuses frames of more than `frame_size_max` bytes (not counting the four of
    /// the size).
    pub fn new(frame_size_max: usize) -> Self {
        Self { frame_size_max, chunks: VecDeque::new(), assembly: Vec::new(), buffered: 0 }
    }

    /// Adds bytes as they came from the connection.
    pub fn push(&mut self, chunk: Bytes) {
        if !chunk.is_empty() {
            self.buffered += chunk.len();
            self.chunks.push_back(chunk);
        }
    }

    /// The next whole frame without its size, or nothing until more bytes arrive.
    ///
    /// # Errors
    ///
    /// When the next size is negative or above the limit; nothing has been allocated for it then, and every
    /// later call says the same.
    pub fn next_frame(&mut self) -> Result<Option<Bytes>, FrameError> {
        let Some(size) = self.next_size()? else {
            self.assemble(SIZE_LENGTH);
            return Ok(None);
        };
        let expected = SIZE_LENGTH + size;
        if self.buffered < expected {
            self.assemble(expected);
            return Ok(None);
        }
        self.buffered -= expected;
        if self.assembly.is_empty()
            && let Some(chunk) = self.chunks.front_mut().filter(|chunk| chunk.len() >= expected)
        {
            let frame = chunk.split_to(expected);
            if chunk.is_empty() {
                self.chunks.pop_front();
            }
            return Ok(Some(frame.slice(SIZE_LENGTH..)));
        }
        self.fill(expected);
        Ok(Some(Bytes::from(core::mem::take(&mut self.assembly)).slice(SIZE_LENGTH..)))
    }

    /// Bytes received and not yet returned in frames.
    pub fn buffered(&self) -> usize {
        self.buffered
    }

    /// How much there is of the next frame; nothing when the decoder is empty.
    pub fn pending(&self) -> Option<PendingFrame> {
        if self.buffered == 0 {
            return None;
        }
        let expected =
            self.peek_size().and_then(|size| usize::try_from(size).ok()).map(|size| SIZE_LENGTH + size);
        Some(PendingFrame {
            held: expected.map_or(self.buffered, |expected| self.buffered.min(expected)),
            expected,
        })
    }

    /// The bytes received and not yet returned in frames, in order, piece by piece.
    pub fn pending_bytes(&self) -> impl Iterator<Item = &[u8]> {
        core::iter::once(self.assembly.as_slice())
            .chain(self.chunks.iter().map(Bytes::as_ref))
            .filter(|piece| !piece.is_empty())
    }

    /// Throws away everything received, and says how many bytes that were.
    pub fn clear(&mut self) -> usize {
        self.chunks.clear();
        self.assembly = Vec::new();
        core::mem::take(&mut self.buffered)
    }

    /// The size the next frame claims, checked; nothing before its four bytes have arrived.
    fn next_size(&self) -> Result<Option<usize>, FrameError> {
        let Some(claimed) = self.peek_size() else {
            return Ok(None);
        };
        let size = usize::try_from(claimed).map_err(|_| FrameError::NegativeSize { got: claimed })?;
        if size > self.frame_size_max {
            return Err(FrameError::TooLarge { expected_at_most: self.frame_size_max, got: size });
        }
        Ok(Some(size))
    }

    fn peek_size(&self) -> Option<i32> {
        let mut size = [0; SIZE_LENGTH];
        let mut bytes = self.pending_bytes().flatten();
        for byte in &mut size {
            *byte = *bytes.next()?;
        }
        Some(i32::from_be_bytes(size))
    }

    /// Moves what there is of an incomplete frame into one buffer, so that many tiny chunks cost no more
    /// than their bytes. A single chunk stays as it is: the frame's end may need no copy of it.
    fn assemble(&mut self, expected: usize) {
        if !self.assembly.is_empty() || self.chunks.len() > 1 {
            self.fill(expected);
        }
    }

    /// Moves bytes from the chunks until the buffer holds `expected` of them or there are no more.
    fn fill(&mut self, expected: usize) {
        while self.assembly.len() < expected {
            let Some(chunk) = self.chunks.front_mut() else { break };
            let missing = expected - self.assembly.len();
            let piece = chunk.split_to(missing.min(chunk.len()));
            if chunk.is_empty() {
                self.chunks.pop_front();
            }
            // Room for the whole frame at once if it is small, else as it comes: the size is only a claim.
            if self.assembly.capacity() - self.assembly.len() < piece.len() {
                let room = missing.min(self.assembly.len().max(RESERVED_AT_ONCE)).max(piece.len());
                self.assembly.reserve_exact(room);
            }
            self.assembly.extend_from_slice(&piece);
        }
    }
}

impl fmt::Display for FrameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NegativeSize { got } => {
                write!(f, "expected the size of a frame, got {got}, which is negative")
            }
            Self::TooLarge { expected_at_most, got } => {
                write!(f, "expected a frame of at most {expected_at_most} bytes, got one that claims {got}")
            }
        }
    }
}

impl core::error::Error for FrameError {}

/// Bytes of the size in front of a frame.
const SIZE_LENGTH: usize = 4;

/// Room made for a frame before it has arrived.
const RESERVED_AT_ONCE: usize = 1 << 20;

#[cfg(test)]
mod tests {
    use alloc::vec;
    use alloc::vec::Vec;

    use bytes::Bytes;

    use super::{FrameDecoder, FrameError, PendingFrame};
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    fn framed(content: &[u8]) -> Vec<u8> {
        let mut bytes = (content.len() as i32).to_be_bytes().to_vec();
        bytes.extend_from_slice(content);
        bytes
    }

    /// Feeds the stream in chunks of one size and collects the frames.
    #[track_caller]
    fn check(stream: &[u8], chunk_size: usize, expected: &[&[u8]]) {
        let mut decoder = FrameDecoder::new(1 << 20);
        let mut frames = Vec::new();
        for chunk in stream.chunks(chunk_size) {
            decoder.push(Bytes::copy_from_slice(chunk));
            while let Some(frame) = decoder.next_frame().unwrap() {
                frames.push(frame);
            }
        }
        assert_eq!(frames, expected, "in chunks of {chunk_size}");
        assert_eq!(decoder.buffered(), 0);
        assert_eq!(decoder.pending(), None);
    }

    #[test]
    fn frames_do_not_depend_on_chunks() {
        let large = vec![7; 3000];
        let contents: [&[u8]; 4] = [b"first", b"", &large, b"last"];
        let stream = contents.map(framed).concat();
        for chunk_size in [1, 2, 3, 4, 5, 7, 64, 1000, 3012, stream.len()] {
            check(&stream, chunk_size, &contents);
        }
    }

    #[test]
    fn a_frame_within_a_chunk_is_not_copied() {
        let chunk = Bytes::from([framed(b"one"), framed(b"two")].concat());
        let mut decoder = FrameDecoder::new(100);
        decoder.push(chunk.clone());
        let first = decoder.next_frame().unwrap().unwrap();
        let second = decoder.next_frame().unwrap().unwrap();
        assert_eq!(first.as_ptr(), chunk[4..].as_ptr());
        assert_eq!(second.as_ptr(), chunk[11..].as_ptr());
    }

    #[test]
    fn sizes_are_checked_before_anything_is_allocated() {
        let mut decoder = FrameDecoder::new(100);
        decoder.push(Bytes::from_static(&[0, 0, 0, 101]));
        let too_large = Err(FrameError::TooLarge { expected_at_most: 100, got: 101 });
        assert_eq!(decoder.next_frame(), too_large);
        assert_eq!(decoder.next_frame(), too_large);

        let mut decoder = FrameDecoder::new(100);
        decoder.push(Bytes::from_static(&[0xff, 0xff, 0xff, 0xfe, 1]));
        assert_eq!(decoder.next_frame(), Err(FrameError::NegativeSize { got: -2 }));
        assert_eq!(decoder.pending(), Some(PendingFrame { held: 5, expected: None }));
    }

    #[test]
    fn shows_what_it_holds_and_throws_it_away() {
        let mut decoder = FrameDecoder::new(1000);
        decoder.push(Bytes::from_static(&[0, 0]));
        assert_eq!(decoder.next_frame(), Ok(None));
        assert_eq!(decoder.pending(), Some(PendingFrame { held: 2, expected: None }));
        decoder.push(Bytes::from_static(&[0, 208, 1, 2, 3]));
        assert_eq!(decoder.next_frame(), Ok(None));
        assert_eq!(decoder.pending(), Some(PendingFrame { held: 7, expected: Some(212) }));
        assert_eq!(decoder.pending_bytes().flatten().copied().collect::<Vec<_>>(), [0, 0, 0, 208, 1, 2, 3]);
        assert_eq!(decoder.clear(), 7);
        assert_eq!(decoder.pending(), None);
        assert_eq!(decoder.next_frame(), Ok(None));
    }
}
