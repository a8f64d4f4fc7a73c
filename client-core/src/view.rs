//! What is known of the cluster: which brokers there are, and which leads which partition.

use crate::ids::{BrokerId, NodeId, TopicName, TopicPartition};
use crate::io::PartitionInfo;
use crate::protocol::{MetadataResponse, MetadataResponseTopic, Uuid};
use alloc::string::String;
use alloc::vec::Vec;
use litemap::LiteMap;

/// What the newest metadata said.
#[derive(Clone, Debug, Default)]
pub struct ClusterView {
    /// The cluster's id, once known.
    pub cluster_id: Option<String>,
    /// The client's numbers of the brokers.
    pub nodes: LiteMap<NodeId, BrokerId>,
    /// The broker that topics are created and deleted at, once known.
    pub controller: Option<NodeId>,
    /// The topics asked for so far.
    pub topics: LiteMap<TopicName, TopicView>,
}

/// What is known of one topic.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TopicView {
    /// 0, or why the broker says nothing about the topic.
    pub error_code: i16,
    /// The topic's id; zero when the broker is too old to tell.
    pub topic_id: Uuid,
    /// Its partitions, by number.
    pub partitions: LiteMap<i32, PartitionView>,
}

/// What is known of one partition.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PartitionView {
    /// The broker that leads it, while there is one.
    pub leader: Option<NodeId>,
    /// How many leaders it has had (KIP-320); -1 when the broker did not say.
    pub leader_epoch: i32,
    /// Brokers that hold a copy.
    pub replicas: Vec<i32>,
    /// Those of them that are in sync.
    pub in_sync_replicas: Vec<i32>,
}

impl ClusterView {
    /// The partition, if metadata has named it.
    #[must_use]
    pub fn partition(&self, partition: &TopicPartition) -> Option<&PartitionView> {
        self.topics.get(&partition.topic)?.partitions.get(&partition.partition)
    }

    /// The leader of a partition, as a broker that can be sent to.
    #[must_use]
    pub fn leader(&self, partition: &TopicPartition) -> Option<BrokerId> {
        self.nodes.get(&self.partition(partition)?.leader?).copied()
    }

    /// The controller, as a broker that can be sent to.
    #[must_use]
    pub fn controller(&self) -> Option<BrokerId> {
        self.nodes.get(&self.controller?).copied()
    }

    /// Describes all partitions of a topic; `None` while nothing good is known of it.
    #[must_use]
    pub fn describe(&self, topic: &TopicName) -> Option<Vec<PartitionInfo>> {
        let view = self.topics.get(topic).filter(|view| view.error_code == 0)?;
        let describe = |(number, view): (&i32, &PartitionView)| PartitionInfo {
            partition: TopicPartition { topic: topic.clone(), partition: *number },
            leader: view.leader.map(|node| node.0),
            leader_epoch: view.leader_epoch,
            replicas: view.replicas.clone(),
            in_sync_replicas: view.in_sync_replicas.clone(),
        };
        Some(view.partitions.iter().map(describe).collect())
    }

    /// Forgets everything but which cluster it was: nobody is known, and nobody leads anything.
    pub(crate) fn forget(&mut self) {
        self.nodes.clear();
        self.topics.clear();
    }

    /// Takes over what a broker that does not lead a partition says of who does (KIP-951). False if that is no news, or the leader is
    /// not known by its number.
    pub(crate) fn follow(&mut self, partition: &TopicPartition, leader: NodeId, leader_epoch: i32) -> bool {
        let topic = self.topics.get_mut(&partition.topic);
        let known = topic.and_then(|topic| topic.partitions.get_mut(&partition.partition));
        match known.filter(|known| known.leader_epoch < leader_epoch) {
            Some(known) if self.nodes.contains_key(&leader) => {
                (known.leader, known.leader_epoch) = (Some(leader), leader_epoch);
                true
            }
            Some(_) | None => false,
        }
    }

    /// Takes over what a response says. A topic that comes with an error keeps the partitions it had; a partition whose
    /// leader epoch is older than the known one is old news from a broker that lags behind. True if some partition has another
    /// leader now, or is new.
    pub(crate) fn apply(&mut self, response: &MetadataResponse) -> bool {
        let mut is_news = false;
        if response.cluster_id.is_some() {
            self.cluster_id.clone_from(&response.cluster_id);
        }
        self.controller = (response.controller_id >= 0).then_some(NodeId(response.controller_id));
        for topic in &response.topics {
            let Some(name) = &topic.name else { continue };
            let view = self.topics.entry(TopicName::from(name.as_str())).or_default();
            view.error_code = topic.error_code;
            if topic.error_code == 0 {
                is_news |= apply_topic(view, topic);
            }
        }
        is_news
    }
}

fn apply_topic(view: &mut TopicView, topic: &MetadataResponseTopic) -> bool {
    let recreated = view.topic_id != topic.topic_id;
    let mut is_news = recreated;
    view.topic_id = topic.topic_id;
    // Partitions are numbered from 0 without gaps: any other number is nonsense, and tables are sized by the highest one.
    let mut partitions: Vec<Option<PartitionView>> = alloc::vec![None; topic.partitions.len()];
    for partition in &topic.partitions {
        let number = usize::try_from(partition.partition_index).ok();
        let Some(slot) = number.and_then(|number| partitions.get_mut(number)) else { continue };
        let new = PartitionView {
            leader: (partition.leader_id >= 0).then_some(NodeId(partition.leader_id)),
            leader_epoch: partition.leader_epoch,
            replicas: partition.replica_nodes.clone(),
            in_sync_replicas: partition.isr_nodes.clone(),
        };
        let old = view.partitions.get_mut(&partition.partition_index).map(core::mem::take);
        let before = old.as_ref().map(|old| (old.leader, old.leader_epoch));
        let newer =
            old.filter(|old| !recreated && old.leader_epoch > new.leader_epoch && new.leader_epoch >= 0);
        let now = newer.unwrap_or(new);
        is_news |= before != Some((now.leader, now.leader_epoch));
        *slot = Some(now);
    }
    view.partitions.clear();
    for (number, partition) in (0..).zip(partitions) {
        if let Some(partition) = partition {
            view.partitions.insert(number, partition);
        }
    }
    is_news
}
