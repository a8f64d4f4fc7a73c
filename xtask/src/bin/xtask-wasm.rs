//! `xtask-wasm <wasm-bindgen|wasm-bindgen-test-runner> ARGS`: the two wasm-bindgen programs, as this repository's
//! lock file pins them, so that nobody has to install a version that matches.
//!
//! Not called by people: the other verbs build it when they need it.

use std::ffi::OsString;
use std::process::ExitCode;

fn main() -> ExitCode {
    // The library parses arguments as its own programs do: with the program's name first.
    let args: Vec<OsString> = std::env::args_os().skip(1).collect();
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
