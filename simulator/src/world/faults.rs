//! What faults mean for the cluster. What they mean for the network, the network knows.

use super::World;
use crate::cluster::{ClusterCommand, Effect, RequestFault, Spoil};
use crate::event::{Actor, Entry, Kind};
use crate::fault::{Cut, Fault};
use crate::scenario::Scenario;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec;
use alloc::vec::Vec;
use client_core::ids::NodeId;
use client_core::io::Address;
use client_core::protocol::ErrorCode;
use client_core::time::Duration;

impl World {
    /// Breaks or mends something.
    pub(super) fn disturb(&mut self, fault: &Fault) {
        let kind = Kind::Fault { fault: fault.to_string(), text: fault.describe() };
        let index = self.log.push(Entry::new(self.now, Actor::You, kind));
        self.log.set_current_cause(index, None);
        self.network.apply(fault);
        if let Fault::Move { node, .. } = fault {
            // Whoever moves leaves the old connections behind.
            self.network.apply(&Fault::Cut { node: *node, how: Cut::Reset, after: None });
        }
        let commands = match self.commands(fault) {
            Ok(commands) => commands,
            Err(problem) => {
                self.note(Actor::You, problem);
                return;
            }
        };
        for command in commands {
            if let Err(error) = self.cluster.command(self.now, command) {
                self.note(Actor::You, format!("Nothing comes of it: {error}"));
            }
        }
        self.drain_cluster();
    }

    fn commands(&self, fault: &Fault) -> Result<Vec<ClusterCommand>, String> {
        let spoil = |node: i32, spoil| {
            vec![ClusterCommand::Inject(RequestFault {
                node_id: Some(NodeId(node)),
                api: None,
                effect: Effect::Spoil(spoil),
                times: Some(1),
            })]
        };
        Ok(match fault {
            Fault::Down(node) => vec![ClusterCommand::NodeDown { node_id: NodeId(*node) }],
            Fault::Up(node) => vec![ClusterCommand::NodeUp { node_id: NodeId(*node) }],
            Fault::BlackHole(node) => vec![ClusterCommand::StopAnswering { node_id: NodeId(*node) }],
            Fault::LockOut(node) => vec![ClusterCommand::LockOut { node_id: NodeId(*node) }],
            Fault::SlowApi { node, api, micros } => vec![ClusterCommand::Inject(RequestFault {
                node_id: Some(NodeId(*node)),
                api: Some(*api),
                effect: Effect::Delay(Duration::from_micros(*micros)),
                times: None,
            })],
            Fault::Throttle { node, api, micros, count } => {
                vec![ClusterCommand::Inject(RequestFault {
                    node_id: Some(NodeId(*node)),
                    api: Some(*api),
                    effect: Effect::Throttle(Duration::from_micros(*micros)),
                    times: Some(*count),
                })]
            }
            Fault::ErrorCode { node, api, code, count } => {
                let error = ErrorCode::try_from(*code)
                    .map_err(|_| format!("Nothing comes of it: Kafka has no error {code}"))?;
                vec![ClusterCommand::Inject(RequestFault {
                    node_id: Some(NodeId(*node)),
                    api: Some(*api),
                    effect: Effect::Error(error),
                    times: Some(*count),
                })]
            }
            Fault::WrongCorrelation(node) => spoil(*node, Spoil::CorrelationId { plus: 1_000 }),
            Fault::NegativeSize(node) => spoil(*node, Spoil::Size { announced: -2 }),
            Fault::Oversized(node) => spoil(*node, Spoil::Size { announced: i32::MAX }),
            Fault::Garbage(node) => spoil(*node, Spoil::Garbage),
            Fault::Twice(node) => spoil(*node, Spoil::Twice),
            Fault::Move { node, host, port } => {
                vec![ClusterCommand::Readdress { node_id: NodeId(*node), host: host.clone(), port: *port }]
            }
            Fault::MoveLeader { topic, partition, node } => vec![ClusterCommand::MoveLeader {
                topic: topic.clone(),
                partition: *partition,
                to: NodeId(*node),
            }],
            Fault::CreateTopic { topic, partitions } => vec![ClusterCommand::CreateTopic {
                name: topic.clone(),
                partitions: Some(*partitions),
                replication: None,
            }],
            Fault::Heal(node) => {
                let node_id = NodeId(*node);
                let mut commands =
                    vec![ClusterCommand::Heal { node_id: Some(node_id) }, ClusterCommand::NodeUp { node_id }];
                commands.extend(self.way_home(node_id));
                commands
            }
            Fault::HealAll => {
                let down = self.cluster.nodes().filter(|node| !node.up).map(|node| node.config.node_id);
                let up = down.map(|node_id| ClusterCommand::NodeUp { node_id });
                let home = self.cluster.nodes().filter_map(|node| self.way_home(node.config.node_id));
                [ClusterCommand::Heal { node_id: None }].into_iter().chain(up).chain(home).collect()
            }
            Fault::Refuse(_)
            | Fault::Misroute { .. }
            | Fault::Unreachable(_)
            | Fault::Silent(_)
            | Fault::Partition(_)
            | Fault::Cut { .. }
            | Fault::Hold { .. }
            | Fault::Pause { .. }
            | Fault::Release(_)
            | Fault::Delay { .. } => Vec::new(),
        })
    }

    /// What brings a broker that has moved back to its address.
    fn way_home(&self, node_id: NodeId) -> Option<ClusterCommand> {
        let node = self.cluster.nodes().find(|node| node.config.node_id == node_id)?;
        let Address { host, port } = Scenario::address(node_id.0);
        let away = (&node.config.host, node.config.port) != (&host, port);
        away.then_some(ClusterCommand::Readdress { node_id, host, port })
    }
}
