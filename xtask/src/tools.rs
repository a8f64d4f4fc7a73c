//! Programs which must be installed: found, or a sentence that says what to install.

use crate::error::{Error, Result};
use std::path::PathBuf;

/// A program and how to get it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tool {
    pub(crate) program: &'static str,
    /// The Debian packages which bring it.
    pub(crate) debian: &'static str,
}

pub(crate) const JAVA: Tool = Tool { program: "java", debian: "openjdk-17-jre-headless" };
pub(crate) const MAVEN: Tool = Tool { program: "mvn", debian: "maven" };
pub(crate) const OPENSSL: Tool = Tool { program: "openssl", debian: "openssl" };

impl Tool {
    /// Where the program is, or what to install.
    pub(crate) fn find(self) -> Result<PathBuf> {
        let path = std::env::var_os("PATH").unwrap_or_default();
        std::env::split_paths(&path).map(|dir| dir.join(self.program)).find(|file| file.is_file()).ok_or_else(
            || {
                Error::new(format!("`{}` is not installed", self.program)).help(format!(
                    "on Debian: apt-get update && apt-get install -y --no-install-recommends {}",
                    self.debian
                ))
            },
        )
    }
}
