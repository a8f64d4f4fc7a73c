//! Order, framing, faults: what happens on a link whatever the API.

use crate::support::{Batch, Dialogue, decode, expect_error, fetch, produce};
use bytes::Bytes;
use client_core::ids::NodeId;
use client_core::protocol::{
    ApiKey, ApiVersionsRequest, ErrorCode, FetchRequest, FrameDecoder, FrameError, MetadataRequest,
    ProduceRequest, Request, Response,
};
use client_core::time::Duration;
use simulator::cluster::{
    AcceptError, ClusterCommand, ClusterConfig, ClusterOutput, Effect, LinkActivity, LinkClosed, LinkId,
    RequestFault, Spoil,
};
use simulator::digest::Digest;

const NODE: NodeId = NodeId(1);

fn metadata() -> MetadataRequest {
    MetadataRequest { topics: None, ..Default::default() }
}

fn fault(effect: Effect) -> ClusterCommand {
    ClusterCommand::Inject(RequestFault { node_id: Some(NODE), api: None, effect, times: Some(1) })
}

fn sent(outputs: &[ClusterOutput]) -> Vec<Bytes> {
    outputs
        .iter()
        .map(|output| match output {
            ClusterOutput::Send { bytes, .. } => bytes.clone(),
            ClusterOutput::Close { .. } => panic!("expected bytes, got {output:?}"),
        })
        .collect()
}

#[test]
fn requests_may_arrive_cut_anywhere() {
    let mut stream = Vec::new();
    for correlation_id in 1..=3 {
        let request = Request::from(metadata()).encode(9, correlation_id, Some("test")).unwrap();
        stream.extend_from_slice(&request.to_bytes());
    }
    for chunk in [1, 2, 3, 4, 5, 7, 20, 21, 22, stream.len()] {
        let mut dialogue = Dialogue::with_nodes(1);
        let link = dialogue.open(NODE);
        stream.chunks(chunk).for_each(|piece| dialogue.send(link, piece.to_vec()));
        let replies = sent(&dialogue.outputs());
        assert_eq!(replies.len(), 3, "in chunks of {chunk}");
        for (reply, correlation_id) in replies.iter().zip(1..) {
            decode::<MetadataRequest>(reply, 9, correlation_id);
        }
    }
}

#[test]
fn a_waiting_fetch_holds_back_what_was_sent_after_it() {
    let (mut dialogue, leader) = Dialogue::with_topic(1, "t");
    let link = dialogue.open(leader);
    let waiting = FetchRequest { max_wait_ms: 100, min_bytes: 1, ..fetch("t", 0) };
    let first = dialogue.request(link, 12, waiting);
    // This very record would end the wait, but it is not read before the wait is over.
    let second = dialogue.request(link, 9, produce("t", 0, Batch::of(&["a"]).encode()));
    let third = dialogue.request(link, 9, metadata());
    dialogue.expect_silence();
    assert!(dialogue.cluster.is_muted(link));
    dialogue.timeout();
    let replies = sent(&dialogue.outputs());
    let [fetch, produce, metadata] = &replies[..] else { panic!("expected three replies") };
    decode::<FetchRequest>(fetch, 12, first);
    decode::<ProduceRequest>(produce, 9, second);
    decode::<MetadataRequest>(metadata, 9, third);
    assert!(!dialogue.cluster.is_muted(link));
}

#[test]
fn what_is_no_frame_closes_the_link() {
    for (bytes, expected) in [
        (&[0xff, 0xff, 0xff, 0xff][..], FrameError::NegativeSize { got: -1 }),
        (&[0x7f, 0, 0, 0], FrameError::TooLarge { expected_at_most: 104_857_600, got: 0x7f00_0000 }),
    ] {
        let mut dialogue = Dialogue::with_nodes(1);
        let link = dialogue.open(NODE);
        dialogue.send(link, bytes);
        assert_eq!(dialogue.expect_close(), LinkClosed::InvalidFrame(expected));
        dialogue.send(link, bytes);
        dialogue.expect_silence();
    }
}

