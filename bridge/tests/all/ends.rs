//! Every way a session ends, and what the client is told.

use std::time::Duration;

use bridge::Stopped;
use futures_util::SinkExt as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::frame::Frame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Data, OpCode};

use crate::support::{
    Broker, Client, KEY, bridge_to, echo, guarded, nobody, pattern, read_head, until, upgrade_head,
};

#[tokio::test]
async fn a_broker_that_refuses_is_4502() {
    let bridge = bridge_to(nobody().await, |_| {}).await;
    let ending = Client::of(&bridge).ending().await;
    assert_eq!(ending, format!("4502 dial-failed problem=refused target={KEY}"));
}

/// A listener whose queue is full: the kernel lets further attempts wait.
async fn silent_broker() -> (TcpListener, Vec<TcpStream>) {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let listener = socket.listen(1).unwrap();
    let address = listener.local_addr().unwrap();
    let mut queued = Vec::new();
    while let Ok(connected) =
        tokio::time::timeout(Duration::from_millis(300), TcpStream::connect(address)).await
    {
        queued.push(connected.unwrap());
        assert!(queued.len() < 64, "the queue never fills");
    }
    (listener, queued)
}

#[tokio::test]
async fn a_broker_that_is_silent_is_4504_and_101_does_not_wait_for_it() {
    let (listener, _queued) = silent_broker().await;
    let broker = listener.local_addr().unwrap();
    let bridge = bridge_to(broker, |config| config.dial_timeout = Duration::from_millis(300)).await;
    let mut socket = Client::of(&bridge).connect().await;
    socket.send(b"waits for a broker").await;
    assert_eq!(socket.ending().await, format!("4504 dial-timeout after-ms=300 target={KEY}"));
}

#[tokio::test]
async fn a_client_may_leave_while_its_broker_is_dialled() {
    let (listener, _queued) = silent_broker().await;
    let broker = listener.local_addr().unwrap();
    let bridge = bridge_to(broker, |_| {}).await;
    let mut socket = Client::of(&bridge).connect().await;
    guarded("the close frame", socket.0.close(None)).await.unwrap();
    assert_eq!(socket.ending().await, "1000 client-closed");
    drop(Client::of(&bridge).connect().await);
    until("the session's end", || bridge.metrics().sessions_ended("client-gone") == 1).await;
    until("nobody left", || bridge.metrics().sessions_active() == 0).await;
}

#[tokio::test]
async fn a_broker_that_closes_is_1000_after_its_last_byte() {
    let broker = Broker::new().await;
    let bridge = bridge_to(broker.address(), |_| {}).await;
    let mut socket = Client::of(&bridge).connect().await;
    let mut upstream = broker.accept().await;
    upstream.write_all(&pattern(200_000)).await.unwrap();
    drop(upstream);
    let (received, ending) = socket.rest().await;
    assert!(received == pattern(200_000), "{} bytes arrived", received.len());
    assert_eq!(ending, "1000 upstream-closed");
}

#[tokio::test]
async fn a_broker_that_resets_is_1011() {
    let broker = Broker::new().await;
    let bridge = bridge_to(broker.address(), |_| {}).await;
    let mut socket = Client::of(&bridge).connect().await;
    let upstream = broker.accept().await;
    socket.send(b"never read").await;
    guarded("the bytes that stay unread", upstream.peek(&mut [0])).await.unwrap();
    // Closing with unread bytes makes the kernel send a reset.
    drop(upstream);
    assert_eq!(socket.ending().await, "1011 upstream-failed problem=reset");
}

#[tokio::test]
async fn text_is_1003() {
    let (broker, _task) = echo().await;
    let bridge = bridge_to(broker, |_| {}).await;
    let mut socket = Client::of(&bridge).connect().await;
    socket.0.send(Message::text("text")).await.unwrap();
    assert_eq!(socket.ending().await, "1003 binary-only");
}

