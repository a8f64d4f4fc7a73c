//! Half a message, then a new connection.

use super::excerpt::code;
use super::moment::connection;
use super::{Answer, Case, Lesson, Moment, Step, Variant};
use crate::check::RuleId;
use crate::choice::{Call, Choice};
use crate::event::{Kind, Verdict};
use crate::fault::{Cut, Fault};
use crate::scenario::Scenario;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use client_core::Defect;

/// How many bytes of the reply arrive before the connection breaks.
const DELIVERED: u32 = 37;

pub(super) fn lesson() -> Lesson {
    Lesson {
        id: 10,
        question: "Half a message arrives, then a new connection. Whose bytes are they?",
        introduction: "A broker is in the middle of a reply when the connection breaks. The client connects again, and the \
            broker begins a new reply on the new connection. What becomes of the half that is already in the buffer?",
        minutes: 6,
        before: Some(Defect::KeepReceiveBuffer),
        seed: 10,
        rules: &[RuleId::I6, RuleId::I7, RuleId::I9, RuleId::I10],
        setup: || Scenario { nodes: 3, ..Scenario::default() },
        steps: steps(),
        options: None,
        by_hand: None,
        key_points: &[
            "A connection is a broker and a generation: b1\u{b7}g2 continues nothing that b1\u{b7}g1 began.",
            "Half a message is worth nothing. When its connection ends, it is thrown away, and the request fails.",
            "A parser that keeps the half glues it to the next stream: from then on it reads sizes and numbers in the wrong places.",
            "The request is simply sent again on the new connection.",
        ],
        code: code!("client-core/src/connection/losing.rs", "let keeps_buffer = self.defect", 8),
        cases: &[
            Case {
                title: "stomp-php #40: the read buffer survives a reconnect",
                address: "https://github.com/stomp-php/stomp-php/issues/40",
            },
            Case {
                title: "nats.c #276: parser state kept across reconnects",
                address: "https://github.com/nats-io/nats.c/issues/276",
            },
            Case {
                title: "kafka-python #1499: correlation ids do not match",
                address: "https://github.com/dpkp/kafka-python/issues/1499",
            },
        ],
    }
}

fn steps() -> Vec<Step> {
    let cut = Fault::Cut { node: 1, how: Cut::Reset, after: Some(DELIVERED) };
    alloc::vec![
        Step::to("client.request-Metadata.b1g1.1", |_| {
            "The client is starting. Connection b1\u{b7}g1 is Ready and has just asked for metadata.".into()
        })
        .doing(Choice::call(1, Call::START)),
        Step::to("client.buffered.b1g1.2", |moment| {
            format!(
                "The network lets only {} of the reply's {} bytes through. They wait in the receive buffer: the first \
                 four announce the size, so the client knows that {} are missing.",
                in_buffer(moment),
                reply_size(moment),
                missing(moment)
            )
        })
        .doing(Choice::Fault(cut))
        .expecting("37 bytes in the buffer", |moment| in_buffer(moment) == u64::from(DELIVERED))
        .expecting("the rest is missing", |moment| missing(moment) == reply_size(moment) - u64::from(DELIVERED)),
        Step::to("client.armed-reconnect-b1.1", |moment| match moment.variant {
            Variant::After => format!(
                "The connection breaks. In this order: the requests in flight fail, oldest first; the {} bytes are \
                 thrown away; then the next attempt is planned.",
                thrown_away(moment)
            ),
            Variant::Before => format!(
                "The connection breaks, and the requests in flight fail. But this client keeps its receive \
                 buffer: {} bytes of a connection that no longer exists.",
                in_buffer(moment)
            ),
        })
        .asking("The connection breaks now. How many bytes will wait in the receive buffer afterwards?", kept, |moment| {
            match moment.variant {
                Variant::After => "None: the other half can never come, so the first half is worth nothing.".into(),
                Variant::Before => "All of them: nothing in this client throws them away.".into(),
            }
        })
        .expecting_in(Variant::After, "tray(b1\u{b7}g1) = 37", |moment| thrown_away(moment) == u64::from(DELIVERED))
        .expecting_in(Variant::After, "the buffer is empty", |moment| in_buffer(moment) == 0)
        .expecting_in(Variant::Before, "nothing is thrown away", |moment| thrown_away(moment) == 0)
        .expecting_in(Variant::Before, "the buffer is kept", |moment| in_buffer(moment) == u64::from(DELIVERED)),
        Step::to("client.request-ApiVersions.b1g2.1", |_| {
            "After a short wait the client connects again: b1\u{b7}g2, the second generation. It begins as every \
             connection does, with ApiVersions."
                .into()
        })
        .expecting("a second connection", |moment| moment.counters().connects == 2),
        Step::to("client.frame.b1g2.1", |moment| match moment.variant {
            Variant::After => format!(
                "The reply on b1\u{b7}g2 has {} bytes, and all of them came on b1\u{b7}g2. The message is whole.",
                frame_size(moment)
            ),
            Variant::Before => format!(
                "The parser still waits for {} bytes of the old message, and takes them from the new reply: a \
                 message of {} bytes, {} of which came on b1\u{b7}g1. It is neither the old reply nor the new one.",
                frame_size(moment).saturating_sub(foreign(moment)),
                frame_size(moment),
                foreign(moment)
            ),
        })
        .asking(
            "The reply to ApiVersions arrives on b1\u{b7}g2. How long is the message that the parser takes out?",
            |moment| {
                let size = frame_size(moment);
                let (old, new) = (reply_size(moment), api_versions_size(moment));
                super::numbers(size, &[old, new, old + new], " bytes")
            },
            |moment| match moment.variant {
                Variant::After => "As long as the reply is: the buffer was empty when b1\u{b7}g2 began.".into(),
                Variant::Before => "As long as the size in front of the buffer says, and that is the old reply's size.".into(),
            },
        )
        .expecting_in(Variant::After, "no byte of g1 in the message", |moment| foreign(moment) == 0)
        .expecting_in(Variant::After, "bytes belong to their connection", |moment| {
            moment.verdict(RuleId::I6) == Verdict::Holds
        })
        .expecting_in(Variant::Before, "37 bytes of g1 in the message", |moment| foreign(moment) == u64::from(DELIVERED))
        .expecting_in(Variant::Before, "bytes of another connection were parsed", |moment| {
            matches!(moment.verdict(RuleId::I6), Verdict::Broken { .. })
        }),
        Step::to("T1.resolve-start.1", |moment| match moment.variant {
            Variant::After => format!(
                "Metadata and the producer id are asked for again on b1\u{b7}g2, and start() returns. The broken \
                 connection cost {} ms and nothing else.",
                moment.last().map_or(0, |event| event.at.as_micros() / 1_000)
            ),
            Variant::Before => format!(
                "The client reads a correlation id out of the glued message: {}. It blames the broker, which has done \
                 nothing wrong, and T1's start() ends with {}.",
                problem(moment),
                outcome(moment)
            ),
        })
        .expecting_in(Variant::After, "started", |moment| moment.lifecycle() == "Started")
        .expecting_in(Variant::Before, "the start fails for a broker that is innocent", |moment| {
            moment.lifecycle() == "Idle" && outcome(moment) == "MALFORMED_REPLY" && !problem(moment).is_empty()
        }),
    ]
}

