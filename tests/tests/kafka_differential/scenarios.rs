//! What both brokers are asked.

use crate::Comparison;
use crate::batch::Batch;
use crate::side::{Heard, Side};
use bytes::Bytes;
use client_core::protocol::{
    ApiKey, ApiVersionsRequest, FetchPartition, FetchRequest, FetchTopic, FindCoordinatorRequest,
    InitProducerIdRequest, ListOffsetsPartition, ListOffsetsRequest, ListOffsetsTopic, MetadataRequest,
    MetadataRequestTopic, PartitionProduceData, ProduceRequest, Response, TopicProduceData, Uuid,
};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

pub(crate) fn run(both: &mut Comparison) {
    // Topics of earlier runs may still be there.
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis();
    let topic = |name: &str| format!("differential-{name}-{now}");
    api_versions(both);
    metadata(both, &topic("metadata"));
    produce(both, &topic("produce"));
    idempotence(both, &topic("idempotence"));
    fetch(both, &topic("fetch"));
    list_offsets(both, &topic("offsets"));
    producer_ids(both, now);
    coordinators(both);
    connections(both);
}

fn create(both: &mut Comparison, topic: &str) {
    both.real.create(topic);
    both.simulated.create(topic);
}

fn api_versions(both: &mut Comparison) {
    for version in ApiKey::ApiVersions.versions().iter() {
        for name in ["kafka-wasm", "", "two words", "-dash"] {
            if version < 3 && name != "kafka-wasm" {
                continue;
            }
            both.step(&format!("ApiVersions as {name:?}"), version, |_| ApiVersionsRequest {
                client_software_name: name.into(),
                client_software_version: "1.0".into(),
                ..Default::default()
            });
        }
    }
}

fn metadata(both: &mut Comparison, topic: &str) {
    let named = |names: &[&str]| MetadataRequest {
        topics: Some(
            names
                .iter()
                .map(|name| MetadataRequestTopic { name: Some((*name).into()), ..Default::default() })
                .collect(),
        ),
        ..Default::default()
    };
    let by_id = |topic_id| MetadataRequest {
        topics: Some(vec![MetadataRequestTopic { topic_id, name: None }]),
        ..Default::default()
    };
    both.step("Metadata that creates", 12, |_| named(&[topic]));
    create(both, topic);
    for version in ApiKey::Metadata.versions().iter() {
        both.step("Metadata of a topic", version, |_| named(&[topic]));
        both.step("Metadata of an impossible topic", version, |_| named(&["two words"]));
        both.step("Metadata of a topic twice", version, |_| named(&[topic, topic]));
        if version >= 1 {
            both.step("Metadata of no topics", version, |_| named(&[]));
        }
        if version >= 4 {
            both.step("Metadata without creation", version, |_| MetadataRequest {
                allow_auto_topic_creation: false,
                ..named(&["differential-absent", "..", topic])
            });
        }
        if version >= 8 {
            both.step("Metadata with operations", version, |_| MetadataRequest {
                include_cluster_authorized_operations: version <= 10,
                include_topic_authorized_operations: true,
                ..named(&[topic])
            });
        }
        if version >= 10 {
            both.step("Metadata by id", version, |side| by_id(side.topic_id(topic)));
            both.step("Metadata by unknown id", version, |_| by_id(Uuid([9; 16])));
            both.step("Metadata by name and id", version, |side| MetadataRequest {
                topics: Some(vec![MetadataRequestTopic {
                    topic_id: side.topic_id(topic),
                    name: Some(topic.into()),
                }]),
                ..Default::default()
            });
        }
    }
}

fn produced(
    side: &Side,
    version: i16,
    topic: &str,
    partition: i32,
    records: Option<Bytes>,
) -> ProduceRequest {
    ProduceRequest {
        acks: -1,
        timeout_ms: 5_000,
        topic_data: vec![TopicProduceData {
            name: if version < 13 { topic.into() } else { String::new() },
            topic_id: if version < 13 { Uuid::ZERO } else { side.topic_id(topic) },
            partition_data: vec![PartitionProduceData { index: partition, records }],
        }],
        ..Default::default()
    }
}

