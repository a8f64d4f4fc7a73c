//! A state machine as a graph.

use crate::model::machine::{Edge, Machine};
use yew::prelude::*;

const WIDTH: f64 = 400.0;
const HEIGHT: f64 = 216.0;

/// What to draw.
#[derive(Properties, PartialEq)]
pub struct GraphProps {
    /// The machine.
    pub machine: Machine,
}

/// The graph: the current state outlined, walked moves thick and counted, the others dashed.
#[component]
pub fn Graph(props: &GraphProps) -> Html {
    let machine = &props.machine;
    let place = |state: &str| place(machine, state);
    let has_return = |edge: &Edge| machine.edge(edge.to, edge.from).is_some();
    let (walked, all) = machine.coverage();
    let summary = format!(
        "{} is in state {}; {walked} of {all} moves have been taken.",
        machine.title, machine.current
    );
    html! {
        <svg class="graph" viewBox={format!("0 0 {WIDTH} {HEIGHT}")} role="img" aria-label={summary}>
            { for machine.edges.iter().map(|edge| draw_edge(edge, place(edge.from), place(edge.to), has_return(edge))) }
            { for machine.edges.iter().filter(|edge| edge.walked > 0).map(|edge| {
                draw_count(edge, place(edge.from), place(edge.to), has_return(edge))
            }) }
            { for machine.states.iter().map(|state| draw_state(state, place(state), *state == machine.current)) }
        </svg>
    }
}

/// Where a state stands. The states of the client's two tables have their places; a state without one gets a
/// place on a ring, so that a new state is drawn on the day it is made.
fn place(machine: &Machine, state: &str) -> (f64, f64) {
    known_place(state).unwrap_or_else(|| {
        let count = machine.states.len().max(1);
        let index = machine.states.iter().position(|other| *other == state).unwrap_or(0);
        let angle = std::f64::consts::TAU * index as f64 / count as f64 - std::f64::consts::PI;
        (angle.cos().mul_add(140.0, WIDTH / 2.0), angle.sin().mul_add(84.0, HEIGHT / 2.0))
    })
}

fn known_place(state: &str) -> Option<(f64, f64)> {
    Some(match state {
        "Idle" => (52.0, 108.0),
        "Starting" => (200.0, 24.0),
        "Started" => (348.0, 108.0),
        "Stopping" => (200.0, 192.0),
        "Fenced" => (200.0, 108.0),
        "Disconnected" => (200.0, 116.0),
        "Connecting" => (53.0, 32.0),
        "Negotiating" => (187.0, 24.0),
        "Authenticating" => (338.0, 32.0),
        "Ready" => (348.0, 178.0),
        "BackingOff" => (58.0, 178.0),
        _ => return None,
    })
}

fn half_width(state: &str) -> f64 {
    (state.len() as f64).mul_add(3.5, 12.0)
}

/// Where a line from the middle of a state leaves its pill.
fn border(state: &str, from: (f64, f64), toward: (f64, f64), gap: f64) -> (f64, f64) {
    let (dx, dy) = (toward.0 - from.0, toward.1 - from.1);
    let (w, h) = (half_width(state) + gap, 13.0 + gap);
    let scale = (w / dx.abs().max(0.001)).min(h / dy.abs().max(0.001));
    (dx.mul_add(scale, from.0), dy.mul_add(scale, from.1))
}

/// The control point of an edge's curve: moves in both directions bend apart.
fn bend(from: (f64, f64), to: (f64, f64), has_return: bool) -> (f64, f64) {
    let middle = (f64::midpoint(from.0, to.0), f64::midpoint(from.1, to.1));
    if !has_return {
        return middle;
    }
    let (dx, dy) = (to.0 - from.0, to.1 - from.1);
    let length = dx.hypot(dy).max(1.0);
    (middle.0 - dy / length * 22.0, middle.1 + dx / length * 22.0)
}

fn draw_edge(edge: &Edge, from: (f64, f64), to: (f64, f64), has_return: bool) -> Html {
    let control = bend(from, to, has_return);
    let start = border(edge.from, from, control, 1.0);
    let end = border(edge.to, to, control, 3.0);
    let (dx, dy) = (end.0 - control.0, end.1 - control.1);
    let length = dx.hypot(dy).max(1.0);
    let (ux, uy) = (dx / length, dy / length);
    let back = (end.0 - ux * 7.0, end.1 - uy * 7.0);
    let head = format!(
        "{:.1},{:.1} {:.1},{:.1} {:.1},{:.1}",
        end.0,
        end.1,
        back.0 - uy * 3.2,
        back.1 + ux * 3.2,
        back.0 + uy * 3.2,
        back.1 - ux * 3.2
    );
    let d = format!(
        "M{:.1} {:.1}Q{:.1} {:.1} {:.1} {:.1}",
        start.0, start.1, control.0, control.1, back.0, back.1
    );
    let class = classes!("edge", (edge.walked > 0).then_some("walked"), edge.is_latest.then_some("latest"));
    html! {
        <g class={class} key={format!("{}-{}", edge.from, edge.to)}>
            <title>{ format!("{} to {}: {}", edge.from, edge.to, edge.cause) }</title>
            <path d={d} /><polygon points={head} />
        </g>
    }
}

fn draw_count(edge: &Edge, from: (f64, f64), to: (f64, f64), has_return: bool) -> Html {
    let control = bend(from, to, has_return);
    // The middle of the curve.
    let x = f64::midpoint(f64::midpoint(from.0, to.0), control.0);
    let y = f64::midpoint(f64::midpoint(from.1, to.1), control.1);
    html! {
        <g class={classes!("edge-count", edge.is_latest.then_some("latest"))} key={format!("count-{}-{}", edge.from, edge.to)}>
            <circle cx={format!("{x:.1}")} cy={format!("{y:.1}")} r="8.5" />
            <text x={format!("{x:.1}")} y={format!("{:.1}", y + 3.5)} text-anchor="middle">{ edge.walked }</text>
        </g>
    }
}

fn draw_state(state: &str, (x, y): (f64, f64), is_current: bool) -> Html {
    let half = half_width(state);
    html! {
        <g class={classes!("graph-state", is_current.then_some("current"))} key={state.to_owned()}>
            <rect x={format!("{:.1}", x - half)} y={format!("{:.1}", y - 13.0)}
                width={format!("{:.1}", half * 2.0)} height="26" rx="13" />
            <text x={format!("{x:.1}")} y={format!("{:.1}", y + 4.0)} text-anchor="middle">{ state.to_owned() }</text>
        </g>
    }
}
