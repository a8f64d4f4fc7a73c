//! One run as an ordered list of sentences: the same events as the diagram, and always in the page.

use super::geometry::WINDOW;
use crate::model::events::Events;
use crate::model::shape::{symbol, tone};
use crate::model::time;
use crate::model::track::{Relation, Side, Track};
use simulator::event::Event;
use simulator::sentence::{Detail, group_label, sentence};
use std::rc::Rc;
use std::sync::Arc;
use yew::prelude::*;

/// What to list.
#[derive(Properties, PartialEq)]
pub struct EventListProps {
    /// The run.
    pub events: Events,
    /// Which run of the track it is.
    pub side: Side,
    /// How its events are lined up.
    pub track: Rc<Track>,
    /// How many rows have happened.
    pub position: usize,
    /// The selected event.
    pub selected: Option<u32>,
    /// Called with an event when its row is chosen.
    pub on_select: Callback<u32>,
    /// Whether it is only there for assistive technology, because the diagram is shown.
    pub is_hidden: bool,
    /// What the list is called.
    pub name: AttrValue,
}

/// The list. Only the newest rows are in the page; how many there are before them is said.
#[component]
pub fn EventList(props: &EventListProps) -> Html {
    let end = props.position.min(props.track.len());
    let first = end.saturating_sub(WINDOW);
    let left_out = props.track.seen(props.side, first);
    let is_compared = props.track.rows().first().is_some_and(|row| row.relation != Relation::Single);
    let current = props.track.seen(props.side, end).checked_sub(1);
    let rows = props.track.rows()[first..end].iter().enumerate().filter_map(|(place, row)| {
        let Some(event) = row.of(props.side).and_then(|event| props.events.get(event)) else {
            return is_compared.then(|| html! {
                <li class="event-row missing" key={format!("gap-{}", first + place)} aria-hidden="true"></li>
            });
        };
        Some(html! {
            <EventRow key={event.key.clone()} event={Shared(event.clone())}
                is_current={current == Some(event.index as usize)}
                is_selected={props.selected == Some(event.index)}
                relation={row.relation} total={props.events.len()}
                is_hidden={props.is_hidden} on_select={props.on_select.clone()} />
        })
    });
    html! {
        <div class={classes!("event-list", props.is_hidden.then_some("visually-hidden"), is_compared.then_some("compared"))}>
            if left_out > 0 {
                <p class="left-out small quiet">{ format!("{left_out} earlier events are not listed; step back to see them.") }</p>
            }
            <ol data-testid="event-list" aria-label={props.name.clone()}>{ for rows }</ol>
        </div>
    }
}

/// An event that is compared by identity.
#[derive(Clone)]
pub struct Shared(pub Arc<Event>);

impl PartialEq for Shared {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

/// One row.
#[derive(Properties, PartialEq)]
pub struct EventRowProps {
    /// The event.
    pub event: Shared,
    /// Whether it is the newest.
    pub is_current: bool,
    /// Whether its details are shown.
    pub is_selected: bool,
    /// How it relates to the other run.
    pub relation: Relation,
    /// How many events the run has.
    pub total: usize,
    /// Whether the list is only there for assistive technology.
    pub is_hidden: bool,
    /// Called when the row is chosen.
    pub on_select: Callback<u32>,
}

/// One event as a row: number, time, symbol, sentence.
#[component]
pub fn EventRow(props: &EventRowProps) -> Html {
    let event = &props.event.0;
    let index = event.index;
    let words = sentence(event, Detail::Brief);
    let relation = match props.relation {
        Relation::OnlyBefore => Some("only before"),
        Relation::OnlyAfter => Some("only after"),
        Relation::Differs => Some("differs"),
        Relation::Single | Relation::Same => None,
    };
    let content = html! {
        <>
            <span class="row-number">{ index + 1 }</span>
            <span class="row-time">{ time::short(event.at.as_micros()) }</span>
            <span class={classes!("row-symbol", tone(event).class())} title={group_label(event.group())}>
                <span aria-hidden="true">{ symbol(event.group()) }</span>
            </span>
            <span class="row-words">
                { relation.map(|relation| html! {
                    <span class="row-relation" title={relation}>
                        <span aria-hidden="true">{ "\u{25c6} " }</span>
                        <span class="visually-hidden">{ format!("{relation}: ") }</span>
                    </span>
                }) }
                { words }
            </span>
        </>
    };
    let class = classes!(
        "event-row",
        props.is_current.then_some("current"),
        props.is_selected.then_some("selected"),
        relation.map(|_| "differs")
    );
    let onclick = props.on_select.reform(move |_: MouseEvent| index);
    html! {
        <li class={class} aria-posinset={(index + 1).to_string()} aria-setsize={props.total.to_string()}
            aria-current={props.is_current.then_some("step")} data-key={event.key.clone()}>
            if props.is_hidden {
                { content }
            } else {
                <button type="button" class="row-button" onclick={onclick}
                    aria-pressed={props.is_selected.to_string()}>{ content }</button>
            }
        </li>
    }
}
