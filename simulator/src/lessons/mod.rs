//! The lessons: short guided runs, each about one question.
//!
//! A lesson is a module with one function. It says where the run begins, then step by step what is done, up to
//! which event the run goes, what to notice there, what to predict, and what must be true. Marks are event keys, never
//! times, and whatever a sentence or an answer says of the run is computed from it, so that a lesson cannot go on teaching
//! what is no longer so.

#![expect(clippy::wildcard_enum_match_arm, reason = "a lesson picks the events it is about")]

mod excerpt;
mod lesson01;
mod lesson02;
mod lesson03;
mod lesson04;
mod lesson05;
mod lesson06;
mod lesson07;
mod lesson08;
mod lesson09;
mod lesson10;
mod lesson11;
mod moment;
mod run;

pub use excerpt::Code;
pub use moment::{Moment, Variant};
pub use run::{LessonError, LessonRun, Stop, run};

use crate::check::RuleId;
use crate::choice::Choice;
use crate::scenario::Scenario;
use alloc::string::String;
use alloc::vec::Vec;
use client_core::Defect;

/// All lessons, in order.
#[must_use]
pub fn all() -> Vec<Lesson> {
    alloc::vec![
        lesson01::lesson(),
        lesson02::lesson(),
        lesson03::lesson(),
        lesson04::lesson(),
        lesson05::lesson(0),
        lesson06::lesson(),
        lesson07::lesson(),
        lesson08::lesson(),
        lesson09::lesson(),
        lesson10::lesson(),
        lesson11::lesson(),
    ]
}

/// The lesson with this number.
#[must_use]
pub fn find(id: u8) -> Option<Lesson> {
    all().into_iter().find(|lesson| lesson.id == id)
}

/// A short guided run about one question.
#[derive(Clone, Debug)]
pub struct Lesson {
    /// Its number.
    pub id: u8,
    /// The question.
    pub question: &'static str,
    /// What stands under the question before the first step.
    pub introduction: &'static str,
    /// About how long it takes, in minutes.
    pub minutes: u8,
    /// The defect of the "before" variant, for lessons with two variants.
    pub before: Option<Defect>,
    /// What the run's random numbers are functions of.
    pub seed: u64,
    /// The rules it is about. The first is the one that "before" breaks.
    pub rules: &'static [RuleId],
    /// Where the run begins.
    pub setup: fn() -> Scenario,
    /// The steps.
    pub steps: Vec<Step>,
    /// What the reader may choose about it, for lessons that can be had in several ways.
    pub options: Option<Options>,
    /// What the reader may do by hand at its end, in lessons that let the reader go on.
    pub by_hand: Option<ByHand>,
    /// What to take home.
    pub key_points: &'static [&'static str],
    /// The one place in the source that it is about.
    pub code: Code,
    /// Cases from the world outside.
    pub cases: &'static [Case],
}

/// What the reader may choose about a lesson.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// What is chosen: `stop() comes`.
    pub label: &'static str,
    /// What there is to choose from: `while the socket opens`.
    pub names: &'static [&'static str],
    /// Which one this lesson is.
    pub chosen: u8,
    make: fn(u8) -> Lesson,
}

/// What the reader may do by hand at a lesson's end.
#[derive(Clone, Debug)]
pub struct ByHand {
    /// What there is to do.
    pub hands: Vec<Hand>,
    /// What there is to say of what was done.
    pub says: fn(&Moment<'_>) -> String,
}

/// Something that the reader may do by hand.
#[derive(Clone, Debug)]
pub struct Hand {
    /// The word on the button.
    pub name: &'static str,
    /// What is done.
    pub choice: Choice,
}

/// A step of a lesson.
#[derive(Clone, Debug)]
pub struct Step {
    /// What is done first.
    pub choices: Vec<Choice>,
    /// How far the run goes then.
    pub until: Until,
    /// What to notice there, in a sentence or two.
    pub sentence: fn(&Moment<'_>) -> String,
    /// What to predict before the step runs.
    pub quiz: Option<Quiz>,
    /// What must be true there.
    pub holds: Vec<Expectation>,
}

/// How far a step goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Until {
    /// To the event with this key.
    Event(&'static str),
    /// To different events, because the variants differ from here on.
    EventOf {
        /// Without the fix.
        before: &'static str,
        /// With the fix.
        after: &'static str,
    },
    /// Until nobody waits and nothing moves.
    Rest,
}

/// A question about what comes next. Right and wrong answers are functions of the run.
#[derive(Clone, Copy, Debug)]
pub struct Quiz {
    /// The question.
    pub question: &'static str,
    /// The answers to choose from; exactly one is right.
    pub answers: fn(&Moment<'_>) -> Vec<Answer>,
    /// Why the right one is right.
    pub why: fn(&Moment<'_>) -> String,
}

/// An answer to choose.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The answer.
    pub text: String,
    /// Whether it is right.
    pub right: bool,
}

/// What must be true at the end of a step.
#[derive(Clone, Copy, Debug)]
pub struct Expectation {
    /// In words.
    pub text: &'static str,
    /// Which variants it is about; `None` for both.
    pub variant: Option<Variant>,
    /// Whether it is so.
    pub holds: fn(&Moment<'_>) -> bool,
}

/// A published case of what the lesson is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Case {
    /// What it is called, and what happened in a few words.
    pub title: &'static str,
    /// Where to read it.
    pub address: &'static str,
}

impl Lesson {
    /// The same lesson with another choice; `None` if there is no such choice. Lessons without options have the choice 0.
    #[must_use]
    pub fn with_option(&self, option: u8) -> Option<Self> {
        match self.options {
            Some(options) if usize::from(option) < options.names.len() => Some((options.make)(option)),
            None if option == 0 => Some(self.clone()),
            Some(_) | None => None,
        }
    }

