//! The lesson panel.

pub mod hands_box;
pub mod option_box;
pub mod panel;
pub mod predict_box;

pub use panel::LessonPanel;
