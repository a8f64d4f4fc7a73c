//! The facade's answer when a broker asks who this client is.

use super::ClientHandle;
use client_core::{BrokerId, ConnectionId, Credentials, Secret};
use js_sys::{Object, Reflect};
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen::{JsCast, JsValue};

#[wasm_bindgen]
impl ClientHandle {
    /// Answers a `credentials` event: with what `sasl` has, its functions replaced by what they found, or with a text that
    /// says why there is nothing.
    #[wasm_bindgen(js_name = credentials)]
    pub fn provide_credentials(&self, broker: u16, generation: u32, answer: &JsValue) {
        let connection = ConnectionId { broker: BrokerId(broker), generation };
        let answer = read(answer);
        self.driver.stage(|client, now| client.provide_credentials(now, connection, answer));
    }
}

fn read(answer: &JsValue) -> Result<Credentials, String> {
    if let Some(why) = answer.as_string() {
        return Err(why);
    }
    let authorization_id = text(answer, "authorizationId");
    if let (Some(username), Some(password)) = (text(answer, "username"), text(answer, "password")) {
        return Ok(Credentials::Password { username, password: password.into(), authorization_id });
    }
    let Some(value) = text(answer, "value") else {
        return Err(
            "expected a user name and a password, or the value of a token, found something else".into()
        );
    };
    let found = Reflect::get(answer, &"extensions".into()).unwrap_or_default();
    let mut extensions = Vec::new();
    for entry in found.dyn_ref::<Object>().map(Object::entries).unwrap_or_default().iter() {
        let entry = js_sys::Array::from(&entry);
        let (Some(key), Some(value)) = (entry.get(0).as_string(), entry.get(1).as_string()) else {
            return Err("expected the extensions of a token to be texts".into());
        };
        extensions.push((key, Secret::from(value)));
    }
    Ok(Credentials::Token { value: value.into(), authorization_id, extensions })
}

fn text(object: &JsValue, key: &str) -> Option<String> {
    Reflect::get(object, &key.into()).ok()?.as_string()
}
