//! Talks to a real Kafka broker in every version of every API we speak, and saves what went to and fro.
//!
//! `cargo xtask kafka up`, then
//! `cargo run -p client-core --example capture_golden -- 127.0.0.1:PORT 127.0.0.1:PORT client-core/tests/golden`
//! with the ports of `plaintext.1` and `sasl_plaintext.1`. See client-core/tests/golden/README.md.

#![expect(clippy::print_stdout, reason = "says what it has captured")]

use std::error::Error;
use std::fmt::Write as _;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use client_core::protocol::record_batch::{ProducerStamp, RecordBatchBuilder, RecordHeader};
use client_core::protocol::{
    AlterConfigsResource, AlterableConfig, ApiKey, ApiVersionsRequest, CreatableTopic, CreatableTopicConfig,
    CreatePartitionsRequest, CreatePartitionsTopic, CreateTopicsRequest, DeleteRecordsPartition,
    DeleteRecordsRequest, DeleteRecordsTopic, DeleteTopicState, DeleteTopicsRequest, DescribeConfigsRequest,
    DescribeConfigsResource, EARLIEST_TIMESTAMP, ErrorCode, FetchPartition, FetchRequest, FetchTopic,
    FindCoordinatorRequest, FrameDecoder, IncrementalAlterConfigsRequest, InitProducerIdRequest,
    ListOffsetsPartition, ListOffsetsRequest, ListOffsetsTopic, MetadataRequest, MetadataRequestTopic,
    PartitionProduceData, ProduceRequest, Request, Response, SaslAuthenticateRequest, SaslHandshakeRequest,
    TopicProduceData, Uuid,
};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

const TOPIC: &str = "golden";
const CLIENT_ID: &str = "golden-client";
const FRAME_SIZE_MAX: usize = 10 << 20;
const PATIENCE: Duration = Duration::from_secs(20);
const ATTEMPTS: usize = 100;
const PAUSE: Duration = Duration::from_millis(200);

fn main() -> Result<()> {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let [address, sasl_address, folder] = arguments.as_slice() else {
        return Err(
            "expected three arguments: two addresses of a broker, the second one with SASL, and a folder"
                .into(),
        );
    };
    let mut broker = Broker::connect(address)?;
    let topic_id = broker.wait_for_topic()?;
    for api_key in ApiKey::ALL {
        let mut lines = String::new();
        for version in api_key.versions().iter().filter(|version| !newer_than_the_broker(api_key, *version)) {
            if api_key == ApiKey::SaslHandshake || api_key == ApiKey::SaslAuthenticate {
                // These are said once a connection, one after the other.
                let mut broker = Broker::connect(sasl_address)?;
                let handshake =
                    broker.exchange_until_settled(&request(ApiKey::SaslHandshake, 1, topic_id)?, 1)?;
                let (sent, received) = if api_key == ApiKey::SaslHandshake {
                    handshake
                } else {
                    broker.exchange_until_settled(&request(api_key, version, topic_id)?, version)?
                };
                writeln!(lines, "request {version} {}", hex(&sent))?;
                writeln!(lines, "response {version} {}", hex(&received))?;
                continue;
            }
            let (sent, received) =
                broker.exchange_until_settled(&request(api_key, version, topic_id)?, version)?;
            writeln!(lines, "request {version} {}", hex(&sent))?;
            writeln!(lines, "response {version} {}", hex(&received))?;
        }
        if api_key == ApiKey::ApiVersions {
            // A version no broker knows: the answer comes in version 0.
            let newest = 4;
            let known =
                request(api_key, newest, topic_id)?.encode(newest, broker.next_id(), Some(CLIENT_ID))?;
            let mut unknown = known.to_bytes().to_vec();
            unknown[6..8].copy_from_slice(&i16::MAX.to_be_bytes());
            let (_, received) = broker.exchange(unknown.into())?;
            writeln!(lines, "response {newest} {}", hex(&received))?;
        }
        let file = Path::new(folder).join(format!("{}.hex", api_key.name()));
        println!("{}: {} bytes", file.display(), lines.len());
        std::fs::write(file, lines)?;
    }
    Ok(())
}

/// Version 5 of ApiVersions came with Kafka 4.4 (KIP-1242); the bytes are those of 4.3.
fn newer_than_the_broker(api_key: ApiKey, version: i16) -> bool {
    api_key == ApiKey::ApiVersions && version == 5
}

