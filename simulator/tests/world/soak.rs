//! Worlds drawn from seeds, and the whole way from a seed that breaks a law to a small recording of it.
//!
//! `cargo xtask soak` lives through thousands of them; here are a few, and `SEED=17` looks at one.

use crate::support::story;
use simulator::recording::Recording;
use simulator::soak::{self, Law};
use simulator::world::World;

/// Lives through a plan, which must keep every law.
pub(crate) fn check_run(plan: &Recording, name: &str) {
    let outcome = soak::run(plan).unwrap_or_else(|error| panic!("{name}: {error}"));
    if let Some(breach) = outcome.first() {
        let (recording, story) = (outcome.world.recording(), story(outcome.world.events()));
        panic!("{name}: {breach}\n{recording}\n{story}");
    }
}

#[test]
fn worlds_drawn_from_seeds_keep_every_law() {
    let one = std::env::var("SEED").ok().map(|seed| seed.parse::<u64>().unwrap());
    for seed in one.map_or(1..=25, |seed| seed..=seed) {
        check_run(&soak::draw(seed), &format!("seed {seed}"));
    }
}

#[test]
fn a_seed_always_makes_the_same_plan_and_its_text_leads_to_the_same_end() {
    for seed in 1..=5 {
        let plan = soak::draw(seed);
        assert_eq!(plan, soak::draw(seed));
        assert_eq!(Recording::parse(&plan.to_string()).as_ref(), Ok(&plan));
        let lived = soak::run(&plan).unwrap().world;
        let again = Recording::parse(&lived.recording().to_string()).unwrap();
        let mut replayed = World::new(again).unwrap();
        while replayed.steps() < lived.steps() {
            replayed.step();
        }
        assert_eq!(replayed.observed(), lived.observed(), "seed {seed}: the recording holds the whole run");
    }
}

/// The way that `cargo xtask soak` goes when a seed breaks a law, with a client that is broken on purpose.
#[cfg(feature = "exhibits")]
#[test]
fn a_defect_is_found_made_small_and_recorded() {
    use client_core::config::Defect;
    use simulator::check::RuleId;

    let broken = |seed: u64| {
        let mut plan = soak::draw(seed);
        plan.scenario = plan.scenario.with_defect(Some(Defect::KeepReceiveBuffer));
        plan
    };
    let first_breach = |plan: &Recording| soak::run(plan).ok()?.first().map(|breach| breach.law);
    let law = Law::Rule(RuleId::I6);
    let found = (1..200).find(|seed| first_breach(&broken(*seed)) == Some(law));
    let plan = broken(found.expect("a seed that cuts a connection inside of a reply"));
    let small = soak::shrink(&plan, law, 400, first_breach);
    assert!(
        small.choices.len() < plan.choices.len() / 2,
        "{} choices of {}",
        small.choices.len(),
        plan.choices.len()
    );

    // What is written down is the whole run. Read again, it breaks the same law at the same event.
    let outcome = soak::run(&small).unwrap();
    let text = outcome.world.recording().to_string();
    let again = soak::run(&Recording::parse(&text).unwrap()).unwrap();
    assert_eq!(again.first(), outcome.first());
    assert_eq!(outcome.first().map(|breach| breach.law), Some(law));

    // The fix holds where the defect broke.
    let mut fixed = small;
    fixed.scenario = fixed.scenario.with_defect(None);
    check_run(&fixed, "the same without the defect");
}
