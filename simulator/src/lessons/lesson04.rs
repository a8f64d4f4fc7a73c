//! Who hears about the failure?

use super::excerpt::code;
use super::{Answer, Case, Lesson, Moment, Step, count};
use crate::check::RuleId;
use crate::choice::{Call, Choice};
use crate::event::Verdict;
use crate::fault::Fault;
use crate::scenario::Scenario;
use alloc::format;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;

pub(super) fn lesson() -> Lesson {
    Lesson {
        id: 4,
        question: "Who hears about the failure?",
        introduction: "Three tasks wait for one start, and no broker lets the client in. One of the three loses patience; \
            the other two wait until their time is over. Each of them wants an answer.",
        minutes: 4,
        before: None,
        seed: 4,
        rules: &[RuleId::I2, RuleId::I8, RuleId::I3, RuleId::I10],
        setup: || Scenario { nodes: 2, bootstrap: vec![1, 2], ..Scenario::default() },
        steps: steps(),
        options: None,
        by_hand: None,
        key_points: &[
            "Callers share the start, not their patience: whoever gives up cancels only its own waiting.",
            "Those who are still waiting when the start fails all hear of it, all the same, and each exactly once.",
            "Brokers that cannot be reached are no reason to give up: the client tries again until nobody waits any more.",
            "A failed start is over. The next start() tries as if it were the first.",
        ],
        code: code!("client-core/src/lifecycle/mod.rs", "fn abandon_if_alone(&mut self", 5),
        cases: &[Case {
            title: "kafka-python #1736: one bootstrap try, then inoperable",
            address: "https://github.com/dpkp/kafka-python/issues/1736",
        }],
    }
}

fn steps() -> Vec<Step> {
    alloc::vec![
        Step::to("T3.call-start.1", |moment| {
            format!(
                "Both brokers refuse connections. T1, T2 and T3 call start(): T1 and T3 for {LIMIT_MS} ms at most, T2 \
                 without a limit. {} wait for one and the same start.",
                count(moment.counters().waiters, "call")
            )
        })
        .doing(Choice::Fault(Fault::Refuse(1)))
        .doing(Choice::Fault(Fault::Refuse(2)))
        .doing(Choice::call(1, Call::Start { timeout_ms: Some(LIMIT_MS) }))
        .doing(Choice::call(2, Call::START))
        .doing(Choice::call(3, Call::Start { timeout_ms: Some(LIMIT_MS) }))
        .expecting("three callers, one start", |moment| {
            moment.counters().waiters == 3 && moment.lifecycle() == "Starting"
        }),
        Step::to("client.armed-reconnect-b2.1", |moment| {
            format!(
                "Broker 1 refuses, and broker 2 refuses as well. Nobody is told: the lifecycle is still {}, and each \
                 broker is tried again after a wait of its own, longer each time.",
                moment.lifecycle()
            )
        })
        .expecting("nobody has heard anything", |moment| moment.counters().waiters == 3),
        Step::to("T2.resolve-start.1", |moment| {
            format!(
                "T2 has waited long enough and cancels its call: it gets {}. The lifecycle stays {}, for {} still wait.",
                moment.outcome(2, "start"),
                moment.lifecycle(),
                count(moment.counters().waiters, "call")
            )
        })
        .doing(Choice::call(2, Call::Cancel))
        .asking("T2 cancels its start(). Who hears of it?", hears_of_the_cancellation, |moment| {
            format!(
                "T2 alone, with {}. Its patience is its own; {} still wait for the start.",
                moment.outcome(2, "start"),
                count(moment.counters().waiters, "call")
            )
        })
        .expecting("the leaver gets its own cancellation", |moment| moment.outcome(2, "start") == "CANCELLED")
        .expecting("the start goes on for the others", |moment| {
            moment.lifecycle() == "Starting" && moment.counters().waiters == 2
        }),
        Step::to("client.status-idle.1", |moment| {
            format!(
                "The time of T1 and T3 is over. T1 gets {}, T3 gets {}. Nobody waits any more, so the start is given \
                 up after {}: {}, {}.",
                moment.outcome(1, "start"),
                moment.outcome(3, "start"),
                count(moment.counters().connects, "attempt"),
                count(moment.counters().sockets, "socket"),
                count(moment.counters().timers, "timer")
            )
        })
        .asking("The time of T1 and T3 is over. Which callers get which result?", results, |_| {
            "T2 has had its answer, and nobody gets two. The others have waited for the same thing and hear the same."
                .into()
        })
        .expecting("the others get the same error", |moment| {
            moment.outcome(1, "start") == "TIMEOUT" && moment.outcome(3, "start") == "TIMEOUT"
        })
        .expecting("every call has ended once", |moment| {
            (1..=3).all(|task| moment.waits(task).iter().all(|wait| wait.ends == 1))
        })
        .expecting("equal outcomes", |moment| moment.verdict(RuleId::I2) == Verdict::Holds)
        .expecting("nothing is left", |moment| {
            moment.lifecycle() == "Idle" && moment.counters().sockets == 0 && moment.counters().timers == 0
        }),
        Step::to("T2.resolve-start.2", |moment| {
            format!(
                "The brokers are back, and T2 calls start() again: {}. That the first start failed means nothing to \
                 the second one.",
                moment.outcome(2, "start")
            )
        })
        .doing(Choice::Fault(Fault::HealAll))
        .doing(Choice::call(2, Call::START))
        .expecting("the next start works", |moment| {
            moment.lifecycle() == "Started" && moment.outcome(2, "start") == "OK"
        })
        .expecting("every wait ends once", |moment| moment.verdict(RuleId::I8) == Verdict::Holds),
    ]
}

/// How long T1 and T3 wait.
const LIMIT_MS: u64 = 1_500;

/// Which tasks' calls have ended.
fn heard(moment: &Moment<'_>) -> Vec<u16> {
    (1..=3).filter(|task| moment.waits(*task).iter().any(|wait| wait.end.is_some())).collect()
}

fn hears_of_the_cancellation(moment: &Moment<'_>) -> Vec<Answer> {
    let name = |tasks: &[u16]| match tasks {
        [] => String::from("Nobody"),
        [task] => format!("Only T{task}"),
        [1, 2, 3] => String::from("All three"),
        _ => String::from("Some of them"),
    };
    super::words(name(&heard(moment)), &["Nobody", "Only T2", "All three"])
}

fn results(moment: &Moment<'_>) -> Vec<Answer> {
    let line = |outcomes: [&str; 3]| format!("T1 {}, T2 {}, T3 {}", outcomes[0], outcomes[1], outcomes[2]);
    let [one, two, three] = [1, 2, 3].map(|task| moment.outcome(task, "start"));
    let wrong = [
        line(["TIMEOUT", "TIMEOUT", "TIMEOUT"]),
        line(["CANCELLED", "CANCELLED", "CANCELLED"]),
        line(["TIMEOUT", "CANCELLED", "CANCELLED"]),
        line(["TIMEOUT", "CANCELLED", "TIMEOUT"]),
    ];
    let wrong: Vec<&str> = wrong.iter().map(String::as_str).collect();
    super::words(line([&one, &two, &three]), &wrong)
}
