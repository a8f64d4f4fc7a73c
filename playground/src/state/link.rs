//! A place in the playground as the part of an address after the `#`.
//!
//! `#v=1&k=9c1f03aa&l=10&c=both&e=42&p=wire`: version, checksum, lesson, runs, position, pane; `o` is what was chosen about the
//! lesson, `h` what was done by hand at its end. Defaults are left out. Reading is all or nothing: a link that was cut or edited is refused with the reason, never guessed at.
//! The checksum comes early so that any cut leaves it behind and is noticed; links typed by hand may leave it out.

use super::hands::Hands;
use super::{Tab, Variant};
use std::fmt;

/// A place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// The Live view; all else is then without meaning.
    pub live: bool,
    /// The lesson's number.
    pub lesson: u8,
    /// Which runs.
    pub variant: Variant,
    /// What was chosen about the lesson, counted from 0.
    pub option: u8,
    /// What was done by hand at its end.
    pub hands: Hands,
    /// The position.
    pub position: usize,
    /// The open pane.
    pub tab: Option<Tab>,
}

impl Place {
    /// The start of a lesson.
    #[must_use]
    pub const fn lesson(lesson: u8) -> Self {
        Self {
            live: false,
            lesson,
            variant: Variant::After,
            option: 0,
            hands: Hands::NONE,
            position: 0,
            tab: None,
        }
    }

    /// The Live view.
    #[must_use]
    pub const fn live() -> Self {
        Self {
            live: true,
            lesson: 1,
            variant: Variant::After,
            option: 0,
            hands: Hands::NONE,
            position: 0,
            tab: None,
        }
    }
}

/// Why a link cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LinkError {
    /// It says a version which this page does not know.
    UnknownVersion(String),
    /// It does not begin with a version.
    NoVersion,
    /// It names no lesson.
    NoLesson,
    /// An entry is not `name=value`, has an unknown name, or stands twice.
    UnknownEntry(String),
    /// An entry's value is not one of those it can have.
    BadValue {
        /// The entry's name.
        name: &'static str,
        /// What it says.
        value: String,
        /// What it could say.
        expected: &'static str,
    },
    /// The checksum does not fit the rest.
    ChecksumDiffers,
    /// There is no such lesson.
    NoSuchLesson(u8),
    /// The lesson has no pair of runs.
    NoPair(u8),
    /// The lesson has no such choice.
    NoSuchOption {
        /// The lesson.
        lesson: u8,
        /// The choice asked for, from 1.
        number: u8,
    },
    /// The lesson has no such buttons to press.
    NotByHand(u8),
    /// The run is shorter than the position.
    PastTheEnd {
        /// The position asked for.
        position: usize,
        /// The last one there is.
        last: usize,
    },
}

impl fmt::Display for LinkError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownVersion(version) => {
                write!(f, "The link is of version \u{201c}{version}\u{201d}; this page reads version 1.")
            }
            Self::NoVersion => f.write_str("The link does not begin with \u{201c}v=1\u{201d}."),
            Self::NoLesson => {
                f.write_str("The link names no lesson: \u{201c}l=\u{201d} is missing. It may have been cut.")
            }
            Self::UnknownEntry(entry) => write!(f, "The entry \u{201c}{entry}\u{201d} has no meaning here."),
            Self::BadValue { name, value, expected } => {
                write!(f, "The entry \u{201c}{name}={value}\u{201d} should be {expected}.")
            }
            Self::ChecksumDiffers => {
                f.write_str("The link was edited or cut: its checksum does not fit the rest.")
            }
            Self::NoSuchLesson(lesson) => write!(f, "There is no lesson {lesson} in this build."),
            Self::NoPair(lesson) => write!(f, "Lesson {lesson} has no run with a defect to compare with."),
            Self::NoSuchOption { lesson, number } => write!(f, "Lesson {lesson} has no choice {number}."),
            Self::NotByHand(lesson) => {
                write!(f, "What the link does by hand cannot be done by hand in lesson {lesson}.")
            }
            Self::PastTheEnd { position, last } => {
                write!(f, "The link points at event {position}, but this run ends after event {last}.")
            }
        }
    }
}

/// Writes a place. The result begins with `#`.
#[must_use]
pub fn encode(place: &Place) -> String {
    let rest = entries(place);
    format!("#v=1&k={:08x}&{rest}", checksum(&rest))
}

