//! Runs a lesson: each step's choices are made, then the run goes to the step's mark.

use super::{Answer, Lesson, Moment, Until, Variant};
use crate::check::{Bounds, Finding, check};
use crate::choice::Choice;
use crate::event::Event;
use crate::recording::Recording;
use crate::timeline::{Horizon, Stopped, Timeline};
use crate::world::WorldError;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use client_core::time::Duration;
use core::fmt;

/// A lesson that has run to its end.
#[derive(Clone, Debug)]
pub struct LessonRun {
    /// Which variant.
    pub variant: Variant,
    /// The whole run.
    pub timeline: Timeline,
    /// Where each step ends.
    pub stops: Vec<Stop>,
    /// What the rules found.
    pub findings: Vec<Finding>,
    bounds: Bounds,
    at_rest: bool,
}

/// Where a step ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stop {
    /// How many events are shown then.
    pub cursor: usize,
}

/// Why a lesson cannot be shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LessonError {
    /// The scenario makes no world.
    World(WorldError),
    /// A lesson without a defect has no "before".
    NoBefore,
    /// The run never came to a step's mark.
    MarkNotReached {
        /// The step, from 1.
        step: usize,
        /// The mark.
        until: Until,
        /// What ended the run instead.
        stopped: Stopped,
    },
}

impl fmt::Display for LessonError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::World(error) => error.fmt(f),
            Self::NoBefore => f.write_str("this lesson has only one variant"),
            Self::MarkNotReached { step, until, stopped } => {
                write!(f, "step {step} never came to {until:?}: {stopped:?}")
            }
        }
    }
}

impl core::error::Error for LessonError {}

/// Runs a lesson to its end.
///
/// # Errors
/// What is wrong with the lesson; the tests run every lesson, so what ships has none.
pub fn run(lesson: &Lesson, variant: Variant) -> Result<LessonRun, LessonError> {
    let defect = match variant {
        Variant::After => None,
        Variant::Before => Some(lesson.before.ok_or(LessonError::NoBefore)?),
    };
    let scenario = (lesson.setup)().with_defect(defect);
    let bounds = Bounds::of(&scenario.config(&scenario.clients[0], 0));
    let mut timeline = Timeline::new(Recording::new(scenario, lesson.seed)).map_err(LessonError::World)?;
    let mut stops = Vec::new();
    let mut at_rest = false;
    for (number, step) in lesson.steps.iter().enumerate() {
        let from = timeline.events().len();
        for choice in &step.choices {
            timeline.choose(choice.clone());
        }
        let key = match (step.until, variant) {
            (Until::Event(key), _)
            | (Until::EventOf { before: key, .. }, Variant::Before)
            | (Until::EventOf { after: key, .. }, Variant::After) => Some(key),
            (Until::Rest, _) => None,
        };
        let stopped = match key {
            Some(key) => timeline.run(HORIZON, |world| world.find(key).is_some()),
            None => timeline.run_to_rest(HORIZON),
        };
        at_rest = key.is_none() && stopped != Stopped::Horizon;
        let cursor = match key {
            Some(key) => timeline.head().find(key).map(|index| index as usize + 1),
            None => at_rest.then(|| timeline.events().len()),
        };
        let cursor = cursor.filter(|cursor| *cursor >= from || key.is_some());
        let Some(cursor) = cursor else {
            return Err(LessonError::MarkNotReached { step: number + 1, until: step.until, stopped });
        };
        stops.push(Stop { cursor });
    }
    let findings = check(timeline.events(), &bounds, at_rest);
    Ok(LessonRun { variant, timeline, stops, findings, bounds, at_rest })
}

/// No lesson takes more steps or more virtual time than this.
const HORIZON: Horizon = Horizon { steps: 5_000, time: Duration::from_secs(120) };

impl LessonRun {
    /// Goes on behind the lesson's end with what the reader does by hand: one step of the world for each.
    pub fn go_on(&mut self, choices: impl IntoIterator<Item = Choice>) {
        for choice in choices {
            self.timeline.choose(choice);
            self.timeline.step();
            self.at_rest = false;
        }
        self.findings = check(self.timeline.events(), &self.bounds, self.at_rest);
    }

    /// All events.
    #[must_use]
    pub fn events(&self) -> &[Arc<Event>] {
        self.timeline.events()
    }

    /// The run at a cursor.
    #[must_use]
    pub fn moment(&self, cursor: usize) -> Moment<'_> {
        Moment { variant: self.variant, events: self.events(), cursor, findings: &self.findings }
    }

    /// The run at the end of a step, counted from 0.
    #[must_use]
    pub fn moment_of(&self, step: usize) -> Option<Moment<'_>> {
        self.stops.get(step).map(|stop| self.moment(stop.cursor))
    }

    /// What a step of the lesson says in this run.
    #[must_use]
    pub fn sentence(&self, lesson: &Lesson, step: usize) -> Option<String> {
        let moment = self.moment_of(step)?;
        lesson.steps.get(step).map(|step| (step.sentence)(&moment))
    }

    /// The answers to a step's question in this run, and why the right one is right.
    #[must_use]
    pub fn answers(&self, lesson: &Lesson, step: usize) -> Option<(Vec<Answer>, String)> {
        let moment = self.moment_of(step)?;
        let quiz = lesson.steps.get(step)?.quiz.as_ref()?;
        Some(((quiz.answers)(&moment), (quiz.why)(&moment)))
    }
}
