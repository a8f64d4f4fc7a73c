//! Who is let in, how, and for how long.

use crate::support::{Dialogue, expect_error};
use client_core::ids::NodeId;
use client_core::protocol::{
    ApiKey, ApiVersionsRequest, ErrorCode, MetadataRequest, SaslAuthenticateRequest,
    SaslAuthenticateResponse, SaslHandshakeRequest, SaslHandshakeResponse,
};
use client_core::time::Duration;
use simulator::cluster::{
    Cluster, ClusterCommand, ClusterConfig, Effect, LinkClosed, LinkId, RequestFault, SaslConfig,
    SaslMechanism,
};

const NODE: NodeId = NodeId(1);
const SECRETS: [&str; 2] = ["pencil-4711", "token-4711"];
/// How long a failure is kept back.
const DELAY: Duration = Duration::from_millis(100);

fn config() -> SaslConfig {
    SaslConfig {
        token: Some(SECRETS[1].into()),
        ..SaslConfig::with_user(&SaslMechanism::ALL, "alice", SECRETS[0])
    }
}

fn asking(sasl: SaslConfig) -> Dialogue {
    Dialogue::with(ClusterConfig { sasl: Some(sasl), ..ClusterConfig::with_nodes(1) })
}

fn plain(password: &str) -> SaslAuthenticateRequest {
    SaslAuthenticateRequest { auth_bytes: format!("\0alice\0{password}").into() }
}

fn shake_hands(dialogue: &mut Dialogue, link: LinkId, mechanism: &str) -> SaslHandshakeResponse {
    let asked = dialogue.request(link, 1, SaslHandshakeRequest { mechanism: mechanism.into() });
    dialogue.expect_reply::<SaslHandshakeRequest>(1, asked)
}

fn say(dialogue: &mut Dialogue, link: LinkId, message: SaslAuthenticateRequest) -> SaslAuthenticateResponse {
    let asked = dialogue.request(link, 2, message);
    dialogue.expect_reply::<SaslAuthenticateRequest>(2, asked)
}

/// The answer to a proof.
fn content() -> SaslAuthenticateResponse {
    SaslAuthenticateResponse { error_message: Some(String::new()), ..Default::default() }
}

/// A link on which alice has proved who she is.
fn let_in(dialogue: &mut Dialogue) -> LinkId {
    let link = dialogue.open(NODE);
    assert_eq!(shake_hands(dialogue, link, "PLAIN").error_code, 0);
    assert_eq!(say(dialogue, link, plain(SECRETS[0])), content());
    link
}

/// What is told after the failure's delay; then the link closes.
#[track_caller]
fn refusal(dialogue: &mut Dialogue, link: LinkId, version: i16, message: SaslAuthenticateRequest) -> String {
    let asked = dialogue.request(link, version, message);
    dialogue.expect_silence();
    assert_eq!(dialogue.timeout(), DELAY);
    let response = dialogue.expect_reply_and_close::<SaslAuthenticateRequest>(
        version,
        asked,
        &LinkClosed::AuthenticationFailed,
    );
    expect_error(response.error_code, ErrorCode::SaslAuthenticationFailed);
    response.error_message.unwrap()
}

#[test]
fn nothing_is_answered_before_it_is_known_who_asks() {
    for before in 0..3 {
        let mut dialogue = asking(config());
        let link = dialogue.open(NODE);
        if before > 0 {
            let asked = dialogue.request(link, 3, versions());
            let response = dialogue.expect_reply::<ApiVersionsRequest>(3, asked);
            assert_eq!(response.error_code, 0);
        }
        // A second ApiVersions comes out of turn, too.
        if before < 2 {
            dialogue.request(link, 9, MetadataRequest::default());
        } else {
            dialogue.request(link, 3, versions());
        }
        let api = if before < 2 { ApiKey::Metadata } else { ApiKey::ApiVersions };
        dialogue.expect_silence();
        assert_eq!(dialogue.timeout(), DELAY);
        assert_eq!(dialogue.expect_close(), LinkClosed::NotAuthenticated { api });
    }
    let mut dialogue = asking(config());
    let link = dialogue.open(NODE);
    dialogue.request(link, 2, plain(SECRETS[0]));
    dialogue.timeout();
    let api = ApiKey::SaslAuthenticate;
    assert_eq!(dialogue.expect_close(), LinkClosed::NotAuthenticated { api }, "without a handshake");
}

