//! A real Apache Kafka speaks every version we claim to, and every answer is read to its last byte.

#![expect(clippy::disallowed_methods, reason = "waits for a real broker, whose time is not ours")]

use client_core::protocol::{
    ApiKey, ApiVersionsRequest, ErrorCode, FindCoordinatorRequest, InitProducerIdRequest,
    ListOffsetsPartition, ListOffsetsRequest, ListOffsetsTopic, MetadataRequest, MetadataRequestTopic,
    Request, Response, VersionRange,
};
use std::time::{Duration, Instant};
use tests::wire::Wire;

fn wire() -> Wire {
    let bootstrap = std::env::var("KAFKA_BOOTSTRAP").expect("run by `cargo xtask test --only kafka-native`");
    Wire::connect(bootstrap.split(',').next().unwrap()).unwrap()
}

/// The versions both sides speak, and those of the broker.
fn common(wire: &mut Wire, api_key: ApiKey) -> (VersionRange, VersionRange) {
    let request = ApiVersionsRequest {
        client_software_name: "kafka-wasm-tests".to_owned(),
        client_software_version: "0".to_owned(),
        ..ApiVersionsRequest::default()
    };
    let Response::ApiVersions(response) = wire.ask(&Request::ApiVersions(request), 3).unwrap() else {
        panic!("an answer to something else");
    };
    assert_eq!(response.error_code, 0);
    let broker = response.api_keys.iter().find(|api| api.api_key == api_key.code()).unwrap();
    let (ours, broker) = (api_key.versions(), VersionRange::new(broker.min_version, broker.max_version));
    let highest = ours.highest_common(broker).unwrap_or_else(|| panic!("{api_key:?}: {ours} and {broker}"));
    (VersionRange::new(ours.min.max(broker.min), highest), broker)
}

/// Asks in every common version, and has each answer looked at.
fn check(api_key: ApiKey, request: impl Fn(i16) -> Request, look: impl Fn(i16, Response)) {
    let mut wire = wire();
    for version in common(&mut wire, api_key).0.iter() {
        let answer = wire.ask(&request(version), version);
        look(version, answer.unwrap_or_else(|error| panic!("{api_key:?} version {version}: {error}")));
    }
}

fn metadata(topic: &str) -> Request {
    let topic = MetadataRequestTopic { name: Some(topic.to_owned()), ..MetadataRequestTopic::default() };
    Request::Metadata(MetadataRequest { topics: Some(vec![topic]), ..MetadataRequest::default() })
}

