//! start(): LC1 to LC5, LC14.

use crate::support::{Dialogue, ms, replies, secs};
use client_core::protocol::{
    ApiKey, ApiVersionsRequest, ApiVersionsResponse, ErrorCode, InitProducerIdRequest, MetadataRequest,
    MetadataResponse,
};
use client_core::{
    CloseReason, Completion, DisconnectCause, Error, Input, LifecycleState, StartOutcome, Status,
};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

// ---- starting ----

/// A hundred callers, one bootstrap, one connection, one of each request; nobody is told before it is true.
#[test]
fn lc1_many_starts_are_one() {
    let mut d = Dialogue::producer("b1");
    let starts: Vec<_> = (0..100).map(|_| d.start()).collect();
    assert_eq!(starts[0].outcome, StartOutcome::Began);
    assert!(starts[1..].iter().all(|start| start.outcome == StartOutcome::AlreadyStarting));
    d.handshake("b1");
    let metadata = d.they_send::<MetadataRequest>("b1");
    let producer_id = d.they_send::<InitProducerIdRequest>("b1");
    d.expect_nothing();
    d.we_answer(&metadata, replies::metadata("b1", &[]));
    assert!(starts.iter().all(|start| d.ended(start.operation).is_none()), "told before it is true");
    d.we_answer(&producer_id, replies::producer_id(7));
    assert!(starts.iter().all(|start| d.result(start.operation) == Ok(Completion::Done)));
    d.expect_nothing();
    let counters = d.client.inspect().counters();
    assert_eq!((counters.bootstraps, counters.connects), (1, 1));
}

/// All callers of a start that fails hear the same.
#[test]
fn lc1_many_starts_fail_alike() {
    let mut d = Dialogue::producer("b1");
    let starts: Vec<_> = (0..10).map(|_| d.start()).collect();
    d.they_connect("b1");
    d.we_end("b1", DisconnectCause::Bridge { close_code: 4403, reason: "not on the list".into() });
    let first = d.result(starts[0].operation);
    assert_eq!(d.error_code(starts[0].operation), "BRIDGE_TARGET_DENIED");
    assert!(starts.iter().all(|start| d.result(start.operation) == first));
    assert_eq!(d.state(), LifecycleState::Idle);
}

/// Start() on a started client succeeds at once and says nothing.
#[test]
fn lc2_starting_a_started_client_is_silent() {
    let mut d = Dialogue::producer("b1").started();
    let before = d.client.inspect().counters();
    let start = d.start();
    assert_eq!(start.outcome, StartOutcome::AlreadyStarted);
    assert_eq!(d.result(start.operation), Ok(Completion::Done));
    d.expect_nothing();
    assert_eq!(d.client.inspect().counters(), before);
}

/// A start that fails as `fail` lets it fail ends with `code`, leaves nothing behind (LC3, LC10: see `Dialogue::check`), and the
/// next one works.
#[track_caller]
fn check_failing_start(code: &str, fail: impl FnOnce(&mut Dialogue)) {
    let mut d = Dialogue::producer("b1");
    let starts = [d.start_within(secs(5)), d.start_within(secs(5))];
    let record = d.send("t", "accepted meanwhile");
    fail(&mut d);
    assert_eq!(d.state(), LifecycleState::Idle, "LC3: rolled back");
    for start in starts {
        assert_eq!(d.error_code(start.operation), code);
    }
    assert_eq!(d.record_error(record).code(), code, "a record accepted meanwhile fails for the same reason");
    assert_eq!(d.statuses().last(), Some(&Status::Idle));
    d.forget();
    d.wait(secs(3_600));
    d.expect_nothing();

    d.cluster.topic("t", &[1]);
    d = d.started();
    let record = d.send("t", "works again");
    d.serve();
    assert_eq!(d.record_offset(record), 0);
}

/// Answers all that comes with the same failure until the client gives up.
fn until_it_ends(d: &mut Dialogue, mut fail: impl FnMut(&mut Dialogue)) {
    while d.state() == LifecycleState::Starting {
        fail(d);
        if d.state() == LifecycleState::Starting {
            d.wait_for_deadline();
        }
    }
}

