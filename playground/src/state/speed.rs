//! How fast Play goes.

/// A multiple of the normal pace, in quarters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Speed {
    quarters: u8,
}

impl Default for Speed {
    fn default() -> Self {
        Self { quarters: 4 }
    }
}

impl Speed {
    /// What can be chosen.
    pub const ALL: [Self; 6] = [
        Self { quarters: 1 },
        Self { quarters: 2 },
        Self { quarters: 4 },
        Self { quarters: 8 },
        Self { quarters: 16 },
        Self { quarters: 32 },
    ];

    /// Its name: `0.25×`, `1×`.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self.quarters {
            1 => "0.25\u{d7}",
            2 => "0.5\u{d7}",
            8 => "2\u{d7}",
            16 => "4\u{d7}",
            32 => "8\u{d7}",
            _ => "1\u{d7}",
        }
    }

    /// The speed with this name.
    #[must_use]
    pub fn from_label(label: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|speed| speed.label() == label)
    }

    /// One notch faster or slower.
    #[must_use]
    pub fn shifted(self, faster: bool) -> Self {
        let here = Self::ALL.iter().position(|speed| *speed == self).unwrap_or(2);
        let there = if faster { here + 1 } else { here.saturating_sub(1) };
        Self::ALL.get(there).copied().unwrap_or(self)
    }

    /// Milliseconds between two events.
    #[must_use]
    pub const fn interval_ms(self) -> u32 {
        1_600 / self.quarters as u32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found_again_and_ends_hold() {
        for speed in Speed::ALL {
            assert_eq!(Speed::from_label(speed.label()), Some(speed));
        }
        assert_eq!(Speed::from_label("9\u{d7}"), None);
        assert_eq!(Speed::default().label(), "1\u{d7}");
        assert_eq!(Speed::ALL[0].shifted(false), Speed::ALL[0]);
        assert_eq!(Speed::ALL[5].shifted(true), Speed::ALL[5]);
        assert_eq!(Speed::default().shifted(true).interval_ms(), 200);
    }
}
