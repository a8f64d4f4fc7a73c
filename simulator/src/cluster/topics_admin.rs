//! CreateTopics (versions 2 to 7), DeleteTopics (1 to 6), CreatePartitions (0 to 3) and DeleteRecords (0 to 2).
//!
//! Any node takes the first three, as brokers of a KRaft cluster do, which pass them on to the controller. Records are deleted at the leader.
//!
//! Deviations from Apache Kafka: everything is done by the time of the reply. The cluster chooses where replicas are; a request that says
//! where gets `INVALID_REPLICA_ASSIGNMENT`. Settings of topics are neither kept nor checked.

use super::state::{ClusterState, TopicKey};
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use client_core::ids::NodeId;
use client_core::protocol::{
    CreatableTopic, CreatableTopicResult, CreatePartitionsRequest, CreatePartitionsResponse,
    CreatePartitionsTopic, CreatePartitionsTopicResult, CreateTopicsRequest, CreateTopicsResponse,
    DeletableTopicResult, DeleteRecordsPartitionResult, DeleteRecordsRequest, DeleteRecordsResponse,
    DeleteRecordsTopicResult, DeleteTopicState, DeleteTopicsRequest, DeleteTopicsResponse, ErrorCode,
    Response, Uuid,
};

impl ClusterState {
    pub(crate) fn create_topics(&mut self, request: &CreateTopicsRequest) -> Response {
        let mut named: BTreeMap<&str, u32> = BTreeMap::new();
        for topic in &request.topics {
            *named.entry(&topic.name).or_default() += 1;
        }
        let topics = request.topics.iter().map(|topic| {
            let done = if named.get(topic.name.as_str()) == Some(&1) {
                self.create(topic, request.validate_only)
            } else {
                Err(ErrorCode::InvalidRequest)
            };
            let known = self.topics.get(&topic.name).filter(|_| done.is_ok());
            CreatableTopicResult {
                name: topic.name.clone(),
                topic_id: known.map_or(Uuid::ZERO, |known| known.id),
                num_partitions: known.map_or(-1, |known| known.partitions.len() as i32),
                replication_factor: known
                    .and_then(|known| Some(known.partitions.first()?.replicas.len() as i16))
                    .unwrap_or(-1),
                ..created(&topic.name, done)
            }
        });
        CreateTopicsResponse { topics: topics.collect(), ..Default::default() }.into()
    }

    fn create(&mut self, topic: &CreatableTopic, validate_only: bool) -> Result<(), ErrorCode> {
        if !topic.assignments.is_empty() {
            return Err(ErrorCode::InvalidReplicaAssignment);
        }
        // As the cluster is configured (KIP-464): in every version, though clients may count on it from 4 on only.
        let partitions = match topic.num_partitions {
            -1 => self.config.default_partitions,
            partitions => partitions,
        };
        let replication = match topic.replication_factor {
            -1 => self.config.replication,
            // None at all is refused, as any other number below is.
            replication => usize::try_from(replication).unwrap_or(0),
        };
        if validate_only {
            return self.check_topic(&topic.name, partitions, replication);
        }
        self.create_topic(&topic.name, partitions, replication)
    }

    pub(crate) fn delete_topics(&mut self, version: i16, request: &DeleteTopicsRequest) -> Response {
        let named = |name: &String| DeleteTopicState { name: Some(name.clone()), topic_id: Uuid::ZERO };
        let wanted: Vec<DeleteTopicState> = if version >= STATES_SINCE {
            request.topics.clone()
        } else {
            request.topic_names.iter().map(named).collect()
        };
        let responses = wanted.into_iter().map(|topic| {
            let found = match (&topic.name, topic.topic_id) {
                (Some(name), Uuid::ZERO) => self.topic(TopicKey::Name(name)),
                (None, id) => self.topic(TopicKey::Id(id)),
                (Some(_), _) => Err(ErrorCode::InvalidRequest),
            };
            let found = found.map(|found| (found.name.clone(), found.id));
            if let Ok((name, _)) = &found {
                self.topics.delete(name);
                self.changed = true;
            }
            match found {
                Ok((name, topic_id)) => {
                    DeletableTopicResult { name: Some(name), topic_id, ..Default::default() }
                }
                Err(error) => deleted(&topic, error),
            }
        });
        DeleteTopicsResponse { responses: responses.collect(), ..Default::default() }.into()
    }

    pub(crate) fn create_partitions(&mut self, request: &CreatePartitionsRequest) -> Response {
        let results = request.topics.iter().map(|topic| {
            let done = self.add_partitions(topic, request.validate_only);
            let (code, message) = match done {
                Ok(()) => (ErrorCode::None, None),
                Err(error) => (error, Some(error.description().to_string())),
            };
            CreatePartitionsTopicResult {
                name: topic.name.clone(),
                error_code: code.code(),
                error_message: message,
            }
        });
        CreatePartitionsResponse { results: results.collect(), ..Default::default() }.into()
    }

