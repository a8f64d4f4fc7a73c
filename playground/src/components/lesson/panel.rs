//! The lesson: its question, its steps as far as they have come, and the one button.

use super::hands_box::HandsBox;
use super::option_box::OptionBox;
use super::predict_box::PredictBox;
use crate::components::icon::{Icon, Picture};
use crate::components::shell::rules_strip::side_word;
use crate::model::lesson::{Lesson, Quiz};
use crate::model::track::Side;
use std::collections::BTreeMap;
use std::rc::Rc;
use wasm_bindgen::JsCast as _;
use web_sys::HtmlElement;
use yew::prelude::*;

/// Which lesson, and how far it has come.
#[derive(Properties, PartialEq)]
pub struct LessonPanelProps {
    /// The lesson as each run on the stage tells it.
    pub told: Vec<(Side, Rc<Lesson>)>,
    /// How many steps have been reached.
    pub reached: usize,
    /// Whether the run is on its way to the next step.
    pub is_moving: bool,
    /// The answers given in this lesson, by step.
    pub answers: BTreeMap<usize, usize>,
    /// The lesson after this one.
    pub next_lesson: Option<u8>,
    /// Called for the next step.
    pub on_next: Callback<()>,
    /// Called for the previous step.
    pub on_previous: Callback<()>,
    /// Called with what is chosen about the lesson.
    pub on_option: Callback<u8>,
    /// Called with what is done by hand, or with nothing to undo all of it.
    pub on_hand: Callback<Option<usize>>,
    /// Called with a step and an option.
    pub on_answer: Callback<(usize, usize)>,
    /// Called with the number of another lesson.
    pub on_lesson: Callback<u8>,
}

/// The panel at the left.
#[component]
pub fn LessonPanel(props: &LessonPanelProps) -> Html {
    let scroller = use_node_ref();
    {
        let scroller = scroller.clone();
        use_effect_with(props.reached, move |_| show_current(&scroller));
    }
    let Some((_, lesson)) = props.told.last() else { return Html::default() };
    let count = lesson.steps.len();
    let is_done = props.reached >= count;
    // A run that somebody has brought tells itself like a lesson, but is none.
    let is_recording = lesson.card.id == 0;
    let asked = quiz(props, props.reached);
    let is_unanswered = asked.is_some() && !props.answers.contains_key(&props.reached);
    let label = match (props.reached, is_done, is_unanswered) {
        (_, true, _) => "Done",
        (_, _, true) => "Show me",
        (0, _, _) => "Begin",
        (_, _, _) => "Next",
    };
    let steps = (0..count.min(props.reached)).map(|place| step_item(props, place));
    html! {
        <section class="lesson" aria-label="Lesson" data-testid="lesson" data-step={props.reached.to_string()} data-steps={count.to_string()}>
            <div class="lesson-scroll" ref={scroller} tabindex="0" role="group" aria-label="Steps">
                <p class="eyebrow">{ if is_recording { "Recording".to_owned() } else { format!("Lesson {}", lesson.card.id) } }</p>
                <h1 class="question" data-testid="question">{ lesson.card.question }</h1>
                if !is_recording {
                    <p class="small quiet">{ format!("{count} steps, about {} minutes", lesson.minutes) }</p>
                }
                if props.reached == 0 {
                    <p class="introduction">{ lesson.introduction.to_string() }</p>
                }
                <ol class="steps" data-testid="steps">{ for steps }</ol>
                if let Some(quiz) = asked {
                    <PredictBox quiz={quiz.clone()} chosen={props.answers.get(&props.reached).copied()} is_revealed={false}
                        on_answer={let step = props.reached; props.on_answer.reform(move |option| (step, option))} />
                }
                if is_done {
                    if let Some(by_hand) = &lesson.by_hand {
                        <HandsBox by_hand={by_hand.clone()} on_hand={props.on_hand.clone()} />
                    }
                    { key_points(props, lesson) }
                }
            </div>
            if let Some(options) = lesson.options {
                <OptionBox {options} on_option={props.on_option.clone()} />
            }
            <div class="lesson-foot">
                <p class="progress small quiet" data-testid="progress">{ format!("step {} of {count}", props.reached) }</p>
                <div class="lesson-buttons">
                    <button type="button" class="button" data-testid="previous-step" disabled={props.reached == 0}
                        onclick={props.on_previous.reform(|_: MouseEvent| ())}>{ "Back" }</button>
                    <button type="button" class="button primary next" data-testid="next" disabled={is_done && !props.is_moving}
                        onclick={props.on_next.reform(|_: MouseEvent| ())}>{ label }</button>
                </div>
            </div>
        </section>
    }
}

