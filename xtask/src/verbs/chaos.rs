//! `cargo xtask chaos`: an idempotent producer and a consumer on real Kafka while brokers, bridge and connections die.
//!
//! The work is done by `tests/src/bin/chaos.rs` (see `tests/src/chaos/`): what it needs is built here.

use super::{Verb, bridge, package};
use crate::args;
use crate::error::{Context, Result};
use crate::kafka::Cluster;
use crate::signals::Interrupted;
use crate::tools::{JAVA, MAVEN, NODE, OPENSSL};
use crate::wasm::cargo;
use crate::{paths, process, progress};
use lexopt::prelude::*;
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};

pub(super) const VERB: Verb = Verb {
    name: "chaos",
    usage: "chaos [--minutes M] [--seed N] [--keep]",
    about: "real Kafka with brokers killed and frozen, connections cut: every acknowledged record once and in order; \
            --keep leaves a cluster that broke its word",
    run,
};

/// Beside the cluster that people start by hand.
pub(crate) const CLUSTER: &str = "chaos";

fn run(mut args: lexopt::Parser) -> Result<ExitCode> {
    let mut minutes: u64 = 2;
    let mut seed = None::<u64>;
    let mut keep = false;
    while let Some(arg) = args.next()? {
        match arg {
            Long("minutes") => minutes = args::value(&mut args, "minutes", "a number of minutes")?,
            Long("seed") => seed = Some(args::value(&mut args, "seed", "a number")?),
            Long("keep") => keep = true,
            Short(_) | Long(_) | Value(_) => return Err(args::unknown("chaos", &arg)),
        }
    }
    for tool in [JAVA, MAVEN, NODE, OPENSSL] {
        tool.find()?;
    }
    package::package()?;
    let bridge = bridge::build("dev")?;
    progress::step("building chaos", || {
        let mut command = Command::new(cargo());
        command.args(["build", "--workspace", "--bin", "chaos"]);
        process::run(command.current_dir(paths::root()))
    })?;
    let xtask = std::env::current_exe().context(|| "cannot find this program".to_owned())?;
    let mut command = command(&xtask, &bridge, &package::tarball())?;
    command.args(["--seconds", &minutes.saturating_mul(60).to_string()]);
    if let Some(seed) = seed {
        command.args(["--seed", &seed.to_string()]);
    }
    if keep {
        command.arg("--keep");
    }
    // Ctrl-C ends what runs, which is an error here, and then the cluster is stopped all the same.
    let _interrupted = Interrupted::watch()?;
    let status = command.status().context(|| "cannot run chaos".to_owned())?;
    if !keep {
        Cluster::down(CLUSTER)?;
    }
    Ok(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The program, built, with everything it wants to know. `xtask` is this program, `bridge` kafka-bridge, `tarball` the npm package.
pub(crate) fn command(xtask: &Path, bridge: &Path, tarball: &Path) -> Result<Command> {
    let mut command = Command::new(paths::target().join("debug/chaos"));
    command
        .args(["--name", CLUSTER])
        .env("XTASK", xtask)
        .env("NODE", NODE.find()?)
        .env("KAFKA_BRIDGE", bridge)
        .env("KAFKA_WASM_PACKAGE", tarball)
        .current_dir(paths::root())
        .stdin(Stdio::null());
    Ok(command)
}
