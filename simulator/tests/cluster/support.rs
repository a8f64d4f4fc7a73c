//! One side of a dialogue with a cluster.

pub(crate) use crate::batch::Batch;
use bytes::Bytes;
use client_core::ids::NodeId;
use client_core::protocol::{
    ErrorCode, FetchPartition, FetchRequest, FetchResponse, FetchTopic, PartitionData, PartitionProduceData,
    PartitionProduceResponse, ProduceRequest, ProduceResponse, Request, RequestMessage, Response,
    TopicProduceData,
};
use client_core::time::{Duration, Instant};
use simulator::cluster::{Cluster, ClusterCommand, ClusterConfig, ClusterOutput, LinkClosed, LinkId};

/// A cluster, the time, and what was said to it.
pub(crate) struct Dialogue {
    pub(crate) cluster: Cluster,
    pub(crate) now: Instant,
    links: u64,
    correlation_id: i32,
}

impl Dialogue {
    /// A cluster of so many nodes, b1:9092 and so on.
    pub(crate) fn with_nodes(nodes: u16) -> Self {
        Self::with(ClusterConfig::with_nodes(nodes))
    }

    pub(crate) fn with(config: ClusterConfig) -> Self {
        let cluster = Cluster::new(config, 42).unwrap();
        Self { cluster, now: Instant::from_millis(1_000), links: 0, correlation_id: 0 }
    }

    /// A cluster with one topic of one partition, led by the node that is returned.
    pub(crate) fn with_topic(nodes: u16, topic: &str) -> (Self, NodeId) {
        let mut dialogue = Self::with_nodes(nodes);
        dialogue.create(topic, 1);
        let leader = dialogue.leader(topic, 0);
        (dialogue, leader)
    }

    pub(crate) fn create(&mut self, topic: &str, partitions: i32) {
        self.command(ClusterCommand::CreateTopic {
            name: topic.into(),
            partitions: Some(partitions),
            replication: None,
        });
    }

    #[track_caller]
    pub(crate) fn command(&mut self, command: ClusterCommand) {
        self.cluster.command(self.now, command).unwrap();
    }

    pub(crate) fn leader(&self, topic: &str, partition: i32) -> NodeId {
        self.cluster.partition(topic, partition).unwrap().leader().unwrap()
    }

    /// Some node that does not lead the partition.
    pub(crate) fn other(&self, leader: NodeId) -> NodeId {
        self.cluster.nodes().map(|node| node.config.node_id).find(|&node_id| node_id != leader).unwrap()
    }

    pub(crate) fn open(&mut self, node_id: NodeId) -> LinkId {
        self.links += 1;
        let link = LinkId(self.links);
        self.cluster.accept(self.now, node_id, link).unwrap();
        link
    }

    /// Sends bytes as they are.
    pub(crate) fn send(&mut self, link: LinkId, bytes: impl Into<Bytes>) {
        self.cluster.receive(self.now, link, bytes.into());
    }

    /// Sends a request and returns its correlation id.
    pub(crate) fn request(&mut self, link: LinkId, version: i16, request: impl Into<Request>) -> i32 {
        self.correlation_id += 1;
        let frame = request.into().encode(version, self.correlation_id, Some("test")).unwrap();
        self.send(link, frame.to_bytes());
        self.correlation_id
    }

    /// Everything the cluster wants done.
    pub(crate) fn outputs(&mut self) -> Vec<ClusterOutput> {
        std::iter::from_fn(|| self.cluster.poll_output()).collect()
    }

    #[track_caller]
    pub(crate) fn expect_silence(&mut self) {
        assert_eq!(self.outputs(), []);
    }

    #[track_caller]
    pub(crate) fn expect_close(&mut self) -> LinkClosed {
        match <[_; 1]>::try_from(self.outputs()) {
            Ok([ClusterOutput::Close { why, .. }]) => why,
            other => panic!("expected a close and nothing else, got {other:?}"),
        }
    }

    /// The one reply, whole, with the expected correlation id.
    #[track_caller]
    pub(crate) fn expect_reply<M>(&mut self, version: i16, correlation_id: i32) -> M::Response
    where
        M: RequestMessage,
        M::Response: FromResponse,
    {
        let bytes = match <[_; 1]>::try_from(self.outputs()) {
            Ok([ClusterOutput::Send { bytes, .. }]) => bytes,
            other => panic!("expected one reply and nothing else, got {other:?}"),
        };
        decode::<M>(&bytes, version, correlation_id)
    }

    /// The one reply, behind which the link closes.
    #[track_caller]
    pub(crate) fn expect_reply_and_close<M>(
        &mut self,
        version: i16,
        correlation_id: i32,
        expected: &LinkClosed,
    ) -> M::Response
    where
        M: RequestMessage,
        M::Response: FromResponse,
    {
        let bytes = match <[_; 2]>::try_from(self.outputs()) {
            Ok([ClusterOutput::Send { bytes, .. }, ClusterOutput::Close { why, .. }]) if why == *expected => {
                bytes
            }
            other => panic!("expected one reply and then a close, got {other:?}"),
        };
        decode::<M>(&bytes, version, correlation_id)
    }

