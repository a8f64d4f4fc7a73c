//! What has happened so far, as the page shows it.

use crate::model::events::Events;

/// How far the session has come.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Phase {
    /// Nothing is open.
    #[default]
    Off,
    /// The clients are starting, or the consumer does not yet know where to read.
    Connecting,
    /// Records can be sent, and will be seen.
    On,
    /// The clients are stopping.
    Stopping,
    /// It ended with an error: its code, and in words what to do.
    Failed {
        /// The error's stable name.
        code: &'static str,
        /// What went wrong, and what to do.
        text: String,
    },
}

impl Phase {
    /// The word for it, also a test hook.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Connecting => "connecting",
            Self::On => "on",
            Self::Stopping => "stopping",
            Self::Failed { .. } => "failed",
        }
    }
}

/// A record as the reader typed it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Draft {
    /// The key; empty for none.
    pub key: String,
    /// The value.
    pub value: String,
    /// Names and values of headers. Those without a name are left out.
    pub headers: Vec<(String, String)>,
}

/// A record that was handed to the producer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sent {
    /// The producer's number for it.
    pub id: u64,
    /// Its value.
    pub value: String,
    /// When, in microseconds of the producer's clock.
    pub at_us: u64,
    /// What became of it.
    pub state: SentState,
}

/// What became of a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SentState {
    /// Not yet known.
    Waiting,
    /// The broker has it.
    Stored {
        /// Where: `topic-partition`.
        partition: String,
        /// At which offset.
        offset: i64,
        /// Microseconds from the call to the acknowledgement.
        took_us: u64,
    },
    /// It was not stored, or nobody knows.
    Failed {
        /// What went wrong, and what to do.
        text: String,
    },
}

/// A record that came back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Arrived {
    /// Where it was: `topic-partition`.
    pub partition: String,
    /// Its offset.
    pub offset: i64,
    /// Its key, as text.
    pub key: Option<String>,
    /// Its value, as text; `None` for a tombstone.
    pub value: Option<String>,
    /// Its headers, as text.
    pub headers: Vec<(String, Option<String>)>,
}

impl Story {
    /// Whether this page sent the record.
    #[must_use]
    pub fn is_ours(&self, arrived: &Arrived) -> bool {
        self.sent.iter().any(|sent| match &sent.state {
            SentState::Stored { partition, offset, .. } => {
                (partition, *offset) == (&arrived.partition, arrived.offset)
            }
            SentState::Waiting | SentState::Failed { .. } => false,
        })
    }
}

/// Everything the page shows of a session.
#[derive(Clone, Default, PartialEq)]
pub struct Story {
    /// How far it has come.
    pub phase: Phase,
    /// What the producer and the consumer last said of themselves.
    pub status: [String; 2],
    /// What both did inside. Client 1 is the producer, client 2 the consumer.
    pub events: Events,
    /// Whether recording ended because there were too many events. Sending and reading go on.
    pub is_full: bool,
    /// What was sent, newest first.
    pub sent: Vec<Sent>,
    /// What came back, newest first.
    pub arrived: Vec<Arrived>,
    /// The last thing that went wrong without ending the session.
    pub problem: Option<String>,
}
