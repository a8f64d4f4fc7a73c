//! The link dies with five requests in flight.

use super::excerpt::code;
use super::{Case, Lesson, Moment, Step, Variant, count};
use crate::check::RuleId;
use crate::choice::{Call, Choice};
use crate::event::{Actor, Direction, Kind, Verdict};
use crate::fault::{Cut, Fault};
use crate::scenario::Scenario;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use client_core::Defect;

pub(super) fn lesson() -> Lesson {
    Lesson {
        id: 8,
        question: "The link dies with five requests in flight. What becomes of them?",
        introduction: "Five tasks have sent a record each, to five partitions: five requests, one behind the other on one \
            connection. The broker has answered two of them when the link dies. The other three replies will never come.",
        minutes: 6,
        before: Some(Defect::KeepInFlight),
        seed: 8,
        rules: &[RuleId::I9, RuleId::I8, RuleId::I7, RuleId::I10],
        setup: || Scenario { topics: alloc::vec![("orders".into(), 5)], ..Scenario::default() },
        steps: steps(),
        options: None,
        by_hand: None,
        key_points: &[
            "A request belongs to the connection it was sent on. When that ends, the request ends: nobody can answer it any more.",
            "Requests fail in the order in which they were sent, and before a later connection says its first word.",
            "A request that failed is sent again as a new one, on the new connection. Its records keep their sequence numbers, so \
             that the broker writes none of them twice.",
            "Requests that stay in the queue of a dead connection stand in the way: every later reply is matched to the wrong one.",
        ],
        code: code!("client-core/src/connection/losing.rs", "let keeps_in_flight = self.defect", 13),
        cases: &[
            Case { title: "apache/kafka #4642", address: "https://github.com/apache/kafka/pull/4642" },
            Case { title: "apache/kafka #17939", address: "https://github.com/apache/kafka/pull/17939" },
        ],
    }
}

fn steps() -> Vec<Step> {
    let send = |task| {
        let partition = Some(i32::from(task) - 1);
        Choice::call(task, Call::Send { topic: "orders".into(), partition, count: 1, size: 40 })
    };
    let hold = Fault::Hold { node: 1, direction: Direction::ToClient };
    let asked = Call::PartitionsFor { topic: "orders".into() };
    alloc::vec![
        Step::to("T1.resolve-start.1", |moment| {
            format!(
                "The producer is {}, and it knows who leads the topic: everything is ready for records.",
                moment.lifecycle()
            )
        })
        .doing(Choice::call(1, Call::START))
        .doing(Choice::call(1, asked)),
        Step::to("client.request-Produce.b1g1.5", |moment| {
            format!(
                "T1 to T5 send a record each. The network holds replies back for a moment, so {} are in flight: sent, \
                 and not yet answered.",
                count(in_flight(moment), "request")
            )
        })
        .doing(Choice::Fault(hold))
        .doing(send(1))
        .doing(send(2))
        .doing(send(3))
        .doing(send(4))
        .doing(send(5))
        .expecting("five requests in flight", |moment| in_flight(moment) == 5),
        Step::to("T2.resolve-send.1", |moment| {
            format!(
                "Two replies arrive, and T1 and T2 hear that their records are stored: {}, {}. {} are still in flight.",
                moment.outcome(1, "send"),
                moment.outcome(2, "send"),
                count(in_flight(moment), "request")
            )
        })
        .doing(Choice::Fault(Fault::Release(1)))
        .expecting("three are left", |moment| in_flight(moment) == 3),
        Step::to("client.armed-reconnect-b1.1", |moment| match moment.variant {
            Variant::After => format!(
                "The link dies. The requests in flight fail, in the order in which they were sent: {}. Only then is the \
                 next attempt planned.",
                failed(moment).join(", ")
            ),
            Variant::Before => format!(
                "The link dies, and {} fail: this client leaves the three in the queue of b1, as if their replies could \
                 still come.",
                if failed(moment).is_empty() { "no requests".to_string() } else { failed(moment).join(", ") }
            ),
        })
        .doing(Choice::Fault(Fault::Cut { node: 1, how: Cut::Reset, after: None }))
        .asking(
            "The link dies with three requests in flight. In which order do they fail?",
            |moment| {
                let right = if failed(moment).is_empty() { NONE.to_string() } else { failed(moment).join(", ") };
                let sent = unanswered(moment);
                let backwards: Vec<String> = sent.iter().rev().cloned().collect();
                super::words(right, &[NONE, &sent.join(", "), &backwards.join(", ")])
            },
            |moment| match moment.variant {
                Variant::After => "First in, first out: whoever waits longest hears first.".into(),
                Variant::Before => "None of them: in this client they do not end with their connection.".into(),
            },
        )
        .expecting_in(Variant::After, "they fail in the order of sending", |moment| {
            failed(moment).len() == 3 && failed(moment) == unanswered(moment)
        })
        .expecting_in(Variant::Before, "none fails", |moment| failed(moment).is_empty()),
        Step::to_either("client.violation.b1g2.1", "client.request-Produce.b1g2.1", |moment| match moment.variant {
            Variant::After => format!(
                "b1\u{b7}g2 agrees on versions, and what has failed is sent again on it, as {}: a new request, with the \
                 sequence numbers of the old one.",
                latest_request(moment)
            ),
            Variant::Before => format!(
                "b1\u{b7}g2 asks for versions, and gets its reply. But the oldest request in the queue is one of \
                 b1\u{b7}g1: {}. The client blames the broker and closes the connection.",
                problem(moment)
            ),
        })
        .expecting_in(Variant::After, "no reply on g2 answers a request of g1", |moment| {
            moment.verdict(RuleId::I9) == Verdict::Holds && moment.verdict(RuleId::I7) == Verdict::Holds
        })
        .expecting_in(Variant::Before, "a reply is matched to the wrong request", |moment| {
            matches!(moment.verdict(RuleId::I9), Verdict::Broken { .. })
        }),
        Step::to_either("client.violation.b1g3.1", "T5.resolve-send.1", |moment| match moment.variant {
            Variant::After => format!(
                "T3, T4 and T5 hear {}: {}. The broker had written their records before the link died. It knows the \
                 sequence numbers and writes nothing twice: each record is the first of its partition.",
                [3, 4, 5].map(|task| moment.outcome(task, "send")).join(", "),
                places(moment).get(2..).unwrap_or_default().join(", ")
            ),
            Variant::Before => format!(
                "b1\u{b7}g3 ends the same way: {}. Two connections, and T3, T4 and T5 have heard {}.",
                problem(moment),
                moment.outcome(3, "send")
            ),
        })
        .asking(
            "The broker had written all five records; only replies were lost. Three are sent again. How many records \
             will have been acknowledged at the end of this run?",
            |moment| super::numbers(acknowledged(moment), &[2, 5, 8], ""),
            |moment| match moment.variant {
                Variant::After => format!(
                    "{}, each once: what comes again with the same sequence numbers is acknowledged, and not written again.",
                    count(acknowledged(moment), "record")
                ),
                Variant::Before => "The two from before the link died: no later reply can reach the request it answers.".into(),
            },
        )
        .expecting_in(Variant::After, "all five are acknowledged, in order", |moment| {
            order_of_ends(moment) == [1, 2, 3, 4, 5]
        })
        .expecting_in(Variant::After, "nothing is written twice", each_once)
        .expecting_in(Variant::Before, "three still wait", |moment| acknowledged(moment) == 2),
    ]
}

