//! Programs which must be installed: found, or a sentence that says what to install.

use crate::error::{Error, Result};
use std::path::PathBuf;

/// A program and how to get it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tool {
    pub(crate) program: &'static str,
    /// The Debian package which brings it.
    pub(crate) debian: &'static str,
    /// Whether Debian's package is recent enough to be installed without asking.
    recent: bool,
}

pub(crate) const CHROMEDRIVER: Tool =
    Tool { program: "chromedriver", debian: "chromium-driver", recent: true };
pub(crate) const CHROMIUM: Tool = Tool { program: "chromium", debian: "chromium", recent: true };
pub(crate) const JAVA: Tool = Tool { program: "java", debian: "openjdk-17-jre-headless", recent: true };
pub(crate) const MAVEN: Tool = Tool { program: "mvn", debian: "maven", recent: true };
pub(crate) const NODE: Tool = Tool { program: "node", debian: "nodejs", recent: false };
pub(crate) const NPM: Tool = Tool { program: "npm", debian: "npm", recent: false };
pub(crate) const OPENSSL: Tool = Tool { program: "openssl", debian: "openssl", recent: true };

impl Tool {
    /// Where the program is, or what to install.
    pub(crate) fn find(self) -> Result<PathBuf> {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let found =
            std::env::split_paths(&path).map(|dir| dir.join(self.program)).find(|file| file.is_file());
        found.ok_or_else(|| {
            let help = if self.recent {
                Self::install_command(self.debian)
            } else {
                "install Node 20 or newer, which brings node and npm, from nodejs.org".to_owned()
            };
            Error::new(format!("`{}` is not installed", self.program)).help(help)
        })
    }

    pub(crate) fn is_installable(self) -> bool {
        self.recent
    }

    pub(crate) fn install_command(packages: &str) -> String {
        format!("on Debian: apt-get update && apt-get install -y --no-install-recommends {packages}")
    }
}
