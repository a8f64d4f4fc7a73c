//! What each lesson must show, lesson by lesson, on the run with the fix unless said otherwise.

#![expect(clippy::wildcard_enum_match_arm, reason = "a test picks the events it is about")]

use crate::support::story;
use simulator::event::{Event, Kind, MachineKind, Outcome};
use simulator::lessons::{Lesson, LessonRun, Variant, find, run};
use simulator::view::buffer::buffers;
use simulator::view::counters::{Counters, counters};
use simulator::view::waiters::{Waiter, waiters};
use std::collections::BTreeMap;
use std::sync::Arc;

fn of(id: u8, variant: Variant) -> LessonRun {
    run(&find(id).unwrap(), variant).unwrap()
}

fn after(id: u8) -> LessonRun {
    of(id, Variant::After)
}

fn place(events: &[Arc<Event>], key: &str) -> usize {
    events
        .iter()
        .position(|event| event.key == key)
        .unwrap_or_else(|| panic!("no {key} in\n{}", story(events)))
}

fn at(run: &LessonRun, key: &str) -> Counters {
    counters(run.events(), place(run.events(), key) + 1)
}

fn all_waits(run: &LessonRun) -> Vec<Waiter> {
    waiters(run.events(), usize::MAX)
}

fn outcomes(run: &LessonRun, call: &str) -> Vec<String> {
    let waits = all_waits(run).into_iter().filter(|wait| wait.call.starts_with(call));
    waits.map(|wait| wait.end.map_or_else(|| "never".into(), |(_, outcome)| outcome.to_string())).collect()
}

/// The indices of the events of each kind that the test is about.
fn those(events: &[Arc<Event>], wanted: impl Fn(&Event) -> bool) -> Vec<usize> {
    events.iter().enumerate().filter(|(_, event)| wanted(event)).map(|(place, _)| place).collect()
}

#[test]
fn l1_each_broker_is_opened_asked_for_versions_and_then_for_metadata() {
    let run = after(1);
    let opens = those(run.events(), |event| matches!(event.kind, Kind::Open { .. }));
    assert_eq!(opens.len(), 1);
    let request = |name: &str| place(run.events(), &format!("client.request-{name}.b1g1.1"));
    assert!(opens[0] < request("ApiVersions") && request("ApiVersions") < request("Metadata"));
}

#[test]
fn l2_three_callers_one_bootstrap_equal_outcomes() {
    let run = after(2);
    assert_eq!(outcomes(&run, "start("), ["OK", "OK", "OK"]);
    assert_eq!(run.timeline.head().client(0).unwrap().inspect().counters().bootstraps, 1);
    let before = of(2, Variant::Before);
    assert_eq!(counters(before.events(), usize::MAX).sockets, 1, "one socket without owner at the end");
}

#[test]
fn l3_nothing_is_left_of_the_failed_start_and_the_second_one_succeeds() {
    let run = after(3);
    let failed = at(&run, "client.status-idle.1");
    assert_eq!((failed.sockets, failed.timers, failed.waiters), (0, 0, 0), "{}", story(run.events()));
    assert_eq!(outcomes(&run, "start("), ["TIMEOUT", "OK"]);
}

#[test]
fn l4_every_caller_ends_once_and_the_leaver_cancels_only_itself() {
    let run = after(4);
    assert_eq!(outcomes(&run, "start("), ["TIMEOUT", "CANCELLED", "TIMEOUT", "OK"]);
    assert!(all_waits(&run).iter().all(|wait| wait.ends == 1), "{}", story(run.events()));
}

#[test]
fn l5_wherever_the_stop_comes_nothing_is_undertaken_after_it() {
    let lesson = find(5).unwrap();
    let every = lesson.every_option();
    assert_eq!(every.len(), 4, "four moments to stop at");
    let mut states = Vec::new();
    for lesson in &every {
        let run = run(lesson, Variant::After).unwrap();
        let events = run.events();
        let (stop, again) = (place(events, "T2.call-stop.1"), place(events, "T1.call-start.2"));
        for event in &events[stop..again] {
            let undertakes =
                matches!(event.kind, Kind::Open { .. } | Kind::TimerArmed { .. } | Kind::Request { .. });
            assert!(!undertakes, "{}: {event:?}\n{}", lesson.options.unwrap().names[0], story(events));
        }
        assert_eq!(outcomes(&run, "start("), ["STOPPED", "OK"]);
        assert_eq!(outcomes(&run, "stop("), ["OK", "OK"]);
        states.push((counters(events, stop).requests, counters(events, stop).responses));
    }
    assert_eq!(states, [(0, 0), (1, 0), (3, 1), (3, 2)], "four different phases of a start");
}

