//! Compressed batches, written and read.

use crate::support::{Dialogue, ms, partition, replies};
use bytes::Bytes;
use client_core::protocol::record_batch::{Compression, crc32c::crc32c};
use client_core::protocol::{ErrorCode, FetchRequest, MetadataRequest, ProduceRequest};
use client_core::{Completion, DisconnectCause, FetchedBatch, Record, StartOffset};

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

const CODECS: [Compression; 4] =
    [Compression::Gzip, Compression::Snappy, Compression::Lz4, Compression::Zstd];

/// A started producer that compresses and knows topic t, with one partition on b1.
fn writing(compression: Compression) -> Dialogue {
    let mut d = Dialogue::producer_with("b1", |_, producer| producer.compression = compression);
    d.cluster.topic("t", &[1]);
    d = d.started();
    let operation = d.command(|client, now| client.partitions_for(now, "t", None)).unwrap();
    d.serve();
    assert!(d.result(operation).is_ok());
    d
}

/// A value that compresses well, and tells who it is.
fn value(number: usize) -> String {
    format!("{number}{}", "-and-again".repeat(30))
}

/// Sends values in one turn, each with how it is to be compressed.
fn send(d: &mut Dialogue, values: &[(String, Option<Compression>)]) {
    d.command(|client, now| {
        let mut producer = client.producer(now).unwrap();
        for (value, compression) in values {
            producer.set_compression(*compression);
            let (value, timestamp) = (Some(value.as_bytes()), Some(1));
            let record = Record { topic: "t", partition: Some(0), key: None, value, timestamp, headers: &[] };
            producer.send(&record).unwrap();
        }
    });
}

/// CN18: what goes out is compressed, counts its records, and goes out again as it was.
#[test]
fn batches_are_compressed_once() {
    for compression in CODECS {
        let mut d = writing(compression);
        send(&mut d, &[(value(0), None), (value(1), None)]);
        let asked = d.they_send::<ProduceRequest>("b1");
        let batch = replies::batch_of(&asked.body);
        assert_eq!(batch.compression(), Ok(compression));
        assert_eq!((batch.record_count(), batch.base_sequence(), batch.last_offset_delta()), (2, 0, 1));
        assert!(batch.bytes().len() < 300, "{compression:?}: {} bytes", batch.bytes().len());
        assert_eq!(replies::values(&batch), [value(0), value(1)]);

        d.we_end("b1", DisconnectCause::Reset);
        d.wait(ms(100));
        d.handshake("b1");
        let metadata = d.they_send::<MetadataRequest>("b1");
        d.we_answer(&metadata, replies::metadata("b1", &[("t", &[1])]));
        let again = d.they_send::<ProduceRequest>("b1");
        assert_eq!(replies::batch_of(&again.body).bytes(), batch.bytes());
        d.we_answer(&again, replies::produced(&again.body, ErrorCode::None, 0));
        assert_eq!(d.records_ended(), 2);
    }
}

/// Records that are to be compressed in another way than those before them begin a new batch; order is kept.
#[test]
fn a_batch_is_compressed_in_one_way() {
    let mut d = writing(Compression::Gzip);
    let [snappy, none] = [Compression::Snappy, Compression::None].map(Some);
    let wanted = [(0, None), (1, None), (2, snappy), (3, none), (4, none), (5, Some(Compression::Gzip))];
    send(&mut d, &wanted.map(|(number, compression)| (value(number), compression)));
    let flush = d.flush();
    d.serve();
    assert_eq!(d.result(flush), Ok(Completion::Done));
    let stored = &d.cluster.log("t", 0).batches;
    let seen: Vec<_> =
        stored.iter().map(|batch| (batch.compression().unwrap().name(), batch.record_count())).collect();
    assert_eq!(seen, [("gzip", 2), ("snappy", 1), ("none", 2), ("gzip", 1)]);
    assert_eq!(d.cluster.values("t", 0), [0, 1, 2, 3, 4, 5].map(value));
}

/// Records that wait for their topic's metadata remember how they are to be compressed.
#[test]
fn records_that_wait_are_compressed_too() {
    let mut d = Dialogue::producer_with("b1", |_, producer| producer.compression = Compression::Lz4);
    d.cluster.topic("t", &[1]);
    d = d.started();
    send(&mut d, &[(value(0), Some(Compression::Zstd)), (value(1), None)]);
    d.serve();
    let stored = &d.cluster.log("t", 0).batches;
    let seen: Vec<_> = stored.iter().map(|batch| batch.compression().unwrap()).collect();
    assert_eq!(seen, [Compression::Zstd, Compression::Lz4]);
}

/// A compressed batch that the broker finds too large goes in halves, which are compressed again.
#[test]
fn a_compressed_batch_is_split() {
    for compression in CODECS {
        let mut d = writing(compression);
        d.cluster.batch_size_max = Some(230);
        send(&mut d, &(0..40).map(|number| (value(number * 7919), None)).collect::<Vec<_>>());
        let flush = d.flush();
        for _ in 0..10 {
            d.serve();
            d.wait(ms(200));
        }
        assert_eq!(d.result(flush), Ok(Completion::Done));
        let batches = &d.cluster.log("t", 0).batches;
        assert!(batches.len() > 1, "{compression:?}");
        assert!(batches.iter().all(|batch| batch.compression() == Ok(compression)));
        let expected: Vec<_> = (0..40).map(|number| value(number * 7919)).collect();
        assert_eq!(d.cluster.values("t", 0), expected);
    }
}

