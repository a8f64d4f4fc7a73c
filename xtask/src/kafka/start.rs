//! From nothing to a cluster whose brokers all answer.

use super::state::{Node, Ports, State};
use super::{Options, PASSWORD, USER, certificates, config, jars, probe};
use crate::error::{Context, Error, Result};
use crate::process::{self, ProcessId};
use crate::{ports, progress, tools};
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::time::{Duration, Instant};

/// Starts the cluster in `folder`, and chooses other ports when somebody took one in the meantime.
pub(super) fn start(options: &Options, folder: &Path) -> Result<State> {
    const ATTEMPTS: usize = 3;
    let java = tools::JAVA.find()?;
    jars::fetch(&options.version)?;
    let mut attempt = 1;
    loop {
        if folder.exists() {
            std::fs::remove_dir_all(folder).context(|| format!("cannot delete {}", folder.display()))?;
        }
        let started = Start { options, folder, java: &java }.run();
        match started {
            Err(Failed::PortTaken) if attempt < ATTEMPTS => {
                progress::say("a port was taken in the meantime: choosing others");
                attempt += 1;
            }
            Err(Failed::PortTaken) => {
                return Err(Error::new(format!("other programs took the chosen ports {ATTEMPTS} times"))
                    .help("try again"));
            }
            Err(Failed::Other(error)) => return Err(error),
            Ok(state) => return Ok(state),
        }
    }
}

/// The folder with one log file per broker.
pub(super) fn logs(folder: &Path) -> PathBuf {
    folder.join("logs")
}

enum Failed {
    PortTaken,
    Other(Error),
}

impl From<Error> for Failed {
    fn from(error: Error) -> Self {
        Self::Other(error)
    }
}

struct Start<'a> {
    options: &'a Options,
    folder: &'a Path,
    java: &'a Path,
}

