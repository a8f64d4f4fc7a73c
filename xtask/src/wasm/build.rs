//! Crate -> cargo -> wasm-bindgen -> wasm-opt -> a folder with `NAME.js` and `NAME_bg.wasm`.

use super::toolchain::{self, TARGET};
use crate::error::{Context, Error, Result};
use crate::{npm, paths, process, progress, tools};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::process::Command;

/// What to build.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Module<'a> {
    /// The package's name.
    pub(crate) package: &'a str,
    /// Whether the module is the package's library, its program, or an example of the module's name.
    pub(crate) kind: Kind,
    /// The name of the files that come out, without extension.
    pub(crate) name: &'a str,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Library,
    Program,
    Example,
}

/// Builds the module into `folder` and returns the path of the optimised wasm.
///
/// The steps after cargo are left out when cargo's output is the one they were last run on.
pub(crate) fn build(module: Module<'_>, folder: &Path) -> Result<PathBuf> {
    toolchain::ensure_target()?;
    npm::install(&paths::root().join("tests"))?;
    let compiled =
        progress::step(&format!("compiling {} to WebAssembly", module.package), || compile(module))?;
    let program = toolchain::program()?;
    let optimiser = npm::package_file("binaryen/bin/wasm-opt")?;
    let wasm = folder.join(format!("{}_bg.wasm", module.name));
    let stamp = folder.join(format!("{}.stamp", module.name));
    let fingerprint = fingerprint(&[&compiled, &npm::package_file("binaryen/package.json")?], module.name)?;
    if wasm.is_file() && std::fs::read_to_string(&stamp).is_ok_and(|old| old == fingerprint) {
        return Ok(wasm);
    }
    std::fs::create_dir_all(folder).context(|| format!("cannot create {}", folder.display()))?;
    progress::step(&format!("binding {}", module.package), || {
        let mut command = Command::new(program);
        command.args(["wasm-bindgen", "--target", "web", "--out-name", module.name, "--out-dir"]).arg(folder);
        command.args(["--remove-producers-section", "--remove-name-section"]).arg(&compiled);
        process::output(&mut command).map(|_output| ())
    })?;
    progress::step(&format!("optimising {}", module.package), || {
        let optimised = folder.join(format!("{}_bg.optimised.wasm", module.name));
        let mut command = Command::new(tools::NODE.find()?);
        command.arg(optimiser).arg("-Oz").arg(&wasm).arg("-o").arg(&optimised);
        process::output(&mut command)?;
        std::fs::rename(&optimised, &wasm).context(|| format!("cannot write {}", wasm.display()))
    })?;
    std::fs::write(&stamp, fingerprint).context(|| format!("cannot write {}", stamp.display()))?;
    Ok(wasm)
}

/// Runs cargo and returns the path of the module it wrote.
fn compile(module: Module<'_>) -> Result<PathBuf> {
    let mut command = Command::new(toolchain::cargo());
    // A library becomes a module here alone: cargo gives modules no name of their own for each set of features, so the package and the
    // playground, which want different ones, would compile it again and again.
    let (verb, target) = match module.kind {
        Kind::Library => ("rustc", vec!["--lib", "--crate-type", "cdylib"]),
        Kind::Program => ("build", vec!["--bin", module.package]),
        Kind::Example => ("build", vec!["--example", module.name]),
    };
    command.args([verb, "--profile", "wasm", "--target", TARGET, "--package", module.package]).args(target);
    // Panic messages hold source paths: those of this machine are nobody's business and differ from build to build.
    command.env("CARGO_ENCODED_RUSTFLAGS", flags()).current_dir(paths::root());
    process::run(&mut command)?;
    let folder = paths::target().join(TARGET).join("wasm");
    let file = match module.kind {
        Kind::Library => folder.join(format!("{}.wasm", module.package.replace('-', "_"))),
        Kind::Program => folder.join(format!("{}.wasm", module.package)),
        Kind::Example => folder.join(format!("examples/{}.wasm", module.name)),
    };
    if file.is_file() {
        return Ok(file);
    }
    Err(Error::new(format!("cargo built {} but left no {}", module.package, file.display())))
}

/// Flags for rustc, in cargo's form which allows blanks inside one: sources are called `kafka-wasm/...` and `crates/...`, and SHA-2 is small rather
/// than fast, for it only computes proofs of passwords.
fn flags() -> String {
    const SEPARATOR: &str = "\u{1f}";
    let remap = |from: &Path, to: &str| format!("--remap-path-prefix={}={to}", from.display());
    let cargo_home = std::env::var_os("CARGO_HOME")
        .map(PathBuf::from)
        .or_else(|| std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".cargo")));
    // One folder for each registry; its name says where the machine gets its crates from.
    let registries = cargo_home.and_then(|home| std::fs::read_dir(home.join("registry/src")).ok());
    let mut registries: Vec<PathBuf> =
        registries.into_iter().flatten().filter_map(|entry| Some(entry.ok()?.path())).collect();
    registries.sort();
    let flags = registries.iter().map(|folder| remap(folder, "crates"));
    let small = ["--cfg", "sha2_backend_soft=\"compact\""].map(String::from);
    flags.chain([remap(&paths::root(), "kafka-wasm")]).chain(small).collect::<Vec<_>>().join(SEPARATOR)
}

fn fingerprint(files: &[&Path], name: &str) -> Result<String> {
    let mut hasher = DefaultHasher::new();
    name.hash(&mut hasher);
    for file in files {
        let bytes = std::fs::read(file).context(|| format!("cannot read {}", file.display()))?;
        bytes.hash(&mut hasher);
    }
    Ok(format!("{:016x}", hasher.finish()))
}
