//! The configuration: one TOML file and flags with the same names, both checked by the same code.
//!
//! A wrong value is an error that names the key and where it came from. Nothing is repaired silently.

mod settings;
mod sources;
mod values;

use std::collections::BTreeSet;
use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

pub use crate::policy::{RequireToken, Token};
pub use settings::{help, resolved};
pub use sources::{Invocation, read_arguments};

/// Everything the bridge was told. Each field is a key of the file and a flag; `kafka-bridge --help` says what it means.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where browsers connect.
    pub listen: Vec<SocketAddr>,
    /// Where `/livez`, `/readyz` and `/metrics` are, if anywhere.
    pub management: Option<SocketAddr>,
    /// Host headers to answer besides the listeners' own names.
    pub hosts: Vec<String>,
    /// Origins whose pages may connect besides the bridge's own.
    pub origins: BTreeSet<String>,
    /// Whether pages served by the bridge itself may connect.
    pub own_origin: bool,
    /// The allow-list of brokers.
    pub targets: Vec<Target>,
    /// Whether every port of this machine may be reached.
    pub allow_target_loopback: bool,
    /// The certificates of the authorities that sign brokers' certificates, in place of the system's; PEM.
    pub tls_ca: Option<PathBuf>,
    /// The certificate, with its chain, that brokers are shown; PEM.
    pub tls_certificate: Option<PathBuf>,
    /// The private key of that certificate; PEM.
    pub tls_key: Option<PathBuf>,
    /// The secret clients show.
    pub token: Option<Token>,
    /// A file with the secret clients show; read once, at start.
    pub token_file: Option<PathBuf>,
    /// Who has to show the token.
    pub require_token: RequireToken,
    /// Whether to start although anyone could connect.
    pub insecure: bool,
    /// The folder with static files, if any are served.
    pub serve: Option<PathBuf>,
    /// Whether the simulated cluster runs in this process.
    pub dev_broker: bool,
    /// How many nodes the simulated cluster has.
    pub dev_broker_nodes: u16,
    /// How long reaching a broker may take, name resolution included.
    pub dial_timeout: Duration,
    /// How long a request head may take.
    pub handshake_timeout: Duration,
    /// How long a session may be without data in either direction.
    pub idle_timeout: Duration,
    /// How long a write may make no progress.
    pub write_stall_timeout: Duration,
    /// How often a client is asked for a sign of life.
    pub ping_interval: Duration,
    /// How long the sign of life may take.
    pub pong_timeout: Duration,
    /// How long the other side's goodbye is awaited.
    pub close_timeout: Duration,
    /// How long sessions may take to end when the bridge stops.
    pub shutdown_grace: Duration,
    /// Sessions in total.
    pub max_connections: usize,
    /// Sessions of one client address.
    pub max_connections_per_address: usize,
    /// Payload bytes of one message from a client.
    pub max_message_bytes: u64,
    /// What is written to standard error.
    pub log: LogLevel,
}

/// One line of the allow-list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// The `host:port` that the cluster's metadata advertises and clients ask for.
    pub advertise: String,
    /// The `host:port` to dial for it.
    pub dial: String,
    /// Whether the broker speaks TLS there.
    pub tls: bool,
}

/// What is written to standard error.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum LogLevel {
    /// Nothing.
    Off,
    /// Start, stop and what goes wrong.
    Warn,
    /// Also one line for each session that ends and each request that is refused.
    Info,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: vec![SocketAddr::from(([127, 0, 0, 1], 8090))],
            management: None,
            hosts: Vec::new(),
            origins: BTreeSet::new(),
            own_origin: true,
            targets: Vec::new(),
            allow_target_loopback: false,
            tls_ca: None,
            tls_certificate: None,
            tls_key: None,
            token: None,
            token_file: None,
            require_token: RequireToken::Always,
            insecure: false,
            serve: None,
            dev_broker: false,
            dev_broker_nodes: 1,
            dial_timeout: Duration::from_secs(10),
            handshake_timeout: Duration::from_secs(5),
            idle_timeout: Duration::from_secs(600),
            write_stall_timeout: Duration::from_secs(30),
            ping_interval: Duration::from_secs(25),
            pong_timeout: Duration::from_secs(10),
            close_timeout: Duration::from_secs(2),
            shutdown_grace: Duration::from_secs(5),
            max_connections: 1024,
            max_connections_per_address: 256,
            max_message_bytes: 1024 * 1024,
            log: LogLevel::Info,
        }
    }
}