fn entries(place: &Place) -> String {
    if place.live {
        return "m=live".to_owned();
    }
    let mut text = format!("l={}", place.lesson);
    match place.variant {
        Variant::After => {}
        Variant::Before => text.push_str("&c=before"),
        Variant::Both => text.push_str("&c=both"),
    }
    if place.option > 0 {
        text.push_str(&format!("&o={}", u16::from(place.option) + 1));
    }
    if !place.hands.is_empty() {
        text.push_str(&format!("&h={}", place.hands.text()));
    }
    if place.position > 0 {
        text.push_str(&format!("&e={}", place.position));
    }
    if let Some(tab) = place.tab {
        text.push_str(&format!("&p={}", tab_word(tab)));
    }
    text
}

/// Reads a place. `None` for an empty link: the first visit.
///
/// # Errors
/// The first thing that cannot be read.
pub fn decode(fragment: &str) -> Result<Option<Place>, LinkError> {
    let text = fragment.strip_prefix('#').unwrap_or(fragment);
    if text.is_empty() {
        return Ok(None);
    }
    let (version, rest) = text.split_once('&').unwrap_or((text, ""));
    match version.split_once('=') {
        Some(("v", "1")) => {}
        Some(("v", other)) => return Err(LinkError::UnknownVersion(other.to_owned())),
        Some(_) | None => return Err(LinkError::NoVersion),
    }
    let rest = match rest.strip_prefix("k=") {
        None => rest,
        Some(tail) => {
            let (sum, rest) = tail.split_once('&').ok_or(LinkError::ChecksumDiffers)?;
            if sum != format!("{:08x}", checksum(rest)) {
                return Err(LinkError::ChecksumDiffers);
            }
            rest
        }
    };
    read_entries(rest).map(Some)
}

/// What can be read of a link that as a whole cannot: for the reader to choose, never to open unasked.
/// `None` if no lesson can be made out.
#[must_use]
pub fn salvage(fragment: &str) -> Option<Place> {
    let text = fragment.strip_prefix('#').unwrap_or(fragment);
    let mut kept: Vec<&str> = Vec::new();
    for entry in text.split('&').filter(|entry| !entry.starts_with("v=") && !entry.starts_with("k=")) {
        kept.push(entry);
        let readable = read_entries(&kept.join("&"));
        if matches!(readable, Err(error) if error != LinkError::NoLesson) {
            kept.pop();
        }
    }
    read_entries(&kept.join("&")).ok()
}

fn read_entries(rest: &str) -> Result<Place, LinkError> {
    let (mut mode, mut lesson, mut variant, mut position, mut tab) = (None, None, None, None, None);
    let (mut option, mut hands) = (None, None);
    for entry in rest.split('&').filter(|_| !rest.is_empty()) {
        let (name, value) = entry.split_once('=').ok_or_else(|| LinkError::UnknownEntry(entry.to_owned()))?;
        let bad = |name, expected| LinkError::BadValue { name, value: value.to_owned(), expected };
        let twice = match name {
            "m" => mode.replace((value == "live").then_some(()).ok_or_else(|| bad("m", "live"))?).is_some(),
            "l" => {
                lesson.replace(number::<u8>(value).ok_or_else(|| bad("l", "a lesson's number"))?).is_some()
            }
            "c" => variant
                .replace(match value {
                    "after" => Variant::After,
                    "before" => Variant::Before,
                    "both" => Variant::Both,
                    _ => return Err(bad("c", "before, after or both")),
                })
                .is_some(),
            "e" => position
                .replace(number::<u32>(value).ok_or_else(|| bad("e", "an event's number"))? as usize)
                .is_some(),
            "o" => option
                .replace(
                    number::<u8>(value)
                        .and_then(|number| number.checked_sub(1))
                        .ok_or_else(|| bad("o", "a choice's number, from 1"))?,
                )
                .is_some(),
            "h" => {
                hands.replace(Hands::parse(value).ok_or_else(|| bad("h", "digits from 1 to 7"))?).is_some()
            }
            "p" => tab
                .replace(tab_of(value).ok_or_else(|| bad("p", "state, wire, rules, event or code"))?)
                .is_some(),
            _ => return Err(LinkError::UnknownEntry(entry.to_owned())),
        };
        if twice {
            return Err(LinkError::UnknownEntry(entry.to_owned()));
        }
    }
    if mode.is_some() {
        return Ok(Place::live());
    }
    Ok(Place {
        live: false,
        lesson: lesson.ok_or(LinkError::NoLesson)?,
        variant: variant.unwrap_or(Variant::After),
        option: option.unwrap_or_default(),
        hands: hands.unwrap_or_default(),
        position: position.unwrap_or_default(),
        tab,
    })
}

/// Digits only: `parse` alone would also take a leading plus sign.
fn number<N: std::str::FromStr>(text: &str) -> Option<N> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}

