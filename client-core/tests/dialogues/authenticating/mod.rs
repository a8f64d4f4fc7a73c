//! Saying who this client is: SASL on a connection, and its renewal (KIP-368).

mod asked;
mod renewing;
mod secrets;

use crate::support::sasl::SaslServer;
use crate::support::{Delivering, Dialogue, replies, secs};
use bytes::Bytes;
use client_core::protocol::{
    ApiKey, ApiVersionsRequest, ErrorCode, InitProducerIdRequest, MetadataRequest, SaslAuthenticateRequest,
    SaslAuthenticateResponse, SaslHandshakeRequest, SaslHandshakeResponse,
};
use client_core::{
    AuthenticationPhase, Blame, CloseReason, Completion, ConnectionId, ConnectionState, CredentialSource,
    Credentials, Entropy, Error, Event, LifecycleState, Mechanism, Sasl, Status, TraceKind,
};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

const PASSWORD: &str = "secret-4711";
const TOKEN: &str = "token-4711";

fn sasl(mechanism: Mechanism, credentials: CredentialSource) -> Sasl {
    Sasl { mechanism, credentials, entropy: Some(Entropy([5; 32])) }
}

fn fixed(mechanism: Mechanism) -> Sasl {
    let credentials = match mechanism {
        Mechanism::OauthBearer => Credentials::token(TOKEN),
        _ => Credentials::password("alice", PASSWORD),
    };
    sasl(mechanism, CredentialSource::Fixed(credentials))
}

/// A producer, and a cluster that asks who it is.
fn producer(hosts: &str, sasl: Sasl) -> Dialogue {
    let mut d = Dialogue::producer_with(hosts, |config, _| {
        config.sasl = Some(sasl);
        config.metadata_max_age = secs(100_000);
    });
    d.cluster.sasl = Some(SaslServer::new());
    d.cluster.topic("t", &[1]);
    d
}

fn server(d: &mut Dialogue) -> &mut SaslServer {
    d.cluster.sasl.as_mut().unwrap()
}

/// Up to the moment at which the broker says which versions it speaks.
fn negotiated(d: &mut Dialogue, host: &str) {
    d.they_connect(host);
    d.we_accept(host);
    let asked = d.they_send::<ApiVersionsRequest>(host);
    d.we_answer(&asked, replies::versions());
    assert_eq!(d.connection_state(host), ConnectionState::Authenticating);
}

fn answer(bytes: &'static [u8], lifetime: i64) -> SaslAuthenticateResponse {
    SaslAuthenticateResponse {
        auth_bytes: Bytes::from_static(bytes),
        session_lifetime_ms: lifetime,
        ..Default::default()
    }
}

fn refusal(code: ErrorCode, said: &str) -> SaslAuthenticateResponse {
    let error_message = Some(said).filter(|text| !text.is_empty()).map(String::from);
    SaslAuthenticateResponse { error_code: code.code(), error_message, ..Default::default() }
}

/// The connection that asks for credentials.
fn asked_for(d: &Dialogue) -> Option<ConnectionId> {
    d.events().iter().rev().find_map(|event| match event {
        Event::CredentialsNeeded { connection, .. } => Some(*connection),
        _ => None,
    })
}

fn provide(d: &mut Dialogue, connection: ConnectionId, answer: Result<Credentials, &str>) {
    d.command(|client, now| client.provide_credentials(now, connection, answer.map_err(String::from)));
}

// ---- in order ----

/// Versions, mechanism, credentials, and only then the application's requests.
#[test]
fn nothing_goes_out_before_the_broker_is_content() {
    let mut d = producer("b1", fixed(Mechanism::Plain));
    let start = d.start();
    negotiated(&mut d, "b1");
    let phase = |d: &Dialogue| d.view("b1").authentication_phase();
    assert_eq!(phase(&d), Some(AuthenticationPhase::AwaitingHandshake));
    let handshake = d.they_send::<SaslHandshakeRequest>("b1");
    assert_eq!((handshake.version, handshake.body.mechanism.as_str()), (1, "PLAIN"));
    d.expect_nothing();
    d.we_answer(&handshake, SaslHandshakeResponse::default());
    assert_eq!(phase(&d), Some(AuthenticationPhase::AwaitingAnswer));
    let authenticate = d.they_send::<SaslAuthenticateRequest>("b1");
    assert_eq!((authenticate.version, &authenticate.body.auth_bytes[..]), (2, &b"\0alice\0secret-4711"[..]));
    d.expect_nothing();
    d.we_answer(&authenticate, answer(b"", 0));
    assert_eq!((d.connection_state("b1"), phase(&d)), (ConnectionState::Ready, None));
    let metadata = d.they_send::<MetadataRequest>("b1");
    let producer_id = d.they_send::<InitProducerIdRequest>("b1");
    d.we_answer(&metadata, replies::metadata("b1", &[]));
    d.we_answer(&producer_id, replies::producer_id(1));
    assert_eq!(d.result(start.operation), Ok(Completion::Done));
}

