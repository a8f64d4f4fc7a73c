//! Whatever is sent and done to a cluster: no panic, no output for links that are gone, no busy waiting, and the
//! same again when done again.

use crate::support::{Batch, Dialogue, fetch, produce};
use client_core::ids::NodeId;
use client_core::protocol::{
    ApiKey, ApiVersionsRequest, CreatableTopic, CreatePartitionsRequest, CreatePartitionsTopic,
    CreateTopicsRequest, DeleteRecordsPartition, DeleteRecordsRequest, DeleteRecordsTopic, DeleteTopicState,
    DeleteTopicsRequest, DescribeConfigsRequest, ErrorCode, FetchRequest, FindCoordinatorRequest,
    IncrementalAlterConfigsRequest, InitProducerIdRequest, ListOffsetsPartition, ListOffsetsRequest,
    ListOffsetsTopic, MetadataRequest, MetadataRequestTopic, ProduceRequest, Request,
    SaslAuthenticateRequest, SaslHandshakeRequest, Uuid,
};
use client_core::rng::Rng;
use client_core::time::Duration;
use proptest::prelude::*;
use simulator::cluster::{
    ClusterCommand, ClusterConfig, ClusterOutput, Effect, LinkId, RequestFault, SaslConfig, SaslMechanism,
    Spoil,
};
use simulator::digest::Digest;
use std::collections::BTreeSet;

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn nothing_that_is_done_to_a_cluster_breaks_it(
        seeds in proptest::collection::vec(any::<u64>(), 1..80),
        nodes in 1u16..5,
        asks in any::<bool>(),
    ) {
        prop_assert_eq!(run(&seeds, nodes, asks), run(&seeds, nodes, asks));
    }

    #[test]
    fn arbitrary_bytes_are_answered_or_refused(chunks in proptest::collection::vec(any::<Vec<u8>>(), 1..20)) {
        let mut dialogue = Dialogue::with_nodes(1);
        let link = dialogue.open(NodeId(1));
        for chunk in chunks {
            dialogue.send(link, chunk);
        }
        prop_assert!(dialogue.outputs().len() <= 1);
    }
}

/// Does one thing for each seed, and returns the digest in the end.
fn run(seeds: &[u64], nodes: u16, asks: bool) -> u64 {
    let mut config = ClusterConfig::with_nodes(nodes);
    config.sasl = asks.then(|| SaslConfig {
        session_max: Some(Duration::from_millis(1_500)),
        ..SaslConfig::with_user(&[SaslMechanism::Plain, SaslMechanism::OauthBearer], "a", "b")
    });
    config.connections_max_idle = Some(Duration::from_millis(700));
    config.limits.partition_size_max = 2_000;
    config.limits.producers_max = 2;
    config.limits.topics_max = 3;
    let mut dialogue = Dialogue::with(config);
    let mut open = BTreeSet::new();
    for &seed in seeds {
        let mut rng = Rng::new(seed);
        act(&mut dialogue, &mut open, &mut rng);
        for output in dialogue.outputs() {
            match output {
                ClusterOutput::Send { link, bytes } => {
                    assert!(open.contains(&link), "bytes for a link that is gone");
                    assert!(!bytes.is_empty());
                }
                ClusterOutput::Close { link, .. } => assert!(open.remove(&link), "closed twice"),
            }
        }
        let links: BTreeSet<LinkId> = dialogue.cluster.links().map(|view| view.link).collect();
        assert_eq!(links, open);
    }
    for topic in dialogue.cluster.topics() {
        for partition in topic.partitions() {
            let mut next = None;
            for batch in partition.batches() {
                assert!(next.is_none_or(|next| next == batch.base_offset), "a gap in the log");
                next = Some(batch.last_offset + 1);
            }
            assert!(next.is_none_or(|next| next == partition.end_offset()));
            assert!(partition.start_offset() <= partition.end_offset());
        }
    }
    let mut digest = Digest::new();
    dialogue.cluster.digest(&mut digest);
    digest.finish()
}

