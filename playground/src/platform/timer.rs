//! Waiting.

use super::{report, window};
use wasm_bindgen::JsCast as _;
use wasm_bindgen::closure::Closure;

/// Calls a function once, later, unless it is dropped before.
pub struct Timeout {
    id: Option<i32>,
    _closure: Closure<dyn FnMut()>,
}

impl Timeout {
    /// Calls `action` in so many milliseconds.
    pub fn new(ms: u32, action: impl FnOnce() + 'static) -> Self {
        let closure = Closure::once(action);
        let id = window().and_then(|window| {
            let ms = i32::try_from(ms).unwrap_or(i32::MAX);
            window
                .set_timeout_with_callback_and_timeout_and_arguments_0(closure.as_ref().unchecked_ref(), ms)
                .map_err(|error| report("could not set a timer", &error))
                .ok()
        });
        Self { id, _closure: closure }
    }
}

impl Drop for Timeout {
    fn drop(&mut self) {
        if let (Some(id), Some(window)) = (self.id, window()) {
            window.clear_timeout_with_handle(id);
        }
    }
}
