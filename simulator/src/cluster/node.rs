//! One node: its address, whether it is up, what it has been asked.

use super::config::NodeConfig;
use super::digest::Feed;
use crate::digest::Digest;
use alloc::collections::BTreeMap;
use client_core::protocol::ApiKey;

/// How often one node was asked for one API.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ApiCounters {
    /// Requests that were read.
    pub requests: u64,
    /// Replies that were sent, whole or spoiled.
    pub replies: u64,
    /// Requests that a fault changed.
    pub faults: u64,
}

/// One node.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    /// Its number, and the address it advertises now.
    pub(crate) config: NodeConfig,
    pub(crate) up: bool,
    /// Whether it reads requests and never answers.
    pub(crate) silent: bool,
    /// Whether it accepts no credentials any more.
    pub(crate) locked_out: bool,
    pub(crate) counters: BTreeMap<ApiKey, ApiCounters>,
}

impl Node {
    pub(crate) const fn new(config: NodeConfig) -> Self {
        Self { config, up: true, silent: false, locked_out: false, counters: BTreeMap::new() }
    }

    /// Answers again, and accepts credentials again.
    pub(crate) const fn behave(&mut self) {
        self.silent = false;
        self.locked_out = false;
    }

    pub(crate) fn count(&mut self, api: ApiKey) -> &mut ApiCounters {
        self.counters.entry(api).or_default()
    }

    pub(crate) fn digest(&self, into: &mut Digest) {
        into.feed_i64(i64::from(self.config.node_id.0));
        into.feed_sized(self.config.host.as_bytes());
        into.feed_u64(u64::from(self.config.port));
        into.feed_u64(u64::from(self.up) | u64::from(self.silent) << 1 | u64::from(self.locked_out) << 2);
        into.feed_u64(self.counters.len() as u64);
        for (api, counters) in &self.counters {
            into.feed_i64(i64::from(api.code()));
            into.feed_u64(counters.requests);
            into.feed_u64(counters.replies);
            into.feed_u64(counters.faults);
        }
    }
}
