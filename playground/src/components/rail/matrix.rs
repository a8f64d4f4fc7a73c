//! A state machine as a table: from each state, into which others it may go.

use crate::model::machine::Machine;
use yew::prelude::*;

/// What to show.
#[derive(Properties, PartialEq)]
pub struct MatrixProps {
    /// The machine.
    pub machine: Machine,
}

/// The table. A legal move shows how often it was taken; an illegal one is refused by the client.
#[component]
pub fn Matrix(props: &MatrixProps) -> Html {
    let machine = &props.machine;
    let cell = |from: &'static str, to: &'static str| match machine.edge(from, to) {
        Some(edge) => {
            let class =
                classes!("legal", (edge.walked > 0).then_some("walked"), edge.is_latest.then_some("latest"));
            html! {
                <td class={class} data-legal="true" title={edge.cause}>
                    { if edge.walked > 0 { edge.walked.to_string() } else { "0".to_owned() } }
                    <span class="visually-hidden">{ format!(" times: {}", edge.cause) }</span>
                </td>
            }
        }
        None => html! {
            <td class="illegal" data-legal="false" title="refused: the table has no such move">
                <span aria-hidden="true">{ "\u{b7}" }</span><span class="visually-hidden">{ "refused" }</span>
            </td>
        },
    };
    html! {
        <div class="matrix-scroll" tabindex="0" role="region" aria-label={format!("{}: table of moves", machine.title)}>
            <table class="matrix" data-testid={format!("matrix-{}", machine.id)}>
                <thead>
                    <tr>
                        <th scope="col">{ "from \u{2193} to \u{2192}" }</th>
                        { for machine.states.iter().map(|state| html! { <th scope="col" class="column">{ *state }</th> }) }
                    </tr>
                </thead>
                <tbody>
                    { for machine.states.iter().map(|from| html! {
                        <tr class={(*from == machine.current).then_some("current")}>
                            <th scope="row">{ *from }</th>
                            { for machine.states.iter().map(|to| cell(from, to)) }
                        </tr>
                    }) }
                </tbody>
            </table>
        </div>
    }
}