/// The start runs out of time in the very moment in which a connection does. Nobody goes on to the next address.
#[test]
fn lc3_lc10_a_start_that_ends_together_with_a_connection_opens_no_other() {
    let mut d = Dialogue::producer_with("b1 b2", |config, _| config.connect_timeout = secs(1));
    let start = d.start_within(secs(1));
    let opened = d.connects();
    d.wait(secs(1));
    assert_eq!(d.error_code(start.operation), "TIMEOUT");
    assert_eq!(d.state(), LifecycleState::Idle);
    assert_eq!(d.connects(), opened, "no other address is tried");
    assert_eq!(d.client.inspect().sockets(), 0);
    let opened = d.connects();
    d.wait(secs(3_600));
    assert_eq!(d.connects(), opened, "and none later");
}

/// Nobody listens.
#[test]
fn lc3_lc14_a_start_fails_when_connections_are_refused() {
    check_failing_start("TIMEOUT", |d| {
        until_it_ends(d, |d| {
            if !d.open_connections().is_empty() {
                d.we_refuse("b1");
            }
        });
    });
}

/// The attempt to connect never settles.
#[test]
fn lc3_cn16_a_start_fails_when_nothing_answers() {
    check_failing_start("TIMEOUT", |d| {
        d.they_connect("b1");
        d.wait(secs(5));
        assert_eq!(d.they_close("b1"), CloseReason::Stopped);
    });
}

/// The other end closes before it has said a word.
#[test]
fn lc3_a_start_fails_when_the_connection_closes_while_negotiating() {
    check_failing_start("TIMEOUT", |d| {
        until_it_ends(d, |d| {
            if !d.open_connections().is_empty() {
                d.we_accept("b1");
                d.they_send::<ApiVersionsRequest>("b1");
                d.we_close("b1");
            }
        });
    });
}

/// What answers is not a Kafka broker.
#[test]
fn lc3_a_start_fails_when_versions_are_malformed() {
    check_failing_start("MALFORMED_REPLY", |d| {
        let connection = d.they_connect("b1");
        d.we_accept("b1");
        d.we_send(connection, b"HTTP/1.1 400 Bad Request\r\n\r\n"[..].into());
        assert!(matches!(d.they_close("b1"), CloseReason::ProtocolViolation(_)));
    });
    check_failing_start("MALFORMED_REPLY", |d| {
        let connection = d.they_connect("b1");
        d.we_accept("b1");
        let asked = d.they_send::<ApiVersionsRequest>("b1");
        // The right number, and nothing that makes sense after it.
        d.we_send(connection, [&[0, 0, 0, 5][..], &asked.correlation_id.to_be_bytes(), &[1]].concat().into());
    });
}

/// The broker refuses to say which versions it speaks.
#[test]
fn lc3_a_start_fails_when_versions_are_refused() {
    check_failing_start("MALFORMED_REPLY", |d| {
        d.they_connect("b1");
        d.we_accept("b1");
        let asked = d.they_send::<ApiVersionsRequest>("b1");
        let error_code = ErrorCode::ClusterAuthorizationFailed.code();
        d.we_answer(&asked, ApiVersionsResponse { error_code, ..Default::default() });
    });
}

/// The broker speaks no version of a request that every client needs.
#[test]
fn lc3_a_start_fails_when_versions_do_not_meet() {
    check_failing_start("UNSUPPORTED_VERSION", |d| {
        d.they_connect("b1");
        d.we_accept("b1");
        let asked = d.they_send::<ApiVersionsRequest>("b1");
        d.we_answer(&asked, replies::versions_limited(ApiKey::Metadata, 90, 99));
    });
    check_failing_start("UNSUPPORTED_VERSION", |d| {
        d.they_connect("b1");
        d.we_accept("b1");
        let asked = d.they_send::<ApiVersionsRequest>("b1");
        d.we_answer(&asked, replies::versions_without(ApiKey::InitProducerId));
    });
}

