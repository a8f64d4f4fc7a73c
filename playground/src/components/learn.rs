//! A lesson on the page: panel, stage, details and transport, all at one position.

use super::lesson::LessonPanel;
use super::rail::{CodePanel, EventPanel, Rail, RulesPanel, StatePanel, WireView};
use super::shell::rules_strip::side_word;
use super::shell::{Announcer, RulesStrip, Sign, SignKind, Transport, Wish, keys_are_on};
use super::stage::geometry::comfortable_width;
use super::stage::{Stage, StageWish};
use crate::model::lesson::LessonCard;
use crate::model::time;
use crate::model::track::Side;
use crate::platform::timer::Timeout;
use crate::platform::{Listener, document, keyboard, size, theme, visibility};
use crate::run::Run;
use crate::source::{self, OpenError, Staging};
use crate::state::keys::{self, Pressed};
use crate::state::link::Place;
use crate::state::{Action, Facts, Selection, Tab, UiState, View};
use simulator::event::{Group, Verdict};
use simulator::sentence::{Detail, sentence};
use simulator::view::diagram::lanes;
use std::collections::BTreeMap;
use std::rc::Rc;
use wasm_bindgen::JsCast as _;
use web_sys::{HtmlElement, KeyboardEvent};
use yew::prelude::*;

/// From this width on, the details stand beside the stage and do not cover it.
const WIDE: f64 = 1_200.0;
/// How much of the page's width lesson and details take beside the stage.
const BESIDE: f64 = 320.0 + 432.0;
/// While a lesson moves on by itself: milliseconds between two events, and in all.
const BRISK_MS: u32 = 70;
const BRISK_TOTAL_MS: u32 = 1_400;

/// What the page remembers, and how to change it.
#[derive(Properties, PartialEq)]
pub struct LearnProps {
    /// The memory.
    pub state: Rc<UiState>,
    /// The lessons there are.
    pub cards: Rc<Vec<LessonCard>>,
    /// Called with what shall happen.
    pub act: Callback<Action>,
}

/// The lesson.
#[component]
pub fn Learn(props: &LearnProps) -> Html {
    let state = &props.state;
    let staging = use_memo(
        (state.lesson, state.variant, state.option, state.hands),
        |(lesson, variant, option, hands)| source::open(*lesson, *variant, *option, *hands),
    );
    {
        let act = props.act.clone();
        use_effect_with(staging.clone(), move |staging| match &**staging {
            Ok(staging) => act.emit(Action::Opened(Rc::new(facts(staging)))),
            Err(OpenError::Link(error)) => act.emit(Action::Refuse(error.clone())),
            Err(OpenError::Lesson(_)) => {}
        });
    }
    use_play_timer(props);
    use_keys(props);
    match &*staging {
        Ok(staging) => {
            html! { <Lesson state={state.clone()} cards={props.cards.clone()} act={props.act.clone()} staging={staging.clone()} /> }
        }
        Err(OpenError::Link(_)) => Html::default(),
        Err(OpenError::Lesson(problem)) => html! {
            <main class="error-panel" data-testid="lesson-error">
                <p class="eyebrow">{ "This lesson is at fault" }</p>
                <h1 class="question">{ problem.clone() }</h1>
                <p class="quiet">{ "The other lessons are not concerned." }</p>
            </main>
        },
    }
}

/// What the page's memory needs to know about the runs.
pub(super) fn facts(staging: &Staging) -> Facts {
    let track = staging.track();
    let broken = signs(staging).into_iter().filter(|sign| sign.kind == SignKind::Broken);
    let changes = staging.runs().iter().flat_map(|run| {
        let changes = run.events.iter().filter(|event| event.group() == Group::State);
        changes.map(|event| track.position_of(run.side, event.index as usize + 1))
    });
    Facts {
        len: track.len(),
        stops: stops(staging),
        state_changes: rising(changes.collect()),
        broken: rising(broken.map(|sign| sign.position).collect()),
        differences: track.differences().collect(),
        shows_buffers: staging.runs().iter().any(|run| run.lesson.shows_buffers),
    }
}

fn rising(mut positions: Vec<usize>) -> Vec<usize> {
    positions.sort_unstable();
    positions.dedup();
    positions
}

