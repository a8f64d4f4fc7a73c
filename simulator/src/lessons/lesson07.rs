//! Which moves may a connection make?

use super::excerpt::code;
use super::{Answer, ByHand, Case, Hand, Lesson, Moment, Step, count};
use crate::check::RuleId;
use crate::choice::{Call, Choice, HandInput};
use crate::cluster::SaslMechanism;
use crate::event::{Kind, MachineKind, Verdict};
use crate::fault::Fault;
use crate::scenario::{ClientSetup, SaslSetup, Scenario};
use crate::sentence::{Detail, sentence};
use crate::view::machines::machines;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use client_core::connection::{ConnectionState, TRANSITIONS};
use client_core::edge::Edge;
use client_core::sasl::Mechanism;

pub(super) fn lesson() -> Lesson {
    Lesson {
        id: 7,
        question: "Which moves may a connection make?",
        introduction: "A connection is a small machine: a few states, and a table of the moves between them. The client knows \
            the world only by what its driver tells it. In this lesson nothing happens by itself: the driver is you. The broker \
            asks who comes, and the client has credentials.",
        minutes: 9,
        before: None,
        seed: 7,
        rules: &[RuleId::I11, RuleId::I5, RuleId::I9],
        setup,
        steps: steps(),
        options: None,
        by_hand: Some(ByHand { hands: hands(), says: still_missing }),
        key_points: &[
            "The moves are a table. The code, its tests, the drawing and this page all read the same one.",
            "A move that the table does not have is refused, and the state stays what it was.",
            "Input is for one connection: broker and generation. What is told of another is ignored, and counted.",
            "Every way from one connection to the next leads through Disconnected: there, what was under way has ended.",
            "Saying who one is, is a state of its own: until the broker is content, nothing of the application goes out.",
        ],
        code: code!("client-core/src/connection/state.rs", "pub const TRANSITIONS", 14),
        cases: &[
            Case { title: "kafka-python #2507", address: "https://github.com/dpkp/kafka-python/issues/2507" },
            Case { title: "kafka-python #3098", address: "https://github.com/dpkp/kafka-python/issues/3098" },
        ],
    }
}

/// A broker that asks, a client that has an answer, and one that has none.
fn setup() -> Scenario {
    let knowing = ClientSetup { sasl: Some(Mechanism::Plain), ..ClientSetup::default() };
    Scenario {
        // Shorter than the client waits until it asks for metadata again: whoever lets time pass sees a renewal.
        sasl: Some(SaslSetup { mechanisms: alloc::vec![SaslMechanism::Plain], session_ms: Some(120_000) }),
        clients: alloc::vec![knowing, ClientSetup::default()],
        ..Scenario::default()
    }
}

const fn give(input: HandInput) -> Choice {
    give_to(0, input)
}

const fn give_to(client: u8, input: HandInput) -> Choice {
    Choice::Input { client, broker: 1, input }
}

/// What can be given: the inputs of the connection, and the calls that need or end it.
fn hands() -> Vec<Hand> {
    let inputs = HandInput::ALL.into_iter().map(|input| Hand { name: input.name(), choice: give(input) });
    let calls = [("start()", Call::START), ("stop()", Call::STOP)];
    inputs.chain(calls.map(|(name, call)| Hand { name, choice: Choice::call(1, call) })).collect()
}

