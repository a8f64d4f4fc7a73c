//! The states of a connection and the moves between them.

use crate::edge::Edge;

/// Where one connection stands.
///
/// ```text
/// Disconnected -> Connecting -> Negotiating -> (Authenticating <->) Ready
///      ^  |           |              |                |              |
///      |  v           v              v                v              v
///      | BackingOff <-+--------------+----------------+--------------+   on failure: by way of Disconnected
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ConnectionState {
    /// Nothing is open and nothing is planned.
    Disconnected,
    /// The driver was asked to open a connection.
    Connecting,
    /// Open; waiting for the broker to say which versions it speaks.
    Negotiating,
    /// Waiting for the broker to accept the credentials.
    Authenticating,
    /// Requests can be sent.
    Ready,
    /// Waiting before the next attempt.
    BackingOff,
}

impl ConnectionState {
    /// Every state, in the order of a successful life.
    pub const ALL: [Self; 6] = [
        Self::Disconnected,
        Self::Connecting,
        Self::Negotiating,
        Self::Authenticating,
        Self::Ready,
        Self::BackingOff,
    ];

    /// The state's name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Disconnected => "Disconnected",
            Self::Connecting => "Connecting",
            Self::Negotiating => "Negotiating",
            Self::Authenticating => "Authenticating",
            Self::Ready => "Ready",
            Self::BackingOff => "BackingOff",
        }
    }

    /// Whether the driver holds a socket for the connection, or is opening one.
    #[must_use]
    pub const fn has_socket(self) -> bool {
        matches!(self, Self::Connecting | Self::Negotiating | Self::Authenticating | Self::Ready)
    }
}

/// What a connection that is `Authenticating` waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AuthenticationPhase {
    /// The application's credentials.
    AwaitingCredentials,
    /// The broker's word on the mechanism.
    AwaitingHandshake,
    /// The broker's next message of the mechanism.
    AwaitingAnswer,
}

impl AuthenticationPhase {
    /// The phase's name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::AwaitingCredentials => "AwaitingCredentials",
            Self::AwaitingHandshake => "AwaitingHandshake",
            Self::AwaitingAnswer => "AwaitingAnswer",
        }
    }
}

/// Every move a connection may make.
pub const TRANSITIONS: &[Edge<ConnectionState>] = &[
    edge(ConnectionState::Disconnected, ConnectionState::Connecting, "a request needs the broker"),
    edge(ConnectionState::Connecting, ConnectionState::Negotiating, "the transport is open"),
    edge(ConnectionState::Connecting, ConnectionState::Disconnected, "refused, timed out or closed"),
    edge(ConnectionState::Negotiating, ConnectionState::Authenticating, "versions known, credentials set"),
    edge(ConnectionState::Negotiating, ConnectionState::Ready, "versions known"),
    edge(ConnectionState::Negotiating, ConnectionState::Disconnected, "lost, timed out or closed"),
    edge(ConnectionState::Authenticating, ConnectionState::Ready, "credentials accepted"),
    edge(ConnectionState::Authenticating, ConnectionState::Disconnected, "lost, refused or closed"),
    edge(ConnectionState::Ready, ConnectionState::Authenticating, "the session is about to end"),
    edge(ConnectionState::Ready, ConnectionState::Disconnected, "lost, timed out, idle or closed"),
    edge(ConnectionState::Disconnected, ConnectionState::BackingOff, "the attempt failed"),
    edge(ConnectionState::BackingOff, ConnectionState::Connecting, "the wait is over and it is needed"),
    edge(ConnectionState::BackingOff, ConnectionState::Disconnected, "the wait is over, or the client stops"),
];

const fn edge(from: ConnectionState, to: ConnectionState, cause: &'static str) -> Edge<ConnectionState> {
    Edge { from, to, cause }
}