/// Where the lesson's steps end: where every run on the stage has come to the step's mark. The last one ends with the
/// runs.
fn stops(staging: &Staging) -> Vec<usize> {
    let count = staging.runs().iter().map(|run| run.lesson.steps.len()).min().unwrap_or(0);
    let stop = |step: usize| {
        let marks = staging.runs().iter().filter_map(|run| {
            let seen = run.lesson.steps.get(step)?.seen;
            Some(staging.track().position_of(run.side, seen))
        });
        let ends = staging.runs().iter().map(|run| staging.track().position_of(run.side, run.lesson.end));
        if step + 1 == count { ends.max().unwrap_or(0) } else { marks.max().unwrap_or(0) }
    };
    (0..count).map(stop).collect()
}

/// Moves on by itself while the page plays.
#[hook]
pub(super) fn use_play_timer(props: &LearnProps) {
    let act = props.act.clone();
    let speed = props.state.speed;
    use_effect_with((props.state.play, props.state.position, speed), move |(play, position, speed)| {
        let timer = play.map(|play| {
            if play.brisk && theme::reduced_motion() {
                return Timeout::new(0, move || act.emit(Action::NextStep));
            }
            let left = u32::try_from(play.until.saturating_sub(*position)).unwrap_or(u32::MAX).max(1);
            let wait = if play.brisk { BRISK_MS.min(BRISK_TOTAL_MS / left) } else { speed.interval_ms() };
            Timeout::new(wait, move || act.emit(Action::Tick))
        });
        move || drop(timer)
    });
    let act = props.act.clone();
    use_effect_with((), move |()| {
        let listener = visibility::on_hidden(move || act.emit(Action::Pause));
        move || drop(listener)
    });
}

/// Listens to the keyboard.
#[hook]
pub(super) fn use_keys(props: &LearnProps) {
    let newest = use_mut_ref(|| (props.state.clone(), props.act.clone()));
    *newest.borrow_mut() = (props.state.clone(), props.act.clone());
    use_effect_with((), move |()| {
        let listener = document().map(|document| {
            Listener::new(&document, "keydown", move |event| {
                let Some(event) = event.dyn_ref::<KeyboardEvent>() else { return };
                let (state, act) = newest.borrow().clone();
                press(event, &state, &act);
            })
        });
        move || drop(listener)
    });
}

fn press(event: &KeyboardEvent, state: &UiState, act: &Callback<Action>) {
    if event.ctrl_key() || event.alt_key() || event.meta_key() || event.default_prevented() {
        return;
    }
    if !keyboard::is_for_the_stage(event.target()) || keyboard::is_taken(event.target(), &event.key()) {
        return;
    }
    let Some(pressed) = keys::pressed(&event.key(), event.shift_key()) else { return };
    if pressed.is_single_character && !keys_are_on() {
        return;
    }
    event.prevent_default();
    match pressed.what {
        Pressed::Act(action) => act.emit(action),
        Pressed::Toggle => act.emit(Action::View(match state.view {
            View::Diagram => View::List,
            View::List => View::Diagram,
        })),
        Pressed::Speed { faster } => act.emit(Action::Speed(state.speed.shifted(faster))),
        Pressed::Why => act.emit(Action::Tab(Some(Tab::Event))),
        Pressed::Focus(selector) => focus(selector),
        Pressed::Open(tab) => act.emit(Action::Tab(Some(tab))),
    }
}

fn focus(selector: &str) {
    let element = document().and_then(|document| document.query_selector(selector).ok().flatten());
    let Some(element) = element.and_then(|element| element.dyn_into::<HtmlElement>().ok()) else { return };
    if let Err(error) = element.focus() {
        crate::platform::report("could not move the focus", &error);
    }
}

/// A lesson that is open.
#[derive(Properties, PartialEq)]
pub(super) struct LessonProps {
    pub(super) state: Rc<UiState>,
    pub(super) cards: Rc<Vec<LessonCard>>,
    pub(super) act: Callback<Action>,
    pub(super) staging: Rc<Staging>,
}

