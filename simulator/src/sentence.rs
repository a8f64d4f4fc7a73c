//! Events as plain English sentences: the one formatter behind lists, tooltips, live regions and exports.

use crate::event::{Actor, CloseBy, Direction, Event, Group, Kind, MachineKind, Outcome, Verdict};
use alloc::format;
use alloc::string::{String, ToString};
use client_core::io::Timer;
use client_core::time::Instant;
use client_core::trace::{Machine, ignored};

/// How much a sentence says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Detail {
    /// What happened.
    Brief,
    /// When, and what happened.
    Standard,
    /// Number, time, what happened, sizes, and what caused it.
    Full,
}

/// The event as a sentence.
#[must_use]
pub fn sentence(event: &Event, detail: Detail) -> String {
    let what = what(event, detail);
    match detail {
        Detail::Brief => what,
        Detail::Standard => format!("{}. {what}", clock(event.at)),
        Detail::Full => {
            let cause = event.cause.map(|cause| format!(" Because of {cause}.")).unwrap_or_default();
            format!("{}, {}. {what}{cause}", event.index, clock(event.at))
        }
    }
}

/// Virtual time with milliseconds, or microseconds where they matter: `1.250 s`, `0.000400 s`.
#[must_use]
pub fn clock(at: Instant) -> String {
    let micros = at.as_micros();
    if micros.is_multiple_of(1_000) {
        format!("{}.{:03} s", micros / 1_000_000, micros / 1_000 % 1_000)
    } else {
        format!("{}.{:06} s", micros / 1_000_000, micros % 1_000_000)
    }
}

/// A word or two for a label beside a symbol.
#[must_use]
pub const fn group_label(group: Group) -> &'static str {
    match group {
        Group::Call => "call",
        Group::Resolve => "result",
        Group::State => "state",
        Group::Open => "open",
        Group::Close => "close",
        Group::Send => "send",
        Group::Receive => "receive",
        Group::Wire => "wire",
        Group::Timer => "timer",
        Group::Fault => "fault",
        Group::Check => "rule",
        Group::Note => "note",
    }
}

/// `Client`, `T1`, `Broker 2`: the beginning of a sentence.
fn subject(actor: Actor) -> String {
    match actor {
        Actor::You => "You".into(),
        Actor::Task(task) => format!("T{task}"),
        Actor::Client(0) => "The client".into(),
        Actor::Client(client) => format!("Client {}", client + 1),
        Actor::Network => "The network".into(),
        Actor::Broker(node) => format!("Broker {node}"),
        Actor::Referee => "The rules".into(),
    }
}

