//! InitProducerId (key 22), versions 0 to 5: obtain a producer id, for idempotent and transactional writes.
//!
//! 2 is flexible. 3 lets a producer keep its id after `INVALID_PRODUCER_EPOCH` (KIP-360). 4 and 5 have the
//! same fields and new error codes, `PRODUCER_FENCED` and `TRANSACTION_ABORTABLE`.
//!
//! Left out: version 6 (two-phase commit, KIP-939), which Kafka 4.3 still marks unstable.

use alloc::string::String;

use crate::protocol::schema::schema;

schema! {
    /// Asks for a producer id.
    pub struct InitProducerIdRequest {
        /// The transactional id; null for an idempotent producer without transactions. (The protocol's
        /// definition makes empty text the default, which brokers refuse; ours is null.)
        transactional_id: Option<String> => since(0), nullable_since(0);
        /// How long a transaction may stay idle before the broker aborts it, in milliseconds.
        transaction_timeout_ms: i32 => since(0);
        /// The id to keep; -1 for a new one.
        producer_id: i64 = -1 => since(3);
        /// The epoch that goes with it; -1 for a new one.
        producer_epoch: i16 = -1 => since(3);
    }

    /// A producer id.
    pub struct InitProducerIdResponse {
        /// How long a quota violation held the request up, in milliseconds.
        throttle_time_ms: i32 => since(0), ignorable();
        /// 0, or why there is no id.
        error_code: i16 => since(0);
        /// The id; -1 for none.
        producer_id: i64 = -1 => since(0);
        /// The epoch that goes with it.
        producer_epoch: i16 => since(0);
    }
}
