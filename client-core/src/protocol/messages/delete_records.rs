//! DeleteRecords (key 21), versions 0 to 2: delete the oldest records of partitions. Goes to each partition's leader.
//!
//! 1 changes nothing, 2 is flexible.
//!
//! Left out: nothing.

use alloc::string::String;
use alloc::vec::Vec;

use crate::protocol::schema::schema;

schema! {
    /// Deletes the oldest records of partitions.
    pub struct DeleteRecordsRequest {
        /// The partitions, by topic.
        topics: Vec<DeleteRecordsTopic> => since(0);
        /// How long the leader may wait for the other replicas, in milliseconds.
        timeout_ms: i32 => since(0);
    }

    /// Partitions of one topic.
    pub struct DeleteRecordsTopic {
        /// The topic's name.
        name: String => since(0);
        /// The partitions.
        partitions: Vec<DeleteRecordsPartition> => since(0);
    }

    /// One partition.
    pub struct DeleteRecordsPartition {
        /// Its number.
        partition_index: i32 => since(0);
        /// The first offset to keep; -1 keeps nothing.
        offset: i64 => since(0);
    }

    /// What became of each partition.
    pub struct DeleteRecordsResponse {
        /// How long a quota violation held the request up, in milliseconds.
        throttle_time_ms: i32 => since(0), ignorable();
        /// The results, by topic.
        topics: Vec<DeleteRecordsTopicResult> => since(0);
    }

    /// What became of the partitions of one topic.
    pub struct DeleteRecordsTopicResult {
        /// The topic's name.
        name: String => since(0);
        /// The results, by partition.
        partitions: Vec<DeleteRecordsPartitionResult> => since(0);
    }

    /// What became of one partition.
    pub struct DeleteRecordsPartitionResult {
        /// Its number.
        partition_index: i32 => since(0);
        /// Its first offset now.
        low_watermark: i64 => since(0);
        /// 0, or why nothing was deleted.
        error_code: i16 => since(0);
    }
}
