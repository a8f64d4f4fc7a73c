//! What worlds and tests do to a cluster, as plain data.

use super::Cluster;
use super::config::HOST_LENGTH_MAX;
use super::fault::RequestFault;
use super::link::LinkClosed;
use super::node::Node;
use alloc::format;
use alloc::string::String;
use client_core::ids::NodeId;
use client_core::protocol::ErrorCode;
use client_core::time::Instant;
use core::fmt;

/// Something done to a cluster from outside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClusterCommand {
    /// Creates a topic; `None` takes the cluster's defaults.
    CreateTopic {
        /// Its name.
        name: String,
        /// How many partitions.
        partitions: Option<i32>,
        /// How many replicas of each.
        replication: Option<usize>,
    },
    /// Deletes a topic with all its records.
    DeleteTopic {
        /// Its name.
        name: String,
    },
    /// Deletes the records below an offset: the log starts there.
    DeleteRecords {
        /// The topic.
        topic: String,
        /// The partition.
        partition: i32,
        /// The first offset that stays.
        before_offset: i64,
    },
    /// Gives a partition another leader, which must be one of its replicas and up. The leader epoch rises.
    MoveLeader {
        /// The topic.
        topic: String,
        /// The partition.
        partition: i32,
        /// The new leader.
        to: NodeId,
    },
    /// Takes a node down: its links close, and partitions it led get another leader where a replica is up.
    NodeDown {
        /// The node.
        node_id: NodeId,
    },
    /// Brings a node back. It leads again only what nobody leads.
    NodeUp {
        /// The node.
        node_id: NodeId,
    },
    /// Changes the address a node advertises. Links stay as they are.
    Readdress {
        /// The node.
        node_id: NodeId,
        /// The new host.
        host: String,
        /// The new port.
        port: u16,
    },
    /// The node takes requests in and answers none of them, nor those that already wait.
    StopAnswering {
        /// The node.
        node_id: NodeId,
    },
    /// The node answers again, beginning with what has come in meanwhile.
    ResumeAnswering {
        /// The node.
        node_id: NodeId,
    },
    /// The node accepts no credentials any more, as after a change of passwords, until it is healed. Links that are in stay in
    /// until their sessions end.
    LockOut {
        /// The node.
        node_id: NodeId,
    },
    /// Disturbs the next requests of a kind.
    Inject(RequestFault),
    /// Drops the faults injected for a node, and lets it answer and accept credentials again; `None` does so for all faults and
    /// all nodes. Brings nobody up.
    Heal {
        /// The node.
        node_id: Option<NodeId>,
    },
}

/// Why a command was not carried out. Nothing has changed then.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CommandError {
    /// The cluster has no such node.
    UnknownNode(NodeId),
    /// There is no such topic or partition.
    UnknownPartition {
        /// The topic.
        topic: String,
        /// The partition, if one was named.
        partition: Option<i32>,
    },
    /// The topic cannot be created, for the reason a broker would give.
    CannotCreate {
        /// The topic.
        topic: String,
        /// The reason.
        error: ErrorCode,
    },
    /// The node cannot lead the partition.
    CannotLead {
        /// The node.
        node_id: NodeId,
        /// Why not.
        problem: &'static str,
    },
    /// The address cannot be advertised.
    InvalidHost(String),
    /// Too many faults wait already.
    TooManyFaults {
        /// The limit.
        limit: usize,
    },
}

