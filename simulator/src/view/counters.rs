//! What is open, armed and waiting at the cursor, and what has happened so far, in numbers.

use super::shown;
use crate::event::{Actor, Connection, Event, Kind, MachineKind};
use alloc::collections::BTreeSet;
use alloc::sync::Arc;
#[cfg(test)]
use alloc::vec::Vec;
use client_core::connection::ConnectionState;
use client_core::io::Timer;

/// Numbers at the cursor.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Connections asked for and not yet ended.
    pub sockets: u32,
    /// Timers that run.
    pub timers: u32,
    /// Calls that wait for their end.
    pub waiters: u32,
    /// Connections asked for so far.
    pub connects: u32,
    /// Requests sent so far.
    pub requests: u32,
    /// Replies matched to a request so far.
    pub responses: u32,
    /// Requests that failed with their connection so far.
    pub failed: u32,
    /// Bytes of unfinished messages thrown away so far.
    pub discarded: u64,
    /// Inputs for old connections ignored so far.
    pub stale: u32,
    /// Records acknowledged so far.
    pub delivered: u64,
    /// Records taken by the application so far.
    pub consumed: u64,
}

/// The numbers of all clients together.
#[must_use]
pub fn counters(events: &[Arc<Event>], cursor: usize) -> Counters {
    let mut counters = Counters::default();
    let mut open: BTreeSet<Connection> = BTreeSet::new();
    let mut armed: BTreeSet<(Actor, Timer)> = BTreeSet::new();
    for event in shown(events, cursor) {
        match &event.kind {
            Kind::Call { waits: true, .. } => counters.waiters += 1,
            Kind::Resolve { call: Some(_), .. } => counters.waiters = counters.waiters.saturating_sub(1),
            // Without a world behind the log nobody says which sockets are open: the states of connections do.
            Kind::State { machine: MachineKind::Connection, to, .. } if event.step == 0 => {
                let has_socket =
                    ConnectionState::ALL.iter().any(|state| state.name() == *to && state.has_socket());
                if let Some(connection) = event.connection {
                    if has_socket {
                        open.insert(connection)
                    } else {
                        open.remove(&connection)
                    };
                    counters.connects += u32::from(*to == ConnectionState::Connecting.name());
                }
            }
            Kind::Open { .. } => {
                counters.connects += 1;
                open.extend(event.connection);
            }
            Kind::Close { .. } => {
                if let Some(connection) = event.connection {
                    open.remove(&connection);
                }
            }
            Kind::Request { .. } => counters.requests += 1,
            Kind::Response { .. } => counters.responses += 1,
            Kind::RequestFailed { .. } => counters.failed += 1,
            Kind::Discarded { count } => counters.discarded += u64::from(*count),
            Kind::StaleIgnored { .. } => counters.stale += 1,
            Kind::TimerArmed { timer, .. } => {
                armed.insert((event.actor, *timer));
            }
            Kind::TimerFired { timer } | Kind::TimerCancelled { timer } => {
                armed.remove(&(event.actor, *timer));
            }
            Kind::BatchEnded { outcome: "OK", records, .. } => counters.delivered += u64::from(*records),
            Kind::Consumed { records, .. } => counters.consumed += u64::from(*records),
            _ => {}
        }
    }
    counters.sockets = open.len() as u32;
    counters.timers = armed.len() as u32;
    counters
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Log;
    use client_core::ids::{BrokerId, ConnectionId};
    use client_core::time::Instant;
    use client_core::trace::{Machine, TraceEvent, TraceKind};

    #[test]
    fn a_live_clients_sockets_are_counted_by_the_states_of_its_connections() {
        let mut log = Log::new();
        log.begin_step(0);
        let mut sockets = Vec::new();
        for (generation, from, to) in [
            (1, "Disconnected", "Connecting"),
            (1, "Connecting", "Negotiating"),
            (1, "Negotiating", "Ready"),
            (1, "Ready", "Disconnected"),
            (1, "Disconnected", "BackingOff"),
            (2, "BackingOff", "Connecting"),
        ] {
            let machine = Machine::Connection(ConnectionId { broker: BrokerId(1), generation });
            let kind = TraceKind::Transition { machine, from, to, cause: "".into() };
            log.push_trace(0, TraceEvent { at: Instant::ZERO, kind });
            sockets.push(counters(log.events(), usize::MAX).sockets);
        }
        assert_eq!(sockets, [1, 1, 1, 0, 0, 1]);
        assert_eq!(counters(log.events(), usize::MAX).connects, 2);
    }
}
