//! What stands around the stage.

pub mod announcer;
pub mod error_panel;
pub mod help_dialog;
pub mod open_button;
pub mod rules_strip;
pub mod share_button;
pub mod theme_button;
pub mod top_bar;
pub mod transport;

pub use announcer::Announcer;
pub use error_panel::ErrorPanel;
pub use help_dialog::{HelpDialog, keys_are_on};
pub use rules_strip::RulesStrip;
pub use top_bar::TopBar;
pub use transport::{Sign, SignKind, Transport, Wish};
