//! Talking to a real broker: a producer and a consumer of the real client, through a bridge, with everything they do
//! inside in one log.

mod session;
mod setting;
mod story;

pub use session::Session;
pub use setting::{Setting, page_bridge, page_broker};
pub use story::{Arrived, Draft, Phase, Sent, SentState, Story};
