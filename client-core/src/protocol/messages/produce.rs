//! Produce (key 0), versions 3 to 13: append record batches to partitions.
//!
//! 3 brings record batches (magic 2) and transactions. 5 returns the log's start offset. 7 allows zstd.
//! 8 says which records spoiled their batch (KIP-467). 9 is flexible. 10 names the new leader when the
//! partition has moved (KIP-951). 11 and 12 are about transactions (KIP-890). 13 names topics by id, not
//! by name (KIP-516). 4, 6, 11 and 12 have the fields of the version before.
//!
//! With `acks` 0 the broker sends no response at all.
//!
//! Left out: versions 0 to 2, which carry message sets of magic 0 and 1.

use alloc::string::String;
use alloc::vec::Vec;

use bytes::Bytes;

use super::leader::{LeaderIdAndEpoch, NodeEndpoint};
use crate::protocol::schema::schema;
use crate::protocol::uuid::Uuid;

schema! {
    /// Appends record batches to partitions this broker leads.
    pub struct ProduceRequest {
        /// The transactional id; null for a producer without transactions.
        transactional_id: Option<String> => since(3), nullable_since(3);
        /// Who must have the records before the broker answers: 0 nobody (and it does not answer), 1 the
        /// leader, -1 all replicas in sync.
        acks: i16 => since(0);
        /// How long the broker may wait for those acknowledgements, in milliseconds.
        timeout_ms: i32 => since(0);
        /// The batches, by topic.
        topic_data: Vec<TopicProduceData> => since(0);
    }

    /// The batches for one topic.
    pub struct TopicProduceData {
        /// The topic's name.
        name: String => since(0), until(12), ignorable();
        /// The topic's id.
        topic_id: Uuid => since(13), ignorable();
        /// The batches, by partition.
        partition_data: Vec<PartitionProduceData> => since(0);
    }

    /// The batch for one partition.
    pub struct PartitionProduceData {
        /// The partition's number.
        index: i32 => since(0);
        /// The record batch. Brokers refuse more than one.
        records: Option<Bytes> => since(0), nullable_since(0), records();
    }

    /// What became of the batches of a request.
    pub struct ProduceResponse {
        /// The results, by topic.
        responses: Vec<TopicProduceResponse> => since(0);
        /// How long a quota violation held the request up, in milliseconds.
        throttle_time_ms: i32 => since(1), ignorable();
        /// The addresses of all leaders named in this response.
        node_endpoints: Vec<NodeEndpoint> => since(10), tagged(0);
    }

    /// What became of the batches for one topic.
    pub struct TopicProduceResponse {
        /// The topic's name.
        name: String => since(0), until(12), ignorable();
        /// The topic's id.
        topic_id: Uuid => since(13), ignorable();
        /// The results, by partition.
        partition_responses: Vec<PartitionProduceResponse> => since(0);
    }

    /// What became of the batch for one partition.
    pub struct PartitionProduceResponse {
        /// The partition's number.
        index: i32 => since(0);
        /// 0, or why the batch was not appended.
        error_code: i16 => since(0);
        /// The offset of the batch's first record.
        base_offset: i64 => since(0);
        /// When the broker appended it, in milliseconds since 1970, if the topic uses append time; else -1.
        log_append_time_ms: i64 = -1 => since(2), ignorable();
        /// The first offset of the log.
        log_start_offset: i64 = -1 => since(5), ignorable();
        /// The records that spoiled the batch.
        record_errors: Vec<BatchIndexAndErrorMessage> => since(8), ignorable();
        /// What they have in common.
        error_message: Option<String> => since(8), nullable_since(8), ignorable();
        /// The partition's leader, when this broker is not it.
        current_leader: LeaderIdAndEpoch => since(10), tagged(0);
    }

    /// A record that spoiled its batch.
    pub struct BatchIndexAndErrorMessage {
        /// Its place in the batch, from 0.
        batch_index: i32 => since(8);
        /// What is wrong with it.
        batch_index_error_message: Option<String> => since(8), nullable_since(8);
    }
}
