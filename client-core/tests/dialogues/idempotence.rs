//! Writing without duplicates and in order: CN18, and what happens when numbers are refused.

use crate::support::{Asked, Dialogue, replies, secs};
use client_core::protocol::{
    ErrorCode, InitProducerIdRequest, MetadataRequest, MetadataResponse, ProduceRequest, Response,
};
use client_core::{CloseReason, Completion, DisconnectCause, Error, Event, LifecycleState, RecordId};

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

/// A started producer with id 1001, of which the broker has taken one batch: from then on five may be in flight.
fn confirmed() -> Dialogue {
    let mut d = Dialogue::producer("b1 b2");
    d.cluster.topic("t", &[1]);
    d = d.started();
    let first = d.send("t", "0");
    d.serve();
    assert_eq!(d.record_offset(first), 0);
    d.forget();
    d
}

/// Sends that many records, each in a batch of its own.
fn send(d: &mut Dialogue, count: usize) -> Vec<RecordId> {
    (1..=count).map(|number| d.send("t", &number.to_string())).collect()
}

/// The producer's id, its epoch and the sequence number of a request's only batch.
fn stamp(asked: &Asked<ProduceRequest>) -> (i64, i16, i32) {
    let batch = replies::batch_of(&asked.body);
    (batch.producer_id(), batch.producer_epoch(), batch.base_sequence())
}

fn values(asked: &Asked<ProduceRequest>) -> Vec<String> {
    replies::values(&replies::batch_of(&asked.body))
}

/// Serves and waits until all of these have ended.
#[track_caller]
fn until_all_ended(d: &mut Dialogue, records: &[RecordId]) {
    for _ in 0..200 {
        d.serve();
        if records.iter().all(|record| d.record(*record).is_some()) {
            return;
        }
        d.wait_for_deadline();
    }
    panic!("records do not end");
}

/// What has been written is 0, 1, 2 and so on, once each.
#[track_caller]
fn check_log(d: &Dialogue, count: usize) {
    let expected: Vec<String> = (0..=count).map(|number| number.to_string()).collect();
    assert_eq!(d.cluster.values("t", 0), expected);
}

/// How many producer ids have been asked for.
fn ids_asked_for(d: &Dialogue) -> usize {
    let of_ids = |kind: &&client_core::TraceKind| {
        matches!(kind, client_core::TraceKind::RequestSent { api: "InitProducerId", .. })
    };
    d.traces().filter(of_ids).count()
}

// ---- what gets lost ----

/// The reply is lost; the batch goes again under the same id, epoch and number, and there is one copy.
#[test]
fn cn18_a_lost_reply_yields_one_copy() {
    let mut d = confirmed();
    let record = send(&mut d, 1)[0];
    let connection = d.connection("b1");
    let asked = d.peek::<ProduceRequest>("b1");
    d.serve_and_lose(connection);
    assert_eq!(d.record(record), None);
    while !d.has_request("b1") || !d.next_is::<ProduceRequest>("b1") {
        if !d.serve_one() {
            d.wait_for_deadline();
        }
    }
    let again = d.peek::<ProduceRequest>("b1");
    assert_eq!(stamp(&again), stamp(&asked));
    assert_eq!(stamp(&again), (1_001, 0, 1));
    d.serve();
    assert_eq!(d.record_offset(record), 1);
    check_log(&d, 1);
}

/// Five batches in flight are lost; they go again in order, each under its own number.
#[test]
fn cn18_order_holds_with_five_in_flight() {
    for taken in 0..=5 {
        let mut d = confirmed();
        let records = send(&mut d, 7);
        let connection = d.connection("b1");
        assert_eq!(d.view("b1").in_flight().len(), 5, "five may be in flight");
        // The broker takes some of them; none of its replies comes through.
        for _ in 0..taken {
            d.swallow(connection);
        }
        d.we_end("b1", DisconnectCause::Reset);
        until_all_ended(&mut d, &records);
        check_log(&d, 7);
        assert!(records.iter().enumerate().all(|(index, id)| d.record_offset(*id) == index as i64 + 1));
        assert_eq!(ids_asked_for(&d), 0, "the id stays the same");
    }
}

