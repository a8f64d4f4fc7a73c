use crate::support::{Dialogue, expect_error};
use client_core::ids::NodeId;
use client_core::protocol::{ApiKey, ErrorCode, InitProducerIdRequest, InitProducerIdResponse};
use simulator::cluster::ClusterConfig;

fn transactional(id: &str) -> InitProducerIdRequest {
    InitProducerIdRequest {
        transactional_id: Some(id.into()),
        transaction_timeout_ms: 60_000,
        ..Default::default()
    }
}

fn given(response: &InitProducerIdResponse) -> (i16, i64, i16) {
    (response.error_code, response.producer_id, response.producer_epoch)
}

#[test]
fn every_idempotent_producer_gets_an_id_of_its_own_in_every_version() {
    let mut dialogue = Dialogue::with_nodes(3);
    for (version, id) in ApiKey::InitProducerId.versions().iter().zip(0..) {
        let node_id = NodeId(id as i32 % 3 + 1);
        let response = dialogue.ask(node_id, version, InitProducerIdRequest::default());
        assert_eq!(given(&response), (0, id, 0));
    }
    // Naming an id to keep is no use without a transactional id.
    let keep = InitProducerIdRequest { producer_id: 0, producer_epoch: 0, ..Default::default() };
    assert_eq!(given(&dialogue.ask(NodeId(1), 3, keep)), (0, 6, 0));
}

#[test]
fn a_transactional_id_keeps_its_producer_id_and_raises_the_epoch() {
    let mut dialogue = Dialogue::with_nodes(3);
    let coordinator = dialogue.cluster.coordinator_of("payments").unwrap();
    for epoch in 0..3 {
        assert_eq!(given(&dialogue.ask(coordinator, 4, transactional("payments"))), (0, 0, epoch));
    }
    let mine =
        |epoch| InitProducerIdRequest { producer_id: 0, producer_epoch: epoch, ..transactional("payments") };
    // The second time the reply to the first may have been lost.
    for _ in 0..2 {
        assert_eq!(given(&dialogue.ask(coordinator, 4, mine(2))), (0, 0, 3));
    }
    for (version, expected) in [(3, ErrorCode::InvalidProducerEpoch), (4, ErrorCode::ProducerFenced)] {
        let response = dialogue.ask(coordinator, version, mine(1));
        assert_eq!(given(&response), (expected.code(), -1, -1));
    }
    let elsewhere = dialogue.other(coordinator);
    let response = dialogue.ask(elsewhere, 4, transactional("payments"));
    expect_error(response.error_code, ErrorCode::NotCoordinator);
}

#[test]
fn requests_that_make_no_sense() {
    let mut config = ClusterConfig::with_nodes(1);
    config.limits.transactional_ids_max = 1;
    let mut dialogue = Dialogue::with(config);
    let half = InitProducerIdRequest { producer_id: 3, ..Default::default() };
    let endless = InitProducerIdRequest { transaction_timeout_ms: i32::MAX, ..transactional("x") };
    for (request, expected) in [
        (half, ErrorCode::InvalidRequest),
        (transactional(""), ErrorCode::InvalidRequest),
        (endless, ErrorCode::InvalidTransactionTimeout),
        (transactional("first"), ErrorCode::None),
        (transactional("one too many"), ErrorCode::PolicyViolation),
    ] {
        expect_error(dialogue.ask(NodeId(1), 4, request).error_code, expected);
    }
}