fn produce(both: &mut Comparison, topic: &str) {
    create(both, topic);
    let good = Batch::of(&["a", "bb", "ccc"]);
    let encoded = good.encode();
    let mut dropped_half = encoded.to_vec();
    dropped_half.truncate(40);
    let cases: Vec<(&str, Option<Bytes>)> = vec![
        ("good", Some(encoded.clone())),
        ("empty", Some(Bytes::new())),
        ("cut", Some(encoded.slice(..encoded.len() - 1))),
        ("cut in the header", Some(dropped_half.into())),
        ("with a tail", Some([&encoded[..], &[1, 2, 3]].concat().into())),
        ("two", Some([&encoded[..], &encoded[..]].concat().into())),
        ("of base offset 1", Some(Batch { base_offset: 1, ..good.clone() }.encode())),
        ("of magic 1", Some(Batch { magic: 1, ..good.clone() }.encode())),
        ("of magic 3", Some(Batch { magic: 3, ..good.clone() }.encode())),
        ("of a wrong checksum", Some(Batch { checksum_off_by: 1, ..good.clone() }.encode())),
        ("with too high a count", Some(Batch { claimed_count: Some(4), ..good.clone() }.encode())),
        ("with too low a count", Some(Batch { claimed_count: Some(2), ..good.clone() }.encode())),
        ("with a count of -1", Some(Batch { claimed_count: Some(-1), ..good.clone() }.encode())),
        ("without records", Some(Batch { records: vec![], ..good.clone() }.encode())),
        ("without sequence", Some(good.clone().idempotent(1, 0, -1).encode())),
        ("of control records", Some(Batch { attributes: 0x20, ..good.clone() }.encode())),
        ("of append time", Some(Batch { attributes: 0x08, ..good.clone() }.encode())),
        ("of a wrong latest timestamp", Some(Batch { max_timestamp_off_by: 9, ..good.clone() }.encode())),
        ("too large", Some(Batch::of(&[&"x".repeat(1_100_000)]).encode())),
    ];
    for version in ApiKey::Produce.versions().iter() {
        for (name, records) in &cases {
            both.step(&format!("Produce a batch {name}"), version, |side| {
                produced(side, version, topic, 0, records.clone())
            });
        }
        for acks in [0, 1, 2, -2] {
            both.step(&format!("Produce with acks {acks}"), version, |side| ProduceRequest {
                acks,
                ..produced(side, version, topic, 0, Some(encoded.clone()))
            });
        }
        for partition in [-1, 3] {
            both.step(&format!("Produce to partition {partition}"), version, |side| {
                produced(side, version, topic, partition, Some(encoded.clone()))
            });
        }
        both.step("Produce to nowhere with acks 0", version, |side| ProduceRequest {
            acks: 0,
            ..produced(side, version, topic, 9, Some(encoded.clone()))
        });
        both.step("Produce to an unknown topic", version, |side| {
            let mut request = produced(side, version, topic, 0, Some(encoded.clone()));
            let unknown = &mut request.topic_data[0];
            (unknown.name, unknown.topic_id) = if version < 13 {
                ("differential-absent".into(), Uuid::ZERO)
            } else {
                (String::new(), Uuid([9; 16]))
            };
            request
        });
        both.step("Produce nothing", version, |_| ProduceRequest { acks: 1, ..Default::default() });
    }
    both.step("Produce no records at all", 9, |side| produced(side, 9, topic, 0, None));
    both.step("Produce zstd too early", 6, |side| {
        produced(side, 6, topic, 0, Some(Batch { attributes: 4, ..good.clone() }.encode()))
    });
}