/// Panel, stage, details and transport.
#[component]
pub(super) fn Lesson(props: &LessonProps) -> Html {
    let (state, staging, act) = (&props.state, &props.staging, &props.act);
    let track = staging.track();
    let position = state.position.min(track.len());
    let seen = |run: &Run| track.seen(run.side, position);
    let cursor = (staging.clone(), position);
    let rules = use_memo(cursor.clone(), |(staging, position)| {
        let rules = |run: &Run| (run.side, run.judge.rules(staging.track().seen(run.side, *position)));
        staging.runs().iter().map(rules).collect::<Vec<_>>()
    });
    let digest = use_memo(cursor, |(staging, position)| {
        let digests =
            staging.runs().iter().map(|run| run.judge.digest(staging.track().seen(run.side, *position)));
        digests.map(|digest| format!("{digest:016x}")).collect::<Vec<_>>().join(" ")
    });
    let signs = use_memo(staging.clone(), |staging| signs(staging));
    let clock = {
        let newest = staging.runs().iter().filter_map(|run| run.events.get(seen(run).checked_sub(1)?));
        time::short(newest.map(|event| event.at.as_micros()).max().unwrap_or(0))
    };
    let spoken = spoken(staging, position);
    let alarm = {
        let last = position.checked_sub(1).and_then(|last| track.rows().get(last)).copied();
        rules.iter().find_map(|(side, rules)| {
            let event = last?.of(*side)?;
            let broken = |rule: &&crate::run::Rule| rule.verdict == Verdict::Broken { at: event as u32 };
            let rule = rules.iter().find(broken)?;
            Some(AttrValue::from(format!("Rule {} is broken: {}", rule.id, rule.sentence)))
        })
    };
    let next_lesson = {
        let place = props.cards.iter().position(|card| card.id == state.lesson);
        place.and_then(|place| props.cards.get(place + 1)).map(|card| card.id)
    };
    let on_next = {
        let (act, is_first) = (act.clone(), state.position == 0 && state.tab.is_none());
        let lanes = staging.runs().iter().map(|run| comfortable_width(&lanes(&run.events)));
        let room = lanes.sum::<f64>() + BESIDE;
        let is_alone = staging.runs().len() == 1;
        Callback::from(move |()| {
            // The details come up with the first step, where there is room for them.
            if is_first && is_alone && size::page_width().is_some_and(|width| width >= WIDE.max(room)) {
                act.emit(Action::Tab(Some(Tab::State)));
            }
            act.emit(Action::NextStep);
        })
    };
    let on_stage = {
        let (act, state) = (act.clone(), state.clone());
        Callback::from(move |wish| {
            act.emit(match wish {
                StageWish::Show(variant) => Action::Show(variant),
                StageWish::View(view) => Action::View(view),
                StageWish::Buffers => Action::ToggleBuffers,
                StageWish::Select(selection) if state.selected == Some(selection) => Action::Select(None),
                StageWish::Select(selection) => Action::Select(Some(selection)),
                StageWish::Rail => Action::Tab(match state.tab {
                    Some(_) => None,
                    None => Some(Tab::State),
                }),
            });
        })
    };
    let on_wish = act.reform(|wish| match wish {
        Wish::First => Action::First,
        Wish::Back => Action::Step(-1),
        Wish::TogglePlay => Action::TogglePlay,
        Wish::Forward => Action::Step(1),
        Wish::Last => Action::Last,
        Wish::Seek(position) => Action::Seek(position),
        Wish::Speed(speed) => Action::Speed(speed),
    });
    let answers = state
        .answers
        .iter()
        .filter(|((lesson, variant, _), _)| (*lesson, *variant) == (state.lesson, state.variant))
        .map(|((_, _, step), option)| (*step, *option))
        .collect::<BTreeMap<_, _>>();
    let runs = staging.runs().iter().map(|run| (run.side, run.events.clone())).collect::<Vec<_>>();
    let told = staging.runs().iter().map(|run| (run.side, run.lesson.clone())).collect::<Vec<_>>();
    let has_pair = staging.runs().iter().any(|run| run.lesson.card.has_pair);
    html! {
        <>
            <RulesStrip runs={(*rules).clone()} on_open={act.reform(|()| Action::Tab(Some(Tab::Rules)))} />
            <main class={classes!("learn", state.tab.map(|_| "with-rail"))}>
                <LessonPanel told={told} reached={state.steps_reached()} is_moving={state.play.is_some()}
                    {answers} {next_lesson} {on_next}
                    on_previous={act.reform(|()| Action::PreviousStep)}
                    on_option={act.reform(Action::Option)}
                    on_hand={act.reform(|hand: Option<usize>| hand.map_or(Action::HandsOff, Action::Hand))}
                    on_answer={act.reform(|(step, option)| Action::Answer { step, option })}
                    on_lesson={act.reform(|lesson| Action::Go(Place::lesson(lesson)))} />
                <Stage {runs} track={track.clone()} {position} selected={state.selected} view={state.view}
                    variant={has_pair.then_some(state.variant)} buffers={state.buffers && position > 0}
                    is_rail_open={state.tab.is_some()} on_wish={on_stage} />
                if let Some(tab) = state.tab {
                    { rail(props, tab, position, &rules) }
                }
            </main>
            <Transport {position} len={track.len()} is_playing={state.play.is_some_and(|play| !play.brisk)} speed={state.speed}
                {clock} value_text={format!("event {position} of {}, {spoken}", track.len())} signs={(*signs).clone()} {on_wish} />
            <Announcer sentence={spoken} is_playing={state.play.is_some()} {position} {alarm} />
            <output class="visually-hidden" data-testid="digest" aria-hidden="true">{ (*digest).clone() }</output>
        </>
    }
}

