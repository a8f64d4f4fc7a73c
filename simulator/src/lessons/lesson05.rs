//! `stop()` while `start()` is running?

use super::excerpt::code;
use super::{Answer, Case, Lesson, Moment, Options, Step, Variant, count};
use crate::check::RuleId;
use crate::choice::{Call, Choice};
use crate::event::{Actor, Kind, Verdict};
use crate::scenario::Scenario;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use client_core::Defect;

/// The moments at which stop() comes: what they are called, and which event they stand behind.
const POINTS: [(&str, &str); 4] = [
    ("while the socket is opening", "client.open.b1g1.1"),
    ("while the versions are agreed on", "client.request-ApiVersions.b1g1.1"),
    ("while metadata is under way", "client.request-InitProducerId.b1g1.1"),
    ("when only the producer id is missing", "client.metadata.1"),
];

pub(super) fn lesson(point: u8) -> Lesson {
    Lesson {
        id: 5,
        question: "stop() while start() is running?",
        introduction: "One task starts the client, another stops it before the start has ended. Whatever the start has \
            under way must come to nothing, whenever the stop comes. Choose a moment; the answer is always the same.",
        minutes: 5,
        before: Some(Defect::NoRollback),
        seed: 5,
        rules: &[RuleId::I4, RuleId::I8, RuleId::I3, RuleId::I5],
        setup: Scenario::default,
        steps: steps(POINTS[usize::from(point) % POINTS.len()].1),
        options: Some(Options {
            label: "stop() comes",
            names: &[POINTS[0].0, POINTS[1].0, POINTS[2].0, POINTS[3].0],
            chosen: point,
            make: lesson,
        }),
        by_hand: None,
        key_points: &[
            "A stop interrupts a start in any of its phases: it does not wait for it, and it does not lose against it.",
            "The caller of start() hears STOPPED. It never hears of a success that is already being taken back.",
            "Once stop() was called, nothing opens a socket or arms a timer: there is no late success.",
            "After the stop the client is Idle, and start() begins a real new start.",
        ],
        code: code!(
            "client-core/src/lifecycle/mod.rs",
            "// Records accepted during the start would never be sent",
            4
        ),
        cases: &[
            Case { title: "kafkajs #967", address: "https://github.com/tulios/kafkajs/issues/967" },
            Case { title: "kafkajs #1639", address: "https://github.com/tulios/kafkajs/issues/1639" },
        ],
    }
}

