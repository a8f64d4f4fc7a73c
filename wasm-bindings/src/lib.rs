//! wasm-bindings.
