//! Faults that wait for a request: errors, delays and spoiled replies.

use super::digest::Feed;
use super::keyed::keyed;
use crate::digest::Digest;
use alloc::vec::Vec;
use bytes::{BufMut, Bytes, BytesMut};
use client_core::ids::NodeId;
use client_core::protocol::{ApiKey, ErrorCode};
use client_core::time::Duration;

/// A fault and the requests it is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RequestFault {
    /// The node; `None` for any.
    pub node_id: Option<NodeId>,
    /// The API; `None` for any.
    pub api: Option<ApiKey>,
    /// What happens.
    pub effect: Effect,
    /// For how many requests; `None` until it is healed.
    pub times: Option<u32>,
}

/// What a fault does to one request. A request can meet one of each kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// The request is not carried out; the reply says this, for everything that was asked.
    Error(ErrorCode),
    /// The reply is sent so much later. Later requests on the link wait behind it.
    Delay(Duration),
    /// The request uses up a quota: the reply says so at once, and nothing is read from its link for so long (KIP-219).
    Throttle(Duration),
    /// The request is carried out and its reply is spoiled.
    Spoil(Spoil),
}

/// How a reply is spoiled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spoil {
    /// Its correlation id is off by so much; -1 makes it that of the request before.
    CorrelationId {
        /// What is added.
        plus: i32,
    },
    /// It announces this size in place of its own: a negative one, or one beyond every limit.
    Size {
        /// The size announced.
        announced: i32,
    },
    /// Size and correlation id are right; the rest is noise.
    Garbage,
    /// It ends after so many bytes, size included, and the link closes.
    CutThenClose {
        /// Bytes that are sent.
        after: u32,
    },
    /// It ends after so many bytes, size included, and the link stays open: what is sent next comes right
    /// behind.
    CutThenGoOn {
        /// Bytes that are sent.
        after: u32,
    },
    /// It is sent twice.
    Twice,
}

impl Spoil {
    /// The bytes to send in place of this frame, and whether the link closes after them.
    pub(crate) fn apply(self, frame: &Bytes, seed: u64) -> (Bytes, bool) {
        match self {
            Self::CorrelationId { plus } => {
                let mut spoiled = BytesMut::from(&frame[..]);
                let mut right = [0; 4];
                right.copy_from_slice(&frame[SIZE..SIZE + 4]);
                let wrong = i32::from_be_bytes(right).wrapping_add(plus);
                spoiled[SIZE..SIZE + 4].copy_from_slice(&wrong.to_be_bytes());
                (spoiled.freeze(), false)
            }
            Self::Size { announced } => {
                let mut spoiled = BytesMut::from(&frame[..]);
                spoiled[..SIZE].copy_from_slice(&announced.to_be_bytes());
                (spoiled.freeze(), false)
            }
            Self::Garbage => {
                let mut spoiled = BytesMut::from(&frame[..SIZE + 4]);
                for number in 0.. {
                    let missing = frame.len() - spoiled.len();
                    if missing == 0 {
                        break;
                    }
                    let noise = keyed(seed, "garbage", "", number).to_be_bytes();
                    spoiled.put_slice(&noise[..missing.min(noise.len())]);
                }
                (spoiled.freeze(), false)
            }
            Self::CutThenClose { after } => (cut(frame, after), true),
            Self::CutThenGoOn { after } => (cut(frame, after), false),
            Self::Twice => ([&frame[..], &frame[..]].concat().into(), false),
        }
    }
}

fn cut(frame: &Bytes, after: u32) -> Bytes {
    frame.slice(..frame.len().min(after as usize))
}

/// Bytes of the size in front of a frame.
const SIZE: usize = 4;

/// What happens to one request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Effects {
    pub(crate) error: Option<ErrorCode>,
    pub(crate) delay: Option<Duration>,
    pub(crate) throttle: Option<Duration>,
    pub(crate) spoil: Option<Spoil>,
}

impl Effects {
    pub(crate) fn any(&self) -> bool {
        *self != Self::default()
    }
}

/// The faults that wait for their requests, oldest first.
#[derive(Clone, Debug, Default)]
pub(crate) struct RequestFaults {
    waiting: Vec<RequestFault>,
}

impl RequestFaults {
    pub(crate) fn len(&self) -> usize {
        self.waiting.len()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &RequestFault> {
        self.waiting.iter()
    }

    pub(crate) fn push(&mut self, fault: RequestFault) {
        self.waiting.push(fault);
    }

    /// Drops the faults of one node, or all of them.
    pub(crate) fn heal(&mut self, node_id: Option<NodeId>) {
        self.waiting.retain(|fault| node_id.is_some() && fault.node_id != node_id);
    }

    /// What happens to this request: of each kind of effect the oldest fault that is meant for it. Uses the
    /// faults up.
    pub(crate) fn meet(&mut self, node_id: NodeId, api: ApiKey) -> Effects {
        let mut effects = Effects::default();
        for fault in &mut self.waiting {
            let meant = fault.node_id.is_none_or(|only| only == node_id)
                && fault.api.is_none_or(|only| only == api)
                && fault.times != Some(0);
            let met = meant
                && match fault.effect {
                    Effect::Error(error) => set_once(&mut effects.error, error),
                    Effect::Delay(delay) => set_once(&mut effects.delay, delay),
                    Effect::Throttle(time) => set_once(&mut effects.throttle, time),
                    Effect::Spoil(spoil) => set_once(&mut effects.spoil, spoil),
                };
            if met && let Some(times) = &mut fault.times {
                *times -= 1;
            }
        }
        self.waiting.retain(|fault| fault.times != Some(0));
        effects
    }

    pub(crate) fn digest(&self, into: &mut Digest) {
        into.feed_u64(self.waiting.len() as u64);
        for fault in &self.waiting {
            into.feed_i64(fault.node_id.map_or(-1, |node_id| i64::from(node_id.0)));
            into.feed_i64(fault.api.map_or(-1, |api| i64::from(api.code())));
            into.feed_debug(&fault.effect);
            into.feed_i64(fault.times.map_or(-1, i64::from));
        }
    }
}

/// Sets what is not set yet, and tells whether it did.
fn set_once<T>(slot: &mut Option<T>, value: T) -> bool {
    let empty = slot.is_none();
    if empty {
        *slot = Some(value);
    }
    empty
}
