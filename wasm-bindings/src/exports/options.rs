//! Layers of options as the facade hands them over, made into those of the core, which checks and merges them.

use bytes::Bytes;
use client_core::Error;
use client_core::config::{Config, Layer, RoleName, Value, resolve};
use js_sys::{Array, Object, Uint8Array};
use wasm_bindgen::{JsCast, JsValue};

/// The configuration that these layers describe, the lowest first: each a name, whether it is for every role, and an object.
pub(super) fn config(role: &str, layers: &Array) -> Result<Config, Error> {
    let Some(role) = RoleName::from_name(role) else {
        return Err(Error::Internal(format!("there is no role {role:?}")));
    };
    let layers: Vec<Layer> = layers.iter().map(|layer| to_layer(&Array::from(&layer))).collect();
    Ok(resolve(role, &layers)?.config)
}

fn to_layer(layer: &Array) -> Layer {
    Layer {
        name: layer.get(0).as_string().unwrap_or_default(),
        shared: layer.get(1).is_truthy(),
        values: to_map(&layer.get(2)),
    }
}

fn to_map(object: &JsValue) -> Vec<(String, Value)> {
    let entries = object.dyn_ref::<Object>().map(Object::entries).unwrap_or_default();
    let read = |entry: JsValue| {
        let entry = Array::from(&entry);
        (entry.get(0).as_string().unwrap_or_default(), to_value(&entry.get(1)))
    };
    entries.iter().map(read).collect()
}

pub(super) fn to_value(value: &JsValue) -> Value {
    if value.is_null() {
        Value::Null
    } else if let Some(flag) = value.as_bool() {
        Value::Flag(flag)
    } else if let Some(number) = value.as_f64() {
        Value::Number(number)
    } else if let Some(text) = value.as_string() {
        Value::Text(text)
    } else if let Some(bytes) = value.dyn_ref::<Uint8Array>() {
        Value::Bytes(Bytes::from(bytes.to_vec()))
    } else if let Some(list) = value.dyn_ref::<Array>() {
        Value::List(list.iter().map(|item| to_value(&item)).collect())
    } else if value.is_function() || !value.is_object() {
        Value::Other(value.js_typeof().as_string().unwrap_or_default())
    } else {
        Value::Map(to_map(value))
    }
}
