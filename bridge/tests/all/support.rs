//! A bridge, a client and brokers for tests.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use bridge::config::{LogLevel, Target};
use bridge::{Bridge, Config};
use data_encoding::BASE64URL_NOPAD;
use futures_util::{SinkExt as _, StreamExt as _};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::task::JoinHandle;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::http::{HeaderValue, Response};
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{WebSocketStream, client_async};

pub(crate) const TOKEN: &str = "correct horse battery staple";

/// What clients ask for, unless a test says otherwise.
pub(crate) const KEY: &str = "b1.example:9092";

/// Nothing in these tests takes this long unless it hangs.
const GUARD: Duration = Duration::from_secs(60);

pub(crate) async fn guarded<T>(what: &str, future: impl Future<Output = T>) -> T {
    tokio::time::timeout(GUARD, future).await.unwrap_or_else(|_elapsed| panic!("hangs: {what}"))
}

/// Waits until `condition` holds.
pub(crate) async fn until(what: &str, mut condition: impl FnMut() -> bool) {
    guarded(what, async {
        while !condition() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
}

/// A bridge on a free port which leads [`KEY`] to `broker`.
pub(crate) async fn bridge_to(broker: SocketAddr, change: impl FnOnce(&mut Config)) -> Bridge {
    let mut config = Config {
        listen: vec!["127.0.0.1:0".parse().unwrap()],
        targets: vec![Target { advertise: KEY.to_owned(), dial: broker.to_string(), tls: false }],
        log: LogLevel::Off,
        ..Config::default()
    };
    change(&mut config);
    Bridge::start(config).await.unwrap()
}

/// How a client introduces itself.
pub(crate) struct Client {
    address: SocketAddr,
    from: IpAddr,
    pub(crate) path: String,
    pub(crate) headers: Vec<(&'static str, String)>,
}

impl Client {
    /// A page that the bridge itself serves.
    pub(crate) fn of(bridge: &Bridge) -> Self {
        let address = bridge.listening()[0];
        Self {
            address,
            from: address.ip(),
            path: format!("/v1/tcp?target={KEY}"),
            headers: vec![("origin", format!("http://{address}"))],
        }
    }

    pub(crate) fn target(mut self, query: &str) -> Self {
        self.path = format!("/v1/tcp{query}");
        self
    }

    /// Connects from another of this machine's addresses.
    pub(crate) fn from(mut self, address: &str) -> Self {
        self.from = address.parse().unwrap();
        self
    }

    /// Replaces the header, or leaves it out.
    pub(crate) fn header(mut self, name: &'static str, value: Option<&str>) -> Self {
        self.headers.retain(|(given, _)| *given != name);
        self.headers.extend(value.map(|value| (name, value.to_owned())));
        self
    }

    pub(crate) fn token(self, token: &str) -> Self {
        let list = format!("kafka-bridge.v1, bearer.{}", BASE64URL_NOPAD.encode(token.as_bytes()));
        self.header("sec-websocket-protocol", Some(&list))
    }

    /// The upgraded connection, or the HTTP status it was refused with.
    pub(crate) async fn try_connect(self) -> Result<(Socket, Response<Option<Vec<u8>>>), u16> {
        let mut request = format!("ws://{}{}", self.address, self.path).into_client_request().unwrap();
        for (name, value) in &self.headers {
            request.headers_mut().insert(*name, HeaderValue::from_str(value).unwrap());
        }
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind((self.from, 0).into()).unwrap();
        let stream = socket.connect(self.address).await.unwrap();
        match guarded("the handshake", client_async(request, stream)).await {
            Ok((socket, response)) => Ok((Socket(socket), response)),
            Err(Error::Http(response)) => Err(response.status().as_u16()),
            Err(other) => panic!("{other}"),
        }
    }

    pub(crate) async fn connect(self) -> Socket {
        self.try_connect().await.map_err(|status| format!("refused with {status}")).unwrap().0
    }

    /// Connects and tells how the session ends although the client does nothing.
    pub(crate) async fn ending(self) -> String {
        self.connect().await.ending().await
    }
}

pub(crate) struct Socket(pub(crate) WebSocketStream<TcpStream>);

impl Socket {
    pub(crate) async fn send(&mut self, bytes: &[u8]) {
        guarded("sending", self.0.send(Message::binary(bytes.to_vec()))).await.unwrap();
    }

    /// Reads exactly `count` bytes, whatever messages they come in.
    pub(crate) async fn read(&mut self, count: usize) -> Vec<u8> {
        let bytes = self.read_some(count).await;
        assert_eq!(bytes.len(), count);
        bytes
    }

    /// Reads whole messages until there are `count` bytes or more.
    pub(crate) async fn read_some(&mut self, count: usize) -> Vec<u8> {
        let mut bytes = Vec::new();
        while bytes.len() < count {
            match guarded("reading", self.0.next()).await {
                Some(Ok(Message::Binary(data))) => bytes.extend_from_slice(&data),
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                other => panic!("expected data after {} of {count} bytes, got {other:?}", bytes.len()),
            }
        }
        bytes
    }

    /// Reads to the end: `code reason`, or the kind of error.
    pub(crate) async fn ending(&mut self) -> String {
        let (data, ending) = self.rest().await;
        assert!(data.is_empty(), "{} unexpected bytes", data.len());
        ending
    }

    pub(crate) async fn rest(&mut self) -> (Vec<u8>, String) {
        let mut data = Vec::new();
        loop {
            match guarded("the close frame", self.0.next()).await {
                Some(Ok(Message::Binary(more))) => data.extend_from_slice(&more),
                Some(Ok(Message::Close(Some(frame)))) => {
                    return (data, format!("{} {}", u16::from(frame.code), frame.reason));
                }
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                other => return (data, format!("no close frame: {other:?}")),
            }
        }
    }
}

/// A broker whose connections the test plays itself.
pub(crate) struct Broker {
    listener: TcpListener,
}

impl Broker {
    pub(crate) async fn new() -> Self {
        Self { listener: TcpListener::bind("127.0.0.1:0").await.unwrap() }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.listener.local_addr().unwrap()
    }

    pub(crate) async fn accept(&self) -> TcpStream {
        guarded("the bridge's dialling", self.listener.accept()).await.unwrap().0
    }
}

/// A broker that sends back what it gets.
pub(crate) async fn echo() -> (SocketAddr, JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let task = tokio::spawn(async move {
        loop {
            let (mut socket, _) = listener.accept().await.unwrap();
            tokio::spawn(async move {
                let (mut read, mut write) = socket.split();
                tokio::io::copy(&mut read, &mut write).await
            });
        }
    });
    (address, task)
}

/// A port where nobody listens.
pub(crate) async fn nobody() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap()
}

/// Sends bytes as they are and returns everything until the bridge closes.
pub(crate) async fn raw(address: SocketAddr, request: &[u8]) -> Vec<u8> {
    let mut socket = TcpStream::connect(address).await.unwrap();
    socket.write_all(request).await.unwrap();
    let mut answer = Vec::new();
    guarded("the end of the answer", socket.read_to_end(&mut answer)).await.unwrap();
    answer
}

/// The head of an upgrade request that the bridge accepts.
pub(crate) fn upgrade_head(bridge: &Bridge) -> String {
    let address = bridge.listening()[0];
    format!(
        "GET /v1/tcp?target={KEY} HTTP/1.1\r\nHost: {address}\r\nOrigin: http://{address}\r\n\
         Upgrade: websocket\r\nConnection: keep-alive, Upgrade\r\nSec-WebSocket-Version: 13\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )
}

/// Reads the head of the answer, byte by byte, so that nothing after it is lost.
pub(crate) async fn read_head(socket: &mut TcpStream) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(guarded("the answer's head", socket.read_u8()).await.unwrap());
    }
    String::from_utf8(head).unwrap()
}

/// Bytes in which a hole, a repetition or a swap shows.
pub(crate) fn pattern(len: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_u32;
    let next = || {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        state as u8
    };
    std::iter::repeat_with(next).take(len).collect()
}
