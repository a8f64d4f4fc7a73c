//! Which parts a command has, which broker each part is for, and how it is asked.

use super::Part;
use crate::error::Error;
use crate::ids::{NodeId, TopicName, TopicPartition};
use crate::io::{AdminCommand, AdminSubject, ConfigResource, ConfigResourceType, NewTopic};
use crate::protocol::{
    AlterConfigsResource, AlterableConfig, CreatableReplicaAssignment, CreatableTopic, CreatableTopicConfig,
    CreatePartitionsAssignment, CreatePartitionsRequest, CreatePartitionsTopic, CreateTopicsRequest,
    DeleteRecordsPartition, DeleteRecordsRequest, DeleteRecordsTopic, DeleteTopicState, DeleteTopicsRequest,
    DescribeConfigsRequest, DescribeConfigsResource, IncrementalAlterConfigsRequest, ListOffsetsPartition,
    ListOffsetsRequest, ListOffsetsTopic, MetadataRequest, MetadataRequestTopic, Request,
};
use crate::time::Duration;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

/// Which broker a part is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Route {
    /// Any will do.
    Any,
    /// The controller: the only one that may change topics where brokers do not pass it on.
    Controller,
    /// This one.
    Node(NodeId),
    /// The leader of the partition.
    Leader,
}

/// Refuses what no broker could do.
pub(super) fn check(command: &AdminCommand) -> Result<(), Error> {
    let AdminCommand::CreateTopics { topics, .. } = command else { return Ok(()) };
    let both = |topic: &&NewTopic| {
        !topic.replica_assignment.is_empty() && (topic.num_partitions != -1 || topic.replication_factor != -1)
    };
    match topics.iter().find(both) {
        Some(topic) => {
            let topic = topic.topic.as_str();
            let problem = format!(
                "{topic} has a replica assignment, which says how many partitions and copies there are"
            );
            Err(Error::InvalidArgument {
                argument: "numPartitions, replicationFactor".into(),
                problem: problem.into(),
            })
        }
        None => Ok(()),
    }
}

/// What ends by itself, and where it goes.
pub(super) fn parts(command: &AdminCommand) -> Vec<(AdminSubject, Route)> {
    let topic = |name: &TopicName, route| (AdminSubject::Topic(name.clone()), route);
    let partition = |name: &TopicPartition| (AdminSubject::Partition(name.clone()), Route::Leader);
    let resource = |it: &ConfigResource| (AdminSubject::Resource(it.clone()), route_of(it));
    match command {
        AdminCommand::CreateTopics { topics, .. } => {
            topics.iter().map(|it| topic(&it.topic, Route::Controller)).collect()
        }
        AdminCommand::DeleteTopics { topics } => {
            topics.iter().map(|it| topic(it, Route::Controller)).collect()
        }
        AdminCommand::CreatePartitions { topics, .. } => {
            topics.iter().map(|it| topic(&it.topic, Route::Controller)).collect()
        }
        AdminCommand::DescribeTopics { topics } => topics.iter().map(|it| topic(it, Route::Any)).collect(),
        AdminCommand::ListTopics { .. } | AdminCommand::DescribeCluster => {
            [(AdminSubject::Cluster, Route::Any)].into()
        }
        AdminCommand::ListOffsets { partitions, .. } => {
            partitions.iter().map(|(it, _)| partition(it)).collect()
        }
        AdminCommand::DeleteRecords { partitions } => {
            partitions.iter().map(|(it, _)| partition(it)).collect()
        }
        AdminCommand::DescribeConfigs { resources } => resources.iter().map(|(it, _)| resource(it)).collect(),
        AdminCommand::IncrementalAlterConfigs { resources, .. } => {
            resources.iter().map(|(it, _)| resource(it)).collect()
        }
    }
}

/// What one broker has for itself only that broker knows; everything else any broker does.
fn route_of(resource: &ConfigResource) -> Route {
    let of_a_broker = matches!(resource.kind, ConfigResourceType::Broker | ConfigResourceType::BrokerLogger);
    match resource.name.parse() {
        Ok(node) if of_a_broker => Route::Node(NodeId(node)),
        Ok(_) | Err(_) => Route::Any,
    }
}