#[test]
fn l6_the_pending_timer_is_cancelled_and_no_attempt_follows() {
    let run = after(6);
    let stop = place(run.events(), "T1.call-stop.1");
    let cancelled = those(run.events(), |event| event.key.starts_with("client.disarmed-reconnect-b1"));
    assert_eq!(cancelled.len(), 1);
    assert!(cancelled[0] > stop);
    let attempts = counters(run.events(), stop).connects;
    assert_eq!(attempts, 3);
    assert_eq!(counters(run.events(), usize::MAX).connects, attempts, "{}", story(run.events()));
}

#[test]
fn l8_requests_fail_in_the_order_of_sending_and_no_reply_of_g2_ends_one_of_g1() {
    let run = after(8);
    let mut sent = Vec::new();
    let mut failed = Vec::new();
    let mut answered: BTreeMap<u32, Vec<i32>> = BTreeMap::new();
    for event in run.events() {
        let (Some(connection), Some(id)) = (event.connection, event.correlation_id) else { continue };
        match &event.kind {
            Kind::Request { .. } if connection.generation() == 1 => sent.push(id),
            Kind::RequestFailed { .. } => failed.push(id),
            Kind::Response { .. } => answered.entry(connection.generation()).or_default().push(id),
            _ => {}
        }
    }
    assert_eq!(failed, sent[sent.len() - 3..], "{}", story(run.events()));
    assert!(answered[&2].iter().all(|id| !sent.contains(id)), "a reply on g2 answers a request of g2");
    let ends = those(
        run.events(),
        |event| matches!(&event.kind, Kind::Resolve { what, outcome: Outcome::Value, .. } if what.starts_with("send(")),
    );
    let tasks: Vec<String> = ends.iter().map(|end| run.events()[*end].actor.to_string()).collect();
    assert_eq!(tasks, ["T1", "T2", "T3", "T4", "T5"]);
}

/// The lesson's run with the pauses at other places.
fn paused_after(lesson: &Lesson, first: u32) -> LessonRun {
    use simulator::choice::Choice;
    use simulator::fault::Fault;
    let mut lesson = lesson.clone();
    lesson.steps.remove(2);
    lesson.steps[1].choices = vec![Choice::Fault(Fault::Pause { node: 1, after: first })];
    run(&lesson, Variant::After).unwrap_or_else(|error| panic!("paused after {first} bytes: {error}"))
}

#[test]
fn l9_wherever_the_reply_is_split_the_same_message_is_read_once() {
    let lesson = find(9).unwrap();
    let whole = after(9);
    let reply =
        whole.events()[place(whole.events(), "broker1.reply-Metadata.b1g1.1")].payload.clone().unwrap();
    assert!(reply.len() > 50, "a reply worth splitting: {} bytes", reply.len());
    for split in 1..reply.len() {
        let run = paused_after(&lesson, split as u32);
        let events = run.events();
        let waiting = place(events, "client.buffered.b1g1.2");
        let buffer = buffers(events, waiting + 1).remove(0);
        assert_eq!(buffer.cells.len(), split);
        let missing = (split >= 4).then(|| (reply.len() - split) as u64);
        assert_eq!(buffer.missing(), missing, "split after {split}");
        let read = those(events, |event| event.key.starts_with("client.response-Metadata.b1g1"));
        assert_eq!(read.len(), 1, "split after {split}: read once\n{}", story(events));
        assert_eq!(events[read[0]].payload.as_ref(), Some(&reply), "split after {split}");
        let taken = &buffers(events, events.len())[0].frames[1];
        assert!(taken.cells.iter().map(|cell| cell.byte).eq(reply.iter().copied()), "split after {split}");
    }
}

