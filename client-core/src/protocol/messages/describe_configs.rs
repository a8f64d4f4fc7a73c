//! DescribeConfigs (key 32), versions 1 to 4: the settings of topics, brokers and other things.
//!
//! 2 changes nothing, 3 adds types and documentation (KIP-569). 4 is flexible.
//!
//! Left out: version 0, which brokers 4.x have dropped.

use alloc::string::String;
use alloc::vec::Vec;

use crate::protocol::schema::schema;

schema! {
    /// Asks for settings.
    pub struct DescribeConfigsRequest {
        /// Of what.
        resources: Vec<DescribeConfigsResource> => since(0);
        /// Whether to tell where else each setting could come from.
        include_synonyms: bool => since(1);
        /// Whether to explain each setting.
        include_documentation: bool => since(3), ignorable();
    }

    /// Something that has settings.
    pub struct DescribeConfigsResource {
        /// What kind of thing: 2 a topic, 4 a broker.
        resource_type: i8 => since(0);
        /// Its name.
        resource_name: String => since(0);
        /// Which settings; null for all.
        configuration_keys: Option<Vec<String>> = Some(Vec::new()) => since(0), nullable_since(0);
    }

    /// Settings.
    pub struct DescribeConfigsResponse {
        /// How long a quota violation held the request up, in milliseconds.
        throttle_time_ms: i32 => since(0), ignorable();
        /// The results, one for each thing.
        results: Vec<DescribeConfigsResult> => since(0);
    }

    /// The settings of one thing.
    pub struct DescribeConfigsResult {
        /// 0, or why they are not told.
        error_code: i16 => since(0);
        /// The same in words.
        error_message: Option<String> = Some(String::new()) => since(0), nullable_since(0);
        /// What kind of thing.
        resource_type: i8 => since(0);
        /// Its name.
        resource_name: String => since(0);
        /// The settings.
        configs: Vec<DescribeConfigsResourceResult> => since(0);
    }

    /// A setting.
    pub struct DescribeConfigsResourceResult {
        /// Its name.
        name: String => since(0);
        /// Its value; null when it is secret or not set.
        value: Option<String> = Some(String::new()) => since(0), nullable_since(0);
        /// Whether it cannot be changed.
        read_only: bool => since(0);
        /// Where it comes from: 1 the topic, 2 this broker, 3 all brokers, 4 the broker's file, 5 the default.
        config_source: i8 = -1 => since(1), ignorable();
        /// Whether it is secret.
        is_sensitive: bool => since(0);
        /// Where it could come from.
        synonyms: Vec<DescribeConfigsSynonym> => since(1), ignorable();
        /// What its value is: 1 yes or no, 2 text, 3 to 5 whole numbers, 6 a number, 7 a list, 8 a class, 9 a password.
        config_type: i8 => since(3), ignorable();
        /// What it is for.
        documentation: Option<String> = Some(String::new()) => since(3), nullable_since(0), ignorable();
    }

    /// Another place where a setting could come from.
    pub struct DescribeConfigsSynonym {
        /// Its name there.
        name: String => since(1);
        /// Its value there; null when it is secret.
        value: Option<String> = Some(String::new()) => since(1), nullable_since(0);
        /// The place, as above.
        source: i8 => since(1);
    }
}
