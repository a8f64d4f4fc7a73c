//! Bytes from a real broker: decoded, looked at, and encoded again. See tests/golden/README.md.

#![expect(clippy::unwrap_used, reason = "helpers of tests may panic like tests")]

use bytes::Bytes;
use client_core::protocol::record_batch::Batches;
use client_core::protocol::{
    ApiKey, ErrorCode, FetchResponse, MetadataResponse, ProduceResponse, Request, Response, SizePrefix, Spans,
};
use std::collections::BTreeMap;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

const FILES: [(ApiKey, &str); 15] = [
    (ApiKey::Produce, include_str!("golden/Produce.hex")),
    (ApiKey::Fetch, include_str!("golden/Fetch.hex")),
    (ApiKey::ListOffsets, include_str!("golden/ListOffsets.hex")),
    (ApiKey::Metadata, include_str!("golden/Metadata.hex")),
    (ApiKey::FindCoordinator, include_str!("golden/FindCoordinator.hex")),
    (ApiKey::SaslHandshake, include_str!("golden/SaslHandshake.hex")),
    (ApiKey::ApiVersions, include_str!("golden/ApiVersions.hex")),
    (ApiKey::InitProducerId, include_str!("golden/InitProducerId.hex")),
    (ApiKey::SaslAuthenticate, include_str!("golden/SaslAuthenticate.hex")),
    (ApiKey::CreateTopics, include_str!("golden/CreateTopics.hex")),
    (ApiKey::DeleteTopics, include_str!("golden/DeleteTopics.hex")),
    (ApiKey::DeleteRecords, include_str!("golden/DeleteRecords.hex")),
    (ApiKey::DescribeConfigs, include_str!("golden/DescribeConfigs.hex")),
    (ApiKey::CreatePartitions, include_str!("golden/CreatePartitions.hex")),
    (ApiKey::IncrementalAlterConfigs, include_str!("golden/IncrementalAlterConfigs.hex")),
];

/// The bytes come from Kafka 4.3; version 5 of ApiVersions came with 4.4 (KIP-1242).
fn newer_than_the_broker(api_key: ApiKey, version: i16) -> bool {
    api_key == ApiKey::ApiVersions && version == 5
}

struct Golden {
    api_key: ApiKey,
    is_request: bool,
    version: i16,
    /// Size included.
    frame: Bytes,
}

impl Golden {
    fn all() -> impl Iterator<Item = Self> {
        FILES
            .into_iter()
            .flat_map(|(api_key, lines)| lines.lines().map(move |line| Self::parse(api_key, line)))
    }

    fn parse(api_key: ApiKey, line: &str) -> Self {
        let words: Vec<_> = line.split(' ').collect();
        let [direction, version, hex] = words.as_slice() else {
            panic!("expected direction, version and bytes, got {line}");
        };
        let byte = |position| u8::from_str_radix(&hex[position..position + 2], 16).unwrap();
        Self {
            api_key,
            is_request: *direction == "request",
            version: version.parse().unwrap(),
            frame: (0..hex.len()).step_by(2).map(byte).collect(),
        }
    }

    fn response(&self) -> Option<Response> {
        (!self.is_request)
            .then(|| Response::decode(self.api_key, self.version, self.frame.slice(4..)).unwrap().1)
    }
}

#[test]
fn every_api_is_there_in_every_version() {
    for api_key in ApiKey::ALL {
        for version in api_key.versions().iter().filter(|version| !newer_than_the_broker(api_key, *version)) {
            for is_request in [true, false] {
                let found = Golden::all().any(|golden| {
                    (golden.api_key, golden.version, golden.is_request) == (api_key, version, is_request)
                });
                assert!(found, "{api_key} version {version} is missing");
            }
        }
    }
}

#[test]
fn what_is_decoded_is_encoded_to_the_same_bytes() {
    for golden in Golden::all() {
        let Golden { api_key, version, frame, .. } = &golden;
        let content = frame.slice(4..);
        let again = if golden.is_request {
            let (header, request) = Request::decode(content).unwrap();
            assert_eq!((header.request_api_key, header.request_api_version), (api_key.code(), *version));
            request.encode(*version, header.correlation_id, header.client_id.as_deref())
        } else {
            let (header, response) = Response::decode(*api_key, *version, content).unwrap();
            response.encode(*version, header.correlation_id)
        };
        assert_eq!(again.unwrap().to_bytes(), frame, "{api_key} version {version}");
    }
}