    /// Asks a node over a link of its own.
    #[track_caller]
    pub(crate) fn ask<M>(&mut self, node_id: NodeId, version: i16, message: M) -> M::Response
    where
        M: RequestMessage + Into<Request>,
        M::Response: FromResponse,
    {
        let link = self.open(node_id);
        let correlation_id = self.request(link, version, message);
        let reply = self.expect_reply::<M>(version, correlation_id);
        self.cluster.closed(self.now, link);
        reply
    }

    pub(crate) fn sleep(&mut self, duration: Duration) {
        self.now += duration;
    }

    /// Waits for the cluster's next deadline, and handles it.
    #[track_caller]
    pub(crate) fn timeout(&mut self) -> Duration {
        let deadline = self.cluster.poll_timeout().expect("the cluster waits for something");
        let waited = deadline - self.now;
        self.now = deadline;
        self.cluster.handle_timeout(deadline);
        waited
    }

    /// Appends a batch and returns the answer.
    #[track_caller]
    pub(crate) fn produce(
        &mut self,
        node_id: NodeId,
        topic: &str,
        batch: &Batch,
    ) -> PartitionProduceResponse {
        let response = self.ask(node_id, 9, produce(topic, 0, batch.encode()));
        produced(response)
    }

    /// Fetches from one partition without waiting.
    #[track_caller]
    pub(crate) fn fetch(&mut self, node_id: NodeId, version: i16, topic: &str, offset: i64) -> PartitionData {
        let response = self.ask(node_id, version, fetch(topic, offset));
        fetched(response)
    }
}

#[track_caller]
pub(crate) fn decode<M>(bytes: &Bytes, version: i16, correlation_id: i32) -> M::Response
where
    M: RequestMessage,
    M::Response: FromResponse,
{
    let size = i32::from_be_bytes(bytes[..4].try_into().unwrap());
    assert_eq!(size as usize, bytes.len() - 4, "the reply is one whole frame");
    let (header, response) = Response::decode(M::API_KEY, version, bytes.slice(4..)).unwrap();
    assert_eq!(header.correlation_id, correlation_id);
    M::Response::from_response(response)
}

/// Takes the message of one API out of the enum of all.
pub(crate) trait FromResponse {
    fn from_response(response: Response) -> Self;
}

macro_rules! from_response {
    ($($api:ident => $message:ident;)*) => {$(
        impl FromResponse for client_core::protocol::$message {
            fn from_response(response: Response) -> Self {
                match response {
                    Response::$api(message) => message,
                    other => panic!("expected a response of {}, got {other:?}", stringify!($api)),
                }
            }
        }
    )*};
}

from_response! {
    Produce => ProduceResponse;
    Fetch => FetchResponse;
    ListOffsets => ListOffsetsResponse;
    Metadata => MetadataResponse;
    FindCoordinator => FindCoordinatorResponse;
    ApiVersions => ApiVersionsResponse;
    InitProducerId => InitProducerIdResponse;
    SaslHandshake => SaslHandshakeResponse;
    SaslAuthenticate => SaslAuthenticateResponse;
    CreateTopics => CreateTopicsResponse;
    DeleteTopics => DeleteTopicsResponse;
    DeleteRecords => DeleteRecordsResponse;
    CreatePartitions => CreatePartitionsResponse;
}

pub(crate) fn produce(topic: &str, partition: i32, records: Bytes) -> ProduceRequest {
    ProduceRequest {
        acks: -1,
        timeout_ms: 1_000,
        topic_data: vec![TopicProduceData {
            name: topic.into(),
            partition_data: vec![PartitionProduceData { index: partition, records: Some(records) }],
            ..Default::default()
        }],
        ..Default::default()
    }
}

#[track_caller]
pub(crate) fn produced(response: ProduceResponse) -> PartitionProduceResponse {
    let [topic] = <[_; 1]>::try_from(response.responses).unwrap();
    let [partition] = <[_; 1]>::try_from(topic.partition_responses).unwrap();
    partition
}

pub(crate) fn fetch(topic: &str, fetch_offset: i64) -> FetchRequest {
    FetchRequest {
        max_bytes: 1 << 20,
        topics: vec![FetchTopic {
            topic: topic.into(),
            partitions: vec![FetchPartition {
                fetch_offset,
                partition_max_bytes: 1 << 20,
                ..Default::default()
            }],
            ..Default::default()
        }],
        ..Default::default()
    }
}

#[track_caller]
pub(crate) fn fetched(response: FetchResponse) -> PartitionData {
    assert_eq!(response.error_code, 0);
    let [topic] = <[_; 1]>::try_from(response.responses).unwrap();
    let [partition] = <[_; 1]>::try_from(topic.partitions).unwrap();
    partition
}

#[track_caller]
pub(crate) fn expect_error(code: i16, expected: ErrorCode) {
    assert_eq!(ErrorCode::from_code(code), expected);
}
