//! The exhibits: each defect breaks its own rule, and the same run without the defect keeps all of them.

use crate::support::{judge, story};
use client_core::Defect;
use client_core::ids::TopicPartition;
use simulator::check::RuleId;
use simulator::choice::{Call, Choice, From};
use simulator::event::Verdict;
use simulator::lessons::{Variant, find, run};
use simulator::recording::Recording;
use simulator::scenario::{ClientSetup, RoleSetup, Scenario};
use simulator::timeline::{Horizon, Timeline};
use std::path::Path;

/// What a defect breaks. The first rule is the one that it is about; the others follow from it in the same run.
const fn breaks(defect: Defect) -> &'static [RuleId] {
    match defect {
        // The second bootstrap opens a second socket, which nobody closes.
        Defect::NoStartGuard => &[RuleId::I1, RuleId::I4, RuleId::I5],
        // The next start opens another socket beside what was left, and stop() does not know of it.
        Defect::NoRollback => &[RuleId::I3, RuleId::I4, RuleId::I5],
        Defect::KeepReceiveBuffer => &[RuleId::I6],
        Defect::KeepInFlight => &[RuleId::I9],
        Defect::KeepOldAssignment => &[RuleId::I17],
    }
}

/// The rules that are broken in the run that shows the defect, and that run in words.
fn broken(shows: Defect, defect: Option<Defect>) -> (Vec<RuleId>, String) {
    let lesson = |id| {
        let variant = if defect.is_some() { Variant::Before } else { Variant::After };
        let lesson = find(id).unwrap();
        assert_eq!(lesson.before, Some(shows));
        let run = run(&lesson, variant).unwrap();
        (run.findings.clone(), story(run.events()))
    };
    let (findings, story) = match shows {
        Defect::NoStartGuard => lesson(2),
        Defect::NoRollback => lesson(3),
        Defect::KeepInFlight => lesson(8),
        Defect::KeepReceiveBuffer => lesson(10),
        Defect::KeepOldAssignment => {
            let timeline = assigned_anew(defect);
            (judge(&timeline, true), story(timeline.events()))
        }
    };
    let is_broken = |verdict| matches!(verdict, Verdict::Broken { .. });
    let broken = findings.iter().filter(|finding| is_broken(finding.verdict(usize::MAX)));
    (broken.map(|finding| finding.rule).collect(), story)
}

/// A consumer has read a partition ahead, and is assigned another one before anybody has taken what it read.
fn assigned_anew(defect: Option<Defect>) -> Timeline {
    let consumer = ClientSetup { role: RoleSetup::Consumer, ..ClientSetup::default() };
    let scenario = Scenario {
        topics: vec![("orders".into(), 2)],
        clients: vec![ClientSetup::default(), consumer],
        ..Scenario::default()
    };
    let mut timeline = Timeline::new(Recording::new(scenario.with_defect(defect), 17)).unwrap();
    let of_consumer = |call| Choice::Call { task: 2, client: 1, call };
    let assign = |partition| {
        let partitions = vec![TopicPartition::new("orders", partition)];
        of_consumer(Call::Assign { partitions, from: From::Earliest })
    };
    let send = |partition| {
        Choice::call(1, Call::Send { topic: "orders".into(), partition: Some(partition), count: 3, size: 40 })
    };
    for choice in [Choice::call(1, Call::START), send(0), send(1)] {
        timeline.choose(choice);
    }
    timeline.run_to_rest(Horizon::default());
    timeline.choose(of_consumer(Call::START));
    timeline.choose(assign(0));
    timeline.run_to("client2.fetched-orders-0.1", Horizon::default());
    timeline.choose(assign(1));
    timeline.choose(of_consumer(Call::Consume));
    timeline.run_to("T2.consumed-orders-1.1", Horizon::default());
    timeline
}

#[test]
fn each_defect_breaks_its_rule_and_the_fix_keeps_all() {
    for defect in Defect::ALL {
        let (before, story) = broken(defect, Some(defect));
        assert_eq!(before, breaks(defect), "before, with {defect:?}\n{story}");
        let (after, story) = broken(defect, None);
        assert_eq!(after, [], "after, without {defect:?}\n{story}");
    }
}

#[test]
fn a_record_of_an_old_assignment_is_delivered_only_with_the_defect() {
    let consumed = |defect| {
        let timeline = assigned_anew(defect);
        timeline.head().find("T2.consumed-orders-0.1").is_some()
    };
    assert!(consumed(Some(Defect::KeepOldAssignment)));
    assert!(!consumed(None));
}

/// The code of the client without its tests and comments, by file.
fn sources(folder: &Path, found: &mut Vec<(String, String)>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push((path.display().to_string(), std::fs::read_to_string(&path).unwrap()));
        }
    }
}

#[test]
fn each_defect_is_consulted_at_one_place() {
    let mut files = Vec::new();
    sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../client-core/src"), &mut files);
    for defect in Defect::ALL {
        let name = format!("Defect::{defect:?}");
        let places: Vec<&str> =
            files.iter().flat_map(|(file, text)| text.matches(&name).map(move |_| file.as_str())).collect();
        assert_eq!(places.len(), 1, "{name} is consulted in {places:?}");
    }
}