/// Nothing overtakes the first batch of an id: until the broker has taken it, it would take any number.
#[test]
fn cn18_the_first_batch_goes_alone() {
    let mut d = Dialogue::producer("b1");
    d.cluster.topic("t", &[1]);
    d = d.started();
    d.send("t", "0");
    while !d.has_request("b1") || !d.next_is::<ProduceRequest>("b1") {
        d.serve_one();
    }
    send(&mut d, 3);
    let first = d.they_send::<ProduceRequest>("b1");
    d.expect_nothing();
    d.we_answer(&first, replies::produced(&first.body, ErrorCode::None, 0));
    let mut sent = Vec::new();
    while d.has_request("b1") {
        let next = d.they_send::<ProduceRequest>("b1");
        assert_eq!(stamp(&next).2, sent.len() as i32 + 1);
        sent.extend(values(&next));
    }
    assert_eq!(sent, ["1", "2", "3"]);
}

// ---- what is refused ----

/// The first of five is refused for a while, so the others are out of order. All go again, in order, under the same id.
#[test]
fn cn18_a_passing_failure_keeps_the_order() {
    let mut d = confirmed();
    d.cluster.produce_errors.push_back(ErrorCode::NotEnoughReplicas);
    let records = send(&mut d, 5);
    until_all_ended(&mut d, &records);
    check_log(&d, 5);
    assert_eq!(ids_asked_for(&d), 0, "out of order, but explained by an older batch that is still to come");
}

/// A broker that was too slow for its replicas may or may not keep the batch: the same number finds out.
#[test]
fn cn18_an_ambiguous_failure_is_settled_under_the_same_number() {
    let mut d = confirmed();
    let record = send(&mut d, 1)[0];
    let asked = d.they_send::<ProduceRequest>("b1");
    d.cluster.answer("b1", &asked.body.clone().into(), true);
    d.we_answer(&asked, replies::produced(&asked.body, ErrorCode::NotEnoughReplicasAfterAppend, -1));
    until_all_ended(&mut d, &[record]);
    check_log(&d, 1);
}

/// A batch that fails for good leaves a gap in the numbers: what follows goes in a new epoch, in order.
#[test]
fn cn18_a_gap_is_closed_by_a_new_epoch() {
    let mut d = confirmed();
    d.cluster.produce_errors.push_back(ErrorCode::InvalidRecord);
    let records = send(&mut d, 5);
    until_all_ended(&mut d, &records);
    assert_eq!(d.record_error(records[0]).code(), "INVALID_RECORD");
    assert_eq!(d.cluster.values("t", 0), ["0", "2", "3", "4", "5"]);
    assert_eq!(ids_asked_for(&d), 0, "the next epoch needs no broker");
}

/// A gap, while the replies to some batches behind it are lost: those batches go in the new epoch too, in their places.
#[test]
fn cn18_a_gap_and_a_loss_keep_the_order() {
    for heard in 1..5 {
        let mut d = confirmed();
        d.cluster.produce_errors.push_back(ErrorCode::InvalidRecord);
        let mut records = send(&mut d, 5);
        let connection = d.connection("b1");
        for _ in 0..heard {
            d.serve_connection(connection);
        }
        d.serve_and_lose(connection);
        records.push(d.send("t", "6"));
        until_all_ended(&mut d, &records);
        assert_eq!(d.cluster.values("t", 0), ["0", "2", "3", "4", "5", "6"], "{heard} replies were heard");
    }
}

/// Numbers are refused though nothing older is under way: the partition begins anew in the next epoch, and if even that is
/// refused, under a new id.
#[test]
fn cn18_refused_numbers_begin_anew() {
    for code in
        [ErrorCode::OutOfOrderSequenceNumber, ErrorCode::UnknownProducerId, ErrorCode::InvalidProducerEpoch]
    {
        let mut d = confirmed();
        send(&mut d, 1);
        let first = d.they_send::<ProduceRequest>("b1");
        d.we_answer(&first, replies::produced(&first.body, code, -1));
        d.wait(secs(1));
        let again = d.they_send::<ProduceRequest>("b1");
        assert_eq!(stamp(&again), (1_001, 1, 0), "{code}");
        d.we_answer(&again, replies::produced(&again.body, code, -1));
        d.wait(secs(1));
        let id = d.they_send::<InitProducerIdRequest>("b1");
        d.expect_nothing();
        d.we_answer(&id, replies::producer_id(2_000));
        d.wait(secs(1));
        let again = d.they_send::<ProduceRequest>("b1");
        assert_eq!(stamp(&again), (2_000, 0, 0), "{code}");
        assert_eq!(values(&again), ["1"]);
    }
}

