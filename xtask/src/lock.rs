//! Locks that are files: what two of our programs, or two threads of one, must not do at the same time.

use crate::error::{Context, Result};
use crate::paths;
use std::fs::File;
use std::path::Path;

/// Waits for the lock of that name in a folder, which is made if it is missing; released when dropped, and when the program ends.
pub(crate) fn in_folder(folder: &Path, name: &str) -> Result<File> {
    let file = open(folder, name)?;
    file.lock().context(|| format!("cannot lock {}", folder.join(name).display()))?;
    Ok(file)
}

/// Waits for a lock of this checkout.
pub(crate) fn of_checkout(name: &str) -> Result<File> {
    in_folder(&paths::target().join("locks"), name)
}

/// The lock of that name, if nobody has it.
pub(crate) fn try_in_folder(folder: &Path, name: &str) -> Result<Option<File>> {
    let file = open(folder, name)?;
    Ok(file.try_lock().is_ok().then_some(file))
}

fn open(folder: &Path, name: &str) -> Result<File> {
    std::fs::create_dir_all(folder).context(|| format!("cannot create {}", folder.display()))?;
    let path = folder.join(name);
    File::create(&path).context(|| format!("cannot write {}", path.display()))
}
