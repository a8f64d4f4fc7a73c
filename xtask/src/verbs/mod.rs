//! The verbs: one file each, and the table which `help` prints.

mod behaviour;
mod bench;
mod bridge;
pub(crate) mod chaos;
mod fuzz;
mod help;
mod kafka;
pub(crate) mod package;
mod play;
mod soak;
mod test;

use crate::error::{Error, Result};
use lexopt::prelude::*;
use std::process::ExitCode;

/// One verb of `cargo xtask`.
pub(crate) struct Verb {
    pub(crate) name: &'static str,
    pub(crate) usage: &'static str,
    pub(crate) about: &'static str,
    run: fn(lexopt::Parser) -> Result<ExitCode>,
}

/// Every verb, in the order in which `help` shows them.
pub(crate) const VERBS: &[Verb] = &[
    play::VERB,
    test::VERB,
    behaviour::VERB,
    package::VERB,
    bridge::VERB,
    kafka::VERB,
    bench::VERB,
    soak::VERB,
    chaos::VERB,
    fuzz::VERB,
    help::VERB,
];

/// Reads the verb and runs it with the arguments that follow.
pub(crate) fn run(mut args: lexopt::Parser) -> Result<ExitCode> {
    let name = match args.next()? {
        Some(Value(word)) => word.to_string_lossy().into_owned(),
        Some(Short('h') | Long("help")) => "help".to_owned(),
        Some(arg @ (Short(_) | Long(_))) => return Err(crate::args::unknown("help", &arg)),
        None => return Err(Error::new("no verb given").help(help::table())),
    };
    match VERBS.iter().find(|verb| verb.name == name) {
        Some(verb) => (verb.run)(args),
        None => Err(Error::new(format!("there is no verb `{name}`")).help(help::table())),
    }
}
