//! Brokers that want to hear nothing for a while (KIP-219).

use crate::support::{Asked, Dialogue, ms, replies, secs};
use client_core::protocol::{
    ApiVersionsRequest, ErrorCode, FetchRequest, MetadataRequest, ProduceRequest, ProduceResponse, Response,
};
use client_core::{CloseReason, Completion, ConnectionState, DisconnectCause, StartOffset, Status};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

/// A producer that has written to t-0 and t-1 on b1.
fn started() -> Dialogue {
    Dialogue::producer("b1").writing()
}

impl Dialogue {
    fn writing(mut self) -> Self {
        self.cluster.topic("t", &[1, 1]);
        self = self.started();
        for place in ["t/0", "t/1"] {
            self.send(place, "first");
            self.serve();
        }
        self.forget();
        self
    }

    /// The broker takes the batch, and wants to hear nothing for so long.
    fn we_throttle(&mut self, asked: &Asked<ProduceRequest>, base_offset: i64, millis: i32) {
        let produced = replies::produced(&asked.body, ErrorCode::None, base_offset);
        self.we_answer(asked, ProduceResponse { throttle_time_ms: millis, ..produced });
    }

    /// A record that the broker takes at the price of a silence.
    fn throttle(&mut self, millis: i32) {
        self.send("t/0", "too much");
        let asked = self.they_send::<ProduceRequest>("b1");
        let Some(Some(Response::Produce(taken))) =
            self.cluster.answer("b1", &asked.body.clone().into(), true)
        else {
            panic!("the cluster answers")
        };
        self.we_answer(&asked, ProduceResponse { throttle_time_ms: millis, ..taken });
    }
}

/// Nothing is sent until the time is over; what is accepted meanwhile fills batches. The application is told, both times.
#[test]
fn a_throttled_connection_keeps_silent() {
    let mut d = started();
    d.throttle(2_000);
    let until = d.now() + secs(2);
    let broker = d.view("b1").broker();
    assert_eq!(d.statuses(), [Status::Throttled { broker, until }]);
    assert_eq!(d.view("b1").throttled_until(), Some(until));
    let records = ["a", "b", "c"].map(|value| d.send("t/0", value));
    d.wait(ms(1_999));
    d.expect_nothing();
    assert_eq!(d.statuses().len(), 1);
    d.wait(ms(1));
    assert_eq!(d.view("b1").throttled_until(), None);
    assert_eq!(d.statuses().last(), Some(&Status::Connected));
    let asked = d.they_send::<ProduceRequest>("b1");
    assert_eq!(replies::values(&replies::batch_of(&asked.body)), ["a", "b", "c"], "one batch");
    d.we_answer(&asked, replies::produced(&asked.body, ErrorCode::None, 2));
    assert_eq!(records.map(|record| d.record_offset(record)), [2, 3, 4]);
    d.expect_nothing();
}

/// What is in flight stays, and gets its reply so much later: the broker does not read while it throttles.
#[test]
fn what_is_in_flight_is_given_the_time_that_the_broker_takes() {
    let mut d = Dialogue::producer_with("b1", |config, _| config.request_timeout = secs(5)).writing();
    d.send("t/0", "x");
    let first = d.they_send::<ProduceRequest>("b1");
    let record = d.send("t/1", "y");
    let second = d.they_send::<ProduceRequest>("b1");
    d.we_throttle(&first, 1, 20_000);
    d.wait(secs(24));
    assert_eq!(d.connection_state("b1"), ConnectionState::Ready);
    d.we_answer(&second, replies::produced(&second.body, ErrorCode::None, 1));
    assert_eq!(d.record_offset(record), 1);
    d.expect_nothing();
    // And no longer than that.
    d.send("t/0", "x");
    let first = d.they_send::<ProduceRequest>("b1");
    d.send("t/1", "y");
    d.they_send::<ProduceRequest>("b1");
    d.we_throttle(&first, 2, 20_000);
    d.wait(secs(25));
    assert_eq!(d.they_close("b1"), CloseReason::RequestTimeout { api: "Produce" });
}

