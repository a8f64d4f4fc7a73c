//! What can go wrong, whose doing it was, and what to do about it.

use crate::ids::{ConnectionId, TopicPartition};
use crate::time::Duration;
use alloc::borrow::Cow;
use alloc::boxed::Box;
use alloc::string::String;
use core::fmt;

/// Whose doing an error is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Blame {
    /// The call or its arguments: change the program.
    Application,
    /// A broker answered with an error, or broke the protocol.
    Broker,
    /// Something between here and the broker.
    Network,
    /// The WebSocket bridge refused or failed.
    Bridge,
    /// This client: a bug worth reporting.
    Client,
}

impl Blame {
    /// The word shown to applications.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Application => "application",
            Self::Broker => "broker",
            Self::Network => "network",
            Self::Bridge => "bridge",
            Self::Client => "client",
        }
    }
}

/// How a connection, or the attempt to make one, ended on the other side, as the driver saw it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DisconnectCause {
    /// Nobody listens at the address.
    Refused,
    /// The address does not resolve or no route leads there.
    Unreachable,
    /// The other end closed in order (FIN, or WebSocket close 1000).
    Closed,
    /// The other end broke off (RST).
    Reset,
    /// The system gave up waiting for the other end.
    TimedOut,
    /// The bridge closed with this WebSocket close code and reason.
    Bridge {
        /// The close code: docs/bridge.md lists them.
        close_code: u16,
        /// What the bridge said.
        reason: String,
    },
    /// The transport failed in a way of its own.
    Transport(String),
}

impl fmt::Display for DisconnectCause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused => f.write_str("the connection was refused"),
            Self::Unreachable => f.write_str("the address cannot be reached"),
            Self::Closed => f.write_str("the other end closed the connection"),
            Self::Reset => f.write_str("the connection was reset"),
            Self::TimedOut => f.write_str("the other end did not answer"),
            Self::Bridge { close_code, reason } if reason.is_empty() => {
                write!(f, "the bridge closed the connection with code {close_code}")
            }
            Self::Bridge { close_code, reason } => {
                write!(f, "the bridge closed the connection with code {close_code}: {reason}")
            }
            Self::Transport(text) => f.write_str(text),
        }
    }
}

/// Why this client closed a connection, or gave up the attempt to make one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CloseReason {
    /// `stop()` was called, or a start was abandoned.
    Stopped,
    /// Starting failed, and everything it opened is closed again (LC3).
    StartFailed,
    /// The connection was not made within `connect_timeout` (CN16).
    ConnectTimeout,
    /// A request was not answered within `request_timeout` (CN8).
    RequestTimeout {
        /// The request's name.
        api: &'static str,
    },
    /// The other end broke the protocol; the text says how (CN5, CN6).
    ProtocolViolation(String),
    /// The broker speaks none of the versions that this client speaks.
    UnsupportedVersion {
        /// The request's name.
        api: &'static str,
    },
    /// The broker did not accept the credentials, or there were none.
    AuthenticationFailed(AuthenticationFailure),
    /// Authentication took longer than `request_timeout`, the time in which the application looks for its credentials included.
    AuthenticationTimeout {
        /// What had not come: `credentials`, or a request's name.
        waited_for: &'static str,
    },
    /// The broker says that it is not the one which this connection was meant for (KIP-1242).
    Misrouted,
    /// The broker belongs to another cluster than the one which the client knows.
    WrongCluster {
        /// The id of the known cluster.
        expected: String,
        /// The id of the broker's cluster.
        found: String,
    },
    /// Everything known of the cluster is dropped, and the bootstrap addresses are asked again (KIP-1102).
    Rebootstrap,
    /// Nothing was sent for `connections_max_idle` (CN13).
    Idle,
    /// Newer metadata no longer has this broker, or it now lives at another address.
    NoLongerNeeded,
}

