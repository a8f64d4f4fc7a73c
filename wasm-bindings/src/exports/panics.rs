//! Panics. After one, this wasm instance is unusable: the facade is told at once, and fails every pending and later
//! call of every client with one fatal error, instead of leaving anybody waiting.

use js_sys::Function;
use std::cell::RefCell;
use std::sync::Once;
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;

thread_local! {
    static TELL: RefCell<Option<Function>> = const { RefCell::new(None) };
}

/// Sets the function that is told a panic's message. It must only take note.
#[wasm_bindgen(js_name = onPanic)]
pub fn on_panic(tell: Function) {
    static HOOK: Once = Once::new();
    TELL.with_borrow_mut(|slot| *slot = Some(tell));
    HOOK.call_once(|| {
        std::panic::set_hook(Box::new(|panic| {
            crate::driver::halt();
            let message = panic.to_string();
            TELL.with(|slot| {
                if let Ok(Some(tell)) = slot.try_borrow().as_deref() {
                    // Were this to fail as well, the trap that follows is still an exception for whoever called.
                    let _ = tell.call1(&JsValue::UNDEFINED, &message.into());
                }
            });
        }));
    });
}
