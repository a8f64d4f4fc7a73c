//! Pictures as data: pure functions of the events and a cursor.
//!
//! `events` is the whole run as far as it is known; `cursor` is how many of them are shown, from 0 (nothing yet) to
//! `events.len()`. The functions look at events behind the cursor only for what must not jump while the
//! cursor moves: which lanes there are. Nothing here knows how anything is drawn.

#![expect(clippy::wildcard_enum_match_arm, reason = "a picture picks the kinds of events it shows")]

pub mod buffer;
pub mod counters;
pub mod diagram;
pub mod machines;
pub mod waiters;
pub mod wire;

use crate::event::Event;
use alloc::sync::Arc;

/// The events in front of the cursor.
#[must_use]
pub fn shown(events: &[Arc<Event>], cursor: usize) -> &[Arc<Event>] {
    &events[..cursor.min(events.len())]
}