    fn add_partitions(
        &mut self,
        wanted: &CreatePartitionsTopic,
        validate_only: bool,
    ) -> Result<(), ErrorCode> {
        let topic = self.topic(TopicKey::Name(&wanted.name))?;
        let replication = topic.partitions.first().map_or(1, |partition| partition.replicas.len());
        let count = usize::try_from(wanted.count).unwrap_or(0);
        if count <= topic.partitions.len() || wanted.count > self.config.limits.partitions_max {
            return Err(ErrorCode::InvalidPartitions);
        }
        if wanted.assignments.is_some() {
            return Err(ErrorCode::InvalidReplicaAssignment);
        }
        let nodes = self.live_nodes();
        if replication > nodes.len() {
            return Err(ErrorCode::InvalidReplicationFactor);
        }
        if !validate_only {
            self.topics.grow(self.seed, &wanted.name, count, replication, &nodes);
            self.changed = true;
        }
        Ok(())
    }

    pub(crate) fn delete_records(&mut self, node_id: NodeId, request: &DeleteRecordsRequest) -> Response {
        let topics = request.topics.iter().map(|topic| {
            let partitions = topic.partitions.iter().map(|asked| {
                let done = self.delete_before(node_id, &topic.name, asked.partition_index, asked.offset);
                let partition_index = asked.partition_index;
                match done {
                    Ok(low_watermark) => {
                        DeleteRecordsPartitionResult { partition_index, low_watermark, error_code: 0 }
                    }
                    Err(error) => records_kept(partition_index, error),
                }
            });
            DeleteRecordsTopicResult { name: topic.name.clone(), partitions: partitions.collect() }
        });
        DeleteRecordsResponse { topics: topics.collect(), ..Default::default() }.into()
    }

    fn delete_before(
        &mut self,
        node_id: NodeId,
        topic: &str,
        index: i32,
        offset: i64,
    ) -> Result<i64, ErrorCode> {
        let partition = self.topics.partition_mut(topic, index).ok_or(ErrorCode::UnknownTopicOrPartition)?;
        if partition.leader != Some(node_id) {
            return Err(ErrorCode::NotLeaderOrFollower);
        }
        let end = partition.log.end_offset();
        let offset = if offset == EVERYTHING { end } else { offset };
        if !(0..=end).contains(&offset) {
            return Err(ErrorCode::OffsetOutOfRange);
        }
        partition.log.delete_before(offset);
        self.changed = true;
        Ok(partition.log.start_offset())
    }
}

/// The answers when everything has failed with this error.
pub(crate) fn create_topics_failed(request: &CreateTopicsRequest, error: ErrorCode) -> Response {
    let topics = request.topics.iter().map(|topic| created(&topic.name, Err(error)));
    CreateTopicsResponse { topics: topics.collect(), ..Default::default() }.into()
}

pub(crate) fn delete_topics_failed(
    version: i16,
    request: &DeleteTopicsRequest,
    error: ErrorCode,
) -> Response {
    let named =
        |name: &String| deleted(&DeleteTopicState { name: Some(name.clone()), topic_id: Uuid::ZERO }, error);
    let responses = if version >= STATES_SINCE {
        request.topics.iter().map(|topic| deleted(topic, error)).collect()
    } else {
        request.topic_names.iter().map(named).collect()
    };
    DeleteTopicsResponse { responses, ..Default::default() }.into()
}

pub(crate) fn create_partitions_failed(request: &CreatePartitionsRequest, error: ErrorCode) -> Response {
    let results = request.topics.iter().map(|topic| CreatePartitionsTopicResult {
        name: topic.name.clone(),
        error_code: error.code(),
        error_message: None,
    });
    CreatePartitionsResponse { results: results.collect(), ..Default::default() }.into()
}

pub(crate) fn delete_records_failed(request: &DeleteRecordsRequest, error: ErrorCode) -> Response {
    let topics = request.topics.iter().map(|topic| DeleteRecordsTopicResult {
        name: topic.name.clone(),
        partitions: topic.partitions.iter().map(|asked| records_kept(asked.partition_index, error)).collect(),
    });
    DeleteRecordsResponse { topics: topics.collect(), ..Default::default() }.into()
}

fn created(name: &str, done: Result<(), ErrorCode>) -> CreatableTopicResult {
    let (code, error_message) = match done {
        Ok(()) => (ErrorCode::None, None),
        Err(ErrorCode::TopicAlreadyExists) => {
            (ErrorCode::TopicAlreadyExists, Some(format!("Topic '{name}' already exists.")))
        }
        Err(error) => (error, Some(error.description().to_string())),
    };
    CreatableTopicResult { name: name.into(), error_code: code.code(), error_message, ..Default::default() }
}

fn deleted(topic: &DeleteTopicState, error: ErrorCode) -> DeletableTopicResult {
    let error_message = Some(error.description().to_string());
    let (name, topic_id) = (topic.name.clone(), topic.topic_id);
    DeletableTopicResult { name, topic_id, error_code: error.code(), error_message }
}

const fn records_kept(partition_index: i32, error: ErrorCode) -> DeleteRecordsPartitionResult {
    DeleteRecordsPartitionResult { partition_index, low_watermark: -1, error_code: error.code() }
}

/// The first version in which topics to delete may be named by id.
const STATES_SINCE: i16 = 6;
/// As the first offset to keep: none.
const EVERYTHING: i64 = -1;
