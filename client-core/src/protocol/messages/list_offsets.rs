//! ListOffsets (key 2), versions 1 to 11: look up offsets by timestamp, or the first and the last one.
//!
//! 2 adds the isolation level and the throttle time, 4 leader epochs. 6 is flexible. 7, 8, 9 and 11 add
//! special timestamps: -3 the record with the largest timestamp (KIP-734), -4 the start of the local log
//! (KIP-405), -5 the last tiered offset (KIP-1005), -6 the earliest offset still to be tiered (KIP-1023).
//! 10 adds a timeout for look-ups in remote storage (KIP-1075).
//!
//! Left out: version 0, which answers with a list of segment boundaries.

use alloc::string::String;
use alloc::vec::Vec;

use crate::io::OffsetSpec;
use crate::protocol::schema::schema;

/// As [`ListOffsetsPartition::timestamp`]: the end of the log, where the next record will go.
pub const LATEST_TIMESTAMP: i64 = OffsetSpec::Latest.timestamp();

/// As [`ListOffsetsPartition::timestamp`]: the first offset of the log.
pub const EARLIEST_TIMESTAMP: i64 = OffsetSpec::Earliest.timestamp();

schema! {
    /// Asks for offsets by timestamp.
    pub struct ListOffsetsRequest {
        /// -1 for clients, else the replica that asks.
        replica_id: i32 = -1 => since(0);
        /// 0 lets the end of the log be the high watermark (read uncommitted), 1 the last stable offset.
        isolation_level: i8 => since(2);
        /// What to look up, by topic.
        topics: Vec<ListOffsetsTopic> => since(0);
        /// How long a look-up in remote storage may take, in milliseconds.
        timeout_ms: i32 => since(10), ignorable();
    }

    /// What to look up in one topic.
    pub struct ListOffsetsTopic {
        /// The topic's name.
        name: String => since(0);
        /// What to look up, by partition.
        partitions: Vec<ListOffsetsPartition> => since(0);
    }

    /// What to look up in one partition.
    pub struct ListOffsetsPartition {
        /// The partition's number.
        partition_index: i32 => since(0);
        /// The leader epoch we believe in; -1 when unknown.
        current_leader_epoch: i32 = -1 => since(4), ignorable();
        /// Milliseconds since 1970: the first record not older is looked up. Or a special timestamp below
        /// zero, such as [`LATEST_TIMESTAMP`] and [`EARLIEST_TIMESTAMP`].
        timestamp: i64 => since(0);
    }

    /// Offsets by timestamp.
    pub struct ListOffsetsResponse {
        /// How long a quota violation held the request up, in milliseconds.
        throttle_time_ms: i32 => since(2), ignorable();
        /// The results, by topic.
        topics: Vec<ListOffsetsTopicResponse> => since(0);
    }

    /// What was found in one topic.
    pub struct ListOffsetsTopicResponse {
        /// The topic's name.
        name: String => since(0);
        /// The results, by partition.
        partitions: Vec<ListOffsetsPartitionResponse> => since(0);
    }

    /// What was found in one partition.
    pub struct ListOffsetsPartitionResponse {
        /// The partition's number.
        partition_index: i32 => since(0);
        /// 0, or why nothing could be looked up.
        error_code: i16 => since(0);
        /// The timestamp of the record found; -1 when there is none or it was not a look-up by time.
        timestamp: i64 = -1 => since(1);
        /// The offset found; -1 when there is none.
        offset: i64 = -1 => since(1);
        /// The leader epoch of the record found; -1 when unknown.
        leader_epoch: i32 = -1 => since(4);
    }
}
