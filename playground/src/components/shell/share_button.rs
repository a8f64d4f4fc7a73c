//! The link to what is shown.

use crate::components::icon::{Icon, Picture};
use crate::platform::address;
use web_sys::HtmlInputElement;
use yew::platform::spawn_local;
use yew::prelude::*;

/// Which link.
#[derive(Properties, PartialEq)]
pub struct ShareButtonProps {
    /// What stands after the `#`, with it.
    pub link: AttrValue,
}

#[derive(Clone, PartialEq)]
enum Copied {
    No,
    Yes(AttrValue),
    Refused(AttrValue),
}

/// Copies the link. A browser that refuses gets a field with the link, selected.
#[component]
pub fn ShareButton(props: &ShareButtonProps) -> Html {
    let copied = use_state_eq(|| Copied::No);
    let field = use_node_ref();
    let onclick = {
        let (copied, link) = (copied.clone(), props.link.clone());
        Callback::from(move |_: MouseEvent| {
            let (copied, link) = (copied.clone(), link.clone());
            spawn_local(async move {
                let whole = address::with_fragment(&link);
                copied.set(match address::copy(&whole).await {
                    Ok(()) => Copied::Yes(link),
                    Err(_) => Copied::Refused(link),
                });
            });
        })
    };
    {
        let field = field.clone();
        use_effect_with(copied.clone(), move |_| {
            if let Some(field) = field.cast::<HtmlInputElement>() {
                field.select();
            }
        });
    }
    // What was said about an older link is no longer true of this one.
    let (label, by_hand) = match &*copied {
        Copied::Yes(link) if *link == props.link => ("Link copied", None),
        Copied::Refused(link) if *link == props.link => ("Share", Some(address::with_fragment(link))),
        Copied::No | Copied::Yes(_) | Copied::Refused(_) => ("Share", None),
    };
    html! {
        <div class="share">
            <button type="button" class="button bare share-button" data-testid="share" {onclick}>
                <Icon picture={Picture::Link} /><span class="share-word" role="status">{ label }</span>
            </button>
            if let Some(whole) = by_hand {
                <input class="share-field" ref={field} readonly=true value={whole} aria-label="The link, to copy by hand" />
            }
        </div>
    }
}
