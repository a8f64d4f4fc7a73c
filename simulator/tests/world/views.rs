//! The views of real runs: nothing is drawn that did not happen, and nothing that happened is left out.

use crate::support::story;
use client_core::io::Timer;
use simulator::event::{Event, Kind, Outcome};
use simulator::lessons::{LessonRun, Variant, all, find, run};
use simulator::sentence::{Detail, sentence};
use simulator::view::buffer::buffers;
use simulator::view::counters::counters;
use simulator::view::diagram::{BarEnd, Fate, LaneId, diagram};
use simulator::view::machines::machines;
use simulator::view::waiters::waiters;
use simulator::view::wire::{message_of, wire};
use std::collections::BTreeSet;
use std::sync::Arc;

fn lesson(id: u8, variant: Variant) -> LessonRun {
    run(&find(id).unwrap(), variant).unwrap()
}

fn every_run(mut look: impl FnMut(&LessonRun)) {
    for lesson in all().iter().flat_map(simulator::lessons::Lesson::every_option) {
        look(&run(&lesson, Variant::After).unwrap());
        if lesson.before.is_some() {
            look(&run(&lesson, Variant::Before).unwrap());
        }
    }
}

#[test]
fn lanes_stand_still_while_the_cursor_moves() {
    every_run(|run| {
        let whole = diagram(run.events(), run.events().len());
        for cursor in 0..run.events().len() {
            let now = diagram(run.events(), cursor);
            assert_eq!(now.lanes, whole.lanes);
            assert!(now.segments.len() <= whole.segments.len() && now.arrows.len() <= whole.arrows.len());
            assert!(
                now.arrows
                    .iter()
                    .all(|arrow| (arrow.sent as usize) < cursor && arrow.delivered <= arrow.total)
            );
        }
        assert!(whole.lanes.is_sorted_by(|a, b| a.id < b.id));
    });
}

#[test]
fn without_faults_every_message_arrives_whole() {
    let run = lesson(1, Variant::After);
    let diagram = diagram(run.events(), usize::MAX);
    assert_eq!(diagram.arrows.len(), 6, "three requests and their replies\n{}", story(run.events()));
    for arrow in &diagram.arrows {
        assert_eq!((arrow.fate, arrow.delivered), (Fate::Delivered, arrow.total), "{}", arrow.label);
        assert!(arrow.arrived.is_some_and(|at| at > arrow.sent) && !arrow.old);
        let ends = (diagram.lanes[arrow.from].id, diagram.lanes[arrow.to].id);
        assert!(
            matches!(
                ends,
                (LaneId::Connection { .. }, LaneId::Broker(1))
                    | (LaneId::Broker(1), LaneId::Connection { .. })
            ),
            "{ends:?}"
        );
    }
}

#[test]
fn a_cut_shows_half_a_message_and_the_end_of_its_generation() {
    let run = lesson(10, Variant::After);
    let diagram = diagram(run.events(), usize::MAX);
    let cut: Vec<_> = diagram.arrows.iter().filter(|arrow| arrow.fate == Fate::Cut).collect();
    assert_eq!(cut.len(), 1);
    assert_eq!((cut[0].delivered, cut[0].old), (37, true));
    let first = &diagram.segments[0];
    assert_eq!(first.end.as_ref().map(|end| end.cause.name()), Some("RST"));
    assert!(diagram.segments[1].end.is_none() && diagram.segments[1].opened.is_some());
    assert_eq!(diagram.segments[1].connection.generation(), 2);
}

#[test]
fn two_sockets_to_one_broker_lie_side_by_side() {
    let tracks = |variant| -> Vec<u32> {
        diagram(lesson(2, variant).events(), usize::MAX)
            .segments
            .iter()
            .map(|segment| segment.track)
            .collect()
    };
    assert_eq!(tracks(Variant::Before), [0, 1]);
    assert_eq!(tracks(Variant::After), [0]);
}

#[test]
fn a_wait_is_drawn_with_its_end() {
    let run = lesson(2, Variant::After);
    let ends = |cursor| -> Vec<BarEnd> {
        diagram(run.events(), cursor).bars.into_iter().map(|bar| bar.end).collect()
    };
    let second = run.events().iter().position(|event| event.key == "T2.call-start.1").unwrap();
    assert_eq!(ends(second + 1), [BarEnd::Waiting, BarEnd::Waiting]);
    assert!(ends(usize::MAX).iter().all(|end| matches!(end, BarEnd::Ended { outcome: Outcome::Value, .. })));
    let known = &run.events()[..=second];
    let unended = diagram(known, known.len()).bars.into_iter().all(|bar| bar.end == BarEnd::NeverResolved);
    assert!(unended, "what has no end in all that is known is said to have none");
}

