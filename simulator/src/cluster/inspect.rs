//! Looking into a cluster, for views and tests. Changes nothing.

use super::Cluster;
use super::config::{ClusterConfig, NodeConfig};
use super::fault::RequestFault;
use super::link::{LinkId, LinkState};
use super::log::LoggedBatch;
use super::node::ApiCounters;
use super::topic::{Partition, Topic};
use client_core::ids::NodeId;
use client_core::protocol::{ApiKey, Uuid};
use client_core::time::Instant;

/// A topic.
#[derive(Clone, Copy, Debug)]
pub struct TopicView<'a> {
    topic: &'a Topic,
}

/// A partition.
#[derive(Clone, Copy, Debug)]
pub struct PartitionView<'a> {
    index: i32,
    partition: &'a Partition,
}

/// A node.
#[derive(Clone, Copy, Debug)]
pub struct NodeView<'a> {
    /// Its number and the address it advertises now.
    pub config: &'a NodeConfig,
    /// Whether it is up.
    pub up: bool,
    /// Whether it reads requests and answers none.
    pub silent: bool,
}

/// A link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LinkView {
    /// Its number.
    pub link: LinkId,
    /// The node at this end.
    pub node_id: NodeId,
    /// What it is doing.
    pub activity: LinkActivity,
    /// Bytes that have arrived and not been read as requests.
    pub buffered: usize,
}

/// What a link is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkActivity {
    /// Waiting for the next request.
    Reading,
    /// A Fetch waits for data, until then at most.
    Fetching(Instant),
    /// A reply is held back until then.
    Replying(Instant),
    /// Nothing is read until then, because a quota is used up.
    Muted(Instant),
}

impl Cluster {
    /// What the cluster was made of. Nodes may have other addresses by now: see [`Cluster::nodes`].
    #[must_use]
    pub const fn config(&self) -> &ClusterConfig {
        &self.state.config
    }

    /// The nodes, by number.
    pub fn nodes(&self) -> impl Iterator<Item = NodeView<'_>> {
        self.state.nodes.values().map(|node| NodeView {
            config: &node.config,
            up: node.up,
            silent: node.silent,
        })
    }

    /// What a node was asked for one API.
    #[must_use]
    pub fn counters(&self, node_id: NodeId, api: ApiKey) -> ApiCounters {
        let node = self.state.nodes.get(&node_id);
        node.and_then(|node| node.counters.get(&api)).copied().unwrap_or_default()
    }

    /// What all nodes together were asked for one API.
    #[must_use]
    pub fn counters_of_all(&self, api: ApiKey) -> ApiCounters {
        let counters = self.state.nodes.values().filter_map(|node| node.counters.get(&api));
        counters.fold(ApiCounters::default(), |sum, counters| ApiCounters {
            requests: sum.requests + counters.requests,
            replies: sum.replies + counters.replies,
            faults: sum.faults + counters.faults,
        })
    }

    /// The topics, by name.
    pub fn topics(&self) -> impl Iterator<Item = TopicView<'_>> {
        self.state.topics.iter().map(|topic| TopicView { topic })
    }

    /// A topic.
    #[must_use]
    pub fn topic(&self, name: &str) -> Option<TopicView<'_>> {
        self.state.topics.get(name).map(|topic| TopicView { topic })
    }

    /// A partition.
    #[must_use]
    pub fn partition(&self, topic: &str, index: i32) -> Option<PartitionView<'_>> {
        let partition = self.state.topics.get(topic)?.partition(index)?;
        Some(PartitionView { index, partition })
    }

    /// The links, by number.
    pub fn links(&self) -> impl Iterator<Item = LinkView> {
        self.links.iter().map(|(&link, open)| LinkView {
            link,
            node_id: open.node_id,
            activity: match &open.state {
                LinkState::Reading => LinkActivity::Reading,
                LinkState::Fetching(fetch) => LinkActivity::Fetching(fetch.until),
                LinkState::Replying(reply) => LinkActivity::Replying(reply.until),
                LinkState::Muted(until) => LinkActivity::Muted(*until),
            },
            buffered: open.decoder.buffered(),
        })
    }

    /// The faults that wait for their requests, oldest first.
    pub fn faults(&self) -> impl Iterator<Item = &RequestFault> {
        self.faults.iter()
    }

    /// The node that coordinates a group or a transactional id now.
    #[must_use]
    pub fn coordinator_of(&self, key: &str) -> Option<NodeId> {
        self.state.coordinator(key).map(|node| node.config.node_id)
    }
}

impl<'a> TopicView<'a> {
    /// Its name.
    #[must_use]
    pub fn name(&self) -> &'a str {
        &self.topic.name
    }

    /// Its id. A topic that is deleted and created again has another one.
    #[must_use]
    pub const fn id(&self) -> Uuid {
        self.topic.id
    }

    /// Its partitions, by number.
    pub fn partitions(&self) -> impl Iterator<Item = PartitionView<'a>> + use<'a> {
        self.topic.partitions.iter().zip(0..).map(|(partition, index)| PartitionView { index, partition })
    }
}

impl<'a> PartitionView<'a> {
    /// Its number.
    #[must_use]
    pub const fn index(&self) -> i32 {
        self.index
    }

    /// The node that leads it, if one does.
    #[must_use]
    pub const fn leader(&self) -> Option<NodeId> {
        self.partition.leader
    }

    /// How many leaders it has had before this one.
    #[must_use]
    pub const fn leader_epoch(&self) -> i32 {
        self.partition.leader_epoch
    }

    /// The nodes that hold it, the preferred leader first.
    #[must_use]
    pub fn replicas(&self) -> &'a [NodeId] {
        &self.partition.replicas
    }

    /// Those of them that are up.
    #[must_use]
    pub fn in_sync(&self) -> &'a [NodeId] {
        &self.partition.in_sync
    }

    /// The first offset that can be read.
    #[must_use]
    pub const fn start_offset(&self) -> i64 {
        self.partition.log.start_offset()
    }

    /// The offset the next record will get.
    #[must_use]
    pub const fn end_offset(&self) -> i64 {
        self.partition.log.end_offset()
    }

    /// Records that can be read.
    #[must_use]
    pub const fn records(&self) -> i64 {
        self.end_offset() - self.start_offset()
    }

    /// Bytes of all batches.
    #[must_use]
    pub const fn size(&self) -> usize {
        self.partition.log.size()
    }

    /// The batches, in order.
    pub fn batches(&self) -> impl Iterator<Item = &'a LoggedBatch> + use<'a> {
        self.partition.log.batches().iter()
    }

    /// Idempotent producers that the partition remembers.
    #[must_use]
    pub fn producers(&self) -> usize {
        self.partition.producers.len()
    }
}