#[test]
fn what_is_no_request_closes_the_link() {
    for (frame, is_expected) in [
        (&[0, 0, 0, 0][..], (|why| matches!(why, LinkClosed::InvalidRequest(_))) as fn(_) -> bool),
        (&[0, 0, 0, 3, 0, 3, 0], |why| matches!(why, LinkClosed::InvalidRequest(_))),
        // A tool that speaks another protocol.
        (b"GET / HTTP/1.1\r\n\r\n", |why| matches!(why, LinkClosed::InvalidFrame(_))),
        (&[0, 0, 0, 10, 0, 99, 0, 0, 0, 0, 0, 1, 0xff, 0xff], |why| {
            why == LinkClosed::UnsupportedApi { api_key: 99 }
        }),
        (&[0, 0, 0, 10, 0, 3, 0, 99, 0, 0, 0, 1, 0xff, 0xff], |why| {
            matches!(why, LinkClosed::InvalidRequest(_) | LinkClosed::UnsupportedVersion { .. })
        }),
        // Metadata version 1 that claims 2^28 topics.
        (&[0, 0, 0, 14, 0, 3, 0, 1, 0, 0, 0, 1, 0xff, 0xff, 0x10, 0, 0, 0], |why| {
            matches!(why, LinkClosed::InvalidRequest(_))
        }),
    ] {
        let mut dialogue = Dialogue::with_nodes(1);
        let link = dialogue.open(NODE);
        dialogue.send(link, frame);
        let why = dialogue.expect_close();
        assert!(is_expected(why.clone()), "{frame:?}: {why}");
        assert_eq!(dialogue.cluster.links().count(), 0);
    }
}

#[test]
fn a_link_needs_a_node_that_is_up_and_a_number_of_its_own() {
    let mut dialogue = Dialogue::with_nodes(2);
    let now = dialogue.now;
    let accept =
        |dialogue: &mut Dialogue, node, link| dialogue.cluster.accept(now, NodeId(node), LinkId(link));
    assert_eq!(accept(&mut dialogue, 1, 70), Ok(()));
    assert_eq!(accept(&mut dialogue, 1, 70), Err(AcceptError::LinkInUse(LinkId(70))));
    assert_eq!(accept(&mut dialogue, 3, 71), Err(AcceptError::UnknownNode(NodeId(3))));
    dialogue.command(ClusterCommand::NodeDown { node_id: NodeId(2) });
    assert_eq!(accept(&mut dialogue, 2, 72), Err(AcceptError::NodeDown(NodeId(2))));
}

#[test]
fn a_node_that_goes_down_closes_its_links_and_forgets_what_waits() {
    let (mut dialogue, leader) = Dialogue::with_topic(3, "t");
    let link = dialogue.open(leader);
    let waiting = FetchRequest { max_wait_ms: 100, min_bytes: 1, ..fetch("t", 0) };
    dialogue.request(link, 12, waiting);
    dialogue.command(ClusterCommand::NodeDown { node_id: leader });
    assert_eq!(dialogue.expect_close(), LinkClosed::NodeDown);
    assert_eq!(dialogue.cluster.poll_timeout(), None);
}

