//! The law of the simulator, natively and on wasm32: position n is the recording replayed to n, whichever way it is
//! reached; and both platforms see the same.
//!
//! `golden/digests.txt` holds what every scenario must come to. When behaviour changes on purpose, run
//! `UPDATE_GOLDEN=1 cargo test -p simulator --test law` and look at the difference.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use simulator::digest::Digest;
use simulator::recording::Recording;
use simulator::timeline::{Horizon, Timeline};
use simulator::world::{Stepped, World};

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

/// Every scenario: a name and a recording without its checksum.
const SCENARIOS: &[(&str, &str)] = &[
    ("start", "s=1&w=nodes:3/from:1/topic:orders:3/client:producer&x=T1:start@0"),
    ("start-twice-stop", "s=2&w=nodes:1/from:1/client:producer&x=T1:start@0,T2:start@0,T1:stop@9,T2:stop@9"),
    (
        "produce-in-pieces",
        "s=3&w=nodes:3/from:1+2/topic:orders:3/client:producer:linger=5/net:500:90000:random\
         &x=T1:start@0,T1:send:orders:*:20:100@1,T2:send:orders:1:5:3000@2,T1:flush@9,T1:stop@40",
    ),
    (
        "consume",
        "s=4&w=nodes:2/from:1/topic:orders:2/client:producer/client:consumer/net:1000:3000:7\
         &x=T1:start@0,T1:send:orders:0:10:50@1,T1:send:orders:1:10:50@2,T2/2:start@3,\
         T2/2:assign:orders-0+orders-1:earliest@4,T2/2:consume@5",
    ),
    (
        "faults",
        "s=5&w=nodes:3/from:1+2+3/topic:orders:3/client:producer:connect=500:request=1000/net:1000:9000:random\
         &x=refuse:n1@0,T1:start@1,T1:send:orders:*:9:100@2,cut:n2:rst:37@9,silent:n3@15,down:n2@40,heal@60",
    ),
    (
        "hostile",
        "s=6&w=nodes:2/from:1+2/topic:orders:2/client:producer:request=1000\
         &x=T1:start@0,wrong-correlation:n1@6,garbage:n1@20,negative-size:n2@21,T1:send:orders:*:3:10@22,twice:n1@30,heal@60",
    ),
];

const HORIZON: Horizon = Horizon { steps: 200, time: core::time::Duration::from_secs(30) };

fn timeline(text: &str) -> Timeline {
    let mut timeline = Timeline::new(recording(text)).unwrap();
    timeline.run_to_rest(HORIZON);
    assert!(timeline.steps() >= 8, "{text}: only {} steps", timeline.steps());
    timeline
}

fn recording(text: &str) -> Recording {
    Recording::parse_unchecked(&format!("v=1&{text}")).unwrap()
}

#[test]
fn every_position_is_the_recording_replayed() {
    for (name, text) in SCENARIOS {
        let timeline = timeline(text);
        let mut replayed = World::new(timeline.recording().clone()).unwrap();
        for step in 0..=timeline.steps() {
            let kept = timeline.at(step);
            assert_eq!(kept.steps(), step, "{name}");
            assert_eq!(kept.digest(), replayed.digest(), "{name}, step {step}");
            assert_eq!(kept.now(), replayed.now(), "{name}, step {step}");
            if step < timeline.steps() {
                assert_eq!(replayed.step(), Stepped::Happened, "{name}, step {step}");
            }
        }
    }
}

#[test]
fn the_text_of_a_run_leads_to_the_same_run() {
    for (name, text) in SCENARIOS {
        let timeline = timeline(text);
        let again = Recording::parse(&timeline.recording().to_string()).unwrap();
        assert_eq!(&again, timeline.recording(), "{name}");
        let mut replayed = World::new(again).unwrap();
        while replayed.steps() < timeline.steps() {
            replayed.step();
        }
        assert_eq!(replayed.digest(), timeline.head().digest(), "{name}");
    }
}

#[test]
fn the_same_position_has_the_same_digest_however_it_is_reached() {
    let (_, text) = SCENARIOS[2];
    let timeline = timeline(text);
    let cursors = 0..=timeline.events().len();
    let forwards: Vec<u64> = cursors.clone().map(|cursor| timeline.digest_at(cursor)).collect();
    for cursor in cursors.rev() {
        assert_eq!(timeline.digest_at(cursor), forwards[cursor]);
    }
}

#[test]
fn a_fork_leaves_the_past_and_the_old_future_alone() {
    let (_, text) = SCENARIOS[0];
    let mut timeline = timeline(text);
    let (steps, end) = (timeline.steps(), timeline.head().digest());
    let middle = timeline.at(7).digest();
    let old = timeline.fork(7, simulator::choice::Choice::parse("cut:n1:rst").unwrap());
    assert_eq!(timeline.at(7).steps(), 7);
    timeline.run_to_rest(HORIZON);
    assert_ne!(timeline.head().digest(), end);
    let mut replayed = Timeline::new(timeline.recording().clone()).unwrap();
    replayed.run_to_rest(HORIZON);
    assert_eq!(
        replayed.head().digest(),
        timeline.head().digest(),
        "the new branch is a recording like any other"
    );

    let mut ghost = World::new(old).unwrap();
    while ghost.steps() < steps {
        ghost.step();
        if ghost.steps() == 7 {
            assert_eq!(ghost.digest(), middle);
        }
    }
    assert_eq!(ghost.digest(), end);
}

fn digests() -> String {
    let mut text = String::new();
    let mut line = |name: &str, timeline: &Timeline| {
        let mut whole = Digest::new();
        for cursor in 0..=timeline.events().len() {
            whole.feed_u64(timeline.digest_at(cursor));
        }
        let (steps, events) = (timeline.steps(), timeline.events().len());
        text.push_str(&format!("{name} {steps} steps {events} events {:016x}\n", whole.finish()));
    };
    for (name, text) in SCENARIOS {
        line(name, &timeline(text));
    }
    #[cfg(feature = "exhibits")]
    for lesson in simulator::lessons::all().iter().flat_map(simulator::lessons::Lesson::every_option) {
        use simulator::lessons::{Variant, run};
        let option = lesson.options.map_or_else(String::new, |options| format!(".{}", options.chosen));
        let id = format!("{:02}{option}", lesson.id);
        line(&format!("lesson-{id}-after"), &run(&lesson, Variant::After).unwrap().timeline);
        if lesson.before.is_some() {
            line(&format!("lesson-{id}-before"), &run(&lesson, Variant::Before).unwrap().timeline);
        }
    }
    text
}

#[test]
fn every_platform_comes_to_the_golden_digests() {
    let found = digests();
    #[cfg(not(target_arch = "wasm32"))]
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/digests.txt");
        std::fs::write(path, &found).unwrap();
        return;
    }
    assert_eq!(found, include_str!("golden/digests.txt"), "see this file's first lines");
}
