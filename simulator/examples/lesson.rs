//! Prints a lesson as it reads, in each of its variants, with the events behind it:
//! `cargo run -p simulator --example lesson -- 5 2` prints lesson 5 with its third option.

#![expect(clippy::print_stdout, reason = "printing is what this example is for")]

use simulator::event::Verdict;
use simulator::lessons::{Lesson, Variant, find, run};
use simulator::sentence::{Detail, sentence};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let number = |place| std::env::args().nth(place).map(|text| text.parse::<u8>()).transpose();
    let id = number(1)?.unwrap_or(1);
    let lesson = find(id).ok_or_else(|| format!("there is no lesson {id}"))?;
    let option = number(2)?.unwrap_or(0);
    let lesson = lesson.with_option(option).ok_or_else(|| format!("lesson {id} has no option {option}"))?;
    println!("{}. {}\n{}\n", lesson.id, lesson.question, lesson.introduction);
    for variant in [Variant::Before, Variant::After] {
        if variant == Variant::After || lesson.before.is_some() {
            print(&lesson, variant)?;
        }
    }
    Ok(())
}

fn print(lesson: &Lesson, variant: Variant) -> Result<(), Box<dyn std::error::Error>> {
    let run = run(lesson, variant)?;
    println!("== {variant:?}, {} steps of the world", run.timeline.steps());
    let mut shown = 0;
    for (number, stop) in run.stops.iter().enumerate() {
        for event in &run.events()[shown..stop.cursor] {
            println!("    {}  [{}]", sentence(event, Detail::Full), event.key);
        }
        shown = stop.cursor;
        if let (Some(asked), Some((answers, why))) = (&lesson.steps[number].quiz, run.answers(lesson, number))
        {
            println!("?   {}", asked.question);
            for answer in answers {
                println!("    {} {}", if answer.right { '*' } else { '-' }, answer.text);
            }
            println!("    {why}");
        }
        println!("{}.  {}\n", number + 1, run.sentence(lesson, number).unwrap_or_default());
    }
    for finding in &run.findings {
        if let Verdict::Broken { at } = finding.verdict(usize::MAX) {
            println!("{} is broken at {at}: {:?}", finding.rule.name(), finding.broken);
        }
    }
    println!();
    Ok(())
}
