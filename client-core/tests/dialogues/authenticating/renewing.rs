//! Credentials after the start: sessions that end (KIP-368), and credentials that are no longer accepted.

use super::{PASSWORD, fixed, producer, server};
use crate::support::sasl::SaslServer;
use crate::support::{Dialogue, ms, partition, replies, secs};
use client_core::protocol::{ErrorCode, ProduceRequest, SaslAuthenticateRequest, SaslHandshakeRequest};
use client_core::{
    CloseReason, ConnectionState, DisconnectCause, Duration, Instant, LifecycleState, Mechanism, OffsetSpec,
    StartOffset,
};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

/// Credentials that are no longer accepted: whoever waits hears it, and nobody hammers.
#[test]
fn cn9_credentials_may_stop_being_accepted() {
    let mut d = producer("b1", fixed(Mechanism::Plain)).started();
    d.send("t", "first");
    d.serve();
    server(&mut d).password = "changed".into();
    let records = [d.send("t", "x"), d.send("unknown", "y")];
    d.we_end("b1", DisconnectCause::Reset);
    d.serve();
    while d.view("b1").attempts() < 2 {
        d.wait_for_deadline();
        d.serve();
    }
    for record in records {
        assert_eq!(d.record_error(record).code(), "SASL_AUTHENTICATION_FAILED");
    }
    assert!(d.now() < Instant::ZERO + secs(5), "nothing is left to its time limit");
    let partitions =
        d.command(|client, now| client.partitions_for(now, "new-topic", Some(secs(100))).unwrap());
    let began = d.now();
    while d.ended(partitions).is_none() {
        d.wait_for_deadline();
        d.serve();
    }
    assert_eq!(d.error_code(partitions), "SASL_AUTHENTICATION_FAILED");
    assert!(d.now().since(began) < secs(15), "it is not left to its time limit");
    assert_eq!(d.state(), LifecycleState::Started, "the client itself goes on");

    let before = d.connects();
    let minute = d.now() + secs(60);
    while d.now() < minute {
        d.wait(ms(100));
        d.serve();
    }
    let attempts = d.connects() - before;
    assert!((4..=20).contains(&attempts), "{attempts} attempts in a minute");

    server(&mut d).password = PASSWORD.into();
    for _ in 0..20 {
        d.wait(secs(1));
        d.serve();
    }
    let record = d.send("t", "y");
    d.serve();
    assert!(d.record_offset(record) > 0, "and it recovers by itself");
}

/// KIP-368: the client authenticates again before the session ends, on the same connection: what is in flight is answered first,
/// nothing new goes out meanwhile, and nothing is lost.
#[test]
fn sessions_are_renewed() {
    let mut d = producer("b1", fixed(Mechanism::ScramSha256));
    server(&mut d).lifetime = 100_000;
    d = d.started();
    let connection = d.connection("b1");
    d.send("t", "first");
    d.serve();
    d.wait(secs(80));
    let early = d.send("t", "in flight");
    let produce = d.they_send::<ProduceRequest>("b1");
    d.wait(secs(15) - ms(1));
    d.expect_nothing();
    assert_eq!(d.connection_state("b1"), ConnectionState::Ready, "nobody is woken for that");
    d.wait(ms(1));
    let late = d.send("t", "waits");
    assert_eq!(d.connection_state("b1"), ConnectionState::Authenticating);
    let handshake = d.they_send::<SaslHandshakeRequest>("b1");
    d.expect_nothing();
    d.we_answer(&produce, replies::produced(&produce.body, ErrorCode::None, 1));
    assert_eq!(d.record_offset(early), 1, "what was in flight is answered first");
    let later = d.send("t", "waits, too");
    d.expect_nothing();
    let response = server(&mut d).handshake("b1", &handshake.body);
    d.we_answer(&handshake, response);
    assert!(d.next_is::<SaslAuthenticateRequest>("b1"));
    d.cluster.log("t", 0).write(&["in flight"]);
    d.cluster.accept_next_sequence("t", 0, 2);
    d.serve();
    assert_eq!((d.record_offset(late), d.record_offset(later)), (2, 3));
    assert_eq!(d.connection("b1"), connection, "on the same connection");
    let ready = d.view("b1");
    assert_eq!((ready.state(), ready.attempts()), (ConnectionState::Ready, 0));

    // And again, and again.
    for _ in 0..5 {
        d.forget();
        d.wait(secs(96));
        d.send("t", "x");
        assert!(d.next_is::<SaslHandshakeRequest>("b1"));
        d.serve();
        assert_eq!(d.connection("b1"), connection);
    }
}

