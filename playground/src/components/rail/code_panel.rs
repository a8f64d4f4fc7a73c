//! The place in the source that a lesson is about.

use crate::model::lesson::{Case, Code};
use yew::prelude::*;

/// What to show.
#[derive(Properties, PartialEq)]
pub struct CodePanelProps {
    /// The place.
    pub code: Option<Code>,
    /// Whether it is where two runs differ.
    pub has_pair: bool,
    /// Cases from the world outside.
    pub cases: Vec<Case>,
}

/// The lines with their numbers, and where the same thing went wrong in real life.
#[component]
pub fn CodePanel(props: &CodePanelProps) -> Html {
    html! {
        <div class="panel-body" data-testid="code-panel">
            if let Some(code) = &props.code {
                <p class="small quiet">{ if props.has_pair { "The one place where the two runs differ" } else { "The place in the source" } }</p>
                <p class="mono small">{ format!("{}, line {}", code.path, code.first_line) }</p>
                <pre class="code" tabindex="0"><code>
                    { for code.text.lines().enumerate().map(|(place, line)| html! {
                        <span class="code-line" key={place}>
                            <span class="code-number" aria-hidden="true">{ code.first_line + place }</span>
                            { format!("{line}\n") }
                        </span>
                    }) }
                </code></pre>
            } else {
                <p class="quiet">{ "This lesson points at no single place in the source." }</p>
            }
            if !props.cases.is_empty() {
                <h2>{ "It happened to" }</h2>
                <ul class="cases">
                    { for props.cases.iter().map(|case| html! {
                        <li key={case.address.to_string()}>
                            <a href={case.address.to_string()} target="_blank" rel="noreferrer noopener">{ case.title.to_string() }</a>
                        </li>
                    }) }
                </ul>
            }
        </div>
    }
}
