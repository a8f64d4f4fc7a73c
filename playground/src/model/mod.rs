//! What the panes show where the simulator's own views do not already say it: plain values without a browser.

pub mod events;
pub mod lesson;
pub mod machine;
pub mod shape;
pub mod time;
pub mod track;
pub mod wire;