/// A second demand prolongs the silence, a shorter one does not end it.
#[test]
fn the_latest_end_counts() {
    let mut d = started();
    d.send("t/0", "x");
    let first = d.they_send::<ProduceRequest>("b1");
    d.send("t/0", "y");
    let second = d.they_send::<ProduceRequest>("b1");
    d.send("t/0", "z");
    let third = d.they_send::<ProduceRequest>("b1");
    d.we_throttle(&first, 1, 1_000);
    d.we_throttle(&second, 2, 3_000);
    d.we_throttle(&third, 3, 500);
    d.send("t/0", "later");
    d.wait(ms(2_999));
    d.expect_nothing();
    d.wait(ms(1));
    d.they_send::<ProduceRequest>("b1");
    assert_eq!(d.statuses().len(), 2, "throttled once, connected once: {:?}", d.statuses());
}

/// A record's own time limit goes on.
#[test]
fn a_throttled_record_ends_in_time() {
    let mut d = Dialogue::producer_with("b1", |config, producer| {
        config.request_timeout = secs(5);
        producer.delivery_timeout = secs(8);
    })
    .writing();
    d.throttle(60_000);
    let record = d.send("t/0", "x");
    d.wait(ms(7_999));
    assert_eq!(d.record(record), None);
    d.wait(ms(1));
    assert_eq!(d.record_error(record).code(), "TIMEOUT");
    d.expect_nothing();
}

/// So does a request's: here of one that waits for the only broker there is.
#[test]
fn a_start_is_held_up_no_longer_than_its_limit() {
    let mut d = Dialogue::producer("b1");
    let start = d.start_within(secs(10));
    d.they_connect("b1");
    d.we_accept("b1");
    let asked = d.they_send::<ApiVersionsRequest>("b1");
    let mut versions = replies::versions();
    versions.throttle_time_ms = 600_000;
    d.we_answer(&asked, versions);
    d.expect_nothing();
    d.wait(secs(10));
    assert_eq!(d.error_code(start.operation), "TIMEOUT");
    assert_eq!(d.they_close("b1"), CloseReason::Stopped);
    // Without a limit, the request gives up, and is made again.
    let start = d.start();
    d.they_connect("b1");
    d.we_accept("b1");
    let asked = d.they_send::<ApiVersionsRequest>("b1");
    let mut versions = replies::versions();
    versions.throttle_time_ms = 45_000;
    d.we_answer(&asked, versions);
    d.wait(secs(44));
    d.expect_nothing();
    d.wait(secs(1));
    d.serve();
    assert_eq!(d.result(start.operation), Ok(Completion::Done));
}

/// A stop flushes what it can until its limit, and is not held up any longer.
#[test]
fn lc8_a_stop_does_not_wait_for_a_throttle() {
    let mut d = started();
    d.throttle(60_000);
    let record = d.send("t/0", "x");
    let stop = d.stop_within(secs(1));
    d.wait(ms(999));
    assert_eq!(d.ended(stop), None);
    d.wait(ms(1));
    assert_eq!(d.result(stop), Ok(Completion::Done));
    assert_eq!(d.record_error(record).code(), "STOPPED");

    let mut d = started();
    d.throttle(60_000);
    let record = d.send("t/0", "x");
    let stop = d.stop();
    d.wait(secs(60));
    d.serve();
    assert_eq!(d.result(stop), Ok(Completion::Done), "without a limit it flushes");
    assert!(d.record(record).is_some_and(Result::is_ok));
    // Nothing to send: nothing to wait for.
    let mut d = started();
    d.throttle(60_000);
    let stop = d.stop();
    assert_eq!(d.result(stop), Ok(Completion::Done));
}

/// An idle connection is closed though its broker throttles; the next one begins without that.
#[test]
fn cn13_a_throttle_keeps_no_connection_open() {
    let mut d = Dialogue::producer_with("b1", |config, _| {
        config.connections_max_idle = secs(5);
        config.metadata_max_age = secs(3_600);
    })
    .writing();
    d.throttle(60_000);
    d.wait(secs(5));
    assert_eq!(d.they_close("b1"), CloseReason::Idle);
    let record = d.send("t/0", "x");
    d.serve();
    assert!(d.record(record).is_some_and(Result::is_ok), "a new connection, which nobody has throttled");
}

