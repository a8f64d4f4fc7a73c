//! A client whose broker says anything, and a broker whose client does.

use super::Input;
use bytes::{BufMut, Bytes, BytesMut};
use client_core::io::{ConfigResource, ConfigResourceType, NewPartitions, NewTopic};
use client_core::protocol::RequestHeader;
use client_core::{
    Address, AdminCommand, AdminConfig, Client, Config, ConnectionId, ConsumerConfig, DisconnectCause,
    Duration, Input as Event, Instant, LifecycleState, OffsetSpec, Output, ProducerConfig, Record, Role,
    StartOffset, StartOptions, StopOptions, TopicPartition,
};
use client_core::{ids::NodeId, protocol::ApiKey};
use simulator::cluster::{Cluster, ClusterConfig, Limits, LinkId};
use std::collections::{BTreeMap, VecDeque};

/// A client is started, and everything it asks is answered with a frame of the right size and correlation id, whose content is
/// the input's. Then it is stopped, and must be idle with nothing left.
pub(super) fn hostile_broker(data: &[u8]) {
    let mut input = Input::new(data);
    let mut life = Life::new(input.byte());
    let mut rounds = 0;
    while !input.is_empty() && rounds < ROUNDS_MAX {
        rounds += 1;
        life.act(input.byte(), &mut input);
    }
    life.stop();
}

const ROUNDS_MAX: u32 = 300;

/// Something of each kind that an admin client does, so that every answer is one to a question.
fn commands() -> [AdminCommand; 8] {
    let partition = TopicPartition::new("t", 0);
    let resource = || ConfigResource { kind: ConfigResourceType::Topic, name: "t".into() };
    let new = NewPartitions { topic: "t".into(), total_count: 2, assignments: Vec::new() };
    let (topics, validate_only) = (vec![NewTopic::named("t")], false);
    [
        AdminCommand::CreateTopics { topics, validate_only },
        AdminCommand::CreatePartitions { topics: vec![new], validate_only },
        AdminCommand::ListTopics { include_internal: true },
        AdminCommand::ListOffsets {
            partitions: vec![(partition.clone(), OffsetSpec::Latest)],
            read_committed: true,
        },
        AdminCommand::DescribeConfigs { resources: vec![(resource(), None)] },
        AdminCommand::IncrementalAlterConfigs { resources: vec![(resource(), Vec::new())], validate_only },
        AdminCommand::DeleteRecords { partitions: vec![(partition, 0)] },
        AdminCommand::DeleteTopics { topics: vec!["t".into()] },
    ]
}

struct Life {
    client: Client,
    now: Instant,
    /// Connections that are being opened, and open ones with the requests that wait for a reply.
    opening: Vec<ConnectionId>,
    open: BTreeMap<ConnectionId, VecDeque<(i16, i16, i32)>>,
    /// What has been written and is not a whole request yet.
    written: BTreeMap<ConnectionId, BytesMut>,
}

impl Life {
    fn new(choice: u8) -> Self {
        let role = if choice & 4 != 0 {
            Role::Admin(AdminConfig::default())
        } else if choice & 1 == 0 {
            Role::Producer(ProducerConfig { idempotent: choice & 2 == 0, ..ProducerConfig::default() })
        } else {
            Role::Consumer(ConsumerConfig { read_committed: choice & 2 == 0, ..ConsumerConfig::default() })
        };
        let bootstrap = vec![Address { host: "b1".into(), port: 9092 }];
        let mut config = Config::new("fuzz", bootstrap, role);
        config.max_frame_size = 1 << 20;
        let mut client =
            Client::new(&config, u64::from(choice), Instant::ZERO).expect("a sound configuration");
        if let Ok(mut consumer) = client.consumer(Instant::ZERO) {
            let partitions = [0, 1].map(|number| (TopicPartition::new("t", number), StartOffset::Earliest));
            consumer.assign(&partitions).expect("sound partitions");
        }
        client.start(Instant::ZERO, StartOptions::default());
        if let Ok(mut admin) = client.admin(Instant::ZERO) {
            for command in commands() {
                admin.request(command, None).expect("it is about to start");
            }
        }
        let mut life = Self {
            client,
            now: Instant::ZERO,
            opening: Vec::new(),
            open: BTreeMap::new(),
            written: BTreeMap::new(),
        };
        life.drain();
        life
    }

