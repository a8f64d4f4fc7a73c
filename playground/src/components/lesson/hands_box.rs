//! What can be done by hand at a lesson's end.

use crate::model::lesson::ByHand;
use crate::state::hands::Hands;
use yew::prelude::*;

/// What there is to do.
#[derive(Properties, PartialEq)]
pub struct HandsBoxProps {
    /// The buttons, and what there is to say.
    pub by_hand: ByHand,
    /// Called with a button, or with nothing to undo everything.
    pub on_hand: Callback<Option<usize>>,
}

/// The buttons. Each makes one thing happen at the end of the run.
#[component]
pub fn HandsBox(props: &HandsBoxProps) -> Html {
    let ByHand { names, says, done } = &props.by_hand;
    let is_full = *done >= Hands::MOST;
    html! {
        <section class="hands" data-testid="hands" data-done={done.to_string()} aria-label="By hand">
            <p class="eyebrow">{ "Your turn" }</p>
            <p class="hands-says" data-testid="hands-says">{ says.to_string() }</p>
            <div class="hands-buttons">
                { for names.iter().enumerate().map(|(button, name)| html! {
                    <button type="button" class="button" key={*name} disabled={is_full} data-testid={format!("hand-{}", button + 1)}
                        onclick={props.on_hand.reform(move |_: MouseEvent| Some(button))}>{ *name }</button>
                }) }
            </div>
            if *done > 0 {
                <button type="button" class="button bare" data-testid="hands-off"
                    onclick={props.on_hand.reform(|_: MouseEvent| None)}>{ format!("Undo all {done}") }</button>
            }
            if is_full {
                <p class="small quiet">{ "No more can be remembered. Undo, and go on." }</p>
            }
        </section>
    }
}
