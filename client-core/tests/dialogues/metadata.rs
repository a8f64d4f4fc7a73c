//! What is known of the cluster, and how it stays fresh: CN11, CN12.

use crate::support::cluster::Cluster;
use crate::support::{Dialogue, ms, partition, replies, secs};
use client_core::protocol::{
    ErrorCode, FetchRequest, InitProducerIdRequest, LeaderIdAndEpoch, MetadataRequest, MetadataResponse,
    MetadataResponsePartition, ProduceRequest, ProduceResponse,
};
use client_core::{
    CloseReason, Completion, ConnectionState, DisconnectCause, Error, LifecycleState, OperationId,
    StartOffset, Status,
};

fn partitions_for(d: &mut Dialogue, topic: &str) -> OperationId {
    d.command(|client, now| client.partitions_for(now, topic, None)).unwrap()
}

/// A producer started on b1, with nothing else known.
fn started() -> Dialogue {
    Dialogue::producer("b1").started()
}
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

// ---- waiters ----

/// Whoever waits for a topic gets its partitions.
#[test]
fn cn12_partitions_come_with_the_metadata() {
    let mut d = started();
    let wanted = [partitions_for(&mut d, "t"), partitions_for(&mut d, "t")];
    let asked = d.they_send::<MetadataRequest>("b1");
    d.expect_nothing();
    d.we_answer(&asked, replies::metadata("b1", &[("t", &[1, 1, 0])]));
    for operation in wanted {
        let Ok(Completion::Partitions(found)) = d.result(operation) else { panic!("partitions") };
        let leaders: Vec<_> = found.iter().map(|info| info.leader).collect();
        assert_eq!(leaders, [Some(1), Some(1), None]);
    }
    let known = partitions_for(&mut d, "t");
    assert!(d.result(known).is_ok(), "what is known is not asked for again");
}

/// An error that will not pass ends the wait at once, with the broker's reason.
#[test]
fn cn12_a_topic_that_may_not_be_read_is_an_error() {
    for (code, name) in [
        (ErrorCode::TopicAuthorizationFailed, "TOPIC_AUTHORIZATION_FAILED"),
        (ErrorCode::InvalidTopicException, "INVALID_TOPIC_EXCEPTION"),
    ] {
        let mut d = started();
        let operation = partitions_for(&mut d, "t");
        let asked = d.they_send::<MetadataRequest>("b1");
        let mut answer = replies::metadata("b1", &[]);
        answer.topics.push(replies::topic_error("t", code));
        d.we_answer(&asked, answer);
        assert_eq!(d.error_code(operation), name);
    }
}

/// A topic that may still appear is waited for, for as long as the caller wants to.
#[test]
fn cn12_a_topic_that_does_not_exist_ends_the_wait_in_time() {
    let mut d = started();
    let operation = d.command(|client, now| client.partitions_for(now, "unknown", Some(secs(3)))).unwrap();
    while d.ended(operation).is_none() {
        d.serve();
        d.wait_for_deadline();
    }
    let Err(Error::Timeout { cause: Some(cause), .. }) = d.result(operation) else { panic!("a timeout") };
    assert_eq!(cause.code(), "UNKNOWN_TOPIC_OR_PARTITION");
}

/// Without a limit of the caller's own there is one nevertheless.
#[test]
fn cn12_every_wait_for_partitions_has_an_end() {
    let mut d = started();
    let operation = partitions_for(&mut d, "unknown");
    for _ in 0..1_000 {
        d.serve();
        if d.ended(operation).is_some() {
            break;
        }
        d.wait_for_deadline();
    }
    assert_eq!(d.error_code(operation), "TIMEOUT");
}

/// A stop ends every wait.
#[test]
fn cn12_a_stop_ends_every_wait() {
    let mut d = started();
    let operation = partitions_for(&mut d, "t");
    let cancelled = partitions_for(&mut d, "t");
    d.cancel(cancelled);
    d.stop();
    assert_eq!(d.result(operation), Err(Error::Stopped));
    assert_eq!(d.result(cancelled), Err(Error::Cancelled));
}

/// A name that cannot be a topic's is refused without asking anybody.
#[test]
fn impossible_names_are_refused() {
    let mut d = started();
    let refused = d.command(|client, now| client.partitions_for(now, "no spaces", None));
    assert!(matches!(refused, Err(Error::InvalidArgument { .. })), "{refused:?}");
    d.expect_nothing();
}

