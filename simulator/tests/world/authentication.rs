//! Clients that have to say who they are: starting, failing, being let in again, and what of it is shown.

use crate::support::{broken, judge, story};
use client_core::sasl::Mechanism;
use client_core::time::Duration;
use simulator::choice::{Call, Choice};
use simulator::cluster::SaslMechanism;
use simulator::event::{Direction, Event, Kind, Outcome};
use simulator::fault::Fault;
use simulator::recording::Recording;
use simulator::scenario::{Chunking, ClientSetup, SaslSetup, Scenario};
use simulator::sentence::{Detail, sentence};
use simulator::timeline::{Horizon, Timeline};
use simulator::view::buffer::buffers;
use simulator::view::counters::counters;
use simulator::view::diagram::diagram;
use simulator::view::machines::machines;
use simulator::view::waiters::{Waiter, waiters};
use simulator::view::wire::wire;
use std::collections::BTreeMap;
use std::sync::Arc;

/// A client that proves who it is in this way, to a broker that knows these.
fn scenario(mechanism: Mechanism, known: &[SaslMechanism]) -> Scenario {
    Scenario {
        sasl: Some(SaslSetup { mechanisms: known.to_vec(), session_ms: None }),
        clients: vec![ClientSetup { sasl: Some(mechanism), ..ClientSetup::default() }],
        ..Scenario::default()
    }
}

fn known(mechanism: Mechanism) -> [SaslMechanism; 1] {
    [SaslMechanism::from_name(mechanism.name()).unwrap()]
}

fn lived(recording: Recording) -> Timeline {
    let mut timeline = Timeline::new(recording).unwrap();
    timeline.run_to_rest(Horizon::default());
    timeline
}

fn outcomes(timeline: &Timeline) -> Vec<String> {
    let waits = waiters(timeline.events(), usize::MAX);
    let end = |wait: Waiter| wait.end.map_or_else(|| "never".into(), |(_, end)| end.to_string());
    waits.into_iter().map(end).collect()
}

#[test]
fn every_mechanism_lets_a_client_in() {
    for mechanism in Mechanism::ALL {
        let recording = Recording::new(scenario(mechanism, &SaslMechanism::ALL), 1)
            .with(0, Choice::call(1, Call::START))
            .with(
                1,
                Choice::call(2, Call::Send { topic: "orders".into(), partition: None, count: 2, size: 9 }),
            );
        let timeline = lived(recording);
        assert_eq!(outcomes(&timeline), ["OK", "OK"], "{mechanism}\n{}", story(timeline.events()));
        assert_eq!(broken(&judge(&timeline, true)), Vec::<String>::new());
    }
}

/// A start that fails while it authenticates leaves nothing, all its callers hear the same, and the next one works.
#[test]
fn lc3_a_start_that_is_not_let_in_leaves_nothing_and_the_next_one_works() {
    let spoilt = ["wrong-correlation:n1", "garbage:n1", "negative-size:n1", "cut:n1:rst:12", "pause:n1:12"];
    for mechanism in Mechanism::ALL {
        let own = known(mechanism);
        let refused: &[(&str, &str)] = &[
            ("lock-out:n1", "SASL_AUTHENTICATION_FAILED"),
            ("error:n1:SaslAuthenticate:58:1", "SASL_AUTHENTICATION_FAILED"),
            ("error:n1:SaslHandshake:33:1", "UNSUPPORTED_SASL_MECHANISM"),
            // What may pass by itself is tried again, until the time is up.
            ("slow:n1:SaslHandshake:60000000", "TIMEOUT"),
            ("slow:n1:SaslAuthenticate:60000000", "TIMEOUT"),
        ];
        for (fault, code) in refused {
            let recording = Recording::new(scenario(mechanism, &own), 3)
                .with(0, Choice::Fault(Fault::parse(fault).unwrap()))
                .with(1, Choice::call(1, Call::Start { timeout_ms: Some(2_000) }))
                .with(1, Choice::call(2, Call::Start { timeout_ms: Some(2_000) }));
            let mut timeline = lived(recording);
            let told = |timeline: &Timeline| format!("{mechanism}, {fault}\n{}", story(timeline.events()));
            assert_eq!(outcomes(&timeline), [*code; 2], "{}", told(&timeline));
            let left = counters(timeline.events(), usize::MAX);
            assert_eq!((left.sockets, left.timers, left.waiters), (0, 0, 0), "{}", told(&timeline));
            assert_eq!(timeline.head().links(), 0, "{}", told(&timeline));
            timeline.choose(Choice::Fault(Fault::HealAll));
            timeline.choose(Choice::call(3, Call::START));
            timeline.run_to_rest(Horizon::default());
            assert_eq!(outcomes(&timeline)[2], "OK", "{}", told(&timeline));
            assert_eq!(broken(&judge(&timeline, true)), Vec::<String>::new(), "{}", told(&timeline));
        }
        for fault in spoilt {
            // The fault meets the answer to the handshake, then the mechanism's.
            for mark in ["client.request-SaslHandshake.b1g1.1", "client.request-SaslAuthenticate.b1g1.1"] {
                let recording = Recording::new(scenario(mechanism, &own), 4);
                let mut timeline = Timeline::new(recording.with(0, Choice::call(1, Call::START))).unwrap();
                timeline.run_to(mark, Horizon::default());
                timeline.choose(Choice::Fault(Fault::parse(fault).unwrap()));
                timeline.run_to("client.state-Disconnected.b1g1.1", Horizon::default());
                timeline.choose(Choice::Fault(Fault::HealAll));
                timeline.run_to_rest(Horizon::default());
                timeline.choose(Choice::call(2, Call::START));
                timeline.run_to_rest(Horizon::default());
                let told = || format!("{mechanism}, {fault}, {mark}\n{}", story(timeline.events()));
                let ends = outcomes(&timeline);
                // Who breaks the protocol at every configured address is not waited for.
                let lost = ["cut", "pause"].iter().any(|name| fault.starts_with(name));
                let is_definite = if lost {
                    ends[0] == "OK"
                } else {
                    ["MALFORMED_REPLY", "UNKNOWN_SERVER_ERROR", "SASL"]
                        .iter()
                        .any(|code| ends[0].contains(code))
                };
                assert!(is_definite, "{ends:?} {}", told());
                assert_eq!(ends[1], "OK", "{}", told());
                assert_eq!(broken(&judge(&timeline, true)), Vec::<String>::new(), "{}", told());
            }
        }
    }
}