/// Metadata is refused for good.
#[test]
fn lc3_a_start_fails_when_metadata_is_refused() {
    check_failing_start("CLUSTER_AUTHORIZATION_FAILED", |d| {
        d.handshake("b1");
        let asked = d.they_send::<MetadataRequest>("b1");
        let error_code = ErrorCode::ClusterAuthorizationFailed.code();
        d.we_answer(&asked, MetadataResponse { error_code, ..Default::default() });
        assert_eq!(d.they_close("b1"), CloseReason::StartFailed);
    });
}

/// Metadata is late, until the caller's time is up.
#[test]
fn lc3_a_start_fails_when_metadata_does_not_come() {
    check_failing_start("TIMEOUT", |d| {
        d.handshake("b1");
        d.wait(secs(5));
    });
}

/// Metadata that cannot be read.
#[test]
fn lc3_a_start_fails_when_metadata_is_malformed() {
    check_failing_start("MALFORMED_REPLY", |d| {
        d.handshake("b1");
        let asked = d.they_send::<MetadataRequest>("b1");
        let garbage = [&[0, 0, 0, 8][..], &asked.correlation_id.to_be_bytes(), &[0xff; 4]].concat();
        d.we_send(asked.connection, garbage.into());
    });
}

/// No producer id for us.
#[test]
fn lc3_a_start_fails_when_a_producer_id_is_refused() {
    check_failing_start("CLUSTER_AUTHORIZATION_FAILED", |d| {
        d.handshake("b1");
        let metadata = d.they_send::<MetadataRequest>("b1");
        let producer_id = d.they_send::<InitProducerIdRequest>("b1");
        d.we_answer(&metadata, replies::metadata("b1", &[]));
        d.we_answer(&producer_id, replies::producer_id_error(ErrorCode::ClusterAuthorizationFailed));
    });
}

/// No producer id yet, until the caller's time is up.
#[test]
fn lc3_lc14_a_start_fails_when_a_producer_id_does_not_come() {
    check_failing_start("TIMEOUT", |d| {
        d.handshake("b1");
        let metadata = d.they_send::<MetadataRequest>("b1");
        d.we_answer(&metadata, replies::metadata("b1", &[]));
        until_it_ends(d, |d| {
            while d.has_request("b1") {
                if d.next_is::<MetadataRequest>("b1") {
                    let asked = d.they_send::<MetadataRequest>("b1");
                    d.we_answer(&asked, replies::metadata("b1", &[]));
                    continue;
                }
                let asked = d.they_send::<InitProducerIdRequest>("b1");
                d.we_answer(&asked, replies::producer_id_error(ErrorCode::CoordinatorLoadInProgress));
            }
        });
    });
}

/// A producer id that comes at the second asking starts the producer.
#[test]
fn a_start_goes_on_after_a_passing_failure() {
    let mut d = Dialogue::producer("b1");
    let start = d.start();
    d.handshake("b1");
    let metadata = d.they_send::<MetadataRequest>("b1");
    d.we_answer(&metadata, replies::metadata("b1", &[]));
    let asked = d.they_send::<InitProducerIdRequest>("b1");
    d.we_answer(&asked, replies::producer_id_error(ErrorCode::CoordinatorLoadInProgress));
    d.expect_nothing();
    assert_eq!(d.ended(start.operation), None);
    d.wait(ms(120));
    let asked = d.they_send::<InitProducerIdRequest>("b1");
    d.we_answer(&asked, replies::producer_id(7));
    assert_eq!(d.result(start.operation), Ok(Completion::Done));
}

