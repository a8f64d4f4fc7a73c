//! Small pictures for buttons. Each button also has a name in words.

use yew::prelude::*;

/// Which picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Picture {
    /// To the first event.
    First,
    /// One event back.
    Back,
    /// Play.
    Play,
    /// Pause.
    Pause,
    /// One event forward.
    Forward,
    /// To the last event.
    Last,
    /// Light theme.
    Sun,
    /// Dark theme.
    Moon,
    /// The system's theme.
    Screen,
    /// Share.
    Link,
    /// Help.
    Question,
    /// Open a file.
    Open,
    /// Close.
    Cross,
    /// The panes at the side.
    Panes,
    /// The receive buffers.
    Buffer,
}

impl Picture {
    const fn path(self) -> &'static str {
        match self {
            Self::First => "M5 4v12 M16 4.5 8 10l8 5.5z",
            Self::Back => "M12.5 4.5 5 10l7.5 5.5z M15.5 5v10",
            Self::Play => "M6.5 4 16 10l-9.500 6z",
            Self::Pause => "M7 4.500v11 M13 4.500v11",
            Self::Forward => "M7.500 4.500 15 10l-7.500 5.500z M4.500 5v10",
            Self::Last => "M15 4v12 M4 4.500 12 10l-8 5.500z",
            Self::Sun => {
                "M10 6.800a3.200 3.200 0 1 0 0 6.400a3.200 3.200 0 1 0 0-6.400 M10 2v1.800 M10 16.200V18 M2 10h1.800 M16.200 10H18 M4.300 4.300l1.300 1.300 M14.400 14.400l1.300 1.300 M15.700 4.300l-1.300 1.300 M5.600 14.400l-1.300 1.300"
            }
            Self::Moon => "M16 12.300A6.800 6.800 0 0 1 7.700 4a6.500 6.500 0 1 0 8.300 8.300z",
            Self::Screen => "M3 4h14v9.500H3z M7.500 17h5 M10 13.500V17",
            Self::Link => {
                "M8.500 11.500l3-3 M9.500 6l1.700-1.700a3.200 3.200 0 0 1 4.500 4.500L14 10.500 M10.500 14l-1.700 1.700a3.200 3.200 0 0 1-4.500-4.500L6 9.500"
            }
            Self::Open => "M4 12v4h12v-4 M10 13V4 M6.500 7.500L10 4l3.500 3.500",
            Self::Question => {
                "M7.400 7.600a2.700 2.700 0 1 1 3.900 2.400c-.8.4-1.300 1-1.300 2 M10 15.300v.1 M10 2.500a7.500 7.500 0 1 0 0 15a7.500 7.500 0 1 0 0-15"
            }
            Self::Cross => "M5 5l10 10 M15 5 5 15",
            Self::Panes => "M3 4h14v12H3z M12 4v12",
            Self::Buffer => "M3 7h14v6H3z M6.500 7v6 M10 7v6",
        }
    }

    const fn is_filled(self) -> bool {
        matches!(self, Self::First | Self::Back | Self::Play | Self::Forward | Self::Last)
    }
}

/// Which picture to draw.
#[derive(Properties, PartialEq)]
pub struct IconProps {
    /// Which one.
    pub picture: Picture,
}

/// A small picture, hidden from assistive technology.
#[component]
pub fn Icon(props: &IconProps) -> Html {
    let fill = if props.picture.is_filled() { "currentColor" } else { "none" };
    html! {
        <svg class="icon" viewBox="0 0 20 20" aria-hidden="true" focusable="false" fill={fill}>
            <path d={props.picture.path()} fill={fill} />
        </svg>
    }
}
