//! What the page remembers beside the run: where the cursor stands, what is selected, what is open.
//!
//! A pure reducer: nothing here reads a clock, touches the page, or knows how a run is made.

pub mod hands;
pub mod keys;
pub mod link;
pub mod speed;

use crate::model::track::Side;
use hands::Hands;
use speed::Speed;
use std::collections::BTreeMap;
use std::rc::Rc;

/// Which runs are on the stage.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Variant {
    /// The run with the fix.
    After,
    /// The run with the defect.
    Before,
    /// Both, side by side.
    Both,
}

impl Variant {
    /// The runs it shows, from left to right.
    #[must_use]
    pub const fn sides(self) -> &'static [Side] {
        match self {
            Self::After => &[Side::After],
            Self::Before => &[Side::Before],
            Self::Both => &[Side::Before, Side::After],
        }
    }
}

/// How the stage shows events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum View {
    /// As a sequence diagram.
    Diagram,
    /// As a list of sentences.
    List,
}

/// The panes of the right rail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Tab {
    /// The state machines.
    State,
    /// The selected message.
    Wire,
    /// The rules.
    Rules,
    /// The selected event, its cause and its effects.
    Event,
    /// The place in the source where the two runs differ.
    Code,
}

/// What the page is doing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Page {
    /// Teaching.
    Learn,
    /// Talking to a real broker.
    Live,
    /// Saying that the link it was opened with cannot be read.
    BadLink(link::LinkError),
}

/// An event of one of the runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Selection {
    /// Which run.
    pub side: Side,
    /// The event's index.
    pub event: usize,
}

/// What the reducer must know of the run on the stage.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// How many positions there are after 0.
    pub len: usize,
    /// The positions of the lesson's steps, rising.
    pub stops: Vec<usize>,
    /// Positions at which a machine changes its state.
    pub state_changes: Vec<usize>,
    /// Positions at which a rule is first broken, rising.
    pub broken: Vec<usize>,
    /// Positions at which two runs differ, rising.
    pub differences: Vec<usize>,
    /// Whether the lesson is about the receive buffer.
    pub shows_buffers: bool,
}

/// How far Play goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Play {
    /// The position to stop at.
    pub until: usize,
    /// Whether it is the lesson that moves on; then it is quick.
    pub brisk: bool,
}

/// Where the position goes when another run is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arrival {
    /// It stays, where it can.
    Stay,
    /// To where so many steps of the lesson have ended.
    Steps(usize),
    /// To the end.
    End,
}

/// Everything the page remembers.
#[derive(Clone, Debug, PartialEq)]
pub struct UiState {
    /// What the page is doing.
    pub page: Page,
    /// The lesson's number.
    pub lesson: u8,
    /// Which runs are on the stage.
    pub variant: Variant,
    /// What was chosen about the lesson.
    pub option: u8,
    /// What was done by hand at its end.
    pub hands: Hands,
    /// Where the position goes when the next run is there.
    pub arrival: Arrival,
    /// How many rows of the track have happened.
    pub position: usize,
    /// Whether the position comes from a link and has not yet been compared with the run.
    pub is_linked: bool,
    /// The run on the stage.
    pub facts: Rc<Facts>,
    /// The event whose details are shown; `None` follows the cursor.
    pub selected: Option<Selection>,
    /// Playing, and how far.
    pub play: Option<Play>,
    /// How fast Play goes.
    pub speed: Speed,
    /// How the stage shows events.
    pub view: View,
    /// The open pane of the rail.
    pub tab: Option<Tab>,
    /// Whether the receive buffers are shown under the stage.
    pub buffers: bool,
    /// Answers given: lesson, runs and step, then the option.
    pub answers: BTreeMap<(u8, Variant, usize), usize>,
    /// Whether the help is open.
    pub help: bool,
}