fn act(dialogue: &mut Dialogue, open: &mut BTreeSet<LinkId>, rng: &mut Rng) {
    let nodes = dialogue.cluster.nodes().count() as u64;
    let node_id = NodeId(rng.below(nodes) as i32 + 1);
    match rng.below(12) {
        0 => {
            let up = dialogue.cluster.nodes().any(|node| node.config.node_id == node_id && node.up);
            if up {
                open.insert(dialogue.open(node_id));
            }
        }
        1 => {
            if let Some(link) = pick(open, rng) {
                open.remove(&link);
                dialogue.cluster.closed(dialogue.now, link);
            }
        }
        2 => {
            dialogue.sleep(Duration::from_millis(rng.below(400)));
            let before = dialogue.cluster.poll_timeout();
            if before.is_some_and(|deadline| deadline <= dialogue.now) {
                dialogue.cluster.handle_timeout(dialogue.now);
                let after = dialogue.cluster.poll_timeout();
                assert!(after.is_none_or(|deadline| deadline > dialogue.now), "a deadline that stays due");
            }
        }
        3 | 4 => {
            // Refused commands are as good a test as others.
            let command = command(node_id, rng);
            let _refused = dialogue.cluster.command(dialogue.now, command).is_err();
        }
        _ => {
            let Some(link) = pick(open, rng) else { return };
            let (version, request) = request(dialogue, rng);
            let Ok(frame) = request.encode(version, 1, Some("random")) else { return };
            let mut bytes = frame.to_bytes().to_vec();
            if rng.below(4) == 0 {
                for _ in 0..rng.below(6) {
                    let at = 4 + rng.below(bytes.len() as u64 - 4) as usize;
                    bytes[at] = rng.next_u64() as u8;
                }
            }
            let cut = rng.below(bytes.len() as u64 + 1) as usize;
            let rest = bytes.split_off(cut);
            dialogue.send(link, bytes);
            dialogue.send(link, rest);
        }
    }
}

fn pick(open: &BTreeSet<LinkId>, rng: &mut Rng) -> Option<LinkId> {
    open.iter().nth(rng.below(open.len() as u64) as usize).copied()
}

fn topic(rng: &mut Rng) -> String {
    ["a", "b", "c", "d", "not a topic", ""][rng.below(6) as usize].into()
}

fn command(node_id: NodeId, rng: &mut Rng) -> ClusterCommand {
    let name = topic(rng);
    let partition = rng.below(4) as i32 - 1;
    match rng.below(12) {
        0 | 1 => ClusterCommand::CreateTopic {
            name,
            partitions: Some(rng.below(4) as i32),
            replication: Some(rng.below(4) as usize),
        },
        2 => ClusterCommand::DeleteTopic { name },
        3 => ClusterCommand::MoveLeader { topic: name, partition, to: node_id },
        4 => ClusterCommand::NodeDown { node_id },
        5 => ClusterCommand::NodeUp { node_id },
        6 => ClusterCommand::Readdress { node_id, host: name, port: 1 },
        7 => ClusterCommand::StopAnswering { node_id },
        8 => ClusterCommand::Heal { node_id: Some(node_id).filter(|_| rng.below(2) == 0) },
        9 => ClusterCommand::LockOut { node_id },
        10 => {
            ClusterCommand::DeleteRecords { topic: name, partition, before_offset: rng.below(9) as i64 - 2 }
        }
        _ => ClusterCommand::Inject(RequestFault {
            node_id: Some(node_id),
            api: ApiKey::ALL.get(rng.below(ApiKey::ALL.len() as u64 + 1) as usize).copied(),
            effect: effect(rng),
            times: Some(rng.below(3) as u32),
        }),
    }
}

fn effect(rng: &mut Rng) -> Effect {
    let number = rng.below(40) as i32 - 5;
    let after = rng.below(60) as u32;
    match rng.below(8) {
        0 => Effect::Error(ErrorCode::ALL[rng.below(ErrorCode::ALL.len() as u64) as usize]),
        1 => Effect::Delay(Duration::from_millis(rng.below(300))),
        2 => Effect::Spoil(Spoil::CorrelationId { plus: number }),
        3 => Effect::Spoil(Spoil::Size { announced: number }),
        4 => Effect::Spoil(Spoil::Garbage),
        5 => Effect::Spoil(Spoil::CutThenClose { after }),
        6 => Effect::Spoil(Spoil::CutThenGoOn { after }),
        _ => Effect::Spoil(Spoil::Twice),
    }
}

