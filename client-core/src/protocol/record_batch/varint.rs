//! Variable-length integers: zigzag, then seven bits a byte, the lowest first.

use super::error::{RecordBatchError, RecordBatchProblem};

/// Bytes of the longest 32-bit one.
pub(super) const VARINT_SIZE_MAX: usize = 5;

/// Bytes of the longest 64-bit one.
pub(super) const VARLONG_SIZE_MAX: usize = 10;

pub(super) const fn varint_size(value: i32) -> usize {
    let bits = 32 - (zigzag(value) | 1).leading_zeros();
    bits.div_ceil(7) as usize
}

pub(super) const fn varlong_size(value: i64) -> usize {
    let bits = 64 - (zigzag_long(value) | 1).leading_zeros();
    bits.div_ceil(7) as usize
}

/// A few bytes on the stack, to be copied in one go.
#[derive(Debug)]
pub(super) struct SmallBuffer<const N: usize> {
    bytes: [u8; N],
    length: usize,
}

impl<const N: usize> SmallBuffer<N> {
    #[inline]
    pub(super) const fn new() -> Self {
        Self { bytes: [0; N], length: 0 }
    }

    #[inline]
    pub(super) fn clear(&mut self) {
        self.length = 0;
    }

    #[inline]
    pub(super) fn byte(&mut self, byte: u8) {
        self.bytes[self.length] = byte;
        self.length += 1;
    }

    #[inline]
    pub(super) fn varint(&mut self, value: i32) {
        let mut rest = zigzag(value);
        while rest >= 0x80 {
            self.byte(rest as u8 | 0x80);
            rest >>= 7;
        }
        self.byte(rest as u8);
    }

    #[inline]
    pub(super) fn varlong(&mut self, value: i64) {
        let mut rest = zigzag_long(value);
        while rest >= 0x80 {
            self.byte(rest as u8 | 0x80);
            rest >>= 7;
        }
        self.byte(rest as u8);
    }

    #[inline]
    pub(super) fn as_slice(&self) -> &[u8] {
        &self.bytes[..self.length]
    }
}

/// Reads the fields of records from a batch.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cursor<'a> {
    /// Everything up to the end of what may be read, counted from the start of the batch.
    bytes: &'a [u8],
    position: usize,
}

impl<'a> Cursor<'a> {
    #[inline]
    pub(super) const fn new(bytes: &'a [u8], position: usize) -> Self {
        Self { bytes, position }
    }

    #[inline]
    pub(super) const fn position(&self) -> usize {
        self.position
    }

    #[inline]
    pub(super) const fn remaining(&self) -> usize {
        self.bytes.len() - self.position
    }

    #[inline]
    pub(super) fn byte(&mut self) -> Result<u8, RecordBatchError> {
        match self.bytes.get(self.position) {
            Some(byte) => {
                self.position += 1;
                Ok(*byte)
            }
            None => Err(self.problem(RecordBatchProblem::EndOfInput { expected: 1, got: 0 })),
        }
    }

