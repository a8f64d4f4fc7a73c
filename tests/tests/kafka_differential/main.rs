//! The simulated cluster beside the real Apache Kafka: the same requests to both must get the same answers.
//!
//! Wants `KAFKA_BOOTSTRAP`, which `cargo xtask test` sets. What cannot be equal is masked ([`mask`]): addresses, ids
//! that are given out, explanations in words. What differs on purpose is listed in [`DEVIATIONS`] with its reason, and
//! must differ.

mod authentication;
#[path = "../../../simulator/tests/cluster/batch.rs"]
mod batch;
mod mask;
mod scenarios;
mod side;

use client_core::protocol::Request;
use side::{Heard, Side};

/// Answers that differ on purpose: part of a step's name, and the reason.
const DEVIATIONS: &[(&str, &str)] =
    &[("Produce no records at all", "Kafka never answers; an endless wait would teach nothing")];

#[test]
fn the_simulated_cluster_answers_as_the_real_apache_kafka_does() {
    let addresses = std::env::var("KAFKA_BOOTSTRAP").expect("KAFKA_BOOTSTRAP names a plaintext listener");
    let address = addresses.split(',').next().unwrap();
    let mut comparison = Comparison::new(Side::real(address), Side::simulated());
    scenarios::run(&mut comparison);
    comparison.finish(DEVIATIONS, 200);
}

#[test]
fn the_simulated_cluster_lets_in_whom_the_real_apache_kafka_lets_in() {
    let of = |name: &str| std::env::var(name).unwrap_or_else(|_| panic!("{name} is not set"));
    let (addresses, username, password) =
        (of("KAFKA_SASL_PLAINTEXT"), of("KAFKA_USERNAME"), of("KAFKA_PASSWORD"));
    let real = Side::real(addresses.split(',').next().unwrap());
    let mut comparison = Comparison::new(real, Side::asking(&username, &password));
    authentication::run(&mut comparison, &username, &password);
    comparison.finish(&[], 100);
}

/// Both sides, and how they differ so far.
pub(crate) struct Comparison {
    pub(crate) real: Side,
    pub(crate) simulated: Side,
    steps: usize,
    differences: Vec<(String, String)>,
}

impl Comparison {
    fn new(real: Side, simulated: Side) -> Self {
        Self { real, simulated, steps: 0, differences: Vec::new() }
    }

    /// Asks both sides, and returns what the real one said.
    pub(crate) fn step<R: Into<Request>>(
        &mut self,
        name: &str,
        version: i16,
        request: impl Fn(&Side) -> R,
    ) -> Heard {
        let real = self.real.ask(version, &request(&self.real).into());
        let simulated = self.simulated.ask(version, &request(&self.simulated).into());
        self.compare(&format!("{name}, version {version}"), &real, &simulated);
        real
    }

    /// Sends bytes to both sides.
    pub(crate) fn raw(&mut self, name: &str, bytes: &[u8]) {
        let real = self.real.send_raw(bytes);
        let simulated = self.simulated.send_raw(bytes);
        self.compare(name, &real, &simulated);
    }

    fn compare(&mut self, step: &str, real: &Heard, simulated: &Heard) {
        self.steps += 1;
        if real != simulated {
            self.differences.push((step.into(), difference(step, real, simulated)));
        }
    }

    /// Both connections end; the next request opens others.
    pub(crate) fn hang_up(&mut self) {
        self.real.hang_up();
        self.simulated.hang_up();
    }

    fn finish(self, deviations: &[(&str, &str)], steps_min: usize) {
        for (part, reason) in deviations {
            let differs = self.differences.iter().any(|(step, _)| step.contains(part));
            assert!(differs, "{part:?} no longer differs (listed because {reason})");
        }
        let unexpected: Vec<&str> = self
            .differences
            .iter()
            .filter(|(step, _)| !deviations.iter().any(|(part, _)| step.contains(part)))
            .map(|(_, difference)| difference.as_str())
            .collect();
        assert!(
            unexpected.is_empty(),
            "{} of {} steps differ:\n{}",
            unexpected.len(),
            self.steps,
            unexpected.join("\n")
        );
        assert!(self.steps > steps_min, "expected the scenarios, got {} steps", self.steps);
    }
}

/// The lines that only one side has; all of them if there are none.
fn difference(step: &str, real: &Heard, simulated: &Heard) -> String {
    let (real, simulated) = (format!("{real:#?}"), format!("{simulated:#?}"));
    let only = |these: &str, others: &str, label: &str| -> String {
        let others: Vec<&str> = others.lines().collect();
        let lines = these.lines().filter(|line| !others.contains(line));
        lines.map(|line| format!("\n  {label}: {}", line.trim())).collect()
    };
    let lines = only(&real, &simulated, "real") + &only(&simulated, &real, "simulated");
    if lines.is_empty() {
        format!("{step}\nreal: {real}\nsimulated: {simulated}")
    } else {
        step.to_owned() + &lines
    }
}
