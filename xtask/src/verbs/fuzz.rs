//! `cargo xtask fuzz`: gives hostile bytes to every target of `fuzz/` with libFuzzer, one after the other.
//!
//! New inputs go to `target/fuzz/corpus/`, so that the committed ones change only on purpose; an input that finds something
//! goes to `target/fuzz/artifacts/`.

use super::Verb;
use crate::args;
use crate::error::{Context, Error, Result};
use crate::{paths, process, progress};
use lexopt::prelude::*;
use std::path::PathBuf;
use std::process::{Command, ExitCode};

pub(super) const VERB: Verb = Verb {
    name: "fuzz",
    usage: "fuzz [--seconds S] [--only TARGET] [--minimise]",
    about: "hostile bytes for every decoder, with libFuzzer: needs a nightly toolchain and cargo-fuzz",
    run,
};

fn run(mut args: lexopt::Parser) -> Result<ExitCode> {
    let (mut seconds, mut only, mut minimise) = (60_u64, None, false);
    while let Some(arg) = args.next()? {
        match arg {
            Long("seconds") => seconds = args::value(&mut args, "seconds", "seconds for each target")?,
            Long("only") => only = Some(args::text(&mut args)?),
            Long("minimise") => minimise = true,
            Short(_) | Long(_) | Value(_) => return Err(args::unknown("fuzz", &arg)),
        }
    }
    let targets = targets(only.as_deref())?;
    check_tools()?;
    let mut broken = Vec::new();
    for target in &targets {
        let work = paths::target().join("fuzz/corpus").join(target);
        let artifacts = paths::target().join("fuzz/artifacts").join(target);
        for folder in [&work, &artifacts] {
            std::fs::create_dir_all(folder).context(|| format!("cannot create {}", folder.display()))?;
        }
        let committed = paths::root().join("fuzz/corpus").join(target);
        let mut command = cargo_fuzz("run");
        command.arg(target).arg(&work).arg(&committed).arg("--");
        command.arg(format!("-max_total_time={seconds}"));
        command.arg(format!("-artifact_prefix={}/", artifacts.display()));
        // A life of a world takes tens of milliseconds, a sanitizer some of them more.
        command.args(["-timeout=30", "-rss_limit_mb=3072", "-print_final_stats=1"]);
        if progress::step(&format!("fuzzing {target} for {seconds} s"), || process::run(&mut command))
            .is_err()
        {
            broken.push((target.clone(), artifacts));
        }
        if minimise {
            merge(target, &work, &committed)?;
        }
    }
    if broken.is_empty() {
        println!("{} targets, {seconds} s each: nothing found", targets.len());
        return Ok(ExitCode::SUCCESS);
    }
    for (target, artifacts) in broken {
        println!("{target}: found something; the input is in {}", artifacts.display());
    }
    Ok(ExitCode::FAILURE)
}

/// Puts into the committed corpus what reaches code that it has not reached yet.
fn merge(target: &str, work: &std::path::Path, committed: &std::path::Path) -> Result<()> {
    let mut command = cargo_fuzz("run");
    command.arg(target).arg(committed).arg(work).args(["--", "-merge=1"]);
    progress::step(&format!("merging the corpus of {target}"), || process::run(&mut command))
}

fn cargo_fuzz(what: &str) -> Command {
    let mut command = Command::new("cargo");
    command.args(["+nightly", "fuzz", what, "--target-dir"]).arg(paths::target().join("fuzz"));
    command.current_dir(paths::root());
    command
}

fn targets(only: Option<&str>) -> Result<Vec<String>> {
    let files = paths::files(&paths::root().join("fuzz/fuzz_targets"), ".rs")?;
    let name = |file: &PathBuf| file.file_stem().map(|stem| stem.to_string_lossy().into_owned());
    let all: Vec<String> = files.iter().filter_map(name).collect();
    let chosen: Vec<String> =
        all.iter().filter(|name| only.is_none_or(|only| only == name.as_str())).cloned().collect();
    if chosen.is_empty() {
        let only = only.unwrap_or_default();
        return Err(
            Error::new(format!("there is no target `{only}`")).help(format!("there are {}", all.join(", ")))
        );
    }
    Ok(chosen)
}

fn check_tools() -> Result<()> {
    let missing =
        |what: &str, install: &str| Err(Error::new(format!("{what} is not installed")).help(install));
    if process::output(Command::new("cargo").args(["+nightly", "--version"])).is_err() {
        return missing("a nightly toolchain", "rustup toolchain install nightly --profile minimal");
    }
    if process::output(Command::new("cargo").args(["+nightly", "fuzz", "--version"])).is_err() {
        return missing("cargo-fuzz", "cargo install --locked cargo-fuzz");
    }
    Ok(())
}
