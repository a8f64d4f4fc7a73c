//! What was done by hand at a lesson's end, as numbers of its buttons.

/// How many bits a number takes: seven buttons, and 0 for the end.
const BITS: u32 = 3;
const MASK: u128 = (1 << BITS) - 1;

/// What was done by hand, in order. Small enough to be copied.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Hands {
    packed: u128,
}

impl Hands {
    /// Nothing.
    pub const NONE: Self = Self { packed: 0 };
    /// So much can be done; then the reader has to begin anew.
    pub const MOST: usize = (u128::BITS / BITS) as usize;
    /// So many buttons can be told apart.
    pub const BUTTONS: usize = MASK as usize;

    /// The same, and then this button, counted from 0. Nothing is added when there is no room.
    #[must_use]
    pub fn with(self, button: usize) -> Self {
        if self.len() == Self::MOST || button >= Self::BUTTONS {
            return self;
        }
        let shift = self.len() as u32 * BITS;
        Self { packed: self.packed | (button as u128 + 1) << shift }
    }

    /// How often something was done.
    #[must_use]
    pub fn len(self) -> usize {
        self.iter().count()
    }

    /// Whether nothing was done.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.packed == 0
    }

    /// The buttons, counted from 0.
    pub fn iter(self) -> impl Iterator<Item = usize> {
        let at = move |place: usize| (self.packed >> (place as u32 * BITS) & MASK) as usize;
        (0..Self::MOST).map(at).take_while(|button| *button > 0).map(|button| button - 1)
    }

    /// The text form: a digit for each button, counted from 1.
    #[must_use]
    pub fn text(self) -> String {
        self.iter().map(|button| char::from(b'1' + button as u8)).collect()
    }

    /// Reads the text form; `None` if it is none.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        if text.is_empty() || text.len() > Self::MOST {
            return None;
        }
        text.bytes().try_fold(Self::default(), |hands, digit| {
            (b'1'..=b'7').contains(&digit).then(|| hands.with(usize::from(digit - b'1')))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_packed_is_unpacked() {
        let buttons = [0, 6, 3, 3, 1];
        let hands = buttons.into_iter().fold(Hands::default(), Hands::with);
        assert!(hands.iter().eq(buttons));
        assert_eq!((hands.len(), hands.text().as_str()), (5, "17442"));
        assert_eq!(Hands::parse("17442"), Some(hands));
        for text in ["", "0", "8", "1x", &"1".repeat(Hands::MOST + 1)] {
            assert_eq!(Hands::parse(text), None, "{text}");
        }
    }

    #[test]
    fn there_is_an_end() {
        let full = (0..100).fold(Hands::default(), |hands, _| hands.with(6));
        assert_eq!(full.len(), Hands::MOST);
        assert_eq!(Hands::default().with(7), Hands::default(), "there is no such button");
    }
}
