//! Bytes go through whole, in order, and never pile up.

use std::time::Duration;

use bridge::metrics::Direction::{ToBroker, ToClient};
use futures_util::{SinkExt as _, StreamExt as _};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;

use crate::support::{
    Broker, Client, Socket, bridge_to, echo, guarded, pattern, read_head, until, upgrade_head,
};

/// What the bridge promises to hold at most, for one session and direction.
const BUFFERED_MAX: u64 = 256 * 1024;

#[tokio::test]
async fn ten_mebibytes_come_back_unchanged() {
    let (broker, _task) = echo().await;
    let bridge = bridge_to(broker, |_| {}).await;
    let sent = pattern(10 * 1024 * 1024);
    let (mut sink, mut stream) = Client::of(&bridge).connect().await.0.split();
    let sending = async {
        // From single bytes to the largest message that is allowed, and every length in between now and then.
        let mut rest = &sent[..];
        for len in [1, 125, 126, 127, 1024, 65_535, 65_536, 1024 * 1024].iter().cycle() {
            let (message, later) = rest.split_at(rest.len().min(*len));
            sink.send(Message::binary(message.to_vec())).await.unwrap();
            rest = later;
            if rest.is_empty() {
                return;
            }
        }
    };
    let receiving = async {
        let mut received = Vec::new();
        while received.len() < sent.len() {
            if let Message::Binary(data) = stream.next().await.unwrap().unwrap() {
                received.extend_from_slice(&data);
            }
        }
        received
    };
    let ((), received) = guarded("10 MiB both ways", async { tokio::join!(sending, receiving) }).await;
    assert!(received == sent, "the bytes differ");
    let metrics = bridge.metrics();
    for direction in [ToBroker, ToClient] {
        assert_eq!(metrics.received_bytes(direction), sent.len() as u64);
        until("the counters", || metrics.sent_bytes(direction) == sent.len() as u64).await;
        assert!(metrics.session_buffered_bytes_max(direction) <= BUFFERED_MAX);
    }
}

/// Waits until a sender that would send for ever is held back: nothing moves although something is held.
async fn until_held_back(metrics: &bridge::metrics::Metrics, direction: bridge::metrics::Direction) {
    guarded("back-pressure", async {
        let (mut before, mut still) = (0, 0);
        while still < 20 {
            tokio::time::sleep(Duration::from_millis(20)).await;
            let now = metrics.received_bytes(direction);
            still = if now == before && metrics.buffered_bytes(direction) > 0 { still + 1 } else { 0 };
            before = now;
        }
    })
    .await;
}

#[tokio::test]
async fn a_client_that_does_not_read_holds_the_broker_back() {
    let broker = Broker::new().await;
    let bridge = bridge_to(broker.address(), |_| {}).await;
    let mut socket = Client::of(&bridge).connect().await;
    let mut upstream = broker.accept().await;
    let sent = pattern(64 * 1024 * 1024);
    let metrics = bridge.metrics();
    let sending = async {
        upstream.write_all(&sent).await.unwrap();
        upstream.shutdown().await.unwrap();
    };
    let receiving = async {
        until_held_back(metrics, ToClient).await;
        assert!(metrics.received_bytes(ToClient) < sent.len() as u64, "the broker was not held back");
        assert!(metrics.received_bytes(ToClient) - metrics.sent_bytes(ToClient) <= BUFFERED_MAX);
        socket.rest().await
    };
    let ((), (received, ending)) = guarded("64 MiB", async { tokio::join!(sending, receiving) }).await;
    assert!(received == sent, "the bytes differ");
    assert_eq!(ending, "1000 upstream-closed");
    assert!(metrics.session_buffered_bytes_max(ToClient) <= BUFFERED_MAX);
}

#[tokio::test]
async fn a_broker_that_does_not_read_holds_the_client_back() {
    let broker = Broker::new().await;
    let bridge = bridge_to(broker.address(), |_| {}).await;
    let mut socket = Client::of(&bridge).connect().await;
    let mut upstream = broker.accept().await;
    let sent = pattern(64 * 1024 * 1024);
    let metrics = bridge.metrics();
    let sending = async {
        for message in sent.chunks(1024 * 1024) {
            socket.0.send(Message::binary(message.to_vec())).await.unwrap();
        }
        socket.0.close(None).await.unwrap();
    };
    let receiving = async {
        until_held_back(metrics, ToBroker).await;
        assert!(metrics.received_bytes(ToBroker) < sent.len() as u64, "the client was not held back");
        let mut received = Vec::new();
        upstream.read_to_end(&mut received).await.unwrap();
        received
    };
    let ((), received) = guarded("64 MiB", async { tokio::join!(sending, receiving) }).await;
    assert!(received == sent, "the bytes differ");
    assert!(metrics.session_buffered_bytes_max(ToBroker) <= BUFFERED_MAX);
}

#[tokio::test]
async fn what_is_sent_before_there_is_a_broker_arrives() {
    let broker = Broker::new().await;
    let bridge = bridge_to(broker.address(), |_| {}).await;
    // Right behind the request head, in the same write: 101 comes before anything is dialled.
    let mut socket = TcpStream::connect(bridge.listening()[0]).await.unwrap();
    let frame = [0x82, 0x85, 0, 0, 0, 0, b'e', b'a', b'r', b'l', b'y'];
    socket.write_all(&[upgrade_head(&bridge).as_bytes(), &frame].concat()).await.unwrap();
    assert!(read_head(&mut socket).await.starts_with("HTTP/1.1 101 "));
    let mut upstream = broker.accept().await;
    let mut received = [0; 5];
    guarded("the early bytes", upstream.read_exact(&mut received)).await.unwrap();
    assert_eq!(&received, b"early");
}

#[tokio::test]
async fn a_client_that_closes_does_not_cut_off_what_it_sent() {
    let broker = Broker::new().await;
    let bridge = bridge_to(broker.address(), |_| {}).await;
    let mut socket = Client::of(&bridge).connect().await;
    let mut upstream = broker.accept().await;
    // Unread bytes in the other direction are what turns a careless close into a reset.
    upstream.write_all(&pattern(1024)).await.unwrap();
    socket.send(&pattern(100_000)).await;
    guarded("the close frame", socket.0.close(None)).await.unwrap();
    let mut received = Vec::new();
    guarded("the end of the stream", upstream.read_to_end(&mut received)).await.unwrap();
    assert!(received == pattern(100_000), "{} bytes arrived", received.len());
    drop(upstream);
    let (_, ending) = socket.rest().await;
    assert_eq!(ending, "1000 client-closed");
}

#[tokio::test]
async fn a_client_that_vanishes_ends_the_brokers_stream() {
    let broker = Broker::new().await;
    let bridge = bridge_to(broker.address(), |_| {}).await;
    let Socket(socket) = Client::of(&bridge).connect().await;
    let mut upstream = broker.accept().await;
    drop(socket);
    let mut received = Vec::new();
    guarded("the end of the stream", upstream.read_to_end(&mut received)).await.unwrap();
    drop(upstream);
    until("the session's end", || bridge.metrics().sessions_ended("client-gone") == 1).await;
    assert_eq!(bridge.metrics().sessions_active(), 0);
}
