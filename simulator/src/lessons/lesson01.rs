//! What does `start()` really do?

use super::excerpt::code;
use super::{Answer, Case, Lesson, Moment, Step};
use crate::check::RuleId;
use crate::choice::{Call, Choice};
use crate::event::{Kind, Verdict};
use crate::scenario::Scenario;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

pub(super) fn lesson() -> Lesson {
    Lesson {
        id: 1,
        question: "What does start() really do?",
        introduction: "A producer knows one address of a cluster with three brokers. One task calls start() and waits. \
            Follow what the client does until the call returns.",
        minutes: 4,
        before: None,
        seed: 1,
        rules: &[RuleId::I1, RuleId::I5, RuleId::I7, RuleId::I11],
        setup: || Scenario { nodes: 3, ..Scenario::default() },
        steps: steps(),
        options: None,
        by_hand: None,
        key_points: &[
            "start() opens one connection, not one per broker: others are opened when a request needs them.",
            "ApiVersions comes first, so that both sides know which versions the other speaks.",
            "Each reply carries the number of its request, and replies come in the order of the requests.",
            "Nobody is told \"started\" before everything that sending needs is there.",
        ],
        code: code!("client-core/src/lifecycle/mod.rs", "pub(crate) fn start(&mut self", 30),
        cases: &[Case {
            title: "Kafka protocol guide: requests on one connection are answered in order",
            address: "https://kafka.apache.org/protocol",
        }],
    }
}

fn steps() -> Vec<Step> {
    alloc::vec![
        Step::to("client.open.b1g1.1", |moment| {
            format!(
                "T1 calls start(). The client's lifecycle is now {}, and it asks for one connection, b1\u{b7}g1: \
                 the first connection to the first broker it knows.",
                moment.lifecycle()
            )
        })
        .doing(Choice::call(1, Call::START))
        .expecting("one socket", |moment| moment.counters().sockets == 1)
        .expecting("the lifecycle is Starting", |moment| moment.lifecycle() == "Starting"),
        Step::to("client.request-ApiVersions.b1g1.1", |moment| {
            format!(
                "The connection is open. The first request is {}: which requests does this broker speak, in \
                 which versions? Until the answer is there, the connection is Negotiating and sends nothing else.",
                moment.requests().first().copied().unwrap_or("none")
            )
        })
        .asking("The connection is about to open. Which request goes out first?", first_request, |moment| {
            format!(
                "{}: without it the client would have to guess which versions the broker can read.",
                moment.first_request().unwrap_or("none")
            )
        })
        .expecting("ApiVersions was sent first", |moment| moment.first_request() == Some("ApiVersions")),
        Step::to("client.response-ApiVersions.b1g1.1", |moment| {
            let number = moment.last().and_then(|event| event.correlation_id).unwrap_or_default();
            format!(
                "The reply carries the number {number}, like its request: that is how the client knows what it \
                 answers. Open the wire view to see the number in the bytes."
            )
        })
        .expecting("the reply was matched", |moment| moment.counters().responses == 1),
        Step::to("client.request-InitProducerId.b1g1.1", |moment| {
            format!(
                "The connection is Ready, and everything that waited for it goes out at once: {}. Nobody waits \
                 for one reply before sending the next request.",
                moment.requests()[1..].join(", then ")
            )
        })
        .expecting("two requests are under way", |moment| {
            moment.counters().requests == 3 && moment.counters().responses == 1
        }),
        Step::to("client.metadata.1", |moment| {
            let brokers = brokers(moment);
            format!(
                "Metadata names {brokers} brokers, but only {} socket is open. A connection to another broker is \
                 opened when there is something to send to it.",
                moment.counters().sockets
            )
        })
        .expecting("metadata names three brokers", |moment| brokers(moment) == 3),
        Step::to("T1.resolve-start.1", |moment| {
            format!(
                "Everything that sending needs is there: versions, metadata and a producer id. Only now does \
                 T1's start() return, {} ms after it was called, with {} socket open.",
                moment.last().map_or(0, |event| event.at.as_micros() / 1_000),
                moment.counters().sockets
            )
        })
        .asking("How many sockets will be open when start() returns?", sockets, |moment| {
            format!(
                "{}: the cluster has three brokers, but starting needs only one of them.",
                moment.counters().sockets
            )
        })
        .expecting("started with one socket", |moment| {
            moment.lifecycle() == "Started" && moment.counters().sockets == 1 && moment.counters().waiters == 0
        })
        .expecting("one socket per broker", |moment| moment.verdict(RuleId::I5) == Verdict::Holds),
    ]
}

fn first_request(moment: &Moment<'_>) -> Vec<Answer> {
    let right = moment.first_request().unwrap_or_default();
    ["Metadata", "ApiVersions", "InitProducerId", "Produce"]
        .into_iter()
        .map(|name| Answer { text: String::from(name), right: name == right })
        .collect()
}

fn sockets(moment: &Moment<'_>) -> Vec<Answer> {
    super::numbers(u64::from(moment.counters().sockets), &[1, 2, 3], "")
}

fn brokers(moment: &Moment<'_>) -> u32 {
    let named = moment.shown().iter().rev().find_map(|event| match event.kind {
        Kind::Metadata { brokers, .. } => Some(brokers),
        _ => None,
    });
    named.unwrap_or(0)
}
