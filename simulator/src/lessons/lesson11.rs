//! Three brokers restart one by one.

use super::excerpt::code;
use super::{Case, Lesson, Moment, Step, count, millis};
use crate::check::RuleId;
use crate::choice::{Call, Choice};
use crate::event::{Kind, Verdict};
use crate::fault::Fault;
use crate::scenario::Scenario;
use crate::view::diagram::diagram;
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use client_core::io::Timer;
use client_core::time::Duration;

/// Where broker 2 listens after its restart.
const NEW_HOST: &str = "broker2-new";
const OLD_ADDRESS: &str = "broker2:9092";

pub(super) fn lesson() -> Lesson {
    Lesson {
        id: 11,
        question: "Three brokers restart one by one. Does the client find them all again?",
        introduction: "A cluster is updated while a producer writes to it: each broker goes down and comes back, others lead \
            its partition meanwhile. The second one comes back at a new address.",
        minutes: 8,
        before: None,
        seed: 11,
        rules: &[RuleId::I14, RuleId::I5, RuleId::I10, RuleId::I16],
        setup: || Scenario { nodes: 3, topics: alloc::vec![("orders".into(), 3)], ..Scenario::default() },
        steps: steps(),
        options: None,
        by_hand: None,
        key_points: &[
            "A lost connection is news about the cluster: the client asks another broker who leads what now.",
            "Where a broker listens is what the newest metadata says. An address that it no longer names is forgotten, with its \
             connection.",
            "A broker that says it does not lead the partition any more is not an error for the application: the client asks for \
             metadata and sends the record again.",
            "When all is quiet again, there is one socket per broker, as before.",
        ],
        code: code!(
            "client-core/src/connection/table.rs",
            "for (broker, connection) in &mut self.by_broker {",
            6
        ),
        cases: &[
            Case { title: "kafka-python #1005", address: "https://github.com/dpkp/kafka-python/issues/1005" },
            Case {
                title: "confluent-kafka-go #632",
                address: "https://github.com/confluentinc/confluent-kafka-go/issues/632",
            },
            Case {
                title: "KIP-899: clients may bootstrap again",
                address: "https://cwiki.apache.org/confluence/display/KAFKA/KIP-899%3A+Allow+producer+and+consumer+clients+to+rebootstrap",
            },
            Case {
                title: "KIP-1102: bootstrap again after a time, or when the broker says so",
                address: "https://cwiki.apache.org/confluence/display/KAFKA/KIP-1102%3A+Enable+clients+to+rebootstrap+based+on+timeout+or+error+code",
            },
        ],
    }
}

fn send(partition: i32) -> Choice {
    let partition = Some(partition);
    Choice::call(1, Call::Send { topic: "orders".into(), partition, count: 1, size: 40 })
}

/// The restarted broker leads its partition again, as Kafka arranges after a while.
fn leads(node: i32) -> Choice {
    Choice::Fault(Fault::MoveLeader { topic: "orders".into(), partition: node - 1, node })
}