#[tokio::test]
async fn a_message_beyond_the_limit_is_1009() {
    let (broker, _task) = echo().await;
    let bridge = bridge_to(broker, |_| {}).await;
    let mut socket = Client::of(&bridge).connect().await;
    let limit = 1024 * 1024;
    socket.send(&pattern(limit)).await;
    assert!(socket.read(limit).await == pattern(limit), "the bytes differ");
    socket.send(&pattern(limit + 1)).await;
    assert_eq!(socket.ending().await, "1009 message-too-big limit-bytes=1048576");

    let mut socket = Client::of(&bridge).connect().await;
    let first = Frame::message(pattern(limit), OpCode::Data(Data::Binary), false);
    socket.0.send(Message::Frame(first)).await.unwrap();
    assert_eq!(socket.read(limit).await.len(), limit);
    let last = Frame::message(pattern(1), OpCode::Data(Data::Continue), true);
    socket.0.send(Message::Frame(last)).await.unwrap();
    assert_eq!(socket.ending().await, "1009 message-too-big limit-bytes=1048576");
}

/// Upgrades by hand, sends bytes, and returns what the bridge answers to its end.
async fn after_upgrade(bridge: &bridge::Bridge, bytes: &[u8]) -> Vec<u8> {
    let mut socket = TcpStream::connect(bridge.listening()[0]).await.unwrap();
    socket.write_all(upgrade_head(bridge).as_bytes()).await.unwrap();
    assert!(read_head(&mut socket).await.starts_with("HTTP/1.1 101 "));
    socket.write_all(bytes).await.unwrap();
    let mut answer = Vec::new();
    guarded("the bridge's goodbye", socket.read_to_end(&mut answer)).await.unwrap();
    answer
}

fn close_frame(code: u16, reason: &str) -> Vec<u8> {
    let payload = [&code.to_be_bytes(), reason.as_bytes()].concat();
    [&[0x88, payload.len() as u8][..], &payload].concat()
}

#[tokio::test]
async fn a_broken_frame_is_1002() {
    let (broker, _task) = echo().await;
    let bridge = bridge_to(broker, |_| {}).await;
    let unmasked = after_upgrade(&bridge, &[0x82, 1, b'x']).await;
    assert_eq!(unmasked, close_frame(1002, "protocol-error problem=unmasked-frame"));
    let unknown = after_upgrade(&bridge, &[0x83, 0x80, 0, 0, 0, 0]).await;
    assert_eq!(unknown, close_frame(1002, "protocol-error problem=opcode"));
}

#[tokio::test]
async fn a_client_that_answers_no_ping_is_1008() {
    let (broker, _task) = echo().await;
    let bridge = bridge_to(broker, |config| {
        config.ping_interval = Duration::from_millis(200);
        config.pong_timeout = Duration::from_millis(100);
    })
    .await;
    // This client reads but never writes; one ping and the close frame is all it gets.
    let answer = after_upgrade(&bridge, &[]).await;
    let expected = [&[0x89, 0][..], &close_frame(1008, "pong-missing after-ms=100")].concat();
    assert_eq!(answer, expected);
}

#[tokio::test]
async fn a_client_that_answers_pings_stays_until_it_is_idle() {
    let (broker, _task) = echo().await;
    let bridge = bridge_to(broker, |config| {
        config.ping_interval = Duration::from_millis(400);
        config.pong_timeout = Duration::from_millis(300);
        config.idle_timeout = Duration::from_millis(1500);
    })
    .await;
    let mut socket = Client::of(&bridge).connect().await;
    socket.send(b"data").await;
    assert_eq!(socket.read(4).await, b"data");
    assert_eq!(socket.ending().await, "1008 idle after-ms=1500");
}

#[tokio::test]
async fn a_ping_is_answered_between_data() {
    let (broker, _task) = echo().await;
    let bridge = bridge_to(broker, |_| {}).await;
    let ping = [0x89, 0x82, 0, 0, 0, 0, b'h', b'i'];
    let close = [0x88, 0x80, 0, 0, 0, 0];
    let answer = after_upgrade(&bridge, &[&ping[..], &close].concat()).await;
    let expected = close_frame(1000, "client-closed");
    // The goodbye outranks an answer that was not written yet.
    assert!(answer == expected || answer == [&[0x8a, 2, b'h', b'i'][..], &expected].concat(), "{answer:?}");
    let mut socket = Client::of(&bridge).connect().await;
    socket.0.send(Message::Ping("hello".into())).await.unwrap();
    match guarded("the pong", futures_util::StreamExt::next(&mut socket.0)).await {
        Some(Ok(Message::Pong(payload))) => assert_eq!(&payload[..], b"hello"),
        other => panic!("expected a pong, got {other:?}"),
    }
}

