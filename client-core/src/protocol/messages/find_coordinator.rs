//! FindCoordinator (key 10), versions 0 to 6: which broker coordinates a group or a transactional producer.
//!
//! 1 adds the type of key, the throttle time and error messages. 3 is flexible. 4 asks for several keys at
//! once, in fields of their own (KIP-699). 5 has a new error code, 6 a new type of key: share groups.
//!
//! Left out: nothing.

use alloc::string::String;
use alloc::vec::Vec;

use crate::protocol::schema::schema;

schema! {
    /// Asks which broker coordinates something.
    pub struct FindCoordinatorRequest {
        /// The group or transactional id, up to version 3.
        key: String => since(0), until(3);
        /// What the keys are: 0 groups, 1 transactional ids, 2 share groups.
        key_type: i8 => since(1);
        /// The groups or transactional ids, from version 4 on.
        coordinator_keys: Vec<String> => since(4);
    }

    /// Which broker coordinates something. Up to version 3 there is one answer, in the fields of this
    /// struct; from version 4 on they are in `coordinators`.
    pub struct FindCoordinatorResponse {
        /// How long a quota violation held the request up, in milliseconds.
        throttle_time_ms: i32 => since(1), ignorable();
        /// 0, or why there is no coordinator.
        error_code: i16 => since(0), until(3);
        /// The same in words.
        error_message: Option<String> = Some(String::new()) => since(1), until(3), nullable_since(1), ignorable();
        /// The coordinator.
        node_id: i32 => since(0), until(3);
        /// The host it can be reached at.
        host: String => since(0), until(3);
        /// The port it can be reached at.
        port: i32 => since(0), until(3);
        /// The answers, by key.
        coordinators: Vec<Coordinator> => since(4);
    }

    /// The broker that coordinates one group or transactional producer.
    pub struct Coordinator {
        /// The group or transactional id.
        key: String => since(4);
        /// The coordinator.
        node_id: i32 => since(4);
        /// The host it can be reached at.
        host: String => since(4);
        /// The port it can be reached at.
        port: i32 => since(4);
        /// 0, or why there is no coordinator.
        error_code: i16 => since(4);
        /// The same in words.
        error_message: Option<String> = Some(String::new()) => since(4), nullable_since(4), ignorable();
    }
}
