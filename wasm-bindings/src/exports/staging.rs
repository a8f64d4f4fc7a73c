//! Records on their way from JavaScript to the producer.
//!
//! JavaScript writes records one after the other into this area and hands over many of them with one call. All words
//! are little-endian `i32` at multiples of 4 bytes:
//!
//! ```text
//! topic << 8 | flags        flags: 1 partition, 2 timestamp, 4 headers; in bits 3 to 5 how it is to be compressed:
//!                           0 as configured, else one more than the compression's number
//! key length                in bytes, -1 for null
//! value length              in bytes, -1 for null
//! partition                 if flag 1
//! timestamp low, high       if flag 2: Unix milliseconds
//! header count              if flag 4, then for each header: key length, value length (-1 for null)
//! key, value, then key and value of each header, without gaps
//! zero to three bytes up to the next multiple of 4
//! ```

use super::errors::ErrorTable;
use super::topics::Topics;
use client_core::{Compression, Error, Record, RecordHeader, RecordId};

const FLAG_PARTITION: i32 = 1;
const FLAG_TIMESTAMP: i32 = 2;
const FLAG_HEADERS: i32 = 4;
const COMPRESSION_SHIFT: i32 = 3;
const COMPRESSION_MASK: i32 = 0b111;
const FLAG_BITS: i32 = 8;

/// The area, and which of its records the last commit rejected.
#[derive(Default)]
pub(super) struct Staging {
    area: Vec<u8>,
    rejections: Vec<i32>,
}

/// What became of the staged records.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Committed {
    /// How many bytes were dealt with: all of them, unless the buffer was full.
    pub(super) bytes: usize,
    /// How many records that is, accepted or rejected.
    pub(super) records: usize,
    /// The id of the first accepted record; the others follow one by one.
    pub(super) first_record_id: u64,
    /// Whether the producer's buffer was full, so that the rest must wait.
    pub(super) buffer_full: bool,
}

impl Staging {
    pub(super) fn reserve(&mut self, bytes: usize) {
        if self.area.len() < bytes {
            self.area.resize(bytes, 0);
        }
    }

    pub(super) fn address(&self) -> u32 {
        self.area.as_ptr() as u32
    }

    /// Of the last commit: pairs of a record's index and its error's number.
    pub(super) fn rejections(&self) -> &[i32] {
        &self.rejections
    }

    /// Gives the staged records to `send` one by one.
    pub(super) fn commit(
        &mut self,
        bytes: usize,
        topics: &Topics,
        errors: &mut ErrorTable,
        mut send: impl FnMut(&Record<'_>, Option<Compression>) -> Result<RecordId, Error>,
    ) -> Result<Committed, Error> {
        let Self { area, rejections } = self;
        rejections.clear();
        let mut reader = Reader { staged: area.get(..bytes).ok_or_else(malformed)?, at: 0 };
        let mut headers = Vec::new();
        let mut committed = Committed::default();
        let mut accepted = false;
        while reader.at < bytes {
            let (record, compression) = reader.record(topics, &mut headers)?;
            match send(&record, compression) {
                Ok(id) if !accepted => {
                    accepted = true;
                    committed.first_record_id = id.0;
                }
                Ok(_) => {}
                Err(Error::BufferFull { .. }) => {
                    committed.buffer_full = true;
                    break;
                }
                Err(error) => rejections.extend([committed.records as i32, errors.number(error)]),
            }
            committed.records += 1;
            committed.bytes = reader.at;
        }
        Ok(committed)
    }
}

struct Reader<'a> {
    staged: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    fn record<'r>(
        &mut self,
        topics: &'r Topics,
        headers: &'r mut Vec<RecordHeader<'a>>,
    ) -> Result<(Record<'r>, Option<Compression>), Error>
    where
        'a: 'r,
    {
        let start = self.word()?;
        let topic = topics.name((start >> FLAG_BITS) as u32).ok_or_else(malformed)?.as_str();
        let compression = match start >> COMPRESSION_SHIFT & COMPRESSION_MASK {
            0 => None,
            given => Some(Compression::from_number(given as i16 - 1).ok_or_else(malformed)?),
        };
        let (key_length, value_length) = (self.word()?, self.word()?);
        let partition = if start & FLAG_PARTITION == 0 { None } else { Some(self.word()?) };
        let timestamp = if start & FLAG_TIMESTAMP == 0 {
            None
        } else {
            let (low, high) = (self.word()?, self.word()?);
            Some(i64::from(high) << 32 | i64::from(low as u32))
        };
        let header_count = if start & FLAG_HEADERS == 0 { 0 } else { self.word()? };
        let mut lengths = Self { staged: self.staged, at: self.at };
        for _ in 0..header_count {
            self.word()?;
            self.word()?;
        }
        let key = self.bytes(key_length)?;
        let value = self.bytes(value_length)?;
        headers.clear();
        for _ in 0..header_count {
            let key = self.bytes(lengths.word()?)?.ok_or_else(malformed)?;
            headers.push(RecordHeader { key, value: self.bytes(lengths.word()?)? });
        }
        self.at = self.at.next_multiple_of(4);
        Ok((Record { topic, partition, key, value, timestamp, headers }, compression))
    }

    fn word(&mut self) -> Result<i32, Error> {
        let end = self.at + 4;
        let word =
            self.staged.get(self.at..end).and_then(|word| word.try_into().ok()).ok_or_else(malformed)?;
        self.at = end;
        Ok(i32::from_le_bytes(word))
    }

    fn bytes(&mut self, length: i32) -> Result<Option<&'a [u8]>, Error> {
        let Ok(length) = usize::try_from(length) else { return Ok(None) };
        let end = self.at + length;
        let bytes = self.staged.get(self.at..end).ok_or_else(malformed)?;
        self.at = end;
        Ok(Some(bytes))
    }
}