#[test]
fn an_injected_error_stands_in_every_reply_and_nothing_is_done() {
    let (mut dialogue, leader) = Dialogue::with_topic(1, "t");
    let error = ErrorCode::NotLeaderOrFollower;
    for api in ApiKey::ALL {
        dialogue.command(fault(Effect::Error(error)));
        let version = api.versions().max;
        let request: Request = match api {
            ApiKey::Produce => produce("t", 0, Batch::of(&["a"]).encode()).into(),
            ApiKey::Fetch => fetch("t", 0).into(),
            ApiKey::ListOffsets => client_core::protocol::ListOffsetsRequest {
                topics: vec![client_core::protocol::ListOffsetsTopic {
                    name: "t".into(),
                    partitions: vec![Default::default()],
                }],
                ..Default::default()
            }
            .into(),
            ApiKey::Metadata => {
                MetadataRequest { topics: Some(vec![Default::default()]), ..metadata() }.into()
            }
            ApiKey::FindCoordinator => client_core::protocol::FindCoordinatorRequest {
                coordinator_keys: vec!["g".into()],
                ..Default::default()
            }
            .into(),
            ApiKey::ApiVersions => ApiVersionsRequest::default().into(),
            ApiKey::InitProducerId => client_core::protocol::InitProducerIdRequest::default().into(),
            ApiKey::CreateTopics => client_core::protocol::CreateTopicsRequest {
                topics: vec![Default::default()],
                ..Default::default()
            }
            .into(),
            ApiKey::DeleteTopics => client_core::protocol::DeleteTopicsRequest {
                topics: vec![client_core::protocol::DeleteTopicState {
                    name: Some("t".into()),
                    ..Default::default()
                }],
                ..Default::default()
            }
            .into(),
            ApiKey::DeleteRecords => client_core::protocol::DeleteRecordsRequest {
                topics: vec![client_core::protocol::DeleteRecordsTopic {
                    name: "t".into(),
                    partitions: vec![Default::default()],
                }],
                ..Default::default()
            }
            .into(),
            ApiKey::CreatePartitions => client_core::protocol::CreatePartitionsRequest {
                topics: vec![client_core::protocol::CreatePartitionsTopic { count: 9, ..Default::default() }],
                ..Default::default()
            }
            .into(),
            // The cluster does not offer them.
            ApiKey::DescribeConfigs | ApiKey::IncrementalAlterConfigs => {
                dialogue.command(ClusterCommand::Heal { node_id: None });
                continue;
            }
            ApiKey::SaslHandshake => client_core::protocol::SaslHandshakeRequest::default().into(),
            ApiKey::SaslAuthenticate => client_core::protocol::SaslAuthenticateRequest::default().into(),
        };
        let link = dialogue.open(leader);
        dialogue.request(link, version, request);
        let replies = sent(&dialogue.outputs());
        let (_, response) = Response::decode(api, version, replies[0].slice(4..)).unwrap();
        let found = match response {
            Response::Produce(r) => r.responses[0].partition_responses[0].error_code,
            Response::Fetch(r) => r.responses[0].partitions[0].error_code,
            Response::ListOffsets(r) => r.topics[0].partitions[0].error_code,
            Response::Metadata(r) => r.topics[0].error_code,
            Response::FindCoordinator(r) => r.coordinators[0].error_code,
            Response::ApiVersions(r) => r.error_code,
            Response::InitProducerId(r) => r.error_code,
            Response::CreateTopics(r) => r.topics[0].error_code,
            Response::DeleteTopics(r) => r.responses[0].error_code,
            Response::DeleteRecords(r) => r.topics[0].partitions[0].error_code,
            Response::CreatePartitions(r) => r.results[0].error_code,
            Response::DescribeConfigs(_) | Response::IncrementalAlterConfigs(_) => panic!("not offered"),
            Response::SaslHandshake(r) => r.error_code,
            Response::SaslAuthenticate(r) => r.error_code,
        };
        expect_error(found, error);
        assert_eq!(dialogue.cluster.counters(leader, api).faults, 1);
    }
    assert_eq!(dialogue.cluster.partition("t", 0).unwrap().records(), 0);
}

#[test]
fn a_fault_is_for_its_node_its_api_and_so_many_requests() {
    let mut dialogue = Dialogue::with_nodes(2);
    dialogue.command(ClusterCommand::Inject(RequestFault {
        node_id: Some(NodeId(2)),
        api: Some(ApiKey::ApiVersions),
        effect: Effect::Error(ErrorCode::UnknownServerError),
        times: Some(2),
    }));
    let ask = |dialogue: &mut Dialogue, node| {
        dialogue.ask(NodeId(node), 0, ApiVersionsRequest::default()).error_code
    };
    dialogue.ask(NodeId(2), 9, metadata());
    assert_eq!([1, 2, 2, 2].map(|node| ask(&mut dialogue, node)), [0, -1, -1, 0]);
    assert_eq!(dialogue.cluster.faults().count(), 0);
}

#[test]
fn a_delayed_reply_comes_later_and_so_does_what_follows() {
    let mut dialogue = Dialogue::with_nodes(1);
    dialogue.command(fault(Effect::Delay(Duration::from_millis(70))));
    let link = dialogue.open(NODE);
    let first = dialogue.request(link, 9, metadata());
    let second = dialogue.request(link, 9, metadata());
    dialogue.expect_silence();
    let view = dialogue.cluster.links().next().unwrap();
    assert_eq!(view.activity, LinkActivity::Replying(dialogue.now + Duration::from_millis(70)));
    assert_eq!(dialogue.timeout(), Duration::from_millis(70));
    let replies = sent(&dialogue.outputs());
    decode::<MetadataRequest>(&replies[0], 9, first);
    decode::<MetadataRequest>(&replies[1], 9, second);
}