/// A loss ends the silence with the connection.
#[test]
fn a_new_connection_knows_no_throttle() {
    let mut d = started();
    d.throttle(60_000);
    let record = d.send("t/0", "x");
    d.wait(secs(2));
    d.we_end("b1", DisconnectCause::Reset);
    assert_eq!(d.view("b1").throttled_until(), None);
    d.wait(secs(1));
    d.serve();
    assert!(d.record(record).is_some_and(Result::is_ok));
}

/// The application hears that all is well when every broker may be asked again, not when one of them is back.
#[test]
fn all_is_well_when_nobody_throttles_any_more() {
    let mut d = Dialogue::producer("b1 b2");
    d.cluster.topic("t", &[1, 2]);
    d = d.started();
    for place in ["t/0", "t/1"] {
        d.send(place, "first");
        d.serve();
    }
    d.wait(secs(2));
    d.forget();
    d.throttle(10_000);
    d.we_end("b2", DisconnectCause::Reset);
    d.wait(secs(1));
    d.serve();
    assert_eq!(d.connection_state("b2"), ConnectionState::Ready);
    assert!(!d.statuses().contains(&Status::Connected), "{:?}", d.statuses());
    d.wait(secs(9));
    assert_eq!(d.statuses().last(), Some(&Status::Connected));
}

/// Whoever may be asked is asked: not the one who wants to hear nothing.
#[test]
fn others_are_asked_meanwhile() {
    let mut d = Dialogue::producer_with("b1 b2", |config, _| config.metadata_max_age = secs(5)).writing();
    d.throttle(60_000);
    d.wait(secs(5));
    d.they_connect("b2");
    d.we_accept("b2");
    let asked = d.they_send::<ApiVersionsRequest>("b2");
    d.we_answer(&asked, replies::versions());
    d.they_send::<MetadataRequest>("b2");
    d.expect_nothing();
}

/// Who the broker is, is asked once it listens again (KIP-1242), before anything is meant for it.
#[test]
fn a_throttled_broker_is_compared_later() {
    let mut d = Dialogue::consumer("b1");
    d.start();
    d.they_connect("b1");
    d.we_accept("b1");
    let asked = d.they_send::<ApiVersionsRequest>("b1");
    d.we_answer(&asked, replies::versions_comparing());
    let asked = d.they_send::<MetadataRequest>("b1");
    let mut metadata = replies::metadata("b1", &[]);
    metadata.throttle_time_ms = 2_000;
    d.we_answer(&asked, metadata);
    d.wait(ms(1_999));
    d.expect_nothing();
    d.wait(ms(1));
    let asked = d.they_send::<ApiVersionsRequest>("b1");
    assert_eq!((asked.body.cluster_id.as_deref(), asked.body.node_id), (Some("test"), 1));
}

/// No broker silences a client for ever.
#[test]
fn an_absurd_throttle_ends() {
    let mut d =
        Dialogue::producer_with("b1", |config, _| config.connections_max_idle = secs(7_200)).writing();
    d.throttle(i32::MAX);
    assert_eq!(d.view("b1").throttled_until(), Some(d.now() + secs(3_600)));
    let mut d = started();
    d.throttle(-1);
    assert_eq!(d.view("b1").throttled_until(), None);
    assert!(d.statuses().is_empty());
}

/// Consumers keep silent, too.
#[test]
fn a_throttled_consumer_fetches_nothing() {
    let mut d = Dialogue::consumer("b1");
    d.cluster.topic("t", &[1]);
    d.cluster.log("t", 0).write(&["a"]);
    d.command(|client, now| {
        let from = StartOffset::Earliest;
        client.consumer(now).unwrap().assign(&[(crate::support::partition("t", 0), from)]).unwrap();
    });
    d = d.started();
    d.serve();
    let asked = d.they_send::<FetchRequest>("b1");
    let data = replies::data(0, 1, replies::stored(1, &["b"]));
    let mut response = replies::fetched("t", data);
    response.throttle_time_ms = 3_000;
    d.we_answer(&asked, response);
    d.wait(ms(2_999));
    d.expect_nothing();
    d.wait(ms(1));
    let asked = d.they_send::<FetchRequest>("b1");
    assert_eq!(asked.body.topics[0].partitions[0].fetch_offset, 2);
}
