use crate::support::{Batch, Dialogue, expect_error, produce, produced};
use bytes::Bytes;
use client_core::ids::NodeId;
use client_core::protocol::{ApiKey, ErrorCode, PartitionProduceData, ProduceRequest};
use simulator::cluster::{ClusterConfig, LinkClosed};

/// What the only node answers to these records.
#[track_caller]
fn check(records: Bytes, version: i16, expected: ErrorCode) {
    let (mut dialogue, leader) = Dialogue::with_topic(1, "t");
    let response = produced(dialogue.ask(leader, version, produce("t", 0, records)));
    expect_error(response.error_code, expected);
    let appended = dialogue.cluster.partition("t", 0).unwrap().end_offset();
    assert_eq!(appended > 0, expected == ErrorCode::None);
    if expected != ErrorCode::None {
        assert_eq!(response.base_offset, -1);
        assert_eq!(response.error_message.is_some(), version >= 8);
    }
}

#[test]
fn batches_get_offsets_in_every_version() {
    for version in ApiKey::Produce.versions().iter() {
        let (mut dialogue, leader) = Dialogue::with_topic(3, "t");
        for (values, base_offset) in [(&["a", "b", "c"][..], 0), (&["d"], 3), (&["e", "f"], 4)] {
            let mut request = produce("t", 0, Batch::of(values).encode());
            if version >= 13 {
                request.topic_data[0].topic_id = dialogue.cluster.topic("t").unwrap().id();
            }
            let response = produced(dialogue.ask(leader, version, request));
            assert_eq!((response.error_code, response.base_offset), (0, base_offset));
            assert_eq!(response.log_append_time_ms, -1);
        }
        let partition = dialogue.cluster.partition("t", 0).unwrap();
        assert_eq!((partition.records(), partition.batches().count()), (6, 3));
    }
}

#[test]
fn what_a_broker_refuses() {
    let good = Batch::of(&["a", "b"]);
    let encoded = good.encode();
    check(encoded.clone(), 9, ErrorCode::None);
    check(Bytes::new(), 9, ErrorCode::InvalidRecord);
    check(encoded.slice(..encoded.len() - 1), 9, ErrorCode::InvalidRecord);
    check([&encoded[..], &encoded[..]].concat().into(), 9, ErrorCode::InvalidRecord);
    check(Batch { base_offset: 1, ..good.clone() }.encode(), 9, ErrorCode::InvalidRecord);
    check(Batch { magic: 1, ..good.clone() }.encode(), 9, ErrorCode::InvalidRecord);
    check(Batch { magic: 3, ..good.clone() }.encode(), 9, ErrorCode::CorruptMessage);
    check(Batch { checksum_off_by: 1, ..good.clone() }.encode(), 8, ErrorCode::CorruptMessage);
    check(Batch { claimed_count: Some(3), ..good.clone() }.encode(), 7, ErrorCode::InvalidRecord);
    check(Batch { claimed_count: Some(-1), ..good.clone() }.encode(), 9, ErrorCode::InvalidRecord);
    check(Batch { records: vec![], ..good.clone() }.encode(), 9, ErrorCode::InvalidRecord);
    check(good.clone().idempotent(1, 0, -1).encode(), 9, ErrorCode::InvalidRecord);
    let control = 0x20;
    check(Batch { attributes: control, ..good.clone() }.encode(), 9, ErrorCode::InvalidRecord);
    let zstd = 4;
    check(Batch { attributes: zstd, ..good.clone() }.encode(), 6, ErrorCode::UnsupportedCompressionType);
    check(Batch { attributes: zstd, ..good.clone() }.encode(), 7, ErrorCode::None);
    let transactional = 0x10;
    check(Batch { attributes: transactional, ..good }.encode(), 9, ErrorCode::InvalidTxnState);
}

#[test]
fn records_that_are_null_are_refused_and_times_to_come_are_not() {
    let (mut dialogue, leader) = Dialogue::with_topic(1, "t");
    let mut request = produce("t", 0, Bytes::new());
    request.topic_data[0].partition_data[0].records = None;
    expect_error(produced(dialogue.ask(leader, 9, request)).error_code, ErrorCode::InvalidRecord);
    let late = Batch { base_timestamp: i64::MAX - 9, ..Batch::of(&["a"]) };
    expect_error(dialogue.produce(leader, "t", &late).error_code, ErrorCode::None);
}

#[test]
fn a_batch_whose_checksum_is_right_may_still_hold_nonsense() {
    // Two records are claimed in the bytes of one, by both counts of the header.
    let mut one = Batch::of(&["only"]);
    one.claimed_count = Some(2);
    check(one.encode(), 9, ErrorCode::InvalidRecord);
}