/// Every mechanism, against the other side written from its RFC; brokers that only know the older versions, too.
#[test]
fn every_mechanism_lets_the_client_in() {
    for mechanism in Mechanism::ALL {
        let mut d = producer("b1", fixed(mechanism)).started();
        let record = d.send("t", "x");
        d.serve();
        assert_eq!(d.record_offset(record), 0, "{mechanism}");
    }
    for newest in 0..=2 {
        let mut d = producer("b1", fixed(Mechanism::ScramSha256));
        let start = d.start();
        d.they_connect("b1");
        d.we_accept("b1");
        let asked = d.they_send::<ApiVersionsRequest>("b1");
        d.we_answer(&asked, replies::versions_limited(ApiKey::SaslAuthenticate, 0, newest));
        d.serve();
        assert_eq!(d.result(start.operation), Ok(Completion::Done), "SaslAuthenticate up to {newest}");
    }
}

/// Two conversations never have the same nonce: neither two connections' nor one's after the other.
#[test]
fn nonces_differ() {
    let mut d = producer("b1 b2", fixed(Mechanism::ScramSha256));
    d.cluster.topic("u", &[2]);
    server(&mut d).lifetime = 60_000;
    d = d.started();
    let mut nonces = std::collections::BTreeSet::new();
    let mut conversations = 0;
    for _ in 0..5 {
        for topic in ["t", "u"] {
            d.wait(secs(58));
            d.send(topic, "x");
            let mut more = true;
            while more {
                for host in ["b1", "b2"] {
                    if d.has_request(host) && d.next_is::<SaslAuthenticateRequest>(host) {
                        let body = d.peek::<SaslAuthenticateRequest>(host).body.auth_bytes;
                        if body.starts_with(b"n,,") {
                            conversations += 1;
                            nonces.insert(body);
                        }
                    }
                }
                more = d.serve_one();
            }
        }
        d.lose_everything();
    }
    assert!(conversations >= 10, "{conversations}");
    assert_eq!(nonces.len(), conversations);
}

// ---- what goes wrong ----

/// LC3 in the phase "authenticate": everything is closed, all callers hear the same, and the next start works.
#[track_caller]
fn check_failing_start(mechanism: Mechanism, fail: impl FnOnce(&mut Dialogue), code: &str) -> Error {
    let mut d = producer("b1", fixed(mechanism));
    let starts = [d.start(), d.start()];
    let record = d.send("t", "accepted meanwhile");
    fail(&mut d);
    assert_eq!(d.state(), LifecycleState::Idle, "LC3: rolled back");
    let error = d.result(starts[0].operation).unwrap_err();
    assert_eq!(d.result(starts[1].operation).unwrap_err(), error, "LC1: all hear the same");
    assert_eq!(d.record_error(record), &error);
    assert_eq!((error.code(), error.retriable(), error.fatal()), (code, false, false), "{error}");
    assert!(error.authentication().is_some());
    assert!(!error.to_string().contains(PASSWORD) && !error.to_string().contains(TOKEN), "{error}");
    d.forget();
    assert_eq!(d.wait(secs(3_600)), 0, "LC10");
    d.cluster.sasl = Some(SaslServer::new());
    let d = d.started();
    assert_eq!(d.state(), LifecycleState::Started, "{mechanism}: the next start works");
    error
}

#[test]
fn lc3_wrong_credentials_end_the_start() {
    for mechanism in Mechanism::ALL {
        let wrong = |d: &mut Dialogue| {
            server(d).password = "another".into();
            server(d).token = "another".into();
            d.serve();
        };
        let error = check_failing_start(mechanism, wrong, "SASL_AUTHENTICATION_FAILED");
        assert_eq!((error.errno(), error.blame()), (Some(58), Blame::Application));
        let said = match mechanism {
            Mechanism::Plain => "wrong user name or password",
            Mechanism::ScramSha256 | Mechanism::ScramSha512 => "invalid user credentials",
            Mechanism::OauthBearer => "{\"status\":\"invalid_token\"}",
        };
        assert!(error.to_string().contains(said), "what the broker said is passed on: {error}");
    }
}

