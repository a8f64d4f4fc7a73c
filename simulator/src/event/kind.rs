//! The kinds of events.

use alloc::string::String;
use client_core::ids::OperationId;
use client_core::io::Timer;
use client_core::time::Instant;
use core::fmt;

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The application called the client.
    Call {
        /// The client, counted from 0.
        client: u8,
        /// The call with its arguments, as one would write it: `start()`.
        call: String,
        /// What the call waits on, if it waits.
        operation: Option<OperationId>,
        /// What it returned at once: a word such as `Began`, or an error's code.
        outcome: String,
        /// Whether somebody waits for a later [`Kind::Resolve`].
        waits: bool,
    },
    /// A wait ended.
    Resolve {
        /// The index of the [`Kind::Call`] that began it; `None` for an end that nobody waited for, or a second one.
        call: Option<u32>,
        /// What the call was: `start()`.
        what: String,
        /// The operation that ended, for calls that have one.
        operation: Option<OperationId>,
        /// How it ended.
        outcome: Outcome,
        /// The error in words, or what the value was.
        text: String,
    },
    /// A machine went from one state to another.
    State {
        /// Which machine; the connection is in the event.
        machine: MachineKind,
        /// The state left.
        from: &'static str,
        /// The state entered.
        to: &'static str,
        /// Why.
        why: String,
    },
    /// A machine refused to change its state.
    StateRejected {
        /// Which machine.
        machine: MachineKind,
        /// The state it stays in.
        from: &'static str,
        /// The state it was asked to enter.
        to: &'static str,
    },
    /// The client gave a broker its number.
    BrokerNamed {
        /// The client's number.
        broker: u16,
        /// `host:port`.
        address: String,
        /// Kafka's number, once known.
        node: Option<i32>,
    },
    /// The client asked for a connection.
    Open {
        /// `host:port`.
        address: String,
        /// The broker at the other end, if the world has one at this address.
        node: Option<i32>,
    },
    /// The connection is open at both ends.
    Opened,
    /// The connection ended, or was never made.
    Close {
        /// Who ended it.
        by: CloseBy,
        /// In what way.
        cause: EndCause,
        /// Why, in words.
        why: String,
    },
    /// A request was handed to the network.
    Request {
        /// Its name.
        api: &'static str,
        /// Its number.
        api_key: i16,
        /// Its version.
        api_version: i16,
        /// Where its bytes lie in the stream to the broker.
        range: StreamRange,
        /// Whether a reply is expected.
        expects_reply: bool,
    },
    /// A broker handed a reply to the network.
    Reply {
        /// The request's name, when the broker's bytes name a known request.
        api: Option<&'static str>,
        /// The request's number.
        api_key: i16,
        /// The request's version.
        api_version: i16,
        /// Where its bytes lie in the stream to the client.
        range: StreamRange,
    },
    /// Bytes arrived. The payload holds them.
    Deliver {
        /// Which way they went.
        direction: Direction,
        /// Where they lie in the stream.
        range: StreamRange,
    },
    /// Bytes that were under way will never arrive.
    Lose {
        /// Which way they went.
        direction: Direction,
        /// Where they lie in the stream.
        range: StreamRange,
    },
    /// Bytes entered the client's receive buffer.
    Buffered {
        /// How many.
        count: u32,
        /// How many the buffer holds now.
        buffered: u32,
    },
    /// A frame left the client's receive buffer, before it was judged.
    FrameTaken {
        /// Its size with the size field.
        count: u32,
    },
    /// Bytes of unfinished messages were thrown away because their connection ended.
    Discarded {
        /// How many.
        count: u32,
    },
    /// A reply was matched to its request.
    Response {
        /// The request's name.
        api: &'static str,
        /// Its number.
        api_key: i16,
        /// Its version.
        api_version: i16,
    },
    /// Input for an old connection was ignored.
    StaleIgnored {
        /// What it was.
        input: &'static str,
        /// How many bytes it carried.
        count: u32,
    },
    /// The other end broke the protocol.
    Violation {
        /// How.
        problem: String,
    },
    /// A request in flight failed because its connection ended.
    RequestFailed {
        /// The request's name.
        api: &'static str,
        /// Why, in words.
        why: String,
    },
    /// A machine wants to be called at a time.
    TimerArmed {
        /// What for.
        timer: Timer,
        /// When.
        due: Instant,
    },
    /// A time has come.
    TimerFired {
        /// What for.
        timer: Timer,
    },
    /// A machine no longer wants to be called.
    TimerCancelled {
        /// What for.
        timer: Timer,
    },
    /// The client has newer metadata.
    Metadata {
        /// How many brokers it names.
        brokers: u32,
        /// How many topics it names.
        topics: u32,
    },
    /// A batch of records was given to a request.
    BatchSent {
        /// `topic-partition`.
        partition: String,
        /// How many records.
        records: u32,
        /// Its first sequence number, -1 without idempotence.
        base_sequence: i32,
        /// How many times it was sent before.
        retries: u32,
    },
    /// A batch of records ended.
    BatchEnded {
        /// `topic-partition`.
        partition: String,
        /// How many records.
        records: u32,
        /// `OK`, or the error's code.
        outcome: &'static str,
    },
    /// A fetched batch arrived at the consumer.
    BatchFetched {
        /// `topic-partition`.
        partition: String,
        /// Its first offset.
        base_offset: i64,
        /// How many bytes.
        count: u32,
        /// Whether it was kept.
        kept: bool,
    },
    /// The application took records.
    Consumed {
        /// The client, counted from 0.
        client: u8,
        /// `topic-partition`.
        partition: String,
        /// The first offset.
        first_offset: i64,
        /// How many records.
        records: u32,
    },
    /// The client told the application about its condition.
    Status {
        /// The condition in a word.
        status: &'static str,
        /// In words.
        text: String,
    },
    /// Somebody disturbed the world, or healed it.
    Fault {
        /// In the text form of [`Fault`](crate::fault::Fault).
        fault: String,
        /// In words.
        text: String,
    },
    /// A rule was broken.
    Check {
        /// The rule's name: `I6`.
        rule: &'static str,
        /// What was found.
        verdict: Verdict,
        /// In words.
        text: String,
    },
    /// Something worth a line that is nothing of the above.
    Note {
        /// In words.
        text: String,
    },
}