#[test]
fn a_mechanism_that_the_broker_lacks_is_named_with_those_that_it_has() {
    let known = [SaslMechanism::ScramSha512, SaslMechanism::OauthBearer];
    let timeline =
        lived(Recording::new(scenario(Mechanism::Plain, &known), 1).with(0, Choice::call(1, Call::START)));
    let story = story(timeline.events());
    assert_eq!(outcomes(&timeline), ["UNSUPPORTED_SASL_MECHANISM"], "{story}");
    assert!(story.contains("SCRAM-SHA-512, OAUTHBEARER"), "{story}");
}

/// A broker that asks closes on a client that says nothing, and a client that has something to say is told by a broker that does
/// not ask.
#[test]
fn asking_and_telling_go_together() {
    let mut silent = scenario(Mechanism::Plain, &SaslMechanism::ALL);
    silent.clients[0].sasl = None;
    let start = Call::Start { timeout_ms: Some(1_000) };
    let timeline = lived(Recording::new(silent, 1).with(0, Choice::call(1, start.clone())));
    let told = story(timeline.events());
    assert_eq!(outcomes(&timeline), ["TIMEOUT"], "{told}");
    assert!(told.contains("a request of Metadata came before authentication was complete"), "{told}");

    let mut unasked = scenario(Mechanism::Plain, &SaslMechanism::ALL);
    unasked.sasl = None;
    let timeline = lived(Recording::new(unasked, 1).with(0, Choice::call(1, start)));
    assert_eq!(outcomes(&timeline), ["ILLEGAL_SASL_STATE"], "{}", story(timeline.events()));
}

/// Credentials that are no longer accepted: the session that is in stays in until it is to be renewed.
#[test]
fn a_session_is_renewed_in_time_and_a_renewal_may_fail() {
    let send = || Call::Send { topic: "orders".into(), partition: Some(0), count: 1, size: 9 };
    let mut scenario = scenario(Mechanism::OauthBearer, &[SaslMechanism::OauthBearer]);
    scenario.sasl.as_mut().unwrap().session_ms = Some(10_000);
    let mut timeline = lived(Recording::new(scenario, 1).with(0, Choice::call(1, Call::START)));
    // Slow replies make time pass.
    let after = |timeline: &mut Timeline, micros: u64, faults: &[Fault]| {
        timeline.choose(Choice::Fault(Fault::parse(&format!("slow:n1:Produce:{micros}")).unwrap()));
        timeline.choose(Choice::call(2, send()));
        timeline.run_to_rest(Horizon::default());
        timeline.choose(Choice::Fault(Fault::HealAll));
        for fault in faults {
            timeline.choose(Choice::Fault(fault.clone()));
        }
        timeline.choose(Choice::call(3, send()));
        timeline.run_to_rest(Horizon { time: Duration::from_secs(200), ..Horizon::default() });
    };
    after(&mut timeline, 8_400_000, &[Fault::LockOut(1)]);
    let renewed = "client.state-Authenticating.b1g1.2";
    assert!(timeline.head().find(renewed).is_none(), "too early to renew: {}", story(timeline.events()));
    after(&mut timeline, 1_200_000, &[]);
    assert!(timeline.head().find(renewed).is_some(), "{}", story(timeline.events()));
    after(&mut timeline, 9_600_000, &[Fault::LockOut(1)]);
    let ends = outcomes(&timeline);
    assert_eq!(ends[..6], ["OK"; 6], "{}", story(timeline.events()));
    assert_eq!(ends[6], "SASL_AUTHENTICATION_FAILED", "{}", story(timeline.events()));
    timeline.choose(Choice::Fault(Fault::HealAll));
    timeline.choose(Choice::call(4, send()));
    timeline.run_to_rest(Horizon::default());
    assert_eq!(outcomes(&timeline).last().map(String::as_str), Some("OK"), "{}", story(timeline.events()));
    assert_eq!(broken(&judge(&timeline, true)), Vec::<String>::new(), "{}", story(timeline.events()));
}

