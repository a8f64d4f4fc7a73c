//! One WebSocket.

use crate::driver::Sink;
use client_core::ConnectionId;
use client_core::error::DisconnectCause;
use js_sys::{ArrayBuffer, Uint8Array};
use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::{Rc, Weak};
use wasm_bindgen::prelude::{Closure, wasm_bindgen};
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{BinaryType, CloseEvent, MessageEvent, WebSocket};

/// The largest message sent; kafka-bridge takes 1 MiB.
const MESSAGE_BYTES_MAX: u32 = 512 << 10;
/// While the host buffers more than this, messages wait here instead.
const HOST_BUFFER_BYTES_MAX: u32 = 1 << 20;
/// How often a full host buffer is looked at again: there is no event for it.
const LOOK_AGAIN_MILLIS: f64 = 2.0;

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_name = setTimeout)]
    fn set_timeout(callback: &js_sys::Function, millis: f64) -> JsValue;

    #[wasm_bindgen(js_name = clearTimeout)]
    fn clear_timeout(handle: &JsValue);
}

pub(super) struct Socket {
    socket: WebSocket,
    opened: Rc<Cell<bool>>,
    waiting: RefCell<VecDeque<Uint8Array>>,
    look_again: Closure<dyn FnMut()>,
    looking: RefCell<Option<JsValue>>,
    // Kept alive for as long as the socket may call them.
    _on_open: Closure<dyn FnMut()>,
    _on_message: Closure<dyn FnMut(MessageEvent)>,
    _on_close: Closure<dyn FnMut(CloseEvent)>,
}

impl std::fmt::Debug for Socket {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Socket").field("url", &self.socket.url()).finish_non_exhaustive()
    }
}

impl Socket {
    /// Begins to open a WebSocket. `forget` is called before its end is reported.
    ///
    /// # Errors
    /// Why the host refuses to try, in words.
    pub(super) fn open(
        url: &str,
        subprotocols: &[String],
        connection: ConnectionId,
        sink: Sink,
        forget: impl Fn() + 'static,
    ) -> Result<Rc<Self>, String> {
        let list: js_sys::Array = subprotocols.iter().map(JsValue::from).collect();
        let socket = WebSocket::new_with_str_sequence(url, &list).map_err(|refusal| describe(&refusal))?;
        socket.set_binary_type(BinaryType::Arraybuffer);

        let opened = Rc::new(Cell::new(false));
        let (is_open, open_sink) = (opened.clone(), sink.clone());
        let on_open = Closure::<dyn FnMut()>::new(move || {
            is_open.set(true);
            open_sink.connected(connection);
        });
        let message_sink = sink.clone();
        let on_message = Closure::<dyn FnMut(MessageEvent)>::new(move |event: MessageEvent| {
            // Text messages are not part of the bridge's protocol; the bridge never sends any.
            if let Ok(buffer) = event.data().dyn_into::<ArrayBuffer>() {
                message_sink.received(connection, Uint8Array::new(&buffer).to_vec());
            }
        });
        let was_open = opened.clone();
        let on_close = Closure::<dyn FnMut(CloseEvent)>::new(move |event: CloseEvent| {
            let cause = cause(event.code(), event.reason(), was_open.get());
            let sink = sink.clone();
            forget();
            sink.disconnected(connection, cause);
        });
        socket.set_onopen(Some(on_open.as_ref().unchecked_ref()));
        socket.set_onmessage(Some(on_message.as_ref().unchecked_ref()));
        socket.set_onclose(Some(on_close.as_ref().unchecked_ref()));

        Ok(Rc::new_cyclic(|weak: &Weak<Self>| {
            let weak = weak.clone();
            Self {
                socket,
                opened,
                waiting: RefCell::default(),
                look_again: Closure::new(move || {
                    if let Some(socket) = weak.upgrade() {
                        socket.looking.borrow_mut().take();
                        socket.pass_on();
                    }
                }),
                looking: RefCell::default(),
                _on_open: on_open,
                _on_message: on_message,
                _on_close: on_close,
            }
        }))
    }

    /// Sends the bytes, now or when the host has sent what it buffers.
    pub(super) fn send(&self, bytes: &Uint8Array) {
        let mut start = 0;
        while start < bytes.length() {
            let end = bytes.length().min(start + MESSAGE_BYTES_MAX);
            self.waiting.borrow_mut().push_back(bytes.subarray(start, end));
            start = end;
        }
        self.pass_on();
    }

    fn pass_on(&self) {
        while self.socket.buffered_amount() < HOST_BUFFER_BYTES_MAX {
            let Some(message) = self.waiting.borrow_mut().pop_front() else { return };
            // Fails only while the socket is not open yet or not any more; its close event tells the client.
            if self.socket.send_with_js_u8_array(&message).is_err() {
                self.waiting.borrow_mut().clear();
                return;
            }
        }
        let mut looking = self.looking.borrow_mut();
        if looking.is_none() && !self.waiting.borrow().is_empty() {
            *looking = Some(set_timeout(self.look_again.as_ref().unchecked_ref(), LOOK_AGAIN_MILLIS));
        }
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        self.socket.set_onopen(None);
        self.socket.set_onmessage(None);
        self.socket.set_onclose(None);
        if let Some(handle) = self.looking.borrow_mut().take() {
            clear_timeout(&handle);
        }
        if self.opened.get() || self.socket.ready_state() == WebSocket::CONNECTING {
            // Closing a socket that is closed already is not an error, and there is no other.
            let _ = self.socket.close();
        }
    }
}

/// What a close event means to the client. 1000 is a broker that closed in order; all else is the bridge's word, or
/// 1006 for no word at all: no bridge there, an Origin it refuses, or a network that broke.
fn cause(code: u16, reason: String, was_open: bool) -> DisconnectCause {
    match code {
        1000 if was_open => DisconnectCause::Closed,
        1006 if was_open && reason.is_empty() => {
            DisconnectCause::Bridge { close_code: code, reason: "the connection to the bridge broke".into() }
        }
        1006 if reason.is_empty() => {
            DisconnectCause::Bridge { close_code: code, reason: "no connection to the bridge".into() }
        }
        _ => DisconnectCause::Bridge { close_code: code, reason },
    }
}

/// A JavaScript exception in words.
fn describe(exception: &JsValue) -> String {
    exception.dyn_ref::<js_sys::Error>().map_or_else(
        || "the host refused to open a WebSocket".to_owned(),
        |error| String::from(error.message()),
    )
}