    fn act(&mut self, action: u8, input: &mut Input<'_>) {
        let some = |life: &Self, number: u8| {
            let open: Vec<_> = life.open.keys().copied().collect();
            open.get(usize::from(number) % open.len().max(1)).copied()
        };
        match action % 8 {
            // Most often an answer: of that size, with the input's bytes.
            0..=3 => {
                if let Some(connection) =
                    self.open.iter().find(|(_, asked)| !asked.is_empty()).map(|(id, _)| *id)
                {
                    let (api, version, id) =
                        self.open.get_mut(&connection).and_then(VecDeque::pop_front).unwrap_or_default();
                    let size = usize::from(input.byte());
                    let content =
                        if size == 255 { known_answer(api, version) } else { input.bytes(size).to_vec() };
                    let mut frame = BytesMut::new();
                    frame.put_i32(4 + content.len() as i32);
                    frame.put_i32(id);
                    frame.extend_from_slice(&content);
                    self.tell(Event::Received { connection, bytes: frame.freeze() });
                }
            }
            4 => {
                if let Some(connection) = some(self, action) {
                    let size = usize::from(input.byte());
                    let bytes = Bytes::copy_from_slice(input.bytes(size));
                    self.tell(Event::Received { connection, bytes });
                }
            }
            5 => {
                if let Some(connection) = some(self, action) {
                    self.open.remove(&connection);
                    self.tell(Event::Disconnected { connection, cause: DisconnectCause::Reset });
                }
            }
            6 => {
                if let Some(deadline) = self.client.poll_timeout() {
                    self.now = self.now.max(deadline.at);
                    self.tell(Event::TimeoutFired);
                }
            }
            _ => self.work(input.byte()),
        }
        for connection in core::mem::take(&mut self.opening) {
            self.open.insert(connection, VecDeque::new());
            self.tell(Event::Connected { connection });
        }
    }

    /// The application does something.
    fn work(&mut self, value: u8) {
        let now = self.now;
        if let Ok(mut producer) = self.client.producer(now) {
            let record = Record {
                topic: "t",
                partition: None,
                key: None,
                value: Some(&[value]),
                timestamp: None,
                headers: &[],
            };
            // Refused is fine: the client may not be started, or its buffer full.
            let _ = producer.send(&record);
        } else if let Ok(mut consumer) = self.client.consumer(now) {
            while let Some(batch) = consumer.take() {
                let _ = batch.batch.records().map(Iterator::count);
            }
        }
        self.drain();
    }

    fn tell(&mut self, event: Event) {
        self.client.handle(self.now, event);
        self.drain();
    }

    fn drain(&mut self) {
        while let Some(output) = self.client.poll_output() {
            match output {
                Output::Connect { connection, .. } => self.opening.push(connection),
                Output::Send { connection, bytes } => {
                    self.written.entry(connection).or_default().extend_from_slice(&bytes);
                    self.note_requests(connection);
                }
                Output::Close { connection, .. } => {
                    self.opening.retain(|opening| *opening != connection);
                    self.open.remove(&connection);
                    self.written.remove(&connection);
                }
                Output::Event(_) => {}
            }
        }
    }

    /// Whole requests wait for their replies.
    fn note_requests(&mut self, connection: ConnectionId) {
        let Some(written) = self.written.get_mut(&connection) else { return };
        while let Some(size) = written.first_chunk::<4>().map(|size| u32::from_be_bytes(*size) as usize) {
            if written.len() < 4 + size {
                return;
            }
            let frame = written.split_to(4 + size).freeze().slice(4..);
            let (header, _) = RequestHeader::decode(&frame).expect("our own requests can be read");
            if let Some(asked) = self.open.get_mut(&connection) {
                asked.push_back((header.request_api_key, header.request_api_version, header.correlation_id));
            }
        }
    }

