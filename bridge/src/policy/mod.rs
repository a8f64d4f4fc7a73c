//! Who may reach what. Pure decisions over values: no socket, no clock.

mod address;
mod limits;
mod origin;
mod target;
mod token;

pub(crate) use address::never_dialled;
pub(crate) use limits::{Limits, Slot};
pub(crate) use origin::{Hosts, OriginVerdict, Origins};
pub(crate) use target::{Destination, Dial, Targets, split_host_port};
pub(crate) use token::check_token;
pub use token::{RequireToken, Token};