/// The new epoch is for the partition that needs it; others go on in theirs.
#[test]
fn cn18_other_partitions_keep_their_epoch() {
    let mut d = Dialogue::producer("b1");
    d.cluster.topic("t", &[1, 1]);
    d = d.started();
    for place in ["t/0", "t/1"] {
        d.send(place, "first");
        d.serve();
    }
    d.send("t/0", "x");
    let refused = d.they_send::<ProduceRequest>("b1");
    d.we_answer(&refused, replies::produced(&refused.body, ErrorCode::UnknownProducerId, -1));
    d.send("t/1", "y");
    let mut stamps = Vec::new();
    d.wait(secs(1));
    while d.has_request("b1") {
        stamps.push(stamp(&d.they_send::<ProduceRequest>("b1")));
    }
    stamps.sort();
    assert_eq!(stamps, [(1_001, 0, 1), (1_001, 1, 0)]);
}

/// The broker has the batch and has forgotten where: written once, at an offset that nobody knows.
#[test]
fn cn18_a_duplicate_is_a_success() {
    let mut d = confirmed();
    let record = send(&mut d, 1)[0];
    let asked = d.they_send::<ProduceRequest>("b1");
    d.we_answer(&asked, replies::produced(&asked.body, ErrorCode::DuplicateSequenceNumber, -1));
    assert_eq!(d.record(record), Some(&Ok(None)));
}

/// A newer producer has taken over: every record and every later call fails.
#[test]
fn a_fenced_producer_is_finished() {
    let mut d = confirmed();
    let records = send(&mut d, 3);
    let asked = d.they_send::<ProduceRequest>("b1");
    d.we_answer(&asked, replies::produced(&asked.body, ErrorCode::ProducerFenced, -1));
    let fenced = Error::Fenced { name: "PRODUCER_FENCED" };
    assert!(records.iter().all(|record| *d.record_error(*record) == fenced));
    assert_eq!(d.state(), LifecycleState::Fenced);
    assert!(d.events().contains(&Event::Fatal(fenced.clone())));
    assert_eq!(d.try_send("t", "x"), Err(fenced));
}

/// A new id is refused for good: nothing is asked in a loop, and the records end in time.
#[test]
fn a_refused_id_ends_in_the_delivery_timeout() {
    let mut d = confirmed();
    let record = send(&mut d, 1)[0];
    let asked = d.they_send::<ProduceRequest>("b1");
    d.we_answer(&asked, replies::produced(&asked.body, ErrorCode::UnknownProducerId, -1));
    d.wait(secs(1));
    let asked = d.they_send::<ProduceRequest>("b1");
    d.we_answer(&asked, replies::produced(&asked.body, ErrorCode::UnknownProducerId, -1));
    let mut refusals = 0;
    while d.record(record).is_none() {
        while d.has_request("b1") {
            if d.next_is::<MetadataRequest>("b1") {
                let asked = d.they_send::<MetadataRequest>("b1");
                d.we_answer(&asked, replies::metadata("b1 b2", &[("t", &[1])]));
            } else {
                let asked = d.they_send::<InitProducerIdRequest>("b1");
                d.we_answer(&asked, replies::producer_id_error(ErrorCode::ClusterAuthorizationFailed));
                refusals += 1;
            }
        }
        d.wait_for_deadline();
    }
    assert!((50..=180).contains(&refusals), "{refusals} in two minutes");
    let Error::Timeout { cause: Some(cause), .. } = d.record_error(record) else { panic!("a timeout") };
    assert_eq!(cause.code(), "UNKNOWN_PRODUCER_ID");
}

// ---- leaders change, time runs out ----

/// The leader changes while five batches are in flight at the old one; one copy each, in order.
#[test]
fn cn18_order_holds_across_leaders() {
    for taken in 0..=5 {
        let mut d = confirmed();
        let records = send(&mut d, 7);
        let connection = d.connection("b1");
        for _ in 0..taken {
            d.swallow(connection);
        }
        d.cluster.elect("t", 0, 2);
        d.we_end("b1", DisconnectCause::Reset);
        until_all_ended(&mut d, &records);
        check_log(&d, 7);
    }
}

/// The same, told by the old leader instead of a lost connection.
#[test]
fn cn18_order_holds_when_the_old_leader_says_so() {
    let mut d = confirmed();
    let records = send(&mut d, 7);
    d.cluster.elect("t", 0, 2);
    until_all_ended(&mut d, &records);
    check_log(&d, 7);
    assert_eq!(ids_asked_for(&d), 0);
}