#[test]
fn l10_37_bytes_are_thrown_away_and_none_of_them_is_parsed() {
    let count = |variant| {
        let run = of(10, variant);
        let buffer = buffers(run.events(), run.events().len()).remove(0);
        let thrown: usize = buffer.tray.iter().map(|discarded| discarded.cells.len()).sum();
        (thrown, buffer.frames.iter().map(simulator::view::buffer::Frame::foreign).sum::<usize>())
    };
    assert_eq!(count(Variant::After), (37, 0));
    assert_eq!(count(Variant::Before), (0, 37));
}

#[test]
fn l11_one_live_socket_per_broker_and_no_request_to_the_old_address() {
    let run = after(11);
    let events = run.events();
    let mut open: BTreeMap<_, i32> = BTreeMap::new();
    let mut addresses = BTreeMap::new();
    for event in events {
        match (&event.kind, event.connection) {
            (Kind::Open { node, address }, Some(connection)) => {
                open.insert(connection, node.unwrap_or(-1));
                addresses.insert(connection, address.clone());
            }
            (Kind::Close { .. }, Some(connection)) => {
                open.remove(&connection);
            }
            _ => {}
        }
    }
    let nodes: Vec<i32> =
        open.values().copied().collect::<std::collections::BTreeSet<_>>().into_iter().collect();
    assert_eq!((open.len(), nodes), (3, vec![1, 2, 3]), "{}", story(events));
    // The refresh: the first metadata after broker 2 has gone.
    let refresh = place(events, "client.metadata.4");
    let to_the_old_one = those(&events[refresh..], |event| {
        matches!(event.kind, Kind::Open { .. } | Kind::Request { .. })
            && event.connection.is_some_and(|connection| addresses[&connection] == "broker2:9092")
    });
    assert!(to_the_old_one.is_empty(), "{}", story(events));
    let bounds = simulator::check::Bounds::of(
        &run.timeline.head().scenario().config(&run.timeline.head().scenario().clients[0], 0),
    );
    for (node, sent) in [(1, 4), (2, 5), (3, 6)] {
        let up = &events[place(events, &format!("you.fault-up.{node}"))];
        let stored = &events[place(events, &format!("T1.resolve-send.{sent}"))];
        let took = stored.at.since(up.at);
        assert!(took <= bounds.recovery, "broker {node}: {took:?}");
        println!("broker {node}: found again after {took:?}");
    }
    assert!(outcomes(&run, "send(").iter().all(|outcome| outcome == "OK"));
}

#[test]
fn no_wait_is_open_at_the_end_of_any_run_with_the_fix() {
    // Where the reader goes on by hand, nothing has ended yet.
    let ending = simulator::lessons::all().into_iter().filter(|lesson| lesson.by_hand.is_none());
    for lesson in ending.flat_map(|lesson| lesson.every_option()) {
        let run = run(&lesson, Variant::After).unwrap();
        let open: Vec<Waiter> = all_waits(&run).into_iter().filter(|wait| wait.end.is_none()).collect();
        assert!(open.is_empty(), "lesson {}: {open:?}", lesson.id);
    }
}

#[test]
fn every_move_of_every_lesson_is_in_the_tables() {
    for lesson in simulator::lessons::all().iter().flat_map(Lesson::every_option) {
        let run = run(&lesson, Variant::After).unwrap();
        for event in run.events() {
            let Kind::State { machine: MachineKind::Connection, from, to, .. } = &event.kind else {
                continue;
            };
            let table = client_core::connection::TRANSITIONS;
            assert!(table.iter().any(|edge| (edge.from.name(), edge.to.name()) == (*from, *to)));
        }
    }
}

/// The client as far as its states go: what an illegal input must leave as it is.
fn states(run: &LessonRun) -> String {
    let inspect = run.timeline.head().client(0).unwrap().inspect();
    let connections: Vec<String> = inspect
        .connections()
        .map(|view| {
            let (id, state, queued) = (view.id(), view.state(), view.queued());
            format!(
                "{id} {state:?} {:?} {queued} {:?} {:?}",
                view.in_flight(),
                view.buffer(),
                view.backing_off_until()
            )
        })
        .collect();
    format!("{:?} {connections:?} {} {}", inspect.lifecycle(), inspect.counters().timers, inspect.waiters())
}

