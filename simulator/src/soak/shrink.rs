//! Makes a failing plan small: takes choices away, then what the scenario does not need, as long as the same law breaks.

use super::Law;
use crate::choice::{Call, Choice, ChoiceAt};
use crate::recording::Recording;
use crate::scenario::{Chunking, LimitSetup};
use alloc::vec::Vec;

/// The smallest plan found that breaks the same law. `first_breach` lives through a plan and says which law it breaks first;
/// it is called at most `budget` times.
pub fn shrink(
    plan: &Recording,
    law: Law,
    budget: u32,
    first_breach: impl FnMut(&Recording) -> Option<Law>,
) -> Recording {
    let mut search = Search { best: plan.clone(), law, left: budget, first_breach };
    loop {
        let before = search.best.clone();
        search.drop_choices();
        search.simplify_choices();
        search.simplify_scenario();
        if search.best == before || search.left == 0 {
            return search.best;
        }
    }
}

struct Search<F> {
    best: Recording,
    law: Law,
    left: u32,
    first_breach: F,
}

impl<F: FnMut(&Recording) -> Option<Law>> Search<F> {
    /// Keeps a smaller plan if it still fails alike.
    fn try_plan(&mut self, plan: Recording) -> bool {
        if self.left == 0 || plan == self.best {
            return false;
        }
        self.left -= 1;
        let same = (self.first_breach)(&plan) == Some(self.law);
        if same {
            self.best = plan;
        }
        same
    }

    fn with_choices(&self, choices: Vec<ChoiceAt>) -> Recording {
        Recording { choices, ..self.best.clone() }
    }

    /// Takes away halves, quarters and so on, down to single choices.
    fn drop_choices(&mut self) {
        let mut width = self.best.choices.len().div_ceil(2);
        while width > 0 {
            let mut start = 0;
            while start < self.best.choices.len() {
                let mut choices = self.best.choices.clone();
                choices.drain(start..(start + width).min(choices.len()));
                // What follows has moved up if the attempt was kept.
                if !self.try_plan(self.with_choices(choices)) {
                    start += width;
                }
            }
            width = if width == 1 { 0 } else { width.div_ceil(2) };
        }
    }

    /// Fewer records, smaller ones; earlier steps.
    fn simplify_choices(&mut self) {
        for place in 0..self.best.choices.len() {
            let ChoiceAt { step, choice } = self.best.choices[place].clone();
            if let Choice::Call { task, client, call: Call::Send { topic, partition, count, size } } = choice
            {
                for (count, size) in [(1, size.min(10)), (count.min(2), size.min(10)), (1, size)] {
                    let call = Call::Send { topic: topic.clone(), partition, count, size };
                    let mut choices = self.best.choices.clone();
                    choices[place] = ChoiceAt { step, choice: Choice::Call { task, client, call } };
                    if self.try_plan(self.with_choices(choices)) {
                        break;
                    }
                }
            }
        }
    }

    fn simplify_scenario(&mut self) {
        self.drop_clients();
        self.change(|plan| plan.scenario.network.chunking = Chunking::Whole);
        self.change(|plan| plan.scenario.network.delay_micros_max = plan.scenario.network.delay_micros_min);
        self.change(|plan| {
            plan.scenario.network.delay_micros_min = 1_000;
            plan.scenario.network.delay_micros_max = 1_000;
        });
        for nodes in 1..self.best.scenario.nodes {
            let kept = self.change(|plan| {
                plan.scenario.nodes = nodes;
                plan.scenario.bootstrap.retain(|node| *node <= i32::from(nodes));
            });
            if kept {
                break;
            }
        }
        self.change(|plan| plan.scenario.bootstrap.truncate(1));
        self.change(|plan| plan.scenario.topics.truncate(1));
        self.change(|plan| plan.scenario.topics.iter_mut().for_each(|(_, partitions)| *partitions = 1));
        self.change(|plan| {
            plan.scenario.sasl = None;
            plan.scenario.clients.iter_mut().for_each(|client| client.sasl = None);
        });
        self.change(|plan| plan.scenario.sasl.iter_mut().for_each(|sasl| sasl.session_ms = None));
        for client in 0..self.best.scenario.clients.len() {
            self.change(|plan| plan.scenario.clients[client].limits = LimitSetup::default());
            self.drop_limits(client);
        }
    }

    fn drop_limits(&mut self, client: usize) {
        let each: [fn(&mut LimitSetup); 11] = [
            |limits| limits.idle_ms = None,
            |limits| limits.batch_size = None,
            |limits| limits.buffer_memory = None,
            |limits| limits.max_request_size = None,
            |limits| limits.max_in_flight = None,
            |limits| limits.delivery_timeout_ms = None,
            |limits| limits.max_block_ms = None,
            |limits| limits.headers = None,
            |limits| limits.compression = None,
            |limits| limits.fetch_bytes = None,
            |limits| limits.fetch_wait_ms = None,
        ];
        for drop in each {
            self.change(|plan| drop(&mut plan.scenario.clients[client].limits));
        }
    }

    /// Leaves out clients one by one, with everything that calls them.
    fn drop_clients(&mut self) {
        let mut client = 0;
        while self.best.scenario.clients.len() > 1 && client < self.best.scenario.clients.len() {
            let gone = client as u8;
            let kept = self.change(|plan| {
                plan.scenario.clients.remove(usize::from(gone));
                plan.choices
                    .retain(|choice| !matches!(choice.choice, Choice::Call { client, .. } if client == gone));
                for choice in &mut plan.choices {
                    if let Choice::Call { client, .. } = &mut choice.choice
                        && *client > gone
                    {
                        *client -= 1;
                    }
                }
            });
            if !kept {
                client += 1;
            }
        }
    }

    fn change(&mut self, change: impl FnOnce(&mut Recording)) -> bool {
        let mut plan = self.best.clone();
        change(&mut plan);
        self.try_plan(plan)
    }
}
