use crate::support::{Batch, Dialogue, expect_error};
use client_core::ids::NodeId;
use client_core::protocol::{
    ApiKey, ErrorCode, ListOffsetsPartition, ListOffsetsPartitionResponse, ListOffsetsRequest,
    ListOffsetsTopic,
};
use simulator::cluster::ClusterCommand;

const START: i64 = 1_700_000_000_000;

fn request(topic: &str, partition: ListOffsetsPartition) -> ListOffsetsRequest {
    let topics = vec![ListOffsetsTopic { name: topic.into(), partitions: vec![partition] }];
    ListOffsetsRequest { topics, ..Default::default() }
}

fn at(timestamp: i64) -> ListOffsetsPartition {
    ListOffsetsPartition { timestamp, ..Default::default() }
}

#[track_caller]
fn look_up(
    dialogue: &mut Dialogue,
    node_id: NodeId,
    version: i16,
    wanted: ListOffsetsPartition,
) -> ListOffsetsPartitionResponse {
    let response = dialogue.ask(node_id, version, request("t", wanted));
    response.topics[0].partitions[0].clone()
}

/// Records at 0, +10, +20 | +5, +40, +40 | +30 milliseconds.
fn filled() -> (Dialogue, NodeId) {
    let (mut dialogue, leader) = Dialogue::with_topic(3, "t");
    for times in [&[0, 10, 20][..], &[5, 40, 40], &[30]] {
        let records = times.iter().map(|&delta| (delta, b"x".to_vec())).collect();
        dialogue.produce(leader, "t", &Batch { records, ..Batch::of(&[]) });
    }
    (dialogue, leader)
}

#[test]
fn both_ends_of_the_log_in_every_version() {
    for version in ApiKey::ListOffsets.versions().iter() {
        let (mut dialogue, leader) = filled();
        let delete = ClusterCommand::DeleteRecords { topic: "t".into(), partition: 0, before_offset: 2 };
        dialogue.command(delete);
        for (timestamp, expected) in [(-1, 7), (-2, 2)] {
            let found = look_up(&mut dialogue, leader, version, at(timestamp));
            assert_eq!((found.error_code, found.offset, found.timestamp), (0, expected, -1));
            assert_eq!(found.leader_epoch, if version >= 4 { 0 } else { -1 });
        }
    }
}

#[test]
fn the_first_record_that_is_not_older() {
    let (mut dialogue, leader) = filled();
    for (after, offset, found_after) in
        [(-5, 0, 0), (0, 0, 0), (1, 1, 10), (10, 1, 10), (11, 2, 20), (21, 4, 40), (40, 4, 40)]
    {
        let found = look_up(&mut dialogue, leader, 7, at(START + after));
        assert_eq!((found.error_code, found.offset, found.timestamp), (0, offset, START + found_after));
    }
    let found = look_up(&mut dialogue, leader, 7, at(START + 41));
    assert_eq!((found.error_code, found.offset, found.timestamp), (0, -1, -1));
}

#[test]
fn deleted_records_are_not_found_by_time() {
    let (mut dialogue, leader) = filled();
    let delete = ClusterCommand::DeleteRecords { topic: "t".into(), partition: 0, before_offset: 5 };
    dialogue.command(delete);
    assert_eq!(look_up(&mut dialogue, leader, 7, at(START)).offset, 5);
}

#[test]
fn special_timestamps_and_the_versions_that_brought_them() {
    let (mut dialogue, leader) = filled();
    for (timestamp, since, offset) in [(-3, 7, 4), (-4, 8, 0), (-5, 9, -1), (-6, 11, -1), (-7, 12, 0)] {
        for version in ApiKey::ListOffsets.versions().iter() {
            let found = look_up(&mut dialogue, leader, version, at(timestamp));
            if version >= since {
                assert_eq!((found.error_code, found.offset), (0, offset), "{timestamp} in {version}");
            } else {
                expect_error(found.error_code, ErrorCode::UnsupportedVersion);
            }
        }
    }
}

#[test]
fn an_empty_log_has_no_times() {
    let (mut dialogue, leader) = Dialogue::with_topic(1, "t");
    for timestamp in [START, -3] {
        let found = look_up(&mut dialogue, leader, 7, at(timestamp));
        assert_eq!((found.error_code, found.offset, found.timestamp), (0, -1, -1));
    }
}

#[test]
fn times_are_found_inside_of_compressed_batches() {
    let (mut dialogue, leader) = filled();
    let gzip = 1;
    let batch = Batch { attributes: gzip, base_timestamp: START + 100, ..Batch::of(&["a", "b"]) };
    assert_eq!(dialogue.produce(leader, "t", &batch).error_code, 0);
    let found = look_up(&mut dialogue, leader, 7, at(START + 101));
    assert_eq!((found.offset, found.timestamp), (8, START + 101));
}

#[test]
fn what_cannot_be_looked_up() {
    let (mut dialogue, leader) = filled();
    let other = dialogue.other(leader);
    let found = look_up(&mut dialogue, other, 7, at(-1));
    expect_error(found.error_code, ErrorCode::NotLeaderOrFollower);
    let believing = |current_leader_epoch| ListOffsetsPartition { current_leader_epoch, ..at(-1) };
    let found = look_up(&mut dialogue, leader, 7, believing(1));
    expect_error(found.error_code, ErrorCode::UnknownLeaderEpoch);
    dialogue.command(ClusterCommand::MoveLeader { topic: "t".into(), partition: 0, to: other });
    let found = look_up(&mut dialogue, other, 7, believing(0));
    expect_error(found.error_code, ErrorCode::FencedLeaderEpoch);
    let absent = ListOffsetsPartition { partition_index: 9, ..at(-1) };
    let found = look_up(&mut dialogue, leader, 7, absent);
    expect_error(found.error_code, ErrorCode::UnknownTopicOrPartition);
}

#[test]
fn a_partition_named_twice_is_an_invalid_request() {
    let (mut dialogue, leader) = filled();
    let mut twice = request("t", at(-1));
    twice.topics[0].partitions.push(at(-2));
    let response = dialogue.ask(leader, 7, twice);
    for partition in &response.topics[0].partitions {
        expect_error(partition.error_code, ErrorCode::InvalidRequest);
    }
}
