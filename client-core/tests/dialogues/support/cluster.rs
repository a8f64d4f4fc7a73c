//! A small cluster that answers by itself: logs, leaders, sequence numbers; enough to keep a client busy, and to be asked
//! afterwards what has been written.

use super::replies;
use super::sasl::SaslServer;
use bytes::{Bytes, BytesMut};
use client_core::protocol::record_batch::RecordBatch;
use client_core::protocol::*;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// Some brokers and what they store.
#[derive(Default)]
pub(crate) struct Cluster {
    /// Whether brokers compare whom a client means with who they are (KIP-1242).
    pub(crate) compares_nodes: bool,
    /// Its id, as metadata tells it.
    pub(crate) id: String,
    hosts: Vec<String>,
    down: BTreeSet<String>,
    black_holes: BTreeSet<String>,
    lies_about: BTreeSet<String>,
    pub(crate) topics: BTreeMap<String, Vec<Log>>,
    /// Errors to answer produce requests with, before they are carried out.
    pub(crate) produce_errors: VecDeque<ErrorCode>,
    /// The same for fetches.
    pub(crate) fetch_errors: VecDeque<ErrorCode>,
    /// Whether fetches are answered though there is nothing to fetch.
    pub(crate) impatient: bool,
    /// Larger batches are refused.
    pub(crate) batch_size_max: Option<usize>,
    /// Asks who comes, when set.
    pub(crate) sasl: Option<SaslServer>,
    /// Who is in charge of topics.
    pub(crate) controller: i32,
    /// Errors to answer the controller's requests with, before they are carried out.
    pub(crate) admin_errors: VecDeque<ErrorCode>,
    next_producer_id: i64,
}

/// One partition.
#[derive(Default)]
pub(crate) struct Log {
    pub(crate) leader: i32,
    pub(crate) epoch: i32,
    pub(crate) start: i64,
    pub(crate) batches: Vec<RecordBatch>,
    /// By producer id: the epoch, and each batch that was appended in it.
    producers: BTreeMap<i64, (i16, Vec<Appended>)>,
}

/// A batch's first sequence number, how many records it has, and its first offset.
type Appended = (i32, i32, i64);

impl Cluster {
    pub(crate) fn new(hosts: &str) -> Self {
        Self {
            id: "test".into(),
            hosts: hosts.split_whitespace().map(String::from).collect(),
            next_producer_id: 1_000,
            controller: 1,
            ..Self::default()
        }
    }

    /// Adds a topic whose partitions are led by these nodes.
    pub(crate) fn topic(&mut self, name: &str, leaders: &[i32]) {
        self.topics.insert(name.into(), leaders.iter().map(|leader| Log::led_by(*leader)).collect());
    }

    pub(crate) fn log(&mut self, topic: &str, partition: usize) -> &mut Log {
        &mut self.topics.get_mut(topic).unwrap()[partition]
    }

    /// Makes another node the leader.
    pub(crate) fn elect(&mut self, topic: &str, partition: usize, leader: i32) {
        let log = self.log(topic, partition);
        log.leader = leader;
        log.epoch += 1;
    }

    pub(crate) fn set_up(&mut self, host: &str, up: bool) {
        if up {
            self.down.remove(host)
        } else {
            self.down.insert(host.into())
        };
    }

    pub(crate) fn is_up(&self, host: &str) -> bool {
        !self.down.contains(host)
    }

    /// A host that never answers an attempt to connect.
    pub(crate) fn set_black_hole(&mut self, host: &str, black: bool) {
        if black {
            self.black_holes.insert(host.into())
        } else {
            self.black_holes.remove(host)
        };
    }

    pub(crate) fn is_black_hole(&self, host: &str) -> bool {
        self.black_holes.contains(host)
    }

    /// All values of a partition, in order.
    pub(crate) fn values(&self, topic: &str, partition: usize) -> Vec<String> {
        self.topics[topic][partition].batches.iter().flat_map(replies::values).collect()
    }

    /// The hosts have other numbers now: the first is node 1.
    pub(crate) fn rename(&mut self, hosts: &str) {
        self.hosts = hosts.split_whitespace().map(String::from).collect();
    }

    /// Metadata names the host under its number, and whoever is there is somebody else.
    pub(crate) fn lies_about(&mut self, host: &str) {
        self.lies_about.insert(host.into());
    }