#[test]
fn lc3_an_unknown_mechanism_is_explained() {
    let unknown = |d: &mut Dialogue| {
        server(d).enabled = vec!["GSSAPI", "OAUTHBEARER"];
        d.serve();
    };
    let error = check_failing_start(Mechanism::Plain, unknown, "UNSUPPORTED_SASL_MECHANISM");
    assert_eq!(error.errno(), Some(33));
    assert!(error.to_string().contains("PLAIN; it has switched on GSSAPI, OAUTHBEARER"), "{error}");
}

#[test]
fn a_listener_that_does_not_ask_is_explained() {
    let plaintext = |d: &mut Dialogue| {
        negotiated(d, "b1");
        let asked = d.they_send::<SaslHandshakeRequest>("b1");
        let error_code = ErrorCode::IllegalSaslState.code();
        d.we_answer(&asked, SaslHandshakeResponse { error_code, ..Default::default() });
    };
    let error = check_failing_start(Mechanism::Plain, plaintext, "ILLEGAL_SASL_STATE");
    assert!(error.to_string().contains("leave the option sasl out"), "{error}");
}

/// Up to SCRAM's challenge, which asks for so many iterations.
fn challenge(d: &mut Dialogue, iterations: i32) {
    negotiated(d, "b1");
    let asked = d.they_send::<SaslHandshakeRequest>("b1");
    d.we_answer(&asked, SaslHandshakeResponse::default());
    let asked = d.they_send::<SaslAuthenticateRequest>("b1");
    let first = String::from_utf8(asked.body.auth_bytes.to_vec()).unwrap();
    let nonce = first.rsplit_once("r=").unwrap().1;
    let challenge = format!("r={nonce}x,s=AAAA,i={iterations}");
    d.we_answer(&asked, SaslAuthenticateResponse { auth_bytes: challenge.into(), ..Default::default() });
}

/// A broker that cannot prove that it knows the password is not believed, whatever else it says.
#[test]
fn lc3_a_broker_must_prove_itself() {
    for (signature, hint) in [("v=AAAA", "could not prove"), ("", "final message"), ("v=!", "base64")] {
        let impostor = |d: &mut Dialogue| {
            challenge(d, 4096);
            let asked = d.they_send::<SaslAuthenticateRequest>("b1");
            d.we_answer(&asked, answer(signature.as_bytes(), 0));
        };
        let error = check_failing_start(Mechanism::ScramSha512, impostor, "BROKER_NOT_TRUSTED");
        assert_eq!(error.blame(), Blame::Broker);
        assert!(error.to_string().contains(hint), "{error}");
    }
}

/// A broker may ask for no more work than a moment's.
#[test]
fn too_many_iterations_are_refused_at_once() {
    let hostile = |d: &mut Dialogue| {
        challenge(d, i32::MAX);
    };
    let error = check_failing_start(Mechanism::ScramSha256, hostile, "BROKER_NOT_TRUSTED");
    assert!(error.to_string().contains("2147483647"), "{error}");
}

/// A broker without SASL at all.
#[test]
fn a_broker_that_lacks_the_requests_ends_the_start() {
    for api in [ApiKey::SaslHandshake, ApiKey::SaslAuthenticate] {
        let mut d = producer("b1", fixed(Mechanism::Plain));
        let start = d.start();
        d.they_connect("b1");
        d.we_accept("b1");
        let asked = d.they_send::<ApiVersionsRequest>("b1");
        d.we_answer(&asked, replies::versions_without(api));
        d.serve();
        assert_eq!(d.error_code(start.operation), "UNSUPPORTED_VERSION", "{api}");
        assert_eq!(d.state(), LifecycleState::Idle);
    }
}

/// Where every configured broker refuses, that is the error, and not that there are no brokers.
#[test]
fn lc3_every_broker_may_refuse() {
    let mut d = producer("b1 b2 b3", fixed(Mechanism::Plain));
    server(&mut d).password = "another".into();
    let start = d.start();
    d.serve();
    let error = d.result(start.operation).unwrap_err();
    assert_eq!((error.code(), error.retriable()), ("SASL_AUTHENTICATION_FAILED", false));
    assert_eq!(d.connects(), 3, "each is asked once");
}

/// A start goes on while another of the configured brokers may still accept the credentials.
#[test]
fn one_broker_that_accepts_is_enough() {
    let mut d = producer("b1 b2", fixed(Mechanism::Plain));
    let start = d.start();
    negotiated(&mut d, "b1");
    let asked = d.they_send::<SaslHandshakeRequest>("b1");
    d.we_answer(&asked, SaslHandshakeResponse::default());
    let asked = d.they_send::<SaslAuthenticateRequest>("b1");
    d.we_answer(&asked, refusal(ErrorCode::SaslAuthenticationFailed, ""));
    d.serve();
    assert_eq!(d.result(start.operation), Ok(Completion::Done));
}

