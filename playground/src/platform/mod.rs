//! The browser: the only place that touches it.

pub mod address;
pub mod keyboard;
pub mod size;
pub mod storage;
pub mod theme;
pub mod timer;
pub mod visibility;

use wasm_bindgen::closure::Closure;
use wasm_bindgen::{JsCast as _, JsValue};
use web_sys::{Document, Event, EventTarget, Window};

/// The page's window. `None` outside a page, in native tests for example.
#[must_use]
pub fn window() -> Option<Window> {
    web_sys::window()
}

/// The page's document.
#[must_use]
pub fn document() -> Option<Document> {
    window().and_then(|window| window.document())
}

/// Says something went wrong that the reader cannot do anything about, to those who look at the console.
pub fn report(what: &str, error: &JsValue) {
    web_sys::console::warn_2(&JsValue::from_str(what), error);
}

/// Listens until it is dropped.
pub struct Listener {
    target: EventTarget,
    event: &'static str,
    closure: Closure<dyn FnMut(Event)>,
}

impl Listener {
    /// Calls `handle` on each such event of the target.
    pub fn new(target: &EventTarget, event: &'static str, handle: impl FnMut(Event) + 'static) -> Self {
        let closure = Closure::<dyn FnMut(Event)>::new(handle);
        if let Err(error) = target.add_event_listener_with_callback(event, closure.as_ref().unchecked_ref()) {
            report("could not listen", &error);
        }
        Self { target: target.clone(), event, closure }
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        let callback = self.closure.as_ref().unchecked_ref();
        if let Err(error) = self.target.remove_event_listener_with_callback(self.event, callback) {
            report("could not stop listening", &error);
        }
    }
}
