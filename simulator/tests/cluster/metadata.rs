use crate::support::{Dialogue, expect_error};
use client_core::ids::NodeId;
use client_core::protocol::{
    ApiKey, ErrorCode, MetadataRequest, MetadataRequestTopic, MetadataResponseTopic, Uuid,
};
use simulator::cluster::{ClusterCommand, ClusterConfig};

fn by_name(names: &[&str]) -> MetadataRequest {
    let topic = |name: &&str| MetadataRequestTopic { name: Some((*name).into()), ..Default::default() };
    MetadataRequest { topics: Some(names.iter().map(topic).collect()), ..Default::default() }
}

fn by_id(topic_id: Uuid) -> MetadataRequest {
    MetadataRequest {
        topics: Some(vec![MetadataRequestTopic { topic_id, name: None }]),
        ..Default::default()
    }
}

fn all() -> MetadataRequest {
    MetadataRequest { topics: None, ..Default::default() }
}

#[track_caller]
fn only(topics: Vec<MetadataResponseTopic>) -> MetadataResponseTopic {
    let [topic] = <[_; 1]>::try_from(topics).unwrap();
    topic
}

#[test]
fn describes_brokers_and_topics_in_every_version() {
    for version in ApiKey::Metadata.versions().iter() {
        let mut dialogue = Dialogue::with_nodes(3);
        dialogue.create("orders", 2);
        let response = dialogue.ask(NodeId(2), version, by_name(&["orders"]));
        let brokers: Vec<_> = response.brokers.iter().map(|b| (b.node_id, b.host.as_str(), b.port)).collect();
        assert_eq!(brokers, [(1, "b1", 9092), (2, "b2", 9092), (3, "b3", 9092)]);
        let topic = only(response.topics);
        expect_error(topic.error_code, ErrorCode::None);
        assert_eq!(topic.name.as_deref(), Some("orders"));
        assert_eq!(topic.topic_id.is_zero(), version < 10);
        let leaders: Vec<_> = topic.partitions.iter().map(|p| NodeId(p.leader_id)).collect();
        assert_eq!(leaders, [dialogue.leader("orders", 0), dialogue.leader("orders", 1)]);
        assert!(topic.partitions.iter().all(|p| p.replica_nodes.len() == 3 && p.isr_nodes.len() == 3));
    }
}

#[test]
fn all_topics_or_none() {
    let mut dialogue = Dialogue::with_nodes(1);
    dialogue.create("a", 1);
    dialogue.create("b", 1);
    assert_eq!(dialogue.ask(NodeId(1), 0, by_name(&[])).topics.len(), 2);
    assert_eq!(dialogue.ask(NodeId(1), 1, by_name(&[])).topics.len(), 0);
    assert_eq!(dialogue.ask(NodeId(1), 1, all()).topics.len(), 2);
    assert_eq!(dialogue.ask(NodeId(1), 13, by_name(&["a", "a"])).topics.len(), 1);
}

#[test]
fn a_topic_is_created_on_demand_and_described_the_next_time() {
    let mut dialogue = Dialogue::with_nodes(3);
    let first = only(dialogue.ask(NodeId(1), 12, by_name(&["new"])).topics);
    expect_error(first.error_code, ErrorCode::UnknownTopicOrPartition);
    let second = only(dialogue.ask(NodeId(1), 12, by_name(&["new"])).topics);
    expect_error(second.error_code, ErrorCode::None);
    assert_eq!(second.partitions.len(), 3);
}

#[test]
fn nothing_is_created_that_one_side_does_not_want() {
    let mut dialogue = Dialogue::with_nodes(1);
    let unwanted = MetadataRequest { allow_auto_topic_creation: false, ..by_name(&["new"]) };
    let topic = only(dialogue.ask(NodeId(1), 4, unwanted).topics);
    expect_error(topic.error_code, ErrorCode::UnknownTopicOrPartition);
    assert!(dialogue.cluster.topic("new").is_none());

    let config = ClusterConfig { auto_create_topics: false, ..ClusterConfig::with_nodes(1) };
    let mut dialogue = Dialogue::with(config);
    let topic = only(dialogue.ask(NodeId(1), 4, by_name(&["new"])).topics);
    expect_error(topic.error_code, ErrorCode::UnknownTopicOrPartition);
    assert!(dialogue.cluster.topic("new").is_none());
}

#[test]
fn a_name_that_no_topic_can_have() {
    let mut dialogue = Dialogue::with_nodes(1);
    let topic = only(dialogue.ask(NodeId(1), 9, by_name(&["two words"])).topics);
    expect_error(topic.error_code, ErrorCode::InvalidTopicException);
}

