//! Rules about bytes, requests and replies.

use super::{Bounds, Finding, RuleId};
use crate::event::{Actor, Connection, Event, Kind, MachineKind};
use crate::view::buffer::buffers;
use alloc::collections::{BTreeMap, BTreeSet, VecDeque};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use bytes::Buf;
use client_core::protocol::{ApiKey, Response};

/// I6.
pub(super) fn bytes_belong_to_their_connection(events: &[Arc<Event>]) -> Finding {
    let mut finding = Finding::new(RuleId::I6);
    let mut frames: alloc::vec::Vec<_> =
        buffers(events, events.len()).into_iter().flat_map(|buffer| buffer.frames).collect();
    frames.sort_by_key(|frame| frame.event);
    for frame in frames {
        finding.exercise(frame.event);
        let foreign = frame.foreign();
        if foreign > 0 {
            finding.fail(frame.event, || {
                let connection = frame.connection;
                format!(
                    "{foreign} of {} bytes parsed on {connection} came on another connection",
                    frame.cells.len()
                )
            });
        }
    }
    // A size that is refused takes no frame out, but was read all the same.
    for event in events {
        if !matches!(event.kind, Kind::Violation { .. }) {
            continue;
        }
        let Some(connection) = event.connection else { continue };
        let before = buffers(events, event.index as usize);
        let buffer = before
            .iter()
            .find(|buffer| (buffer.client, buffer.broker) == (connection.client, connection.broker()));
        let foreign = buffer.map_or(0, |buffer| {
            buffer.cells.iter().take(4).filter(|cell| cell.connection != connection).count()
        });
        if foreign > 0 && finding.broken.as_ref().is_none_or(|(at, _)| *at > event.index) {
            finding.exercise(event.index);
            finding.broken = Some((
                event.index,
                format!("{foreign} bytes of the size read on {connection} came on another connection"),
            ));
        }
    }
    finding
}