/// One request of every API, with something in it that a broker can answer.
fn request(api_key: ApiKey, version: i16, topic_id: Uuid) -> Result<Request> {
    // Topics have a name or an id, as the version wants it.
    let by_id = (api_key == ApiKey::Produce || api_key == ApiKey::Fetch) && version >= 13;
    let (name, topic_id) = if by_id { (String::new(), topic_id) } else { (TOPIC.to_owned(), Uuid::ZERO) };
    Ok(match api_key {
        ApiKey::ApiVersions => ApiVersionsRequest {
            client_software_name: "golden".into(),
            client_software_version: "1.0".into(),
            ..Default::default()
        }
        .into(),
        ApiKey::Metadata => {
            let topics = [TOPIC, "there-is-no-such-topic"]
                .map(|name| MetadataRequestTopic { topic_id: Uuid::ZERO, name: Some(name.to_owned()) });
            // Up to version 3 a broker would create what it is asked for.
            let topics = topics.into_iter().take(if version < 4 { 1 } else { 2 }).collect();
            MetadataRequest {
                topics: Some(topics),
                allow_auto_topic_creation: version < 4,
                include_topic_authorized_operations: version >= 8,
                ..Default::default()
            }
            .into()
        }
        ApiKey::SaslHandshake => SaslHandshakeRequest { mechanism: "SCRAM-SHA-256".into() }.into(),
        ApiKey::SaslAuthenticate => {
            // The first message of SCRAM, with the user that `cargo xtask kafka` makes.
            SaslAuthenticateRequest { auth_bytes: Bytes::from_static(b"n,,n=alice,r=goldennonce") }.into()
        }
        ApiKey::InitProducerId => {
            InitProducerIdRequest { transaction_timeout_ms: 60_000, ..Default::default() }.into()
        }
        ApiKey::FindCoordinator if version < 4 => {
            FindCoordinatorRequest { key: "golden-group".into(), ..Default::default() }.into()
        }
        ApiKey::FindCoordinator => FindCoordinatorRequest {
            coordinator_keys: vec!["golden-group".into(), "another-group".into()],
            ..Default::default()
        }
        .into(),
        ApiKey::CreateTopics => {
            let topic = |name: &str| CreatableTopic {
                name: name.into(),
                num_partitions: 1,
                replication_factor: 1,
                configs: vec![CreatableTopicConfig {
                    name: "retention.ms".into(),
                    value: Some("1000".into()),
                }],
                ..Default::default()
            };
            // Checked only, so that every version finds the same.
            let topics = vec![topic("another"), topic(TOPIC)];
            CreateTopicsRequest { topics, validate_only: true, ..Default::default() }.into()
        }
        ApiKey::DeleteTopics => {
            let name = "there-is-no-such-topic".to_owned();
            let topics = vec![DeleteTopicState { name: Some(name.clone()), ..Default::default() }];
            DeleteTopicsRequest { topics, topic_names: vec![name], timeout_ms: 10_000 }.into()
        }
        ApiKey::DeleteRecords => {
            let partition = |partition_index| DeleteRecordsPartition { partition_index, offset: 0 };
            let topics = vec![DeleteRecordsTopic { name, partitions: vec![partition(0), partition(99)] }];
            DeleteRecordsRequest { topics, timeout_ms: 10_000 }.into()
        }
        ApiKey::DescribeConfigs => {
            let resource = DescribeConfigsResource {
                resource_type: 2,
                resource_name: name,
                configuration_keys: Some(vec!["cleanup.policy".into()]),
            };
            let include_documentation = version >= 3;
            DescribeConfigsRequest {
                resources: vec![resource],
                include_synonyms: true,
                include_documentation,
            }
            .into()
        }
        ApiKey::CreatePartitions => {
            let topic = |name: &str| CreatePartitionsTopic { name: name.into(), count: 5, assignments: None };
            let topics = vec![topic(TOPIC), topic("there-is-no-such-topic")];
            CreatePartitionsRequest { topics, timeout_ms: 10_000, validate_only: true }.into()
        }
        ApiKey::IncrementalAlterConfigs => {
            let resource = |name: &str| AlterConfigsResource {
                resource_type: 2,
                resource_name: name.into(),
                configs: vec![AlterableConfig {
                    name: "retention.ms".into(),
                    config_operation: 0,
                    value: Some("1000".into()),
                }],
            };
            let resources = vec![resource(TOPIC), resource("there-is-no-such-topic")];
            IncrementalAlterConfigsRequest { resources, validate_only: true }.into()
        }
        ApiKey::Produce => {
            let partition =
                |index| -> Result<_> { Ok(PartitionProduceData { index, records: Some(batch()?) }) };
            ProduceRequest {
                acks: -1,
                timeout_ms: 10_000,
                // The second partition does not exist.
                topic_data: vec![TopicProduceData {
                    name,
                    topic_id,
                    partition_data: vec![partition(0)?, partition(99)?],
                }],
                ..Default::default()
            }
            .into()
        }
        ApiKey::ListOffsets => {
            let partition = |partition_index| ListOffsetsPartition {
                partition_index,
                timestamp: EARLIEST_TIMESTAMP,
                ..Default::default()
            };
            ListOffsetsRequest {
                topics: vec![ListOffsetsTopic { name, partitions: vec![partition(0), partition(99)] }],
                timeout_ms: if version >= 10 { 10_000 } else { 0 },
                ..Default::default()
            }
            .into()
        }
        ApiKey::Fetch => {
            let partition = |partition, fetch_offset| FetchPartition {
                partition,
                fetch_offset,
                partition_max_bytes: 300,
                ..Default::default()
            };
            FetchRequest {
                max_wait_ms: 100,
                min_bytes: 1,
                max_bytes: 1000,
                topics: vec![FetchTopic {
                    topic: name,
                    topic_id,
                    partitions: vec![partition(0, 0), partition(99, 0)],
                }],
                ..Default::default()
            }
            .into()
        }
    })
}