fn versions() -> ApiVersionsRequest {
    ApiVersionsRequest {
        client_software_name: "test".into(),
        client_software_version: "1".into(),
        ..Default::default()
    }
}

#[test]
fn between_handshake_and_proof_other_requests_are_refused() {
    let mut dialogue = asking(config());
    let link = dialogue.open(NODE);
    shake_hands(&mut dialogue, link, "PLAIN");
    let asked = dialogue.request(link, 13, MetadataRequest { topics: None, ..Default::default() });
    dialogue.timeout();
    let why = LinkClosed::NotAuthenticated { api: ApiKey::Metadata };
    let response = dialogue.expect_reply_and_close::<MetadataRequest>(13, asked, &why);
    expect_error(response.error_code, ErrorCode::IllegalSaslState);
}

#[test]
fn who_proves_to_be_alice_is_let_in() {
    let mut dialogue = asking(config());
    let link = let_in(&mut dialogue);
    let asked = dialogue.request(link, 9, MetadataRequest::default());
    assert_eq!(dialogue.expect_reply::<MetadataRequest>(9, asked).brokers.len(), 1);
    // Afterwards nobody asks any more.
    let response = shake_hands(&mut dialogue, link, "PLAIN");
    expect_error(response.error_code, ErrorCode::IllegalSaslState);
    expect_error(say(&mut dialogue, link, plain(SECRETS[0])).error_code, ErrorCode::IllegalSaslState);

    let link = dialogue.open(NODE);
    shake_hands(&mut dialogue, link, "OAUTHBEARER");
    let token = format!("n,,\x01traceId=7\x01auth=Bearer {}\x01\x01", SECRETS[1]);
    let response = say(&mut dialogue, link, SaslAuthenticateRequest { auth_bytes: token.into() });
    assert_eq!(response, content());
}

#[test]
fn who_does_not_is_told_late_and_closed() {
    let generic =
        "Authentication failed during authentication due to invalid credentials with SASL mechanism ";
    let wrong = "Authentication failed: Invalid username or password";
    let other_id =
        "Authentication failed: Client requested an authorization id that is different from username";
    let unclear = |mechanism: &str| format!("{generic}{mechanism}");
    for (mechanism, message, expected) in [
        ("PLAIN", "\0alice\0pencil".to_string(), wrong.to_string()),
        ("PLAIN", format!("\0bob\0{}", SECRETS[0]), wrong.to_string()),
        ("PLAIN", format!("bob\0alice\0{}", SECRETS[0]), other_id.to_string()),
        ("PLAIN", "\0alice\0".to_string(), "Authentication failed: password not specified".to_string()),
        (
            "PLAIN",
            "nonsense".to_string(),
            "Invalid SASL/PLAIN response: expected 3 tokens, got 1".to_string(),
        ),
        ("SCRAM-SHA-256", "n,,n=bob,r=abc".to_string(), unclear("SCRAM-SHA-256")),
        ("SCRAM-SHA-512", "nonsense".to_string(), unclear("SCRAM-SHA-512")),
        ("SCRAM-SHA-512", "n,a=bob,n=alice,r=abc".to_string(), other_id.to_string()),
        ("OAUTHBEARER", "auth=Bearer x".to_string(), unclear("OAUTHBEARER")),
    ] {
        let mut dialogue = asking(config());
        let link = dialogue.open(NODE);
        shake_hands(&mut dialogue, link, mechanism);
        let message = SaslAuthenticateRequest { auth_bytes: message.into() };
        assert_eq!(refusal(&mut dialogue, link, 2, message), expected, "{mechanism}");
    }
}