/// What comes instead of the reply.
#[track_caller]
fn spoiled(spoil: Spoil) -> (Bytes, Vec<ClusterOutput>) {
    let mut dialogue = Dialogue::with_nodes(1);
    let link = dialogue.open(NODE);
    dialogue.request(link, 9, metadata());
    let whole = sent(&dialogue.outputs()).remove(0);
    dialogue.command(fault(Effect::Spoil(spoil)));
    dialogue.request(link, 9, metadata());
    (whole, dialogue.outputs())
}

#[test]
fn a_hostile_broker() {
    let (whole, outputs) = spoiled(Spoil::CorrelationId { plus: -1 });
    // The first request had correlation id 1, so the second reply looks like it.
    assert_eq!(sent(&outputs), [whole]);

    let (whole, outputs) = spoiled(Spoil::Size { announced: -5 });
    assert_eq!(sent(&outputs)[0][..4], (-5i32).to_be_bytes());
    assert_eq!(sent(&outputs)[0].len(), whole.len());

    let (whole, outputs) = spoiled(Spoil::Garbage);
    let garbage = &sent(&outputs)[0];
    assert_eq!((garbage.len(), &garbage[..4]), (whole.len(), &whole[..4]));
    assert_eq!(garbage[4..8], 2i32.to_be_bytes());
    assert!(Response::decode(ApiKey::Metadata, 9, garbage.slice(4..)).is_err());

    let (whole, outputs) = spoiled(Spoil::Twice);
    assert_eq!(sent(&outputs)[0].len(), 2 * whole.len());

    let (_, outputs) = spoiled(Spoil::CutThenGoOn { after: 7 });
    assert_eq!(sent(&outputs)[0].len(), 7);

    let (whole, outputs) = spoiled(Spoil::CutThenClose { after: 9 });
    let [ClusterOutput::Send { bytes, .. }, ClusterOutput::Close { why, .. }] = &outputs[..] else {
        panic!("expected bytes and a close, got {outputs:?}");
    };
    assert_eq!((bytes.len(), why), (9, &LinkClosed::Fault));
    assert_eq!(bytes[8..], whole[8..9]);

    let (_, outputs) = spoiled(Spoil::CutThenClose { after: 0 });
    assert!(matches!(&outputs[..], [ClusterOutput::Close { why: LinkClosed::Fault, .. }]), "{outputs:?}");
}

#[test]
fn a_lost_reply_leaves_the_record_in_the_log() {
    let (mut dialogue, leader) = Dialogue::with_topic(1, "t");
    dialogue.command(fault(Effect::Spoil(Spoil::CutThenClose { after: 0 })));
    let batch = Batch::of(&["a"]).idempotent(1, 0, 0);
    let link = dialogue.open(leader);
    dialogue.request(link, 9, produce("t", 0, batch.encode()));
    assert_eq!(dialogue.expect_close(), LinkClosed::Fault);
    let repeated = dialogue.produce(leader, "t", &batch);
    assert_eq!((repeated.error_code, repeated.base_offset), (0, 0));
    assert_eq!(dialogue.cluster.partition("t", 0).unwrap().records(), 1);
}

#[test]
fn a_silent_node_takes_everything_in_and_answers_when_it_may() {
    let (mut dialogue, leader) = Dialogue::with_topic(1, "t");
    let link = dialogue.open(leader);
    let waiting = FetchRequest { max_wait_ms: 100, min_bytes: 1, ..fetch("t", 0) };
    let first = dialogue.request(link, 12, waiting);
    dialogue.command(ClusterCommand::StopAnswering { node_id: leader });
    let second = dialogue.request(link, 9, metadata());
    dialogue.expect_silence();
    assert_eq!(dialogue.cluster.poll_timeout(), None, "a silent node has nothing to do");
    assert!(dialogue.cluster.is_muted(link));
    dialogue.sleep(Duration::from_millis(500));
    dialogue.command(ClusterCommand::Heal { node_id: None });
    let replies = sent(&dialogue.outputs());
    decode::<FetchRequest>(&replies[0], 12, first);
    decode::<MetadataRequest>(&replies[1], 9, second);
}