/// What passed on each connection in each direction, as far as it is shown.
fn streams(events: &[Arc<Event>]) -> Vec<Vec<u8>> {
    let mut streams: BTreeMap<_, Vec<u8>> = BTreeMap::new();
    for event in events {
        if let (Kind::Deliver { direction, .. }, Some(connection)) = (&event.kind, event.connection) {
            let bytes = event.payload.as_deref().unwrap_or_default();
            streams.entry((connection, *direction == Direction::ToClient)).or_default().extend(bytes);
        }
    }
    streams.into_values().collect()
}

/// Neither password nor token nor anything that a mechanism says is in an event, in what is drawn of it, or in a recording: however
/// streams are cut, and whatever faults make of replies.
#[test]
fn nothing_of_a_world_shows_a_secret() {
    for (number, mechanism) in Mechanism::ALL.into_iter().enumerate() {
        let faults =
            ["wrong-correlation:n1", "garbage:n1", "twice:n1", "oversized:n1", "lock-out:n1", "heal"];
        for (seed, fault) in faults.into_iter().enumerate() {
            let mut scenario = scenario(mechanism, &known(mechanism));
            scenario.network.chunking = [Chunking::Whole, Chunking::Fixed(3), Chunking::Random][seed % 3];
            let seed = (number * 10 + seed) as u64;
            let recording = Recording::new(scenario, seed)
                .with(0, Choice::call(1, Call::Start { timeout_ms: Some(5_000) }));
            let mut timeline = Timeline::new(recording).unwrap();
            timeline.run_to("client.request-SaslAuthenticate.b1g1.1", Horizon::default());
            timeline.choose(Choice::Fault(Fault::parse(fault).unwrap()));
            timeline.run_to_rest(Horizon::default());
            let events = timeline.events();
            let end = events.len();
            let mut texts: Vec<String> = events.iter().map(|event| format!("{event:?}")).collect();
            texts.extend(events.iter().map(|event| sentence(event, Detail::Full)));
            texts.extend(events.iter().filter_map(|event| wire(event)).map(|wire| format!("{wire:?}")));
            texts.push(timeline.recording().to_string());
            texts.push(format!("{:?} {:?}", timeline.head().scenario(), timeline.head().clients()));
            texts.push(format!("{:?} {:?}", diagram(events, end), machines(events, end)));
            texts.push(format!("{:?} {:?}", waiters(events, end), counters(events, end)));
            let cells = buffers(events, end);
            let cells = cells.iter().flat_map(|buffer| buffer.frames.iter().flat_map(|frame| &frame.cells));
            let mut bytes = streams(events);
            bytes.push(cells.map(|cell| cell.byte).collect());
            bytes
                .extend(events.iter().filter_map(|event| event.payload.as_ref()).map(|bytes| bytes.to_vec()));

            let mut secrets: Vec<&[u8]> = SaslSetup::SECRETS.iter().map(|secret| secret.as_bytes()).collect();
            // Parts of what mechanisms say.
            secrets.extend([&b"n,,"[..], b"n=alice", b",i=4096", b",p=", b"c=biws", b"v=", b"auth=Bearer"]);
            for secret in secrets {
                let shown = String::from_utf8_lossy(secret).into_owned();
                let told = || format!("{mechanism}, {fault}: {shown}");
                let in_bytes =
                    bytes.iter().any(|bytes| bytes.windows(secret.len()).any(|part| part == secret));
                // A fault's noise may hold anything.
                assert!(!in_bytes || fault == "garbage:n1" && secret.len() < 4, "{}", told());
                let in_text = texts.iter().any(|text| text.contains(&shown) && shown.len() > 4);
                assert!(!in_text, "{}", told());
            }
            assert!(bytes.iter().any(|bytes| bytes.windows(8).any(|part| part == b"********")), "asterisks");
            let ends = outcomes(&timeline);
            let refused = Outcome::Error("SASL_AUTHENTICATION_FAILED".into()).to_string();
            assert_eq!(ends == [refused], fault == "lock-out:n1", "{fault}: {ends:?}");
        }
    }
}
