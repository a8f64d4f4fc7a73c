//! Our reading of the protocol, compared with that of the `kafka-protocol` crate.
//!
//! Both ways, on random messages: what we encode, the crate decodes to the same fields; what it encodes
//! again from them is what we had encoded, byte for byte.

#![expect(clippy::unwrap_used, reason = "tests may panic, and so may their helpers")]

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::Debug;

use bytes::{Bytes, BytesMut};
use kafka_protocol::messages as theirs;
use kafka_protocol::protocol::{Decodable, Encodable, HeaderVersion, Message as TheirMessage};
use kafka_protocol::records::{
    Compression, Record, RecordBatchDecoder, RecordBatchEncoder, RecordEncodeOptions, TimestampType,
};
use proptest::prelude::*;

use super::api::{ApiKey, VersionRange};
use super::frame::ResponseHeader;
use super::message::{Message, Request};
use super::messages as ours;
use super::record_batch::{ProducerStamp, RecordBatch, RecordBatchBuilder, RecordHeader};
use super::sample::{Random, Sample, sample_request, sample_response};
use super::schema::Shape;
use super::uuid::Uuid;

/// Compares one message in every version both sides know.
fn check<Ours, Theirs>(random: &mut Random)
where
    Ours: Message + Sample + Debug + PartialEq,
    Theirs: TheirMessage + Encodable + Decodable + Debug,
{
    let known = VersionRange::new(Theirs::VERSIONS.min, Theirs::VERSIONS.max);
    for version in Ours::API_KEY.versions().iter().filter(|version| known.contains(*version)) {
        let message = Ours::sample(random, version, Shape::ELEMENT);
        let encoded = Bytes::from(message.encode(version).unwrap().concat());

        let mut rest = encoded.clone();
        let decoded = Theirs::decode(&mut rest, version)
            .unwrap_or_else(|error| panic!("{} version {version}: {error}\n{message:#?}", Ours::NAME));
        assert!(rest.is_empty(), "{} version {version}: {} bytes too many", Ours::NAME, rest.len());
        assert_eq!(fields_of_ours(&message), fields_of_theirs(&decoded), "{} version {version}", Ours::NAME);

        let mut again = BytesMut::new();
        decoded.encode(&mut again, version).unwrap();
        assert_eq!(again, encoded, "{} version {version}", Ours::NAME);
        assert_eq!(Ours::decode(version, again.freeze()).unwrap(), message);
    }
}

/// Names and values of all fields, as the derived description has them.
fn fields_of_ours(message: &impl Debug) -> String {
    let mut text = format!("{message:?}");
    // Theirs ends with version 4, in which ours leaves these at their defaults.
    for unknown_to_them in FIELDS_THEY_LACK {
        text = text.replace(unknown_to_them, "");
    }
    text
}

/// The same, with ids in our notation.
fn fields_of_theirs(message: &impl Debug) -> String {
    let mut text = format!("{message:?}").replace(", unknown_tagged_fields: {}", "");
    for left_out in FIELDS_LEFT_OUT {
        text = text.replace(left_out, "");
    }
    let mut fields = String::new();
    let mut rest = text.as_str();
    while let Some(next) = rest.chars().next() {
        if let Some(id) = rest.get(..ID_LENGTH).and_then(id_of_theirs) {
            fields.push_str(&format!("{id:?}"));
            rest = &rest[ID_LENGTH..];
        } else {
            fields.push(next);
            rest = &rest[next.len_utf8()..];
        }
    }
    fields
}

/// An id in the usual notation: groups of hexadecimal digits with hyphens between them.
fn id_of_theirs(text: &str) -> Option<Uuid> {
    if text.as_bytes()[8] != b'-' {
        return None;
    }
    let groups: Vec<_> = text.split('-').map(str::len).collect();
    let digits = text.replace('-', "");
    let id = u128::from_str_radix(&digits, 16).ok()?;
    (groups == [8, 4, 4, 4, 12]).then_some(Uuid(id.to_be_bytes()))
}

const ID_LENGTH: usize = 36;

/// Fields of ApiVersions version 5, which the other crate does not have, with their defaults.
const FIELDS_THEY_LACK: [&str; 1] = [", cluster_id: None, node_id: -1"];

/// Fields of InitProducerId version 6, which we do not speak, with their defaults.
const FIELDS_LEFT_OUT: [&str; 2] = [
    ", enable_2_pc: false, keep_prepared_txn: false",
    ", ongoing_txn_producer_id: -1, ongoing_txn_producer_epoch: -1",
];

fn check_headers<Theirs: HeaderVersion>(api_key: ApiKey, ours: fn(ApiKey, i16) -> i16) {
    for version in api_key.versions().iter() {
        let (ours, theirs) = (ours(api_key, version), Theirs::header_version(version));
        assert_eq!(ours, theirs, "{api_key} version {version}");
    }
}

macro_rules! every_message {
    ($($api:ident $request:ident $response:ident;)*) => {
        fn check_all(random: &mut Random) {$(
            check::<ours::$request, theirs::$request>(random);
            check::<ours::$response, theirs::$response>(random);
        )*}

        #[test]
        fn header_versions() {$(
            check_headers::<theirs::$request>(ApiKey::$api, ApiKey::request_header_version);
            check_headers::<theirs::$response>(ApiKey::$api, ApiKey::response_header_version);
        )*}
    };
}