impl Kind {
    /// The coarse kind.
    #[must_use]
    pub const fn group(&self) -> Group {
        match self {
            Self::Call { .. } => Group::Call,
            Self::Resolve { .. } | Self::BatchEnded { .. } | Self::Consumed { .. } => Group::Resolve,
            Self::State { .. } | Self::StateRejected { .. } | Self::Status { .. } => Group::State,
            Self::Open { .. } | Self::Opened => Group::Open,
            Self::Close { .. } => Group::Close,
            Self::Request { .. } | Self::Reply { .. } => Group::Send,
            Self::Deliver { .. } | Self::Lose { .. } | Self::Buffered { .. } => Group::Receive,
            Self::FrameTaken { .. }
            | Self::Discarded { .. }
            | Self::Response { .. }
            | Self::StaleIgnored { .. }
            | Self::Violation { .. }
            | Self::RequestFailed { .. }
            | Self::BatchSent { .. }
            | Self::BatchFetched { .. } => Group::Wire,
            Self::TimerArmed { .. } | Self::TimerFired { .. } | Self::TimerCancelled { .. } => Group::Timer,
            Self::Fault { .. } => Group::Fault,
            Self::Check { .. } => Group::Check,
            Self::BrokerNamed { .. } | Self::Metadata { .. } | Self::Note { .. } => Group::Note,
        }
    }
}