impl UiState {
    /// The first visit: a lesson at rest on its first frame.
    #[must_use]
    pub fn at_rest(lesson: u8) -> Self {
        Self {
            page: Page::Learn,
            lesson,
            variant: Variant::After,
            option: 0,
            hands: Hands::default(),
            arrival: Arrival::Stay,
            position: 0,
            is_linked: false,
            facts: Rc::default(),
            selected: None,
            play: None,
            speed: Speed::default(),
            view: View::Diagram,
            tab: None,
            buffers: false,
            answers: BTreeMap::new(),
            help: false,
        }
    }

    /// The step the reader is at: how many stops have been reached.
    #[must_use]
    pub fn steps_reached(&self) -> usize {
        self.facts.stops.iter().take_while(|stop| **stop <= self.position).count()
    }

    /// The position that "next step" goes to; `None` at the end of the lesson.
    #[must_use]
    pub fn next_stop(&self) -> Option<usize> {
        self.facts.stops.iter().copied().find(|stop| *stop > self.position)
    }

    /// The place as a link says it.
    #[must_use]
    pub fn place(&self) -> link::Place {
        match self.page {
            Page::Live => link::Place::live(),
            Page::Learn | Page::BadLink(_) => link::Place {
                live: false,
                lesson: self.lesson,
                variant: self.variant,
                option: self.option,
                hands: self.hands,
                position: self.position,
                tab: self.tab,
            },
        }
    }

    fn at(mut self, position: usize) -> Self {
        let position = position.min(self.facts.len);
        if position != self.position {
            self.position = position;
            self.selected = None;
        }
        self
    }
}

/// What can happen to the page.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// A link, the menu or the browser's history asked for a place.
    Go(link::Place),
    /// The link cannot be read.
    Refuse(link::LinkError),
    /// The run for the place asked for is there.
    Opened(Rc<Facts>),
    /// Show these runs.
    Show(Variant),
    /// Show the lesson with this choice.
    Option(u8),
    /// Do this by hand: a button, counted from 0.
    Hand(usize),
    /// Undo everything that was done by hand.
    HandsOff,
    /// To the first position.
    First,
    /// To the last position.
    Last,
    /// So many positions forward or back.
    Step(isize),
    /// To the next or previous state change.
    StateChange {
        /// Forward, or back.
        forward: bool,
    },
    /// To where the next or previous rule is broken.
    Broken {
        /// Forward, or back.
        forward: bool,
    },
    /// To the next or previous row on which two runs differ.
    Difference {
        /// Forward, or back.
        forward: bool,
    },
    /// To a position.
    Seek(usize),
    /// On to the lesson's next step; while it is on its way, at once.
    NextStep,
    /// Back to the lesson's previous step.
    PreviousStep,
    /// Play or pause.
    TogglePlay,
    /// Pause, because the tab is hidden or because the reader acts.
    Pause,
    /// Time for the next event while playing.
    Tick,
    /// Play at this speed.
    Speed(Speed),
    /// Show the stage this way.
    View(View),
    /// Open a pane, or close the rail.
    Tab(Option<Tab>),
    /// Show or hide the receive buffers.
    ToggleBuffers,
    /// Select an event, or follow the cursor again.
    Select(Option<Selection>),
    /// Answer the question of a step.
    Answer {
        /// The step, from 0.
        step: usize,
        /// The option, from 0.
        option: usize,
    },
    /// Open or close the help.
    Help(bool),
}

impl yew::Reducible for UiState {
    type Action = Action;

    fn reduce(self: Rc<Self>, action: Action) -> Rc<Self> {
        Rc::new(reduce(Rc::unwrap_or_clone(self), action))
    }
}

