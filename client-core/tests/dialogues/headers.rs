//! Headers that an application wants on every record: CF5 to CF8.

use crate::support::{Dialogue, ms, partition, secs};
use client_core::protocol::record_batch::RecordBatch;
use client_core::protocol::{ErrorCode, ProduceRequest};
use client_core::{ProducerConfig, Record, RecordHeader, RecordId, StartOffset};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

/// Owned headers: name, and content or null.
pub(crate) type Pairs = Vec<(Vec<u8>, Option<Vec<u8>>)>;

pub(crate) fn pairs(list: &[(&str, Option<&str>)]) -> Pairs {
    list.iter()
        .map(|(name, content)| (name.as_bytes().to_vec(), content.map(|it| it.as_bytes().to_vec())))
        .collect()
}

/// The headers of each record of a batch.
fn headers_of(batch: &RecordBatch) -> Vec<Pairs> {
    let pair = |header: RecordHeader<'_>| (header.key.to_vec(), header.value.map(<[u8]>::to_vec));
    let records = batch.records().unwrap();
    records.map(|record| record.unwrap().headers.map(|header| pair(header.unwrap())).collect()).collect()
}

/// What must come out: the record's own headers as they are, then each extra one whose name the record lacks.
fn merged(own: &Pairs, extra: &Pairs) -> Pairs {
    let lacks = |name: &[u8]| own.iter().all(|(known, _)| known != name);
    own.iter().chain(extra.iter().filter(|(name, _)| lacks(name))).cloned().collect()
}

pub(crate) fn with_extra(extra: &Pairs, change: impl FnOnce(&mut ProducerConfig)) -> Dialogue {
    let mut d = Dialogue::producer_with("b1", |_, producer| {
        let extra =
            extra.iter().map(|(name, content)| (name.clone().into(), content.clone().map(Into::into)));
        producer.extra_headers = extra.collect();
        change(producer);
    });
    d.cluster.topic("t", &[1]);
    d.started()
}

pub(crate) fn send(d: &mut Dialogue, own: &Pairs) -> RecordId {
    let own: Vec<RecordHeader<'_>> =
        own.iter().map(|(key, value)| RecordHeader { key, value: value.as_deref() }).collect();
    let record = Record {
        topic: "t",
        partition: Some(0),
        key: None,
        value: Some(b"v"),
        timestamp: Some(1),
        headers: &own,
    };
    d.command(|client, now| client.producer(now).unwrap().send(&record).unwrap())
}

/// Every record of the log, with its headers.
fn stored(d: &mut Dialogue) -> Vec<Pairs> {
    d.cluster.log("t", 0).batches.iter().flat_map(headers_of).collect()
}

/// Sends records, each with headers of its own, alone or together, with failures in between, and returns what the log has.
pub(crate) fn check_extra_headers(extra: &Pairs, records: &[Pairs], together: bool, failures: usize) {
    let mut d = with_extra(extra, |producer| producer.linger = ms(if together { 50 } else { 0 }));
    d.cluster.produce_errors.extend(std::iter::repeat_n(ErrorCode::NotEnoughReplicas, failures));
    let mut ids = Vec::new();
    for own in records {
        ids.push(send(&mut d, own));
        if !together {
            d.serve();
        }
    }
    for _ in 0..200 {
        d.serve();
        if ids.iter().all(|id| d.record(*id).is_some()) {
            break;
        }
        d.wait_for_deadline();
    }
    for id in ids {
        d.record_offset(id);
    }
    let expected: Vec<Pairs> = records.iter().map(|own| merged(own, extra)).collect();
    assert_eq!(stored(&mut d), expected);
}

/// Own headers keep their order and repetitions; an extra one with their name stays out; null and empty differ.
#[test]
fn cf5_own_headers_stay_and_extra_ones_join() {
    let extra = pairs(&[("trace", Some("extra")), ("app", Some("x")), ("null", None), ("", Some(""))]);
    let own = [
        pairs(&[]),
        pairs(&[("trace", Some("own")), ("dup", None), ("dup", Some("2")), ("dup", Some("2"))]),
        pairs(&[("app", None), ("trace", Some(""))]),
        pairs(&[("Trace", Some("another name"))]),
    ];
    check_extra_headers(&extra, &own, false, 0);
    check_extra_headers(&extra, &own, true, 0);
}

