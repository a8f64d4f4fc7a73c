//! One run of one lesson: its events, and what is true at each position.

use crate::model::events::Events;
use crate::model::lesson::Lesson;
use crate::model::track::Side;
use simulator::event::Verdict;
use std::rc::Rc;

/// A rule and what is known about it at a position.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// Its name: `I6`.
    pub id: &'static str,
    /// What it demands.
    pub sentence: &'static str,
    /// How it is checked.
    pub how: &'static str,
    /// What is known.
    pub verdict: Verdict,
    /// Whether the lesson is about it.
    pub is_watched: bool,
}

/// The word for a verdict, also the value of `data-verdict`.
#[must_use]
pub const fn verdict_word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Holds => "holds",
        Verdict::Broken { .. } => "broken",
        Verdict::NotExercised => "not exercised",
        Verdict::CannotJudge => "cannot judge",
    }
}

/// What can be asked about a run at any number of shown events.
pub trait Judge {
    /// The rules and their verdicts.
    fn rules(&self, seen: usize) -> Vec<Rule>;
    /// The fingerprint of the state.
    fn digest(&self, seen: usize) -> u64;
}

/// A whole run. Two are equal when they are the same one: each is made once and never changes.
#[derive(Clone)]
pub struct Run {
    /// With the fix or with the defect.
    pub side: Side,
    /// The lesson as this run tells it.
    pub lesson: Rc<Lesson>,
    /// Everything that happens.
    pub events: Events,
    /// Who knows more.
    pub judge: Rc<dyn Judge>,
}

impl PartialEq for Run {
    fn eq(&self, other: &Self) -> bool {
        self.events == other.events
    }
}
