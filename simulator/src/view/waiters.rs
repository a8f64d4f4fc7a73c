//! Who waits for what, since when, and how it ended.

use super::shown;
use crate::event::{Actor, Event, Kind, Outcome};
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

/// A call that waits, or waited, for its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waiter {
    /// Who called: a task, or the client itself where no world is behind the log.
    pub actor: Actor,
    /// The call: `start()`.
    pub call: String,
    /// The index of the call.
    pub from: u32,
    /// The index of its end and how it ended, when the cursor has passed it.
    pub end: Option<(u32, Outcome)>,
    /// Whether an end is known behind the cursor.
    pub ends_later: bool,
    /// How often it ended in front of the cursor: more than once is a bug.
    pub ends: u32,
}

/// All waiting calls in front of the cursor, in the order in which they were made.
#[must_use]
pub fn waiters(events: &[Arc<Event>], cursor: usize) -> Vec<Waiter> {
    let mut waiters: Vec<Waiter> = shown(events, cursor)
        .iter()
        .filter_map(|event| match &event.kind {
            Kind::Call { call, waits: true, .. } => Some(Waiter {
                actor: event.actor,
                call: call.clone(),
                from: event.index,
                end: None,
                ends_later: false,
                ends: 0,
            }),
            _ => None,
        })
        .collect();
    for event in events {
        let Kind::Resolve { call: Some(call), outcome, .. } = &event.kind else { continue };
        let Ok(place) = waiters.binary_search_by_key(call, |waiter| waiter.from) else { continue };
        let waiter = &mut waiters[place];
        if (event.index as usize) < cursor {
            waiter.ends += 1;
            waiter.end.get_or_insert_with(|| (event.index, outcome.clone()));
        } else {
            waiter.ends_later = true;
        }
    }
    waiters
}
