//! What people and programs decide: calls of application tasks, and faults. Plain data, applied at a step.

use crate::fault::Fault;
use crate::text::{ParseError, Words, number};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use client_core::ids::TopicPartition;
use core::fmt;

/// A decision and the step at which it applies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChoiceAt {
    /// It is applied as the step that follows so many others; applying it is a step of its own.
    pub step: u32,
    /// The decision.
    pub choice: Choice,
}

/// A decision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Choice {
    /// A task of the application calls a client.
    Call {
        /// The task: 1 is T1.
        task: u16,
        /// The client, counted from 0.
        client: u8,
        /// What it calls.
        call: Call,
    },
    /// Something breaks, or is mended.
    Fault(Fault),
    /// Input for a client's newest connection to a broker, given by hand: the person who watches plays the driver, and may
    /// give what makes no sense.
    Input {
        /// The client, counted from 0.
        client: u8,
        /// The client's number for the broker.
        broker: u16,
        /// What it is given.
        input: HandInput,
    },
}

/// Input that can be given by hand, named like the client's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum HandInput {
    /// The transport is open.
    Connected,
    /// What is under way between client and broker arrives, there and back.
    Received,
    /// The connection breaks.
    Disconnected,
    /// The time has come that the client waits for.
    TimeoutFired,
}

impl HandInput {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Connected, Self::Received, Self::Disconnected, Self::TimeoutFired];

    /// Its name in the client's own words.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Connected => "Connected",
            Self::Received => "Received",
            Self::Disconnected => "Disconnected",
            Self::TimeoutFired => "TimeoutFired",
        }
    }
}

/// A call to a client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Call {
    /// `start()`, with an optional limit in milliseconds.
    Start {
        /// The limit.
        timeout_ms: Option<u64>,
    },
    /// `stop()`, with an optional limit in milliseconds.
    Stop {
        /// The limit.
        timeout_ms: Option<u64>,
    },
    /// The task gives up its oldest unfinished call.
    Cancel,
    /// `send()`, several times.
    Send {
        /// The topic.
        topic: String,
        /// The partition, or the partitioner's choice.
        partition: Option<i32>,
        /// How many records.
        count: u32,
        /// How long each value is.
        size: u32,
    },
    /// `flush()`.
    Flush,
    /// `assign()`.
    Assign {
        /// The partitions.
        partitions: Vec<TopicPartition>,
        /// Where to begin.
        from: From,
    },
    /// From now on the task takes every batch as soon as it is there.
    Consume,
    /// `seek()`.
    Seek {
        /// The partition.
        partition: TopicPartition,
        /// Where to go on.
        to: From,
    },
    /// `pause()`.
    Pause {
        /// The partitions.
        partitions: Vec<TopicPartition>,
    },
    /// `resume()`.
    Resume {
        /// The partitions.
        partitions: Vec<TopicPartition>,
    },
    /// `listOffsets()`: the ends of partitions.
    ListOffsets {
        /// The partitions.
        partitions: Vec<TopicPartition>,
    },
    /// `writable()`: waits until the producer has room again.
    Writable,
    /// `partitionsFor()`.
    PartitionsFor {
        /// The topic.
        topic: String,
    },
    /// `createTopics()`: one.
    CreateTopic {
        /// The topic.
        topic: String,
        /// How many partitions.
        partitions: i32,
    },
    /// `createPartitions()` for one topic.
    GrowTopic {
        /// The topic.
        topic: String,
        /// How many partitions it is to have in all.
        partitions: i32,
    },
    /// `deleteTopics()`: one.
    DeleteTopic {
        /// The topic.
        topic: String,
    },
    /// `describeTopics()`: one.
    DescribeTopic {
        /// The topic.
        topic: String,
    },
}

/// Where an assignment begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum From {
    /// Where the partition stands if it is assigned already, else as the configuration says.
    Kept,
    /// At the first record.
    Earliest,
    /// Behind the last record.
    Latest,
    /// At this offset.
    Offset(i64),
}

impl Choice {
    /// T1, T2, ... of the first client.
    #[must_use]
    pub const fn call(task: u16, call: Call) -> Self {
        Self::Call { task, client: 0, call }
    }

