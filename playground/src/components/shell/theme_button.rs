//! Light, dark, or what the system says.

use crate::components::icon::{Icon, Picture};
use crate::platform::Listener;
use crate::platform::theme::{Theme, system};
use yew::prelude::*;

/// The button that goes round the themes. The choice is remembered.
#[component]
pub fn ThemeButton() -> Html {
    let theme = use_state_eq(Theme::recalled);
    use_effect_with(*theme, |theme| {
        let theme = *theme;
        theme.show();
        let listener = system().map(|query| Listener::new(&query, "change", move |_| theme.show()));
        move || drop(listener)
    });
    let picture = match *theme {
        Theme::System => Picture::Screen,
        Theme::Light => Picture::Sun,
        Theme::Dark => Picture::Moon,
    };
    let label = format!("Theme: {}", theme.word());
    let onclick = Callback::from(move |_: MouseEvent| {
        let next = theme.next();
        next.apply();
        theme.set(next);
    });
    html! {
        <button type="button" class="button bare icon-button" aria-label={label.clone()} title={label}
            data-testid="theme" {onclick}><Icon {picture} /></button>
    }
}
