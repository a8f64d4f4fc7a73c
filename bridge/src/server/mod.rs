//! Listeners, connections, and the end of them all.

mod accept;
mod stopping;

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::config::{Config, ConfigError, Token};
use crate::dev_broker::DevBroker;
use crate::http::Files;
use crate::log::Log;
use crate::metrics::Metrics;
use crate::policy::{Dial, Hosts, Limits, Origins, Targets};
use crate::tls::Tls;
use stopping::Stopping;

/// What every connection needs to know.
pub(crate) struct Shared {
    pub(crate) config: Config,
    pub(crate) token: Option<Token>,
    pub(crate) hosts: Hosts,
    pub(crate) management_hosts: Hosts,
    pub(crate) origins: Origins,
    pub(crate) targets: Targets,
    /// `None` when no target needs it.
    pub(crate) tls: Option<Tls>,
    pub(crate) limits: Arc<Limits>,
    pub(crate) files: Option<Files>,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) log: Log,
    pub(crate) stopping: Stopping,
    /// The bridge's own listeners, which are never dialled.
    pub(crate) own_addresses: Vec<SocketAddr>,
    last_id: AtomicU64,
}

impl Shared {
    pub(crate) fn next_id(&self) -> u64 {
        self.last_id.fetch_add(1, Relaxed) + 1
    }
}

/// A running bridge.
pub struct Bridge {
    shared: Arc<Shared>,
    listening: Vec<SocketAddr>,
    management: Option<SocketAddr>,
    dev_broker: Option<DevBroker>,
    tasks: JoinSet<()>,
}

/// How a bridge stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stopped {
    /// Every session ended by itself.
    Gracefully,
    /// The grace was over and what was left was cut off.
    CutOff,
}

/// Why a bridge did not start.
#[derive(Debug)]
pub enum StartError {
    /// The configuration cannot be used.
    Config(ConfigError),
    /// An address cannot be listened on.
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the operating system said.
        error: io::Error,
    },
    /// The simulated cluster did not start.
    DevBroker(String),
    /// The folder of static files cannot be opened.
    Serve(io::Error),
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Config(error) => error.fmt(f),
            Self::Listen { address, error } => {
                write!(
                    f,
                    "cannot listen on {address}: {error}; choose another address, or port 0 for a free one"
                )
            }
            Self::DevBroker(problem) => write!(f, "dev-broker: {problem}"),
            Self::Serve(error) => write!(f, "serve: cannot open the folder: {error}"),
        }
    }
}

impl std::error::Error for StartError {}

impl From<ConfigError> for StartError {
    fn from(error: ConfigError) -> Self {
        Self::Config(error)
    }
}

impl Bridge {
    /// Checks the configuration, binds every listener, and begins to accept. Must run inside a tokio runtime.
    pub async fn start(config: Config) -> Result<Self, StartError> {
        config.check()?;
        let token = config.secret()?;
        let tls = Tls::new(&config)?;
        let mut listeners = Vec::new();
        for address in &config.listen {
            listeners.push(bind(*address).await?);
        }
        let management = match config.management {
            Some(address) => Some(bind(address).await?),
            None => None,
        };
        let listening: Vec<SocketAddr> = listeners.iter().map(|(_, address)| *address).collect();
        let management_address = management.as_ref().map(|(_, address)| *address);
        let dev_broker = if config.dev_broker {
            let started = DevBroker::start(config.dev_broker_nodes, Log(config.log)).await;
            Some(started.map_err(|error| StartError::DevBroker(error.to_string()))?)
        } else {
            None
        };
        let targets = config.targets.iter();
        let mut listed: BTreeMap<String, Dial> = targets
            .map(|it| (it.advertise.clone(), Dial { address: it.dial.clone(), tls: it.tls }))
            .collect();
        for node in dev_broker.iter().flat_map(DevBroker::addresses) {
            listed.insert(node.to_string(), Dial { address: node.to_string(), tls: false });
        }
        let shared = Arc::new(Shared {
            token,
            hosts: Hosts::new(&config.hosts, &listening),
            management_hosts: Hosts::new(&config.hosts, management_address.as_slice()),
            origins: Origins { listed: config.origins.clone(), own: config.own_origin },
            targets: Targets::new(listed, config.allow_target_loopback),
            tls,
            limits: Limits::new(config.max_connections, config.max_connections_per_address),
            files: config.serve.as_deref().map(Files::new).transpose().map_err(StartError::Serve)?,
            metrics: Arc::default(),
            log: Log(config.log),
            stopping: Stopping::new(),
            own_addresses: listening.iter().chain(&management_address).copied().collect(),
            last_id: AtomicU64::new(0),
            config,
        });
        let mut tasks = JoinSet::new();
        for (listener, _) in listeners {
            tasks.spawn(accept::clients(listener, Arc::clone(&shared)));
        }
        if let Some((listener, _)) = management {
            tasks.spawn(accept::management(listener, Arc::clone(&shared)));
        }
        if shared.config.insecure {
            shared.log.warn(
                "insecure",
                &[(
                    "advice",
                    &"anyone who reaches this bridge may use it; give origins and token-file instead",
                )],
            );
        }
        Ok(Self { shared, listening, management: management_address, dev_broker, tasks })
    }

    /// The addresses browsers connect to, in the order of `listen`.
    pub fn listening(&self) -> &[SocketAddr] {
        &self.listening
    }

    /// The address of the management listener.
    pub fn management(&self) -> Option<SocketAddr> {
        self.management
    }

    /// Where the nodes of the simulated cluster listen; empty without `dev-broker`.
    pub fn dev_brokers(&self) -> &[SocketAddr] {
        self.dev_broker.as_ref().map_or(&[], DevBroker::addresses)
    }

    /// What the bridge counts.
    pub fn metrics(&self) -> &Metrics {
        &self.shared.metrics
    }

    /// Stops accepting, tells every client 1012, waits for at most `shutdown-grace`, and cuts off what is left.
    pub async fn stop(mut self) -> Stopped {
        self.shared.stopping.begin();
        // The accept tasks end when their last connection has; the close timeouts come on top of the grace, for
        // a session that ends in its last moment.
        let grace: Duration = self.shared.config.shutdown_grace;
        match timeout(grace, async { while self.tasks.join_next().await.is_some() {} }).await {
            Ok(()) => Stopped::Gracefully,
            Err(_elapsed) => {
                self.tasks.shutdown().await;
                Stopped::CutOff
            }
        }
    }
}

async fn bind(address: SocketAddr) -> Result<(TcpListener, SocketAddr), StartError> {
    let failed = |error| StartError::Listen { address, error };
    let listener = TcpListener::bind(address).await.map_err(failed)?;
    let bound = listener.local_addr().map_err(failed)?;
    Ok((listener, bound))
}
