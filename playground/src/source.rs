//! Where runs come from: the simulator's lessons, run to their ends.

use crate::model::events::Events;
use crate::model::lesson::{ByHand, Case, Code, Lesson, LessonCard, Options, Quiz, Step};
use crate::model::track::{Side, Track};
use crate::run::{Judge, Rule, Run};
use crate::state::Variant;
use crate::state::hands::Hands;
use crate::state::link::LinkError;
use simulator::check::RuleId;
use simulator::choice::Choice;
use simulator::lessons::{self, LessonRun};
use std::rc::Rc;

/// What is on the stage.
#[derive(Clone, PartialEq)]
pub struct Staging {
    runs: Vec<Run>,
    track: Rc<Track>,
}

impl Staging {
    /// One run that is no lesson's.
    #[must_use]
    pub(crate) fn of(run: Run) -> Self {
        let track = Rc::new(Track::single(run.side, run.events.len()));
        Self { runs: vec![run], track }
    }

    /// The runs from left to right.
    #[must_use]
    pub fn runs(&self) -> &[Run] {
        &self.runs
    }

    /// How their events are lined up.
    #[must_use]
    pub const fn track(&self) -> &Rc<Track> {
        &self.track
    }

    /// This side's run.
    #[must_use]
    pub fn run(&self, side: Side) -> Option<&Run> {
        self.runs.iter().find(|run| run.side == side)
    }
}

/// Why a lesson is not shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OpenError {
    /// The place asked for does not exist.
    Link(LinkError),
    /// The lesson itself is at fault: it never came to one of its marks.
    Lesson(String),
}

/// The lessons there are.
#[must_use]
pub fn cards() -> Vec<LessonCard> {
    lessons::all().iter().map(card).collect()
}

fn card(lesson: &lessons::Lesson) -> LessonCard {
    LessonCard { id: lesson.id, question: lesson.question, has_pair: lesson.before.is_some() }
}

/// Whether there is such a lesson.
#[must_use]
pub fn has(lesson: u8) -> bool {
    lessons::find(lesson).is_some()
}

/// Runs a lesson.
///
/// # Errors
/// There is no such lesson, it has no pair, or it is at fault.
pub fn open(lesson: u8, variant: Variant, option: u8, hands: Hands) -> Result<Rc<Staging>, OpenError> {
    let lesson = lessons::find(lesson).ok_or(OpenError::Link(LinkError::NoSuchLesson(lesson)))?;
    let (id, number) = (lesson.id, option + 1);
    let lesson =
        lesson.with_option(option).ok_or(OpenError::Link(LinkError::NoSuchOption { lesson: id, number }))?;
    let choices: Vec<Choice> = hands
        .iter()
        .map(|hand| Some(lesson.by_hand.as_ref()?.hands.get(hand)?.choice.clone()))
        .collect::<Option<_>>()
        .ok_or(OpenError::Link(LinkError::NotByHand(id)))?;
    if variant != Variant::After && lesson.before.is_none() {
        return Err(OpenError::Link(LinkError::NoPair(lesson.id)));
    }
    let runs: Vec<Run> =
        variant.sides().iter().map(|side| run(&lesson, *side, &choices)).collect::<Result<_, OpenError>>()?;
    let track = match &runs[..] {
        [] => Track::default(),
        [only] => Track::single(only.side, only.events.len()),
        [before, after, ..] => Track::aligned(&before.events, &after.events),
    };
    let track = if lesson.by_hand.is_some() { track.open_ended() } else { track };
    Ok(Rc::new(Staging { runs, track: Rc::new(track) }))
}

fn run(lesson: &lessons::Lesson, side: Side, by_hand: &[Choice]) -> Result<Run, OpenError> {
    let variant = match side {
        Side::Before => lessons::Variant::Before,
        Side::After => lessons::Variant::After,
    };
    let mut run = lessons::run(lesson, variant).map_err(|error| OpenError::Lesson(error.to_string()))?;
    let end = run.events().len();
    run.go_on(by_hand.iter().cloned());
    Ok(Run {
        side,
        lesson: Rc::new(told(lesson, &run, end, by_hand.len())),
        events: Events::new(run.events().to_vec()),
        judge: Rc::new(LessonJudge { run, watched: lesson.rules }),
    })
}

/// The lesson as this run tells it.
fn told(lesson: &lessons::Lesson, run: &LessonRun, end: usize, done: usize) -> Lesson {
    let steps = run.stops.iter().enumerate().map(|(step, stop)| Step {
        seen: stop.cursor,
        sentence: run.sentence(lesson, step).unwrap_or_default().into(),
        quiz: lesson.steps.get(step).and_then(|asked| quiz(asked.quiz.as_ref()?, run.answers(lesson, step)?)),
    });
    let code = Code {
        path: lesson.code.path.into(),
        first_line: lesson.code.first_line,
        text: without_indent(lesson.code.text).into(),
    };
    Lesson {
        card: card(lesson),
        introduction: lesson.introduction.into(),
        minutes: lesson.minutes,
        steps: steps.collect(),
        key_points: lesson.key_points.iter().map(|point| (*point).into()).collect(),
        code: Some(code),
        cases: lesson
            .cases
            .iter()
            .map(|case| Case { title: case.title.into(), address: case.address.into() })
            .collect(),
        options: lesson.options.map(|options| Options {
            label: options.label,
            names: options.names,
            chosen: options.chosen,
        }),
        by_hand: lesson.by_hand.as_ref().map(|by_hand| ByHand {
            names: by_hand.hands.iter().map(|hand| hand.name).collect(),
            says: (by_hand.says)(&run.moment(run.events().len())).into(),
            done,
        }),
        end,
        shows_buffers: lesson.rules.iter().any(|rule| matches!(rule, RuleId::I6 | RuleId::I13)),
    }
}

