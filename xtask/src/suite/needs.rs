//! What a part needs from the machine, and how it gets there.

use crate::error::{Error, Result};
use crate::tools::{CHROMEDRIVER, CHROMIUM, JAVA, MAVEN, NODE, NPM, OPENSSL, PIP, Tool};
use crate::{process, progress};
use std::collections::BTreeSet;
use std::process::Command;

/// Everything that Chromium-driven tests run.
pub(super) const BROWSER: &[Tool] = &[NODE, NPM, CHROMIUM];
/// Everything that wasm-bindgen's tests in Chromium run.
pub(super) const WEBDRIVER: &[Tool] = &[CHROMIUM, CHROMEDRIVER];
/// Everything that a real Apache Kafka runs.
pub(super) const KAFKA: &[Tool] = &[JAVA, MAVEN, OPENSSL];
pub(super) const JAVASCRIPT: &[Tool] = &[NODE, NPM];
/// What brings librdkafka.
pub(super) const PYTHON: &[Tool] = &[PIP];

/// Installs what is missing if this is Debian and we may; otherwise nothing happens here, and the parts that miss
/// something say what.
pub(super) fn install(tools: &[Tool]) -> Result<()> {
    let missing: BTreeSet<&str> = tools
        .iter()
        .filter(|tool| tool.is_in_debian && tool.find().is_err())
        .map(|tool| tool.debian)
        .collect();
    if missing.is_empty() || !is_debian() || !rustix::process::geteuid().is_root() {
        return Ok(());
    }
    let packages: Vec<&str> = missing.into_iter().collect();
    progress::step(&format!("installing {}", packages.join(", ")), || {
        apt_get(&["update"])?;
        apt_get(&[&["install", "-y", "--no-install-recommends"], &packages[..]].concat())
    })
}

/// Whether every tool is there; otherwise what to install.
pub(super) fn check(tools: &[Tool]) -> Result<()> {
    let missing: Vec<&Tool> = tools.iter().filter(|tool| tool.find().is_err()).collect();
    match missing[..] {
        [] => Ok(()),
        [tool] => tool.find().map(|_path| ()),
        _ => {
            let programs: Vec<&str> = missing.iter().map(|tool| tool.program).collect();
            let packages: Vec<&str> = missing.iter().map(|tool| tool.debian).collect();
            Err(Error::new(format!("{} are not installed", programs.join(", ")))
                .help(Tool::install_command(&packages.join(" "))))
        }
    }
}

fn apt_get(args: &[&str]) -> Result<()> {
    process::output(Command::new("apt-get").args(args).env("DEBIAN_FRONTEND", "noninteractive"))
        .map(|_output| ())
}

fn is_debian() -> bool {
    std::fs::read_to_string("/etc/os-release").is_ok_and(|text| text.lines().any(|line| line == "ID=debian"))
}