impl fmt::Display for CloseReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stopped => f.write_str("the client was stopped"),
            Self::StartFailed => f.write_str("starting failed"),
            Self::ConnectTimeout => f.write_str("the connection was not made in time"),
            Self::RequestTimeout { api } => write!(f, "{api} was not answered in time"),
            Self::ProtocolViolation(text) => write!(f, "the broker broke the protocol: {text}"),
            Self::UnsupportedVersion { api } => {
                write!(f, "the broker supports no version of {api} that this client speaks")
            }
            Self::AuthenticationFailed(failure) => write!(f, "authentication failed: {failure}"),
            Self::AuthenticationTimeout { waited_for } => {
                write!(f, "authentication did not end in time: {waited_for} did not come")
            }
            Self::Misrouted => f.write_str(
                "the broker is not the one that metadata names at this address; check the brokers' advertised listeners and what lies between",
            ),
            Self::WrongCluster { expected, found } => {
                write!(f, "the broker belongs to the cluster {found} and not to {expected}, which is in use")
            }
            Self::Rebootstrap => f.write_str("the bootstrap addresses are asked again"),
            Self::Idle => f.write_str("the connection was idle"),
            Self::NoLongerNeeded => f.write_str("the broker is no longer needed"),
        }
    }
}

/// Why a broker and a client do not get on with each other. Holds nothing secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AuthenticationFailure {
    /// The broker refused.
    Refused {
        /// The protocol's name of the error.
        name: &'static str,
        /// The protocol's number of it.
        errno: i16,
        /// What the broker said.
        said: String,
    },
    /// The broker does not know the mechanism.
    UnsupportedMechanism {
        /// Ours.
        wanted: &'static str,
        /// Those that it has switched on, as it names them.
        enabled: String,
    },
    /// The broker does not keep to the mechanism's rules, or does not know the password itself.
    Untrustworthy(String),
    /// The application has no credentials to offer, and says why.
    NoCredentials(String),
}

impl AuthenticationFailure {
    /// The stable name of this kind of failure; where a broker said it, the protocol's own.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Refused { name, .. } => name,
            Self::UnsupportedMechanism { .. } => "UNSUPPORTED_SASL_MECHANISM",
            Self::Untrustworthy(_) => "BROKER_NOT_TRUSTED",
            Self::NoCredentials(_) => "NO_CREDENTIALS",
        }
    }

    /// Kafka's error number, where a broker sent one.
    #[must_use]
    pub const fn errno(&self) -> Option<i16> {
        match self {
            Self::Refused { errno, .. } => Some(*errno),
            Self::UnsupportedMechanism { .. } => Some(33),
            Self::Untrustworthy(_) | Self::NoCredentials(_) => None,
        }
    }
}

impl fmt::Display for AuthenticationFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused { name: "ILLEGAL_SASL_STATE", .. } => f.write_str(
                "this listener of the broker does not ask who we are; use another port, or leave the option sasl out",
            ),
            Self::Refused { name, said, .. } => {
                write!(f, "{name}: {said}; check user name, password or token, and the mechanism")
            }
            Self::UnsupportedMechanism { wanted, enabled } if enabled.is_empty() => {
                write!(f, "the broker has no mechanism switched on, and so not {wanted}; see sasl.enabled.mechanisms")
            }
            Self::UnsupportedMechanism { wanted, enabled } => {
                write!(f, "the broker does not know the mechanism {wanted}; it has switched on {enabled}")
            }
            Self::Untrustworthy(problem) => f.write_str(problem),
            Self::NoCredentials(why) => write!(f, "the application gave no credentials: {why}"),
        }
    }
}

/// Why a connection is gone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LossCause {
    /// The other side, or the network, ended it.
    Remote(DisconnectCause),
    /// This client ended it.
    Local(CloseReason),
}

impl fmt::Display for LossCause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Remote(cause) => cause.fmt(f),
            Self::Local(reason) => reason.fmt(f),
        }
    }
}

