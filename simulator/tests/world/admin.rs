//! An admin client in worlds: what it creates is written to, and no fault leaves a command without an end.

use crate::support::{broken, judge, story};
use client_core::LifecycleState;
use simulator::choice::{Call, Choice};
use simulator::event::{Kind, Outcome};
use simulator::fault::Fault;
use simulator::recording::Recording;
use simulator::scenario::{Chunking, ClientSetup, NetworkSetup, RoleSetup, Scenario};
use simulator::timeline::{Horizon, Timeline};

const PRODUCER: u8 = 0;
const ADMIN: u8 = 1;

fn scenario(nodes: u16) -> Scenario {
    let soon = |role| ClientSetup {
        role,
        connect_timeout_ms: 300,
        request_timeout_ms: 1_000,
        ..ClientSetup::default()
    };
    Scenario {
        nodes,
        bootstrap: (1..=i32::from(nodes)).collect(),
        topics: Vec::new(),
        sasl: None,
        compares_nodes: false,
        clients: vec![soon(ClientSetup::default().role), soon(RoleSetup::Admin)],
        network: NetworkSetup { delay_micros_min: 500, delay_micros_max: 4_000, chunking: Chunking::Random },
    }
}

fn horizon() -> Horizon {
    Horizon { steps: 50_000, time: core::time::Duration::from_secs(900) }
}

/// How the calls of the timeline ended, in the order in which they ended: what was called, and what came of it.
fn ends(timeline: &Timeline) -> Vec<(String, String)> {
    let end = |kind: &Kind| {
        let Kind::Resolve { what, outcome, text, .. } = kind else { return None };
        let end = if *outcome == Outcome::Value { text.clone() } else { outcome.to_string() };
        Some((what.clone(), end))
    };
    timeline.events().iter().filter_map(|event| end(&event.kind)).collect()
}

fn call(timeline: &mut Timeline, client: u8, call: Call) {
    timeline.choose(Choice::Call { task: 1 + u16::from(client), client, call });
    timeline.run_to_rest(horizon());
}

#[test]
fn a_topic_is_created_written_to_enlarged_and_deleted() {
    let mut timeline = Timeline::new(Recording::new(scenario(3), 7)).unwrap();
    let topic = || "made".to_string();
    for (client, wanted) in [
        (ADMIN, Call::START),
        (PRODUCER, Call::START),
        (ADMIN, Call::CreateTopic { topic: topic(), partitions: 2 }),
        (ADMIN, Call::CreateTopic { topic: topic(), partitions: 2 }),
        (PRODUCER, Call::Send { topic: topic(), partition: Some(1), count: 3, size: 10 }),
        (ADMIN, Call::GrowTopic { topic: topic(), partitions: 4 }),
        (ADMIN, Call::DescribeTopic { topic: topic() }),
        (ADMIN, Call::DeleteTopic { topic: topic() }),
        (ADMIN, Call::DescribeTopic { topic: topic() }),
        (PRODUCER, Call::Flush),
        (PRODUCER, Call::STOP),
        (ADMIN, Call::STOP),
    ] {
        call(&mut timeline, client, wanted);
    }
    let ends: Vec<String> = ends(&timeline).into_iter().map(|(what, end)| format!("{what}: {end}")).collect();
    let expected = [
        "start(): ",
        "start(): ",
        "createTopics(made, 2): OK",
        "createTopics(made, 2): TOPIC_ALREADY_EXISTS",
        "send(made-1, 3 records): made-1 from offset 0",
        "createPartitions(made, 4): OK",
        "describeTopics(made): OK",
        "deleteTopics(made): OK",
        "describeTopics(made): UNKNOWN_TOPIC_OR_PARTITION",
        "flush(): ",
        "stop(): ",
        "stop(): ",
    ];
    assert_eq!(ends, expected, "{}", story(timeline.events()));
    assert_eq!(broken(&judge(&timeline, true)), Vec::<String>::new());
}

/// Whatever breaks, and whenever: each command ends, and what it says of a creation is true.
#[test]
fn lc8_cn12_commands_end_whatever_breaks() {
    let faults = [
        "refuse:n1",
        "silent:n1",
        "partition:n1",
        "cut:n1:rst",
        "cut:n1:fin:30",
        "down:n1",
        "black-hole:n1",
        "hold:n1:to-client",
        "garbage:n1",
        "twice:n1",
    ];
    for (number, fault) in (0..).zip(faults) {
        for step in [1, 8, 15, 22, 29] {
            let mut recording = Recording::new(scenario(2), number * 100 + u64::from(step));
            let of = |call| Choice::Call { task: 1, client: ADMIN, call };
            recording.add(0, of(Call::START));
            recording.add(0, of(Call::CreateTopic { topic: "made".into(), partitions: 2 }));
            recording.add(step, Choice::parse(fault).unwrap());
            let mut timeline = Timeline::new(recording).unwrap();
            let stopped = timeline.run_to_rest(horizon());
            timeline.choose(Choice::Fault(Fault::HealAll));
            timeline.run_to_rest(horizon());
            let story =
                |timeline: &Timeline| format!("{fault} at {step}, {stopped:?}\n{}", story(timeline.events()));
            let ended = ends(&timeline);
            let created =
                ended.iter().find(|(what, _)| what.starts_with("createTopics")).map(|(_, end)| end.as_str());
            // A call before the start has begun is refused at once.
            let created = created.unwrap_or_else(|| panic!("the creation ends: {}", story(&timeline)));
            let exists = timeline.head().cluster().topics().any(|topic| topic.name() == "made");
            match created {
                // Asked again after a lost reply, it is there already.
                "OK" | "TOPIC_ALREADY_EXISTS" => assert!(exists, "{}", story(&timeline)),
                "TIMEOUT" => {}
                // Two copies need two nodes.
                "INVALID_REPLICATION_FACTOR" => {
                    assert!(!exists && fault == "down:n1", "{}", story(&timeline))
                }
                other => panic!("{other}: {}", story(&timeline)),
            }
            assert_eq!(timeline.head().waiting(), 0, "{}", story(&timeline));
            call(&mut timeline, ADMIN, Call::START);
            call(&mut timeline, ADMIN, Call::CreateTopic { topic: "after".into(), partitions: 1 });
            assert!(
                timeline.head().cluster().topics().any(|topic| topic.name() == "after"),
                "healed: {fault} at {step}"
            );
            call(&mut timeline, ADMIN, Call::STOP);
            let state = timeline.head().client(1).unwrap().lifecycle();
            assert_eq!((state, timeline.head().waiting()), (LifecycleState::Idle, 0), "{}", story(&timeline));
        }
    }
}
