//! `cargo xtask chaos` prepares and runs this: two applications on real Kafka, with faults; then the verdict.
//!
//! Its environment: `XTASK` (the program), `KAFKA_BRIDGE`, `KAFKA_WASM_PACKAGE`, `NODE`.

#![expect(clippy::disallowed_methods, reason = "drives processes: it waits for them")]

use client_core::Address;
use client_core::rng::Rng;
use std::io::{BufRead as _, BufReader};
use std::path::Path as FilePath;
use std::process::{Child, Command, ExitCode, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tests::chaos::application::{self, Stage, Task};
use tests::chaos::brokers::{BROKERS, Brokers};
use tests::chaos::journal::{Journal, Millis, now};
use tests::chaos::plan::{Fault, Plan, Step};
use tests::chaos::proxy::{self, Condition, Front, Path};
use tests::chaos::reader;
use tests::chaos::report::{self, Happened, Run};
use tests::chaos::verdict::Verdict;

/// How long a reply may take: frozen brokers are frozen for longer.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(5);
/// The topics are created as the brokers' own configuration says.
const PARTITIONS: i32 = 3;
const TOKEN: &str = "chaos-is-no-secret";
const USAGE: &str = "usage: chaos [--seconds N] [--seed N] [--name NAME] [--keep]";

fn main() -> ExitCode {
    match Options::parse(std::env::args().skip(1)).and_then(|options| run(&options)) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("chaos: {error}");
            ExitCode::FAILURE
        }
    }
}

struct Options {
    time: Duration,
    seed: u64,
    name: String,
    /// Whether the cluster outlives a run that has found something.
    keep: bool,
}

impl Options {
    fn parse(mut args: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut options =
            Self { time: Duration::from_secs(120), seed: now(), name: "chaos".into(), keep: false };
        while let Some(option) = args.next() {
            if option == "--keep" {
                options.keep = true;
                continue;
            }
            let value = args.next().ok_or(USAGE)?;
            let number = || value.parse::<u64>().map_err(|_| format!("{option} {value}: expected a number"));
            match option.as_str() {
                "--seconds" => options.time = Duration::from_secs(number()?),
                "--seed" => options.seed = number()?,
                "--name" => options.name = value,
                _ => return Err(USAGE.into()),
            }
        }
        Ok(options)
    }
}

fn run(options: &Options) -> Result<bool, String> {
    let seed = options.seed;
    println!(
        "seed {seed}, {} s; the schedule of faults and the fate of each connection follow from the seed",
        options.time.as_secs()
    );
    let fronts = proxy::open(seed, BROKERS).map_err(|error| format!("cannot listen on loopback: {error}"))?;
    let of = |path: Path| fronts.iter().filter(move |front| front.path == path);
    let advertised: Vec<u16> = of(Path::Native).map(|front| front.port).collect();
    let brokers = Brokers::start(variable("XTASK")?, &options.name, &advertised)?;
    for front in &fronts {
        front.aim(brokers.behind_proxy(front.broker)?);
    }
    let topic = |path: Path| format!("chaos-{path}");
    let topics = [topic(Path::Native), topic(Path::Bridge)];
    let topics: Vec<&str> = topics.iter().map(String::as_str).collect();
    brokers.wait_in_sync(&topics)?;

    let targets = advertised.iter().zip(of(Path::Bridge)).map(|(&key, front)| (key, front.port)).collect();
    let mut bridge = Bridge::start(targets)?;
    let task = |path: Path, number: u64| Task {
        bootstrap: advertised.iter().map(|&port| Address { host: "127.0.0.1".into(), port }).collect(),
        topic: topic(path),
        partitions: PARTITIONS,
        // The shortest is shorter than it takes the cluster to find a new leader, so that records fail, too.
        delivery_timeout: Duration::from_secs(
            [6, 15, 120][usize::try_from(Rng::new(seed).fork("delivery", number).below(3)).unwrap_or(0)],
        ),
        request_timeout: REQUEST_TIMEOUT,
        seed: Rng::new(seed).fork("application", number).next_u64(),
    };
    let (native, bridged) = (task(Path::Native, 0), task(Path::Bridge, 1));
    for (path, task) in [(Path::Native, &native), (Path::Bridge, &bridged)] {
        println!("{path}: deliveryTimeoutMs {}", task.delivery_timeout.as_millis());
    }
    let stage = Stage::default();
    let (began, journals, happened) = std::thread::scope(|scope| {
        let mut node = NodeApplication::start(&bridged, &bridge, brokers.address(1)?)?;
        let native = scope.spawn(|| application::run(&native, &stage));
        fronts.iter().for_each(|front| front.set_hostile(true));
        let began = now();
        let mut cluster =
            Cluster { brokers: &brokers, fronts: &fronts, bridge: &mut bridge, topics: &topics, began };
        let happened = cluster.torment(Plan::new(seed, BROKERS), options.time);
        cluster.calm();
        stage.finish();
        println!(
            "{:6.1} s  faults are over: waiting until every record has ended and is read",
            cluster.elapsed()
        );
        node.finish_sending();
        let native = native.join().map_err(|_| "the native application panicked".to_owned());
        let bridged = node.journal();
        Ok::<_, String>((began, [native?, bridged?], happened?))
    })?;
    let ended = now();

    brokers.wait_in_sync(&topics)?;
    let mut runs = Vec::new();
    for (path, journal) in [Path::Native, Path::Bridge].into_iter().zip(journals) {
        let log = reader::read_all(&brokers, &topic(path), PARTITIONS)?;
        let verdict = Verdict::of(&journal, &log);
        runs.push(Run { path, journal, verdict });
    }
    println!(
        "\n{}\n{}\n{}",
        report::counts(&runs),
        report::outages(&runs, &happened, began),
        report::attempts(&fronts, began, ended)
    );
    let mut clean = true;
    for Run { path, verdict, .. } in &runs {
        // Nothing that was never acknowledged can be lost.
        let worked = verdict.acknowledged > 0;
        for problem in verdict.problems.iter().take(50) {
            println!("VIOLATION ({path}): {problem}");
        }
        if !worked {
            println!("VIOLATION ({path}): nothing was acknowledged");
        }
        clean &= worked && verdict.is_clean();
    }
    if !clean && options.keep {
        println!("the cluster `{}` is left as it is", options.name);
        std::mem::forget(brokers);
    }
    let word = if clean { "kept" } else { "BROKEN" };
    println!("seed {seed}: every acknowledged record once and in order: {word}");
    Ok(clean)
}

