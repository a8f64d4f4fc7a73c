//! The selected message: its bytes, and what each of them means.

use crate::model::events::Events;
use crate::model::wire::{Field, Frame};
use std::ops::Range;
use std::rc::Rc;
use wasm_bindgen::JsCast as _;
use web_sys::{Element, EventTarget};
use yew::prelude::*;

/// Which message.
#[derive(Properties, PartialEq)]
pub struct WireViewProps {
    /// The run.
    pub events: Events,
    /// The event; `None` before the first.
    pub event: Option<u32>,
}

/// The newest message up to the event: bytes on top, fields below; pointing at one shows the other.
#[component]
pub fn WireView(props: &WireViewProps) -> Html {
    let message = props.event.and_then(|event| {
        let upto = props.events.len().min(event as usize + 1);
        props.events[..upto].iter().rposition(|event| Frame::is_carried_by(event))
    });
    let frame = use_memo((props.events.clone(), message), |(events, message)| {
        message.and_then(|message| events.get(message)).and_then(|event| Frame::of(event)).map(Rc::new)
    });
    let pointed = use_state_eq(|| None::<usize>);
    let chosen = use_state_eq(|| None::<usize>);
    {
        let (pointed, chosen) = (pointed.clone(), chosen.clone());
        use_effect_with((props.events.clone(), message), move |_| {
            pointed.set(None);
            chosen.set(None);
        });
    }
    let Some(frame) = (*frame).clone() else {
        return html! {
            <div class="panel-body" data-testid="wire-panel">
                <p class="quiet">{ "No message yet. The newest one up to the cursor, or to the event you choose, is shown here." }</p>
            </div>
        };
    };
    let hit = (*pointed).or(*chosen);
    let range = hit.and_then(|hit| frame.fields.get(hit)).map_or(0..0, |field| field.range.clone());
    let point_at_byte = {
        let (frame, pointed) = (frame.clone(), pointed.clone());
        Callback::from(move |byte: Option<usize>| pointed.set(byte.and_then(|byte| frame.field_at(byte))))
    };
    let point = Callback::from(move |field: Option<usize>| pointed.set(field));
    let choose = Callback::from(move |field: usize| chosen.set(Some(field)));
    html! {
        <div class="panel-body" data-testid="wire-panel">
            <h2 class="wire-title">{ frame.title.to_string() }</h2>
            <p class="small quiet">{ message.map(|message| format!("Event {}. ", message + 1)) }{ format!("{} bytes, read by the client\u{2019}s own decoder", frame.bytes.len()) }</p>
            if let Some(problem) = &frame.problem {
                <p class="warning">{ format!("\u{2715} {problem}") }</p>
            }
            <Hex frame={frame.clone()} hit={range} on_point={point_at_byte} />
            <ul class="fields" aria-label="Fields">
                { for frame.fields.iter().enumerate().map(|(place, field)| html! {
                    <FieldRow key={place} place={place} field={field.clone()} is_hit={hit == Some(place)}
                        on_point={point.clone()} on_choose={choose.clone()} />
                }) }
            </ul>
        </div>
    }
}

/// The bytes.
#[derive(Properties, PartialEq)]
struct HexProps {
    frame: Rc<Frame>,
    hit: Range<usize>,
    on_point: Callback<Option<usize>>,
}

#[component]
fn Hex(props: &HexProps) -> Html {
    let byte_of = |target: Option<EventTarget>| {
        target
            .and_then(|target| target.dyn_into::<Element>().ok())
            .and_then(|element| element.get_attribute("data-byte"))
            .and_then(|byte| byte.parse::<usize>().ok())
    };
    let onmouseover = props.on_point.reform(move |event: MouseEvent| byte_of(event.target()));
    let onmouseleave = props.on_point.reform(|_: MouseEvent| None);
    let rows = props.frame.bytes.chunks(16).enumerate().map(|(row, bytes)| {
        let start = row * 16;
        let class = |byte: usize| {
            let parity = props.frame.field_at(byte).map(|field| if field.is_multiple_of(2) { "a" } else { "b" });
            classes!(parity, props.hit.contains(&byte).then_some("hit"))
        };
        html! {
            <div class="hex-row" key={start}>
                <span class="hex-offset">{ format!("{start:04x}") }</span>
                <span class="hex-bytes">
                    { for bytes.iter().enumerate().map(|(column, byte)| {
                        let place = start + column;
                        html! { <span class={class(place)} key={place} data-byte={place.to_string()}>{ format!("{byte:02x}") }</span> }
                    }) }
                </span>
                <span class="hex-text">
                    { for bytes.iter().enumerate().map(|(column, byte)| {
                        let place = start + column;
                        let shown = if byte.is_ascii_graphic() { char::from(*byte) } else { '\u{b7}' };
                        html! { <span class={class(place)} key={place} data-byte={place.to_string()}>{ shown }</span> }
                    }) }
                </span>
            </div>
        }
    });
    html! {
        <div class="hex" aria-hidden="true" data-testid="hex" onmouseover={onmouseover} onmouseleave={onmouseleave}>
            { for rows }
        </div>
    }
}

/// One field.
#[derive(Properties, PartialEq)]
struct FieldRowProps {
    place: usize,
    field: Field,
    is_hit: bool,
    on_point: Callback<Option<usize>>,
    on_choose: Callback<usize>,
}

#[component]
fn FieldRow(props: &FieldRowProps) -> Html {
    let place = props.place;
    let field = &props.field;
    let enter = props.on_point.reform(move |_: MouseEvent| Some(place));
    let leave = props.on_point.reform(|_: MouseEvent| None);
    let focus = props.on_point.reform(move |_: FocusEvent| Some(place));
    let blur = props.on_point.reform(|_: FocusEvent| None);
    let choose = props.on_choose.reform(move |_: MouseEvent| place);
    let bytes = match field.range.len() {
        1 => format!("byte {}", field.range.start),
        _ => format!("bytes {} to {}", field.range.start, field.range.end.saturating_sub(1)),
    };
    let depth = classes!("field", format!("depth-{}", field.depth.min(6)), props.is_hit.then_some("hit"));
    html! {
        <li class={depth}>
            <button type="button" class="field-button" title={format!("{}: {bytes}", field.path)}
                data-start={field.range.start.to_string()} data-end={field.range.end.to_string()}
                onmouseenter={enter} onmouseleave={leave} onfocus={focus} onblur={blur} onclick={choose}>
                <span class="field-name">{ field.label.to_string() }</span>
                <span class="field-value">{ field.value.to_string() }</span>
                <span class="visually-hidden">{ bytes }</span>
            </button>
        </li>
    }
}