/// A topic wanted while another one is still being waited for is asked for at once.
#[test]
fn a_new_topic_does_not_wait_for_an_old_one() {
    let mut d = started();
    d.cluster.topic("t", &[1]);
    let unknown = partitions_for(&mut d, "unknown");
    for _ in 0..20 {
        d.serve();
        d.wait_for_deadline();
    }
    assert_eq!(d.ended(unknown), None);
    // While a request is under way:
    assert!(
        d.has_request("b1") || {
            d.wait_for_deadline();
            d.has_request("b1")
        }
    );
    let known = partitions_for(&mut d, "t");
    let before = d.now();
    d.serve();
    assert!(d.result(known).is_ok());
    assert_eq!(d.now(), before);
}

/// From a start to the first acknowledged record in three round trips: versions; metadata, which asks for the topics that
/// were wanted while the connection was being opened, beside the producer id; the record.
#[test]
fn the_first_record_takes_three_round_trips() {
    let mut d = Dialogue::producer("b1");
    d.start();
    let record = d.send("t", "first");
    d.handshake("b1");
    let metadata = d.they_send::<MetadataRequest>("b1");
    let asked: Vec<_> =
        metadata.body.topics.iter().flatten().filter_map(|topic| topic.name.clone()).collect();
    assert_eq!(asked, ["t"]);
    let producer_id = d.they_send::<InitProducerIdRequest>("b1");
    d.we_answer(&metadata, replies::metadata("b1", &[("t", &[1])]));
    d.we_answer(&producer_id, replies::producer_id(7));
    let produce = d.they_send::<ProduceRequest>("b1");
    d.expect_nothing();
    d.we_answer(&produce, replies::produced(&produce.body, ErrorCode::None, 0));
    assert_eq!(d.record_offset(record), 0);
}

/// A topic that is wanted after the request was written gets a request of its own, at once.
#[test]
fn a_topic_wanted_too_late_for_the_request_is_asked_for_next() {
    let mut d = Dialogue::producer("b1");
    d.start();
    d.handshake("b1");
    let first = d.they_send::<MetadataRequest>("b1");
    assert_eq!(first.body.topics, Some(Vec::new()));
    let producer_id = d.they_send::<InitProducerIdRequest>("b1");
    d.send("t", "late");
    d.we_answer(&first, replies::metadata("b1", &[]));
    let second = d.they_send::<MetadataRequest>("b1");
    assert_eq!(second.body.topics.iter().flatten().count(), 1);
    d.we_answer(&producer_id, replies::producer_id(7));
    d.expect_nothing();
}

// ---- refreshing ----

/// A reply without brokers does not wipe the known ones.
#[test]
fn cn12_an_empty_list_of_brokers_changes_nothing() {
    let mut d = started();
    let operation = partitions_for(&mut d, "t");
    let asked = d.they_send::<MetadataRequest>("b1");
    d.we_answer(&asked, MetadataResponse::default());
    assert_eq!(d.client.inspect().cluster().nodes.len(), 1);
    assert_eq!(d.connection_state("b1"), ConnectionState::Ready);
    assert_eq!(d.ended(operation), None);
    d.cluster.topic("t", &[1]);
    d.wait(ms(120));
    d.serve();
    assert!(d.result(operation).is_ok());
}

/// Nor does it start a client.
#[test]
fn cn12_an_empty_list_of_brokers_starts_nobody() {
    let mut d = Dialogue::consumer("b1");
    let start = d.start();
    d.handshake("b1");
    let asked = d.they_send::<MetadataRequest>("b1");
    d.we_answer(&asked, MetadataResponse::default());
    assert_eq!(d.ended(start.operation), None);
    d.wait(ms(120));
    d.serve();
    assert_eq!(d.result(start.operation), Ok(Completion::Done));
}

/// Several losses at once make one refresh.
#[test]
fn cn11_losses_are_coalesced_into_one_refresh() {
    let mut d = Dialogue::producer("b1 b2 b3 b4");
    d.cluster.topic("t", &[1, 2, 3, 4]);
    d = d.started();
    for place in ["t/0", "t/1", "t/2", "t/3"] {
        d.send(place, "x");
        d.serve();
    }
    d.wait(secs(10));
    let sent_before = metadata_requests(&d);
    for host in ["b2", "b3", "b4"] {
        d.we_end(host, DisconnectCause::Reset);
    }
    d.wait(ms(50));
    d.serve();
    assert_eq!(metadata_requests(&d) - sent_before, 1);
}

