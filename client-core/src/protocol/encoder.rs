//! Writing the protocol's primitive types into the segments of a frame.

use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use bytes::Bytes;

use super::api::VersionRange;
use super::decoder::prepend;
use super::schema::{FieldSchema, Shape, Wire};

/// Why a message cannot be encoded in the version asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EncodeError {
    /// The version asked for.
    pub version: i16,
    /// The field at fault, such as `topics[0].name`; empty for the message as a whole.
    pub path: String,
    /// What is wrong with it.
    pub problem: EncodeProblem,
}

/// What is wrong with a message that cannot be encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EncodeProblem {
    /// The field holds something other than its default, and this version has no place for it.
    NotInVersion,
    /// The field is null, which this version does not allow.
    UnexpectedNull,
    /// Text, bytes or an array that is longer than its length field can say.
    TooLong {
        /// The most that can be said.
        expected_at_most: usize,
        /// The actual length.
        got: usize,
    },
    /// A version of the API this crate does not speak.
    UnsupportedVersion {
        /// The versions it speaks.
        expected: VersionRange,
    },
}

impl EncodeError {
    /// Adds the field the failure happened in, on the way out of it.
    #[cold]
    fn in_field(mut self: Box<Self>, name: &str) -> Box<Self> {
        prepend(&mut self.path, name);
        self
    }

    /// Adds the element the failure happened in, on the way out of it.
    #[cold]
    fn in_element(mut self: Box<Self>, index: usize) -> Box<Self> {
        prepend(&mut self.path, &format!("[{index}]"));
        self
    }
}

impl fmt::Display for EncodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { version, path, problem } = self;
        if !path.is_empty() {
            write!(f, "in {path}: ")?;
        }
        match problem {
            EncodeProblem::NotInVersion => {
                write!(
                    f,
                    "expected the default, since version {version} cannot carry this field, got another value"
                )
            }
            EncodeProblem::UnexpectedNull => {
                write!(f, "expected a value, got null, which version {version} does not allow")
            }
            EncodeProblem::TooLong { expected_at_most, got } => {
                write!(f, "expected a length of at most {expected_at_most}, got {got}")
            }
            EncodeProblem::UnsupportedVersion { expected } => {
                write!(f, "expected a version from {expected}, got {version}")
            }
        }
    }
}

impl core::error::Error for EncodeError {}

/// The error is boxed so that the ordinary result stays as small as its value.
pub(crate) type Encoded = Result<(), Box<EncodeError>>;

/// Collects the bytes of one frame. Small values are copied into one buffer; large byte payloads are only
/// noted, and become segments of their own.
#[derive(Debug)]
pub(crate) struct Encoder {
    buffer: Vec<u8>,
    /// Payloads that were not copied, each with its place in `buffer`.
    payloads: Vec<(usize, Bytes)>,
    version: i16,
    flexible: bool,
    /// Payloads of at least this many bytes are not copied.
    split_from: usize,
}

impl Encoder {
    pub(crate) fn new() -> Self {
        Self {
            buffer: Vec::with_capacity(INITIAL_CAPACITY),
            payloads: Vec::new(),
            version: 0,
            flexible: false,
            split_from: PAYLOAD_SPLIT_MIN,
        }
    }

    /// Sets the version the next message is written in.
    pub(crate) fn set_version(&mut self, version: i16, flexible: bool) {
        self.version = version;
        self.flexible = flexible;
    }

    #[inline]
    pub(crate) fn flexible(&self) -> bool {
        self.flexible
    }

    /// All bytes written so far, payloads included.
    pub(crate) fn len(&self) -> usize {
        self.buffer.len() + self.payloads.iter().map(|(_, payload)| payload.len()).sum::<usize>()
    }

    /// Overwrites bytes written earlier, such as a size that was not known then.
    pub(crate) fn patch(&mut self, position: usize, bytes: &[u8]) {
        self.buffer[position..position + bytes.len()].copy_from_slice(bytes);
    }

    /// The bytes, in order, as few segments as possible.
    pub(crate) fn into_segments(self) -> Vec<Bytes> {
        let small = Bytes::from(self.buffer);
        let mut segments = Vec::with_capacity(2 * self.payloads.len() + 1);
        let mut position = 0;
        for (place, payload) in self.payloads {
            if place > position {
                segments.push(small.slice(position..place));
                position = place;
            }
            segments.push(payload);
        }
        if position < small.len() {
            segments.push(small.slice(position..));
        }
        segments
    }

    #[cold]
    pub(crate) fn problem(&self, problem: EncodeProblem) -> Box<EncodeError> {
        Box::new(EncodeError { version: self.version, path: String::new(), problem })
    }

    /// Writes an untagged field of a struct, or checks that it may be left out in this version.
    #[inline]
    pub(crate) fn field<T: Wire>(
        &mut self,
        field: &FieldSchema,
        value: &T,
        is_default: impl FnOnce(&T) -> bool,
    ) -> Encoded {
        if field.covers(self.version) {
            if field.tag.is_some() {
                return Ok(());
            }
            let shape = field.shape(self.version);
            return value.encode(self, shape).map_err(|error| error.in_field(field.name));
        }
        if field.ignorable || is_default(value) {
            Ok(())
        } else {
            Err(self.problem(EncodeProblem::NotInVersion).in_field(field.name))
        }
    }

