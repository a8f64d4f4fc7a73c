//! A record to send.

use crate::live::Draft;
use web_sys::{HtmlInputElement, HtmlTextAreaElement};
use yew::prelude::*;

/// Whether it can be sent.
#[derive(Properties, PartialEq)]
pub struct RecordFormProps {
    /// Whether records can be sent.
    pub is_ready: bool,
    /// Called with a record to send.
    pub on_send: Callback<Draft>,
}

/// The form: value, key, headers.
#[component]
pub fn RecordForm(props: &RecordFormProps) -> Html {
    let draft = use_state_eq(|| Draft {
        key: String::new(),
        value: "Hello from the browser".to_owned(),
        headers: vec![("source".to_owned(), "playground".to_owned())],
    });
    let change = {
        let draft = draft.clone();
        move |change: Box<dyn FnOnce(&mut Draft)>| {
            let mut new = (*draft).clone();
            change(&mut new);
            draft.set(new);
        }
    };
    let onkey = {
        let change = change.clone();
        Callback::from(move |event: InputEvent| {
            let Some(input) = event.target_dyn_into::<HtmlInputElement>() else { return };
            change(Box::new(move |draft| draft.key = input.value()));
        })
    };
    let onvalue = {
        let change = change.clone();
        Callback::from(move |event: InputEvent| {
            let Some(input) = event.target_dyn_into::<HtmlTextAreaElement>() else { return };
            change(Box::new(move |draft| draft.value = input.value()));
        })
    };
    let onsubmit = {
        let (draft, on_send) = (draft.clone(), props.on_send.clone());
        let is_ready = props.is_ready;
        Callback::from(move |event: SubmitEvent| {
            event.prevent_default();
            if is_ready {
                on_send.emit((*draft).clone());
            }
        })
    };
    let add = {
        let change = change.clone();
        Callback::from(move |_: MouseEvent| change(Box::new(|draft| draft.headers.push(Default::default()))))
    };
    let header = |place: usize, name: &str, value: &str| {
        let put = |which: fn(&mut (String, String), String)| {
            let change = change.clone();
            Callback::from(move |event: InputEvent| {
                let Some(input) = event.target_dyn_into::<HtmlInputElement>() else { return };
                change(Box::new(move |draft| {
                    if let Some(header) = draft.headers.get_mut(place) {
                        which(header, input.value());
                    }
                }));
            })
        };
        let remove = {
            let change = change.clone();
            Callback::from(move |_: MouseEvent| {
                change(Box::new(move |draft| {
                    if place < draft.headers.len() {
                        draft.headers.remove(place);
                    }
                }));
            })
        };
        html! {
            <li class="header-line" key={place}>
                <input type="text" aria-label={format!("Name of header {}", place + 1)} value={name.to_owned()} placeholder="name"
                    oninput={put(|header, text| header.0 = text)} />
                <input type="text" aria-label={format!("Value of header {}", place + 1)} value={value.to_owned()} placeholder="value"
                    oninput={put(|header, text| header.1 = text)} />
                <button type="button" class="button bare icon-button" aria-label={format!("Remove header {}", place + 1)} onclick={remove}>
                    { "\u{d7}" }
                </button>
            </li>
        }
    };
    html! {
        <form class="live-form" {onsubmit} aria-label="Record">
            <label class="field-line">
                <span>{ "Value" }</span>
                <textarea rows="3" data-testid="live-value" value={draft.value.clone()} oninput={onvalue} />
            </label>
            <label class="field-line">
                <span>{ "Key" }</span>
                <input type="text" data-testid="live-key" value={draft.key.clone()} placeholder="none" oninput={onkey} autocomplete="off" />
            </label>
            <fieldset class="headers">
                <legend>{ "Headers" }</legend>
                <ul>{ for draft.headers.iter().enumerate().map(|(place, (name, value))| header(place, name, value)) }</ul>
                <button type="button" class="link-button small" onclick={add} data-testid="live-add-header">{ "Add a header" }</button>
            </fieldset>
            <button type="submit" class="button primary" data-testid="live-send" disabled={!props.is_ready}>{ "Send" }</button>
        </form>
    }
}
