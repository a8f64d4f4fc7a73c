//! A state machine with its table, ready to be drawn.

use client_core::{connection, lifecycle};
use simulator::event::{Event, MachineKind};
use simulator::view::machines::{Machine as Walk, machines};
use std::rc::Rc;
use std::sync::Arc;

/// One legal move, straight from the client's own table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Edge {
    /// The state it leaves, by name.
    pub from: &'static str,
    /// The state it enters, by name.
    pub to: &'static str,
    /// What causes it.
    pub cause: &'static str,
    /// How often it was taken up to here.
    pub walked: u32,
    /// Whether it was the machine's newest move.
    pub is_latest: bool,
}

/// One machine with its table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Machine {
    /// Which of the client's tables it follows.
    pub kind: MachineKind,
    /// A name for tests and for choosing: `lifecycle`, `b1`.
    pub id: Rc<str>,
    /// What it is called: `The client`, `Connection b1·g2`.
    pub title: Rc<str>,
    /// All states, in the order of a successful life.
    pub states: Vec<&'static str>,
    /// The state it is in.
    pub current: &'static str,
    /// All legal moves.
    pub edges: Vec<Edge>,
    /// How often it refused to move.
    pub rejected: u32,
}

impl Machine {
    /// How many of the legal moves have been taken, and how many there are.
    #[must_use]
    pub fn coverage(&self) -> (usize, usize) {
        (self.edges.iter().filter(|edge| edge.walked > 0).count(), self.edges.len())
    }

    /// The move between two states, if the table has it.
    #[must_use]
    pub fn edge(&self, from: &str, to: &str) -> Option<&Edge> {
        self.edges.iter().find(|edge| edge.from == from && edge.to == to)
    }
}

/// The machines at a cursor: each client's life, then its connections. The states and moves are the client's own
/// tables; before anything has happened, one of each stands at its beginning.
#[must_use]
pub fn at(events: &[Arc<Event>], cursor: usize) -> Vec<Machine> {
    let walks = machines(events, cursor);
    let mut drawn: Vec<Machine> = walks.iter().map(|walk| draw(walk.kind, Some(walk))).collect();
    for kind in [MachineKind::Connection, MachineKind::Lifecycle] {
        if !walks.iter().any(|walk| walk.kind == kind) {
            drawn.insert(0, draw(kind, None));
        }
    }
    drawn.sort_by_key(|machine| machine.kind != MachineKind::Lifecycle);
    drawn
}

fn draw(kind: MachineKind, walk: Option<&Walk>) -> Machine {
    let (states, moves, start): (Vec<_>, Vec<_>, _) = match kind {
        MachineKind::Lifecycle => (
            lifecycle::LifecycleState::ALL.iter().map(|state| state.name()).collect(),
            lifecycle::TRANSITIONS
                .iter()
                .map(|edge| (edge.from.name(), edge.to.name(), edge.cause))
                .collect(),
            lifecycle::LifecycleState::Idle.name(),
        ),
        MachineKind::Connection => (
            connection::ConnectionState::ALL.iter().map(|state| state.name()).collect(),
            connection::TRANSITIONS
                .iter()
                .map(|edge| (edge.from.name(), edge.to.name(), edge.cause))
                .collect(),
            connection::ConnectionState::Disconnected.name(),
        ),
    };
    let latest = walk.and_then(|walk| walk.walked.iter().map(|walked| walked.latest).max());
    let edges = moves
        .into_iter()
        .map(|(from, to, cause)| {
            let walked = walk
                .and_then(|walk| walk.walked.iter().find(|walked| (walked.from, walked.to) == (from, to)));
            Edge {
                from,
                to,
                cause,
                walked: walked.map_or(0, |walked| walked.count),
                is_latest: walked.is_some_and(|walked| Some(walked.latest) == latest),
            }
        })
        .collect();
    let (id, title) = names(kind, walk);
    Machine {
        kind,
        id: id.into(),
        title: title.into(),
        states,
        current: walk.map_or(start, |walk| walk.state),
        edges,
        rejected: walk.map_or(0, |walk| walk.rejected),
    }
}

fn names(kind: MachineKind, walk: Option<&Walk>) -> (String, String) {
    let client = walk.map_or(0, |walk| walk.client);
    match (kind, walk.and_then(|walk| walk.connection)) {
        (MachineKind::Lifecycle, _) if client == 0 => {
            ("lifecycle".to_owned(), "The client\u{2019}s life".to_owned())
        }
        (MachineKind::Lifecycle, _) => {
            (format!("lifecycle-{}", client + 1), format!("Client {}\u{2019}s life", client + 1))
        }
        (MachineKind::Connection, Some(connection)) if client == 0 => {
            (format!("b{}", connection.broker()), format!("Connection {connection}"))
        }
        (MachineKind::Connection, Some(connection)) => {
            (format!("c{}b{}", client + 1, connection.broker()), format!("Connection {connection}"))
        }
        (MachineKind::Connection, None) => ("connection".to_owned(), "A connection".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn at_the_beginning_both_tables_are_there() {
        let machines = at(&[], 0);
        assert_eq!(machines.len(), 2);
        assert_eq!((machines[0].current, machines[1].current), ("Idle", "Disconnected"));
        for machine in &machines {
            assert_eq!(machine.coverage().0, 0);
            for edge in &machine.edges {
                assert!(machine.states.contains(&edge.from) && machine.states.contains(&edge.to), "{edge:?}");
            }
        }
    }
}
