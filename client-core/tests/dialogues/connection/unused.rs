//! Closing what nobody uses, and requests without replies: CN13, CN17.

use crate::support::{Dialogue, ms, replies, secs};
use client_core::protocol::{ErrorCode, MetadataRequest, ProduceRequest};
use client_core::{Acks, CloseReason, ConnectionState};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

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
