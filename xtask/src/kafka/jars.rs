//! Apache Kafka's jars, fetched once per version by Maven.

use super::home;
use crate::error::{Context, Result};
use crate::{lock, paths, process, progress, tools};
use std::path::PathBuf;
use std::process::Command;

/// Where the jars of a version are, once [`fetch`] returned.
pub(super) fn folder(version: &str) -> PathBuf {
    home().join(version).join("lib")
}

/// Fetches the jars unless they are there.
pub(super) fn fetch(version: &str) -> Result<()> {
    let folder = folder(version);
    let _lock = lock::in_folder(&home(), &format!("{version}.lock"))?;
    if folder.is_dir() {
        return Ok(());
    }
    let maven = tools::MAVEN.find()?;
    // Maven fills another folder first, so that a folder of the right name is a complete one.
    let partial = home().join(version).join("lib.partial");
    if partial.exists() {
        std::fs::remove_dir_all(&partial).context(|| format!("cannot delete {}", partial.display()))?;
    }
    progress::step(&format!("fetching Apache Kafka {version}"), || {
        process::output(
            Command::new(maven)
                .args(["-q", "-B", "-f"])
                .arg(paths::root().join("tests/kafka/pom.xml"))
                .arg(format!("-Dkafka.version={version}"))
                .arg("dependency:copy-dependencies")
                .arg(format!("-DoutputDirectory={}", partial.display())),
        )
    })?;
    std::fs::rename(&partial, &folder).context(|| format!("cannot create {}", folder.display()))
}
