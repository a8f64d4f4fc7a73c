//! Each kind of fault, injected at several moments of a working life: every call ends with a definite result, no rule breaks,
//! and once it is healed everything works again.

use crate::support::{broken, judge, story};
use client_core::sasl::Mechanism;
use client_core::time::Duration;
use simulator::choice::{Call, Choice};
use simulator::cluster::SaslMechanism;
use simulator::event::{Kind, Outcome};
use simulator::fault::{Cut, Fault};
use simulator::recording::Recording;
use simulator::scenario::{Chunking, ClientSetup, NetworkSetup, SaslSetup, Scenario};
use simulator::timeline::{Horizon, Stopped, Timeline};
use simulator::view::waiters::waiters;
use simulator::world::World;

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
        sasl: None,
        clients: vec![ClientSetup {
            connect_timeout_ms: 300,
            request_timeout_ms: 1_000,
            ..ClientSetup::default()
        }],
        compares_nodes: false,
        network: NetworkSetup { delay_micros_min: 500, delay_micros_max: 4_000, chunking: Chunking::Random },
    }
}

fn horizon() -> Horizon {
    Horizon { steps: 50_000, time: Duration::from_secs(900) }
}

fn lived_through(fault: &str, nodes: u16, step: u32, seed: u64) {
    lived_through_in(scenario(nodes), fault, step, seed);
}

fn lived_through_in(scenario: Scenario, fault: &str, step: u32, seed: u64) {
    let what = format!("{fault} after {step} steps in {scenario}, seed {seed}");
    let recording = Recording::new(scenario, seed)
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

/// Faults that only brokers which ask have.
const FAULTS_OF_ASKING: &[&str] = &[
    "lock-out:n1",
    "slow:n1:SaslHandshake:5000000",
    "slow:n1:SaslAuthenticate:5000000",
    "error:n1:SaslHandshake:33:1",
    "error:n1:SaslAuthenticate:58:2",
];

fn asking(nodes: u16, mechanism: Mechanism, session_ms: Option<u64>) -> Scenario {
    let mut scenario = scenario(nodes);
    let mechanisms = SaslMechanism::from_name(mechanism.name()).into_iter().collect();
    scenario.sasl = Some(SaslSetup { mechanisms, session_ms });
    scenario.clients[0].sasl = Some(mechanism);
    scenario
}

#[test]
fn every_fault_is_lived_through_with_credentials() {
    for (number, fault) in FAULTS.iter().chain(FAULTS_OF_ASKING).enumerate() {
        for step in [6, 9, 14] {
            lived_through_in(asking(1, Mechanism::Plain, Some(2_000)), fault, step, 200 + number as u64);
        }
        lived_through_in(asking(3, Mechanism::OauthBearer, None), fault, 9, 300 + number as u64);
    }
    for fault in FAULTS_OF_ASKING {
        lived_through_in(asking(1, Mechanism::ScramSha256, None), fault, 8, 400);
    }
}

#[test]
fn cn3_a_reply_cut_at_every_byte_is_recovered_from() {
    for after in 1..200 {
        lived_through(&format!("cut:n1:rst:{after}"), 1, 3, 7);
    }
}

/// The replies of a whole session, authentication, its renewal and the last record included, are cut at every byte.
#[test]
fn cn3_a_session_with_credentials_cut_at_every_byte_is_recovered_from() {
    let send = Call::Send { topic: "orders".into(), partition: Some(0), count: 1, size: 20 };
    const SENDS: i64 = 9;
    // SCRAM is slow by design: some of its bytes will do.
    for (mechanism, stride) in
        [(Mechanism::Plain, 1), (Mechanism::OauthBearer, 29), (Mechanism::ScramSha512, 97)]
    {
        let live = |cut: Option<u32>| {
            let mut scenario = asking(1, mechanism, Some(1_500));
            scenario.clients[0].connect_timeout_ms = 2_000;
            scenario.network.chunking = Chunking::Whole;
            let mut recording = Recording::new(scenario, 11);
            if let Some(after) = cut {
                recording.add(0, Choice::Fault(Fault::Cut { node: 1, how: Cut::Reset, after: Some(after) }));
            }
            recording.add(1, Choice::call(1, Call::START));
            recording.add(1, Choice::call(2, send.clone()));
            let mut timeline = Timeline::new(recording).unwrap();
            let ended = |world: &World| !world.has_choices_ahead() && world.waiting() == 0;
            assert_ne!(timeline.run(horizon(), ended), Stopped::Horizon);
            // So slowly that the session has to be renewed before the last one.
            timeline.choose(Choice::Fault(Fault::Delay { node: 1, micros: 100_000 }));
            for _ in 1..SENDS {
                timeline.choose(Choice::call(2, send.clone()));
                assert_ne!(timeline.run(horizon(), ended), Stopped::Horizon);
            }
            timeline.choose(Choice::call(5, Call::STOP));
            timeline.run_to_rest(horizon());
            timeline
        };
        let whole = live(None);
        let size = |timeline: &Timeline| -> u32 {
            let sizes = timeline.events().iter().map(|event| {
                if let Kind::Reply { range, .. } = &event.kind { (range.end - range.start) as u32 } else { 0 }
            });
            sizes.sum()
        };
        let told = story(whole.events());
        assert!(told.contains("the session is about to end"), "renewed once:\n{told}");
        let size = size(&whole);
        assert!(size > 600, "{size} bytes");
        for after in (1..size).step_by(stride) {
            let timeline = live(Some(after));
            let told = || format!("{mechanism}, cut after {after}\n{}", story(timeline.events()));
            for wait in waiters(timeline.events(), usize::MAX) {
                assert_eq!(
                    wait.end.map(|(_, outcome)| outcome),
                    Some(Outcome::Value),
                    "{} {}",
                    wait.call,
                    told()
                );
                assert_eq!(wait.ends, 1, "{} {}", wait.call, told());
            }
            assert_eq!(broken(&judge(&timeline, true)), Vec::<String>::new(), "{}", told());
            assert_eq!(
                timeline.head().cluster().partition("orders", 0).unwrap().records(),
                SENDS,
                "{}",
                told()
            );
        }
    }
}