/// Requests are filled by what batches take on the wire.
#[test]
fn requests_hold_what_fits_compressed() {
    let mut d = Dialogue::producer_with("b1", |_, producer| {
        producer.compression = Compression::Gzip;
        producer.max_request_size = 2048;
        producer.max_in_flight = 1;
    });
    d.cluster.topic("t", &[1; 20]);
    d = d.started();
    let operation = d.command(|client, now| client.partitions_for(now, "t", None)).unwrap();
    d.serve();
    assert!(d.result(operation).is_ok());
    for number in 0..20 {
        d.command(|client, now| {
            let value = value(number);
            let record = Record {
                topic: "t",
                partition: Some(number as i32),
                key: None,
                value: Some(value.as_bytes()),
                timestamp: Some(1),
                headers: &[],
            };
            client.producer(now).unwrap().send(&record).unwrap();
        });
    }
    let first = d.they_send::<ProduceRequest>("b1");
    d.we_answer(&first, replies::produced(&first.body, ErrorCode::None, 0));
    let second = d.they_send::<ProduceRequest>("b1");
    let batches = replies::batches_of(&second.body);
    let size: usize = batches.iter().map(|batch| batch.2.bytes().len()).sum();
    // Uncompressed, six of them would fit.
    assert!(batches.len() > 10 && size <= 2048, "{} batches, {size} bytes", batches.len());
}

fn take(d: &mut Dialogue) -> Option<FetchedBatch> {
    d.command(|client, now| client.consumer(now).unwrap().take())
}

/// A consumer that has been given these bytes for t-0, from offset 0 on.
fn reading(max_frame_size: usize, bytes: Bytes) -> Dialogue {
    let mut d = Dialogue::consumer_with("b1", |config, _| config.max_frame_size = max_frame_size).started();
    let wanted = [(partition("t", 0), StartOffset::At(0))];
    d.command(|client, now| client.consumer(now).unwrap().assign(&wanted)).unwrap();
    let metadata = d.they_send::<MetadataRequest>("b1");
    d.we_answer(&metadata, replies::metadata("b1", &[("t", &[1])]));
    let asked = d.they_send::<FetchRequest>("b1");
    d.we_answer(&asked, replies::fetched("t", replies::data(0, 9, bytes)));
    d
}

#[test]
fn compressed_batches_are_taken_decompressed() {
    for compression in CODECS {
        let mut bytes = replies::stored_compressed(0, &[&value(0), &value(1)], compression).to_vec();
        bytes.extend(replies::stored(2, &["plain"]));
        let mut d = reading(1 << 20, bytes.into());
        let first = take(&mut d).unwrap();
        assert_eq!(first.batch.compression(), Ok(compression));
        let found: Vec<_> = first.batch.records().unwrap().map(|record| record.unwrap()).collect();
        assert_eq!(found[1].value.unwrap(), value(1).as_bytes());
        assert_eq!((found[0].offset, found[1].offset), (0, 1));
        assert_eq!(replies::values(&take(&mut d).unwrap().batch), ["plain"]);
        assert!(take(&mut d).is_none());
    }
}

/// AS9: a batch that cannot be decompressed halts its partition there, with the reason; nothing after it is delivered before the
/// application seeks.
#[test]
fn a_batch_that_cannot_be_decompressed_halts_its_partition() {
    for compression in CODECS {
        let mut bytes = replies::stored(0, &["good"]).to_vec();
        let start = bytes.len();
        bytes.extend(replies::stored_compressed(1, &[&value(1)], compression));
        // Damaged by whoever wrote it: the checksum is right.
        bytes[start + 61..start + 70].fill(0x55);
        let crc = crc32c(&bytes[start + 21..]);
        bytes[start + 17..start + 21].copy_from_slice(&crc.to_be_bytes());
        bytes.extend(replies::stored(2, &["behind"]));
        let mut d = reading(1 << 20, bytes.into());
        let pending = d.they_send::<FetchRequest>("b1");

        assert_eq!(replies::values(&take(&mut d).unwrap().batch), ["good"]);
        assert_eq!(d.partition_errors(), []);
        assert!(take(&mut d).is_none());
        let errors = d.partition_errors();
        assert_eq!(errors.len(), 1);
        assert_eq!(errors[0].1.code(), "CORRUPT_DATA");
        let text = errors[0].1.to_string();
        assert!(text.contains(compression.name()) && text.contains("seek past it"), "{text}");
        let place = partition("t", 0);
        let position = d.command(|client, now| client.consumer(now).unwrap().position(&place));
        assert_eq!(position, Some(1));

        // What was under way for the offsets after it is not delivered either.
        d.we_answer(&pending, replies::fetched("t", replies::data(0, 9, replies::stored(3, &["later"]))));
        assert!(take(&mut d).is_none());
        d.expect_nothing();

        d.command(|client, now| client.consumer(now).unwrap().seek(&place, StartOffset::At(2))).unwrap();
        let asked = d.they_send::<FetchRequest>("b1");
        assert_eq!(asked.body.topics[0].partitions[0].fetch_offset, 2);
        d.we_answer(&asked, replies::fetched("t", replies::data(0, 9, replies::stored(2, &["behind"]))));
        assert_eq!(replies::values(&take(&mut d).unwrap().batch), ["behind"]);
        assert_eq!(d.partition_errors().len(), 1);
    }
}

/// CN5 for what is compressed: more than a frame may hold is not held in memory.
#[test]
fn a_batch_that_grows_too_large_is_an_error() {
    let large = "x".repeat(100_000);
    for compression in CODECS {
        let bytes = replies::stored_compressed(0, &[&large], compression);
        let mut d = reading(50_000, bytes.clone());
        assert!(take(&mut d).is_none());
        let text = d.partition_errors()[0].1.to_string();
        assert!(text.contains("at most 50000 bytes") && text.contains("maxFrameSize"), "{text}");
        assert!(take(&mut reading(200_000, bytes)).is_some());
    }
}