impl Config {
    /// The rules between keys, which no key can check alone.
    pub(crate) fn check(&self) -> Result<(), ConfigError> {
        let conflict = |key: &str, problem: &str| Err(ConfigError::conflict(key, problem));
        if self.listen.is_empty() {
            return conflict("listen", "no address; expected at least one");
        }
        if self.targets.is_empty() && !self.allow_target_loopback && !self.dev_broker {
            return conflict(
                "targets",
                "no broker may be reached; list targets (--target HOST:PORT), or start with --dev-broker",
            );
        }
        let mut advertised = BTreeSet::new();
        for target in &self.targets {
            if !advertised.insert(&target.advertise) {
                return conflict(
                    "targets",
                    &format!("{} is advertised twice; one key leads to one broker", target.advertise),
                );
            }
        }
        if !self.targets.iter().any(|target| target.tls) {
            let files = [
                ("tls-ca", &self.tls_ca),
                ("tls-certificate", &self.tls_certificate),
                ("tls-key", &self.tls_key),
            ];
            if let Some((key, _)) = files.into_iter().find(|(_, file)| file.is_some()) {
                return conflict(
                    key,
                    "no target is reached over TLS; write it as tls://HOST:PORT, or with tls = true",
                );
            }
        }
        match (&self.tls_certificate, &self.tls_key) {
            (Some(_), None) => return conflict("tls-key", "missing; tls-certificate needs its private key"),
            (None, Some(_)) => {
                return conflict("tls-certificate", "missing; tls-key belongs to a certificate");
            }
            _ => {}
        }
        if self.pong_timeout >= self.ping_interval {
            return conflict("pong-timeout", "must be shorter than ping-interval");
        }
        if self.max_connections_per_address > self.max_connections {
            return conflict("max-connections-per-address", "is larger than max-connections");
        }
        if self.token.is_some() && self.token_file.is_some() {
            return conflict("token-file", "token is given too; keep one of them");
        }
        if self.require_token == RequireToken::MissingOrigin
            && self.token.is_none()
            && self.token_file.is_none()
        {
            return conflict("require-token", "there is no token to require; give token-file");
        }
        if let Some(folder) = self.serve.as_ref().filter(|folder| !folder.is_dir()) {
            return conflict(
                "serve",
                &format!("{} is not a folder; build what is to be served first", folder.display()),
            );
        }
        self.secret()?;
        self.check_exposure()
    }

    /// The token, read from its file where it has one.
    pub(crate) fn secret(&self) -> Result<Option<Token>, ConfigError> {
        let Some(path) = &self.token_file else { return Ok(self.token.clone()) };
        let conflict = |problem: String| ConfigError::conflict("token-file", &problem);
        let text = std::fs::read_to_string(path)
            .map_err(|error| conflict(format!("cannot read {}: {error}", path.display())))?;
        let token = Token::new(text.trim_ascii());
        token.map(Some).ok_or_else(|| conflict(format!("{} holds fewer than 16 bytes", path.display())))
    }

    /// What other machines can reach needs to know who may come in.
    fn check_exposure(&self) -> Result<(), ConfigError> {
        if self.insecure {
            return Ok(());
        }
        if let Some(open) = self.listen.iter().find(|address| !address.ip().is_loopback()) {
            let authenticated = (self.token.is_some() || self.token_file.is_some())
                && self.require_token == RequireToken::Always;
            if self.origins.is_empty() || !authenticated {
                let problem = format!(
                    "{open} can be reached from other machines; that needs origins and a token which is always \
                     required (origins, token-file, require-token), or listen on 127.0.0.1, or --insecure"
                );
                return Err(ConfigError::conflict("listen", &problem));
            }
        }
        if let Some(open) = self.management.filter(|address| !address.ip().is_loopback()) {
            let problem = format!(
                "{open} can be reached from other machines and asks nobody who they are; use 127.0.0.1, or --insecure"
            );
            return Err(ConfigError::conflict("management", &problem));
        }
        Ok(())
    }
}

/// Where a value came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// The configuration file.
    File(PathBuf),
    /// The command line.
    CommandLine,
    /// Several values together, wherever they came from.
    Resolved,
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => write!(f, "in {}", path.display()),
            Self::CommandLine => f.write_str("on the command line"),
            Self::Resolved => f.write_str("in the resolved configuration"),
        }
    }
}

/// A value that cannot be used. Says which key, where it came from, and what was expected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError {
    /// The key (`listen`, `targets[1].dial`), or the flag as it was written.
    pub key: String,
    /// Where the value came from.
    pub source: Source,
    /// What is wrong and what was expected.
    pub problem: String,
}

impl ConfigError {
    pub(crate) fn conflict(key: &str, problem: &str) -> Self {
        Self { key: key.to_owned(), source: Source::Resolved, problem: problem.to_owned() }
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}): {}", self.key, self.source, self.problem)
    }
}

impl std::error::Error for ConfigError {}
