//! Writing: LC12, CF5 to CF7, limits, errors, and that every record ends exactly once (which the harness checks).

use crate::support::{Dialogue, ms, partition, replies, secs};
use client_core::protocol::{ErrorCode, MetadataRequest, ProduceRequest, record_batch::RecordHeader};
use client_core::{
    Completion, DisconnectCause, Error, LifecycleState, OperationId, Partitioner, Record, RecordId,
};

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

/// A started producer that knows topic t, with one partition on b1.
fn writing() -> Dialogue {
    writing_with(|_| ())
}

fn writing_with(change: impl FnOnce(&mut client_core::ProducerConfig)) -> Dialogue {
    let mut d = Dialogue::producer_with("b1", |config, producer| {
        change(producer);
        config.request_timeout = config.request_timeout.min(producer.delivery_timeout);
    });
    d.cluster.topic("t", &[1, 1]);
    d = d.started();
    let operation = d.command(|client, now| client.partitions_for(now, "t", None)).unwrap();
    d.serve();
    assert!(d.result(operation).is_ok());
    d
}

fn writable(d: &mut Dialogue) -> Option<OperationId> {
    d.command(|client, now| client.producer(now).unwrap().writable())
}

// ---- batches ----

/// Records of one turn go together; what comes while a request is in flight gathers, within the limits.
#[test]
fn records_of_one_turn_are_one_batch() {
    let mut d = writing();
    let records: Vec<RecordId> = d.command(|client, now| {
        let mut producer = client.producer(now).unwrap();
        let send = |value: &'static [u8]| {
            let record = Record {
                topic: "t",
                partition: Some(0),
                key: None,
                value: Some(value),
                timestamp: None,
                headers: &[],
            };
            producer.send(&record).unwrap()
        };
        [b"a", b"b", b"c"].map(|value| &value[..]).into_iter().map(send).collect()
    });
    let asked = d.they_send::<ProduceRequest>("b1");
    assert_eq!(replies::values(&replies::batch_of(&asked.body)), ["a", "b", "c"]);
    d.expect_nothing();
    d.we_answer(&asked, replies::produced(&asked.body, ErrorCode::None, 40));
    let offsets: Vec<_> = records.iter().map(|id| d.record_offset(*id)).collect();
    assert_eq!(offsets, [40, 41, 42]);
    assert!(records.windows(2).all(|pair| pair[1].0 == pair[0].0 + 1));
}

/// A batch lingers, but not beyond its size or its time.
#[test]
fn lc12_a_batch_lingers() {
    let mut d = writing_with(|producer| {
        producer.linger = ms(50);
        producer.batch_size = 400;
    });
    d.send("t", "first");
    d.wait(ms(49));
    d.expect_nothing();
    d.send("t", "second");
    d.wait(ms(1));
    let asked = d.they_send::<ProduceRequest>("b1");
    assert_eq!(replies::values(&replies::batch_of(&asked.body)), ["first", "second"]);
    d.we_answer(&asked, replies::produced(&asked.body, ErrorCode::None, 0));
    d.send("t", &"x".repeat(200));
    d.expect_nothing();
    d.send("t", &"y".repeat(200));
    assert_eq!(
        replies::values(&replies::batch_of(&d.they_send::<ProduceRequest>("b1").body)).len(),
        1,
        "full"
    );
}

/// Flush() waits for what was accepted before it, and for nothing else.
#[test]
fn lc12_a_flush_waits_for_what_came_before_it() {
    let mut d = writing_with(|producer| producer.linger = secs(10));
    d.send("t/0", "before");
    let unknown = d.send("later", "before");
    let flush = d.flush();
    d.send("t/0", "after");
    d.serve();
    assert_eq!(d.ended(flush), None, "one record still waits for its topic");
    d.cluster.topic("later", &[1]);
    d.wait(secs(1));
    d.serve();
    assert_eq!(d.record_offset(unknown), 0);
    assert_eq!(d.result(flush), Ok(Completion::Done));
    assert_eq!(d.cluster.values("t", 0), ["before"], "what came after it lingers");
}

/// A flush has its own limit, and can be cancelled.
#[test]
fn a_flush_may_be_given_up() {
    let mut d = writing();
    d.send("t", "x");
    d.they_send::<ProduceRequest>("b1");
    let limited = d.command(|client, now| client.producer(now).unwrap().flush(Some(secs(1))));
    let cancelled = d.flush();
    d.cancel(cancelled);
    d.wait(secs(1));
    assert_eq!(d.error_code(limited), "TIMEOUT");
    assert_eq!(d.result(cancelled), Err(Error::Cancelled));
    assert_eq!(d.state(), LifecycleState::Started);
}

