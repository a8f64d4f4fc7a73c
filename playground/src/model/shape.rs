//! What an event looks like: its tone, its symbol, and the mark it leaves in the diagram.

use simulator::event::{EndCause, Event, Group, Kind, Outcome, Verdict};
use simulator::sentence::purpose;

/// How it went. Shown by shape and word as well as by colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    /// Neither good nor bad.
    Plain,
    /// It succeeded.
    Good,
    /// It is not known how it will end, or something was given up.
    Unknown,
    /// It failed.
    Bad,
}

impl Tone {
    /// The class name that colours it.
    #[must_use]
    pub const fn class(self) -> &'static str {
        match self {
            Self::Plain => "tone-plain",
            Self::Good => "tone-good",
            Self::Unknown => "tone-unknown",
            Self::Bad => "tone-bad",
        }
    }
}

/// Where in the diagram a mark stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// In the lane of whoever did it.
    Actor,
    /// In the lane of the connection.
    Connection,
    /// Across all lanes.
    Everywhere,
}

/// The mark an event leaves in the diagram, beside the lives of connections and the ways of messages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mark {
    /// A task calls the client.
    Call(String),
    /// A task gets its answer.
    Answer(String),
    /// A machine enters a state.
    State(&'static str),
    /// The client hands a message to the connection.
    HandOver,
    /// The connection hands a message to the client.
    HandUp(String),
    /// Something with a few words beside it.
    Dot(String),
    /// A clock with a few words beside it.
    Clock(String),
    /// A cross with a few words beside it.
    Cross(String),
    /// Words across all lanes.
    Band(String),
    /// Nothing of its own: a life or a way shows it.
    None,
}

/// How an event went.
#[must_use]
pub fn tone(event: &Event) -> Tone {
    match &event.kind {
        Kind::Resolve { outcome: Outcome::Value, .. } | Kind::BatchEnded { outcome: "OK", .. } => Tone::Good,
        Kind::State { to: "Ready" | "Started", .. } => Tone::Good,
        Kind::Resolve { outcome: Outcome::Cancelled, .. }
        | Kind::Lose { .. }
        | Kind::Discarded { .. }
        | Kind::StaleIgnored { .. }
        | Kind::Fault { .. }
        | Kind::State { to: "BackingOff", .. }
        | Kind::BatchFetched { kept: false, .. } => Tone::Unknown,
        Kind::Resolve { outcome: Outcome::Error(_), .. }
        | Kind::BatchEnded { .. }
        | Kind::StateRejected { .. }
        | Kind::Violation { .. }
        | Kind::RequestFailed { .. }
        | Kind::Check { verdict: Verdict::Broken { .. }, .. } => Tone::Bad,
        Kind::Close { cause, .. } => match cause {
            EndCause::ClosedByUs => Tone::Plain,
            EndCause::Fin => Tone::Unknown,
            EndCause::Reset
            | EndCause::Timeout
            | EndCause::Refused
            | EndCause::Unreachable
            | EndCause::ProtocolError
            | EndCause::NotLetIn => Tone::Bad,
        },
        Kind::Call { .. }
        | Kind::State { .. }
        | Kind::BrokerNamed { .. }
        | Kind::Open { .. }
        | Kind::Opened
        | Kind::Request { .. }
        | Kind::Reply { .. }
        | Kind::Deliver { .. }
        | Kind::Buffered { .. }
        | Kind::FrameTaken { .. }
        | Kind::Response { .. }
        | Kind::TimerArmed { .. }
        | Kind::TimerFired { .. }
        | Kind::TimerCancelled { .. }
        | Kind::Metadata { .. }
        | Kind::BatchSent { .. }
        | Kind::BatchFetched { .. }
        | Kind::Consumed { .. }
        | Kind::Status { .. }
        | Kind::Check { .. }
        | Kind::Note { .. } => Tone::Plain,
    }
}

