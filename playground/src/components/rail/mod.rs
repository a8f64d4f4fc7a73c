//! The panes at the right: states, the message, the rules, the event, the code.

pub mod code_panel;
pub mod event_panel;
pub mod graph;
pub mod matrix;
pub mod rules_panel;
pub mod state_panel;
pub mod wire_view;

pub use code_panel::CodePanel;
pub use event_panel::EventPanel;
pub use rules_panel::RulesPanel;
pub use state_panel::StatePanel;
pub use wire_view::WireView;

use crate::components::icon::{Icon, Picture};
use crate::state::Tab;
use crate::state::link::tab_word;
use yew::prelude::*;

/// The panes in their order.
pub const TABS: [(Tab, &str); 5] = [
    (Tab::State, "States"),
    (Tab::Wire, "Wire"),
    (Tab::Rules, "Rules"),
    (Tab::Event, "Event"),
    (Tab::Code, "Code"),
];

/// Which pane is open, and what is in it.
#[derive(Properties, PartialEq)]
pub struct RailProps {
    /// The open pane.
    pub tab: Tab,
    /// Which of two runs the details are of.
    pub side: Option<AttrValue>,
    /// Called with the pane to open, or `None` to close.
    pub on_tab: Callback<Option<Tab>>,
    /// The pane.
    pub children: Children,
}

/// The frame around the panes: their names, and a way to close them.
#[component]
pub fn Rail(props: &RailProps) -> Html {
    let onkeydown = {
        let (tab, on_tab) = (props.tab, props.on_tab.clone());
        Callback::from(move |event: KeyboardEvent| {
            let here = TABS.iter().position(|(other, _)| *other == tab).unwrap_or(0);
            let there = match event.key().as_str() {
                "ArrowRight" => (here + 1) % TABS.len(),
                "ArrowLeft" => (here + TABS.len() - 1) % TABS.len(),
                "Escape" => return on_tab.emit(None),
                _ => return,
            };
            event.prevent_default();
            event.stop_propagation();
            on_tab.emit(TABS.get(there).map(|(tab, _)| *tab));
            focus_tab(there);
        })
    };
    html! {
        <aside class="rail" aria-label="Details" data-testid="rail" data-tab={tab_word(props.tab)}>
            <div class="rail-head">
                <div class="choices rail-tabs" role="tablist" aria-label="Details" {onkeydown}>
                    { for TABS.iter().map(|(tab, name)| {
                        let is_open = *tab == props.tab;
                        let tab = *tab;
                        let onclick = props.on_tab.reform(move |_: MouseEvent| Some(tab));
                        html! {
                            <button type="button" role="tab" key={*name} id={format!("tab-{}", tab_word(tab))}
                                aria-selected={is_open.to_string()} aria-controls="rail-panel"
                                tabindex={if is_open { "0" } else { "-1" }} {onclick}>{ *name }</button>
                        }
                    }) }
                </div>
                if let Some(side) = &props.side {
                    <span class="rail-side small">{ side.clone() }</span>
                }
                <button type="button" class="button bare icon-button" aria-label="Close the details"
                    onclick={props.on_tab.reform(|_: MouseEvent| None)}><Icon picture={Picture::Cross} /></button>
            </div>
            <div class="rail-panel" id="rail-panel" role="tabpanel" aria-labelledby={format!("tab-{}", tab_word(props.tab))}>
                { props.children.clone() }
            </div>
        </aside>
    }
}

/// The focus goes with the arrow keys.
fn focus_tab(place: usize) {
    use wasm_bindgen::JsCast as _;
    let Some((tab, _)) = TABS.get(place) else { return };
    let id = format!("tab-{}", tab_word(*tab));
    let element = crate::platform::document().and_then(|document| document.get_element_by_id(&id));
    let Some(element) = element.and_then(|element| element.dyn_into::<web_sys::HtmlElement>().ok()) else {
        return;
    };
    if let Err(error) = element.focus() {
        crate::platform::report("could not move the focus", &error);
    }
}
