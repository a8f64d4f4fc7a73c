//! The HTTP half of the listeners: who may ask at all, static files, and the upgrade.

mod files;
mod management;
mod stall;

use std::convert::Infallible;
use std::io;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::header::{
    CONNECTION, CONTENT_TYPE, HOST, HeaderMap, HeaderValue, ORIGIN, SEC_WEBSOCKET_ACCEPT,
    SEC_WEBSOCKET_PROTOCOL, SEC_WEBSOCKET_VERSION, UPGRADE, X_CONTENT_TYPE_OPTIONS,
};
use hyper::upgrade::OnUpgrade;
use hyper::{Request, Response, StatusCode};

pub(crate) use files::Files;
pub(crate) use management::answer as answer_management;
pub(crate) use stall::StallGuard;

use crate::close::CloseCause;
use crate::policy::{Destination, OriginVerdict, Slot, check_token};
use crate::server::Shared;
use crate::session::Admission;
use crate::websocket::{Handshake, HandshakeProblem, PROTOCOL};

/// Where WebSockets are.
const TCP_PATH: &str = "/v1/tcp";

pub(crate) type Body = BoxBody<Bytes, io::Error>;

/// What a connection turned into when its request was answered with 101.
pub(crate) struct Upgrade {
    pub(crate) socket: OnUpgrade,
    pub(crate) admission: Admission,
}

/// Where the service leaves the upgrade for the task that owns the connection.
pub(crate) type UpgradePlace = Arc<Mutex<Option<Upgrade>>>;

/// Answers one request of a client.
pub(crate) async fn answer(
    mut request: Request<Incoming>,
    client: IpAddr,
    shared: Arc<Shared>,
    place: UpgradePlace,
) -> Result<Response<Body>, Infallible> {
    let host = match host(&request) {
        Some(host) if shared.hosts.allows(&host) => host,
        _ => return Ok(refused(&shared, client, Refusal::Host)),
    };
    if request.uri().path() != TCP_PATH {
        return Ok(match &shared.files {
            Some(files) => files.answer(&request, shared.log).await,
            None => text(
                StatusCode::NOT_FOUND,
                "kafka-bridge: nothing here; WebSockets are at /v1/tcp?target=HOST:PORT\n",
            ),
        });
    }
    let origin = match origin(request.headers()) {
        Ok(origin) => origin,
        Err(refusal) => return Ok(refused(&shared, client, refusal)),
    };
    let origin = shared.origins.check(origin, &host);
    if origin == OriginVerdict::Refused {
        return Ok(refused(&shared, client, Refusal::Origin));
    }
    let handshake = match Handshake::read(&request) {
        Ok(handshake) => handshake,
        Err(problem) => return Ok(refused(&shared, client, Refusal::Handshake(problem))),
    };

    let target = query_value(request.uri().query().unwrap_or_default(), "target");
    let verdict = admit(&shared, client, origin, &handshake, &target);
    let target = target.ok().flatten().unwrap_or_default();
    let admission = Admission { id: shared.next_id(), client, target, verdict };
    let upgrade = Upgrade { socket: hyper::upgrade::on(&mut request), admission };
    *place.lock().unwrap_or_else(PoisonError::into_inner) = Some(upgrade);
    Ok(switching_protocols(&handshake))
}

/// Policy after the handshake: its refusals are close codes.
fn admit(
    shared: &Arc<Shared>,
    client: IpAddr,
    origin: OriginVerdict,
    handshake: &Handshake,
    target: &Result<Option<String>, &'static str>,
) -> Result<(Destination, Slot), CloseCause> {
    check_token(shared.token.as_ref(), shared.config.require_token, origin, &handshake.bearers)?;
    let target = target.as_ref().map_err(|problem| CloseCause::BadTarget { problem })?;
    let destination = shared.targets.find(target.as_deref())?;
    let slot = shared.limits.take(client)?;
    Ok((destination, slot))
}

/// Why a request is answered with an HTTP error: what no honest page runs into.
#[derive(Debug)]
enum Refusal {
    Host,
    Origin,
    Handshake(HandshakeProblem),
}