#[test]
fn by_id_from_version_12_on() {
    let mut dialogue = Dialogue::with_nodes(1);
    dialogue.create("orders", 1);
    let id = dialogue.cluster.topic("orders").unwrap().id();
    let topic = only(dialogue.ask(NodeId(1), 12, by_id(id)).topics);
    assert_eq!((topic.error_code, topic.name.as_deref()), (0, Some("orders")));

    let unknown = only(dialogue.ask(NodeId(1), 12, by_id(Uuid([7; 16]))).topics);
    expect_error(unknown.error_code, ErrorCode::UnknownTopicId);
    assert_eq!((unknown.name, unknown.topic_id), (None, Uuid([7; 16])));

    let early = only(dialogue.ask(NodeId(1), 10, by_id(id)).topics);
    expect_error(early.error_code, ErrorCode::InvalidRequest);
}

#[test]
fn a_topic_that_is_created_again_has_another_id() {
    let mut dialogue = Dialogue::with_nodes(1);
    dialogue.create("orders", 1);
    let before = dialogue.cluster.topic("orders").unwrap().id();
    dialogue.command(ClusterCommand::DeleteTopic { name: "orders".into() });
    dialogue.create("orders", 1);
    assert_ne!(dialogue.cluster.topic("orders").unwrap().id(), before);
    let topic = only(dialogue.ask(NodeId(1), 12, by_id(before)).topics);
    expect_error(topic.error_code, ErrorCode::UnknownTopicId);
}

#[test]
fn a_node_that_goes_down_leaves_the_list_and_others_lead() {
    let (mut dialogue, leader) = Dialogue::with_topic(3, "orders");
    dialogue.command(ClusterCommand::NodeDown { node_id: leader });
    let asked = dialogue.other(leader);
    let response = dialogue.ask(asked, 9, by_name(&["orders"]));
    assert!(response.brokers.iter().all(|broker| broker.node_id != leader.0));
    assert_ne!(response.controller_id, leader.0);
    let partition = &only(response.topics).partitions[0];
    assert_ne!(partition.leader_id, leader.0);
    assert_eq!(partition.leader_epoch, 1);
    assert_eq!(partition.offline_replicas, [leader.0]);
    assert_eq!(partition.isr_nodes.len(), 2);

    dialogue.command(ClusterCommand::NodeUp { node_id: leader });
    let partition = &only(dialogue.ask(asked, 9, by_name(&["orders"])).topics).partitions[0];
    assert_eq!((partition.leader_epoch, partition.offline_replicas.len()), (1, 0));
    assert_eq!(partition.isr_nodes.len(), 3);
}

#[test]
fn without_a_replica_that_is_up_nobody_leads() {
    let config = ClusterConfig { replication: 1, ..ClusterConfig::with_nodes(2) };
    let mut dialogue = Dialogue::with(config);
    dialogue.create("orders", 1);
    let leader = dialogue.leader("orders", 0);
    dialogue.command(ClusterCommand::NodeDown { node_id: leader });
    let asked = dialogue.other(leader);
    let partition = &only(dialogue.ask(asked, 9, by_name(&["orders"])).topics).partitions[0];
    expect_error(partition.error_code, ErrorCode::LeaderNotAvailable);
    assert_eq!((partition.leader_id, partition.leader_epoch), (-1, 1));
    dialogue.command(ClusterCommand::NodeUp { node_id: leader });
    assert_eq!(dialogue.leader("orders", 0), leader);
    assert_eq!(dialogue.cluster.partition("orders", 0).unwrap().leader_epoch(), 2);
}

#[test]
fn a_new_address_is_advertised() {
    let mut dialogue = Dialogue::with_nodes(1);
    dialogue.command(ClusterCommand::Readdress { node_id: NodeId(1), host: "elsewhere".into(), port: 19092 });
    let response = dialogue.ask(NodeId(1), 5, by_name(&[]));
    assert_eq!((response.brokers[0].host.as_str(), response.brokers[0].port), ("elsewhere", 19092));
}

#[test]
fn authorized_operations_are_told_when_asked_for() {
    let mut dialogue = Dialogue::with_nodes(1);
    dialogue.create("orders", 1);
    let plain = dialogue.ask(NodeId(1), 8, by_name(&["orders"]));
    assert_eq!(plain.cluster_authorized_operations, i32::MIN);
    assert_eq!(plain.topics[0].topic_authorized_operations, i32::MIN);
    let asked = MetadataRequest {
        include_cluster_authorized_operations: true,
        include_topic_authorized_operations: true,
        ..by_name(&["orders"])
    };
    let told = dialogue.ask(NodeId(1), 8, asked);
    assert!(told.cluster_authorized_operations > 0);
    assert!(told.topics[0].topic_authorized_operations > 0);
}
