//! The one live region: the newest event's sentence; while playing, a digest every two seconds.

use crate::platform::timer::Timeout;
use yew::prelude::*;

const DIGEST_MS: u32 = 2_000;

/// What there is to say.
#[derive(Properties, PartialEq)]
pub struct AnnouncerProps {
    /// The sentence at the cursor.
    pub sentence: AttrValue,
    /// Whether it is playing.
    pub is_playing: bool,
    /// How many events have happened.
    pub position: usize,
    /// A rule that has just been broken; said at once.
    pub alarm: Option<AttrValue>,
}

/// The live region, for assistive technology only.
#[component]
pub fn Announcer(props: &AnnouncerProps) -> Html {
    let said = use_state_eq(|| AttrValue::from(""));
    let since = use_mut_ref(|| 0_usize);
    let newest = use_mut_ref(|| (AttrValue::from(""), 0_usize));
    *newest.borrow_mut() = (props.sentence.clone(), props.position);
    let round = use_state_eq(|| 0_u32);
    {
        let said = said.clone();
        let since = since.clone();
        use_effect_with((props.is_playing, *round), move |(is_playing, _)| {
            let timer = is_playing.then(|| {
                Timeout::new(DIGEST_MS, move || {
                    let (sentence, position) = newest.borrow().clone();
                    let earlier = since.replace(position);
                    said.set(format!("{} events; now: {sentence}", position.abs_diff(earlier)).into());
                    round.set(*round + 1);
                })
            });
            move || drop(timer)
        });
    }
    {
        let said = said.clone();
        use_effect_with(
            (props.sentence.clone(), props.is_playing, props.alarm.clone(), props.position),
            move |(sentence, is_playing, alarm, position)| {
                if let Some(alarm) = alarm {
                    said.set(alarm.clone());
                } else if !is_playing {
                    *since.borrow_mut() = *position;
                    said.set(sentence.clone());
                }
            },
        );
    }
    html! { <p class="visually-hidden" role="status" aria-live="polite" data-testid="announcer">{ (*said).clone() }</p> }
}
