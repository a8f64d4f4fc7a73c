//! `server.properties` of one node.

use super::state::{Node, State};
use super::{PASSWORD, USER, certificates};
use std::path::Path;

/// The properties of `node`, which keeps its data in `data`.
pub(super) fn properties(state: &State, node: &Node, folder: &Path, data: &Path) -> String {
    let voters = state.nodes.iter().map(|node| format!("{}@127.0.0.1:{}", node.id, node.ports.controller));
    let voters = voters.collect::<Vec<_>>().join(",");
    let replicas = state.nodes.len();
    let ports = node.ports;
    let id = node.id;
    let advertised = format!(
        "PLAINTEXT://127.0.0.1:{},SASL_PLAINTEXT://127.0.0.1:{},SSL://127.0.0.1:{}",
        ports.plaintext, ports.sasl_plaintext, ports.ssl
    );
    let controller = ports.controller;
    let server = certificates::server(folder);
    let ca = certificates::ca(folder);
    let (server, ca, data) = (server.display(), ca.display(), data.display());
    let plain = "org.apache.kafka.common.security.plain.PlainLoginModule required";
    let scram = "org.apache.kafka.common.security.scram.ScramLoginModule required;";
    format!(
        "\
process.roles=broker,controller
node.id={id}
log.dirs={data}
controller.quorum.voters={voters}
controller.listener.names=CONTROLLER
listeners=CONTROLLER://127.0.0.1:{controller},{advertised}
advertised.listeners={advertised}
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,SASL_PLAINTEXT:SASL_PLAINTEXT,SSL:SSL
inter.broker.listener.name=PLAINTEXT
sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-256,SCRAM-SHA-512
listener.name.sasl_plaintext.plain.sasl.jaas.config={plain} user_{USER}=\"{PASSWORD}\";
listener.name.sasl_plaintext.scram-sha-256.sasl.jaas.config={scram}
listener.name.sasl_plaintext.scram-sha-512.sasl.jaas.config={scram}
ssl.keystore.type=PEM
ssl.keystore.location={server}
ssl.truststore.type=PEM
ssl.truststore.location={ca}
ssl.client.auth=none
auto.create.topics.enable=true
num.partitions=3
default.replication.factor={replicas}
min.insync.replicas=1
offsets.topic.replication.factor={replicas}
offsets.topic.num.partitions=5
transaction.state.log.replication.factor={replicas}
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=5
share.coordinator.state.topic.replication.factor={replicas}
share.coordinator.state.topic.min.isr=1
share.coordinator.state.topic.num.partitions=5
group.initial.rebalance.delay.ms=0
"
    )
}