/// Everything that faults happen to.
struct Cluster<'a> {
    brokers: &'a Brokers,
    fronts: &'a [Arc<Front>],
    bridge: &'a mut Bridge,
    topics: &'a [&'a str],
    began: Millis,
}

impl Cluster<'_> {
    /// Carries the plan out until the time is over; a fault that has begun is carried to its end.
    fn torment(&mut self, plan: Plan, time: Duration) -> Result<Vec<Happened>, String> {
        let start = Instant::now();
        let mut happened = Vec::new();
        for Step { wait, fault } in plan {
            if start.elapsed() + wait > time {
                break;
            }
            std::thread::sleep(wait);
            if matches!(fault, Fault::Kill { .. } | Fault::Freeze { .. }) {
                // One by one: what Kafka promises with two replicas in sync, it promises for the loss of one.
                self.brokers.wait_in_sync(self.topics)?;
            }
            println!("{:6.1} s  {fault}", self.elapsed());
            let from = now();
            self.happen(fault)?;
            happened.push(Happened { what: fault.to_string(), from, until: now() });
        }
        Ok(happened)
    }

    fn happen(&mut self, fault: Fault) -> Result<(), String> {
        match fault {
            Fault::Kill { broker, down_for } => {
                self.brokers.disturb("kill", broker)?;
                std::thread::sleep(down_for);
                self.brokers.disturb("restart", broker)?;
            }
            Fault::Freeze { broker, frozen_for } => {
                self.brokers.disturb("freeze", broker)?;
                std::thread::sleep(frozen_for);
                self.brokers.disturb("thaw", broker)?;
            }
            Fault::Cut { broker } => self.at(broker).for_each(|front| front.cut()),
            Fault::Stall { broker, stalled_for } => self.condition(broker, Condition::Silent, stalled_for),
            Fault::BlackHole { broker, silent_for } => {
                self.at(broker).for_each(|front| front.set(Condition::Silent));
                self.at(broker).for_each(|front| front.cut());
                self.condition(broker, Condition::Silent, silent_for);
            }
            Fault::Refuse { broker, refused_for } => {
                self.at(broker).for_each(|front| front.set(Condition::Refusing));
                self.at(broker).for_each(|front| front.cut());
                self.condition(broker, Condition::Refusing, refused_for);
            }
            Fault::KillBridge { down_for } => {
                self.bridge.kill()?;
                std::thread::sleep(down_for);
                self.bridge.restart()?;
            }
        }
        Ok(())
    }

    fn condition(&self, broker: usize, condition: Condition, time: Duration) {
        self.at(broker).for_each(|front| front.set(condition));
        std::thread::sleep(time);
        self.at(broker).for_each(|front| front.set(Condition::Open));
    }

    fn at(&self, broker: usize) -> impl Iterator<Item = &Front> {
        self.fronts.iter().map(AsRef::as_ref).filter(move |front| front.broker == broker)
    }

    /// From now on connections live. Those that have a fate are cut, so that none meets it later.
    fn calm(&self) {
        for front in self.fronts {
            front.set_hostile(false);
            front.set(Condition::Open);
            front.cut();
        }
    }

    fn elapsed(&self) -> f64 {
        now().saturating_sub(self.began) as f64 / 1000.0
    }
}

/// kafka-bridge, which lets its clients reach the proxy under the brokers' names.
struct Bridge {
    child: Child,
    targets: Vec<(u16, u16)>,
    address: String,
}