/// Two records: one with everything, one with nothing.
fn batch() -> Result<Bytes> {
    let headers = [("trace", Some(&b"1"[..])), ("trace", Some(b"2")), ("empty", None)]
        .map(|(key, value)| RecordHeader { key: key.as_bytes(), value });
    let mut builder = RecordBatchBuilder::new();
    builder.append(Some(b"key"), Some(b"value"), headers.into_iter(), 1_700_000_000_000)?;
    builder.append(None, None, std::iter::empty(), 1_700_000_000_123)?;
    Ok(builder.seal(ProducerStamp::NONE))
}

struct Broker {
    stream: TcpStream,
    frames: FrameDecoder,
    exchanges: i32,
}

impl Broker {
    fn connect(address: &str) -> Result<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        Ok(Self { stream, frames: FrameDecoder::new(FRAME_SIZE_MAX), exchanges: 0 })
    }

    fn next_id(&self) -> i32 {
        self.exchanges
    }

    /// Sends a frame and returns it with the one that answers it, sizes included.
    fn exchange(&mut self, frame: Bytes) -> Result<(Bytes, Bytes)> {
        self.exchanges += 1;
        self.stream.write_all(&frame)?;
        let mut chunk = [0; 4096];
        loop {
            if let Some(answer) = self.frames.next_frame()? {
                let size = u32::try_from(answer.len())?.to_be_bytes();
                return Ok((frame, [&size[..], &answer[..]].concat().into()));
            }
            let length = self.stream.read(&mut chunk)?;
            if length == 0 {
                return Err("the broker has closed the connection".into());
            }
            self.frames.push(Bytes::copy_from_slice(&chunk[..length]));
        }
    }

    /// Asks again while the broker says that it is not ready yet, as it does just after it has started.
    fn exchange_until_settled(&mut self, request: &Request, version: i16) -> Result<(Bytes, Bytes)> {
        for _ in 0..ATTEMPTS {
            let frame = request.encode(version, self.next_id(), Some(CLIENT_ID))?.to_bytes();
            let (sent, received) = self.exchange(frame)?;
            let (_, response) = Response::decode(request.api_key(), version, received.slice(4..))?;
            if !ErrorCode::from_code(first_error(&response)).is_retriable() {
                return Ok((sent, received));
            }
            std::thread::sleep(PAUSE);
        }
        Err(format!("the broker does not get ready for {}", request.api_key()).into())
    }

    /// Creates the topic if need be, and waits until it has a leader.
    fn wait_for_topic(&mut self) -> Result<Uuid> {
        const VERSION: i16 = 12;
        for _ in 0..ATTEMPTS {
            let topic = MetadataRequestTopic { name: Some(TOPIC.into()), ..Default::default() };
            let request = Request::from(MetadataRequest { topics: Some(vec![topic]), ..Default::default() });
            let frame = request.encode(VERSION, self.next_id(), Some(CLIENT_ID))?.to_bytes();
            let (_, received) = self.exchange(frame)?;
            let (_, response) = Response::decode(ApiKey::Metadata, VERSION, received.slice(4..))?;
            if let Response::Metadata(response) = response
                && let [topic] = response.topics.as_slice()
                && topic.error_code == 0
            {
                return Ok(topic.topic_id);
            }
            std::thread::sleep(PAUSE);
        }
        Err(format!("topic {TOPIC} has no leader").into())
    }
}

/// The error of what was asked for first, which is always something that exists.
fn first_error(response: &Response) -> i16 {
    match response {
        Response::Produce(response) => {
            let partitions = &response.responses[0].partition_responses;
            partitions
                .iter()
                .find(|partition| partition.index == 0)
                .map_or(0, |partition| partition.error_code)
        }
        Response::FindCoordinator(response) => {
            response.coordinators.first().map_or(response.error_code, |coordinator| coordinator.error_code)
        }
        Response::InitProducerId(response) => response.error_code,
        Response::SaslHandshake(response) => response.error_code,
        Response::SaslAuthenticate(response) => response.error_code,
        Response::Fetch(_)
        | Response::ListOffsets(_)
        | Response::Metadata(_)
        | Response::ApiVersions(_)
        | Response::CreateTopics(_)
        | Response::DeleteTopics(_)
        | Response::DeleteRecords(_)
        | Response::DescribeConfigs(_)
        | Response::CreatePartitions(_)
        | Response::IncrementalAlterConfigs(_) => 0,
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing into a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
