//! What is wrong with the network in front of one broker.

use crate::event::Direction;
use crate::fault::Cut;
use client_core::time::Duration;

/// What is wrong; nothing by default.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Condition {
    pub(super) refuse: bool,
    pub(super) unreachable: bool,
    pub(super) silent: bool,
    pub(super) partition: bool,
    /// The broker that new connections reach instead.
    pub(super) misroute: Option<i32>,
    hold_to_broker: bool,
    hold_to_client: bool,
    /// How many more bytes reach the client before the rest waits.
    pub(super) pause: Option<u64>,
    /// How many more bytes reach the client before its connections are cut.
    pub(super) cut: Option<(u64, Cut)>,
    pub(super) extra_delay: Duration,
}

impl Condition {
    pub(super) const fn hold(&mut self, direction: Direction) {
        match direction {
            Direction::ToBroker => self.hold_to_broker = true,
            Direction::ToClient => self.hold_to_client = true,
        }
    }

    pub(super) const fn release(&mut self) {
        self.hold_to_broker = false;
        self.hold_to_client = false;
        self.pause = None;
    }

    /// Whether bytes in this direction wait.
    pub(super) fn holds(&self, direction: Direction) -> bool {
        let held = match direction {
            Direction::ToBroker => self.hold_to_broker,
            Direction::ToClient => self.hold_to_client || self.pause == Some(0),
        };
        held || self.partition
    }

    /// How many bytes may pass at once in this direction.
    pub(super) fn allowance(&self, direction: Direction) -> u64 {
        match direction {
            Direction::ToBroker => u64::MAX,
            Direction::ToClient => {
                let cut = self.cut.map_or(u64::MAX, |(bytes, _)| bytes);
                cut.min(self.pause.unwrap_or(u64::MAX))
            }
        }
    }

    /// Counts bytes that passed; says so when the cut is due.
    pub(super) fn spend(&mut self, direction: Direction, bytes: u64) -> Option<Cut> {
        if direction == Direction::ToBroker {
            return None;
        }
        if let Some(left) = &mut self.pause {
            *left = left.saturating_sub(bytes);
        }
        let (left, how) = self.cut.as_mut()?;
        *left = left.saturating_sub(bytes);
        let due = (*left == 0).then_some(*how)?;
        self.cut = None;
        Some(due)
    }
}
