//! All connections of a client: one per broker address, and which of them to ask when any would do.

use super::{AuthenticationPhase, Connection, ConnectionState, Settings};
use crate::cx::{Cx, Effect, Outgoing, Owner, Target};
use crate::error::{CloseReason, Error};
use crate::ids::{BrokerId, ConnectionId, NodeId};
use crate::io::{Address, Deadline, Input};
use crate::protocol::Request;
use crate::rng::Rng;
use crate::sasl::Credentials;
use crate::time::Instant;
use crate::trace::TraceKind;
use alloc::string::String;
use litemap::LiteMap;

/// All connections of a client.
#[derive(Clone, Debug)]
pub(crate) struct Connections {
    settings: Settings,
    rng: Rng,
    by_broker: LiteMap<BrokerId, Connection>,
    bootstrap: usize,
    /// The highest generation of brokers that have been forgotten. Their numbers may be given to others, whose generations begin
    /// above it: what the world still says about an old connection is never taken for a new one's (CN2).
    generation_floor: u32,
}

impl Connections {
    pub(crate) fn new(settings: Settings, bootstrap: &[Address], rng: Rng) -> Self {
        let mut table = Self { settings, rng, by_broker: LiteMap::new(), bootstrap: 0, generation_floor: 0 };
        for address in bootstrap {
            if table.by_broker.values().all(|known| known.address() != address) {
                table.add(address.clone());
            }
        }
        table.bootstrap = table.by_broker.len();
        table
    }

    /// Takes input to the connection it is for, or ignores it because that connection is history (CN2).
    pub(crate) fn handle(&mut self, connection: ConnectionId, input: Input, cx: &mut Cx) {
        let current = self
            .by_broker
            .get_mut(&connection.broker)
            .filter(|current| current.id() == connection && current.state().has_socket());
        let Some(current) = current else {
            let (name, count) = match &input {
                Input::Connected { .. } => ("Connected", 0),
                Input::Received { bytes, .. } => ("Received", bytes.len()),
                Input::Disconnected { .. } => ("Disconnected", 0),
                Input::TimeoutFired => ("TimeoutFired", 0),
            };
            cx.counters.stale_inputs += 1;
            cx.trace(|| TraceKind::StaleInputIgnored { connection, input: name, count });
            return;
        };
        match input {
            Input::Connected { .. } => current.handle_connected(&self.settings, cx),
            Input::Received { bytes, .. } => {
                current.handle_received(bytes, &self.settings, cx);
                // While brokers are being upgraded, the one that was heard last is as good a guess as any.
                self.settings.checks_nodes = current.checks_node().unwrap_or(self.settings.checks_nodes);
            }
            Input::Disconnected { cause, .. } => current.handle_disconnected(cause, &self.settings, cx),
            Input::TimeoutFired => {}
        }
    }

    /// The application's answer to a connection's question who this client is. One for a connection that no longer asks is ignored,
    /// like any input for it (CN2).
    pub(crate) fn provide_credentials(
        &mut self,
        connection: ConnectionId,
        answer: Result<Credentials, String>,
        cx: &mut Cx,
    ) {
        let asks = |it: &&mut Connection| {
            it.id() == connection
                && it.authentication_phase() == Some(AuthenticationPhase::AwaitingCredentials)
        };
        match self.by_broker.get_mut(&connection.broker).filter(asks) {
            Some(current) => current.handle_credentials(answer, &self.settings, cx),
            None => {
                cx.counters.stale_inputs += 1;
                cx.trace(|| TraceKind::StaleInputIgnored { connection, input: "Credentials", count: 0 });
            }
        }
    }

    /// Lets every connection look at its timers.
    pub(crate) fn handle_timeout(&mut self, cx: &mut Cx) {
        for connection in self.by_broker.iter_mut().map(|(_, it)| it) {
            if connection.deadline().is_some_and(|deadline| deadline.at <= cx.now) {
                connection.handle_timeout(&self.settings, cx);
            }
        }
    }

    /// Sends a request to its target.
    pub(crate) fn submit(&mut self, outgoing: Outgoing, cx: &mut Cx) {
        let broker = match outgoing.target {
            Target::Broker(broker) => broker,
            Target::Any => self.choose(cx.now),
        };
        if let Some(connection) = self.by_broker.get_mut(&broker) {
            connection.submit(outgoing, &self.settings, cx);
        } else {
            let error = Error::Internal(alloc::format!("a request was sent to the unknown broker {broker}"));
            cx.effect(Effect::Reply { owner: outgoing.owner, result: Err(error) });
        }
    }

    /// Replaces the body of a request that still waits for a connection. False when it has been written already, or is not there.
    pub(crate) fn revise(&mut self, owner: Owner, body: Request) -> bool {
        let queued =
            self.by_broker.iter_mut().map(|(_, it)| it).find_map(|connection| connection.queued_by(owner));
        queued.map(|outgoing| outgoing.body = body).is_some()
    }

    /// From now on brokers have to belong to this cluster.
    pub(crate) fn expect_cluster(&mut self, cluster_id: Option<&String>) {
        self.settings.cluster_id = cluster_id.cloned();
    }

