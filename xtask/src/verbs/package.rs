//! `cargo xtask package`: the npm package, as it would be published, and its sizes.
//!
//! Rust half: `wasm-bindings` -> `target/npm/build/{kafka_wasm.js, kafka_wasm_bg.wasm}`. JavaScript half: `npm ci` in
//! `wasm-bindings/js` if it has a lock, then `node wasm-bindings/js/build.mjs <wasm folder> <package folder>`, which
//! leaves a folder ready for `npm pack`.

use super::Verb;
use crate::args;
use crate::error::{Context, Error, Result};
use crate::wasm::{self, Kind, Module};
use crate::{lock, npm, paths, process, progress, tools};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

pub(super) const VERB: Verb = Verb {
    name: "package",
    usage: "package",
    about: "builds the npm package into target/npm/ and prints its sizes raw, gzipped and with brotli",
    run,
};

fn run(mut args: lexopt::Parser) -> Result<ExitCode> {
    if let Some(arg) = args.next()? {
        return Err(args::unknown("package", &arg));
    }
    let tarball = package()?;
    println!("{}", tarball.display());
    Ok(ExitCode::SUCCESS)
}

fn home() -> PathBuf {
    paths::target().join("npm")
}

fn build_folder() -> PathBuf {
    home().join("build")
}

/// What is packed, unpacked.
pub(crate) fn folder() -> PathBuf {
    home().join("package")
}

/// The optimised module.
pub(crate) fn wasm() -> PathBuf {
    build_folder().join("kafka_wasm_bg.wasm")
}

/// What [`package`] makes.
pub(crate) fn tarball() -> PathBuf {
    home().join(format!("kafka-wasm-{}.tgz", env!("CARGO_PKG_VERSION")))
}

/// Builds and packs the package; returns the tarball.
pub(crate) fn package() -> Result<PathBuf> {
    let home = home();
    let _lock = lock::in_folder(&home, "lock")?;
    let (build, contents) = (build_folder(), folder());
    let wasm =
        wasm::build(Module { package: "wasm-bindings", kind: Kind::Library, name: "kafka_wasm" }, &build)?;
    progress::say(&format!("kafka_wasm_bg.wasm: {}", wasm::sizes(&wasm)?));

    let sources = paths::root().join("wasm-bindings/js");
    if sources.join("package-lock.json").is_file() {
        npm::install(&sources)?;
    }
    // An old file that is not built any more must not be packed.
    remove_folder(&contents)?;
    progress::step("building the JavaScript half", || {
        let mut command = Command::new(tools::NODE.find()?);
        command.arg(sources.join("build.mjs")).arg(&build).arg(&contents).current_dir(&sources);
        process::run(&mut command)
    })?;
    let tarball = pack(&contents, &home)?;
    let bytes = std::fs::metadata(&tarball).context(|| format!("cannot read {}", tarball.display()))?.len();
    progress::say(&format!("{}: {} kB", file_name(&tarball), bytes / 1000));
    Ok(tarball)
}

fn pack(contents: &Path, home: &Path) -> Result<PathBuf> {
    let mut command = Command::new(tools::NPM.find()?);
    command.args(["pack", "--ignore-scripts", "--loglevel", "error", "--pack-destination"]).arg(home);
    let output = process::output(command.current_dir(contents))?;
    let name = output.trim().lines().last().unwrap_or_default().to_owned();
    let wanted = file_name(&tarball());
    if name != wanted {
        return Err(Error::new(format!("npm packed `{name}`, expected `{wanted}`")).help(
            "name and version in the package's package.json must be kafka-wasm and the workspace's version",
        ));
    }
    Ok(home.join(name))
}

fn remove_folder(folder: &Path) -> Result<()> {
    if folder.exists() {
        std::fs::remove_dir_all(folder).context(|| format!("cannot delete {}", folder.display()))?;
    }
    Ok(())
}

fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}