/// KIP-511: a broker that is older than the client says so in version 0, and is asked again in a version it speaks.
#[test]
fn an_older_broker_is_asked_again_in_its_own_version() {
    let mut d = Dialogue::producer("b1");
    let start = d.start();
    d.they_connect("b1");
    d.we_accept("b1");
    let first = d.they_send::<ApiVersionsRequest>("b1");
    let error_code = ErrorCode::UnsupportedVersion.code();
    let refusal = ApiVersionsResponse {
        error_code,
        api_keys: replies::versions_limited(ApiKey::ApiVersions, 0, 2).api_keys,
        ..Default::default()
    };
    d.we_answer(&first, refusal);
    let second = d.they_send::<ApiVersionsRequest>("b1");
    assert_eq!((first.version, second.version), (4, 2));
    d.we_answer(&second, replies::versions());
    d.serve();
    assert_eq!(d.result(start.operation), Ok(Completion::Done));
    assert_eq!(d.connects(), 1);
}

/// KIP-511: a broker that keeps refusing is not asked for ever.
#[test]
fn a_broker_that_refuses_every_version_fails_the_start() {
    check_failing_start("UNSUPPORTED_VERSION", |d| {
        d.they_connect("b1");
        d.we_accept("b1");
        for _ in 0..2 {
            if d.state() == LifecycleState::Starting {
                let asked = d.they_send::<ApiVersionsRequest>("b1");
                let error_code = ErrorCode::UnsupportedVersion.code();
                d.we_answer(&asked, ApiVersionsResponse { error_code, ..Default::default() });
            }
        }
        assert_eq!(d.they_close("b1"), CloseReason::UnsupportedVersion { api: "ApiVersions" });
    });
}

/// Without a limit the client keeps trying, and says so.
#[test]
fn lc14_a_start_without_a_limit_keeps_trying() {
    let mut d = Dialogue::producer("b1");
    let start = d.start();
    for _ in 0..20 {
        if !d.open_connections().is_empty() {
            d.we_refuse("b1");
        }
        d.wait_for_deadline();
    }
    assert_eq!(d.state(), LifecycleState::Starting);
    let statuses = d.statuses();
    let reconnecting = |attempts: u32| {
        statuses
            .iter()
            .any(|status| matches!(status, Status::Reconnecting { attempt, .. } if *attempt == attempts))
    };
    assert!(reconnecting(1) && reconnecting(5), "attempts are counted: {statuses:?}");
    assert!(statuses.contains(&Status::Offline));
    d.serve();
    d.wait(secs(2));
    d.serve();
    assert_eq!(d.result(start.operation), Ok(Completion::Done));
    assert_eq!(d.statuses().last(), Some(&Status::Connected));
}

/// A start needs one broker that works, not the first one.
#[test]
fn a_start_tries_every_address() {
    let mut d = Dialogue::producer("b1 b2 b3");
    let start = d.start();
    d.they_connect("b1");
    d.we_refuse("b1");
    d.they_connect("b2");
    d.we_end("b2", DisconnectCause::Bridge { close_code: 4403, reason: String::new() });
    d.handshake("b3");
    d.serve();
    assert_eq!(d.result(start.operation), Ok(Completion::Done));
}

/// A start is hopeless only when every known address is, not when as many are as were configured.
#[test]
fn a_restart_is_not_given_up_before_every_address_was_tried() {
    let mut d = Dialogue::producer("b1");
    d.cluster = crate::support::cluster::Cluster::new("b2 b3");
    d.cluster.set_up("b1", true);
    d = d.started();
    d.stop();
    d.serve();
    d.forget();
    let start = d.start();
    let refused = DisconnectCause::Bridge { close_code: 4403, reason: String::new() };
    d.they_connect("b2");
    d.we_end("b2", refused.clone());
    assert_eq!(d.ended(start.operation), None, "b1 and b3 have not been tried");
    d.they_connect("b3");
    d.we_end("b3", refused);
    d.serve();
    assert_eq!(d.result(start.operation), Ok(Completion::Done), "b1 works");
}

// ---- giving up ----

/// A caller that gives up gets its own cancellation, and the others their start.
#[test]
fn lc4_one_caller_gives_up() {
    let mut d = Dialogue::producer("b1");
    let (first, second) = (d.start(), d.start_within(secs(1)));
    d.handshake("b1");
    d.cancel(first.operation);
    assert_eq!(d.result(first.operation), Err(Error::Cancelled));
    assert_eq!(d.state(), LifecycleState::Starting);
    d.serve();
    assert_eq!(d.result(second.operation), Ok(Completion::Done));
    assert_eq!(d.connects(), 1);
}