/// Requests in flight by connection, oldest first: correlation id and name.
type InFlight = BTreeMap<Connection, VecDeque<(i32, &'static str)>>;

fn note_request(in_flight: &mut InFlight, event: &Event) {
    if let (Kind::Request { api, expects_reply: true, .. }, Some(connection), Some(id)) =
        (&event.kind, event.connection, event.correlation_id)
    {
        in_flight.entry(connection).or_default().push_back((id, api));
    }
}

/// I7.
pub(super) fn replies_match_the_oldest_request(events: &[Arc<Event>]) -> Finding {
    let mut finding = Finding::new(RuleId::I7);
    let mut in_flight = InFlight::new();
    for event in events {
        note_request(&mut in_flight, event);
        let (Kind::Response { api, .. }, Some(connection)) = (&event.kind, event.connection) else {
            continue;
        };
        finding.exercise(event.index);
        let oldest = in_flight.entry(connection).or_default().pop_front();
        let found = event.correlation_id.map(|id| (id, *api));
        if oldest != found {
            let oldest = oldest.map_or_else(|| "no request".to_string(), |(id, api)| format!("{api} #{id}"));
            finding.fail(event.index, || {
                format!(
                    "a reply to {api} #{} was matched while {oldest} was the oldest",
                    event.correlation_id.unwrap_or(-1)
                )
            });
        }
    }
    finding
}

/// I9.
pub(super) fn requests_fail_in_order(events: &[Arc<Event>], finished: bool) -> Finding {
    let mut finding = Finding::new(RuleId::I9);
    let mut in_flight = InFlight::new();
    let mut ended: BTreeSet<Connection> = BTreeSet::new();
    // A reply that turns out to be unreadable fails its request after having been matched to it.
    let mut answered: BTreeMap<Connection, Option<i32>> = BTreeMap::new();
    for event in events {
        note_request(&mut in_flight, event);
        let Some(connection) = event.connection else { continue };
        match &event.kind {
            Kind::Close { .. } => {
                ended.insert(connection);
            }
            Kind::RequestFailed { api, .. } => {
                finding.exercise(event.index);
                let requests = in_flight.entry(connection).or_default();
                let place = requests.iter().position(|(id, _)| Some(*id) == event.correlation_id);
                match place {
                    Some(place) => {
                        requests.remove(place);
                        if place > 0 {
                            finding
                                .fail(event.index, || format!("{api} fails before {place} older requests"));
                        }
                    }
                    None if answered.get(&connection).copied().flatten() == event.correlation_id => {}
                    None => finding.fail(event.index, || format!("{api} fails, and was not in flight")),
                }
            }
            Kind::Response { .. } => {
                in_flight.entry(connection).or_default().pop_front();
                answered.insert(connection, event.correlation_id);
            }
            // A message is an answer before it is known whether it can be matched to a request.
            Kind::FrameTaken { .. } => {
                let old = in_flight.iter().find(|(other, requests)| {
                    (other.client, other.broker()) == (connection.client, connection.broker())
                        && other.generation() < connection.generation()
                        && ended.contains(*other)
                        && !requests.is_empty()
                });
                if let Some((old, _)) = old {
                    finding.fail(event.index, || {
                        format!("{connection} answers while requests of {old} have not ended")
                    });
                }
            }
            _ => {}
        }
    }
    if let (true, Some(last)) = (finished, events.last()) {
        for connection in ended {
            if in_flight.get(&connection).is_some_and(|requests| !requests.is_empty()) {
                finding.fail(last.index, || format!("requests of {connection} never ended"));
            }
        }
    }
    finding
}

/// I12.
pub(super) fn no_group_traffic_with_assign(events: &[Arc<Event>]) -> Finding {
    /// `JoinGroup`, `Heartbeat`, `SyncGroup`, `ConsumerGroupHeartbeat`.
    const GROUP_APIS: [i16; 4] = [11, 12, 14, 68];
    let mut finding = Finding::new(RuleId::I12);
    let mut assigned = false;
    for event in events {
        match &event.kind {
            Kind::Call { call, .. } if call.starts_with("assign(") => assigned = true,
            Kind::Request { api, api_key, .. } if assigned => {
                finding.exercise(event.index);
                if GROUP_APIS.contains(api_key) {
                    finding.fail(event.index, || {
                        format!("{api} is sent though partitions were assigned by hand")
                    });
                }
            }
            _ => {}
        }
    }
    finding
}

/// I13.
pub(super) fn buffer_limit(events: &[Arc<Event>], bounds: &Bounds) -> Finding {
    let mut finding = Finding::new(RuleId::I13);
    for event in events {
        match &event.kind {
            Kind::Buffered { count, buffered } => {
                finding.exercise(event.index);
                // One unfinished message with its size field, and the delivery that brought its end.
                let most = bounds.frame_size_max + 4 + u64::from(*count);
                if u64::from(*buffered) > most {
                    finding.fail(event.index, || format!("the buffer holds {buffered} bytes"));
                }
            }
            Kind::FrameTaken { count } if u64::from(*count) > bounds.frame_size_max + 4 => {
                finding.fail(event.index, || format!("a message of {count} bytes was accepted"));
            }
            _ => {}
        }
    }
    finding
}

/// I14.
pub(super) fn only_known_brokers(events: &[Arc<Event>]) -> Finding {
    let mut finding = Finding::new(RuleId::I14);
    let mut configured: BTreeMap<Actor, BTreeSet<String>> = BTreeMap::new();
    let mut newest: BTreeMap<Actor, BTreeSet<String>> = BTreeMap::new();
    for event in events {
        match &event.kind {
            // Before the first metadata only configured addresses are known.
            Kind::BrokerNamed { address, node: None, .. } if !newest.contains_key(&event.actor) => {
                configured.entry(event.actor).or_default().insert(address.clone());
            }
            Kind::State { machine: MachineKind::Lifecycle, to: "Idle", .. } => {
                newest.remove(&event.actor);
            }
            Kind::Response { api_key, api_version, .. } if *api_key == ApiKey::Metadata.code() => {
                if let Some(addresses) =
                    addresses(event, *api_version).filter(|addresses| !addresses.is_empty())
                {
                    newest.insert(event.actor, addresses);
                }
            }
            Kind::Open { address, .. } => {
                let Some(newest) = newest.get(&event.actor) else { continue };
                finding.exercise(event.index);
                let known = newest.contains(address)
                    || configured.get(&event.actor).is_some_and(|configured| configured.contains(address));
                if !known {
                    finding.fail(event.index, || {
                        format!("{address} is neither configured nor in the newest metadata")
                    });
                }
            }
            _ => {}
        }
    }
    finding
}

/// The brokers' addresses in a metadata reply; `None` if it cannot be read, which is another rule's business.
fn addresses(event: &Event, version: i16) -> Option<BTreeSet<String>> {
    let mut frame = event.payload.clone()?;
    if frame.len() < 4 {
        return None;
    }
    frame.advance(4);
    match Response::decode(ApiKey::Metadata, version, frame).ok()? {
        (_, Response::Metadata(metadata)) => {
            Some(metadata.brokers.iter().map(|broker| format!("{}:{}", broker.host, broker.port)).collect())
        }
        _ => None,
    }
}
