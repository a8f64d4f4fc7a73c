//! `cargo xtask bench`: runs `tests/bench/*.bench.mjs` one after the other and prints what they measured.
//!
//! A script finds the broker in `KAFKA_BOOTSTRAP`, the unpacked npm package in `KAFKA_WASM_FOLDER`, a module that writes
//! record batches in `BENCH_ENCODER` and the folder for its JSON in `BENCH_OUT`. Its standard output is a table with tabs between the columns, heads first; a line without
//! a tab stands as it is. What it says meanwhile goes to standard error.

use super::{Verb, bridge, package};
use crate::args;
use crate::error::{Context, Error, Result};
use crate::kafka::{Cluster, Options};
use crate::server::Server;
use crate::signals::Interrupted;
use crate::wasm::{Kind, Module};
use crate::{npm, paths, process, progress, table, tools, wasm};
use lexopt::prelude::*;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

pub(super) const VERB: Verb = Verb {
    name: "bench",
    usage: "bench [--against dev|kafka] [--only PART]",
    about: "our client and its peers in turn on the same broker: rates, ratios, and target/bench/*.json",
    run,
};

/// Beside the cluster that people start by hand.
const CLUSTER: &str = "bench";

/// What `tests/bench/encode.bench.mjs` runs in Node.
const ENCODER: Module<'_> = Module { package: "wasm-bindings", kind: Kind::Example, name: "encode_speed" };

fn run(mut args: lexopt::Parser) -> Result<ExitCode> {
    let mut against = Against::Kafka;
    let mut only = None;
    while let Some(arg) = args.next()? {
        match arg {
            Long("against") => against = args::value(&mut args, "against", "dev or kafka")?,
            Long("only") => only = Some(args::text(&mut args)?),
            Short(_) | Long(_) | Value(_) => return Err(args::unknown("bench", &arg)),
        }
    }
    let scripts = scripts(only.as_deref())?;
    npm::install(&paths::root().join("tests"))?;
    package::package()?;
    println!("kafka_wasm_bg.wasm: {}", wasm::sizes(&package::wasm())?);
    wasm::build(ENCODER, &encoder())?;
    // Ctrl-C ends the script that measures, which is an error here, and then the broker is stopped all the same.
    let _interrupted = Interrupted::watch()?;
    let broker = Broker::start(against)?;
    let measured = scripts.iter().try_for_each(|script| measure(script, against, &broker.bootstrap()?));
    broker.stop()?;
    measured.map(|()| ExitCode::SUCCESS)
}

#[derive(Clone, Copy, Debug)]
enum Against {
    Dev,
    Kafka,
}

impl std::str::FromStr for Against {
    type Err = ();

    fn from_str(text: &str) -> std::result::Result<Self, ()> {
        match text {
            "dev" => Ok(Self::Dev),
            "kafka" => Ok(Self::Kafka),
            _ => Err(()),
        }
    }
}

/// What the clients talk to.
#[derive(Debug)]
enum Broker {
    Dev(Server),
    Kafka(Cluster),
}

impl Broker {
    fn start(against: Against) -> Result<Self> {
        match against {
            Against::Kafka => {
                let options = Options { name: CLUSTER.to_owned(), in_memory: true, ..Options::default() };
                Ok(Self::Kafka(Cluster::up(&options)?))
            }
            Against::Dev => {
                let mut command = Command::new(bridge::build("release")?);
                command.args(["--dev-broker", "--listen", "127.0.0.1:0"]);
                Ok(Self::Dev(Server::start(&mut command)?))
            }
        }
    }

    fn bootstrap(&self) -> Result<String> {
        match self {
            Self::Kafka(cluster) => Ok(cluster.bootstrap()),
            Self::Dev(server) => {
                let address = server.value("dev-broker").map(str::to_owned);
                address.ok_or_else(|| Error::new("kafka-bridge did not say where its dev broker listens"))
            }
        }
    }

    fn stop(self) -> Result<()> {
        match self {
            Self::Kafka(_cluster) => Cluster::down(CLUSTER),
            Self::Dev(server) => server.stop(),
        }
    }
}

fn encoder() -> PathBuf {
    paths::target().join("bench/encoder")
}

fn measure(script: &Path, against: Against, bootstrap: &str) -> Result<()> {
    let out = paths::target().join("bench");
    std::fs::create_dir_all(&out).context(|| format!("cannot create {}", out.display()))?;
    let part = part(script);
    let printed = progress::step(&format!("measuring {part}"), || {
        let mut command = Command::new(tools::NODE.find()?);
        command.arg(script).current_dir(paths::root());
        command
            .env("KAFKA_BOOTSTRAP", bootstrap)
            .env(
                "BENCH_AGAINST",
                match against {
                    Against::Dev => "dev",
                    Against::Kafka => "kafka",
                },
            )
            .env("KAFKA_WASM_FOLDER", package::folder())
            .env("BENCH_ENCODER", encoder())
            .env("BENCH_OUT", &out);
        process::output_only(&mut command)
    })?;
    println!("\n{part}\n\n{}", table::align(&printed));
    Ok(())
}

fn scripts(only: Option<&str>) -> Result<Vec<PathBuf>> {
    let folder = paths::root().join("tests/bench");
    let all = paths::files(&folder, ".bench.mjs")?;
    let chosen: Vec<PathBuf> =
        all.iter().filter(|script| only.is_none_or(|only| part(script) == only)).cloned().collect();
    if chosen.is_empty() {
        let names: Vec<String> = all.iter().map(|script| part(script)).collect();
        let what =
            only.map_or_else(|| "there is nothing to measure".to_owned(), |only| format!("no part `{only}`"));
        return Err(Error::new(what).help(format!("parts in {}: {}", folder.display(), names.join(", "))));
    }
    Ok(chosen)
}

fn part(script: &Path) -> String {
    let name = script.file_name().unwrap_or_default().to_string_lossy();
    name.trim_end_matches(".bench.mjs").to_owned()
}