#[test]
fn the_receive_buffer_in_the_picture_is_the_clients_own() {
    every_run(|run| {
        for step in 0..=run.timeline.steps() {
            let world = run.timeline.at(step);
            let cursor = world.events().len();
            for view in world.client(0).unwrap().inspect().connections() {
                let drawn =
                    buffers(world.events(), cursor).into_iter().find(|it| it.broker == view.broker().0);
                let bytes: Vec<u8> = drawn.iter().flat_map(|it| &it.cells).map(|cell| cell.byte).collect();
                assert_eq!(bytes, view.buffer(), "step {step}");
            }
        }
    });
}

#[test]
fn states_and_counters_in_the_picture_are_the_clients_own() {
    every_run(|run| {
        for step in 0..=run.timeline.steps() {
            let world = run.timeline.at(step);
            let cursor = world.events().len();
            let machines = machines(world.events(), cursor);
            let (mut requests, mut responses, mut discarded, mut timers, mut sockets, mut waits) =
                (0, 0, 0, 0, 0, 0);
            for (number, client) in world.clients().iter().enumerate() {
                let inspect = client.inspect();
                let own = || machines.iter().filter(|machine| usize::from(machine.client) == number);
                let life = own().find(|machine| machine.broker.is_none());
                assert_eq!(life.map_or("Idle", |life| life.state), inspect.lifecycle().name(), "step {step}");
                for view in inspect.connections() {
                    let drawn = own().find(|machine| machine.broker == Some(view.broker().0));
                    let drawn = drawn.map_or("Disconnected", |it| it.state);
                    assert_eq!(drawn, view.state().name(), "step {step}");
                }
                requests += inspect.counters().requests_sent;
                responses += inspect.counters().responses_received;
                discarded += inspect.counters().bytes_discarded;
                timers += inspect.counters().timers;
                sockets += inspect.sockets();
                waits += inspect.waiters();
            }
            let counters = counters(world.events(), cursor);
            assert_eq!(u64::from(counters.requests), requests, "step {step}");
            assert_eq!(u64::from(counters.responses), responses, "step {step}");
            assert_eq!(counters.discarded, discarded, "step {step}");
            if run.variant == Variant::After {
                assert_eq!(u64::from(counters.timers), timers, "step {step}");
                assert_eq!(counters.sockets as usize, sockets, "step {step}");
                // A send waits for its records, which the client counts by their bytes.
                let sends = waiters(world.events(), cursor)
                    .into_iter()
                    .filter(|wait| wait.end.is_none() && wait.call.starts_with("send("));
                assert_eq!(counters.waiters as usize, waits + sends.count(), "step {step}");
            }
        }
    });
}

#[test]
fn every_message_is_taken_apart_to_its_last_byte() {
    let mut count = 0;
    every_run(|run| {
        for event in run.events() {
            let Some(wire) = wire(event) else { continue };
            count += 1;
            let mut at = 0;
            for span in &wire.spans.spans {
                assert_eq!(span.range.start, at, "{}: {}", wire.title, span.path);
                at = span.range.end;
            }
            assert_eq!(at, wire.bytes.len(), "{}", wire.title);
            assert_eq!(wire.spans.error, None, "{}", wire.title);
        }
    });
    assert!(count > 50, "only {count} messages");
}

#[test]
fn deliveries_know_their_message_and_causes_come_first() {
    every_run(|run| {
        for event in run.events() {
            assert!(event.cause.is_none_or(|cause| cause < event.index));
            if let Kind::Deliver { .. } = event.kind {
                let message = message_of(run.events(), event).unwrap();
                let kind = &run.events()[message as usize].kind;
                assert!(matches!(kind, Kind::Request { .. } | Kind::Reply { .. }), "{kind:?}");
            }
        }
        let without: Vec<&Arc<Event>> = run
            .events()
            .iter()
            .filter(|event| {
                // Some timers are times that the client computes, and does not trace: nothing says what set them.
                let is_first = matches!(event.kind, Kind::Call { .. } | Kind::Fault { .. })
                    || matches!(event.kind, Kind::TimerFired { timer: Timer::ProduceRetry });
                event.cause.is_none() && !is_first
            })
            .collect();
        assert!(without.is_empty(), "only people and applications act without a cause: {without:#?}");
    });
}

#[test]
fn keys_are_unique_and_sentences_are_sentences() {
    every_run(|run| {
        let keys: BTreeSet<&str> = run.events().iter().map(|event| event.key.as_str()).collect();
        assert_eq!(keys.len(), run.events().len());
        for event in run.events() {
            assert!(event.key.is_ascii(), "{}", event.key);
            for detail in [Detail::Brief, Detail::Standard, Detail::Full] {
                let text = sentence(event, detail);
                assert!(text.ends_with('.') && !text.contains(".."), "{text}");
            }
        }
    });
}