    /// Reads the text form.
    ///
    /// # Errors
    /// Which entry cannot be read, and why.
    pub fn parse(text: &str) -> Result<Self, ParseError> {
        if let Some(rest) = text.strip_prefix("input:") {
            return input(text, rest);
        }
        let Some(rest) = text.strip_prefix('T') else { return Fault::parse(text).map(Self::Fault) };
        let (who, call) = rest
            .split_once(':')
            .ok_or_else(|| ParseError::new(text, "expected a call such as T1:start, found no ':'"))?;
        let (task, client) = match who.split_once('/') {
            Some((task, client)) => (task, number::<u8>(client, "a client from 1 to 255")?),
            None => (who, 1),
        };
        let client = client
            .checked_sub(1)
            .ok_or_else(|| ParseError::new(text, "expected a client from 1 to 255, found 0"))?;
        Ok(Self::Call { task: number(task, "a task such as T1")?, client, call: Call::parse(call)? })
    }
}

impl Call {
    /// `start()` without a limit.
    pub const START: Self = Self::Start { timeout_ms: None };
    /// `stop()` without a limit.
    pub const STOP: Self = Self::Stop { timeout_ms: None };

    /// The call as one would write it in a program.
    #[must_use]
    pub fn shown(&self) -> String {
        let limited = |name: &str, timeout_ms: &Option<u64>| match timeout_ms {
            Some(millis) => format!("{name}({millis} ms)"),
            None => format!("{name}()"),
        };
        match self {
            Self::Start { timeout_ms } => limited("start", timeout_ms),
            Self::Stop { timeout_ms } => limited("stop", timeout_ms),
            Self::Cancel => "cancel()".to_string(),
            Self::Send { topic, partition: None, count, .. } => format!("send({topic}, {})", records(*count)),
            Self::Send { topic, partition: Some(partition), count, .. } => {
                format!("send({topic}-{partition}, {})", records(*count))
            }
            Self::Flush => "flush()".to_string(),
            Self::Assign { partitions, from } => format!("assign({}, {from})", joined(partitions, ", ")),
            Self::Consume => "consume()".to_string(),
            Self::Seek { partition, to } => format!("seek({partition}, {to})"),
            Self::Pause { partitions } => format!("pause({})", joined(partitions, ", ")),
            Self::Resume { partitions } => format!("resume({})", joined(partitions, ", ")),
            Self::ListOffsets { partitions } => format!("listOffsets({})", joined(partitions, ", ")),
            Self::Writable => "writable()".to_string(),
            Self::PartitionsFor { topic } => format!("partitionsFor({topic})"),
            Self::CreateTopic { topic, partitions } => format!("createTopics({topic}, {partitions})"),
            Self::GrowTopic { topic, partitions } => format!("createPartitions({topic}, {partitions})"),
            Self::DeleteTopic { topic } => format!("deleteTopics({topic})"),
            Self::DescribeTopic { topic } => format!("describeTopics({topic})"),
        }
    }

