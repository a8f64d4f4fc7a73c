//! A real Apache Kafka on loopback: one or three KRaft nodes, started detached, found again by name.
//!
//! A cluster's data is deleted when it stops, so nothing is lost by killing its processes, and a cluster of which
//! half has died is stopped like any other.

mod certificates;
mod config;
mod jars;
mod memory;
mod probe;
mod start;
mod state;

use crate::error::{Context, Error, Result};
use crate::{lock, paths, progress};
use rustix::process::Signal;
use state::State;
use std::fmt::Write as _;
use std::fs::File;
use std::path::PathBuf;

/// The release which is started unless another one is named.
const VERSION: &str = "4.3.0";
const USER: &str = "alice";
const PASSWORD: &str = "alice-secret";

/// Which cluster is wanted.
#[derive(Clone, Debug)]
pub(crate) struct Options {
    /// Tells clusters of one checkout apart; also the name of the folder.
    pub(crate) name: String,
    /// A release of Apache Kafka, 4.0 or later.
    pub(crate) version: String,
    /// 1 or 3.
    pub(crate) brokers: usize,
    /// The ports of a proxy, one for each broker: what an extra listener advertises. None: there is no such listener.
    pub(crate) proxied: Vec<u16>,
    /// `min.insync.replicas` of every topic.
    pub(crate) min_in_sync_replicas: usize,
    /// Keeps the data in memory, where there is a place for that: for measuring clients rather than a disk.
    pub(crate) in_memory: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            name: "default".to_owned(),
            version: VERSION.to_owned(),
            brokers: 1,
            proxied: Vec::new(),
            min_in_sync_replicas: 1,
            in_memory: false,
        }
    }
}

impl Options {
    /// Refuses values which cannot be meant; names and versions become folder names.
    pub(crate) fn check(&self) -> Result<()> {
        if !matches!(self.brokers, 1 | 3) {
            return Err(Error::new(format!("--brokers {}: expected 1 or 3", self.brokers)));
        }
        let proxied = self.proxied.len();
        if proxied != 0 && proxied != self.brokers {
            return Err(Error::new(format!("--proxied: expected {} port(s), found {proxied}", self.brokers)));
        }
        if !(1..=self.brokers).contains(&self.min_in_sync_replicas) {
            let (found, brokers) = (self.min_in_sync_replicas, self.brokers);
            return Err(Error::new(format!("--min-in-sync {found}: expected 1 to {brokers}")));
        }
        let is_plain = |text: &str, also: &[char]| {
            !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || also.contains(&c))
        };
        if !is_plain(&self.name, &['-', '_']) {
            return Err(Error::new(format!("--name {}: expected letters, digits, - and _", self.name)));
        }
        if !is_plain(&self.version, &['.', '-']) || !self.version.starts_with(|c: char| c.is_ascii_digit()) {
            return Err(Error::new(format!(
                "--version {}: expected a version such as {VERSION}",
                self.version
            )));
        }
        Ok(())
    }
}

/// What can be done to one broker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Disturbance {
    /// Ends it as a crash would (SIGKILL). Its data stays.
    Kill,
    /// Lets it do nothing, with its sockets open (SIGSTOP).
    Freeze,
    /// Lets a frozen one go on (SIGCONT).
    Thaw,
    /// Starts a killed one with its data, and waits until it listens.
    Restart,
}

/// A cluster that was started by this or an earlier run.
#[derive(Debug)]
pub(crate) struct Cluster {
    name: String,
    state: State,
}

impl Cluster {
    /// Starts the cluster, or returns the one that runs already under this name.
    pub(crate) fn up(options: &Options) -> Result<Self> {
        let _lock = lock(&options.name)?;
        if let Some(running) = Self::load(&options.name)? {
            if running.dead_brokers().is_empty() && running.state.ready {
                return running.expect_same(options);
            }
            progress::say("an earlier cluster has ended in part: stopping the rest of it");
            running.stop()?;
        }
        let state = start::start(options, &folder(&options.name))?;
        Ok(Self { name: options.name.clone(), state })
    }

    /// Stops the cluster of this name and deletes its data. Nothing happens if there is none.
    pub(crate) fn down(name: &str) -> Result<()> {
        let _lock = lock(name)?;
        match Self::load(name)? {
            Some(cluster) => {
                cluster.stop()?;
                progress::say(&format!("Apache Kafka `{name}` is stopped and its data deleted"));
            }
            None => progress::say(&format!("Apache Kafka `{name}` was not running")),
        }
        Ok(())
    }

    /// The cluster of this name as its last start left it, dead or alive.
    pub(crate) fn load(name: &str) -> Result<Option<Self>> {
        let state = State::load(&folder(name))?;
        Ok(state.map(|state| Self { name: name.to_owned(), state }))
    }

