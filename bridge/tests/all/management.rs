//! Probes and metrics, on their own listener.

use std::net::SocketAddr;

use crate::support::{Client, bridge_to, echo, nobody, raw};

async fn get(address: SocketAddr, path: &str, host: &str) -> String {
    let request = format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
    String::from_utf8(raw(address, request.as_bytes()).await).unwrap()
}

#[tokio::test]
async fn probes_and_metrics_are_answered() {
    let (broker, _task) = echo().await;
    let bridge = bridge_to(broker, |config| config.management = Some("127.0.0.1:0".parse().unwrap())).await;
    let management = bridge.management().unwrap();
    let host = management.to_string();
    assert!(get(management, "/livez", &host).await.starts_with("HTTP/1.1 200 "));
    assert!(get(management, "/readyz", &host).await.starts_with("HTTP/1.1 200 "));
    assert!(get(management, "/other", &host).await.starts_with("HTTP/1.1 404 "));
    assert!(get(management, "/metrics", "evil.example").await.starts_with("HTTP/1.1 421 "));

    let mut socket = Client::of(&bridge).connect().await;
    socket.send(b"seven b").await;
    assert_eq!(socket.read(7).await, b"seven b");
    let metrics = get(management, "/metrics", &host).await;
    for line in [
        "kafka_bridge_sessions_active 1\n",
        "kafka_bridge_received_bytes_total{direction=\"to-broker\"} 7\n",
        "kafka_bridge_received_bytes_total{direction=\"to-client\"} 7\n",
        "kafka_bridge_dial_seconds_count 1\n",
    ] {
        assert!(metrics.contains(line), "{line}: {metrics}");
    }
}

#[tokio::test]
async fn browsers_find_no_metrics_on_the_public_listener() {
    let bridge = bridge_to(nobody().await, |_| {}).await;
    let address = bridge.listening()[0];
    assert!(get(address, "/metrics", &address.to_string()).await.starts_with("HTTP/1.1 404 "));
    assert_eq!(bridge.management(), None);
}
