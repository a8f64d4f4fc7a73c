//! Between a client and the world: what it asks for is done, what it traced is logged.

use super::World;
use crate::event::{Actor, CloseBy, Connection, Direction, EndCause, Entry, Kind, Side};
use crate::network::{End, LinkId};
use crate::sentence::clock;
use alloc::collections::VecDeque;
use alloc::format;
use alloc::string::{String, ToString};
use bytes::Bytes;
use client_core::error::{CloseReason, DisconnectCause};
use client_core::ids::ConnectionId;
use client_core::io::{Address, Event, Input, Output, Status, Timer};
use client_core::trace::{Machine, TraceEvent, TraceKind};

/// A client that has more to say in one step than this is not coming to rest.
const ROUNDS_MAX: u32 = 1_000;

impl World {
    /// A client's time has come.
    pub(super) fn fire_client(&mut self, number: usize) {
        let Some(client) = self.clients.get_mut(number) else { return };
        let why = client.poll_timeout().map(|deadline| deadline.why);
        client.handle(self.now, Input::TimeoutFired);
        self.drain(number, why);
    }

    /// Tells a client what happened and does what it asks for.
    pub(super) fn tell_client(&mut self, number: usize, input: Input) {
        let Some(client) = self.clients.get_mut(number) else { return };
        client.handle(self.now, input);
        self.drain_client(number);
    }

    /// Tells a client that its connection ended, or was never made, and logs it.
    pub(super) fn disconnect(&mut self, connection: Connection, by: CloseBy, end: End, why: String) {
        let cause = self.log.current_cause(Some(connection)).or_else(|| self.log.open_of(connection));
        let actor = if by == CloseBy::Broker { self.broker_of(connection) } else { Actor::Network };
        let kind = Kind::Close { by, cause: end_cause(end), why };
        let index = self.log.push(Entry::new(self.now, actor, kind).on(connection).because(cause));
        self.log.set_current_cause(index, Some(connection));
        let input = Input::Disconnected { connection: connection.id, cause: disconnect_cause(end) };
        self.tell_client(usize::from(connection.client), input);
    }

    /// Does everything a client asks for until it has nothing more to say.
    pub(super) fn drain_client(&mut self, number: usize) {
        self.drain(number, None);
    }

    /// The same after the client's time has come for `due`. Some of its timers are times that it computes, and does not
    /// trace; whatever follows has them for its cause all the same.
    fn drain(&mut self, number: usize, mut due: Option<Timer>) {
        for _ in 0..ROUNDS_MAX {
            let Some(client) = self.clients.get_mut(number) else { return };
            let mut outputs = VecDeque::new();
            while let Some(output) = client.poll_output() {
                outputs.push_back(output);
            }
            let mut traces = VecDeque::new();
            while let Some(trace) = client.poll_trace() {
                traces.push_back(trace);
            }
            if outputs.is_empty() && traces.is_empty() {
                return;
            }
            if let Some(timer) = due.take()
                && !traces.iter().any(|trace| trace.kind == TraceKind::TimerFired { timer })
            {
                let kind = TraceKind::TimerFired { timer };
                self.log.push_trace(number as u8, TraceEvent { at: self.now, kind });
            }
            for trace in traces {
                // The world logs calls and their ends itself: it knows who called.
                if matches!(trace.kind, TraceKind::Called { .. } | TraceKind::Resolved { .. }) {
                    continue;
                }
                let moved = if let TraceKind::Transition { machine: Machine::Connection(id), .. } = trace.kind
                {
                    Some(id)
                } else {
                    None
                };
                self.log.push_trace(number as u8, trace);
                // Opening and closing follow at once the transitions that they belong to.
                if let Some(id) = moved {
                    self.apply_outputs_about(number, id, &mut outputs);
                }
            }
            for output in outputs {
                self.apply_output(number, output);
            }
        }
        self.note(Actor::Client(number as u8), "The client does not come to rest".into());
    }

    /// Opens or closes the connection if that is among the outputs. Bytes that were to be written in front of a close are.
    fn apply_outputs_about(&mut self, number: usize, id: ConnectionId, outputs: &mut VecDeque<Output>) {
        let moves = |output: &Output| matches!(output, Output::Connect { connection, .. } | Output::Close { connection, .. } if *connection == id);
        let Some(mut left) = outputs.iter().rposition(moves).map(|last| last + 1) else { return };
        let mut place = 0;
        while left > 0 {
            left -= 1;
            let about = |output: &Output| match output {
                Output::Connect { connection, .. }
                | Output::Send { connection, .. }
                | Output::Close { connection, .. } => *connection == id,
                Output::Event(_) => false,
            };
            if outputs.get(place).is_some_and(about) {
                if let Some(output) = outputs.remove(place) {
                    self.apply_output(number, output);
                }
            } else {
                place += 1;
            }
        }
    }

    fn apply_output(&mut self, number: usize, output: Output) {
        let on = |id| Connection::new(number as u8, id);
        match output {
            Output::Connect { connection, address } => self.connect(on(connection), &address),
            Output::Send { connection, bytes } => self.send_to_broker(on(connection), bytes),
            Output::Close { connection, reason } => self.close_by_client(on(connection), &reason),
            Output::Event(event) => self.handle_event(number, event),
        }
    }

