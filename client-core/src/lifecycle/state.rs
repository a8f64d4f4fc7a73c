//! The states of a client's life and the moves between them.

use crate::edge::Edge;

/// Where a client stands in its life.
///
/// ```text
/// Idle -> Starting -> Started -> Stopping -> Idle
///           |  ^                     (Fenced from anywhere: finished for good)
///           v  |
///           Idle        a failed, cancelled or interrupted start rolls back
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LifecycleState {
    /// Nothing is open. A client begins here, and comes back here after a stop.
    Idle,
    /// `start()` is under way.
    Starting,
    /// Everything needed is there.
    Started,
    /// `stop()` is under way: what was accepted is being sent.
    Stopping,
    /// A newer instance has taken over: make a new client.
    Fenced,
}

impl LifecycleState {
    /// Every state, in the order of a successful life.
    pub const ALL: [Self; 5] = [Self::Idle, Self::Starting, Self::Started, Self::Stopping, Self::Fenced];

    /// The state's name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Idle => "Idle",
            Self::Starting => "Starting",
            Self::Started => "Started",
            Self::Stopping => "Stopping",
            Self::Fenced => "Fenced",
        }
    }
}

/// Every move a client's life may make.
pub const TRANSITIONS: &[Edge<LifecycleState>] = &[
    edge(LifecycleState::Idle, LifecycleState::Starting, "start() was called"),
    edge(LifecycleState::Starting, LifecycleState::Started, "everything needed is there"),
    edge(LifecycleState::Starting, LifecycleState::Idle, "failed, interrupted or abandoned"),
    edge(LifecycleState::Started, LifecycleState::Stopping, "stop() was called"),
    edge(LifecycleState::Stopping, LifecycleState::Idle, "everything has ended"),
    edge(LifecycleState::Idle, LifecycleState::Fenced, "the driver has failed"),
    edge(LifecycleState::Starting, LifecycleState::Fenced, "a newer instance has taken over"),
    edge(LifecycleState::Started, LifecycleState::Fenced, "a newer instance has taken over"),
    edge(LifecycleState::Stopping, LifecycleState::Fenced, "a newer instance has taken over"),
];

const fn edge(from: LifecycleState, to: LifecycleState, cause: &'static str) -> Edge<LifecycleState> {
    Edge { from, to, cause }
}