    /// The lesson in every way in which it can be had.
    #[must_use]
    pub fn every_option(&self) -> Vec<Self> {
        (0..=u8::MAX).map_while(|option| self.with_option(option)).collect()
    }
}

impl Step {
    /// A step that goes to the event with this key.
    fn to(key: &'static str, sentence: fn(&Moment<'_>) -> String) -> Self {
        Self { choices: Vec::new(), until: Until::Event(key), sentence, quiz: None, holds: Vec::new() }
    }

    /// A step that goes to different events with and without the fix.
    fn to_either(before: &'static str, after: &'static str, sentence: fn(&Moment<'_>) -> String) -> Self {
        Self { until: Until::EventOf { before, after }, ..Self::to("", sentence) }
    }

    /// A step that goes on until nobody waits and nothing moves.
    fn to_rest(sentence: fn(&Moment<'_>) -> String) -> Self {
        Self { until: Until::Rest, ..Self::to("", sentence) }
    }

    /// First this is done.
    fn doing(mut self, choice: Choice) -> Self {
        self.choices.push(choice);
        self
    }

    /// First this is asked.
    fn asking(
        mut self,
        question: &'static str,
        answers: fn(&Moment<'_>) -> Vec<Answer>,
        why: fn(&Moment<'_>) -> String,
    ) -> Self {
        self.quiz = Some(Quiz { question, answers, why });
        self
    }

    /// In both variants this must be true at the end.
    fn expecting(mut self, text: &'static str, holds: fn(&Moment<'_>) -> bool) -> Self {
        self.holds.push(Expectation { text, variant: None, holds });
        self
    }

    /// In one variant this must be true at the end.
    fn expecting_in(mut self, variant: Variant, text: &'static str, holds: fn(&Moment<'_>) -> bool) -> Self {
        self.holds.push(Expectation { text, variant: Some(variant), holds });
        self
    }
}

/// Makes answers out of a right number and some others; duplicates are left out.
fn numbers(right: u64, others: &[u64], unit: &str) -> Vec<Answer> {
    let mut values: Vec<u64> = others.iter().copied().filter(|other| *other != right).collect();
    values.push(right);
    values.sort_unstable();
    values.dedup();
    values
        .into_iter()
        .map(|value| Answer { text: alloc::format!("{value}{unit}"), right: value == right })
        .collect()
}

/// Answers in words: the right one and some wrong ones, in an order that does not give it away. Duplicates are left out.
fn words(right: String, wrong: &[&str]) -> Vec<Answer> {
    let mut texts: Vec<String> =
        wrong.iter().map(|text| String::from(*text)).filter(|text| *text != right).collect();
    texts.push(right.clone());
    texts.sort();
    texts.dedup();
    texts.into_iter().map(|text| Answer { right: text == right, text }).collect()
}

/// `1 socket`, `2 sockets`.
fn count(count: impl Into<u64>, thing: &str) -> String {
    match count.into() {
        1 => alloc::format!("1 {thing}"),
        count => alloc::format!("{count} {thing}s"),
    }
}

/// Time in milliseconds, as sentences say it.
fn millis(duration: client_core::time::Duration) -> String {
    alloc::format!("{} ms", duration.as_millis())
}
