//! `cargo xtask bridge -- ARGS`: builds and runs kafka-bridge in release mode.

use super::Verb;
use crate::args;
use crate::error::Result;
use crate::wasm::cargo;
use crate::{paths, progress};
use lexopt::prelude::*;
use std::ffi::OsString;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Command, ExitCode};

pub(super) const VERB: Verb = Verb {
    name: "bridge",
    usage: "bridge -- ARGS",
    about: "builds and runs kafka-bridge in release mode; `bridge -- --help` lists its options",
    run,
};

fn run(mut args: lexopt::Parser) -> Result<ExitCode> {
    let mut bridge_args: Vec<OsString> = Vec::new();
    while let Some(arg) = args.next()? {
        match arg {
            // Everything after `--` arrives as a value, and so does a word in front of it, which is harmless.
            Value(word) => bridge_args.push(word),
            Short(_) | Long(_) => {
                return Err(args::unknown("bridge", &arg).help("options of the bridge go after `--`"));
            }
        }
    }
    let program = build("release")?;
    // The bridge takes our place, so that signals and its exit code are its own.
    let cause = Command::new(&program).args(bridge_args).exec();
    Err(crate::error::Error::new(format!("cannot run {}", program.display())).because(cause))
}

/// Builds kafka-bridge with a cargo profile (`dev` or `release`) and returns the program.
pub(super) fn build(profile: &str) -> Result<PathBuf> {
    // For development with the features of the whole workspace: the tests have built that already.
    let (folder, chosen) = match profile {
        "dev" => ("debug", ["--workspace"].as_slice()),
        other => (other, ["--package", "bridge"].as_slice()),
    };
    progress::step("building kafka-bridge", || {
        let mut command = Command::new(cargo());
        command.arg("build").args(chosen).args(["--bin", "kafka-bridge", "--profile", profile]);
        crate::process::run(command.current_dir(paths::root()))
    })?;
    Ok(paths::target().join(folder).join("kafka-bridge"))
}
