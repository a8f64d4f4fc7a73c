//! Where a key press belongs.

use wasm_bindgen::JsCast as _;
use web_sys::{Element, EventTarget};

/// Whether the element takes text, or has a use of its own for the key.
#[must_use]
pub fn is_taken(target: Option<EventTarget>, key: &str) -> bool {
    let Some(element) = target.and_then(|target| target.dyn_into::<Element>().ok()) else { return false };
    let tag = element.tag_name().to_ascii_lowercase();
    match tag.as_str() {
        "textarea" | "select" => true,
        "input" => {
            // The timeline is a native range: it moves by itself on arrows, Home, End and Page keys.
            let is_range = element.get_attribute("type").as_deref() == Some("range");
            !is_range
                || matches!(
                    key,
                    "ArrowLeft"
                        | "ArrowRight"
                        | "ArrowUp"
                        | "ArrowDown"
                        | "Home"
                        | "End"
                        | "PageUp"
                        | "PageDown"
                )
        }
        "button" | "a" | "summary" => matches!(key, " " | "Enter"),
        _ => false,
    }
}

/// Whether a key press there is meant for the run: nothing has the focus, or the stage, the lesson's buttons or the
/// controls of time have it.
#[must_use]
pub fn is_for_the_stage(target: Option<EventTarget>) -> bool {
    let Some(element) = target.and_then(|target| target.dyn_into::<Element>().ok()) else { return true };
    matches!(element.tag_name().as_str(), "BODY" | "HTML")
        || element.closest(".stage, .transport, .lesson-foot").is_ok_and(|found| found.is_some())
}
