//! Rules about sockets, states and time.

use super::{Bounds, Finding, RuleId};
use crate::event::{Actor, CloseBy, Connection, EndCause, Event, Kind, MachineKind};
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::format;
use alloc::sync::Arc;
use client_core::io::Timer;
use client_core::time::{Duration, Instant};
use client_core::{connection, lifecycle};

/// I5.
pub(super) fn one_socket_per_broker(events: &[Arc<Event>]) -> Finding {
    let mut finding = Finding::new(RuleId::I5);
    let mut open: BTreeSet<Connection> = BTreeSet::new();
    for event in events {
        let Some(connection) = event.connection else { continue };
        match &event.kind {
            Kind::Open { .. } => {
                finding.exercise(event.index);
                let same = |other: &&Connection| {
                    (other.client, other.broker()) == (connection.client, connection.broker())
                };
                if let Some(other) = open.iter().find(same) {
                    finding.fail(event.index, || format!("{connection} is opened while {other} is open"));
                }
                open.insert(connection);
            }
            Kind::Close { .. } => {
                open.remove(&connection);
            }
            _ => {}
        }
    }
    finding
}

/// One broker's failures in a row.
#[derive(Default)]
struct Failures {
    count: u32,
    latest: Option<Instant>,
    /// Since when the connection has been Ready.
    ready: Option<Instant>,
    /// Whether the last one ended because the credentials were not accepted. They are not tried again soon.
    refused: bool,
}

impl Failures {
    /// A connection ended, or was never made. One that has served for a while counts as none: it may come back at once. So
    /// does one that was ready until the client closed it in order.
    fn ended(&mut self, at: Instant, failed: bool, served_enough: Duration) {
        let ready = self.ready.take();
        let served = ready.is_some_and(|since| !failed || at.since(since) >= served_enough);
        self.latest = failed.then_some(at);
        if served {
            self.count = 0;
        } else if failed {
            self.count += 1;
        }
    }
}

/// I10.
pub(super) fn backoff(events: &[Arc<Event>], bounds: &Bounds) -> Finding {
    let mut finding = Finding::new(RuleId::I10);
    let mut brokers: BTreeMap<(u8, u16), Failures> = BTreeMap::new();
    // A fifth of jitter, and a microsecond for rounding.
    let least = |count: u32| {
        let doubled = bounds.reconnect_backoff.saturating_mul(1 << count.saturating_sub(1).min(20));
        (doubled.min(bounds.reconnect_backoff_max) * 4 / 5).saturating_sub(Duration::from_micros(1))
    };
    let most = bounds.reconnect_backoff_max * 6 / 5 + Duration::from_micros(1);
    for event in events {
        let broker = event.connection.map(|connection| (connection.client, connection.broker()));
        match (&event.kind, broker, event.actor) {
            (
                Kind::State { machine: MachineKind::Lifecycle, to: "Starting", .. },
                _,
                Actor::Client(client),
            ) => {
                brokers.retain(|(owner, _), _| *owner != client);
            }
            // A broker that metadata had dropped and now names again is a new one: it has been seen to live.
            (Kind::BrokerNamed { broker, .. }, _, Actor::Client(client)) => {
                if let Some(failures) = brokers.get_mut(&(client, *broker)) {
                    (failures.count, failures.latest) = (0, None);
                }
            }
            (Kind::State { machine: MachineKind::Connection, to: "Ready", .. }, Some(broker), _) => {
                // One that authenticates again has served all the while.
                brokers.entry(broker).or_default().ready.get_or_insert(event.at);
            }
            (Kind::Close { by, cause, .. }, Some(broker), _) => {
                let failed = *by != CloseBy::Client || *cause != EndCause::ClosedByUs;
                let broker = brokers.entry(broker).or_default();
                broker.ended(event.at, failed, bounds.reconnect_backoff_max);
                broker.refused = *cause == EndCause::NotLetIn;
            }
            (Kind::Open { .. }, Some(broker), _) => {
                let Some(Failures { count, latest: Some(latest), .. }) = brokers.get(&broker) else {
                    continue;
                };
                if *count == 0 {
                    continue;
                }
                finding.exercise(event.index);
                let waited = event.at.since(*latest);
                if waited < least(*count) {
                    let waited = waited.as_millis();
                    finding
                        .fail(event.index, || format!("opened {waited} ms after failure {count} in a row"));
                }
            }
            (Kind::TimerArmed { timer: Timer::Reconnect(broker), due }, _, Actor::Client(client)) => {
                let refused = brokers.get(&(client, broker.0)).is_some_and(|broker| broker.refused);
                let wait = due.since(event.at);
                if wait > if refused { most.saturating_mul(10) } else { most } {
                    let wait = wait.as_millis();
                    finding.fail(event.index, || {
                        format!("the wait for {broker} is {wait} ms, beyond the limit")
                    });
                }
            }
            _ => {}
        }
    }
    finding
}

/// I11.
pub(super) fn legal_transitions(events: &[Arc<Event>]) -> Finding {
    let mut finding = Finding::new(RuleId::I11);
    for event in events {
        let Kind::State { machine, from, to, .. } = &event.kind else { continue };
        finding.exercise(event.index);
        let legal = match machine {
            MachineKind::Lifecycle => {
                lifecycle::TRANSITIONS.iter().any(|edge| edge.from.name() == *from && edge.to.name() == *to)
            }
            MachineKind::Connection => {
                connection::TRANSITIONS.iter().any(|edge| edge.from.name() == *from && edge.to.name() == *to)
            }
        };
        if !legal {
            finding.fail(event.index, || format!("there is no edge from {from} to {to}"));
        }
    }
    finding
}

/// I16.
pub(super) fn no_busy_loop(events: &[Arc<Event>], bounds: &Bounds) -> Finding {
    let mut finding = Finding::new(RuleId::I16);
    let mut instants: BTreeMap<Actor, (Instant, u32)> = BTreeMap::new();
    for event in events {
        let Actor::Client(_) = event.actor else { continue };
        finding.exercise(event.index);
        // One for each delivery: into how many pieces bytes are cut is the network's doing.
        if matches!(event.kind, Kind::Buffered { .. }) {
            continue;
        }
        let (at, count) = instants.entry(event.actor).or_insert((event.at, 0));
        if *at != event.at {
            (*at, *count) = (event.at, 0);
        }
        *count += 1;
        if *count > bounds.events_per_instant_max {
            let limit = bounds.events_per_instant_max;
            finding.fail(event.index, || format!("more than {limit} events at one instant"));
        }
    }
    finding
}
