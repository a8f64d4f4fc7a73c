//! Whether anyone can see the page.

use super::{Listener, document};

/// Calls `action` each time the page is hidden.
#[must_use]
pub fn on_hidden(action: impl Fn() + 'static) -> Option<Listener> {
    let document = document()?;
    let watched = document.clone();
    Some(Listener::new(&document, "visibilitychange", move |_| {
        if watched.hidden() {
            action();
        }
    }))
}