fn steps() -> Vec<Step> {
    let moves = Fault::Move { node: 2, host: NEW_HOST.into(), port: 9092 };
    alloc::vec![
        Step::to("T1.resolve-send.3", |moment| {
            format!(
                "T1 has started the producer and has written a record to each of three partitions. Each is led by another \
                 broker, so there are {}: one per broker.",
                count(moment.counters().sockets, "socket")
            )
        })
        .doing(Choice::call(1, Call::START))
        .doing(send(0))
        .doing(send(1))
        .doing(send(2))
        .expecting("three sockets, one per broker", |moment| sockets_per_broker(moment) == [1, 1, 1]),
        Step::to("client.metadata.2", |moment| {
            format!(
                "Broker 1 goes down. The client plans its next attempt, and asks another broker for news: {} are left, and \
                 one of them leads the partition of broker 1.",
                count(brokers(moment), "broker")
            )
        })
        .doing(Choice::Fault(Fault::Down(1)))
        .expecting("metadata names two brokers", |moment| brokers(moment) == 2),
        Step::to("T1.resolve-send.4", |moment| {
            format!(
                "Broker 1 is back and leads its partition again; nobody has told the client. T1's record goes to the wrong \
                 broker, which says so. The client asks for metadata, opens {}, and the record is stored {} after broker 1 \
                 came back.",
                newest_connection(moment, 1),
                millis(took(moment, "you.fault-up.1", "T1.resolve-send.4"))
            )
        })
        .doing(Choice::Fault(Fault::Up(1)))
        .doing(leads(1))
        .doing(send(0))
        .expecting("the record is stored", |moment| moment.outcomes(1, "send").len() == 4)
        .expecting("three sockets again", |moment| moment.counters().sockets == 3),
        Step::to("client.metadata.4", |moment| {
            format!(
                "Broker 2 goes down, and will come back at {NEW_HOST}:9092. The client asks for news: {} are left. The old \
                 address is no longer among them, and its connection is given up.",
                count(brokers(moment), "broker")
            )
        })
        .doing(Choice::Fault(Fault::Down(2)))
        .doing(Choice::Fault(moves))
        .expecting("metadata names two brokers", |moment| brokers(moment) == 2),
        Step::to("T1.resolve-send.5", |moment| {
            format!(
                "Broker 2 is back, at its new address, and leads its partition again. Metadata names {NEW_HOST}:9092, the \
                 client opens {} there, and T1's record is stored {} after the broker came back. Attempts at the old \
                 address since then: {}.",
                newest_connection(moment, 2),
                millis(took(moment, "you.fault-up.2", "T1.resolve-send.5")),
                attempts_at_old_address(moment)
            )
        })
        .doing(Choice::Fault(Fault::Up(2)))
        .doing(leads(2))
        .doing(send(1))
        .asking(
            "Broker 2 comes back at a new address. How often will its old address be tried again, until the end of this run?",
            |moment| super::numbers(attempts_at_old_address(&whole(moment)), &[0, 1, 3], ""),
            |_| "Never: the newest metadata does not name it, and nobody has configured it.".into(),
        )
        .expecting("the old address is not tried again", |moment| attempts_at_old_address(moment) == 0)
        .expecting("the new address is used", |moment| opens_at(moment, "broker2-new:9092") > 0),
        Step::to("client.metadata.6", |moment| {
            format!(
                "Broker 3 goes down, the last one. Until the news comes that it is gone, the client tries it again, and waits \
                 longer each time: {}. {} are left.",
                waits(moment, "you.fault-down.3").join(", "),
                count(brokers(moment), "broker")
            )
        })
        .doing(Choice::Fault(Fault::Down(3)))
        .expecting("metadata names two brokers", |moment| brokers(moment) == 2),
        Step::to("T1.resolve-send.6", |moment| {
            format!(
                "Broker 3 is back and leads its partition again. T1's record is stored {} after it came back. T1 has sent {} \
                 during the update, and each of them was stored.",
                millis(took(moment, "you.fault-up.3", "T1.resolve-send.6")),
                count(moment.outcomes(1, "send").len() as u64 - 3, "record")
            )
        })
        .doing(Choice::Fault(Fault::Up(3)))
        .doing(leads(3))
        .doing(send(2))
        .expecting("every record was stored", |moment| {
            moment.outcomes(1, "send").iter().all(|outcome| outcome == "OK")
        }),
        Step::to("T1.resolve-send.9", |moment| {
            format!(
                "T1 writes to all three partitions once more. Everything is as at the beginning: {}, one per broker. The \
                 longest that a record had to wait for its broker's return was {}.",
                count(moment.counters().sockets, "socket"),
                millis(longest(moment))
            )
        })
        .doing(send(0))
        .doing(send(1))
        .doing(send(2))
        .asking(
            "The update is over. How many sockets are open?",
            |moment| super::numbers(moment.counters().sockets.into(), &[2, 3, 4], ""),
            |_| "One per broker: connections to addresses that are gone are closed and forgotten.".into(),
        )
        .expecting("exactly one live socket per broker", |moment| sockets_per_broker(moment) == [1, 1, 1])
        .expecting("the client is started", |moment| moment.lifecycle() == "Started")
        .expecting("only known brokers", |moment| moment.verdict(RuleId::I14) == Verdict::Holds)
    ]
}