fn request(dialogue: &Dialogue, rng: &mut Rng) -> (i16, Request) {
    // Where somebody asks who comes, little else is heard before these two.
    let api = match rng.below(6) {
        0 => ApiKey::SaslHandshake,
        1 => ApiKey::SaslAuthenticate,
        _ => ApiKey::ALL[rng.below(ApiKey::ALL.len() as u64) as usize],
    };
    let versions = api.versions();
    let version = versions.min + rng.below((versions.max - versions.min + 1) as u64) as i16;
    let name = topic(rng);
    let id = dialogue.cluster.topic(&name).map(|topic| topic.id()).unwrap_or_default();
    let small = rng.below(8) as i32 - 2;
    let request = match api {
        ApiKey::Produce => {
            let mut batch = Batch::of(&["x", "yy", "zzz"]);
            if rng.below(2) == 0 {
                batch = batch.idempotent(rng.below(4) as i64, rng.below(2) as i16, small);
            }
            let mut request = produce(&name, small, batch.encode());
            request.topic_data[0].topic_id = id;
            ProduceRequest { acks: rng.below(4) as i16 - 1, ..request }.into()
        }
        ApiKey::Fetch => {
            let mut request = fetch(&name, i64::from(small));
            request.topics[0].topic_id = id;
            FetchRequest {
                max_wait_ms: rng.below(500) as i32 - 10,
                min_bytes: small,
                max_bytes: rng.below(300) as i32 - 1,
                session_epoch: if version >= 7 { small } else { -1 },
                ..request
            }
            .into()
        }
        ApiKey::ListOffsets => {
            let partition = ListOffsetsPartition {
                partition_index: small,
                timestamp: rng.below(12) as i64 - 8,
                ..Default::default()
            };
            let topics = vec![ListOffsetsTopic { name, partitions: vec![partition] }];
            ListOffsetsRequest { topics, ..Default::default() }.into()
        }
        ApiKey::Metadata => {
            let wanted = MetadataRequestTopic { topic_id: id, name: Some(name).filter(|_| version < 10) };
            MetadataRequest { topics: Some(vec![wanted]).filter(|_| rng.below(4) > 0), ..Default::default() }
                .into()
        }
        ApiKey::FindCoordinator if version >= 4 => FindCoordinatorRequest {
            key_type: small as i8,
            coordinator_keys: vec![name, topic(rng)],
            ..Default::default()
        }
        .into(),
        ApiKey::FindCoordinator => FindCoordinatorRequest { key: name, ..Default::default() }.into(),
        ApiKey::ApiVersions => ApiVersionsRequest {
            client_software_name: name.clone(),
            client_software_version: name,
            cluster_id: None,
            node_id: small,
        }
        .into(),
        ApiKey::SaslHandshake => {
            let mechanism = ["PLAIN", "PLAIN", "OAUTHBEARER", &name][rng.below(4) as usize];
            SaslHandshakeRequest { mechanism: mechanism.into() }.into()
        }
        ApiKey::SaslAuthenticate => {
            let message = ["\0a\0b", "\0a\0b", "n,,\x01auth=Bearer x\x01\x01", &name][rng.below(4) as usize];
            SaslAuthenticateRequest { auth_bytes: message.to_owned().into() }.into()
        }
        ApiKey::CreateTopics => {
            let topic = CreatableTopic {
                name,
                num_partitions: small,
                replication_factor: rng.below(5) as i16 - 1,
                ..Default::default()
            };
            let topics = vec![topic; 1 + rng.below(8) as usize / 7];
            CreateTopicsRequest { topics, validate_only: rng.below(4) == 0, ..Default::default() }.into()
        }
        ApiKey::DeleteTopics => {
            let by_id = rng.below(3) == 0;
            let name = Some(name).filter(|_| !by_id);
            let state =
                DeleteTopicState { topic_id: if by_id { id } else { Uuid::ZERO }, name: name.clone() };
            let topic_names = name.into_iter().collect();
            DeleteTopicsRequest { topics: vec![state], topic_names, timeout_ms: small }.into()
        }
        ApiKey::DeleteRecords => {
            let partition =
                DeleteRecordsPartition { partition_index: small, offset: rng.below(12) as i64 - 2 };
            let topics = vec![DeleteRecordsTopic { name, partitions: vec![partition] }];
            DeleteRecordsRequest { topics, timeout_ms: small }.into()
        }
        ApiKey::CreatePartitions => {
            let topic = CreatePartitionsTopic { name, count: small, assignments: None };
            CreatePartitionsRequest { topics: vec![topic], ..Default::default() }.into()
        }
        // Not offered: the link is closed.
        ApiKey::DescribeConfigs => DescribeConfigsRequest::default().into(),
        ApiKey::IncrementalAlterConfigs => IncrementalAlterConfigsRequest::default().into(),
        ApiKey::InitProducerId => InitProducerIdRequest {
            transactional_id: Some(name).filter(|_| rng.below(2) == 0),
            transaction_timeout_ms: small,
            ..Default::default()
        }
        .into(),
    };
    (version, request)
}