    /// Does something to one broker of a running cluster.
    pub(crate) fn disturb(name: &str, id: usize, disturbance: Disturbance) -> Result<()> {
        let _lock = lock(name)?;
        let Some(Self { mut state, .. }) = Self::load(name)? else {
            return Err(Error::new(format!("no cluster named `{name}` is running"))
                .help("`cargo xtask kafka up` starts one"));
        };
        let process = state.node(id)?.process;
        let running = || {
            process
                .filter(|process| process.is_alive())
                .ok_or_else(|| Error::new(format!("broker {id} of cluster `{name}` does not run")))
        };
        match disturbance {
            Disturbance::Kill => running()?.kill(),
            Disturbance::Freeze => running()?.signal(Signal::STOP),
            Disturbance::Thaw => running()?.signal(Signal::CONT),
            Disturbance::Restart if running().is_ok() => {
                Err(Error::new(format!("broker {id} of cluster `{name}` still runs")).help("kill it first"))
            }
            Disturbance::Restart => start::restart(&mut state, id, &folder(name)),
        }
    }

    /// Node numbers of the brokers which no longer run.
    pub(crate) fn dead_brokers(&self) -> Vec<usize> {
        let nodes = self.state.nodes.iter();
        nodes
            .filter(|node| !node.process.is_some_and(|process| process.is_alive()))
            .map(|node| node.id)
            .collect()
    }

    /// The folder with one log file per broker.
    pub(crate) fn logs(&self) -> PathBuf {
        start::logs(&folder(&self.name))
    }

    /// What scripts need to know, one `name=value` line each.
    pub(crate) fn report(&self) -> String {
        let folder = folder(&self.name);
        let mut lines = format!(
            "version={}\nbrokers={}\ncluster.id={}\n",
            self.state.version,
            self.state.nodes.len(),
            self.state.cluster_id
        );
        for node in &self.state.nodes {
            for (listener, port) in node.ports.listeners() {
                // Writing to a String cannot fail.
                let _ = writeln!(lines, "{listener}.{}=127.0.0.1:{port}", node.id);
            }
        }
        let _ = write!(
            lines,
            "sasl.username={USER}\nsasl.password={PASSWORD}\nssl.ca={}\njars={}\nlogs={}\n",
            certificates::ca(&folder).display(),
            jars::folder(&self.state.version).display(),
            self.logs().display()
        );
        lines
    }

    /// The plaintext listeners of all brokers, with commas between them.
    pub(crate) fn bootstrap(&self) -> String {
        self.addresses(|ports| ports.plaintext)
    }

    fn addresses(&self, choose: fn(&state::Ports) -> u16) -> String {
        let nodes = self.state.nodes.iter();
        nodes.map(|node| format!("127.0.0.1:{}", choose(&node.ports))).collect::<Vec<_>>().join(",")
    }

    /// The same for tests, as environment variables. `KAFKA_BOOTSTRAP` lists the plaintext listeners of all brokers,
    /// `KAFKA_SASL_PLAINTEXT` and `KAFKA_SSL` the other listeners.
    pub(crate) fn environment(&self) -> Vec<(&'static str, String)> {
        let jars = jars::folder(&self.state.version);
        vec![
            ("KAFKA_BOOTSTRAP", self.bootstrap()),
            ("KAFKA_SASL_PLAINTEXT", self.addresses(|ports| ports.sasl_plaintext)),
            ("KAFKA_SSL", self.addresses(|ports| ports.ssl)),
            ("KAFKA_SSL_CA", certificates::ca(&folder(&self.name)).display().to_string()),
            ("KAFKA_USERNAME", USER.to_owned()),
            ("KAFKA_PASSWORD", PASSWORD.to_owned()),
            ("KAFKA_JARS", jars.display().to_string()),
        ]
    }

    fn expect_same(self, options: &Options) -> Result<Self> {
        let State { version, nodes, .. } = &self.state;
        if *version == options.version && nodes.len() == options.brokers {
            return Ok(self);
        }
        Err(Error::new(format!(
            "cluster `{}` runs already, with {} broker(s) of version {version}; wanted: {} of {}",
            self.name,
            nodes.len(),
            options.brokers,
            options.version
        ))
        .help("stop it first (`cargo xtask kafka down`), or start another one beside it with --name NAME"))
    }

    fn stop(self) -> Result<()> {
        for node in &self.state.nodes {
            if let Some(process) = node.process {
                process.kill()?;
            }
        }
        let folder = folder(&self.name);
        memory::free(&folder)?;
        std::fs::remove_dir_all(&folder).context(|| format!("cannot delete {}", folder.display()))
    }
}

/// Everything Kafka in this checkout: jars by version, running clusters by name.
fn home() -> PathBuf {
    paths::target().join("kafka")
}

fn folder(name: &str) -> PathBuf {
    home().join("run").join(name)
}

/// Keeps two commands from starting or stopping one cluster at the same time; released when dropped.
fn lock(name: &str) -> Result<File> {
    lock::in_folder(&home().join("run"), &format!("{name}.lock"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_that_cannot_be_meant_are_named() {
        let check = |change: fn(&mut Options)| {
            let mut options = Options::default();
            change(&mut options);
            options.check().map_err(|error| error.to_string())
        };
        assert_eq!(check(|_| ()), Ok(()));
        assert_eq!(check(|options| options.brokers = 3), Ok(()));
        assert!(check(|options| options.brokers = 2).is_err_and(|error| error.contains("--brokers 2")));
        assert!(
            check(|options| options.name = "../x".to_owned()).is_err_and(|error| error.contains("--name"))
        );
        assert!(check(|options| options.version = "..".to_owned()).is_err_and(|e| e.contains("--version")));
    }
}
