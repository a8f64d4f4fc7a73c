//! What a caller may write for an option: plain values, owned.

use alloc::string::{String, ToString};
use alloc::vec::Vec;
use bytes::Bytes;
use core::fmt;

/// A value as a caller passed it, not checked yet. Drivers make it of whatever their language has.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// An explicit removal: what lower layers say does not count (CF2).
    Null,
    /// Yes or no.
    Flag(bool),
    /// A number; durations are milliseconds.
    Number(f64),
    /// A text.
    Text(String),
    /// Bytes that need not be a text.
    Bytes(Bytes),
    /// Several values.
    List(Vec<Self>),
    /// Values by name, in the caller's order.
    Map(Vec<(String, Self)>),
    /// Something that only the driver understands, such as a function; the text says what it is.
    Other(String),
}

impl fmt::Display for Value {
    /// In a few words, for errors.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("null"),
            Self::Flag(flag) => flag.fmt(f),
            Self::Number(number) => number.fmt(f),
            Self::Text(text) => match text.char_indices().nth(TEXT_CHARS_MAX) {
                Some((end, _)) => write!(f, "{:?}", text[..end].to_string() + "…"),
                None => write!(f, "{text:?}"),
            },
            Self::Bytes(bytes) => write!(f, "{} bytes", bytes.len()),
            Self::List(values) => write!(f, "a list of {}", values.len()),
            Self::Map(values) => write!(f, "an object with {} keys", values.len()),
            Self::Other(what) => f.write_str(what),
        }
    }
}

/// Longer texts are shortened in errors.
const TEXT_CHARS_MAX: usize = 40;

impl From<bool> for Value {
    fn from(flag: bool) -> Self {
        Self::Flag(flag)
    }
}

impl From<f64> for Value {
    fn from(number: f64) -> Self {
        Self::Number(number)
    }
}

impl From<i32> for Value {
    fn from(number: i32) -> Self {
        Self::Number(f64::from(number))
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.into())
    }
}