impl Cluster {
    /// Carries out a command.
    ///
    /// # Errors
    ///
    /// When the command names something that does not exist, or cannot be. Nothing has changed then.
    pub fn command(&mut self, now: Instant, command: ClusterCommand) -> Result<(), CommandError> {
        match command {
            ClusterCommand::CreateTopic { name, partitions, replication } => {
                let partitions = partitions.unwrap_or(self.state.config.default_partitions);
                let replication = replication.unwrap_or(self.state.config.replication);
                let created = self.state.create_topic(&name, partitions, replication);
                created.map_err(|error| CommandError::CannotCreate { topic: name, error })?;
            }
            ClusterCommand::DeleteTopic { name } => {
                if !self.state.topics.delete(&name) {
                    return Err(CommandError::UnknownPartition { topic: name, partition: None });
                }
                self.state.changed = true;
            }
            ClusterCommand::DeleteRecords { topic, partition, before_offset } => {
                let Some(found) = self.state.topics.partition_mut(&topic, partition) else {
                    return Err(CommandError::UnknownPartition { topic, partition: Some(partition) });
                };
                found.log.delete_before(before_offset);
                self.state.changed = true;
            }
            ClusterCommand::MoveLeader { topic, partition, to } => self.move_leader(topic, partition, to)?,
            ClusterCommand::NodeDown { node_id } => self.node_down(node_id)?,
            ClusterCommand::NodeUp { node_id } => {
                self.node_mut(node_id)?.up = true;
                self.state.topics.node_up(node_id);
                self.state.changed = true;
            }
            ClusterCommand::Readdress { node_id, host, port } => {
                let node = self.node_mut(node_id)?;
                if host.is_empty() || host.len() > HOST_LENGTH_MAX {
                    return Err(CommandError::InvalidHost(host));
                }
                node.config.host = host;
                node.config.port = port;
            }
            ClusterCommand::StopAnswering { node_id } => self.node_mut(node_id)?.silent = true,
            ClusterCommand::ResumeAnswering { node_id } => {
                self.node_mut(node_id)?.silent = false;
                self.resume(now, Some(node_id));
            }
            ClusterCommand::LockOut { node_id } => self.node_mut(node_id)?.locked_out = true,
            ClusterCommand::Inject(fault) => self.inject(fault)?,
            ClusterCommand::Heal { node_id } => {
                match node_id {
                    Some(node_id) => self.node_mut(node_id)?.behave(),
                    None => self.state.nodes.values_mut().for_each(Node::behave),
                }
                self.faults.heal(node_id);
                self.resume(now, node_id);
            }
        }
        self.settle(now);
        Ok(())
    }

    fn move_leader(&mut self, topic: String, partition: i32, to: NodeId) -> Result<(), CommandError> {
        let cannot = |problem| Err(CommandError::CannotLead { node_id: to, problem });
        self.node_mut(to)?;
        let Some(found) = self.state.topics.partition_mut(&topic, partition) else {
            return Err(CommandError::UnknownPartition { topic, partition: Some(partition) });
        };
        if !found.replicas.contains(&to) {
            return cannot("it holds no replica");
        }
        if !found.in_sync.contains(&to) {
            return cannot("it is down");
        }
        if found.leader == Some(to) {
            return cannot("it leads already");
        }
        found.lead(Some(to));
        self.state.changed = true;
        Ok(())
    }

    fn node_down(&mut self, node_id: NodeId) -> Result<(), CommandError> {
        self.node_mut(node_id)?.up = false;
        self.state.topics.node_down(node_id);
        self.state.changed = true;
        let links = self.links_of(node_id);
        links.into_iter().for_each(|link| self.close(link, LinkClosed::NodeDown));
        Ok(())
    }

    fn inject(&mut self, fault: RequestFault) -> Result<(), CommandError> {
        if let Some(node_id) = fault.node_id {
            self.node_mut(node_id)?;
        }
        let limit = self.state.config.limits.faults_max;
        if self.faults.len() >= limit {
            return Err(CommandError::TooManyFaults { limit });
        }
        if fault.times != Some(0) {
            self.faults.push(fault);
        }
        Ok(())
    }

    fn node_mut(&mut self, node_id: NodeId) -> Result<&mut Node, CommandError> {
        self.state.nodes.get_mut(&node_id).ok_or(CommandError::UnknownNode(node_id))
    }
}

impl fmt::Display for CommandError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownNode(node_id) => write!(f, "the cluster has no {node_id}"),
            Self::UnknownPartition { topic, partition } => {
                let partition = partition.map(|partition| format!("-{partition}")).unwrap_or_default();
                write!(f, "the cluster has no {topic}{partition}")
            }
            Self::CannotCreate { topic, error } => {
                write!(f, "topic {topic} cannot be created: {}: {}", error.name(), error.description())
            }
            Self::CannotLead { node_id, problem } => write!(f, "{node_id} cannot lead: {problem}"),
            Self::InvalidHost(host) => {
                write!(f, "expected a host of 1 to {HOST_LENGTH_MAX} bytes, got {}", host.len())
            }
            Self::TooManyFaults { limit } => write!(f, "{limit} faults wait already; heal some first"),
        }
    }
}

impl core::error::Error for CommandError {}
