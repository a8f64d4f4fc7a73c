//! `server.properties` of one node.

use super::state::{Node, Proxied, State};
use super::{Options, PASSWORD, USER, certificates, memory};
use std::path::Path;

/// The properties of `node`, which keeps its data beside them or in memory.
///
/// Records are kept however old they say they are: tests write dates of years ago, and a broker looks for what is too old half a minute after it
/// has started, and every five minutes.
pub(super) fn properties(options: &Options, state: &State, node: &Node, folder: &Path) -> String {
    let in_memory = options.in_memory.then(|| memory::folder(folder)).flatten();
    let data = in_memory.as_deref().unwrap_or(folder).join(format!("data-{}", node.id));
    let voters = state.nodes.iter().map(|node| format!("{}@127.0.0.1:{}", node.id, node.ports.controller));
    let voters = voters.collect::<Vec<_>>().join(",");
    let replicas = state.nodes.len();
    let min_in_sync_replicas = options.min_in_sync_replicas;
    let ports = node.ports;
    let id = node.id;
    let mut listeners = format!(
        "PLAINTEXT://127.0.0.1:{},SASL_PLAINTEXT://127.0.0.1:{},SSL://127.0.0.1:{}",
        ports.plaintext, ports.sasl_plaintext, ports.ssl
    );
    let mut advertised = listeners.clone();
    if let Some(Proxied { port, advertised: elsewhere }) = ports.proxied {
        listeners.push_str(&format!(",PROXIED://127.0.0.1:{port}"));
        advertised.push_str(&format!(",PROXIED://127.0.0.1:{elsewhere}"));
    }
    let controller = ports.controller;
    let server = certificates::server(folder);
    let ca = certificates::ca(folder);
    let (server, ca, data) = (server.display(), ca.display(), data.display());
    let plain = "org.apache.kafka.common.security.plain.PlainLoginModule required";
    // Tokens without a signature, which only a test may accept.
    let oauth = "org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule required";
    let scram = "org.apache.kafka.common.security.scram.ScramLoginModule required;";
    format!(
        "\
process.roles=broker,controller
node.id={id}
log.dirs={data}
controller.quorum.voters={voters}
controller.listener.names=CONTROLLER
listeners=CONTROLLER://127.0.0.1:{controller},{listeners}
advertised.listeners={advertised}
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,SASL_PLAINTEXT:SASL_PLAINTEXT,SSL:SSL,PROXIED:PLAINTEXT
inter.broker.listener.name=PLAINTEXT
sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-256,SCRAM-SHA-512,OAUTHBEARER
listener.name.sasl_plaintext.plain.sasl.jaas.config={plain} user_{USER}=\"{PASSWORD}\";
listener.name.sasl_plaintext.scram-sha-256.sasl.jaas.config={scram}
listener.name.sasl_plaintext.scram-sha-512.sasl.jaas.config={scram}
listener.name.sasl_plaintext.oauthbearer.connections.max.reauth.ms=2000
listener.name.sasl_plaintext.oauthbearer.sasl.jaas.config={oauth} unsecuredLoginStringClaim_sub=\"{USER}\";
ssl.keystore.type=PEM
ssl.keystore.location={server}
ssl.truststore.type=PEM
ssl.truststore.location={ca}
ssl.client.auth=none
auto.create.topics.enable=true
num.partitions=3
default.replication.factor={replicas}
min.insync.replicas={min_in_sync_replicas}
offsets.topic.replication.factor={replicas}
offsets.topic.num.partitions=5
transaction.state.log.replication.factor={replicas}
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=5
share.coordinator.state.topic.replication.factor={replicas}
share.coordinator.state.topic.min.isr=1
share.coordinator.state.topic.num.partitions=5
unclean.leader.election.enable=false
log.retention.ms=-1
group.initial.rebalance.delay.ms=0
"
    )
}
