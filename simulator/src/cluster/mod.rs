//! A Kafka cluster as a value: bytes in, bytes out. Opens no socket, reads no clock, draws no number that is
//! not a function of the seed.
//!
//! The driver tells what happens on links ([`Cluster::accept`], [`Cluster::receive`], [`Cluster::closed`]),
//! calls [`Cluster::handle_timeout`] when [`Cluster::poll_timeout`] says so, and after each of these drains
//! [`Cluster::poll_output`]. Worlds and tests disturb it with [`ClusterCommand`]s and look into it with
//! [`Cluster::topics`] and its neighbours.
//!
//! Of the client it knows the protocol, ids and time, and nothing else: broker and client meet only as bytes. Each
//! API has a file of its own, which opens with what it supports and where it deviates from Apache Kafka.
//!
//! ```
//! use client_core::ids::NodeId;
//! use client_core::protocol::{ApiKey, MetadataRequest, Request, Response};
//! use client_core::time::Instant;
//! use simulator::cluster::{Cluster, ClusterConfig, ClusterOutput, LinkId};
//!
//! let now = Instant::ZERO;
//! let mut cluster = Cluster::new(ClusterConfig::with_nodes(3), 42)?;
//! cluster.accept(now, NodeId(1), LinkId(1))?;
//! let request = Request::from(MetadataRequest::default()).encode(9, 7, Some("me"))?;
//! for piece in request.into_segments() {
//!     cluster.receive(now, LinkId(1), piece);
//! }
//! while let Some(output) = cluster.poll_output() {
//!     let ClusterOutput::Send { bytes, .. } = output else { panic!("closed: {output:?}") };
//!     let (header, response) = Response::decode(ApiKey::Metadata, 9, bytes.slice(4..))?;
//!     assert_eq!(header.correlation_id, 7);
//!     assert!(matches!(response, Response::Metadata(response) if response.brokers.len() == 3));
//! }
//! // Nothing waits, so there is nothing to be woken for.
//! assert_eq!(cluster.poll_timeout(), None);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Non-obvious:
//! - Requests on one link are carried out one after the other: a Fetch that waits holds back what was sent after
//!   it, also a Produce that would end the wait. So do real brokers.
//! - A request is carried out when it is read, also if a fault delays or spoils its reply.

mod api_versions;
mod batch;
mod command;
mod config;
mod crc32c;
mod digest;
mod fault;
mod fetch;
mod find_coordinator;
mod init_producer_id;
mod inspect;
mod keyed;
mod link;
mod list_offsets;
mod log;
mod metadata;
mod node;
mod produce;
mod producer_state;
mod sasl;
mod serve;
mod state;
mod throttle;
mod topic;
mod topics_admin;

pub use command::{ClusterCommand, CommandError};
pub use config::{ClusterConfig, InvalidClusterConfig, Limits, NodeConfig};
pub use fault::{Effect, RequestFault, Spoil};
pub use inspect::{LinkActivity, LinkView, NodeView, PartitionView, TopicView};
pub use link::{LinkClosed, LinkId};
pub use log::LoggedBatch;
pub use node::ApiCounters;
pub use sasl::{SaslConfig, SaslMechanism};

use crate::digest::Digest;
use alloc::collections::{BTreeMap, VecDeque};
use alloc::vec::Vec;
use bytes::Bytes;
use client_core::ids::NodeId;
use client_core::time::Instant;
use core::fmt;
use fault::RequestFaults;
use link::{Link, LinkState};
use sasl::Session;
use state::ClusterState;

/// What the driver must do for the cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClusterOutput {
    /// Send these bytes: usually one whole reply.
    Send {
        /// The link.
        link: LinkId,
        /// The bytes.
        bytes: Bytes,
    },
    /// Close the link, after what was sent before. It exists no longer.
    Close {
        /// The link.
        link: LinkId,
        /// Why.
        why: LinkClosed,
    },
}

/// Why a node does not accept a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AcceptError {
    /// The cluster has no such node.
    UnknownNode(NodeId),
    /// The node is down: the connection is to be refused.
    NodeDown(NodeId),
    /// There is a link with this number: a mistake of the driver.
    LinkInUse(LinkId),
}

impl fmt::Display for AcceptError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownNode(node_id) => write!(f, "the cluster has no {node_id}"),
            Self::NodeDown(node_id) => write!(f, "{node_id} is down"),
            Self::LinkInUse(link) => write!(f, "{link} is open already; give each link a number of its own"),
        }
    }
}

impl core::error::Error for AcceptError {}

/// A simulated Kafka cluster.
#[derive(Clone, Debug)]
pub struct Cluster {
    state: ClusterState,
    faults: RequestFaults,
    links: BTreeMap<LinkId, Link>,
    outputs: VecDeque<ClusterOutput>,
}

impl Cluster {
    /// A cluster with all nodes up and no topics.
    ///
    /// # Errors
    ///
    /// When no cluster can be made of the configuration.
    pub fn new(config: ClusterConfig, seed: u64) -> Result<Self, InvalidClusterConfig> {
        config.check()?;
        Ok(Self {
            state: ClusterState::new(config, seed),
            faults: RequestFaults::default(),
            links: BTreeMap::new(),
            outputs: VecDeque::new(),
        })
    }

