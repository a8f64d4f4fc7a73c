//! Half a message arrives.

use super::excerpt::code;
use super::{Case, Lesson, Moment, Step, count};
use crate::check::RuleId;
use crate::choice::{Call, Choice};
use crate::event::{Kind, Verdict};
use crate::fault::Fault;
use crate::scenario::Scenario;
use alloc::format;
use alloc::vec::Vec;

/// How many bytes arrive first: not even the whole size.
const FIRST: u32 = 3;
/// How many arrive after a pause.
const SECOND: u32 = 34;

pub(super) fn lesson() -> Lesson {
    Lesson {
        id: 9,
        question: "Half a message arrives. What can be done with it?",
        introduction: "TCP carries a stream of bytes, not messages: it may deliver a reply whole, or in pieces of any size, \
            with pauses between them. Only the size in front of each message says where it ends.",
        minutes: 4,
        before: None,
        seed: 9,
        rules: &[RuleId::I13, RuleId::I6, RuleId::I7],
        setup: || Scenario { nodes: 3, ..Scenario::default() },
        steps: steps(),
        options: None,
        by_hand: None,
        key_points: &[
            "The first four bytes are the size of the rest. With fewer than four, not even that is known.",
            "Half a message is kept until the other half comes. Nothing of it is looked at before it is whole.",
            "Wherever the stream is cut, the message that comes out is the same.",
            "The size is compared with a limit before any room is made for it: a wrong one costs a connection, not the memory.",
        ],
        code: code!("client-core/src/protocol/frame_decoder.rs", "pub fn next_frame(&mut self", 24),
        cases: &[
            Case {
                title: "Kafka protocol guide: messages are size-delimited",
                address: "https://kafka.apache.org/protocol",
            },
            Case {
                title: "Wireshark: packet reassembling",
                address: "https://www.wireshark.org/docs/wsug_html_chunked/ChAdvReassemblySection.html",
            },
        ],
    }
}

fn steps() -> Vec<Step> {
    alloc::vec![
        Step::to("client.request-InitProducerId.b1g1.1", |_| {
            "The client is starting, and has asked for metadata and for a producer id. Watch the receive buffer below: it \
             is empty."
                .into()
        })
        .doing(Choice::call(1, Call::START))
        .expecting("the buffer is empty", |moment| held(moment) == 0),
        Step::to("client.buffered.b1g1.2", |moment| {
            format!(
                "{} of the reply arrive, then the network pauses. The size itself has four bytes, so the client does not \
                 even know how long the message will be. It waits.",
                count(held(moment), "byte")
            )
        })
        .doing(Choice::Fault(Fault::Pause { node: 1, after: FIRST }))
        .asking(
            "The first three bytes of a reply have arrived. How many more are needed to know its size?",
            |moment| super::numbers(4_u64.saturating_sub(held(moment)), &[0, 1, 4], ""),
            |_| "One: the size is a number of four bytes.".into(),
        )
        .expecting("three bytes, and no size", |moment| {
            held(moment) == u64::from(FIRST) && missing(moment).is_none()
        }),
        Step::to("client.buffered.b1g1.3", |moment| {
            format!(
                "{} more, then another pause. Now the size is known: the message has {} bytes, {} are there, so {} are \
                 missing.",
                SECOND,
                announced(moment),
                held(moment),
                missing(moment).unwrap_or(0)
            )
        })
        .doing(Choice::Fault(Fault::Pause { node: 1, after: SECOND }))
        .asking(
            "34 more bytes arrive, 37 in all. How many bytes of the message are missing then?",
            |moment| {
                let (missing, announced) = (missing(moment).unwrap_or(0), announced(moment));
                super::numbers(missing, &[announced, announced.saturating_sub(u64::from(SECOND)), missing + 4], "")
            },
            |moment| {
                format!(
                    "The size says {}, and the size field has 4 bytes itself: {} in all, less the {} that are there.",
                    announced(moment).saturating_sub(4),
                    announced(moment),
                    held(moment)
                )
            },
        )
        .expecting("37 bytes are there", |moment| held(moment) == u64::from(FIRST + SECOND))
        .expecting("the rest is missing", |moment| {
            missing(moment) == Some(announced(moment) - u64::from(FIRST + SECOND)) && missing(moment) > Some(0)
        }),
        Step::to("client.frame.b1g1.2", |moment| {
            format!(
                "The rest arrives. The message is whole, {} bytes, and leaves the buffer in one piece.",
                taken(moment)
            )
        })
        .doing(Choice::Fault(Fault::Release(1)))
        .expecting("the whole message was taken out", |moment| taken(moment) == reply_size(moment)),
        Step::to("T1.resolve-start.1", |moment| {
            format!(
                "The reply was read once, as if it had come in one piece, and start() ends with {}. {} replies, {} messages.",
                moment.outcome(1, "start"),
                moment.counters().responses,
                frames(moment)
            )
        })
        .expecting("started", |moment| moment.lifecycle() == "Started")
        .expecting("every message was read once", |moment| frames(moment) == u64::from(moment.counters().responses))
        .expecting("the buffer keeps its limit", |moment| moment.verdict(RuleId::I13) == Verdict::Holds),
    ]
}

fn held(moment: &Moment<'_>) -> u64 {
    moment.buffer(1).map_or(0, |buffer| buffer.cells.len() as u64)
}

fn missing(moment: &Moment<'_>) -> Option<u64> {
    moment.buffer(1)?.missing()
}

fn announced(moment: &Moment<'_>) -> u64 {
    moment.buffer(1).and_then(|buffer| buffer.announced).unwrap_or(0)
}

/// How long the latest message taken out of the buffer was.
fn taken(moment: &Moment<'_>) -> u64 {
    let taken =
        moment.buffer(1).and_then(|buffer| buffer.frames.last().map(|frame| frame.cells.len() as u64));
    taken.unwrap_or(0)
}

/// How long the reply was when the broker sent it.
fn reply_size(moment: &Moment<'_>) -> u64 {
    let reply = moment.event("broker1.reply-Metadata.b1g1.1").and_then(|event| event.payload.as_ref());
    reply.map_or(0, |payload| payload.len() as u64)
}

fn frames(moment: &Moment<'_>) -> u64 {
    moment.shown().iter().filter(|event| matches!(event.kind, Kind::FrameTaken { .. })).count() as u64
}
