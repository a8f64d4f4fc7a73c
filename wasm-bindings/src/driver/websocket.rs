//! Connections through a WebSocket bridge: one WebSocket per broker connection, bytes only (docs/bridge.md).
//!
//! Message boundaries mean nothing in either direction. JavaScript cannot push back on receive, so what may arrive
//! is bounded by what the client fetches; sends are held back while the host still buffers earlier ones.

mod bridge_url;
mod socket;

pub use bridge_url::BridgeOptions;

use super::{Sink, Transport, gather};
use bytes::Bytes;
use client_core::error::DisconnectCause;
use client_core::{Address, ConnectionId};
use litemap::LiteMap;
use socket::Socket;
use std::cell::RefCell;
use std::rc::Rc;

/// Reaches brokers through a bridge, with the host's own `WebSocket`.
#[derive(Debug)]
pub struct WebSocketTransport {
    bridge: BridgeOptions,
    sockets: Rc<RefCell<LiteMap<ConnectionId, Rc<Socket>>>>,
}

impl WebSocketTransport {
    /// A transport through this bridge. Nothing is opened yet.
    #[must_use]
    pub fn new(bridge: BridgeOptions) -> Self {
        Self { bridge, sockets: Rc::default() }
    }

    fn open(&self, connection: ConnectionId, address: &Address, sink: Sink) -> Result<Rc<Socket>, String> {
        let url = self.bridge.url_for(address)?;
        let sockets = Rc::downgrade(&self.sockets);
        let forget = move || {
            if let Some(sockets) = sockets.upgrade() {
                sockets.borrow_mut().remove(&connection);
            }
        };
        Socket::open(&url, &self.bridge.subprotocols(), connection, sink, forget)
    }
}

impl Transport for WebSocketTransport {
    fn connect(&self, connection: ConnectionId, address: &Address, sink: Sink) {
        match self.open(connection, address, sink.clone()) {
            Ok(socket) => {
                self.sockets.borrow_mut().insert(connection, socket);
            }
            Err(problem) => sink.disconnected(connection, DisconnectCause::Transport(problem)),
        }
    }

    fn send(&self, connection: ConnectionId, segments: &[Bytes]) {
        let socket = self.sockets.borrow().get(&connection).cloned();
        if let Some(socket) = socket {
            socket.send(&gather(segments));
        }
    }

    fn close(&self, connection: ConnectionId) {
        // Taking the socket out drops it, which closes it and silences its handlers.
        let socket = self.sockets.borrow_mut().remove(&connection);
        drop(socket);
    }
}
