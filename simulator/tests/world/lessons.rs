//! Every lesson, in both variants: it comes to all its marks, says what is so, and proves its point.

use crate::support::{broken, story};
use simulator::event::Verdict;
use simulator::lessons::{Lesson, LessonRun, Variant, all, run};

fn variants(lesson: &Lesson) -> Vec<Variant> {
    if lesson.before.is_some() { vec![Variant::Before, Variant::After] } else { vec![Variant::After] }
}

fn each(mut look: impl FnMut(&Lesson, &LessonRun)) {
    for lesson in all().iter().flat_map(Lesson::every_option) {
        for variant in variants(&lesson) {
            let run = run(&lesson, variant)
                .unwrap_or_else(|error| panic!("lesson {} {variant:?}: {error}", lesson.id));
            look(&lesson, &run);
        }
    }
}

#[test]
fn every_step_is_true() {
    each(|lesson, run| {
        for (number, step) in lesson.steps.iter().enumerate() {
            let moment = run.moment_of(number).unwrap();
            for expectation in &step.holds {
                if expectation.variant.is_none_or(|variant| variant == run.variant) {
                    assert!(
                        (expectation.holds)(&moment),
                        "lesson {} {:?} step {}: not true: {}\n{}",
                        lesson.id,
                        run.variant,
                        number + 1,
                        expectation.text,
                        story(moment.shown())
                    );
                }
            }
        }
    });
}

#[test]
fn steps_go_forward_and_speak() {
    each(|lesson, run| {
        let cursors: Vec<usize> = run.stops.iter().map(|stop| stop.cursor).collect();
        assert!(cursors.is_sorted_by(|a, b| a < b), "lesson {} {:?}: {cursors:?}", lesson.id, run.variant);
        for number in 0..lesson.steps.len() {
            let sentence = run.sentence(lesson, number).unwrap();
            assert!(sentence.ends_with('.') && sentence.len() > 40, "lesson {} says {sentence:?}", lesson.id);
            println!("{} {:?} {}: {sentence}", lesson.id, run.variant, number + 1);
        }
    });
}

#[test]
fn every_question_has_one_right_answer() {
    each(|lesson, run| {
        for number in 0..lesson.steps.len() {
            let Some((answers, why)) = run.answers(lesson, number) else { continue };
            let right = answers.iter().filter(|answer| answer.right).count();
            assert_eq!(right, 1, "lesson {} {:?} step {}: {answers:?}", lesson.id, run.variant, number + 1);
            assert!(answers.len() > 1 && !why.is_empty());
        }
    });
}

#[test]
fn before_breaks_its_rule_and_after_keeps_all() {
    each(|lesson, run| match run.variant {
        Variant::Before => {
            let rule = lesson.rules[0];
            let verdict = run.moment(run.events().len()).verdict(rule);
            let story = story(run.events());
            assert!(
                matches!(verdict, Verdict::Broken { .. }),
                "lesson {} {}: {verdict:?}\n{story}",
                lesson.id,
                rule.name()
            );
        }
        Variant::After => {
            assert_eq!(
                broken(&run.findings),
                Vec::<String>::new(),
                "lesson {}\n{}",
                lesson.id,
                story(run.events())
            );
            let rule = lesson.rules[0];
            assert_eq!(run.moment(run.events().len()).verdict(rule), Verdict::Holds, "lesson {}", lesson.id);
        }
    });
}
