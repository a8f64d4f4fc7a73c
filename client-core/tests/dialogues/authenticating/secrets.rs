//! What is secret is shown nowhere.

use super::{PASSWORD, TOKEN, answer, fixed, negotiated, producer, server};
use bytes::Bytes;
use client_core::protocol::{
    ApiKey, Request, Response, SaslAuthenticateRequest, SaslHandshakeRequest, SaslHandshakeResponse,
    SizePrefix,
};
use client_core::{ConnectionId, Mechanism, Output, StartOptions, TraceKind};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

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
