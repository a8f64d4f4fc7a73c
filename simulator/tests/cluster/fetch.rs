use crate::support::{Batch, Dialogue, decode, expect_error, fetch, fetched, produce};
use client_core::ids::NodeId;
use client_core::protocol::{ApiKey, ErrorCode, FetchRequest};
use client_core::time::Duration;
use simulator::cluster::{ClusterCommand, ClusterConfig, ClusterOutput};

/// A topic with batches of one, two and three records: offsets 0, 1-2 and 3-5.
fn filled(nodes: u16) -> (Dialogue, NodeId) {
    let (mut dialogue, leader) = Dialogue::with_topic(nodes, "t");
    for values in [&["a"][..], &["b", "c"], &["d", "e", "f"]] {
        dialogue.produce(leader, "t", &Batch::of(values));
    }
    (dialogue, leader)
}

fn sizes(dialogue: &Dialogue) -> Vec<usize> {
    dialogue.cluster.partition("t", 0).unwrap().batches().map(|batch| batch.bytes.len()).collect()
}

#[test]
fn reads_from_the_batch_that_holds_the_offset_in_every_version() {
    for version in ApiKey::Fetch.versions().iter() {
        let (mut dialogue, leader) = filled(1);
        let sizes = sizes(&dialogue);
        for (offset, expected) in [(0, 0), (1, 1), (2, 1), (3, 2), (5, 2), (6, 3)] {
            let mut request = fetch("t", offset);
            if version >= 13 {
                request.topics[0].topic_id = dialogue.cluster.topic("t").unwrap().id();
            }
            let data = fetched(dialogue.ask(leader, version, request));
            expect_error(data.error_code, ErrorCode::None);
            assert_eq!((data.high_watermark, data.last_stable_offset), (6, 6));
            assert_eq!(data.records.unwrap().len(), sizes[expected..].iter().sum::<usize>());
        }
    }
}

#[test]
fn batches_carry_their_offset_and_epoch_and_are_otherwise_as_sent() {
    let (mut dialogue, leader) = filled(3);
    let to = dialogue.other(leader);
    dialogue.command(ClusterCommand::MoveLeader { topic: "t".into(), partition: 0, to });
    let sent = Batch::of(&["g"]).encode();
    dialogue.ask(to, 9, produce("t", 0, sent.clone()));
    let records = dialogue.fetch(to, 12, "t", 6).records.unwrap();
    assert_eq!(records[..8], 6i64.to_be_bytes());
    assert_eq!(records[8..12], sent[8..12]);
    assert_eq!(records[12..16], 1i32.to_be_bytes());
    assert_eq!(records[16..], sent[16..]);
}

#[test]
fn the_last_batch_is_cut_off_at_the_limit_and_the_first_never() {
    let (mut dialogue, leader) = filled(1);
    let sizes = sizes(&dialogue);
    let whole: usize = sizes.iter().sum();
    for limit in 0..whole + 10 {
        let mut request = fetch("t", 0);
        request.topics[0].partitions[0].partition_max_bytes = limit as i32;
        let by_partition = fetched(dialogue.ask(leader, 12, request)).records.unwrap().len();
        let request = FetchRequest { max_bytes: limit as i32, ..fetch("t", 0) };
        let by_request = fetched(dialogue.ask(leader, 12, request)).records.unwrap().len();
        assert_eq!(by_partition, limit.clamp(sizes[0], whole));
        assert_eq!(by_request, by_partition);
    }
}

#[test]
fn a_later_partition_gets_nothing_when_the_limit_is_used_up() {
    let (mut dialogue, leader) = filled(1);
    let mut request = FetchRequest { max_bytes: 1, ..fetch("t", 0) };
    let again = request.topics[0].clone();
    request.topics.push(again);
    let response = dialogue.ask(leader, 12, request);
    let lengths: Vec<_> =
        response.responses.iter().map(|topic| topic.partitions[0].records.as_ref().unwrap().len()).collect();
    assert_eq!(lengths, [sizes(&dialogue)[0], 0]);
}

#[test]
fn waits_for_data_and_is_woken_by_it() {
    let (mut dialogue, leader) = Dialogue::with_topic(1, "t");
    let consumer = dialogue.open(leader);
    let waiting = FetchRequest { max_wait_ms: 500, min_bytes: 1, ..fetch("t", 0) };
    let asked = dialogue.request(consumer, 12, waiting);
    dialogue.expect_silence();
    assert_eq!(dialogue.cluster.poll_timeout(), Some(dialogue.now + Duration::from_millis(500)));

    let producer = dialogue.open(leader);
    dialogue.request(producer, 9, produce("t", 0, Batch::of(&["a"]).encode()));
    let outputs = dialogue.outputs();
    let [ClusterOutput::Send { link: first, .. }, ClusterOutput::Send { link: second, bytes }] = &outputs[..]
    else {
        panic!("expected two replies, got {outputs:?}");
    };
    assert_eq!((*first, *second), (producer, consumer));
    assert!(!fetched(decode::<FetchRequest>(bytes, 12, asked)).records.unwrap().is_empty());
    assert_eq!(dialogue.cluster.poll_timeout(), None);
}

