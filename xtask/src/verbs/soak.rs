//! `cargo xtask soak`: lives through simulated worlds drawn from seeds, on every core.
//!
//! The work is done by `tests/src/bin/soak.rs`, built as fast as what ships and with every assertion on.

use super::Verb;
use crate::args;
use crate::error::{Context, Error, Result};
use crate::wasm::cargo;
use crate::{paths, process, progress};
use lexopt::prelude::*;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::time::{SystemTime, UNIX_EPOCH};

pub(super) const VERB: Verb = Verb {
    name: "soak",
    usage: "soak [--seeds N] [--from SEED|fresh] [--minutes M] [--replay FILE]",
    about: "random simulated worlds: a bad one is named by its seed, made small, and written to target/soak/",
    run,
};

fn run(mut args: lexopt::Parser) -> Result<ExitCode> {
    let (mut seeds, mut from, mut minutes, mut file) = (None, From::Seed(1), None::<u64>, None);
    while let Some(arg) = args.next()? {
        match arg {
            Long("seeds") => seeds = Some(args::value::<u64>(&mut args, "seeds", "a number of seeds")?),
            Long("from") => from = args::value(&mut args, "from", "a seed, or fresh")?,
            Long("minutes") => minutes = Some(args::value(&mut args, "minutes", "a number of minutes")?),
            Long("replay") => file = Some(PathBuf::from(args.value()?)),
            Short(_) | Long(_) | Value(_) => return Err(args::unknown("soak", &arg)),
        }
    }
    let program = build()?;
    let mut command = Command::new(program);
    match file {
        Some(file) => command.arg("replay").arg(file),
        None => {
            // With nothing but a time, as many as come.
            let unlimited = if minutes.is_some() { u64::MAX } else { SEEDS };
            let count = seeds.unwrap_or(unlimited);
            let seconds = minutes.unwrap_or_default() * 60;
            let words = [from.seed()?.to_string(), count.to_string(), seconds.to_string(), commit()];
            command.args(words).arg(paths::target().join("soak"))
        }
    };
    let status = command
        .current_dir(paths::root())
        .stdin(Stdio::null())
        .status()
        .context(|| "cannot run the soak".to_owned())?;
    Ok(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// How many without being told.
const SEEDS: u64 = 20_000;

/// Where to begin.
#[derive(Clone, Copy, Debug)]
enum From {
    Seed(u64),
    /// Where nobody has been.
    Fresh,
}

impl std::str::FromStr for From {
    type Err = ();

    fn from_str(text: &str) -> std::result::Result<Self, ()> {
        match text {
            "fresh" => Ok(Self::Fresh),
            seed => seed.parse().map(Self::Seed).map_err(|_| ()),
        }
    }
}

impl From {
    fn seed(self) -> Result<u64> {
        match self {
            Self::Seed(seed) => Ok(seed),
            Self::Fresh => {
                let since = SystemTime::now()
                    .duration_since(UNIX_EPOCH)
                    .map_err(|cause| Error::new("the clock stands before 1970").because(cause))?;
                // Thousands apart from one second to the next, so that ranges do not meet.
                Ok(since.as_secs() * 100_000)
            }
        }
    }
}

fn build() -> Result<PathBuf> {
    progress::step("building the soak", || {
        let mut command = Command::new(cargo());
        command.args(["build", "--package", "tests", "--bin", "soak", "--profile", "worlds"]);
        process::run(command.current_dir(paths::root()))
    })?;
    Ok(paths::target().join("worlds/soak"))
}

/// The commit that is being tried, for whoever reads of a failure.
fn commit() -> String {
    let git = |args: &[&str]| process::output(Command::new("git").args(args).current_dir(paths::root()));
    let in_repository = Path::new(&paths::root()).join(".git").exists();
    let Some(commit) = git(&["rev-parse", "--short=12", "HEAD"]).ok().filter(|_| in_repository) else {
        return "unknown".to_owned();
    };
    let changed =
        git(&["status", "--porcelain", "--untracked-files=no"]).is_ok_and(|text| !text.trim().is_empty());
    format!("{}{}", commit.trim(), if changed { "+changes" } else { "" })
}
