//! The playground: steps through `client-core` in a simulated cluster, forwards and backwards.
//!
//! It models nothing. Events, states, bytes and verdicts come from the client and the simulator ([`source`]); this
//! crate turns them into view models ([`model`]), remembers where the reader is ([`state`], a pure reducer), and
//! draws ([`components`]). Only [`platform`] touches the browser.

pub mod components;
pub mod live;
pub mod model;
pub mod platform;
pub mod recorded;
pub mod run;
pub mod source;
pub mod state;
