//! Where each state machine stands, and which edges it has walked.

use super::shown;
use crate::event::{Connection, Event, Kind, MachineKind};
use alloc::sync::Arc;
use alloc::vec::Vec;

/// One machine at the cursor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Machine {
    /// Which table of the client it follows.
    pub kind: MachineKind,
    /// The client, counted from 0.
    pub client: u8,
    /// The client's number for the broker, for connections. All generations to one broker are one machine.
    pub broker: Option<u16>,
    /// The newest connection, for connections.
    pub connection: Option<Connection>,
    /// The state it is in.
    pub state: &'static str,
    /// The index of the event that brought it there.
    pub since: u32,
    /// The edges walked, in the order of their first use.
    pub walked: Vec<Walked>,
    /// How many transitions it refused.
    pub rejected: u32,
}

/// An edge of the table that was walked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Walked {
    /// The state left.
    pub from: &'static str,
    /// The state entered.
    pub to: &'static str,
    /// How often.
    pub count: u32,
    /// The index of the latest time.
    pub latest: u32,
}

/// Every machine that has made a step in front of the cursor: lifecycles first, then connections by broker.
#[must_use]
pub fn machines(events: &[Arc<Event>], cursor: usize) -> Vec<Machine> {
    let mut machines: Vec<Machine> = Vec::new();
    for event in shown(events, cursor) {
        let (kind, from, to, rejected) = match &event.kind {
            Kind::State { machine, from, to, .. } => (*machine, *from, *to, false),
            Kind::StateRejected { machine, from, to } => (*machine, *from, *to, true),
            _ => continue,
        };
        let client = match (event.connection, event.actor) {
            (Some(connection), _) => connection.client,
            (None, crate::event::Actor::Client(client)) => client,
            (None, _) => continue,
        };
        let broker = event.connection.map(Connection::broker);
        let place = machines
            .iter()
            .position(|machine| (machine.kind, machine.client, machine.broker) == (kind, client, broker))
            .unwrap_or_else(|| {
                machines.push(Machine {
                    kind,
                    client,
                    broker,
                    connection: event.connection,
                    state: from,
                    since: event.index,
                    walked: Vec::new(),
                    rejected: 0,
                });
                machines.len() - 1
            });
        let machine = &mut machines[place];
        if rejected {
            machine.rejected += 1;
            continue;
        }
        machine.state = to;
        machine.since = event.index;
        machine.connection = event.connection;
        match machine.walked.iter_mut().find(|edge| edge.from == from && edge.to == to) {
            Some(edge) => {
                edge.count += 1;
                edge.latest = event.index;
            }
            None => machine.walked.push(Walked { from, to, count: 1, latest: event.index }),
        }
    }
    machines.sort_by_key(|machine| (machine.client, machine.kind, machine.broker));
    machines
}
