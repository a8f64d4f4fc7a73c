//! `cargo xtask behaviour`: what must hold, what proves it, and whether it did.

use super::Verb;
use crate::error::Result;
use crate::{args, behaviour, suite};
use lexopt::prelude::*;
use std::process::ExitCode;

pub(super) const VERB: Verb = Verb {
    name: "behaviour",
    usage: "behaviour [--run]",
    about: "each line of docs/behaviour.md with the tests that prove it and their results of last time; --run runs them first",
    run,
};

/// The parts of the test command whose tests name lines.
const PARTS: [&str; 3] = ["native", "node", "browser"];

fn run(mut args: lexopt::Parser) -> Result<ExitCode> {
    let mut first = false;
    while let Some(arg) = args.next()? {
        match arg {
            Long("run") => first = true,
            Short(_) | Long(_) | Value(_) => return Err(args::unknown("behaviour", &arg)),
        }
    }
    if first {
        for part in PARTS {
            // What failed is in the table.
            suite::run(Some(part))?;
        }
    }
    Ok(if behaviour::report()? { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