#[test]
fn waits_for_enough_data_and_not_longer_than_asked() {
    let (mut dialogue, leader) = filled(1);
    let enough: usize = sizes(&dialogue).iter().sum();
    let asking = |min_bytes| FetchRequest { max_wait_ms: 500, min_bytes, ..fetch("t", 0) };
    let link = dialogue.open(leader);
    let asked = dialogue.request(link, 12, asking(enough as i32));
    dialogue.expect_reply::<FetchRequest>(12, asked);
    let asked = dialogue.request(link, 12, asking(enough as i32 + 1));
    dialogue.expect_silence();
    assert_eq!(dialogue.timeout(), Duration::from_millis(500));
    let data = fetched(dialogue.expect_reply::<FetchRequest>(12, asked));
    assert_eq!(data.records.unwrap().len(), enough);
}

#[test]
fn an_error_or_no_time_ends_the_wait() {
    let (mut dialogue, leader) = Dialogue::with_topic(3, "t");
    let link = dialogue.open(leader);
    let asked = dialogue.request(link, 12, FetchRequest { min_bytes: 1, ..fetch("t", 0) });
    dialogue.expect_reply::<FetchRequest>(12, asked);
    let patient = |topic| FetchRequest { max_wait_ms: 500, min_bytes: 1, ..fetch(topic, 0) };
    let asked = dialogue.request(link, 12, patient("unknown"));
    let data = fetched(dialogue.expect_reply::<FetchRequest>(12, asked));
    expect_error(data.error_code, ErrorCode::UnknownTopicOrPartition);

    // Version 10 may read from the leader only, so that losing it ends the wait.
    let asked = dialogue.request(link, 10, patient("t"));
    dialogue.expect_silence();
    let to = dialogue.other(leader);
    dialogue.command(ClusterCommand::MoveLeader { topic: "t".into(), partition: 0, to });
    let data = fetched(dialogue.expect_reply::<FetchRequest>(10, asked));
    expect_error(data.error_code, ErrorCode::NotLeaderOrFollower);

    let asked = dialogue.request(link, 12, patient("t"));
    dialogue.expect_silence();
    dialogue.command(ClusterCommand::DeleteTopic { name: "t".into() });
    let data = fetched(dialogue.expect_reply::<FetchRequest>(12, asked));
    expect_error(data.error_code, ErrorCode::UnknownTopicOrPartition);
}

#[test]
fn offsets_outside_of_the_log() {
    let (mut dialogue, leader) = filled(1);
    let delete = ClusterCommand::DeleteRecords { topic: "t".into(), partition: 0, before_offset: 2 };
    dialogue.command(delete);
    for (offset, expected) in [
        (-1, ErrorCode::OffsetOutOfRange),
        (1, ErrorCode::OffsetOutOfRange),
        (2, ErrorCode::None),
        (6, ErrorCode::None),
        (7, ErrorCode::OffsetOutOfRange),
    ] {
        let data = dialogue.fetch(leader, 12, "t", offset);
        expect_error(data.error_code, expected);
        let watermark = if expected == ErrorCode::None { 6 } else { -1 };
        assert_eq!(data.high_watermark, watermark);
    }
    // The batch that holds the start is sent whole.
    assert_eq!(dialogue.fetch(leader, 12, "t", 2).records.unwrap()[..8], 1i64.to_be_bytes());
}

#[test]
fn a_wrong_leader_epoch_is_told_apart() {
    let (mut dialogue, leader) = filled(3);
    let to = dialogue.other(leader);
    dialogue.command(ClusterCommand::MoveLeader { topic: "t".into(), partition: 0, to });
    for (epoch, expected) in [
        (-1, ErrorCode::None),
        (0, ErrorCode::FencedLeaderEpoch),
        (1, ErrorCode::None),
        (2, ErrorCode::UnknownLeaderEpoch),
    ] {
        let mut request = fetch("t", 0);
        request.topics[0].partitions[0].current_leader_epoch = epoch;
        let data = fetched(dialogue.ask(to, 12, request));
        expect_error(data.error_code, expected);
    }
}

