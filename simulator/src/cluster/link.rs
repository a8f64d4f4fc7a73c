//! One link: a connection to a node, from the node's side.

use super::digest::Feed;
use super::fault::Effects;
use super::sasl::Session;
use crate::digest::Digest;
use alloc::string::String;
use bytes::Bytes;
use client_core::ids::NodeId;
use client_core::protocol::{ApiKey, ErrorCode, FetchRequest, FrameDecoder, FrameError};
use client_core::time::{Duration, Instant};
use core::fmt;

/// The driver's number for one link. Never used again after the link has closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LinkId(pub u64);

impl fmt::Display for LinkId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "link {}", self.0)
    }
}

/// Why a node closed a link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LinkClosed {
    /// What arrived cannot be a frame.
    InvalidFrame(FrameError),
    /// A request cannot be decoded; the text says where and why.
    InvalidRequest(String),
    /// The request is of an API that the node does not offer.
    UnsupportedApi {
        /// The API's number.
        api_key: i16,
    },
    /// The request is of a version that the node does not offer.
    UnsupportedVersion {
        /// The API.
        api: ApiKey,
        /// The version asked for.
        version: i16,
    },
    /// A request that wants no reply has failed, and closing is the only way to say so.
    SilentRequestFailed(ErrorCode),
    /// More requests wait than the node takes in.
    TooMuchBuffered {
        /// The limit, in bytes.
        limit: usize,
    },
    /// The reply cannot be encoded: a mistake of the simulator.
    InvalidReply(String),
    /// A request came before it was known who is there.
    NotAuthenticated {
        /// The request.
        api: ApiKey,
    },
    /// Nobody was let in.
    AuthenticationFailed,
    /// A request came after the session had ended.
    SessionExpired,
    /// Nothing was asked or answered for too long.
    Idle,
    /// The node has gone down.
    NodeDown,
    /// A fault asked for it.
    Fault,
}

impl fmt::Display for LinkClosed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InvalidFrame(error) => write!(f, "{error}"),
            Self::InvalidRequest(text) => write!(f, "the request cannot be decoded: {text}"),
            Self::UnsupportedApi { api_key } => write!(f, "the node does not offer API {api_key}"),
            Self::UnsupportedVersion { api, version } => {
                write!(f, "the node does not offer version {version} of {api}")
            }
            Self::SilentRequestFailed(error) => {
                write!(f, "a request that wants no reply failed with {}", error.name())
            }
            Self::TooMuchBuffered { limit } => write!(f, "more than {limit} bytes of requests wait"),
            Self::InvalidReply(text) => write!(f, "the reply cannot be encoded: {text}"),
            Self::NotAuthenticated { api } => {
                write!(f, "a request of {api} came before authentication was complete")
            }
            Self::AuthenticationFailed => f.write_str("authentication failed"),
            Self::SessionExpired => f.write_str("the session has ended without being renewed"),
            Self::Idle => f.write_str("the link was idle"),
            Self::NodeDown => f.write_str("the node has gone down"),
            Self::Fault => f.write_str("a fault closed it"),
        }
    }
}

/// The state of one link.
///
/// ```text
///            Fetch that must wait           data, or the deadline
/// Reading ------------------------> Fetching ---------------------+
///    ^ |                                                          |
///    | +--- any other request ---> (answered) <-------------------+
///    |                               |    |
///    +------- sent at once ----------+    +-- delayed --> Replying
///    +--------------------------------------- its time -----+
///    +--- its time --- Muted <--- sent, and a quota is used up
/// ```
#[derive(Clone, Debug)]
pub(crate) struct Link {
    pub(crate) node_id: NodeId,
    pub(crate) decoder: FrameDecoder,
    pub(crate) state: LinkState,
    pub(crate) session: Session,
    /// When something was last asked or answered.
    pub(crate) used_at: Instant,
}

/// What a link is doing. As in a real broker, the next request is not read before the one under way is answered.
#[derive(Clone, Debug)]
pub(crate) enum LinkState {
    /// Waiting for the next request.
    Reading,
    /// Waiting for data.
    Fetching(WaitingFetch),
    /// Waiting until a delayed reply is to be sent.
    Replying(WaitingReply),
    /// Reading nothing until then, because a quota is used up.
    Muted(Instant),
}

/// A Fetch that waits for data.
#[derive(Clone, Debug)]
pub(crate) struct WaitingFetch {
    /// When the reply is due, data or not.
    pub(crate) until: Instant,
    pub(crate) version: i16,
    pub(crate) correlation_id: i32,
    pub(crate) request: FetchRequest,
    pub(crate) effects: Effects,
}

/// A reply that is held back.
#[derive(Clone, Debug)]
pub(crate) struct WaitingReply {
    pub(crate) until: Instant,
    /// `None` when a delayed request wants no reply.
    pub(crate) reply: Option<ReadyReply>,
    /// How long nothing is read once it has been sent.
    pub(crate) throttle: Option<Duration>,
}

/// What is sent in the end.
#[derive(Clone, Debug)]
pub(crate) struct ReadyReply {
    pub(crate) api: ApiKey,
    pub(crate) bytes: Bytes,
    pub(crate) then: Then,
}

/// What happens to the link after a reply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Then {
    GoOn,
    Close(LinkClosed),
}

impl Link {
    pub(crate) fn new(node_id: NodeId, request_size_max: usize, session: Session, now: Instant) -> Self {
        Self {
            node_id,
            decoder: FrameDecoder::new(request_size_max),
            state: LinkState::Reading,
            session,
            used_at: now,
        }
    }

    /// When the node has to do something about this link by itself.
    pub(crate) const fn deadline(&self) -> Option<Instant> {
        match &self.state {
            LinkState::Reading => None,
            LinkState::Fetching(fetch) => Some(fetch.until),
            LinkState::Replying(reply) => Some(reply.until),
            LinkState::Muted(until) => Some(*until),
        }
    }

    pub(crate) fn digest(&self, into: &mut Digest) {
        into.feed_i64(i64::from(self.node_id.0));
        into.feed_u64(self.used_at.as_micros());
        into.feed_u64(self.decoder.buffered() as u64);
        self.decoder.pending_bytes().for_each(|piece| into.feed(piece));
        into.feed_debug(&self.session);
        match &self.state {
            LinkState::Reading => into.feed(&[0]),
            LinkState::Fetching(fetch) => {
                into.feed(&[1]);
                into.feed_debug(fetch);
            }
            LinkState::Replying(reply) => {
                into.feed(&[2]);
                into.feed_u64(reply.until.as_micros());
                into.feed_debug(&reply.throttle);
                if let Some(reply) = &reply.reply {
                    into.feed_sized(&reply.bytes);
                    into.feed_debug(&reply.then);
                }
            }
            LinkState::Muted(until) => {
                into.feed(&[3]);
                into.feed_u64(until.as_micros());
            }
        }
    }
}
