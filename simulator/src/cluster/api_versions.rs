//! ApiVersions, versions 0 to 5.
//!
//! A version that is not offered is answered in version 0 with `UNSUPPORTED_VERSION` and the versions of
//! ApiVersions alone (KIP-511). A software name or version with odd characters is an `INVALID_REQUEST`. Who means to reach another
//! cluster or node is told so with `REBOOTSTRAP_REQUIRED` (KIP-1242); whoever names no cluster is not compared.
//!
//! Deviations from Apache Kafka: only the APIs this cluster speaks are listed, and of Produce, Fetch and
//! ListOffsets only versions that carry record batches of magic 2. No features are reported.

use super::state::ClusterState;
use alloc::vec;
use alloc::vec::Vec;
use client_core::ids::NodeId;
use client_core::protocol::{
    ApiKey, ApiVersion, ApiVersionsRequest, ApiVersionsResponse, ErrorCode, Response, VersionRange,
};

impl ClusterState {
    pub(crate) fn api_versions(
        &self,
        node_id: NodeId,
        version: i16,
        request: &ApiVersionsRequest,
    ) -> Response {
        let named = |text: &str| is_software_text(text) || version < SOFTWARE_NAMED_SINCE;
        if !named(&request.client_software_name) || !named(&request.client_software_version) {
            return failed(ErrorCode::InvalidRequest);
        }
        if let Some(cluster_id) = &request.cluster_id
            && (*cluster_id != self.config.cluster_id || request.node_id != node_id.0)
        {
            return failed(ErrorCode::RebootstrapRequired);
        }
        let api_keys: Vec<ApiVersion> =
            ApiKey::ALL.into_iter().filter_map(|api| Some(listed(api, self.config.offered(api)?))).collect();
        ApiVersionsResponse { api_keys, ..Default::default() }.into()
    }

    /// The answer to a version that is not offered.
    pub(crate) fn api_versions_unsupported(&self) -> Response {
        let api_keys = self
            .config
            .offered(ApiKey::ApiVersions)
            .map_or_else(Vec::new, |versions| vec![listed(ApiKey::ApiVersions, versions)]);
        ApiVersionsResponse {
            error_code: ErrorCode::UnsupportedVersion.code(),
            api_keys,
            ..Default::default()
        }
        .into()
    }
}

/// The answer when everything has failed with this error.
pub(crate) fn failed(error: ErrorCode) -> Response {
    ApiVersionsResponse { error_code: error.code(), ..Default::default() }.into()
}

const fn listed(api: ApiKey, versions: VersionRange) -> ApiVersion {
    ApiVersion { api_key: api.code(), min_version: versions.min, max_version: versions.max }
}

/// Letters, digits, dots and dashes, beginning and ending with a letter or digit.
fn is_software_text(text: &str) -> bool {
    let alphanumeric = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
    let bytes = text.as_bytes();
    alphanumeric(bytes.first())
        && alphanumeric(bytes.last())
        && bytes.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-'))
}

/// The first version that says which software is asking.
const SOFTWARE_NAMED_SINCE: i16 = 3;
