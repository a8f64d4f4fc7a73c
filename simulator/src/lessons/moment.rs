//! A lesson's view of its run at one point.

use crate::check::{Finding, RuleId};
use crate::event::{Actor, Connection, Event, Kind, Verdict};
use crate::view::buffer::{Buffer, buffers};
use crate::view::counters::{Counters, counters};
use crate::view::shown;
use crate::view::waiters::{Waiter, waiters};
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec::Vec;
use client_core::ids::{BrokerId, ConnectionId};

/// Without or with the fix.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Variant {
    /// With the defect.
    Before,
    /// As it ships.
    After,
}

/// A run at one point. Quizzes look at the whole run, sentences at what is shown.
#[derive(Clone, Copy, Debug)]
pub struct Moment<'a> {
    /// Which variant runs.
    pub variant: Variant,
    /// The whole run.
    pub events: &'a [Arc<Event>],
    /// How many events are shown.
    pub cursor: usize,
    /// What the rules found in the whole run.
    pub findings: &'a [Finding],
}

impl<'a> Moment<'a> {
    /// The events shown.
    #[must_use]
    pub fn shown(&self) -> &'a [Arc<Event>] {
        shown(self.events, self.cursor)
    }

    /// The latest event shown.
    #[must_use]
    pub fn last(&self) -> Option<&'a Event> {
        self.shown().last().map(|event| &**event)
    }

    /// The event with this key, if it is shown.
    #[must_use]
    pub fn event(&self, key: &str) -> Option<&'a Event> {
        self.shown().iter().find(|event| event.key == key).map(|event| &**event)
    }

    /// Numbers at this point.
    #[must_use]
    pub fn counters(&self) -> Counters {
        counters(self.events, self.cursor)
    }

    /// Numbers at the end of the run.
    #[must_use]
    pub fn counters_at_end(&self) -> Counters {
        counters(self.events, self.events.len())
    }

    /// The receive buffer of the first client's broker with this number.
    #[must_use]
    pub fn buffer(&self, broker: u16) -> Option<Buffer> {
        buffers(self.events, self.cursor)
            .into_iter()
            .find(|buffer| (buffer.client, buffer.broker) == (0, broker))
    }

    /// The waits of a task.
    #[must_use]
    pub fn waits(&self, task: u16) -> Vec<Waiter> {
        waiters(self.events, self.cursor)
            .into_iter()
            .filter(|waiter| waiter.actor == Actor::Task(task))
            .collect()
    }

    /// What a rule says here.
    #[must_use]
    pub fn verdict(&self, rule: RuleId) -> Verdict {
        self.findings
            .iter()
            .find(|finding| finding.rule == rule)
            .map_or(Verdict::NotExercised, |finding| finding.verdict(self.cursor))
    }

    /// The names of the requests shown, in order.
    #[must_use]
    pub fn requests(&self) -> Vec<&'static str> {
        names(self.shown())
    }

    /// The name of the first request of the whole run.
    #[must_use]
    pub fn first_request(&self) -> Option<&'static str> {
        names(self.events).first().copied()
    }

    /// How many connections the whole run asks for.
    #[must_use]
    pub fn opens_in_all(&self) -> u32 {
        self.counters_at_end().connects
    }

    /// How the calls of a task with this name have ended, in order: `OK`, `CANCELLED`, or an error's code.
    #[must_use]
    pub fn outcomes(&self, task: u16, call: &str) -> Vec<String> {
        let ended = self.waits(task).into_iter().filter(|wait| wait.call.starts_with(call));
        ended.filter_map(|wait| wait.end.map(|(_, outcome)| outcome.to_string())).collect()
    }

    /// How the latest call of a task with this name has ended.
    #[must_use]
    pub fn outcome(&self, task: u16, call: &str) -> String {
        self.outcomes(task, call).pop().unwrap_or_else(|| "nothing yet".into())
    }

    /// The events of the whole run behind the one with this key.
    #[must_use]
    pub fn behind(&self, key: &str) -> &'a [Arc<Event>] {
        let place = self.events.iter().position(|event| event.key == key);
        place.map_or(&[], |place| &self.events[place + 1..])
    }

    /// The state of the first client's connection to the broker with this number.
    #[must_use]
    pub fn connection(&self, broker: u16) -> &'static str {
        crate::view::machines::machines(self.events, self.cursor)
            .iter()
            .find(|machine| (machine.client, machine.broker) == (0, Some(broker)))
            .map_or("Disconnected", |machine| machine.state)
    }

    /// The state the first client's lifecycle is in.
    #[must_use]
    pub fn lifecycle(&self) -> &'static str {
        crate::view::machines::machines(self.events, self.cursor)
            .iter()
            .find(|machine| machine.client == 0 && machine.broker.is_none())
            .map_or("Idle", |machine| machine.state)
    }
}

fn names(events: &[Arc<Event>]) -> Vec<&'static str> {
    let name = |event: &Arc<Event>| match &event.kind {
        Kind::Request { api, .. } => Some(*api),
        _ => None,
    };
    events.iter().filter_map(name).collect()
}

/// The first client's connection with this name.
#[must_use]
pub(super) const fn connection(broker: u16, generation: u32) -> Connection {
    Connection::new(0, ConnectionId { broker: BrokerId(broker), generation })
}