    #[inline]
    pub(super) fn take(&mut self, length: usize) -> Result<&'a [u8], RecordBatchError> {
        match self.bytes[self.position..].get(..length) {
            Some(taken) => {
                self.position += length;
                Ok(taken)
            }
            None => {
                Err(self.problem(RecordBatchProblem::EndOfInput { expected: length, got: self.remaining() }))
            }
        }
    }

    /// Splits off the next bytes as a cursor of their own, which counts positions alike.
    #[inline]
    pub(super) fn split(&mut self, length: usize) -> Result<Self, RecordBatchError> {
        let start = self.position;
        self.take(length)?;
        Ok(Self { bytes: &self.bytes[..self.position], position: start })
    }

    #[inline]
    pub(super) fn varint(&mut self) -> Result<i32, RecordBatchError> {
        let start = self.position;
        let first = self.byte()?;
        if first < 0x80 {
            return Ok(unzigzag(u32::from(first)));
        }
        let mut value = u32::from(first & 0x7f);
        for shift in (7..35).step_by(7) {
            let byte = self.byte()?;
            if shift == 28 && byte > 0x0f {
                break;
            }
            value |= u32::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Ok(unzigzag(value));
            }
        }
        Err(RecordBatchError::new(start, RecordBatchProblem::VarintOverflow { bits: 32 }))
    }

    #[inline]
    pub(super) fn varlong(&mut self) -> Result<i64, RecordBatchError> {
        let start = self.position;
        let first = self.byte()?;
        if first < 0x80 {
            return Ok(unzigzag_long(u64::from(first)));
        }
        let mut value = u64::from(first & 0x7f);
        for shift in (7..70).step_by(7) {
            let byte = self.byte()?;
            if shift == 63 && byte > 0x01 {
                break;
            }
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Ok(unzigzag_long(value));
            }
        }
        Err(RecordBatchError::new(start, RecordBatchProblem::VarintOverflow { bits: 64 }))
    }

    /// A length in front of something that may not be null.
    #[inline]
    pub(super) fn length(&mut self) -> Result<usize, RecordBatchError> {
        let start = self.position;
        let got = self.varint()?;
        usize::try_from(got)
            .map_err(|_| RecordBatchError::new(start, RecordBatchProblem::NegativeLength { got }))
    }

    /// Bytes with their length in front, or null.
    #[inline]
    pub(super) fn optional_bytes(&mut self) -> Result<Option<&'a [u8]>, RecordBatchError> {
        let start = self.position;
        match self.varint()? {
            -1 => Ok(None),
            got => match usize::try_from(got) {
                Ok(length) => self.take(length).map(Some),
                Err(_) => Err(RecordBatchError::new(start, RecordBatchProblem::NegativeLength { got })),
            },
        }
    }

    #[cold]
    pub(super) const fn problem(&self, problem: RecordBatchProblem) -> RecordBatchError {
        RecordBatchError::new(self.position, problem)
    }
}

const fn zigzag(value: i32) -> u32 {
    ((value << 1) ^ (value >> 31)).cast_unsigned()
}

const fn zigzag_long(value: i64) -> u64 {
    ((value << 1) ^ (value >> 63)).cast_unsigned()
}

const fn unzigzag(value: u32) -> i32 {
    (value >> 1).cast_signed() ^ -(value & 1).cast_signed()
}

const fn unzigzag_long(value: u64) -> i64 {
    (value >> 1).cast_signed() ^ -(value & 1).cast_signed()
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[track_caller]
    fn check(value: i64, bytes: &[u8]) {
        let mut buffer = SmallBuffer::<VARLONG_SIZE_MAX>::new();
        buffer.varlong(value);
        assert_eq!(buffer.as_slice(), bytes);
        assert_eq!(varlong_size(value), bytes.len());
        assert_eq!(Cursor::new(bytes, 0).varlong(), Ok(value));
        if let Ok(value) = i32::try_from(value) {
            let mut buffer = SmallBuffer::<VARINT_SIZE_MAX>::new();
            buffer.varint(value);
            assert_eq!(buffer.as_slice(), bytes);
            assert_eq!(varint_size(value), bytes.len());
            assert_eq!(Cursor::new(bytes, 0).varint(), Ok(value));
        }
    }

    #[test]
    fn known_values() {
        check(0, &[0]);
        check(-1, &[1]);
        check(1, &[2]);
        check(63, &[126]);
        check(-64, &[127]);
        check(64, &[0x80, 1]);
        check(8191, &[0xfe, 0x7f]);
        check(8192, &[0x80, 0x80, 1]);
        check(i64::from(i32::MAX), &[0xfe, 0xff, 0xff, 0xff, 0x0f]);
        check(i64::from(i32::MIN), &[0xff, 0xff, 0xff, 0xff, 0x0f]);
        check(i64::MAX, &[0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01]);
        check(i64::MIN, &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01]);
    }

    #[test]
    fn too_long_or_cut_off() {
        let overflow = |bits| Err(RecordBatchError::new(0, RecordBatchProblem::VarintOverflow { bits }));
        assert_eq!(Cursor::new(&[0xff, 0xff, 0xff, 0xff, 0x1f], 0).varint(), overflow(32));
        assert_eq!(Cursor::new(&[0xff; 11], 0).varint(), overflow(32));
        assert_eq!(Cursor::new(&[0xff; 11], 0).varlong().map(|_| 0), overflow(64));
        let cut = RecordBatchProblem::EndOfInput { expected: 1, got: 0 };
        assert_eq!(Cursor::new(&[0x80], 0).varint(), Err(RecordBatchError::new(1, cut)));
    }
}
