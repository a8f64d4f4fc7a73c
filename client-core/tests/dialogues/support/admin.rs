//! The little cluster's answers to an admin client.

use super::cluster::{Cluster, Log};
use client_core::protocol::*;

impl Cluster {
    /// The answer to what only the controller does, or a broker for its own partitions and settings.
    pub(super) fn administer(&mut self, node: i32, request: &Request) -> Response {
        let refusal = if node == self.controller {
            self.admin_errors.pop_front()
        } else {
            Some(ErrorCode::NotController)
        };
        let refusal = refusal.map_or(0, ErrorCode::code);
        match request {
            Request::CreateTopics(request) => {
                let topics = request.topics.iter().map(|topic| {
                    let known = self.topics.contains_key(&topic.name);
                    let error_code = match refusal {
                        0 if known => ErrorCode::TopicAlreadyExists.code(),
                        0 if topic.num_partitions == 0 => ErrorCode::InvalidPartitions.code(),
                        other => other,
                    };
                    if error_code == 0 && !request.validate_only {
                        let leaders = vec![1; topic.num_partitions.max(1) as usize];
                        self.topic(&topic.name, &leaders);
                    }
                    let name = topic.name.clone();
                    CreatableTopicResult { name, error_code, ..Default::default() }
                });
                CreateTopicsResponse { topics: topics.collect(), ..Default::default() }.into()
            }
            Request::DeleteTopics(request) => {
                let responses = request.topics.iter().map(|topic| {
                    let known = self.topics.contains_key(topic.name.as_deref().unwrap());
                    let error_code = match refusal {
                        0 if !known => ErrorCode::UnknownTopicOrPartition.code(),
                        other => other,
                    };
                    if error_code == 0 {
                        self.topics.remove(topic.name.as_deref().unwrap());
                    }
                    DeletableTopicResult { name: topic.name.clone(), error_code, ..Default::default() }
                });
                DeleteTopicsResponse { responses: responses.collect(), ..Default::default() }.into()
            }
            Request::CreatePartitions(request) => {
                let results = request.topics.iter().map(|topic| {
                    let (name, count) = (topic.name.clone(), topic.count as usize);
                    let error_code = match self.topics.get_mut(&name) {
                        _ if refusal != 0 => refusal,
                        None => ErrorCode::UnknownTopicOrPartition.code(),
                        Some(logs) if logs.len() >= count => ErrorCode::InvalidPartitions.code(),
                        Some(logs) => {
                            logs.resize_with(count, || Log::led_by(1));
                            0
                        }
                    };
                    CreatePartitionsTopicResult { name, error_code, error_message: Some("so it is.".into()) }
                });
                CreatePartitionsResponse { results: results.collect(), ..Default::default() }.into()
            }
            _ => panic!("{} is not for the controller", request.api_key()),
        }
    }

    /// The answer to what is about settings: each thing has the setting `of`, which is the node's number.
    pub(super) fn describe_configs(node: i32, request: &DescribeConfigsRequest) -> DescribeConfigsResponse {
        let results = request.resources.iter().map(|resource| DescribeConfigsResult {
            resource_type: resource.resource_type,
            resource_name: resource.resource_name.clone(),
            configs: vec![DescribeConfigsResourceResult {
                name: "of".into(),
                value: Some(node.to_string()),
                config_source: 5,
                ..Default::default()
            }],
            ..Default::default()
        });
        DescribeConfigsResponse { results: results.collect(), ..Default::default() }
    }

    pub(super) fn alter_configs(request: &IncrementalAlterConfigsRequest) -> IncrementalAlterConfigsResponse {
        let responses = request.resources.iter().map(|resource| AlterConfigsResourceResponse {
            error_code: if resource.configs.is_empty() { ErrorCode::InvalidRequest.code() } else { 0 },
            error_message: None,
            resource_type: resource.resource_type,
            resource_name: resource.resource_name.clone(),
        });
        IncrementalAlterConfigsResponse { responses: responses.collect(), ..Default::default() }
    }

    pub(super) fn delete_records(
        &mut self,
        node: i32,
        request: &DeleteRecordsRequest,
    ) -> DeleteRecordsResponse {
        let topics = request.topics.iter().map(|topic| {
            let partitions = topic.partitions.iter().map(|asked| {
                let log = self
                    .topics
                    .get_mut(&topic.name)
                    .and_then(|logs| logs.get_mut(asked.partition_index as usize));
                let (low_watermark, code) = match log {
                    None => (-1, ErrorCode::UnknownTopicOrPartition),
                    Some(log) if log.leader != node => (-1, ErrorCode::NotLeaderOrFollower),
                    Some(log) if asked.offset > log.end() => (-1, ErrorCode::OffsetOutOfRange),
                    Some(log) => {
                        log.delete_before(asked.offset);
                        (log.start, ErrorCode::None)
                    }
                };
                let (partition_index, error_code) = (asked.partition_index, code.code());
                DeleteRecordsPartitionResult { partition_index, low_watermark, error_code }
            });
            DeleteRecordsTopicResult { name: topic.name.clone(), partitions: partitions.collect() }
        });
        DeleteRecordsResponse { topics: topics.collect(), ..Default::default() }
    }
}
