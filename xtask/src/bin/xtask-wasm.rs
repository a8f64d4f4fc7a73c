//! `xtask-wasm <wasm-bindgen|wasm-bindgen-test-runner> ARGS`: the two wasm-bindgen programs, as this repository's
//! lock file pins them, so that nobody has to install a version that matches.
//!
//! Not called by people: the other verbs build it when they need it. Under a name of its own (a link to it called
//! `wasm-bindgen-test-runner`) it is that program: so wasm-pack finds it, see docs/testing.md.

use std::ffi::OsString;
use std::path::Path;
use std::process::ExitCode;

fn main() -> ExitCode {
    // The library parses arguments as its own programs do: with the program's name first.
    let mut args: Vec<OsString> = std::env::args_os().collect();
    let called = args.first().and_then(|path| Some(Path::new(path).file_name()?.to_owned()));
    match called {
        Some(name) if name != "xtask-wasm" => args[0] = name,
        _ => drop(args.drain(..1.min(args.len()))),
    }
    let result = match args.first().and_then(|program| program.to_str()) {
        Some("wasm-bindgen") => wasm_bindgen_cli::wasm_bindgen::run_cli_with_args(args),
        Some("wasm-bindgen-test-runner") => {
            wasm_bindgen_cli::wasm_bindgen_test_runner::run_cli_with_args(args)
        }
        _ => {
            eprintln!("error: expected `wasm-bindgen` or `wasm-bindgen-test-runner`, then its arguments");
            return ExitCode::FAILURE;
        }
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:?}");
            ExitCode::FAILURE
        }
    }
}
