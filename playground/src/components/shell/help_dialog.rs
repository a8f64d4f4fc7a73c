//! Help: the keys, and what is real and what is simulated.

use crate::components::icon::{Icon, Picture};
use crate::platform::{report, storage};
use web_sys::{HtmlDialogElement, HtmlInputElement};
use yew::prelude::*;

/// The name under which the browser remembers that single keys are off.
const KEYS_OFF: &str = "playground.keys-off";

/// Whether single keys work.
#[must_use]
pub fn keys_are_on() -> bool {
    storage::recall(KEYS_OFF).is_none()
}

/// Whether it is open.
#[derive(Properties, PartialEq)]
pub struct HelpDialogProps {
    /// Whether it is open.
    pub is_open: bool,
    /// Called when it closes.
    pub on_close: Callback<()>,
}

const KEYS: [(&str, &str); 12] = [
    ("\u{2192}  \u{2190}", "one event forward, back"),
    ("Shift \u{2192}  Shift \u{2190}", "next, previous state change"),
    ("Home  End", "first, last event"),
    ("PgDn  PgUp", "ten events forward, back"),
    ("Space", "play, pause"),
    ("+  \u{2212}", "faster, slower"),
    ("n", "next broken rule"),
    ("d  D", "next, previous difference between two runs"),
    ("w", "why: the event with its causes and effects"),
    ("t", "diagram or list"),
    ("1 2 3 4 5", "to the lesson, stage, states, wire, rules"),
    ("?  Esc", "this help; close"),
];

/// The dialog.
#[component]
pub fn HelpDialog(props: &HelpDialogProps) -> Html {
    let dialog = use_node_ref();
    let keys = use_state_eq(keys_are_on);
    {
        let dialog = dialog.clone();
        use_effect_with(props.is_open, move |is_open| {
            let Some(dialog) = dialog.cast::<HtmlDialogElement>() else { return };
            if *is_open && !dialog.open() {
                if let Err(error) = dialog.show_modal() {
                    report("could not open the help", &error);
                }
            } else if !is_open && dialog.open() {
                dialog.close();
            }
        });
    }
    let onchange = {
        let keys = keys.clone();
        Callback::from(move |event: Event| {
            let Some(input) = event.target_dyn_into::<HtmlInputElement>() else { return };
            storage::remember(KEYS_OFF, (!input.checked()).then_some("1"));
            keys.set(input.checked());
        })
    };
    html! {
        <dialog class="help" ref={dialog} aria-labelledby="help-title" data-testid="help-dialog"
            onclose={props.on_close.reform(|_: Event| ())}>
            <div class="help-head">
                <h2 id="help-title">{ "Help" }</h2>
                <button type="button" class="button bare icon-button" aria-label="Close"
                    onclick={props.on_close.reform(|_: MouseEvent| ())}><Icon picture={Picture::Cross} /></button>
            </div>
            <h3>{ "Keys" }</h3>
            <p class="small quiet">{ "They work while nothing, the stage or the controls of time have the focus." }</p>
            <dl class="keys">
                { for KEYS.iter().map(|(key, what)| html! {
                    <div key={*what}><dt>{ for key.split("  ").map(|key| html! { <kbd>{ key }</kbd> }) }</dt><dd>{ *what }</dd></div>
                }) }
            </dl>
            <label class="check">
                <input type="checkbox" checked={*keys} {onchange} data-testid="keys-on" />
                { "Single keys are on" }
            </label>
            <h3>{ "What is real here" }</h3>
            <ul class="fidelity">
                <li><strong>{ "Real: " }</strong>{ "the client. It is the same code that the npm package ships, and every state, byte and sentence comes from running it. So do the tables of the state machines and the fields of the messages." }</li>
                <li><strong>{ "Simulated: " }</strong>{ "the brokers (a part of Kafka\u{2019}s protocol), the network, the clock, name resolution, and the operating system\u{2019}s buffers. There is no TLS." }</li>
                <li><strong>{ "In Live, " }</strong>{ "nothing is simulated but what stands behind the bridge, if you started it with its own development broker." }</li>
            </ul>
            <p class="small quiet">{ concat!("kafka-wasm ", env!("CARGO_PKG_VERSION")) }</p>
        </dialog>
    }
}
