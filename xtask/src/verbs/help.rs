//! `cargo xtask help`: lists the verbs.

use super::{VERBS, Verb};
use crate::error::Result;
use std::process::ExitCode;

pub(super) const VERB: Verb = Verb { name: "help", usage: "help", about: "this list", run };

fn run(mut args: lexopt::Parser) -> Result<ExitCode> {
    if let Some(arg) = args.next()? {
        return Err(crate::args::unknown("help", &arg));
    }
    println!("cargo xtask <verb>\n\n{}", table());
    Ok(ExitCode::SUCCESS)
}

/// Usage and purpose of every verb.
pub(super) fn table() -> String {
    VERBS.iter().map(|verb| format!("{}\n      {}", verb.usage, verb.about)).collect::<Vec<_>>().join("\n")
}