    /// Somebody has connected to a node.
    ///
    /// # Errors
    ///
    /// When the node does not accept the link: the driver refuses the connection.
    pub fn accept(&mut self, now: Instant, node_id: NodeId, link: LinkId) -> Result<(), AcceptError> {
        let node = self.state.nodes.get(&node_id).ok_or(AcceptError::UnknownNode(node_id))?;
        if !node.up {
            return Err(AcceptError::NodeDown(node_id));
        }
        if self.links.contains_key(&link) {
            return Err(AcceptError::LinkInUse(link));
        }
        let request_size_max = self.state.config.limits.request_size_max;
        let session = Session::of(self.state.listener.as_ref());
        self.links.insert(link, Link::new(node_id, request_size_max, session, now));
        Ok(())
    }

    /// Bytes have arrived, cut anywhere. Those of a link that does not exist any more are dropped.
    pub fn receive(&mut self, now: Instant, link: LinkId, bytes: Bytes) {
        let limit = self.state.config.limits.request_size_max.saturating_add(FRAME_SIZE_LENGTH);
        let Some(open) = self.links.get_mut(&link) else { return };
        open.decoder.push(bytes);
        self.advance(now, link);
        let buffered = self.links.get(&link).map_or(0, |open| open.decoder.buffered());
        if buffered > limit {
            self.close(link, LinkClosed::TooMuchBuffered { limit });
        }
        self.settle(now);
    }

    /// The other end has closed the link, or it broke. What waits on it is forgotten.
    pub fn closed(&mut self, _now: Instant, link: LinkId) {
        self.links.remove(&link);
    }

    /// The time of [`Cluster::poll_timeout`] has come.
    pub fn handle_timeout(&mut self, now: Instant) {
        let due: Vec<LinkId> = self
            .links
            .iter()
            .filter(|(_, link)| self.deadline(link).is_some_and(|deadline| deadline <= now))
            .map(|(&id, _)| id)
            .collect();
        for id in due {
            self.try_fetch(now, id);
            self.try_reply(now, id);
            self.try_read(now, id);
            self.advance(now, id);
            if self.links.get(&id).and_then(|link| self.idle_deadline(link)).is_some_and(|at| at <= now) {
                self.close(id, LinkClosed::Idle);
            }
        }
        self.settle(now);
    }

    /// The next thing the driver must do.
    pub fn poll_output(&mut self) -> Option<ClusterOutput> {
        self.outputs.pop_front()
    }

    /// When to call [`Cluster::handle_timeout`].
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.links.values().filter_map(|link| self.deadline(link)).min()
    }

    /// Whether the node would rather not read more from this link now: a request is under way, and more wait.
    /// Drivers with back-pressure stop reading until it is false again.
    #[must_use]
    pub fn is_muted(&self, link: LinkId) -> bool {
        self.links.get(&link).is_some_and(|link| {
            let answering = !matches!(link.state, LinkState::Reading);
            let silent = self.state.nodes.get(&link.node_id).is_some_and(|node| node.silent);
            (answering || silent) && link.decoder.buffered() > 0
        })
    }

    /// Feeds all of the cluster's state to a digest.
    pub fn digest(&self, into: &mut Digest) {
        self.state.digest(into);
        self.faults.digest(into);
        into.feed_u64(self.links.len() as u64);
        for (id, link) in &self.links {
            into.feed_u64(id.0);
            link.digest(into);
        }
        into.feed_u64(self.outputs.len() as u64);
        self.outputs.iter().for_each(|output| into.feed_debug(output));
    }

    fn deadline(&self, link: &Link) -> Option<Instant> {
        let silent = self.state.nodes.get(&link.node_id).is_none_or(|node| node.silent);
        if silent { None } else { link.deadline().or_else(|| self.idle_deadline(link)) }
    }

    fn idle_deadline(&self, link: &Link) -> Option<Instant> {
        let idle = matches!(link.state, LinkState::Reading);
        self.state.config.connections_max_idle.filter(|_| idle).map(|most| link.used_at + most)
    }

    /// Answers what may have waited for something that has changed, until nothing changes any more. Ends,
    /// because only a request that is read can change something.
    fn settle(&mut self, now: Instant) {
        while core::mem::take(&mut self.state.changed) {
            self.resume(now, None);
        }
    }

    /// Goes on with all links of a node, or of all nodes.
    fn resume(&mut self, now: Instant, node_id: Option<NodeId>) {
        let links: Vec<LinkId> = match node_id {
            Some(node_id) => self.links_of(node_id),
            None => self.links.keys().copied().collect(),
        };
        for id in links {
            if self.links.get(&id).is_some_and(|link| self.state.nodes[&link.node_id].silent) {
                continue;
            }
            self.try_fetch(now, id);
            self.try_reply(now, id);
            self.try_read(now, id);
            self.advance(now, id);
        }
    }

    fn links_of(&self, node_id: NodeId) -> Vec<LinkId> {
        self.links.iter().filter(|(_, link)| link.node_id == node_id).map(|(&id, _)| id).collect()
    }

    fn close(&mut self, link: LinkId, why: LinkClosed) {
        if self.links.remove(&link).is_some() {
            self.outputs.push_back(ClusterOutput::Close { link, why });
        }
    }
}

/// Bytes of the size in front of a frame.
const FRAME_SIZE_LENGTH: usize = 4;