/// The lines without the blanks that all of them begin with.
fn without_indent(text: &str) -> String {
    let blanks = |line: &str| line.len() - line.trim_start().len();
    let least = text.lines().filter(|line| !line.trim().is_empty()).map(blanks).min().unwrap_or(0);
    text.lines().map(|line| line.get(least..).unwrap_or_default()).collect::<Vec<_>>().join("\n")
}

fn quiz(quiz: &lessons::Quiz, (answers, why): (Vec<lessons::Answer>, String)) -> Option<Quiz> {
    let right = answers.iter().position(|answer| answer.right)?;
    Some(Quiz {
        question: quiz.question.into(),
        options: answers.into_iter().map(|answer| answer.text.into()).collect(),
        right,
        why: why.into(),
    })
}

struct LessonJudge {
    run: LessonRun,
    watched: &'static [RuleId],
}

impl Judge for LessonJudge {
    fn rules(&self, seen: usize) -> Vec<Rule> {
        let findings = self.run.findings.iter().map(|finding| Rule {
            id: finding.rule.name(),
            sentence: finding.rule.rule().sentence,
            how: finding.rule.rule().how,
            verdict: finding.verdict(seen),
            is_watched: self.watched.contains(&finding.rule),
        });
        findings.collect()
    }

    fn digest(&self, seen: usize) -> u64 {
        self.run.timeline.digest_at(seen)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use simulator::event::Verdict;

    #[test]
    fn every_lesson_opens_in_every_variant_it_has() {
        for card in cards() {
            for variant in [Variant::After, Variant::Before, Variant::Both] {
                let opened = open(card.id, variant, 0, Hands::default());
                if !card.has_pair && variant != Variant::After {
                    assert_eq!(opened.err(), Some(OpenError::Link(LinkError::NoPair(card.id))));
                    continue;
                }
                let staging = opened.unwrap_or_else(|error| panic!("lesson {}: {error:?}", card.id));
                assert_eq!(staging.runs().len(), variant.sides().len());
                for run in staging.runs() {
                    assert_eq!(staging.track().seen(run.side, staging.track().len()), run.events.len());
                    assert!(!run.lesson.steps.is_empty() && run.lesson.code.is_some());
                    assert!(run.lesson.steps.is_sorted_by_key(|step| step.seen), "steps go forward");
                }
            }
        }
        assert_eq!(
            open(99, Variant::After, 0, Hands::default()).err(),
            Some(OpenError::Link(LinkError::NoSuchLesson(99)))
        );
    }

    #[test]
    fn options_and_what_is_done_by_hand_are_part_of_the_run() {
        let lens: Vec<usize> = (0..4)
            .map(|option| {
                let staging = open(5, Variant::After, option, Hands::default()).expect("lesson 5 opens");
                assert_eq!(staging.runs()[0].lesson.options.map(|options| options.chosen), Some(option));
                staging.track().len()
            })
            .collect();
        assert!(
            lens.is_sorted_by(|earlier, later| earlier < later),
            "a later stop follows a longer start: {lens:?}"
        );
        let refused = |lesson, option, hands| open(lesson, Variant::After, option, hands).err();
        let no_option = LinkError::NoSuchOption { lesson: 5, number: 5 };
        assert_eq!(refused(5, 4, Hands::default()), Some(OpenError::Link(no_option)));

        let one = Hands::default().with(2);
        assert_eq!(refused(1, 0, one), Some(OpenError::Link(LinkError::NotByHand(1))));
        assert_eq!(refused(7, 0, Hands::default().with(6)), Some(OpenError::Link(LinkError::NotByHand(7))));
        let before = open(7, Variant::After, 0, Hands::default()).expect("lesson 7 opens");
        let after = open(7, Variant::After, 0, one).expect("lesson 7 opens");
        assert!(after.track().len() > before.track().len());
        let told = |staging: &Staging| staging.runs()[0].lesson.clone();
        assert_eq!(told(&after).end, before.track().len(), "the lesson's own end stays where it was");
        assert!(told(&before).by_hand.as_ref().is_some_and(|by_hand| by_hand.says.starts_with("8 of 13")));
        assert!(told(&after).by_hand.as_ref().is_some_and(|by_hand| by_hand.says.starts_with("9 of 13")));
    }

    #[test]
    fn a_pair_parts_where_its_rule_breaks_or_before() {
        for card in cards().into_iter().filter(|card| card.has_pair) {
            let staging = open(card.id, Variant::Both, 0, Hands::default()).expect("a pair opens");
            let split = staging.track().split().expect("a pair parts");
            let before = staging.run(Side::Before).expect("it has a before");
            let broken =
                before.judge.rules(before.events.len()).into_iter().find_map(|rule| match rule.verdict {
                    Verdict::Broken { at } if rule.is_watched => Some(at),
                    Verdict::Broken { .. }
                    | Verdict::Holds
                    | Verdict::NotExercised
                    | Verdict::CannotJudge => None,
                });
            let broken = broken.expect("before breaks a rule of the lesson");
            assert!(split <= staging.track().row_of(Side::Before, broken as usize), "lesson {}", card.id);
        }
    }

    #[test]
    fn every_position_has_the_same_digest_however_it_is_reached() {
        let staging = open(1, Variant::After, 0, Hands::default()).expect("lesson 1 opens");
        let run = &staging.runs()[0];
        let forward: Vec<u64> = (0..=run.events.len()).map(|seen| run.judge.digest(seen)).collect();
        let backward: Vec<u64> = (0..=run.events.len()).rev().map(|seen| run.judge.digest(seen)).collect();
        assert!(forward.iter().eq(backward.iter().rev()));
    }
}
