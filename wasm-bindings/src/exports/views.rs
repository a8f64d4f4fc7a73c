//! What can be seen of the client's inside.

use super::ClientHandle;
use super::objects::ObjectBuilder;
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;

#[wasm_bindgen]
impl ClientHandle {
    /// What has been counted, as a plain object of numbers.
    pub fn counters(&self) -> JsValue {
        self.driver.look(|client| {
            let inspect = client.inspect();
            let counters = inspect.counters();
            ObjectBuilder::new()
                .with("bootstraps", counters.bootstraps as f64)
                .with("connects", counters.connects as f64)
                .with("requestsSent", counters.requests_sent as f64)
                .with("responsesReceived", counters.responses_received as f64)
                .with("staleInputs", counters.stale_inputs as f64)
                .with("bytesDiscarded", counters.bytes_discarded as f64)
                .with("timers", counters.timers as f64)
                .with("sockets", inspect.sockets() as f64)
                .with("waiters", inspect.waiters() as f64)
                .with("bufferedBytes", inspect.buffered_bytes() as f64)
                .finish()
        })
    }
}
