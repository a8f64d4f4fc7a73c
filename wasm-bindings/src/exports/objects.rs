//! Plain JavaScript objects, for what is small and rare.

use js_sys::{Object, Reflect};
use wasm_bindgen::JsValue;

/// An object under construction.
pub(super) struct ObjectBuilder {
    object: Object,
}

impl ObjectBuilder {
    pub(super) fn new() -> Self {
        Self { object: Object::new() }
    }

    pub(super) fn with(self, key: &str, value: impl Into<JsValue>) -> Self {
        // Setting a property of a fresh plain object cannot fail.
        let _ = Reflect::set(&self.object, &key.into(), &value.into());
        self
    }

    /// Adds the property only when there is a value.
    pub(super) fn with_some(self, key: &str, value: Option<impl Into<JsValue>>) -> Self {
        match value {
            Some(value) => self.with(key, value),
            None => self,
        }
    }

    pub(super) fn finish(self) -> JsValue {
        self.object.into()
    }
}
