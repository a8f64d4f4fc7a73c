//! What the tests of worlds share.

use simulator::check::{Bounds, Finding, check};
use simulator::event::{Event, Verdict};
use simulator::sentence::{Detail, sentence};
use std::sync::Arc;

/// The run as people read it, for messages of failing tests.
pub(crate) fn story(events: &[Arc<Event>]) -> String {
    let line = |event: &Arc<Event>| format!("{}  [{}]", sentence(event, Detail::Full), event.key);
    events.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// The rules that are broken.
pub(crate) fn broken(findings: &[Finding]) -> Vec<String> {
    findings
        .iter()
        .filter(|finding| matches!(finding.verdict(usize::MAX), Verdict::Broken { .. }))
        .map(|finding| format!("{}: {:?}", finding.rule.name(), finding.broken))
        .collect()
}

/// Judges a run by the bounds of the scenario's first client.
pub(crate) fn judge(timeline: &simulator::timeline::Timeline, finished: bool) -> Vec<Finding> {
    let scenario = timeline.head().scenario();
    let bounds = Bounds::of(&scenario.config(&scenario.clients[0], 0));
    check(timeline.events(), &bounds, finished)
}
