//! Credentials that the application is asked for, and some that cannot be used.

use super::{PASSWORD, fixed, negotiated, producer, provide, sasl};
use crate::support::secs;
use client_core::{
    AuthenticationFailure, AuthenticationPhase, Completion, CredentialSource, Credentials, DisconnectCause,
    Event, Instant, LifecycleState, Mechanism, Sasl,
};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

/// The application is asked once a connection; its answer goes on at once.
#[test]
fn credentials_are_asked_for() {
    let mut d = producer("b1", sasl(Mechanism::ScramSha256, CredentialSource::Asked));
    let start = d.start();
    negotiated(&mut d, "b1");
    let connection = d.connection("b1");
    let needed = Event::CredentialsNeeded { connection, mechanism: Mechanism::ScramSha256 };
    assert_eq!(d.events().iter().filter(|event| **event == needed).count(), 1);
    assert_eq!(d.view("b1").authentication_phase(), Some(AuthenticationPhase::AwaitingCredentials));
    d.expect_nothing();
    d.wait(secs(20));
    provide(&mut d, connection, Ok(Credentials::password("alice", PASSWORD)));
    assert_eq!(d.view("b1").authentication_phase(), Some(AuthenticationPhase::AwaitingHandshake));
    provide(&mut d, connection, Ok(Credentials::password("alice", "twice")));
    assert_eq!(d.client.inspect().counters().stale_inputs, 1, "asked once, answered once");
    d.serve();
    assert_eq!(d.result(start.operation), Ok(Completion::Done));
}

/// An answer for an older connection is not taken for the newer one's.
#[test]
fn cn2_an_answer_for_an_old_connection_is_ignored() {
    let mut d = producer("b1", sasl(Mechanism::Plain, CredentialSource::Asked));
    let start = d.start();
    negotiated(&mut d, "b1");
    let old = d.connection("b1");
    d.we_end("b1", DisconnectCause::Reset);
    d.wait(secs(1));
    negotiated(&mut d, "b1");
    provide(&mut d, old, Ok(Credentials::password("alice", PASSWORD)));
    assert_eq!(d.view("b1").authentication_phase(), Some(AuthenticationPhase::AwaitingCredentials));
    d.expect_nothing();
    let new = d.connection("b1");
    provide(&mut d, new, Ok(Credentials::password("alice", PASSWORD)));
    d.serve();
    assert_eq!(d.result(start.operation), Ok(Completion::Done));
}

/// An application without credentials ends the start, and so do credentials that cannot be sent.
#[test]
fn no_credentials_end_the_start() {
    let answers = [
        (Err("the login page was closed"), "the login page was closed"),
        (Ok(Credentials::password("", "x")), "the user name is empty"),
        (Ok(Credentials::token("abc")), "a token is for OAUTHBEARER"),
    ];
    for (credentials, hint) in answers {
        let mut d = producer("b1", sasl(Mechanism::Plain, CredentialSource::Asked));
        let start = d.start();
        negotiated(&mut d, "b1");
        let connection = d.connection("b1");
        provide(&mut d, connection, credentials);
        let error = d.result(start.operation).unwrap_err();
        assert_eq!((error.code(), error.retriable(), error.errno()), ("NO_CREDENTIALS", false, None));
        assert!(error.to_string().contains(hint), "{error}");
        let failure = error.authentication().unwrap();
        assert!(matches!(failure, AuthenticationFailure::NoCredentials(_)));
        assert_eq!(d.state(), LifecycleState::Idle);
    }
}

/// Settings that cannot work are refused before anything is opened.
#[test]
fn unusable_credentials_are_refused_at_construction() {
    let credentials = CredentialSource::Fixed(Credentials::password("alice", ""));
    let mut config = client_core::Config::new(
        "test",
        crate::support::addresses("b1"),
        client_core::Role::Consumer(Default::default()),
    );
    config.sasl = Some(sasl(Mechanism::Plain, credentials));
    let error = client_core::Client::new(&config, 1, Instant::ZERO).unwrap_err();
    assert_eq!(error.to_string(), "sasl (options): the password is empty");
    config.sasl = Some(Sasl { entropy: None, ..fixed(Mechanism::ScramSha512) });
    let error = client_core::Client::new(&config, 1, Instant::ZERO).unwrap_err();
    assert_eq!(error.to_string(), "sasl (options): SCRAM needs entropy, which the driver has to give");
}
