//! Record batches: what is written is read back, and nothing that is read can do harm.

#![cfg(not(target_family = "wasm"))]
#![expect(clippy::unwrap_used, reason = "helpers of tests may panic like tests")]

use bytes::Bytes;
use client_core::protocol::record_batch::{
    BATCH_OVERHEAD, Batches, Compression, ProducerStamp, RecordBatch, RecordBatchBuilder, RecordBatchError,
    RecordBatchProblem, RecordHeader, RecordIndex, TimestampType, crc32c::crc32c,
};
use client_core::protocol::{
    PartitionProduceData, ProduceRequest, Request, SizePrefix, Span, Spans, TopicProduceData,
};
use proptest::collection::vec;
use proptest::prelude::*;

#[derive(Debug, Clone, PartialEq)]
struct OwnedRecord {
    key: Option<Vec<u8>>,
    value: Option<Vec<u8>>,
    headers: Vec<(String, Option<Vec<u8>>)>,
    timestamp: i64,
}

impl OwnedRecord {
    fn headers(&self) -> impl Iterator<Item = RecordHeader<'_>> + Clone {
        self.headers.iter().map(|(key, value)| RecordHeader { key: key.as_bytes(), value: value.as_deref() })
    }
}

fn plain(value: &[u8]) -> OwnedRecord {
    OwnedRecord { key: None, value: Some(value.to_vec()), headers: vec![], timestamp: 1_700_000_000_000 }
}

fn build(records: &[OwnedRecord], stamp: ProducerStamp) -> Bytes {
    let mut builder = RecordBatchBuilder::new();
    for record in records {
        let (key, value) = (record.key.as_deref(), record.value.as_deref());
        let expected = builder.size_with(key, value, record.headers(), record.timestamp);
        builder.append(key, value, record.headers(), record.timestamp).unwrap();
        assert_eq!(builder.size() as u64, expected);
    }
    let size = builder.size();
    let batch = builder.seal(stamp);
    assert_eq!(batch.len(), size);
    assert!(builder.is_empty());
    batch
}

fn read(batch: &RecordBatch) -> Result<Vec<(i64, OwnedRecord)>, RecordBatchError> {
    batch
        .records()?
        .map(|record| {
            let record = record?;
            let headers = record.headers.map(|header| {
                let header = header?;
                let key = String::from_utf8_lossy(header.key).into_owned();
                Ok((key, header.value.map(<[u8]>::to_vec)))
            });
            let owned = OwnedRecord {
                key: record.key.map(<[u8]>::to_vec),
                value: record.value.map(<[u8]>::to_vec),
                headers: headers.collect::<Result<_, _>>()?,
                timestamp: record.timestamp,
            };
            Ok((record.offset, owned))
        })
        .collect()
}

fn decode(bytes: &Bytes) -> RecordBatch {
    RecordBatch::decode(bytes).unwrap().unwrap()
}

/// A batch of one record, its bytes changed and the checksum made right again.
fn tampered(change: impl FnOnce(&mut Vec<u8>)) -> Bytes {
    let mut bytes = build(&[plain(b"v")], ProducerStamp::NONE).to_vec();
    change(&mut bytes);
    let length = (bytes.len() - 12) as i32;
    bytes[8..12].copy_from_slice(&length.to_be_bytes());
    let crc = crc32c(&bytes[21..]);
    bytes[17..21].copy_from_slice(&crc.to_be_bytes());
    bytes.into()
}

#[track_caller]
fn check_problem(bytes: &Bytes, position: usize, problem: RecordBatchProblem) {
    let error = RecordBatchError { position, problem };
    let mut index = RecordIndex::default();
    match RecordBatch::decode(bytes) {
        Err(got) => assert_eq!(got, error),
        Ok(batch) => {
            let batch = batch.expect("complete");
            assert_eq!(read(&batch), Err(error));
            assert_eq!(batch.index_into(0, 0, &mut index), Err(error));
            assert_eq!(index, RecordIndex::default());
        }
    }
}

