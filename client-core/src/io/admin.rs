//! What an admin client can be asked to do, and what it answers. Every command ends with one result for each of its parts.

use super::{OffsetFound, OffsetSpec, PartitionInfo};
use crate::error::Error;
use crate::ids::{TopicName, TopicPartition};
use alloc::string::String;
use alloc::vec::Vec;

/// Something an admin client is asked to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AdminCommand {
    /// Creates topics; with `validate_only` says only whether they could be.
    CreateTopics {
        /// Which topics.
        topics: Vec<NewTopic>,
        /// Whether to check only.
        validate_only: bool,
    },
    /// Deletes topics with all their records.
    DeleteTopics {
        /// Which topics.
        topics: Vec<TopicName>,
    },
    /// Gives topics more partitions.
    CreatePartitions {
        /// Which topics.
        topics: Vec<NewPartitions>,
        /// Whether to check only.
        validate_only: bool,
    },
    /// Which topics there are: one result, [`AdminFound::Topics`].
    ListTopics {
        /// Whether to name those too which Kafka uses for itself.
        include_internal: bool,
    },
    /// Partitions, leaders and replicas of topics.
    DescribeTopics {
        /// Which topics.
        topics: Vec<TopicName>,
    },
    /// Which brokers there are: one result, [`AdminFound::Cluster`].
    DescribeCluster,
    /// Looks offsets up.
    ListOffsets {
        /// Of which partitions, and which offset.
        partitions: Vec<(TopicPartition, OffsetSpec)>,
        /// Whether the end of a partition is that of the last ended transaction.
        read_committed: bool,
    },
    /// The settings of topics and brokers.
    DescribeConfigs {
        /// Of what; with names of settings, of these alone.
        resources: Vec<(ConfigResource, Option<Vec<String>>)>,
    },
    /// Changes single settings, and leaves the others as they are (KIP-339).
    IncrementalAlterConfigs {
        /// Of what, and how.
        resources: Vec<(ConfigResource, Vec<ConfigChange>)>,
        /// Whether to check only.
        validate_only: bool,
    },
    /// Deletes the oldest records of partitions.
    DeleteRecords {
        /// Of which partitions, and the first offset to keep; -1 keeps none.
        partitions: Vec<(TopicPartition, i64)>,
    },
}

impl AdminCommand {
    /// What errors call it.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::CreateTopics { .. } => "createTopics()",
            Self::DeleteTopics { .. } => "deleteTopics()",
            Self::CreatePartitions { .. } => "createPartitions()",
            Self::ListTopics { .. } => "listTopics()",
            Self::DescribeTopics { .. } => "describeTopics()",
            Self::DescribeCluster => "describeCluster()",
            Self::ListOffsets { .. } => "listOffsets()",
            Self::DescribeConfigs { .. } => "describeConfigs()",
            Self::IncrementalAlterConfigs { .. } => "incrementalAlterConfigs()",
            Self::DeleteRecords { .. } => "deleteRecords()",
        }
    }
}

/// A topic to create.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewTopic {
    /// Its name.
    pub topic: TopicName,
    /// How many partitions; -1 for as many as brokers make by default (KIP-464), and with a `replica_assignment`.
    pub num_partitions: i32,
    /// How many copies of each; -1 for as many as brokers make by default, and with a `replica_assignment`.
    pub replication_factor: i16,
    /// Each partition's number and the brokers that are to hold it, the preferred leader first. Empty lets the cluster choose.
    pub replica_assignment: Vec<(i32, Vec<i32>)>,
    /// Settings that differ from the cluster's.
    pub configs: Vec<(String, String)>,
}

impl NewTopic {
    /// A topic with this name, and everything else as brokers make it by default.
    #[must_use]
    pub fn named(topic: &str) -> Self {
        Self {
            topic: topic.into(),
            num_partitions: -1,
            replication_factor: -1,
            replica_assignment: Vec::new(),
            configs: Vec::new(),
        }
    }
}