    /// Gives each broker of newer metadata its number, adopts connections to the same address, and retires
    /// connections to brokers that are gone.
    pub(crate) fn apply(&mut self, nodes: &[(NodeId, Address)], cx: &mut Cx) -> LiteMap<NodeId, BrokerId> {
        let mut named = LiteMap::new();
        let mut current: LiteMap<BrokerId, ()> = LiteMap::new();
        let mut known: LiteMap<Address, BrokerId> = LiteMap::new();
        for (broker, connection) in &self.by_broker {
            known.entry(connection.address().clone()).or_insert(*broker);
        }
        for (node, address) in nodes {
            let Some(broker) = known.get(address).copied().or_else(|| self.add(address.clone())) else {
                continue;
            };
            known.insert(address.clone(), broker);
            named.insert(*node, broker);
            current.insert(broker, ());
            if let Some(connection) = self.by_broker.get_mut(&broker).filter(|it| it.node() != Some(*node)) {
                connection.set_node(Some(*node));
                let address = address.clone();
                cx.trace(|| TraceKind::BrokerNamed { broker, address, node: Some(node.0) });
                connection.check_node(&self.settings, cx);
            }
        }
        for (broker, connection) in &mut self.by_broker {
            if !current.contains_key(broker) {
                connection.set_node(None);
                connection.retire(&self.settings, cx);
            }
        }
        // An address that is gone and was not configured is forgotten once nothing is open any more.
        let bootstrap = self.bootstrap;
        let mut floor = self.generation_floor;
        self.by_broker.retain(|broker, connection| {
            let kept = usize::from(broker.0) <= bootstrap
                || connection.node().is_some()
                || connection.state() != ConnectionState::Disconnected;
            if !kept {
                floor = floor.max(connection.id().generation);
            }
            kept
        });
        self.generation_floor = floor;
        named
    }

    /// Closes everything, and expects nothing of any address any more (KIP-1102). Those that are not configured are forgotten when metadata
    /// comes without them; those that fail keep their distance until then.
    pub(crate) fn rebootstrap(&mut self, cx: &mut Cx) {
        self.expect_cluster(None);
        for (_, connection) in &mut self.by_broker {
            connection.set_node(None);
            connection.give_back(CloseReason::Rebootstrap, cx);
        }
    }

    /// Whether the address is one of those the client was configured with.
    pub(crate) fn is_configured(&self, broker: BrokerId) -> bool {
        usize::from(broker.0) <= self.bootstrap
    }

    /// Closes everything; nothing is planned any more.
    pub(crate) fn close_all(&mut self, reason: &CloseReason, cx: &mut Cx) {
        for connection in self.by_broker.iter_mut().map(|(_, it)| it) {
            connection.close(reason.clone(), cx);
        }
    }

    /// Begins anew with connections that know nothing, as a start does.
    pub(crate) fn begin(&mut self, cx: &mut Cx) {
        // It may have been replaced meanwhile.
        self.expect_cluster(None);
        for (broker, connection) in &mut self.by_broker {
            let (address, node) = (connection.address().clone(), connection.node());
            let generation = connection.id().generation;
            *connection = Connection::new(*broker, address.clone(), generation, &self.settings, &self.rng);
            connection.set_node(node);
            let broker = *broker;
            cx.trace(|| TraceKind::BrokerNamed { broker, address, node: node.map(|node| node.0) });
        }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&BrokerId, &Connection)> {
        self.by_broker.iter()
    }

    pub(crate) fn get(&self, broker: BrokerId) -> Option<&Connection> {
        self.by_broker.get(&broker)
    }

    /// The first of all armed timers.
    pub(crate) fn deadline(&self) -> Option<Deadline> {
        self.by_broker.values().filter_map(Connection::deadline).min()
    }

    /// Gives an address a number. `None` when there are no more: no cluster has that many brokers.
    fn add(&mut self, address: Address) -> Option<BrokerId> {
        let highest = self.by_broker.last().map_or(0, |(broker, _)| broker.0);
        let broker = BrokerId(highest.checked_add(1)?);
        let connection = Connection::new(broker, address, self.generation_floor, &self.settings, &self.rng);
        self.by_broker.insert(broker, connection);
        Some(broker)
    }

    /// The broker to ask when any would do: the least busy of those that are ready; else one that is about to be; else
    /// one that may be tried now, that which has failed least often, known ones before configured ones (KIP-899); else one that is being tried again; else the one whose wait
    /// ends first. One that wants to hear nothing for a while is as good as one that is being tried again.
    fn choose(&self, now: Instant) -> BrokerId {
        let rank = |connection: &Connection| {
            let configured_only = connection.node().is_none();
            match connection.state() {
                ConnectionState::Ready if connection.is_throttled(now) => (3, 0, configured_only),
                ConnectionState::Ready => (0, connection.in_flight().len() as u64, configured_only),
                // Those that have failed come after those that have not, or less often: else two black holes would take turns for ever, and
                // a third broker that works would never be asked (CN10).
                ConnectionState::Connecting
                | ConnectionState::Negotiating
                | ConnectionState::Authenticating => {
                    let rank = if connection.is_unreachable() { 3 } else { 1 };
                    (rank, connection.queued() as u64, configured_only)
                }
                ConnectionState::Disconnected => (2, u64::from(connection.attempts()), configured_only),
                ConnectionState::BackingOff => {
                    let until = connection.backing_off_until().map_or(0, Instant::as_micros);
                    (4, until, configured_only)
                }
            }
        };
        // A broker that newer metadata has dropped may still be here, losing its connection: it is not to be asked any more.
        let any_known = self.by_broker.values().any(|it| it.node().is_some());
        let asks_configured = self.settings.rebootstraps || !any_known;
        let known = |(broker, it): &(&BrokerId, &Connection)| {
            it.node().is_some() || (asks_configured && self.is_configured(**broker))
        };
        let candidates = self.by_broker.iter().filter(known);
        candidates.min_by_key(|(broker, it)| (rank(it), **broker)).map_or(BrokerId(1), |(broker, _)| *broker)
    }
}
