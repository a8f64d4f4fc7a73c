//! The receive buffers: every byte with the generation that brought it, and the tray of bytes thrown away.

use crate::model::events::Events;
use simulator::view::buffer::{Buffer, Cell, buffers};
use yew::prelude::*;

/// At most so many cells are drawn; the rest is counted.
const CELLS: usize = 96;

/// What to draw.
#[derive(Properties, PartialEq)]
pub struct BuffersProps {
    /// The run.
    pub events: Events,
    /// How many of its events have happened.
    pub cursor: usize,
    /// What the buffers are called.
    pub name: AttrValue,
}

/// The receive buffer of each broker's connection.
#[component]
pub fn Buffers(props: &BuffersProps) -> Html {
    let all = use_memo((props.events.clone(), props.cursor), |(events, cursor)| buffers(events, *cursor));
    html! {
        <section class="buffers" aria-label={props.name.clone()} data-testid="buffers">
            if all.is_empty() {
                <p class="small quiet empty">{ "No connection yet, so no receive buffer." }</p>
            }
            { for all.iter().map(|buffer| html! {
                <Ruler key={format!("{}-{}", buffer.client, buffer.broker)} buffer={buffer.clone()} />
            }) }
        </section>
    }
}

/// One buffer.
#[derive(Properties, PartialEq)]
pub struct RulerProps {
    /// The buffer.
    pub buffer: Buffer,
}

/// One buffer: how much of the next message is there, its bytes, and what was thrown away.
#[component]
pub fn Ruler(props: &RulerProps) -> Html {
    let buffer = &props.buffer;
    let held = buffer.cells.len();
    let generation = buffer.connection.generation();
    let foreign = buffer.cells.iter().filter(|cell| cell.connection != buffer.connection).count();
    let last_mixed = buffer.frames.last().filter(|frame| frame.foreign() > 0);
    html! {
        <div class="ruler" data-testid={format!("buffer-b{}", buffer.broker)} data-held={held.to_string()}>
            <p class="ruler-head">
                <strong class="mono">{ buffer.connection.to_string() }</strong>
                <span class="quiet">{ " receive buffer: " }</span>
                <span>{ fill(buffer) }</span>
            </p>
            if held > 0 {
                { scale(buffer) }
                <div class="cells" role="img" aria-label={format!("{held} bytes in the receive buffer")}>
                    { cells(&buffer.cells, generation, true) }
                </div>
            }
            if foreign > 0 {
                <p class="warning" data-testid="foreign-bytes">
                    { format!("\u{2715} {foreign} of these bytes came on an older connection.") }
                </p>
            }
            if let Some(frame) = last_mixed {
                <div class="misread" data-testid="misread">
                    <p class="warning">
                        { format!("\u{2715} Parsed as one message: {} bytes of the old connection and {} of the new one.",
                            frame.foreign(), frame.cells.len() - frame.foreign()) }
                    </p>
                    <div class="cells" aria-hidden="true">{ cells(&frame.cells, frame.connection.generation(), true) }</div>
                </div>
            }
            { for buffer.tray.iter().map(|discarded| html! {
                <div class="tray" key={discarded.event} data-testid="tray" data-count={discarded.cells.len().to_string()}
                    data-connection={discarded.connection.to_string()}>
                    <p class="tray-head">
                        { format!("Thrown away: {} of ", bytes(discarded.cells.len())) }
                        <span class="mono">{ discarded.connection.to_string() }</span>
                    </p>
                    <div class="cells" aria-hidden="true">
                        { cells(&discarded.cells, discarded.connection.generation(), false) }
                    </div>
                </div>
            }) }
        </div>
    }
}

fn bytes(count: usize) -> String {
    if count == 1 { "1 byte".to_owned() } else { format!("{count} bytes") }
}

fn fill(buffer: &Buffer) -> String {
    match (buffer.cells.len(), buffer.announced, buffer.missing()) {
        (0, _, _) => "empty".to_owned(),
        (held, Some(announced), Some(missing)) if missing > 0 => {
            format!("{held} of {announced} bytes, needs {missing} more")
        }
        (held, Some(announced), _) => format!("{held} bytes, the next message has {announced}"),
        (held @ 0..4, None, _) => format!("{}, needs {} more to know the size", bytes(held), 4 - held),
        (held, None, _) => format!("{held} bytes, and the size they announce is negative"),
    }
}

/// A bar: what is there of the message that the first four bytes announce.
fn scale(buffer: &Buffer) -> Html {
    let Some(announced) = buffer.announced else { return Html::default() };
    let share = |bytes: f64| format!("{:.2}%", (bytes / announced.max(1) as f64 * 100.0).min(100.0));
    let held = buffer.cells.len() as f64;
    html! {
        <svg class="scale" width="100%" height="10" aria-hidden="true">
            <rect class="scale-all" x="0.5" y="0.5" width="100%" height="9" rx="2" />
            <rect class="scale-held" x="0" y="0" width={share(held)} height="10" rx="2" />
            <rect class="scale-size" x="0" y="0" width={share(held.min(4.0))} height="10" rx="2" />
        </svg>
    }
}

fn cells(cells: &[Cell], generation: u32, is_live: bool) -> Html {
    let rest = cells.len().saturating_sub(CELLS);
    let shown = cells.iter().take(CELLS).enumerate().map(|(place, cell)| {
        let cell_generation = cell.connection.generation();
        let class = classes!(
            "cell",
            (is_live && place < 4).then_some("size"),
            cell_generation.is_multiple_of(2).then_some("hatched"),
            (cell_generation != generation).then_some("foreign")
        );
        let title = format!("{}, event {}", cell.connection, cell.event + 1);
        html! { <span class={class} key={place} title={title}>{ format!("{:02x}", cell.byte) }</span> }
    });
    html! {
        <>
            { for shown }
            if rest > 0 {
                <span class="cell-rest">{ format!("and {rest} more") }</span>
            }
        </>
    }
}
