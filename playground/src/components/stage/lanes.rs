//! Heads of lanes, their lines, and the lives of connections on them.

use super::draw::{circle, cross, label, line, pill, px};
use super::geometry::Geometry;
use crate::model::shape::{Tone, tone};
use simulator::event::Event;
use simulator::event::Outcome;
use simulator::view::diagram::{Bar, BarEnd, Lane, LaneId, Segment};
use std::sync::Arc;
use yew::prelude::*;

/// The class that colours a lane by its role.
pub(super) const fn role(lane: LaneId) -> &'static str {
    match lane {
        LaneId::Task(_) => "role-task",
        LaneId::Client(_) => "role-client",
        LaneId::Connection { .. } => "role-connection",
        LaneId::Broker(_) => "role-broker",
    }
}

/// The names above the lanes.
pub(super) fn heads(lanes: &[Lane], geometry: &Geometry) -> Html {
    lanes
        .iter()
        .enumerate()
        .map(|(index, lane)| {
            let x = geometry.x(index);
            html! {
                <g class={classes!("lane-head", role(lane.id))} key={index}>
                    { role_shape(lane.id, x, 14.0) }
                    <text x={px(x)} y="38" text-anchor="middle">{ lane.label.clone() }</text>
                </g>
            }
        })
        .collect()
}

/// Roles differ by shape as well as by colour.
fn role_shape(lane: LaneId, x: f64, y: f64) -> Html {
    match lane {
        LaneId::Task(_) => circle(x, y, 5.0, classes!("role-shape")),
        LaneId::Client(_) => html! {
            <rect class="role-shape" x={px(x - 5.0)} y={px(y - 5.0)} width="10" height="10" rx="2" />
        },
        LaneId::Connection { .. } => html! {
            <path class="role-shape" d={format!("M{:.1} {y:.1}h6m4 0h6", x - 8.0)} />
        },
        LaneId::Broker(_) => html! {
            <path class="role-shape" d={format!("M{:.1} {:.1}h12v4h-12zm0 6h12v4h-12z", x - 6.0, y - 5.0)} />
        },
    }
}

/// The lines of the lanes.
pub(super) fn lines(lanes: &[Lane], geometry: &Geometry) -> Html {
    lanes
        .iter()
        .enumerate()
        .map(|(index, lane)| {
            let x = px(geometry.x(index));
            html! { <line class={classes!("lane-line", role(lane.id))} x1={x.clone()} y1="0" x2={x} y2="100%" /> }
        })
        .collect()
}

/// The lives of connections.
pub(super) fn segments(segments: &[Segment], events: &[Arc<Event>], geometry: &Geometry) -> Html {
    segments.iter().map(|segment| life(segment, events, geometry)).collect()
}

fn life(segment: &Segment, events: &[Arc<Event>], geometry: &Geometry) -> Html {
    let x = geometry.x_of(segment.lane, Some(segment.connection));
    let top = geometry.y(segment.from);
    let bottom = segment.end.as_ref().map_or_else(|| geometry.now(), |end| geometry.y(end.at));
    if bottom <= 0.0 && segment.end.is_some() {
        return Html::default();
    }
    let generation = segment.connection.generation();
    let hatch = if generation.is_multiple_of(2) { "life hatched" } else { "life" };
    let opened = segment.opened.map(|opened| geometry.y(opened));
    let tube = opened.map(|opened| {
        html! {
            <rect class={hatch} x={px(x - 5.0)} y={px(opened)} width="10" height={px((bottom - opened).max(0.0))} rx="2" />
        }
    });
    let attempt_end = opened.unwrap_or(bottom);
    html! {
        <g class="segment" key={format!("{}-{}", segment.connection, segment.from)}>
            { line((x, top), (x, attempt_end), classes!("attempt")) }
            { tube }
            { if geometry.shows(geometry.row(segment.from)) {
                pill(x, top, &segment.connection.to_string(), classes!("generation"))
            } else {
                // The beginning is above the window: its name is repeated at the edge.
                pill(x, 10.0, &segment.connection.to_string(), classes!("generation", "continued"))
            } }
            { segment.end.as_ref().map(|end| {
                let y = geometry.y(end.at);
                let class = events.get(end.at as usize).map_or(Tone::Plain, |event| tone(event)).class();
                html! {
                    <>
                        <path class={classes!("cap", class)} d={format!("M{:.1} {y:.1}h20", x - 10.0)} />
                        { label(x + 14.0, y + 4.0, "start", classes!(class, "strong"), end.cause.name()) }
                    </>
                }
            }) }
        </g>
    }
}

/// The waits of tasks. Those that never end stand side by side, so that there is one place for the words about all of them.
pub(super) fn bars(bars: &[Bar], geometry: &Geometry, at_end: bool) -> Html {
    let endless = || bars.iter().enumerate().filter(|(_, bar)| at_end && bar.end == BarEnd::NeverResolved);
    let words = match endless().count() {
        0 | 1 => "never resolved".to_owned(),
        count => format!("{count} never resolved"),
    };
    let last = endless().max_by_key(|(_, bar)| bar.lane).map(|(index, _)| index);
    bars.iter()
        .enumerate()
        .map(|(index, bar)| {
            let until = |bar: &Bar| match &bar.end {
                BarEnd::Ended { at, .. } => *at,
                BarEnd::Waiting | BarEnd::NeverResolved => u32::MAX,
            };
            let beside = bars[..index]
                .iter()
                .filter(|earlier| earlier.lane == bar.lane && until(earlier) > bar.from)
                .count();
            let words = (last == Some(index)).then_some(words.as_str());
            wait(bar, beside, geometry, at_end, words)
        })
        .collect()
}

fn wait(bar: &Bar, beside: usize, geometry: &Geometry, at_end: bool, words: Option<&str>) -> Html {
    let x = (beside as f64).mul_add(10.0, geometry.x(bar.lane));
    let top = geometry.y(bar.from);
    let (bottom, class, end) = match &bar.end {
        BarEnd::Ended { at, outcome } => {
            let y = geometry.y(*at);
            let (class, end) = match outcome {
                Outcome::Value => ("tone-good", circle(x, y, 5.0, classes!("end-value"))),
                Outcome::Error(_) => ("tone-bad", cross(x, y, classes!("end-error"))),
                Outcome::Cancelled => (
                    "tone-unknown",
                    html! {
                        <g class="end-cancelled">
                            { circle(x, y, 5.0, Classes::new()) }
                            { line((x - 3.5, y + 3.5), (x + 3.5, y - 3.5), Classes::new()) }
                        </g>
                    },
                ),
            };
            (y, class, end)
        }
        BarEnd::NeverResolved if at_end => {
            let y = geometry.now();
            let words = words.map(|words| label(x + 10.0, y - 4.0, "start", classes!("strong"), words));
            (y, "tone-bad", html! { <>{ cross(x, y, classes!("end-error")) }{ words }</> })
        }
        BarEnd::Waiting | BarEnd::NeverResolved => (geometry.now(), "tone-plain", Html::default()),
    };
    if bottom <= 0.0 {
        return Html::default();
    }
    html! {
        <g class={classes!("wait", class)} key={bar.from}>
            <rect class="wait-bar" x={px(x - 3.0)} y={px(top)} width="6" height={px((bottom - top).max(0.0))} rx="3" />
            { end }
        </g>
    }
}
