//! What the nodes of a cluster know together. One file per API answers requests out of it.

use super::config::ClusterConfig;
use super::init_producer_id::ProducerIds;
use super::keyed::keyed;
use super::node::Node;
use super::sasl::Listener;
use super::topic::{Partition, Topic, Topics};
use crate::digest::Digest;
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;
use client_core::ids::{NodeId, TopicName};
use client_core::protocol::{ErrorCode, LeaderIdAndEpoch, NodeEndpoint, Response, Uuid};

/// The state of the cluster, without its links.
///
/// Deviation from Apache Kafka: there is one state for all nodes, so every node knows of every change at once.
#[derive(Clone, Debug)]
pub(crate) struct ClusterState {
    pub(crate) config: ClusterConfig,
    pub(crate) seed: u64,
    pub(crate) nodes: BTreeMap<NodeId, Node>,
    pub(crate) topics: Topics,
    pub(crate) producer_ids: ProducerIds,
    /// What the nodes know of their users; `None` when they do not ask.
    pub(crate) listener: Option<Listener>,
    /// Whether something happened that a waiting Fetch may have waited for.
    pub(crate) changed: bool,
}

/// What a node does about a request.
#[derive(Clone, Debug)]
pub(crate) enum Answer {
    /// Sends this.
    Reply(Response),
    /// Sends nothing, as was asked for.
    Nothing,
    /// Closes the link, the only way to report an error to somebody who wants no reply.
    Close(ErrorCode),
}

/// How a request names a topic.
#[derive(Clone, Copy, Debug)]
pub(crate) enum TopicKey<'a> {
    Name(&'a str),
    Id(Uuid),
}

impl ClusterState {
    pub(crate) fn new(config: ClusterConfig, seed: u64) -> Self {
        let listener = config.sasl.as_ref().map(|sasl| Listener::new(sasl, seed));
        let nodes = config.nodes.iter().map(|node| (node.node_id, Node::new(node.clone()))).collect();
        Self {
            config,
            seed,
            nodes,
            topics: Topics::default(),
            producer_ids: ProducerIds::default(),
            listener,
            changed: false,
        }
    }

    /// The nodes that are up.
    pub(crate) fn live_nodes(&self) -> Vec<NodeId> {
        self.nodes.iter().filter(|(_, node)| node.up).map(|(&node_id, _)| node_id).collect()
    }

    pub(crate) fn is_up(&self, node_id: NodeId) -> bool {
        self.nodes.get(&node_id).is_some_and(|node| node.up)
    }

    /// Creates a topic, or says why not.
    pub(crate) fn create_topic(
        &mut self,
        name: &str,
        partitions: i32,
        replication: usize,
    ) -> Result<(), ErrorCode> {
        self.check_topic(name, partitions, replication)?;
        self.topics.create(self.seed, name, partitions, replication, &self.live_nodes());
        self.changed = true;
        Ok(())
    }

    /// Why such a topic cannot be created, if it cannot.
    pub(crate) fn check_topic(
        &self,
        name: &str,
        partitions: i32,
        replication: usize,
    ) -> Result<(), ErrorCode> {
        if TopicName::problem(name).is_some() {
            return Err(ErrorCode::InvalidTopicException);
        }
        if self.topics.get(name).is_some() {
            return Err(ErrorCode::TopicAlreadyExists);
        }
        if !(1..=self.config.limits.partitions_max).contains(&partitions) {
            return Err(ErrorCode::InvalidPartitions);
        }
        if self.topics.len() >= self.config.limits.topics_max {
            return Err(ErrorCode::PolicyViolation);
        }
        if replication == 0 || replication > self.live_nodes().len() {
            return Err(ErrorCode::InvalidReplicationFactor);
        }
        Ok(())
    }

    pub(crate) fn topic(&self, key: TopicKey<'_>) -> Result<&Topic, ErrorCode> {
        match key {
            TopicKey::Name(name) => self.topics.get(name).ok_or(ErrorCode::UnknownTopicOrPartition),
            TopicKey::Id(id) => self.topics.get_by_id(id).ok_or(ErrorCode::UnknownTopicId),
        }
    }

    /// The node that stands for a place in one of Kafka's internal topics: the coordinator of a key.
    pub(crate) fn coordinator(&self, key: &str) -> Option<&Node> {
        let nodes = self.live_nodes();
        let place = java_hash(key) % COORDINATOR_PARTITIONS;
        let first = keyed(self.seed, "coordinators", "", 0) as usize;
        let index = first.wrapping_add(place as usize).checked_rem(nodes.len())?;
        self.nodes.get(&nodes[index])
    }

    /// The addresses of leaders that a reply names (KIP-951).
    pub(crate) fn endpoints(&self, leaders: &BTreeSet<NodeId>) -> Vec<NodeEndpoint> {
        let nodes = leaders.iter().filter_map(|leader| self.nodes.get(leader));
        nodes
            .map(|node| NodeEndpoint {
                node_id: node.config.node_id.0,
                host: node.config.host.clone(),
                port: i32::from(node.config.port),
                rack: node.config.rack.clone(),
            })
            .collect()
    }

    pub(crate) fn digest(&self, into: &mut Digest) {
        into.feed_u64(self.seed);
        self.nodes.values().for_each(|node| node.digest(into));
        self.topics.digest(into);
        self.producer_ids.digest(into);
    }
}

impl Partition {
    /// The leader as replies name it.
    pub(crate) fn leader_id_and_epoch(&self) -> LeaderIdAndEpoch {
        LeaderIdAndEpoch {
            leader_id: self.leader.map_or(-1, |leader| leader.0),
            leader_epoch: self.leader_epoch,
        }
    }

    /// Whether a request may go on with the leader epoch it believes in; -1 is no belief (KIP-320).
    pub(crate) const fn check_epoch(&self, believed: i32) -> Result<(), ErrorCode> {
        if believed < 0 || believed == self.leader_epoch {
            Ok(())
        } else if believed < self.leader_epoch {
            Err(ErrorCode::FencedLeaderEpoch)
        } else {
            Err(ErrorCode::UnknownLeaderEpoch)
        }
    }
}

/// Java's hash of a text, without its sign: what brokers place keys by.
pub(crate) fn java_hash(text: &str) -> u32 {
    let hash =
        text.encode_utf16().fold(0i32, |hash, unit| hash.wrapping_mul(31).wrapping_add(i32::from(unit)));
    hash.unsigned_abs() & i32::MAX.unsigned_abs()
}

/// Partitions of `__consumer_offsets` and of `__transaction_state`.
const COORDINATOR_PARTITIONS: u32 = 50;

#[cfg(test)]
mod tests {
    use super::java_hash;

    #[test]
    fn hashes_as_java_does() {
        // From the definition of java.lang.String.hashCode: s[0]*31^(n-1) + ... + s[n-1].
        assert_eq!(java_hash(""), 0);
        assert_eq!(java_hash("a"), 97);
        assert_eq!(java_hash("ab"), 97 * 31 + 98);
        // "polygenelubricants" is known for the hash i32::MIN, which has no absolute value.
        assert_eq!(java_hash("polygenelubricants"), 0);
    }
}