#[test]
fn a_wrong_proof_and_a_wrong_token_end_late() {
    let mut dialogue = asking(config());
    let link = dialogue.open(NODE);
    shake_hands(&mut dialogue, link, "SCRAM-SHA-256");
    let first = SaslAuthenticateRequest { auth_bytes: "n,,n=alice,r=mine".into() };
    let challenge = say(&mut dialogue, link, first).auth_bytes;
    let challenge = std::str::from_utf8(&challenge).unwrap();
    let nonce = challenge.strip_prefix("r=").unwrap().split(',').next().unwrap();
    assert!(nonce.starts_with("mine") && nonce.len() > 30 && challenge.ends_with(",i=4096"), "{challenge}");
    let last = format!("c=biws,r={nonce},p={}=", "A".repeat(43));
    let said = refusal(&mut dialogue, link, 2, SaslAuthenticateRequest { auth_bytes: last.into() });
    assert!(said.ends_with("SCRAM-SHA-256"), "{said}");

    let link = dialogue.open(NODE);
    shake_hands(&mut dialogue, link, "OAUTHBEARER");
    let token = SaslAuthenticateRequest { auth_bytes: "n,,\x01auth=Bearer other\x01\x01".into() };
    let response = say(&mut dialogue, link, token);
    assert_eq!((response.error_code, &response.auth_bytes[..]), (0, &br#"{"status":"invalid_token"}"#[..]));
    let acknowledged = SaslAuthenticateRequest { auth_bytes: "\x01".into() };
    assert_eq!(refusal(&mut dialogue, link, 2, acknowledged), r#"{"status":"invalid_token"}"#);
}

#[test]
fn an_unknown_mechanism_is_answered_with_the_known_ones() {
    let mut dialogue = asking(SaslConfig {
        mechanisms: vec![SaslMechanism::ScramSha512, SaslMechanism::OauthBearer],
        ..config()
    });
    let link = dialogue.open(NODE);
    let asked = dialogue.request(link, 1, SaslHandshakeRequest { mechanism: "PLAIN".into() });
    dialogue.timeout();
    let closed = LinkClosed::AuthenticationFailed;
    let response = dialogue.expect_reply_and_close::<SaslHandshakeRequest>(1, asked, &closed);
    expect_error(response.error_code, ErrorCode::UnsupportedSaslMechanism);
    assert_eq!(response.mechanisms, ["SCRAM-SHA-512", "OAUTHBEARER"]);
}

#[test]
fn sessions_end_unless_they_are_renewed() {
    let seconds = Duration::from_secs;
    let mut dialogue = asking(SaslConfig { session_max: Some(seconds(10)), ..config() });
    let link = dialogue.open(NODE);
    shake_hands(&mut dialogue, link, "PLAIN");
    assert_eq!(say(&mut dialogue, link, plain(SECRETS[0])).session_lifetime_ms, 10_000);
    for _ in 0..3 {
        dialogue.sleep(seconds(9));
        assert_eq!(shake_hands(&mut dialogue, link, "PLAIN").error_code, 0);
        assert_eq!(say(&mut dialogue, link, plain(SECRETS[0])).error_code, 0);
    }
    // More than once a second is no renewal.
    dialogue.sleep(Duration::from_millis(999));
    let early = shake_hands(&mut dialogue, link, "PLAIN");
    expect_error(early.error_code, ErrorCode::IllegalSaslState);
    dialogue.sleep(seconds(9));
    let asked = dialogue.request(link, 9, MetadataRequest::default());
    dialogue.expect_reply::<MetadataRequest>(9, asked);
    dialogue.sleep(Duration::from_millis(1));
    dialogue.request(link, 9, MetadataRequest::default());
    assert_eq!(dialogue.expect_close(), LinkClosed::SessionExpired);
}

#[test]
fn a_renewal_changes_neither_mechanism_nor_user() {
    let users = [("alice", SECRETS[0]), ("bob", "pen")].map(|(name, word)| (name.into(), word.into()));
    let sasl = SaslConfig { users: users.to_vec(), session_max: Some(Duration::from_secs(10)), ..config() };
    for (mechanism, message, expected) in [
        ("PLAIN", "\0bob\0pen".to_string(), "Cannot change principals"),
        ("OAUTHBEARER", format!("n,,\x01auth=Bearer {}\x01\x01", SECRETS[1]), "Cannot change the mechanism"),
        ("PLAIN", "\0alice\0".to_string(), "Authentication failed: password not specified"),
        ("SCRAM-SHA-256", "nonsense".to_string(), "Authentication failed during re-authentication"),
    ] {
        let mut dialogue = asking(sasl.clone());
        let link = dialogue.open(NODE);
        shake_hands(&mut dialogue, link, "PLAIN");
        say(&mut dialogue, link, plain(SECRETS[0]));
        shake_hands(&mut dialogue, link, mechanism);
        let said = refusal(&mut dialogue, link, 1, SaslAuthenticateRequest { auth_bytes: message.into() });
        assert!(said.starts_with(expected), "{said}");
    }
}

#[test]
fn a_node_that_locks_everybody_out_lets_in_again_once_healed() {
    for (mechanism, message) in [
        ("PLAIN", format!("\0alice\0{}", SECRETS[0])),
        ("OAUTHBEARER", format!("n,,\x01auth=Bearer {}\x01\x01", SECRETS[1])),
    ] {
        let mut dialogue = asking(config());
        let before = let_in(&mut dialogue);
        dialogue.command(ClusterCommand::LockOut { node_id: NODE });
        let link = dialogue.open(NODE);
        shake_hands(&mut dialogue, link, mechanism);
        let request = SaslAuthenticateRequest { auth_bytes: message.clone().into() };
        if mechanism == "PLAIN" {
            refusal(&mut dialogue, link, 2, request);
        } else {
            assert_eq!(&say(&mut dialogue, link, request).auth_bytes[..], br#"{"status":"invalid_token"}"#);
        }
        let asked = dialogue.request(before, 9, MetadataRequest::default());
        dialogue.expect_reply::<MetadataRequest>(9, asked);
        dialogue.command(ClusterCommand::Heal { node_id: Some(NODE) });
        let_in(&mut dialogue);
    }
}

#[test]
fn an_injected_error_lets_nobody_in() {
    let mut dialogue = asking(config());
    dialogue.command(ClusterCommand::Inject(RequestFault {
        node_id: None,
        api: Some(ApiKey::SaslAuthenticate),
        effect: Effect::Error(ErrorCode::SaslAuthenticationFailed),
        times: Some(1),
    }));
    let link = dialogue.open(NODE);
    shake_hands(&mut dialogue, link, "PLAIN");
    let asked = dialogue.request(link, 2, plain(SECRETS[0]));
    dialogue.timeout();
    let closed = LinkClosed::AuthenticationFailed;
    dialogue.expect_reply_and_close::<SaslAuthenticateRequest>(2, asked, &closed);
    let_in(&mut dialogue);
}

#[test]
fn what_makes_no_listener_is_refused() {
    for (sasl, expected) in [
        (SaslConfig { mechanisms: vec![], ..config() }, "at least one mechanism"),
        (SaslConfig::with_user(&SaslMechanism::ALL, "", "x"), "a name and a password"),
        (SaslConfig { scram_iterations: 4_095, ..config() }, "4096 to 16384 iterations, got 4095"),
    ] {
        let error = Cluster::new(ClusterConfig { sasl: Some(sasl), ..ClusterConfig::with_nodes(1) }, 1);
        let text = error.unwrap_err().to_string();
        assert!(text.starts_with("sasl: ") && text.contains(expected), "{text}");
    }
}

#[test]
fn nothing_shows_a_secret() {
    let mut dialogue = asking(config());
    let link = let_in(&mut dialogue);
    let shown = format!("{:?} {:?} {link}", dialogue.cluster, config());
    assert!(SECRETS.iter().all(|secret| !shown.contains(secret)), "{shown}");
}
