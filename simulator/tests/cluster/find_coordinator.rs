use crate::support::{Dialogue, expect_error};
use client_core::ids::NodeId;
use client_core::protocol::{ApiKey, ErrorCode, FindCoordinatorRequest};
use simulator::cluster::ClusterCommand;
use std::collections::BTreeSet;

fn group(name: &str) -> FindCoordinatorRequest {
    FindCoordinatorRequest { key: name.into(), ..Default::default() }
}

fn several(key_type: i8, names: &[String]) -> FindCoordinatorRequest {
    FindCoordinatorRequest { key_type, coordinator_keys: names.to_vec(), ..Default::default() }
}

#[test]
fn every_node_names_the_same_one_in_every_version() {
    let mut dialogue = Dialogue::with_nodes(3);
    let expected = dialogue.cluster.coordinator_of("group").unwrap();
    for version in ApiKey::FindCoordinator.versions().iter() {
        for node in 1..=3 {
            let (error_code, node_id, host) = if version < 4 {
                let response = dialogue.ask(NodeId(node), version, group("group"));
                (response.error_code, response.node_id, response.host)
            } else {
                let response = dialogue.ask(NodeId(node), version, several(0, &["group".into()]));
                let found = &response.coordinators[0];
                (found.error_code, found.node_id, found.host.clone())
            };
            assert_eq!((error_code, NodeId(node_id)), (0, expected));
            assert_eq!(host, format!("b{node_id}"));
        }
    }
}

#[test]
fn keys_are_spread_and_move_when_a_node_goes_down() {
    let mut dialogue = Dialogue::with_nodes(3);
    let names: Vec<String> = (0..50).map(|n| format!("group-{n}")).collect();
    let found = |dialogue: &mut Dialogue| -> BTreeSet<i32> {
        let response = dialogue.ask(NodeId(1), 4, several(0, &names));
        response.coordinators.iter().map(|coordinator| coordinator.node_id).collect()
    };
    assert_eq!(found(&mut dialogue), BTreeSet::from([1, 2, 3]));
    dialogue.command(ClusterCommand::NodeDown { node_id: NodeId(2) });
    assert_eq!(found(&mut dialogue), BTreeSet::from([1, 3]));
}

#[test]
fn unknown_kinds_of_keys() {
    let mut dialogue = Dialogue::with_nodes(1);
    for (key_type, expected) in [
        (0, ErrorCode::None),
        (1, ErrorCode::None),
        (2, ErrorCode::InvalidRequest),
        (9, ErrorCode::InvalidRequest),
    ] {
        let response = dialogue.ask(NodeId(1), 6, several(key_type, &["key".into()]));
        expect_error(response.coordinators[0].error_code, expected);
    }
}
