//! What a cluster is made of.

use super::sasl::SaslConfig;
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use client_core::ids::NodeId;
use client_core::protocol::{ApiKey, VersionRange};
use client_core::time::Duration;
use core::fmt;

/// What a cluster is made of, and how its nodes are configured. All nodes are configured alike.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClusterConfig {
    /// The cluster's id, as clients see it.
    pub cluster_id: String,
    /// The nodes.
    pub nodes: Vec<NodeConfig>,
    /// Whether asking for the metadata of a topic creates it (`auto.create.topics.enable`).
    pub auto_create_topics: bool,
    /// Partitions of a topic that is created without saying how many (`num.partitions`).
    pub default_partitions: i32,
    /// Replicas of a topic that is created without saying how many (`default.replication.factor`).
    pub replication: usize,
    /// Closes links on which nothing has been asked or answered for so long (`connections.max.idle.ms`).
    /// `None` keeps them.
    pub connections_max_idle: Option<Duration>,
    /// Who may come in. `None` asks nobody.
    pub sasl: Option<SaslConfig>,
    /// Versions offered in place of all that the codec knows; `None` does not offer the API at all. To play
    /// an older broker.
    pub api_versions: BTreeMap<ApiKey, Option<VersionRange>>,
    /// How large things may become.
    pub limits: Limits,
}

/// One node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeConfig {
    /// Its number.
    pub node_id: NodeId,
    /// The host it advertises.
    pub host: String,
    /// The port it advertises.
    pub port: u16,
    /// The rack it stands in.
    pub rack: Option<String>,
}

/// How large things may become. The first three default to those of Apache Kafka.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of one request, and of requests that wait behind it on a link (`socket.request.max.bytes`).
    pub request_size_max: usize,
    /// Bytes of one record batch (`message.max.bytes`).
    pub batch_size_max: usize,
    /// Bytes of record batches in one Fetch reply (`fetch.max.bytes`).
    pub fetch_size_max: usize,
    /// Bytes of one partition's log; older batches are dropped.
    pub partition_size_max: usize,
    /// Idempotent producers that one partition remembers.
    pub producers_max: usize,
    /// Partitions of one topic.
    pub partitions_max: i32,
    /// Topics.
    pub topics_max: usize,
    /// Transactional ids.
    pub transactional_ids_max: usize,
    /// Faults waiting for their request.
    pub faults_max: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            request_size_max: 104_857_600,
            batch_size_max: 1_048_588,
            fetch_size_max: 57_671_680,
            partition_size_max: 256 << 20,
            producers_max: 10_000,
            partitions_max: 10_000,
            topics_max: 10_000,
            transactional_ids_max: 10_000,
            faults_max: 1_000,
        }
    }
}

impl ClusterConfig {
    /// So many nodes, numbered from 1 and advertised as `b1:9092`, `b2:9092` and so on; three partitions for
    /// each topic, topics created on demand, everything replicated to up to three nodes.
    #[must_use]
    pub fn with_nodes(nodes: u16) -> Self {
        Self {
            cluster_id: "simulated-cluster-0001".into(),
            nodes: (1..=nodes)
                .map(|number| NodeConfig {
                    node_id: NodeId(i32::from(number)),
                    host: format!("b{number}"),
                    port: 9092,
                    rack: None,
                })
                .collect(),
            auto_create_topics: true,
            default_partitions: 3,
            replication: usize::from(nodes.min(3)),
            connections_max_idle: None,
            sasl: None,
            api_versions: BTreeMap::new(),
            limits: Limits::default(),
        }
    }

    /// The versions of an API that the nodes offer.
    pub(crate) fn offered(&self, api: ApiKey) -> Option<VersionRange> {
        // What this cluster has no idea of.
        if matches!(api, ApiKey::DescribeConfigs | ApiKey::IncrementalAlterConfigs) {
            return None;
        }
        let known = api.versions();
        match self.api_versions.get(&api) {
            None => Some(known),
            Some(None) => None,
            Some(Some(wanted)) => {
                let offered = VersionRange::new(wanted.min.max(known.min), wanted.max.min(known.max));
                (offered.min <= offered.max).then_some(offered)
            }
        }
    }

    pub(crate) fn check(&self) -> Result<(), InvalidClusterConfig> {
        let problem = |key: &'static str, problem: String| Err(InvalidClusterConfig { key, problem });
        if self.nodes.is_empty() {
            return problem("nodes", "expected at least one node, got none".into());
        }
        let mut seen = BTreeSet::new();
        for node in &self.nodes {
            if node.node_id.0 < 0 {
                return problem("nodes", format!("expected a node id of 0 or more, got {}", node.node_id.0));
            }
            if !seen.insert(node.node_id) {
                return problem("nodes", format!("expected each node once, got {} twice", node.node_id));
            }
            if node.host.is_empty() || node.host.len() > HOST_LENGTH_MAX {
                return problem(
                    "nodes",
                    format!("expected a host of 1 to {HOST_LENGTH_MAX} bytes for {}", node.node_id),
                );
            }
        }
        if self.replication == 0 || self.replication > self.nodes.len() {
            return problem(
                "replication",
                format!("expected 1 to {} (the number of nodes), got {}", self.nodes.len(), self.replication),
            );
        }
        if !(1..=self.limits.partitions_max).contains(&self.default_partitions) {
            return problem(
                "default_partitions",
                format!("expected 1 to {}, got {}", self.limits.partitions_max, self.default_partitions),
            );
        }
        if let Some(sasl) = &self.sasl {
            sasl.check()?;
        }
        if self.cluster_id.len() > HOST_LENGTH_MAX {
            return problem(
                "cluster_id",
                format!("expected at most {HOST_LENGTH_MAX} bytes, got {}", self.cluster_id.len()),
            );
        }
        Ok(())
    }
}

/// A cluster cannot be made of this.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidClusterConfig {
    /// The field of [`ClusterConfig`].
    pub key: &'static str,
    /// Expected and got.
    pub problem: String,
}

impl fmt::Display for InvalidClusterConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.key, self.problem)
    }
}

impl core::error::Error for InvalidClusterConfig {}

impl NodeConfig {
    /// `host:port`, as it is advertised.
    #[must_use]
    pub fn address(&self) -> String {
        let port = self.port.to_string();
        [self.host.as_str(), ":", port.as_str()].concat()
    }
}

/// The longest name DNS allows.
pub(crate) const HOST_LENGTH_MAX: usize = 253;
