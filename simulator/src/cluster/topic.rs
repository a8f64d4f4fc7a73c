//! Topics and partitions: who holds them, who leads them.
//!
//! Deviations from Apache Kafka: replicas are in sync as soon as their node is up. A leader is only ever
//! elected among them, so no record is lost by an election. A partition keeps its leader until that node goes
//! down or a command moves it; nobody moves it back.

use super::digest::Feed;
use super::keyed::keyed;
use super::log::Log;
use super::producer_state::ProducerStates;
use crate::digest::Digest;
use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;
use client_core::ids::NodeId;
use client_core::protocol::Uuid;

/// One partition.
#[derive(Clone, Debug)]
pub(crate) struct Partition {
    /// The nodes that hold it; the first one is the preferred leader.
    pub(crate) replicas: Vec<NodeId>,
    /// Those of them that are up.
    pub(crate) in_sync: Vec<NodeId>,
    pub(crate) leader: Option<NodeId>,
    /// Rises by one with each new leader.
    pub(crate) leader_epoch: i32,
    pub(crate) log: Log,
    pub(crate) producers: ProducerStates,
}

impl Partition {
    /// Takes the node out of the replicas in sync, and elects another leader if it was the leader.
    fn node_down(&mut self, node_id: NodeId) {
        self.in_sync.retain(|&replica| replica != node_id);
        if self.leader == Some(node_id) {
            let next = self.replicas.iter().find(|replica| self.in_sync.contains(replica)).copied();
            self.lead(next);
        }
    }

    /// Takes the node back, and lets it lead if nobody does.
    fn node_up(&mut self, node_id: NodeId) {
        if self.replicas.contains(&node_id) && !self.in_sync.contains(&node_id) {
            self.in_sync.push(node_id);
            if self.leader.is_none() {
                self.lead(Some(node_id));
            }
        }
    }

    /// Makes this node the leader, in a new epoch.
    pub(crate) fn lead(&mut self, leader: Option<NodeId>) {
        self.leader = leader;
        self.leader_epoch += 1;
        self.log.begin_epoch(self.leader_epoch);
    }

    fn digest(&self, into: &mut Digest) {
        for nodes in [&self.replicas, &self.in_sync] {
            into.feed_u64(nodes.len() as u64);
            nodes.iter().for_each(|node| into.feed_i64(i64::from(node.0)));
        }
        into.feed_i64(self.leader.map_or(-1, |node| i64::from(node.0)));
        into.feed_i64(i64::from(self.leader_epoch));
        self.log.digest(into);
        self.producers.digest(into);
    }
}

impl Partition {
    /// An empty partition, whose replicas are some of these nodes.
    fn placed(seed: u64, topic: &str, index: usize, replication: usize, nodes: &[NodeId]) -> Self {
        let first = keyed(seed, "placement", topic, 0) % nodes.len().max(1) as u64;
        let place = |replica| nodes[(first as usize + index + replica) % nodes.len()];
        let replicas: Vec<NodeId> = (0..replication).map(place).collect();
        let mut log = Log::default();
        log.begin_epoch(0);
        Self {
            in_sync: replicas.clone(),
            leader: replicas.first().copied(),
            replicas,
            leader_epoch: 0,
            log,
            producers: ProducerStates::default(),
        }
    }
}

/// One topic.
#[derive(Clone, Debug)]
pub(crate) struct Topic {
    pub(crate) name: String,
    pub(crate) id: Uuid,
    pub(crate) partitions: Vec<Partition>,
}

impl Topic {
    /// The partition with this number.
    pub(crate) fn partition(&self, index: i32) -> Option<&Partition> {
        self.partitions.get(usize::try_from(index).ok()?)
    }
}

/// All topics of a cluster.
#[derive(Clone, Debug, Default)]
pub(crate) struct Topics {
    by_name: BTreeMap<String, Topic>,
    names_by_id: BTreeMap<Uuid, String>,
    /// Topics created so far, so that a topic that is created again gets another id.
    created: u64,
}

impl Topics {
    pub(crate) fn len(&self) -> usize {
        self.by_name.len()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Topic> {
        self.by_name.values()
    }

    pub(crate) fn get(&self, name: &str) -> Option<&Topic> {
        self.by_name.get(name)
    }

    pub(crate) fn get_by_id(&self, id: Uuid) -> Option<&Topic> {
        self.by_name.get(self.names_by_id.get(&id)?)
    }

    pub(crate) fn partition_mut(&mut self, topic: &str, index: i32) -> Option<&mut Partition> {
        self.by_name.get_mut(topic)?.partitions.get_mut(usize::try_from(index).ok()?)
    }

    /// Creates a topic whose replicas are spread over these nodes. The caller has checked name and numbers.
    pub(crate) fn create(
        &mut self,
        seed: u64,
        name: &str,
        partitions: i32,
        replication: usize,
        nodes: &[NodeId],
    ) {
        debug_assert!(replication <= nodes.len(), "the caller checks that there are enough nodes");
        let id = topic_id(seed, name, self.created);
        self.created += 1;
        let numbers = 0..partitions.unsigned_abs() as usize;
        let partitions =
            numbers.map(|index| Partition::placed(seed, name, index, replication, nodes)).collect();
        self.names_by_id.insert(id, name.into());
        self.by_name.insert(name.into(), Topic { name: name.into(), id, partitions });
    }

    /// Gives a topic more partitions. The caller has checked the numbers.
    pub(crate) fn grow(&mut self, seed: u64, name: &str, count: usize, replication: usize, nodes: &[NodeId]) {
        if let Some(topic) = self.by_name.get_mut(name) {
            for index in topic.partitions.len()..count {
                topic.partitions.push(Partition::placed(seed, name, index, replication, nodes));
            }
        }
    }

    /// Removes a topic with all its records. Tells whether there was one.
    pub(crate) fn delete(&mut self, name: &str) -> bool {
        match self.by_name.remove(name) {
            Some(topic) => self.names_by_id.remove(&topic.id).is_some(),
            None => false,
        }
    }

    pub(crate) fn node_down(&mut self, node_id: NodeId) {
        self.partitions_mut().for_each(|partition| partition.node_down(node_id));
    }

    pub(crate) fn node_up(&mut self, node_id: NodeId) {
        self.partitions_mut().for_each(|partition| partition.node_up(node_id));
    }

    fn partitions_mut(&mut self) -> impl Iterator<Item = &mut Partition> {
        self.by_name.values_mut().flat_map(|topic| &mut topic.partitions)
    }

    pub(crate) fn digest(&self, into: &mut Digest) {
        into.feed_u64(self.created);
        into.feed_u64(self.by_name.len() as u64);
        for topic in self.by_name.values() {
            into.feed_sized(topic.name.as_bytes());
            into.feed(&topic.id.0);
            into.feed_u64(topic.partitions.len() as u64);
            topic.partitions.iter().for_each(|partition| partition.digest(into));
        }
    }
}

/// A random UUID (version 4) that depends on the seed, the name and how many topics there were before.
fn topic_id(seed: u64, name: &str, created: u64) -> Uuid {
    let high = keyed(seed, "topic id, high", name, created).to_be_bytes();
    let low = keyed(seed, "topic id, low", name, created).to_be_bytes();
    let mut id = [0; 16];
    id[..8].copy_from_slice(&high);
    id[8..].copy_from_slice(&low);
    id[6] = id[6] & 0x0f | 0x40;
    id[8] = id[8] & 0x3f | 0x80;
    Uuid(id)
}
