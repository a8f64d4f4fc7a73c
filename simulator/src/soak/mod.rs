//! Simulation at scale: worlds drawn from a seed, lived through, judged, and made small when something is wrong.
//!
//! [`draw`] makes a plan: a cluster, clients, a network, and what people and programs do to them. [`run`] lives through
//! it: first with its faults (safety), then with everything healed (liveness: every wait ends, every client starts,
//! writes, reads to the end and stops without a trace). The verdict comes from the rules of [`crate::check`] and from
//! a reference model of what records may look like in the logs and at their readers. [`shrink`] takes away what a
//! failure does not need. All of it is a function of the seed; threads and files belong to whoever calls.

mod draw;
mod model;
mod reading;
mod run;
mod shrink;
mod silence;

pub use draw::{draw, draw_from};
pub use run::{Outcome, judge, run};
pub use shrink::shrink;

use crate::check::RuleId;
use alloc::string::String;
use core::fmt;

/// What a run must keep.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Law {
    /// A rule of [`crate::check`].
    Rule(RuleId),
    /// What is in the logs was sent, to that topic and partition, with these bytes.
    Foreign,
    /// A record that was acknowledged is in the log, where the acknowledgement said.
    Lost,
    /// No record of an idempotent producer is in the logs twice.
    Doubled,
    /// The acknowledged records of one producer stand in a partition in the order in which they were sent.
    Reordered,
    /// A consumer gets what its position says, of partitions that are assigned and not paused, byte for byte.
    Misread,
    /// A client that is idle holds nothing: no socket, no timer, no waiter, no record (LC10).
    Leftover,
    /// Nobody sends to a broker that wants to hear nothing (KIP-219).
    Loud,
    /// Nobody is busy while the clock stands still (LC11).
    Busy,
    /// Once everything is healed, every wait ends.
    Stuck,
    /// Once everything is healed, clients are started or idle, as they were asked to be.
    Astray,
    /// Once everything is healed, starting and sending succeed.
    Refused,
    /// Once everything is healed, consumers read to the end.
    Behind,
    /// After the last stop nothing happens any more.
    Restless,
    /// Nothing panics. Found by whoever calls [`run`].
    Panic,
}

impl Law {
    /// Its name, as failures print it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Rule(rule) => rule.name(),
            Self::Foreign => "foreign",
            Self::Lost => "lost",
            Self::Doubled => "doubled",
            Self::Reordered => "reordered",
            Self::Misread => "misread",
            Self::Leftover => "leftover",
            Self::Loud => "loud",
            Self::Busy => "busy",
            Self::Stuck => "stuck",
            Self::Astray => "astray",
            Self::Refused => "refused",
            Self::Behind => "behind",
            Self::Restless => "restless",
            Self::Panic => "panic",
        }
    }

    /// What it demands, in a sentence without its full stop.
    #[must_use]
    pub fn sentence(self) -> &'static str {
        match self {
            Self::Rule(rule) => rule.rule().sentence,
            Self::Foreign => "What is in a log was sent there, with the same bytes",
            Self::Lost => "An acknowledged record is in the log, where the acknowledgement said",
            Self::Doubled => "No record of an idempotent producer is in the logs twice",
            Self::Reordered => "Acknowledged records stand in their partition in the order of sending",
            Self::Misread => "A consumer gets exactly what its position says, byte for byte",
            Self::Leftover => "An idle client holds no socket, no timer, no waiter and no record",
            Self::Loud => "Nobody sends to a broker that wants to hear nothing",
            Self::Busy => "Nobody is busy while the clock stands still",
            Self::Stuck => "Once everything is healed, every wait ends",
            Self::Astray => "Once everything is healed, a client is started or idle, as it was asked to be",
            Self::Refused => "Once everything is healed, starting and sending succeed",
            Self::Behind => "Once everything is healed, consumers read to the end",
            Self::Restless => "After the last stop nothing happens any more",
            Self::Panic => "Nothing panics",
        }
    }
}

/// A law that a run has broken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Breach {
    /// Which.
    pub law: Law,
    /// The index of the event by which it was broken.
    pub event: u32,
    /// How.
    pub text: String,
}

impl fmt::Display for Breach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at event {}: {} ({})", self.law.name(), self.event, self.text, self.law.sentence())
    }
}
