//! A recording on the page: the same panes as a lesson's, with a memory of their own.

use super::learn::{LearnProps, Lesson, facts, use_keys, use_play_timer};
use crate::model::lesson::LessonCard;
use crate::recorded;
use crate::state::link::Place;
use crate::state::{Action, UiState};
use std::rc::Rc;
use yew::prelude::*;

/// Which recording.
#[derive(Properties, PartialEq)]
pub struct RecordedProps {
    /// Its text, or why there is none.
    pub text: Result<Rc<str>, String>,
    /// The lessons there are.
    pub cards: Rc<Vec<LessonCard>>,
    /// How the page showed runs before.
    pub state: Rc<UiState>,
    /// Called with a place to go to instead.
    pub on_go: Callback<Place>,
}

/// The recording.
#[component]
pub fn Recorded(props: &RecordedProps) -> Html {
    let staging = use_memo(props.text.clone(), |text| text.clone().and_then(|text| recorded::open(&text)));
    let state = {
        let view = props.state.view;
        use_reducer(move || UiState { view, ..UiState::at_rest(0) })
    };
    let act = {
        let (dispatcher, on_go) = (state.dispatcher(), props.on_go.clone());
        Callback::from(move |action| {
            if let Action::Go(place) = action {
                on_go.emit(place);
            } else {
                dispatcher.dispatch(action);
            }
        })
    };
    {
        let act = act.clone();
        use_effect_with(staging.clone(), move |staging| {
            if let Ok(staging) = &**staging {
                act.emit(Action::Opened(Rc::new(facts(staging))));
            }
        });
    }
    let learn = LearnProps { state: Rc::new((*state).clone()), cards: props.cards.clone(), act };
    use_play_timer(&learn);
    use_keys(&learn);
    match &*staging {
        Ok(staging) => html! {
            <Lesson state={learn.state} cards={learn.cards} act={learn.act} staging={staging.clone()} />
        },
        Err(problem) => html! {
            <main class="error-panel" data-testid="recording-error">
                <div role="alert">
                    <p class="eyebrow">{ "This recording cannot be opened" }</p>
                    <h1 class="question">{ problem.clone() }</h1>
                </div>
                <div class="error-buttons">
                    <button type="button" class="button primary"
                        onclick={props.on_go.reform(|_: MouseEvent| Place::lesson(1))}>{ "Start lesson 1" }</button>
                </div>
            </main>
        },
    }
}