/// The request for these parts of a command. Brokers may take `time` to carry it out.
pub(super) fn request(command: &AdminCommand, parts: &[usize], time: Duration) -> Request {
    let timeout_ms = i32::try_from(time.as_millis()).unwrap_or(i32::MAX);
    match command {
        AdminCommand::CreateTopics { topics, validate_only } => CreateTopicsRequest {
            topics: chosen(topics, parts).map(creatable).collect(),
            timeout_ms,
            validate_only: *validate_only,
        }
        .into(),
        AdminCommand::DeleteTopics { topics } => {
            let names = || chosen(topics, parts).map(|topic| String::from(topic.as_str()));
            let state = |name| DeleteTopicState { name: Some(name), ..Default::default() };
            // Which of the two lists is sent, the version decides.
            let (topics, topic_names) = (names().map(state).collect(), names().collect());
            DeleteTopicsRequest { topics, topic_names, timeout_ms }.into()
        }
        AdminCommand::CreatePartitions { topics, validate_only } => {
            let topic = |topic: &crate::io::NewPartitions| {
                let assignment =
                    |brokers: &Vec<i32>| CreatePartitionsAssignment { broker_ids: brokers.clone() };
                let assignments = topic.assignments.iter().map(assignment).collect();
                CreatePartitionsTopic {
                    name: topic.topic.as_str().into(),
                    count: topic.total_count,
                    assignments: Some(assignments).filter(|it: &Vec<_>| !it.is_empty()),
                }
            };
            let topics = chosen(topics, parts).map(topic).collect();
            CreatePartitionsRequest { topics, timeout_ms, validate_only: *validate_only }.into()
        }
        AdminCommand::ListTopics { .. } => metadata(None),
        AdminCommand::DescribeTopics { topics } => metadata(Some(chosen(topics, parts).collect())),
        AdminCommand::DescribeCluster => metadata(Some(Vec::new())),
        AdminCommand::ListOffsets { partitions, read_committed } => {
            let add = |topics: &mut Vec<ListOffsetsTopic>, name: &str, partition| match topics
                .iter_mut()
                .find(|topic| topic.name == name)
            {
                Some(topic) => topic.partitions.push(partition),
                None => topics.push(ListOffsetsTopic { name: name.into(), partitions: [partition].into() }),
            };
            let mut topics = Vec::new();
            for (partition, offset) in chosen(partitions, parts) {
                let (partition_index, timestamp) = (partition.partition, offset.timestamp());
                let asked = ListOffsetsPartition { partition_index, timestamp, ..Default::default() };
                add(&mut topics, partition.topic.as_str(), asked);
            }
            let isolation_level = i8::from(*read_committed);
            ListOffsetsRequest { isolation_level, topics, timeout_ms, ..Default::default() }.into()
        }
        AdminCommand::DeleteRecords { partitions } => {
            let mut topics: Vec<DeleteRecordsTopic> = Vec::new();
            for (partition, offset) in chosen(partitions, parts) {
                let asked = DeleteRecordsPartition { partition_index: partition.partition, offset: *offset };
                let name = partition.topic.as_str();
                match topics.iter_mut().find(|topic| topic.name == name) {
                    Some(topic) => topic.partitions.push(asked),
                    None => topics.push(DeleteRecordsTopic { name: name.into(), partitions: [asked].into() }),
                }
            }
            DeleteRecordsRequest { topics, timeout_ms }.into()
        }
        AdminCommand::DescribeConfigs { resources } => {
            let resource = |(it, keys): &(ConfigResource, Option<Vec<String>>)| DescribeConfigsResource {
                resource_type: it.kind as i8,
                resource_name: it.name.clone(),
                configuration_keys: keys.clone(),
            };
            let resources = chosen(resources, parts).map(resource).collect();
            DescribeConfigsRequest { resources, ..Default::default() }.into()
        }
        AdminCommand::IncrementalAlterConfigs { resources, validate_only } => {
            let change = |change: &crate::io::ConfigChange| AlterableConfig {
                name: change.name.clone(),
                config_operation: change.operation as i8,
                value: change.value.clone(),
            };
            let resource =
                |(it, changes): &(ConfigResource, Vec<crate::io::ConfigChange>)| AlterConfigsResource {
                    resource_type: it.kind as i8,
                    resource_name: it.name.clone(),
                    configs: changes.iter().map(change).collect(),
                };
            let resources = chosen(resources, parts).map(resource).collect();
            IncrementalAlterConfigsRequest { resources, validate_only: *validate_only }.into()
        }
    }
}

/// Asks for the leaders of these partitions.
pub(super) fn leaders(all: &[Part], parts: &[usize]) -> Request {
    let mut topics: Vec<&TopicName> = Vec::new();
    for part in chosen(all, parts) {
        if let AdminSubject::Partition(partition) = &part.subject
            && !topics.contains(&&partition.topic)
        {
            topics.push(&partition.topic);
        }
    }
    metadata(Some(topics))
}

/// Asks about these topics, or about all. None is created by that.
fn metadata(topics: Option<Vec<&TopicName>>) -> Request {
    let topic =
        |name: &TopicName| MetadataRequestTopic { name: Some(name.as_str().into()), ..Default::default() };
    MetadataRequest {
        topics: topics.map(|topics| topics.into_iter().map(topic).collect()),
        allow_auto_topic_creation: false,
        ..Default::default()
    }
    .into()
}

fn creatable(topic: &NewTopic) -> CreatableTopic {
    let assignment = |(partition_index, brokers): &(i32, Vec<i32>)| CreatableReplicaAssignment {
        partition_index: *partition_index,
        broker_ids: brokers.clone(),
    };
    let config = |(name, value): &(String, String)| CreatableTopicConfig {
        name: name.clone(),
        value: Some(value.clone()),
    };
    CreatableTopic {
        name: topic.topic.as_str().into(),
        num_partitions: topic.num_partitions,
        replication_factor: topic.replication_factor,
        assignments: topic.replica_assignment.iter().map(assignment).collect(),
        configs: topic.configs.iter().map(config).collect(),
    }
}

/// Those of these numbers.
fn chosen<'a, T>(all: &'a [T], numbers: &'a [usize]) -> impl Iterator<Item = &'a T> {
    numbers.iter().filter_map(|number| all.get(*number))
}
