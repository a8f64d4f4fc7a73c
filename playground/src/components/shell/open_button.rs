//! Opens a recording from a file. The file never leaves the page.

use crate::components::icon::{Icon, Picture};
use crate::recorded::TEXT_LEN_MAX;
use std::rc::Rc;
use wasm_bindgen_futures::JsFuture;
use web_sys::{File, HtmlInputElement};
use yew::platform::spawn_local;
use yew::prelude::*;

/// Who wants the text.
#[derive(Properties, PartialEq)]
pub struct OpenButtonProps {
    /// Called with the file's text, or with why it cannot be read.
    pub on_text: Callback<Result<Rc<str>, String>>,
}

/// The button, and the browser's own way of choosing a file behind it.
#[component]
pub fn OpenButton(props: &OpenButtonProps) -> Html {
    let input = use_node_ref();
    let onclick = {
        let input = input.clone();
        Callback::from(move |_: MouseEvent| {
            if let Some(input) = input.cast::<HtmlInputElement>() {
                input.click();
            }
        })
    };
    let onchange = {
        let (input, on_text) = (input.clone(), props.on_text.clone());
        Callback::from(move |_: Event| {
            let Some(input) = input.cast::<HtmlInputElement>() else { return };
            let Some(file) = input.files().and_then(|files| files.get(0)) else { return };
            // The same file chosen again is a change as well.
            input.set_value("");
            let on_text = on_text.clone();
            spawn_local(async move { on_text.emit(read(&file).await) });
        })
    };
    html! {
        <>
            <button type="button" class="button bare icon-button" aria-label="Open a recording" title="Open a recording"
                data-testid="open-recording" {onclick}><Icon picture={Picture::Open} /></button>
            <input type="file" ref={input} hidden=true data-testid="recording-file" accept=".recording,.txt,text/plain" {onchange} />
        </>
    }
}

async fn read(file: &File) -> Result<Rc<str>, String> {
    let name = file.name();
    if file.size() > TEXT_LEN_MAX as f64 {
        return Err(format!("{name} is larger than a recording can be ({TEXT_LEN_MAX} bytes)."));
    }
    let text = JsFuture::from(file.text()).await.map_err(|_| format!("{name} cannot be read."))?;
    let text = text.as_string().ok_or_else(|| format!("{name} is not text."))?;
    Ok(text.trim().into())
}
