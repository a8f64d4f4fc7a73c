//! Bits that nobody can guess, from the host's source for secrets.

use client_core::Error;
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;

#[wasm_bindgen]
extern "C" {
    /// Web Crypto's generator: in pages, workers, Node, Deno and Bun, secure context or not.
    #[wasm_bindgen(js_namespace = crypto, js_name = getRandomValues, catch)]
    fn get_random_values(bytes: &mut [u8]) -> Result<JsValue, JsValue>;
}

/// New ones each time.
pub(super) fn bits() -> Result<[u8; 32], Error> {
    let mut bits = [0; 32];
    get_random_values(&mut bits).map_err(|_| {
        Error::Internal("this host has no crypto.getRandomValues, which authentication needs".into())
    })?;
    Ok(bits)
}
