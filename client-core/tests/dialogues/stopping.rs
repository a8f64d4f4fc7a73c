//! stop(), and what holds before, during and after it: LC6 to LC13.

use crate::support::{Dialogue, addresses, ms, replies, secs};
use client_core::protocol::{ErrorCode, MetadataRequest, ProduceRequest};
use client_core::{
    Client, CloseReason, Completion, Config, ConsumerConfig, DisconnectCause, Error, Instant, LifecycleState,
    LossCause, ProducerConfig, Role, StartOptions, StartOutcome,
};

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

// ---- stopping ----

/// Start() after stop() is a real new start.
#[test]
fn lc6_a_stopped_client_starts_again() {
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

/// Start() during stop() is a new start after it.
#[test]
fn lc6_a_start_during_a_stop_comes_after_it() {
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

/// A start that waits for a stop can be cancelled, time out, or be stopped in its turn.
#[test]
fn lc4_lc5_lc6_a_start_that_waits_for_a_stop_may_not_come() {
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

/// Stop() twice, and on an idle client.
#[test]
fn lc7_stops_wait_for_the_same_end() {
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

/// The earliest limit of several stops counts; then every record has a definite end.
#[test]
fn lc8_a_stop_ends_at_its_limit() {
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

/// With every broker gone and no limit, the records' own time bounds it.
#[test]
fn lc8_a_stop_without_a_limit_ends_too() {
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

/// Calls that need a started client say so at once.
#[test]
fn lc9_calls_before_a_start_and_after_a_stop_fail_at_once() {
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

/// After a stop nothing reconnects and nobody wakes up, whatever the world still says.
#[test]
fn lc10_nothing_comes_back_after_a_stop() {
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

/// A client with nothing to do sleeps until its metadata is old.
#[test]
fn lc11_an_idle_client_sleeps() {
    let mut d = Dialogue::producer("b1").started();
    assert_eq!(d.wait(secs(299)), 0, "woken though nothing is due");
    assert_eq!(d.wait(secs(2)), 1);
    d.they_send::<MetadataRequest>("b1");
}

/// Flush() and stop() send what lingers.
#[test]
fn lc12_what_lingers_goes_out_with_flush_and_stop() {
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

/// What the driver cannot mend reaches every pending and every later call.
#[test]
fn lc13_a_failed_client_fails_every_call() {
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

/// In every state of its life.
#[test]
fn lc13_a_client_can_fail_in_every_state() {
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
