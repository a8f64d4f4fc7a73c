//! The compiler's wasm target and the wasm-bindgen program, both made available when they are missing.

use crate::error::{Error, Result};
use crate::{lock, paths, process, progress};
use std::path::PathBuf;
use std::process::Command;

pub(crate) const TARGET: &str = "wasm32-unknown-unknown";

/// Adds the wasm target to the Rust toolchain unless it is there.
pub(crate) fn ensure_target() -> Result<()> {
    // rustup does not expect another one beside it.
    let _lock = lock::of_checkout("rustup")?;
    let libdir =
        process::output(Command::new(rustc()).args(["--print", "target-libdir", "--target", TARGET]))?;
    if PathBuf::from(libdir.trim()).is_dir() {
        return Ok(());
    }
    progress::step(&format!("adding the Rust target {TARGET}"), || {
        let mut command = Command::new("rustup");
        command.args(["target", "add", TARGET]).current_dir(paths::root());
        process::output(&mut command).map(|_output| ()).map_err(|error| {
            Error::new(format!("cannot add the Rust target {TARGET}")).because(error).help(format!(
                "with rustup and a network: `rustup target add {TARGET}`\n\
                 without rustup: install your distribution's package of the Rust standard library for wasm32"
            ))
        })
    })
}

/// Adds a component of the Rust toolchain unless cargo has its subcommand.
pub(crate) fn ensure_component(component: &str, subcommand: &str) -> Result<()> {
    let _lock = lock::of_checkout("rustup")?;
    if process::output(Command::new(cargo()).args([subcommand, "--version"])).is_ok() {
        return Ok(());
    }
    progress::step(&format!("adding the Rust component {component}"), || {
        let mut command = Command::new("rustup");
        command.args(["component", "add", component]).current_dir(paths::root());
        process::output(&mut command).map(|_output| ()).map_err(|error| {
            Error::new(format!("cannot add the Rust component {component}"))
                .because(error)
                .help(format!("with rustup and a network: `rustup component add {component}`"))
        })
    })
}

/// The program `xtask-wasm`, built when it is missing or old.
pub(super) fn program() -> Result<PathBuf> {
    let program = paths::target().join("tools/xtask-wasm");
    let build = || {
        let mut command = Command::new(cargo());
        command.args(["build", "--package", "xtask", "--bin", "xtask-wasm", "--features", "wasm"]);
        command.args(["--profile", "tools"]).current_dir(paths::root());
        if program.is_file() {
            command.arg("--quiet");
        }
        process::run(&mut command)
    };
    if program.is_file() {
        build()?;
    } else {
        progress::step("building wasm-bindgen, once", build)?;
    }
    Ok(program)
}

/// `--config` for cargo which makes it run wasm tests with our wasm-bindgen, whatever characters the path has.
pub(crate) fn runner_config() -> Result<String> {
    let program = program()?;
    let program =
        program.to_str().ok_or_else(|| Error::new(format!("{} is not UTF-8", program.display())))?;
    // A TOML basic string: the same escapes as Rust's for everything a path may hold.
    Ok(format!("target.{TARGET}.runner=[{program:?}, \"wasm-bindgen-test-runner\"]"))
}

/// The cargo that runs us.
pub(crate) fn cargo() -> PathBuf {
    std::env::var_os("CARGO").map_or_else(|| PathBuf::from("cargo"), PathBuf::from)
}

fn rustc() -> PathBuf {
    std::env::var_os("RUSTC").map_or_else(|| PathBuf::from("rustc"), PathBuf::from)
}
