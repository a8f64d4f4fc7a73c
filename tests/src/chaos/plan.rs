//! Which fault comes when: a function of the seed alone.

use client_core::rng::Rng;
use std::fmt;
use std::time::Duration;

/// Something that happens to the cluster or to the way there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// A broker is killed with SIGKILL, and started again after a while.
    Kill {
        /// Which one, from 1.
        broker: usize,
        /// How long it stays dead before it is started.
        down_for: Duration,
    },
    /// A broker is stopped with SIGSTOP, its sockets open, for longer than a request may take.
    Freeze {
        /// Which one, from 1.
        broker: usize,
        /// How long.
        frozen_for: Duration,
    },
    /// Every connection to a broker is reset.
    Cut {
        /// Which one, from 1.
        broker: usize,
    },
    /// Nothing passes to or from a broker for a while, then everything does.
    Stall {
        /// Which one, from 1.
        broker: usize,
        /// How long.
        stalled_for: Duration,
    },
    /// Every connection to a broker is reset, and new ones open but carry nothing.
    BlackHole {
        /// Which one, from 1.
        broker: usize,
        /// How long.
        silent_for: Duration,
    },
    /// Every connection to a broker is reset, and new ones are closed as soon as they are open.
    Refuse {
        /// Which one, from 1.
        broker: usize,
        /// How long.
        refused_for: Duration,
    },
    /// The bridge is killed with SIGKILL, and started again after a while.
    KillBridge {
        /// How long it stays dead before it is started.
        down_for: Duration,
    },
}

/// A fault, and how long to wait before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    /// How long everything is left alone first.
    pub wait: Duration,
    /// What happens then.
    pub fault: Fault,
}

/// The endless schedule of a seed. Every kind of fault comes once, and every broker is killed once, before anything comes
/// again: so two minutes see all of them.
#[derive(Clone, Debug)]
pub struct Plan {
    rng: Rng,
    brokers: usize,
    round: Vec<Fault>,
}

impl Plan {
    /// The schedule of this seed for so many brokers.
    #[must_use]
    pub fn new(seed: u64, brokers: usize) -> Self {
        Self { rng: Rng::new(seed).fork("plan", 0), brokers, round: Vec::new() }
    }

    fn next_round(&mut self) -> Vec<Fault> {
        let mut faults = Vec::new();
        for broker in 1..=self.brokers {
            faults.push(Fault::Kill { broker, down_for: self.millis(0, 4_000) });
        }
        faults.push(Fault::Freeze { broker: self.broker(), frozen_for: self.millis(7_000, 13_000) });
        faults.push(Fault::Cut { broker: self.broker() });
        faults.push(Fault::Stall { broker: self.broker(), stalled_for: self.millis(500, 4_000) });
        faults.push(Fault::BlackHole { broker: self.broker(), silent_for: self.millis(4_000, 8_000) });
        faults.push(Fault::Refuse { broker: self.broker(), refused_for: self.millis(1_000, 4_000) });
        faults.push(Fault::KillBridge { down_for: self.millis(0, 2_000) });
        for last in (1..faults.len()).rev() {
            let other = self.below(last as u64 + 1);
            faults.swap(last, usize::try_from(other).unwrap_or(0));
        }
        faults
    }

    fn broker(&mut self) -> usize {
        let brokers = self.brokers as u64;
        1 + usize::try_from(self.below(brokers)).unwrap_or(0)
    }

    fn millis(&mut self, least: u64, most: u64) -> Duration {
        Duration::from_millis(least + self.below(most - least + 1))
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.rng.below(bound)
    }
}

impl Iterator for Plan {
    type Item = Step;

    fn next(&mut self) -> Option<Step> {
        if self.round.is_empty() {
            self.round = self.next_round();
        }
        let wait = self.millis(500, 2_500);
        self.round.pop().map(|fault| Step { wait, fault })
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Kill { broker, down_for } => {
                write!(f, "broker {broker}: kill -9, started again after {down_for:.1?}")
            }
            Self::Freeze { broker, frozen_for } => write!(f, "broker {broker}: frozen for {frozen_for:.1?}"),
            Self::Cut { broker } => write!(f, "broker {broker}: every connection reset"),
            Self::Stall { broker, stalled_for } => {
                write!(f, "broker {broker}: nothing passes for {stalled_for:.1?}")
            }
            Self::BlackHole { broker, silent_for } => {
                write!(f, "broker {broker}: connections open but carry nothing for {silent_for:.1?}")
            }
            Self::Refuse { broker, refused_for } => {
                write!(f, "broker {broker}: connections refused for {refused_for:.1?}")
            }
            Self::KillBridge { down_for } => {
                write!(f, "bridge: kill -9, started again after {down_for:.1?}")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_seed_alone_makes_the_plan() {
        let steps = |seed| Plan::new(seed, 3).take(50).collect::<Vec<_>>();
        assert_eq!(steps(1), steps(1));
        assert_ne!(steps(1), steps(2));
    }

    #[test]
    fn each_round_has_every_fault_and_kills_every_broker() {
        let steps: Vec<Step> = Plan::new(7, 3).take(27).collect();
        for round in steps.chunks(9) {
            for broker in 1..=3 {
                let killed =
                    |step: &&Step| matches!(step.fault, Fault::Kill { broker: found, .. } if found == broker);
                assert_eq!(round.iter().filter(killed).count(), 1);
            }
            let kinds: std::collections::BTreeSet<String> = round
                .iter()
                .map(|step| format!("{:?}", step.fault).split(' ').next().unwrap_or_default().to_owned())
                .collect();
            assert_eq!(kinds.len(), 7, "{kinds:?}");
        }
    }
}
