use crate::support::{Dialogue, expect_error};
use client_core::ids::NodeId;
use client_core::protocol::{ApiKey, ApiVersion, ApiVersionsRequest, ErrorCode, VersionRange};
use simulator::cluster::{ClusterConfig, LinkClosed};

fn named(name: &str) -> ApiVersionsRequest {
    ApiVersionsRequest {
        client_software_name: name.into(),
        client_software_version: "1.0".into(),
        ..Default::default()
    }
}

#[test]
fn lists_what_the_codec_speaks_in_every_version() {
    for version in ApiKey::ApiVersions.versions().iter() {
        let mut dialogue = Dialogue::with_nodes(1);
        let response = dialogue.ask(NodeId(1), version, named("kafka-wasm"));
        expect_error(response.error_code, ErrorCode::None);
        // All but the two about settings, of which this cluster has none.
        assert_eq!(response.api_keys.len(), ApiKey::ALL.len() - 2);
        assert_eq!((response.supported_features.len(), response.finalized_features_epoch), (0, -1));
        assert!(response.api_keys.contains(&ApiVersion { api_key: 1, min_version: 4, max_version: 18 }));
    }
}

#[test]
fn an_unknown_version_is_answered_in_version_0() {
    let mut dialogue = Dialogue::with_nodes(1);
    let link = dialogue.open(NodeId(1));
    // Version 9 of ApiVersions with correlation id 5 and a body of the future.
    dialogue.send(link, vec![0, 0, 0, 13, 0, 18, 0, 9, 0, 0, 0, 5, 0xff, 0xff, 0, 7, 7]);
    let response = dialogue.expect_reply::<ApiVersionsRequest>(0, 5);
    expect_error(response.error_code, ErrorCode::UnsupportedVersion);
    assert_eq!(response.api_keys, [ApiVersion { api_key: 18, min_version: 0, max_version: 5 }]);
}

#[test]
fn odd_software_names_are_refused() {
    for (name, expected) in [
        ("kafka-wasm", ErrorCode::None),
        ("a", ErrorCode::None),
        ("", ErrorCode::InvalidRequest),
        ("-kafka", ErrorCode::InvalidRequest),
        ("kafka wasm", ErrorCode::InvalidRequest),
    ] {
        let mut dialogue = Dialogue::with_nodes(1);
        expect_error(dialogue.ask(NodeId(1), 3, named(name)).error_code, expected);
    }
}

#[test]
fn an_older_broker_offers_less_and_closes_on_more() {
    let mut config = ClusterConfig::with_nodes(1);
    config.api_versions.insert(ApiKey::ApiVersions, Some(VersionRange::new(0, 2)));
    config.api_versions.insert(ApiKey::Metadata, Some(VersionRange::new(0, 5)));
    config.api_versions.insert(ApiKey::InitProducerId, None);
    let mut dialogue = Dialogue::with(config);
    let response = dialogue.ask(NodeId(1), 2, named(""));
    assert!(response.api_keys.contains(&ApiVersion { api_key: 3, min_version: 0, max_version: 5 }));
    assert!(response.api_keys.iter().all(|api| api.api_key != ApiKey::InitProducerId.code()));

    let link = dialogue.open(NodeId(1));
    dialogue.request(link, 6, client_core::protocol::MetadataRequest::default());
    let expected = LinkClosed::UnsupportedVersion { api: ApiKey::Metadata, version: 6 };
    assert_eq!(dialogue.expect_close(), expected);

    let link = dialogue.open(NodeId(1));
    dialogue.request(link, 1, client_core::protocol::InitProducerIdRequest::default());
    assert_eq!(dialogue.expect_close(), LinkClosed::UnsupportedApi { api_key: 22 });
}

/// KIP-1242: who says whom it means is told when it has reached somebody else.
#[test]
fn whoever_means_another_broker_is_told() {
    let meant = |cluster_id: Option<&str>, node_id| ApiVersionsRequest {
        cluster_id: cluster_id.map(Into::into),
        node_id,
        ..named("kafka-wasm")
    };
    let right = ClusterConfig::with_nodes(2).cluster_id;
    for (cluster_id, node_id, expected) in [
        (Some(right.as_str()), 2, ErrorCode::None),
        (Some(right.as_str()), 1, ErrorCode::RebootstrapRequired),
        (Some(right.as_str()), -1, ErrorCode::RebootstrapRequired),
        (Some("another"), 2, ErrorCode::RebootstrapRequired),
        (None, 1, ErrorCode::None),
        (None, -1, ErrorCode::None),
    ] {
        let mut dialogue = Dialogue::with_nodes(2);
        let response = dialogue.ask(NodeId(2), 5, meant(cluster_id, node_id));
        expect_error(response.error_code, expected);
    }
    // Earlier versions have no room for it.
    let mut dialogue = Dialogue::with_nodes(2);
    expect_error(dialogue.ask(NodeId(2), 4, meant(Some("another"), 1)).error_code, ErrorCode::None);
}
