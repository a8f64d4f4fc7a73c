//! From the client's own trace to events of the log. A live client without a world behind it uses the same code.

use super::{Actor, Connection, Direction, Entry, Event, Kind, Log, MachineKind, Outcome, StreamRange};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use client_core::ids::OperationId;
use client_core::io::Timer;
use client_core::protocol::ApiKey;
use client_core::trace::{Machine, TraceEvent, TraceKind};

const SASL_AUTHENTICATE: i16 = ApiKey::SaslAuthenticate.code();

impl Log {
    /// Adds what a client traced. `client` counts from 0.
    ///
    /// The cause is the latest event of this step on the same connection that can cause anything; a timer's
    /// firing is caused by its arming, a reply's arrival by its request's bytes.
    pub fn push_trace(&mut self, client: u8, trace: TraceEvent) -> u32 {
        let at = trace.at;
        let actor = Actor::Client(client);
        let entry = |kind| Entry::new(at, actor, kind);
        let on = |id| Connection::new(client, id);
        let mut causes_others = true;
        let entry = match trace.kind {
            TraceKind::Called { call, operation, outcome } => {
                let call = format!("{call}()");
                // Who cancels waits for nothing: the call that is cancelled ends.
                let waits = operation.is_some() && call != "cancel()";
                entry(Kind::Call { client, call, operation, outcome: outcome.into(), waits })
            }
            TraceKind::Resolved { operation, outcome } => {
                causes_others = false;
                let (call, what) = self.take_waiting(client, operation);
                let outcome = match outcome {
                    "OK" => Outcome::Value,
                    "CANCELLED" => Outcome::Cancelled,
                    code => Outcome::Error(code.into()),
                };
                let text = outcome.to_string();
                entry(Kind::Resolve { call, what, operation: Some(operation), outcome, text })
            }
            TraceKind::Transition { machine: Machine::Lifecycle, from, to, cause: why } => {
                entry(Kind::State { machine: MachineKind::Lifecycle, from, to, why })
            }
            TraceKind::Transition { machine: Machine::Connection(id), from, to, cause: why } => {
                entry(Kind::State { machine: MachineKind::Connection, from, to, why }).on(on(id))
            }
            TraceKind::TransitionRejected { machine: Machine::Lifecycle, from, to } => {
                entry(Kind::StateRejected { machine: MachineKind::Lifecycle, from, to })
            }
            TraceKind::TransitionRejected { machine: Machine::Connection(id), from, to } => {
                entry(Kind::StateRejected { machine: MachineKind::Connection, from, to }).on(on(id))
            }
            TraceKind::BrokerNamed { broker, address, node } => {
                causes_others = false;
                entry(Kind::BrokerNamed { broker: broker.0, address: address.to_string(), node })
            }
            TraceKind::RequestSent {
                connection,
                api,
                api_key,
                api_version,
                correlation_id,
                frame,
                expects_reply,
            } => {
                causes_others = false;
                let connection = on(connection);
                let written = self.memory.written.entry(connection).or_insert(0);
                let range = StreamRange { start: *written, end: *written + frame.len() as u64 };
                *written = range.end;
                entry(Kind::Request { api, api_key, api_version, range, expects_reply })
                    .on(connection)
                    .correlated(correlation_id)
                    .carrying(frame)
            }
            TraceKind::ResponseReceived { connection, api, api_key, api_version, correlation_id, frame } => {
                entry(Kind::Response { api, api_key, api_version })
                    .on(on(connection))
                    .correlated(correlation_id)
                    .carrying(frame)
            }
            TraceKind::BytesReceived { connection, count, buffered } => {
                entry(Kind::Buffered { count: count as u32, buffered: buffered as u32 }).on(on(connection))
            }
            TraceKind::FrameTaken { connection, count } => {
                entry(Kind::FrameTaken { count: count as u32 }).on(on(connection))
            }
            TraceKind::BytesDiscarded { connection, count } => {
                causes_others = false;
                entry(Kind::Discarded { count: count as u32 }).on(on(connection))
            }
            TraceKind::StaleInputIgnored { connection, input, count } => {
                entry(Kind::StaleIgnored { input, count: count as u32 }).on(on(connection))
            }
            TraceKind::ProtocolViolated { connection, problem } => {
                entry(Kind::Violation { problem }).on(on(connection))
            }
            TraceKind::RequestFailed { connection, api, correlation_id, cause } => {
                causes_others = false;
                entry(Kind::RequestFailed { api, why: cause.to_string() })
                    .on(on(connection))
                    .correlated(correlation_id)
            }
            TraceKind::TimerArmed { timer, at: due } => {
                causes_others = false;
                entry(Kind::TimerArmed { timer, due })
            }
            TraceKind::TimerFired { timer } => {
                let armed = self.memory.armed.get(&(client, timer)).copied();
                // A call's own limit is not traced as a timer: the call itself is why it fires.
                let armed = armed.or_else(|| self.call_behind(client, timer));
                entry(Kind::TimerFired { timer }).because(armed)
            }
            TraceKind::TimerCancelled { timer } => {
                causes_others = false;
                entry(Kind::TimerCancelled { timer })
            }
            TraceKind::MetadataUpdated { brokers, topics } => {
                entry(Kind::Metadata { brokers: brokers as u32, topics: topics as u32 })
            }
            TraceKind::Rebootstrapped { cause } => {
                let text = format!("What was known of the cluster is dropped: {cause}");
                entry(Kind::Note { text })
            }
            TraceKind::ClusterChanged { from, to } => {
                entry(Kind::Note { text: format!("The cluster is {to} now, and was {from}") })
            }
            TraceKind::BatchSent { partition, records, base_sequence, retries } => {
                causes_others = false;
                let (partition, records) = (partition.to_string(), records as u32);
                entry(Kind::BatchSent { partition, records, base_sequence, retries })
            }
            TraceKind::BatchEnded { partition, records, outcome } => {
                let (partition, records) = (partition.to_string(), records as u32);
                entry(Kind::BatchEnded { partition, records, outcome })
            }
            TraceKind::BatchFetched { partition, base_offset, count, kept } => {
                let (partition, count) = (partition.to_string(), count as u32);
                entry(Kind::BatchFetched { partition, base_offset, count, kept })
            }
        };
        self.push_caused(client, entry, causes_others)
    }