impl Bridge {
    fn start(targets: Vec<(u16, u16)>) -> Result<Self, String> {
        let (child, address) = Self::spawn(&targets, "127.0.0.1:0")?;
        Ok(Self { child, targets, address })
    }

    fn spawn(targets: &[(u16, u16)], listen: &str) -> Result<(Child, String), String> {
        let mut command = Command::new(variable("KAFKA_BRIDGE")?);
        command.args(["--listen", listen, "--token", TOKEN, "--log", "off"]);
        for (advertised, dialled) in targets {
            command.arg("--target").arg(format!("127.0.0.1:{advertised}=127.0.0.1:{dialled}"));
        }
        command.stdin(Stdio::null()).stdout(Stdio::piped());
        let mut child = command.spawn().map_err(|error| format!("cannot start kafka-bridge: {error}"))?;
        let stdout = child.stdout.take().ok_or("kafka-bridge has no standard output")?;
        let mut lines = BufReader::new(stdout).lines().map_while(Result::ok);
        let Some(address) = lines.find_map(|line| Some(line.strip_prefix("listening=http://")?.to_owned()))
        else {
            let status = child.wait().map_err(|error| error.to_string())?;
            return Err(format!("kafka-bridge ended ({status}) instead of listening"));
        };
        // It must never wait for a reader.
        std::thread::spawn(move || lines.for_each(drop));
        Ok((child, address))
    }

    fn kill(&mut self) -> Result<(), String> {
        self.child.kill().and_then(|()| self.child.wait()).map_err(|error| error.to_string())?;
        Ok(())
    }

    /// Starts it again at the same address, which an outgoing connection of some program may occupy for a moment.
    fn restart(&mut self) -> Result<(), String> {
        const ATTEMPTS: usize = 60;
        let mut attempt = 1;
        loop {
            match Self::spawn(&self.targets, &self.address) {
                Ok((child, _)) => {
                    self.child = child;
                    return Ok(());
                }
                Err(error) if attempt == ATTEMPTS => return Err(error),
                Err(_) => std::thread::sleep(Duration::from_secs(1)),
            }
            attempt += 1;
        }
    }
}

impl Drop for Bridge {
    fn drop(&mut self) {
        // It may have ended already; then all is well.
        let _ = self.kill();
    }
}

/// `tests/chaos/application.mjs` in a process of its own.
struct NodeApplication {
    child: Child,
    reading: Option<std::thread::JoinHandle<Journal>>,
}

impl NodeApplication {
    fn start(task: &Task, bridge: &Bridge, bootstrap: &str) -> Result<Self, String> {
        let brokers: Vec<String> =
            task.bootstrap.iter().map(|address| format!("{:?}", address.to_string())).collect();
        let what = format!(
            r#"{{"topic":"{}","partitions":{},"bridge":"ws://{}","bridgeToken":"{TOKEN}","brokers":[{}],"deliveryTimeoutMs":{},"requestTimeoutMs":{},"seed":{}}}"#,
            task.topic,
            task.partitions,
            bridge.address,
            brokers.join(","),
            task.delivery_timeout.as_millis(),
            task.request_timeout.as_millis(),
            task.seed % (1 << 32),
        );
        let script = FilePath::new(env!("CARGO_MANIFEST_DIR")).join("chaos/application.mjs");
        let mut command = Command::new(variable("NODE")?);
        command.arg("--experimental-websocket").arg("--no-warnings").arg(script).arg(what);
        command.env("KAFKA_BOOTSTRAP", bootstrap).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().map_err(|error| format!("cannot start node: {error}"))?;
        let stdout = child.stdout.take().ok_or("node has no standard output")?;
        let reading = std::thread::spawn(move || {
            let mut journal = Journal::default();
            for line in BufReader::new(stdout).lines() {
                let taken = line.map_err(|error| error.to_string()).and_then(|line| journal.take_line(&line));
                if let Err(problem) = taken {
                    journal.complaints.push(problem);
                }
            }
            journal
        });
        Ok(Self { child, reading: Some(reading) })
    }

    /// Closes its standard input, which it takes for a sign.
    fn finish_sending(&mut self) {
        self.child.stdin = None;
    }

    /// Waits until it has ended by itself: every wait of its own has an end.
    fn journal(&mut self) -> Result<Journal, String> {
        let reading = self.reading.take().ok_or("the journal was taken before")?;
        let mut journal = reading.join().map_err(|_| "reading the journal panicked".to_owned())?;
        let status = self.child.wait().map_err(|error| error.to_string())?;
        if !status.success() {
            journal.complaints.push(format!("node ended with {status}"));
        }
        Ok(journal)
    }
}

impl Drop for NodeApplication {
    fn drop(&mut self) {
        // It has ended, unless we end early by an error of ours.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn variable(name: &str) -> Result<String, String> {
    std::env::var(name).map_err(|_| format!("{name} is not set: run this with `cargo xtask chaos`"))
}
