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
            Self::Number(number) => Plain(*number).fmt(f),
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

/// A number in an error's text. Not by its own `Display`: exact printing of every `f64` costs more than a twentieth of the whole
/// client's size in a browser.
pub(super) struct Plain(pub(super) f64);

impl fmt::Display for Plain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Up to here thousandths are exact.
        const EXACT: f64 = 1e12;
        let Self(number) = *self;
        if number.is_nan() {
            return f.write_str("NaN");
        }
        let sign = if number < 0.0 { "-" } else { "" };
        let magnitude = if number < 0.0 { -number } else { number };
        if magnitude > EXACT {
            return write!(f, "{sign}(more than {})", EXACT as u64);
        }
        let thousandths = (magnitude * 1e3 + 0.5) as u64;
        write!(f, "{sign}{}", thousandths / 1_000)?;
        match thousandths % 1_000 {
            0 => Ok(()),
            rest if rest % 100 == 0 => write!(f, ".{}", rest / 100),
            rest if rest % 10 == 0 => write!(f, ".{:02}", rest / 10),
            rest => write!(f, ".{rest:03}"),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_told_in_thousandths() {
        for (number, text) in [
            (0.0, "0"),
            (-0.5, "-0.5"),
            (5000.0, "5000"),
            (1.25, "1.25"),
            (0.001, "0.001"),
            (9_007_199_254.5, "9007199254.5"),
            (f64::NAN, "NaN"),
            (f64::INFINITY, "(more than 1000000000000)"),
            (-1e300, "-(more than 1000000000000)"),
        ] {
            assert_eq!(Value::Number(number).to_string(), text);
        }
    }
}
