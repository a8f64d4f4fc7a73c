//! Live: a record goes to a real broker and comes back, with everything the clients do beside it.

pub mod connect_form;
pub mod record_form;
pub mod records;

use super::rail::StatePanel;
use super::stage::EventList;
use crate::live::{Draft, Phase, Session, Setting, Story, page_bridge, page_broker};
use crate::model::track::{Side, Track};
use connect_form::ConnectForm;
use record_form::RecordForm;
use records::Records;
use std::cell::RefCell;
use std::rc::Rc;
use web_sys::Element;
use yew::platform::spawn_local;
use yew::prelude::*;

/// The Live view.
#[component]
pub fn Live() -> Html {
    let story = use_state(Story::default);
    let session = use_mut_ref(|| None::<Session>);
    let setting = use_state_eq(|| Setting {
        bridge: page_bridge().unwrap_or_default(),
        topic: "playground".to_owned(),
        ..Setting::default()
    });
    use_recommended_broker(&setting);
    {
        let session = session.clone();
        use_effect_with((), move |()| move || drop(session.borrow_mut().take()));
    }
    let on_open = {
        let (story, session) = (story.clone(), session.clone());
        Callback::from(move |setting: Setting| {
            let tell = {
                let story = story.setter();
                move |news| story.set(news)
            };
            match Session::open(&setting, tell) {
                Ok(opened) => {
                    session.replace(Some(opened));
                }
                Err(text) => {
                    let phase = Phase::Failed { code: "INVALID_SETTING", text };
                    story.set(Story { phase, ..Story::default() });
                }
            }
        })
    };
    let on_close = with_session(&session, |session, ()| session.close());
    let on_send = with_session(&session, |session, draft: Draft| session.send(&draft));
    let events = story.events.clone();
    let count = events.len();
    html! {
        <main class="live" data-testid="live" data-phase={story.phase.word()}>
            <section class="live-side" aria-label="Connection and record">
                <p class="eyebrow">{ "Live" }</p>
                <h1 class="question">{ "A record to a real broker and back" }</h1>
                <p class="quiet introduction">
                    { "Nothing is simulated here. A producer and a consumer, the same code as in the lessons, reach the broker through kafka-bridge." }
                </p>
                <ConnectForm setting={(*setting).clone()} phase={story.phase.clone()} status={story.status.clone()}
                    on_change={let setting = setting.setter(); Callback::from(move |new| setting.set(new))}
                    {on_open} {on_close} />
                <RecordForm is_ready={story.phase == Phase::On} {on_send} />
            </section>
            <section class="live-middle" aria-label="Records and events">
                <Records story={(*story).clone()} topic={setting.topic.clone()} />
                <Happenings story={(*story).clone()} />
            </section>
            <aside class="live-states" aria-label="State machines">
                <StatePanel {events} cursor={count} />
            </aside>
        </main>
    }
}

fn with_session<T: 'static>(
    session: &Rc<RefCell<Option<Session>>>,
    action: impl Fn(&Session, T) + 'static,
) -> Callback<T> {
    let session = session.clone();
    Callback::from(move |what: T| {
        if let Some(session) = &*session.borrow() {
            action(session, what);
        }
    })
}

/// Fills in the broker that whoever serves the page recommends. Without one, the reader fills it in.
#[hook]
fn use_recommended_broker(setting: &UseStateHandle<Setting>) {
    let newest = use_mut_ref(|| (**setting).clone());
    *newest.borrow_mut() = (**setting).clone();
    let setter = setting.setter();
    use_effect_with((), move |()| {
        spawn_local(async move {
            if let Ok(broker) = page_broker().await {
                let now = newest.borrow().clone();
                if now.broker.is_empty() {
                    setter.set(Setting { broker, ..now });
                }
            }
        });
    });
}

/// What to list.
#[derive(Properties, PartialEq)]
struct HappeningsProps {
    story: Story,
}

/// Everything both clients did inside, as sentences.
#[component]
fn Happenings(props: &HappeningsProps) -> Html {
    let events = props.story.events.clone();
    let count = events.len();
    let track = use_memo(count, |count| Track::single(Side::After, *count));
    let scroller = use_node_ref();
    {
        let scroller = scroller.clone();
        use_effect_with(count, move |_| {
            if let Some(element) = scroller.cast::<Element>() {
                element.set_scroll_top(element.scroll_height());
            }
        });
    }
    html! {
        <div class="happenings">
            <header class="live-head">
                <h2>{ "What the clients do" }</h2>
                <p class="small quiet">{ "The client is the producer, client 2 the consumer." }</p>
            </header>
            if props.story.is_full {
                <p class="warning">{ format!("Recording ended after {count} events. Sending and reading go on.") }</p>
            }
            <div class="happenings-scroll" ref={scroller} tabindex="0" role="region" aria-label="Events" data-testid="live-events">
                if count == 0 {
                    <p class="quiet empty">{ "Nothing has happened yet." }</p>
                }
                <EventList {events} side={Side::After} {track} position={count} selected={None::<u32>}
                    on_select={Callback::noop()} is_hidden={false} name="Events of the live clients" />
            </div>
        </div>
    }
}
