//! The whole page: memory, runs, and what the panes get of them.

use super::learn::Learn;
use super::live::Live;
use super::recorded::Recorded;
use super::shell::{ErrorPanel, HelpDialog, TopBar};
use crate::platform::timer::Timeout;
use crate::platform::{Listener, address, size, window};
use crate::recorded;
use crate::source;
use crate::state::link::{self, Place};
use crate::state::{Action, Page, UiState, View};
use std::rc::Rc;
use yew::prelude::*;

/// Addresses are written at most so often: browsers refuse more than a few a second.
const ADDRESS_MS: u32 = 750;

/// Below this width a diagram shows too little: the list comes first.
const NARROW: f64 = 768.0;

fn first_state() -> UiState {
    let mut state = UiState::at_rest(1);
    if size::page_width().is_some_and(|width| width < NARROW) {
        state.view = View::List;
    }
    match read_address() {
        Some(action) => crate::state::reduce(state, action),
        None => state,
    }
}

/// What the address asks for; `None` for an address without a place.
fn read_address() -> Option<Action> {
    if recorded::of_fragment(&address::fragment()).is_some() {
        return None;
    }
    match link::decode(&address::fragment()) {
        Ok(place) => place.map(Action::Go),
        Err(error) => Some(Action::Refuse(error)),
    }
}

/// The page.
#[component]
pub fn App() -> Html {
    let state = use_reducer(first_state);
    let cards = use_memo((), |()| source::cards());
    let written = use_mut_ref(address::fragment);
    // A recording that was brought stands in front of the lessons until the reader goes elsewhere.
    let recording = use_state(|| recorded::of_fragment(&address::fragment()).map(Ok::<_, String>));
    {
        let state = state.dispatcher();
        let (written, recording) = (written.clone(), recording.clone());
        use_effect_with((), move |()| {
            let listener = window().map(|window| {
                Listener::new(&window, "hashchange", move |_| {
                    let fragment = address::fragment();
                    if written.replace(fragment.clone()) != fragment {
                        let brought = recorded::of_fragment(&fragment);
                        recording.set(brought.clone().map(Ok));
                        if brought.is_some() {
                            return;
                        }
                        state.dispatch(read_address().unwrap_or(Action::Go(Place::lesson(1))));
                    }
                })
            });
            move || drop(listener)
        });
    }
    let here = state.place();
    {
        let written = written.clone();
        let moved = (here, matches!(state.page, Page::BadLink(_)) || recording.is_some());
        use_effect_with(moved, move |(here, is_bad)| {
            let fragment = link::encode(here);
            let before = written.borrow().clone();
            // A link that could not be read stays in the address, and so does the first visit's empty one.
            let is_first = before.is_empty() && *here == Place::lesson(1);
            let timer = (!is_bad && !is_first && fragment != before).then(|| {
                let is_elsewhere = match link::decode(&before) {
                    Ok(Some(old)) => (old.lesson, old.live) != (here.lesson, here.live),
                    Ok(None) => (here.lesson, here.live) != (1, false),
                    Err(_) => true,
                };
                let delay = if is_elsewhere { 0 } else { ADDRESS_MS };
                Timeout::new(delay, move || {
                    address::set_fragment(&fragment, is_elsewhere);
                    written.replace(fragment);
                })
            });
            move || drop(timer)
        });
    }
    let act = {
        let dispatcher = state.dispatcher();
        Callback::from(move |action: Action| dispatcher.dispatch(action))
    };
    let go = {
        let (act, recording) = (act.clone(), recording.clone());
        Callback::from(move |place| {
            recording.set(None);
            act.emit(Action::Go(place));
        })
    };
    let on_recording = {
        let recording = recording.clone();
        Callback::from(move |text: Result<Rc<str>, String>| {
            // What is short enough can be shared, and survives a reload.
            let fits = |text: &&Rc<str>| {
                text.len() <= recorded::LINK_LEN_MAX && recorded::of_fragment(text).is_some()
            };
            if let Some(text) = text.as_ref().ok().filter(fits) {
                let fragment = format!("#{text}");
                address::set_fragment(&fragment, true);
                written.replace(fragment);
            }
            recording.set(Some(text));
        })
    };
    let is_lesson = state.page == Page::Learn && recording.is_none();
    let shared = match &*recording {
        Some(Ok(text)) => format!("#{text}"),
        Some(Err(_)) | None => link::encode(&here),
    };
    let body = match (&state.page, &*recording) {
        (_, Some(text)) => html! {
            <Recorded key={text.as_ref().map_or_else(String::clone, ToString::to_string)} text={text.clone()} cards={cards.clone()}
                state={Rc::new((*state).clone())} on_go={go.clone()} />
        },
        (Page::Live, None) => html! { <Live /> },
        (Page::BadLink(error), None) => html! {
            <ErrorPanel error={error.clone()} readable={link::salvage(&address::fragment()).filter(|place| place.live || source::has(place.lesson))}
                on_open={go.clone()} />
        },
        (Page::Learn, None) => html! {
            <Learn state={Rc::new((*state).clone())} cards={cards.clone()} act={act.clone()} />
        },
    };
    html! {
        <div class={classes!("app", (state.page != Page::Learn && recording.is_none()).then_some("plain"))}>
            <TopBar cards={(*cards).clone()} lesson={is_lesson.then_some(state.lesson)}
                link={shared} is_live={state.page == Page::Live && recording.is_none()}
                has_place={state.page == Page::Learn || recording.is_some()} on_live={go.reform(|()| Place::live())}
                on_lesson={go.reform(Place::lesson)} {on_recording}
                on_help={act.reform(|()| Action::Help(true))} />
            { body }
            <HelpDialog is_open={state.help} on_close={act.reform(|()| Action::Help(false))} />
        </div>
    }
}
