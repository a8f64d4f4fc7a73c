//! Clients, cluster, network and clock as one value that moves one event at a time.
//!
//! [`World::step`] makes exactly one thing happen: the next choice of the recording, or the earliest of what the
//! network, the cluster and the clients have ahead of them. Where two things are due at the same time, the network
//! goes first, in the order in which bytes were written; then the cluster; then the clients, in order. Time jumps from
//! one event to the next. Nothing else moves a world, so that position n is always the recording replayed to n.

mod by_hand;
mod client_side;
mod cluster_side;
mod faults;
pub mod ledger;
mod tasks;

use crate::choice::{Choice, ChoiceAt};
use crate::cluster::{
    Cluster, ClusterCommand, ClusterConfig, CommandError, InvalidClusterConfig, NodeConfig,
};
use crate::digest::Digest;
use crate::event::{Actor, Entry, Event, Kind, Log};
use crate::network::{LinkId, Network};
use crate::random::draw;
use crate::recording::Recording;
use crate::scenario::{SaslSetup, Scenario};
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use client_core::ids::NodeId;
use client_core::protocol::{ApiKey, VersionRange};
use client_core::time::Instant;
use client_core::{Client, Error};
use core::fmt;
use ledger::Ledger;
use tasks::Tasks;

/// Clients, cluster, network and clock.
#[derive(Clone, Debug)]
pub struct World {
    recording: Arc<Recording>,
    now: Instant,
    steps: u32,
    next_choice: usize,
    clients: Vec<Client>,
    cluster: Cluster,
    network: Network,
    tasks: Tasks,
    ledger: Ledger,
    /// Why the broker closed a link, for when the client learns of it.
    broker_reasons: BTreeMap<LinkId, String>,
    log: Log,
}

/// Why there is no world for a recording.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WorldError {
    /// A client refuses its configuration.
    Client(Error),
    /// The cluster refuses its configuration.
    Cluster(InvalidClusterConfig),
    /// A topic cannot be created.
    Topic(CommandError),
    /// The clients begin with a broker that the cluster does not have.
    UnknownBootstrap(i32),
}

impl fmt::Display for WorldError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Client(error) => error.fmt(f),
            Self::Cluster(error) => error.fmt(f),
            Self::Topic(error) => error.fmt(f),
            Self::UnknownBootstrap(node) => write!(f, "from: the scenario has no broker {node}"),
        }
    }
}

impl core::error::Error for WorldError {}

/// Whether a step happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stepped {
    /// One thing happened.
    Happened,
    /// Nothing is ahead: neither choices nor bytes nor timers.
    AtRest,
}

impl World {
    /// The world at the beginning of a recording.
    ///
    /// # Errors
    /// What is wrong with the scenario.
    pub fn new(recording: Recording) -> Result<Self, WorldError> {
        let now = Instant::ZERO;
        let seed = recording.seed;
        let scenario = &recording.scenario;
        if let Some(node) =
            scenario.bootstrap.iter().find(|node| !(1..=i32::from(scenario.nodes)).contains(*node))
        {
            return Err(WorldError::UnknownBootstrap(*node));
        }
        let mut cluster = Cluster::new(cluster_config(scenario), draw(seed, 0, "cluster", 0))
            .map_err(WorldError::Cluster)?;
        for (name, partitions) in &scenario.topics {
            let command = ClusterCommand::CreateTopic {
                name: name.clone(),
                partitions: Some(*partitions),
                replication: None,
            };
            cluster.command(now, command).map_err(WorldError::Topic)?;
        }
        let clients = scenario
            .clients
            .iter()
            .enumerate()
            .map(|(number, setup)| {
                let config = scenario.config(setup, number);
                let mut client = Client::new(&config, draw(seed, 0, "client", number as u64), now)?;
                client.set_tracing(true);
                Ok(client)
            })
            .collect::<Result<_, _>>()
            .map_err(WorldError::Client)?;
        let network = Network::new(scenario.network, draw(seed, 0, "network", 0));
        Ok(Self {
            recording: Arc::new(recording),
            now,
            steps: 0,
            next_choice: 0,
            clients,
            cluster,
            network,
            tasks: Tasks::default(),
            ledger: Ledger::default(),
            broker_reasons: BTreeMap::new(),
            log: Log::new(),
        })
    }

    /// Makes exactly one thing happen.
    pub fn step(&mut self) -> Stepped {
        let choice = self.recording.choices.get(self.next_choice);
        let ahead = self.ahead();
        let (due, at) = match (choice, ahead) {
            (Some(choice), ahead) if choice.step <= self.steps || ahead.is_none() => (Due::Choice, self.now),
            (_, Some((at, due))) => (due, at),
            (Some(_) | None, None) => return Stepped::AtRest,
        };
        self.now = at;
        self.steps += 1;
        self.log.begin_step(self.steps);
        match due {
            Due::Choice => self.apply_next_choice(),
            Due::Network => self.pop_network(),
            Due::Cluster => {
                self.cluster.handle_timeout(self.now);
                self.drain_cluster();
            }
            Due::Client(client) => self.fire_client(client),
        }
        Stepped::Happened
    }

    /// Makes a choice: it is applied by one of the next steps, behind others that are already due. Choices which the
    /// recording held for later are dropped: the future that they were made for does not come.
    pub fn choose(&mut self, choice: Choice) {
        let recording = Arc::make_mut(&mut self.recording);
        let due =
            recording.choices[self.next_choice..].iter().take_while(|next| next.step <= self.steps).count();
        recording.choices.truncate(self.next_choice + due);
        recording.choices.push(ChoiceAt { step: self.steps, choice });
    }

