//! `start()` and `stop()` by many callers, at every moment.

use crate::support::{broken, judge, story};
use simulator::choice::{Call, Choice};
use simulator::event::{Kind, Outcome};
use simulator::fault::Fault;
use simulator::recording::Recording;
use simulator::scenario::Scenario;
use simulator::timeline::{Horizon, Timeline};
use simulator::view::counters::counters;
use simulator::view::waiters::{Waiter, waiters};

fn hundred_starts(fault: Option<Fault>) -> Timeline {
    let scenario = Scenario { nodes: 3, bootstrap: vec![1, 2, 3], ..Scenario::default() };
    let mut recording = Recording::new(scenario, 100);
    recording.choices.clear();
    if let Some(fault) = fault {
        recording.add(0, Choice::Fault(fault));
    }
    for task in 1..=100 {
        recording.add(0, Choice::call(task, Call::Start { timeout_ms: Some(20_000) }));
    }
    let mut timeline = Timeline::new(recording).unwrap();
    timeline.run_to_rest(Horizon::default());
    timeline
}

fn waits(timeline: &Timeline) -> Vec<Waiter> {
    waiters(timeline.events(), timeline.events().len())
}

#[test]
fn lc1_a_hundred_concurrent_starts_are_one_bootstrap() {
    let timeline = hundred_starts(None);
    let story = story(timeline.events());
    let client = timeline.head().client(0).unwrap();
    assert_eq!(client.inspect().counters().bootstraps, 1, "{story}");
    assert_eq!(
        counters(timeline.events(), usize::MAX).connects,
        1,
        "one connection is all that starting needs\n{story}"
    );
    assert_eq!(client.inspect().sockets(), 1);
    let waits = waits(&timeline);
    assert_eq!(waits.len(), 100);
    for wait in waits {
        assert_eq!(wait.end.map(|(_, outcome)| outcome), Some(Outcome::Value), "{story}");
        assert_eq!(wait.ends, 1);
    }
    assert_eq!(broken(&judge(&timeline, true)), Vec::<String>::new(), "{story}");
}

#[test]
fn lc1_lc3_lc10_a_hundred_concurrent_starts_that_fail_all_fail_alike_and_leave_nothing() {
    let timeline = hundred_starts(Some(Fault::Down(1)));
    assert!(
        waits(&timeline)
            .iter()
            .all(|wait| wait.end.as_ref().is_some_and(|(_, outcome)| *outcome == Outcome::Value)),
        "two brokers are left, so the start succeeds"
    );

    let mut recording = hundred_starts(Some(Fault::Refuse(1))).recording().clone();
    recording
        .choices
        .insert(0, simulator::choice::ChoiceAt { step: 0, choice: Choice::Fault(Fault::Refuse(2)) });
    recording
        .choices
        .insert(0, simulator::choice::ChoiceAt { step: 0, choice: Choice::Fault(Fault::Refuse(3)) });
    let mut timeline = Timeline::new(recording).unwrap();
    timeline.run_to_rest(Horizon::default());
    let story = story(timeline.events());
    let outcomes: std::collections::BTreeSet<String> = waits(&timeline)
        .iter()
        .map(|wait| wait.end.as_ref().map_or_else(|| "never".to_string(), |(_, outcome)| outcome.to_string()))
        .collect();
    assert_eq!(outcomes.len(), 1, "{outcomes:?}\n{story}");
    assert!(!outcomes.contains("OK") && !outcomes.contains("never"), "{outcomes:?}");
    let counters = counters(timeline.events(), usize::MAX);
    assert_eq!((counters.sockets, counters.timers, counters.waiters), (0, 0, 0), "{story}");
    assert_eq!(broken(&judge(&timeline, true)), Vec::<String>::new(), "{story}");

    // The next start works as if nothing had been.
    timeline.choose(Choice::Fault(Fault::HealAll));
    timeline.choose(Choice::call(101, Call::START));
    timeline.run_to_rest(Horizon::default());
    assert!(timeline.head().find("T101.resolve-start.1").is_some());
    assert_eq!(timeline.head().client(0).unwrap().lifecycle().name(), "Started");
}

#[test]
fn lc5_lc10_stop_at_each_step_of_starting_leaves_nothing() {
    let whole = {
        let recording = Recording::new(Scenario::default(), 5).with(0, Choice::call(1, Call::START));
        let mut timeline = Timeline::new(recording).unwrap();
        timeline.run_to_rest(Horizon::default());
        timeline
    };
    for step in 1..=whole.steps() {
        let mut timeline = whole.clone();
        timeline.fork(step, Choice::call(2, Call::STOP));
        timeline.run_to_rest(Horizon::default());
        let story = story(timeline.events());
        let counters = counters(timeline.events(), usize::MAX);
        assert_eq!((counters.sockets, counters.timers, counters.waiters), (0, 0, 0), "step {step}\n{story}");
        assert_eq!(timeline.head().client(0).unwrap().lifecycle().name(), "Idle", "step {step}\n{story}");
        assert_eq!(broken(&judge(&timeline, true)), Vec::<String>::new(), "step {step}\n{story}");
        let started = timeline.events().iter().any(|event| matches!(&event.kind, Kind::Call { .. }));
        assert!(started);
        assert_eq!(timeline.head().links(), 0, "nothing stays open at the broker either\n{story}");

        timeline.choose(Choice::call(3, Call::START));
        timeline.run_to_rest(Horizon::default());
        assert_eq!(
            timeline.head().client(0).unwrap().lifecycle().name(),
            "Started",
            "a new start after step {step}"
        );
    }
}

#[test]
fn lc4_one_that_leaves_early_gets_only_its_own_cancellation() {
    let recording = Recording::new(Scenario::default(), 6)
        .with(0, Choice::call(1, Call::START))
        .with(1, Choice::call(2, Call::START))
        .with(2, Choice::call(2, Call::Cancel));
    let mut timeline = Timeline::new(recording).unwrap();
    timeline.run_to_rest(Horizon::default());
    let outcomes: Vec<_> =
        waits(&timeline).into_iter().map(|wait| wait.end.map(|(_, outcome)| outcome)).collect();
    assert_eq!(outcomes, [Some(Outcome::Value), Some(Outcome::Cancelled)], "{}", story(timeline.events()));
}

#[test]
fn lc6_a_start_during_a_stop_is_reported_behind_the_stops_end() {
    let send = Call::Send { topic: "orders".into(), partition: Some(0), count: 3, size: 50 };
    let recording = Recording::new(Scenario::default(), 1)
        .with(0, Choice::call(1, Call::START))
        .with(8, Choice::call(1, send))
        .with(9, Choice::call(2, Call::STOP))
        .with(9, Choice::call(3, Call::START));
    let mut timeline = Timeline::new(recording).unwrap();
    timeline.run_to_rest(Horizon::default());
    let statuses: Vec<&str> = timeline
        .events()
        .iter()
        .filter_map(|event| if let Kind::Status { status, .. } = event.kind { Some(status) } else { None })
        .collect();
    let expected = ["connecting", "connected", "stopping", "idle", "connecting", "connected"];
    assert_eq!(statuses, expected, "{}", story(timeline.events()));
    assert!(waits(&timeline).iter().all(|wait| matches!(wait.end, Some((_, Outcome::Value)))));
}
