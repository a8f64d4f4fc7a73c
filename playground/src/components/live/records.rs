//! What was sent and what came back.

use crate::live::{Arrived, Sent, SentState, Story};
use crate::model::time;
use yew::prelude::*;

/// The session, and what it reads.
#[derive(Properties, PartialEq)]
pub struct RecordsProps {
    /// The session.
    pub story: Story,
    /// The topic.
    pub topic: String,
}

/// Two lists, newest first.
#[component]
pub fn Records(props: &RecordsProps) -> Html {
    let story = &props.story;
    html! {
        <div class="records">
            if let Some(problem) = &story.problem {
                <p class="warning" role="alert" data-testid="live-problem">{ format!("\u{2715} {problem}") }</p>
            }
            <section aria-label="Sent">
                <header class="live-head"><h2>{ "Sent" }</h2></header>
                if story.sent.is_empty() {
                    <p class="quiet small">{ "Nothing yet." }</p>
                }
                <ul class="record-list" data-testid="live-sent">{ for story.sent.iter().map(sent) }</ul>
            </section>
            <section aria-label="Came back" aria-live="polite">
                <header class="live-head">
                    <h2>{ "Came back" }</h2>
                    <p class="small quiet">{ format!("What anyone writes to {} from now on", props.topic) }</p>
                </header>
                if story.arrived.is_empty() {
                    <p class="quiet small">{ "Nothing yet." }</p>
                }
                <ul class="record-list" data-testid="live-arrived">{ for story.arrived.iter().map(|record| arrived(record, story.is_ours(record))) }</ul>
            </section>
        </div>
    }
}

fn sent(sent: &Sent) -> Html {
    let (sign, class, words) = match &sent.state {
        SentState::Waiting => ("\u{25cb}", "tone-plain", "on its way".to_owned()),
        SentState::Stored { partition, offset, took_us } => (
            "\u{25cf}",
            "tone-good",
            format!("{partition} at offset {offset}, after {}", time::short(*took_us)),
        ),
        SentState::Failed { text } => ("\u{2715}", "tone-bad", text.clone()),
    };
    html! {
        <li class="record" key={sent.id.to_string()}>
            <p class="record-value">{ sent.value.clone() }</p>
            <p class="small"><span class={class} aria-hidden="true">{ sign }</span>{ " " }<span class="quiet">{ words }</span></p>
        </li>
    }
}

fn arrived(record: &Arrived, is_ours: bool) -> Html {
    html! {
        <li class={classes!("record", is_ours.then_some("ours"))} key={format!("{}@{}", record.partition, record.offset)}
            data-offset={record.offset.to_string()}>
            <p class="record-value">
                { match &record.value {
                    Some(value) => html! { value.clone() },
                    None => html! { <em class="quiet">{ "no value (tombstone)" }</em> },
                } }
            </p>
            <p class="small quiet">
                { format!("{} at offset {}", record.partition, record.offset) }
                { record.key.as_ref().map(|key| format!(", key {key}")) }
                { if is_ours { ", sent from here" } else { "" } }
            </p>
            if !record.headers.is_empty() {
                <dl class="record-headers small">
                    { for record.headers.iter().enumerate().map(|(place, (name, value))| html! {
                        <div key={place}><dt>{ name.clone() }</dt><dd>{ value.clone().unwrap_or_else(|| "null".to_owned()) }</dd></div>
                    }) }
                </dl>
            }
        </li>
    }
}
