//! The mark of each event: calls, answers, states, timers, bands.

use super::draw::{circle, cross, cut, head, label, line, pill, px};
use super::geometry::{GUTTER, Geometry, ROW};
use crate::model::shape::{Mark, Place, mark, tone};
use crate::model::time;
use simulator::event::{Actor, Event, Kind};
use simulator::view::diagram::{Gap, Lane, LaneId};
use std::sync::Arc;
use yew::prelude::*;

/// The mark of one event.
pub(super) fn of(event: &Event, lanes: &[Lane], geometry: &Geometry) -> Html {
    let (place, mark) = mark(event);
    let class = tone(event).class();
    let y = geometry.y(event.index);
    let find = |id: LaneId| lanes.iter().position(|lane| lane.id == id);
    let connection = event.connection.and_then(|connection| {
        find(LaneId::Connection { client: connection.client, broker: connection.broker() })
    });
    let client = event
        .connection
        .map(|connection| connection.client)
        .or(match event.actor {
            Actor::Client(client) => Some(client),
            Actor::You | Actor::Task(_) | Actor::Network | Actor::Broker(_) | Actor::Referee => None,
        })
        .and_then(|client| find(LaneId::Client(client)))
        .or_else(|| lanes.iter().position(|lane| matches!(lane.id, LaneId::Client(_))));
    let actor = match event.actor {
        Actor::Task(task) => find(LaneId::Task(task)),
        Actor::Client(client) => find(LaneId::Client(client)),
        Actor::Broker(node) => find(LaneId::Broker(node)),
        Actor::You | Actor::Network | Actor::Referee => connection,
    };
    let lane = match place {
        Place::Actor => actor.or(connection),
        Place::Connection => connection.or(actor),
        Place::Everywhere => None,
    };
    let Some(lane) = lane else {
        return band(&words(&mark), y, class, geometry);
    };
    let x = geometry.x_of(lane, event.connection);
    let room = geometry.width() - x - 16.0;
    match mark {
        Mark::Call(text) => match client.filter(|client| *client != lane) {
            Some(client) => across(x, geometry.x(client), y, class, &text),
            None => dot(x, y, class, &text, room),
        },
        Mark::Answer(text) => match client.filter(|client| *client != lane) {
            Some(client) => answer(geometry.x(client), x, y, class, &text),
            None => dot(x, y, class, &text, room),
        },
        Mark::State(name) => pill(x, y, name, classes!("state", class)),
        Mark::HandOver => client.map_or_else(Html::default, |client| {
            let (from, to) = ((geometry.x(client), y), (x - 6.0, y));
            line(from, to, classes!("hand"))
        }),
        Mark::HandUp(text) => match client {
            Some(client) => {
                let (from, to) = ((x - 6.0, y), (geometry.x(client) + 2.0, y));
                let text = cut(&text, (from.0 - to.0 - 8.0).max(112.0));
                let has_failed = matches!(event.kind, Kind::RequestFailed { .. });
                let end = if has_failed {
                    cross(to.0 + 8.0, to.1, classes!(class))
                } else {
                    head(from, to, classes!("way-head", class))
                };
                html! {
                    <>
                        { line(from, to, classes!("way", "delivered", class)) }
                        { end }
                        { label(from.0 - 6.0, y - 5.0, "end", classes!("way-label", class), &text) }
                    </>
                }
            }
            None => dot(x, y, class, &text, room),
        },
        Mark::Dot(text) => dot(x, y, class, &text, room),
        Mark::Clock(text) => html! {
            <g class="clock">
                { circle(x, y, 5.5, classes!("clock-face")) }
                <path class="clock-hands" d={format!("M{x:.1} {:.1}V{y:.1}h3", y - 3.5)} />
                { label(x + 12.0, y + 4.0, "start", classes!("quiet-label"), &cut(&text, room)) }
            </g>
        },
        Mark::Cross(text) => html! {
            <>
                { cross(x, y, classes!(class)) }
                { label(x + 12.0, y + 4.0, "start", classes!(class, "strong"), &cut(&text, room)) }
            </>
        },
        Mark::Band(text) => band(&text, y, class, geometry),
        Mark::None => Html::default(),
    }
}

fn words(mark: &Mark) -> String {
    match mark {
        Mark::Call(text)
        | Mark::Answer(text)
        | Mark::HandUp(text)
        | Mark::Dot(text)
        | Mark::Clock(text)
        | Mark::Cross(text)
        | Mark::Band(text) => text.clone(),
        Mark::State(name) => (*name).to_owned(),
        Mark::HandOver | Mark::None => String::new(),
    }
}