    /// `None` when the request has to wait; `Some(None)` when it is not answered at all.
    pub(crate) fn answer(&mut self, host: &str, request: &Request, hurry: bool) -> Option<Option<Response>> {
        let node = self.hosts.iter().position(|it| it == host).map_or(-1, |index| index as i32 + 1);
        Some(Some(match request {
            Request::ApiVersions(request) => self.versions(host, node, request).into(),
            Request::Metadata(request) => self.metadata(request).into(),
            Request::InitProducerId(_) => {
                self.next_producer_id += 1;
                replies::producer_id(self.next_producer_id).into()
            }
            Request::Produce(request) => {
                let response = self.produce(node, request);
                return Some((request.acks != 0).then(|| response.into()));
            }
            Request::Fetch(request) => {
                let response = self.fetch(node, request);
                let empty =
                    response.responses.iter().flat_map(|topic| &topic.partitions).all(|data| {
                        data.error_code == 0 && data.records.as_ref().is_none_or(Bytes::is_empty)
                    });
                if empty && !hurry && !self.impatient {
                    return None;
                }
                response.into()
            }
            Request::ListOffsets(request) => self.list_offsets(node, request).into(),
            Request::CreateTopics(_) | Request::DeleteTopics(_) | Request::CreatePartitions(_) => {
                self.administer(node, request)
            }
            Request::DescribeConfigs(request) => Self::describe_configs(node, request).into(),
            Request::IncrementalAlterConfigs(request) => Self::alter_configs(request).into(),
            Request::DeleteRecords(request) => self.delete_records(node, request).into(),
            Request::FindCoordinator(_) => panic!("nothing in this slice asks for coordinators"),
            Request::SaslHandshake(request) => self.sasl_server().handshake(host, request).into(),
            Request::SaslAuthenticate(request) => self.sasl_server().authenticate(host, request).into(),
        }))
    }

    /// From version 5 on the client may say whom it means (KIP-1242).
    fn versions(&self, host: &str, node: i32, request: &ApiVersionsRequest) -> ApiVersionsResponse {
        let right = |cluster: &String| {
            *cluster == self.id && request.node_id == node && !self.lies_about.contains(host)
        };
        if !self.compares_nodes {
            return replies::versions();
        }
        if request.cluster_id.as_ref().is_none_or(right) {
            return replies::versions_comparing();
        }
        replies::versions_error(ErrorCode::RebootstrapRequired)
    }

    fn sasl_server(&mut self) -> &mut SaslServer {
        self.sasl.as_mut().expect("the client authenticates where it is asked to")
    }

    /// As if the partition had got a batch of the only producer that writes to it, up to this sequence number.
    pub(crate) fn accept_next_sequence(&mut self, topic: &str, partition: usize, next: i32) {
        let log = self.log(topic, partition);
        let offset = log.end() - 1;
        for (_, known) in log.producers.values_mut() {
            known.push((next - 1, 1, offset));
        }
    }

    fn metadata(&self, request: &MetadataRequest) -> MetadataResponse {
        let hosts: Vec<&str> = self.hosts.iter().map(String::as_str).collect();
        let mut response = replies::metadata(&hosts.join(" "), &[]);
        response.cluster_id = Some(self.id.clone());
        // Only brokers that are up are named; when none is, the one that answers thinks it is.
        response.brokers.retain(|broker| self.is_up(&broker.host));
        response.controller_id = self.controller;
        let named =
            |topics: &Vec<MetadataRequestTopic>| topics.iter().filter_map(|it| it.name.clone()).collect();
        let asked = request.topics.as_ref().map_or_else(|| self.topics.keys().cloned().collect(), named);
        let asked: Vec<String> = asked;
        for name in asked {
            let Some(logs) = self.topics.get(&name) else {
                response.topics.push(replies::topic_error(&name, ErrorCode::UnknownTopicOrPartition));
                continue;
            };
            let partitions = logs.iter().enumerate().map(|(index, log)| MetadataResponsePartition {
                partition_index: index as i32,
                leader_id: log.leader,
                leader_epoch: log.epoch,
                ..Default::default()
            });
            response.topics.push(MetadataResponseTopic {
                name: Some(name),
                topic_id: Uuid([7; 16]),
                partitions: partitions.collect(),
                ..Default::default()
            });
        }
        response
    }

    fn produce(&mut self, node: i32, request: &ProduceRequest) -> ProduceResponse {
        let too_large = |batch: &(String, i32, RecordBatch)| {
            self.batch_size_max.is_some_and(|most| batch.2.bytes().len() > most)
        };
        if replies::batches_of(request).iter().any(too_large) {
            return replies::produced(request, ErrorCode::MessageTooLarge, -1);
        }
        if let Some(code) = self.produce_errors.pop_front() {
            return replies::produced(request, code, -1);
        }
        let mut response = replies::produced(request, ErrorCode::None, 0);
        for (topic, data) in response.responses.iter_mut().zip(&request.topic_data) {
            for (answer, data) in topic.partition_responses.iter_mut().zip(&data.partition_data) {
                let records = data.records.clone().expect("a batch");
                let batch = RecordBatch::decode(&records).expect("a sound batch").expect("a whole batch");
                let log = self.topics.get_mut(&topic.name).and_then(|logs| logs.get_mut(data.index as usize));
                match log {
                    None => answer.error_code = ErrorCode::UnknownTopicOrPartition.code(),
                    Some(log) if log.leader != node => {
                        answer.error_code = ErrorCode::NotLeaderOrFollower.code();
                    }
                    Some(log) => match log.append(batch) {
                        Ok(offset) => answer.base_offset = offset,
                        Err(code) => answer.error_code = code.code(),
                    },
                }
            }
        }
        response
    }

