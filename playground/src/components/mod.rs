//! What is drawn: one component a file. Components get view models and callbacks, and decide nothing.

pub mod app;
pub mod icon;
pub mod learn;
pub mod lesson;
pub mod live;
pub mod rail;
pub mod recorded;
pub mod shell;
pub mod stage;

pub use app::App;
