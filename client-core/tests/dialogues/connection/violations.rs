//! A broker that breaks the protocol: CN5, CN6.

use crate::support::{Dialogue, replies, secs};
use client_core::protocol::{InitProducerIdRequest, MetadataRequest, ProduceRequest};
use client_core::{CloseReason, Status};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

/// Bytes that break the protocol on a ready connection, with a produce request in flight, close that connection and name the cause.
/// The record is sent again, since a garbled reply says nothing about it.
#[track_caller]
fn check_violation(problem: &str, bytes: impl FnOnce(i32) -> Vec<u8>) {
    let mut d = Dialogue::producer("b1");
    d.cluster.topic("t", &[1]);
    d = d.started();
    let record = d.send("t", "x");
    d.serve_one();
    let asked = d.they_send::<ProduceRequest>("b1");
    d.forget();
    d.we_send(asked.connection, bytes(asked.correlation_id).into());
    let CloseReason::ProtocolViolation(text) = d.they_close("b1") else { panic!("a violation") };
    assert!(text.contains(problem), "{text}");
    assert_eq!(d.record(record), None);
    assert!(d.statuses().iter().any(
        |status| matches!(status, Status::Reconnecting { cause, .. } if cause.code() == "MALFORMED_REPLY")
    ));
    d.wait(secs(2));
    d.serve();
    assert_eq!(d.record_offset(record), 0);
}

/// A size that cannot be is refused before anything is allocated.
#[test]
fn cn5_impossible_sizes_close_the_connection() {
    check_violation("-1", |_| vec![0xff; 4]);
    check_violation("2147483647", |_| i32::MAX.to_be_bytes().to_vec());
    check_violation("1213486160", |_| b"HTTP/1.1 400 Bad Request".to_vec());
}

/// An unknown number, a reply that nobody asked for, one that cannot be read.
#[test]
fn cn6_replies_that_make_no_sense_close_the_connection() {
    let frame = |body: &[u8]| [&(body.len() as i32).to_be_bytes()[..], body].concat();
    check_violation("expected a reply with correlation id", |_| frame(&[0, 0, 9, 9]));
    check_violation("expected a reply with correlation id", |asked| frame(&(asked - 1).to_be_bytes()));
    check_violation("cannot be decoded", |asked| frame(&asked.to_be_bytes()));
    check_violation("header", |_| frame(&[1, 2]));
    check_violation("header", |_| frame(&[]));

    let mut d = Dialogue::producer("b1").started();
    let connection = d.connection("b1");
    d.we_send(connection, frame(&[0, 0, 0, 3]).into());
    let CloseReason::ProtocolViolation(text) = d.they_close("b1") else { panic!("a violation") };
    assert!(text.contains("expected nothing"), "{text}");
}

/// Replies in another order than their requests.
#[test]
fn cn6_replies_out_of_order_close_the_connection() {
    let mut d = Dialogue::producer("b1");
    d.start();
    d.handshake("b1");
    d.they_send::<MetadataRequest>("b1");
    let second = d.they_send::<InitProducerIdRequest>("b1");
    d.we_answer(&second, replies::producer_id(7));
    assert!(matches!(d.they_close("b1"), CloseReason::ProtocolViolation(_)));
}