/// An error as the application gets it.
///
/// Its text says what happened and what to do; [`code`](Self::code) is the stable name to match on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Error {
    /// A broker answered with an error code.
    Broker {
        /// The protocol's name, for example `NOT_LEADER_OR_FOLLOWER`.
        name: &'static str,
        /// The protocol's number.
        errno: i16,
        /// What it means.
        explanation: &'static str,
        /// What to do about it.
        advice: &'static str,
        /// Whether the same request may succeed later.
        retriable: bool,
        /// What was asked, for example "Produce to orders-0".
        context: String,
    },
    /// A connection was lost, or could not be made.
    Connection {
        /// Which one.
        connection: ConnectionId,
        /// `host:port`.
        address: String,
        /// Why.
        cause: LossCause,
    },
    /// None of the known brokers could be reached.
    NoBrokers {
        /// How many addresses were tried.
        tried: usize,
        /// What the last one ended with.
        last: Option<Box<Self>>,
    },
    /// Something took longer than it was allowed to.
    Timeout {
        /// What was waited for.
        what: Cow<'static, str>,
        /// How long.
        after: Duration,
        /// What stood in the way, as far as is known.
        cause: Option<Box<Self>>,
    },
    /// The caller gave up (its own cancellation, not the client's failure).
    Cancelled,
    /// The client was stopped while this was under way.
    Stopped,
    /// The call needs a started client.
    NotStarted {
        /// The call.
        call: &'static str,
    },
    /// The broker supports no version of a request that this client speaks.
    UnsupportedVersion {
        /// The request's name.
        api: &'static str,
        /// The versions this client speaks.
        ours: (i16, i16),
        /// The broker's versions, if it knows the request at all.
        theirs: Option<(i16, i16)>,
    },
    /// A reply could not be decoded. Its connection was closed.
    MalformedReply {
        /// The request's name.
        api: &'static str,
        /// Where and how it went wrong.
        problem: String,
    },
    /// Fetched data could not be read (bad checksum, unknown format).
    CorruptData {
        /// Where it was read from.
        partition: TopicPartition,
        /// How it went wrong.
        problem: String,
    },
    /// A record is larger than `max_request_size` lets it be.
    RecordTooLarge {
        /// Its size with headers and overhead, in bytes.
        size: usize,
        /// The limit, in bytes.
        limit: usize,
    },
    /// The producer's buffer is full.
    BufferFull {
        /// `buffer_memory`, in bytes.
        limit: usize,
    },
    /// An argument is not usable.
    InvalidArgument {
        /// Which one.
        argument: Cow<'static, str>,
        /// What is wrong with it.
        problem: Cow<'static, str>,
    },
    /// A configuration value is not usable.
    InvalidConfig {
        /// Where it was set: `defaults`, `profile NAME` or `options`.
        layer: String,
        /// The key.
        key: String,
        /// Expected and found.
        problem: String,
    },
    /// A newer instance has taken over; this one is finished.
    Fenced {
        /// What the broker said.
        name: &'static str,
    },
    /// A bug in this client.
    Internal(String),
}