/// How many metadata requests have been written.
fn metadata_requests(d: &Dialogue) -> usize {
    d.traces()
        .filter(|kind| matches!(kind, client_core::TraceKind::RequestSent { api: "Metadata", .. }))
        .count()
}

/// KIP-899: When all known brokers are dead, the configured addresses are asked again.
#[test]
fn cn11_the_bootstrap_list_is_asked_again() {
    let mut d = Dialogue::producer_with("b1", |config, _| config.metadata_max_age = secs(5));
    d.cluster = Cluster::new("b2 b3");
    d.cluster.topic("t", &[1]);
    d = d.started();
    d.send("t", "x");
    d.serve();
    assert_eq!(d.connection_state("b2"), ConnectionState::Ready);
    assert_eq!(
        d.connection_state("b1"),
        ConnectionState::Disconnected,
        "not a broker of the cluster, let go"
    );
    // The whole cluster moves elsewhere; only the configured address still leads there.
    d.cluster.set_up("b2", false);
    d.cluster.set_up("b3", false);
    d.lose_everything();
    for _ in 0..10 {
        d.serve();
        d.wait_for_deadline();
        if d.view_of("b1").is_some_and(|view| view.state() == ConnectionState::Connecting) {
            break;
        }
    }
    d.cluster = Cluster::new("b4");
    d.cluster.topic("t", &[1]);
    let record = d.send("t", "y");
    for _ in 0..10 {
        d.serve();
        d.wait_for_deadline();
        if d.record(record).is_some() {
            break;
        }
    }
    assert!(d.record(record).is_some_and(Result::is_ok), "{:?}", d.record(record));
    assert_eq!(d.cluster.values("t", 0), ["y"]);
}

/// No silent stop: a cluster of which every broker is gone is reported as offline, and again as connected.
#[test]
fn a_client_says_when_it_is_offline() {
    let mut d = Dialogue::producer("b1 b2 b3");
    d.cluster.topic("t", &[1]);
    d = d.started();
    for host in ["b1", "b2", "b3"] {
        d.cluster.set_up(host, false);
    }
    d.lose_everything();
    let record = d.send("t", "x");
    for _ in 0..40 {
        d.serve();
        d.wait_for_deadline();
    }
    assert!(d.statuses().contains(&Status::Offline), "{:?}", d.statuses());
    assert_eq!(d.state(), LifecycleState::Started);
    d.forget_events();
    for host in ["b1", "b2", "b3"] {
        d.cluster.set_up(host, true);
    }
    for _ in 0..40 {
        d.serve();
        if d.record(record).is_some() {
            break;
        }
        d.wait_for_deadline();
    }
    assert!(d.record(record).is_some_and(Result::is_ok));
    d.wait(secs(2));
    d.serve();
    assert_eq!(
        d.statuses().iter().filter(|status| **status == Status::Connected).count(),
        1,
        "{:?}",
        d.statuses()
    );
}

/// What does not exist is not asked for ever faster: a partition that no metadata has, a leader that is no broker.
#[test]
fn wishes_that_stay_unfulfilled_are_not_repeated_without_a_pause() {
    let check = |mut d: Dialogue| {
        let before = metadata_requests(&d);
        for _ in 0..1_000 {
            if d.now() > client_core::Instant::ZERO + secs(60) {
                break;
            }
            d.serve();
            d.wait_for_deadline();
        }
        let requests = metadata_requests(&d) - before;
        assert!((10..=90).contains(&requests), "{requests} metadata requests in a minute");
    };
    let mut d = Dialogue::consumer("b1");
    d.cluster.topic("t", &[1]);
    d.command(|client, now| {
        client.consumer(now).unwrap().assign(&[(partition("t", 99), StartOffset::Earliest)]).unwrap();
    });
    check(d.started());

    let mut d = Dialogue::producer("b1");
    d.cluster.topic("t", &[9]);
    d = d.started();
    d.send("t", "x");
    check(d);
}

