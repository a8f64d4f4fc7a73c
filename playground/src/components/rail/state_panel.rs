//! The state machines: the client's life, and one connection.

use super::graph::Graph;
use super::matrix::Matrix;
use crate::model::events::Events;
use crate::model::machine::{self, Machine};
use simulator::view::counters::counters;
use yew::prelude::*;

/// What to show.
#[derive(Properties, PartialEq)]
pub struct StatePanelProps {
    /// The run.
    pub events: Events,
    /// How many of its events have happened.
    pub cursor: usize,
}

/// The machines at the cursor, drawn from the client's own tables.
#[component]
pub fn StatePanel(props: &StatePanelProps) -> Html {
    let machines =
        use_memo((props.events.clone(), props.cursor), |(events, cursor)| machine::at(events, *cursor));
    let counts = use_memo((props.events.clone(), props.cursor), |(events, cursor)| counters(events, *cursor));
    html! {
        <div class="panel-body" data-testid="state-panel">
            <dl class="counters">
                { for [
                    ("sockets", u64::from(counts.sockets)),
                    ("timers", u64::from(counts.timers)),
                    ("waiting calls", u64::from(counts.waiters)),
                    ("requests", u64::from(counts.requests)),
                    ("bytes thrown away", counts.discarded),
                ].into_iter().map(|(name, value)| html! {
                    <div key={name}>
                        <dt>{ name }</dt>
                        <dd data-testid={format!("counter-{}", name.replace(' ', "-"))}>{ value }</dd>
                    </div>
                }) }
            </dl>
            { for machines.iter().map(|machine| html! { <MachineView key={machine.id.to_string()} machine={machine.clone()} /> }) }
        </div>
    }
}

/// One machine.
#[derive(Properties, PartialEq)]
pub struct MachineViewProps {
    /// The machine.
    pub machine: Machine,
}

/// One machine as a graph, and behind a fold as a table.
#[component]
pub fn MachineView(props: &MachineViewProps) -> Html {
    let machine = &props.machine;
    let (walked, all) = machine.coverage();
    html! {
        <section class="machine" data-testid={format!("machine-{}", machine.id)} data-state={machine.current}>
            <header class="machine-head">
                <h2>{ machine.title.to_string() }</h2>
                <p class="small quiet">
                    { "now " }<strong class="now">{ machine.current }</strong>
                    { format!(", {walked} of {all} moves taken") }
                    { if machine.rejected > 0 { format!(", {} refused", machine.rejected) } else { String::new() } }
                </p>
            </header>
            <Graph machine={machine.clone()} />
            <details class="fold">
                <summary>{ "As a table" }</summary>
                <Matrix machine={machine.clone()} />
            </details>
        </section>
    }
}
