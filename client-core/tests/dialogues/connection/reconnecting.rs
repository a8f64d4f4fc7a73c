//! Losing a connection and coming back: CN7 to CN10.

use crate::support::{Dialogue, measured, ms, replies, secs};
use client_core::protocol::{ApiVersionsRequest, ErrorCode, MetadataRequest, ProduceRequest};
use client_core::{CloseReason, Completion, DisconnectCause, Instant, LifecycleState, Timer, TraceKind};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

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