/// The details of one run: that of the selection, else the one that tells the lesson.
fn rail(props: &LessonProps, tab: Tab, position: usize, rules: &[(Side, Vec<crate::run::Rule>)]) -> Html {
    let (state, staging, act) = (&props.state, &props.staging, &props.act);
    let selected = state.selected.and_then(|selection| staging.run(selection.side));
    let Some(run) = selected.or_else(|| staging.runs().last()) else { return Html::default() };
    let side = run.side;
    let cursor = staging.track().seen(side, position);
    let event = state.selected.map(|selection| selection.event).or_else(|| cursor.checked_sub(1));
    let select =
        act.reform(move |event: u32| Action::Select(Some(Selection { side, event: event as usize })));
    let pane = match tab {
        Tab::State => html! { <StatePanel events={run.events.clone()} {cursor} /> },
        Tab::Wire => {
            html! { <WireView events={run.events.clone()} event={event.map(|event| event as u32)} /> }
        }
        Tab::Rules => html! {
            <RulesPanel rules={rules.iter().find(|(of, _)| *of == side).map(|(_, rules)| rules.clone()).unwrap_or_default()}
                on_jump={let track = staging.track().clone(); act.reform(move |at: u32| Action::Seek(track.position_of(side, at as usize + 1)))} />
        },
        Tab::Event => html! {
            <EventPanel events={run.events.clone()} event={event.map(|event| event as u32)} {cursor} on_select={select} />
        },
        Tab::Code => {
            html! { <CodePanel code={run.lesson.code.clone()} has_pair={run.lesson.card.has_pair} cases={run.lesson.cases.clone()} /> }
        }
    };
    let side_name = (staging.runs().len() > 1).then(|| AttrValue::from(side_word(side)));
    html! {
        <Rail {tab} side={side_name} on_tab={act.reform(Action::Tab)}>{ pane }</Rail>
    }
}

/// What stands at the position, in words.
fn spoken(staging: &Staging, position: usize) -> AttrValue {
    let Some(row) = position.checked_sub(1).and_then(|last| staging.track().rows().get(last)) else {
        return "Nothing has happened yet.".into();
    };
    let said = staging.runs().iter().filter_map(|run| {
        let event = run.events.get(row.of(run.side)?)?;
        let words = sentence(event, Detail::Brief);
        Some(if staging.runs().len() > 1 { format!("{}: {words}", side_word(run.side)) } else { words })
    });
    said.collect::<Vec<_>>().join(" ").into()
}

/// The signs on the timeline.
fn signs(staging: &Staging) -> Vec<Sign> {
    let track = staging.track();
    let steps = stops(staging).into_iter().map(|position| Sign { position, kind: SignKind::Step });
    let happened = staging.runs().iter().flat_map(|run| {
        let faults = run.events.iter().filter(|event| event.group() == Group::Fault).map(|event| Sign {
            position: track.position_of(run.side, event.index as usize + 1),
            kind: SignKind::Fault,
        });
        let verdicts = run.judge.rules(run.events.len());
        let broken = verdicts.into_iter().filter_map(|rule| match rule.verdict {
            Verdict::Broken { at } => {
                Some(Sign { position: track.position_of(run.side, at as usize + 1), kind: SignKind::Broken })
            }
            Verdict::Holds | Verdict::NotExercised | Verdict::CannotJudge => None,
        });
        faults.chain(broken).collect::<Vec<_>>()
    });
    let split = track.split().map(|row| Sign { position: row + 1, kind: SignKind::Split });
    let mut signs: Vec<Sign> = steps.chain(happened).chain(split).collect();
    signs.sort_by_key(|sign| (sign.kind, sign.position));
    signs.dedup();
    signs
}
