//! ApiVersions (key 18), versions 0 to 5: which APIs and versions a broker speaks.
//!
//! 1 adds the throttle time. 3 is flexible, tells the broker who is asking, and lists features (KIP-511,
//! KIP-584). 4 lets feature ranges begin at 0. 5 says whom the client means to reach, so that a broker which is somebody else can
//! answer `REBOOTSTRAP_REQUIRED` (KIP-1242). A broker that does not know the version of the request
//! answers in version 0 with `UNSUPPORTED_VERSION`; [`Response::decode`](crate::protocol::Response::decode)
//! knows.
//!
//! Left out: nothing.

use alloc::string::String;
use alloc::vec::Vec;

use crate::protocol::schema::schema;

schema! {
    /// Asks a broker which APIs and versions it speaks. The first request on every connection.
    pub struct ApiVersionsRequest {
        /// The name of the client software: letters, digits, dots and dashes.
        client_software_name: String => since(3), ignorable();
        /// The version of the client software, in the same alphabet.
        client_software_version: String => since(3), ignorable();
        /// The cluster the client means to reach; null if it does not mind.
        cluster_id: Option<String> = None => since(5), nullable_since(5), ignorable();
        /// The broker the client means to reach; -1 if it does not mind. Brokers refuse it without a cluster.
        node_id: i32 = -1 => since(5), ignorable();
    }

    /// Which APIs and versions a broker speaks.
    pub struct ApiVersionsResponse {
        /// 0, or what is wrong with the request.
        error_code: i16 => since(0);
        /// The APIs the broker speaks.
        api_keys: Vec<ApiVersion> => since(0);
        /// How long a quota violation held the request up, in milliseconds.
        throttle_time_ms: i32 => since(1), ignorable();
        /// Features the broker supports. Version 3 leaves out those whose range begins at 0.
        supported_features: Vec<SupportedFeatureKey> => since(3), tagged(0), ignorable();
        /// Grows with every change of the finalized features; -1 when unknown.
        finalized_features_epoch: i64 = -1 => since(3), tagged(1), ignorable();
        /// Features the whole cluster has agreed on. Valid if the epoch is not -1.
        finalized_features: Vec<FinalizedFeatureKey> => since(3), tagged(2), ignorable();
        /// Whether a controller could take over from ZooKeeper.
        zk_migration_ready: bool => since(3), tagged(3), ignorable();
    }

    /// The versions of one API a broker speaks.
    pub struct ApiVersion {
        /// The number of the API.
        api_key: i16 => since(0);
        /// The lowest version, inclusive.
        min_version: i16 => since(0);
        /// The highest version, inclusive.
        max_version: i16 => since(0);
    }

    /// The levels of a feature a broker supports.
    pub struct SupportedFeatureKey {
        /// The feature.
        name: String => since(3);
        /// Its lowest level.
        min_version: i16 => since(3);
        /// Its highest level.
        max_version: i16 => since(3);
    }

    /// The levels of a feature the cluster has agreed on.
    pub struct FinalizedFeatureKey {
        /// The feature.
        name: String => since(3);
        /// The highest level in use.
        max_version_level: i16 => since(3);
        /// The lowest level in use.
        min_version_level: i16 => since(3);
    }
}
