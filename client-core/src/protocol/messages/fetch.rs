//! Fetch (key 1), versions 4 to 18: read record batches from partitions.
//!
//! 4 brings record batches (magic 2) and isolation levels. 5 adds the log's start offset. 7 adds fetch
//! sessions (KIP-227). 9 fences by leader epoch (KIP-320). 10 allows zstd. 11 lets consumers read from the
//! nearest replica (KIP-392). 12 is flexible and tells of diverging logs. 13 names topics by id, not by
//! name (KIP-516). 15 moves the replica's identity into a tagged field. 16 names new leaders' addresses
//! (KIP-951). 17 and 18 add fields for replicas. 6, 8, 10 and 14 have the fields of the version before.
//!
//! Left out: versions 0 to 3, which carry message sets of magic 0 and 1.

use alloc::string::String;
use alloc::vec::Vec;

use bytes::Bytes;

use super::leader::{LeaderIdAndEpoch, NodeEndpoint};
use crate::protocol::schema::schema;
use crate::protocol::uuid::Uuid;

schema! {
    /// Asks for record batches from partitions.
    pub struct FetchRequest {
        /// The id of the cluster; only controllers use it.
        cluster_id: Option<String> => since(12), nullable_since(12), tagged(0), ignorable();
        /// -1 for consumers, else the replica that fetches.
        replica_id: i32 = -1 => since(0), until(14);
        /// The replica that fetches; its default for consumers.
        replica_state: ReplicaState => since(15), tagged(1);
        /// How long the broker may wait for `min_bytes`, in milliseconds.
        max_wait_ms: i32 => since(0);
        /// Fewer bytes than these are worth waiting for more.
        min_bytes: i32 => since(0);
        /// The most bytes to return. A first batch that is larger is returned nevertheless.
        max_bytes: i32 = i32::MAX => since(3), ignorable();
        /// 0 returns all records (read uncommitted), 1 only those of committed transactions.
        isolation_level: i8 => since(4), ignorable();
        /// The fetch session; 0 for none.
        session_id: i32 => since(7), ignorable();
        /// The step in the fetch session; -1 for a fetch outside of sessions, 0 to begin one.
        session_epoch: i32 = -1 => since(7), ignorable();
        /// What to fetch; in a session, what has changed.
        topics: Vec<FetchTopic> => since(0);
        /// What to drop from the session.
        forgotten_topics_data: Vec<ForgottenTopic> => since(7);
        /// The consumer's rack, to read from a near replica.
        rack_id: String => since(11), ignorable();
    }

    /// A replica that fetches.
    pub struct ReplicaState {
        /// Its broker; -1 for a consumer.
        replica_id: i32 = -1 => since(15);
        /// That broker's epoch; -1 when unknown.
        replica_epoch: i64 = -1 => since(15);
    }

    /// What to fetch of one topic.
    pub struct FetchTopic {
        /// The topic's name.
        topic: String => since(0), until(12), ignorable();
        /// The topic's id.
        topic_id: Uuid => since(13), ignorable();
        /// What to fetch, by partition.
        partitions: Vec<FetchPartition> => since(0);
    }

    /// What to fetch of one partition.
    pub struct FetchPartition {
        /// The partition's number.
        partition: i32 => since(0);
        /// The leader epoch we believe in; -1 when unknown.
        current_leader_epoch: i32 = -1 => since(9), ignorable();
        /// The first offset wanted.
        fetch_offset: i64 => since(0);
        /// The epoch of the last record fetched; -1 to skip the check for divergence.
        last_fetched_epoch: i32 = -1 => since(12);
        /// The start of a replica's log; -1 for consumers.
        log_start_offset: i64 = -1 => since(5), ignorable();
        /// The most bytes to return of this partition. A first batch that is larger is returned nevertheless.
        partition_max_bytes: i32 => since(0);
        /// The directory of a replica that fetches.
        replica_directory_id: Uuid => since(17), tagged(0), ignorable();
        /// The high watermark a replica knows; [`i64::MAX`] when not stated.
        high_watermark: i64 = i64::MAX => since(18), tagged(1), ignorable();
    }

    /// What to drop from a fetch session of one topic.
    pub struct ForgottenTopic {
        /// The topic's name.
        topic: String => since(7), until(12), ignorable();
        /// The topic's id.
        topic_id: Uuid => since(13), ignorable();
        /// The partitions' numbers.
        partitions: Vec<i32> => since(7);
    }

    /// Record batches.
    pub struct FetchResponse {
        /// How long a quota violation held the request up, in milliseconds.
        throttle_time_ms: i32 => since(1), ignorable();
        /// 0, or what is wrong with the request as a whole.
        error_code: i16 => since(7), ignorable();
        /// The fetch session; 0 for none.
        session_id: i32 => since(7);
        /// The results, by topic.
        responses: Vec<FetchableTopicResponse> => since(0);
        /// The addresses of all leaders named in this response.
        node_endpoints: Vec<NodeEndpoint> => since(16), tagged(0);
    }

    /// What was fetched of one topic.
    pub struct FetchableTopicResponse {
        /// The topic's name.
        topic: String => since(0), until(12), ignorable();
        /// The topic's id.
        topic_id: Uuid => since(13), ignorable();
        /// The results, by partition.
        partitions: Vec<PartitionData> => since(0);
    }

    /// What was fetched of one partition.
    pub struct PartitionData {
        /// The partition's number.
        partition_index: i32 => since(0);
        /// 0, or why nothing could be fetched.
        error_code: i16 => since(0);
        /// The end of what all replicas in sync have: consumers see records below it.
        high_watermark: i64 => since(0);
        /// The end of what is decided: every transaction below it has been committed or aborted.
        last_stable_offset: i64 = -1 => since(4), ignorable();
        /// The first offset of the log.
        log_start_offset: i64 = -1 => since(5), ignorable();
        /// Where the log has diverged from what was fetched before, if it has.
        diverging_epoch: EpochEndOffset => since(12), tagged(0);
        /// The partition's leader, when this broker is not it.
        current_leader: LeaderIdAndEpoch => since(12), tagged(1);
        /// A snapshot to fetch instead; only controllers use it.
        snapshot_id: SnapshotId => since(12), tagged(2);
        /// The aborted transactions whose records a reader of committed records must drop.
        aborted_transactions: Option<Vec<AbortedTransaction>> => since(4), nullable_since(4), ignorable();
        /// The replica to fetch from next time; -1 for no preference.
        preferred_read_replica: i32 = -1 => since(11);
        /// The record batches. The last one may be cut off.
        records: Option<Bytes> => since(0), nullable_since(0), records();
    }

    /// Where a log has diverged.
    pub struct EpochEndOffset {
        /// The largest epoch both logs share; -1 for no divergence.
        epoch: i32 = -1 => since(12);
        /// Where that epoch ends.
        end_offset: i64 = -1 => since(12);
    }

    /// A snapshot of the cluster's metadata log.
    pub struct SnapshotId {
        /// The end of what it covers; -1 for none.
        end_offset: i64 = -1 => since(0);
        /// The epoch of the last record it covers; -1 for none.
        epoch: i32 = -1 => since(0);
    }

    /// A transaction whose records must be dropped by readers of committed records.
    pub struct AbortedTransaction {
        /// The producer of the transaction.
        producer_id: i64 => since(4);
        /// The first offset of the transaction in this partition.
        first_offset: i64 => since(4);
    }
}
