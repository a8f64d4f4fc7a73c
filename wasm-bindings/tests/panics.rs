//! A panic, in a file of its own: the wasm instance is done for afterwards.

#![cfg(target_arch = "wasm32")]

use bytes::Bytes;
use client_core::config::{Config, ProducerConfig, Role};
use client_core::error::DisconnectCause;
use client_core::{Address, ConnectionId, Duration, StartOptions};
use std::cell::Cell;
use std::rc::Rc;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};
use wasm_bindings::driver::{Driver, Sink, Transport};
use wasm_bindings::exports::on_panic;

wasm_bindgen_test_configure!(run_in_browser);

/// Refuses the first connection and panics at the second, which the driver's timer asks for.
struct Panicking {
    connects: Rc<Cell<usize>>,
}

impl Transport for Panicking {
    fn connect(&self, connection: ConnectionId, _address: &Address, sink: Sink) {
        self.connects.set(self.connects.get() + 1);
        assert!(self.connects.get() < 2, "on purpose");
        sink.disconnected(connection, DisconnectCause::Refused);
    }

    fn send(&self, _connection: ConnectionId, _segments: &[Bytes]) {}

    fn close(&self, _connection: ConnectionId) {}
}

#[wasm_bindgen_test]
async fn a_panic_is_told_and_ends_neither_the_page_nor_in_a_loop() {
    let told = js_sys::Promise::new(&mut |resolve, _| on_panic(resolve));
    let bootstrap = vec![Address { host: "127.0.0.1".into(), port: 1 }];
    let mut config = Config::new("test", bootstrap, Role::Producer(ProducerConfig::default()));
    config.reconnect_backoff = Duration::from_millis(1);
    let connects = Rc::new(Cell::new(0));
    let driver = Driver::new(config, Panicking { connects: connects.clone() }, || ()).expect("good");
    driver.command(|client, now| client.start(now, StartOptions { timeout: None }));

    let message = JsFuture::from(told).await.expect("a promise that only resolves");
    let message = message.dyn_ref::<js_sys::JsString>().map(String::from).unwrap_or_default();
    assert!(message.contains("on purpose"), "{message}");

    // Whatever anybody asks of it now, it stands still.
    driver.turn();
    driver.sink().received(ConnectionId { broker: client_core::BrokerId(0), generation: 2 }, vec![0; 8]);
    let later = js_sys::Promise::new(&mut |resolve, _| {
        let window = web_sys::window().expect("tests run in a page");
        window
            .set_timeout_with_callback_and_timeout_and_arguments_0(&resolve, 50)
            .expect("a page has timers");
    });
    assert_eq!(JsFuture::from(later).await, Ok(JsValue::UNDEFINED));
    assert_eq!(connects.get(), 2);
}
