//! A run as plain data: the beginning, the seed and the choices. Everything else follows.

use crate::choice::{Choice, ChoiceAt};
use crate::scenario::Scenario;
use crate::text::{ParseError, crc32};
use alloc::format;
use alloc::string::ToString;
use alloc::vec::Vec;
use core::fmt;

/// A run that can be repeated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recording {
    /// What every random number is a function of.
    pub seed: u64,
    /// The beginning.
    pub scenario: Scenario,
    /// The choices, by step.
    pub choices: Vec<ChoiceAt>,
}

impl Recording {
    /// A run without choices.
    #[must_use]
    pub const fn new(scenario: Scenario, seed: u64) -> Self {
        Self { seed, scenario, choices: Vec::new() }
    }

    /// Adds a choice at a step, behind those that the step already has. Returns the same for chains.
    #[must_use]
    pub fn with(mut self, step: u32, choice: Choice) -> Self {
        self.add(step, choice);
        self
    }

    /// Adds a choice at a step, behind those that the step already has.
    pub fn add(&mut self, step: u32, choice: Choice) {
        let place = self.choices.partition_point(|other| other.step <= step);
        self.choices.insert(place, ChoiceAt { step, choice });
    }

    /// Reads the text form, all or nothing.
    ///
    /// # Errors
    /// Which entry cannot be read and why, or that the checksum differs.
    pub fn parse(text: &str) -> Result<Self, ParseError> {
        if text.len() > TEXT_LEN_MAX {
            let found = text.len();
            return Err(ParseError::new(
                "",
                format!("expected at most {TEXT_LEN_MAX} characters, found {found}"),
            ));
        }
        let text = text.trim();
        let (body, sum) = text
            .rsplit_once("&k=")
            .ok_or_else(|| ParseError::new(text, "expected &k= and a checksum at the end: cut or edited?"))?;
        if format!("{:08x}", crc32(body.as_bytes())) != sum {
            return Err(ParseError::new(sum, "the checksum differs: the recording was cut or edited"));
        }
        Self::parse_unchecked(body)
    }

    /// Reads the text form without its checksum, for recordings written by hand.
    ///
    /// # Errors
    /// Which entry cannot be read and why.
    pub fn parse_unchecked(body: &str) -> Result<Self, ParseError> {
        let mut fields = body.split('&');
        let mut field = |name: &str| {
            fields
                .next()
                .and_then(|field| field.strip_prefix(name))
                .ok_or_else(|| ParseError::new(body, format!("expected {name}")))
        };
        let version = field("v=")?;
        if version != VERSION {
            return Err(ParseError::new(version, format!("expected version {VERSION} of the format")));
        }
        let seed = field("s=")?;
        let seed = u64::from_str_radix(seed, 16)
            .map_err(|_| ParseError::new(seed, "expected a seed of up to 16 hexadecimal digits"))?;
        let scenario = Scenario::parse(field("w=")?)?;
        let choices = field("x=")?;
        let mut recording = Self::new(scenario, seed);
        for entry in choices.split(',').filter(|entry| !entry.is_empty()) {
            let ChoiceAt { step, choice } = ChoiceAt::parse(entry)?;
            recording.add(step, choice);
        }
        fields.next().map_or(Ok(recording), |field| Err(ParseError::new(field, "expected nothing more")))
    }
}

/// The format of the text.
const VERSION: &str = "1";

/// The longest text that is read at all.
const TEXT_LEN_MAX: usize = 1 << 20;

impl fmt::Display for Recording {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let choices = self.choices.iter().map(ToString::to_string).collect::<Vec<_>>().join(",");
        let body = format!("v={VERSION}&s={:08x}&w={}&x={choices}", self.seed, self.scenario);
        write!(f, "{body}&k={:08x}", crc32(body.as_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::choice::Call;
    use crate::fault::Fault;

    #[test]
    fn recordings_round_trip_and_damage_is_noticed() {
        let recording = Recording::new(Scenario::default(), 0x2a)
            .with(12, Choice::Fault(Fault::Refuse(1)))
            .with(0, Choice::call(1, Call::START))
            .with(0, Choice::call(2, Call::START));
        let text = recording.to_string();
        assert_eq!(Recording::parse(&text).as_ref(), Ok(&recording), "{text}");
        for cut in 0..text.len() {
            assert!(Recording::parse(&text[..cut]).is_err(), "cut at {cut}");
        }
        let flipped = text.replace("T2:start", "T3:start");
        assert!(Recording::parse(&flipped).is_err());
    }
}