    fn parse(text: &str) -> Result<Self, ParseError> {
        let mut words = Words::new(text);
        let name = words.word("the name of a call")?;
        let limit = |words: &mut Words<'_>| {
            words.next_if_any().map(|word| number(word, "a number of milliseconds")).transpose()
        };
        let call = match name {
            "start" => Self::Start { timeout_ms: limit(&mut words)? },
            "stop" => Self::Stop { timeout_ms: limit(&mut words)? },
            "cancel" => Self::Cancel,
            "send" => {
                let topic = words.word("a topic")?.to_string();
                let partition = match words.word("a partition or *")? {
                    "*" => None,
                    word => Some(number(word, "a partition or *")?),
                };
                let count = words.number("a number of records")?;
                let size = words.number("a size in bytes")?;
                if count > RECORDS_MAX || size > RECORD_SIZE_MAX {
                    let limit = format!("expected at most {RECORDS_MAX} records of {RECORD_SIZE_MAX} bytes");
                    return Err(ParseError::new(text, limit));
                }
                Self::Send { topic, partition, count, size }
            }
            "flush" => Self::Flush,
            "assign" => Self::Assign { partitions: partitions(&mut words)?, from: from(&mut words)? },
            "consume" => Self::Consume,
            "seek" => {
                let name = words.word("a partition such as orders-0")?;
                Self::Seek { partition: partition(name)?, to: from(&mut words)? }
            }
            "pause" => Self::Pause { partitions: partitions(&mut words)? },
            "resume" => Self::Resume { partitions: partitions(&mut words)? },
            "list-offsets" => Self::ListOffsets { partitions: partitions(&mut words)? },
            "writable" => Self::Writable,
            "partitions-for" => Self::PartitionsFor { topic: words.word("a topic")?.to_string() },
            "create-topic" => {
                let topic = words.word("a topic")?.to_string();
                Self::CreateTopic { topic, partitions: words.number("a number of partitions")? }
            }
            "grow-topic" => {
                let topic = words.word("a topic")?.to_string();
                Self::GrowTopic { topic, partitions: words.number("a number of partitions")? }
            }
            "delete-topic" => Self::DeleteTopic { topic: words.word("a topic")?.to_string() },
            "describe-topic" => Self::DescribeTopic { topic: words.word("a topic")?.to_string() },
            other => return Err(words.unexpected("the name of a call", other)),
        };
        words.end()?;
        Ok(call)
    }
}

/// Limits of what a text may ask for: a link must not be able to exhaust the page that opens it.
const RECORDS_MAX: u32 = 10_000;
const RECORD_SIZE_MAX: u32 = 1 << 20;
/// Reads `b1:Connected`, or `b1/2:Connected` for the second client.
fn input(text: &str, rest: &str) -> Result<Choice, ParseError> {
    let expected = || ParseError::new(text, "expected input such as input:b1:Connected");
    let (whose, name) = rest.split_once(':').ok_or_else(expected)?;
    let numbers = whose.strip_prefix('b').ok_or_else(expected)?;
    let (broker, client) = numbers.split_once('/').unwrap_or((numbers, "1"));
    let client = number::<u8>(client, "a client from 1 to 255")?.checked_sub(1).ok_or_else(expected)?;
    let input = HandInput::ALL.into_iter().find(|input| input.name() == name).ok_or_else(expected)?;
    Ok(Choice::Input { client, broker: number(broker, "a broker's number")?, input })
}

fn records(count: u32) -> String {
    if count == 1 { "1 record".to_string() } else { format!("{count} records") }
}

fn partitions(words: &mut Words<'_>) -> Result<Vec<TopicPartition>, ParseError> {
    words.word("partitions such as orders-0+orders-1")?.split('+').map(partition).collect()
}

fn from(words: &mut Words<'_>) -> Result<From, ParseError> {
    const EXPECTED: &str = "kept, earliest, latest or an offset";
    Ok(match words.word(EXPECTED)? {
        "kept" => From::Kept,
        "earliest" => From::Earliest,
        "latest" => From::Latest,
        word => From::Offset(number(word, EXPECTED)?),
    })
}

fn partition(text: &str) -> Result<TopicPartition, ParseError> {
    let bad = || ParseError::new(text, "expected a partition such as orders-0");
    let (topic, partition) = text.rsplit_once('-').ok_or_else(bad)?;
    Ok(TopicPartition::new(topic, partition.parse().map_err(|_| bad())?))
}

fn joined(partitions: &[TopicPartition], separator: &str) -> String {
    partitions.iter().map(ToString::to_string).collect::<Vec<_>>().join(separator)
}

