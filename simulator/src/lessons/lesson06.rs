//! `stop()` during reconnect backoff?

use super::excerpt::code;
use super::{Case, Lesson, Moment, Step, count, millis};
use crate::check::RuleId;
use crate::choice::{Call, Choice};
use crate::event::{Kind, Verdict};
use crate::fault::Fault;
use crate::scenario::Scenario;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use client_core::io::Timer;

pub(super) fn lesson() -> Lesson {
    Lesson {
        id: 6,
        question: "stop() between two attempts to reconnect?",
        introduction: "A broker goes down, and the client tries again and again, waiting longer each time. Between two \
            attempts no socket is open: all that is left of the connection is a timer. Then somebody calls stop().",
        minutes: 4,
        before: None,
        seed: 6,
        rules: &[RuleId::I4, RuleId::I10, RuleId::I8],
        setup: Scenario::default,
        steps: steps(),
        options: None,
        by_hand: None,
        key_points: &[
            "A connection that waits for its next attempt is not nothing: it is a timer, and stop() must find it.",
            "stop() does not wait for a broker that is away: there is nothing to send, so it ends at once.",
            "Once it has ended, the number of attempts stays what it is, for good.",
        ],
        code: code!("client-core/src/connection/mod.rs", "pub(crate) fn close(&mut self, reason", 16),
        cases: &[Case { title: "kafkajs #1147", address: "https://github.com/tulios/kafkajs/issues/1147" }],
    }
}

fn steps() -> Vec<Step> {
    alloc::vec![
        Step::to("T1.resolve-start.1", |moment| {
            format!("T1 has started the client: {}, {} open.", moment.lifecycle(), count(moment.counters().sockets, "socket"))
        })
        .doing(Choice::call(1, Call::START))
        .expecting("started", |moment| moment.lifecycle() == "Started"),
        Step::to("client.armed-reconnect-b1.1", |moment| {
            format!(
                "Broker 1 goes down, and the connection breaks. The client will come back in {}: it is {}, with {} open \
                 and a timer running.",
                millis_to_next(moment),
                moment.connection(1),
                count(moment.counters().sockets, "socket")
            )
        })
        .doing(Choice::Fault(Fault::Down(1)))
        .expecting("no socket, but a timer", |moment| moment.counters().sockets == 0 && is_armed(moment)),
        Step::to("client.armed-reconnect-b1.3", |moment| {
            format!(
                "{} since then, all refused. The waits grow: {}. Now the client waits for the next attempt.",
                count(attempts(moment), "attempt"),
                waits(moment).join(", ")
            )
        })
        .asking(
            "The broker stays down. How does the wait before each attempt change?",
            |moment| {
                let growing = waits_grow(moment);
                let word = if growing { "It about doubles" } else { "It stays the same" };
                super::words(word.into(), &["It about doubles", "It stays the same", "There is none"])
            },
            |moment| format!("{}: a broker that is down is not helped by being asked more often.", waits(moment).join(", ")),
        )
        .expecting("two attempts have failed", |moment| attempts(moment) == 2)
        .expecting("the waits grow", waits_grow),
        Step::to("T1.resolve-stop.1", |moment| {
            format!(
                "T1 calls stop(). The timer of the next attempt is cancelled, and stop() ends at once: {}, {}.",
                count(moment.counters().sockets, "socket"),
                count(moment.counters().timers, "timer")
            )
        })
        .doing(Choice::call(1, Call::STOP))
        .asking(
            "T1 calls stop() while the client waits for its next attempt. How many attempts follow?",
            |moment| super::numbers(attempts_after_stop(moment) as u64, &[0, 1, 2], ""),
            |_| "None: the timer of the next attempt is cancelled, and nothing arms it again.".into(),
        )
        .expecting("the pending timer is cancelled", |moment| {
            moment.event("client.disarmed-reconnect-b1.1").is_some() && !is_armed(moment)
        })
        .expecting("nothing is left", |moment| {
            moment.lifecycle() == "Idle" && moment.counters().sockets == 0 && moment.counters().timers == 0
        }),
        Step::to_rest(|moment| {
            format!(
                "Broker 1 comes back, and nobody knocks: it has been {} in all, and it stays {}.",
                count(moment.counters().connects, "attempt"),
                moment.counters().connects
            )
        })
        .doing(Choice::Fault(Fault::Up(1)))
        .expecting("no attempt after stop()", |moment| attempts_after_stop(moment) == 0)
        .expecting("I4 holds", |moment| moment.verdict(RuleId::I4) == Verdict::Holds),
    ]
}

/// How many attempts there were after the first connection.
fn attempts(moment: &Moment<'_>) -> u32 {
    moment.counters().connects.saturating_sub(1)
}

fn attempts_after_stop(moment: &Moment<'_>) -> usize {
    moment.behind("T1.call-stop.1").iter().filter(|event| matches!(event.kind, Kind::Open { .. })).count()
}

/// The waits before attempts so far, in milliseconds.
fn wait_millis(moment: &Moment<'_>) -> Vec<u128> {
    let armed = moment.shown().iter().filter_map(|event| match event.kind {
        Kind::TimerArmed { timer: Timer::Reconnect(_), due } => Some(due.since(event.at).as_millis()),
        _ => None,
    });
    armed.collect()
}

fn waits(moment: &Moment<'_>) -> Vec<String> {
    wait_millis(moment).into_iter().map(|wait| format!("{wait} ms")).collect()
}

fn waits_grow(moment: &Moment<'_>) -> bool {
    wait_millis(moment).is_sorted_by(|shorter, longer| shorter < longer)
}

fn millis_to_next(moment: &Moment<'_>) -> String {
    let armed = moment.shown().iter().rev().find_map(|event| match event.kind {
        Kind::TimerArmed { timer: Timer::Reconnect(_), due } => Some(due.since(event.at)),
        _ => None,
    });
    armed.map_or_else(|| "no time".into(), millis)
}

/// Whether a timer for the next attempt is running.
fn is_armed(moment: &Moment<'_>) -> bool {
    let latest = moment.shown().iter().rev().find_map(|event| match event.kind {
        Kind::TimerArmed { timer: Timer::Reconnect(_), .. } => Some(true),
        Kind::TimerFired { timer: Timer::Reconnect(_) }
        | Kind::TimerCancelled { timer: Timer::Reconnect(_) } => Some(false),
        _ => None,
    });
    latest.unwrap_or(false)
}
