//! How wide an element is.

use super::{report, window};
use wasm_bindgen::JsCast as _;
use wasm_bindgen::closure::Closure;
use web_sys::{Element, ResizeObserver};
use yew::prelude::*;

/// The width of the page in CSS pixels.
#[must_use]
pub fn page_width() -> Option<f64> {
    window().and_then(|window| window.inner_width().ok()).and_then(|width| width.as_f64())
}

/// The width of an element in CSS pixels, kept up to date. `fallback` before it is known.
#[hook]
pub fn use_width(node: &NodeRef, fallback: f64) -> f64 {
    let width = use_state_eq(|| fallback);
    {
        let width = width.clone();
        let node = node.clone();
        use_effect_with((), move |()| {
            let observer = node.cast::<Element>().and_then(|element| {
                let watched = element.clone();
                let measure = move || width.set(f64::from(watched.client_width()));
                measure();
                let closure = Closure::<dyn FnMut()>::new(measure);
                let observer = ResizeObserver::new(closure.as_ref().unchecked_ref())
                    .map_err(|error| report("could not watch the size", &error))
                    .ok()?;
                observer.observe(&element);
                Some((observer, closure))
            });
            move || {
                if let Some((observer, _closure)) = observer {
                    observer.disconnect();
                }
            }
        });
    }
    *width
}
