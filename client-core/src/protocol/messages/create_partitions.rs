//! CreatePartitions (key 37), versions 0 to 3: give topics more partitions.
//!
//! 1 changes nothing, 2 is flexible. 3 may be answered with `THROTTLING_QUOTA_EXCEEDED` (KIP-599).
//!
//! Left out: nothing.

use alloc::string::String;
use alloc::vec::Vec;

use crate::protocol::schema::schema;

schema! {
    /// Gives topics more partitions.
    pub struct CreatePartitionsRequest {
        /// The topics.
        topics: Vec<CreatePartitionsTopic> => since(0);
        /// How long the broker may wait until they are there, in milliseconds.
        timeout_ms: i32 => since(0);
        /// Whether to check only, and create nothing.
        validate_only: bool => since(0);
    }

    /// A topic that is to have more partitions.
    pub struct CreatePartitionsTopic {
        /// Its name.
        name: String => since(0);
        /// How many partitions it is to have in all.
        count: i32 => since(0);
        /// The brokers of each new partition; null lets the cluster choose.
        assignments: Option<Vec<CreatePartitionsAssignment>> = Some(Vec::new()) => since(0), nullable_since(0);
    }

    /// The brokers of one new partition.
    pub struct CreatePartitionsAssignment {
        /// The brokers, the preferred leader first.
        broker_ids: Vec<i32> => since(0);
    }

    /// What became of each topic.
    pub struct CreatePartitionsResponse {
        /// How long a quota violation held the request up, in milliseconds.
        throttle_time_ms: i32 => since(0), ignorable();
        /// The results, by topic.
        results: Vec<CreatePartitionsTopicResult> => since(0);
    }

    /// What became of one topic.
    pub struct CreatePartitionsTopicResult {
        /// Its name.
        name: String => since(0);
        /// 0, or why it has as many partitions as before.
        error_code: i16 => since(0);
        /// The same in words.
        error_message: Option<String> => since(0), nullable_since(0), ignorable();
    }
}