#[test]
fn bytes_as_the_documentation_of_the_format_has_them() {
    let record = OwnedRecord {
        key: Some(b"k".to_vec()),
        value: None,
        headers: vec![("h".into(), Some(b"1".to_vec())), ("h".into(), None)],
        timestamp: 1000,
    };
    let stamp =
        ProducerStamp { producer_id: 7, producer_epoch: 2, base_sequence: 40, is_transactional: true };
    let batch = build(&[record], stamp);
    let head = [
        &[0, 0, 0, 0, 0, 0, 0, 0][..], // base offset
        &[0, 0, 0, 64],                // length of the rest
        &[0xff, 0xff, 0xff, 0xff],     // partition leader epoch
        &[2],                          // magic
    ]
    .concat();
    let body = [
        &[0, 0x10][..],                  // attributes: transactional
        &[0, 0, 0, 0],                   // last offset delta
        &[0, 0, 0, 0, 0, 0, 0x03, 0xe8], // base timestamp
        &[0, 0, 0, 0, 0, 0, 0x03, 0xe8], // max timestamp
        &[0, 0, 0, 0, 0, 0, 0, 7],       // producer id
        &[0, 2],                         // producer epoch
        &[0, 0, 0, 40],                  // base sequence
        &[0, 0, 0, 1],                   // record count
        &[28],                           // length of the record: 14
        &[0, 0, 0],                      // attributes, timestamp delta, offset delta
        &[2, b'k'],                      // key
        &[1],                            // value: null
        &[4],                            // two headers
        &[2, b'h', 2, b'1'],
        &[2, b'h', 1],
    ]
    .concat();
    assert_eq!(batch[..17], head);
    assert_eq!(batch[21..], body);
    assert_eq!(batch[17..21], crc32c(&body).to_be_bytes());
}

#[test]
fn an_empty_record_and_an_empty_batch() {
    let empty = OwnedRecord { key: Some(vec![]), value: Some(vec![]), headers: vec![], timestamp: 0 };
    let null = OwnedRecord { key: None, value: None, ..empty.clone() };
    let unnamed =
        OwnedRecord { headers: vec![(String::new(), Some(vec![])), (String::new(), None)], ..null.clone() };
    let records = [empty, null, unnamed];
    let batch = decode(&build(&records, ProducerStamp::NONE));
    let expected: Vec<_> = records.iter().cloned().enumerate().map(|(i, r)| (i as i64, r)).collect();
    assert_eq!(read(&batch).unwrap(), expected);

    let nothing = decode(&build(&[], ProducerStamp::NONE));
    assert_eq!(nothing.record_count(), 0);
    assert_eq!(read(&nothing).unwrap(), []);
    assert_eq!(nothing.next_offset(), 0);
}

#[test]
fn timestamps_at_the_ends_of_their_range() {
    let records = [i64::MIN, i64::MAX, 0, -1].map(|timestamp| OwnedRecord { timestamp, ..plain(b"") });
    let batch = decode(&build(&records, ProducerStamp::NONE));
    let read = read(&batch).unwrap();
    assert_eq!(
        read.iter().map(|(_, record)| record.timestamp).collect::<Vec<_>>(),
        [i64::MIN, i64::MAX, 0, -1]
    );
    assert_eq!((batch.base_timestamp(), batch.max_timestamp()), (i64::MIN, i64::MAX));
}

#[test]
fn a_builder_is_used_again() {
    let mut builder = RecordBatchBuilder::new();
    builder.reserve(100_000);
    builder.append(None, Some(b"dropped"), std::iter::empty(), 5).unwrap();
    builder.clear();
    for round in 0..5 {
        for _ in 0..100 {
            builder.append(None, Some(&[round; 900]), std::iter::empty(), i64::from(round)).unwrap();
        }
        let batch = decode(&builder.seal(ProducerStamp::NONE));
        assert_eq!(batch.record_count(), 100);
        assert!(read(&batch).unwrap().iter().all(|(_, record)| record.timestamp == i64::from(round)));
    }
}

#[test]
fn a_record_beyond_the_format_is_refused_before_it_is_copied() {
    let megabyte = vec![0; 1 << 20];
    let mut builder = RecordBatchBuilder::new();
    builder.append(None, Some(b"small"), std::iter::empty(), 0).unwrap();
    let size = builder.size();
    let headers = std::iter::repeat_n(RecordHeader { key: b"h", value: Some(&megabyte) }, 2048);
    let error = builder.append(None, None, headers.clone(), 0).unwrap_err();
    assert_eq!(error.got, builder.size_with(None, None, headers, 0));
    assert!(error.got > 1 << 31);
    assert_eq!((builder.size(), builder.record_count()), (size, 1));
}