#[test]
fn idle_links_are_closed_and_busy_ones_are_not() {
    let config = ClusterConfig {
        connections_max_idle: Some(Duration::from_millis(300)),
        ..ClusterConfig::with_nodes(1)
    };
    let mut dialogue = Dialogue::with(config);
    dialogue.create("t", 1);
    let link = dialogue.open(NODE);
    dialogue.sleep(Duration::from_millis(200));
    let waiting = FetchRequest { max_wait_ms: 1_000, min_bytes: 1, ..fetch("t", 0) };
    let asked = dialogue.request(link, 12, waiting);
    assert_eq!(dialogue.timeout(), Duration::from_millis(1_000));
    dialogue.expect_reply::<FetchRequest>(12, asked);
    assert_eq!(dialogue.timeout(), Duration::from_millis(300));
    assert_eq!(dialogue.expect_close(), LinkClosed::Idle);
}

#[test]
fn requests_do_not_pile_up_for_ever() {
    let mut config = ClusterConfig::with_nodes(1);
    config.limits.request_size_max = 1_000;
    let mut dialogue = Dialogue::with(config);
    let link = dialogue.open(NODE);
    dialogue.command(ClusterCommand::StopAnswering { node_id: NODE });
    let request = Request::from(metadata()).encode(9, 1, None).unwrap().to_bytes();
    let mut outputs = Vec::new();
    for _ in 0..100 {
        dialogue.send(link, request.clone());
        outputs.extend(dialogue.outputs());
    }
    let expected = LinkClosed::TooMuchBuffered { limit: 1_004 };
    assert_eq!(outputs, [ClusterOutput::Close { link, why: expected }]);
}

#[test]
fn equal_histories_have_equal_digests_and_others_have_not() {
    let digest = |dialogue: &Dialogue| {
        let mut digest = Digest::new();
        dialogue.cluster.digest(&mut digest);
        digest.finish()
    };
    let history = || {
        let (mut dialogue, leader) = Dialogue::with_topic(3, "t");
        dialogue.produce(leader, "t", &Batch::of(&["a"]).idempotent(1, 0, 0));
        (dialogue, leader)
    };
    let ((mut one, leader), (two, _)) = (history(), history());
    assert_eq!(digest(&one), digest(&two));
    let before = digest(&one);
    one.produce(leader, "t", &Batch::of(&["b"]).idempotent(1, 0, 1));
    assert_ne!(digest(&one), before);
}

#[test]
fn a_reply_is_one_whole_frame() {
    let mut dialogue = Dialogue::with_nodes(3);
    let link = dialogue.open(NODE);
    dialogue.request(link, 9, metadata());
    let mut decoder = FrameDecoder::new(1 << 20);
    sent(&dialogue.outputs()).into_iter().for_each(|bytes| decoder.push(bytes));
    assert!(decoder.next_frame().unwrap().is_some());
    assert_eq!(decoder.buffered(), 0);
}

/// A quota that is used up: the reply comes at once and says so, and the link is not read until the time is over.
#[test]
fn a_throttled_link_is_answered_at_once_and_read_later() {
    let (mut dialogue, leader) = Dialogue::with_topic(1, "t");
    let link = dialogue.open(leader);
    let effect = Effect::Throttle(Duration::from_millis(1_500));
    dialogue.command(ClusterCommand::Inject(RequestFault {
        node_id: None,
        api: Some(ApiKey::Produce),
        effect,
        times: Some(1),
    }));
    let first = dialogue.request(link, 9, produce("t", 0, Batch::of(&["a"]).encode()));
    let second = dialogue.request(link, 9, metadata());
    let reply = dialogue.expect_reply::<ProduceRequest>(9, first);
    assert_eq!(reply.throttle_time_ms, 1_500);
    assert_eq!(dialogue.outputs(), []);
    let until = dialogue.now + Duration::from_millis(1_500);
    assert_eq!(dialogue.cluster.links().next().unwrap().activity, LinkActivity::Muted(until));
    assert_eq!(dialogue.cluster.poll_timeout(), Some(until));
    dialogue.now = until;
    dialogue.cluster.handle_timeout(until);
    let reply = dialogue.expect_reply::<MetadataRequest>(9, second);
    assert_eq!(reply.throttle_time_ms, 0, "the fault was for one request of one API");
}