// ---- limits ----

/// A full buffer refuses, and tells when there is room for whatever was refused.
#[test]
fn a_full_buffer_refuses_until_there_is_room() {
    let mut d = writing_with(|producer| {
        producer.max_request_size = 1_024;
        producer.buffer_memory = 1_024;
    });
    assert_eq!(writable(&mut d), None);
    d.send("t", &"x".repeat(400));
    // The buffer is not half full, and this record does not fit: "writable" must not say that it does.
    let refused = "y".repeat(700);
    assert_eq!(d.try_send("t", &refused), Err(Error::BufferFull { limit: 1_024 }));
    let operation = writable(&mut d).expect("there is no room");
    let cancelled = writable(&mut d).expect("there is no room");
    d.cancel(cancelled);
    d.serve();
    assert_eq!(d.result(operation), Ok(Completion::Done));
    d.send("t", &refused);
    d.serve();
    assert_eq!(d.client.inspect().buffered_bytes(), 0);
}

/// Whoever waits for room hears of a stop.
#[test]
fn lc10_waiting_for_room_ends_with_the_client() {
    let mut d = writing_with(|producer| {
        producer.max_request_size = 1_024;
        producer.buffer_memory = 1_024;
    });
    d.send("t", "x");
    let operation = writable(&mut d).expect("there is no room");
    d.stop_within(ms(1));
    d.wait(ms(1));
    assert!(d.ended(operation).is_some());
}

/// A record that no request can carry, a topic that cannot be, a partition that is not: refused with nothing done.
#[test]
fn impossible_records_are_refused() {
    let mut d = writing_with(|producer| producer.max_request_size = 1_024);
    let error = d.try_send("t", &"x".repeat(1_024)).unwrap_err();
    assert!(matches!(error, Error::RecordTooLarge { limit: 1_024, .. }), "{error}");
    for place in ["no spaces", "t/-1", "t/9"] {
        assert!(matches!(d.try_send(place, "x"), Err(Error::InvalidArgument { .. })), "{place}");
    }
    assert_eq!(d.client.inspect().buffered_bytes(), 0);
    let first = d.send("t", "x");
    assert_eq!(first, RecordId(0), "refused records have no number");
}

/// batchSize above maxRequestSize: batches still fit into requests.
#[test]
fn batches_fit_into_requests() {
    let mut d = writing_with(|producer| {
        producer.max_request_size = 1_024;
        producer.batch_size = 1 << 20;
    });
    d.command(|client, now| {
        for _ in 0..20 {
            let value = [7_u8; 200];
            let record = Record {
                topic: "t",
                partition: Some(0),
                key: None,
                value: Some(&value),
                timestamp: None,
                headers: &[],
            };
            client.producer(now).unwrap().send(&record).unwrap();
        }
    });
    while d.has_request("b1") {
        let asked = d.they_send::<ProduceRequest>("b1");
        let batch = replies::batch_of(&asked.body);
        assert!(batch.bytes().len() <= 1_024, "{}", batch.bytes().len());
        d.we_answer(&asked, replies::produced(&asked.body, ErrorCode::None, 0));
    }
    assert_eq!(d.records_ended(), 20);
}

// ---- errors ----

/// A topic that does not exist ends its records after maxBlock, with the broker's reason.
#[test]
fn an_unknown_topic_is_an_error_after_a_while() {
    let mut d = Dialogue::producer_with("b1", |_, producer| producer.max_block = secs(3)).started();
    let record = d.send("unknown", "x");
    while d.record(record).is_none() {
        d.serve();
        d.wait_for_deadline();
    }
    assert_eq!(d.record_error(record).code(), "UNKNOWN_TOPIC_OR_PARTITION");
    assert_eq!(d.now(), client_core::Instant::ZERO + secs(3));
}

/// A topic that we may not write to ends its records at once.
#[test]
fn a_forbidden_topic_is_an_error_at_once() {
    let mut d = Dialogue::producer("b1").started();
    let record = d.send("t", "x");
    let asked = d.they_send::<MetadataRequest>("b1");
    let mut answer = replies::metadata("b1", &[]);
    answer.topics.push(replies::topic_error("t", ErrorCode::TopicAuthorizationFailed));
    d.we_answer(&asked, answer);
    assert_eq!(d.record_error(record).code(), "TOPIC_AUTHORIZATION_FAILED");
}