#[test]
fn a_broker_moves_a_batch_and_a_producer_stamps_it_anew() {
    let records = [plain(b"a"), plain(b"b")];
    let sent = build(&records, ProducerStamp::NONE);
    let appended = decode(&sent).with_base_offset(1000, 3);
    assert_eq!(decode(appended.bytes()), appended);
    assert_eq!((appended.base_offset(), appended.last_offset(), appended.next_offset()), (1000, 1001, 1002));
    assert_eq!(appended.partition_leader_epoch(), 3);
    assert_eq!(read(&appended).unwrap()[1].0, 1001);

    let stamp =
        ProducerStamp { producer_id: 9, producer_epoch: 1, base_sequence: 0, is_transactional: false };
    let stamped = decode(&sent).with_stamp(stamp);
    assert_eq!(stamped.bytes(), &build(&records, stamp));
    assert_eq!((stamped.producer_id(), stamped.producer_epoch(), stamped.base_sequence()), (9, 1, 0));
    assert_eq!(decode(&sent).producer_id(), -1, "the batch that was shared has not changed");
}

#[test]
fn the_broker_may_set_the_clock() {
    let appended = tampered(|bytes| {
        bytes[22] = 0x08;
        bytes[35..43].copy_from_slice(&77i64.to_be_bytes());
    });
    let batch = decode(&appended);
    assert_eq!(batch.timestamp_type(), TimestampType::LogAppendTime);
    assert_eq!(read(&batch).unwrap()[0].1.timestamp, 77);
}

#[test]
fn control_batches_and_delete_horizons_are_recognised() {
    let batch = decode(&tampered(|bytes| bytes[22] = 0x30));
    assert!(batch.is_control() && batch.is_transactional() && !batch.has_delete_horizon());
    assert!(decode(&tampered(|bytes| bytes[22] = 0x40)).has_delete_horizon());
}

#[test]
fn what_cannot_be_read_is_named() {
    use RecordBatchProblem::*;
    for (number, compression) in
        [(1, Compression::Gzip), (2, Compression::Snappy), (3, Compression::Lz4), (4, Compression::Zstd)]
    {
        let compressed = tampered(|bytes| bytes[22] = number);
        assert_eq!(decode(&compressed).compression(), Ok(compression));
        check_problem(&compressed, 21, Compressed(compression));
    }
    check_problem(&tampered(|bytes| bytes[22] = 7), 21, UnknownCompression { got: 7 });
    check_problem(&tampered(|bytes| bytes[16] = 1), 16, UnsupportedMagic { got: 1 });
    check_problem(
        &tampered(|bytes| bytes[57..61].fill(0xff)),
        57,
        InvalidRecordCount { expected_at_most: 1, got: -1 },
    );
    check_problem(&tampered(|bytes| bytes[60] = 2), 57, InvalidRecordCount { expected_at_most: 1, got: 2 });
    check_problem(&tampered(|bytes| bytes[60] = 0), 61, TrailingBytes { got: 8 });
    check_problem(&tampered(|bytes| bytes.push(0)), 69, TrailingBytes { got: 1 });

    // The record: length 7, attributes, timestamp delta, offset delta, key length, value length, "v", headers.
    check_problem(&tampered(|bytes| bytes[61] = 16), 62, EndOfInput { expected: 8, got: 7 });
    check_problem(&tampered(|bytes| bytes[61] = 1), 61, NegativeLength { got: -1 });
    check_problem(&tampered(|bytes| bytes[64] = 2), 64, OffsetOutsideBatch { expected_at_most: 0, got: 1 });
    check_problem(&tampered(|bytes| bytes[64] = 1), 64, OffsetOutsideBatch { expected_at_most: 0, got: -1 });
    check_problem(&tampered(|bytes| bytes[65] = 3), 65, NegativeLength { got: -2 });
    check_problem(&tampered(|bytes| bytes[66] = 20), 67, EndOfInput { expected: 10, got: 2 });
    check_problem(&tampered(|bytes| bytes[66] = 0), 67, EndOfInput { expected: 118, got: 1 });
    check_problem(&tampered(|bytes| bytes[68] = 2), 68, EndOfInput { expected: 2, got: 0 });
    check_problem(&tampered(|bytes| bytes[66..68].fill(0)), 68, TrailingBytes { got: 1 });
}

