//! The rules that every run must keep, judged from its events alone.
//!
//! A verdict never says more than the run shows: a rule that nothing has put to the test is *not exercised*.

#![expect(clippy::wildcard_enum_match_arm, reason = "a rule looks at the kinds of events it is about")]

mod assignment;
mod connections;
mod lifecycle;
mod protocol;

use crate::event::{Event, Verdict};
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use client_core::config::Config;
use client_core::time::Duration;

/// A rule's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RuleId {
    /// One bootstrap per start attempt.
    I1,
    /// Equal outcomes.
    I2,
    /// Nothing left of a failed start.
    I3,
    /// Nothing after stop.
    I4,
    /// One socket per broker.
    I5,
    /// Bytes belong to their connection.
    I6,
    /// Replies match the oldest request.
    I7,
    /// Every wait ends once.
    I8,
    /// Requests in flight fail in order.
    I9,
    /// Backoff.
    I10,
    /// Legal transitions.
    I11,
    /// No group traffic with assign.
    I12,
    /// Receive buffer limit.
    I13,
    /// Only known brokers.
    I14,
    /// Recovery.
    I15,
    /// No busy loop.
    I16,
    /// Only assigned partitions.
    I17,
}

/// When a rule can be judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RuleKind {
    /// At every event.
    Always,
    /// At every event, and at the end of the run.
    Eventually,
}

/// A rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rule {
    /// Its name.
    pub id: RuleId,
    /// When it can be judged.
    pub kind: RuleKind,
    /// What it demands.
    pub sentence: &'static str,
    /// How it is checked.
    pub how: &'static str,
}

/// What bounds the rules apply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// The first wait before a broker is connected to again.
    pub reconnect_backoff: Duration,
    /// The longest such wait.
    pub reconnect_backoff_max: Duration,
    /// The largest reply accepted, in bytes.
    pub frame_size_max: u64,
    /// How long a client may need to start once nothing is wrong any more.
    pub recovery: Duration,
    /// How many events one client may cause at one instant.
    pub events_per_instant_max: u32,
}

impl Bounds {
    /// The bounds of a configuration.
    #[must_use]
    pub const fn of(config: &Config) -> Self {
        Self {
            reconnect_backoff: config.reconnect_backoff,
            reconnect_backoff_max: config.reconnect_backoff_max,
            frame_size_max: config.max_frame_size as u64,
            recovery: config
                .request_timeout
                .saturating_add(config.connect_timeout)
                .saturating_add(Duration::from_secs(5)),
            events_per_instant_max: 500,
        }
    }
}

/// What is known about a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The rule.
    pub rule: RuleId,
    /// The first event that put it to the test.
    pub exercised: Option<u32>,
    /// The first event that broke it, and how.
    pub broken: Option<(u32, String)>,
}

impl Finding {
    /// Nothing is known yet.
    const fn new(rule: RuleId) -> Self {
        Self { rule, exercised: None, broken: None }
    }

    fn exercise(&mut self, at: u32) {
        self.exercised.get_or_insert(at);
    }

    fn fail(&mut self, at: u32, text: impl FnOnce() -> String) {
        self.exercise(at);
        self.broken.get_or_insert_with(|| (at, text()));
    }

    /// What is known when `cursor` events are shown.
    #[must_use]
    pub fn verdict(&self, cursor: usize) -> Verdict {
        let passed = |at: u32| (at as usize) < cursor;
        match (&self.broken, self.exercised) {
            (Some((at, _)), _) if passed(*at) => Verdict::Broken { at: *at },
            (_, Some(at)) if passed(at) => Verdict::Holds,
            (_, _) => Verdict::NotExercised,
        }
    }
}

/// Judges a run. `finished` says that nothing more will happen, so that what is missing is missing for good.
#[must_use]
pub fn check(events: &[Arc<Event>], bounds: &Bounds, finished: bool) -> Vec<Finding> {
    let judge = |rule| match rule {
        RuleId::I1 => lifecycle::one_bootstrap(events),
        RuleId::I2 => lifecycle::equal_outcomes(events),
        RuleId::I3 => lifecycle::nothing_left_of_a_failed_start(events),
        RuleId::I4 => lifecycle::nothing_after_stop(events),
        RuleId::I5 => connections::one_socket_per_broker(events),
        RuleId::I6 => protocol::bytes_belong_to_their_connection(events),
        RuleId::I7 => protocol::replies_match_the_oldest_request(events),
        RuleId::I8 => lifecycle::every_wait_ends_once(events, finished),
        RuleId::I9 => protocol::requests_fail_in_order(events, finished),
        RuleId::I10 => connections::backoff(events, bounds),
        RuleId::I11 => connections::legal_transitions(events),
        RuleId::I12 => protocol::no_group_traffic_with_assign(events),
        RuleId::I13 => protocol::buffer_limit(events, bounds),
        RuleId::I14 => protocol::only_known_brokers(events),
        RuleId::I15 => lifecycle::recovery(events, bounds, finished),
        RuleId::I16 => connections::no_busy_loop(events, bounds),
        RuleId::I17 => assignment::only_assigned_partitions(events),
    };
    RULES.iter().map(|rule| judge(rule.id)).collect()
}