fn malformed() -> Error {
    Error::Internal("the staging area does not hold whole records".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    type Seen =
        (String, Option<i32>, Option<Vec<u8>>, Option<Vec<u8>>, Option<i64>, usize, Option<Compression>);

    fn staged(words: &[i32], payload: &[u8]) -> Vec<u8> {
        let mut bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
        bytes.extend_from_slice(payload);
        bytes.resize(bytes.len().next_multiple_of(4), 0);
        bytes
    }

    fn check(
        area: &[Vec<u8>],
        answers: &[Result<u64, Error>],
    ) -> (Result<Committed, Error>, Vec<Seen>, Vec<i32>) {
        let mut topics = Topics::default();
        topics.handle("a").expect("a good name");
        topics.handle("b").expect("a good name");
        let mut staging = Staging { area: area.concat(), ..Staging::default() };
        let mut seen = Vec::new();
        let mut answers = answers.iter().cloned();
        let bytes = staging.area.len();
        let committed = staging.commit(bytes, &topics, &mut ErrorTable::default(), |record, compression| {
            seen.push((
                record.topic.to_string(),
                record.partition,
                record.key.map(<[u8]>::to_vec),
                record.value.map(<[u8]>::to_vec),
                record.timestamp,
                record.headers.len(),
                compression,
            ));
            answers.next().expect("one answer a record").map(RecordId)
        });
        (committed, seen, staging.rejections)
    }

    #[test]
    fn records_are_read_as_they_were_staged() {
        let plain = staged(&[0, -1, 3], b"abc");
        let zstd = 5 << 3;
        let full = staged(&[1 << 8 | zstd | 7, 1, -1, 2, -2, -1, 2, 1, -1, 1, 2], b"khH12");
        let (committed, seen, _) = check(&[plain, full], &[Ok(7), Ok(8)]);
        let committed = committed.expect("whole records");
        assert_eq!((committed.records, committed.first_record_id, committed.buffer_full), (2, 7, false));
        assert_eq!(seen[0], ("a".into(), None, None, Some(b"abc".to_vec()), None, 0, None));
        let zstd = Some(Compression::Zstd);
        assert_eq!(seen[1], ("b".into(), Some(2), Some(b"k".to_vec()), None, Some(-2), 2, zstd));
    }

    #[test]
    fn a_full_buffer_leaves_the_rest_and_a_rejection_does_not() {
        let one = staged(&[0, -1, 1], b"x");
        let rejected = Err(Error::RecordTooLarge { size: 9, limit: 8 });
        let full = Err(Error::BufferFull { limit: 8 });
        let (committed, _, rejections) =
            check(&[one.clone(), one.clone(), one.clone()], &[rejected, Ok(0), full]);
        let committed = committed.expect("whole records");
        assert_eq!((committed.records, committed.bytes, committed.buffer_full), (2, 2 * one.len(), true));
        assert_eq!(rejections, [0, 0]);
    }

    #[test]
    fn anything_but_whole_records_is_an_error() {
        for bad in [
            vec![1, 2, 3],
            staged(&[0, -1, 99], b"x"),
            staged(&[9 << 8, -1, -1], b""),
            staged(&[6 << 3, -1, -1], b""),
            staged(&[4, -1, -1, i32::MAX], b""),
            staged(&[4, -1, -1, 1, -1, -1], b""),
        ] {
            assert!(matches!(check(&[bad], &[]).0, Err(Error::Internal(_))));
        }
    }
}