/// A record for a partition that turns out not to exist.
#[test]
fn a_partition_that_does_not_exist_is_an_error() {
    let mut d = Dialogue::producer("b1");
    d.cluster.topic("t", &[1]);
    d = d.started();
    let (good, bad) = (d.send("t/0", "x"), d.send("t/5", "x"));
    d.serve();
    assert_eq!(d.record_offset(good), 0);
    assert_eq!(d.record_error(bad).code(), "INVALID_ARGUMENT");
}

/// An error that will not pass ends the batch; one that may pass is tried again, until the delivery timeout.
#[test]
fn produce_errors_end_or_are_retried() {
    let mut d = writing();
    d.cluster.produce_errors.push_back(ErrorCode::TopicAuthorizationFailed);
    let record = d.send("t", "x");
    d.serve();
    assert_eq!(d.record_error(record).code(), "TOPIC_AUTHORIZATION_FAILED");

    d.cluster.produce_errors.extend([ErrorCode::NotEnoughReplicas; 3]);
    let record = d.send("t", "y");
    while d.record(record).is_none() {
        d.serve();
        d.wait_for_deadline();
    }
    assert_eq!(d.cluster.values("t", 0), ["y"]);

    d.cluster.produce_errors.extend([ErrorCode::NotEnoughReplicas; 1_000]);
    let before = d.now();
    let record = d.send("t", "z");
    while d.record(record).is_none() {
        d.serve();
        d.wait_for_deadline();
    }
    let Error::Timeout { cause: Some(cause), .. } = d.record_error(record) else { panic!("a timeout") };
    assert_eq!(cause.code(), "NOT_ENOUGH_REPLICAS");
    assert_eq!(d.now().since(before), secs(120));
}

/// The delivery timeout ends every record exactly once, wherever it is: in flight, waiting, or for a leader.
#[test]
fn lc8_the_delivery_timeout_ends_everything() {
    for idempotent in [true, false] {
        let mut d = writing_with(|producer| {
            producer.idempotent = idempotent;
            producer.delivery_timeout = secs(10);
            producer.max_block = secs(10);
            producer.max_in_flight = 1;
        });
        d.cluster.topic("leaderless", &[0]);
        let mut records: Vec<_> = (0..5).map(|_| d.send("t", "in flight, or behind it")).collect();
        records.push(d.send("leaderless", "x"));
        records.push(d.send("unknown", "x"));
        d.wait(secs(9));
        assert_eq!(d.records_ended(), 0);
        d.wait(secs(1));
        assert!(records.iter().all(|record| d.record_error(*record).code() == "TIMEOUT"));
        assert_eq!(d.client.inspect().buffered_bytes(), 0);
    }
}

/// A batch that the broker finds too large goes in halves, each record once, in order; only a record that is too large alone fails.
#[test]
fn a_batch_that_is_too_large_is_split() {
    for idempotent in [true, false] {
        let mut d = writing_with(|producer| producer.idempotent = idempotent);
        d.cluster.batch_size_max = Some(300);
        let sizes = [50, 50, 50, 400, 50, 50, 50];
        let records: Vec<RecordId> = d.command(|client, now| {
            let send = |(index, size): (usize, usize)| {
                let value = format!("{index}{}", ".".repeat(size));
                let headers = [RecordHeader { key: b"h", value: None }];
                let record = Record {
                    topic: "t",
                    partition: Some(0),
                    key: Some(b"k"),
                    value: Some(value.as_bytes()),
                    timestamp: Some(index as i64),
                    headers: &headers,
                };
                client.producer(now).unwrap().send(&record).unwrap()
            };
            sizes.into_iter().enumerate().map(send).collect()
        });
        let flush = d.flush();
        for _ in 0..10 {
            d.serve();
            d.wait(ms(200));
        }
        assert_eq!(d.result(flush), Ok(Completion::Done));
        let mut stored: Vec<_> = d.cluster.values("t", 0).iter().map(|value| value[..1].to_owned()).collect();
        for (index, record) in records.iter().enumerate() {
            if index == 3 {
                assert_eq!(d.record_error(*record).code(), "MESSAGE_TOO_LARGE");
            } else {
                let offset = d.record_offset(*record) as usize;
                assert_eq!(stored[offset], index.to_string(), "record {index} is where it is said to be");
            }
        }
        if !idempotent {
            // Without idempotence, what is in flight may overtake what has to go again.
            stored.sort();
        }
        assert_eq!(stored, ["0", "1", "2", "4", "5", "6"], "idempotent: {idempotent}");
        assert_eq!(d.client.inspect().buffered_bytes(), 0);
        let last = d.send("t", "goes on");
        for _ in 0..5 {
            d.serve();
            d.wait(ms(200));
        }
        assert_eq!(d.record_offset(last), 6);
    }
}

