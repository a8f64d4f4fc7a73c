//! Reading the protocol's primitive types. Trusts no length, no count and no tag.

use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use core::ops::Range;

use bytes::Bytes;

use super::api::VersionRange;
use super::record_batch::record_spans;
use super::schema::{FieldSchema, Shape, Wire};
use super::span::{Recorder, SpanKind};
use super::uuid::Uuid;

/// Why bytes could not be decoded as the message they should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DecodeError {
    /// Where, in bytes from the start of what was given to be decoded.
    pub offset: usize,
    /// The field that was being decoded, such as `topics[0].name`; empty for the message as a whole.
    pub path: String,
    /// What was wrong.
    pub problem: DecodeProblem,
}

/// What was wrong with bytes that could not be decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DecodeProblem {
    /// The bytes end inside a value.
    EndOfInput {
        /// Bytes the value needs.
        expected: usize,
        /// Bytes that are left.
        got: usize,
    },
    /// A length or count below -1, the mark of null.
    NegativeLength {
        /// The length found.
        got: i32,
    },
    /// An array that claims more elements than the bytes left could hold.
    CountTooLarge {
        /// The most elements that would fit.
        expected_at_most: usize,
        /// The count found.
        got: usize,
    },
    /// Null, where this version of the message does not allow it.
    UnexpectedNull,
    /// Text that is not UTF-8.
    InvalidUtf8 {
        /// The bytes from the start of the text that are good.
        valid_up_to: usize,
    },
    /// A variable-length integer that does not fit into the bits of its type.
    VarintOverflow {
        /// The bits of its type.
        bits: u32,
    },
    /// Tagged fields that are not in ascending order, or come twice.
    TagOrder {
        /// The tag in front of it.
        previous: u32,
        /// The tag found.
        got: u32,
    },
    /// A tagged field whose content does not fill the size it claims.
    TaggedFieldSize {
        /// The size claimed, in bytes.
        expected: usize,
        /// The bytes its content took.
        got: usize,
    },
    /// Bytes after the end of the message.
    TrailingBytes {
        /// How many.
        got: usize,
    },
    /// An API this crate does not speak.
    UnknownApiKey {
        /// The key found.
        got: i16,
    },
    /// A version of the API this crate does not speak.
    UnsupportedVersion {
        /// The versions it speaks.
        expected: VersionRange,
        /// The version asked for.
        got: i16,
    },
}

impl DecodeError {
    pub(crate) fn new(offset: usize, problem: DecodeProblem) -> Box<Self> {
        Box::new(Self { offset, path: String::new(), problem })
    }

    /// Adds the field the failure happened in, on the way out of it.
    #[cold]
    pub(crate) fn in_field(mut self: Box<Self>, name: &str) -> Box<Self> {
        prepend(&mut self.path, name);
        self
    }

    /// Adds the element the failure happened in, on the way out of it.
    #[cold]
    pub(crate) fn in_element(mut self: Box<Self>, index: usize) -> Box<Self> {
        prepend(&mut self.path, &format!("[{index}]"));
        self
    }
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "at byte {}", self.offset)?;
        if !self.path.is_empty() {
            write!(f, ", in {}", self.path)?;
        }
        write!(f, ": {}", self.problem)
    }
}

impl core::error::Error for DecodeError {}

impl fmt::Display for DecodeProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::EndOfInput { expected, got } => write!(f, "expected {expected} more bytes, got {got}"),
            Self::NegativeLength { got } => write!(f, "expected a length of -1 (null) or more, got {got}"),
            Self::CountTooLarge { expected_at_most, got } => {
                write!(
                    f,
                    "expected at most {expected_at_most} elements in the bytes left, got a count of {got}"
                )
            }
            Self::UnexpectedNull => {
                write!(f, "expected a value, got null, which this version does not allow")
            }
            Self::InvalidUtf8 { valid_up_to } => {
                write!(f, "expected UTF-8 text, got something else after {valid_up_to} good bytes")
            }
            Self::VarintOverflow { bits } => {
                write!(f, "expected a variable-length integer of {bits} bits, got a longer one")
            }
            Self::TagOrder { previous, got } => write!(f, "expected a tag above {previous}, got {got}"),
            Self::TaggedFieldSize { expected, got } => {
                write!(f, "expected a tagged field of {expected} bytes, got one of {got}")
            }
            Self::TrailingBytes { got } => write!(f, "expected the end of the message, got {got} more bytes"),
            Self::UnknownApiKey { got } => {
                write!(f, "expected the key of an API this client speaks, got {got}")
            }
            Self::UnsupportedVersion { expected, got } => {
                write!(f, "expected a version from {expected}, got {got}")
            }
        }
    }
}