/// A batch whose time is up in flight ends, and its connection stays: others use it. Whether the broker has it says the reply, or the
/// end of the connection; what follows waits for that, and is neither lost nor doubled.
#[test]
fn cn8_cn18_what_follows_a_timeout_is_written_once() {
    for (taken, answered) in [(false, false), (true, false), (true, true)] {
        let (mut d, slow) = impatient();
        let late = d.send("t", "1");
        let connection = d.connection("b1");
        let asked = d.peek::<ProduceRequest>("b1");
        if taken {
            d.swallow(connection);
        } else {
            d.they_send::<ProduceRequest>("b1");
        }
        slow_down(&mut d, &slow);
        d.forget();
        d.wait(secs(10));
        assert_eq!(d.record_error(late).code(), "TIMEOUT");
        d.expect_nothing();
        let next = d.send("t", "2");
        d.expect_nothing();
        let other = d.send("t/1", "other");
        assert!(d.has_request("b1"), "other partitions go on");
        d.wait(secs(1));
        if answered {
            d.we_answer(&asked, replies::produced(&asked.body, ErrorCode::None, 1));
            d.serve();
        } else {
            d.wait(secs(1));
            assert_eq!(d.they_close("b1"), CloseReason::RequestTimeout { api: "Produce" });
        }
        until_all_ended(&mut d, &[next, other]);
        let expected: &[&str] = if taken { &["0", "1", "2"] } else { &["0", "2"] };
        assert_eq!(d.cluster.values("t", 0), expected);
        assert_eq!(d.record_offset(next), expected.len() as i64 - 1);
        assert_eq!(d.record_error(late).code(), "TIMEOUT", "what was said stays said");
        assert_eq!(d.cluster.values("t", 1), ["other"]);
        assert_eq!(ids_asked_for(&d), 0, "the next epoch needs no broker");
    }
}

/// A record that still waits for its connection when its time is up is not written later.
#[test]
fn cn18_what_has_timed_out_is_not_written_later() {
    for idempotent in [true, false] {
        let mut d = Dialogue::producer_with("b1 b2", |config, producer| {
            config.connect_timeout = secs(20);
            // It is put back once before its time is up.
            config.request_timeout = secs(8);
            producer.delivery_timeout = secs(10);
            producer.idempotent = idempotent;
        });
        d.cluster.topic("t", &[2]);
        d = d.started();
        d.cluster.set_black_hole("b2", true);
        let record = d.send("t", "late");
        d.serve();
        d.wait(secs(10));
        assert_eq!(d.record_error(record).code(), "TIMEOUT");
        assert_eq!(d.connection_state("b2"), client_core::ConnectionState::Connecting);
        d.cluster.set_black_hole("b2", false);
        d.we_accept("b2");
        d.serve();
        let next = d.send("t", "next");
        until_all_ended(&mut d, &[next]);
        assert_eq!(d.cluster.values("t", 0), ["next"]);
    }
}

/// A producer of which the broker has taken one record, and that gives records ten seconds and replies eight: a record can run out of time
/// in flight only where a reply takes longer than that, as when the broker throttles. It has asked for metadata.
fn impatient() -> (Dialogue, Asked<MetadataRequest>) {
    let mut d = Dialogue::producer_with("b1", |config, producer| {
        config.request_timeout = secs(8);
        producer.delivery_timeout = secs(10);
    });
    d.cluster.topic("t", &[1, 1]);
    d.cluster.topic("other", &[1]);
    d = d.started();
    d.send("t", "0");
    d.serve();
    d.command(|client, now| client.partitions_for(now, "other", None)).unwrap();
    let asked = d.they_send::<MetadataRequest>("b1");
    (d, asked)
}

/// The broker answers with metadata, and reads nothing for four seconds: what is in flight behind is given twelve in all.
fn slow_down(d: &mut Dialogue, asked: &Asked<MetadataRequest>) {
    let Some(Some(Response::Metadata(answer))) = d.cluster.answer("b1", &asked.body.clone().into(), true)
    else {
        panic!("the cluster answers")
    };
    d.we_answer(asked, MetadataResponse { throttle_time_ms: 4_000, ..answer });
}