fn steps() -> Vec<Step> {
    alloc::vec![
        Step::to("client.open.b1g1.1", |moment| {
            format!(
                "T1 calls start(), and b1 moves from Disconnected to {}: the client has asked its driver for a connection. \
                 From here on nothing arrives unless you say so.",
                moment.connection(1)
            )
        })
        .doing(Choice::Fault(Fault::Partition(1)))
        .doing(Choice::call(1, Call::START))
        .expecting("Connecting", |moment| moment.connection(1) == "Connecting"),
        Step::to("client.request-ApiVersions.b1g1.1", |moment| {
            format!(
                "You give it Connected: the transport is open. The connection is {}, and asks the broker for its versions.",
                moment.connection(1)
            )
        })
        .doing(give(HandInput::Connected))
        .expecting("Negotiating", |moment| moment.connection(1) == "Negotiating"),
        Step::to("client.rejected-Negotiating.b1g1.1", |moment| {
            format!(
                "You give it Connected once more, as a driver at fault might. {} The state is still {}.",
                latest(moment),
                moment.connection(1)
            )
        })
        .doing(give(HandInput::Connected))
        .asking(
            "You give Connected a second time. In which state is the connection afterwards?",
            |moment| super::words(moment.connection(1).into(), &["Connecting", "Negotiating", "Ready", "Disconnected"]),
            |moment| format!("{}: there is no such move, so nothing moves.", moment.connection(1)),
        )
        .expecting("refused, and nothing moved", |moment| {
            moment.connection(1) == "Negotiating" && rejected(moment) == 1 && moment.counters().requests == 1
        }),
        Step::to("client.state-Authenticating.b1g1.1", |moment| {
            format!(
                "You give it Received, and all that is under way arrives: the request at the broker, its reply at the client. \
                 The connection is {}: this client has credentials, so it names the mechanism before anything else.",
                moment.connection(1)
            )
        })
        .doing(give(HandInput::Received))
        .expecting("Authenticating", |moment| moment.connection(1) == "Authenticating"),
        Step::to("client.state-Ready.b1g1.1", |moment| {
            format!(
                "You give it Received twice: the broker agrees to the mechanism, then to the credentials, which are shown as \
                 asterisks here. Now the connection is {}, after {} requests and not one of the application's.",
                moment.connection(1),
                moment.counters().responses
            )
        })
        .doing(give(HandInput::Received))
        .doing(give(HandInput::Received))
        .asking("How many requests has the client sent before the connection is Ready?", requests_until_ready, |moment| {
            let names = moment.requests();
            let before = moment.counters().responses as usize;
            format!("{}: {}.", before, names.get(..before).unwrap_or_default().join(", then "))
        })
        .expecting("Ready", |moment| moment.connection(1) == "Ready"),
        Step::to("client.armed-reconnect-b1.1", |moment| {
            format!(
                "You give it Disconnected. {} fail, the connection passes through Disconnected, and now it is {}: the wait \
                 before the next attempt.",
                count(moment.counters().failed, "request"),
                moment.connection(1)
            )
        })
        .doing(give(HandInput::Disconnected))
        .asking("Is there a move from Ready straight to Connecting?", ready_to_connecting, |_| {
            format!("From Ready the table leads to {}, and nowhere else.", targets(ConnectionState::Ready).join(" and to "))
        })
        .expecting("BackingOff", |moment| moment.connection(1) == "BackingOff"),
        Step::to("client.stale.b1g1.1", |moment| {
            format!("You give it Received, for a connection that has ended. {}", latest(moment))
        })
        .doing(give(HandInput::Received))
        .expecting("ignored", |moment| moment.connection(1) == "BackingOff" && moment.counters().stale == 1),
        Step::to("client.open.b1g2.1", |moment| {
            format!(
                "You give it TimeoutFired: the wait is over, and b1\u{b7}g2 is {}.",
                moment.connection(1)
            )
        })
        .doing(give(HandInput::TimeoutFired))
        .expecting("the second generation is Connecting", |moment| moment.connection(1) == "Connecting")
        .expecting("only legal moves", |moment| moment.verdict(RuleId::I11) == Verdict::Holds),
        Step::to("client2.state-Ready.c2b1g1.1", |moment| {
            let (walked, all) = coverage(moment);
            format!(
                "A second client has no credentials. T2 calls its start(), and you give it Connected and Received: it goes \
                 straight to {}, and this broker, which asks, will close on it at its first request. You have seen {walked} \
                 of {all} moves. The others are yours to find with the first client and the buttons below: {}.",
                state_of_second(moment),
                missing(moment).join(", ")
            )
        })
        .doing(Choice::Call { task: 2, client: 1, call: Call::START })
        .doing(give_to(1, HandInput::Connected))
        .doing(give_to(1, HandInput::Received))
        .asking(
            "A client without credentials hears which versions the broker speaks. In which state is its connection then?",
            |moment| super::words(state_of_second(moment).into(), &["Negotiating", "Authenticating", "Ready", "Disconnected"]),
            |moment| format!("{}: a client that has nothing to say about itself says nothing.", state_of_second(moment)),
        )
        .expecting("Ready without authenticating", |moment| state_of_second(moment) == "Ready")
        .expecting("some moves are left to find", |moment| !missing(moment).is_empty()),
    ]
}

