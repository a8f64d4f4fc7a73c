//! `start()` fails half-way. What must be undone?

use super::excerpt::code;
use super::{Case, Lesson, Moment, Step, Variant, count};
use crate::check::RuleId;
use crate::choice::{Call, Choice};
use crate::event::Verdict;
use crate::fault::{Cut, Fault};
use crate::scenario::Scenario;
use alloc::format;
use alloc::vec::Vec;
use client_core::Defect;

pub(super) fn lesson() -> Lesson {
    Lesson {
        id: 3,
        question: "start() fails half-way. What must be undone?",
        introduction: "A task gives start() two seconds. The broker lets the client in, then the connection breaks, and the \
            next one leads to a broker that says nothing. When the time is over, half of a start is standing around.",
        minutes: 5,
        before: Some(Defect::NoRollback),
        seed: 3,
        rules: &[RuleId::I3, RuleId::I5, RuleId::I4, RuleId::I8],
        setup: Scenario::default,
        steps: steps(),
        options: None,
        by_hand: None,
        key_points: &[
            "A start that fails owns everything it has opened so far: sockets, timers, requests. It gives all of it back.",
            "Only when all of that is gone is the caller told. Whoever hears of the failure finds nothing open.",
            "A failed start leaves the client as if start() had never been called, so that it can simply be called again.",
            "What a failed start leaves behind, the next one does not know of: nobody will ever close it.",
        ],
        code: code!("client-core/src/lifecycle/mod.rs", "let rolls_back = self.defect", 7),
        cases: &[
            Case { title: "aiokafka #715", address: "https://github.com/aio-libs/aiokafka/issues/715" },
            Case { title: "aiokafka #938", address: "https://github.com/aio-libs/aiokafka/issues/938" },
            Case { title: "calfkit #324", address: "https://github.com/calf-ai/calfkit-sdk/issues/324" },
        ],
    }
}

fn steps() -> Vec<Step> {
    alloc::vec![
        Step::to("client.request-InitProducerId.b1g1.1", |moment| {
            format!(
                "T1 calls start(), for two seconds at most. b1\u{b7}g1 is {}, and the last two requests of the start \
                 are under way: {}. So far the start holds {} and {}.",
                moment.connection(1),
                moment.requests()[1..].join(" and "),
                count(moment.counters().sockets, "socket"),
                count(moment.counters().timers, "timer")
            )
        })
        .doing(Choice::call(1, Call::Start { timeout_ms: Some(LIMIT_MS) }))
        .expecting("the start holds a socket and timers", |moment| {
            moment.counters().sockets == 1 && moment.counters().timers > 0
        }),
        Step::to("client.request-ApiVersions.b1g2.1", |moment| {
            format!(
                "The connection breaks. T1 is not told yet: the client tries again, and b1\u{b7}g2 is accepted. But \
                 this time the broker says nothing. b1\u{b7}g2 stays {}, and the lifecycle stays {}.",
                moment.connection(1),
                moment.lifecycle()
            )
        })
        .doing(Choice::Fault(Fault::Silent(1)))
        .doing(Choice::Fault(Fault::Cut { node: 1, how: Cut::Reset, after: None }))
        .expecting("the start goes on", |moment| {
            moment.lifecycle() == "Starting" && moment.counters().sockets == 1 && moment.counters().waiters == 1
        }),
        Step::to("client.status-idle.1", |moment| match moment.variant {
            Variant::After => format!(
                "The two seconds are over. First b1\u{b7}g2 is closed and the timers are cancelled, then T1 gets {}. \
                 {}, {} and {} are left.",
                moment.outcome(1, "start"),
                count(moment.counters().sockets, "socket"),
                count(moment.counters().timers, "timer"),
                count(moment.counters().waiters, "waiting call"),
            ),
            Variant::Before => format!(
                "The two seconds are over, T1 gets {}, and the lifecycle is {}. But {} and {} are left: nothing in \
                 this client takes back what the start had begun.",
                moment.outcome(1, "start"),
                moment.lifecycle(),
                count(moment.counters().sockets, "socket"),
                count(moment.counters().timers, "timer")
            ),
        })
        .asking(
            "T1's two seconds are over, and start() fails. How many sockets does the failed start leave open?",
            |moment| super::numbers(moment.counters().sockets.into(), &[0, 1, 2], ""),
            |moment| match moment.variant {
                Variant::After => "None: a failed start closes what it has opened, before anybody is told.".into(),
                Variant::Before => "One: b1\u{b7}g2 is open, and a failed start closes nothing here.".into(),
            },
        )
        .expecting("T1 is told", |moment| moment.outcome(1, "start") == "TIMEOUT" && moment.lifecycle() == "Idle")
        .expecting_in(Variant::After, "no socket, no timer, no waiting call", |moment| {
            let counters = moment.counters();
            (counters.sockets, counters.timers, counters.waiters) == (0, 0, 0)
        })
        .expecting_in(Variant::After, "I3 holds", |moment| moment.verdict(RuleId::I3) == Verdict::Holds)
        .expecting_in(Variant::Before, "a socket and timers are left", |moment| {
            moment.counters().sockets == 1 && moment.counters().timers > 0
        })
        .expecting_in(Variant::Before, "I3 is broken", |moment| {
            matches!(moment.verdict(RuleId::I3), Verdict::Broken { .. })
        }),
        Step::to("T1.resolve-start.2", |moment| match moment.variant {
            Variant::After => format!(
                "The broker is well again, and T1 calls start() once more. It is a start like any other: it ends with \
                 {}, with {} open.",
                moment.outcome(1, "start"),
                count(moment.counters().sockets, "socket")
            ),
            Variant::Before => format!(
                "The broker is well again, and T1 calls start() once more. It ends with {}, on b1\u{b7}g3. But {} are \
                 open to one broker: the new start knows nothing of b1\u{b7}g2.",
                moment.outcome(1, "start"),
                count(moment.counters().sockets, "socket")
            ),
        })
        .doing(Choice::Fault(Fault::HealAll))
        .doing(Choice::call(1, Call::START))
        .expecting("the second start succeeds", |moment| {
            moment.lifecycle() == "Started" && moment.outcome(1, "start") == "OK"
        })
        .expecting_in(Variant::After, "one socket", |moment| moment.counters().sockets == 1)
        .expecting_in(Variant::Before, "two sockets to one broker", |moment| moment.counters().sockets == 2),
        Step::to_rest(|moment| match moment.variant {
            Variant::After => format!("T1 calls stop(): {} and {} are left. What was opened is closed.", count(moment.counters().sockets, "socket"), count(moment.counters().timers, "timer")),
            Variant::Before => format!(
                "T1 calls stop(), and it ends well. {} is still open: b1\u{b7}g2, opened by a start that failed long ago.",
                count(moment.counters().sockets, "socket")
            ),
        })
        .doing(Choice::call(1, Call::STOP))
        .asking(
            "T1 calls stop(). How many sockets stay open?",
            |moment| super::numbers(moment.counters().sockets.into(), &[0, 1, 2], ""),
            |moment| match moment.variant {
                Variant::After => "None: there was only the socket of the second start.".into(),
                Variant::Before => "One: stop() closes what the client knows of.".into(),
            },
        )
        .expecting_in(Variant::After, "nothing is left", |moment: &Moment<'_>| {
            moment.counters().sockets == 0 && moment.counters().timers == 0
        })
        .expecting_in(Variant::Before, "the orphan is left", |moment| moment.counters().sockets == 1),
    ]
}

/// How long T1 gives its first start.
const LIMIT_MS: u64 = 2_000;