/// Puts a step in front of a path: `[0]` + `name` = `[0].name`, `topics` + `[0]` = `topics[0]`.
pub(crate) fn prepend(path: &mut String, step: &str) {
    if !path.is_empty() && !path.starts_with('[') {
        path.insert(0, '.');
    }
    path.insert_str(0, step);
}

/// The error is boxed so that the ordinary result stays as small as its value.
pub(crate) type Decoded<T> = Result<T, Box<DecodeError>>;

/// A cursor over the bytes of one message.
///
/// Nesting is limited by construction: messages are as deep as their schema, and no schema is recursive.
#[derive(Debug)]
pub(crate) struct Decoder<R> {
    input: Bytes,
    position: usize,
    /// The end of what may be read now: that of the input, or of the tagged field being read.
    end: usize,
    version: i16,
    flexible: bool,
    recorder: R,
}

impl<R: Recorder> Decoder<R> {
    pub(crate) fn new(input: Bytes, recorder: R) -> Self {
        Self { position: 0, end: input.len(), input, version: 0, flexible: false, recorder }
    }

    /// Sets the version the next message is read as.
    pub(crate) fn set_version(&mut self, version: i16, flexible: bool) {
        self.version = version;
        self.flexible = flexible;
    }

    #[inline]
    pub(crate) fn version(&self) -> i16 {
        self.version
    }

    #[inline]
    pub(crate) fn flexible(&self) -> bool {
        self.flexible
    }

    /// Bytes read so far.
    #[inline]
    pub(crate) fn position(&self) -> usize {
        self.position
    }

    #[inline]
    pub(crate) fn remaining(&self) -> usize {
        self.end - self.position
    }

    /// The bytes not read yet.
    pub(crate) fn rest(&self) -> Bytes {
        self.input.slice(self.position..self.end)
    }

    /// Errs unless everything has been read.
    pub(crate) fn expect_end(&self) -> Decoded<()> {
        match self.remaining() {
            0 => Ok(()),
            got => Err(self.problem(DecodeProblem::TrailingBytes { got })),
        }
    }

    pub(crate) fn into_recorder(self) -> R {
        self.recorder
    }

    #[cold]
    pub(crate) fn problem(&self, problem: DecodeProblem) -> Box<DecodeError> {
        DecodeError::new(self.position, problem)
    }

    /// Reads a field of a struct, keeping recorder and errors informed of its name.
    #[inline]
    pub(crate) fn field<T: Wire>(&mut self, field: &FieldSchema) -> Decoded<T> {
        self.recorder.enter_field(field.name);
        let shape = field.shape(self.version);
        let value = T::decode(self, shape).map_err(|error| error.in_field(field.name))?;
        self.recorder.leave();
        Ok(value)
    }

    /// Tells the recorder about the bytes since `start`; describes them only if it listens.
    #[inline]
    pub(crate) fn record(
        &mut self,
        kind: SpanKind,
        part: &'static str,
        start: usize,
        value: impl FnOnce() -> String,
    ) {
        if R::ACTIVE {
            self.recorder.record(kind, part, start..self.position, value());
        }
    }

    /// Reads a struct under a name of its own, such as that of a header.
    pub(crate) fn named<T: Wire>(&mut self, name: &'static str) -> Decoded<T> {
        self.field(&FieldSchema::named(name))
    }

