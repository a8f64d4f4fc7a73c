//! A lesson as the lesson panel shows it.

use std::rc::Rc;

/// One lesson in the menu.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LessonCard {
    /// Its number.
    pub id: u8,
    /// Its question.
    pub question: &'static str,
    /// Whether there is a run with a defect to compare with.
    pub has_pair: bool,
}

/// A question to answer before the next step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quiz {
    /// The question.
    pub question: Rc<str>,
    /// The answers to choose from.
    pub options: Vec<Rc<str>>,
    /// The right one, computed from the run.
    pub right: usize,
    /// Why it is right.
    pub why: Rc<str>,
}

/// One step of a lesson.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// How many events have happened when the step's mark is reached.
    pub seen: usize,
    /// What to notice there.
    pub sentence: Rc<str>,
    /// What to predict before this step runs.
    pub quiz: Option<Quiz>,
}

/// One run of a lesson.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lesson {
    /// Number, question, pair.
    pub card: LessonCard,
    /// What stands under the question before the first step.
    pub introduction: Rc<str>,
    /// About how long it takes.
    pub minutes: u8,
    /// The steps.
    pub steps: Vec<Step>,
    /// What to take home, shown at the end.
    pub key_points: Vec<Rc<str>>,
    /// The place in the source that the lesson is about.
    pub code: Option<Code>,
    /// Cases from the world outside.
    pub cases: Vec<Case>,
    /// Whether it is about the receive buffer.
    pub shows_buffers: bool,
    /// What can be chosen about it.
    pub options: Option<Options>,
    /// What can be done by hand at its end.
    pub by_hand: Option<ByHand>,
    /// How many events have happened when it ends, before anything is done by hand.
    pub end: usize,
}

/// What can be chosen about a lesson.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// What is chosen.
    pub label: &'static str,
    /// What there is to choose from.
    pub names: &'static [&'static str],
    /// What is chosen now.
    pub chosen: u8,
}

/// What can be done by hand at a lesson's end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ByHand {
    /// What there is to do.
    pub names: Vec<&'static str>,
    /// What there is to say of what was done.
    pub says: Rc<str>,
    /// How often something was done.
    pub done: usize,
}

/// The one place in the source where the defect and the fix differ.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Code {
    /// The file, from the repository's root.
    pub path: Rc<str>,
    /// The number of the first line.
    pub first_line: usize,
    /// The lines.
    pub text: Rc<str>,
}

/// A published case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Case {
    /// What it is called.
    pub title: Rc<str>,
    /// Where to read it.
    pub address: Rc<str>,
}