/// A broker that falls silent in any phase is given up after the request timeout, and tried again.
#[test]
fn lc14_cn16_silence_in_any_phase_ends() {
    for (step, waited_for) in ["credentials", "SaslHandshake", "SaslAuthenticate"].into_iter().enumerate() {
        let mut d = producer("b1", sasl(Mechanism::Plain, CredentialSource::Asked));
        let start = d.start();
        negotiated(&mut d, "b1");
        let connection = asked_for(&d).expect("the application is asked");
        if step > 0 {
            provide(&mut d, connection, Ok(Credentials::password("alice", PASSWORD)));
        }
        if step > 1 {
            let asked = d.they_send::<SaslHandshakeRequest>("b1");
            d.we_answer(&asked, SaslHandshakeResponse::default());
        }
        d.wait(secs(29));
        assert_eq!(d.connection_state("b1"), ConnectionState::Authenticating);
        d.wait(secs(2));
        assert_eq!(d.they_close("b1"), CloseReason::AuthenticationTimeout { waited_for });
        assert_eq!(d.ended(start.operation), None, "it may work later");
        let reconnecting = d.statuses().into_iter().find_map(|status| match status {
            Status::Reconnecting { cause, .. } => Some(cause),
            _ => None,
        });
        let cause = reconnecting.expect("the client says why it tries again");
        assert_eq!((cause.code(), cause.retriable()), ("AUTHENTICATION_TIMEOUT", true));
        d.they_connect("b1");
        d.stop();
    }
}

/// Stop() in any phase ends the start, and nothing that comes later matters.
#[test]
fn lc5_cn2_a_start_is_stopped_in_any_phase() {
    for step in 0..3 {
        let mut d = producer("b1", sasl(Mechanism::Plain, CredentialSource::Asked));
        let start = d.start();
        negotiated(&mut d, "b1");
        let connection = asked_for(&d).unwrap();
        if step > 0 {
            provide(&mut d, connection, Ok(Credentials::password("alice", PASSWORD)));
        }
        if step > 1 {
            let asked = d.they_send::<SaslHandshakeRequest>("b1");
            d.we_answer(&asked, SaslHandshakeResponse::default());
        }
        let stop = d.stop();
        assert_eq!(d.error_code(start.operation), "STOPPED");
        assert_eq!(d.result(stop), Ok(Completion::Done));
        let stale = d.client.inspect().counters().stale_inputs;
        provide(&mut d, connection, Ok(Credentials::password("alice", PASSWORD)));
        assert_eq!(d.client.inspect().counters().stale_inputs, stale + 1, "CN2");
        d.forget_events();
        assert_eq!(d.wait(secs(100)), 0);
        // With the credentials at hand the next start works.
        let start = d.start();
        d.serve();
        let connection = asked_for(&d).unwrap();
        provide(&mut d, connection, Ok(Credentials::password("alice", PASSWORD)));
        d.serve();
        assert_eq!(d.result(start.operation), Ok(Completion::Done));
    }
}

/// Cut the broker's bytes at every offset of a session that begins with credentials.
#[test]
fn cn3_replies_may_be_cut_anywhere() {
    let session = |mechanism: Mechanism, delivery: Delivering| {
        let mut d = producer("b1", fixed(mechanism));
        d.delivery = delivery;
        d.start();
        let record = d.send("t", "once");
        for _ in 0..50 {
            d.serve();
            if d.record(record).is_some() {
                break;
            }
            d.wait_for_deadline();
        }
        assert_eq!(d.record_offset(record), 0, "{delivery:?}");
        assert_eq!(d.cluster.values("t", 0), ["once"], "{delivery:?}");
        d.stop();
        let sizes = d.traces().map(|kind| match kind {
            TraceKind::FrameTaken { count, .. } => *count,
            _ => 0,
        });
        (sizes.sum::<usize>(), d.connects())
    };
    // SCRAM is slow by design, and so are builds that are not optimised: some of its offsets will do.
    for (mechanism, step) in [(Mechanism::Plain, 1), (Mechanism::ScramSha256, 37)] {
        session(mechanism, Delivering::Chunks(1));
        let (whole, connects) = session(mechanism, Delivering::Whole);
        assert_eq!(connects, 1);
        assert!(whole > 200, "{whole} bytes");
        for cut in (0..whole).step_by(step) {
            assert!(session(mechanism, Delivering::CutAfter(cut)).1 >= 2, "{mechanism}, cut after {cut}");
        }
    }
}