/// A leader changes: the news is asked for at once, since the last news is old.
#[test]
fn cn14_a_new_leader_is_found_without_delay() {
    let mut d = Dialogue::producer("b1 b2");
    d.cluster.topic("t", &[1]);
    d = d.started();
    d.send("t", "x");
    d.serve();
    d.wait(secs(30));
    d.cluster.elect("t", 0, 2);
    let record = d.send("t", "y");
    let before = d.now();
    while d.record(record).is_none() {
        d.serve();
        if d.record(record).is_none() {
            d.wait_for_deadline();
        }
    }
    assert_eq!(d.record_offset(record), 1);
    assert!(d.now().since(before) <= ms(130), "{:?}", d.now().since(before));
}

/// KIP-951: the old leader says who the new one is; the record goes there without waiting for metadata.
#[test]
fn cn14_a_leader_that_is_named_is_asked_at_once() {
    let mut d = Dialogue::producer("b1 b2");
    d.cluster.topic("t", &[1, 2]);
    d = d.started();
    for place in ["t/0", "t/1"] {
        d.send(place, "first");
        d.serve();
    }
    let record = d.send("t/0", "x");
    let asked = d.they_send::<ProduceRequest>("b1");
    d.cluster.elect("t", 0, 2);
    d.we_answer(&asked, refused(&asked.body, 2, 2));
    let asked = d.they_send::<ProduceRequest>("b2");
    assert_eq!(d.now(), client_core::Instant::ZERO, "at once");
    let batch = replies::batch_of(&asked.body);
    assert_eq!((batch.base_sequence(), batch.record_count()), (1, 1), "as it was");
    d.we_answer(&asked, replies::produced(&asked.body, ErrorCode::None, 1));
    assert_eq!(d.record_offset(record), 1);
    d.wait(ms(120));
    d.serve();
    assert_eq!(d.client.inspect().cluster().partition(&partition("t", 0)).unwrap().leader_epoch, 2);
}

/// What is no news, or names nobody, is answered with patience: nobody is asked in a loop.
#[test]
fn cn14_a_leader_that_is_named_in_vain_changes_nothing() {
    for (leader, epoch) in [(1, 1), (2, 1), (2, 0), (77, 9), (-1, 9)] {
        let mut d = Dialogue::producer("b1 b2");
        d.cluster.topic("t", &[1]);
        d = d.started();
        d.send("t", "first");
        d.serve();
        d.send("t", "x");
        let mut tries = 0;
        while d.now() < client_core::Instant::ZERO + secs(5) {
            if d.has_request("b1") && d.next_is::<ProduceRequest>("b1") {
                let asked = d.they_send::<ProduceRequest>("b1");
                d.we_answer(&asked, refused(&asked.body, leader, epoch));
                tries += 1;
            } else if !d.serve_one() {
                d.wait_for_deadline();
            }
        }
        assert!((5..=12).contains(&tries), "leader {leader} in epoch {epoch}: {tries} in five seconds");
    }
}

/// A consumer goes on where the leader is said to be.
#[test]
fn cn14_a_consumer_follows_a_leader_that_is_named() {
    let mut d = Dialogue::consumer("b1 b2");
    d.cluster.topic("t", &[1]);
    d.command(|client, now| {
        client.consumer(now).unwrap().assign(&[(partition("t", 0), StartOffset::Earliest)]).unwrap();
    });
    d = d.started();
    d.serve();
    d.wait(secs(20));
    let asked = d.they_send::<FetchRequest>("b1");
    let mut data = replies::data_error(0, ErrorCode::NotLeaderOrFollower);
    data.current_leader = LeaderIdAndEpoch { leader_id: 2, leader_epoch: 2 };
    d.cluster.elect("t", 0, 2);
    let before = d.now();
    d.we_answer(&asked, replies::fetched("t", data));
    d.they_connect("b2");
    d.we_accept("b2");
    let asked = d.they_send::<client_core::protocol::ApiVersionsRequest>("b2");
    d.we_answer(&asked, replies::versions());
    d.they_send::<FetchRequest>("b2");
    assert_eq!(d.now(), before);
}