fn refused(shared: &Shared, client: IpAddr, refusal: Refusal) -> Response<Body> {
    let (status, reason, explanation) = match refusal {
        Refusal::Host => (
            StatusCode::MISDIRECTED_REQUEST,
            "host",
            "this Host header is not answered; add it with --host when it is the bridge's own name",
        ),
        Refusal::Origin => (
            StatusCode::FORBIDDEN,
            "origin",
            "pages of this origin may not connect; allow them with --origin",
        ),
        Refusal::Handshake(HandshakeProblem::NotAnUpgrade) => {
            (StatusCode::UPGRADE_REQUIRED, "handshake", "expected a WebSocket upgrade, version 13")
        }
        Refusal::Handshake(HandshakeProblem::Malformed(problem)) => {
            (StatusCode::BAD_REQUEST, "handshake", problem)
        }
    };
    shared.metrics.request_refused(reason);
    shared.log.info(
        "request-refused",
        &[("client", &client), ("status", &status.as_u16()), ("reason", &explanation)],
    );
    let mut response = text(status, &format!("kafka-bridge: {explanation}\n"));
    if status == StatusCode::UPGRADE_REQUIRED {
        response.headers_mut().insert(UPGRADE, HeaderValue::from_static("websocket"));
        response.headers_mut().insert(SEC_WEBSOCKET_VERSION, HeaderValue::from_static("13"));
    }
    response
}

fn switching_protocols(handshake: &Handshake) -> Response<Body> {
    let mut response = Response::new(empty());
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let headers = response.headers_mut();
    headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
    headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
    let accept_key = HeaderValue::from_str(&handshake.accept_key).expect("base64 is a header value");
    headers.insert(SEC_WEBSOCKET_ACCEPT, accept_key);
    if handshake.echo_protocol {
        headers.insert(SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(PROTOCOL));
    }
    response
}

/// The one host the request is for. A request line with another host than the header is for nobody.
fn host<B>(request: &Request<B>) -> Option<String> {
    let mut lines = request.headers().get_all(HOST).iter();
    let (Some(line), None) = (lines.next(), lines.next()) else { return None };
    let host = line.to_str().ok()?;
    match request.uri().authority() {
        Some(authority) if authority.as_str() != host => None,
        _ => Some(host.to_owned()),
    }
}

/// The one origin the request comes from, if it names any.
fn origin(headers: &HeaderMap) -> Result<Option<&str>, Refusal> {
    let mut lines = headers.get_all(ORIGIN).iter();
    match (lines.next(), lines.next()) {
        (None, _) => Ok(None),
        (Some(line), None) => line.to_str().map(Some).map_err(|_not_ascii| Refusal::Origin),
        (Some(_), Some(_)) => Err(Refusal::Origin),
    }
}

/// The value of a query parameter, or the word for a close reason when it is there but cannot be read.
fn query_value(query: &str, name: &str) -> Result<Option<String>, &'static str> {
    let mut values = query.split('&').filter_map(|pair| pair.split_once('=')).filter(|(key, _)| *key == name);
    match (values.next(), values.next()) {
        (None, _) => Ok(None),
        (Some((_, value)), None) => percent_decoded(value).map(Some).ok_or("not-percent-encoded"),
        (Some(_), Some(_)) => Err("given-twice"),
    }
}

/// Undoes percent-encoding; `None` when that is broken or gives no UTF-8.
fn percent_decoded(text: &str) -> Option<String> {
    let mut bytes = text.bytes();
    let mut decoded = Vec::with_capacity(text.len());
    while let Some(byte) = bytes.next() {
        decoded.push(match byte {
            b'%' => {
                let high = char::from(bytes.next()?).to_digit(16)?;
                let low = char::from(bytes.next()?).to_digit(16)?;
                u8::try_from(high * 16 + low).ok()?
            }
            byte => byte,
        });
    }
    String::from_utf8(decoded).ok()
}

fn text(status: StatusCode, message: &str) -> Response<Body> {
    let mut response = Response::new(full(message.to_owned()));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

fn full(content: impl Into<Bytes>) -> Body {
    Full::new(content.into()).map_err(|never| match never {}).boxed()
}

fn empty() -> Body {
    full(Bytes::new())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_target_is_percent_decoded_once() {
        let target = |query| query_value(query, "target");
        assert_eq!(target(""), Ok(None));
        assert_eq!(target("target=b1%3A9092"), Ok(Some("b1:9092".to_owned())));
        assert_eq!(target("x=1&target=%5B%3A%3A1%5D:9"), Ok(Some("[::1]:9".to_owned())));
        assert_eq!(target("target=%253A"), Ok(Some("%3A".to_owned())));
        assert_eq!(target("target=%3"), Err("not-percent-encoded"));
        assert_eq!(target("target=%ff"), Err("not-percent-encoded"));
        assert_eq!(target("target=a:1&target=b:1"), Err("given-twice"));
    }
}
