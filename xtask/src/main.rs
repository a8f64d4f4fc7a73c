//! `cargo xtask <verb>`: the only automation of this repository. CI runs the same commands.
//!
//! What a verb produces goes to standard output, what it is doing meanwhile to standard error, so that
//! `cargo xtask kafka up > addresses` keeps only the addresses.

#![expect(clippy::print_stdout, reason = "a command-line program: standard output is where its results go")]
#![expect(
    clippy::disallowed_methods,
    reason = "drives processes: it measures how long they take and waits for them"
)]

mod args;
mod behaviour;
mod error;
mod kafka;
mod lock;
mod npm;
mod page;
mod paths;
mod ports;
mod process;
mod progress;
mod server;
mod signals;
mod suite;
mod table;
mod tools;
mod verbs;
mod wasm;

use std::process::ExitCode;

fn main() -> ExitCode {
    match verbs::run(lexopt::Parser::from_env()) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}
