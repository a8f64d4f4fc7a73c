//! A read-only view of the client's inside, for user interfaces and assertions.

use super::{Client, RoleState};
use crate::connection::{AuthenticationPhase, Connection, ConnectionState};
use crate::cx::Counters;
use crate::ids::{BrokerId, ConnectionId, NodeId};
use crate::io::Address;
use crate::lifecycle::LifecycleState;
use crate::time::Instant;
use crate::view::ClusterView;
use alloc::vec::Vec;

/// A read-only view of the client's inside.
#[derive(Clone, Copy, Debug)]
pub struct Inspect<'a> {
    client: &'a Client,
}

/// One connection, as it stands.
#[derive(Clone, Copy, Debug)]
pub struct ConnectionView<'a> {
    connection: &'a Connection,
}

/// A request that waits for its reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InFlightView {
    /// The request's name.
    pub api: &'static str,
    /// The number that the reply must carry.
    pub correlation_id: i32,
    /// When it was sent.
    pub sent_at: Instant,
}

impl<'a> Inspect<'a> {
    pub(super) const fn new(client: &'a Client) -> Self {
        Self { client }
    }

    /// Where the client stands in its life.
    #[must_use]
    pub const fn lifecycle(&self) -> LifecycleState {
        self.client.lifecycle.state()
    }

    /// Every broker address the client knows, with its connection.
    pub fn connections(&self) -> impl Iterator<Item = ConnectionView<'a>> + use<'a> {
        self.client.connections.iter().map(|(_, connection)| ConnectionView { connection })
    }

    /// What has been counted.
    #[must_use]
    pub const fn counters(&self) -> Counters {
        self.client.cx.counters
    }

    /// How many connections are open or being opened.
    #[must_use]
    pub fn sockets(&self) -> usize {
        self.connections().filter(|view| view.state().has_socket()).count()
    }

    /// How many operations have not ended.
    #[must_use]
    pub fn waiters(&self) -> usize {
        let role = match &self.client.role {
            RoleState::Producer(producer) => producer.waiting(),
            RoleState::Consumer(consumer) => consumer.waiting(),
            RoleState::Admin(admin) => admin.waiting(),
        };
        self.client.lifecycle.waiting() + self.client.cluster.waiting() + role
    }

    /// How many bytes of records a producer holds; 0 for other roles.
    #[must_use]
    pub const fn buffered_bytes(&self) -> usize {
        match &self.client.role {
            RoleState::Producer(producer) => producer.buffered_bytes(),
            RoleState::Consumer(_) | RoleState::Admin(_) => 0,
        }
    }

    /// What the newest metadata said.
    #[must_use]
    pub const fn cluster(&self) -> &'a ClusterView {
        self.client.cluster.view()
    }
}

impl<'a> ConnectionView<'a> {
    /// The client's number for the broker.
    #[must_use]
    pub const fn broker(&self) -> BrokerId {
        self.connection.id().broker
    }

    /// Broker and generation.
    #[must_use]
    pub const fn id(&self) -> ConnectionId {
        self.connection.id()
    }

    /// Where the broker listens.
    #[must_use]
    pub const fn address(&self) -> &'a Address {
        self.connection.address()
    }

    /// Kafka's number for the broker, when metadata has said it.
    #[must_use]
    pub const fn node(&self) -> Option<NodeId> {
        self.connection.node()
    }

    /// Where the connection stands.
    #[must_use]
    pub const fn state(&self) -> ConnectionState {
        self.connection.state()
    }

    /// What the connection waits for while it authenticates, `None` when it does not.
    #[must_use]
    pub fn authentication_phase(&self) -> Option<AuthenticationPhase> {
        self.connection.authentication_phase()
    }

    /// Requests that wait for their replies, oldest first.
    #[must_use]
    pub fn in_flight(&self) -> Vec<InFlightView> {
        let view = |request: &crate::connection::InFlight| InFlightView {
            api: request.api.name(),
            correlation_id: request.correlation_id,
            sent_at: request.sent_at,
        };
        self.connection.in_flight().iter().map(view).collect()
    }

    /// How many requests wait for the connection to become ready.
    #[must_use]
    pub fn queued(&self) -> usize {
        self.connection.queued()
    }

    /// The bytes in the receive buffer; while the connection authenticates, asterisks in their place, but for the size in front.
    #[must_use]
    pub fn buffer(&self) -> Vec<u8> {
        const SIZE: usize = 4;
        let secret = self.authentication_phase().is_some();
        let bytes = self.connection.decoder().pending_bytes().flatten().enumerate();
        bytes.map(|(index, byte)| if secret && index >= SIZE { b'*' } else { *byte }).collect()
    }

    /// How many bytes the message at the front of the receive buffer has in all, size field included, once that is known.
    #[must_use]
    pub fn buffer_expects(&self) -> Option<usize> {
        self.connection.decoder().pending()?.expected
    }

    /// How many attempts to connect have failed since the connection was last ready.
    #[must_use]
    pub const fn attempts(&self) -> u32 {
        self.connection.attempts()
    }

    /// Until when nothing is sent because the broker wants to hear nothing (KIP-219).
    #[must_use]
    pub const fn throttled_until(&self) -> Option<Instant> {
        self.connection.throttled_until()
    }

    /// When the next attempt comes.
    #[must_use]
    pub const fn backing_off_until(&self) -> Option<Instant> {
        self.connection.backing_off_until()
    }
}