/// The one function that changes the page's memory.
#[must_use]
pub fn reduce(mut state: UiState, action: Action) -> UiState {
    match action {
        Action::Go(place) => go(state, place),
        Action::Refuse(error) => {
            state.page = Page::BadLink(error);
            state.play = None;
            state
        }
        Action::Opened(facts) => opened(state, facts),
        Action::Show(variant) => {
            if state.variant != variant {
                state.variant = variant;
                state.selected = None;
                state.play = None;
                if variant == Variant::Both {
                    state.tab = None;
                }
            }
            state
        }
        Action::Option(option) => {
            state.arrival = Arrival::Steps(state.steps_reached());
            state.option = option;
            state.selected = None;
            pause(state)
        }
        Action::Hand(button) => {
            state.hands = state.hands.with(button);
            state.arrival = Arrival::End;
            state.selected = None;
            pause(state)
        }
        Action::HandsOff => {
            state.hands = Hands::default();
            state.arrival = Arrival::End;
            state.selected = None;
            pause(state)
        }
        Action::First => pause(state).at(0),
        Action::Last => {
            let end = state.facts.len;
            pause(state).at(end)
        }
        Action::Step(count) => {
            let position = state.position.saturating_add_signed(count);
            pause(state).at(position)
        }
        Action::StateChange { forward } => {
            let end = if forward { state.facts.len } else { 0 };
            let target = neighbour(&state.facts.state_changes, state.position, forward).unwrap_or(end);
            pause(state).at(target)
        }
        Action::Broken { forward } => match neighbour(&state.facts.broken, state.position, forward) {
            Some(target) => pause(state).at(target),
            None => state,
        },
        Action::Difference { forward } => {
            match neighbour(&state.facts.differences, state.position, forward) {
                Some(target) => pause(state).at(target),
                None => state,
            }
        }
        Action::Seek(position) => pause(state).at(position),
        Action::NextStep => next_step(state),
        Action::PreviousStep => {
            let here = state.position;
            let earlier = state.facts.stops.iter().rev().copied().find(|stop| *stop < here).unwrap_or(0);
            pause(state).at(earlier)
        }
        Action::TogglePlay => toggle_play(state),
        Action::Pause => pause(state),
        Action::Tick => tick(state),
        Action::Speed(speed) => {
            state.speed = speed;
            state
        }
        Action::View(view) => {
            state.view = view;
            state
        }
        Action::Tab(tab) => {
            state.tab = tab;
            state
        }
        Action::ToggleBuffers => {
            state.buffers = !state.buffers;
            state
        }
        Action::Select(selection) => {
            state.selected = selection;
            state.play = None;
            state
        }
        Action::Answer { step, option } => {
            // The first answer stands: a prediction made after the run has shown the answer is none.
            state.answers.entry((state.lesson, state.variant, step)).or_insert(option);
            state
        }
        Action::Help(open) => {
            state.help = open;
            state
        }
    }
}

fn go(mut state: UiState, place: link::Place) -> UiState {
    state.play = None;
    state.selected = None;
    if place.live {
        state.page = Page::Live;
        return state;
    }
    state.page = Page::Learn;
    if state.lesson != place.lesson {
        state.lesson = place.lesson;
        state.tab = None;
        state.buffers = false;
        state.facts = Rc::default();
    }
    state.variant = place.variant;
    state.option = place.option;
    state.hands = place.hands;
    state.arrival = Arrival::Stay;
    if let Some(tab) = place.tab {
        state.tab = Some(tab);
    }
    // The run's length is not known before it is opened; `Opened` compares.
    state.position = place.position;
    state.is_linked = true;
    state
}

/// The nearest of some rising positions on one side of here.
fn neighbour(positions: &[usize], here: usize, forward: bool) -> Option<usize> {
    if forward {
        positions.iter().copied().find(|position| *position > here)
    } else {
        positions.iter().rev().copied().find(|position| *position < here)
    }
}

