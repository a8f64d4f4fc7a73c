//! One connection: CN1 to CN10, CN13, CN15 to CN17.

use crate::support::{Delivering, Dialogue, measured, ms, partition, replies, secs};
use client_core::protocol::{
    ApiVersionsRequest, ErrorCode, InitProducerIdRequest, MetadataRequest, MetadataResponse, ProduceRequest,
};
use client_core::{
    Acks, CloseReason, Completion, ConnectionState, DisconnectCause, Error, Input, Instant, LifecycleState,
    LossCause, StartOffset, Status, Timer, TraceKind,
};
use std::collections::BTreeSet;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

// ---- whose bytes are these ----

/// What belongs to an older generation is ignored and counted, never parsed.
#[test]
fn cn2_an_old_generation_is_history() {
    let mut d = Dialogue::producer("b1").started();
    let old = d.connection("b1");
    d.we_end("b1", DisconnectCause::Reset);
    d.wait(secs(1));
    let new = d.they_connect("b1");
    assert_eq!((new.broker, new.generation), (old.broker, old.generation + 1));
    d.we_accept("b1");
    let asked = d.they_send::<ApiVersionsRequest>("b1");
    d.input(Input::Received { connection: old, bytes: vec![0xff; 50].into() });
    d.input(Input::Disconnected { connection: old, cause: DisconnectCause::Closed });
    d.input(Input::Connected { connection: old });
    assert_eq!(d.client.inspect().counters().stale_inputs, 3);
    assert_eq!(d.connection_state("b1"), ConnectionState::Negotiating);
    assert!(d.view("b1").buffer().is_empty());
    d.we_answer(&asked, replies::versions());
    assert_eq!(d.connection_state("b1"), ConnectionState::Ready);
}

/// The number of a broker that is gone does not come back with the same generations.
#[test]
fn cn2_names_of_connections_are_never_used_again() {
    let mut d = Dialogue::producer_with("b1", |config, _| config.metadata_max_age = secs(1));
    d.cluster.topic("t", &[1]);
    d = d.started();
    // Brokers come and go; the harness knows each name that a connection ever had.
    for number in 2..12 {
        let host = format!("b{number}");
        d.cluster = crate::support::cluster::Cluster::new(&format!("b1 {host}"));
        d.cluster.topic("t", &[2]);
        d.wait(secs(1));
        d.serve();
        let record = d.send("t", "x");
        d.serve();
        assert_eq!(d.record_offset(record), 0, "{host} leads now");
        d.cluster = crate::support::cluster::Cluster::new("b1");
        for _ in 0..2 {
            d.wait(secs(1));
            d.serve();
        }
    }
}

/// A driver that says things twice, or out of order, is ignored.
#[test]
fn cn1_a_driver_may_repeat_itself() {
    let mut d = Dialogue::producer("b1");
    d.expects_rejections = true;
    d.start();
    let connection = d.they_connect("b1");
    d.input(Input::Received { connection, bytes: vec![1, 2, 3].into() });
    assert_eq!(d.connection_state("b1"), ConnectionState::Connecting, "bytes before the connection is open");
    d.we_accept("b1");
    d.input(Input::Connected { connection });
    assert_eq!(d.connection_state("b1"), ConnectionState::Negotiating);
    d.serve();
    d.input(Input::Connected { connection });
    assert_eq!(d.state(), LifecycleState::Started);
    let rejected = d.traces().filter(|kind| matches!(kind, TraceKind::TransitionRejected { .. })).count();
    assert_eq!(rejected, 2, "and said so");
}

/// A whole session: start, produce, stop. Returns what can be compared.
fn produce_session(delivery: Delivering) -> Dialogue {
    let mut d = Dialogue::producer("b1");
    d.cluster.topic("t", &[1]);
    d.delivery = delivery;
    let start = d.start();
    let record = d.send("t", "once");
    serve_and_wait(&mut d, |d| d.record(record).is_some());
    assert_eq!(d.result(start.operation), Ok(Completion::Done));
    assert_eq!(d.record_offset(record), 0, "{delivery:?}");
    assert_eq!(d.cluster.values("t", 0), ["once"], "{delivery:?}: exactly one copy");
    d.stop();
    d
}