/// The run as a whole.
fn whole<'a>(moment: &Moment<'a>) -> Moment<'a> {
    Moment { cursor: moment.events.len(), ..*moment }
}

/// How many brokers the newest metadata names.
fn brokers(moment: &Moment<'_>) -> u32 {
    let named = moment.shown().iter().rev().find_map(|event| match event.kind {
        Kind::Metadata { brokers, .. } => Some(brokers),
        _ => None,
    });
    named.unwrap_or(0)
}

/// How many sockets are open to each broker, by Kafka's number.
fn sockets_per_broker(moment: &Moment<'_>) -> [u32; 3] {
    let mut nodes = BTreeMap::new();
    for event in moment.shown() {
        if let (Kind::Open { node: Some(node), .. }, Some(connection)) = (&event.kind, event.connection) {
            nodes.insert(connection, *node);
        }
    }
    let mut open = [0; 3];
    for segment in
        diagram(moment.events, moment.cursor).segments.iter().filter(|segment| segment.end.is_none())
    {
        if let Some(count) = nodes.get(&segment.connection).and_then(|node| open.get_mut(*node as usize - 1))
        {
            *count += 1;
        }
    }
    open
}

/// The newest connection to a broker, by Kafka's number.
fn newest_connection(moment: &Moment<'_>, node: i32) -> String {
    let newest = moment.shown().iter().rev().find_map(|event| match event.kind {
        Kind::Open { node: Some(of), .. } if of == node => event.connection,
        _ => None,
    });
    newest.map_or_else(String::new, |connection| connection.to_string())
}

fn took(moment: &Moment<'_>, from: &str, to: &str) -> Duration {
    match (moment.event(from), moment.event(to)) {
        (Some(from), Some(to)) => to.at.since(from.at),
        (_, _) => Duration::ZERO,
    }
}

/// The waits before attempts to connect again, behind this event.
fn waits(moment: &Moment<'_>, from: &str) -> Vec<String> {
    let from = moment.event(from).map_or(usize::MAX, |event| event.index as usize);
    let armed = moment.shown().iter().skip(from).filter_map(|event| match event.kind {
        Kind::TimerArmed { timer: Timer::Reconnect(_), due } => Some(millis(due.since(event.at))),
        _ => None,
    });
    armed.collect()
}

/// The longest that a record had to wait for its broker to be found again.
fn longest(moment: &Moment<'_>) -> Duration {
    let waits = [
        ("you.fault-up.1", "T1.resolve-send.4"),
        ("you.fault-up.2", "T1.resolve-send.5"),
        ("you.fault-up.3", "T1.resolve-send.6"),
    ];
    waits.into_iter().map(|(from, to)| took(moment, from, to)).max().unwrap_or(Duration::ZERO)
}

/// How often the old address is tried once metadata has stopped naming it.
fn attempts_at_old_address(moment: &Moment<'_>) -> u64 {
    let from = moment.event("client.metadata.4").map_or(usize::MAX, |event| event.index as usize);
    let behind = moment.shown().iter().skip(from);
    behind.filter(|event| matches!(&event.kind, Kind::Open { address, .. } if address == OLD_ADDRESS)).count()
        as u64
}

fn opens_at(moment: &Moment<'_>, wanted: &str) -> usize {
    moment
        .shown()
        .iter()
        .filter(|event| matches!(&event.kind, Kind::Open { address, .. } if address == wanted))
        .count()
}
