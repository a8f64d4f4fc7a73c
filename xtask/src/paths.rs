//! Where things are, as absolute paths, so that verbs work from any folder.

use crate::error::{Context, Result};
use std::path::{Path, PathBuf};

/// The repository's root: the parent of this crate.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().map_or_else(|| PathBuf::from("."), Path::to_path_buf)
}

/// The files of a folder whose name ends so, sorted; none if there is no such folder.
pub(crate) fn files(folder: &Path, ending: &str) -> Result<Vec<PathBuf>> {
    let failed = || format!("cannot read {}", folder.display());
    if !folder.is_dir() {
        return Ok(Vec::new());
    }
    let mut files: Vec<PathBuf> = Vec::new();
    for entry in std::fs::read_dir(folder).context(failed)? {
        files.push(entry.context(failed)?.path());
    }
    files.retain(|file| file.to_string_lossy().ends_with(ending));
    files.sort();
    Ok(files)
}

/// Cargo's target folder, where everything generated lives.
pub(crate) fn target() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), |dir| root().join(dir))
}