    #[inline]
    pub(crate) fn fixed<const N: usize>(&mut self, bytes: [u8; N]) {
        self.buffer.extend_from_slice(&bytes);
    }

    pub(crate) fn unsigned_varint(&mut self, value: u32) {
        push_unsigned_varint(&mut self.buffer, value);
    }

    /// The length of bytes or of an array.
    fn length(&mut self, length: usize) -> Encoded {
        let stored = match i32::try_from(length) {
            Ok(length) if length < i32::MAX => length,
            _ => {
                let expected_at_most = i32::MAX as usize - 1;
                return Err(self.problem(EncodeProblem::TooLong { expected_at_most, got: length }));
            }
        };
        if self.flexible {
            self.unsigned_varint(stored.unsigned_abs() + 1);
        } else {
            self.fixed(stored.to_be_bytes());
        }
        Ok(())
    }

    /// The mark that bytes or an array are null, if they may be.
    pub(crate) fn null(&mut self, shape: Shape) -> Encoded {
        if !shape.nullable {
            return Err(self.problem(EncodeProblem::UnexpectedNull));
        }
        if self.flexible {
            self.unsigned_varint(0);
        } else {
            self.fixed((-1i32).to_be_bytes());
        }
        Ok(())
    }

    /// The mark that text is null, if it may be.
    pub(crate) fn null_string(&mut self, shape: Shape) -> Encoded {
        if !shape.nullable {
            return Err(self.problem(EncodeProblem::UnexpectedNull));
        }
        if self.flexible && !shape.inflexible {
            self.unsigned_varint(0);
        } else {
            self.fixed((-1i16).to_be_bytes());
        }
        Ok(())
    }

    pub(crate) fn string(&mut self, text: &str, shape: Shape) -> Encoded {
        // Kafka limits text to the same length in flexible versions, whose length field could say more.
        let Ok(length) = i16::try_from(text.len()) else {
            let expected_at_most = i16::MAX as usize;
            return Err(self.problem(EncodeProblem::TooLong { expected_at_most, got: text.len() }));
        };
        if self.flexible && !shape.inflexible {
            self.unsigned_varint(u32::from(length.unsigned_abs()) + 1);
        } else {
            self.fixed(length.to_be_bytes());
        }
        self.buffer.extend_from_slice(text.as_bytes());
        Ok(())
    }

    pub(crate) fn bytes(&mut self, bytes: &Bytes) -> Encoded {
        self.length(bytes.len())?;
        if bytes.len() >= self.split_from {
            self.payloads.push((self.buffer.len(), bytes.clone()));
        } else {
            self.buffer.extend_from_slice(bytes);
        }
        Ok(())
    }

    pub(crate) fn array<T: Wire>(&mut self, elements: &[T]) -> Encoded {
        self.length(elements.len())?;
        for (index, element) in elements.iter().enumerate() {
            element.encode(self, Shape::ELEMENT).map_err(|error| error.in_element(index))?;
        }
        Ok(())
    }
}

/// The tagged fields at the end of a flexible struct, collected before their number is known.
#[derive(Debug)]
pub(crate) struct TaggedFields {
    count: u32,
    content: Vec<u8>,
}

impl TaggedFields {
    pub(crate) fn new() -> Self {
        Self { count: 0, content: Vec::new() }
    }

    /// Adds a field, unless it holds its default: then the protocol leaves it out (KIP-482).
    #[inline]
    pub(crate) fn add<T: Wire>(
        &mut self,
        encoder: &Encoder,
        field: &FieldSchema,
        value: &T,
        is_default: impl FnOnce(&T) -> bool,
    ) -> Encoded {
        match field.tag {
            Some(tag) if field.covers(encoder.version) && !is_default(value) => {
                self.add_content(encoder, field, tag, value)
            }
            _ => Ok(()),
        }
    }

    fn add_content<T: Wire>(
        &mut self,
        encoder: &Encoder,
        field: &FieldSchema,
        tag: u32,
        value: &T,
    ) -> Encoded {
        let mut inner = Encoder {
            buffer: Vec::new(),
            payloads: Vec::new(),
            version: encoder.version,
            flexible: encoder.flexible,
            split_from: usize::MAX,
        };
        let shape = field.shape(encoder.version);
        value.encode(&mut inner, shape).map_err(|error| error.in_field(field.name))?;
        let Ok(size) = u32::try_from(inner.buffer.len()) else {
            let problem =
                EncodeProblem::TooLong { expected_at_most: u32::MAX as usize, got: inner.buffer.len() };
            return Err(encoder.problem(problem).in_field(field.name));
        };
        push_unsigned_varint(&mut self.content, tag);
        push_unsigned_varint(&mut self.content, size);
        self.content.extend_from_slice(&inner.buffer);
        self.count += 1;
        Ok(())
    }

    /// Writes the number of fields and the fields.
    pub(crate) fn finish(self, encoder: &mut Encoder) {
        encoder.unsigned_varint(self.count);
        encoder.buffer.extend_from_slice(&self.content);
    }
}

/// Seven bits a byte, the lowest first; the top bit says that more follow.
fn push_unsigned_varint(buffer: &mut Vec<u8>, mut value: u32) {
    while value >= 0x80 {
        buffer.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    buffer.push(value as u8);
}

/// Payloads from this size on become segments of their own instead of being copied.
const PAYLOAD_SPLIT_MIN: usize = 4096;

/// Room for a header and a small request.
const INITIAL_CAPACITY: usize = 256;
