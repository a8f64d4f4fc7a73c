//! What the options are, for documentation and for checks in other languages: the npm package has a copy of this list, which a test
//! keeps equal.

use super::RoleName;
use super::options::{LIMITS, Setting, Slot, options, to_millis};
use super::value::Value;
use crate::time::Duration;
use alloc::vec::Vec;

/// What there is to know of an option, for documentation and for checks in other languages.
#[derive(Clone, Debug, PartialEq)]
pub struct OptionInfo {
    /// Its name.
    pub key: &'static str,
    /// What it is without anybody setting it.
    pub default: Value,
    /// What it may be.
    pub kind: OptionKind,
}

/// What an option may be.
#[derive(Clone, Debug, PartialEq)]
pub enum OptionKind {
    /// A text.
    Text,
    /// Yes or no.
    Flag,
    /// Milliseconds from `least` to `most`, fractions included.
    Millis {
        /// The smallest.
        least: f64,
        /// The largest, if there is one.
        most: Option<f64>,
    },
    /// A whole number.
    Whole {
        /// The smallest.
        least: f64,
        /// The largest.
        most: f64,
    },
    /// One of a few values.
    OneOf(Vec<Value>),
    /// Addresses, as `host:port`.
    Addresses,
    /// Headers by name.
    Headers,
    /// A SASL mechanism and credentials.
    Sasl,
}

impl OptionInfo {
    /// Every option of a role, those common to all included.
    #[must_use]
    pub fn all(role: RoleName) -> Vec<Self> {
        let info = |option: &Setting<'_>| Self {
            key: option.key,
            default: option.slot.read(),
            kind: match &option.slot {
                Slot::Text(_) => OptionKind::Text,
                Slot::Flag(_) => OptionKind::Flag,
                Slot::Millis(_, least, most) => OptionKind::Millis {
                    least: to_millis(*least),
                    most: (*most != Duration::MAX).then(|| to_millis(*most)),
                },
                Slot::Size(_, least, most) => OptionKind::Whole { least: *least as f64, most: *most as f64 },
                Slot::Count(_, least, most) => {
                    OptionKind::Whole { least: f64::from(*least), most: f64::from(*most) }
                }
                Slot::Word(words) => OptionKind::OneOf(words.words()),
                Slot::Either(_, words) => {
                    OptionKind::OneOf(words.iter().map(|word| Value::from(*word)).collect())
                }
                Slot::Addresses(_) => OptionKind::Addresses,
                Slot::Headers(_) => OptionKind::Headers,
                Slot::Sasl(_) => OptionKind::Sasl,
            },
        };
        options(&mut role.defaults()).iter().map(info).collect()
    }

    /// Options that together must be at most another one.
    pub fn limits() -> impl Iterator<Item = (&'static [&'static str], &'static str)> {
        LIMITS.iter().copied()
    }
}
