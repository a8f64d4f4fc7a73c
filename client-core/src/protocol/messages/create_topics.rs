//! CreateTopics (key 19), versions 2 to 7: create topics, or check whether they could be.
//!
//! 3 changes nothing, 4 lets the broker choose the number of partitions and replicas (KIP-464). 5 is flexible, and answers with what was created
//! (KIP-525). 6 may be answered with `THROTTLING_QUOTA_EXCEEDED` (KIP-599). 7 answers with the topic's id.
//!
//! Left out: versions 0 and 1, which brokers 4.x have dropped.

use alloc::string::String;
use alloc::vec::Vec;

use crate::protocol::schema::schema;
use crate::protocol::uuid::Uuid;

schema! {
    /// Creates topics.
    pub struct CreateTopicsRequest {
        /// The topics to create.
        topics: Vec<CreatableTopic> => since(0);
        /// How long the broker may wait until they are there, in milliseconds.
        timeout_ms: i32 = 60_000 => since(0);
        /// Whether to check only, and create nothing.
        validate_only: bool => since(1);
    }

    /// A topic to create.
    pub struct CreatableTopic {
        /// Its name.
        name: String => since(0);
        /// How many partitions; -1 with assignments of one's own, or as the broker is configured.
        num_partitions: i32 => since(0);
        /// How many copies of each; -1 with assignments of one's own, or as the broker is configured.
        replication_factor: i16 => since(0);
        /// Which brokers are to hold which partition; none lets the cluster choose.
        assignments: Vec<CreatableReplicaAssignment> => since(0);
        /// Settings of the topic that differ from the cluster's.
        configs: Vec<CreatableTopicConfig> => since(0);
    }

    /// The brokers that are to hold one partition.
    pub struct CreatableReplicaAssignment {
        /// The partition's number.
        partition_index: i32 => since(0);
        /// The brokers, the preferred leader first.
        broker_ids: Vec<i32> => since(0);
    }

    /// A setting of a topic.
    pub struct CreatableTopicConfig {
        /// Its name.
        name: String => since(0);
        /// Its value.
        value: Option<String> = Some(String::new()) => since(0), nullable_since(0);
    }

    /// What became of each topic.
    pub struct CreateTopicsResponse {
        /// How long a quota violation held the request up, in milliseconds.
        throttle_time_ms: i32 => since(2), ignorable();
        /// The results, by topic.
        topics: Vec<CreatableTopicResult> => since(0);
    }

    /// What became of one topic.
    pub struct CreatableTopicResult {
        /// Its name.
        name: String => since(0);
        /// Its id.
        topic_id: Uuid => since(7), ignorable();
        /// 0, or why it was not created.
        error_code: i16 => since(0);
        /// The same in words.
        error_message: Option<String> = Some(String::new()) => since(1), nullable_since(0), ignorable();
        /// Why its settings are not told, if they are not.
        topic_config_error_code: i16 => since(5), tagged(0), ignorable();
        /// How many partitions it has.
        num_partitions: i32 = -1 => since(5), ignorable();
        /// How many copies of each.
        replication_factor: i16 = -1 => since(5), ignorable();
        /// Its settings.
        configs: Option<Vec<CreatableTopicConfigs>> = Some(Vec::new()) => since(5), nullable_since(5), ignorable();
    }

    /// A setting of a topic that was created.
    pub struct CreatableTopicConfigs {
        /// Its name.
        name: String => since(5);
        /// Its value; null when it is secret.
        value: Option<String> = Some(String::new()) => since(5), nullable_since(5);
        /// Whether it cannot be changed.
        read_only: bool => since(5);
        /// Where it comes from, as in DescribeConfigs.
        config_source: i8 = -1 => since(5), ignorable();
        /// Whether it is secret.
        is_sensitive: bool => since(5);
    }
}
