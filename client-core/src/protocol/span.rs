//! Field spans: which bytes of a frame mean what, taken from the real decoder.
//!
//! The decoder is generic over a [`Recorder`]. Ordinary decoding uses [`NoRecorder`], whose methods are
//! empty and vanish; a wire inspector uses [`SpanRecorder`], which writes down every value as it is read.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::ops::Range;

use super::decoder::DecodeError;

/// The meaning of a run of bytes in a frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Span {
    /// The field, in Kafka's names: `topics[0].partitions[2].error_code`.
    pub path: String,
    /// What the bytes encode.
    pub kind: SpanKind,
    /// Which bytes, counted from the start of the frame that was given.
    pub range: Range<usize>,
    /// The decoded value, for people to read.
    pub value: String,
}

/// What the bytes of a [`Span`] encode.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SpanKind {
    /// The size of the frame, in front of it.
    Size,
    /// One byte: false or true.
    Bool,
    /// A signed 8-bit integer.
    Int8,
    /// A signed 16-bit integer.
    Int16,
    /// A signed 32-bit integer.
    Int32,
    /// A signed 64-bit integer.
    Int64,
    /// A signed integer in zigzag form, one to ten bytes.
    Varint,
    /// An unsigned 32-bit integer.
    Uint32,
    /// A 128-bit id.
    Uuid,
    /// The length of the text or bytes that follow, or the mark that they are null.
    Length,
    /// The number of elements that follow, or the mark that the array is null.
    Count,
    /// UTF-8 text.
    String,
    /// Bytes without further meaning to the protocol.
    Bytes,
    /// Record batches that could not be read; the value says why.
    Records,
    /// The number of tagged fields that follow.
    TagCount,
    /// The number that names a tagged field.
    Tag,
    /// The size of a tagged field.
    TagSize,
    /// The content of a tagged field this version of the crate does not know; skipped.
    UnknownTaggedField,
    /// Bytes that could not be decoded, because something in front of them was wrong.
    Undecoded,
}

/// The spans of one frame. They tile it: no gap, no overlap, in ascending order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spans {
    /// Every byte of the frame belongs to exactly one of these.
    pub spans: Vec<Span>,
    /// Why decoding stopped early, if it did. The bytes from there on are one [`SpanKind::Undecoded`] span.
    pub error: Option<DecodeError>,
}

/// Whether the bytes given to a span function begin with the four bytes of the frame's size.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SizePrefix {
    /// As on the wire: size first.
    Included,
    /// As [`FrameDecoder`](super::FrameDecoder) returns a frame: header first.
    Stripped,
}

/// What the decoder tells about its progress.
pub(crate) trait Recorder {
    /// Whether anybody listens; lets the compiler drop the work of describing values.
    const ACTIVE: bool;

    /// Decoding enters a named field.
    fn enter_field(&mut self, name: &'static str);
    /// Decoding enters an element of the array whose field was entered last.
    fn enter_element(&mut self, index: usize);
    /// Decoding leaves the field or element entered last.
    fn leave(&mut self);
    /// Bytes have been decoded. `part` names a detail of the current field, such as its length.
    fn record(&mut self, kind: SpanKind, part: &'static str, range: Range<usize>, value: String);
}

/// Records nothing, at no cost.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct NoRecorder;

impl Recorder for NoRecorder {
    const ACTIVE: bool = false;

    #[inline(always)]
    fn enter_field(&mut self, _name: &'static str) {}
    #[inline(always)]
    fn enter_element(&mut self, _index: usize) {}
    #[inline(always)]
    fn leave(&mut self) {}
    #[inline(always)]
    fn record(&mut self, _kind: SpanKind, _part: &'static str, _range: Range<usize>, _value: String) {}
}

/// Writes a [`Span`] for every value.
#[derive(Debug, Default)]
pub(crate) struct SpanRecorder {
    spans: Vec<Span>,
    path: String,
    /// Length of `path` before each entered field or element.
    marks: Vec<usize>,
}

impl SpanRecorder {
    /// The spans, completed by an undecoded one so that they cover `length` bytes.
    pub(crate) fn finish(mut self, length: usize, error: Option<DecodeError>) -> Spans {
        let decoded = self.spans.last().map_or(0, |span| span.range.end);
        if decoded < length {
            self.spans.push(Span {
                path: String::new(),
                kind: SpanKind::Undecoded,
                range: decoded..length,
                value: format!("{} bytes", length - decoded),
            });
        }
        Spans { spans: self.spans, error }
    }
}

impl Recorder for SpanRecorder {
    const ACTIVE: bool = true;

    fn enter_field(&mut self, name: &'static str) {
        self.marks.push(self.path.len());
        if !self.path.is_empty() {
            self.path.push('.');
        }
        self.path.push_str(name);
    }

    fn enter_element(&mut self, index: usize) {
        self.marks.push(self.path.len());
        self.path.push_str(&format!("[{index}]"));
    }

    fn leave(&mut self) {
        if let Some(length) = self.marks.pop() {
            self.path.truncate(length);
        }
    }

    fn record(&mut self, kind: SpanKind, part: &'static str, range: Range<usize>, value: String) {
        if range.is_empty() {
            return;
        }
        let path = match (self.path.is_empty(), part.is_empty()) {
            (_, true) => self.path.clone(),
            (true, false) => String::from(part),
            (false, false) => format!("{}.{part}", self.path),
        };
        self.spans.push(Span { path, kind, range, value });
    }
}
