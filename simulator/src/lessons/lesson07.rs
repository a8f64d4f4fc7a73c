//! Which moves may a connection make?

use super::excerpt::code;
use super::{Answer, ByHand, Case, Hand, Lesson, Moment, Step, count};
use crate::check::RuleId;
use crate::choice::{Call, Choice, HandInput};
use crate::event::{Kind, MachineKind, Verdict};
use crate::fault::Fault;
use crate::scenario::Scenario;
use crate::sentence::{Detail, sentence};
use crate::view::machines::machines;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use client_core::connection::{ConnectionState, TRANSITIONS};

pub(super) fn lesson() -> Lesson {
    Lesson {
        id: 7,
        question: "Which moves may a connection make?",
        introduction: "A connection is a small machine: a few states, and a table of the moves between them. The client knows \
            the world only by what its driver tells it. In this lesson nothing happens by itself: the driver is you.",
        minutes: 8,
        before: None,
        seed: 7,
        rules: &[RuleId::I11, RuleId::I5, RuleId::I9],
        setup: Scenario::default,
        steps: steps(),
        options: None,
        by_hand: Some(ByHand { hands: hands(), says: still_missing }),
        key_points: &[
            "The moves are a table. The code, its tests, the drawing and this page all read the same one.",
            "A move that the table does not have is refused, and the state stays what it was.",
            "Input is for one connection: broker and generation. What is told of another is ignored, and counted.",
            "Every way from one connection to the next leads through Disconnected: there, what was under way has ended.",
        ],
        code: code!("client-core/src/connection/state.rs", "pub const TRANSITIONS", 14),
        cases: &[
            Case { title: "kafka-python #2507", address: "https://github.com/dpkp/kafka-python/issues/2507" },
            Case { title: "kafka-python #3098", address: "https://github.com/dpkp/kafka-python/issues/3098" },
        ],
    }
}

const fn give(input: HandInput) -> Choice {
    Choice::Input { client: 0, broker: 1, input }
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
        Step::to("client.state-Ready.b1g1.1", |moment| {
            format!(
                "You give it Received, and all that is under way arrives: the request at the broker, its reply at the client. \
                 The connection is {}.",
                moment.connection(1)
            )
        })
        .doing(give(HandInput::Received))
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
            let (walked, all) = coverage(moment);
            format!(
                "You give it TimeoutFired: the wait is over, and b1\u{b7}g2 is {}. You have seen {walked} of {all} moves. The \
                 others are yours to find, with the buttons below: {}.",
                moment.connection(1),
                missing(moment).join(", ")
            )
        })
        .doing(give(HandInput::TimeoutFired))
        .expecting("the second generation is Connecting", |moment| moment.connection(1) == "Connecting")
        .expecting("only legal moves", |moment| moment.verdict(RuleId::I11) == Verdict::Holds),
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

/// The moves of the connection's table that this client can make. It has no credentials, so it never authenticates.
fn moves() -> impl Iterator<Item = (&'static str, &'static str)> {
    let needs_credentials = |state| state == ConnectionState::Authenticating;
    let own =
        TRANSITIONS.iter().filter(move |edge| !needs_credentials(edge.from) && !needs_credentials(edge.to));
    own.map(|edge| (edge.from.name(), edge.to.name()))
}

/// The moves that have not been seen yet: `Ready to Disconnected`.
fn missing(moment: &Moment<'_>) -> Vec<String> {
    let machines = machines(moment.events, moment.cursor);
    let machine = machines.iter().find(|machine| machine.kind == MachineKind::Connection);
    let is_walked = |(from, to): &(&str, &str)| {
        machine.is_some_and(|machine| machine.walked.iter().any(|edge| (edge.from, edge.to) == (*from, *to)))
    };
    moves().filter(|edge| !is_walked(edge)).map(|(from, to)| format!("{from} to {to}")).collect()
}

/// How many of the moves that this client can make have been seen, and how many there are.
fn coverage(moment: &Moment<'_>) -> (usize, usize) {
    let all = moves().count();
    (all - missing(moment).len(), all)
}

fn still_missing(moment: &Moment<'_>) -> String {
    let (walked, all) = coverage(moment);
    match &missing(moment)[..] {
        [] => format!(
            "All {all} moves. There are more for a client with credentials: the table has {}.",
            TRANSITIONS.len()
        ),
        [only] => format!("{walked} of {all} moves. Only one is missing: {only}."),
        missing => format!("{walked} of {all} moves. Still missing: {}.", missing.join(", ")),
    }
}
