//! Programs which must be installed: found and recent enough, or a sentence that says what to install.

use crate::error::{Error, Result};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A program and how to get it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tool {
    pub(crate) program: &'static str,
    /// The Debian package which brings it.
    pub(crate) debian: &'static str,
    /// The lowest first number of its version that will do.
    oldest: Option<u32>,
    /// Whether Debian's package is recent enough to be installed without asking.
    pub(crate) is_in_debian: bool,
}

pub(crate) const CHROMEDRIVER: Tool = debian("chromedriver", "chromium-driver");
pub(crate) const CHROMIUM: Tool = debian("chromium", "chromium");
pub(crate) const JAVA: Tool = Tool { oldest: Some(17), ..debian("java", "openjdk-17-jre-headless") };
pub(crate) const MAVEN: Tool = debian("mvn", "maven");
pub(crate) const NODE: Tool = Tool { oldest: Some(20), is_in_debian: false, ..debian("node", "nodejs") };
pub(crate) const NPM: Tool = Tool { is_in_debian: false, ..debian("npm", "npm") };
pub(crate) const OPENSSL: Tool = debian("openssl", "openssl");
pub(crate) const PIP: Tool = debian("pip3", "python3-pip");

const fn debian(program: &'static str, debian: &'static str) -> Tool {
    Tool { program, debian, oldest: None, is_in_debian: true }
}

impl Tool {
    /// Where the program is, or what to install.
    pub(crate) fn find(self) -> Result<PathBuf> {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let found =
            std::env::split_paths(&path).map(|dir| dir.join(self.program)).find(|file| file.is_file());
        let Some(found) = found else {
            return Err(
                Error::new(format!("`{}` is not installed", self.program)).help(self.how_to_install())
            );
        };
        let Some(oldest) = self.oldest else { return Ok(found) };
        match first_number(&version_text(&found)) {
            Some(version) if version >= oldest => Ok(found),
            version => {
                let version =
                    version.map_or_else(|| "of an unknown version".to_owned(), |v| format!("version {v}"));
                Err(Error::new(format!("{} is {version}; {oldest} or newer is needed", found.display()))
                    .help(self.how_to_install()))
            }
        }
    }

    pub(crate) fn install_command(packages: &str) -> String {
        format!("on Debian: apt-get update && apt-get install -y --no-install-recommends {packages}")
    }

    fn how_to_install(self) -> String {
        if self.is_in_debian {
            return Self::install_command(self.debian);
        }
        "install Node 20 or newer, which brings node and npm, from nodejs.org".to_owned()
    }
}

/// What `--version` says, on whichever stream (Java 8 knows only `-version`, and is too old anyway).
fn version_text(program: &Path) -> String {
    let output = Command::new(program).arg("--version").stdin(Stdio::null()).output();
    output.map_or_else(
        |_| String::new(),
        |output| {
            let streams = [output.stdout, output.stderr];
            streams.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat()
        },
    )
}

/// `v20.20.2` and `openjdk 17.0.15 2025-04-15` begin their version with 20 and 17.
fn first_number(text: &str) -> Option<u32> {
    let start = text.find(|c: char| c.is_ascii_digit())?;
    let digits = text[start..].split(|c: char| !c.is_ascii_digit()).next()?;
    digits.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read() {
        assert_eq!(first_number("v20.20.2\n"), Some(20));
        assert_eq!(first_number("openjdk 17.0.15 2025-04-15\nOpenJDK Runtime"), Some(17));
        assert_eq!(first_number("java 1.8.0_402"), Some(1));
        assert_eq!(first_number("no idea"), None);
    }

    #[test]
    fn what_is_missing_is_named() {
        let error = debian("kafka-wasm-no-such-program", "some-package").find().unwrap_err().to_string();
        assert!(error.contains("kafka-wasm-no-such-program") && error.contains("some-package"), "{error}");
        let error = Tool { oldest: Some(u32::MAX), ..debian("sh", "dash") }.find().unwrap_err().to_string();
        assert!(error.contains("is needed"), "{error}");
    }
}
