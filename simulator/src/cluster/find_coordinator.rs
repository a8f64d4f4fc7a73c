//! FindCoordinator, versions 0 to 6.
//!
//! Groups and transactional ids are spread over the nodes that are up by Java's hash of the key, as over the
//! 50 partitions of Kafka's internal topics.
//!
//! Deviations from Apache Kafka: there are no internal topics; when a node goes down all keys are spread anew
//! over the others. Share groups (type 2) are not there: they get `INVALID_REQUEST`, as from a broker that has
//! them switched off.

use super::state::ClusterState;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use client_core::protocol::{
    Coordinator, ErrorCode, FindCoordinatorRequest, FindCoordinatorResponse, Response,
};

impl ClusterState {
    pub(crate) fn find_coordinator(&self, version: i16, request: &FindCoordinatorRequest) -> Response {
        respond(version, request, |key| self.coordinator_of(request.key_type, key))
    }

    fn coordinator_of(&self, key_type: i8, key: &str) -> Coordinator {
        if !matches!(key_type, GROUP | TRANSACTION) {
            return failed_key(key, ErrorCode::InvalidRequest);
        }
        match self.coordinator(key) {
            Some(node) => Coordinator {
                key: key.into(),
                node_id: node.config.node_id.0,
                host: node.config.host.clone(),
                port: i32::from(node.config.port),
                error_code: 0,
                error_message: Some(ErrorCode::None.name().to_string()),
            },
            None => failed_key(key, ErrorCode::CoordinatorNotAvailable),
        }
    }
}

/// The answer when everything has failed with this error.
pub(crate) fn failed(version: i16, request: &FindCoordinatorRequest, error: ErrorCode) -> Response {
    respond(version, request, |key| failed_key(key, error))
}

fn respond(version: i16, request: &FindCoordinatorRequest, find: impl Fn(&str) -> Coordinator) -> Response {
    if version >= SEVERAL_SINCE {
        let coordinators: Vec<Coordinator> = request.coordinator_keys.iter().map(|key| find(key)).collect();
        return FindCoordinatorResponse { coordinators, ..Default::default() }.into();
    }
    let Coordinator { node_id, host, port, error_code, error_message, .. } = find(&request.key);
    FindCoordinatorResponse { error_code, error_message, node_id, host, port, ..Default::default() }.into()
}

fn failed_key(key: &str, error: ErrorCode) -> Coordinator {
    Coordinator {
        key: key.into(),
        node_id: -1,
        host: String::new(),
        port: -1,
        error_code: error.code(),
        error_message: Some(error.description().to_string()),
    }
}

const GROUP: i8 = 0;
const TRANSACTION: i8 = 1;
/// The first version that asks for several keys at once.
const SEVERAL_SINCE: i16 = 4;
