//! The stage: one run or two side by side, as a diagram and as a list.

pub mod buffers;
pub mod diagram;
pub mod draw;
pub mod geometry;
pub mod lanes;
pub mod list;
pub mod marks;
pub mod ways;

pub use buffers::Buffers;
pub use diagram::Diagram;
pub use list::EventList;

use crate::components::icon::{Icon, Picture};
use crate::components::shell::rules_strip::side_word;
use crate::model::events::Events;
use crate::model::time;
use crate::model::track::{Side, Track};
use crate::platform::size::use_width;
use crate::state::{Selection, Variant, View};
use simulator::sentence::{Detail, sentence};
use std::rc::Rc;
use web_sys::Element;
use yew::prelude::*;

/// A wish of the reader about the stage.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum StageWish {
    /// Show these runs.
    Show(Variant),
    /// Show them this way.
    View(View),
    /// Show or hide the receive buffers.
    Buffers,
    /// Select an event.
    Select(Selection),
    /// Open or close the details.
    Rail,
}

/// What to show.
#[derive(Properties, PartialEq)]
pub struct StageProps {
    /// The runs from left to right.
    pub runs: Vec<(Side, Events)>,
    /// How their events are lined up.
    pub track: Rc<Track>,
    /// How many rows have happened.
    pub position: usize,
    /// The selected event.
    pub selected: Option<Selection>,
    /// As a diagram or as a list.
    pub view: View,
    /// Which runs; `None` if there is nothing to choose.
    pub variant: Option<Variant>,
    /// Whether the receive buffers are shown.
    pub buffers: bool,
    /// Whether the details are open.
    pub is_rail_open: bool,
    /// Called with what the reader wishes.
    pub on_wish: Callback<StageWish>,
}

/// The stage with its head and its caption.
#[component]
pub fn Stage(props: &StageProps) -> Html {
    let scroller = use_node_ref();
    let width = use_width(&scroller, 720.0);
    {
        let scroller = scroller.clone();
        let what = (props.position, props.view, props.runs.clone(), props.buffers, width.to_bits());
        use_effect_with(what, move |_| {
            if let Some(element) = scroller.cast::<Element>() {
                element.set_scroll_top(element.scroll_height());
            }
        });
    }
    let is_pair = props.runs.len() > 1;
    let each = if is_pair { (width - 1.0) / 2.0 } else { width };
    html! {
        <section class="stage" aria-label="Stage" data-testid="stage">
            { head(props) }
            <div class={classes!("stage-scroll", is_pair.then_some("pair"))} ref={scroller} tabindex="0" role="region"
                aria-label="Events" data-testid="stage-scroll">
                { for props.runs.iter().map(|(side, events)| pane(props, *side, events, each, is_pair)) }
            </div>
            { caption(props) }
            if props.buffers {
                <div class={classes!("dock", is_pair.then_some("pair"))}>
                    { for props.runs.iter().map(|(side, events)| html! {
                        <Buffers key={side_word(*side)} name={if is_pair { format!("Receive buffers, {}", side_word(*side)) } else { "Receive buffers".to_owned() }}
                            events={events.clone()} cursor={props.track.seen(*side, props.position)} />
                    }) }
                </div>
            }
        </section>
    }
}

fn head(props: &StageProps) -> Html {
    let wish = |wish: StageWish| props.on_wish.reform(move |_: MouseEvent| wish);
    let choice = |name: &'static str, hook: &'static str, is_taken: bool, what: StageWish| {
        html! {
            <button type="button" data-testid={hook} aria-pressed={is_taken.to_string()} onclick={wish(what)}>{ name }</button>
        }
    };
    html! {
        <div class="stage-head">
            <div class="choices" role="group" aria-label="View">
                { choice("Diagram", "view-diagram", props.view == View::Diagram, StageWish::View(View::Diagram)) }
                { choice("List", "view-list", props.view == View::List, StageWish::View(View::List)) }
            </div>
            if let Some(variant) = props.variant {
                <div class="choices" role="group" aria-label="Runs">
                    { choice("Before the fix", "run-before", variant == Variant::Before, StageWish::Show(Variant::Before)) }
                    { choice("Side by side", "run-both", variant == Variant::Both, StageWish::Show(Variant::Both)) }
                    { choice("After", "run-after", variant == Variant::After, StageWish::Show(Variant::After)) }
                </div>
            }
            <div class="stage-tools">
                <button type="button" class="button bare" aria-label="Receive buffers" title="Receive buffers" aria-pressed={props.buffers.to_string()} data-testid="toggle-buffers"
                    onclick={wish(StageWish::Buffers)}><Icon picture={Picture::Buffer} /><span class="tool-word">{ "Buffers" }</span></button>
                <button type="button" class="button bare" aria-label="Details" title="Details" aria-pressed={props.is_rail_open.to_string()} data-testid="toggle-rail"
                    onclick={wish(StageWish::Rail)}><Icon picture={Picture::Panes} /><span class="tool-word">{ "Details" }</span></button>
            </div>
        </div>
    }
}

fn pane(props: &StageProps, side: Side, events: &Events, width: f64, is_pair: bool) -> Html {
    let cursor = props.track.seen(side, props.position);
    let selected =
        props.selected.filter(|selection| selection.side == side).map(|selection| selection.event as u32);
    let on_select =
        props.on_wish.reform(move |event: u32| StageWish::Select(Selection { side, event: event as usize }));
    let name = match (is_pair, side) {
        (true, Side::Before) => "Events before the fix",
        (true, Side::After) => "Events after the fix",
        (false, _) => "Events",
    };
    let summary = match events[..cursor.min(events.len())].last() {
        Some(event) => format!(
            "{name}: {cursor} of {} have happened. The latest: {}",
            events.len(),
            sentence(event, Detail::Brief)
        ),
        None => format!("{name}: none of {} has happened yet.", events.len()),
    };
    html! {
        <div class={classes!("pane", side_word(side))} key={side_word(side)} data-side={side_word(side)}>
            if is_pair {
                <p class={classes!("pane-side", side_word(side))}>{ side_word(side).to_uppercase() }</p>
            }
            if props.view == View::Diagram {
                <Diagram events={events.clone()} {side} track={props.track.clone()} position={props.position} {selected}
                    on_select={on_select.clone()} {width} {summary} />
            }
            <EventList events={events.clone()} {side} track={props.track.clone()} position={props.position} {selected}
                {on_select} is_hidden={props.view == View::Diagram} {name} />
        </div>
    }
}

/// The newest event of each run as a sentence.
fn caption(props: &StageProps) -> Html {
    let row = props.position.checked_sub(1).and_then(|last| props.track.rows().get(last));
    html! {
        <div class={classes!("caption", (props.runs.len() > 1).then_some("pair"))} data-testid="caption">
            { for props.runs.iter().map(|(side, events)| {
                let event = row.and_then(|row| row.of(*side)).and_then(|event| events.get(event));
                html! {
                    <p key={side_word(*side)}>
                        { match event {
                            Some(event) => html! {
                                <>
                                    <span class="caption-number">{ event.index + 1 }</span>
                                    <span class="caption-time quiet">{ time::short(event.at.as_micros()) }</span>
                                    <span>{ sentence(event, Detail::Brief) }</span>
                                </>
                            },
                            None if row.is_none() => html! { <span class="quiet">{ "Nothing has happened yet." }</span> },
                            None => html! { <span class="quiet">{ "\u{25c6} Nothing here: only the other run has this event." }</span> },
                        } }
                    </p>
                }
            }) }
        </div>
    }
}