impl RuleId {
    /// The name as people write it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::I1 => "I1",
            Self::I2 => "I2",
            Self::I3 => "I3",
            Self::I4 => "I4",
            Self::I5 => "I5",
            Self::I6 => "I6",
            Self::I7 => "I7",
            Self::I8 => "I8",
            Self::I9 => "I9",
            Self::I10 => "I10",
            Self::I11 => "I11",
            Self::I12 => "I12",
            Self::I13 => "I13",
            Self::I14 => "I14",
            Self::I15 => "I15",
            Self::I16 => "I16",
            Self::I17 => "I17",
        }
    }

    /// What it demands.
    #[must_use]
    pub fn rule(self) -> &'static Rule {
        &RULES[self as usize]
    }
}

/// All rules, in order.
pub const RULES: &[Rule] = &[
    rule(
        RuleId::I1,
        RuleKind::Always,
        "Bootstrap runs at most once per start attempt, however many callers there are",
        "follows each opened connection back to the call that caused it; one attempt may have one such call",
    ),
    rule(
        RuleId::I2,
        RuleKind::Always,
        "All callers that still wait on one start attempt get the same outcome",
        "compares the results that arrive when the attempt ends; a caller that left early has its own",
    ),
    rule(
        RuleId::I3,
        RuleKind::Always,
        "After a failed start nothing is left: no socket and no timer",
        "counts open sockets and armed timers when the lifecycle goes from Starting to Idle",
    ),
    rule(
        RuleId::I4,
        RuleKind::Always,
        "After a stop nothing is open, and nothing opens a socket or arms a timer until the next start",
        "watches everything the client does while its lifecycle is Idle",
    ),
    rule(
        RuleId::I5,
        RuleKind::Always,
        "There is at most one open socket per broker",
        "counts opened and ended connections per broker",
    ),
    rule(
        RuleId::I6,
        RuleKind::Always,
        "Every byte of a message parsed on a connection was received on that connection",
        "follows each byte from its delivery through the receive buffer into the message",
    ),
    rule(
        RuleId::I7,
        RuleKind::Always,
        "A reply is matched only to the oldest request on the same connection, with an equal correlation id",
        "keeps the requests of each connection in order and compares each matched reply with the oldest",
    ),
    rule(
        RuleId::I8,
        RuleKind::Eventually,
        "Every wait ends exactly once",
        "counts the ends of each call; at the end of the run no call may still wait",
    ),
    rule(
        RuleId::I9,
        RuleKind::Eventually,
        "When a connection ends, its requests in flight fail, first in first out, before a later one answers",
        "compares failed requests with the order of sending, and looks for unfinished ones behind a new connection",
    ),
    rule(
        RuleId::I10,
        RuleKind::Always,
        "Attempts to reconnect keep their distance: backoff doubles, is capped, and is reset when ready",
        "measures the time from each failure to the next attempt, a fifth of jitter allowed",
    ),
    rule(
        RuleId::I11,
        RuleKind::Always,
        "Only legal transitions happen",
        "looks every transition up in the client's own table",
    ),
    rule(
        RuleId::I12,
        RuleKind::Always,
        "With assign() no JoinGroup, SyncGroup or Heartbeat is sent",
        "looks for these requests after an assign()",
    ),
    rule(
        RuleId::I13,
        RuleKind::Always,
        "The receive buffer stays within the limit for one message; absurd sizes are refused",
        "compares the fill level with the limit after each delivery",
    ),
    rule(
        RuleId::I14,
        RuleKind::Always,
        "Connections go only to brokers of the newest metadata or to configured ones",
        "decodes each metadata reply and compares the addresses of later connections",
    ),
    rule(
        RuleId::I15,
        RuleKind::Eventually,
        "When nothing is wrong any more, a start ends well within a bounded time",
        "measures the time from healing to Started",
    ),
    rule(
        RuleId::I16,
        RuleKind::Always,
        "No busy loop: a client does only so much at one instant",
        "counts what each client does while the clock stands still",
    ),
    rule(
        RuleId::I17,
        RuleKind::Always,
        "No record of a partition is delivered that is not assigned any more",
        "compares each batch that the application takes with its client's newest assign()",
    ),
];

const fn rule(id: RuleId, kind: RuleKind, sentence: &'static str, how: &'static str) -> Rule {
    Rule { id, kind, sentence, how }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rule_stands_at_its_own_place() {
        for (place, rule) in RULES.iter().enumerate() {
            assert_eq!(rule.id as usize, place);
            assert_eq!(rule.id.name(), alloc::format!("I{}", place + 1));
        }
    }

    #[test]
    fn a_rule_without_evidence_is_not_exercised() {
        let config = crate::scenario::Scenario::default();
        let bounds = Bounds::of(&config.config(&config.clients[0], 0));
        for finding in check(&[], &bounds, true) {
            assert_eq!(finding.verdict(0), Verdict::NotExercised, "{:?}", finding.rule);
        }
    }
}
