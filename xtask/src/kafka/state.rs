//! What a running cluster is known by: a small text file, written before its processes are waited for, so that
//! `down` finds them whatever happened in between.

use crate::error::{Context, Error, Result};
use crate::process::ProcessId;
use std::fmt::Write as _;
use std::path::Path;

/// A cluster's identity and nodes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct State {
    pub(super) version: String,
    /// 22 characters, as Kafka writes a UUID.
    pub(super) cluster_id: String,
    pub(super) nodes: Vec<Node>,
    /// Every broker has answered.
    pub(super) ready: bool,
}

/// One node, broker and controller in one process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Node {
    /// From 1.
    pub(super) id: usize,
    pub(super) ports: Ports,
    /// Unknown until it is started.
    pub(super) process: Option<ProcessId>,
}

/// A node's loopback ports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Ports {
    pub(super) controller: u16,
    pub(super) plaintext: u16,
    pub(super) sasl_plaintext: u16,
    pub(super) ssl: u16,
    /// One more plaintext listener, for those who come through a proxy.
    pub(super) proxied: Option<Proxied>,
}

/// A listener which sends clients to somebody else's port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Proxied {
    /// Where the broker listens.
    pub(super) port: u16,
    /// Where it says that it listens: the proxy's port.
    pub(super) advertised: u16,
}

impl Ports {
    /// The listeners for clients, by the names under which they are printed.
    pub(super) fn listeners(self) -> impl Iterator<Item = (&'static str, u16)> {
        let always =
            [("plaintext", self.plaintext), ("sasl_plaintext", self.sasl_plaintext), ("ssl", self.ssl)];
        always.into_iter().chain(self.proxied.map(|proxied| ("proxied", proxied.port)))
    }
}

impl State {
    /// Reads the state in `folder`; `None` if there is none.
    pub(super) fn load(folder: &Path) -> Result<Option<Self>> {
        let path = folder.join(FILE);
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(Error::new(format!("cannot read {}", path.display())).because(error)),
        };
        match parse(&text) {
            Some(state) => Ok(Some(state)),
            None => Err(Error::new(format!("{} is damaged", path.display()))
                .help(format!("stop what is left by hand, then delete {}", folder.display()))),
        }
    }

    /// Writes the state into `folder`, all of it or nothing.
    pub(super) fn save(&self, folder: &Path) -> Result<()> {
        let path = folder.join(FILE);
        let partial = folder.join("state.partial");
        std::fs::write(&partial, self.to_text()).context(|| format!("cannot write {}", partial.display()))?;
        std::fs::rename(&partial, &path).context(|| format!("cannot write {}", path.display()))
    }

    /// The node with this number.
    pub(super) fn node(&mut self, id: usize) -> Result<&mut Node> {
        let brokers = self.nodes.len();
        self.nodes
            .iter_mut()
            .find(|node| node.id == id)
            .ok_or_else(|| Error::new(format!("there is no broker {id}: expected 1 to {brokers}")))
    }

    fn to_text(&self) -> String {
        let mut text =
            format!("version {}\ncluster {}\nready {}\n", self.version, self.cluster_id, self.ready);
        for Node { id, ports, process } in &self.nodes {
            let Ports { controller, plaintext, sasl_plaintext, ssl, proxied } = ports;
            let (proxied, advertised) = proxied.map_or((0, 0), |proxied| (proxied.port, proxied.advertised));
            // Writing to a String cannot fail.
            let _ = write!(
                text,
                "node {id} {controller} {plaintext} {sasl_plaintext} {ssl} {proxied} {advertised}"
            );
            if let Some(ProcessId { pid, started_ticks }) = process {
                let _ = write!(text, " {pid} {started_ticks}");
            }
            text.push('\n');
        }
        text
    }
}

const FILE: &str = "state";

fn parse(text: &str) -> Option<State> {
    let mut lines = text.lines();
    let version = lines.next()?.strip_prefix("version ")?.to_owned();
    let cluster_id = lines.next()?.strip_prefix("cluster ")?.to_owned();
    let ready = lines.next()?.strip_prefix("ready ")?.parse().ok()?;
    let nodes = lines.map(parse_node).collect::<Option<Vec<_>>>()?;
    (!nodes.is_empty()).then_some(State { version, cluster_id, nodes, ready })
}

fn parse_node(line: &str) -> Option<Node> {
    let mut words = line.strip_prefix("node ")?.split(' ');
    let id = words.next()?.parse().ok()?;
    let mut port = || words.next()?.parse().ok();
    let (controller, plaintext, sasl_plaintext, ssl) = (port()?, port()?, port()?, port()?);
    let proxied = Some(Proxied { port: port()?, advertised: port()? }).filter(|proxied| proxied.port != 0);
    let ports = Ports { controller, plaintext, sasl_plaintext, ssl, proxied };
    let process = match (words.next(), words.next()) {
        (None, _) => None,
        (Some(pid), started) => {
            Some(ProcessId { pid: pid.parse().ok()?, started_ticks: started?.parse().ok()? })
        }
    };
    words.next().is_none().then_some(Node { id, ports, process })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_back() {
        let ports = Ports { controller: 1, plaintext: 2, sasl_plaintext: 3, ssl: 65_535, proxied: None };
        let started = Node { id: 1, ports, process: Some(ProcessId { pid: 7, started_ticks: 9 }) };
        let ports = Ports { proxied: Some(Proxied { port: 4, advertised: 5 }), ..ports };
        let waiting = Node { id: 2, ports, process: None };
        let state = State {
            version: "4.3.0".into(),
            cluster_id: "abc".into(),
            nodes: vec![started, waiting],
            ready: true,
        };
        assert_eq!(parse(&state.to_text()), Some(state));
    }

    #[test]
    fn a_damaged_file_is_not_read() {
        for text in
            ["", "version 1\ncluster a\nready true\n", "version 1\ncluster a\nready true\nnode 1 2 3\n"]
        {
            assert_eq!(parse(text), None, "{text:?}");
        }
        let too_many = "version 1\ncluster a\nready true\nnode 1 2 3 4 5 6 7 8 9 10\n";
        assert_eq!(parse(too_many), None);
    }
}
