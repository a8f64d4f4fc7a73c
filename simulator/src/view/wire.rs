//! A message's bytes, and what the client's own decoder reads in them.

use crate::event::{Event, Kind};
use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use bytes::Bytes;
use client_core::protocol::{ApiKey, Request, Response, SizePrefix, Spans};

/// A message taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wire {
    /// What it is: `Metadata request v13 #2`.
    pub title: String,
    /// All its bytes, the size field included.
    pub bytes: Bytes,
    /// What each of them means; why decoding stopped, if it did.
    pub spans: Spans,
}

/// The message of an event: a request, a reply, or a response. `None` for events that carry none, and for bytes that
/// answer no known request.
#[must_use]
pub fn wire(event: &Event) -> Option<Wire> {
    let bytes = event.payload.clone()?;
    let number = event.correlation_id.map(|id| format!(" #{id}")).unwrap_or_default();
    let (what, api, version, spans) = match &event.kind {
        Kind::Request { api, api_version, .. } => {
            ("request", *api, *api_version, Request::spans(bytes.clone(), SizePrefix::Included))
        }
        Kind::Reply { api: Some(api), api_key, api_version, .. }
        | Kind::Response { api, api_key, api_version } => {
            let key = ApiKey::try_from(*api_key).ok()?;
            (
                "reply",
                *api,
                *api_version,
                Response::spans(key, *api_version, bytes.clone(), SizePrefix::Included),
            )
        }
        _ => return None,
    };
    Some(Wire { title: format!("{api} {what} v{version}{number}"), bytes, spans })
}

/// The message that a delivery belongs to: the index of the event that sent its first byte.
#[must_use]
pub fn message_of(events: &[Arc<Event>], delivery: &Event) -> Option<u32> {
    match delivery.kind {
        Kind::Deliver { .. } => delivery.cause.filter(|cause| (*cause as usize) < events.len()),
        _ => None,
    }
}
