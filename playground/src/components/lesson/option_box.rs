//! What can be chosen about a lesson.

use crate::model::lesson::Options;
use web_sys::HtmlSelectElement;
use yew::prelude::*;

/// What there is to choose.
#[derive(Properties, PartialEq)]
pub struct OptionBoxProps {
    /// The choices.
    pub options: Options,
    /// Called with the number of another one.
    pub on_option: Callback<u8>,
}

/// The choice. It can be changed at every step: the lesson stays at the step it has come to.
#[component]
pub fn OptionBox(props: &OptionBoxProps) -> Html {
    let options = props.options;
    let onchange = {
        let on_option = props.on_option.clone();
        Callback::from(move |event: Event| {
            let select = event.target_dyn_into::<HtmlSelectElement>();
            if let Some(option) = select.and_then(|select| u8::try_from(select.selected_index()).ok()) {
                on_option.emit(option);
            }
        })
    };
    html! {
        <label class="option-box">
            <span class="small quiet">{ options.label }</span>
            <select data-testid="option" {onchange}>
                { for options.names.iter().enumerate().map(|(place, name)| html! {
                    <option key={place} selected={place == usize::from(options.chosen)}>{ *name }</option>
                }) }
            </select>
        </label>
    }
}
