//! From nothing to a cluster whose brokers all answer.

use super::state::{Node, Ports, Proxied, State};
use super::{Options, PASSWORD, USER, certificates, config, jars, memory, probe};
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
        memory::free(folder)?;
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

/// Starts one broker of a cluster again, after it was killed, and waits until it answers.
pub(super) fn restart(state: &mut State, id: usize, folder: &Path) -> Result<()> {
    const PAUSE: Duration = Duration::from_secs(1);
    let java = tools::JAVA.find()?;
    let start = Instant::now();
    loop {
        let (node, mut child) = spawn(state, id, folder, &java)?;
        state.save(folder)?;
        match wait_for(&node, &mut child, folder, listens) {
            // An outgoing connection of some program may sit on the broker's port for a moment.
            Err(_) if port_taken(folder, id) && start.elapsed() < PATIENCE => std::thread::sleep(PAUSE),
            other => return other,
        }
    }
}

struct Start<'a> {
    options: &'a Options,
    folder: &'a Path,
    java: &'a Path,
}

impl Start<'_> {
    fn run(&self) -> std::result::Result<State, Failed> {
        let Options { version, brokers, proxied, .. } = self.options;
        let logs = logs(self.folder);
        std::fs::create_dir_all(&logs).context(|| format!("cannot create {}", logs.display()))?;
        let mut state = State {
            version: version.clone(),
            cluster_id: cluster_id()?,
            nodes: nodes(*brokers, proxied)?,
            ready: false,
        };
        certificates::create(self.folder)?;
        for node in &state.nodes {
            let text = config::properties(self.options, &state, node, self.folder);
            let path = properties(self.folder, node.id);
            std::fs::write(&path, text).context(|| format!("cannot write {}", path.display()))?;
        }
        progress::step("formatting storage", || self.format(&state))?;
        let what = format!("starting {brokers} broker(s) of Apache Kafka {version}");
        let mut children = Vec::new();
        let ready = progress::step(&what, || {
            for id in 1..=state.nodes.len() {
                children.push(spawn(&mut state, id, self.folder, self.java)?.1);
                state.save(self.folder)?;
            }
            self.wait(&state, &mut children)
        });
        if let Err(error) = ready {
            // A broker that waits for one which could not start would wait for ever.
            let port_taken = state.nodes.iter().any(|node| port_taken(self.folder, node.id));
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
                let mut command = java_command(self.java, &state.version);
                command.args(["-Xmx128m", "-XX:TieredStopAtLevel=1", "kafka.tools.StorageTool", "format"]);
                command.arg("-t").arg(&state.cluster_id).arg("-c").arg(properties(self.folder, node.id));
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

    /// Waits until every listener of every broker answers and every broker knows all of them.
    fn wait(&self, state: &State, children: &mut [Child]) -> Result<()> {
        let brokers = state.nodes.len();
        for (node, child) in state.nodes.iter().zip(children) {
            wait_for(node, child, self.folder, |ports| answers(ports, brokers))?;
        }
        Ok(())
    }
}

fn spawn(state: &mut State, id: usize, folder: &Path, java: &Path) -> Result<(Node, Child)> {
    let single = state.nodes.len() == 1;
    let mut command = java_command(java, &state.version);
    // Three JVMs share a machine with what is being tested: small heaps and the quick compiler only.
    if single {
        command.arg("-Xmx512m");
    } else {
        command.args(["-Xmx384m", "-XX:TieredStopAtLevel=1"]);
    }
    command
        .arg("-Dorg.slf4j.simpleLogger.defaultLogLevel=warn")
        .arg("-Dorg.slf4j.simpleLogger.showDateTime=true");
    command.arg("kafka.Kafka").arg(properties(folder, id)).current_dir(folder);
    let node = state.node(id)?;
    let child = process::spawn_detached(&mut command, &log(folder, id))?;
    node.process = ProcessId::of(child.id());
    Ok((node.clone(), child))
}

/// Waits until the broker is as wanted.
fn wait_for(
    node: &Node,
    child: &mut Child,
    folder: &Path,
    is_ready: impl Fn(Ports) -> std::io::Result<()>,
) -> Result<()> {
    const PAUSE: Duration = Duration::from_millis(100);
    let start = Instant::now();
    while let Err(not_yet) = is_ready(node.ports) {
        let log = log(folder, node.id);
        let ended = child.try_wait().context(|| format!("cannot watch broker {}", node.id))?;
        if let Some(status) = ended {
            return Err(Error::new(format!("broker {} ended ({status}) instead of starting", node.id))
                .help(process::tail(&log)));
        }
        if start.elapsed() > PATIENCE {
            let what = format!("broker {} does not answer after {} s", node.id, PATIENCE.as_secs());
            return Err(Error::new(what).because(not_yet).help(process::tail(&log)));
        }
        std::thread::sleep(PAUSE);
    }
    Ok(())
}

fn java_command(java: &Path, version: &str) -> Command {
    let mut command = Command::new(java);
    command.arg("-cp").arg(jars::folder(version).join("*"));
    command
}

fn properties(folder: &Path, id: usize) -> PathBuf {
    folder.join(format!("server-{id}.properties"))
}

fn log(folder: &Path, id: usize) -> PathBuf {
    logs(folder).join(format!("broker-{id}.log"))
}

fn port_taken(folder: &Path, id: usize) -> bool {
    process::tail(&log(folder, id)).contains("Address already in use")
}

/// How long a broker may take until it answers.
const PATIENCE: Duration = Duration::from_secs(120);

/// Whether every listener of a broker is open.
fn listens(ports: Ports) -> std::io::Result<()> {
    for (_name, port) in ports.listeners() {
        probe::connect(port)?;
    }
    Ok(())
}

fn answers(ports: Ports, brokers: usize) -> std::io::Result<()> {
    listens(ports)?;
    let known = probe::brokers(ports.plaintext)?;
    if usize::try_from(known) == Ok(brokers) {
        return Ok(());
    }
    Err(std::io::Error::other(format!("it knows {known} of {brokers} brokers")))
}

fn nodes(count: usize, advertised: &[u16]) -> Result<Vec<Node>> {
    const PORTS: usize = 5;
    let ports = ports::free(count * PORTS)?;
    let nodes = ports.chunks_exact(PORTS).zip(1..).map(|(ports, id)| {
        let proxied = advertised.get(id - 1).map(|&advertised| Proxied { port: ports[4], advertised });
        let [controller, plaintext, sasl_plaintext, ssl] = [ports[0], ports[1], ports[2], ports[3]];
        Node { id, ports: Ports { controller, plaintext, sasl_plaintext, ssl, proxied }, process: None }
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