fn what(event: &Event, detail: Detail) -> String {
    let who = subject(event.actor);
    let full = detail == Detail::Full;
    let connection = event.connection.map(|connection| connection.to_string()).unwrap_or_default();
    let number = event.correlation_id.map(|id| format!(" #{id}")).unwrap_or_default();
    let machine = |machine: MachineKind| match machine {
        MachineKind::Lifecycle => format!("{who}'s lifecycle"),
        MachineKind::Connection => format!("Connection {connection}"),
    };
    match &event.kind {
        Kind::Call { call, outcome, .. } if outcome.is_empty() => format!("{who} calls {call}."),
        Kind::Call { call, outcome, .. } => format!("{who} calls {call}: {outcome}."),
        Kind::Resolve { what, outcome: Outcome::Value, text, .. } if text.is_empty() || text == "OK" => {
            format!("{who}'s {what} ends well.")
        }
        Kind::Resolve { what, outcome: Outcome::Value, text, .. } => {
            format!("{who}'s {what} ends well: {text}.")
        }
        Kind::Resolve { what, outcome: Outcome::Cancelled, .. } => format!("{who}'s {what} is cancelled."),
        Kind::Resolve { what, outcome: Outcome::Error(code), text, .. } if full && text != code => {
            format!("{who}'s {what} fails with {code}: {text}.")
        }
        Kind::Resolve { what, outcome: Outcome::Error(code), .. } => {
            format!("{who}'s {what} fails with {code}.")
        }
        Kind::State { machine: kind, from, to, why } if full && !why.is_empty() => {
            format!("{} goes from {from} to {to}: {why}.", machine(*kind))
        }
        Kind::State { machine: kind, from, to, .. } => {
            format!("{} goes from {from} to {to}.", machine(*kind))
        }
        // The client's own words.
        Kind::StateRejected { machine: kind, from, to } => {
            let refusing = match (kind, event.connection) {
                (MachineKind::Connection, Some(connection)) => Machine::Connection(connection.id),
                (MachineKind::Connection | MachineKind::Lifecycle, _) => Machine::Lifecycle,
            };
            format!("{} refuses: {}.", machine(*kind), refusing.refusal(from, to))
        }
        Kind::BrokerNamed { broker, address, node: Some(node) } => {
            format!("{who} knows broker {node} at {address} as b{broker}.")
        }
        Kind::BrokerNamed { broker, address, node: None } => format!("{who} calls {address} b{broker}."),
        Kind::Open { address, .. } => format!("{who} opens connection {connection} to {address}."),
        Kind::Opened => format!("Connection {connection} is open."),
        Kind::Close { by, cause, why } => {
            let by = match by {
                CloseBy::Client => format!("{who} closes"),
                CloseBy::Broker => format!("{who} closes"),
                CloseBy::Network => "The network ends".to_string(),
            };
            format!("{by} connection {connection} ({}): {why}.", cause.name())
        }
        Kind::Request { api, api_version, range, .. } if full => {
            format!("{who} sends {api} v{api_version}{number}, {} bytes, on {connection}.", range.len())
        }
        Kind::Request { api, .. } => format!("{who} sends {api}{number} on {connection}."),
        Kind::Reply { api: Some(api), range, .. } => {
            format!("{who} answers {api}{number} with {} bytes on {connection}.", range.len())
        }
        Kind::Reply { api: None, range, .. } => {
            format!("{who} sends {} bytes that answer no request on {connection}.", range.len())
        }
        Kind::Deliver { direction: Direction::ToBroker, range } => {
            format!("{} the broker on {connection}.", arrive(range.len()))
        }
        Kind::Deliver { direction: Direction::ToClient, range } => {
            format!("{} the client on {connection}.", arrive(range.len()))
        }
        Kind::Lose { direction: Direction::ToBroker, range } => {
            format!("{} on the way to the broker: lost with {connection}.", bytes(range.len()))
        }
        Kind::Lose { direction: Direction::ToClient, range } => {
            format!("{} on the way to the client: lost with {connection}.", bytes(range.len()))
        }
        Kind::Buffered { count, buffered } if count == buffered => {
            format!(
                "Connection {connection} takes {} into its empty receive buffer.",
                bytes(u64::from(*count))
            )
        }
        Kind::Buffered { count, buffered } => {
            format!(
                "Connection {connection} takes in {count} bytes; its receive buffer now holds {buffered}."
            )
        }
        Kind::FrameTaken { count } => format!("Connection {connection} has a whole message: {count} bytes."),
        Kind::Discarded { count } => {
            format!(
                "Connection {connection} throws away {} of an unfinished message.",
                bytes(u64::from(*count))
            )
        }
        Kind::Response { api, .. } => format!("Connection {connection} gets the reply to {api}{number}."),
        Kind::StaleIgnored { input, count } => {
            let words = event.connection.map(|connection| ignored(connection.id, input)).unwrap_or_default();
            if *count > 0 { format!("{words}, {}.", bytes(u64::from(*count))) } else { format!("{words}.") }
        }
        Kind::Violation { problem } => format!("The broker broke the protocol on {connection}: {problem}."),
        Kind::RequestFailed { api, why } => format!("{api}{number} on {connection} fails: {why}."),
        Kind::TimerArmed { timer, due } => {
            format!("{who} sets a timer for {}: {}.", clock(*due), purpose(*timer))
        }
        Kind::TimerFired { timer } => format!("{who}'s timer fires: {}.", purpose(*timer)),
        Kind::TimerCancelled { timer } => format!("{who} cancels a timer: {}.", purpose(*timer)),
        Kind::Metadata { brokers, topics } => {
            format!("{who} has new metadata: {}, {}.", count(*brokers, "broker"), count(*topics, "topic"))
        }
        Kind::BatchSent { partition, records, retries: 0, .. } => {
            format!("{who} sends {} to {partition}.", count(*records, "record"))
        }
        Kind::BatchSent { partition, records, retries, .. } => {
            format!("{who} sends {} to {partition} again, retry {retries}.", count(*records, "record"))
        }
        Kind::BatchEnded { partition, records, outcome: "OK" } => {
            format!("{} to {partition}: acknowledged.", count(*records, "record"))
        }
        Kind::BatchEnded { partition, records, outcome } => {
            format!("{} to {partition}: {outcome}.", count(*records, "record"))
        }
        Kind::BatchFetched { partition, base_offset, count, kept: true } => {
            format!("{who} buffers a batch of {partition} from offset {base_offset}, {count} bytes.")
        }
        Kind::BatchFetched { partition, base_offset, count, kept: false } => {
            format!(
                "{who} drops a batch of {partition} from offset {base_offset}, {count} bytes: no longer wanted."
            )
        }
        Kind::Consumed { partition, first_offset, records, .. } => {
            format!("{who} takes {} of {partition} from offset {first_offset}.", count(*records, "record"))
        }
        Kind::Status { text, .. } => format!("{who} reports: {text}."),
        Kind::Fault { text, .. } | Kind::Note { text } => format!("{text}."),
        Kind::Check { rule, verdict: Verdict::Broken { .. }, text } => {
            format!("Rule {rule} is broken: {text}.")
        }
        Kind::Check { rule, text, .. } => format!("Rule {rule}: {text}."),
    }
}