    fn connect(&mut self, connection: Connection, address: &Address) {
        let node = self
            .cluster
            .nodes()
            .find(|node| node.config.host == address.host && node.config.port == address.port)
            .map(|node| self.network.reached(node.config.node_id.0));
        let up = self.cluster.nodes().any(|it| it.up && Some(it.config.node_id.0) == node);
        let kind = Kind::Open { address: address.to_string(), node };
        let entry = Entry::new(self.now, Actor::Client(connection.client), kind).on(connection);
        self.log.push_caused(connection.client, entry, false);
        self.network.connect(self.now, connection, node, up);
    }

    fn send_to_broker(&mut self, connection: Connection, bytes: Bytes) {
        let Some(link) = self.network.find(connection) else { return };
        let offset = self.network.written(link, Direction::ToBroker);
        let cause = self.log.request_at(connection, offset);
        self.network.send(self.now, link, Direction::ToBroker, bytes, cause);
    }

    fn close_by_client(&mut self, connection: Connection, reason: &CloseReason) {
        let kind = Kind::Close { by: CloseBy::Client, cause: close_cause(reason), why: reason.to_string() };
        let entry = Entry::new(self.now, Actor::Client(connection.client), kind).on(connection);
        let index = self.log.push_caused(connection.client, entry, false);
        let Some(link) = self.network.find(connection) else { return };
        let lost = self.network.close(self.now, link, Side::Client);
        self.log_lost(connection, lost, index);
    }

    pub(super) fn log_lost(
        &mut self,
        connection: Connection,
        lost: alloc::vec::Vec<(Direction, crate::event::StreamRange)>,
        cause: u32,
    ) {
        for (direction, range) in lost {
            let entry = Entry::new(self.now, Actor::Network, Kind::Lose { direction, range });
            self.log.push(entry.on(connection).because(Some(cause)));
        }
    }

    fn handle_event(&mut self, number: usize, event: Event) {
        match event {
            Event::Completed { operation, result } => self.resolve(number as u8, operation, result),
            Event::Delivered(delivery) => self.deliver(number as u8, &delivery),
            Event::RecordsAvailable => self.consume(number),
            Event::Status(status) => {
                let (status, text) = status_words(&status);
                self.log_status(number, status, text);
            }
            Event::PartitionError { partition, error } => {
                self.log_status(number, "partition-error", format!("{partition}: {error}"));
            }
            Event::CredentialsNeeded { connection, mechanism } => {
                self.log_status(number, "credentials-needed", format!("{mechanism} for {connection}"));
            }
            Event::Fatal(error) => self.log_status(number, "fatal", error.to_string()),
        }
    }

    fn log_status(&mut self, number: usize, status: &'static str, text: String) {
        let client = number as u8;
        let entry = Entry::new(self.now, Actor::Client(client), Kind::Status { status, text });
        self.log.push_caused(client, entry, false);
    }

    /// The broker at the other end, or the network where there is none.
    pub(super) fn broker_of(&self, connection: Connection) -> Actor {
        let link: Option<LinkId> = self.network.find(connection);
        link.and_then(|link| self.network.link(link)).map_or(Actor::Network, |(_, node)| Actor::Broker(node))
    }
}

fn status_words(status: &Status) -> (&'static str, String) {
    match status {
        Status::Idle => ("idle", "not started".into()),
        Status::Connecting => ("connecting", "start() is under way".into()),
        Status::Connected => ("connected", "everything needed is there".into()),
        Status::Reconnecting { broker, attempt, next_attempt, cause } => {
            let next = clock(*next_attempt);
            let text =
                format!("{broker} is away, attempt {attempt} failed ({cause}), the next comes at {next}");
            ("reconnecting", text)
        }
        Status::Throttled { broker, until } => {
            ("throttled", format!("{broker} wants to hear nothing before {}", clock(*until)))
        }
        Status::Offline => ("offline", "no known broker can be reached".into()),
        Status::Stopping => ("stopping", "stop() is under way".into()),
        Status::Fatal => ("fatal", "finished for good".into()),
    }
}

const fn end_cause(end: End) -> EndCause {
    match end {
        End::Fin => EndCause::Fin,
        End::Reset => EndCause::Reset,
        End::Refused => EndCause::Refused,
        End::Unreachable => EndCause::Unreachable,
    }
}

const fn disconnect_cause(end: End) -> DisconnectCause {
    match end {
        End::Fin => DisconnectCause::Closed,
        End::Reset => DisconnectCause::Reset,
        End::Refused => DisconnectCause::Refused,
        End::Unreachable => DisconnectCause::Unreachable,
    }
}

const fn close_cause(reason: &CloseReason) -> EndCause {
    match reason {
        CloseReason::ConnectTimeout
        | CloseReason::RequestTimeout { .. }
        | CloseReason::AuthenticationTimeout { .. } => EndCause::Timeout,
        CloseReason::AuthenticationFailed(_) => EndCause::NotLetIn,
        CloseReason::ProtocolViolation(_) => EndCause::ProtocolError,
        CloseReason::Stopped
        | CloseReason::StartFailed
        | CloseReason::UnsupportedVersion { .. }
        | CloseReason::Misrouted
        | CloseReason::WrongCluster { .. }
        | CloseReason::Rebootstrap
        | CloseReason::Idle
        | CloseReason::NoLongerNeeded => EndCause::ClosedByUs,
    }
}
