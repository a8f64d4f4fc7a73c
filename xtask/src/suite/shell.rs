//! How a part runs its commands: output into its log, a time limit, and an end when the run is interrupted.

use super::prepared::Prepared;
use crate::error::{Context, Error, Result};
use crate::kafka::Cluster;
use crate::signals::Interrupted;
use crate::tools::{CHROMIUM, NODE};
use crate::verbs::{chaos, package};
use crate::wasm::cargo;
use crate::{npm, paths};
use std::fs::File;
use std::io::Write as _;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// Longer than any command needs, a first build on a slow machine included; a hang ends here.
const PATIENCE: Duration = Duration::from_secs(20 * 60);

/// What a part's `run` gets.
pub(super) struct Shell<'a> {
    log: File,
    /// This program. Asked for once, at the start: cargo may replace the file while it runs.
    program: &'a Path,
    environment: Vec<(&'static str, String)>,
    prepared: &'a Prepared,
    interrupted: &'a Interrupted,
}

impl<'a> Shell<'a> {
    pub(super) fn new(
        log: &Path,
        program: &'a Path,
        prepared: &'a Prepared,
        interrupted: &'a Interrupted,
    ) -> Result<Self> {
        let log = File::create(log).context(|| format!("cannot write {}", log.display()))?;
        let chromium = CHROMIUM.find().map(|program| ("CHROMIUM", program.display().to_string()));
        Ok(Self { log, program, environment: chromium.into_iter().collect(), prepared, interrupted })
    }

    /// Runs cargo at the root.
    pub(super) fn cargo(&mut self, args: &[&str]) -> Result<()> {
        self.run(Command::new(cargo()).args(args))
    }

    /// Runs another verb.
    pub(super) fn xtask(&mut self, args: &[&str]) -> Result<()> {
        self.run(Command::new(self.program).args(args))
    }

    /// Runs Node at the root, with the npm packages of the tests installed.
    pub(super) fn node(&mut self, args: &[&str]) -> Result<()> {
        npm::install(&paths::root().join("tests"))?;
        self.run(Command::new(NODE.find()?).args(args))
    }

    /// Runs every `*.test.mjs` of a folder with Node's test runner, so many files at once: lanes and files share two cores.
    pub(super) fn node_tests(&mut self, folder: &str, at_once: usize) -> Result<()> {
        let files = test_files(&paths::root().join(folder))?;
        let at_once = format!("--test-concurrency={at_once}");
        let fixed = ["--test", "--test-reporter=spec", at_once.as_str()].map(str::to_owned);
        let args: Vec<String> = fixed.into_iter().chain(files).collect();
        self.node(&args.iter().map(String::as_str).collect::<Vec<_>>())
    }

    /// Sets a variable for the commands that follow.
    pub(super) fn set(&mut self, name: &'static str, value: impl Into<String>) {
        self.environment.push((name, value.into()));
    }

    /// Starts the shared Apache Kafka unless it runs, and tells the commands that follow where it is.
    pub(super) fn with_kafka(&mut self) -> Result<()> {
        let environment = self.prepared.kafka().environment()?;
        self.environment.extend(environment);
        Ok(())
    }

    /// Builds kafka-bridge and tells the commands that follow where it is.
    pub(super) fn with_bridge(&mut self) -> Result<()> {
        // Of the whole workspace, so that it shares what the part `native` has built.
        let prepared = self.prepared;
        prepared.bridge.ensure(|| self.cargo(&["build", "--workspace", "--bin", "kafka-bridge"]))?;
        self.set("KAFKA_BRIDGE", paths::target().join("debug/kafka-bridge").display().to_string());
        Ok(())
    }

    /// Builds the npm package and tells the commands that follow where it is.
    pub(super) fn with_package(&mut self) -> Result<()> {
        let prepared = self.prepared;
        prepared.package.ensure(|| self.xtask(&["package"]))?;
        self.set("KAFKA_WASM_PACKAGE", package::tarball().display().to_string());
        self.set("KAFKA_WASM_FOLDER", package::folder().display().to_string());
        Ok(())
    }

    /// Builds the playground and tells the commands that follow where it is.
    pub(super) fn with_playground(&mut self) -> Result<()> {
        let prepared = self.prepared;
        prepared.playground.ensure(|| self.xtask(&["play", "--build-only"]))?;
        self.set("PLAYGROUND", paths::target().join("playground").display().to_string());
        Ok(())
    }

    /// Runs two minutes of chaos with a fixed seed, so that what it finds it is likely to find again.
    pub(super) fn chaos(&mut self) -> Result<()> {
        const SEED: &str = "1";
        self.with_package()?;
        self.with_bridge()?;
        self.cargo(&["build", "--workspace", "--bin", "chaos"])?;
        let bridge = paths::target().join("debug/kafka-bridge");
        let mut command = chaos::command(self.program, &bridge, &package::tarball())?;
        let result = self.run(command.args(["--seconds", "120", "--seed", SEED]));
        // It stops its cluster itself, unless it was itself stopped.
        Cluster::down(chaos::CLUSTER)?;
        result
    }

    /// Runs a command to its end. It gets a process group, so that what it started ends with it.
    fn run(&mut self, command: &mut Command) -> Result<()> {
        let words = std::iter::once(command.get_program()).chain(command.get_args());
        let line = words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ");
        let log = || "cannot write the log".to_owned();
        writeln!(self.log, "$ {line}").context(log)?;
        command
            .current_dir(paths::root())
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .env("CARGO_TERM_COLOR", "never")
            .stdin(Stdio::null())
            .stdout(self.log.try_clone().context(log)?)
            .stderr(self.log.try_clone().context(log)?)
            .process_group(0);
        let mut child = command.spawn().context(|| format!("cannot run `{line}`"))?;
        match self.wait(&mut child)? {
            Some(status) if status.success() => Ok(()),
            Some(status) => Err(Error::new(format!("`{line}` failed ({status})"))),
            None if self.interrupted.is_set() => Err(Error::new("interrupted")),
            None => Err(Error::new(format!("`{line}` did not end within {} s", PATIENCE.as_secs()))),
        }
    }

    /// `None`: it had to be killed.
    fn wait(&self, child: &mut Child) -> Result<Option<ExitStatus>> {
        let start = Instant::now();
        loop {
            if let Some(status) = child.try_wait().context(|| "cannot wait for a command".to_owned())? {
                return Ok(Some(status));
            }
            if self.interrupted.is_set() || start.elapsed() > PATIENCE {
                let group = i32::try_from(child.id()).ok().and_then(rustix::process::Pid::from_raw);
                if let Some(group) = group {
                    // The group may have ended in this very moment.
                    let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
                }
                child.wait().context(|| "cannot wait for a command".to_owned())?;
                return Ok(None);
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

fn test_files(folder: &Path) -> Result<Vec<String>> {
    let files = paths::files(folder, ".test.mjs")?;
    if files.is_empty() {
        return Err(Error::new(format!("{} has no *.test.mjs", folder.display())));
    }
    Ok(files.iter().map(|file| file.to_string_lossy().into_owned()).collect())
}