impl Error {
    /// The stable name of this kind of error; for broker errors the protocol's own name.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Broker { name, .. } | Self::Fenced { name } => name,
            Self::Connection { cause, .. } => match cause {
                LossCause::Remote(DisconnectCause::Bridge { close_code, .. }) => bridge_code(*close_code),
                LossCause::Remote(DisconnectCause::Refused) => "CONNECTION_REFUSED",
                LossCause::Remote(DisconnectCause::Unreachable) => "HOST_UNREACHABLE",
                LossCause::Local(CloseReason::ConnectTimeout) => "CONNECT_TIMEOUT",
                LossCause::Local(CloseReason::RequestTimeout { .. }) => "REQUEST_TIMEOUT",
                LossCause::Local(CloseReason::AuthenticationFailed(failure)) => failure.code(),
                LossCause::Local(CloseReason::AuthenticationTimeout { .. }) => "AUTHENTICATION_TIMEOUT",
                LossCause::Local(CloseReason::ProtocolViolation(_)) => "MALFORMED_REPLY",
                LossCause::Local(CloseReason::UnsupportedVersion { .. }) => "UNSUPPORTED_VERSION",
                LossCause::Local(CloseReason::Misrouted) => "REBOOTSTRAP_REQUIRED",
                LossCause::Local(CloseReason::WrongCluster { .. }) => "INCONSISTENT_CLUSTER_ID",
                LossCause::Remote(_) | LossCause::Local(_) => "CONNECTION_LOST",
            },
            Self::NoBrokers { .. } => "NO_BROKERS_AVAILABLE",
            Self::Timeout { .. } => "TIMEOUT",
            Self::Cancelled => "CANCELLED",
            Self::Stopped => "STOPPED",
            Self::NotStarted { .. } => "NOT_STARTED",
            Self::UnsupportedVersion { .. } => "UNSUPPORTED_VERSION",
            Self::MalformedReply { .. } => "MALFORMED_REPLY",
            Self::CorruptData { .. } => "CORRUPT_DATA",
            Self::RecordTooLarge { .. } => "RECORD_TOO_LARGE",
            Self::BufferFull { .. } => "BUFFER_FULL",
            Self::InvalidArgument { .. } => "INVALID_ARGUMENT",
            Self::InvalidConfig { .. } => "INVALID_CONFIG",
            Self::Internal(_) => "INTERNAL",
        }
    }

    /// Kafka's error number, where a broker sent one.
    #[must_use]
    pub const fn errno(&self) -> Option<i16> {
        if let Self::Broker { errno, .. } = self {
            return Some(*errno);
        }
        match self.authentication() {
            Some(failure) => failure.errno(),
            None => None,
        }
    }

    /// Why authentication failed, if that is what happened.
    #[must_use]
    pub const fn authentication(&self) -> Option<&AuthenticationFailure> {
        if let Self::Connection {
            cause: LossCause::Local(CloseReason::AuthenticationFailed(failure)), ..
        } = self
        {
            Some(failure)
        } else {
            None
        }
    }

    /// The WebSocket close code, where the bridge sent one.
    #[must_use]
    pub const fn close_code(&self) -> Option<u16> {
        if let Self::Connection {
            cause: LossCause::Remote(DisconnectCause::Bridge { close_code, .. }), ..
        } = self
        {
            Some(*close_code)
        } else {
            None
        }
    }

    /// Whether doing the same again later can succeed without changing anything.
    #[must_use]
    pub const fn retriable(&self) -> bool {
        match self {
            Self::Broker { retriable, .. } => *retriable,
            Self::Connection { cause, .. } => match cause {
                LossCause::Remote(DisconnectCause::Bridge { close_code, .. }) => {
                    !matches!(close_code, 1008 | 1009 | 4400 | 4401 | 4403)
                }
                LossCause::Local(
                    CloseReason::AuthenticationFailed(_)
                    | CloseReason::UnsupportedVersion { .. }
                    | CloseReason::ProtocolViolation(_),
                ) => false,
                LossCause::Remote(_) | LossCause::Local(_) => true,
            },
            Self::NoBrokers { .. } | Self::Timeout { .. } | Self::BufferFull { .. } => true,
            Self::Cancelled
            | Self::Stopped
            | Self::NotStarted { .. }
            | Self::UnsupportedVersion { .. }
            | Self::MalformedReply { .. }
            | Self::CorruptData { .. }
            | Self::RecordTooLarge { .. }
            | Self::InvalidArgument { .. }
            | Self::InvalidConfig { .. }
            | Self::Fenced { .. }
            | Self::Internal(_) => false,
        }
    }

    /// Whether the client can do nothing more and a new one is needed.
    #[must_use]
    pub const fn fatal(&self) -> bool {
        matches!(self, Self::Fenced { .. } | Self::Internal(_))
    }

    /// Whose doing it was.
    #[must_use]
    pub const fn blame(&self) -> Blame {
        match self {
            Self::Broker { .. }
            | Self::UnsupportedVersion { .. }
            | Self::MalformedReply { .. }
            | Self::CorruptData { .. }
            | Self::Fenced { .. } => Blame::Broker,
            Self::Connection { cause, .. } => match cause {
                LossCause::Remote(DisconnectCause::Bridge { .. }) => Blame::Bridge,
                LossCause::Local(
                    CloseReason::ProtocolViolation(_)
                    | CloseReason::UnsupportedVersion { .. }
                    | CloseReason::AuthenticationFailed(AuthenticationFailure::Untrustworthy(_)),
                ) => Blame::Broker,
                LossCause::Local(CloseReason::AuthenticationFailed(_)) => Blame::Application,
                LossCause::Remote(_) | LossCause::Local(_) => Blame::Network,
            },
            Self::NoBrokers { .. } | Self::Timeout { .. } => Blame::Network,
            Self::Cancelled
            | Self::Stopped
            | Self::NotStarted { .. }
            | Self::RecordTooLarge { .. }
            | Self::BufferFull { .. }
            | Self::InvalidArgument { .. }
            | Self::InvalidConfig { .. } => Blame::Application,
            Self::Internal(_) => Blame::Client,
        }
    }
}