#[test]
fn damage_is_noticed() {
    let whole = build(&[plain(b"some value")], ProducerStamp::NONE);
    for position in 21..whole.len() {
        let mut bytes = whole.to_vec();
        bytes[position] ^= 0x10;
        let error = RecordBatch::decode(&bytes.into()).unwrap_err();
        assert!(matches!(error.problem, RecordBatchProblem::CrcMismatch { .. }), "{error}");
    }
    let mut bytes = whole.to_vec();
    bytes[8..12].copy_from_slice(&48i32.to_be_bytes());
    let too_short = RecordBatchProblem::BatchTooShort { expected_at_least: 49, got: 48 };
    check_problem(&bytes.into(), 8, too_short);
}

#[test]
fn a_fetch_ends_inside_a_batch() {
    let (first, second) =
        (build(&[plain(b"1"), plain(b"2")], ProducerStamp::NONE), build(&[plain(b"3")], ProducerStamp::NONE));
    let both = [&first[..], &second[..]].concat();
    for length in 0..=both.len() {
        let mut batches = Batches::new(Bytes::copy_from_slice(&both[..length]));
        let whole: Vec<_> = batches.by_ref().collect::<Result<_, _>>().unwrap();
        let expected = usize::from(length >= first.len()) + usize::from(length >= both.len());
        assert_eq!(whole.len(), expected, "{length} bytes");
        let read: usize = whole.iter().map(|batch| batch.bytes().len()).sum();
        assert_eq!((batches.position(), batches.incomplete()), (read, length - read));
    }
}

#[test]
fn a_damaged_batch_ends_the_walk_and_says_where() {
    let good = build(&[plain(b"1")], ProducerStamp::NONE);
    let mut bytes = [&good[..], &good[..], &good[..]].concat();
    bytes[good.len() + 30] ^= 1;
    let mut batches = Batches::new(bytes.into());
    assert!(batches.next().unwrap().is_ok());
    let error = batches.next().unwrap().unwrap_err();
    assert_eq!(error.position, good.len() + 17);
    assert!(batches.next().is_none());
}

#[test]
fn a_malformed_record_ends_the_walk() {
    let batch = decode(&tampered(|bytes| bytes[65] = 3));
    let mut records = batch.records().unwrap();
    assert!(records.next().unwrap().is_err());
    assert!(records.next().is_none());
    let batch = decode(&tampered(|bytes| bytes.push(0)));
    let mut records = batch.records().unwrap();
    assert!(records.next().unwrap().is_ok());
    assert!(records.next().unwrap().is_err());
    assert!(records.next().is_none());
}

fn record() -> impl Strategy<Value = OwnedRecord> {
    let bytes = || prop_oneof![1 => Just(None), 3 => vec(any::<u8>(), 0..300).prop_map(Some)];
    let header = ("[a-c]{0,2}", prop_oneof![Just(None), vec(any::<u8>(), 0..70).prop_map(Some)]);
    let timestamp = prop_oneof![any::<i64>(), 0..2_000_000_000_000i64];
    (bytes(), bytes(), vec(header, 0..4), timestamp)
        .prop_map(|(key, value, headers, timestamp)| OwnedRecord { key, value, headers, timestamp })
}

fn stamp() -> impl Strategy<Value = ProducerStamp> {
    any::<(i64, i16, i32, bool)>().prop_map(
        |(producer_id, producer_epoch, base_sequence, is_transactional)| ProducerStamp {
            producer_id,
            producer_epoch,
            base_sequence,
            is_transactional,
        },
    )
}

/// The spans of records inside of a request, which must tile it, with paths from the records on.
fn spans_of(records: Vec<u8>) -> Vec<Span> {
    let request = Request::from(ProduceRequest {
        topic_data: vec![TopicProduceData {
            partition_data: vec![PartitionProduceData { index: 0, records: Some(records.into()) }],
            ..Default::default()
        }],
        ..Default::default()
    });
    let frame = request.encode(9, 0, None).unwrap().to_bytes();
    let Spans { mut spans, error } = Request::spans(frame.clone(), SizePrefix::Included);
    assert_eq!(error, None);
    let mut position = 0;
    for span in &mut spans {
        assert_eq!(span.range.start, position, "a gap or an overlap at {span:?}");
        assert!(span.range.end > position, "an empty span: {span:?}");
        position = span.range.end;
        span.path = span.path.replace("topic_data[0].partition_data[0].", "");
    }
    assert_eq!(position, frame.len());
    spans
}

