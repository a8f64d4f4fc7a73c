//! start() and stop(): LC1 to LC14.

use crate::support::{Dialogue, addresses, ms, replies, secs};
use client_core::protocol::{
    ApiKey, ApiVersionsRequest, ApiVersionsResponse, ErrorCode, InitProducerIdRequest, MetadataRequest,
    MetadataResponse, ProduceRequest,
};
use client_core::{
    Client, CloseReason, Completion, Config, ConsumerConfig, DisconnectCause, Error, Input, Instant,
    LifecycleState, LossCause, ProducerConfig, Role, StartOptions, StartOutcome, Status,
};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

// ---- starting ----

/// LC1: a hundred callers, one bootstrap, one connection, one of each request; nobody is told before it is true.
#[test]
fn many_starts_are_one() {
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

/// LC1: all callers of a start that fails hear the same.
#[test]
fn many_starts_fail_alike() {
    let mut d = Dialogue::producer("b1");
    let starts: Vec<_> = (0..10).map(|_| d.start()).collect();
    d.they_connect("b1");
    d.we_end("b1", DisconnectCause::Bridge { close_code: 4403, reason: "not on the list".into() });
    let first = d.result(starts[0].operation);
    assert_eq!(d.error_code(starts[0].operation), "BRIDGE_TARGET_DENIED");
    assert!(starts.iter().all(|start| d.result(start.operation) == first));
    assert_eq!(d.state(), LifecycleState::Idle);
}

/// LC2: start() on a started client succeeds at once and says nothing.
#[test]
fn starting_a_started_client_is_silent() {
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

/// LC3, LC14: nobody listens.
#[test]
fn a_start_fails_when_connections_are_refused() {
    check_failing_start("TIMEOUT", |d| {
        until_it_ends(d, |d| {
            if !d.open_connections().is_empty() {
                d.we_refuse("b1");
            }
        });
    });
}

/// LC3, CN16: the attempt to connect never settles.
#[test]
fn a_start_fails_when_nothing_answers() {
    check_failing_start("TIMEOUT", |d| {
        d.they_connect("b1");
        d.wait(secs(5));
        assert_eq!(d.they_close("b1"), CloseReason::Stopped);
    });
}

/// LC3: the other end closes before it has said a word.
#[test]
fn a_start_fails_when_the_connection_closes_while_negotiating() {
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

/// LC3: what answers is not a Kafka broker.
#[test]
fn a_start_fails_when_versions_are_malformed() {
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

/// LC3: the broker refuses to say which versions it speaks.
#[test]
fn a_start_fails_when_versions_are_refused() {
    check_failing_start("MALFORMED_REPLY", |d| {
        d.they_connect("b1");
        d.we_accept("b1");
        let asked = d.they_send::<ApiVersionsRequest>("b1");
        let error_code = ErrorCode::ClusterAuthorizationFailed.code();
        d.we_answer(&asked, ApiVersionsResponse { error_code, ..Default::default() });
    });
}

/// LC3: the broker speaks no version of a request that every client needs.
#[test]
fn a_start_fails_when_versions_do_not_meet() {
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

/// LC3: metadata is refused for good.
#[test]
fn a_start_fails_when_metadata_is_refused() {
    check_failing_start("CLUSTER_AUTHORIZATION_FAILED", |d| {
        d.handshake("b1");
        let asked = d.they_send::<MetadataRequest>("b1");
        let error_code = ErrorCode::ClusterAuthorizationFailed.code();
        d.we_answer(&asked, MetadataResponse { error_code, ..Default::default() });
        assert_eq!(d.they_close("b1"), CloseReason::StartFailed);
    });
}

/// LC3: metadata is late, until the caller's time is up.
#[test]
fn a_start_fails_when_metadata_does_not_come() {
    check_failing_start("TIMEOUT", |d| {
        d.handshake("b1");
        d.wait(secs(5));
    });
}

/// LC3: metadata that cannot be read.
#[test]
fn a_start_fails_when_metadata_is_malformed() {
    check_failing_start("MALFORMED_REPLY", |d| {
        d.handshake("b1");
        let asked = d.they_send::<MetadataRequest>("b1");
        let garbage = [&[0, 0, 0, 8][..], &asked.correlation_id.to_be_bytes(), &[0xff; 4]].concat();
        d.we_send(asked.connection, garbage.into());
    });
}

/// LC3: no producer id for us.
#[test]
fn a_start_fails_when_a_producer_id_is_refused() {
    check_failing_start("CLUSTER_AUTHORIZATION_FAILED", |d| {
        d.handshake("b1");
        let metadata = d.they_send::<MetadataRequest>("b1");
        let producer_id = d.they_send::<InitProducerIdRequest>("b1");
        d.we_answer(&metadata, replies::metadata("b1", &[]));
        d.we_answer(&producer_id, replies::producer_id_error(ErrorCode::ClusterAuthorizationFailed));
    });
}

/// LC3, LC14: no producer id yet, until the caller's time is up.
#[test]
fn a_start_fails_when_a_producer_id_does_not_come() {
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

/// LC14: without a limit the client keeps trying, and says so.
#[test]
fn a_start_without_a_limit_keeps_trying() {
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

/// LC4: a caller that gives up gets its own cancellation, and the others their start.
#[test]
fn one_caller_gives_up() {
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

/// LC4: when the last one leaves, the start is abandoned, and the next one is a real one.
#[test]
fn the_last_caller_gives_up() {
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

/// LC4: cancelling what has ended changes nothing.
#[test]
fn cancelling_what_has_ended_does_nothing() {
    let mut d = Dialogue::producer("b1");
    let start = d.start();
    d.serve();
    d.cancel(start.operation);
    assert_eq!(d.result(start.operation), Ok(Completion::Done));
    assert_eq!(d.state(), LifecycleState::Started);
}

/// LC5: stop() at each step of starting: the callers hear "stopped", nothing stays open, and what comes late is ignored.
#[test]
fn a_start_is_stopped_at_each_step() {
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

// ---- stopping ----

/// LC6: start() after stop() is a real new start.
#[test]
fn a_stopped_client_starts_again() {
    let mut d = Dialogue::producer("b1");
    d.cluster.topic("t", &[1]);
    for round in 1..=3 {
        d = d.started();
        assert_eq!(d.client.inspect().counters().bootstraps, round);
        let record = d.send("t", "x");
        d.serve();
        assert_eq!(d.record_offset(record), round as i64 - 1);
        let stop = d.stop();
        assert_eq!(d.result(stop), Ok(Completion::Done));
        assert_eq!(d.they_close("b1"), CloseReason::Stopped);
        assert_eq!(d.state(), LifecycleState::Idle);
    }
}

/// LC6: start() during stop() is a new start after it.
#[test]
fn a_start_during_a_stop_comes_after_it() {
    let mut d = Dialogue::producer("b1");
    d.cluster.topic("t", &[1]);
    d = d.started();
    let record = d.send("t", "x");
    let stop = d.stop();
    let restart = d.start();
    assert_eq!(restart.outcome, StartOutcome::AfterStop);
    assert_eq!((d.ended(stop), d.ended(restart.operation)), (None, None));
    d.serve();
    assert_eq!(d.record_offset(record), 0);
    assert_eq!(d.result(stop), Ok(Completion::Done));
    assert_eq!(d.result(restart.operation), Ok(Completion::Done));
    assert_eq!(d.state(), LifecycleState::Started);
    assert_eq!(d.client.inspect().counters().bootstraps, 2);
}

/// LC4, LC5, LC6: a start that waits for a stop can be cancelled, time out, or be stopped in its turn.
#[test]
fn a_start_that_waits_for_a_stop_may_not_come() {
    let mut d = Dialogue::producer("b1");
    d.cluster.topic("t", &[1]);
    d = d.started();
    d.send("t", "x");
    let stop = d.stop();
    let (cancelled, late, stopped) = (d.start(), d.start_within(ms(500)), d.start());
    d.cancel(cancelled.operation);
    d.wait(ms(500));
    assert_eq!(d.result(cancelled.operation), Err(Error::Cancelled));
    assert_eq!(d.error_code(late.operation), "TIMEOUT");
    let second_stop = d.stop();
    assert_eq!(d.result(stopped.operation), Err(Error::Stopped));
    d.serve();
    assert_eq!((d.result(stop), d.result(second_stop)), (Ok(Completion::Done), Ok(Completion::Done)));
    assert_eq!(d.state(), LifecycleState::Idle);
}

/// LC7: stop() twice, and on an idle client.
#[test]
fn stops_wait_for_the_same_end() {
    let mut d = Dialogue::producer("b1");
    let idle = d.stop();
    assert_eq!(d.result(idle), Ok(Completion::Done));
    d.expect_nothing();
    d.cluster.topic("t", &[1]);
    d = d.started();
    d.send("t", "x");
    let stops = [d.stop(), d.stop(), d.stop()];
    assert!(stops.iter().all(|stop| d.ended(*stop).is_none()));
    d.serve();
    assert!(stops.iter().all(|stop| d.result(*stop) == Ok(Completion::Done)));
    let again = d.stop();
    assert_eq!(d.result(again), Ok(Completion::Done));
}

/// LC8: the earliest limit of several stops counts; then every record has a definite end.
#[test]
fn a_stop_ends_at_its_limit() {
    for idempotent in [true, false] {
        let mut d = Dialogue::producer_with("b1", |_, producer| producer.idempotent = idempotent);
        d.cluster.topic("t", &[1]);
        d = d.started();
        let records = [d.send("t", "sent"), d.send("t", "waits"), d.send("unknown", "waits for metadata")];
        let stops = [d.stop(), d.stop_within(secs(9)), d.stop_within(secs(2)), d.stop_within(secs(9))];
        d.wait(ms(1_999));
        assert_eq!(d.state(), LifecycleState::Stopping);
        d.wait(ms(1));
        assert_eq!(d.state(), LifecycleState::Idle);
        assert!(stops.iter().all(|stop| d.result(*stop) == Ok(Completion::Done)));
        assert!(records.iter().all(|record| *d.record_error(*record) == Error::Stopped));
    }
}

/// LC8: with every broker gone and no limit, the records' own time bounds it.
#[test]
fn a_stop_without_a_limit_ends_too() {
    for idempotent in [true, false] {
        let mut d = Dialogue::producer_with("b1 b2", |_, producer| producer.idempotent = idempotent);
        d.cluster.topic("t", &[1, 2]);
        d = d.started();
        d.cluster.set_up("b1", false);
        d.cluster.set_up("b2", false);
        let records = [d.send("t/0", "x"), d.send("t/1", "x"), d.send("unknown", "x")];
        let stop = d.stop();
        d.lose_everything();
        for _ in 0..2_000 {
            d.serve();
            if d.ended(stop).is_some() {
                break;
            }
            d.wait_for_deadline();
        }
        assert_eq!(d.result(stop), Ok(Completion::Done));
        assert!(d.now() <= Instant::ZERO + secs(121), "the delivery timeout bounds it: {}", d.now());
        assert!(records.iter().all(|record| d.record_error(*record).code() == "TIMEOUT"));
    }
}

/// LC9: calls that need a started client say so at once.
#[test]
fn calls_before_a_start_and_after_a_stop_fail_at_once() {
    let check = |d: &mut Dialogue| {
        assert_eq!(d.try_send("t", "x"), Err(Error::NotStarted { call: "send()" }));
        let partitions = d.command(|client, now| client.partitions_for(now, "t", None));
        assert_eq!(partitions, Err(Error::NotStarted { call: "partitionsFor()" }));
        let flush = d.flush();
        assert_eq!(d.result(flush), Ok(Completion::Done), "nothing waits to be sent");
    };
    let mut d = Dialogue::producer("b1");
    check(&mut d);
    d = d.started();
    d.stop();
    check(&mut d);

    let mut d = Dialogue::consumer("b1");
    let wanted = [(crate::support::partition("t", 0), client_core::OffsetSpec::Latest)];
    let asked = d.command(|client, now| client.consumer(now).unwrap().list_offsets(&wanted, None));
    assert!(matches!(asked, Err(Error::NotStarted { .. })), "{asked:?}");
}

/// A producer is not a consumer.
#[test]
fn calls_of_another_role_name_the_role() {
    let mut producer = Dialogue::producer("b1");
    let error = producer.command(|client, now| client.consumer(now).map(|_| ())).unwrap_err();
    assert!(error.to_string().contains("this client is a producer"), "{error}");
    let mut consumer = Dialogue::consumer("b1");
    let error = consumer.command(|client, now| client.producer(now).map(|_| ())).unwrap_err();
    assert!(error.to_string().contains("this client is a consumer"), "{error}");
}

/// LC10: after a stop nothing reconnects and nobody wakes up, whatever the world still says.
#[test]
fn nothing_comes_back_after_a_stop() {
    let mut d = Dialogue::producer("b1 b2");
    d.cluster.topic("t", &[1, 2]);
    d = d.started();
    d.send("t/1", "x");
    d.serve();
    d.we_end("b2", DisconnectCause::Reset);
    d.stop();
    d.forget();
    assert_eq!(d.wait(secs(86_400)), 0, "woken");
    d.expect_nothing();
}

/// LC11: a client with nothing to do sleeps until its metadata is old.
#[test]
fn an_idle_client_sleeps() {
    let mut d = Dialogue::producer("b1").started();
    assert_eq!(d.wait(secs(299)), 0, "woken though nothing is due");
    assert_eq!(d.wait(secs(2)), 1);
    d.they_send::<MetadataRequest>("b1");
}

/// LC12: flush() and stop() send what lingers.
#[test]
fn what_lingers_goes_out_with_flush_and_stop() {
    let mut d = Dialogue::producer_with("b1", |_, producer| producer.linger = secs(10));
    d.cluster.topic("t", &[1]);
    d = d.started();
    d.send("t", "metadata first");
    d.serve();
    d.wait(secs(10));
    d.serve();
    for stop in [false, true] {
        let record = d.send("t", "x");
        d.wait(secs(1));
        d.expect_nothing();
        let operation = if stop { d.stop() } else { d.flush() };
        assert!(d.has_request("b1"), "sent at once");
        d.serve();
        assert_eq!(d.result(operation), Ok(Completion::Done));
        assert!(d.record_offset(record) > 0);
    }
}

// ---- finished for good ----

/// LC13: what the driver cannot mend reaches every pending and every later call.
#[test]
fn a_failed_client_fails_every_call() {
    let broken = Error::Internal("the driver lost its event loop".into());
    let mut d = Dialogue::producer("b1");
    d.cluster.topic("t", &[1]);
    d = d.started();
    let record = d.send("t", "x");
    let flush = d.flush();
    let partitions = d.command(|client, now| client.partitions_for(now, "unknown", None)).unwrap();
    let stop = d.stop();
    let restart = d.start();
    d.command(|client, now| client.fail(now, broken.clone()));
    assert_eq!(d.state(), LifecycleState::Fenced);
    assert_eq!(d.record(record), Some(&Err(broken.clone())));
    assert_eq!(d.result(partitions), Err(broken.clone()));
    assert_eq!(d.result(restart.operation), Err(broken.clone()));
    assert_eq!(d.result(stop), Ok(Completion::Done), "everything is closed, as was asked");
    assert!(d.ended(flush).is_some(), "nothing waits to be sent any more");
    assert!(d.events().contains(&client_core::Event::Fatal(broken.clone())));

    assert_eq!(d.try_send("t", "x"), Err(broken.clone()));
    let start = d.start();
    assert_eq!(start.outcome, StartOutcome::Refused);
    assert_eq!(d.result(start.operation), Err(broken.clone()));
    assert_eq!(d.command(|client, now| client.partitions_for(now, "t", None)), Err(broken.clone()));
    let flush = d.flush();
    assert_eq!(d.result(flush), Err(broken), "LC13: no dead object that still accepts work");
    let stop = d.stop();
    assert_eq!(d.result(stop), Ok(Completion::Done));
    d.wait(secs(3_600));
}

/// LC13: in every state of its life.
#[test]
fn a_client_can_fail_in_every_state() {
    let broken = Error::Internal("broken".into());
    let fail = |mut d: Dialogue, from: LifecycleState| {
        assert_eq!(d.state(), from);
        d.command(|client, now| client.fail(now, broken.clone()));
        d.command(|client, now| client.fail(now, Error::Internal("again".into())));
        assert_eq!(d.state(), LifecycleState::Fenced);
        let start = d.start();
        assert_eq!(d.result(start.operation), Err(broken.clone()), "the first failure counts");
    };
    fail(Dialogue::producer("b1"), LifecycleState::Idle);
    let mut starting = Dialogue::consumer("b1");
    starting.start();
    fail(starting, LifecycleState::Starting);
    fail(Dialogue::consumer("b1").started(), LifecycleState::Started);
    let mut stopping = Dialogue::producer("b1").started();
    stopping.send("t", "x");
    stopping.stop();
    fail(stopping, LifecycleState::Stopping);
}

/// A clock that runs backwards does no harm.
#[test]
fn time_may_run_backwards() {
    let mut d = Dialogue::producer("b1");
    d.cluster.topic("t", &[1]);
    d.set_clock(Instant::ZERO + secs(1_000));
    d = d.started();
    d.set_clock(Instant::ZERO);
    let record = d.send("t", "x");
    d.serve();
    assert_eq!(d.record_offset(record), 0);
    assert!(d.client.poll_timeout().unwrap().at > Instant::ZERO + secs(1_000));
    d.stop();
}

/// Extreme settings neither overflow nor loop.
#[test]
fn extreme_settings_are_survived() {
    let forever = client_core::Duration::MAX;
    let mut config = Config::new("test", addresses("b1"), Role::Consumer(ConsumerConfig::default()));
    config.connect_timeout = forever;
    config.request_timeout = forever;
    config.reconnect_backoff_max = forever;
    config.retry_backoff_max = forever;
    config.metadata_max_age = forever;
    config.connections_max_idle = forever;
    let mut d = Dialogue::new(&config);
    d.cluster = crate::support::cluster::Cluster::new("b1");
    d.cluster.topic("t", &[1]);
    d.command(|client, now| {
        let start = client_core::StartOffset::Earliest;
        client.consumer(now).unwrap().assign(&[(crate::support::partition("t", 0), start)]).unwrap();
        let wanted = [(crate::support::partition("t", 0), client_core::OffsetSpec::Latest)];
        client.start(now, StartOptions { timeout: Some(forever) });
        client.consumer(now).unwrap().list_offsets(&wanted, None).unwrap();
    });
    d.serve();
    assert_eq!(d.state(), LifecycleState::Started);

    let producer = ProducerConfig { delivery_timeout: forever, max_block: forever, ..Default::default() };
    let config = Config::new("test", addresses("b1"), Role::Producer(producer));
    let mut client = Client::new(&config, 1, Instant::from_micros(u64::MAX)).unwrap();
    client.start(Instant::from_micros(u64::MAX), StartOptions::default());
    assert_eq!(client.lifecycle(), LifecycleState::Starting);
}

/// The error of a lost connection says which, where and why.
#[test]
fn a_failed_start_says_what_was_tried() {
    let mut d = Dialogue::producer("b1 b2");
    let start = d.start_within(ms(10));
    d.they_connect("b1");
    d.we_refuse("b1");
    d.they_connect("b2");
    d.we_refuse("b2");
    d.wait(ms(10));
    let Err(Error::Timeout { cause: Some(cause), .. }) = d.result(start.operation) else {
        panic!("a timeout with its cause")
    };
    let Error::NoBrokers { tried: 2, last: Some(last) } = *cause else {
        panic!("both were tried: {cause:?}")
    };
    assert!(matches!(*last, Error::Connection { cause: LossCause::Remote(DisconnectCause::Refused), .. }));
}

/// Acknowledgements of what was sent before the stop count, those that come after it do not.
#[test]
fn a_reply_after_the_stop_changes_nothing() {
    let mut d = Dialogue::producer("b1");
    d.cluster.topic("t", &[1]);
    d = d.started();
    d.send("t", "first");
    d.serve();
    let record = d.send("t", "x");
    let asked = d.they_send::<ProduceRequest>("b1");
    d.stop_within(ms(1));
    d.wait(ms(1));
    assert_eq!(*d.record_error(record), Error::Stopped);
    d.we_answer(&asked, replies::produced(&asked.body, ErrorCode::None, 9));
    assert_eq!(*d.record_error(record), Error::Stopped);
}