fn across(from: f64, to: f64, y: f64, class: &'static str, text: &str) -> Html {
    html! {
        <>
            { line((from, y), (to - 2.0, y), classes!("call", class)) }
            { head((from, y), (to - 2.0, y), classes!("call-head", class)) }
            { label(from + 10.0, y - 5.0, "start", classes!("way-label"), text) }
        </>
    }
}

fn answer(from: f64, to: f64, y: f64, class: &'static str, text: &str) -> Html {
    html! {
        <>
            { line((from, y), (to + 6.0, y), classes!("call", "answer", class)) }
            { head((from, y), (to + 6.0, y), classes!("call-head", class)) }
            { label(to + 12.0, y - 5.0, "start", classes!("way-label", class), text) }
        </>
    }
}

fn dot(x: f64, y: f64, class: &'static str, text: &str, room: f64) -> Html {
    html! {
        <>
            { circle(x, y, 3.0, classes!("dot", class)) }
            { label(x + 10.0, y + 4.0, "start", classes!(class), &cut(text, room)) }
        </>
    }
}

fn band(text: &str, y: f64, class: &'static str, geometry: &Geometry) -> Html {
    if text.is_empty() {
        return Html::default();
    }
    let (left, width) = (GUTTER, geometry.width() - GUTTER - 8.0);
    html! {
        <g class={classes!("band", class)}>
            <rect x={px(left)} y={px(y - 11.0)} width={px(width)} height="22" rx="4" />
            <path class="band-sign" d={format!("M{:.1} {:.1}l5 9h-10z", left + 14.0, y - 5.0)} />
            <text x={px(left + 26.0)} y={px(y + 4.0)}>{ cut(text, width - 34.0) }</text>
        </g>
    }
}

/// Numbers and times, left of the lanes. A time is written where it changes.
pub(super) fn gutter(events: &[Arc<Event>], geometry: &Geometry) -> Html {
    let mut last: Option<u64> = None;
    geometry
        .rows()
        .filter_map(|(_, event)| events.get(event?))
        .map(|event| {
            let y = geometry.y(event.index) + 4.0;
            let at = event.at.as_micros();
            let clock = (last != Some(at)).then(|| time::short(at));
            last = Some(at);
            html! {
                <g class="gutter" key={event.index}>
                    <text class="number" x="38" y={px(y)} text-anchor="end">{ event.index + 1 }</text>
                    <text class="clock-text" x="44" y={px(y)}>{ clock }</text>
                </g>
            }
        })
        .collect()
}

/// Marks for time in which nothing happened.
pub(super) fn gaps(gaps: &[Gap], geometry: &Geometry) -> Html {
    gaps.iter()
        .filter(|gap| geometry.shows(geometry.row(gap.before)) && geometry.row(gap.before) > geometry.first)
        .map(|gap| {
            let y = geometry.top_of_row(geometry.row(gap.before));
            html! {
                <g class="gap" key={gap.before}>
                    { line((GUTTER - 4.0, y), (geometry.width(), y), Classes::new()) }
                    <text x={px(GUTTER - 8.0)} y={px(y + 3.0)} text-anchor="end">
                        { format!("+ {}", time::short(gap.micros)) }
                    </text>
                </g>
            }
        })
        .collect()
}

/// What marks whole rows: the cursor, the selection, the Split, rows that the other run has not or has differently.
pub(super) fn rows(
    geometry: &Geometry,
    selected: Option<u32>,
    differs: &dyn Fn(usize) -> bool,
    split: Option<usize>,
) -> Html {
    let width = geometry.width();
    let row = |row: usize, class: &'static str| {
        html! {
            <rect class={class} x="0" y={px(geometry.top_of_row(row))} width={px(width)} height={px(ROW)} />
        }
    };
    let current = geometry.end.checked_sub(1).map(|last| row(last, "row-current"));
    let selected = selected
        .map(|event| geometry.row(event))
        .filter(|place| geometry.shows(*place))
        .map(|place| row(place, "row-selected"));
    let differing = (geometry.first..geometry.end).filter(|place| differs(*place)).map(|place| {
        let y = geometry.top_of_row(place) + ROW / 2.0;
        html! { <path class="row-differs" d={format!("M8 {:.1}l4 4l-4 4l-4 -4z", y - 4.0)} /> }
    });
    let split = split.filter(|place| geometry.shows(*place)).map(|place| {
        let y = geometry.top_of_row(place);
        html! {
            <g class="split">
                { line((0.0, y), (width, y), Classes::new()) }
                <rect x="0" y={px(y - 9.0)} width="38" height="18" rx="4" />
                <text x="19" y={px(y + 4.0)} text-anchor="middle">{ "Split" }</text>
            </g>
        }
    });
    html! { <>{ current }{ for differing }{ selected }{ split }</> }
}
