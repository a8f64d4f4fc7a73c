//! What Produce and Fetch responses say of a partition that has moved to another broker (KIP-951).

use alloc::string::String;

use crate::protocol::schema::schema;

schema! {
    /// The leader of a partition.
    pub struct LeaderIdAndEpoch {
        /// The broker; -1 when unknown.
        leader_id: i32 = -1 => since(0);
        /// How many leaders the partition has had; -1 when unknown.
        leader_epoch: i32 = -1 => since(0);
    }

    /// The address of a broker.
    pub struct NodeEndpoint {
        /// The broker.
        node_id: i32 => since(0);
        /// The host it can be reached at.
        host: String => since(0);
        /// The port it can be reached at.
        port: i32 => since(0);
        /// The rack it stands in.
        rack: Option<String> => since(0), nullable_since(0);
    }
}
