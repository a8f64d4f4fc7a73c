//! Where to connect to.

use crate::live::{Phase, Setting};
use web_sys::HtmlInputElement;
use yew::prelude::*;

/// What is filled in, and how far the session is.
#[derive(Properties, PartialEq)]
pub struct ConnectFormProps {
    /// What is filled in.
    pub setting: Setting,
    /// How far the session is.
    pub phase: Phase,
    /// What the producer and the consumer last said of themselves.
    pub status: [String; 2],
    /// Called with what is filled in now.
    pub on_change: Callback<Setting>,
    /// Called to connect.
    pub on_open: Callback<Setting>,
    /// Called to disconnect.
    pub on_close: Callback<()>,
}

/// The form.
#[component]
pub fn ConnectForm(props: &ConnectFormProps) -> Html {
    let is_open = matches!(props.phase, Phase::Connecting | Phase::On | Phase::Stopping);
    let field = |label: &'static str,
                 hook: &'static str,
                 value: &str,
                 hint: &'static str,
                 kind: &'static str,
                 put: fn(&mut Setting, String)| {
        let (setting, on_change) = (props.setting.clone(), props.on_change.clone());
        let oninput = Callback::from(move |event: InputEvent| {
            if let Some(input) = event.target_dyn_into::<HtmlInputElement>() {
                let mut setting = setting.clone();
                put(&mut setting, input.value());
                on_change.emit(setting);
            }
        });
        html! {
            <label class="field-line">
                <span>{ label }</span>
                <input type={kind} data-testid={hook} value={value.to_owned()} placeholder={hint} disabled={is_open} {oninput}
                    spellcheck="false" autocomplete="off" autocapitalize="off" />
            </label>
        }
    };
    let onsubmit = {
        let (setting, on_open) = (props.setting.clone(), props.on_open.clone());
        Callback::from(move |event: SubmitEvent| {
            event.prevent_default();
            on_open.emit(setting.clone());
        })
    };
    let (button, is_off) = match props.phase {
        Phase::Off | Phase::Failed { .. } => ("Connect", false),
        Phase::Connecting => ("Connecting", true),
        Phase::On => ("Connected", true),
        Phase::Stopping => ("Stopping", true),
    };
    html! {
        <form class="live-form" {onsubmit} aria-label="Connection">
            { field("Bridge", "live-bridge", &props.setting.bridge, "ws://127.0.0.1:8090", "url", |it, text| it.bridge = text) }
            { field("Broker", "live-broker", &props.setting.broker, "host:port, as the bridge knows it", "text", |it, text| it.broker = text) }
            { field("Topic", "live-topic", &props.setting.topic, "playground", "text", |it, text| it.topic = text) }
            { field("Token", "live-token", &props.setting.token, "only if the bridge asks for one", "password", |it, text| it.token = text) }
            <div class="live-buttons">
                <button type="submit" class="button primary" data-testid="live-connect" disabled={is_off}>{ button }</button>
                <button type="button" class="button" data-testid="live-disconnect" disabled={!matches!(props.phase, Phase::On | Phase::Connecting)}
                    onclick={props.on_close.reform(|_: MouseEvent| ())}>{ "Disconnect" }</button>
            </div>
            <p class="small quiet live-status" role="status" data-testid="live-status">
                { status(&props.phase, &props.status) }
            </p>
            if let Phase::Failed { code, text } = &props.phase {
                <p class="warning" role="alert" data-testid="live-error" data-code={*code}>
                    { format!("\u{2715} {text} ") }<code>{ *code }</code>
                </p>
            }
        </form>
    }
}

fn status(phase: &Phase, [producer, consumer]: &[String; 2]) -> String {
    let word = |status: &str| if status.is_empty() { "idle".to_owned() } else { status.to_owned() };
    match phase {
        Phase::Off => "Not connected.".to_owned(),
        Phase::Failed { .. } => "Not connected: everything that was opened is closed again.".to_owned(),
        Phase::Connecting | Phase::On | Phase::Stopping => {
            format!("Producer: {}. Consumer: {}.", word(producer), word(consumer))
        }
    }
}