/// The coarse kinds: one symbol and one filter each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Group {
    /// The application asks.
    Call,
    /// The application gets its answer.
    Resolve,
    /// A machine changes.
    State,
    /// A connection begins.
    Open,
    /// A connection ends.
    Close,
    /// A message leaves.
    Send,
    /// Bytes arrive.
    Receive,
    /// Bytes are understood, or thrown away.
    Wire,
    /// A timer is armed, fires, or is cancelled.
    Timer,
    /// The world is disturbed or healed.
    Fault,
    /// A rule speaks.
    Check,
    /// Anything else.
    Note,
}

impl Group {
    /// All of them.
    pub const ALL: [Self; 12] = [
        Self::Call,
        Self::Resolve,
        Self::State,
        Self::Open,
        Self::Close,
        Self::Send,
        Self::Receive,
        Self::Wire,
        Self::Timer,
        Self::Fault,
        Self::Check,
        Self::Note,
    ];

    /// The word for it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Call => "call",
            Self::Resolve => "resolve",
            Self::State => "state",
            Self::Open => "open",
            Self::Close => "close",
            Self::Send => "send",
            Self::Receive => "receive",
            Self::Wire => "wire",
            Self::Timer => "timer",
            Self::Fault => "fault",
            Self::Check => "check",
            Self::Note => "note",
        }
    }
}

/// The machines that have states.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum MachineKind {
    /// The client's life.
    Lifecycle,
    /// One connection.
    Connection,
}

/// How a wait ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// With a value.
    Value,
    /// With an error; its stable code.
    Error(String),
    /// Its own caller gave up.
    Cancelled,
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Value => f.write_str("OK"),
            Self::Error(code) => f.write_str(code),
            Self::Cancelled => f.write_str("CANCELLED"),
        }
    }
}

/// One of the two ends of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Side {
    /// The client's end.
    Client,
    /// The broker's end.
    Broker,
}

/// Which way bytes go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Direction {
    /// Requests.
    ToBroker,
    /// Replies.
    ToClient,
}

impl Direction {
    /// Both.
    pub const ALL: [Self; 2] = [Self::ToBroker, Self::ToClient];
}

/// Some bytes of one direction of one connection, counted from its first byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StreamRange {
    /// The first byte.
    pub start: u64,
    /// One past the last byte.
    pub end: u64,
}

impl StreamRange {
    /// How many bytes.
    #[must_use]
    pub const fn len(self) -> u64 {
        self.end.saturating_sub(self.start)
    }

    /// Whether there are none.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.end <= self.start
    }

    /// How many bytes both ranges hold.
    #[must_use]
    pub fn overlap(self, other: Self) -> u64 {
        self.end.min(other.end).saturating_sub(self.start.max(other.start))
    }
}

/// Who ended a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CloseBy {
    /// The client.
    Client,
    /// The broker.
    Broker,
    /// Neither: the network, or the person who disturbs it.
    Network,
}

/// In what way a connection ended: the cap at the end of its line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EndCause {
    /// Closed in order by the client.
    ClosedByUs,
    /// The other end closed in order (FIN).
    Fin,
    /// Broken off (RST).
    Reset,
    /// Somebody gave up waiting.
    Timeout,
    /// Nobody listened.
    Refused,
    /// No way there.
    Unreachable,
    /// The other end broke the protocol, and the client closed.
    ProtocolError,
    /// The broker did not accept the credentials, or the client not the broker.
    NotLetIn,
}

impl EndCause {
    /// The words on the cap.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::ClosedByUs => "closed by us",
            Self::Fin => "FIN",
            Self::Reset => "RST",
            Self::Timeout => "timeout",
            Self::Refused => "refused",
            Self::Unreachable => "unreachable",
            Self::ProtocolError => "protocol error",
            Self::NotLetIn => "not let in",
        }
    }
}

/// What a rule found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Verdict {
    /// It was put to the test, and holds.
    Holds,
    /// It is broken.
    Broken {
        /// The index of the event that broke it.
        at: u32,
    },
    /// Nothing in this run puts it to the test.
    NotExercised,
    /// The log begins too late to tell.
    CannotJudge,
}