#[tokio::test]
async fn a_client_that_never_reads_is_cut_off() {
    let broker = Broker::new().await;
    let bridge = bridge_to(broker.address(), |config| {
        config.write_stall_timeout = Duration::from_millis(300);
        config.close_timeout = Duration::from_millis(300);
    })
    .await;
    let socket = Client::of(&bridge).connect().await;
    let mut upstream = broker.accept().await;
    let sending = tokio::spawn(async move {
        let bytes = pattern(1024 * 1024);
        while upstream.write_all(&bytes).await.is_ok() {}
    });
    until("the cut", || bridge.metrics().sessions_ended("client-stalled") == 1).await;
    guarded("the broker's connection to end too", sending).await.unwrap();
    drop(socket);
}

#[tokio::test]
async fn a_broker_that_never_reads_is_1011() {
    let broker = Broker::new().await;
    let bridge =
        bridge_to(broker.address(), |config| config.write_stall_timeout = Duration::from_millis(300)).await;
    let socket = Client::of(&bridge).connect().await;
    let _upstream = broker.accept().await;
    let (mut sink, stream) = futures_util::StreamExt::split(socket.0);
    let sending =
        tokio::spawn(async move { while sink.send(Message::binary(pattern(1024 * 1024))).await.is_ok() {} });
    let mut stream = stream;
    let ending = guarded("the close frame", futures_util::StreamExt::next(&mut stream)).await;
    match ending {
        Some(Ok(Message::Close(Some(frame)))) => {
            assert_eq!(
                format!("{} {}", u16::from(frame.code), frame.reason),
                "1011 upstream-stalled after-ms=300"
            );
        }
        other => panic!("expected a close frame, got {other:?}"),
    }
    sending.abort();
    until("the session's end", || bridge.metrics().sessions_ended("upstream-stalled") == 1).await;
}

#[tokio::test]
async fn a_bridge_that_stops_is_1012() {
    let (broker, _task) = echo().await;
    let bridge = bridge_to(broker, |_| {}).await;
    let address = bridge.listening()[0];
    let mut socket = Client::of(&bridge).connect().await;
    socket.send(b"data").await;
    assert_eq!(socket.read(4).await, b"data");
    let (stopped, ending) = guarded("stopping", async { tokio::join!(bridge.stop(), socket.ending()) }).await;
    let retry = ending.strip_prefix("1012 restarting retry-after-ms=").map(str::parse::<u64>);
    assert!(matches!(retry, Some(Ok(500..1000))), "{ending}");
    assert_eq!(stopped, Stopped::Gracefully);
    assert!(TcpStream::connect(address).await.is_err(), "it still accepts");
}

#[tokio::test]
async fn what_does_not_end_in_time_is_cut_off() {
    let broker = Broker::new().await;
    let bridge = bridge_to(broker.address(), |config| {
        config.shutdown_grace = Duration::from_millis(200);
        config.close_timeout = Duration::from_secs(600);
    })
    .await;
    let _deaf = Client::of(&bridge).connect().await;
    let _upstream = broker.accept().await;
    until("the session", || bridge.metrics().sessions_active() == 1).await;
    assert_eq!(guarded("stopping", bridge.stop()).await, Stopped::CutOff);
}

#[tokio::test]
async fn a_client_that_sends_no_whole_request_is_dropped() {
    let bridge =
        bridge_to(nobody().await, |config| config.handshake_timeout = Duration::from_millis(200)).await;
    let address = bridge.listening()[0];
    let body_missing = format!("POST / HTTP/1.1\r\nHost: {address}\r\nContent-Length: 1000\r\n\r\n");
    let then_silent = format!("GET / HTTP/1.1\r\nHost: {address}\r\n\r\n");
    for beginning in ["", "GET /v1/tcp HTTP/1.1\r\nHost: ", &body_missing, &then_silent] {
        let mut socket = TcpStream::connect(bridge.listening()[0]).await.unwrap();
        socket.write_all(beginning.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        guarded("being dropped", socket.read_to_end(&mut answer)).await.unwrap();
    }
}
