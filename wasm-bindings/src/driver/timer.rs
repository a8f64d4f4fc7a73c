//! One host timer for the client's next deadline.

use client_core::Instant;
use std::cell::RefCell;
use std::rc::Rc;
use wasm_bindgen::prelude::{Closure, wasm_bindgen};
use wasm_bindgen::{JsCast, JsValue};

#[wasm_bindgen]
extern "C" {
    /// A number in browsers, an object in Node: kept as it comes.
    #[wasm_bindgen(js_name = setTimeout)]
    fn set_timeout(callback: &js_sys::Function, millis: f64) -> JsValue;

    #[wasm_bindgen(js_name = clearTimeout)]
    fn clear_timeout(handle: &JsValue);
}

/// The longest delay that hosts understand; longer ones would fire at once.
const MILLIS_MAX: f64 = 2_147_483_647.0;

pub(super) struct HostTimer {
    callback: Closure<dyn FnMut()>,
    armed: Rc<RefCell<Option<Armed>>>,
}

struct Armed {
    at: Instant,
    handle: JsValue,
}

impl HostTimer {
    /// A timer that is not armed. It may call early, never late by its own doing.
    pub(super) fn new(mut fired: impl FnMut() + 'static) -> Self {
        let armed = Rc::new(RefCell::new(None));
        let disarm = armed.clone();
        let callback = Closure::new(move || {
            disarm.borrow_mut().take();
            fired();
        });
        Self { callback, armed }
    }

    /// Makes the timer call at `at`, or not at all. One that is armed for an earlier time stays: it costs less to
    /// let it fire and look again than to replace it in every turn.
    pub(super) fn arm(&self, at: Option<Instant>, now: Instant) {
        let mut armed = self.armed.borrow_mut();
        let Some(at) = at else {
            if let Some(old) = armed.take() {
                clear_timeout(&old.handle);
            }
            return;
        };
        if let Some(old) = &*armed {
            if old.at <= at {
                return;
            }
            clear_timeout(&old.handle);
        }
        let millis = (at.since(now).as_micros() as f64 / 1_000.0).ceil().min(MILLIS_MAX);
        let handle = set_timeout(self.callback.as_ref().unchecked_ref(), millis);
        *armed = Some(Armed { at, handle });
    }
}

impl Drop for HostTimer {
    fn drop(&mut self) {
        if let Some(armed) = self.armed.borrow_mut().take() {
            clear_timeout(&armed.handle);
        }
    }
}
