//! Answers that brokers give, in one line each.

use bytes::Bytes;
use client_core::protocol::record_batch::{Compression, ProducerStamp, RecordBatch, RecordBatchBuilder};
use client_core::protocol::*;

/// Every API and version this client speaks, from a broker that does not compare whom it means with who it is (KIP-1242).
pub(crate) fn versions() -> ApiVersionsResponse {
    versions_limited_of(versions_comparing(), ApiKey::ApiVersions, 0, 4)
}

/// The same from one that does.
pub(crate) fn versions_comparing() -> ApiVersionsResponse {
    let range = |key: ApiKey| ApiVersion {
        api_key: key.code(),
        min_version: key.versions().min,
        max_version: key.versions().max,
    };
    ApiVersionsResponse { api_keys: ApiKey::ALL.into_iter().map(range).collect(), ..Default::default() }
}

/// The versions of ApiVersions alone, from a broker that does not know the one which was asked.
pub(crate) fn versions_unsupported(max_version: i16) -> ApiVersionsResponse {
    let api_key = ApiKey::ApiVersions.code();
    ApiVersionsResponse {
        api_keys: vec![ApiVersion { api_key, min_version: 0, max_version }],
        ..versions_error(ErrorCode::UnsupportedVersion)
    }
}

/// No versions, but an error.
pub(crate) fn versions_error(code: ErrorCode) -> ApiVersionsResponse {
    ApiVersionsResponse { error_code: code.code(), ..Default::default() }
}

/// The same without one API.
pub(crate) fn versions_without(api: ApiKey) -> ApiVersionsResponse {
    let mut response = versions();
    response.api_keys.retain(|it| it.api_key != api.code());
    response
}

/// The same with one API limited to these versions.
pub(crate) fn versions_limited(api: ApiKey, min_version: i16, max_version: i16) -> ApiVersionsResponse {
    versions_limited_of(versions(), api, min_version, max_version)
}

fn versions_limited_of(
    mut response: ApiVersionsResponse,
    api: ApiKey,
    min_version: i16,
    max_version: i16,
) -> ApiVersionsResponse {
    response.api_keys.retain(|it| it.api_key != api.code());
    response.api_keys.push(ApiVersion { api_key: api.code(), min_version, max_version });
    response
}

/// Brokers by name (node 1 is the first), and topics with the node that leads each partition, 0 for none.
pub(crate) fn metadata(hosts: &str, topics: &[(&str, &[i32])]) -> MetadataResponse {
    let broker = |(index, host): (usize, &str)| MetadataResponseBroker {
        node_id: index as i32 + 1,
        host: host.into(),
        port: 9092,
        rack: None,
    };
    MetadataResponse {
        brokers: hosts.split_whitespace().enumerate().map(broker).collect(),
        cluster_id: Some("test".into()),
        controller_id: 1,
        topics: topics.iter().map(|(name, leaders)| topic(name, leaders)).collect(),
        ..Default::default()
    }
}

fn topic(name: &str, leaders: &[i32]) -> MetadataResponseTopic {
    let partition = |(index, leader): (usize, &i32)| MetadataResponsePartition {
        partition_index: index as i32,
        leader_id: if *leader == 0 { -1 } else { *leader },
        leader_epoch: 1,
        replica_nodes: vec![1],
        isr_nodes: vec![1],
        ..Default::default()
    };
    MetadataResponseTopic {
        name: Some(name.into()),
        topic_id: Uuid([1; 16]),
        partitions: leaders.iter().enumerate().map(partition).collect(),
        ..Default::default()
    }
}

/// A topic that cannot be described.
pub(crate) fn topic_error(name: &str, code: ErrorCode) -> MetadataResponseTopic {
    MetadataResponseTopic { name: Some(name.into()), error_code: code.code(), ..Default::default() }
}

pub(crate) fn producer_id(id: i64) -> InitProducerIdResponse {
    InitProducerIdResponse { producer_id: id, ..Default::default() }
}

pub(crate) fn producer_id_error(code: ErrorCode) -> InitProducerIdResponse {
    InitProducerIdResponse { error_code: code.code(), ..Default::default() }
}