#[test]
fn compressed_batches_are_opened_and_stored_as_they_came() {
    for compression in [1, 2, 3, 4] {
        let (mut dialogue, leader) = Dialogue::with_topic(1, "t");
        let sound = Batch { attributes: compression, ..Batch::of(&["a", "b"]) };
        assert_eq!(dialogue.produce(leader, "t", &sound).error_code, 0);
        let stored = dialogue.fetch(leader, 12, "t", 0).records.unwrap();
        assert_eq!(stored[16..], sound.encode()[16..]);
        // Nonsense in a sound header: cut off, something else, and too few records.
        let whole = sound.encode();
        let payload = |payload: &[u8]| Batch { payload: Some(payload.to_vec()), ..sound.clone() }.encode();
        check(payload(&whole[61..whole.len() - 3]), 9, ErrorCode::UnknownServerError);
        check(payload(b"nonsense"), 9, ErrorCode::UnknownServerError);
        check(Batch { claimed_count: Some(3), ..sound.clone() }.encode(), 9, ErrorCode::InvalidRecord);
    }
    check(Batch { attributes: 5, ..Batch::of(&["a"]) }.encode(), 9, ErrorCode::InvalidRecord);
}

#[test]
fn a_wrong_latest_timestamp_and_the_mark_of_append_time_are_put_right() {
    let (mut dialogue, leader) = Dialogue::with_topic(1, "t");
    let sound = Batch::of(&["a", "b"]);
    let log_append_time = 0x08;
    let odd = [
        Batch { max_timestamp_off_by: -7, ..sound.clone() },
        Batch { max_timestamp_off_by: 7, ..sound.clone() },
        Batch { attributes: log_append_time, ..sound.clone() },
    ];
    for (batch, offset) in odd.iter().zip((0..).step_by(2)) {
        assert_eq!(dialogue.produce(leader, "t", batch).error_code, 0);
        let records = dialogue.fetch(leader, 12, "t", offset).records.unwrap();
        // Apart from offset and leader epoch, what a broker stores is the batch that should have been sent.
        let expected = sound.encode();
        assert_eq!(records[8..12], expected[8..12]);
        assert_eq!(records[16..], expected[16..]);
    }
}

#[test]
fn the_reply_to_a_repeated_batch_carries_its_timestamp() {
    let (mut dialogue, leader) = Dialogue::with_topic(1, "t");
    let batch = Batch::of(&["a", "b"]).idempotent(9, 0, 0);
    assert_eq!(dialogue.produce(leader, "t", &batch).log_append_time_ms, -1);
    let repeated = dialogue.produce(leader, "t", &batch);
    assert_eq!(repeated.log_append_time_ms, batch.base_timestamp + 1);
}

#[test]
fn a_batch_above_the_limit() {
    let mut config = ClusterConfig::with_nodes(1);
    config.limits.batch_size_max = 200;
    let mut dialogue = Dialogue::with(config);
    dialogue.create("t", 1);
    assert_eq!(dialogue.produce(NodeId(1), "t", &Batch::of(&["a"])).error_code, 0);
    let large = dialogue.produce(NodeId(1), "t", &Batch::of(&[&"x".repeat(200)]));
    expect_error(large.error_code, ErrorCode::MessageTooLarge);
}

#[test]
fn only_the_leader_appends_and_others_name_it() {
    let (mut dialogue, leader) = Dialogue::with_topic(3, "t");
    let other = dialogue.other(leader);
    let batch = Batch::of(&["a"]).encode();
    for version in [9, 10] {
        let response = dialogue.ask(other, version, produce("t", 0, batch.clone()));
        let named: Vec<_> = response.node_endpoints.iter().map(|node| node.node_id).collect();
        let partition = produced(response);
        expect_error(partition.error_code, ErrorCode::NotLeaderOrFollower);
        let leader = if version >= 10 { leader.0 } else { -1 };
        assert_eq!(partition.current_leader.leader_id, leader);
        assert_eq!(named, if version >= 10 { vec![leader] } else { vec![] });
    }
}

#[test]
fn unknown_topics_partitions_and_ids() {
    let (mut dialogue, leader) = Dialogue::with_topic(1, "t");
    let batch = Batch::of(&["a"]).encode();
    for (topic, partition) in [("other", 0), ("t", 1), ("t", -1)] {
        let response = produced(dialogue.ask(leader, 9, produce(topic, partition, batch.clone())));
        expect_error(response.error_code, ErrorCode::UnknownTopicOrPartition);
    }
    let response = produced(dialogue.ask(leader, 13, produce("t", 0, batch)));
    expect_error(response.error_code, ErrorCode::UnknownTopicId);
}

