//! What a reply says about a part of a command.

use crate::broker_error::broker_error;
use crate::error::Error;
use crate::ids::{NodeId, TopicName, TopicPartition};
use crate::io::{
    AdminCommand, AdminFound, AdminSubject, BrokerDescription, ClusterDescription, ConfigEntry,
    ConfigResource, OffsetFound, PartitionInfo, TopicDescription,
};
use crate::protocol::{
    DescribeConfigsResourceResult, ErrorCode, MetadataResponse, MetadataResponseTopic, Response,
};
use alloc::format;
use alloc::string::{String, ToString};
use core::fmt;
use litemap::LiteMap;

/// The answer for one part.
pub(super) fn of(
    response: &Response,
    command: &AdminCommand,
    subject: &AdminSubject,
) -> Result<AdminFound, Error> {
    let api = response.api_key().name();
    check_whole(response, subject)?;
    // An answer is a code, what the broker says to it, and what was found.
    let answer = match (response, subject) {
        (Response::CreateTopics(response), AdminSubject::Topic(topic)) => {
            let found = response.topics.iter().find(|it| it.name == topic.as_str());
            found.map(|it| (it.error_code, &it.error_message, AdminFound::Done))
        }
        (Response::DeleteTopics(response), AdminSubject::Topic(topic)) => {
            let found = response.responses.iter().find(|it| it.name.as_deref() == Some(topic.as_str()));
            found.map(|it| (it.error_code, &it.error_message, AdminFound::Done))
        }
        (Response::CreatePartitions(response), AdminSubject::Topic(topic)) => {
            let found = response.results.iter().find(|it| it.name == topic.as_str());
            found.map(|it| (it.error_code, &it.error_message, AdminFound::Done))
        }
        (Response::Metadata(response), AdminSubject::Topic(topic)) => {
            topic_of(response, topic).map(|it| (it.error_code, &None, AdminFound::Topic(describe(it, topic))))
        }
        (Response::Metadata(response), AdminSubject::Cluster) => {
            Some((response.error_code, &None, cluster(response, command)))
        }
        (Response::ListOffsets(response), AdminSubject::Partition(partition)) => response
            .topics
            .iter()
            .filter(|topic| topic.name == partition.topic.as_str())
            .flat_map(|topic| &topic.partitions)
            .find(|it| it.partition_index == partition.partition)
            .map(|it| {
                let (offset, timestamp) = (it.offset, it.timestamp);
                let found = OffsetFound { partition: partition.clone(), offset, timestamp };
                (it.error_code, &None, AdminFound::Offset(found))
            }),
        (Response::DeleteRecords(response), AdminSubject::Partition(partition)) => response
            .topics
            .iter()
            .filter(|topic| topic.name == partition.topic.as_str())
            .flat_map(|topic| &topic.partitions)
            .find(|it| it.partition_index == partition.partition)
            .map(|it| (it.error_code, &None, AdminFound::LowWatermark(it.low_watermark))),
        (Response::DescribeConfigs(response), AdminSubject::Resource(resource)) => {
            response.results.iter().find(|it| is_same(resource, it.resource_type, &it.resource_name)).map(
                |it| {
                    (
                        it.error_code,
                        &it.error_message,
                        AdminFound::Configs(it.configs.iter().map(entry).collect()),
                    )
                },
            )
        }
        (Response::IncrementalAlterConfigs(response), AdminSubject::Resource(resource)) => response
            .responses
            .iter()
            .find(|it| is_same(resource, it.resource_type, &it.resource_name))
            .map(|it| (it.error_code, &it.error_message, AdminFound::Done)),
        _ => None,
    };
    match answer {
        Some((0, _, found)) => Ok(found),
        Some((code, message, _)) => Err(failure(api, subject, code, message.as_deref())),
        None => {
            Err(Error::MalformedReply { api, problem: format!("it says nothing of {}", Subject(subject)) })
        }
    }
}