fn opened(mut state: UiState, facts: Rc<Facts>) -> UiState {
    let last = facts.len;
    if state.is_linked && state.position > last {
        state.page = Page::BadLink(link::LinkError::PastTheEnd { position: state.position, last });
    }
    // Another pair of runs has another length: the position stays where it can.
    state.position = match std::mem::replace(&mut state.arrival, Arrival::Stay) {
        Arrival::Stay => state.position.min(last),
        Arrival::Steps(0) => 0,
        Arrival::Steps(count) => facts.stops.get(count - 1).copied().unwrap_or(last),
        Arrival::End => last,
    };
    state.is_linked = false;
    state.buffers |= facts.shows_buffers && state.facts.len == 0;
    state.facts = facts;
    state
}

fn pause(mut state: UiState) -> UiState {
    state.play = None;
    state
}

fn next_step(mut state: UiState) -> UiState {
    if let Some(Play { until, brisk: true }) = state.play {
        return pause(state).at(until);
    }
    match state.next_stop() {
        Some(until) => {
            state.selected = None;
            state.play = Some(Play { until, brisk: true });
            tick(state)
        }
        None => pause(state),
    }
}

fn toggle_play(mut state: UiState) -> UiState {
    if state.play.is_some() {
        return pause(state);
    }
    let until = state.facts.len;
    if until == 0 {
        return state;
    }
    if state.position >= until {
        state = state.at(0);
    }
    state.selected = None;
    state.play = Some(Play { until, brisk: false });
    state
}

fn tick(state: UiState) -> UiState {
    let Some(play) = state.play else { return state };
    let next = state.position + 1;
    let mut state = state.at(next);
    if state.position >= play.until {
        state.play = None;
    }
    state
}

#[cfg(test)]
mod tests {
    use super::*;

    fn opened() -> UiState {
        let facts = Facts {
            len: 20,
            stops: vec![4, 9, 20],
            state_changes: vec![2, 9, 15],
            broken: vec![12],
            ..Facts::default()
        };
        reduce(UiState::at_rest(1), Action::Opened(Rc::new(facts)))
    }

    fn after(actions: &[Action]) -> UiState {
        actions.iter().cloned().fold(opened(), reduce)
    }

    #[test]
    fn steps_stay_within_the_run() {
        for (actions, position) in [
            (vec![Action::Step(-1)], 0),
            (vec![Action::Last, Action::Step(1)], 20),
            (vec![Action::Seek(99)], 20),
            (vec![Action::Step(10), Action::Step(-3)], 7),
            (vec![Action::Last, Action::First], 0),
            (vec![Action::StateChange { forward: true }], 2),
            (vec![Action::Seek(9), Action::StateChange { forward: true }], 15),
            (vec![Action::Seek(9), Action::StateChange { forward: false }], 2),
            (vec![Action::Broken { forward: true }], 12),
            (vec![Action::Broken { forward: true }, Action::Broken { forward: true }], 12),
            (vec![Action::Seek(3), Action::Difference { forward: true }], 3),
            (vec![Action::Seek(16), Action::StateChange { forward: true }], 20),
        ] {
            assert_eq!(after(&actions).position, position, "{actions:?}");
        }
    }

    #[test]
    fn the_next_button_alone_ends_every_lesson() {
        let mut state = opened();
        let mut stops = Vec::new();
        while state.next_stop().is_some() {
            state = reduce(state, Action::NextStep);
            while state.play.is_some() {
                state = reduce(state, Action::Tick);
            }
            stops.push(state.position);
        }
        assert_eq!(stops, [4, 9, 20]);
        assert_eq!(reduce(state.clone(), Action::NextStep), state, "the end is the end");
    }

    #[test]
    fn a_second_press_of_next_arrives_at_once() {
        let state = after(&[Action::NextStep]);
        assert_eq!((state.position, state.play), (1, Some(Play { until: 4, brisk: true })));
        let state = reduce(state, Action::NextStep);
        assert_eq!((state.position, state.play), (4, None));
    }

    #[test]
    fn the_lesson_can_be_walked_back() {
        assert_eq!(after(&[Action::Seek(9), Action::PreviousStep]).position, 4);
        assert_eq!(after(&[Action::Seek(3), Action::PreviousStep]).position, 0);
        assert_eq!(after(&[Action::Seek(9)]).steps_reached(), 2);
        assert_eq!(after(&[]).steps_reached(), 0);
    }

