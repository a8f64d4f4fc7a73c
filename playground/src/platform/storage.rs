//! What the browser remembers for this page. A browser that does not want to remember is not an error.

use super::window;

fn storage() -> Option<web_sys::Storage> {
    window()?.local_storage().ok().flatten()
}

/// What was remembered under this name.
#[must_use]
pub fn recall(name: &str) -> Option<String> {
    storage()?.get_item(name).ok().flatten()
}

/// Remembers, or with `None` forgets.
pub fn remember(name: &str, value: Option<&str>) {
    let Some(storage) = storage() else { return };
    let done = match value {
        Some(value) => storage.set_item(name, value),
        None => storage.remove_item(name),
    };
    if let Err(error) = done {
        super::report("could not remember a setting", &error);
    }
}