#[test]
fn consumers_may_read_from_followers_since_version_11() {
    let (mut dialogue, leader) = filled(3);
    let follower = dialogue.other(leader);
    let data = dialogue.fetch(follower, 10, "t", 0);
    expect_error(data.error_code, ErrorCode::NotLeaderOrFollower);
    expect_error(dialogue.fetch(follower, 11, "t", 0).error_code, ErrorCode::None);
}

#[test]
fn a_node_without_a_replica_names_the_leader() {
    let config = ClusterConfig { replication: 1, ..ClusterConfig::with_nodes(2) };
    let mut dialogue = Dialogue::with(config);
    dialogue.create("t", 1);
    let leader = dialogue.leader("t", 0);
    let mut request = fetch("t", 0);
    request.topics[0].topic_id = dialogue.cluster.topic("t").unwrap().id();
    for version in [15, 16] {
        let response = dialogue.ask(dialogue.other(leader), version, request.clone());
        assert_eq!(response.node_endpoints.len(), usize::from(version >= 16));
        let data = fetched(response);
        expect_error(data.error_code, ErrorCode::NotLeaderOrFollower);
        assert_eq!(data.current_leader.leader_id, if version >= 16 { leader.0 } else { -1 });
    }
}

#[test]
fn a_log_tells_where_it_left_the_one_that_was_read() {
    let (mut dialogue, leader) = filled(3);
    let mut leads = leader;
    // Epoch 1 gets no record, epoch 2 the records from offset 6 on.
    for _ in 0..2 {
        let to = dialogue.other(leads);
        dialogue.command(ClusterCommand::MoveLeader { topic: "t".into(), partition: 0, to });
        leads = to;
    }
    dialogue.produce(leads, "t", &Batch::of(&["g", "h"]));
    // Epoch and offset that the client has read to, and the error or the epoch and offset that it is told.
    for (epoch, offset, expected) in [
        (0, 6, Ok((-1, -1))),
        (0, 7, Ok((0, 6))),
        (1, 6, Ok((0, 6))),
        (2, 8, Ok((-1, -1))),
        (3, 8, Err(ErrorCode::OffsetOutOfRange)),
    ] {
        let mut request = fetch("t", offset);
        request.topics[0].partitions[0].last_fetched_epoch = epoch;
        let data = fetched(dialogue.ask(leads, 12, request));
        let diverging = (data.diverging_epoch.epoch, data.diverging_epoch.end_offset);
        let told =
            if data.error_code == 0 { Ok(diverging) } else { Err(ErrorCode::from_code(data.error_code)) };
        assert_eq!(told, expected, "after epoch {epoch} and offset {offset}");
    }
}

#[test]
fn a_limit_below_zero_is_an_error_of_the_server_as_in_kafka() {
    let (mut dialogue, leader) = filled(1);
    let data = fetched(dialogue.ask(leader, 12, FetchRequest { max_bytes: -1, ..fetch("t", 0) }));
    expect_error(data.error_code, ErrorCode::UnknownServerError);
}

#[test]
fn sessions_are_declined() {
    let (mut dialogue, leader) = filled(1);
    let begin = FetchRequest { session_epoch: 0, ..fetch("t", 0) };
    let response = dialogue.ask(leader, 12, begin);
    assert_eq!((response.error_code, response.session_id), (0, 0));
    assert!(!fetched(response).records.unwrap().is_empty());
    let step = FetchRequest { session_id: 5, session_epoch: 1, ..FetchRequest::default() };
    let response = dialogue.ask(leader, 12, step);
    expect_error(response.error_code, ErrorCode::FetchSessionIdNotFound);
}

#[test]
fn replicas_are_treated_like_consumers_and_none_is_preferred() {
    let (mut dialogue, leader) = filled(3);
    let data = fetched(dialogue.ask(leader, 11, FetchRequest { replica_id: 2, ..fetch("t", 0) }));
    assert_eq!((data.error_code, data.high_watermark, data.preferred_read_replica), (0, 6, -1));
    let near = FetchRequest { rack_id: "near".into(), ..fetch("t", 0) };
    assert_eq!(fetched(dialogue.ask(leader, 11, near)).preferred_read_replica, -1);
}

#[test]
fn readers_of_committed_records_learn_that_nothing_was_aborted() {
    let (mut dialogue, leader) = filled(1);
    assert_eq!(dialogue.fetch(leader, 12, "t", 0).aborted_transactions, None);
    let committed = FetchRequest { isolation_level: 1, ..fetch("t", 0) };
    let data = fetched(dialogue.ask(leader, 12, committed));
    assert_eq!(data.aborted_transactions, Some(vec![]));
}
