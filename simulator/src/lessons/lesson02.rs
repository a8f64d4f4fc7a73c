//! Two tasks call `start()` at once. How many bootstraps?

use super::excerpt::code;
use super::{Answer, Case, Lesson, Moment, Step, Variant};
use crate::check::RuleId;
use crate::choice::{Call, Choice};
use crate::event::Verdict;
use crate::fault::{Api, Fault};
use crate::scenario::Scenario;
use alloc::format;
use alloc::vec::Vec;
use client_core::Defect;

pub(super) fn lesson() -> Lesson {
    Lesson {
        id: 2,
        question: "Two tasks call start() at once. How many bootstraps?",
        introduction: "Two parts of a program share one client, and each makes sure that it is started. The broker takes \
            its time to answer, so the second call comes while the first is still under way.",
        minutes: 5,
        before: Some(Defect::NoStartGuard),
        seed: 2,
        rules: &[RuleId::I1, RuleId::I5, RuleId::I4, RuleId::I2, RuleId::I8],
        setup: Scenario::default,
        steps: steps(),
        options: None,
        by_hand: None,
        key_points: &[
            "\"Is it started?\" and \"start it\" must be one step. Between two steps, somebody else gets in.",
            "A flag that is set at the end of starting comes too late; one that is set at its beginning lies to the second caller.",
            "A client in the state Starting lets later callers wait for the same end: one bootstrap, equal outcomes.",
            "A socket that nobody owns is never closed: neither by stop() nor by anything else.",
        ],
        code: code!("client-core/src/lifecycle/mod.rs", "match outcome {", 10),
        cases: &[Case {
            title: "apache/paimon #8682: checked, then created, and the second one leaked",
            address: "https://github.com/apache/paimon/issues/8682",
        }],
    }
}

fn steps() -> Vec<Step> {
    let slow = Fault::SlowApi { node: 1, api: Api::ApiVersions, micros: 300_000 };
    alloc::vec![
        Step::to("client.open.b1g1.1", |moment| {
            format!(
                "The broker will take 300 ms to answer ApiVersions. T1 calls start(): the lifecycle is {}, and the \
                 client asks for connection b1\u{b7}g1.",
                moment.lifecycle()
            )
        })
        .doing(Choice::Fault(slow))
        .doing(Choice::call(1, Call::START))
        .expecting("one socket", |moment| moment.counters().sockets == 1),
        Step::to_either("client.open.b1g2.1", "T2.call-start.1", |moment| match moment.variant {
            Variant::After => "T2 calls start() as well. The client is Starting already, so nothing new begins: T2 waits \
                for the same end as T1."
                .into(),
            Variant::Before => format!(
                "T2 calls start() as well. This client does not notice that a start is under way and begins a second \
                 one: now {} sockets are open to one broker, and the first has lost its owner.",
                moment.counters().sockets
            ),
        })
        .doing(Choice::call(2, Call::START))
        .asking(
            "T2 is about to call start() too. How many sockets will this run open in all?",
            |moment| super::numbers(u64::from(moment.opens_in_all()), &[1, 2, 3], ""),
            |moment| match moment.variant {
                Variant::After => "One: the second caller joins the first one's start.".into(),
                Variant::Before => format!(
                    "{}: nothing stops the second caller from opening its own.",
                    moment.opens_in_all()
                ),
            },
        )
        .expecting_in(Variant::After, "still one socket", |moment| moment.counters().sockets == 1)
        .expecting_in(Variant::Before, "two sockets to one broker", |moment| moment.counters().sockets == 2),
        Step::to("T2.resolve-start.1", |moment| {
            let outcome = |task| {
                moment.waits(task).first().and_then(|wait| wait.end.clone()).map_or_else(
                    || "nothing yet".into(),
                    |(_, outcome)| format!("{outcome}"),
                )
            };
            format!(
                "The broker has answered. T1 gets {}, T2 gets {}, from one and the same event. The client is {} \
                 with {} open {}.",
                outcome(1),
                outcome(2),
                moment.lifecycle(),
                moment.counters().sockets,
                sockets_word(moment)
            )
        })
        .expecting("both callers have ended", |moment| moment.counters().waiters == 0)
        .expecting("the client is started", |moment| moment.lifecycle() == "Started"),
        Step::to("T3.resolve-start.1", |moment| {
            format!(
                "T3 calls start() on the started client: it ends at once, and not a byte is sent. {} requests before, {} now.",
                requests_until(moment, "T3.call-start.1"),
                moment.counters().requests
            )
        })
        .doing(Choice::call(3, Call::START))
        .asking(
            "T3 calls start() on the started client. How many requests will that send?",
            |moment| {
                let sent = moment.counters().requests - requests_until(moment, "T3.call-start.1");
                super::numbers(u64::from(sent), &[0, 1, 3], "")
            },
            |_| "None: there is nothing left to do, and the client knows it.".into(),
        )
        .expecting("nothing was sent", |moment| {
            moment.counters().requests == requests_until(moment, "T3.call-start.1")
        }),
        Step::to_rest(|moment| match moment.variant {
            Variant::After => {
                format!("T1 calls stop(). {} sockets and {} timers are left.", moment.counters().sockets, moment.counters().timers)
            }
            Variant::Before => format!(
                "T1 calls stop(), and it ends well. But {} socket is still open: b1\u{b7}g1 belongs to nobody, and \
                 nobody will ever close it.",
                moment.counters().sockets
            ),
        })
        .doing(Choice::call(1, Call::STOP))
        .asking("T1 calls stop(). How many sockets stay open?", left_open, |moment| match moment.variant {
            Variant::After => "None: the client closes the one socket that it opened.".into(),
            Variant::Before => "One: stop() closes what the client knows of, and it has forgotten the first.".into(),
        })
        .expecting_in(Variant::After, "nothing is left", |moment| {
            moment.counters().sockets == 0 && moment.counters().timers == 0
        })
        .expecting_in(Variant::After, "one bootstrap", |moment| moment.verdict(RuleId::I1) == Verdict::Holds)
        .expecting_in(Variant::Before, "an orphan is left", |moment| moment.counters().sockets == 1)
        .expecting_in(Variant::Before, "two bootstraps", |moment| {
            matches!(moment.verdict(RuleId::I1), Verdict::Broken { .. })
        }),
    ]
}

fn left_open(moment: &Moment<'_>) -> Vec<Answer> {
    super::numbers(u64::from(moment.counters().sockets), &[0, 1, 2], "")
}

fn sockets_word(moment: &Moment<'_>) -> &'static str {
    if moment.counters().sockets == 1 { "socket" } else { "sockets" }
}

/// How many requests had been sent when the event with this key happened.
fn requests_until(moment: &Moment<'_>, key: &str) -> u32 {
    let cursor = moment.event(key).map_or(moment.cursor, |event| event.index as usize);
    Moment { cursor, ..*moment }.counters().requests
}
