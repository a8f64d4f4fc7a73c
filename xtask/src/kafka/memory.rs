//! Where a cluster's data may live that should never touch a disk.

use crate::error::{Context, Result};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};

/// Linux keeps in memory what is written here.
const SHARED_MEMORY: &str = "/dev/shm";

/// The place in memory for the cluster of that folder; `None` where the system has none.
pub(super) fn folder(cluster: &Path) -> Option<PathBuf> {
    let mut hasher = DefaultHasher::new();
    cluster.hash(&mut hasher);
    let place = Path::new(SHARED_MEMORY);
    place.is_dir().then(|| place.join(format!("kafka-wasm-{:016x}", hasher.finish())))
}

/// Gives back what the cluster of that folder keeps in memory, if anything.
pub(super) fn free(cluster: &Path) -> Result<()> {
    match folder(cluster) {
        Some(folder) if folder.exists() => {
            std::fs::remove_dir_all(&folder).context(|| format!("cannot delete {}", folder.display()))
        }
        _ => Ok(()),
    }
}