/// On every path: alone, in a batch, after a refusal, after a loss, in the halves of a batch that was too large, and when the
/// topic was not known yet.
#[test]
fn cf6_extra_headers_join_once_on_every_path() {
    let extra = pairs(&[("app", Some("x"))]);
    let own = [pairs(&[("own", Some("1"))]), pairs(&[]), pairs(&[("app", Some("mine"))])];
    let expected: Vec<Pairs> = own.iter().map(|own| merged(own, &extra)).collect();
    for failures in 0..4 {
        check_extra_headers(&extra, &own, true, failures);
        check_extra_headers(&extra, &own, false, failures);
    }

    // The reply is lost with its connection, and the batch goes again.
    let mut d = with_extra(&extra, |producer| producer.linger = ms(10));
    let ids: Vec<_> = own.iter().map(|own| send(&mut d, own)).collect();
    while !(d.has_request("b1") && d.next_is::<ProduceRequest>("b1")) {
        if !d.serve_one() {
            d.wait_for_deadline();
        }
    }
    let connection = d.connection("b1");
    d.serve_and_lose(connection);
    d.wait(secs(2));
    d.serve();
    assert_eq!(ids.iter().map(|id| d.record_offset(*id)).collect::<Vec<_>>(), [0, 1, 2]);
    assert_eq!(stored(&mut d), expected);

    // The broker finds the batch too large, and its halves go.
    let mut d = with_extra(&extra, |producer| producer.linger = ms(10));
    let one = pairs(&[]);
    let ids: Vec<_> = (0..8).map(|_| send(&mut d, &one)).collect();
    d.cluster.batch_size_max = Some(150);
    for _ in 0..50 {
        d.serve();
        if ids.iter().all(|id| d.record(*id).is_some()) {
            break;
        }
        d.wait_for_deadline();
    }
    assert!(d.cluster.log("t", 0).batches.len() > 1, "it was split");
    assert_eq!(stored(&mut d), vec![extra; 8]);
}

/// The size of extra headers counts towards the buffer, the batch and the largest record.
#[test]
fn cf7_extra_headers_count() {
    let extra = pairs(&[("app", Some(&"x".repeat(400)))]);
    let size = |extra: &Pairs| {
        let mut d = with_extra(extra, |_| ());
        send(&mut d, &pairs(&[]));
        d.client.inspect().buffered_bytes()
    };
    assert!(size(&extra) >= size(&pairs(&[])) + 403, "of the buffer");

    let mut d = with_extra(&extra, |producer| {
        producer.batch_size = 1_000;
        producer.linger = secs(1);
    });
    send(&mut d, &pairs(&[]));
    d.serve();
    assert_eq!(stored(&mut d).len(), 0, "one fits into a batch, which waits for company");
    send(&mut d, &pairs(&[]));
    send(&mut d, &pairs(&[]));
    d.serve();
    assert_eq!(stored(&mut d).len(), 2, "three do not");

    let mut d = with_extra(&extra, |producer| producer.max_request_size = 1_024);
    let own = pairs(&[("own", Some(&"y".repeat(600)))]);
    let own: Vec<RecordHeader<'_>> =
        own.iter().map(|(key, value)| RecordHeader { key, value: value.as_deref() }).collect();
    let record =
        Record { topic: "t", partition: None, key: None, value: None, timestamp: None, headers: &own };
    let refused = d.command(|client, now| client.producer(now).unwrap().send(&record));
    assert_eq!(refused.expect_err("too large together").code(), "RECORD_TOO_LARGE");
}

/// A consumer of ours reads the bytes that a producer of ours was given. (Kafka itself stands between them in the Node tests.)
#[test]
fn cf8_a_consumer_reads_back_the_same_bytes() {
    let extra: Pairs = vec![(b"bytes".to_vec(), Some((0..=255).collect())), ("\u{fc}".into(), None)];
    let own: Pairs =
        vec![(b"own".to_vec(), Some(vec![])), (vec![0xff, 0xfe], Some(vec![0])), (b"own".to_vec(), None)];
    let mut d = with_extra(&extra, |_| ());
    send(&mut d, &own);
    d.serve();
    let batches = std::mem::take(&mut d.cluster.log("t", 0).batches);

    let mut reader = Dialogue::consumer("b1");
    reader.cluster.topic("t", &[1]);
    reader.cluster.log("t", 0).batches = batches;
    reader = reader.started();
    reader.command(|client, now| {
        client.consumer(now).unwrap().assign(&[(partition("t", 0), StartOffset::Earliest)]).unwrap();
    });
    reader.serve();
    let batch = reader.command(|client, now| client.consumer(now).unwrap().take()).expect("a batch");
    assert_eq!(headers_of(&batch.batch), [merged(&own, &extra)]);
}
