//! What a run shows of clients whose broker wants to hear nothing for a while (KIP-219).

use super::{Breach, Law};
use crate::event::{Connection, Event, Kind};
use crate::world::World;
use alloc::collections::BTreeMap;
use alloc::format;
use bytes::Buf;
use client_core::protocol::{ApiKey, Response};
use client_core::time::{Duration, Instant};

/// After a reply that asks for silence, nothing is sent on its connection until that time is over. What authenticates does not
/// count: brokers do not hold it up.
pub(super) fn judge(world: &World, breaches: &mut alloc::vec::Vec<Breach>) {
    const AUTHENTICATION: [i16; 2] = [ApiKey::SaslHandshake.code(), ApiKey::SaslAuthenticate.code()];
    let mut silent: BTreeMap<Connection, Instant> = BTreeMap::new();
    for event in world.events() {
        let Some(connection) = event.connection else { continue };
        if let Kind::Request { api, api_key, .. } = &event.kind
            && let Some(until) = silent.get(&connection).filter(|until| event.at < **until)
            && !AUTHENTICATION.contains(api_key)
        {
            let text =
                format!("{api} is sent on {connection}, whose broker wants to hear nothing before {until}");
            breaches.push(Breach { law: Law::Loud, event: event.index, text });
        } else if let Some(time) = throttle_time(event).filter(|time| !time.is_zero()) {
            let until = silent.entry(connection).or_insert(event.at);
            *until = (*until).max(event.at + time);
        }
    }
}

/// The silence that a reply asks for.
fn throttle_time(event: &Event) -> Option<Duration> {
    let Kind::Response { api_key, api_version, .. } = &event.kind else { return None };
    let mut frame = event.payload.clone().filter(|frame| frame.len() >= 4)?;
    frame.advance(4);
    let (_, response) = Response::decode(ApiKey::try_from(*api_key).ok()?, *api_version, frame).ok()?;
    Some(response.throttle_time(*api_version))
}