const NONE: &str = "None of them fails";

/// How many requests wait for their replies.
fn in_flight(moment: &Moment<'_>) -> u32 {
    let counters = moment.counters();
    counters.requests - counters.responses - counters.failed
}

/// The produce requests of the first connection, by name, that were never answered.
fn unanswered(moment: &Moment<'_>) -> Vec<String> {
    let on_first = |event: &&alloc::sync::Arc<crate::event::Event>| {
        event.connection.is_some_and(|connection| connection.generation() == 1)
    };
    let mut left: Vec<String> = Vec::new();
    for event in moment.shown().iter().filter(on_first) {
        let name = |api: &str| format!("{api} #{}", event.correlation_id.unwrap_or_default());
        match &event.kind {
            Kind::Request { api, .. } => left.push(name(api)),
            Kind::Response { api, .. } => left.retain(|other| *other != name(api)),
            _ => {}
        }
    }
    left
}

/// The requests that have failed, in order.
fn failed(moment: &Moment<'_>) -> Vec<String> {
    let failed = moment.shown().iter().filter_map(|event| match &event.kind {
        Kind::RequestFailed { api, .. } => {
            Some(format!("{api} #{}", event.correlation_id.unwrap_or_default()))
        }
        _ => None,
    });
    failed.collect()
}

fn latest_request(moment: &Moment<'_>) -> String {
    let latest = moment.shown().iter().rev().find_map(|event| match &event.kind {
        Kind::Request { api, .. } => Some(format!("{api} #{}", event.correlation_id.unwrap_or_default())),
        _ => None,
    });
    latest.unwrap_or_default()
}

/// What the client last accused the broker of.
fn problem(moment: &Moment<'_>) -> String {
    let found = moment.shown().iter().rev().find_map(|event| match &event.kind {
        Kind::Violation { problem } => Some(problem.clone()),
        _ => None,
    });
    found.unwrap_or_default()
}

/// The tasks in the order in which their sends ended well.
fn order_of_ends(moment: &Moment<'_>) -> Vec<u16> {
    let ends = moment.shown().iter().filter_map(|event| match (&event.kind, event.actor) {
        (Kind::Resolve { what, outcome: crate::event::Outcome::Value, .. }, Actor::Task(task))
            if what.starts_with("send(") =>
        {
            Some(task)
        }
        _ => None,
    });
    ends.collect()
}

fn acknowledged(moment: &Moment<'_>) -> u64 {
    moment.counters().delivered
}

/// Where the broker has stored the records, in the order in which their senders heard of it: `orders-0 from offset 0`.
fn places(moment: &Moment<'_>) -> Vec<String> {
    let told = moment.shown().iter().filter_map(|event| match &event.kind {
        Kind::Resolve { what, text, .. } if what.starts_with("send(") => Some(text.clone()),
        _ => None,
    });
    told.collect()
}

/// Whether each of the five partitions has told one record, at its very beginning: nothing was written twice.
fn each_once(moment: &Moment<'_>) -> bool {
    let expected: Vec<String> = (0..5).map(|partition| format!("orders-{partition} from offset 0")).collect();
    places(moment) == expected
}
