//! Each kind of fault, injected at several moments of a working life: every call ends with a definite result, no rule breaks,
//! and once it is healed everything works again.

use crate::support::{broken, judge, story};
use simulator::choice::{Call, Choice};
use simulator::event::Outcome;
use simulator::fault::Fault;
use simulator::recording::Recording;
use simulator::scenario::{Chunking, ClientSetup, NetworkSetup, Scenario};
use simulator::timeline::{Horizon, Stopped, Timeline};
use simulator::view::waiters::waiters;

const FAULTS: &[&str] = &[
    "refuse:n1",
    "unreachable:n1",
    "silent:n1",
    "partition:n1",
    "cut:n1:fin",
    "cut:n1:rst",
    "cut:n1:fin:1",
    "cut:n1:rst:30",
    "hold:n1:to-client",
    "hold:n1:to-broker",
    "pause:n1:3",
    "delay:n1:700000",
    "down:n1",
    "black-hole:n1",
    "slow:n1:ApiVersions:5000000",
    "slow:n1:Produce:5000000",
    "error:n1:Metadata:5:2",
    "error:n1:InitProducerId:14:3",
    "error:n1:Produce:6:2",
    "error:n1:Produce:7:1",
    "error:n1:ApiVersions:35:1",
    "wrong-correlation:n1",
    "negative-size:n1",
    "oversized:n1",
    "garbage:n1",
    "twice:n1",
    "move:n1:elsewhere:9999",
];

/// A producer with short limits on a small cluster, so that everything that can time out does so soon.
fn scenario(nodes: u16) -> Scenario {
    Scenario {
        nodes,
        bootstrap: (1..=i32::from(nodes)).collect(),
        topics: vec![("orders".into(), 2)],
        clients: vec![ClientSetup {
            connect_timeout_ms: 300,
            request_timeout_ms: 1_000,
            ..ClientSetup::default()
        }],
        network: NetworkSetup { delay_micros_min: 500, delay_micros_max: 4_000, chunking: Chunking::Random },
    }
}

fn horizon() -> Horizon {
    Horizon { steps: 50_000, time: core::time::Duration::from_secs(900) }
}

fn lived_through(fault: &str, nodes: u16, step: u32, seed: u64) {
    let what = format!("{fault} after {step} steps with {nodes} brokers, seed {seed}");
    let recording = Recording::new(scenario(nodes), seed)
        .with(0, Choice::call(1, Call::Start { timeout_ms: Some(20_000) }))
        .with(1, Choice::call(2, Call::Send { topic: "orders".into(), partition: None, count: 4, size: 200 }))
        .with(step, Choice::Fault(Fault::parse(fault).unwrap()))
        .with(
            step + 4,
            Choice::call(3, Call::Send { topic: "orders".into(), partition: None, count: 4, size: 200 }),
        );
    let mut timeline = Timeline::new(recording).unwrap();
    // A client that misses a broker goes on trying, so it is not to be expected to rest, only to answer.
    let stopped = timeline.run(horizon(), |world| !world.has_choices_ahead() && world.waiting() == 0);
    let told = || format!("{what}\n{}\n{}", timeline.recording(), story(timeline.events()));
    assert_ne!(stopped, Stopped::Horizon, "calls never ended: {}", told());
    for wait in waiters(timeline.events(), usize::MAX) {
        let end = wait.end.clone().unwrap_or_else(|| panic!("{} never ended: {}", wait.call, told()));
        if let (_, Outcome::Error(code)) = end {
            assert!(!code.is_empty() && code != "INTERNAL", "{code}: {}", told());
        }
    }
    assert_eq!(broken(&judge(&timeline, true)), Vec::<String>::new(), "{}", told());

    timeline.choose(Choice::Fault(Fault::HealAll));
    timeline.choose(Choice::call(4, Call::START));
    let stopped = timeline.run_to_rest(horizon());
    let told = || format!("{what}\n{}\n{}", timeline.recording(), story(timeline.events()));
    assert_ne!(stopped, Stopped::Horizon, "did not recover: {}", told());
    assert_eq!(timeline.head().client(0).unwrap().lifecycle().name(), "Started", "{}", told());
    timeline.choose(Choice::call(
        5,
        Call::Send { topic: "orders".into(), partition: Some(0), count: 3, size: 10 },
    ));
    timeline.run_to_rest(horizon());
    let told = || format!("{what}\n{}\n{}", timeline.recording(), story(timeline.events()));
    let sent = waiters(timeline.events(), usize::MAX).into_iter().next_back().and_then(|wait| wait.end);
    assert_eq!(sent.map(|(_, outcome)| outcome), Some(Outcome::Value), "{}", told());

    timeline.choose(Choice::call(6, Call::Stop { timeout_ms: Some(5_000) }));
    timeline.run_to_rest(horizon());
    let told = || format!("{what}\n{}\n{}", timeline.recording(), story(timeline.events()));
    assert_eq!(timeline.head().client(0).unwrap().lifecycle().name(), "Idle", "{}", told());
    assert_eq!(broken(&judge(&timeline, true)), Vec::<String>::new(), "{}", told());
}

#[test]
fn every_fault_is_lived_through_with_one_broker() {
    for (number, fault) in FAULTS.iter().enumerate() {
        for step in [1, 3, 6, 10, 14] {
            lived_through(fault, 1, step, number as u64);
        }
    }
}

#[test]
fn every_fault_is_lived_through_with_three_brokers() {
    for (number, fault) in FAULTS.iter().enumerate() {
        for step in [2, 9, 17] {
            lived_through(fault, 3, step, 100 + number as u64);
        }
    }
}

#[test]
fn cn3_a_reply_cut_at_every_byte_is_recovered_from() {
    for after in 1..200 {
        lived_through(&format!("cut:n1:rst:{after}"), 1, 3, 7);
    }
}
