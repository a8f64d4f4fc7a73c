//! Metadata, versions 0 to 13.
//!
//! All topics, topics by name, topics by id (from version 12 on). A topic that does not exist is created when
//! both sides want that; the reply to the request that does it still says `UNKNOWN_TOPIC_OR_PARTITION`, as
//! in Kafka, and the next one describes the topic.
//!
//! Deviations from Apache Kafka: the controller is the live node with the lowest number. The topic is created
//! by the time of the reply. There are no internal topics. Authorized operations are those of a cluster without
//! authorizer.

use super::config::NodeConfig;
use super::state::{ClusterState, TopicKey};
use super::topic::{Partition, Topic};
use alloc::collections::BTreeSet;
use alloc::vec::Vec;
use client_core::ids::{NodeId, TopicName};
use client_core::protocol::{
    ErrorCode, MetadataRequest, MetadataRequestTopic, MetadataResponse, MetadataResponseBroker,
    MetadataResponsePartition, MetadataResponseTopic, Response, Uuid,
};

impl ClusterState {
    pub(crate) fn metadata(&mut self, version: i16, request: &MetadataRequest) -> Response {
        let requested = requested(version, request);
        let too_early = |topic: &&MetadataRequestTopic| topic.name.is_none() || !topic.topic_id.is_zero();
        if version < BY_ID_SINCE
            && requested.is_some_and(|topics| topics.iter().any(|topic| too_early(&topic)))
        {
            return failed(version, request, ErrorCode::InvalidRequest);
        }
        let operations =
            if request.include_topic_authorized_operations { TOPIC_OPERATIONS } else { NOT_REQUESTED };
        let mut topics: Vec<MetadataResponseTopic> = match requested {
            None => self.topics.iter().map(|topic| self.describe(version, topic)).collect(),
            Some(requested) => {
                let mut seen = BTreeSet::new();
                requested
                    .iter()
                    .filter(|topic| seen.insert((topic.topic_id, topic.name.as_deref())))
                    .map(|topic| self.find(version, topic, request.allow_auto_topic_creation))
                    .collect()
            }
        };
        for topic in topics.iter_mut().filter(|topic| topic.error_code == 0) {
            topic.topic_authorized_operations = operations;
        }
        let cluster_authorized_operations =
            if request.include_cluster_authorized_operations { CLUSTER_OPERATIONS } else { NOT_REQUESTED };
        MetadataResponse { topics, cluster_authorized_operations, ..self.without_topics() }.into()
    }

    fn without_topics(&self) -> MetadataResponse {
        let live = self.nodes.values().filter(|node| node.up);
        let brokers: Vec<MetadataResponseBroker> = live.map(|node| broker(&node.config)).collect();
        MetadataResponse {
            cluster_id: Some(self.config.cluster_id.clone()),
            controller_id: brokers.first().map_or(-1, |broker| broker.node_id),
            brokers,
            ..Default::default()
        }
    }

    fn find(
        &mut self,
        version: i16,
        wanted: &MetadataRequestTopic,
        may_create: bool,
    ) -> MetadataResponseTopic {
        let key = match &wanted.name {
            Some(name) => TopicKey::Name(name),
            None => TopicKey::Id(wanted.topic_id),
        };
        let mut error = match self.topic(key) {
            Ok(topic) => return self.describe(version, topic),
            Err(error) => error,
        };
        if let Some(name) = &wanted.name {
            if TopicName::problem(name).is_some() {
                error = ErrorCode::InvalidTopicException;
            } else if may_create && self.config.auto_create_topics {
                let created =
                    self.create_topic(name, self.config.default_partitions, self.config.replication);
                error = created.err().unwrap_or(error);
            }
        }
        unknown(wanted, error)
    }

    fn describe(&self, version: i16, topic: &Topic) -> MetadataResponseTopic {
        MetadataResponseTopic {
            name: Some(topic.name.clone()),
            topic_id: topic.id,
            partitions: topic
                .partitions
                .iter()
                .zip(0..)
                .map(|(partition, index)| self.describe_partition(version, partition, index))
                .collect(),
            ..Default::default()
        }
    }

    fn describe_partition(
        &self,
        version: i16,
        partition: &Partition,
        partition_index: i32,
    ) -> MetadataResponsePartition {
        let offline: Vec<NodeId> =
            partition.replicas.iter().copied().filter(|&replica| !self.is_up(replica)).collect();
        let error = match partition.leader {
            None => ErrorCode::LeaderNotAvailable,
            // Version 0 told of offline replicas by an error, which had to be ignored.
            Some(_) if version == 0 && !offline.is_empty() => ErrorCode::ReplicaNotAvailable,
            Some(_) => ErrorCode::None,
        };
        MetadataResponsePartition {
            error_code: error.code(),
            partition_index,
            leader_id: partition.leader.map_or(-1, |leader| leader.0),
            leader_epoch: partition.leader_epoch,
            replica_nodes: numbers(&partition.replicas),
            isr_nodes: numbers(&partition.in_sync),
            offline_replicas: numbers(&offline),
        }
    }
}

/// The answer when everything has failed with this error.
pub(crate) fn failed(version: i16, request: &MetadataRequest, error: ErrorCode) -> Response {
    let topics = requested(version, request).unwrap_or_default().iter();
    MetadataResponse {
        topics: topics
            .map(|topic| {
                let mut failed = unknown(topic, error);
                failed.topic_id = topic.topic_id;
                if version < NULL_NAME_SINCE {
                    failed.name.get_or_insert_default();
                }
                failed
            })
            .collect(),
        error_code: error.code(),
        ..Default::default()
    }
    .into()
}

/// The topics asked for, or `None` for all. In version 0 an empty list meant all.
fn requested(version: i16, request: &MetadataRequest) -> Option<&[MetadataRequestTopic]> {
    request.topics.as_deref().filter(|topics| version > 0 || !topics.is_empty())
}

fn unknown(wanted: &MetadataRequestTopic, error: ErrorCode) -> MetadataResponseTopic {
    let topic_id = if wanted.name.is_none() { wanted.topic_id } else { Uuid::ZERO };
    MetadataResponseTopic {
        error_code: error.code(),
        name: wanted.name.clone(),
        topic_id,
        ..Default::default()
    }
}

fn broker(node: &NodeConfig) -> MetadataResponseBroker {
    MetadataResponseBroker {
        node_id: node.node_id.0,
        host: node.host.clone(),
        port: i32::from(node.port),
        rack: node.rack.clone(),
    }
}

fn numbers(nodes: &[NodeId]) -> Vec<i32> {
    nodes.iter().map(|node| node.0).collect()
}

/// The first version in which a topic can be asked for by its id.
const BY_ID_SINCE: i16 = 12;
/// The first version in which a topic of the reply may have no name.
const NULL_NAME_SINCE: i16 = 12;
/// What operations look like that nobody asked for.
const NOT_REQUESTED: i32 = i32::MIN;
/// READ, WRITE, CREATE, DELETE, ALTER, DESCRIBE, DESCRIBE_CONFIGS, ALTER_CONFIGS.
const TOPIC_OPERATIONS: i32 = 1 << 3 | 1 << 4 | 1 << 5 | 1 << 6 | 1 << 7 | 1 << 8 | 1 << 10 | 1 << 11;
/// CREATE, ALTER, DESCRIBE, CLUSTER_ACTION, DESCRIBE_CONFIGS, ALTER_CONFIGS, IDEMPOTENT_WRITE.
const CLUSTER_OPERATIONS: i32 = 1 << 5 | 1 << 7 | 1 << 8 | 1 << 9 | 1 << 10 | 1 << 11 | 1 << 12;
