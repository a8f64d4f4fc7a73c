//! The bar at the top: lessons, Live, share, theme, help.

use super::open_button::OpenButton;
use super::share_button::ShareButton;
use super::theme_button::ThemeButton;
use crate::components::icon::{Icon, Picture};
use crate::model::lesson::LessonCard;
use std::rc::Rc;
use yew::prelude::*;

/// What is open.
#[derive(Properties, PartialEq)]
pub struct TopBarProps {
    /// The lessons there are.
    pub cards: Vec<LessonCard>,
    /// The open one; `None` outside lessons.
    pub lesson: Option<u8>,
    /// Whether Live is open.
    pub is_live: bool,
    /// Whether there is a place to link to.
    pub has_place: bool,
    /// The link to what is shown.
    pub link: AttrValue,
    /// Called with a lesson to open.
    pub on_lesson: Callback<u8>,
    /// Called to open Live.
    pub on_live: Callback<()>,
    /// Called with a recording from a file, or with why it cannot be read.
    pub on_recording: Callback<Result<Rc<str>, String>>,
    /// Called to open the help.
    pub on_help: Callback<()>,
}

/// The top bar.
#[component]
pub fn TopBar(props: &TopBarProps) -> Html {
    html! {
        <header class="top-bar">
            <p class="brand">
                <svg class="brand-mark" viewBox="0 0 28 28" aria-hidden="true">
                    <path d="M8 4v20M20 4v20" /><path class="brand-way" d="M8 9l12 4M20 16l-12 4" />
                </svg>
                <span class="brand-name">{ "kafka-wasm" }</span>
                <span class="brand-part quiet">{ "playground" }</span>
            </p>
            <nav class="lessons" aria-label="Lessons">
                <span class="quiet small lessons-word" aria-hidden="true">{ "Lessons" }</span>
                <div class="choices">
                    { for props.cards.iter().map(|card| {
                        let id = card.id;
                        html! {
                            <button type="button" key={id} data-testid={format!("lesson-{id}")} title={card.question}
                                aria-label={format!("Lesson {id}: {}", card.question)}
                                aria-pressed={(props.lesson == Some(id)).to_string()}
                                onclick={props.on_lesson.reform(move |_: MouseEvent| id)}>{ id }</button>
                        }
                    }) }
                    <button type="button" data-testid="live-tab" aria-pressed={props.is_live.to_string()}
                        title="Talk to a real broker" onclick={props.on_live.reform(|_: MouseEvent| ())}>
                        <span class="live-dot" aria-hidden="true"></span>{ "Live" }
                    </button>
                </div>
            </nav>
            <div class="top-tools">
                if props.has_place {
                    <ShareButton link={props.link.clone()} />
                }
                <OpenButton on_text={props.on_recording.clone()} />
                <ThemeButton />
                <button type="button" class="button bare icon-button" aria-label="Help" title="Help" data-testid="help"
                    onclick={props.on_help.reform(|_: MouseEvent| ())}><Icon picture={Picture::Question} /></button>
            </div>
        </header>
    }
}
