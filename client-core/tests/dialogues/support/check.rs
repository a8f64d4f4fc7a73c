//! Hears what the client says, and checks after every step what must always hold.

use super::{Dialogue, Fate, Wire};
use client_core::protocol::{FrameDecoder, Request};
use client_core::{Delivery, Event, Input, LifecycleState, Output, TraceKind};
use std::collections::VecDeque;

impl Dialogue {
    /// Drains the client, wakes it if it wants that at once, and checks what must always hold.
    pub(crate) fn settle(&mut self) {
        self.drain();
        for round in 0.. {
            let due = self.client.poll_timeout().filter(|deadline| deadline.at <= self.now);
            let Some(due) = due else { break };
            assert!(
                round < WAKES_AT_ONCE_MAX,
                "LC11: woken {round} times at one instant, and again for {due:?}"
            );
            self.client.handle(self.now, Input::TimeoutFired);
            self.drain();
        }
        self.check();
    }

    fn drain(&mut self) {
        for count in 0.. {
            assert!(count < OUTPUTS_MAX, "LC11: so many outputs at one instant");
            let Some(output) = self.client.poll_output() else { break };
            self.take_output(output);
        }
        while let Some(trace) = self.client.poll_trace() {
            if let TraceKind::Transition { machine, from, to, cause } = &trace.kind {
                self.transcript.push(format!("             {machine:?}: {from} -> {to}, {cause}"));
            }
            let rejected = matches!(trace.kind, TraceKind::TransitionRejected { .. });
            assert!(self.expects_rejections || !rejected, "CN1: {:?}", trace.kind);
            self.follow(&trace.kind);
            self.traces.push(trace);
        }
    }

    /// CN3: each request is answered or fails, once.
    fn follow(&mut self, kind: &TraceKind) {
        match kind {
            TraceKind::RequestSent { connection, correlation_id, expects_reply: true, .. } => {
                let before = self.fates.insert((*connection, *correlation_id), Fate::Sent);
                assert_eq!(before, None, "{connection}: correlation id {correlation_id} is used twice");
            }
            TraceKind::ResponseReceived { connection, correlation_id, .. } => {
                let before = self.fates.insert((*connection, *correlation_id), Fate::Answered);
                assert_eq!(before, Some(Fate::Sent), "{connection}: answer {correlation_id}");
            }
            // An answer that turns out to be unreadable fails its request after it has been matched.
            TraceKind::RequestFailed { connection, correlation_id, .. } => {
                let before = self.fates.insert((*connection, *correlation_id), Fate::Failed);
                assert!(
                    matches!(before, Some(Fate::Sent | Fate::Answered)),
                    "{connection}: {correlation_id} failed twice"
                );
            }
            _ => {}
        }
    }

    fn take_output(&mut self, output: Output) {
        match output {
            Output::Connect { connection, address } => {
                self.say(format!("they: connect {connection} to {address}"));
                assert!(self.named.insert(connection), "CN2: {connection} names a second connection");
                let now = self.now();
                self.attempts.entry(address.host.clone()).or_default().push(now);
                let decoder = FrameDecoder::new(64 << 20);
                let wire = Wire { address, open: false, decoder, inbox: VecDeque::new() };
                self.wires.insert(connection, wire);
                self.connects.push_back(connection);
            }
            Output::Send { connection, bytes } => {
                let wire = self.wires.get_mut(&connection).expect("bytes go to a connection that exists");
                assert!(wire.open, "bytes go to a connection that is open");
                wire.decoder.push(bytes);
                while let Some(frame) = wire.decoder.next_frame().expect("requests are frames") {
                    let (header, request) = Request::decode(frame).expect("requests can be decoded");
                    self.transcript.push(format!("             they: {connection} {:?}", request.api_key()));
                    wire.inbox.push_back((header, request));
                }
            }
            Output::Close { connection, reason } => {
                self.say(format!("they: close {connection}, {reason}"));
                let wire = self.wires.remove(&connection).expect("what is closed was open");
                self.connects.retain(|asked| *asked != connection);
                self.closes.push_back((wire.address.host, reason));
            }
            Output::Event(event) => self.take_event(event),
        }
    }

    fn take_event(&mut self, event: Event) {
        self.say(format!("they: {event:?}"));
        match event {
            Event::Completed { operation, result } => {
                let before = self.ended.insert(operation, result);
                assert!(before.is_none(), "{operation} ends once, but ended before with {before:?}");
            }
            Event::Delivered(Delivery { partition, records, result }) => {
                for (index, id) in records.iter().enumerate() {
                    let result = result.clone().map(|it| it.base_offset.map(|base| base + index as i64));
                    let before = self.delivered.insert(id.0, (partition.clone(), result));
                    assert!(before.is_none(), "record {} ends once, but ended before with {before:?}", id.0);
                }
            }
            other => self.events.push(other),
        }
    }

    /// What holds after every step: sockets, timers and waiters are counted right, and a client that is idle has none.
    fn check(&self) {
        let inspect = self.client.inspect();
        let counters = inspect.counters();
        assert_eq!(inspect.sockets(), self.wires.len(), "sockets counted and sockets seen");
        assert_eq!(inspect.waiters() as u64, counters.operations, "waiters and operations counted");
        let deadline = self.client.poll_timeout();
        if deadline.is_none() {
            assert_eq!(counters.timers, 0, "timers armed without a deadline");
        }
        if matches!(self.state(), LifecycleState::Idle | LifecycleState::Fenced) {
            assert!(
                self.wires.is_empty(),
                "LC10: open on a client that is not running: {:?}",
                self.wires.keys()
            );
            assert_eq!(counters.timers, 0, "LC10: timers armed on a client that is not running");
            assert_eq!(counters.operations, 0, "LC10: operations under way on a client that is not running");
            assert_eq!(deadline, None, "LC10: a client that is not running wants to be woken");
            assert_eq!(inspect.buffered_bytes(), 0, "a client that is not running holds records");
        }
    }
}

/// A wake-up may make another one due at the same instant (a lost connection, whose requests are overdue as well), but not for long.
const WAKES_AT_ONCE_MAX: usize = 2;

const OUTPUTS_MAX: usize = 10_000;