#[test]
fn acks_must_be_one_of_three() {
    let (mut dialogue, leader) = Dialogue::with_topic(1, "t");
    for acks in [1, -1] {
        let request = ProduceRequest { acks, ..produce("t", 0, Batch::of(&["a"]).encode()) };
        assert_eq!(produced(dialogue.ask(leader, 9, request)).error_code, 0);
    }
    let request = ProduceRequest { acks: 2, ..produce("t", 0, Batch::of(&["a"]).encode()) };
    expect_error(produced(dialogue.ask(leader, 9, request)).error_code, ErrorCode::InvalidRequiredAcks);
}

#[test]
fn acks_0_is_not_answered_and_closes_on_failure() {
    let (mut dialogue, leader) = Dialogue::with_topic(1, "t");
    let link = dialogue.open(leader);
    let batch = Batch::of(&["a"]).encode();
    dialogue.request(link, 9, ProduceRequest { acks: 0, ..produce("t", 0, batch.clone()) });
    dialogue.expect_silence();
    assert_eq!(dialogue.cluster.partition("t", 0).unwrap().records(), 1);
    dialogue.request(link, 9, ProduceRequest { acks: 0, ..produce("t", 5, batch) });
    let expected = LinkClosed::SilentRequestFailed(ErrorCode::UnknownTopicOrPartition);
    assert_eq!(dialogue.expect_close(), expected);
}

#[test]
fn a_repeated_batch_is_in_the_log_once() {
    let (mut dialogue, leader) = Dialogue::with_topic(1, "t");
    let batches: Vec<_> = (0..7).map(|n| Batch::of(&["a", "b"]).idempotent(9, 0, n * 2)).collect();
    for (batch, base_offset) in batches.iter().zip((0..).step_by(2)) {
        let response = dialogue.produce(leader, "t", batch);
        assert_eq!((response.error_code, response.base_offset), (0, base_offset));
    }
    for (batch, base_offset) in batches.iter().zip((0..).step_by(2)).skip(2) {
        let repeated = dialogue.produce(leader, "t", batch);
        assert_eq!((repeated.error_code, repeated.base_offset), (0, base_offset));
    }
    assert_eq!(dialogue.cluster.partition("t", 0).unwrap().records(), 14);
    let forgotten = dialogue.produce(leader, "t", &batches[1]);
    expect_error(forgotten.error_code, ErrorCode::OutOfOrderSequenceNumber);
    let gap = dialogue.produce(leader, "t", &Batch::of(&["x"]).idempotent(9, 0, 15));
    expect_error(gap.error_code, ErrorCode::OutOfOrderSequenceNumber);
}

#[test]
fn a_newer_epoch_fences_the_older_one() {
    let (mut dialogue, leader) = Dialogue::with_topic(1, "t");
    dialogue.produce(leader, "t", &Batch::of(&["a"]).idempotent(9, 0, 0));
    let skipped = dialogue.produce(leader, "t", &Batch::of(&["b"]).idempotent(9, 1, 1));
    expect_error(skipped.error_code, ErrorCode::OutOfOrderSequenceNumber);
    assert_eq!(dialogue.produce(leader, "t", &Batch::of(&["b"]).idempotent(9, 1, 0)).error_code, 0);
    let old = dialogue.produce(leader, "t", &Batch::of(&["c"]).idempotent(9, 0, 1));
    expect_error(old.error_code, ErrorCode::InvalidProducerEpoch);
}

#[test]
fn partitions_of_one_request_succeed_and_fail_apart() {
    let mut dialogue = Dialogue::with_nodes(1);
    dialogue.create("t", 2);
    let mut request = produce("t", 0, Batch::of(&["a"]).encode());
    let records = Some(Batch { checksum_off_by: 1, ..Batch::of(&["b"]) }.encode());
    request.topic_data[0].partition_data.push(PartitionProduceData { index: 1, records });
    let response = dialogue.ask(NodeId(1), 9, request);
    let errors: Vec<_> =
        response.responses[0].partition_responses.iter().map(|partition| partition.error_code).collect();
    assert_eq!(errors, [ErrorCode::None.code(), ErrorCode::CorruptMessage.code()]);
}

#[test]
fn a_log_keeps_its_newest_batches() {
    let mut config = ClusterConfig::with_nodes(1);
    config.limits.partition_size_max = 250;
    let mut dialogue = Dialogue::with(config);
    dialogue.create("t", 1);
    for _ in 0..10 {
        dialogue.produce(NodeId(1), "t", &Batch::of(&["abc"]));
    }
    let partition = dialogue.cluster.partition("t", 0).unwrap();
    assert!(partition.size() <= 250);
    assert_eq!((partition.end_offset(), partition.start_offset()), (10, 10 - partition.records()));
    assert!(partition.records() > 0);
}