/// Brings the current step to the top of the panel; the first frame stays as it is.
fn show_current(scroller: &NodeRef) {
    let Some(scroller) = scroller.cast::<HtmlElement>() else { return };
    let current = scroller.query_selector(".step.current").ok().flatten();
    let current = current.and_then(|current| current.dyn_into::<HtmlElement>().ok());
    scroller.set_scroll_top(current.map_or(0, |current| current.offset_top() - 20));
}

/// The question before a step. Two runs give two answers, so side by side nothing is asked.
fn quiz(props: &LessonPanelProps, step: usize) -> Option<&Quiz> {
    match &props.told[..] {
        [(_, lesson)] => lesson.steps.get(step)?.quiz.as_ref(),
        _ => None,
    }
}

fn step_item(props: &LessonPanelProps, place: usize) -> Html {
    let is_current = place + 1 == props.reached;
    let mut sentences: Vec<(Side, &Rc<str>)> = props
        .told
        .iter()
        .filter_map(|(side, lesson)| Some((*side, &lesson.steps.get(place)?.sentence)))
        .collect();
    // What both runs say is said once.
    sentences.dedup_by(|later, earlier| later.1 == earlier.1);
    let is_pair = sentences.len() > 1;
    html! {
        <li class={classes!("step", is_current.then_some("current"))} key={place} aria-current={is_current.then_some("step")}>
            if let Some(quiz) = quiz(props, place) {
                if is_current {
                    <PredictBox quiz={quiz.clone()} chosen={props.answers.get(&place).copied()} is_revealed={true}
                        on_answer={props.on_answer.reform(move |option| (place, option))} />
                } else {
                    { asked_before(quiz, props.answers.get(&place).copied()) }
                }
            }
            { for sentences.into_iter().map(|(side, sentence)| html! {
                <p key={side_word(side)}>
                    if is_pair {
                        <strong class={classes!("told-by", side_word(side))}>{ side_word(side) }</strong>
                    }
                    { sentence.to_string() }
                </p>
            }) }
        </li>
    }
}

/// A question that was answered some steps ago, in two lines.
fn asked_before(quiz: &Quiz, chosen: Option<usize>) -> Html {
    let right = quiz.options.get(quiz.right).map(ToString::to_string).unwrap_or_default();
    let verdict = match chosen {
        Some(chosen) if chosen == quiz.right => "\u{2713} as you said",
        Some(_) => "\u{2715} you said otherwise",
        None => "",
    };
    html! {
        <p class="asked-before small">
            <span class="quiet">{ quiz.question.to_string() }</span>
            <strong>{ right }</strong>{ " " }<span class="quiet">{ verdict }</span>
        </p>
    }
}

fn key_points(props: &LessonPanelProps, lesson: &Lesson) -> Html {
    html! {
        <section class="key-points" data-testid="key-points">
            if !lesson.key_points.is_empty() {
                <h2>{ "To take home" }</h2>
                <ul>{ for lesson.key_points.iter().map(|point| html! { <li key={point.to_string()}>{ point.to_string() }</li> }) }</ul>
            }
            if let Some(next) = props.next_lesson {
                <button type="button" class="button primary" data-testid="next-lesson"
                    onclick={props.on_lesson.reform(move |_: MouseEvent| next)}>
                    { format!("On to lesson {next}") }<Icon picture={Picture::Forward} />
                </button>
            }
        </section>
    }
}
