//! The controls of time. The buttons never move.

use crate::components::icon::{Icon, Picture};
use crate::state::speed::Speed;
use web_sys::{HtmlInputElement, HtmlSelectElement};
use yew::prelude::*;

/// The kinds of signs on the timeline.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum SignKind {
    /// A step of the lesson.
    Step,
    /// Somebody interfered.
    Fault,
    /// A rule was broken.
    Broken,
    /// Where two runs part.
    Split,
}

/// One sign on the timeline.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sign {
    /// The position.
    pub position: usize,
    /// What it stands for.
    pub kind: SignKind,
}

/// A wish of the reader.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wish {
    /// To the first position.
    First,
    /// One position back.
    Back,
    /// Play or pause.
    TogglePlay,
    /// One position forward.
    Forward,
    /// To the last position.
    Last,
    /// To a position.
    Seek(usize),
    /// Play at this speed.
    Speed(Speed),
}

/// Where the cursor stands.
#[derive(Properties, PartialEq)]
pub struct TransportProps {
    /// How many rows have happened.
    pub position: usize,
    /// How many there are.
    pub len: usize,
    /// Whether it is playing.
    pub is_playing: bool,
    /// How fast.
    pub speed: Speed,
    /// The virtual time at the cursor.
    pub clock: AttrValue,
    /// What the position means, for the timeline's value text.
    pub value_text: AttrValue,
    /// The signs on the timeline.
    pub signs: Vec<Sign>,
    /// Called with what the reader wishes.
    pub on_wish: Callback<Wish>,
}

/// The transport.
#[component]
pub fn Transport(props: &TransportProps) -> Html {
    let wish = |wish: Wish| props.on_wish.reform(move |_: MouseEvent| wish);
    let at_start = props.position == 0;
    let at_end = props.position >= props.len;
    let button = |name: &'static str, hook: &'static str, picture: Picture, is_off: bool, what: Wish| {
        html! {
            <button type="button" class="button bare icon-button" aria-label={name} title={name} data-testid={hook}
                disabled={is_off} onclick={wish(what)}><Icon {picture} /></button>
        }
    };
    let play = if props.is_playing { ("Pause", Picture::Pause) } else { ("Play", Picture::Play) };
    let oninput = {
        let on_wish = props.on_wish.clone();
        Callback::from(move |event: InputEvent| {
            let range = event.target_dyn_into::<HtmlInputElement>();
            if let Some(position) = range.and_then(|range| range.value().parse().ok()) {
                on_wish.emit(Wish::Seek(position));
            }
        })
    };
    let onspeed = {
        let on_wish = props.on_wish.clone();
        Callback::from(move |event: Event| {
            let select = event.target_dyn_into::<HtmlSelectElement>();
            if let Some(speed) = select.and_then(|select| Speed::from_label(&select.value())) {
                on_wish.emit(Wish::Speed(speed));
            }
        })
    };
    let label = format!("event {} of {}", props.position, props.len);
    html! {
        <footer class="transport" data-testid="transport" aria-label="Time">
            <div class="transport-buttons">
                { button("First event", "first", Picture::First, at_start, Wish::First) }
                { button("One event back", "back", Picture::Back, at_start, Wish::Back) }
                { button(play.0, "play", play.1, props.len == 0, Wish::TogglePlay) }
                { button("One event forward", "forward", Picture::Forward, at_end, Wish::Forward) }
                { button("Last event", "last", Picture::Last, at_end, Wish::Last) }
            </div>
            <div class="timeline">
                { signs(&props.signs, props.len) }
                <input type="range" class="scrub" data-testid="scrub" min="0" max={props.len.to_string()} step="1"
                    value={props.position.to_string()} aria-label="Position in the run" aria-valuetext={props.value_text.clone()} {oninput} />
            </div>
            <p class="position" data-testid="position">
                <span>{ label }</span><span class="position-time quiet">{ props.clock.clone() }</span>
            </p>
            <label class="speed">
                <span class="visually-hidden">{ "Speed" }</span>
                <select data-testid="speed" onchange={onspeed}>
                    { for Speed::ALL.iter().map(|speed| html! {
                        <option key={speed.label()} value={speed.label()} selected={*speed == props.speed}>{ speed.label() }</option>
                    }) }
                </select>
            </label>
        </footer>
    }
}

/// The signs above the timeline. They repeat what lists and panes say, so they are pictures only.
fn signs(signs: &[Sign], len: usize) -> Html {
    // The track of the range ends half a thumb inside the box: 8 px on either side.
    let place = |position: usize| {
        let share = position as f64 / len.max(1) as f64;
        (format!("{:.3}%", share * 100.0), format!("translate({:.2} 0)", share.mul_add(-16.0, 8.0)))
    };
    html! {
        <svg class="signs" width="100%" height="14" aria-hidden="true">
            { for signs.iter().map(|sign| {
                let (x, shift) = place(sign.position);
                let (class, d) = match sign.kind {
                    SignKind::Step => ("sign-step", "M0 8v5"),
                    SignKind::Fault => ("sign-fault", "M0 2l5 9h-10z"),
                    SignKind::Broken => ("sign-broken", "M-4 3l8 8m0-8l-8 8"),
                    SignKind::Split => ("sign-split", "M0 12V7l-4-5M0 7l4-5"),
                };
                html! {
                    <svg {x} y="0" overflow="visible" key={format!("{class}-{}", sign.position)}>
                        <path class={class} transform={shift} {d} />
                    </svg>
                }
            }) }
        </svg>
    }
}
