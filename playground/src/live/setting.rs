//! Where to talk to.

use crate::platform::window;
use client_core::{Address, TopicName};
use wasm_bindgen::{JsCast as _, JsValue};
use wasm_bindgen_futures::JsFuture;

/// What the reader filled in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Setting {
    /// The bridge's URL.
    pub bridge: String,
    /// A broker's `host:port`, as the bridge knows it.
    pub broker: String,
    /// The topic.
    pub topic: String,
    /// The bridge's token; empty for none. It is kept in memory only.
    pub token: String,
}

impl Setting {
    /// The broker's address.
    ///
    /// # Errors
    /// What is wrong with the field, in words.
    pub fn address(&self) -> Result<Address, String> {
        let broker = self.broker.trim();
        Address::parse(broker).map_err(|problem| format!("Broker \u{201c}{broker}\u{201d}: {problem}."))
    }

    /// Whether everything can be used.
    ///
    /// # Errors
    /// The first thing that is wrong, in words.
    pub fn check(&self) -> Result<(), String> {
        if self.bridge.trim().is_empty() {
            return Err("Bridge: expected a URL such as ws://127.0.0.1:8090, found nothing.".to_owned());
        }
        self.address()?;
        let topic = self.topic.trim();
        match TopicName::problem(topic) {
            Some(problem) => Err(format!("Topic \u{201c}{topic}\u{201d}: {problem}.")),
            None => Ok(()),
        }
    }
}

/// The bridge that served this page, if one did: pages that come over HTTP ask at their own address.
#[must_use]
pub fn page_bridge() -> Option<String> {
    let location = window()?.location();
    let scheme = match location.protocol().ok()?.as_str() {
        "http:" => "ws",
        "https:" => "wss",
        _ => return None,
    };
    Some(format!("{scheme}://{}", location.host().ok()?))
}

/// The broker that whoever serves this page recommends, in `live.json` beside it: `{"broker": "127.0.0.1:9092"}`.
///
/// # Errors
/// There is no such file, or it says something else.
pub async fn page_broker() -> Result<String, JsValue> {
    let window = window().ok_or(JsValue::UNDEFINED)?;
    let response = JsFuture::from(window.fetch_with_str("live.json")).await?;
    let response: web_sys::Response = response.dyn_into()?;
    if !response.ok() {
        return Err(JsValue::from_str("this page has no live.json"));
    }
    let value = JsFuture::from(response.json()?).await?;
    let broker = js_sys::Reflect::get(&value, &JsValue::from_str("broker"))?;
    broker.as_string().ok_or_else(|| JsValue::from_str("live.json names no broker"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(bridge: &str, broker: &str, topic: &str) -> String {
        let setting = Setting {
            bridge: bridge.into(),
            broker: broker.into(),
            topic: topic.into(),
            token: String::new(),
        };
        setting.check().err().unwrap_or_default()
    }

    #[test]
    fn each_wrong_field_is_named() {
        assert_eq!(problem("ws://b", "127.0.0.1:9092", "orders"), "");
        assert!(problem(" ", "127.0.0.1:9092", "orders").starts_with("Bridge"));
        assert!(problem("ws://b", "127.0.0.1", "orders").starts_with("Broker"));
        assert!(problem("ws://b", "127.0.0.1:9092", "a b").starts_with("Topic"));
    }
}
