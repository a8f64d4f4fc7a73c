//! The simulated cluster behind real sockets: the same answers through the bridge and straight over TCP.

use std::net::SocketAddr;

use bridge::{Bridge, Config};
use bytes::{Buf as _, Bytes};
use client_core::protocol::{
    ApiKey, ApiVersionsRequest, FetchPartition, FetchRequest, FetchTopic, MetadataRequest,
    MetadataRequestTopic, PartitionProduceData, ProduceRequest, Request, Response, TopicProduceData,
};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::support::{Client, Socket, bridge_to, guarded, nobody};

const FETCH_VERSION: i16 = 12;
const METADATA_VERSION: i16 = 9;
const PRODUCE_VERSION: i16 = 9;

async fn cluster(nodes: u16) -> Bridge {
    bridge_to(nobody().await, |config: &mut Config| {
        config.targets.clear();
        config.dev_broker = true;
        config.dev_broker_nodes = nodes;
    })
    .await
}

async fn through_bridge(bridge: &Bridge, node: SocketAddr) -> Socket {
    Client::of(bridge).target(&format!("?target={node}")).connect().await
}

fn encode(request: impl Into<Request>, version: i16, correlation_id: i32) -> Bytes {
    request.into().encode(version, correlation_id, Some("test")).unwrap().to_bytes()
}

/// The answer's frame, without its size.
async fn read_frame(socket: &mut TcpStream) -> Bytes {
    let size = guarded("an answer", socket.read_u32()).await.unwrap();
    let mut frame = vec![0; size as usize];
    guarded("the rest of an answer", socket.read_exact(&mut frame)).await.unwrap();
    frame.into()
}

fn decode(api_key: ApiKey, version: i16, correlation_id: i32, frame: Bytes) -> Response {
    let (header, response) = Response::decode(api_key, version, frame).unwrap();
    assert_eq!(header.correlation_id, correlation_id);
    response
}

fn metadata(topic: &str) -> MetadataRequest {
    let topic = MetadataRequestTopic { name: Some(topic.to_owned()), ..MetadataRequestTopic::default() };
    MetadataRequest { topics: Some(vec![topic]), ..MetadataRequest::default() }
}

/// Who is in the cluster, and who leads partition 0 of the topic.
fn cluster_and_leader(frame: Bytes, correlation_id: i32) -> (Vec<SocketAddr>, SocketAddr) {
    let response = decode(ApiKey::Metadata, METADATA_VERSION, correlation_id, frame);
    let Response::Metadata(response) = response else { panic!("expected Metadata, got {response:?}") };
    let address = |host: &str, port: i32| format!("{host}:{port}").parse::<SocketAddr>().unwrap();
    let mut brokers = response.brokers.clone();
    brokers.sort_by_key(|broker| broker.node_id);
    let partitions = &response.topics[0].partitions;
    let first = partitions.iter().find(|partition| partition.partition_index == 0).unwrap();
    let leader = brokers.iter().find(|broker| broker.node_id == first.leader_id).unwrap();
    let leader = address(&leader.host, leader.port);
    (brokers.iter().map(|broker| address(&broker.host, broker.port)).collect(), leader)
}

async fn leader(bridge: &Bridge, topic: &str) -> SocketAddr {
    let mut socket = TcpStream::connect(bridge.dev_brokers()[0]).await.unwrap();
    // Asking creates the topic; as with real brokers, only the next answer knows its partitions.
    let request = encode(metadata(topic), METADATA_VERSION, 1);
    socket.write_all(&[&request[..], &request].concat()).await.unwrap();
    read_frame(&mut socket).await;
    cluster_and_leader(read_frame(&mut socket).await, 1).1
}

fn fetch(topic: &str, max_wait_ms: i32) -> FetchRequest {
    let partition = FetchPartition { partition_max_bytes: 1 << 20, ..FetchPartition::default() };
    let topic = FetchTopic { topic: topic.to_owned(), partitions: vec![partition], ..FetchTopic::default() };
    FetchRequest { max_wait_ms, min_bytes: 1, topics: vec![topic], ..FetchRequest::default() }
}

fn fetched(frame: Bytes, correlation_id: i32) -> Bytes {
    let response = decode(ApiKey::Fetch, FETCH_VERSION, correlation_id, frame);
    let Response::Fetch(response) = response else { panic!("expected Fetch, got {response:?}") };
    let partition = &response.responses[0].partitions[0];
    assert_eq!(partition.error_code, 0);
    partition.records.clone().unwrap_or_default()
}

/// A record batch (magic 2) with one record of this value, from the public protocol guide.
fn batch(value: &[u8]) -> Bytes {
    let zigzag = |number: usize| u8::try_from(number * 2).unwrap();
    // attributes, timestamp delta, offset delta, no key, value, no headers
    let record = [&[0, 0, 0, 1, zigzag(value.len())][..], value, &[0]].concat();
    let checked = [
        &[0; 2][..],          // attributes
        &[0; 4],              // last offset delta
        &[0; 16],             // first and last timestamp
        &[0xff; 8],           // no producer id
        &[0xff; 2],           // no producer epoch
        &[0xff; 4],           // no sequence
        &1_i32.to_be_bytes(), // one record
        &[zigzag(record.len())],
        &record,
    ]
    .concat();
    let after_length = [&[0; 4][..], &[2], &crc32c(&checked).to_be_bytes(), &checked].concat();
    let length = i32::try_from(after_length.len()).unwrap();
    [&[0; 8][..], &length.to_be_bytes(), &after_length].concat().into()
}

