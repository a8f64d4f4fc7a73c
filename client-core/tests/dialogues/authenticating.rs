//! Saying who this client is: SASL on a connection, and its renewal (KIP-368).

use crate::support::sasl::SaslServer;
use crate::support::{Delivering, Dialogue, ms, partition, replies, secs};
use bytes::Bytes;
use client_core::protocol::{
    ApiKey, ApiVersionsRequest, ErrorCode, InitProducerIdRequest, MetadataRequest, ProduceRequest, Request,
    Response, SaslAuthenticateRequest, SaslAuthenticateResponse, SaslHandshakeRequest, SaslHandshakeResponse,
    SizePrefix,
};
use client_core::{
    AuthenticationFailure, AuthenticationPhase, Blame, CloseReason, Completion, ConnectionId,
    ConnectionState, CredentialSource, Credentials, DisconnectCause, Duration, Entropy, Error, Event,
    Instant, LifecycleState, Mechanism, OffsetSpec, Output, Sasl, StartOffset, StartOptions, Status,
    TraceKind,
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

/// A broker that cannot prove that it knows the password is not believed, whatever else it says.
#[test]
fn lc3_a_broker_must_prove_itself() {
    for (signature, hint) in [("v=AAAA", "could not prove"), ("", "final message"), ("v=!", "base64")] {
        let impostor = |d: &mut Dialogue| {
            negotiated(d, "b1");
            let asked = d.they_send::<SaslHandshakeRequest>("b1");
            d.we_answer(&asked, SaslHandshakeResponse::default());
            let asked = d.they_send::<SaslAuthenticateRequest>("b1");
            let first = String::from_utf8(asked.body.auth_bytes.to_vec()).unwrap();
            let nonce = first.rsplit_once("r=").unwrap().1;
            let challenge = format!("r={nonce}x,s=AAAA,i=4096");
            d.we_answer(
                &asked,
                SaslAuthenticateResponse { auth_bytes: challenge.into(), ..Default::default() },
            );
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
        negotiated(d, "b1");
        let asked = d.they_send::<SaslHandshakeRequest>("b1");
        d.we_answer(&asked, SaslHandshakeResponse::default());
        let asked = d.they_send::<SaslAuthenticateRequest>("b1");
        let first = String::from_utf8(asked.body.auth_bytes.to_vec()).unwrap();
        let nonce = first.rsplit_once("r=").unwrap().1;
        let challenge = format!("r={nonce}x,s=AAAA,i=2147483647");
        d.we_answer(&asked, SaslAuthenticateResponse { auth_bytes: challenge.into(), ..Default::default() });
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

// ---- asked for ----

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

// ---- after the start ----

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

// ---- secrets ----

/// What is secret is in the bytes that go out and nowhere else: not in traces, events, errors, nor in anything's `Debug`.
#[test]
fn secrets_are_shown_nowhere() {
    for mechanism in Mechanism::ALL {
        for accepted in [true, false] {
            let mut d = producer("b1", fixed(mechanism));
            if !accepted {
                server(&mut d).password = "another".into();
                server(&mut d).token = "another".into();
            }
            let mut said: Vec<Vec<u8>> = Vec::new();
            let mut texts = Vec::new();
            d.start();
            let mut more = true;
            while more {
                if d.view_of("b1").is_some()
                    && d.has_request("b1")
                    && d.next_is::<SaslAuthenticateRequest>("b1")
                {
                    said.push(d.peek::<SaslAuthenticateRequest>("b1").body.auth_bytes.to_vec());
                }
                texts.push(format!("{:?}", d.client));
                more = d.serve_one();
            }
            let shows = |bytes: &[u8]| {
                let contains = |secret: &[u8]| bytes.windows(secret.len()).any(|window| window == secret);
                let messages = said.iter().filter(|message| message.len() > 8);
                contains(PASSWORD.as_bytes())
                    || contains(TOKEN.as_bytes())
                    || messages.into_iter().any(|message| contains(message))
            };
            assert!(!said.is_empty() && said.iter().any(|bytes| shows(bytes)), "the test sees secrets");
            let mut traced = 0;
            for trace in d.traces() {
                texts.push(format!("{trace:?}"));
                match trace {
                    TraceKind::RequestSent { api: "SaslAuthenticate", frame, .. } => {
                        assert!(!shows(frame));
                        let decoded = Request::decode(frame.slice(4..)).unwrap().1;
                        let Request::SaslAuthenticate(request) = decoded else { panic!("{decoded:?}") };
                        assert!(request.auth_bytes.iter().all(|byte| *byte == b'*'));
                        let spans = Request::spans(frame.clone(), SizePrefix::Included);
                        assert_eq!(spans.error, None, "a wire inspector can still show it");
                        traced += 1;
                    }
                    TraceKind::ResponseReceived { api: "SaslAuthenticate", api_version, frame, .. } => {
                        let key = ApiKey::SaslAuthenticate;
                        let decoded = Response::decode(key, *api_version, frame.slice(4..)).unwrap().1;
                        let Response::SaslAuthenticate(response) = decoded else { panic!("{decoded:?}") };
                        assert!(response.auth_bytes.iter().all(|byte| *byte == b'*'));
                        traced += 1;
                    }
                    TraceKind::RequestSent { frame, .. } | TraceKind::ResponseReceived { frame, .. } => {
                        assert!(!shows(frame));
                    }
                    _ => {}
                }
            }
            assert!(traced >= 2, "{mechanism}: the exchange is traced");
            texts.extend(d.events().iter().map(|event| format!("{event:?}")));
            for text in &texts {
                assert!(!shows(text.as_bytes()), "{mechanism}: {text}");
            }
        }
    }
}

/// Even the bytes that wait to be taken by the driver are not shown.
#[test]
fn output_does_not_show_bytes() {
    let connection = ConnectionId { broker: client_core::BrokerId(1), generation: 1 };
    let output = Output::Send { connection, bytes: Bytes::from_static(b"\0alice\0secret-4711") };
    assert_eq!(
        format!("{output:?}"),
        "Send { connection: ConnectionId { broker: BrokerId(1), generation: 1 }, bytes: 18 }"
    );
}

/// While a connection authenticates, its receive buffer shows how much there is, not what.
#[test]
fn the_receive_buffer_is_hidden_meanwhile() {
    let mut d = producer("b1", fixed(Mechanism::ScramSha256));
    d.start();
    negotiated(&mut d, "b1");
    let asked = d.they_send::<SaslHandshakeRequest>("b1");
    d.we_answer(&asked, SaslHandshakeResponse::default());
    let asked = d.they_send::<SaslAuthenticateRequest>("b1");
    let bytes = d.encoded(&asked, answer(b"r=server,s=salt,i=4096", 0));
    let connection = d.connection("b1");
    d.we_send(connection, bytes[..30].to_vec().into());
    let shown = d.view("b1").buffer();
    assert_eq!((&shown[..4], shown.len()), (&bytes[..4], 30));
    assert!(shown[4..].iter().all(|byte| *byte == b'*'));
}

/// A reply to SaslAuthenticate that is garbage is not shown either, and ends the connection.
#[test]
fn cn6_a_malformed_answer_ends_the_connection() {
    let mut d = producer("b1", fixed(Mechanism::Plain));
    let start = d.command(|client, now| client.start(now, StartOptions::default()));
    negotiated(&mut d, "b1");
    let asked = d.they_send::<SaslHandshakeRequest>("b1");
    d.we_answer(&asked, SaslHandshakeResponse::default());
    let asked = d.they_send::<SaslAuthenticateRequest>("b1");
    let mut frame = vec![0, 0, 0, 9];
    frame.extend(asked.correlation_id.to_be_bytes());
    frame.extend(b"xyzzy");
    d.we_send(asked.connection, frame.into());
    assert_eq!(d.error_code(start.operation), "MALFORMED_REPLY");
    let shown = d.traces().any(|kind| format!("{kind:?}").contains("xyzzy"));
    assert!(!shown, "not even in the trace");
}