/// What the latest event says.
fn latest(moment: &Moment<'_>) -> String {
    moment.last().map_or_else(String::new, |event| sentence(event, Detail::Brief))
}

/// How many moves were refused.
fn rejected(moment: &Moment<'_>) -> usize {
    moment.shown().iter().filter(|event| matches!(event.kind, Kind::StateRejected { .. })).count()
}

fn targets(from: ConnectionState) -> Vec<&'static str> {
    TRANSITIONS.iter().filter(|edge| edge.from == from).map(|edge| edge.to.name()).collect()
}

fn ready_to_connecting(_: &Moment<'_>) -> Vec<Answer> {
    let is_legal = targets(ConnectionState::Ready).contains(&ConnectionState::Connecting.name());
    super::words(if is_legal { "Yes" } else { "No" }.into(), &["Yes", "No"])
}

/// The answer is counted in the run: replies to the connection's own requests come before it is Ready.
fn requests_until_ready(moment: &Moment<'_>) -> Vec<Answer> {
    super::numbers(u64::from(moment.counters().responses), &[1, 2, 4], "")
}

/// The state of the second client's connection.
fn state_of_second(moment: &Moment<'_>) -> &'static str {
    let machines = machines(moment.events, moment.cursor);
    let second = machines.iter().find(|machine| (machine.client, machine.broker) == (1, Some(1)));
    second.map_or("Disconnected", |machine| machine.state)
}

/// The moves that no connection has made yet.
fn missing_edges(moment: &Moment<'_>) -> Vec<&'static Edge<ConnectionState>> {
    let machines = machines(moment.events, moment.cursor);
    let connections = machines.iter().filter(|machine| machine.kind == MachineKind::Connection);
    let walked: Vec<_> = connections.flat_map(|machine| &machine.walked).map(|it| (it.from, it.to)).collect();
    let is_walked = |edge: &Edge<ConnectionState>| walked.contains(&(edge.from.name(), edge.to.name()));
    TRANSITIONS.iter().filter(|edge| !is_walked(edge)).collect()
}

/// The same in words: `Ready to Disconnected`.
fn missing(moment: &Moment<'_>) -> Vec<String> {
    let edges = missing_edges(moment);
    edges.into_iter().map(|edge| format!("{} to {}", edge.from.name(), edge.to.name())).collect()
}

/// How many moves have been seen, and how many there are.
fn coverage(moment: &Moment<'_>) -> (usize, usize) {
    let all = TRANSITIONS.len();
    (all - missing(moment).len(), all)
}

fn still_missing(moment: &Moment<'_>) -> String {
    let (walked, all) = coverage(moment);
    match &missing_edges(moment)[..] {
        [] => format!("All {all} moves."),
        [only] => {
            let (from, to) = (only.from.name(), only.to.name());
            format!("{walked} of {all} moves. Only one is missing: {from} to {to}, when {}.", only.cause)
        }
        _ => format!("{walked} of {all} moves. Still missing: {}.", missing(moment).join(", ")),
    }
}
