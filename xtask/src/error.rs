//! What went wrong and what to do about it, as one value which `main` prints.

use std::fmt;

pub(crate) type Result<T> = std::result::Result<T, Error>;

/// A verb failed: what happened, why (when something below said so), and what the reader can do.
#[derive(Debug)]
pub(crate) struct Error {
    what: String,
    because: Option<String>,
    help: Option<String>,
}

impl Error {
    pub(crate) fn new(what: impl Into<String>) -> Self {
        Self { what: what.into(), because: None, help: None }
    }

    /// Says what the reader can do.
    pub(crate) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Adds what the layer below said.
    pub(crate) fn because(mut self, cause: impl fmt::Display) -> Self {
        self.because = Some(cause.to_string());
        self
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)?;
        if let Some(because) = &self.because {
            write!(f, ": {because}")?;
        }
        if let Some(help) = &self.help {
            write!(f, "\n  {}", help.replace('\n', "\n  "))?;
        }
        Ok(())
    }
}

impl std::error::Error for Error {}

impl From<lexopt::Error> for Error {
    fn from(error: lexopt::Error) -> Self {
        Self::new(error.to_string()).help("`cargo xtask help` lists the verbs and their options")
    }
}

/// Puts a sentence in front of what the standard library reports.
pub(crate) trait Context<T> {
    fn context(self, what: impl FnOnce() -> String) -> Result<T>;
}

impl<T, E: fmt::Display> Context<T> for std::result::Result<T, E> {
    fn context(self, what: impl FnOnce() -> String) -> Result<T> {
        self.map_err(|cause| Error::new(what()).because(cause))
    }
}