fn idempotence(both: &mut Comparison, topic: &str) {
    create(both, topic);
    for _ in 0..2 {
        give_producer_id(both);
    }
    let mut send = |name: &str, producer: usize, epoch: i16, sequence: i32| {
        let name = format!("Produce of producer {producer}, epoch {epoch}, sequence {sequence}: {name}");
        both.step(&name, 9, |side| {
            let batch = Batch::of(&["a", "b"]).idempotent(side.producers[producer], epoch, sequence);
            produced(side, 9, topic, 0, Some(batch.encode()))
        });
    };
    for sequence in [0, 2, 4, 6, 8, 10, 12] {
        send("in order", 0, 0, sequence);
    }
    for sequence in [12, 10, 4] {
        send("repeated", 0, 0, sequence);
    }
    for sequence in [0, 2] {
        send("forgotten", 0, 0, sequence);
    }
    send("with a gap", 0, 0, 15);
    send("half repeated", 0, 0, 11);
    send("new epoch in the middle", 0, 1, 14);
    send("new epoch", 0, 1, 0);
    send("old epoch", 0, 0, 14);
    send("repeated in the new epoch", 0, 1, 0);
    send("following in the new epoch", 0, 1, 2);
    send("of a producer that begins in the middle", 1, 3, 40);
    send("following it", 1, 3, 42);
    send("before it", 1, 3, 38);
    send("at the end of sequence numbers", 1, 4, 0);
}

