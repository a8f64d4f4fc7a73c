//! Who may come in, and how the others are told.

use bridge::config::{RequireToken, Token};

use crate::support::{Client, KEY, TOKEN, bridge_to, echo, raw, until};

async fn check_refused(client: Client, status: u16) {
    assert_eq!(client.try_connect().await.err(), Some(status));
}

#[tokio::test]
async fn a_wrong_origin_is_refused_before_the_upgrade() {
    let (broker, _task) = echo().await;
    let bridge = bridge_to(broker, |config| config.origins = ["https://app.example".to_owned()].into()).await;
    let address = bridge.listening()[0];
    for origin in ["http://evil.example", "null", "https://app.example.evil", "http://localhost:1", ""] {
        check_refused(Client::of(&bridge).header("origin", Some(origin)), 403).await;
    }
    for origin in [format!("http://{address}"), "https://app.example".to_owned()] {
        let mut socket = Client::of(&bridge).header("origin", Some(&origin)).connect().await;
        socket.send(b"let in").await;
        assert_eq!(socket.read(6).await, b"let in");
    }
}

#[tokio::test]
async fn two_origins_are_none() {
    let (broker, _task) = echo().await;
    let bridge = bridge_to(broker, |_| {}).await;
    let address = bridge.listening()[0];
    let head = format!("GET /v1/tcp?target={KEY} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n");
    let request = format!("{head}Origin: http://{address}\r\nOrigin: http://evil.example\r\n\r\n");
    assert!(raw(address, request.as_bytes()).await.starts_with(b"HTTP/1.1 403 "));
}

#[tokio::test]
async fn the_own_origin_can_be_switched_off() {
    let (broker, _task) = echo().await;
    let bridge = bridge_to(broker, |config| config.own_origin = false).await;
    check_refused(Client::of(&bridge), 403).await;
}

#[tokio::test]
async fn a_wrong_host_is_refused_before_the_upgrade() {
    let (broker, _task) = echo().await;
    let bridge = bridge_to(broker, |config| config.hosts = vec!["bridge.example".to_owned()]).await;
    let port = bridge.listening()[0].port();
    for host in ["evil.example".to_owned(), format!("evil.example:{port}"), "127.0.0.1".to_owned()] {
        // What a page sees whose own name was pointed at this machine: Origin and Host agree, and are wrong.
        let client =
            Client::of(&bridge).header("host", Some(&host)).header("origin", Some(&format!("http://{host}")));
        check_refused(client, 421).await;
    }
    let client = Client::of(&bridge).header("host", Some("bridge.example"));
    client.header("origin", Some("http://bridge.example")).connect().await;
}

#[tokio::test]
async fn a_request_line_for_another_host_is_refused() {
    let (broker, _task) = echo().await;
    let bridge = bridge_to(broker, |_| {}).await;
    let address = bridge.listening()[0];
    for request in [
        format!("GET http://evil.example/ HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n"),
        format!("GET / HTTP/1.1\r\nHost: {address}\r\nHost: evil.example\r\nConnection: close\r\n\r\n"),
        "GET / HTTP/1.1\r\nConnection: close\r\n\r\n".to_owned(),
    ] {
        let answer = raw(address, request.as_bytes()).await;
        assert!(answer.starts_with(b"HTTP/1.1 421 ") || answer.starts_with(b"HTTP/1.1 400 "), "{request}");
    }
}

#[tokio::test]
async fn a_missing_origin_needs_a_token() {
    let (broker, _task) = echo().await;
    let bridge = bridge_to(broker, |_| {}).await;
    let ending = Client::of(&bridge).header("origin", None).ending().await;
    assert_eq!(ending, "4401 unauthenticated problem=origin-missing-and-no-token-configured");

    let bridge = bridge_to(broker, |config| {
        config.token = Token::new(TOKEN);
        config.require_token = RequireToken::MissingOrigin;
    })
    .await;
    let ending = Client::of(&bridge).header("origin", None).ending().await;
    assert_eq!(ending, "4401 unauthenticated problem=token-missing");
    let mut socket = Client::of(&bridge).header("origin", None).token(TOKEN).connect().await;
    socket.send(b"let in").await;
    assert_eq!(socket.read(6).await, b"let in");
    let mut socket = Client::of(&bridge).connect().await;
    socket.send(b"let in").await;
    assert_eq!(socket.read(6).await, b"let in");
}

