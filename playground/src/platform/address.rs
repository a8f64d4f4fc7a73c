//! The part of the address after the `#`, and the clipboard that takes it to others.

use super::{report, window};
use wasm_bindgen::JsValue;

/// What stands after the `#`, with it; empty without.
#[must_use]
pub fn fragment() -> String {
    window().and_then(|window| window.location().hash().ok()).unwrap_or_default()
}

/// Writes what stands after the `#`: as a new entry of the history, or in place of the current one.
pub fn set_fragment(fragment: &str, new_entry: bool) {
    let Some(history) = window().and_then(|window| window.history().ok()) else { return };
    let done = if new_entry {
        history.push_state_with_url(&JsValue::NULL, "", Some(fragment))
    } else {
        history.replace_state_with_url(&JsValue::NULL, "", Some(fragment))
    };
    if let Err(error) = done {
        report("could not write the address", &error);
    }
}

/// The whole address with this fragment.
#[must_use]
pub fn with_fragment(fragment: &str) -> String {
    let address = window().and_then(|window| window.location().href().ok()).unwrap_or_default();
    let page = address.split('#').next().unwrap_or_default();
    format!("{page}{fragment}")
}

/// Gives text to the clipboard.
///
/// # Errors
/// The browser refused, or has no clipboard here (pages that did not come over HTTPS or from this machine).
pub async fn copy(text: &str) -> Result<(), JsValue> {
    let window = window().ok_or(JsValue::UNDEFINED)?;
    let clipboard = js_sys::Reflect::get(&window.navigator(), &JsValue::from_str("clipboard"))?;
    if clipboard.is_undefined() {
        return Err(JsValue::from_str("no clipboard"));
    }
    wasm_bindgen_futures::JsFuture::from(window.navigator().clipboard().write_text(text)).await.map(|_| ())
}