/// Asks for a producer id until both brokers give one: a fresh broker may still be loading.
fn give_producer_id(both: &mut Comparison) {
    for side in [&mut both.real, &mut both.simulated] {
        let wanted = side.producers.len() + 1;
        for _ in 0..200 {
            side.ask(4, &InitProducerIdRequest::default().into());
            if side.producers.len() == wanted {
                break;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        assert_eq!(side.producers.len(), wanted, "no producer id was given in time");
    }
}

fn fetched(side: &Side, version: i16, topic: &str, offset: i64) -> FetchRequest {
    FetchRequest {
        max_wait_ms: 20,
        min_bytes: 1,
        max_bytes: 1 << 20,
        topics: vec![FetchTopic {
            topic: if version < 13 { topic.into() } else { String::new() },
            topic_id: if version < 13 { Uuid::ZERO } else { side.topic_id(topic) },
            partitions: vec![FetchPartition {
                fetch_offset: offset,
                partition_max_bytes: 1 << 20,
                ..Default::default()
            }],
        }],
        ..Default::default()
    }
}

fn fetch(both: &mut Comparison, topic: &str) {
    create(both, topic);
    for values in [&["a"][..], &["b", "c"], &["d", "e", "f"]] {
        both.step("Produce for Fetch", 9, |side| {
            produced(side, 9, topic, 0, Some(Batch::of(values).encode()))
        });
    }
    let odd = Batch { attributes: 0x08, max_timestamp_off_by: -1, ..Batch::of(&["x", "y"]) };
    both.step("Produce oddly", 9, |side| produced(side, 9, topic, 1, Some(odd.encode())));
    both.step("Fetch what was produced oddly", 11, |side| {
        let mut request = fetched(side, 11, topic, 0);
        request.topics[0].partitions[0].partition = 1;
        request
    });
    for version in ApiKey::Fetch.versions().iter() {
        for offset in [-1, 0, 1, 2, 3, 5, 6, 7] {
            both.step(&format!("Fetch from {offset}"), version, |side| fetched(side, version, topic, offset));
        }
        for limit in [-1, 0, 1, 60, 69, 70, 100, 150, 200, 300, 500] {
            both.step(&format!("Fetch at most {limit} of a partition"), version, |side| {
                let mut request = fetched(side, version, topic, 0);
                request.topics[0].partitions[0].partition_max_bytes = limit;
                request
            });
            both.step(&format!("Fetch at most {limit}"), version, |side| FetchRequest {
                max_bytes: limit,
                ..fetched(side, version, topic, 0)
            });
        }
        both.step("Fetch partition -1", version, |side| {
            let mut request = fetched(side, version, topic, 0);
            request.topics[0].partitions[0].partition = -1;
            request
        });
        both.step("Fetch two partitions and an absent one", version, |side| {
            let mut request = fetched(side, version, topic, 0);
            let first = request.topics[0].partitions[0].clone();
            for partition in [1, 8] {
                request.topics[0].partitions.push(FetchPartition { partition, ..first.clone() });
            }
            request
        });
        both.step("Fetch of an unknown topic", version, |side| {
            let mut request = fetched(side, version, topic, 0);
            if version < 13 {
                request.topics[0].topic = "differential-absent".into();
            } else {
                request.topics[0].topic_id = Uuid([9; 16]);
            }
            request
        });
        both.step("Fetch of committed records", version, |side| FetchRequest {
            isolation_level: 1,
            ..fetched(side, version, topic, 0)
        });
        both.step("Fetch that waits in vain", version, |side| FetchRequest {
            min_bytes: 100_000,
            ..fetched(side, version, topic, 0)
        });
        if version >= 9 {
            for epoch in [-1, 0, 1] {
                both.step(&format!("Fetch in epoch {epoch}"), version, |side| {
                    let mut request = fetched(side, version, topic, 0);
                    request.topics[0].partitions[0].current_leader_epoch = epoch;
                    request
                });
            }
        }
        if version >= 12 {
            for (epoch, offset) in [(0, 0), (0, 6), (1, 0), (7, 3)] {
                both.step(&format!("Fetch after epoch {epoch} from {offset}"), version, |side| {
                    let mut request = fetched(side, version, topic, offset);
                    request.topics[0].partitions[0].last_fetched_epoch = epoch;
                    request
                });
            }
        }
        if version >= 7 {
            both.step("Fetch in an unknown session", version, |side| FetchRequest {
                session_id: 12_345,
                session_epoch: 3,
                ..fetched(side, version, topic, 0)
            });
        }
        both.step("Fetch nothing", version, |_| FetchRequest { max_wait_ms: 10, ..Default::default() });
    }
}

fn list_offsets(both: &mut Comparison, topic: &str) {
    create(both, topic);
    let start = Batch::of(&[]).base_timestamp;
    for times in [&[0, 10, 20][..], &[5, 40, 40], &[30]] {
        let records = times.iter().map(|&delta| (delta, b"x".to_vec())).collect();
        let batch = Batch { records, ..Batch::of(&[]) }.encode();
        both.step("Produce for ListOffsets", 9, |side| produced(side, 9, topic, 0, Some(batch.clone())));
    }
    let request = |topic: &str, partitions: Vec<ListOffsetsPartition>| ListOffsetsRequest {
        topics: vec![ListOffsetsTopic { name: topic.into(), partitions }],
        timeout_ms: 5_000,
        ..Default::default()
    };
    let at = |partition_index, timestamp| ListOffsetsPartition {
        partition_index,
        timestamp,
        ..Default::default()
    };
    for version in ApiKey::ListOffsets.versions().iter() {
        let special = [-1, -2, -3, -4, -5, -6, -7];
        let times = [-5, 0, 1, 10, 11, 21, 40, 41].map(|after| start + after);
        for timestamp in special.into_iter().chain(times) {
            for partition in [0, 1] {
                both.step(&format!("ListOffsets at {timestamp} of partition {partition}"), version, |_| {
                    request(topic, vec![at(partition, timestamp)])
                });
            }
        }
        both.step("ListOffsets of an absent partition", version, |_| request(topic, vec![at(9, -1)]));
        both.step("ListOffsets of an absent topic", version, |_| {
            request("differential-absent", vec![at(0, -1)])
        });
        both.step("ListOffsets twice", version, |_| request(topic, vec![at(0, -1), at(0, -2), at(1, -1)]));
        if version >= 4 {
            for current_leader_epoch in [-1, 0, 1] {
                both.step(&format!("ListOffsets in epoch {current_leader_epoch}"), version, |_| {
                    request(topic, vec![ListOffsetsPartition { current_leader_epoch, ..at(0, -1) }])
                });
            }
        }
    }
}

fn producer_ids(both: &mut Comparison, now: u128) {
    let transactional = |id: String| InitProducerIdRequest {
        transactional_id: Some(id),
        transaction_timeout_ms: 60_000,
        ..Default::default()
    };
    for version in ApiKey::InitProducerId.versions().iter() {
        both.step("InitProducerId", version, |_| InitProducerIdRequest::default());
        both.step("InitProducerId of an empty id", version, |_| transactional(String::new()));
        let id = format!("differential-{now}-{version}");
        wait_for_coordinator(both, &id);
        for timeout in [0, -1, i32::MAX] {
            both.step(&format!("InitProducerId with timeout {timeout}"), version, |_| {
                InitProducerIdRequest { transaction_timeout_ms: timeout, ..transactional(id.clone()) }
            });
        }
        for time in 1..=3 {
            both.step(&format!("InitProducerId of an id, time {time}"), version, |_| {
                transactional(id.clone())
            });
        }
        if version >= 3 {
            let mine = |side: &Side, producer_epoch| InitProducerIdRequest {
                producer_id: side.producers[side.producers.len() - 1],
                producer_epoch,
                ..transactional(id.clone())
            };
            both.step("InitProducerId with the epoch", version, |side| mine(side, 2));
            both.step("InitProducerId with the epoch again", version, |side| mine(side, 2));
            both.step("InitProducerId with an old epoch", version, |side| mine(side, 0));
            both.step("InitProducerId with an epoch only", version, |_| InitProducerIdRequest {
                producer_epoch: 1,
                ..Default::default()
            });
            both.step("InitProducerId with an id only", version, |_| InitProducerIdRequest {
                producer_id: 1,
                ..Default::default()
            });
            both.step("InitProducerId without transactions, keeping", version, |side| {
                InitProducerIdRequest {
                    producer_id: side.producers[0],
                    producer_epoch: 0,
                    ..Default::default()
                }
            });
        }
    }
}

/// Waits until the real broker has the internal topic for this transactional id.
fn wait_for_coordinator(both: &mut Comparison, id: &str) {
    let find =
        FindCoordinatorRequest { key_type: 1, coordinator_keys: vec![id.into()], ..Default::default() };
    for _ in 0..200 {
        let Heard::Reply(response) = both.real.ask(4, &find.clone().into()) else {
            panic!("expected a reply to FindCoordinator");
        };
        let Response::FindCoordinator(response) = *response else { panic!("expected a coordinator") };
        if response.coordinators[0].error_code == 0 {
            return;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    panic!("there was no coordinator in time");
}

fn coordinators(both: &mut Comparison) {
    let group = "differential-group";
    wait_for_coordinator(both, group);
    for version in ApiKey::FindCoordinator.versions().iter() {
        for key_type in [0, 1, 9] {
            if version == 0 && key_type > 0 {
                continue;
            }
            let request = FindCoordinatorRequest {
                key: if version < 4 { group.into() } else { String::new() },
                key_type,
                coordinator_keys: if version < 4 { vec![] } else { vec![group.into(), "other".into()] },
            };
            // The first look-up of a kind may find the internal topic being created.
            both.real.ask(version, &request.clone().into());
            std::thread::sleep(Duration::from_millis(if version == 0 { 2_000 } else { 0 }));
            both.step(&format!("FindCoordinator of type {key_type}"), version, |_| request.clone());
        }
    }
}

fn connections(both: &mut Comparison) {
    both.raw("a negative size", &[0xff, 0xff, 0xff, 0xff]);
    both.raw("too large a size", &[0x7f, 0xff, 0xff, 0xff]);
    both.raw("another protocol", b"GET / HTTP/1.1\r\n\r\n");
    both.raw("an unknown API", &[0, 0, 0, 10, 0x03, 0xe7, 0, 0, 0, 0, 0, 1, 0xff, 0xff]);
    both.raw("an unknown version", &[0, 0, 0, 10, 0, 3, 0, 99, 0, 0, 0, 1, 0xff, 0xff]);
    both.raw("an empty frame", &[0, 0, 0, 0]);
    both.raw("a short frame", &[0, 0, 0, 3, 0, 3, 0]);
    both.raw("Metadata of 2^28 topics", &[0, 0, 0, 14, 0, 3, 0, 1, 0, 0, 0, 1, 0xff, 0xff, 0x10, 0, 0, 0]);
    both.raw("ApiVersions of the future", &[0, 0, 0, 11, 0, 18, 0, 99, 0, 0, 0, 1, 0xff, 0xff, 0]);
}
