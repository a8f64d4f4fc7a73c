//! Free loopback ports.

use crate::error::{Context, Result};
use std::net::TcpListener;

/// `count` different loopback ports which nothing listens on at the moment.
///
/// They are held together while they are chosen, so they differ; after that somebody else may take one. Whoever
/// starts a server on them must be ready to choose again.
pub(crate) fn free(count: usize) -> Result<Vec<u16>> {
    let held = (0..count)
        .map(|_| TcpListener::bind(("127.0.0.1", 0)))
        .collect::<std::io::Result<Vec<_>>>()
        .context(|| "cannot listen on 127.0.0.1".to_owned())?;
    held.iter()
        .map(|listener| listener.local_addr().map(|address| address.port()))
        .collect::<std::io::Result<Vec<_>>>()
        .context(|| "cannot read the address of a listening socket".to_owned())
}