// ---- headers ----

/// Extra headers join the record's own, which stay as they are; once, also when it is sent again, and their size counts.
#[test]
fn cf5_cf6_cf7_extra_headers_are_added_once() {
    let extra =
        |key: &'static str, value: &'static str| (key.as_bytes().into(), Some(value.as_bytes().into()));
    let mut d = writing_with(|producer| {
        producer.extra_headers = vec![extra("trace", "extra"), extra("app", "x")];
    });
    let own = [
        RecordHeader { key: b"trace", value: Some(b"own") },
        RecordHeader { key: b"dup", value: None },
        RecordHeader { key: b"dup", value: Some(b"2") },
    ];
    d.command(|client, now| {
        let record = Record {
            topic: "t",
            partition: Some(0),
            key: None,
            value: Some(b"v"),
            timestamp: Some(1),
            headers: &own,
        };
        client.producer(now).unwrap().send(&record).unwrap();
    });
    let with_extra = d.client.inspect().buffered_bytes();
    assert!(with_extra > 36 + 1 + 3 * 10 + 5 + 3 + 6 + 1, "CF7: {with_extra}");
    let expected: Vec<(&[u8], Option<&[u8]>)> =
        vec![(b"trace", Some(b"own")), (b"dup", None), (b"dup", Some(b"2")), (b"app", Some(b"x"))];
    for _ in 0..2 {
        let asked = d.they_send::<ProduceRequest>("b1");
        let batch = replies::batch_of(&asked.body);
        let record = batch.records().unwrap().next().unwrap().unwrap();
        let headers: Vec<_> = record.headers.map(|header| header.unwrap()).collect();
        let found: Vec<_> = headers.iter().map(|header| (header.key, header.value)).collect();
        assert_eq!(found, expected);
        d.we_answer(&asked, replies::produced(&asked.body, ErrorCode::NotEnoughReplicas, -1));
        d.wait(secs(1));
    }
}

// ---- partitions ----

/// A key decides the partition as in the Java client; without one, records stay together until a batch is full.
#[test]
fn keys_decide_partitions() {
    let mut d = writing();
    let send = |d: &mut Dialogue, key: Option<&[u8]>| {
        d.command(|client, now| {
            let record =
                Record { topic: "t", partition: None, key, value: Some(b"v"), timestamp: None, headers: &[] };
            client.producer(now).unwrap().send(&record).unwrap();
        });
        let asked = d.they_send::<ProduceRequest>("b1");
        let found = replies::batches_of(&asked.body)[0].1;
        d.we_answer(&asked, replies::produced(&asked.body, ErrorCode::None, 0));
        found
    };
    // murmur2("abc") is 479470107, which is odd.
    assert_eq!((0..5).map(|_| send(&mut d, Some(b"abc"))).collect::<Vec<_>>(), [1; 5]);
    let keyless: Vec<_> = (0..5).map(|_| send(&mut d, None)).collect();
    assert!(keyless.iter().all(|partition| *partition == keyless[0]), "{keyless:?}");

    let mut d = writing_with(|producer| producer.partitioner = Partitioner::RoundRobin);
    assert_eq!((0..4).map(|_| send(&mut d, Some(b"abc"))).collect::<Vec<_>>(), [0, 1, 0, 1]);
}

/// A partition whose broker is away does not hold up the others.
#[test]
fn partitions_are_independent() {
    let mut d = Dialogue::producer("b1 b2");
    d.cluster.topic("t", &[1, 2]);
    d = d.started();
    d.send("t/0", "x");
    d.send("t/1", "x");
    d.serve();
    d.cluster.set_up("b2", false);
    d.we_end("b2", DisconnectCause::Reset);
    let (there, away) = (d.send("t/0", "y"), d.send("t/1", "y"));
    d.serve();
    assert_eq!(d.record_offset(there), 1);
    assert_eq!(d.record(away), None);
    d.cluster.set_up("b2", true);
    d.wait(secs(2));
    d.serve();
    assert_eq!(d.record_offset(away), 1);
    assert_eq!(d.client.inspect().cluster().leader(&partition("t", 1)).map(|broker| broker.0), Some(2));
}