    #[test]
    fn play_starts_over_at_the_end_and_stops_there() {
        let mut state = after(&[Action::Last, Action::TogglePlay]);
        assert_eq!(state.position, 0);
        for _ in 0..20 {
            assert!(state.play.is_some());
            state = reduce(state, Action::Tick);
        }
        assert_eq!((state.position, state.play), (20, None));
    }

    #[test]
    fn any_move_pauses() {
        for action in [Action::Step(1), Action::First, Action::Last, Action::Seek(3), Action::Pause] {
            assert_eq!(after(&[Action::TogglePlay, action]).play, None);
        }
    }

    #[test]
    fn an_empty_run_cannot_be_played() {
        let state = reduce(UiState::at_rest(1), Action::TogglePlay);
        assert_eq!(state.play, None);
        assert_eq!(reduce(state, Action::Tick).position, 0);
    }

    #[test]
    fn moving_lets_go_of_the_selection() {
        let selection = Selection { side: Side::After, event: 3 };
        let state = after(&[Action::Seek(5), Action::Select(Some(selection))]);
        assert_eq!(state.selected, Some(selection));
        assert_eq!(reduce(state.clone(), Action::Seek(5)).selected, Some(selection), "no move");
        assert_eq!(reduce(state, Action::Step(1)).selected, None);
    }

    #[test]
    fn the_first_prediction_stands() {
        let state = after(&[Action::Answer { step: 0, option: 2 }, Action::Answer { step: 0, option: 1 }]);
        assert_eq!(state.answers.get(&(1, Variant::After, 0)), Some(&2));
    }

    #[test]
    fn a_link_beyond_the_end_is_refused_and_a_shorter_run_is_not() {
        let place = link::Place { position: 500, ..link::Place::lesson(2) };
        let state = reduce(opened(), Action::Go(place));
        assert_eq!((state.lesson, state.position), (2, 500), "kept until the run is there");
        let facts = Rc::new(Facts { len: 7, ..Facts::default() });
        let refused = reduce(state, Action::Opened(facts.clone()));
        assert_eq!(refused.page, Page::BadLink(link::LinkError::PastTheEnd { position: 500, last: 7 }));

        let state = reduce(after(&[Action::Last, Action::Show(Variant::Before)]), Action::Opened(facts));
        assert_eq!((state.position, &state.page), (7, &Page::Learn));
    }

    #[test]
    fn another_option_stays_at_the_same_step_and_what_is_done_by_hand_is_seen() {
        let longer = Rc::new(Facts { len: 30, stops: vec![4, 15, 30], ..Facts::default() });
        let state = after(&[Action::Seek(9), Action::Option(2), Action::Opened(longer.clone())]);
        assert_eq!((state.option, state.position, state.steps_reached()), (2, 15, 2));
        assert_eq!(after(&[Action::Option(1), Action::Opened(longer.clone())]).position, 0);

        let state = after(&[Action::Last, Action::Hand(3), Action::Opened(longer)]);
        assert_eq!((state.hands.text().as_str(), state.position), ("4", 30));
        let state = reduce(state, Action::HandsOff);
        assert!(state.hands.is_empty());
        let elsewhere = reduce(state, Action::Go(link::Place::lesson(2)));
        assert_eq!((elsewhere.option, elsewhere.hands.is_empty()), (0, true));
    }

    #[test]
    fn a_lesson_about_the_buffer_opens_it_once() {
        let facts = Rc::new(Facts { len: 7, shows_buffers: true, ..Facts::default() });
        let state = reduce(UiState::at_rest(10), Action::Opened(facts.clone()));
        assert!(state.buffers);
        let closed = reduce(state, Action::ToggleBuffers);
        assert!(!reduce(closed, Action::Opened(facts)).buffers);
    }
}