#[test]
fn spans_tile_every_frame() {
    for Golden { api_key, is_request, version, frame } in Golden::all() {
        let Spans { spans, error } = if is_request {
            Request::spans(frame.clone(), SizePrefix::Included)
        } else {
            Response::spans(api_key, version, frame.clone(), SizePrefix::Included)
        };
        assert_eq!(error, None);
        let mut position = 0;
        for span in &spans {
            assert_eq!(span.range.start, position, "{api_key} version {version}: {span:?}");
            position = span.range.end;
        }
        assert_eq!(position, frame.len());
    }
}

fn check_metadata(version: i16, response: &MetadataResponse) {
    let [broker] = response.brokers.as_slice() else { panic!("expected one broker") };
    assert_eq!((broker.node_id, broker.host.as_str()), (1, "127.0.0.1"));
    assert_eq!(response.cluster_id.is_some(), version >= 2);
    let golden = response.topics.iter().find(|topic| topic.name.as_deref() == Some("golden")).unwrap();
    assert_eq!((golden.error_code, golden.topic_id.is_zero()), (0, version < 10));
    let partition = golden.partitions.iter().find(|partition| partition.partition_index == 0).unwrap();
    assert_eq!((partition.error_code, partition.leader_id), (0, 1));
    assert_eq!((partition.replica_nodes.as_slice(), partition.isr_nodes.as_slice()), (&[1][..], &[1][..]));
    if version >= 4 {
        let other = response.topics.iter().find(|topic| topic.name.as_deref() != Some("golden")).unwrap();
        assert_eq!(ErrorCode::from_code(other.error_code), ErrorCode::UnknownTopicOrPartition);
    }
}

fn check_produce(version: i16, response: &ProduceResponse) {
    let [topic] = response.responses.as_slice() else { panic!("expected one topic") };
    assert_eq!(
        (topic.name.as_str(), topic.topic_id.is_zero()),
        if version < 13 { ("golden", true) } else { ("", false) }
    );
    for partition in &topic.partition_responses {
        // Every request before has appended its two records.
        let expected = match partition.index {
            0 => (ErrorCode::None, i64::from(version - ApiKey::Produce.versions().min) * 2),
            _ => (ErrorCode::UnknownTopicOrPartition, -1),
        };
        assert_eq!((ErrorCode::from_code(partition.error_code), partition.base_offset), expected);
    }
    assert_eq!(topic.partition_responses.len(), 2);
}

fn check_fetch(response: &FetchResponse) {
    let [topic] = response.responses.as_slice() else { panic!("expected one topic") };
    let partition = topic.partitions.iter().find(|partition| partition.partition_index == 0).unwrap();
    assert_eq!(
        (partition.error_code, partition.high_watermark, partition.log_start_offset.max(0)),
        (0, 22, 0)
    );
    let batches: Vec<_> = Batches::new(partition.records.clone().unwrap()).collect::<Result<_, _>>().unwrap();
    assert!(!batches.is_empty());
    for (batch, number) in batches.iter().zip(0..) {
        let records: Vec<_> = batch.records().unwrap().collect::<Result<_, _>>().unwrap();
        let [full, empty] = records.as_slice() else { panic!("expected two records") };
        assert_eq!((full.offset, full.timestamp), (2 * number, 1_700_000_000_000));
        assert_eq!((full.key, full.value), (Some(&b"key"[..]), Some(&b"value"[..])));
        let headers: Vec<_> =
            full.headers.clone().map(|header| header.map(|h| (h.key, h.value)).unwrap()).collect();
        assert_eq!(headers, [(&b"trace"[..], Some(&b"1"[..])), (b"trace", Some(b"2")), (b"empty", None)]);
        assert_eq!((empty.offset, empty.timestamp), (2 * number + 1, 1_700_000_000_123));
        assert_eq!((empty.key, empty.value, empty.headers.count_left()), (None, None, 0));
    }
}

