//! The management listener: for probes and Prometheus, not for browsers.

use std::convert::Infallible;

use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::{Method, Request, Response, StatusCode};

use super::{Body, host, text};
use crate::server::Shared;

/// Answers `/livez`, `/readyz` and `/metrics`. Checks the Host header too, or a page could read them by DNS
/// rebinding.
pub(crate) fn answer<B>(request: &Request<B>, shared: &Shared) -> Result<Response<Body>, Infallible> {
    if !host(request).is_some_and(|host| shared.management_hosts.allows(&host)) {
        return Ok(text(
            StatusCode::MISDIRECTED_REQUEST,
            "kafka-bridge: this Host header is not answered here\n",
        ));
    }
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return Ok(text(StatusCode::METHOD_NOT_ALLOWED, "kafka-bridge: read with GET\n"));
    }
    Ok(match request.uri().path() {
        "/livez" => text(StatusCode::OK, "live\n"),
        "/readyz" if shared.stopping.has_begun() => text(StatusCode::SERVICE_UNAVAILABLE, "stopping\n"),
        "/readyz" => text(StatusCode::OK, "ready\n"),
        "/metrics" => {
            let mut response = text(StatusCode::OK, &shared.metrics.prometheus());
            let version = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
            response.headers_mut().insert(CONTENT_TYPE, version);
            response
        }
        _ => text(StatusCode::NOT_FOUND, "kafka-bridge: expected /livez, /readyz or /metrics\n"),
    })
}
