//! Networks made in JavaScript: Node's TCP, tests, or whatever an application brings along.

use super::ClientHandle;
use crate::driver::{BridgeOptions, Driver, Sink, Transport, WebSocketTransport, gather};
use bytes::Bytes;
use client_core::config::Config;
use client_core::error::DisconnectCause;
use client_core::ids::BrokerId;
use client_core::{Address, ConnectionId, Error};
use js_sys::{Function, Uint8Array};
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen::{JsCast, JsValue};

#[wasm_bindgen]
extern "C" {
    /// The facade's port object. It reports back through `connected`, `received` and `disconnected` of the handle.
    type Port;

    #[wasm_bindgen(method, catch)]
    fn connect(this: &Port, broker: u16, generation: u32, host: &str, port: u16) -> Result<(), JsValue>;

    #[wasm_bindgen(method, catch)]
    fn send(this: &Port, broker: u16, generation: u32, bytes: Uint8Array) -> Result<(), JsValue>;

    #[wasm_bindgen(method, catch)]
    fn close(this: &Port, broker: u16, generation: u32) -> Result<(), JsValue>;
}

/// The driver for a client on this network: a bridge's URL, a function that says the URL for each broker, or a port.
pub(super) fn driver(
    config: Config,
    network: &JsValue,
    token: Option<String>,
    wake: impl Fn() + 'static,
) -> Result<Driver, Error> {
    if let Some(url) = network.as_string() {
        Driver::new(config, WebSocketTransport::new(BridgeOptions::new(&url, token)?), wake)
    } else if let Some(url_for) = network.dyn_ref::<Function>() {
        let url_for = url_for.clone();
        let bridge = BridgeOptions::per_broker(move |address| url_from(&url_for, address));
        Driver::new(config, WebSocketTransport::new(bridge), wake)
    } else {
        let transport =
            PortTransport { port: network.clone().unchecked_into(), sink: std::cell::OnceCell::new() };
        Driver::new(config, transport, wake)
    }
}

fn url_from(url_for: &Function, address: &Address) -> Result<String, String> {
    let url = url_for.call2(&JsValue::UNDEFINED, &address.host.as_str().into(), &address.port.into());
    match url.map(|url| url.as_string()) {
        Ok(Some(url)) => Ok(url),
        Ok(None) => Err("the bridge function returned no URL".into()),
        Err(exception) => Err(format!("the bridge function failed: {}", describe(&exception))),
    }
}

struct PortTransport {
    port: Port,
    sink: std::cell::OnceCell<Sink>,
}

impl PortTransport {
    /// A port that throws has lost the connection.
    fn check(&self, connection: ConnectionId, outcome: Result<(), JsValue>) {
        if let (Err(exception), Some(sink)) = (outcome, self.sink.get()) {
            sink.disconnected(connection, DisconnectCause::Transport(describe(&exception)));
        }
    }
}

impl Transport for PortTransport {
    fn connect(&self, connection: ConnectionId, address: &Address, sink: Sink) {
        self.sink.get_or_init(|| sink);
        let ConnectionId { broker: BrokerId(broker), generation } = connection;
        self.check(connection, self.port.connect(broker, generation, &address.host, address.port));
    }

    fn send(&self, connection: ConnectionId, segments: &[Bytes]) {
        let ConnectionId { broker: BrokerId(broker), generation } = connection;
        self.check(connection, self.port.send(broker, generation, gather(segments)));
    }

    fn close(&self, connection: ConnectionId) {
        let ConnectionId { broker: BrokerId(broker), generation } = connection;
        // It is closed for the client, whatever the port says.
        let _ = self.port.close(broker, generation);
    }
}

fn describe(exception: &JsValue) -> String {
    exception.dyn_ref::<js_sys::Error>().map_or_else(
        || exception.as_string().unwrap_or_else(|| "it threw something that is no Error".into()),
        |error| error.message().into(),
    )
}

#[wasm_bindgen]
impl ClientHandle {
    /// The port has opened a connection.
    pub fn connected(&self, broker: u16, generation: u32) {
        self.driver.sink().connected(ConnectionId { broker: BrokerId(broker), generation });
    }

    /// The port has received bytes. They are copied once, on their way in here.
    pub fn received(&self, broker: u16, generation: u32, bytes: Vec<u8>) {
        self.driver.sink().received(ConnectionId { broker: BrokerId(broker), generation }, bytes);
    }

    /// The port has lost a connection, or could not open it. `how` is 0 for refused, 1 unreachable, 2 closed, 3 reset,
    /// 4 timed out, 5 closed by the bridge with that close code and the reason in `detail`; `detail` describes all else.
    pub fn disconnected(&self, broker: u16, generation: u32, how: u32, close_code: u16, detail: String) {
        let cause = match how {
            0 => DisconnectCause::Refused,
            1 => DisconnectCause::Unreachable,
            2 => DisconnectCause::Closed,
            3 => DisconnectCause::Reset,
            4 => DisconnectCause::TimedOut,
            5 => DisconnectCause::Bridge { close_code, reason: detail },
            _other => DisconnectCause::Transport(detail),
        };
        self.driver.sink().disconnected(ConnectionId { broker: BrokerId(broker), generation }, cause);
    }
}
