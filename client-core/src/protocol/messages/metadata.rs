//! Metadata (key 3), versions 0 to 13: which brokers exist, and which of them leads which partition.
//!
//! 1 lets the list of topics be null (all topics) and adds controller, racks and internal topics. 2 adds
//! the cluster id, 3 the throttle time, 4 the choice not to create topics, 5 offline replicas, 7 leader
//! epochs, 8 authorized operations. 9 is flexible. 10 adds topic ids, 11 drops the cluster's authorized
//! operations, 12 makes asking by topic id work (in 10 and 11 brokers did not implement it), 13 adds an
//! error for the whole response (KIP-1102).
//!
//! Left out: nothing.

use alloc::string::String;
use alloc::vec::Vec;

use crate::protocol::schema::schema;
use crate::protocol::uuid::Uuid;

schema! {
    /// Asks for brokers, topics and partition leaders.
    pub struct MetadataRequest {
        /// The topics to describe. Null means all of them; so does an empty list in version 0, which means
        /// none from version 1 on.
        topics: Option<Vec<MetadataRequestTopic>> = Some(Vec::new()) => since(0), nullable_since(1);
        /// Whether the broker may create topics that do not exist, if it is configured to do so.
        allow_auto_topic_creation: bool = true => since(4);
        /// Whether to say what we may do with the cluster.
        include_cluster_authorized_operations: bool => since(8), until(10);
        /// Whether to say what we may do with each topic.
        include_topic_authorized_operations: bool => since(8);
    }

    /// A topic to describe.
    pub struct MetadataRequestTopic {
        /// The topic's id; zero when asking by name. Only from version 12 on may it be used.
        topic_id: Uuid => since(10), ignorable();
        /// The topic's name; null when asking by id.
        name: Option<String> = Some(String::new()) => since(0), nullable_since(10);
    }

    /// Brokers, topics and partition leaders, as one broker knows them.
    pub struct MetadataResponse {
        /// How long a quota violation held the request up, in milliseconds.
        throttle_time_ms: i32 => since(3), ignorable();
        /// The brokers that are alive.
        brokers: Vec<MetadataResponseBroker> => since(0);
        /// The id of the cluster.
        cluster_id: Option<String> => since(2), nullable_since(2), ignorable();
        /// The broker that acts as controller; -1 when unknown.
        controller_id: i32 = -1 => since(1), ignorable();
        /// The topics asked for.
        topics: Vec<MetadataResponseTopic> => since(0);
        /// What we may do with the cluster, as a bit set; [`i32::MIN`] when not asked for.
        cluster_authorized_operations: i32 = i32::MIN => since(8), until(10);
        /// 0, or what is wrong with the request as a whole.
        error_code: i16 => since(13), ignorable();
    }

    /// A broker and its address.
    pub struct MetadataResponseBroker {
        /// The broker's id.
        node_id: i32 => since(0);
        /// The host it can be reached at.
        host: String => since(0);
        /// The port it can be reached at.
        port: i32 => since(0);
        /// The rack it stands in.
        rack: Option<String> => since(1), nullable_since(1), ignorable();
    }

    /// A topic and its partitions.
    pub struct MetadataResponseTopic {
        /// 0, or why the topic cannot be described.
        error_code: i16 => since(0);
        /// The topic's name; null for an unknown topic that was asked for by id.
        name: Option<String> = Some(String::new()) => since(0), nullable_since(12);
        /// The topic's id; zero for an unknown topic that was asked for by name.
        topic_id: Uuid => since(10), ignorable();
        /// Whether Kafka uses the topic for itself.
        is_internal: bool => since(1), ignorable();
        /// The topic's partitions, in no particular order.
        partitions: Vec<MetadataResponsePartition> => since(0);
        /// What we may do with the topic, as a bit set; [`i32::MIN`] when not asked for.
        topic_authorized_operations: i32 = i32::MIN => since(8);
    }

    /// A partition, its leader and its replicas.
    pub struct MetadataResponsePartition {
        /// 0, or why the partition has no usable leader.
        error_code: i16 => since(0);
        /// The partition's number.
        partition_index: i32 => since(0);
        /// The broker that leads it; -1 for none.
        leader_id: i32 => since(0);
        /// How many leaders it has had; -1 when unknown.
        leader_epoch: i32 = -1 => since(7), ignorable();
        /// All brokers that hold the partition.
        replica_nodes: Vec<i32> => since(0);
        /// Those of them that are in sync with the leader.
        isr_nodes: Vec<i32> => since(0);
        /// Those of them that are offline.
        offline_replicas: Vec<i32> => since(5), ignorable();
    }
}