/// The stable names of the bridge's close codes (docs/bridge.md).
const fn bridge_code(close_code: u16) -> &'static str {
    match close_code {
        1006 => "BRIDGE_UNREACHABLE",
        1008 => "BRIDGE_POLICY",
        1009 => "BRIDGE_MESSAGE_TOO_BIG",
        1012 => "BRIDGE_RESTARTING",
        1013 => "BRIDGE_OVERLOADED",
        4400 => "BRIDGE_BAD_TARGET",
        4401 => "BRIDGE_UNAUTHENTICATED",
        4403 => "BRIDGE_TARGET_DENIED",
        4408 => "BRIDGE_AUTH_TIMEOUT",
        4429 => "BRIDGE_LIMIT",
        4502 => "BROKER_REFUSED",
        4504 => "BROKER_TIMED_OUT",
        _ => "BRIDGE_FAILED",
    }
}

/// What to do about a bridge's close code, for the error's text.
const fn bridge_advice(close_code: u16) -> &'static str {
    match close_code {
        1006 => "check that kafka-bridge runs at the bridge URL and that this page's Origin is on its list",
        1008 | 1009 => "the bridge's policy forbids this; see docs/bridge.md",
        4400 => "the target is not host:port; check the advertised listeners of the brokers",
        4401 | 4408 => "give the bridge a valid token",
        4403 => "add the broker's advertised host:port to the bridge's targets",
        4429 | 1013 => "the bridge is at its limits; retry later or raise them",
        4502 | 4504 => {
            "the bridge cannot reach the broker; check that the broker runs, and the target's dial address and TLS"
        }
        _ => "the client reconnects by itself; see the bridge's log if it goes on",
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Broker { name, explanation, advice, context, .. } => {
                write!(f, "{context}: {name}: {explanation} {advice}")
            }
            Self::Connection { connection, address, cause } => {
                write!(f, "connection {connection} to {address}: {cause}")?;
                match cause {
                    LossCause::Remote(DisconnectCause::Bridge { close_code, .. }) => {
                        write!(f, "; {}", bridge_advice(*close_code))
                    }
                    LossCause::Remote(DisconnectCause::Refused) => {
                        f.write_str("; check that a broker listens there")
                    }
                    LossCause::Remote(DisconnectCause::Unreachable) => {
                        f.write_str("; check the brokers option and the brokers' advertised listeners")
                    }
                    LossCause::Remote(_) | LossCause::Local(_) => Ok(()),
                }
            }
            Self::NoBrokers { tried, last } => {
                write!(
                    f,
                    "none of {tried} broker addresses could be reached; check that they are right and up"
                )?;
                last.as_ref().map_or(Ok(()), |last| write!(f, "; the last attempt: {last}"))
            }
            Self::Timeout { what, after, cause } => {
                write!(f, "{what} did not end within {} ms", after.as_millis())?;
                cause.as_ref().map_or(Ok(()), |cause| write!(f, "; what stood in the way: {cause}"))
            }
            Self::Cancelled => f.write_str("the caller cancelled this call"),
            Self::Stopped => f.write_str("the client was stopped"),
            Self::NotStarted { call } => write!(f, "{call} needs a started client; call start() first"),
            Self::UnsupportedVersion { api, ours, theirs: Some(theirs) } => write!(
                f,
                "the broker supports {api} {} to {}, this client {} to {}; use another broker version",
                theirs.0, theirs.1, ours.0, ours.1
            ),
            Self::UnsupportedVersion { api, ours, theirs: None } => write!(
                f,
                "the broker does not support {api}, this client speaks {} to {}; use a newer broker",
                ours.0, ours.1
            ),
            Self::MalformedReply { api, problem } => {
                write!(f, "the reply to {api} cannot be decoded: {problem}; is this address a Kafka broker?")
            }
            Self::CorruptData { partition, problem } => {
                write!(f, "data of {partition} cannot be read: {problem}; seek past it to go on")
            }
            Self::RecordTooLarge { size, limit } => {
                write!(
                    f,
                    "the record takes {size} bytes and the limit is {limit}; send less or raise maxRequestSize"
                )
            }
            Self::BufferFull { limit } => write!(
                f,
                "all {limit} bytes of buffer memory are in use; wait for writable() before sending more"
            ),
            Self::InvalidArgument { argument, problem } => write!(f, "{argument}: {problem}"),
            Self::InvalidConfig { layer, key, problem } => write!(f, "{key} ({layer}): {problem}"),
            Self::Fenced { name } => {
                write!(f, "{name}: a newer producer has taken over; make a new client to go on")
            }
            Self::Internal(text) => write!(f, "internal error, please report it: {text}"),
        }
    }
}

impl core::error::Error for Error {}
