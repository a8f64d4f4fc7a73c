//! One run as a sequence diagram.

use super::draw::px;
use super::geometry::{GUTTER, Geometry, ROW};
use super::{lanes, marks, ways};
use crate::model::events::Events;
use crate::model::track::{Relation, Side, Track};
use simulator::view::diagram::diagram;
use std::rc::Rc;
use yew::prelude::*;

/// What to draw.
#[derive(Properties, PartialEq)]
pub struct DiagramProps {
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
    /// Called with an event when its row is clicked.
    pub on_select: Callback<u32>,
    /// How wide the stage is.
    pub width: f64,
    /// One sentence that says what the picture shows.
    pub summary: AttrValue,
}

/// The diagram with its heads. The list of events says the same in words, so assistive technology gets a summary.
#[component]
pub fn Diagram(props: &DiagramProps) -> Html {
    let cursor = props.track.seen(props.side, props.position);
    let picture = use_memo((props.events.clone(), cursor), |(events, cursor)| diagram(events, *cursor));
    let geometry =
        Geometry::new(&picture.lanes, props.width, props.side, props.track.clone(), props.position)
            .with_segments(&picture.segments);
    let (width, height) = (px(geometry.width()), geometry.height());
    let events: &[_] = &props.events;
    let differs = |row: usize| {
        props.track.rows().get(row).is_some_and(|row| {
            matches!(row.relation, Relation::Differs | Relation::OnlyAfter | Relation::OnlyBefore)
                && row.of(props.side).is_some()
        })
    };
    let hits = geometry.rows().filter_map(|(row, event)| Some((row, event? as u32))).map(|(row, event)| {
        let onclick = props.on_select.reform(move |_| event);
        html! {
            <rect class="hit" key={event} x="0" y={px(geometry.top_of_row(row))} width={width.clone()}
                height={px(ROW)} onclick={onclick} />
        }
    });
    let at_end = props.track.is_over_at(props.position);
    html! {
        <div class="diagram" data-testid="diagram" data-cursor={cursor.to_string()}>
            <svg class="diagram-heads" width={width.clone()} height="48" aria-hidden="true">
                { lanes::heads(&picture.lanes, &geometry) }
            </svg>
            <svg class="diagram-body" width={width.clone()} height={px(height)} role="img" aria-label={props.summary.clone()}>
                { marks::rows(&geometry, props.selected, &differs, props.track.split()) }
                { hidden_rows(&geometry) }
                { lanes::lines(&picture.lanes, &geometry) }
                { marks::gaps(&picture.gaps, &geometry) }
                { marks::gutter(events, &geometry) }
                { lanes::segments(&picture.segments, events, &geometry) }
                { lanes::bars(&picture.bars, &geometry, at_end) }
                { ways::arrows(&picture.arrows, &geometry) }
                { for geometry.rows().filter_map(|(_, event)| events.get(event?)).map(|event| html! {
                    <g class="mark" key={event.key.clone()}>{ marks::of(event, &picture.lanes, &geometry) }</g>
                }) }
                { for hits }
            </svg>
        </div>
    }
}

/// Says how many rows are above the window.
fn hidden_rows(geometry: &Geometry) -> Html {
    if geometry.first == 0 {
        return Html::default();
    }
    html! {
        <text class="hidden-rows" x={px(GUTTER)} y="12">
            { format!("{} earlier events are in the list", geometry.first) }
        </text>
    }
}
