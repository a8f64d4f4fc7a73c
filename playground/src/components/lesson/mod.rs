//! The lesson panel.

pub mod panel;
pub mod predict_box;

pub use panel::LessonPanel;