/// When the last one leaves, the start is abandoned, and the next one is a real one.
#[test]
fn lc4_the_last_caller_gives_up() {
    let mut d = Dialogue::producer("b1");
    let (first, second) = (d.start(), d.start_within(secs(1)));
    d.handshake("b1");
    d.cancel(first.operation);
    d.wait(secs(1));
    assert_eq!(d.error_code(second.operation), "TIMEOUT");
    assert_eq!(d.state(), LifecycleState::Idle);
    assert_eq!(d.they_close("b1"), CloseReason::Stopped);
    d = d.started();
    assert_eq!(d.connects(), 2);
}

/// Cancelling what has ended changes nothing.
#[test]
fn lc4_cancelling_what_has_ended_does_nothing() {
    let mut d = Dialogue::producer("b1");
    let start = d.start();
    d.serve();
    d.cancel(start.operation);
    assert_eq!(d.result(start.operation), Ok(Completion::Done));
    assert_eq!(d.state(), LifecycleState::Started);
}

/// Stop() at each step of starting: the callers hear "stopped", nothing stays open, and what comes late is ignored.
#[test]
fn lc5_a_start_is_stopped_at_each_step() {
    let steps: [fn(&mut Dialogue); 7] = [
        |_| (),
        |d| {
            d.they_connect("b1");
            d.we_accept("b1");
        },
        |d| d.handshake("b1"),
        |d| {
            d.handshake("b1");
            let asked = d.they_send::<MetadataRequest>("b1");
            d.we_answer(&asked, replies::metadata("b1 b2", &[]));
        },
        |d| {
            d.handshake("b1");
            d.they_send::<MetadataRequest>("b1");
            let asked = d.they_send::<InitProducerIdRequest>("b1");
            // The wrong number: the connection is lost, and the client waits to come back.
            d.we_answer(&asked, replies::producer_id(7));
        },
        |d| {
            d.they_connect("b1");
            d.we_refuse("b1");
        },
        |d| {
            d.they_connect("b1");
            d.we_refuse("b1");
            d.wait_for_deadline();
        },
    ];
    for step in steps {
        let mut d = Dialogue::producer("b1 b2");
        let start = d.start();
        step(&mut d);
        assert_eq!(d.state(), LifecycleState::Starting);
        let late: Vec<_> = d.open_connections();
        let stop = d.stop();
        assert_eq!(d.result(start.operation), Err(Error::Stopped));
        assert_eq!(d.result(stop), Ok(Completion::Done));
        assert_eq!(d.state(), LifecycleState::Idle);
        d.forget();
        for (connection, _) in &late {
            d.input(Input::Connected { connection: *connection });
            d.input(Input::Received { connection: *connection, bytes: vec![0; 100].into() });
            d.input(Input::Disconnected { connection: *connection, cause: DisconnectCause::Closed });
        }
        d.wait(secs(3_600));
        d.expect_nothing();
        assert_eq!(d.client.inspect().counters().stale_inputs, 3 * late.len() as u64, "CN2: counted");
        assert!(d.started().connects() > 0);
    }
}

/// A metadata refresh that fails for good ends a start but not a started client.
#[test]
fn a_started_client_survives_what_a_start_does_not() {
    let mut d = Dialogue::producer_with("b1", |config, _| config.metadata_max_age = secs(10)).started();
    d.wait(secs(10));
    let asked = d.they_send::<MetadataRequest>("b1");
    let error_code = ErrorCode::ClusterAuthorizationFailed.code();
    d.we_answer(&asked, MetadataResponse { error_code, ..Default::default() });
    assert_eq!(d.state(), LifecycleState::Started);
    d.expect_nothing();
    d.wait(ms(130));
    d.they_send::<MetadataRequest>("b1");
}