impl Start<'_> {
    fn run(&self) -> std::result::Result<State, Failed> {
        let Options { version, brokers, .. } = self.options;
        let logs = logs(self.folder);
        std::fs::create_dir_all(&logs).context(|| format!("cannot create {}", logs.display()))?;
        let mut state = State {
            version: version.clone(),
            cluster_id: cluster_id()?,
            nodes: nodes(*brokers)?,
            ready: false,
        };
        certificates::create(self.folder)?;
        for node in &state.nodes {
            let text =
                config::properties(&state, node, self.folder, &self.folder.join(format!("data-{}", node.id)));
            let path = self.properties(node.id);
            std::fs::write(&path, text).context(|| format!("cannot write {}", path.display()))?;
        }
        progress::step("formatting storage", || self.format(&state))?;
        let what = format!("starting {brokers} broker(s) of Apache Kafka {version}");
        let mut children = Vec::new();
        let ready = progress::step(&what, || {
            for index in 0..state.nodes.len() {
                children.push(self.spawn(&mut state, index)?);
                state.save(self.folder)?;
            }
            self.wait(&state, &mut children)
        });
        if let Err(error) = ready {
            // A broker that waits for one which could not start would wait for ever.
            let port_taken = state
                .nodes
                .iter()
                .any(|node| process::tail(&self.log(node.id)).contains("Address already in use"));
            for process in state.nodes.iter().filter_map(|node| node.process) {
                process.kill()?;
            }
            return Err(if port_taken { Failed::PortTaken } else { Failed::Other(error) });
        }
        state.ready = true;
        state.save(self.folder)?;
        Ok(state)
    }

    /// Every node's storage, side by side: each is one JVM that lives for a second.
    fn format(&self, state: &State) -> Result<()> {
        std::thread::scope(|scope| {
            let format = |node: &Node| {
                let mut command = self.java(&state.version);
                command.args(["-Xmx128m", "-XX:TieredStopAtLevel=1", "kafka.tools.StorageTool", "format"]);
                command.arg("-t").arg(&state.cluster_id).arg("-c").arg(self.properties(node.id));
                for mechanism in ["SCRAM-SHA-256", "SCRAM-SHA-512"] {
                    command.args(["--add-scram", &format!("{mechanism}=[name={USER},password={PASSWORD}]")]);
                }
                process::output(&mut command).map(|_output| ())
            };
            let running: Vec<_> = state.nodes.iter().map(|node| scope.spawn(move || format(node))).collect();
            running.into_iter().try_for_each(|thread| match thread.join() {
                Ok(result) => result,
                Err(_) => Err(Error::new("formatting storage panicked")),
            })
        })
    }

    fn spawn(&self, state: &mut State, index: usize) -> Result<Child> {
        let single = state.nodes.len() == 1;
        let node = &mut state.nodes[index];
        let mut command = self.java(&state.version);
        // Three JVMs share a machine with what is being tested: small heaps and the quick compiler only.
        if single {
            command.arg("-Xmx512m");
        } else {
            command.args(["-Xmx384m", "-XX:TieredStopAtLevel=1"]);
        }
        command
            .arg("-Dorg.slf4j.simpleLogger.defaultLogLevel=warn")
            .arg("-Dorg.slf4j.simpleLogger.showDateTime=true");
        command.arg("kafka.Kafka").arg(self.properties(node.id)).current_dir(self.folder);
        let child = process::spawn_detached(&mut command, &self.log(node.id))?;
        node.process = ProcessId::of(child.id());
        Ok(child)
    }

    /// Waits until every listener of every broker answers and every broker knows all of them.
    fn wait(&self, state: &State, children: &mut [Child]) -> Result<()> {
        const PATIENCE: Duration = Duration::from_secs(120);
        const PAUSE: Duration = Duration::from_millis(100);
        let start = Instant::now();
        for (node, child) in state.nodes.iter().zip(children) {
            while let Err(not_yet) = answers(node.ports, state.nodes.len()) {
                let log = self.log(node.id);
                let ended = child.try_wait().context(|| format!("cannot watch broker {}", node.id))?;
                if let Some(status) = ended {
                    return Err(Error::new(format!(
                        "broker {} ended ({status}) instead of starting",
                        node.id
                    ))
                    .help(process::tail(&log)));
                }
                if start.elapsed() > PATIENCE {
                    let what = format!("broker {} does not answer after {} s", node.id, PATIENCE.as_secs());
                    return Err(Error::new(what).because(not_yet).help(process::tail(&log)));
                }
                std::thread::sleep(PAUSE);
            }
        }
        Ok(())
    }

    fn java(&self, version: &str) -> Command {
        let mut command = Command::new(self.java);
        command.arg("-cp").arg(jars::folder(version).join("*"));
        command
    }

    fn properties(&self, id: usize) -> PathBuf {
        self.folder.join(format!("server-{id}.properties"))
    }

    fn log(&self, id: usize) -> PathBuf {
        logs(self.folder).join(format!("broker-{id}.log"))
    }
}

fn answers(ports: Ports, brokers: usize) -> std::io::Result<()> {
    for (_name, port) in ports.listeners() {
        probe::connect(port)?;
    }
    let known = probe::brokers(ports.plaintext)?;
    if usize::try_from(known) == Ok(brokers) {
        return Ok(());
    }
    Err(std::io::Error::other(format!("it knows {known} of {brokers} brokers")))
}

fn nodes(count: usize) -> Result<Vec<Node>> {
    const PORTS: usize = 4;
    let ports = ports::free(count * PORTS)?;
    let nodes = ports.chunks_exact(PORTS).zip(1..).map(|(ports, id)| {
        let ports =
            Ports { controller: ports[0], plaintext: ports[1], sasl_plaintext: ports[2], ssl: ports[3] };
        Node { id, ports, process: None }
    });
    Ok(nodes.collect())
}

/// A new cluster id: Kafka wants a UUID as 22 characters of URL-safe base 64, and letters and digits are among them.
fn cluster_id() -> Result<String> {
    const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    let mut random = [0_u8; 21];
    File::open("/dev/urandom")
        .and_then(|mut file| file.read_exact(&mut random))
        .context(|| "cannot read /dev/urandom".to_owned())?;
    let mut id: String =
        random.iter().map(|&byte| char::from(LETTERS[usize::from(byte) % LETTERS.len()])).collect();
    // The last character carries two bits of the sixteen bytes; its other four must be zero.
    id.push('A');
    Ok(id)
}
