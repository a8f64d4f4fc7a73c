//! One of the two brokers: a real one over TCP, or a simulated one in this process.

use crate::mask::mask;
use bytes::Bytes;
use client_core::ids::NodeId;
use client_core::protocol::{
    ApiKey, ApiVersionsRequest, ErrorCode, ListOffsetsPartition, ListOffsetsRequest, ListOffsetsTopic,
    MetadataRequest, MetadataRequestTopic, Request, Response, ResponseHeader, Uuid, VersionRange,
};
use client_core::time::Instant;
use simulator::cluster::{Cluster, ClusterConfig, ClusterOutput, LinkId, SaslConfig, SaslMechanism};
use std::collections::BTreeMap;
use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

/// What a broker does about a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Heard {
    /// It replies; masked.
    Reply(Box<Response>),
    /// It replies with something else than expected.
    Undecodable(String),
    /// It replies nothing, and goes on.
    Nothing,
    /// It closes the connection.
    Closed,
    /// It does not answer for so long that it never will.
    Silence,
}

/// One of the two brokers, and what it has given out.
pub(crate) struct Side {
    transport: Transport,
    correlation_id: i32,
    topic_ids: BTreeMap<String, Uuid>,
    /// The producer ids given out, in order.
    pub(crate) producers: Vec<i64>,
}

impl Side {
    pub(crate) fn real(address: &str) -> Self {
        Self::new(Transport::Real { address: address.into(), stream: None })
    }

    /// The same, asking who comes as the real one's listener for SASL does.
    pub(crate) fn asking(username: &str, password: &str) -> Self {
        let sasl = SaslConfig::with_user(&SaslMechanism::ALL, username, password);
        Self::of(ClusterConfig { sasl: Some(sasl), ..ClusterConfig::with_nodes(1) })
    }

    pub(crate) fn simulated() -> Self {
        // As `cargo xtask kafka up` configures the real one.
        Self::of(ClusterConfig { default_partitions: 3, ..ClusterConfig::with_nodes(1) })
    }

    fn of(mut config: ClusterConfig) -> Self {
        // Version 5 came with Kafka 4.4; the real one is 4.3.
        config.api_versions.insert(ApiKey::ApiVersions, Some(VersionRange::new(0, 4)));
        let cluster = Box::new(Cluster::new(config, 7).unwrap());
        Self::new(Transport::Simulated { cluster, now: Instant::ZERO, link: None, links: 0 })
    }

    fn new(transport: Transport) -> Self {
        Self { transport, correlation_id: 0, topic_ids: BTreeMap::new(), producers: Vec::new() }
    }

    /// The topic's id.
    #[track_caller]
    pub(crate) fn topic_id(&self, name: &str) -> Uuid {
        self.topic_ids[name]
    }

