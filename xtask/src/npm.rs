//! npm packages: installed from a committed lock, and only when the lock is newer than what is installed.

use crate::error::{Context, Error, Result};
use crate::{lock, process, progress, tools};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::SystemTime;

/// Installs the packages which `folder/package-lock.json` names.
///
/// Their installation scripts are not run: none of ours needs one.
pub(crate) fn install(folder: &Path) -> Result<()> {
    let _lock = lock::of_checkout("npm")?;
    let lock = folder.join("package-lock.json");
    let changed = modified(&lock).context(|| format!("cannot read {}", lock.display()))?;
    // npm writes this file last, so an installation that was cut short is older than its lock or has none.
    let installed = folder.join("node_modules/.package-lock.json");
    if modified(&installed).is_ok_and(|installed| installed >= changed) {
        return Ok(());
    }
    let npm = tools::NPM.find()?;
    progress::step(&format!("installing the npm packages of {}", shown(folder)), || {
        let mut command = Command::new(npm);
        command.args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"]).current_dir(folder);
        process::output(&mut command).map(|_output| ())
    })?;
    // `npm ci` keeps the lock's date on some versions; what counts is that it has just succeeded.
    let touched = std::fs::File::options().append(true).open(&installed);
    touched
        .and_then(|file| file.set_modified(SystemTime::now()))
        .context(|| format!("npm installed nothing: {} is missing", installed.display()))
}

/// A file of an installed package of the tests.
pub(crate) fn package_file(path: &str) -> Result<PathBuf> {
    let file = crate::paths::root().join("tests/node_modules").join(path);
    if file.is_file() {
        return Ok(file);
    }
    Err(Error::new(format!("{} is missing", file.display())).help("delete tests/node_modules and try again"))
}

fn modified(path: &Path) -> std::io::Result<SystemTime> {
    std::fs::metadata(path)?.modified()
}

fn shown(folder: &Path) -> String {
    folder.strip_prefix(crate::paths::root()).unwrap_or(folder).display().to_string()
}
