//! Light and dark. `boot.js` sets the theme before the first paint by the same rule; keep them equal.

use super::{document, storage, window};

const NAME: &str = "playground.theme";

/// What the reader chose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Theme {
    /// What the system says.
    System,
    /// Light.
    Light,
    /// Dark.
    Dark,
}

impl Theme {
    /// What was chosen on an earlier visit.
    #[must_use]
    pub fn recalled() -> Self {
        match storage::recall(NAME).as_deref() {
            Some("light") => Self::Light,
            Some("dark") => Self::Dark,
            Some(_) | None => Self::System,
        }
    }

    /// The next choice in the round.
    #[must_use]
    pub const fn next(self) -> Self {
        match self {
            Self::System => Self::Light,
            Self::Light => Self::Dark,
            Self::Dark => Self::System,
        }
    }

    /// The word for it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }

    /// Applies it to the page and remembers it.
    pub fn apply(self) {
        storage::remember(NAME, (self != Self::System).then(|| self.word()));
        self.show();
    }

    /// Applies it to the page.
    pub fn show(self) {
        let dark = match self {
            Self::System => system_is_dark(),
            Self::Light => false,
            Self::Dark => true,
        };
        let Some(root) = document().and_then(|document| document.document_element()) else { return };
        if let Err(error) = root.set_attribute("data-theme", if dark { "dark" } else { "light" }) {
            super::report("could not set the theme", &error);
        }
    }
}

/// The system's wish as something to listen to.
#[must_use]
pub fn system() -> Option<web_sys::MediaQueryList> {
    window()?.match_media("(prefers-color-scheme: dark)").ok().flatten()
}

fn system_is_dark() -> bool {
    system().is_some_and(|query| query.matches())
}

/// Whether the reader wants things to appear rather than to move.
#[must_use]
pub fn reduced_motion() -> bool {
    window()
        .and_then(|window| window.match_media("(prefers-reduced-motion: reduce)").ok().flatten())
        .is_some_and(|query| query.matches())
}