    /// Reads the size in front of a frame.
    pub(crate) fn frame_size(&mut self) -> Decoded<()> {
        let start = self.position;
        let size = i32::from_be_bytes(self.fixed().map_err(|error| error.in_field("size"))?);
        self.record(SpanKind::Size, "size", start, || format!("{size}"));
        Ok(())
    }

    /// The next bytes, if there are so many, without reading them.
    pub(crate) fn peek<const N: usize>(&self) -> Option<[u8; N]> {
        self.input[self.position..self.end].first_chunk().copied()
    }

    #[inline]
    pub(crate) fn fixed<const N: usize>(&mut self) -> Decoded<[u8; N]> {
        let left = &self.input[self.position..self.end];
        match left.first_chunk::<N>() {
            Some(bytes) => {
                self.position += N;
                Ok(*bytes)
            }
            None => Err(self.problem(DecodeProblem::EndOfInput { expected: N, got: left.len() })),
        }
    }

    fn take(&mut self, length: usize) -> Decoded<Range<usize>> {
        let got = self.remaining();
        if length > got {
            return Err(self.problem(DecodeProblem::EndOfInput { expected: length, got }));
        }
        let start = self.position;
        self.position += length;
        Ok(start..self.position)
    }

    /// An unsigned variable-length integer: seven bits a byte, the lowest first.
    pub(crate) fn unsigned_varint(&mut self) -> Decoded<u32> {
        let start = self.position;
        let mut value = 0u32;
        for shift in (0..35).step_by(7) {
            let [byte] = self.fixed::<1>()?;
            let bits = u32::from(byte & 0x7f);
            if shift == 28 && bits > 0x0f {
                break;
            }
            value |= bits << shift;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(DecodeError::new(start, DecodeProblem::VarintOverflow { bits: 32 }))
    }

    /// A length or count that is `None` for null. Compact ones are stored one higher, with 0 for null.
    fn optional_length(&mut self, width: LengthWidth, kind: SpanKind) -> Decoded<Option<usize>> {
        let start = self.position;
        let length = match width {
            LengthWidth::Compact => match self.unsigned_varint()? {
                0 => None,
                stored => Some((stored - 1) as usize),
            },
            LengthWidth::Int16 | LengthWidth::Int32 => {
                let stored = match width {
                    LengthWidth::Int16 => i32::from(i16::from_be_bytes(self.fixed()?)),
                    LengthWidth::Int32 | LengthWidth::Compact => i32::from_be_bytes(self.fixed()?),
                };
                match stored {
                    -1 => None,
                    _ => match usize::try_from(stored) {
                        Ok(length) => Some(length),
                        Err(_) => {
                            let problem = DecodeProblem::NegativeLength { got: stored };
                            return Err(DecodeError::new(start, problem));
                        }
                    },
                }
            }
        };
        let part = if kind == SpanKind::Count { "count" } else { "length" };
        self.record(kind, part, start, || length.map_or_else(|| String::from("null"), |n| format!("{n}")));
        Ok(length)
    }

    pub(crate) fn optional_string(&mut self, shape: Shape) -> Decoded<Option<String>> {
        let width =
            if self.flexible && !shape.inflexible { LengthWidth::Compact } else { LengthWidth::Int16 };
        let Some(length) = self.optional_length(width, SpanKind::Length)? else {
            return Ok(None);
        };
        let range = self.take(length)?;
        let start = range.start;
        match core::str::from_utf8(&self.input[range]) {
            Ok(text) => {
                let text = String::from(text);
                self.record(SpanKind::String, "", start, || text.clone());
                Ok(Some(text))
            }
            Err(error) => {
                let problem = DecodeProblem::InvalidUtf8 { valid_up_to: error.valid_up_to() };
                Err(DecodeError::new(start, problem))
            }
        }
    }

    pub(crate) fn optional_bytes(&mut self, shape: Shape) -> Decoded<Option<Bytes>> {
        let width = if self.flexible { LengthWidth::Compact } else { LengthWidth::Int32 };
        let Some(length) = self.optional_length(width, SpanKind::Length)? else {
            return Ok(None);
        };
        let range = self.take(length)?;
        let start = range.start;
        let value = self.input.slice(range);
        if shape.records && R::ACTIVE {
            record_spans(&mut self.recorder, &value, start);
        } else {
            self.record(SpanKind::Bytes, "", start, || format!("{length} bytes"));
        }
        Ok(Some(value))
    }

    pub(crate) fn optional_array<T: Wire>(&mut self) -> Decoded<Option<Vec<T>>> {
        let start = self.position;
        let width = if self.flexible { LengthWidth::Compact } else { LengthWidth::Int32 };
        let Some(count) = self.optional_length(width, SpanKind::Count)? else {
            return Ok(None);
        };
        let smallest = T::minimum_size(self.version, self.flexible).max(1);
        let expected_at_most = self.remaining() / smallest;
        if count > expected_at_most {
            let problem = DecodeProblem::CountTooLarge { expected_at_most, got: count };
            return Err(DecodeError::new(start, problem));
        }
        // A value may be larger in memory than on the wire, so even a count that fits reserves only so much.
        let mut elements = Vec::with_capacity(count.min(ELEMENTS_RESERVED_MAX));
        for index in 0..count {
            self.recorder.enter_element(index);
            elements.push(T::decode(self, Shape::ELEMENT).map_err(|error| error.in_element(index))?);
            self.recorder.leave();
        }
        Ok(Some(elements))
    }

    pub(crate) fn uuid(&mut self) -> Decoded<Uuid> {
        let start = self.position;
        let uuid = Uuid(self.fixed()?);
        self.record(SpanKind::Uuid, "", start, || format!("{uuid}"));
        Ok(uuid)
    }

    /// Reads the tagged fields at the end of a flexible struct. `known` reads the content of a tag it
    /// knows and answers true; the others are skipped.
    pub(crate) fn tagged_fields(
        &mut self,
        mut known: impl FnMut(&mut Self, u32) -> Decoded<bool>,
    ) -> Decoded<()> {
        let start = self.position;
        let count = self.unsigned_varint()?;
        self.record(SpanKind::TagCount, "tagged_fields.count", start, || format!("{count}"));
        // The loop reads at least two bytes a round, so a count that lies ends with the bytes.
        let mut previous = None;
        for _ in 0..count {
            let start = self.position;
            let tag = self.unsigned_varint()?;
            if let Some(previous) = previous.filter(|previous| *previous >= tag) {
                return Err(DecodeError::new(start, DecodeProblem::TagOrder { previous, got: tag }));
            }
            previous = Some(tag);
            self.record(SpanKind::Tag, "tagged_fields.tag", start, || format!("{tag}"));

            let start = self.position;
            let size = self.unsigned_varint()? as usize;
            self.record(SpanKind::TagSize, "tagged_fields.size", start, || format!("{size}"));
            let content = self.position;
            let got = self.remaining();
            if size > got {
                return Err(self.problem(DecodeProblem::EndOfInput { expected: size, got }));
            }
            let outer_end = core::mem::replace(&mut self.end, content + size);
            if !known(self, tag)? {
                self.position = self.end;
                self.record(SpanKind::UnknownTaggedField, "tagged_fields.unknown", content, || {
                    format!("{size} bytes")
                });
            }
            if self.position != self.end {
                let got = self.position - content;
                return Err(self.problem(DecodeProblem::TaggedFieldSize { expected: size, got }));
            }
            self.end = outer_end;
        }
        Ok(())
    }
}

/// How a length or count is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum LengthWidth {
    /// Strings of inflexible versions.
    Int16,
    /// Arrays and bytes of inflexible versions.
    Int32,
    /// Everything in flexible versions: an unsigned varint, one higher than the length.
    Compact,
}

/// Elements an array reserves room for before it has seen them.
const ELEMENTS_RESERVED_MAX: usize = 1024;
