//! IncrementalAlterConfigs (key 44), versions 0 and 1: change single settings of topics, brokers and other things (KIP-339).
//!
//! 1 is flexible.
//!
//! Left out: nothing.

use alloc::string::String;
use alloc::vec::Vec;

use crate::protocol::schema::schema;

schema! {
    /// Changes settings.
    pub struct IncrementalAlterConfigsRequest {
        /// Of what.
        resources: Vec<AlterConfigsResource> => since(0);
        /// Whether to check only, and change nothing.
        validate_only: bool => since(0);
    }

    /// Something whose settings are to change.
    pub struct AlterConfigsResource {
        /// What kind of thing: 2 a topic, 4 a broker.
        resource_type: i8 => since(0);
        /// Its name.
        resource_name: String => since(0);
        /// The changes.
        configs: Vec<AlterableConfig> => since(0);
    }

    /// The change of one setting.
    pub struct AlterableConfig {
        /// Its name.
        name: String => since(0);
        /// 0 sets it, 1 takes it away, 2 adds to a list, 3 takes from a list.
        config_operation: i8 => since(0);
        /// The value; null to take it away.
        value: Option<String> = Some(String::new()) => since(0), nullable_since(0);
    }

    /// What became of the changes.
    pub struct IncrementalAlterConfigsResponse {
        /// How long a quota violation held the request up, in milliseconds.
        throttle_time_ms: i32 => since(0), ignorable();
        /// The results, one for each thing.
        responses: Vec<AlterConfigsResourceResponse> => since(0);
    }

    /// What became of the changes of one thing.
    pub struct AlterConfigsResourceResponse {
        /// 0, or why nothing was changed.
        error_code: i16 => since(0);
        /// The same in words.
        error_message: Option<String> = Some(String::new()) => since(0), nullable_since(0);
        /// What kind of thing.
        resource_type: i8 => since(0);
        /// Its name.
        resource_name: String => since(0);
    }
}