/// The same for a consumer: start, look the offset up, fetch, stop.
fn fetch_session(delivery: Delivering) -> Dialogue {
    let mut d = Dialogue::consumer("b1");
    d.cluster.topic("t", &[1]);
    d.cluster.log("t", 0).write(&["a", "b"]);
    d.delivery = delivery;
    d.command(|client, now| {
        client.consumer(now).unwrap().assign(&[(partition("t", 0), StartOffset::Earliest)]).unwrap();
    });
    d.start();
    let mut values = Vec::new();
    serve_and_wait(&mut d, |d| {
        while let Some(batch) = d.command(|client, now| client.consumer(now).unwrap().take()) {
            values.extend(replies::values(&batch.batch));
        }
        !values.is_empty()
    });
    assert_eq!(values, ["a", "b"], "{delivery:?}");
    d.serve();
    d.stop();
    d
}

fn serve_and_wait(d: &mut Dialogue, mut done: impl FnMut(&mut Dialogue) -> bool) {
    for _ in 0..50 {
        d.serve();
        if done(d) {
            return;
        }
        d.wait_for_deadline();
    }
    panic!("it takes too long");
}

/// Cut the broker's bytes at every offset of every reply of a full session: everything goes on, and nothing happens twice. Both
/// when the connection breaks off and when it is closed in order.
#[test]
fn cn3_replies_may_be_cut_anywhere() {
    let mut told = String::new();
    type Session = (&'static str, fn(Delivering) -> Dialogue, &'static [&'static str]);
    let sessions: [Session; 2] = [
        ("producer", produce_session, &["ApiVersions", "InitProducerId", "Metadata", "Produce"]),
        ("consumer", fetch_session, &["ApiVersions", "Fetch", "ListOffsets", "Metadata"]),
    ];
    for (role, session, apis) in sessions {
        let whole = session(Delivering::Whole);
        let answered: BTreeSet<&str> = whole.traces().filter_map(api_of_response).collect();
        assert_eq!(answered.iter().copied().collect::<Vec<_>>(), apis, "a full session of a {role}");
        let bytes: usize = received(&whole).iter().map(Vec::len).sum();
        for cut in 0..bytes {
            for delivery in [Delivering::CutAfter(cut), Delivering::CloseAfter(cut)] {
                let d = session(delivery);
                let counters = d.client.inspect().counters();
                assert!(counters.connects >= 2, "cut after {cut}");
                // A cut within a message leaves something to throw away.
                let violated = d.traces().any(|kind| matches!(kind, TraceKind::ProtocolViolated { .. }));
                assert!(!violated, "cut after {cut}: what comes next is read as if nothing had been");
                assert_eq!(d.unanswered(), 0, "cut after {cut}: each request was answered or failed");
            }
        }
        let replies = received(&whole).len();
        told += &format!(
            "CN3: {role}: cut at each of {bytes} offsets of {replies} replies, broken off and closed\n"
        );
    }
    measured("CN3", &told);
}

fn api_of_response(kind: &TraceKind) -> Option<&'static str> {
    if let TraceKind::ResponseReceived { api, .. } = kind { Some(api) } else { None }
}

/// Where bytes are cut means nothing.
#[test]
fn cn4_cn15_any_chunking_gives_the_same_frames() {
    for session in [produce_session, fetch_session] {
        let whole = received(&session(Delivering::Whole));
        for size in [1, 2, 3, 4, 5, 7, 16, 61] {
            assert_eq!(received(&session(Delivering::Chunks(size))), whole, "in chunks of {size}");
        }
    }
}

/// Many frames in one piece.
#[test]
fn cn4_frames_may_come_glued_together() {
    let mut d = Dialogue::producer("b1");
    let start = d.start();
    d.handshake("b1");
    let metadata = d.they_send::<MetadataRequest>("b1");
    let producer_id = d.they_send::<InitProducerIdRequest>("b1");
    let mut glued = d.encoded(&metadata, replies::metadata("b1", &[]));
    glued.extend(d.encoded(&producer_id, replies::producer_id(7)));
    glued.extend([0, 0]);
    d.we_send(metadata.connection, glued.into());
    assert_eq!(d.result(start.operation), Ok(Completion::Done));
    assert_eq!(d.view("b1").buffer(), [0, 0], "the beginning of the next one");
}

/// The frames that the client took from its connections.
fn received(d: &Dialogue) -> Vec<Vec<u8>> {
    let frame = |kind: &TraceKind| match kind {
        TraceKind::ResponseReceived { frame, .. } => Some(frame.to_vec()),
        _ => None,
    };
    d.traces().filter_map(frame).collect()
}

// ---- a broker that breaks the protocol ----

/// Bytes that break the protocol on a ready connection, with a produce request in flight, close that connection and name the cause.
/// The record is sent again, since a garbled reply says nothing about it.
#[track_caller]
fn check_violation(problem: &str, bytes: impl FnOnce(i32) -> Vec<u8>) {
    let mut d = Dialogue::producer("b1");
    d.cluster.topic("t", &[1]);
    d = d.started();
    let record = d.send("t", "x");
    d.serve_one();
    let asked = d.they_send::<ProduceRequest>("b1");
    d.forget();
    d.we_send(asked.connection, bytes(asked.correlation_id).into());
    let CloseReason::ProtocolViolation(text) = d.they_close("b1") else { panic!("a violation") };
    assert!(text.contains(problem), "{text}");
    assert_eq!(d.record(record), None);
    assert!(d.statuses().iter().any(
        |status| matches!(status, Status::Reconnecting { cause, .. } if cause.code() == "MALFORMED_REPLY")
    ));
    d.wait(secs(2));
    d.serve();
    assert_eq!(d.record_offset(record), 0);
}

/// A size that cannot be is refused before anything is allocated.
#[test]
fn cn5_impossible_sizes_close_the_connection() {
    check_violation("-1", |_| vec![0xff; 4]);
    check_violation("2147483647", |_| i32::MAX.to_be_bytes().to_vec());
    check_violation("1213486160", |_| b"HTTP/1.1 400 Bad Request".to_vec());
}

/// An unknown number, a reply that nobody asked for, one that cannot be read.
#[test]
fn cn6_replies_that_make_no_sense_close_the_connection() {
    let frame = |body: &[u8]| [&(body.len() as i32).to_be_bytes()[..], body].concat();
    check_violation("expected a reply with correlation id", |_| frame(&[0, 0, 9, 9]));
    check_violation("expected a reply with correlation id", |asked| frame(&(asked - 1).to_be_bytes()));
    check_violation("cannot be decoded", |asked| frame(&asked.to_be_bytes()));
    check_violation("header", |_| frame(&[1, 2]));
    check_violation("header", |_| frame(&[]));

    let mut d = Dialogue::producer("b1").started();
    let connection = d.connection("b1");
    d.we_send(connection, frame(&[0, 0, 0, 3]).into());
    let CloseReason::ProtocolViolation(text) = d.they_close("b1") else { panic!("a violation") };
    assert!(text.contains("expected nothing"), "{text}");
}

/// Replies in another order than their requests.
#[test]
fn cn6_replies_out_of_order_close_the_connection() {
    let mut d = Dialogue::producer("b1");
    d.start();
    d.handshake("b1");
    d.they_send::<MetadataRequest>("b1");
    let second = d.they_send::<InitProducerIdRequest>("b1");
    d.we_answer(&second, replies::producer_id(7));
    assert!(matches!(d.they_close("b1"), CloseReason::ProtocolViolation(_)));
}

// ---- losing and coming back ----

/// Requests fail first in first out, then the buffer goes, then the next attempt is planned.
#[test]
fn cn7_a_loss_has_an_order() {
    let mut d = Dialogue::producer("b1");
    d.cluster.topic("t", &[1, 1]);
    d = d.started();
    d.send("t/0", "x");
    d.serve();
    for _ in 0..3 {
        d.send("t/0", "x");
    }
    let connection = d.connection("b1");
    d.we_send(connection, vec![0, 0, 0, 99, 1, 2, 3].into());
    d.forget();
    d.we_end("b1", DisconnectCause::Reset);
    let order: Vec<String> = d
        .traces()
        .filter_map(|kind| match kind {
            TraceKind::RequestFailed { correlation_id, .. } => {
                Some(format!("request {correlation_id} fails"))
            }
            TraceKind::BytesDiscarded { count, .. } => Some(format!("{count} bytes are discarded")),
            TraceKind::TimerArmed { timer: Timer::Reconnect(_), .. } => {
                Some("the next attempt is planned".into())
            }
            _ => None,
        })
        .collect();
    let failed = d.view("b1").id();
    assert_eq!(failed, connection);
    assert_eq!(order.len(), 5, "{order:?}");
    assert!(order[..3].windows(2).all(|pair| pair[0] < pair[1]), "first in, first out: {order:?}");
    assert_eq!(order[3..], ["7 bytes are discarded", "the next attempt is planned"]);
    assert_eq!(d.client.inspect().counters().bytes_discarded, 7);
}

/// A request that is not answered in time closes the connection, so that its reply cannot be taken for another one's.
#[test]
fn cn8_a_late_reply_is_nobodys() {
    let mut d = Dialogue::producer_with("b1", |config, producer| {
        config.request_timeout = secs(3);
        producer.delivery_timeout = secs(20);
    });
    d.cluster.topic("t", &[1]);
    d = d.started();
    d.send("t", "first");
    d.serve();
    let record = d.send("t", "x");
    let asked = d.they_send::<ProduceRequest>("b1");
    d.wait(ms(2_999));
    d.expect_nothing();
    d.wait(ms(1));
    assert_eq!(d.they_close("b1"), CloseReason::RequestTimeout { api: "Produce" });
    d.we_answer(&asked, replies::produced(&asked.body, ErrorCode::None, 77));
    assert_eq!(d.record(record), None, "the late reply is ignored");
    d.wait(secs(1));
    d.serve();
    assert_eq!(d.record_offset(record), 1);
}

/// Metadata requests too.
#[test]
fn cn8_metadata_that_is_late_closes_the_connection() {
    let mut d = Dialogue::producer_with("b1", |config, _| config.request_timeout = secs(3));
    let start = d.start();
    d.handshake("b1");
    let asked = d.they_send::<MetadataRequest>("b1");
    d.wait(secs(3));
    assert_eq!(d.they_close("b1"), CloseReason::RequestTimeout { api: "Metadata" });
    d.we_answer(&asked, replies::metadata("b9", &[]));
    d.wait(secs(1));
    d.serve();
    assert_eq!(d.result(start.operation), Ok(Completion::Done));
    assert_eq!(d.client.inspect().cluster().nodes.len(), 1);
}

/// Attempts per minute are bounded, whatever the way in which they fail: virtual minutes, counted for each broker by itself.
#[test]
fn cn9_attempts_are_bounded() {
    let mut told = String::new();
    let mut check = |what: &str, fail: fn(&mut Dialogue, &str), bound: usize| {
        let mut most = 0;
        for role in [Dialogue::producer("b1 b2 b3"), Dialogue::consumer("b1 b2 b3")] {
            let mut d = role;
            d.start();
            let until = Instant::ZERO + secs(600);
            while d.now() < until {
                for (connection, _) in d.open_connections() {
                    if let Some(host) = d.host(connection) {
                        fail(&mut d, &host);
                    }
                }
                d.wait_for_deadline();
            }
            let attempts = d.attempts();
            assert_eq!(attempts.len(), 3, "every broker is tried");
            // Any minute, not the average one.
            for times in attempts.values() {
                for (index, from) in times.iter().enumerate() {
                    let within = times[index..].iter().take_while(|at| at.since(*from) < secs(60)).count();
                    most = most.max(within);
                }
            }
        }
        assert!((2..=bound).contains(&most), "{what}: {most} attempts in a minute");
        told += &format!("CN9: {what}: at most {most} attempts per minute and broker (bound {bound})\n");
    };
    // 50 ms doubling to 1 s, each a fifth more or less: 6 attempts until then, 75 after.
    check("a broker that refuses", |d, host| d.we_refuse(host), 81);
    let close_at_once = |d: &mut Dialogue, host: &str| {
        d.we_accept(host);
        d.we_close(host);
    };
    check("a broker that accepts and closes", close_at_once, 81);
    let close_when_ready = |d: &mut Dialogue, host: &str| {
        d.we_accept(host);
        let asked = d.they_send::<ApiVersionsRequest>(host);
        d.we_answer(&asked, replies::versions());
        d.we_close(host);
    };
    check("a broker that closes once it is ready", close_when_ready, 81);
    // Each attempt takes its 10 s, then come the waits.
    check("a broker that swallows everything", |_, _| (), 7);
    let accept_only = |d: &mut Dialogue, host: &str| {
        if d.open_connections().iter().any(|(it, open)| d.host(*it).as_deref() == Some(host) && !open) {
            d.we_accept(host);
        }
    };
    check("a broker that accepts and says nothing", accept_only, 7);
    measured("CN9", &told);
}

/// The wait grows with each failure in a row, by broker, and begins anew after the connection has served for a while.
#[test]
fn cn9_waits_grow_until_it_works() {
    let mut d = Dialogue::consumer("b1");
    d.start();
    let mut waits = Vec::new();
    for _ in 0..8 {
        d.we_refuse("b1");
        let before = d.now();
        d.wait_for_deadline();
        waits.push(d.now().since(before).as_millis());
    }
    for (wait, expected) in waits.iter().zip([50, 100, 200, 400, 800, 1_000, 1_000, 1_000]) {
        assert!((expected * 4 / 5..=expected * 6 / 5).contains(wait), "{waits:?}");
    }
    assert_eq!(d.view("b1").attempts(), 8);
    d.serve();
    assert_eq!(d.state(), LifecycleState::Started);
    assert_eq!(d.view("b1").attempts(), 0);
    d.wait(secs(5));
    d.we_end("b1", DisconnectCause::Reset);
    let again = d.they_connect("b1");
    d.we_refuse("b1");
    assert!(again.generation > 1, "one that has served may come back at once");
    let before = d.now();
    d.wait_for_deadline();
    assert!(d.now().since(before) <= ms(60), "and waits the first wait after that");
}

/// A broker that swallows everything delays nobody else.
#[test]
fn cn10_a_black_hole_delays_nobody_else() {
    let mut d = Dialogue::producer("b1 b2");
    d.cluster.topic("t", &[1, 2]);
    d = d.started();
    for place in ["t/0", "t/1"] {
        d.send(place, "first");
        d.serve();
    }
    // b1 falls silent in the middle of a conversation; then it does not even accept connections.
    let silent = d.send("t/0", "x");
    d.they_send::<ProduceRequest>("b1");
    d.cluster.set_black_hole("b1", true);
    let mut first_errors = 0;
    for _ in 0..100 {
        let record = d.send("t/1", "x");
        d.serve();
        assert!(d.record_offset(record) > 0, "answered at once by the broker that works");
        let partitions = d.command(|client, now| client.partitions_for(now, "t", None)).unwrap();
        d.serve();
        assert!(matches!(d.result(partitions), Ok(Completion::Partitions(_))), "known already");
        d.wait(secs(1));
        first_errors += usize::from(d.record(silent).is_some());
    }
    assert_eq!(first_errors, 0, "its own record waits for its own time limit");
    d.wait(secs(60));
    assert_eq!(d.record_error(silent).code(), "TIMEOUT");
}

/// Two black holes do not take turns for ever: the broker that works is asked, at the start and later.
#[test]
fn cn10_two_black_holes_do_not_hide_a_broker_that_works() {
    for (first, second) in [("b1", "b2"), ("b1", "b3"), ("b2", "b3")] {
        let mut d = Dialogue::producer("b1 b2 b3");
        d.cluster.set_black_hole(first, true);
        d.cluster.set_black_hole(second, true);
        let start = d.start_within(secs(25));
        while d.ended(start.operation).is_none() {
            d.serve();
            if d.ended(start.operation).is_none() {
                d.wait_for_deadline();
            }
        }
        assert_eq!(d.result(start.operation), Ok(Completion::Done), "{first} and {second} are black holes");
    }
}

// ---- closing what is idle ----

/// What nobody uses is closed without an error; the next request opens it again.
#[test]
fn cn13_an_idle_connection_is_closed_and_comes_back() {
    let mut d = Dialogue::producer_with("b1", |config, _| {
        config.connections_max_idle = secs(60);
        config.metadata_max_age = secs(3_600);
    });
    d.cluster.topic("t", &[1]);
    d = d.started();
    d.send("t", "x");
    d.serve();
    d.forget();
    d.wait(ms(59_999));
    d.expect_nothing();
    d.wait(ms(1));
    assert_eq!(d.they_close("b1"), CloseReason::Idle);
    d.wait(secs(600));
    d.expect_nothing();
    assert!(d.events().is_empty(), "not an error: {:?}", d.events());
    let record = d.send("t", "x");
    d.serve();
    assert_eq!(d.record_offset(record), 1);
}

/// The same when the broker is the one who closes.
#[test]
fn cn13_a_broker_may_close_what_is_idle() {
    let mut d = Dialogue::producer("b1");
    d.cluster.topic("t", &[1]);
    d = d.started();
    d.wait(secs(100));
    d.forget();
    d.we_close("b1");
    d.expect_nothing();
    assert!(d.events().is_empty(), "not an error: {:?}", d.events());
    d.wait(secs(100));
    d.expect_nothing();
    let record = d.send("t", "x");
    d.serve();
    assert_eq!(d.record_offset(record), 0);
    assert_eq!(d.view("b1").attempts(), 0);
}

/// Never with requests in flight.
#[test]
fn cn13_a_connection_that_waits_is_not_idle() {
    let mut d = Dialogue::producer_with("b1", |config, _| {
        config.connections_max_idle = secs(5);
        config.request_timeout = secs(20);
    })
    .started();
    d.command(|client, now| client.partitions_for(now, "t", None)).unwrap();
    let asked = d.they_send::<MetadataRequest>("b1");
    d.wait(secs(19));
    d.expect_nothing();
    d.we_answer(&asked, replies::metadata("b1", &[("t", &[1])]));
    d.wait(secs(4));
    d.expect_nothing();
    d.wait(secs(1));
    assert_eq!(d.they_close("b1"), CloseReason::Idle);
}

/// A connection on which only acks=0 requests go out is in use, though nothing is ever in flight.
#[test]
fn cn13_cn17_a_connection_without_replies_is_not_idle() {
    let mut d = Dialogue::producer_with("b1", |config, producer| {
        config.connections_max_idle = secs(5);
        config.metadata_max_age = secs(3_600);
        producer.acks = Acks::None;
        producer.idempotent = false;
    });
    d.cluster.topic("t", &[1]);
    d = d.started();
    for _ in 0..20 {
        d.send("t", "x");
        d.serve();
        assert!(d.view("b1").in_flight().is_empty(), "CN17");
        d.wait(secs(1));
        assert_eq!(d.connection_state("b1"), ConnectionState::Ready, "in use a second ago");
    }
    assert_eq!(d.cluster.values("t", 0).len(), 20);
    d.forget();
    d.wait(secs(5));
    assert_eq!(d.they_close("b1"), CloseReason::Idle);
}

/// A reply to acks=0 is a reply that nobody asked for.
#[test]
fn cn17_acks_0_expects_no_reply() {
    let mut d = Dialogue::producer_with("b1", |_, producer| {
        producer.acks = Acks::None;
        producer.idempotent = false;
    });
    d.cluster.topic("t", &[1]);
    d = d.started();
    d.send("t", "first");
    d.serve();
    let record = d.send("t", "x");
    assert_eq!(d.record(record), Some(&Ok(None)), "sent is all that can be said");
    let asked = d.they_send::<ProduceRequest>("b1");
    d.we_answer(&asked, replies::produced(&asked.body, ErrorCode::None, 0));
    assert!(matches!(d.they_close("b1"), CloseReason::ProtocolViolation(_)));
}

/// Acks=0 records that wait for a connection have not been sent, count as buffered, and survive the failure to connect.
#[test]
fn cn17_acks_0_is_not_sent_before_it_is_written() {
    let mut d = Dialogue::producer_with("b1 b2", |_, producer| {
        producer.acks = Acks::None;
        producer.idempotent = false;
    });
    d.cluster.topic("t", &[2]);
    d = d.started();
    let record = d.send("t", "x");
    while d.connection_state("b2") != ConnectionState::Connecting {
        d.serve_one();
    }
    assert_eq!(d.record(record), None, "the connection is not open yet");
    assert!(d.client.inspect().buffered_bytes() > 0);
    d.we_refuse("b2");
    assert_eq!(d.record(record), None, "it can be tried again");
    d.wait(secs(1));
    d.serve();
    assert_eq!(d.record(record), Some(&Ok(None)));
    assert_eq!(d.cluster.values("t", 0), ["x"]);
}

// ---- the bridge, and attempts that never settle ----

/// The bridge's close codes are typed errors; those which may pass are tried again.
#[test]
fn cn15_close_codes_of_the_bridge_are_typed() {
    for (close_code, code, retriable) in [
        (4403, "BRIDGE_TARGET_DENIED", false),
        (4502, "BROKER_REFUSED", true),
        (1006, "BRIDGE_UNREACHABLE", true),
    ] {
        let mut d = Dialogue::consumer("b1");
        let start = d.start();
        d.they_connect("b1");
        d.we_accept("b1");
        d.we_end("b1", DisconnectCause::Bridge { close_code, reason: "why".into() });
        let causes: Vec<_> = d
            .statuses()
            .into_iter()
            .filter_map(|status| match status {
                Status::Reconnecting { cause, .. } => Some(cause),
                _ => None,
            })
            .collect();
        assert_eq!(causes[0].code(), code);
        assert_eq!(causes[0].close_code(), Some(close_code));
        if retriable {
            d.wait(secs(1));
            d.they_connect("b1");
        } else {
            assert_eq!(d.error_code(start.operation), code);
        }
    }
}

/// An attempt that never settles is given up, and cannot come alive later.
#[test]
fn cn16_an_attempt_that_never_settles_times_out() {
    let mut d = Dialogue::consumer_with("b1 b2", |config, _| config.connect_timeout = secs(4));
    let start = d.start();
    let first = d.they_connect("b1");
    d.wait(secs(4));
    assert_eq!(d.they_close("b1"), CloseReason::ConnectTimeout);
    d.they_connect("b2");
    d.input(Input::Connected { connection: first });
    assert_eq!(d.connection_state("b1"), ConnectionState::BackingOff);
    d.we_accept("b2");
    d.serve();
    assert_eq!(d.result(start.operation), Ok(Completion::Done));
    assert!(matches!(
        d.statuses().iter().find(|status| matches!(status, Status::Reconnecting { .. })),
        Some(Status::Reconnecting {
            cause: Error::Connection { cause: LossCause::Local(CloseReason::ConnectTimeout), .. },
            attempt: 1,
            ..
        })
    ));
}

/// A peer that accepts and never speaks is given up as well.
#[test]
fn cn16_a_peer_that_never_speaks_times_out() {
    let mut d = Dialogue::consumer_with("b1 b2", |config, _| config.connect_timeout = secs(4));
    let start = d.start();
    d.they_connect("b1");
    d.we_accept("b1");
    d.they_send::<ApiVersionsRequest>("b1");
    d.wait(secs(4));
    assert_eq!(d.they_close("b1"), CloseReason::ConnectTimeout);
    d.serve();
    assert_eq!(d.result(start.operation), Ok(Completion::Done));
}

/// A broker that metadata no longer names is let go when nothing is in flight any more.
#[test]
fn a_broker_that_is_gone_is_let_go() {
    let mut d = Dialogue::producer_with("b1", |config, _| config.metadata_max_age = secs(10));
    d.cluster = crate::support::cluster::Cluster::new("b1 b2");
    d.cluster.topic("t", &[2]);
    d = d.started();
    d.send("t", "x");
    d.serve();
    let record = d.send("t", "y");
    let asked = d.they_send::<ProduceRequest>("b2");
    d.wait(secs(10));
    let refresh = if d.has_request("b1") { "b1" } else { "b2" };
    let refresh = d.they_send::<MetadataRequest>(refresh);
    d.forget();
    let answer: MetadataResponse = replies::metadata("b1", &[("t", &[1])]);
    if refresh.connection == asked.connection {
        d.we_answer(&asked, replies::produced(&asked.body, ErrorCode::None, 1));
        d.we_answer(&refresh, answer);
    } else {
        d.we_answer(&refresh, answer);
        d.expect_nothing();
        d.we_answer(&asked, replies::produced(&asked.body, ErrorCode::None, 1));
    }
    assert_eq!(d.they_close("b2"), CloseReason::NoLongerNeeded);
    assert_eq!(d.record_offset(record), 1);
}

/// The same address twice in the configuration is one broker.
#[test]
fn an_address_that_is_named_twice_is_one() {
    let mut d =
        Dialogue::consumer_with("b1", |config, _| config.bootstrap = crate::support::addresses("b1 b1 b1"));
    assert_eq!(d.client.inspect().connections().count(), 1);
    let start = d.start();
    d.they_connect("b1");
    d.we_end("b1", DisconnectCause::Bridge { close_code: 4403, reason: String::new() });
    assert_eq!(d.error_code(start.operation), "BRIDGE_TARGET_DENIED");
}

/// What a view shows of a connection that waits for a reply of which half has come.
#[test]
fn a_view_shows_what_is_half_received() {
    let mut d = Dialogue::consumer("b1");
    d.start();
    d.handshake("b1");
    let asked = d.they_send::<MetadataRequest>("b1");
    let bytes = d.encoded(&asked, replies::metadata("b1", &[]));
    d.we_send(asked.connection, bytes[..9].to_vec().into());
    let view = d.view("b1");
    assert_eq!(view.buffer(), bytes[..9]);
    assert_eq!(view.buffer_expects(), Some(bytes.len()));
    assert_eq!(view.in_flight().len(), 1);
    assert_eq!(view.in_flight()[0].api, "Metadata");
}