    /// Creates a topic by asking for it, and waits until every partition has a leader.
    pub(crate) fn create(&mut self, name: &str) {
        let topic = MetadataRequestTopic { name: Some(name.into()), ..Default::default() };
        let request = Request::from(MetadataRequest { topics: Some(vec![topic]), ..Default::default() });
        for _ in 0..200 {
            let Some(Response::Metadata(response)) = self.exchange(12, &request).ok().flatten() else {
                panic!("expected metadata of {name}");
            };
            let topic = &response.topics[0];
            let ready = topic.partitions.iter().all(|partition| partition.error_code == 0);
            if topic.error_code == 0 && ready && self.leaders_know(name, topic.partitions.len()) {
                self.topic_ids.insert(name.into(), topic.topic_id);
                return;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        panic!("{name} was not created in time");
    }

    /// Whether the leaders answer for their partitions: they learn of new ones a moment after everybody else.
    fn leaders_know(&mut self, name: &str, partitions: usize) -> bool {
        const LATEST: i64 = -1;
        let partitions = (0..).take(partitions).map(|partition_index| ListOffsetsPartition {
            partition_index,
            timestamp: LATEST,
            ..Default::default()
        });
        let topic = ListOffsetsTopic { name: name.into(), partitions: partitions.collect() };
        let request = Request::from(ListOffsetsRequest { topics: vec![topic], ..Default::default() });
        let Some(Response::ListOffsets(response)) = self.exchange(7, &request).ok().flatten() else {
            panic!("expected offsets of {name}");
        };
        response.topics[0].partitions.iter().all(|partition| partition.error_code == 0)
    }

    /// Ends the connection.
    pub(crate) fn hang_up(&mut self) {
        self.transport.disconnect();
    }

    fn is_real(&self) -> bool {
        matches!(self.transport, Transport::Real { .. })
    }

    /// Asks, and masks the answer.
    pub(crate) fn ask(&mut self, version: i16, request: &Request) -> Heard {
        let mut answer = self.exchange(version, request);
        // A coordinator that has just got its part of the internal topic says so for a moment.
        for _ in 0..200 {
            let Ok(Some(Response::InitProducerId(response))) = &answer else { break };
            let loading =
                [ErrorCode::CoordinatorLoadInProgress, ErrorCode::NotCoordinator].map(ErrorCode::code);
            if !self.is_real() || !loading.contains(&response.error_code) {
                break;
            }
            std::thread::sleep(Duration::from_millis(50));
            answer = self.exchange(version, request);
        }
        match answer {
            Ok(Some(response)) => {
                if let Response::InitProducerId(response) = &response
                    && response.error_code == 0
                    && !self.producers.contains(&response.producer_id)
                {
                    self.producers.push(response.producer_id);
                }
                Heard::Reply(Box::new(mask(response, &self.producers)))
            }
            Ok(None) => Heard::Nothing,
            Err(heard) => heard,
        }
    }

    /// Sends bytes on a connection of their own, and tells only whether it closes or replies.
    pub(crate) fn send_raw(&mut self, bytes: &[u8]) -> Heard {
        self.transport.disconnect();
        self.transport.send(bytes);
        let heard = match self.transport.receive() {
            Ok(frame) => Heard::Undecodable(format!("{:?}", &frame[..frame.len().min(6)])),
            Err(heard) => heard,
        };
        self.transport.disconnect();
        heard
    }

    /// The reply, or nothing for a request that wants none.
    fn exchange(&mut self, version: i16, request: &Request) -> Result<Option<Response>, Heard> {
        self.correlation_id += 2;
        let asked = self.correlation_id;
        let frame = request.encode(version, asked, Some("differential")).unwrap();
        self.transport.send(&frame.to_bytes());
        let silent = matches!(request, Request::Produce(request) if request.acks == 0);
        if silent {
            // Whether nothing comes shows when the next request is answered.
            let probe = Request::from(ApiVersionsRequest::default());
            self.transport.send(&probe.encode(0, asked + 1, None).unwrap().to_bytes());
        }
        let frame = self.transport.receive().inspect_err(|_| self.transport.disconnect())?;
        let answered = ResponseHeader::correlation_id_of(&frame).unwrap();
        if silent && answered == asked + 1 {
            return Ok(None);
        }
        assert_eq!(answered, asked, "a reply to another request");
        match Response::decode(request.api_key(), version, frame) {
            Ok((_, response)) => Ok(Some(response)),
            Err(error) => Err(Heard::Undecodable(error.to_string())),
        }
    }
}

enum Transport {
    Real { address: String, stream: Option<TcpStream> },
    Simulated { cluster: Box<Cluster>, now: Instant, link: Option<LinkId>, links: u64 },
}

impl Transport {
    fn disconnect(&mut self) {
        match self {
            Self::Real { stream, .. } => *stream = None,
            Self::Simulated { cluster, now, link, .. } => {
                if let Some(link) = link.take() {
                    cluster.closed(*now, link);
                }
                // What was still to be said to nobody.
                while cluster.poll_output().is_some() {}
            }
        }
    }

    fn send(&mut self, bytes: &[u8]) {
        match self {
            Self::Real { address, stream } => {
                let stream = stream.get_or_insert_with(|| {
                    let stream = TcpStream::connect(&*address).unwrap();
                    stream.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
                    stream.set_nodelay(true).unwrap();
                    stream
                });
                match stream.write_all(bytes) {
                    Ok(()) => {}
                    // The other end may close before it has read everything; the next read tells.
                    Err(error) if is_closed(error.kind()) => {}
                    Err(error) => panic!("sending failed: {error}"),
                }
            }
            Self::Simulated { cluster, now, link, links } => {
                let link = *link.get_or_insert_with(|| {
                    *links += 1;
                    cluster.accept(*now, NodeId(1), LinkId(*links)).unwrap();
                    LinkId(*links)
                });
                cluster.receive(*now, link, Bytes::copy_from_slice(bytes));
            }
        }
    }

    /// The next frame, without its size.
    fn receive(&mut self) -> Result<Bytes, Heard> {
        match self {
            Self::Real { stream, .. } => {
                let stream = stream.as_mut().ok_or(Heard::Closed)?;
                let size = read(stream, 4)?;
                let size = u32::from_be_bytes(size.try_into().unwrap());
                read(stream, size as usize).map(Bytes::from)
            }
            Self::Simulated { cluster, now, link, .. } => loop {
                match cluster.poll_output() {
                    Some(ClusterOutput::Send { bytes, .. }) => return Ok(bytes.slice(4..)),
                    Some(ClusterOutput::Close { .. }) => {
                        *link = None;
                        return Err(Heard::Closed);
                    }
                    None => {
                        *now = cluster.poll_timeout().ok_or(Heard::Silence)?;
                        cluster.handle_timeout(*now);
                    }
                }
            },
        }
    }
}

/// Exactly so many bytes.
fn read(stream: &mut TcpStream, size: usize) -> Result<Vec<u8>, Heard> {
    let mut bytes = vec![0; size];
    match stream.read_exact(&mut bytes) {
        Ok(()) => Ok(bytes),
        Err(error) if is_closed(error.kind()) => Err(Heard::Closed),
        Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
            Err(Heard::Silence)
        }
        Err(error) => panic!("reading from the real broker failed: {error}"),
    }
}

fn is_closed(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::UnexpectedEof | ErrorKind::ConnectionReset | ErrorKind::BrokenPipe)
}