/// The mark an event leaves, and where.
#[must_use]
pub fn mark(event: &Event) -> (Place, Mark) {
    let number = event.correlation_id.map(|id| format!(" #{id}")).unwrap_or_default();
    match &event.kind {
        Kind::Call { call, .. } => (Place::Actor, Mark::Call(call.clone())),
        Kind::Resolve { what, outcome: Outcome::Value, .. } => {
            (Place::Actor, Mark::Answer(format!("{what}: OK")))
        }
        Kind::Resolve { what, outcome, .. } => (Place::Actor, Mark::Answer(format!("{what}: {outcome}"))),
        Kind::State { to, .. } => {
            (if event.connection.is_some() { Place::Connection } else { Place::Actor }, Mark::State(to))
        }
        Kind::StateRejected { to, .. } => (
            if event.connection.is_some() { Place::Connection } else { Place::Actor },
            Mark::Cross(format!("no move to {to}")),
        ),
        Kind::BrokerNamed { broker, address, node: Some(node) } => {
            (Place::Actor, Mark::Dot(format!("b{broker} = broker {node}, {address}")))
        }
        Kind::BrokerNamed { broker, address, node: None } => {
            (Place::Actor, Mark::Dot(format!("b{broker} = {address}")))
        }
        Kind::Open { .. } | Kind::Close { .. } | Kind::Reply { .. } => (Place::Connection, Mark::None),
        Kind::Opened => (Place::Connection, Mark::Dot("open".into())),
        Kind::Request { .. } => (Place::Connection, Mark::HandOver),
        Kind::Deliver { .. } => (Place::Connection, Mark::None),
        Kind::Lose { range, .. } => (Place::Connection, Mark::Cross(format!("{} B lost", range.len()))),
        Kind::Buffered { buffered, .. } => {
            (Place::Connection, Mark::Dot(format!("buffer holds {buffered} B")))
        }
        Kind::FrameTaken { count } => (Place::Connection, Mark::Dot(format!("whole message, {count} B"))),
        Kind::Discarded { count } => (Place::Connection, Mark::Cross(format!("{count} B thrown away"))),
        Kind::Response { api, .. } => (Place::Connection, Mark::HandUp(format!("{api}{number}"))),
        Kind::StaleIgnored { input, .. } => (Place::Connection, Mark::Cross(format!("ignored: {input}"))),
        Kind::Violation { problem } => (Place::Connection, Mark::Cross(problem.clone())),
        Kind::RequestFailed { api, .. } => (Place::Connection, Mark::HandUp(format!("{api}{number}"))),
        Kind::TimerArmed { timer, .. } => (Place::Actor, Mark::Clock(format!("timer: {}", purpose(*timer)))),
        Kind::TimerFired { timer } => (Place::Actor, Mark::Clock(format!("time to {}", purpose(*timer)))),
        Kind::TimerCancelled { timer } => {
            (Place::Actor, Mark::Clock(format!("cancelled: {}", purpose(*timer))))
        }
        Kind::Metadata { brokers, topics } => {
            (Place::Actor, Mark::Dot(format!("metadata: {brokers} brokers, {topics} topics")))
        }
        Kind::BatchSent { partition, records, .. } => {
            (Place::Actor, Mark::Dot(format!("batch of {records} to {partition}")))
        }
        Kind::BatchEnded { partition, outcome, .. } => {
            (Place::Actor, Mark::Dot(format!("batch to {partition}: {outcome}")))
        }
        Kind::BatchFetched { partition, kept, .. } => {
            (Place::Actor, Mark::Dot(format!("batch of {partition}{}", if *kept { "" } else { ", dropped" })))
        }
        Kind::Consumed { partition, records, .. } => {
            (Place::Actor, Mark::Dot(format!("takes {records} of {partition}")))
        }
        Kind::Status { status, .. } => (Place::Actor, Mark::Dot((*status).to_owned())),
        Kind::Fault { text, .. } | Kind::Note { text } => (Place::Everywhere, Mark::Band(text.clone())),
        Kind::Check { rule, text, .. } => (Place::Everywhere, Mark::Band(format!("{rule}: {text}"))),
    }
}

/// The symbol of a coarse kind in lists: one character that every font of the page has.
#[must_use]
pub const fn symbol(group: Group) -> &'static str {
    match group {
        Group::Call => "\u{203a}",
        Group::Resolve => "\u{2039}",
        Group::State => "\u{25cf}",
        Group::Open => "+",
        Group::Close => "\u{d7}",
        Group::Send => "\u{2192}",
        Group::Receive => "\u{2190}",
        Group::Wire => "\u{b6}",
        Group::Timer => "\u{25f7}",
        Group::Fault => "\u{25b2}",
        Group::Check => "!",
        Group::Note => "\u{b7}",
    }
}
