//! The driver in a real browser: its turns, its timer, and the WebSocket.

#![cfg(target_arch = "wasm32")]

use bytes::Bytes;
use client_core::config::{Config, ProducerConfig, Role};
use client_core::error::DisconnectCause;
use client_core::{
    Address, ConnectionId, Duration, Error, Event, LifecycleState, OperationId, StartOptions, StopOptions,
};
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use wasm_bindgen_futures::JsFuture;
use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};
use wasm_bindings::driver::{BridgeOptions, Driver, Sink, Transport, WebSocketTransport};

wasm_bindgen_test_configure!(run_in_browser);

fn config() -> Config {
    let bootstrap = vec![Address { host: "127.0.0.1".into(), port: 1 }];
    let mut config = Config::new("test", bootstrap, Role::Producer(ProducerConfig::default()));
    config.reconnect_backoff = Duration::from_millis(1);
    config.reconnect_backoff_max = Duration::from_millis(5);
    config
}

fn start(driver: &Driver, timeout_millis: u64) -> OperationId {
    let timeout = Some(Duration::from_millis(timeout_millis));
    driver.command(|client, now| client.start(now, StartOptions { timeout }).operation)
}

async fn pause(millis: i32) {
    let promise = js_sys::Promise::new(&mut |resolve, _| {
        web_sys::window()
            .expect("tests run in a page")
            .set_timeout_with_callback_and_timeout_and_arguments_0(&resolve, millis)
            .expect("a page has timers");
    });
    JsFuture::from(promise).await.expect("a timer does not fail");
}

/// The end of an operation. Looks for at most ten seconds.
async fn end_of(driver: &Driver, wanted: OperationId) -> Result<(), Error> {
    for _ in 0..1_000 {
        while let Some(event) = driver.poll_event() {
            if let Event::Completed { operation, result } = event
                && operation == wanted
            {
                return result.map(|_| ());
            }
        }
        pause(10).await;
    }
    panic!("{wanted} did not end");
}

/// A network on which every connection fails, at once and from inside the call that opens it.
#[derive(Clone, Default)]
struct Broken {
    connects: Rc<Cell<usize>>,
    log: Rc<RefCell<Vec<&'static str>>>,
}

impl Transport for Broken {
    fn connect(&self, connection: ConnectionId, _address: &Address, sink: Sink) {
        self.connects.set(self.connects.get() + 1);
        self.log.borrow_mut().push("connect");
        sink.disconnected(connection, DisconnectCause::Refused);
        self.log.borrow_mut().push("told");
    }

    fn send(&self, _connection: ConnectionId, _segments: &[Bytes]) {
        self.log.borrow_mut().push("send");
    }

    fn close(&self, _connection: ConnectionId) {
        self.log.borrow_mut().push("close");
    }
}

/// A network on which nothing ever happens.
#[derive(Clone, Default)]
struct Silent {
    connects: Rc<Cell<usize>>,
    closes: Rc<Cell<usize>>,
}

impl Transport for Silent {
    fn connect(&self, _connection: ConnectionId, _address: &Address, _sink: Sink) {
        self.connects.set(self.connects.get() + 1);
    }

    fn send(&self, _connection: ConnectionId, _segments: &[Bytes]) {}

    fn close(&self, _connection: ConnectionId) {
        self.closes.set(self.closes.get() + 1);
    }
}

#[wasm_bindgen_test]
async fn a_transport_may_report_from_inside_and_turns_do_not_nest() {
    let network = Broken::default();
    let driver = Driver::new(config(), network.clone(), || ()).expect("a good configuration");
    let operation = start(&driver, 100);
    assert_eq!(*network.log.borrow(), ["connect", "told"]);
    let error = end_of(&driver, operation).await.expect_err("nobody is there");
    assert!(error.to_string().contains("refused"), "{error}");
    assert!(network.connects.get() > 2, "the timer made it try again");
    assert_eq!(driver.look(client_core::Client::lifecycle), LifecycleState::Idle);
    let before = network.connects.get();
    pause(50).await;
    assert_eq!(network.connects.get(), before, "after its end nothing goes on");
}

#[wasm_bindgen_test]
async fn a_hundred_starts_make_one_connection_and_stop_closes_it() {
    let network = Silent::default();
    let woken = Rc::new(Cell::new(0));
    let wakes = woken.clone();
    let driver = Driver::new(config(), network.clone(), move || wakes.set(wakes.get() + 1)).expect("good");
    let starts: Vec<_> = (0..100).map(|_| start(&driver, 60_000)).collect();
    assert_eq!(network.connects.get(), 1);
    let stop = driver.command(|client, now| client.stop(now, StopOptions { timeout: None }));
    assert_eq!(network.closes.get(), 1);
    assert!(woken.get() > 0, "somebody is told that there is something to look at");
    let mut stopped = 0;
    let mut ended = false;
    while let Some(event) = driver.poll_event() {
        if let Event::Completed { operation, result } = event {
            if starts.contains(&operation) {
                assert_eq!(result.expect_err("it was stopped").code(), "STOPPED");
                stopped += 1;
            } else if operation == stop {
                ended = result.is_ok();
            }
        }
    }
    assert_eq!((stopped, ended), (100, true));
    assert_eq!(driver.look(|client| client.poll_timeout()), None);
}

#[wasm_bindgen_test]
async fn a_time_limit_comes_although_nothing_else_does() {
    let driver = Driver::new(config(), Silent::default(), || ()).expect("a good configuration");
    let operation = start(&driver, 30);
    let error = end_of(&driver, operation).await.expect_err("nobody answers");
    assert_eq!(error.code(), "TIMEOUT");
}

#[wasm_bindgen_test]
async fn reports_to_a_driver_that_is_gone_do_no_harm() {
    let driver = Driver::new(config(), Silent::default(), || ()).expect("a good configuration");
    let sink = driver.sink();
    start(&driver, 10);
    drop(driver);
    let connection = ConnectionId { broker: client_core::BrokerId(0), generation: 1 };
    sink.connected(connection);
    sink.received(connection, vec![1, 2, 3]);
    pause(30).await;
}

#[wasm_bindgen_test]
async fn a_bridge_that_is_not_there_is_a_bridge_error() {
    let bridge = BridgeOptions::new("ws://127.0.0.1:1", None).expect("a good URL");
    let driver = Driver::new(config(), WebSocketTransport::new(bridge), || ()).expect("good");
    let operation = start(&driver, 1_500);
    let error = end_of(&driver, operation).await.expect_err("nobody is there");
    assert!(error.to_string().contains("1006"), "{error}");
}

#[wasm_bindgen_test]
async fn a_url_that_a_browser_refuses_is_an_error_in_words() {
    let bridge = BridgeOptions::per_broker(|_| Ok("no url at all".into()));
    let driver = Driver::new(config(), WebSocketTransport::new(bridge), || ()).expect("good");
    let operation = start(&driver, 100);
    let error = end_of(&driver, operation).await.expect_err("there is no such place");
    assert!(error.to_string().contains("no"), "{error}");
}

#[wasm_bindgen_test]
fn a_configuration_that_cannot_be_used_names_its_key() {
    let mut config = config();
    config.bootstrap.clear();
    let error = Driver::new(config, Silent::default(), || ()).expect_err("there is no broker");
    assert!(matches!(error, Error::InvalidConfig { ref key, .. } if key == "brokers"), "{error}");
}
