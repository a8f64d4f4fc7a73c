//! One event: what happened, why, and what came of it.

use crate::model::events::Events;
use crate::model::time;
use simulator::event::Event;
use simulator::sentence::{Detail, group_label, sentence};
use yew::prelude::*;

/// Which event.
#[derive(Properties, PartialEq)]
pub struct EventPanelProps {
    /// The run.
    pub events: Events,
    /// The event; `None` before the first.
    pub event: Option<u32>,
    /// How many events have happened.
    pub cursor: usize,
    /// Called with an event to look at.
    pub on_select: Callback<u32>,
}

/// The event with its causes up to the first, and its direct effects so far.
#[component]
pub fn EventPanel(props: &EventPanelProps) -> Html {
    let Some(event) = props.event.and_then(|event| props.events.get(event as usize)) else {
        return html! {
            <div class="panel-body" data-testid="event-panel">
                <p class="quiet">{ "Nothing has happened yet. Step forward, or choose an event." }</p>
            </div>
        };
    };
    let mut causes = Vec::new();
    let mut cause = event.cause;
    // Causes come before their effects, so this walk ends.
    while let Some(found) = cause.and_then(|cause| props.events.get(cause as usize)) {
        causes.push(found.clone());
        cause = found.cause.filter(|next| *next < found.index);
    }
    let effects = props.events.iter().take(props.cursor).filter(|other| other.cause == Some(event.index));
    let row = |event: &Event| {
        let index = event.index;
        let onclick = props.on_select.reform(move |_: MouseEvent| index);
        html! {
            <li key={index}>
                <button type="button" class="chain-button" onclick={onclick}>
                    <span class="row-number">{ index + 1 }</span>
                    <span>{ sentence(event, Detail::Brief) }</span>
                </button>
            </li>
        }
    };
    let fact = |name: &'static str, value: String| {
        html! { <div key={name}><dt>{ name }</dt><dd>{ value }</dd></div> }
    };
    html! {
        <div class="panel-body" data-testid="event-panel">
            <p class="eyebrow">{ format!("Event {}, {}", event.index + 1, group_label(event.group())) }</p>
            <p class="event-sentence">{ sentence(event, Detail::Brief) }</p>
            <dl class="facts">
                { fact("time", time::short(event.at.as_micros())) }
                { fact("by", event.actor.to_string()) }
                { event.connection.map(|connection| fact("connection", connection.to_string())) }
                { event.correlation_id.map(|id| fact("correlation id", id.to_string())) }
                { event.payload.as_ref().map(|payload| fact("bytes", payload.len().to_string())) }
                { fact("name", event.key.clone()) }
            </dl>
            <h2>{ "Why did this happen?" }</h2>
            if causes.is_empty() {
                <p class="small quiet">{ "It is the first of its chain." }</p>
            } else {
                <ol class="chain" data-testid="causes">{ for causes.iter().map(|cause| row(cause)) }</ol>
            }
            <h2>{ "What came of it?" }</h2>
            <ol class="chain" data-testid="effects">{ for effects.map(|effect| row(effect)) }</ol>
        </div>
    }
}
