//! What an application did and was told, and the records it sends.

use std::collections::BTreeMap;
use std::time::{SystemTime, UNIX_EPOCH};

/// One application's life: a producer that numbers its records from 0, and a consumer that reads along.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Journal {
    /// When each record was handed to the producer, by its number.
    pub sent: Vec<Millis>,
    /// What became of records, in the order in which the producer said so.
    pub outcomes: Vec<(u64, Millis, Outcome)>,
    /// What the consumer got, in its order.
    pub read: Vec<Read>,
    /// Counters of the clients.
    pub facts: BTreeMap<String, u64>,
    /// What must not happen, in words.
    pub complaints: Vec<String>,
}

/// Milliseconds of Unix time.
pub type Millis = u64;

/// The end of one record, as the producer told it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It is in the log.
    Acknowledged {
        /// Which partition of the topic.
        partition: i32,
        /// Where; unknown when the broker only says that it has it already.
        offset: Option<i64>,
    },
    /// It may be in the log, or not.
    Failed {
        /// The error's code.
        code: String,
    },
}

/// A record as the consumer got it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Read {
    /// Which partition of the topic.
    pub partition: i32,
    /// Where.
    pub offset: i64,
    /// Which record, `None` when its value is not one that was sent.
    pub number: Option<u64>,
}

impl Journal {
    /// Reads one line of an application that runs in another process:
    ///
    /// ```text
    /// sent <number> <time>                         acknowledged <number> <partition> <offset or -1> <time>
    /// failed <number> <code> <time>                read <partition> <offset> <number or -1>
    /// fact <name> <number>                         complaint <words>
    /// ```
    ///
    /// # Errors
    /// The line, when it is none of these.
    pub fn take_line(&mut self, line: &str) -> Result<(), String> {
        self.parse(line).ok_or_else(|| format!("not a line of a journal: {line:?}"))
    }

    fn parse(&mut self, line: &str) -> Option<()> {
        let (kind, rest) = line.split_once(' ')?;
        if kind == "complaint" {
            self.complaints.push(rest.to_owned());
            return Some(());
        }
        let words: Vec<&str> = rest.split(' ').collect();
        match (kind, words.as_slice()) {
            ("sent", &[number, at]) => {
                // Numbers rise one by one, so the number is where the time goes.
                if number.parse() != Ok(self.sent.len()) {
                    return None;
                }
                self.sent.push(at.parse().ok()?);
            }
            ("acknowledged", &[number, partition, offset, at]) => {
                let offset = Some(offset.parse().ok()?).filter(|&offset: &i64| offset >= 0);
                let outcome = Outcome::Acknowledged { partition: partition.parse().ok()?, offset };
                self.outcomes.push((number.parse().ok()?, at.parse().ok()?, outcome));
            }
            ("failed", &[number, code, at]) => {
                let outcome = Outcome::Failed { code: code.to_owned() };
                self.outcomes.push((number.parse().ok()?, at.parse().ok()?, outcome));
            }
            ("read", &[partition, offset, number]) => {
                let number: i64 = number.parse().ok()?;
                let number = u64::try_from(number).ok();
                self.read.push(Read {
                    partition: partition.parse().ok()?,
                    offset: offset.parse().ok()?,
                    number,
                });
            }
            ("fact", &[name, number]) => {
                self.facts.insert(name.to_owned(), number.parse().ok()?);
            }
            _ => return None,
        }
        Some(())
    }
}

/// The time now.
#[must_use]
pub fn now() -> Millis {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| u64::try_from(since.as_millis()).unwrap_or(0))
}

/// The key of a record: 97 keys in turn, so that every partition gets some.
#[must_use]
pub fn key(number: u64) -> String {
    format!("key-{}", number % 97)
}

/// The value of a record: its number, and padding that the number determines, so that a reader can tell whether all of it is
/// there. One in a hundred is larger than what the proxy reads at once. `tests/chaos/application.mjs` does the same.
#[must_use]
pub fn value(number: u64) -> String {
    const LARGE: usize = 50_000;
    let len = if number % 100 == 99 { LARGE } else { usize::try_from(number * 7_919 % 397).unwrap_or(0) };
    let letter = char::from(b'a' + u8::try_from(number % 26).unwrap_or(0));
    format!("{number}:{}", String::from(letter).repeat(len))
}

/// The number of the record whose value this is, `None` if it is nobody's.
#[must_use]
pub fn number_of(text: &str) -> Option<u64> {
    let number = text.split_once(':')?.0.parse().ok()?;
    (value(number) == text).then_some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_read() {
        let mut journal = Journal::default();
        for line in [
            "sent 0 1000",
            "sent 1 1001",
            "acknowledged 0 2 17 1005",
            "acknowledged 1 2 -1 1006",
            "failed 1 TIMEOUT 1007",
            "read 2 17 0",
            "read 2 18 -1",
            "fact connects 4",
            "complaint it broke in two",
        ] {
            journal.take_line(line).unwrap();
        }
        let acknowledged = |offset| Outcome::Acknowledged { partition: 2, offset };
        let expected = Journal {
            sent: vec![1000, 1001],
            outcomes: vec![
                (0, 1005, acknowledged(Some(17))),
                (1, 1006, acknowledged(None)),
                (1, 1007, Outcome::Failed { code: "TIMEOUT".into() }),
            ],
            read: vec![
                Read { partition: 2, offset: 17, number: Some(0) },
                Read { partition: 2, offset: 18, number: None },
            ],
            facts: [("connects".to_owned(), 4)].into(),
            complaints: vec!["it broke in two".into()],
        };
        assert_eq!(journal, expected);
        for line in ["", "sent", "sent 7 1000", "sent 2 x", "read 1 2", "hello world", "fact a b"] {
            assert!(journal.take_line(line).is_err(), "{line:?}");
        }
        assert_eq!(journal, expected);
    }

    #[test]
    fn a_value_tells_its_number_and_whether_it_is_whole() {
        for number in [0, 1, 25, 26, 99, 12_345] {
            let text = value(number);
            assert_eq!(number_of(&text), Some(number));
            assert_eq!(number_of(&format!("{text}a")), None);
            assert_eq!(number_of(&text.replace(':', "")), None);
        }
        assert_eq!(number_of("99:uuu"), None);
        assert_eq!(number_of("no number"), None);
    }
}
