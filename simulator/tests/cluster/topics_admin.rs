use crate::batch::Batch;
use crate::support::{Dialogue, expect_error};
use client_core::ids::NodeId;
use client_core::protocol::{
    ApiKey, CreatableReplicaAssignment, CreatableTopic, CreatePartitionsRequest, CreatePartitionsTopic,
    CreateTopicsRequest, DeleteRecordsPartition, DeleteRecordsRequest, DeleteRecordsTopic, DeleteTopicState,
    DeleteTopicsRequest, ErrorCode, Uuid,
};
use simulator::cluster::{ClusterCommand, ClusterConfig};

const NODE: NodeId = NodeId(1);

fn topic(name: &str, num_partitions: i32, replication_factor: i16) -> CreatableTopic {
    CreatableTopic { name: name.into(), num_partitions, replication_factor, ..Default::default() }
}

/// Creates one topic; the error it came to.
fn create(dialogue: &mut Dialogue, version: i16, topic: CreatableTopic) -> ErrorCode {
    let request = CreateTopicsRequest { topics: vec![topic], ..Default::default() };
    let response = dialogue.ask(NODE, version, request);
    let [topic] = &response.topics[..] else { panic!("{response:?}") };
    ErrorCode::from_code(topic.error_code)
}

#[test]
fn topics_come_and_go_in_every_version() {
    let mut dialogue = Dialogue::with_nodes(3);
    for version in ApiKey::CreateTopics.versions().iter() {
        let request = CreateTopicsRequest { topics: vec![topic("t", 3, 2)], ..Default::default() };
        let created = dialogue.ask(NodeId(i32::from(version) % 3 + 1), version, request);
        assert_eq!((created.topics[0].error_code, created.topics[0].name.as_str()), (0, "t"));
        let known = dialogue.cluster.topic("t").unwrap();
        assert_eq!((known.partitions().count(), created.topics[0].topic_id == known.id()), (3, version >= 7));
        let told = (created.topics[0].num_partitions, created.topics[0].replication_factor);
        assert_eq!(told, if version >= 5 { (3, 2) } else { (-1, -1) });
        assert_eq!(create(&mut dialogue, version, topic("t", 3, 2)), ErrorCode::TopicAlreadyExists);

        let version = version.min(ApiKey::DeleteTopics.versions().max);
        let id = dialogue.cluster.topic("t").unwrap().id();
        let state = match version {
            6 => DeleteTopicState { name: None, topic_id: id },
            _ => DeleteTopicState { name: Some("t".into()), topic_id: Uuid::ZERO },
        };
        let request =
            DeleteTopicsRequest { topics: vec![state], topic_names: vec!["t".into()], timeout_ms: 1 };
        for expected in [
            ErrorCode::None,
            if version == 6 { ErrorCode::UnknownTopicId } else { ErrorCode::UnknownTopicOrPartition },
        ] {
            let deleted = dialogue.ask(NODE, version, request.clone());
            expect_error(deleted.responses[0].error_code, expected);
        }
        assert!(dialogue.cluster.topic("t").is_none());
    }
}

#[test]
fn what_cannot_be_created_is_refused() {
    let mut dialogue = Dialogue::with_nodes(2);
    for (name, partitions, replication, expected) in [
        ("not a name", 1, 1, ErrorCode::InvalidTopicException),
        ("t", 0, 1, ErrorCode::InvalidPartitions),
        ("t", -2, 1, ErrorCode::InvalidPartitions),
        ("t", 1, 3, ErrorCode::InvalidReplicationFactor),
        ("t", 1, 0, ErrorCode::InvalidReplicationFactor),
        ("t", 1, -2, ErrorCode::InvalidReplicationFactor),
        ("t", -1, -1, ErrorCode::None),
    ] {
        assert_eq!(
            create(&mut dialogue, 7, topic(name, partitions, replication)),
            expected,
            "{name} {partitions}"
        );
    }
    assert_eq!(
        create(&mut dialogue, 3, topic("t", -1, -2)),
        ErrorCode::TopicAlreadyExists,
        "before anything else"
    );
    let assigned = CreatableTopic {
        assignments: vec![CreatableReplicaAssignment { partition_index: 0, broker_ids: vec![1] }],
        ..topic("assigned", -1, -1)
    };
    assert_eq!(create(&mut dialogue, 7, assigned), ErrorCode::InvalidReplicaAssignment);
    let twice =
        CreateTopicsRequest { topics: vec![topic("u", 1, 1), topic("u", 1, 1)], ..Default::default() };
    let twice = dialogue.ask(NODE, 7, twice);
    twice.topics.iter().for_each(|topic| expect_error(topic.error_code, ErrorCode::InvalidRequest));
    let only =
        CreateTopicsRequest { topics: vec![topic("v", 1, 1)], validate_only: true, ..Default::default() };
    assert_eq!(dialogue.ask(NODE, 7, only).topics[0].error_code, 0);
    let names: Vec<&str> = dialogue.cluster.topics().map(|topic| topic.name()).collect();
    assert_eq!(names, ["t"]);
}