/// The renewal comes after 85 to 95 percent of the session, not always at the same moment.
#[test]
fn renewals_are_spread() {
    let mut moments = std::collections::BTreeSet::new();
    for number in 1..=12 {
        let hosts: Vec<String> = (1..=number).map(|index| format!("b{index}")).collect();
        let mut d = producer(&hosts.join(" "), fixed(Mechanism::Plain));
        server(&mut d).lifetime = 1_000_000;
        d.cluster.topic("t", &[number]);
        d = d.started();
        let host = format!("b{number}");
        d.send("t", "x");
        d.serve();
        let began = d.now();
        let mut renewed = None;
        for _ in 0..1_000 {
            d.wait(secs(1));
            d.send("t", "x");
            if d.has_request(&host) && d.next_is::<SaslHandshakeRequest>(&host) {
                renewed = Some(d.now().since(began));
                break;
            }
            d.serve();
        }
        let after = renewed.expect("renewed before the session ends");
        assert!((secs(849)..=secs(951)).contains(&after), "{after:?}");
        moments.insert(after);
    }
    assert!(moments.len() > 3, "{moments:?}");
}

/// A renewal that fails ends the connection with its reason; what waited hears it; the next request tries anew.
#[test]
fn a_renewal_may_fail() {
    let mut d = producer("b1", fixed(Mechanism::Plain));
    server(&mut d).lifetime = 100_000;
    d = d.started();
    d.send("t", "first");
    d.serve();
    d.wait(secs(96));
    d.forget();
    server(&mut d).password = "changed".into();
    let record = d.send("t", "x");
    d.serve();
    assert_eq!(d.record_error(record).code(), "SASL_AUTHENTICATION_FAILED");
    assert!(matches!(d.they_close("b1"), CloseReason::AuthenticationFailed(_)));
    assert_eq!(d.state(), LifecycleState::Started);
    server(&mut d).password = PASSWORD.into();
    let record = d.send("t", "y");
    for _ in 0..10 {
        d.wait(secs(1));
        d.serve();
    }
    assert_eq!(d.record_offset(record), 1);
}

/// A consumer's application hears that its credentials are not accepted any more, and so does who looks offsets up.
#[test]
fn as9_consumers_hear_of_refused_credentials() {
    let mut d = Dialogue::consumer_with("b1", |config, _| config.sasl = Some(fixed(Mechanism::Plain)));
    d.cluster.sasl = Some(SaslServer::new());
    d.cluster.topic("t", &[1]);
    d = d.started();
    let name = partition("t", 0);
    d.command(|client, now| {
        let wanted = [(name.clone(), StartOffset::Earliest)];
        client.consumer(now).unwrap().assign(&wanted).unwrap();
    });
    d.serve();
    server(&mut d).password = "changed".into();
    d.lose_everything();
    let looked_up = d.command(|client, now| {
        client.consumer(now).unwrap().list_offsets(&[(name.clone(), OffsetSpec::Latest)], None).unwrap()
    });
    d.serve();
    while d.partition_errors().is_empty() {
        d.wait_for_deadline();
        d.serve();
    }
    let (concerned, error) = d.partition_errors().remove(0);
    assert_eq!((concerned, error.code()), (name, "SASL_AUTHENTICATION_FAILED"));
    assert_eq!(d.error_code(looked_up), "SASL_AUTHENTICATION_FAILED");
    server(&mut d).password = PASSWORD.into();
    d.cluster.log("t", 0).write(&["a"]);
    for _ in 0..30 {
        d.wait(secs(1));
        d.serve();
    }
    let taken = d.command(|client, now| client.consumer(now).unwrap().take());
    assert!(taken.is_some(), "and it recovers by itself");
}

/// A renewal that is never answered ends with the connection, as any silence does.
#[test]
fn a_renewal_may_hang() {
    let mut d = producer("b1", fixed(Mechanism::Plain));
    server(&mut d).lifetime = 100_000;
    d = d.started();
    d.send("t", "first");
    d.serve();
    d.wait(secs(96));
    let record = d.send("t", "x");
    d.they_send::<SaslHandshakeRequest>("b1");
    d.wait(secs(31));
    assert_eq!(d.they_close("b1"), CloseReason::AuthenticationTimeout { waited_for: "SaslHandshake" });
    for _ in 0..5 {
        d.wait(secs(1));
        d.serve();
    }
    assert_eq!(d.record_offset(record), 1, "what waited goes out on the next connection");
}

/// With an unused connection nobody is woken when its session ends (LC11), and the next use renews it.
#[test]
fn lc11_an_unused_session_is_left_alone() {
    let mut d = Dialogue::consumer_with("b1", |config, _| {
        config.sasl = Some(fixed(Mechanism::Plain));
        config.metadata_max_age = Duration::from_secs(100_000);
        config.connections_max_idle = Duration::from_secs(100_000);
    });
    d.cluster.sasl = Some(SaslServer::new());
    server(&mut d).lifetime = 10_000;
    d = d.started();
    assert_eq!(d.wait(secs(5_000)), 0);
    d.command(|client, now| client.partitions_for(now, "t", None).unwrap());
    assert!(d.next_is::<SaslHandshakeRequest>("b1"));
    d.serve();
    assert_eq!(d.connection_state("b1"), ConnectionState::Ready);
}
