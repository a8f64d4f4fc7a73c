//! A question to answer before the run answers it.

use crate::model::lesson::Quiz;
use yew::prelude::*;

/// Which question, and what is known of the answer.
#[derive(Properties, PartialEq)]
pub struct PredictBoxProps {
    /// The question.
    pub quiz: Quiz,
    /// The option that was chosen.
    pub chosen: Option<usize>,
    /// Whether the run has shown the answer.
    pub is_revealed: bool,
    /// Called with the chosen option.
    pub on_answer: Callback<usize>,
}

/// The question with its options; after the run has answered it, which one was right and why.
#[component]
pub fn PredictBox(props: &PredictBoxProps) -> Html {
    let quiz = &props.quiz;
    let state = match (props.is_revealed, props.chosen) {
        (true, _) => "revealed",
        (false, Some(_)) => "answered",
        (false, None) => "open",
    };
    // Once the run has answered, only the answer and what was said are left.
    let is_worth = |place: usize| !props.is_revealed || place == quiz.right || props.chosen == Some(place);
    let options = quiz.options.iter().enumerate().filter(|(place, _)| is_worth(*place)).map(|(place, option)| {
        let is_chosen = props.chosen == Some(place);
        let is_right = place == quiz.right;
        let (sign, word) = match (props.is_revealed, is_chosen, is_right) {
            (true, true, true) => ("\u{2713}", "your answer, right"),
            (true, false, true) => ("\u{2713}", "the answer"),
            (true, true, false) => ("\u{2715}", "your answer, not so"),
            (false, true, _) => ("\u{25cf}", "your answer"),
            (true, false, false) | (false, false, _) => ("", ""),
        };
        let class = classes!(
            "option",
            is_chosen.then_some("chosen"),
            (props.is_revealed && is_right).then_some("right"),
            (props.is_revealed && is_chosen && !is_right).then_some("wrong")
        );
        let onclick = props.on_answer.reform(move |_: MouseEvent| place);
        html! {
            <li key={place}>
                <button type="button" class={class} {onclick} aria-pressed={is_chosen.to_string()}
                    disabled={props.is_revealed || props.chosen.is_some()} data-right={props.is_revealed.then(|| is_right.to_string())}>
                    <span class="option-sign" aria-hidden="true">{ sign }</span>
                    <span class="option-text">{ option.to_string() }</span>
                    if !word.is_empty() {
                        <span class="option-word small">{ word }</span>
                    }
                </button>
            </li>
        }
    });
    html! {
        <section class="predict" data-testid="predict" data-state={state} aria-label="Predict">
            <p class="eyebrow">{ "Predict" }</p>
            <p class="predict-question">{ quiz.question.to_string() }</p>
            <ul class="options">{ for options }</ul>
            if props.is_revealed {
                <p class="why" data-testid="why">{ quiz.why.to_string() }</p>
            } else if props.chosen.is_some() {
                <p class="small quiet">{ "Noted. Go on and see." }</p>
            }
        </section>
    }
}