/// Asks again until the answer is no longer one that passes: brokers say so for a moment after a start, or after a
/// topic was created.
fn settled(
    wire: &mut Wire,
    request: &Request,
    version: i16,
    is_passing: impl Fn(&Response) -> bool,
) -> Response {
    let start = Instant::now();
    loop {
        let response = wire.ask(request, version).unwrap();
        if !is_passing(&response) {
            return response;
        }
        assert!(start.elapsed() < Duration::from_secs(30), "for ever: {response:?}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// Creates a topic by asking for it, and waits until the leaders of its partitions know that they are.
fn create_topic(name: &str) {
    settled(&mut wire(), &metadata(name), 12, |response| {
        let Response::Metadata(response) = response else { panic!("{response:?}") };
        let topic = &response.topics[0];
        topic.error_code != 0 || topic.partitions.iter().any(|partition| partition.leader_id < 0)
    });
    // A leader learns of its new partition a moment after everybody else has heard of it.
    settled(&mut wire(), &latest_offsets(name), 7, |response| {
        let Response::ListOffsets(response) = response else { panic!("{response:?}") };
        response.topics[0].partitions.iter().any(|partition| partition.error_code != 0)
    });
}

fn latest_offsets(name: &str) -> Request {
    const LATEST: i64 = -1;
    let partitions = (0..3).map(|partition_index| ListOffsetsPartition {
        partition_index,
        timestamp: LATEST,
        ..ListOffsetsPartition::default()
    });
    let topic = ListOffsetsTopic { name: name.to_owned(), partitions: partitions.collect() };
    Request::ListOffsets(ListOffsetsRequest { topics: vec![topic], ..ListOffsetsRequest::default() })
}

#[test]
fn we_speak_what_the_broker_speaks() {
    let mut wire = wire();
    for api_key in ApiKey::ALL {
        let (_, broker) = common(&mut wire, api_key);
        let ours = api_key.versions();
        assert!(ours.max >= broker.max, "{api_key:?}: the broker speaks {broker}, we only {ours}");
    }
}

#[test]
fn every_version_of_api_versions() {
    let request = ApiVersionsRequest {
        client_software_name: "kafka-wasm-tests".to_owned(),
        client_software_version: "0".to_owned(),
        ..Default::default()
    };
    check(
        ApiKey::ApiVersions,
        |_| Request::ApiVersions(request.clone()),
        |version, response| {
            let Response::ApiVersions(response) = response else { panic!("version {version}: {response:?}") };
            assert_eq!(response.error_code, 0);
            assert!(response.api_keys.len() > ApiKey::ALL.len(), "version {version}: {response:?}");
        },
    );
}

#[test]
fn every_version_of_metadata() {
    let name = "kafka-versions-metadata";
    create_topic(name);
    check(
        ApiKey::Metadata,
        |_| metadata(name),
        |version, response| {
            let Response::Metadata(response) = response else { panic!("version {version}: {response:?}") };
            let topic = &response.topics[0];
            assert_eq!((topic.error_code, topic.name.as_deref(), topic.partitions.len()), (0, Some(name), 3));
            assert_eq!(topic.topic_id.is_zero(), version < 10, "version {version}");
            assert_eq!(response.brokers[0].host, "127.0.0.1");
        },
    );
}

#[test]
fn every_version_of_find_coordinator() {
    let request = |version| {
        let one = if version < 4 { "group".to_owned() } else { String::new() };
        let many = if version < 4 { Vec::new() } else { vec!["group".to_owned(), "other".to_owned()] };
        Request::FindCoordinator(FindCoordinatorRequest { key: one, key_type: 0, coordinator_keys: many })
    };
    check(ApiKey::FindCoordinator, request, |version, response| {
        let Response::FindCoordinator(response) = response else { panic!("version {version}: {response:?}") };
        let codes: Vec<i16> = match version {
            ..4 => vec![response.error_code],
            4.. => response.coordinators.iter().map(|coordinator| coordinator.error_code).collect(),
        };
        // Until its internal topic exists, a broker has no coordinator to offer.
        let allowed = [0, ErrorCode::CoordinatorNotAvailable.code()];
        assert_eq!(codes.len(), if version < 4 { 1 } else { 2 }, "version {version}");
        assert!(codes.iter().all(|code| allowed.contains(code)), "version {version}: {codes:?}");
    });
}

#[test]
fn every_version_of_list_offsets() {
    let name = "kafka-versions-offsets";
    create_topic(name);
    check(
        ApiKey::ListOffsets,
        |_| latest_offsets(name),
        |version, response| {
            let Response::ListOffsets(response) = response else { panic!("version {version}: {response:?}") };
            let partition = &response.topics[0].partitions[0];
            assert_eq!((partition.error_code, partition.offset), (0, 0), "version {version}");
        },
    );
}

#[test]
fn every_version_of_init_producer_id() {
    let request =
        InitProducerIdRequest { transaction_timeout_ms: 60_000, ..InitProducerIdRequest::default() };
    let mut wire = wire();
    let mut last = -1;
    let request = Request::InitProducerId(request);
    let not_yet = [ErrorCode::CoordinatorLoadInProgress.code(), ErrorCode::NotCoordinator.code()];
    for version in common(&mut wire, ApiKey::InitProducerId).0.iter() {
        let response = settled(&mut wire, &request, version, |response| {
            let Response::InitProducerId(response) = response else { panic!("{response:?}") };
            not_yet.contains(&response.error_code)
        });
        let Response::InitProducerId(response) = response else { panic!("{response:?}") };
        assert_eq!((response.error_code, response.producer_epoch), (0, 0), "version {version}");
        assert!(response.producer_id > last, "version {version}: every producer gets an id of its own");
        last = response.producer_id;
    }
}