/// A topic that is to have more partitions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewPartitions {
    /// Its name.
    pub topic: TopicName,
    /// How many partitions it is to have in all.
    pub total_count: i32,
    /// For each new partition the brokers that are to hold it. Empty lets the cluster choose.
    pub assignments: Vec<Vec<i32>>,
}

/// Something that has settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigResource {
    /// What kind of thing.
    pub kind: ConfigResourceType,
    /// A topic's name, a broker's node id; empty for what holds for all brokers.
    pub name: String,
}

/// Kinds of things that have settings, with the protocol's numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(i8)]
pub enum ConfigResourceType {
    /// A topic.
    Topic = 2,
    /// A broker, or all of them.
    Broker = 4,
    /// The levels of a broker's loggers (KIP-412).
    BrokerLogger = 8,
    /// A subscription to clients' metrics (KIP-714).
    ClientMetrics = 16,
    /// A group.
    Group = 32,
}

/// The change of one setting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigChange {
    /// Its name.
    pub name: String,
    /// What to do with it.
    pub operation: ConfigOperation,
    /// The value; none to take it away.
    pub value: Option<String>,
}

/// What to do with a setting, with the protocol's numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(i8)]
pub enum ConfigOperation {
    /// It gets the value.
    Set = 0,
    /// It falls back to what lies below.
    Delete = 1,
    /// The value is added to a list.
    Append = 2,
    /// The value is taken out of a list.
    Subtract = 3,
}

/// What became of one part of a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AdminResult {
    /// Which part.
    pub subject: AdminSubject,
    /// How it ended.
    pub result: Result<AdminFound, Error>,
}

/// What a part of a command is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AdminSubject {
    /// The cluster as a whole.
    Cluster,
    /// A topic.
    Topic(TopicName),
    /// A partition.
    Partition(TopicPartition),
    /// Something that has settings.
    Resource(ConfigResource),
}

/// What a part of a command ended with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AdminFound {
    /// It was done; there is nothing more to say.
    Done,
    /// Every topic.
    Topics(Vec<TopicDescription>),
    /// One topic.
    Topic(TopicDescription),
    /// The cluster.
    Cluster(ClusterDescription),
    /// An offset that was looked up.
    Offset(OffsetFound),
    /// The first offset of a partition, now that records were deleted.
    LowWatermark(i64),
    /// Settings.
    Configs(Vec<ConfigEntry>),
}

/// A topic as metadata describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TopicDescription {
    /// Its name.
    pub topic: TopicName,
    /// Its id in Kafka's notation; `None` when the broker is too old to tell.
    pub topic_id: Option<String>,
    /// Whether Kafka uses it for itself.
    pub is_internal: bool,
    /// Its partitions by number.
    pub partitions: Vec<PartitionInfo>,
}

/// A cluster as metadata describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClusterDescription {
    /// Its id; `None` when the broker is too old to tell.
    pub cluster_id: Option<String>,
    /// The node id of the broker that commands for the controller go to; `None` while there is none.
    pub controller: Option<i32>,
    /// The brokers that are alive.
    pub brokers: Vec<BrokerDescription>,
}

/// A broker as metadata describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BrokerDescription {
    /// Its node id.
    pub node_id: i32,
    /// The host it listens at.
    pub host: String,
    /// The port it listens at.
    pub port: i32,
    /// The rack it stands in.
    pub rack: Option<String>,
}

/// A setting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigEntry {
    /// Its name.
    pub name: String,
    /// Its value; `None` when it is secret or not set.
    pub value: Option<String>,
    /// Whether it cannot be changed.
    pub is_read_only: bool,
    /// Whether it is secret.
    pub is_sensitive: bool,
    /// Where it comes from, in the protocol's numbers: 1 the topic, 2 this broker, 3 all brokers, 4 the broker's file, 5 the default.
    pub source: i8,
    /// What its value is, in the protocol's numbers; 0 when the broker is too old to tell.
    pub kind: i8,
}