fn bytes(count: u64) -> String {
    if count == 1 { "1 byte".into() } else { format!("{count} bytes") }
}

fn arrive(count: u64) -> String {
    if count == 1 { "1 byte reaches".into() } else { format!("{count} bytes reach") }
}

fn count(count: u32, thing: &str) -> String {
    if count == 1 { format!("1 {thing}") } else { format!("{count} {thing}s") }
}

/// What a timer is for, in words.
#[must_use]
pub fn purpose(timer: Timer) -> String {
    match timer {
        Timer::Connect(broker) => format!("give up connecting to {broker}"),
        Timer::Authenticate(broker) => format!("give up authenticating to {broker}"),
        Timer::Request(broker) => format!("give up waiting for a reply of {broker}"),
        Timer::Reconnect(broker) => format!("connect to {broker} again"),
        Timer::Idle(broker) => format!("close {broker}'s connection if nobody uses it"),
        Timer::Throttle(broker) => format!("send to {broker} again"),
        Timer::Queued(broker) => format!("fail requests that wait for {broker}"),
        Timer::MetadataRetry => "ask for metadata again after a failure".into(),
        Timer::MetadataAge => "refresh old metadata".into(),
        Timer::Rebootstrap => "ask the configured addresses again, as no metadata comes".into(),
        Timer::ProducerIdRetry => "ask for a producer id again after a failure".into(),
        Timer::StopLimit => "stop without waiting any longer".into(),
        Timer::Linger => "send the batches that have waited long enough".into(),
        Timer::ProduceRetry => "send failed batches again".into(),
        Timer::Delivery => "fail records that could not be delivered".into(),
        Timer::OperationLimit(_) => "fail a call that took too long".into(),
        Timer::FetchRetry => "fetch again after a failure".into(),
        Timer::AdminRetry => "ask again for something to be done".into(),
    }
}