impl fmt::Display for From {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Kept => f.write_str("kept"),
            Self::Earliest => f.write_str("earliest"),
            Self::Latest => f.write_str("latest"),
            Self::Offset(offset) => offset.fmt(f),
        }
    }
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let limited = |f: &mut fmt::Formatter<'_>, name: &str, timeout_ms: &Option<u64>| {
            f.write_str(name)?;
            timeout_ms.map_or(Ok(()), |millis| write!(f, ":{millis}"))
        };
        match self {
            Self::Start { timeout_ms } => limited(f, "start", timeout_ms),
            Self::Stop { timeout_ms } => limited(f, "stop", timeout_ms),
            Self::Cancel => f.write_str("cancel"),
            Self::Send { topic, partition, count, size } => {
                write!(f, "send:{topic}:")?;
                match partition {
                    Some(partition) => write!(f, "{partition}")?,
                    None => f.write_str("*")?,
                }
                write!(f, ":{count}:{size}")
            }
            Self::Flush => f.write_str("flush"),
            Self::Assign { partitions, from } => write!(f, "assign:{}:{from}", joined(partitions, "+")),
            Self::Consume => f.write_str("consume"),
            Self::Seek { partition, to } => write!(f, "seek:{partition}:{to}"),
            Self::Pause { partitions } => write!(f, "pause:{}", joined(partitions, "+")),
            Self::Resume { partitions } => write!(f, "resume:{}", joined(partitions, "+")),
            Self::ListOffsets { partitions } => write!(f, "list-offsets:{}", joined(partitions, "+")),
            Self::Writable => f.write_str("writable"),
            Self::PartitionsFor { topic } => write!(f, "partitions-for:{topic}"),
            Self::CreateTopic { topic, partitions } => write!(f, "create-topic:{topic}:{partitions}"),
            Self::GrowTopic { topic, partitions } => write!(f, "grow-topic:{topic}:{partitions}"),
            Self::DeleteTopic { topic } => write!(f, "delete-topic:{topic}"),
            Self::DescribeTopic { topic } => write!(f, "describe-topic:{topic}"),
        }
    }
}

impl fmt::Display for Choice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Call { task, client: 0, call } => write!(f, "T{task}:{call}"),
            Self::Call { task, client, call } => write!(f, "T{task}/{}:{call}", u16::from(*client) + 1),
            Self::Fault(fault) => fault.fmt(f),
            Self::Input { client: 0, broker, input } => write!(f, "input:b{broker}:{}", input.name()),
            Self::Input { client, broker, input } => {
                write!(f, "input:b{broker}/{}:{}", u16::from(*client) + 1, input.name())
            }
        }
    }
}

impl fmt::Display for ChoiceAt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.choice, self.step)
    }
}

impl ChoiceAt {
    /// Reads the text form: `T1:start@0`.
    ///
    /// # Errors
    /// Which entry cannot be read, and why.
    pub fn parse(text: &str) -> Result<Self, ParseError> {
        let (choice, step) = text
            .rsplit_once('@')
            .ok_or_else(|| ParseError::new(text, "expected @ and the number of a step, found no '@'"))?;
        Ok(Self { step: number(step, "the number of a step")?, choice: Choice::parse(choice)? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_choice_round_trips_through_its_text() {
        for text in [
            "T1:start@0",
            "T2:start:5000@1",
            "T1/2:stop@7",
            "T1:stop:100@7",
            "T3:cancel@9",
            "T1:send:orders:*:3:100@4",
            "T1:send:orders:2:3:100@4",
            "T1:flush@4",
            "T1:assign:orders-0+my-topic-1:earliest@4",
            "T1:assign:orders-0:17@4",
            "T1:assign:orders-0:kept@4",
            "T1:consume@4",
            "T1:seek:orders-0:latest@4",
            "T1:pause:orders-0+orders-1@4",
            "T1:resume:orders-0@4",
            "T1:list-offsets:orders-0@4",
            "T1:writable@4",
            "T1:partitions-for:orders@4",
            "T1:create-topic:orders:3@4",
            "T1:grow-topic:orders:4@4",
            "T1:delete-topic:orders@4",
            "T1:describe-topic:orders@4",
            "cut:n1:rst:37@12",
            "input:b1:Connected@3",
            "input:b2/2:TimeoutFired@3",
        ] {
            assert_eq!(ChoiceAt::parse(text).map(|choice| choice.to_string()).as_deref(), Ok(text));
        }
        for text in [
            "T1:send:t:*:10001:1@0",
            "T1:send:t:*:1:1048577@0",
            "T1:start",
            "T:start@0",
            "T1/0:start@0",
            "T1:fly@0",
            "T1:start@x",
            "T1:assign:orders:latest@1",
            "input:b1:Nonsense@1",
            "input:x:Connected@1",
        ] {
            assert!(ChoiceAt::parse(text).is_err(), "{text}");
        }
    }
}