fn steps(point: &'static str) -> Vec<Step> {
    alloc::vec![
        Step::to("client.lifecycle-Starting.1", |moment| {
            format!("T1 calls start(). The lifecycle is {}, and T1 waits.", moment.lifecycle())
        })
        .doing(Choice::call(1, Call::START)),
        Step::to(point, |moment| {
            format!(
                "This is the moment: the connection is {}, {} and {} sent so far. T1 still waits for its start.",
                moment.connection(1),
                count(moment.counters().sockets, "socket"),
                count(moment.counters().requests, "request")
            )
        })
        .expecting("the start is under way", |moment| {
            moment.lifecycle() == "Starting" && moment.counters().waiters == 1
        }),
        Step::to("T2.resolve-stop.1", |moment| match moment.variant {
            Variant::After => format!(
                "T2 calls stop(). The start is rolled back at once: {}, {}. Then {}.",
                count(moment.counters().sockets, "socket"),
                count(moment.counters().timers, "timer"),
                in_order(moment)
            ),
            Variant::Before => format!(
                "T2 calls stop(): {}. The lifecycle is {}. But {} is still there: this client tells everybody that \
                 it has stopped, and takes nothing back.",
                in_order(moment),
                moment.lifecycle(),
                count(moment.counters().sockets, "socket")
            ),
        })
        .doing(Choice::call(2, Call::STOP))
        .asking("T1 waits for its start(), and T2 calls stop(). Who hears what, and in which order?", order, |_| {
            "The start is over before the stop is: first its caller hears that it was stopped, then the caller of \
             stop() that all is done."
                .into()
        })
        .expecting("T1 is told that it was stopped", |moment| moment.outcome(1, "start") == "STOPPED")
        .expecting("the stop ends well", |moment| moment.outcome(2, "stop") == "OK" && moment.lifecycle() == "Idle")
        .expecting_in(Variant::After, "nothing is left", |moment| {
            (moment.counters().sockets, moment.counters().timers, moment.counters().waiters) == (0, 0, 0)
        })
        .expecting_in(Variant::After, "nothing opens or arms anything before the next start()", |moment| {
            undertakings(moment) == 0
        })
        .expecting_in(Variant::Before, "a socket is left", |moment| moment.counters().sockets == 1),
        Step::to("T1.resolve-start.2", |moment| match moment.variant {
            Variant::After => format!(
                "T1 calls start() again: a real new start, on b1\u{b7}g2, and it ends with {}. Nothing of the first one \
                 is in its way: {} is open.",
                moment.outcome(1, "start"),
                count(moment.counters().sockets, "socket")
            ),
            Variant::Before => format!(
                "T1 calls start() again, and it ends with {}. Now {} are open to one broker: b1\u{b7}g1 was never closed.",
                moment.outcome(1, "start"),
                count(moment.counters().sockets, "socket")
            ),
        })
        .doing(Choice::call(1, Call::START))
        .expecting("a real new start", |moment| moment.lifecycle() == "Started")
        .expecting_in(Variant::After, "one socket", |moment| moment.counters().sockets == 1)
        .expecting_in(Variant::Before, "two sockets", |moment| moment.counters().sockets == 2),
        Step::to_rest(|moment| {
            format!(
                "T2 calls stop() once more, this time on a started client. {} and {} are left.",
                count(moment.counters().sockets, "socket"),
                count(moment.counters().waiters, "waiting call")
            )
        })
        .doing(Choice::call(2, Call::STOP))
        .expecting("nobody waits", |moment| moment.counters().waiters == 0)
        .expecting_in(Variant::After, "nothing is left", |moment| {
            moment.counters().sockets == 0 && moment.verdict(RuleId::I4) == Verdict::Holds
        })
        .expecting_in(Variant::Before, "the first start's socket is left", |moment| moment.counters().sockets == 1),
    ]
}

/// How often something is opened or armed, or a request is sent, between the first stop() and the next start().
fn undertakings(moment: &Moment<'_>) -> usize {
    let behind = moment.behind("T2.call-stop.1").iter();
    behind
        .take_while(|event| !matches!(&event.kind, Kind::Call { call, .. } if call.starts_with("start(")))
        .filter(|event| {
            matches!(event.kind, Kind::Open { .. } | Kind::TimerArmed { .. } | Kind::Request { .. })
        })
        .count()
}

/// The first two ends of calls in the run: who, and what.
fn ends(moment: &Moment<'_>) -> Vec<(String, String)> {
    let ends = moment.events.iter().filter_map(|event| match (&event.kind, event.actor) {
        (Kind::Resolve { what, outcome, .. }, Actor::Task(task)) => {
            Some((format!("T{task}'s {what}"), format!("{outcome}")))
        }
        _ => None,
    });
    ends.take(2).collect()
}

fn in_order(moment: &Moment<'_>) -> String {
    let told: Vec<String> =
        ends(moment).into_iter().map(|(who, what)| format!("{who} ends with {what}")).collect();
    told.join(", and ")
}

fn order(moment: &Moment<'_>) -> Vec<Answer> {
    let line = |ends: &[(&str, &str)]| {
        let told: Vec<String> = ends.iter().map(|(who, what)| format!("{who}: {what}")).collect();
        told.join(", then ")
    };
    let found = ends(moment);
    let found: Vec<(&str, &str)> = found.iter().map(|(who, what)| (who.as_str(), what.as_str())).collect();
    let wrong = [
        line(&[("T2's stop()", "OK"), ("T1's start()", "STOPPED")]),
        line(&[("T1's start()", "OK"), ("T2's stop()", "OK")]),
        line(&[("T1's start()", "STOPPED"), ("T2's stop()", "OK")]),
    ];
    let wrong: Vec<&str> = wrong.iter().map(String::as_str).collect();
    super::words(line(&found), &wrong)
}
