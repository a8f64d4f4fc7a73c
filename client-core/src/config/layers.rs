//! Layers of options: defaults, below a profile, below what the caller passed.
//!
//! Resolved once, to a [`Config`] that owns every value: nobody's later edits leak in (CF3). A key of a higher layer wins over the
//! same key of a lower one, and no other key is lost by that (CF1).

use super::options::{SECRETS, options};
use super::value::Value;
use super::{AdminConfig, Config, ConsumerConfig, ProducerConfig, Role};
use crate::error::Error;
use alloc::borrow::ToOwned;
use alloc::collections::BinaryHeap;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

/// Options of one origin. A key appears once; of a key that appears twice the last value counts.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Layer {
    /// What errors and [`Resolved::origins`] call it.
    pub name: String,
    /// Whether it is for clients of every role, so that options of other roles are no mistake.
    pub shared: bool,
    /// The options, as the caller passed them.
    pub values: Vec<(String, Value)>,
}

/// The roles, without what belongs to them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RoleName {
    /// Writes records.
    Producer,
    /// Reads records.
    Consumer,
    /// Manages topics and settings.
    Admin,
}

impl RoleName {
    /// Every role.
    pub const ALL: [Self; 3] = [Self::Producer, Self::Consumer, Self::Admin];

    /// The word for it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Producer => "producer",
            Self::Consumer => "consumer",
            Self::Admin => "admin",
        }
    }

    /// The role of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.name() == name)
    }

    /// The configuration of such a client before anybody has said anything: where every default comes from.
    #[must_use]
    pub fn defaults(self) -> Config {
        let role = match self {
            Self::Producer => Role::Producer(ProducerConfig::default()),
            Self::Consumer => Role::Consumer(ConsumerConfig::default()),
            Self::Admin => Role::Admin(AdminConfig::default()),
        };
        Config::new(CLIENT_ID, Vec::new(), role)
    }
}

/// What brokers call a client that has no name.
const CLIENT_ID: &str = "kafka-wasm";

/// The layer below all others.
const DEFAULTS: &str = "defaults";

/// A configuration and where it comes from.
#[derive(Clone, Debug, PartialEq)]
pub struct Resolved {
    /// The values, checked.
    pub config: Config,
    /// Each option, with the layer that decided it.
    pub origins: Vec<Origin>,
}

/// Where the value of one option comes from.
#[derive(Clone, Debug, PartialEq)]
pub struct Origin {
    /// The option.
    pub key: &'static str,
    /// Its value; secrets are hidden.
    pub value: Value,
    /// The layer that set it, or removed what a lower one had set.
    pub layer: String,
}

/// Merges the layers, the lowest first, on top of the defaults.
///
/// # Errors
/// [`Error::InvalidConfig`] for the first option that does not exist or cannot be used, naming its layer and key (CF4).
pub fn resolve(role: RoleName, layers: &[Layer]) -> Result<Resolved, Error> {
    for layer in layers {
        check_keys(role, layer)?;
    }
    let mut config = role.defaults();
    let mut defaults = config.clone();
    let mut origins = Vec::new();
    for (mut option, default) in options(&mut config).into_iter().zip(options(&mut defaults)) {
        let mut origin = DEFAULTS;
        for layer in layers {
            let Some((_, value)) = layer.values.iter().rfind(|(key, _)| key == option.key) else { continue };
            origin = &layer.name;
            if *value == Value::Null {
                // Not the same as absence: what lower layers say is taken away (CF2).
                option.slot.reset(&default.slot);
            } else {
                option.slot.write(value).map_err(|problem| invalid(&layer.name, option.key, problem))?;
            }
        }
        let hidden = SECRETS.contains(&option.key);
        let value = if hidden { Value::Text("(hidden)".to_owned()) } else { option.slot.read() };
        origins.push(Origin { key: option.key, value, layer: origin.to_owned() });
    }
    // The layer to look into is one that has set something.
    let layer_of = |key: &str| {
        let origin = origins.iter().find(|origin| origin.key == key);
        origin.map(|origin| origin.layer.as_str()).filter(|layer| *layer != DEFAULTS)
    };
    if let Some((key, problem)) = config.wrong_option() {
        return Err(invalid(layer_of(key).unwrap_or(DEFAULTS), key, problem));
    }
    if let Some(conflict) = config.conflict() {
        let layer = layer_of(conflict.key).or_else(|| layer_of(conflict.other)).unwrap_or(DEFAULTS);
        return Err(invalid(layer, conflict.key, conflict.problem));
    }
    Ok(Resolved { config, origins })
}

/// Every key must be an option of this role, or of some role where the layer is for all.
fn check_keys(role: RoleName, layer: &Layer) -> Result<(), Error> {
    // A heap, because each of core's sorts is 7 kB of wasm.
    let mut known = BinaryHeap::new();
    for role in RoleName::ALL.into_iter().filter(|it| *it == role || layer.shared) {
        known.extend(options(&mut role.defaults()).iter().map(|option| option.key));
    }
    let mut known = known.into_sorted_vec();
    known.dedup();
    match layer.values.iter().find(|(key, _)| !known.contains(&key.as_str())) {
        Some((key, _)) => {
            let problem = format!("there is no such option; there are: {}", known.join(", "));
            Err(invalid(&layer.name, key, problem))
        }
        None => Ok(()),
    }
}

pub(super) fn invalid(layer: &str, key: &str, problem: String) -> Error {
    Error::InvalidConfig { layer: layer.to_owned(), key: key.to_owned(), problem }
}