fn hand(lesson: &Lesson, name: &str) -> simulator::choice::Choice {
    lesson.by_hand.as_ref().unwrap().hands.iter().find(|hand| hand.name == name).unwrap().choice.clone()
}

#[test]
fn l7_every_move_is_found_by_hand() {
    let lesson = find(7).unwrap();
    let mut run = after(7);
    let says = |run: &LessonRun| (lesson.by_hand.as_ref().unwrap().says)(&run.moment(run.events().len()));
    for name in [
        "Disconnected",
        "TimeoutFired",
        "Connected",
        "Disconnected",
        "stop()",
        "start()",
        "Connected",
        "Received",
        "Disconnected",
        "TimeoutFired",
        "Connected",
        "Received",
        "Received",
        "Received",
        // What starting asks for. The next thing to come is a refresh of metadata, for which the session has to be renewed.
        "Received",
    ] {
        run.go_on([hand(&lesson, name)]);
    }
    assert!(
        says(&run).ends_with("Ready to Authenticating, when the session is about to end."),
        "{}",
        says(&run)
    );
    run.go_on([hand(&lesson, "TimeoutFired")]);
    let machines = simulator::view::machines::machines(run.events(), usize::MAX);
    let walked = machines.iter().filter(|machine| machine.kind == MachineKind::Connection);
    let walked: std::collections::BTreeSet<_> =
        walked.flat_map(|machine| &machine.walked).map(|edge| (edge.from, edge.to)).collect();
    let all: std::collections::BTreeSet<_> =
        client_core::connection::TRANSITIONS.iter().map(|edge| (edge.from.name(), edge.to.name())).collect();
    assert_eq!(walked, all, "{}", story(run.events()));
    assert_eq!(says(&run), "All 13 moves.");
    assert_eq!(crate::support::broken(&run.findings), Vec::<String>::new());
}

#[test]
fn l7_what_is_illegal_is_rejected_in_the_clients_words_and_moves_nothing() {
    use client_core::trace::{Machine, ignored};
    let lesson = find(7).unwrap();
    let refused = |from: &str, id| Machine::Connection(id).refusal(from, "Negotiating");
    // How to come to each state from the lesson's end, and what is illegal there.
    let cases: [(&[&str], &str, &[&str]); 6] = [
        (&[], "Connecting", &["Received"]),
        (&["Connected"], "Negotiating", &["Connected"]),
        (&["Connected", "Received"], "Authenticating", &["Connected"]),
        (&["Connected", "Received", "Received", "Received"], "Ready", &["Connected"]),
        (&["Disconnected"], "BackingOff", &["Connected", "Received", "Disconnected"]),
        (&["stop()"], "Disconnected", &["Connected", "Received", "Disconnected"]),
    ];
    for (way, state, illegal) in cases {
        let mut run = after(7);
        run.go_on(way.iter().map(|name| hand(&lesson, name)));
        for name in illegal {
            let (before, count) = (states(&run), run.events().len());
            assert!(before.contains(state), "{way:?} leads to {state}: {before}");
            run.go_on([hand(&lesson, name)]);
            assert_eq!(states(&run), before, "{name} in {state}");
            let new = &run.events()[count..];
            let rejected: Vec<&Arc<Event>> = new
                .iter()
                .filter(|event| matches!(event.kind, Kind::StateRejected { .. } | Kind::StaleIgnored { .. }))
                .collect();
            assert_eq!((rejected.len(), new.len()), (1, 2), "{name} in {state}: {}", story(new));
            let said = simulator::sentence::sentence(rejected[0], simulator::sentence::Detail::Brief);
            let id = rejected[0].connection.unwrap().id;
            let words = if matches!(rejected[0].kind, Kind::StateRejected { .. }) {
                refused(state, id)
            } else {
                ignored(id, name)
            };
            assert!(said.contains(&words), "{said:?} has the client's words: {words:?}");
        }
    }
}