fn crc32c(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0_u32, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| (crc >> 1) ^ (0x82f6_3b78 & (crc & 1).wrapping_neg()))
    })
}

#[tokio::test]
async fn the_cluster_advertises_its_real_listeners() {
    let bridge = cluster(3).await;
    let nodes = bridge.dev_brokers();
    assert_eq!(nodes.len(), 3);
    let request = encode(metadata("t"), METADATA_VERSION, 7);
    leader(&bridge, "t").await;

    let mut socket = TcpStream::connect(nodes[1]).await.unwrap();
    socket.write_all(&request).await.unwrap();
    let direct = cluster_and_leader(read_frame(&mut socket).await, 7);
    assert_eq!(direct.0, nodes);

    let mut socket = through_bridge(&bridge, nodes[2]).await;
    socket.send(&request).await;
    let size = socket.read_some(4).await;
    let mut answer = Bytes::from(size);
    let length = answer.get_u32() as usize;
    let mut frame = answer.to_vec();
    while frame.len() < length {
        frame.extend(socket.read_some(1).await);
    }
    assert_eq!(cluster_and_leader(frame.into(), 7), direct);
}

#[tokio::test]
async fn a_fetch_that_waits_is_woken_by_a_produce_through_the_bridge() {
    let bridge = cluster(3).await;
    let node = leader(&bridge, "t").await;
    let mut consumer = TcpStream::connect(node).await.unwrap();
    // What stands behind it waits too, and keeps its place.
    let requests = [encode(fetch("t", 600_000), FETCH_VERSION, 1), encode(fetch("t", 0), FETCH_VERSION, 2)];
    consumer.write_all(&requests.concat()).await.unwrap();

    let mut producer = through_bridge(&bridge, node).await;
    let partition = PartitionProduceData { index: 0, records: Some(batch(b"through the bridge")) };
    let topic = TopicProduceData {
        name: "t".to_owned(),
        partition_data: vec![partition],
        ..TopicProduceData::default()
    };
    let request =
        ProduceRequest { acks: -1, timeout_ms: 1000, topic_data: vec![topic], ..ProduceRequest::default() };
    producer.send(&encode(request, PRODUCE_VERSION, 1)).await;
    for correlation_id in [1, 2] {
        let records = fetched(read_frame(&mut consumer).await, correlation_id);
        assert!(records.windows(18).any(|window| window == b"through the bridge"), "{records:?}");
    }
}

#[tokio::test]
async fn a_fetch_that_waits_for_nothing_ends_by_the_clock() {
    let bridge = cluster(1).await;
    let node = leader(&bridge, "t").await;
    let mut consumer = TcpStream::connect(node).await.unwrap();
    consumer.write_all(&encode(fetch("t", 50), FETCH_VERSION, 1)).await.unwrap();
    assert!(fetched(read_frame(&mut consumer).await, 1).is_empty());
}

#[tokio::test]
async fn requests_in_one_piece_are_answered_in_order() {
    let bridge = cluster(1).await;
    let requests: Vec<Bytes> = (0..2000).map(|id| encode(ApiVersionsRequest::default(), 0, id)).collect();
    let mut socket = TcpStream::connect(bridge.dev_brokers()[0]).await.unwrap();
    let (mut read, mut write) = socket.split();
    let all = requests.concat();
    let sending = async {
        // In pieces which end nowhere in particular.
        for piece in all.chunks(997) {
            write.write_all(piece).await.unwrap();
        }
    };
    let receiving = async {
        for id in 0..2000 {
            let size = read.read_u32().await.unwrap();
            let mut frame = vec![0; size as usize];
            read.read_exact(&mut frame).await.unwrap();
            decode(ApiKey::ApiVersions, 0, id, frame.into());
        }
    };
    guarded("2000 answers", async { tokio::join!(sending, receiving) }).await;
}

#[tokio::test]
async fn nonsense_closes_the_connection_and_nothing_else() {
    let bridge = cluster(1).await;
    let node = bridge.dev_brokers()[0];
    for nonsense in [&[0xff; 8][..], b"GET / HTTP/1.1\r\n\r\n", &[0, 0, 0, 4, 0x7f, 0xff, 0, 0]] {
        let mut socket = TcpStream::connect(node).await.unwrap();
        socket.write_all(nonsense).await.unwrap();
        let mut answer = Vec::new();
        match guarded("being closed", socket.read_to_end(&mut answer)).await {
            Ok(_) => assert!(answer.is_empty(), "{answer:?}"),
            Err(error) => assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset),
        }
    }
    let mut through = through_bridge(&bridge, node).await;
    through.send(&[0xff; 8]).await;
    let ending = through.ending().await;
    assert!(ending == "1000 upstream-closed" || ending == "1011 upstream-failed problem=reset", "{ending}");
    leader(&bridge, "t").await;
}