/// What was not yet sent when a batch ran out of time has no copies on their way: it is written, in the next epoch.
#[test]
fn cn18_what_waits_behind_a_timeout_is_written() {
    let (mut d, slow) = impatient();
    let late = send(&mut d, 5);
    for _ in &late {
        d.they_send::<ProduceRequest>("b1");
    }
    slow_down(&mut d, &slow);
    d.wait(secs(5));
    let next = d.send("t", "6");
    d.wait(secs(5));
    assert!(late.iter().all(|record| d.record_error(*record).code() == "TIMEOUT"));
    until_all_ended(&mut d, &[next]);
    assert_eq!(d.record_offset(next), 1);
    assert_eq!(d.cluster.values("t", 0), ["0", "6"]);
}

/// Requests on a connection that has ended here reach the broker late: from a stalled network, or when a frozen broker goes on. Whenever
/// that is, nothing is there twice, and nothing comes behind what was sent after it.
#[test]
fn cn18_copies_that_come_late_are_neither_doubled_nor_misplaced() {
    #[derive(Debug, PartialEq)]
    enum Late {
        /// Before anything is sent again.
        AtOnce,
        /// After the record behind the gap was refused.
        AfterTheRefusal,
        /// After a record of the next epoch was written.
        AfterTheNext,
    }
    for late in [Late::AtOnce, Late::AfterTheRefusal, Late::AfterTheNext] {
        let (mut d, slow) = impatient();
        let first = d.send("t", "1");
        let copies = [d.they_send::<ProduceRequest>("b1"), {
            slow_down(&mut d, &slow);
            d.wait(secs(5));
            d.send("t", "2");
            d.they_send::<ProduceRequest>("b1")
        }];
        let second = RecordId(first.0 + 1);
        let arrive = |d: &mut Dialogue| {
            for copy in &copies {
                d.cluster.answer("b1", &copy.body.clone().into(), true);
            }
        };
        d.wait(secs(5));
        assert_eq!(d.record_error(first).code(), "TIMEOUT");
        if late == Late::AtOnce {
            arrive(&mut d);
        }
        until_all_ended(&mut d, &[second]);
        if late == Late::AfterTheRefusal {
            arrive(&mut d);
        }
        let third = d.send("t", "3");
        until_all_ended(&mut d, &[third]);
        if late == Late::AfterTheNext {
            arrive(&mut d);
        }
        let expected: &[&str] = match late {
            Late::AtOnce | Late::AfterTheRefusal => &["0", "1", "2", "3"],
            Late::AfterTheNext => &["0", "3"],
        };
        assert_eq!(d.cluster.values("t", 0), expected, "{late:?}");
        assert_eq!(d.record(second).unwrap().is_ok(), late == Late::AtOnce, "{late:?}");
        assert_eq!(d.record_offset(third), expected.len() as i64 - 1, "{late:?}");
    }
}

/// Requests that were in flight when a life ended have their ends in the next one, if it begins in the same moment. They are nobody's.
#[test]
fn lc6_ends_of_the_life_before_are_nobodys() {
    let mut d = confirmed();
    d.cluster.topic("other", &[1]);
    let record = send(&mut d, 1)[0];
    for _ in 0..2 {
        let asked = d.they_send::<ProduceRequest>("b1");
        d.we_answer(&asked, replies::produced(&asked.body, ErrorCode::UnknownProducerId, -1));
        d.wait(secs(1));
    }
    // A producer id and metadata are asked for when the stop runs out of time; a start has been waiting for that.
    d.they_send::<InitProducerIdRequest>("b1");
    d.command(|client, now| client.partitions_for(now, "other", None)).unwrap();
    d.they_send::<MetadataRequest>("b1");
    let stop = d.stop_within(secs(1));
    let start = d.start();
    d.wait(secs(1));
    assert_eq!(d.result(stop), Ok(Completion::Done));
    assert_eq!(*d.record_error(record), Error::Stopped);
    d.forget_closes();
    d.handshake("b1");
    let metadata = d.they_send::<MetadataRequest>("b1");
    let id = d.they_send::<InitProducerIdRequest>("b1");
    d.expect_nothing();
    d.we_answer(&metadata, replies::metadata("b1", &[("t", &[1]), ("other", &[1])]));
    d.we_answer(&id, replies::producer_id(7_777));
    assert_eq!(d.result(start.operation), Ok(Completion::Done));
    d.send("t", "x");
    let asked = d.they_send::<ProduceRequest>("b1");
    assert_eq!(stamp(&asked), (7_777, 0, 0));
    d.expect_nothing();
}
