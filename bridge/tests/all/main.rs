//! The bridge over real loopback sockets, spoken to by another WebSocket implementation. Times here only guard
//! against hanging; no test asserts how fast something is.

#[cfg(test)]
mod carrying;
#[cfg(test)]
mod config;
#[cfg(test)]
mod dev_broker;
#[cfg(test)]
mod ends;
#[cfg(test)]
mod files;
#[cfg(test)]
mod management;
#[cfg(test)]
mod policy;
#[cfg(test)]
mod process;
#[cfg(test)]
mod support;
#[cfg(test)]
mod tls;
