//! A link that cannot be read: what is wrong with it, and two ways on. Never a silent guess.

use crate::state::link::{LinkError, Place};
use yew::prelude::*;

/// Which link, and what could be read of it.
#[derive(Properties, PartialEq)]
pub struct ErrorPanelProps {
    /// What is wrong.
    pub error: LinkError,
    /// What could be read.
    #[prop_or_default]
    pub readable: Option<Place>,
    /// Called with the place to open.
    pub on_open: Callback<Place>,
}

/// The panel. Nothing of any lesson is shown before the reader has chosen.
#[component]
pub fn ErrorPanel(props: &ErrorPanelProps) -> Html {
    let readable = props.readable.unwrap_or(Place::lesson(1));
    let lesson = Place::lesson(readable.lesson);
    let what = if readable.live {
        "Open Live".to_owned()
    } else {
        format!("Open lesson {} as far as it could be read", readable.lesson)
    };
    html! {
        <main class="error-panel" data-testid="link-error">
            <div role="alert">
                <p class="eyebrow">{ "This link cannot be opened" }</p>
                <h1 class="question">{ props.error.to_string() }</h1>
            </div>
            <p class="quiet">{ "Nothing was opened in its place, so that you do not look at something else by mistake." }</p>
            <div class="error-buttons">
                <button type="button" class="button" data-testid="open-readable"
                    onclick={props.on_open.reform(move |_: MouseEvent| readable)}>{ what }</button>
                <button type="button" class="button primary" data-testid="start-lesson"
                    onclick={props.on_open.reform(move |_: MouseEvent| lesson)}>{ format!("Start lesson {}", lesson.lesson) }</button>
            </div>
        </main>
    }
}
