//! What the application knows: every record it sent and how it ended, every position it asked for, every batch it got.
//!
//! The log tells people what happened; the ledger keeps what the reference model of [`crate::soak`] compares with the
//! cluster's logs.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use bytes::Bytes;
use client_core::ids::TopicPartition;
use client_core::protocol::record_batch::RecordBatch;

/// What the application knows. Grows with every record.
#[derive(Clone, Debug, Default)]
pub struct Ledger {
    /// The records accepted by `send()`, in the order in which they were accepted.
    pub sent: Vec<SentRecord>,
    /// What consumers were told and what they got, in order.
    pub read: Vec<Read>,
}

/// A record that `send()` accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SentRecord {
    /// The client, counted from 0.
    pub client: u8,
    /// The index of the call's event.
    pub call: u32,
    /// What is in it.
    pub content: Content,
    /// The topic.
    pub topic: String,
    /// The partition, if the application named one.
    pub partition: Option<i32>,
    /// The index of the event after which the end was known, and how the record ended.
    pub end: Option<(u32, End)>,
}

/// How a record ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// A broker has it, as far as `acks` tells.
    Acknowledged {
        /// The partition.
        partition: TopicPartition,
        /// The offset, if brokers answer.
        offset: Option<i64>,
    },
    /// It failed; the error's stable code.
    Failed(&'static str),
}

/// What is in a record. Unlike every other record of the run, so that none can be lost or doubled without being missed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Content {
    /// The beginning of the value.
    pub label: String,
    /// How long the value is, if that is more than the label.
    pub size: u32,
    /// How many headers it has of its own, and whether it has headers and a key at all.
    pub headers: Option<u32>,
}

/// A header: key and value.
pub type OwnedHeader = (Bytes, Option<Bytes>);

impl Content {
    /// The value.
    #[must_use]
    pub fn value(&self) -> Bytes {
        let mut value = self.label.clone().into_bytes();
        value.resize(value.len().max(self.size as usize), b'.');
        value.into()
    }

    /// The key.
    #[must_use]
    pub fn key(&self) -> Option<Bytes> {
        self.headers.map(|_| format!("key of {}", self.label).into())
    }

    /// The headers that the application names itself. Keys come twice, and some have no value.
    #[must_use]
    pub fn headers(&self) -> Vec<OwnedHeader> {
        (0..self.headers.unwrap_or_default())
            .map(|number| {
                let key = format!("own-{}", number / 2 + 1);
                let value = (number % 3 != 2).then(|| format!("{number} of {}", self.label).into());
                (key.into(), value)
            })
            .collect()
    }
}

/// Something about a consumer's reading.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Read {
    /// The client, counted from 0.
    pub client: u8,
    /// The index of the event.
    pub event: u32,
    /// What.
    pub what: ReadWhat,
}

/// What happened to a consumer's reading.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReadWhat {
    /// These are the partitions from now on, each with the place to begin at.
    Assigned {
        /// The partitions.
        partitions: Vec<TopicPartition>,
        /// Where they begin.
        from: crate::choice::From,
    },
    /// The partition goes on elsewhere.
    Sought {
        /// The partition.
        partition: TopicPartition,
        /// Where.
        to: crate::choice::From,
    },
    /// The partitions are paused, or are no longer.
    Paused {
        /// The partitions.
        partitions: Vec<TopicPartition>,
        /// Whether they are.
        paused: bool,
    },
    /// The application took a batch.
    Taken {
        /// The partition.
        partition: TopicPartition,
        /// The first offset that the application wants of it.
        first_offset: i64,
        /// The whole batch.
        batch: RecordBatch,
    },
}

impl Ledger {
    pub(super) fn note(&mut self, client: u8, event: u32, what: ReadWhat) {
        self.read.push(Read { client, event, what });
    }

    /// A record has ended.
    pub(super) fn ended(&mut self, record: usize, event: u32, end: End) {
        if let Some(record) = self.sent.get_mut(record) {
            record.end.get_or_insert((event, end));
        }
    }
}