    /// Goes on with another recording that has led to the same place.
    pub(crate) fn adopt(&mut self, recording: &Arc<Recording>) {
        self.recording = Arc::clone(recording);
    }

    pub(crate) const fn shared_recording(&self) -> &Arc<Recording> {
        &self.recording
    }

    /// The recording that leads here, and the choices that it still has in store.
    #[must_use]
    pub fn recording(&self) -> &Recording {
        &self.recording
    }

    /// Where the run began.
    #[must_use]
    pub fn scenario(&self) -> &Scenario {
        &self.recording.scenario
    }

    /// Everything that has happened.
    #[must_use]
    pub fn events(&self) -> &[Arc<Event>] {
        self.log.events()
    }

    /// The index of the event with this key.
    #[must_use]
    pub fn find(&self, key: &str) -> Option<u32> {
        self.log.find(key)
    }

    /// How many steps have been made.
    #[must_use]
    pub const fn steps(&self) -> u32 {
        self.steps
    }

    /// The virtual clock.
    #[must_use]
    pub const fn now(&self) -> Instant {
        self.now
    }

    /// When the next thing happens by itself.
    #[must_use]
    pub fn next_at(&self) -> Option<Instant> {
        self.ahead().map(|(at, _)| at)
    }

    /// Whether the recording has choices in store.
    #[must_use]
    pub fn has_choices_ahead(&self) -> bool {
        self.next_choice < self.recording.choices.len()
    }

    /// Whether bytes are on their way or wait in the network.
    #[must_use]
    pub fn is_network_busy(&self) -> bool {
        self.network.is_busy()
    }

    /// How many links the network holds, half-ended ones included.
    #[must_use]
    pub fn links(&self) -> usize {
        self.network.links()
    }

    /// A client, counted from 0.
    #[must_use]
    pub fn client(&self, number: usize) -> Option<&Client> {
        self.clients.get(number)
    }

    /// All clients.
    #[must_use]
    pub fn clients(&self) -> &[Client] {
        &self.clients
    }

    /// The cluster.
    #[must_use]
    pub const fn cluster(&self) -> &Cluster {
        &self.cluster
    }

    /// What the application knows about its records.
    #[must_use]
    pub const fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// How many calls have not ended.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.tasks.waiting()
    }

    /// A fingerprint of the whole state, hidden parts included. Two worlds with the same one go on alike.
    #[must_use]
    pub fn digest(&self) -> u64 {
        let mut digest = Digest::new();
        digest.feed_u64(self.observed());
        digest.feed_u64(self.next_choice as u64);
        digest.feed_debug(&self.clients);
        digest.feed_debug(&self.tasks);
        digest.finish()
    }

    /// A fingerprint of what can be seen: every event so far, the cluster, the network and the clock. Unlike
    /// [`World::digest`] it stays the same when only names inside the client change.
    #[must_use]
    pub fn observed(&self) -> u64 {
        let mut digest = Digest::new();
        digest.feed_u64(self.now.as_micros());
        digest.feed_u64(u64::from(self.steps));
        digest.feed_u64(self.log.digest());
        self.cluster.digest(&mut digest);
        digest.feed_debug(&self.network);
        digest.finish()
    }

    fn ahead(&self) -> Option<(Instant, Due)> {
        let network = self.network.next_at(self.now).map(|at| (at, Due::Network));
        let cluster = self.cluster.poll_timeout().map(|at| (at.max(self.now), Due::Cluster));
        let clients = self.clients.iter().enumerate().filter_map(|(number, client)| {
            client.poll_timeout().map(|deadline| (deadline.at.max(self.now), Due::Client(number)))
        });
        network.into_iter().chain(cluster).chain(clients).min()
    }

    fn apply_next_choice(&mut self) {
        let Some(next) = self.recording.choices.get(self.next_choice).cloned() else { return };
        let step = self.steps - 1;
        if next.step > step {
            // Nothing else was ahead, so the choice came early: from now on the recording says so.
            Arc::make_mut(&mut self.recording).choices[self.next_choice].step = step;
        }
        self.next_choice += 1;
        match next.choice {
            Choice::Call { task, client, call } => self.perform(task, client, &call),
            Choice::Fault(fault) => self.disturb(&fault),
            Choice::Input { client, broker, input } => self.give_by_hand(client, broker, input),
        }
    }

    fn note(&mut self, actor: Actor, text: String) -> u32 {
        let cause = self.log.current_cause(None);
        self.log.push(Entry::new(self.now, actor, Kind::Note { text }).because(cause))
    }
}

/// What is due next; sorts in the order of precedence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Due {
    Choice,
    Network,
    Cluster,
    Client(usize),
}

fn cluster_config(scenario: &Scenario) -> ClusterConfig {
    let mut config = ClusterConfig::with_nodes(scenario.nodes);
    config.nodes = (1..=i32::from(scenario.nodes))
        .map(|node| {
            let address = Scenario::address(node);
            NodeConfig { node_id: NodeId(node), host: address.host, port: address.port, rack: None }
        })
        .collect();
    config.sasl = scenario.sasl.as_ref().map(SaslSetup::config);
    config.cluster_id = format!("world-of-{}", scenario.nodes);
    if !scenario.compares_nodes {
        config.api_versions.insert(ApiKey::ApiVersions, Some(VersionRange::new(0, 4)));
    }
    config
}
