//! Rules about starting, stopping and waiting.

use super::{Bounds, Finding, RuleId};
use crate::event::{Actor, Connection, Event, Kind, MachineKind, Outcome};
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use client_core::io::Timer;
use client_core::time::Instant;

/// The client's lifecycle state that an event leads to.
fn entered(event: &Event) -> Option<(Actor, &'static str, &'static str)> {
    match &event.kind {
        Kind::State { machine: MachineKind::Lifecycle, from, to, .. } => Some((event.actor, from, to)),
        _ => None,
    }
}

fn is_start(call: &str) -> bool {
    call.starts_with("start(")
}

/// The first event of the chain of causes that leads to this one.
fn origin(events: &[Arc<Event>], index: u32) -> u32 {
    let mut at = index;
    // Causes are always earlier, so this ends.
    while let Some(cause) = events.get(at as usize).and_then(|event| event.cause) {
        at = cause;
    }
    at
}

/// I1.
pub(super) fn one_bootstrap(events: &[Arc<Event>]) -> Finding {
    let mut finding = Finding::new(RuleId::I1);
    let mut starting: BTreeMap<Actor, BTreeSet<u32>> = BTreeMap::new();
    for event in events {
        if let Some((client, from, to)) = entered(event) {
            if to == "Starting" {
                finding.exercise(event.index);
                starting.insert(client, BTreeSet::new());
            } else if from == "Starting" {
                starting.remove(&client);
            }
        }
        let Kind::Open { .. } = event.kind else { continue };
        let Some(callers) = starting.get_mut(&event.actor) else { continue };
        let first = origin(events, event.index);
        let by_call = matches!(&events[first as usize].kind, Kind::Call { call, .. } if is_start(call));
        if by_call && callers.insert(first) && callers.len() > 1 {
            finding.fail(event.index, || format!("the start() of event {first} began a second bootstrap"));
        }
    }
    finding
}

/// I2.
pub(super) fn equal_outcomes(events: &[Arc<Event>]) -> Finding {
    let mut finding = Finding::new(RuleId::I2);
    // The step in which an attempt ended, and the first outcome then.
    let mut ended: BTreeMap<u32, Option<Outcome>> = BTreeMap::new();
    for event in events {
        if let Some((_, "Starting", _)) = entered(event) {
            ended.insert(event.step, None);
        }
        let Kind::Resolve { call: Some(_), what, outcome, .. } = &event.kind else { continue };
        if !is_start(what) || *outcome == Outcome::Cancelled {
            continue;
        }
        let Some(first) = ended.get_mut(&event.step) else { continue };
        match first {
            None => *first = Some(outcome.clone()),
            Some(first) if first == outcome => finding.exercise(event.index),
            Some(first) => {
                finding.fail(event.index, || format!("one caller got {first}, another {outcome}"));
            }
        }
    }
    finding
}

/// What a client holds.
#[derive(Default)]
struct Held {
    sockets: BTreeSet<Connection>,
    timers: BTreeSet<Timer>,
}

impl Held {
    fn observe(&mut self, event: &Event) {
        match &event.kind {
            Kind::Open { .. } => self.sockets.extend(event.connection),
            Kind::Close { .. } => {
                if let Some(connection) = event.connection {
                    self.sockets.remove(&connection);
                }
            }
            Kind::TimerArmed { timer, .. } => {
                self.timers.insert(*timer);
            }
            Kind::TimerFired { timer } | Kind::TimerCancelled { timer } => {
                self.timers.remove(timer);
            }
            _ => {}
        }
    }

    fn problem(&self) -> Option<String> {
        (!self.sockets.is_empty() || !self.timers.is_empty())
            .then(|| format!("{} sockets and {} timers are left", self.sockets.len(), self.timers.len()))
    }
}

/// Whose socket or timer an event is about.
fn client_of(event: &Event) -> Option<Actor> {
    match (event.actor, event.connection) {
        (Actor::Client(_), _) => Some(event.actor),
        (_, Some(connection)) => Some(Actor::Client(connection.client)),
        (_, None) => None,
    }
}

