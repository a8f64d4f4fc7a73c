//! Attempts that end at the bridge or never settle, and addresses that come and go: CN15, CN16.

use crate::support::{Dialogue, replies, secs};
use client_core::protocol::{
    ApiVersionsRequest, ErrorCode, MetadataRequest, MetadataResponse, ProduceRequest,
};
use client_core::{
    CloseReason, Completion, ConnectionState, DisconnectCause, Error, Input, LossCause, Status,
};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

/// The bridge's close codes are typed errors; those which may pass are tried again.
#[test]
fn cn15_close_codes_of_the_bridge_are_typed() {
    for (close_code, code, retriable) in [
        (4403, "BRIDGE_TARGET_DENIED", false),
        (4502, "BROKER_REFUSED", true),
        (1006, "BRIDGE_UNREACHABLE", true),
    ] {
        let mut d = Dialogue::consumer("b1");
        let start = d.start();
        d.they_connect("b1");
        d.we_accept("b1");
        d.we_end("b1", DisconnectCause::Bridge { close_code, reason: "why".into() });
        let causes: Vec<_> = d
            .statuses()
            .into_iter()
            .filter_map(|status| match status {
                Status::Reconnecting { cause, .. } => Some(cause),
                _ => None,
            })
            .collect();
        assert_eq!(causes[0].code(), code);
        assert_eq!(causes[0].close_code(), Some(close_code));
        if retriable {
            d.wait(secs(1));
            d.they_connect("b1");
        } else {
            assert_eq!(d.error_code(start.operation), code);
        }
    }
}

/// An attempt that never settles is given up, and cannot come alive later.
#[test]
fn cn16_an_attempt_that_never_settles_times_out() {
    let mut d = Dialogue::consumer_with("b1 b2", |config, _| config.connect_timeout = secs(4));
    let start = d.start();
    let first = d.they_connect("b1");
    d.wait(secs(4));
    assert_eq!(d.they_close("b1"), CloseReason::ConnectTimeout);
    d.they_connect("b2");
    d.input(Input::Connected { connection: first });
    assert_eq!(d.connection_state("b1"), ConnectionState::BackingOff);
    d.we_accept("b2");
    d.serve();
    assert_eq!(d.result(start.operation), Ok(Completion::Done));
    assert!(matches!(
        d.statuses().iter().find(|status| matches!(status, Status::Reconnecting { .. })),
        Some(Status::Reconnecting {
            cause: Error::Connection { cause: LossCause::Local(CloseReason::ConnectTimeout), .. },
            attempt: 1,
            ..
        })
    ));
}

/// A peer that accepts and never speaks is given up as well.
#[test]
fn cn16_a_peer_that_never_speaks_times_out() {
    let mut d = Dialogue::consumer_with("b1 b2", |config, _| config.connect_timeout = secs(4));
    let start = d.start();
    d.they_connect("b1");
    d.we_accept("b1");
    d.they_send::<ApiVersionsRequest>("b1");
    d.wait(secs(4));
    assert_eq!(d.they_close("b1"), CloseReason::ConnectTimeout);
    d.serve();
    assert_eq!(d.result(start.operation), Ok(Completion::Done));
}

/// A broker that metadata no longer names is let go when nothing is in flight any more.
#[test]
fn a_broker_that_is_gone_is_let_go() {
    let mut d = Dialogue::producer_with("b1", |config, _| config.metadata_max_age = secs(10));
    d.cluster = crate::support::cluster::Cluster::new("b1 b2");
    d.cluster.topic("t", &[2]);
    d = d.started();
    d.send("t", "x");
    d.serve();
    let record = d.send("t", "y");
    let asked = d.they_send::<ProduceRequest>("b2");
    d.wait(secs(10));
    let refresh = if d.has_request("b1") { "b1" } else { "b2" };
    let refresh = d.they_send::<MetadataRequest>(refresh);
    d.forget();
    let answer: MetadataResponse = replies::metadata("b1", &[("t", &[1])]);
    if refresh.connection == asked.connection {
        d.we_answer(&asked, replies::produced(&asked.body, ErrorCode::None, 1));
        d.we_answer(&refresh, answer);
    } else {
        d.we_answer(&refresh, answer);
        d.expect_nothing();
        d.we_answer(&asked, replies::produced(&asked.body, ErrorCode::None, 1));
    }
    assert_eq!(d.they_close("b2"), CloseReason::NoLongerNeeded);
    assert_eq!(d.record_offset(record), 1);
}

/// The same address twice in the configuration is one broker.
#[test]
fn an_address_that_is_named_twice_is_one() {
    let mut d =
        Dialogue::consumer_with("b1", |config, _| config.bootstrap = crate::support::addresses("b1 b1 b1"));
    assert_eq!(d.client.inspect().connections().count(), 1);
    let start = d.start();
    d.they_connect("b1");
    d.we_end("b1", DisconnectCause::Bridge { close_code: 4403, reason: String::new() });
    assert_eq!(d.error_code(start.operation), "BRIDGE_TARGET_DENIED");
}

/// What a view shows of a connection that waits for a reply of which half has come.
#[test]
fn a_view_shows_what_is_half_received() {
    let mut d = Dialogue::consumer("b1");
    d.start();
    d.handshake("b1");
    let asked = d.they_send::<MetadataRequest>("b1");
    let bytes = d.encoded(&asked, replies::metadata("b1", &[]));
    d.we_send(asked.connection, bytes[..9].to_vec().into());
    let view = d.view("b1");
    assert_eq!(view.buffer(), bytes[..9]);
    assert_eq!(view.buffer_expects(), Some(bytes.len()));
    assert_eq!(view.in_flight().len(), 1);
    assert_eq!(view.in_flight()[0].api, "Metadata");
}