    /// Stops, and sees what is left.
    fn stop(mut self) {
        let timeout = Some(Duration::from_secs(1));
        self.client.stop(self.now, StopOptions { timeout });
        self.drain();
        for _ in 0..1_000 {
            if matches!(self.client.lifecycle(), LifecycleState::Idle | LifecycleState::Fenced) {
                break;
            }
            let deadline = self.client.poll_timeout().expect("a stop that has not ended waits for a time");
            self.now = self.now.max(deadline.at);
            self.tell(Event::TimeoutFired);
        }
        let inspect = self.client.inspect();
        let left =
            (inspect.sockets(), inspect.waiters(), inspect.counters().timers, inspect.buffered_bytes());
        assert_eq!(left, (0, 0, 0, 0), "{}", self.client.lifecycle().name());
        assert!(self.opening.is_empty() && self.open.is_empty(), "every connection was closed");
    }
}

/// An answer that a sound broker would give, so that a life gets beyond its first request.
fn known_answer(api: i16, version: i16) -> Vec<u8> {
    let config = ClusterConfig { auto_create_topics: true, ..ClusterConfig::with_nodes(1) };
    let mut cluster = Cluster::new(config, 1).expect("a sound cluster");
    let link = LinkId(1);
    cluster.accept(Instant::ZERO, NodeId(1), link).expect("its only node is up");
    let request = match ApiKey::try_from(api) {
        Ok(ApiKey::ApiVersions) => {
            client_core::protocol::Request::from(client_core::protocol::ApiVersionsRequest {
                client_software_name: "fuzz".into(),
                client_software_version: "1".into(),
                ..Default::default()
            })
        }
        Ok(ApiKey::InitProducerId) => client_core::protocol::InitProducerIdRequest::default().into(),
        // Metadata and all that needs the input's own bytes.
        Ok(_) | Err(_) => {
            client_core::protocol::MetadataRequest { topics: None, ..Default::default() }.into()
        }
    };
    let Ok(frame) = request.encode(version, 0, None) else { return Vec::new() };
    cluster.receive(Instant::ZERO, link, frame.to_bytes());
    match cluster.poll_output() {
        Some(simulator::cluster::ClusterOutput::Send { bytes, .. }) => {
            bytes.get(8..).unwrap_or_default().to_vec()
        }
        Some(simulator::cluster::ClusterOutput::Close { .. }) | None => Vec::new(),
    }
}

/// The input reaches a broker: as raw bytes, or as frames with the size set right. The broker answers or closes, and never
/// waits for what it has not been asked.
pub(super) fn hostile_client(data: &[u8]) {
    let mut input = Input::new(data);
    let config = ClusterConfig {
        limits: Limits {
            request_size_max: 4_096,
            partition_size_max: 65_536,
            partitions_max: 16,
            topics_max: 16,
            producers_max: 16,
            transactional_ids_max: 16,
            ..Limits::default()
        },
        ..ClusterConfig::with_nodes(2)
    };
    let mut cluster = Cluster::new(config, u64::from(input.byte())).expect("a sound cluster");
    let mut now = Instant::ZERO;
    let mut next_link = 0;
    let mut link = None;
    let mut rounds = 0;
    while !input.is_empty() && rounds < ROUNDS_MAX {
        rounds += 1;
        let link = *link.get_or_insert_with(|| {
            next_link += 1;
            let node = NodeId(1 + (next_link % 2) as i32);
            cluster.accept(now, node, LinkId(next_link)).expect("the node is up, and the link is new");
            LinkId(next_link)
        });
        match input.byte() % 4 {
            0 | 1 => {
                let size = usize::from(input.u16() % 2_048);
                let content = input.bytes(size);
                let mut frame = BytesMut::new();
                frame.put_i32(content.len() as i32);
                frame.extend_from_slice(content);
                cluster.receive(now, link, frame.freeze());
            }
            2 => {
                let size = usize::from(input.byte());
                cluster.receive(now, link, Bytes::copy_from_slice(input.bytes(size)));
            }
            _ => {
                if let Some(at) = cluster.poll_timeout() {
                    now = now.max(at);
                    cluster.handle_timeout(now);
                    assert!(cluster.poll_timeout().is_none_or(|at| at > now), "no busy waiting");
                }
            }
        }
        while let Some(output) = cluster.poll_output() {
            if let simulator::cluster::ClusterOutput::Close { link: closed, .. } = output
                && closed == link
            {
                cluster.closed(now, closed);
            }
        }
    }
}
