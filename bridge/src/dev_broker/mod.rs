//! `--dev-broker`: the simulated cluster on real sockets, one loopback listener per node, so that nothing else needs
//! to be installed to try the client.
//!
//! One task owns the cluster ([`owner`]); one task per connection carries bytes ([`link`]). The cluster advertises
//! the real listeners, so any Kafka client can use it, through the bridge or straight over TCP.

mod frames;
mod link;
mod owner;

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use simulator::cluster::{Cluster, ClusterConfig, InvalidClusterConfig};
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::log::Log;
use owner::Told;

/// Connections to one node.
const LINKS_MAX: usize = 1024;

/// What connections may have told the owner and it has not read yet.
const TOLD_MAX: usize = 256;

/// Every start gives the same ids: what a cluster does is a function of its seed and of what it is sent.
const SEED: u64 = 1;

/// After an error that is not one connection's, such as too many open files.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// A running cluster; dropping it ends everything.
pub(crate) struct DevBroker {
    addresses: Vec<SocketAddr>,
    _tasks: JoinSet<()>,
}

/// Why the cluster did not start.
#[derive(Debug)]
pub(crate) enum DevBrokerError {
    Listen(io::Error),
    Config(InvalidClusterConfig),
}

impl fmt::Display for DevBrokerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Listen(error) => write!(f, "cannot listen on a loopback port: {error}"),
            Self::Config(error) => write!(f, "the simulated cluster refuses its configuration: {error}"),
        }
    }
}

impl DevBroker {
    /// Binds one free loopback port per node and makes a cluster which advertises them.
    pub(crate) async fn start(nodes: u16, log: Log) -> Result<Self, DevBrokerError> {
        let mut config = ClusterConfig::with_nodes(nodes);
        let mut listeners = Vec::new();
        let mut addresses = Vec::new();
        for node in &mut config.nodes {
            let listener = TcpListener::bind(("127.0.0.1", 0)).await.map_err(DevBrokerError::Listen)?;
            let address = listener.local_addr().map_err(DevBrokerError::Listen)?;
            node.host = address.ip().to_string();
            node.port = address.port();
            addresses.push(address);
            listeners.push((node.node_id, listener));
        }
        let cluster = Cluster::new(config, SEED).map_err(DevBrokerError::Config)?;
        let (tell, told) = mpsc::channel(TOLD_MAX);
        let mut tasks = JoinSet::new();
        tasks.spawn(owner::run(cluster, told, log));
        for (node_id, listener) in listeners {
            let tell = tell.clone();
            tasks.spawn(accept(listener, node_id, tell, log));
        }
        Ok(Self { addresses, _tasks: tasks })
    }

    /// Where the nodes listen, in the order of their ids.
    pub(crate) fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }
}

async fn accept(
    listener: TcpListener,
    node_id: client_core::ids::NodeId,
    tell: mpsc::Sender<Told>,
    log: Log,
) {
    let permits = Arc::new(Semaphore::new(LINKS_MAX));
    let mut links = JoinSet::new();
    loop {
        let Ok(permit) = Arc::clone(&permits).acquire_owned().await else { return };
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            Some(_ended) = links.join_next() => continue,
        };
        match accepted {
            Ok((socket, _client)) => {
                let tell = tell.clone();
                links.spawn(async move {
                    let _permit = permit;
                    link::run(socket, node_id, tell, log).await;
                });
            }
            Err(error) => {
                log.warn("dev-broker-accept-failed", &[("error", &error)]);
                sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}
