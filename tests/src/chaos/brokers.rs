//! Three real brokers which can be killed, frozen and started again, through `cargo xtask kafka`.

use crate::wire::Wire;
use client_core::protocol::{MetadataRequest, MetadataRequestTopic, Request, Response};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// How many there are.
pub const BROKERS: usize = 3;

/// A running cluster. Dropping it stops it.
#[derive(Debug)]
pub struct Brokers {
    xtask: String,
    name: String,
    /// What `cargo xtask kafka up` printed.
    facts: BTreeMap<String, String>,
}

impl Brokers {
    /// Starts the cluster; its brokers send clients to these ports.
    ///
    /// # Errors
    /// What is missing, or what Kafka said.
    pub fn start(xtask: String, name: &str, proxied: &[u16]) -> Result<Self, String> {
        let mut brokers = Self { xtask, name: name.to_owned(), facts: BTreeMap::new() };
        let ports = proxied.iter().map(u16::to_string).collect::<Vec<_>>().join(",");
        let count = BROKERS.to_string();
        let options = ["up", "--brokers", &count, "--proxied", &ports, "--min-in-sync", "2"];
        // A cluster which an earlier run has left sends clients to ports that are not ours.
        brokers.xtask(&["down"])?;
        let printed = brokers.xtask(&options)?;
        let facts = printed.lines().filter_map(|line| line.split_once('='));
        brokers.facts = facts.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        Ok(brokers)
    }

    /// A fact by its name, such as `jars`.
    ///
    /// # Errors
    /// When it was not printed.
    pub fn fact(&self, name: &str) -> Result<&str, String> {
        let fact = self.facts.get(name).map(String::as_str);
        fact.ok_or_else(|| format!("`cargo xtask kafka up` did not print {name}"))
    }

    /// Where a broker listens for those who do not come through the proxy.
    ///
    /// # Errors
    /// When it was not printed.
    pub fn address(&self, broker: usize) -> Result<&str, String> {
        self.fact(&format!("plaintext.{broker}"))
    }

    /// Where a broker listens for the proxy.
    ///
    /// # Errors
    /// When it was not printed, or is no address.
    pub fn behind_proxy(&self, broker: usize) -> Result<SocketAddr, String> {
        let text = self.fact(&format!("proxied.{broker}"))?;
        text.parse().map_err(|problem| format!("{text}: {problem}"))
    }

    /// Kills (`kill`), freezes, thaws or restarts a broker.
    ///
    /// # Errors
    /// What `cargo xtask kafka` said.
    pub fn disturb(&self, how: &str, broker: usize) -> Result<(), String> {
        self.xtask(&[how, &broker.to_string()]).map(|_| ())
    }

    /// Waits until every replica of these topics is in sync and has a leader, creating what does not exist. Two brokers may
    /// then be lost one after the other without losing what was acknowledged.
    ///
    /// # Errors
    /// When that takes longer than three minutes: then it is Kafka that has not come back.
    pub fn wait_in_sync(&self, topics: &[&str]) -> Result<(), String> {
        const PATIENCE: Duration = Duration::from_secs(180);
        let start = Instant::now();
        loop {
            let problem = match self.out_of_sync(topics) {
                Ok(None) => return Ok(()),
                Ok(Some(problem)) => problem,
                Err(error) => error,
            };
            if start.elapsed() > PATIENCE {
                return Err(format!("the cluster has not recovered after {PATIENCE:?}: {problem}"));
            }
            std::thread::sleep(Duration::from_millis(200));
        }
    }

    /// What is not yet as it should be in the eyes of any broker.
    fn out_of_sync(&self, topics: &[&str]) -> Result<Option<String>, String> {
        const VERSION: i16 = 9;
        for broker in 1..=BROKERS {
            let asked = topics.iter().map(|&topic| MetadataRequestTopic {
                name: Some(topic.to_owned()),
                ..MetadataRequestTopic::default()
            });
            let request = MetadataRequest { topics: Some(asked.collect()), ..MetadataRequest::default() };
            let mut wire = Wire::connect(self.address(broker)?).map_err(|error| error.to_string())?;
            let answer = wire.ask(&Request::Metadata(request), VERSION).map_err(|error| error.to_string())?;
            let Response::Metadata(answer) = answer else {
                return Err(format!("broker {broker} answered something else"));
            };
            if answer.brokers.len() != BROKERS {
                return Ok(Some(format!("broker {broker} knows {} brokers", answer.brokers.len())));
            }
            for topic in &answer.topics {
                let name = topic.name.as_deref().unwrap_or_default();
                if topic.error_code != 0 || topic.partitions.is_empty() {
                    return Ok(Some(format!("{name}: error {}", topic.error_code)));
                }
                for partition in &topic.partitions {
                    if partition.leader_id < 0 || partition.isr_nodes.len() != BROKERS {
                        let (number, in_sync) = (partition.partition_index, &partition.isr_nodes);
                        return Ok(Some(format!("{name}-{number}: in sync are {in_sync:?}")));
                    }
                }
            }
        }
        Ok(None)
    }

    fn xtask(&self, args: &[&str]) -> Result<String, String> {
        let mut command = Command::new(&self.xtask);
        command.arg("kafka").args(args).args(["--name", &self.name]).stdin(Stdio::null());
        let output = command.output().map_err(|error| format!("cannot run {}: {error}", self.xtask))?;
        if output.status.success() {
            return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
        }
        Err(format!("kafka {}: {}", args.join(" "), String::from_utf8_lossy(&output.stderr)))
    }
}

impl Drop for Brokers {
    fn drop(&mut self) {
        if let Err(error) = self.xtask(&["down"]) {
            eprintln!("chaos: {error}");
        }
    }
}
