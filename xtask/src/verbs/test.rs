//! `cargo xtask test`: everything that CI runs.

use super::Verb;
use crate::args;
use crate::error::Result;
use crate::suite;
use lexopt::prelude::*;
use std::process::ExitCode;

pub(super) const VERB: Verb = Verb {
    name: "test",
    usage: "test [--only PART]",
    about: "the cheap checks, then every test, browsers and real Kafka included; logs go to target/test-logs/",
    run,
};

fn run(mut args: lexopt::Parser) -> Result<ExitCode> {
    let mut only = None;
    while let Some(arg) = args.next()? {
        match arg {
            Long("only") => only = Some(args::text(&mut args)?),
            Short(_) | Long(_) | Value(_) => return Err(args::unknown("test", &arg)),
        }
    }
    let success = suite::run(only.as_deref())?;
    Ok(if success { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