/// While brokers restart, one leader moves after the other: news is asked for as quickly each time, as long as there is some.
#[test]
fn cn14_news_keeps_the_refreshes_quick() {
    let mut d = Dialogue::producer("b1 b2 b3");
    d.cluster.topic("t", &[1]);
    d = d.started();
    d.send("t", "x");
    d.serve();
    for round in 0..6 {
        d.wait(ms(150));
        d.cluster.elect("t", 0, 2 + round % 2);
        let record = d.send("t", "y");
        let before = d.now();
        while d.record(record).is_none() {
            d.serve();
            if d.record(record).is_none() {
                d.wait_for_deadline();
            }
        }
        assert!(d.record(record).is_some_and(Result::is_ok));
        assert!(d.now().since(before) <= ms(130), "round {round}: {:?}", d.now().since(before));
    }
}

/// Nobody takes the batches, and the leader is said to be this one.
fn refused(request: &ProduceRequest, leader_id: i32, leader_epoch: i32) -> ProduceResponse {
    let mut response = replies::produced(request, ErrorCode::NotLeaderOrFollower, -1);
    for answer in response.responses.iter_mut().flat_map(|topic| &mut topic.partition_responses) {
        answer.current_leader = LeaderIdAndEpoch { leader_id, leader_epoch };
    }
    response
}

/// News that is older than what is known (KIP-320) is not believed.
#[test]
fn a_broker_that_lags_behind_is_not_believed() {
    let mut d = Dialogue::producer_with("b1 b2", |config, _| config.metadata_max_age = secs(5));
    d.cluster.topic("t", &[1]);
    d = d.started();
    d.send("t", "x");
    d.serve();
    d.cluster.elect("t", 0, 2);
    d.wait(secs(5));
    d.serve();
    d.cluster.log("t", 0).epoch -= 1;
    d.cluster.log("t", 0).leader = 1;
    d.wait(secs(5));
    d.serve();
    let leader = d.client.inspect().cluster().partition(&partition("t", 0)).unwrap().leader;
    assert_eq!(leader, Some(client_core::NodeId(2)));
}

// ---- metadata that cannot be true ----

/// Numbers that no cluster has are ignored; nothing is allocated for them.
#[test]
fn impossible_partitions_are_ignored() {
    let mut d = started();
    let operation = partitions_for(&mut d, "t");
    let asked = d.they_send::<MetadataRequest>("b1");
    let mut answer = replies::metadata("b1", &[("t", &[1, 1])]);
    for partition_index in [i32::MAX, -1, i32::MIN, 1_000_000] {
        answer.topics[0].partitions.push(MetadataResponsePartition {
            partition_index,
            leader_id: 1,
            ..Default::default()
        });
    }
    d.we_answer(&asked, answer);
    let Ok(Completion::Partitions(found)) = d.result(operation) else { panic!("partitions") };
    assert_eq!(found.len(), 2);
    d.send("t/0", "x");
    assert!(matches!(d.try_send("t/1000000", "x"), Err(Error::InvalidArgument { .. })));
}

/// More brokers than there are numbers for, ports that are none.
#[test]
fn impossible_brokers_are_ignored() {
    let mut d = Dialogue::consumer("b1");
    let start = d.start();
    d.handshake("b1");
    let asked = d.they_send::<MetadataRequest>("b1");
    let mut answer = replies::metadata("b1", &[]);
    answer.brokers[0].port = 70_000;
    d.we_answer(&asked, answer);
    assert_eq!(d.ended(start.operation), None, "no broker that can be reached");
    d.wait(ms(120));
    let asked = d.they_send::<MetadataRequest>("b1");
    let mut answer = replies::metadata("b1", &[]);
    for node_id in 2..70_000 {
        let mut broker = answer.brokers[0].clone();
        (broker.node_id, broker.host) = (node_id, "x".repeat(3) + &node_id.to_string());
        answer.brokers.push(broker);
    }
    d.we_answer(&asked, answer);
    assert_eq!(d.result(start.operation), Ok(Completion::Done));
}

/// A bootstrap address that is no broker of the cluster is let go once nothing is in flight on it.
#[test]
fn cn13_a_bootstrap_address_is_let_go() {
    let mut d = Dialogue::producer("b1");
    d.start();
    d.handshake("b1");
    let metadata = d.they_send::<MetadataRequest>("b1");
    let producer_id = d.they_send::<InitProducerIdRequest>("b1");
    d.we_answer(&metadata, replies::metadata("b2", &[]));
    d.expect_nothing();
    d.we_answer(&producer_id, replies::producer_id(7));
    assert_eq!(d.they_close("b1"), CloseReason::NoLongerNeeded);
    assert_eq!(d.state(), LifecycleState::Started);
}
