//! Prints a run as sentences: `cargo run -p simulator --example run -- 'RECORDING'`. Without a recording it starts one
//! client and sends a few records.

#![expect(clippy::print_stdout, reason = "printing is what this example is for")]

use simulator::check::{Bounds, check};
use simulator::choice::{Call, Choice};
use simulator::recording::Recording;
use simulator::scenario::Scenario;
use simulator::sentence::{Detail, sentence};
use simulator::timeline::{Horizon, Timeline};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let recording = match std::env::args().nth(1) {
        Some(text) => Recording::parse(&text)?,
        None => {
            let send = Call::Send { topic: "orders".into(), partition: None, count: 3, size: 40 };
            Recording::new(Scenario::default(), 42)
                .with(0, Choice::call(1, Call::START))
                .with(0, Choice::call(2, Call::START))
                .with(12, Choice::call(1, send))
                .with(60, Choice::call(1, Call::STOP))
        }
    };
    println!("{recording}\n");
    let config = recording.scenario.config(&recording.scenario.clients[0], 0);
    let mut timeline = Timeline::new(recording)?;
    let stopped = timeline.run_to_rest(Horizon::default());
    for event in timeline.events() {
        println!("{}  [{}]", sentence(event, Detail::Full), event.key);
    }
    println!("\n{stopped:?} after {} steps, digest {:016x}", timeline.steps(), timeline.head().digest());
    for finding in check(timeline.events(), &Bounds::of(&config), true) {
        println!("{} {:?} {:?}", finding.rule.name(), finding.verdict(usize::MAX), finding.broken);
    }
    Ok(())
}
