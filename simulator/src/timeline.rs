//! A run that can be looked at from any point: forwards, backwards, or by jumping.
//!
//! Position n is the recording replayed to n. The timeline keeps a copy of the world every
//! [`CHECKPOINT_STEPS`] steps and goes on from the nearest one, so that a jump costs a bounded number of steps, and
//! stepping back is the same code as stepping forward.

use crate::choice::Choice;
use crate::digest::Digest;
use crate::event::Event;
use crate::recording::Recording;
use crate::world::{Stepped, World, WorldError};
use alloc::sync::Arc;
use alloc::vec;
use alloc::vec::Vec;
use client_core::time::Duration;

/// How many steps lie between two kept copies of the world.
pub const CHECKPOINT_STEPS: u32 = 32;

/// A run that can be looked at from any point.
#[derive(Clone, Debug)]
pub struct Timeline {
    /// Worlds after 0, 32, 64, ... steps.
    checkpoints: Vec<World>,
    head: World,
}

/// How far to run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Horizon {
    /// At most so many steps.
    pub steps: u32,
    /// Nothing that happens later than so long from where the run stands.
    pub time: Duration,
}

impl Default for Horizon {
    /// 20 000 steps, ten virtual minutes.
    fn default() -> Self {
        Self { steps: 20_000, time: Duration::from_secs(600) }
    }
}

/// Why a run stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stopped {
    /// What it was to run for has come.
    Reached,
    /// Nothing more happens by itself.
    AtRest,
    /// The horizon was reached.
    Horizon,
}

impl Timeline {
    /// A timeline at the beginning of a recording.
    ///
    /// # Errors
    /// What is wrong with the scenario.
    pub fn new(recording: Recording) -> Result<Self, WorldError> {
        let head = World::new(recording)?;
        Ok(Self { checkpoints: vec![head.clone()], head })
    }

    /// Makes one more step at the far end.
    pub fn step(&mut self) -> Stepped {
        let stepped = self.head.step();
        if stepped == Stepped::Happened && self.head.steps().is_multiple_of(CHECKPOINT_STEPS) {
            self.checkpoints.push(self.head.clone());
        }
        stepped
    }

    /// Makes steps at the far end until `reached` says so.
    pub fn run(&mut self, horizon: Horizon, mut reached: impl FnMut(&World) -> bool) -> Stopped {
        let last_step = self.head.steps().saturating_add(horizon.steps);
        let end = self.head.now() + horizon.time;
        loop {
            if reached(&self.head) {
                return Stopped::Reached;
            }
            let too_late = self.head.next_at().is_some_and(|at| at > end) && !self.head.has_choices_ahead();
            if self.head.steps() >= last_step || too_late {
                return Stopped::Horizon;
            }
            if self.step() == Stepped::AtRest {
                return Stopped::AtRest;
            }
        }
    }

    /// Makes steps until an event with this key has happened.
    pub fn run_to(&mut self, key: &str, horizon: Horizon) -> Stopped {
        let mut looked_at = 0;
        self.run(horizon, |world| {
            let events = world.events();
            let new = events.get(looked_at..).unwrap_or_default();
            looked_at = events.len();
            new.iter().any(|event| event.key == key)
        })
    }

    /// Makes steps until the clients wait for nothing but distant timers, and no call waits any more.
    pub fn run_to_rest(&mut self, horizon: Horizon) -> Stopped {
        self.run(horizon, |world| {
            let quiet_for = Duration::from_secs(5);
            let quiet = world.next_at().is_none_or(|at| at.since(world.now()) >= quiet_for);
            quiet && !world.has_choices_ahead() && world.waiting() == 0
        })
    }

    /// The world at the far end.
    #[must_use]
    pub const fn head(&self) -> &World {
        &self.head
    }

    /// The recording of the whole run.
    #[must_use]
    pub fn recording(&self) -> &Recording {
        self.head.recording()
    }

    /// All events so far.
    #[must_use]
    pub fn events(&self) -> &[Arc<Event>] {
        self.head.events()
    }

    /// How many steps have been made.
    #[must_use]
    pub const fn steps(&self) -> u32 {
        self.head.steps()
    }

    /// The world after so many steps, or at the far end if there are fewer.
    #[must_use]
    pub fn at(&self, step: u32) -> World {
        let step = step.min(self.steps());
        let mut world = self.checkpoints[(step / CHECKPOINT_STEPS) as usize].clone();
        // The copy was made before later choices were.
        world.adopt(self.head.shared_recording());
        while world.steps() < step && world.step() == Stepped::Happened {}
        world
    }

    /// The step that `cursor` shown events belong to: the step of the last one.
    #[must_use]
    pub fn step_of(&self, cursor: usize) -> u32 {
        let last = cursor.checked_sub(1).and_then(|last| self.events().get(last));
        last.map_or(0, |event| event.step)
    }

    /// The fingerprint of the state that `cursor` shown events stand for: of the world after their step, and of how many
    /// events are shown.
    #[must_use]
    pub fn digest_at(&self, cursor: usize) -> u64 {
        let mut digest = Digest::new();
        digest.feed_u64(self.at(self.step_of(cursor)).observed());
        digest.feed_u64(cursor as u64);
        digest.finish()
    }

    /// Makes a choice at the far end: it is applied by the next step.
    pub fn choose(&mut self, choice: Choice) {
        self.head.choose(choice);
    }

    /// Goes back to a step and makes a choice there. The old future is returned as a recording: it can be replayed, but
    /// is no longer part of this timeline.
    pub fn fork(&mut self, step: u32, choice: Choice) -> Recording {
        let old = self.recording().clone();
        self.head = self.at(step);
        self.checkpoints.truncate((self.head.steps() / CHECKPOINT_STEPS) as usize + 1);
        self.head.choose(choice);
        old
    }
}