/// Reads everything there is to read, by all ways.
fn exhaust(bytes: Bytes) {
    let mut index = RecordIndex::default();
    for batch in Batches::new(bytes).flatten() {
        let _ = read(&batch);
        let _ = batch.index_into(i64::MIN, 0, &mut index);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn round_trip(records in vec(record(), 1..40), stamp in stamp(), base_offset in 0..i64::MAX / 2) {
        let batch = decode(&build(&records, stamp)).with_base_offset(base_offset, 0);
        prop_assert_eq!(batch.max_timestamp(), records.iter().map(|record| record.timestamp).max().unwrap());
        prop_assert_eq!(batch.producer_id(), stamp.producer_id);
        prop_assert_eq!(batch.base_sequence(), stamp.base_sequence);
        prop_assert_eq!(batch.is_transactional(), stamp.is_transactional);
        let expected: Vec<_> = records.into_iter().enumerate().map(|(i, r)| (base_offset + i as i64, r)).collect();
        prop_assert_eq!(read(&batch).unwrap(), expected);
    }

    #[test]
    fn the_index_points_at_what_the_reader_reads(
        records in vec(record(), 1..40), skipped in 0..5i64, position_base in 0..10_000u32,
    ) {
        let batch = decode(&build(&records, ProducerStamp::NONE)).with_base_offset(1 << 40, 0);
        let mut index = RecordIndex::default();
        let added = batch.index_into((1 << 40) + skipped, position_base, &mut index).unwrap();
        prop_assert_eq!(added, index.record_count());

        let slice = |words: &[u32]| (words[1] != RecordIndex::NULL).then(|| {
            let start = (words[0] - position_base) as usize;
            batch.bytes()[start..start + words[1] as usize].to_vec()
        });
        let long = |words: &[u32]| (u64::from(words[1]) << 32 | u64::from(words[0])) as i64;
        let headers: Vec<_> = index.headers.chunks(RecordIndex::HEADER_WORDS).collect();
        let pointed_at: Vec<_> = index.records.chunks(RecordIndex::RECORD_WORDS).map(|words| {
            let (first, count) = (words[8] as usize, words[9] as usize);
            (long(&words[0..2]), OwnedRecord {
                timestamp: long(&words[2..4]),
                key: slice(&words[4..6]),
                value: slice(&words[6..8]),
                headers: headers[first..first + count].iter().map(|words| {
                    (String::from_utf8(slice(&words[0..2]).unwrap()).unwrap(), slice(&words[2..4]))
                }).collect(),
            })
        }).collect();
        let expected: Vec<_> = read(&batch).unwrap().into_iter().skip(skipped as usize).collect();
        prop_assert_eq!(pointed_at, expected);
    }

    #[test]
    fn spans_tile_batches(records in vec(record(), 1..6), change in any::<(prop::sample::Index, u8)>()) {
        let batch = build(&records, ProducerStamp::NONE);
        let spans = spans_of([&batch[..], &batch[..], &batch[..65]].concat());
        let value = spans.iter().find(|span| span.path == "records.batches[1].records[0].value");
        prop_assert_eq!(
            value.map(|span| span.range.len()),
            records[0].value.as_ref().map(Vec::len).filter(|length| *length > 0),
        );

        let mut changed = batch.to_vec();
        changed[change.0.index(batch.len())] = change.1;
        let crc = crc32c(&changed[21..]);
        changed[17..21].copy_from_slice(&crc.to_be_bytes());
        spans_of(changed);
    }

    #[test]
    fn hostile_bytes_do_no_harm(
        records in vec(record(), 1..10),
        changes in vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        length in any::<prop::sample::Index>(),
    ) {
        let mut bytes = build(&records, ProducerStamp::NONE).to_vec();
        for (position, byte) in changes {
            let position = position.index(bytes.len());
            bytes[position] = byte;
        }
        exhaust(Bytes::copy_from_slice(&bytes[..length.index(bytes.len())]));
        // The same with a checksum that says all is well.
        let crc = crc32c(&bytes[21..]);
        bytes[17..21].copy_from_slice(&crc.to_be_bytes());
        let claimed = (bytes.len() - 12) as i32;
        bytes[8..12].copy_from_slice(&claimed.to_be_bytes());
        exhaust(bytes.into());
    }

    #[test]
    fn noise_does_no_harm(bytes in vec(any::<u8>(), 0..200)) {
        exhaust(bytes.into());
    }
}

#[test]
fn the_overhead_is_what_it_says() {
    assert_eq!(RecordBatchBuilder::new().size(), BATCH_OVERHEAD);
}
