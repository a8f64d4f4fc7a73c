//! The text forms of plain data: what cannot be read is named, never guessed.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;
use core::str::FromStr;

/// A text that could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParseError {
    /// The part of the text that is wrong.
    pub entry: String,
    /// What is wrong with it: expected and found.
    pub problem: String,
}

impl ParseError {
    /// Says what is wrong with which part.
    pub(crate) fn new(entry: &str, problem: impl Into<String>) -> Self {
        Self { entry: entry.to_string(), problem: problem.into() }
    }
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\": {}", self.entry, self.problem)
    }
}

impl core::error::Error for ParseError {}

/// Reads the words of one entry, separated by colons, from left to right.
pub(crate) struct Words<'a> {
    entry: &'a str,
    words: Vec<&'a str>,
    next: usize,
}

impl<'a> Words<'a> {
    pub(crate) fn new(entry: &'a str) -> Self {
        Self { entry, words: entry.split(':').collect(), next: 0 }
    }

    pub(crate) fn next_if_any(&mut self) -> Option<&'a str> {
        let word = self.words.get(self.next).copied();
        self.next += usize::from(word.is_some());
        word
    }

    pub(crate) fn word(&mut self, what: &str) -> Result<&'a str, ParseError> {
        self.next_if_any()
            .filter(|word| !word.is_empty())
            .ok_or_else(|| ParseError::new(self.entry, format!("expected {what}, found the end")))
    }

    pub(crate) fn number<T: FromStr>(&mut self, what: &str) -> Result<T, ParseError> {
        let word = self.word(what)?;
        number(word, what).map_err(|error| ParseError::new(self.entry, error.problem))
    }

    /// Reads a node: `n1`.
    pub(crate) fn node(&mut self) -> Result<i32, ParseError> {
        let word = self.word("a broker such as n1")?;
        word.strip_prefix('n')
            .and_then(|number| number.parse().ok())
            .ok_or_else(|| ParseError::new(self.entry, format!("expected a broker such as n1, found {word}")))
    }

    pub(crate) fn unexpected(&self, expected: &str, found: &str) -> ParseError {
        ParseError::new(self.entry, format!("expected {expected}, found {found}"))
    }

    pub(crate) fn end(mut self) -> Result<(), ParseError> {
        self.next_if_any().map_or(Ok(()), |word| Err(self.unexpected("nothing more", word)))
    }
}

/// Reads a number.
pub(crate) fn number<T: FromStr>(word: &str, what: &str) -> Result<T, ParseError> {
    word.parse().map_err(|_| ParseError::new(word, format!("expected {what}, found {word}")))
}

/// CRC-32 (IEEE 802.3), bit by bit: texts are short, and a table would be larger than the code.
pub(crate) fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0_u32, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| (crc >> 1) ^ (0xedb8_8320 & (crc & 1).wrapping_neg()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn crc32_has_the_known_answer() {
        assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
    }
}