const TABS: [(Tab, &str); 5] = [
    (Tab::State, "state"),
    (Tab::Wire, "wire"),
    (Tab::Rules, "rules"),
    (Tab::Event, "event"),
    (Tab::Code, "code"),
];

/// The word for a pane, in links and as a test hook.
#[must_use]
pub fn tab_word(tab: Tab) -> &'static str {
    TABS.iter().find(|(known, _)| *known == tab).map_or("", |(_, word)| word)
}

fn tab_of(word: &str) -> Option<Tab> {
    TABS.iter().find(|(_, known)| *known == word).map(|(tab, _)| *tab)
}

/// CRC-32 (the one of zip and PNG), bit by bit: links are short.
fn checksum(text: &str) -> u32 {
    let mut crc = u32::MAX;
    for byte in text.bytes() {
        crc ^= u32::from(byte);
        for _ in 0..8 {
            crc = if crc & 1 == 1 { crc >> 1 ^ 0xedb8_8320 } else { crc >> 1 };
        }
    }
    !crc
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places() -> Vec<Place> {
        let mut places = vec![Place::live()];
        for lesson in [1, 2, 10] {
            for variant in [Variant::After, Variant::Before, Variant::Both] {
                for position in [0, 1, 42, 118, 4_000_000] {
                    for tab in [None].into_iter().chain(TABS.iter().map(|(tab, _)| Some(*tab))) {
                        places.push(Place { variant, position, tab, ..Place::lesson(lesson) });
                        let hands = Hands::default().with(0).with(6).with(3);
                        places.push(Place {
                            variant,
                            position,
                            tab,
                            option: 3,
                            hands,
                            ..Place::lesson(lesson)
                        });
                    }
                }
            }
        }
        places
    }

    #[test]
    fn what_is_written_is_read_again() {
        for place in places() {
            assert_eq!(decode(&encode(&place)), Ok(Some(place)));
        }
        assert_eq!(decode(""), Ok(None));
        assert_eq!(decode("#"), Ok(None));
    }

    #[test]
    fn the_checksum_is_crc_32() {
        assert_eq!(checksum("123456789"), 0xcbf4_3926);
    }

    #[test]
    fn every_cut_and_every_edit_is_noticed() {
        for place in places() {
            let link = encode(&place);
            for cut in 2..link.len() {
                assert!(decode(&link[..cut]).is_err(), "{}", &link[..cut]);
            }
            for index in 1..link.len() {
                let mut bytes = link.clone().into_bytes();
                bytes[index] ^= 1;
                let edited = String::from_utf8(bytes).expect("flipping the low bit keeps ASCII ASCII");
                assert!(decode(&edited).is_err(), "{edited}");
            }
        }
    }

    #[test]
    fn links_typed_by_hand_need_no_checksum() {
        let place = Place { variant: Variant::Both, position: 42, ..Place::lesson(10) };
        assert_eq!(decode("#v=1&l=10&c=both&e=42"), Ok(Some(place)));
    }

    #[test]
    fn what_can_be_read_is_offered() {
        let lesson = Place::lesson(10);
        for (link, place) in [
            (
                "#v=1&k=12345678&l=10&c=both&e=42",
                Some(Place { variant: Variant::Both, position: 42, ..lesson }),
            ),
            ("#v=1&l=10&e=x&c=before", Some(Place { variant: Variant::Before, ..lesson })),
            ("#v=7&m=live", Some(Place::live())),
            ("#v=1&e=4", None),
            ("#nonsense", None),
        ] {
            assert_eq!(salvage(link), place, "{link}");
        }
    }

    #[test]
    fn the_reason_names_the_entry() {
        for (link, reason) in [
            ("#v=2&l=1", "version \u{201c}2\u{201d}"),
            ("#lesson-1", "does not begin"),
            ("#v=1", "names no lesson"),
            ("#v=1&l=ten", "\u{201c}l=ten\u{201d} should be a lesson's number"),
            ("#v=1&l=1&c=never", "before, after or both"),
            ("#v=1&l=1&e=-4", "\u{201c}e=-4\u{201d}"),
            ("#v=1&l=1&e=+4", "\u{201c}e=+4\u{201d}"),
            ("#v=1&l=1&q=4", "\u{201c}q=4\u{201d} has no meaning"),
            ("#v=1&l=1&l=2", "\u{201c}l=2\u{201d} has no meaning"),
            ("#v=1&l=1&", "\u{201c}\u{201d} has no meaning"),
            ("#v=1&k=00000000&l=1", "edited or cut"),
            ("#v=1&m=dead", "should be live"),
        ] {
            let error = decode(link).expect_err(link).to_string();
            assert!(error.contains(reason), "{link}: {error}");
        }
    }
}