#[test]
fn the_broker_said_what_we_think_it_said() {
    for golden in Golden::all() {
        match golden.response() {
            None => {}
            Some(Response::Metadata(response)) => check_metadata(golden.version, &response),
            Some(Response::Produce(response)) => check_produce(golden.version, &response),
            Some(Response::Fetch(response)) => check_fetch(&response),
            Some(Response::ListOffsets(response)) => {
                for partition in &response.topics[0].partitions {
                    let expected = match partition.partition_index {
                        0 => (ErrorCode::None, 0),
                        _ => (ErrorCode::UnknownTopicOrPartition, -1),
                    };
                    assert_eq!((ErrorCode::from_code(partition.error_code), partition.offset), expected);
                }
                assert_eq!(response.topics[0].partitions.len(), 2);
            }
            Some(Response::FindCoordinator(response)) => {
                assert_eq!(response.error_code, 0, "{response:?}");
                let keys: Vec<_> = response.coordinators.iter().map(|found| found.key.as_str()).collect();
                let expected: &[_] =
                    if golden.version < 4 { &[] } else { &["golden-group", "another-group"] };
                assert_eq!(keys, expected);
            }
            Some(Response::ApiVersions(response)) => {
                let produce =
                    response.api_keys.iter().find(|api| api.api_key == 0).map(|api| api.max_version);
                if response.error_code == ErrorCode::UnsupportedVersion.code() {
                    // Then it lists the versions of this very API.
                    assert!(response.api_keys.iter().any(|api| api.api_key == ApiKey::ApiVersions.code()));
                } else {
                    assert_eq!((response.error_code, produce), (0, Some(13)));
                }
            }
            Some(Response::SaslHandshake(response)) => {
                let mut mechanisms = response.mechanisms.clone();
                mechanisms.sort();
                assert_eq!((response.error_code, mechanisms.len() >= 3), (0, true), "{mechanisms:?}");
                assert!(mechanisms.iter().any(|name| name == "SCRAM-SHA-256"), "{mechanisms:?}");
            }
            Some(Response::SaslAuthenticate(response)) => {
                assert_eq!((response.error_code, response.error_message.as_deref()), (0, Some("")));
                assert!(response.auth_bytes.starts_with(b"r=goldennonce"), "{:?}", response.auth_bytes);
                assert_eq!(response.session_lifetime_ms, 0);
            }
            Some(Response::CreateTopics(response)) => {
                let codes =
                    response.topics.iter().map(|it| (it.name.as_str(), ErrorCode::from_code(it.error_code)));
                let expected = [("another", ErrorCode::None), ("golden", ErrorCode::TopicAlreadyExists)];
                assert_eq!(codes.collect::<BTreeMap<_, _>>(), BTreeMap::from(expected));
            }
            Some(Response::DeleteTopics(response)) => {
                let [topic] = response.responses.as_slice() else { panic!("expected one topic") };
                assert_eq!(topic.name.as_deref(), Some("there-is-no-such-topic"));
                assert_eq!(ErrorCode::from_code(topic.error_code), ErrorCode::UnknownTopicOrPartition);
            }
            Some(Response::DeleteRecords(response)) => {
                let [topic] = response.topics.as_slice() else { panic!("expected one topic") };
                for partition in &topic.partitions {
                    let expected = match partition.partition_index {
                        0 => (ErrorCode::None, 0),
                        _ => (ErrorCode::UnknownTopicOrPartition, -1),
                    };
                    assert_eq!(
                        (ErrorCode::from_code(partition.error_code), partition.low_watermark),
                        expected
                    );
                }
                assert_eq!(topic.partitions.len(), 2);
            }
            Some(Response::DescribeConfigs(response)) => {
                let [topic] = response.results.as_slice() else { panic!("expected one topic") };
                let [config] = topic.configs.as_slice() else { panic!("expected one setting") };
                assert_eq!((topic.error_code, topic.resource_name.as_str()), (0, "golden"));
                assert_eq!(
                    (config.name.as_str(), config.value.as_deref()),
                    ("cleanup.policy", Some("delete"))
                );
                assert_eq!((config.config_source, config.read_only, config.is_sensitive), (5, false, false));
                assert_eq!(
                    (config.config_type == 7, !config.synonyms.is_empty()),
                    (golden.version >= 3, true)
                );
            }
            Some(Response::CreatePartitions(response)) => {
                let codes =
                    response.results.iter().map(|it| (it.name.as_str(), ErrorCode::from_code(it.error_code)));
                let expected = [
                    ("golden", ErrorCode::None),
                    ("there-is-no-such-topic", ErrorCode::UnknownTopicOrPartition),
                ];
                assert_eq!(codes.collect::<BTreeMap<_, _>>(), BTreeMap::from(expected));
            }
            Some(Response::IncrementalAlterConfigs(response)) => {
                let codes = response
                    .responses
                    .iter()
                    .map(|it| (it.resource_name.as_str(), ErrorCode::from_code(it.error_code)));
                let expected = [
                    ("golden", ErrorCode::None),
                    ("there-is-no-such-topic", ErrorCode::UnknownTopicOrPartition),
                ];
                assert_eq!(codes.collect::<BTreeMap<_, _>>(), BTreeMap::from(expected));
            }
            Some(Response::InitProducerId(response)) => {
                assert!(response.error_code == 0 && response.producer_id >= 0, "{response:?}");
            }
        }
    }
}
