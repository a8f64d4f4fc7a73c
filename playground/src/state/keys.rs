//! What a key does, as data.

use super::{Action, Tab};

/// What a key asks for.
#[derive(Clone, Debug, PartialEq)]
pub enum Pressed {
    /// An action as it is.
    Act(Action),
    /// Diagram or list, whichever is not shown.
    Toggle,
    /// Faster or slower.
    Speed {
        /// Faster.
        faster: bool,
    },
    /// The event with its causes.
    Why,
    /// The focus goes to the first element that fits.
    Focus(&'static str),
    /// A pane is opened.
    Open(Tab),
}

/// A key with a meaning.
#[derive(Clone, Debug, PartialEq)]
pub struct Key {
    /// What it asks for.
    pub what: Pressed,
    /// Whether it is a single character, which some people's tools type by accident (WCAG 2.1.4).
    pub is_single_character: bool,
}

/// The meaning of a key, by the browser's name for it.
#[must_use]
pub fn pressed(key: &str, shift: bool) -> Option<Key> {
    let what = match (key, shift) {
        ("ArrowRight", false) => Pressed::Act(Action::Step(1)),
        ("ArrowLeft", false) => Pressed::Act(Action::Step(-1)),
        ("ArrowRight", true) => Pressed::Act(Action::StateChange { forward: true }),
        ("ArrowLeft", true) => Pressed::Act(Action::StateChange { forward: false }),
        ("PageDown", _) => Pressed::Act(Action::Step(10)),
        ("PageUp", _) => Pressed::Act(Action::Step(-10)),
        ("Home", _) => Pressed::Act(Action::First),
        ("End", _) => Pressed::Act(Action::Last),
        (" ", _) => Pressed::Act(Action::TogglePlay),
        ("+", _) => Pressed::Speed { faster: true },
        ("-", _) => Pressed::Speed { faster: false },
        ("n", _) => Pressed::Act(Action::Broken { forward: true }),
        ("N", _) => Pressed::Act(Action::Broken { forward: false }),
        ("d", _) => Pressed::Act(Action::Difference { forward: true }),
        ("D", _) => Pressed::Act(Action::Difference { forward: false }),
        ("t", _) => Pressed::Toggle,
        ("w" | "e", _) => Pressed::Why,
        ("?", _) => Pressed::Act(Action::Help(true)),
        ("Escape", _) => Pressed::Act(Action::Tab(None)),
        ("1", _) => Pressed::Focus("[data-testid=next]"),
        ("2", _) => Pressed::Focus("[data-testid=stage-scroll]"),
        ("3", _) => Pressed::Open(Tab::State),
        ("4", _) => Pressed::Open(Tab::Wire),
        ("5", _) => Pressed::Open(Tab::Rules),
        _ => return None,
    };
    Some(Key { what, is_single_character: key.chars().count() == 1 && key != " " })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn named_keys_work_even_when_single_characters_are_off() {
        for key in ["ArrowRight", "Home", "PageUp", "Escape", " "] {
            assert!(!pressed(key, false).expect(key).is_single_character, "{key}");
        }
        for key in ["n", "t", "?", "1", "+"] {
            assert!(pressed(key, false).expect(key).is_single_character, "{key}");
        }
        assert_eq!(pressed("q", false), None);
        assert_eq!(pressed("Tab", false), None);
    }
}
