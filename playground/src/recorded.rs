//! A recording that somebody brings, as a link or as a file: replayed to its end and told like a lesson.

use crate::model::events::Events;
use crate::model::lesson::{Lesson, LessonCard, Step};
use crate::model::track::Side;
use crate::run::{Judge, Rule, Run};
use crate::source::Staging;
use simulator::check::{Bounds, Finding, check};
use simulator::recording::Recording;
use simulator::soak;
use simulator::timeline::{Horizon, Stopped, Timeline};
use std::rc::Rc;

/// No recording that is opened here is longer.
pub const TEXT_LEN_MAX: usize = 256 << 10;

/// Longer texts do not go into the address.
pub const LINK_LEN_MAX: usize = 8_000;

/// A recording is a scenario and choices, and says so in its first words. Lessons' links begin otherwise.
#[must_use]
pub fn of_fragment(fragment: &str) -> Option<Rc<str>> {
    let text = fragment.strip_prefix('#').unwrap_or(fragment);
    text.starts_with("v=1&s=").then(|| text.into())
}

/// Replays a recording, and goes on until nothing is left to do.
///
/// # Errors
/// Why there is nothing to show: the text was cut or edited, or the run is longer than a page can keep.
pub fn open(text: &str) -> Result<Rc<Staging>, String> {
    if text.len() > TEXT_LEN_MAX {
        return Err(format!(
            "The recording has {} characters; this page opens {TEXT_LEN_MAX} at most.",
            text.len()
        ));
    }
    let recording =
        Recording::parse(text).map_err(|error| format!("The recording cannot be read. {error}."))?;
    let bounds = Bounds::of(&recording.scenario.config(&recording.scenario.clients[0], 0));
    let mut timeline = Timeline::new(recording)
        .map_err(|error| format!("The recording's world cannot be made. {error}."))?;
    if timeline.run(CHOICES, |world| !world.has_choices_ahead()) != Stopped::Reached {
        return Err(format!("The run is longer than the {} steps that this page keeps.", CHOICES.steps));
    }
    let finished = timeline.run_to_rest(REST) != Stopped::Horizon;
    let events = Events::new(timeline.events().to_vec());
    let lesson = Rc::new(told(&timeline, finished));
    let findings = check(timeline.events(), &bounds, finished);
    let judge = Rc::new(RecordingJudge { timeline, findings });
    Ok(Rc::new(Staging::of(Run { side: Side::After, lesson, events, judge })))
}

/// How far choices may lead: a page keeps a copy of the world every few steps.
const CHOICES: Horizon = Horizon { steps: 8_000, time: core::time::Duration::from_secs(1_000_000) };
/// How far the run goes on behind the last of them.
const REST: Horizon = Horizon { steps: 1_000, time: core::time::Duration::from_secs(60) };

/// Stops at everything that the run breaks, and at its end.
fn told(timeline: &Timeline, finished: bool) -> Lesson {
    let breaches = soak::judge(timeline.head(), finished);
    let recording = timeline.recording();
    let end = timeline.events().len();
    let mut steps: Vec<Step> = Vec::new();
    for breach in breaches.iter().take(STEPS_MAX) {
        let seen = (breach.event as usize + 1).min(end);
        let sentence = format!("{}: {}. {}.", breach.law.name(), breach.law.sentence(), breach.text);
        steps.push(Step { seen, sentence: sentence.into(), quiz: None });
    }
    let verdict = if breaches.is_empty() { "It breaks nothing." } else { "Here it ends." };
    steps.push(Step { seen: end, sentence: format!("{end} events. {verdict}").into(), quiz: None });
    let introduction = format!(
        "{}, {} and {}, seed {:08x}. Each step goes to what the run breaks, the last one to its end.",
        counted(usize::from(recording.scenario.nodes), "broker"),
        counted(recording.scenario.clients.len(), "client"),
        counted(recording.choices.len(), "choice"),
        recording.seed,
    );
    Lesson {
        card: LessonCard { id: 0, question: "What happened here?", has_pair: false },
        introduction: introduction.into(),
        minutes: 0,
        steps,
        key_points: Vec::new(),
        code: None,
        cases: Vec::new(),
        options: None,
        by_hand: None,
        end,
        shows_buffers: false,
    }
}

fn counted(count: usize, what: &str) -> String {
    if count == 1 { format!("1 {what}") } else { format!("{count} {what}s") }
}

/// More than these are one and the same mistake, told again.
const STEPS_MAX: usize = 20;

struct RecordingJudge {
    timeline: Timeline,
    findings: Vec<Finding>,
}

impl Judge for RecordingJudge {
    fn rules(&self, seen: usize) -> Vec<Rule> {
        let rules = self.findings.iter().map(|finding| Rule {
            id: finding.rule.name(),
            sentence: finding.rule.rule().sentence,
            how: finding.rule.rule().how,
            verdict: finding.verdict(seen),
            is_watched: finding.broken.is_some(),
        });
        rules.collect()
    }

    fn digest(&self, seen: usize) -> u64 {
        self.timeline.digest_at(seen)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAN: &str = "v=1&s=1&w=nodes:1/from:1/topic:orders:1/client:producer:defect=no-rollback:request=1000\
                        &x=silent:n1@0,T1:start:500@0";

    fn text(plan: &str) -> String {
        Recording::parse_unchecked(plan).expect("a plan by hand").to_string()
    }

    #[test]
    fn what_soak_writes_opens_with_a_step_at_what_it_breaks() {
        let staging = open(&text(PLAN)).expect("it opens");
        let run = &staging.runs()[0];
        let (last, before) = run.lesson.steps.split_last().expect("the end, at least");
        assert_eq!(last.seen, run.events.len());
        assert!(before.iter().any(|step| step.sentence.starts_with("I3: ")), "{before:?}");
        assert!(run.lesson.steps.is_sorted_by_key(|step| step.seen));
        let broken = run.judge.rules(run.events.len()).into_iter().filter(|rule| rule.is_watched);
        assert!(broken.map(|rule| rule.id).any(|id| id == "I3"));
    }

    #[test]
    fn a_sound_run_has_one_step_its_end() {
        let staging = open(&text(&PLAN.replace(":defect=no-rollback", ""))).expect("it opens");
        assert_eq!(staging.runs()[0].lesson.steps.len(), 1);
    }

    #[test]
    fn what_was_cut_edited_or_is_too_long_is_refused_with_the_reason() {
        let whole = text(PLAN);
        for (text, reason) in [
            (whole.replace("T1", "T2"), "checksum"),
            (whole[..whole.len() - 3].to_owned(), "checksum"),
            ("v=1&s=".to_owned(), "cut or edited"),
            ("x".repeat(TEXT_LEN_MAX + 1), "at most"),
            (text(&PLAN.replace("silent:n1@0", "silent:n1@4000000")), ""),
        ] {
            match open(&text) {
                Ok(_) => assert_eq!(reason, "", "a choice that nothing leads up to comes early"),
                Err(error) => assert!(error.contains(reason), "{error}"),
            }
        }
    }

    #[test]
    fn links_to_recordings_are_told_from_links_to_lessons() {
        let link = format!("#{}", text(PLAN));
        assert_eq!(of_fragment(&link).as_deref(), link.strip_prefix('#'));
        for other in ["", "#", "#v=1&l=10", "#v=1&k=00000000&l=1", "#nonsense"] {
            assert_eq!(of_fragment(other), None, "{other}");
        }
    }
}