/// Judges what clients hold when the step ends in which they became idle.
fn idle_holds_nothing(events: &[Arc<Event>], finding: &mut Finding, counts: impl Fn(&Event, &str) -> bool) {
    let mut held: BTreeMap<Actor, Held> = BTreeMap::new();
    let mut became_idle: Option<(Actor, u32)> = None;
    for (place, event) in events.iter().enumerate() {
        if let Some(client) = client_of(event) {
            held.entry(client).or_default().observe(event);
        }
        match entered(event) {
            Some((client, from, "Idle")) if counts(event, from) => became_idle = Some((client, event.index)),
            // Somebody has waited for the stop in order to start again.
            Some((client, ..)) if became_idle.is_some_and(|(idle, _)| idle == client) => became_idle = None,
            Some(_) | None => {}
        }
        let step_ends = events.get(place + 1).is_none_or(|next| next.step != event.step);
        if step_ends && let Some((client, _)) = became_idle.take() {
            finding.exercise(event.index);
            if let Some(problem) = held.entry(client).or_default().problem() {
                finding.fail(event.index, || problem);
            }
        }
    }
}

/// I3.
pub(super) fn nothing_left_of_a_failed_start(events: &[Arc<Event>]) -> Finding {
    let mut finding = Finding::new(RuleId::I3);
    idle_holds_nothing(events, &mut finding, |_, from| from == "Starting");
    finding
}

/// I4.
pub(super) fn nothing_after_stop(events: &[Arc<Event>]) -> Finding {
    let mut finding = Finding::new(RuleId::I4);
    let by_stop = |event: &Event, from: &str| {
        from == "Stopping"
            || matches!(&events[origin(events, event.index) as usize].kind,
                Kind::Call { call, .. } if call.starts_with("stop("))
    };
    idle_holds_nothing(events, &mut finding, by_stop);
    // Which clients are idle after a stop, and since which step.
    let mut idle: BTreeMap<Actor, u32> = BTreeMap::new();
    for event in events {
        if let Some((client, from, to)) = entered(event) {
            if to == "Idle" && by_stop(event, from) {
                idle.insert(client, event.step);
            } else {
                idle.remove(&client);
            }
        }
        let does = match &event.kind {
            Kind::Open { .. } => "opens a socket",
            Kind::TimerArmed { .. } => "arms a timer",
            Kind::Request { .. } => "sends a request",
            _ => continue,
        };
        if idle.get(&event.actor).is_some_and(|since| *since < event.step) {
            finding.fail(event.index, || format!("the stopped client {does}"));
        }
    }
    finding
}

/// I8.
pub(super) fn every_wait_ends_once(events: &[Arc<Event>], finished: bool) -> Finding {
    let mut finding = Finding::new(RuleId::I8);
    let mut waiting: BTreeMap<u32, &str> = BTreeMap::new();
    for event in events {
        match &event.kind {
            Kind::Call { call, waits: true, .. } => {
                waiting.insert(event.index, call);
            }
            Kind::Resolve { call: Some(call), what, .. } => {
                if waiting.remove(call).is_some() {
                    finding.exercise(event.index);
                } else {
                    finding.fail(event.index, || format!("the {what} of event {call} ended a second time"));
                }
            }
            Kind::Resolve { call: None, what, .. } => {
                finding.fail(event.index, || format!("{what} ended, and nobody waits for it"));
            }
            _ => {}
        }
    }
    if finished && let (Some((from, call)), Some(last)) = (waiting.first_key_value(), events.last()) {
        finding.fail(last.index, || format!("the {call} of event {from} never ended"));
    }
    finding
}

/// I15.
pub(super) fn recovery(events: &[Arc<Event>], bounds: &Bounds, finished: bool) -> Finding {
    let mut finding = Finding::new(RuleId::I15);
    let mut disturbed = false;
    let mut healed: Option<(u32, Instant)> = None;
    let mut starting: BTreeMap<Actor, Instant> = BTreeMap::new();
    for event in events {
        if let Kind::Fault { fault, .. } = &event.kind {
            disturbed = fault != "heal";
            healed = (!disturbed).then_some((event.index, event.at));
        }
        if let Some((client, from, to)) = entered(event) {
            if to == "Starting" {
                starting.insert(client, event.at);
            } else {
                let since = starting.remove(&client);
                if let (false, Some(since), Some((_, at)), "Starting", "Started") =
                    (disturbed, since, healed, from, to)
                {
                    let took = event.at.since(at.max(since));
                    finding.exercise(event.index);
                    if took > bounds.recovery {
                        finding.fail(event.index, || {
                            format!("starting took {} ms after healing", took.as_millis())
                        });
                    }
                }
            }
        }
    }
    if let (true, false, Some((_, at)), Some(last)) = (finished, disturbed, healed, events.last()) {
        for since in starting.values() {
            if last.at.since(at.max(*since)) > bounds.recovery {
                finding.fail(last.index, || "the client still has not started".into());
            }
        }
    }
    finding
}