    fn fetch(&mut self, node: i32, request: &FetchRequest) -> FetchResponse {
        let error = self.fetch_errors.pop_front();
        let mut response = FetchResponse::default();
        for topic in &request.topics {
            let mut partitions = Vec::new();
            for asked in &topic.partitions {
                let log = self.topics.get(&topic.topic).and_then(|logs| logs.get(asked.partition as usize));
                let data = match (error, log) {
                    (Some(code), _) => replies::data_error(asked.partition, code),
                    (None, None) => replies::data_error(asked.partition, ErrorCode::UnknownTopicOrPartition),
                    (None, Some(log)) if log.leader != node => {
                        replies::data_error(asked.partition, ErrorCode::NotLeaderOrFollower)
                    }
                    (None, Some(log)) if asked.fetch_offset < log.start || asked.fetch_offset > log.end() => {
                        replies::data_error(asked.partition, ErrorCode::OffsetOutOfRange)
                    }
                    (None, Some(log)) => {
                        let records = log.read(asked.fetch_offset, asked.partition_max_bytes as usize);
                        replies::data(asked.partition, log.end(), records)
                    }
                };
                partitions.push(data);
            }
            response.responses.push(FetchableTopicResponse {
                topic: topic.topic.clone(),
                partitions,
                ..Default::default()
            });
        }
        response
    }

    fn list_offsets(&self, node: i32, request: &ListOffsetsRequest) -> ListOffsetsResponse {
        let mut response = ListOffsetsResponse::default();
        for topic in &request.topics {
            let mut answers = replies::offsets(&topic.name, Vec::new());
            for asked in &topic.partitions {
                let log =
                    self.topics.get(&topic.name).and_then(|logs| logs.get(asked.partition_index as usize));
                let mut answer = ListOffsetsPartitionResponse {
                    partition_index: asked.partition_index,
                    ..Default::default()
                };
                match log {
                    None => answer.error_code = ErrorCode::UnknownTopicOrPartition.code(),
                    Some(log) if log.leader != node => {
                        answer.error_code = ErrorCode::NotLeaderOrFollower.code();
                    }
                    Some(log) if asked.timestamp == EARLIEST_TIMESTAMP => answer.offset = log.start,
                    Some(log) => answer.offset = log.end(),
                }
                answers.topics[0].partitions.push(answer);
            }
            response.topics.append(&mut answers.topics);
        }
        response
    }
}

impl Log {
    pub(super) fn led_by(leader: i32) -> Self {
        Self { leader, epoch: 1, ..Self::default() }
    }

    pub(crate) fn end(&self) -> i64 {
        self.batches.last().map_or(self.start, RecordBatch::next_offset)
    }

    /// Adds a batch of records, as if another producer had written it.
    pub(crate) fn write(&mut self, values: &[&str]) {
        let bytes = replies::stored(self.end(), values);
        self.batches.push(RecordBatch::decode(&bytes).unwrap().unwrap());
    }

    /// Deletes the oldest batches.
    pub(crate) fn delete_before(&mut self, offset: i64) {
        self.batches.retain(|batch| batch.base_offset() >= offset);
        self.start = self.batches.first().map_or(offset, RecordBatch::base_offset);
    }

    /// Appends a batch as an idempotent broker does. Of a producer that it does not know, it takes any number.
    fn append(&mut self, batch: RecordBatch) -> Result<i64, ErrorCode> {
        let offset = self.end();
        let count = batch.record_count();
        let first = batch.base_sequence();
        if batch.producer_id() >= 0 {
            let new = (batch.producer_epoch(), Vec::new());
            let (epoch, known) = self.producers.entry(batch.producer_id()).or_insert(new);
            if batch.producer_epoch() < *epoch {
                return Err(ErrorCode::InvalidProducerEpoch);
            }
            if batch.producer_epoch() > *epoch {
                if first != 0 {
                    return Err(ErrorCode::OutOfOrderSequenceNumber);
                }
                (*epoch, *known) = (batch.producer_epoch(), Vec::new());
            }
            if let Some((_, _, appended)) =
                known.iter().rev().take(5).find(|it| (it.0, it.1) == (first, count))
            {
                return Ok(*appended);
            }
            if let Some((last, records, _)) = known.last()
                && last + records != first
            {
                return Err(ErrorCode::OutOfOrderSequenceNumber);
            }
            known.push((first, count, offset));
        }
        self.batches.push(batch.with_base_offset(offset, self.epoch));
        Ok(offset)
    }

    fn read(&self, offset: i64, bytes_max: usize) -> Bytes {
        let mut read = BytesMut::new();
        for batch in self.batches.iter().filter(|batch| batch.next_offset() > offset) {
            if !read.is_empty() && read.len() + batch.bytes().len() > bytes_max {
                break;
            }
            read.extend_from_slice(batch.bytes());
        }
        read.freeze()
    }
}