#[tokio::test]
async fn a_token_comes_in_the_subprotocol_list_and_is_not_echoed() {
    let (broker, _task) = echo().await;
    let bridge = bridge_to(broker, |config| config.token = Token::new(TOKEN)).await;
    assert_eq!(Client::of(&bridge).ending().await, "4401 unauthenticated problem=token-missing");
    assert_eq!(Client::of(&bridge).token("wrong").ending().await, "4401 unauthenticated problem=token-wrong");
    let garbled = Client::of(&bridge).header("sec-websocket-protocol", Some("kafka-bridge.v1, bearer.a"));
    assert_eq!(garbled.ending().await, "4401 unauthenticated problem=token-not-base64url");

    let (mut socket, response) = Client::of(&bridge).token(TOKEN).try_connect().await.map_err(drop).unwrap();
    assert_eq!(response.headers()["sec-websocket-protocol"], "kafka-bridge.v1");
    socket.send(b"let in").await;
    assert_eq!(socket.read(6).await, b"let in");
    until("one refusal of each kind", || bridge.metrics().sessions_ended("unauthenticated") == 3).await;
}

#[tokio::test]
async fn what_is_no_upgrade_is_answered_as_http() {
    let (broker, _task) = echo().await;
    let bridge = bridge_to(broker, |_| {}).await;
    let address = bridge.listening()[0];
    let head = format!("GET /v1/tcp?target={KEY} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    let answer = String::from_utf8(raw(address, head.as_bytes()).await).unwrap();
    assert!(answer.starts_with("HTTP/1.1 426 ") && answer.contains("sec-websocket-version: 13"), "{answer}");
    check_refused(Client::of(&bridge).header("sec-websocket-protocol", Some("chat")), 400).await;
    check_refused(Client::of(&bridge).header("sec-websocket-version", Some("8")), 426).await;
    check_refused(Client::of(&bridge).header("sec-websocket-key", Some("short")), 400).await;
}

#[tokio::test]
async fn only_listed_targets_are_reached() {
    let (broker, _task) = echo().await;
    let bridge = bridge_to(broker, |_| {}).await;
    for (query, expected) in [
        ("", "4400 bad-target problem=missing"),
        ("?target=", "4400 bad-target problem=no-port"),
        ("?target=b1.example", "4400 bad-target problem=no-port"),
        ("?target=b1.example:0", "4400 bad-target problem=port-out-of-range"),
        ("?target=b1.example:9092&target=b1.example:9092", "4400 bad-target problem=given-twice"),
        ("?target=%zz", "4400 bad-target problem=not-percent-encoded"),
        ("?target=b2.example:9092", "4403 target-denied problem=not-listed target=b2.example:9092"),
    ] {
        assert_eq!(Client::of(&bridge).target(query).ending().await, expected, "{query}");
    }
    let denied = format!("4403 target-denied problem=not-listed target={broker}");
    let ending = Client::of(&bridge).target(&format!("?target={broker}")).ending().await;
    assert_eq!(ending, denied, "what a key leads to is no key itself");
}

#[tokio::test]
async fn loopback_is_reached_when_allowed_but_never_the_bridge_itself() {
    let (broker, _task) = echo().await;
    let bridge = bridge_to(broker, |config| {
        config.targets.clear();
        config.allow_target_loopback = true;
    })
    .await;
    let mut socket =
        Client::of(&bridge).target(&format!("?target=localhost:{}", broker.port())).connect().await;
    socket.send(b"let in").await;
    assert_eq!(socket.read(6).await, b"let in");

    let own = bridge.listening()[0];
    let ending = Client::of(&bridge).target(&format!("?target={own}")).ending().await;
    assert_eq!(ending, format!("4403 target-denied problem=own-listener target={own}"));
}

#[tokio::test]
async fn connections_are_limited_per_address_and_in_total() {
    let (broker, _task) = echo().await;
    let bridge = bridge_to(broker, |config| {
        config.max_connections = 2;
        config.max_connections_per_address = 2;
    })
    .await;
    let mut first = Client::of(&bridge).connect().await;
    let _second = Client::of(&bridge).connect().await;
    assert_eq!(Client::of(&bridge).ending().await, "4429 too-many-connections limit=2");
    first.0.close(None).await.unwrap();
    first.rest().await;
    until("room for another", || bridge.metrics().sessions_active() == 1).await;
    let mut third = Client::of(&bridge).connect().await;
    third.send(b"let in").await;
    assert_eq!(third.read(6).await, b"let in");

    let bridge = bridge_to(broker, |config| {
        config.max_connections = 1;
        config.max_connections_per_address = 1;
    })
    .await;
    let _only = Client::of(&bridge).connect().await;
    assert_eq!(Client::of(&bridge).ending().await, "4429 too-many-connections limit=1");
    let elsewhere = Client::of(&bridge).from("127.0.0.2");
    assert_eq!(elsewhere.ending().await, "1013 overloaded limit=1 retry-after-ms=1000");
}

#[tokio::test]
async fn every_listener_answers() {
    let (broker, _task) = echo().await;
    let bridge = bridge_to(broker, |config| config.listen.push("127.0.0.1:0".parse().unwrap())).await;
    assert_eq!(bridge.listening().len(), 2);
    for address in bridge.listening() {
        let request = format!("GET / HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
        assert!(raw(*address, request.as_bytes()).await.starts_with(b"HTTP/1.1 404 "));
    }
}