every_message! {
    Produce ProduceRequest ProduceResponse;
    Fetch FetchRequest FetchResponse;
    ListOffsets ListOffsetsRequest ListOffsetsResponse;
    Metadata MetadataRequest MetadataResponse;
    FindCoordinator FindCoordinatorRequest FindCoordinatorResponse;
    ApiVersions ApiVersionsRequest ApiVersionsResponse;
    InitProducerId InitProducerIdRequest InitProducerIdResponse;
    SaslHandshake SaslHandshakeRequest SaslHandshakeResponse;
    SaslAuthenticate SaslAuthenticateRequest SaslAuthenticateResponse;
    CreateTopics CreateTopicsRequest CreateTopicsResponse;
    DeleteTopics DeleteTopicsRequest DeleteTopicsResponse;
    DeleteRecords DeleteRecordsRequest DeleteRecordsResponse;
    DescribeConfigs DescribeConfigsRequest DescribeConfigsResponse;
    CreatePartitions CreatePartitionsRequest CreatePartitionsResponse;
    IncrementalAlterConfigs IncrementalAlterConfigsRequest IncrementalAlterConfigsResponse;
}

/// Our header, read and written by the other crate.
fn check_header<Theirs: Encodable + Decodable + Debug>(
    frame: &Bytes,
    header_version: i16,
    ours: &impl Debug,
) {
    let mut rest = frame.slice(4..);
    let before = rest.clone();
    let decoded = Theirs::decode(&mut rest, header_version).unwrap();
    assert_eq!(fields_of_theirs(&decoded), fields_of_ours(ours));
    let mut again = BytesMut::new();
    decoded.encode(&mut again, header_version).unwrap();
    assert_eq!(again, before[..before.len() - rest.len()]);
}

#[test]
fn headers() {
    for api_key in ApiKey::ALL {
        for version in api_key.versions().iter() {
            let mut random = Random(version.unsigned_abs().into());
            let request = sample_request(&mut random, api_key, version);
            let frame = request.encode(version, 5, Some("me")).unwrap().to_bytes();
            let (header, _) = Request::decode(frame.slice(4..)).unwrap();
            let header_version = api_key.request_header_version(version);
            check_header::<theirs::RequestHeader>(&frame, header_version, &header);

            let frame = sample_response(&mut random, api_key, version).encode(version, 5).unwrap().to_bytes();
            let header_version = api_key.response_header_version(version);
            check_header::<theirs::ResponseHeader>(
                &frame,
                header_version,
                &ResponseHeader { correlation_id: 5 },
            );
        }
    }
}

/// A record of the other crate. It keeps headers in a map, so no key may come twice.
fn their_record(random: &mut Random, number: usize) -> Record {
    let optional =
        |random: &mut Random| (random.below(4) > 0).then(|| Bytes::sample(random, 0, Shape::ELEMENT));
    let mut record = Record {
        transactional: false,
        control: false,
        delete_horizon: false,
        partition_leader_epoch: -1,
        producer_id: 12,
        producer_epoch: 3,
        timestamp_type: TimestampType::Creation,
        offset: number as i64,
        sequence: 100 + number as i32,
        timestamp: 1_700_000_000_000 + random.below(100_000) as i64,
        key: optional(random),
        value: optional(random),
        headers: Default::default(),
    };
    for number in 0..random.below(3) {
        record.headers.insert(format!("header {number}").into(), optional(random));
    }
    record
}

fn check_records(random: &mut Random) {
    let records: Vec<_> = (0..=random.below(20)).map(|number| their_record(random, number)).collect();

    let mut builder = RecordBatchBuilder::new();
    for record in &records {
        let headers = record.headers.iter();
        let headers =
            headers.map(|(key, value)| RecordHeader { key: key.as_bytes(), value: value.as_deref() });
        let (key, value) = (record.key.as_deref(), record.value.as_deref());
        builder.append(key, value, headers, record.timestamp).unwrap();
    }
    let stamp =
        ProducerStamp { producer_id: 12, producer_epoch: 3, base_sequence: 100, is_transactional: false };
    let mut batch = builder.seal(stamp);

    let decoded = RecordBatchDecoder::decode(&mut batch).unwrap().records;
    assert_eq!(format!("{decoded:?}"), format!("{records:?}"));

    let mut encoded = BytesMut::new();
    let options = RecordEncodeOptions { version: 2, compression: Compression::None };
    RecordBatchEncoder::encode(&mut encoded, &records, &options).unwrap();
    let read = RecordBatch::decode(&encoded.freeze()).unwrap().unwrap();
    assert_eq!(read.producer_id(), 12);
    assert_eq!((read.base_offset(), read.last_offset()), (0, records.len() as i64 - 1));
    let mut expected = records.iter();
    for record in read.records().unwrap() {
        let (record, expected) = (record.unwrap(), expected.next().unwrap());
        assert_eq!((record.offset, record.timestamp), (expected.offset, expected.timestamp));
        assert_eq!((record.key, record.value), (expected.key.as_deref(), expected.value.as_deref()));
        let headers: Vec<_> =
            record.headers.map(|header| header.map(|h| (h.key, h.value)).unwrap()).collect();
        let expected_headers = expected.headers.iter().map(|(key, value)| (key.as_bytes(), value.as_deref()));
        assert_eq!(headers, expected_headers.collect::<Vec<_>>());
    }
    assert!(expected.next().is_none());
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 32, ..ProptestConfig::default() })]

    #[test]
    fn messages(seed in any::<u64>()) {
        check_all(&mut Random(seed));
    }

    #[test]
    fn record_batches(seed in any::<u64>()) {
        check_records(&mut Random(seed));
    }
}