/// The same answer for every batch of the request.
pub(crate) fn produced(request: &ProduceRequest, code: ErrorCode, base_offset: i64) -> ProduceResponse {
    let answer = |data: &PartitionProduceData| PartitionProduceResponse {
        index: data.index,
        error_code: code.code(),
        base_offset: if code == ErrorCode::None { base_offset } else { -1 },
        ..Default::default()
    };
    let responses = request.topic_data.iter().map(|topic| TopicProduceResponse {
        name: topic.name.clone(),
        partition_responses: topic.partition_data.iter().map(answer).collect(),
        ..Default::default()
    });
    ProduceResponse { responses: responses.collect(), ..Default::default() }
}

/// The batches of a produce request: topic, partition, batch.
pub(crate) fn batches_of(request: &ProduceRequest) -> Vec<(String, i32, RecordBatch)> {
    let mut batches = Vec::new();
    for topic in &request.topic_data {
        for data in &topic.partition_data {
            let records = data.records.as_ref().expect("a batch");
            let batch = RecordBatch::decode(records).expect("a sound batch").expect("a whole batch");
            batches.push((topic.name.clone(), data.index, batch));
        }
    }
    batches
}

/// The one batch of a produce request.
pub(crate) fn batch_of(request: &ProduceRequest) -> RecordBatch {
    let mut batches = batches_of(request);
    assert_eq!(batches.len(), 1, "one batch is sent");
    batches.remove(0).2
}

/// The values of a batch's records.
pub(crate) fn values(batch: &RecordBatch) -> Vec<String> {
    let value = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).expect("the values of tests are text");
    let opened = batch.decompressed(1 << 20).expect("sound compression");
    let records = opened.records().expect("readable records");
    records.map(|record| value(record.expect("a sound record").value.unwrap_or_default())).collect()
}

/// A batch as it lies in a log: records with these values from this offset on.
pub(crate) fn stored(base_offset: i64, values: &[&str]) -> Bytes {
    stored_compressed(base_offset, values, Compression::None)
}

/// The same, compressed.
pub(crate) fn stored_compressed(base_offset: i64, values: &[&str], compression: Compression) -> Bytes {
    let mut builder = RecordBatchBuilder::new();
    for value in values {
        builder.append(None, Some(value.as_bytes()), std::iter::empty(), 1).expect("a small batch");
    }
    let sealed = builder.seal_compressed(ProducerStamp::NONE, compression);
    let batch = RecordBatch::decode(&sealed).expect("a sound batch").expect("a whole batch");
    batch.with_base_offset(base_offset, 1).bytes().clone()
}

/// A fetch response for one partition.
pub(crate) fn fetched(topic: &str, data: PartitionData) -> FetchResponse {
    let response =
        FetchableTopicResponse { topic: topic.into(), partitions: vec![data], ..Default::default() };
    FetchResponse { responses: vec![response], ..Default::default() }
}

/// What a partition gave: its records, and the end of its log.
pub(crate) fn data(partition: i32, high_watermark: i64, records: Bytes) -> PartitionData {
    PartitionData { partition_index: partition, high_watermark, records: Some(records), ..Default::default() }
}

/// A partition that gave an error.
pub(crate) fn data_error(partition: i32, code: ErrorCode) -> PartitionData {
    PartitionData { partition_index: partition, error_code: code.code(), ..Default::default() }
}

/// The answer to a look-up of one partition.
pub(crate) fn offset(topic: &str, partition: i32, offset: i64) -> ListOffsetsResponse {
    offsets(
        topic,
        vec![ListOffsetsPartitionResponse { partition_index: partition, offset, ..Default::default() }],
    )
}

pub(crate) fn offset_error(topic: &str, partition: i32, code: ErrorCode) -> ListOffsetsResponse {
    let answer = ListOffsetsPartitionResponse {
        partition_index: partition,
        error_code: code.code(),
        ..Default::default()
    };
    offsets(topic, vec![answer])
}

pub(crate) fn offsets(topic: &str, partitions: Vec<ListOffsetsPartitionResponse>) -> ListOffsetsResponse {
    let topics = vec![ListOffsetsTopicResponse { name: topic.into(), partitions }];
    ListOffsetsResponse { topics, ..Default::default() }
}