/// Which broker leads the partition.
pub(super) fn leader(response: &Response, subject: &AdminSubject) -> Result<NodeId, Error> {
    let api = response.api_key().name();
    let (Response::Metadata(response), AdminSubject::Partition(partition)) = (response, subject) else {
        return Err(Error::MalformedReply {
            api,
            problem: format!("it says nothing of {}", Subject(subject)),
        });
    };
    if response.error_code != 0 {
        return Err(failure(api, subject, response.error_code, None));
    }
    let topic = topic_of(response, &partition.topic);
    let found = topic.map(|topic| {
        let found = topic.partitions.iter().find(|it| it.partition_index == partition.partition);
        (topic.error_code, found)
    });
    let code = match found {
        Some((0, Some(partition))) if partition.leader_id >= 0 => return Ok(NodeId(partition.leader_id)),
        Some((0, Some(_))) => ErrorCode::LeaderNotAvailable.code(),
        Some((0, None)) | None => ErrorCode::UnknownTopicOrPartition.code(),
        Some((code, _)) => code,
    };
    Err(failure(api, subject, code, None))
}

/// An error that stands for a whole reply.
fn check_whole(response: &Response, subject: &AdminSubject) -> Result<(), Error> {
    if let Response::Metadata(whole) = response
        && whole.error_code != 0
    {
        return Err(failure(response.api_key().name(), subject, whole.error_code, None));
    }
    Ok(())
}

fn failure(api: &str, subject: &AdminSubject, code: i16, message: Option<&str>) -> Error {
    let mut context = format!("{api} of {}", Subject(subject));
    if let Some(message) = message.filter(|message| !message.is_empty()) {
        context = format!("{context} ({})", message.trim_end_matches('.'));
    }
    broker_error(code, context)
}

fn topic_of<'a>(response: &'a MetadataResponse, topic: &TopicName) -> Option<&'a MetadataResponseTopic> {
    response.topics.iter().find(|it| it.name.as_deref() == Some(topic.as_str()))
}

fn cluster(response: &MetadataResponse, command: &AdminCommand) -> AdminFound {
    if let AdminCommand::ListTopics { include_internal } = command {
        let wanted = |topic: &&MetadataResponseTopic| *include_internal || !topic.is_internal;
        let describe = |topic: &MetadataResponseTopic| {
            topic.name.as_deref().map(|name| describe(topic, &TopicName::from(name)))
        };
        return AdminFound::Topics(response.topics.iter().filter(wanted).filter_map(describe).collect());
    }
    let brokers = response.brokers.iter().map(|broker| BrokerDescription {
        node_id: broker.node_id,
        host: broker.host.clone(),
        port: broker.port,
        rack: broker.rack.clone(),
    });
    AdminFound::Cluster(ClusterDescription {
        cluster_id: response.cluster_id.clone(),
        controller: (response.controller_id >= 0).then_some(response.controller_id),
        brokers: brokers.collect(),
    })
}

fn describe(topic: &MetadataResponseTopic, name: &TopicName) -> TopicDescription {
    let partition = |it: &crate::protocol::MetadataResponsePartition| PartitionInfo {
        partition: TopicPartition { topic: name.clone(), partition: it.partition_index },
        leader: (it.leader_id >= 0).then_some(it.leader_id),
        leader_epoch: it.leader_epoch,
        replicas: it.replica_nodes.clone(),
        in_sync_replicas: it.isr_nodes.clone(),
    };
    // By number: in the response they come in no particular order. (A sort would be kilobytes of wasm.)
    let partitions: LiteMap<i32, PartitionInfo> =
        topic.partitions.iter().map(|it| (it.partition_index, partition(it))).collect();
    TopicDescription {
        topic: name.clone(),
        topic_id: (!topic.topic_id.is_zero()).then(|| topic.topic_id.to_string()),
        is_internal: topic.is_internal,
        partitions: partitions.into_iter().map(|(_, partition)| partition).collect(),
    }
}

fn entry(config: &DescribeConfigsResourceResult) -> ConfigEntry {
    ConfigEntry {
        name: config.name.clone(),
        value: config.value.clone(),
        is_read_only: config.read_only,
        is_sensitive: config.is_sensitive,
        source: config.config_source,
        kind: config.config_type,
    }
}

fn is_same(resource: &ConfigResource, kind: i8, name: &String) -> bool {
    resource.kind as i8 == kind && resource.name == *name
}

/// What errors call a part.
struct Subject<'a>(&'a AdminSubject);

impl fmt::Display for Subject<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            AdminSubject::Cluster => f.write_str("the cluster"),
            AdminSubject::Topic(topic) => f.write_str(topic.as_str()),
            AdminSubject::Partition(partition) => partition.fmt(f),
            AdminSubject::Resource(resource) if resource.name.is_empty() => {
                write!(f, "all of {:?}", resource.kind)
            }
            AdminSubject::Resource(resource) => write!(f, "{:?} {}", resource.kind, resource.name),
        }
    }
}
