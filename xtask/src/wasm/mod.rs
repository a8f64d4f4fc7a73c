//! WebAssembly: from a crate to optimised bytes beside their JavaScript, without a tool to install.

mod build;
mod sizes;
mod toolchain;

pub(crate) use build::{Kind, Module, build};
pub(crate) use sizes::sizes;
pub(crate) use toolchain::{TARGET, cargo, ensure_component, ensure_target, runner_config};