#[test]
fn partitions_are_added_and_keep_their_places() {
    let mut dialogue = Dialogue::with(ClusterConfig::with_nodes(3));
    dialogue.create("t", 2);
    let leaders =
        |dialogue: &Dialogue, count| (0..count).map(|index| dialogue.leader("t", index)).collect::<Vec<_>>();
    let before = leaders(&dialogue, 2);
    let add = |dialogue: &mut Dialogue, name: &str, count, validate_only| {
        let topics = vec![CreatePartitionsTopic { name: name.into(), count, assignments: None }];
        let response =
            dialogue.ask(NODE, 3, CreatePartitionsRequest { topics, timeout_ms: 1, validate_only });
        ErrorCode::from_code(response.results[0].error_code)
    };
    assert_eq!(add(&mut dialogue, "t", 2, false), ErrorCode::InvalidPartitions);
    assert_eq!(add(&mut dialogue, "nothing", 2, false), ErrorCode::UnknownTopicOrPartition);
    assert_eq!(add(&mut dialogue, "t", 4, true), ErrorCode::None);
    assert_eq!(dialogue.cluster.topic("t").unwrap().partitions().count(), 2);
    assert_eq!(add(&mut dialogue, "t", 4, false), ErrorCode::None);
    assert_eq!(leaders(&dialogue, 4)[..2], before);
}

#[test]
fn the_leader_deletes_the_oldest_records() {
    let (mut dialogue, leader) = Dialogue::with_topic(2, "t");
    for values in [["a", "b"], ["c", "d"]] {
        dialogue.produce(leader, "t", &Batch::of(&values));
    }
    let other = dialogue.other(leader);
    let delete = |dialogue: &mut Dialogue, node, index, offset| {
        let partitions = vec![DeleteRecordsPartition { partition_index: index, offset }];
        let topics = vec![DeleteRecordsTopic { name: "t".into(), partitions }];
        let response = dialogue.ask(node, 2, DeleteRecordsRequest { topics, timeout_ms: 1 });
        let found = &response.topics[0].partitions[0];
        (ErrorCode::from_code(found.error_code), found.low_watermark)
    };
    assert_eq!(delete(&mut dialogue, other, 0, 2), (ErrorCode::NotLeaderOrFollower, -1));
    assert_eq!(delete(&mut dialogue, leader, 9, 2), (ErrorCode::UnknownTopicOrPartition, -1));
    assert_eq!(delete(&mut dialogue, leader, 0, 5), (ErrorCode::OffsetOutOfRange, -1));
    assert_eq!(delete(&mut dialogue, leader, 0, 3), (ErrorCode::None, 3));
    assert_eq!(delete(&mut dialogue, leader, 0, -1), (ErrorCode::None, 4));
    expect_error(dialogue.fetch(leader, 12, "t", 0).error_code, ErrorCode::OffsetOutOfRange);
}

/// A node that is down takes no topics away with it.
#[test]
fn topics_are_placed_on_nodes_that_are_up() {
    let mut dialogue = Dialogue::with_nodes(2);
    dialogue.command(ClusterCommand::NodeDown { node_id: NodeId(2) });
    assert_eq!(create(&mut dialogue, 7, topic("t", 1, 2)), ErrorCode::InvalidReplicationFactor);
    assert_eq!(create(&mut dialogue, 7, topic("t", 2, 1)), ErrorCode::None);
    assert_eq!((0..2).map(|index| dialogue.leader("t", index)).collect::<Vec<_>>(), [NODE, NODE]);
}