    /// Adds an event with the best cause known, and remembers what later events need.
    #[expect(clippy::wildcard_enum_match_arm, reason = "only some kinds of events need to be remembered")]
    pub(crate) fn push_caused(&mut self, client: u8, mut entry: Entry, causes_others: bool) -> u32 {
        entry.cause = entry.cause.or_else(|| self.current_cause(entry.connection));
        let connection = entry.connection;
        let index = self.push(entry);
        let event = self.events()[index as usize].clone();
        match &event.kind {
            Kind::Call { call, operation: Some(operation), waits: true, .. } => {
                self.memory.waiting.insert((client, operation.0), (index, call.clone()));
            }
            Kind::TimerArmed { timer, .. } => {
                self.memory.armed.insert((client, *timer), index);
            }
            Kind::TimerFired { timer } | Kind::TimerCancelled { timer } => {
                self.memory.armed.remove(&(client, *timer));
            }
            Kind::Request { api_key, range, .. } => {
                if *api_key == SASL_AUTHENTICATE
                    && let (Some(connection), Some(shown)) = (connection, &event.payload)
                {
                    self.hide(connection, Direction::ToBroker, range.start, shown.clone());
                }
                if let (Some(connection), Some(id)) = (connection, event.correlation_id) {
                    self.memory.requests.insert((connection, id), index);
                    let end = self.memory.written.get(&connection).copied().unwrap_or(0);
                    self.memory.sent.entry(connection).or_default().push((end, index));
                }
            }
            Kind::Open { .. } => {
                self.memory.opens.extend(connection.map(|connection| (connection, index)));
            }
            _ => {}
        }
        if causes_others {
            self.set_current_cause(index, connection);
        }
        index
    }

    /// The call that waits for an operation; forgotten afterwards, so that a second end finds nobody.
    pub(crate) fn take_waiting(&mut self, client: u8, operation: OperationId) -> (Option<u32>, String) {
        match self.memory.waiting.remove(&(client, operation.0)) {
            Some((index, what)) => (Some(index), what),
            None => (None, operation.to_string()),
        }
    }

    /// The call whose limit this timer is.
    fn call_behind(&self, client: u8, timer: Timer) -> Option<u32> {
        let Timer::OperationLimit(limited) = timer else { return None };
        let is_it = |event: &&Arc<Event>| {
            matches!(event.kind, Kind::Call { client: of, operation: Some(operation), .. }
                if (of, operation) == (client, limited))
        };
        self.events().iter().rev().find(is_it).map(|event| event.index)
    }

    /// Whether the newest request on this connection carries a secret.
    pub(crate) fn awaits_a_secret(&self, connection: Connection) -> bool {
        let newest = self.memory.sent.get(&connection).and_then(|sent| sent.last());
        newest.is_some_and(|(_, index)| {
            let kind = &self.events()[*index as usize].kind;
            matches!(kind, Kind::Request { api_key: SASL_AUTHENTICATE, .. })
        })
    }

    /// The request with this correlation id on this connection.
    pub(crate) fn request(&self, connection: Connection, correlation_id: i32) -> Option<u32> {
        self.memory.requests.get(&(connection, correlation_id)).copied()
    }

    /// The request whose bytes lie at this place of the stream to the broker.
    pub(crate) fn request_at(&self, connection: Connection, offset: u64) -> Option<u32> {
        let sent = self.memory.sent.get(&connection)?;
        sent.get(sent.partition_point(|(end, _)| *end <= offset)).map(|(_, index)| *index)
    }

    /// The event that asked for this connection.
    pub(crate) fn open_of(&self, connection: Connection) -> Option<u32> {
        self.memory.opens.get(&connection).copied()
    }
}
