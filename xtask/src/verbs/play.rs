//! `cargo xtask play`: the playground with a bridge and a simulated cluster behind it, from nothing to a URL.

use super::{Verb, bridge};
use crate::args;
use crate::error::{Context, Error, Result};
use crate::server::Server;
use crate::signals::Interrupted;
use crate::wasm::{self, Kind, Module};
use crate::{npm, page, paths, process, progress, suite, tools};
use lexopt::prelude::*;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::Duration;

pub(super) const VERB: Verb = Verb {
    name: "play",
    usage: "play [--check] [--build-only] [--port N]",
    about: "prepares, builds and serves the playground until Ctrl-C; --check uses it once in Chromium and exits",
    run,
};

fn run(mut args: lexopt::Parser) -> Result<ExitCode> {
    let mut check = false;
    let mut build_only = false;
    let mut port: u16 = 0;
    while let Some(arg) = args.next()? {
        match arg {
            Long("check") => check = true,
            Long("build-only") => build_only = true,
            Long("port") => port = args::value(&mut args, "port", "a port number, 0 for any free one")?,
            Short(_) | Long(_) | Value(_) => return Err(args::unknown("play", &arg)),
        }
    }
    if check {
        suite::install_browser()?;
        tools::CHROMIUM.find()?;
    }
    let folder = build()?;
    if build_only {
        println!("{}", folder.display());
        return Ok(ExitCode::SUCCESS);
    }
    let program = bridge::build("dev")?;
    let interrupted = Interrupted::watch()?;
    let mut command = Command::new(program);
    command
        .args(["--dev-broker", "--log", "warn", "--listen", &format!("127.0.0.1:{port}"), "--serve"])
        .arg(&folder);
    let mut server =
        progress::step("starting kafka-bridge with the simulated cluster", || Server::start(&mut command))?;
    let Some(url) = server.value("listening").map(str::to_owned) else {
        return Err(Error::new("the bridge did not say where it listens"));
    };
    if let Some(broker) = server.value("dev-broker") {
        recommend(&folder, broker)?;
    }
    if check {
        let checked = check_page(&url);
        server.stop()?;
        return checked.map(|()| ExitCode::SUCCESS);
    }
    println!("{url}");
    progress::say("the playground is served until Ctrl-C");
    while !interrupted.is_set() {
        if let Some(status) = server.ended()? {
            return Err(Error::new(format!("the bridge ended ({status})")).help("its own message is above"));
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    server.stop()?;
    Ok(ExitCode::SUCCESS)
}

/// Builds the page and everything it loads; returns its folder.
fn build() -> Result<PathBuf> {
    let folder = paths::target().join("playground");
    std::fs::create_dir_all(&folder).context(|| format!("cannot create {}", folder.display()))?;
    let module = Module { package: "playground", kind: Kind::Program, name: page::MODULE };
    let wasm = wasm::build(module, &folder)?;
    page::assemble(&paths::root(), &folder)?;
    progress::step("compressing the page", || page::compress(&folder))?;
    // Recommends nobody: a page that asks and finds no file at all would complain in the browser's console.
    write_live(&folder, "{}\n")?;
    progress::say(&format!("{}: {}", shown(&wasm), wasm::sizes(&wasm)?));
    Ok(folder)
}

/// Tells the page which broker to talk to in Live. The file belongs to this run, so it is not part of the build.
fn recommend(folder: &Path, broker: &str) -> Result<()> {
    write_live(folder, &format!("{{\"broker\": \"{broker}\"}}\n"))
}

fn write_live(folder: &Path, text: &str) -> Result<()> {
    let file = folder.join("live.json");
    std::fs::write(&file, text).context(|| format!("cannot write {}", file.display()))
}

fn check_page(url: &str) -> Result<()> {
    npm::install(&paths::root().join("tests"))?;
    progress::step("checking the page in Chromium", || {
        let mut command = Command::new(tools::NODE.find()?);
        command.arg(paths::root().join("tests/playground/check.mjs")).arg(url);
        command.env("CHROMIUM", tools::CHROMIUM.find()?);
        process::run(&mut command)
    })
}

fn shown(path: &Path) -> String {
    path.strip_prefix(paths::root()).unwrap_or(path).display().to_string()
}