fn in_buffer(moment: &Moment<'_>) -> u64 {
    moment.buffer(1).map_or(0, |buffer| buffer.cells.len() as u64)
}

fn missing(moment: &Moment<'_>) -> u64 {
    moment.buffer(1).and_then(|buffer| buffer.missing()).unwrap_or(0)
}

fn thrown_away(moment: &Moment<'_>) -> u64 {
    moment.buffer(1).map_or(0, |buffer| buffer.thrown_away(connection(1, 1)))
}

fn kept(moment: &Moment<'_>) -> Vec<Answer> {
    super::numbers(in_buffer(moment), &[0, 4, u64::from(DELIVERED)], "")
}

/// How long the broker's reply with this key is.
fn size_of(moment: &Moment<'_>, key: &str) -> u64 {
    moment.event(key).and_then(|event| event.payload.as_ref()).map_or(0, |payload| payload.len() as u64)
}

fn reply_size(moment: &Moment<'_>) -> u64 {
    size_of(moment, "broker1.reply-Metadata.b1g1.1")
}

fn api_versions_size(moment: &Moment<'_>) -> u64 {
    size_of(moment, "broker1.reply-ApiVersions.b1g2.1")
}

/// How long the latest message taken out of the buffer was.
fn frame_size(moment: &Moment<'_>) -> u64 {
    moment
        .buffer(1)
        .and_then(|buffer| buffer.frames.last().map(|frame| frame.cells.len() as u64))
        .unwrap_or(0)
}

/// How many of its bytes came on another connection.
fn foreign(moment: &Moment<'_>) -> u64 {
    moment.buffer(1).and_then(|buffer| buffer.frames.last().map(|frame| frame.foreign() as u64)).unwrap_or(0)
}

/// What the client accuses the broker of.
fn problem(moment: &Moment<'_>) -> String {
    let found = moment.shown().iter().find_map(|event| match &event.kind {
        Kind::Violation { problem } => Some(problem.clone()),
        _ => None,
    });
    found.unwrap_or_default()
}

/// What T1's call ended with.
fn outcome(moment: &Moment<'_>) -> String {
    let end = moment.waits(1).first().and_then(|wait| wait.end.clone());
    end.map_or_else(|| "nothing yet".into(), |(_, outcome)| outcome.to_string())
}
