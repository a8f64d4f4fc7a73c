//! Why a WebSocket ends: one cause, one close code, one reason that a machine can parse.
//!
//! A reason is a word, followed by `name=value` pairs, all separated by single spaces, at most 123 bytes long:
//! `dial-timeout after-ms=10000 target=b1.example:9092`. Clients decide by the code, show the word, and log the rest.

use std::time::Duration;

/// RFC 6455 leaves 125 bytes to a close frame, two of which are the code.
pub const REASON_BYTES_MAX: usize = 123;

/// The reason a session ended, as the bridge sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CloseCause {
    /// The broker closed its side; every byte it sent before was delivered.
    UpstreamClosed,
    /// The client sent a close frame.
    ClientClosed,
    /// The client's socket ended without a close frame.
    ClientGone,
    /// The client broke RFC 6455.
    ProtocolError {
        /// What was wrong with the frame.
        problem: &'static str,
    },
    /// The client sent a text message; Kafka's bytes are binary.
    TextMessage,
    /// The client sent a message beyond the limit.
    MessageTooBig {
        /// The configured `max-message-bytes`.
        limit_bytes: u64,
    },
    /// No data in either direction for too long.
    Idle {
        /// The configured `idle-timeout`.
        after: Duration,
    },
    /// The client did not read what it was sent. It cannot be told: a frame is half written.
    ClientStalled {
        /// The configured `write-stall-timeout`.
        after: Duration,
    },
    /// The client answered no ping.
    PongMissing {
        /// The configured `pong-timeout`.
        after: Duration,
    },
    /// The connection to the broker broke.
    UpstreamFailed {
        /// What the operating system said, as a word.
        problem: &'static str,
    },
    /// The broker did not read what it was sent.
    UpstreamStalled {
        /// The configured `write-stall-timeout`.
        after: Duration,
    },
    /// The bridge is stopping.
    Restarting {
        /// When to come back, different for each client so that they do not all return at once.
        retry_after: Duration,
    },
    /// The bridge holds as many connections as it may in total.
    Overloaded {
        /// The configured `max-connections`.
        limit: usize,
        /// When to try again.
        retry_after: Duration,
    },
    /// The `target` parameter is missing or is no `host:port`.
    BadTarget {
        /// What was wrong with it.
        problem: &'static str,
    },
    /// No token, or one that is not valid.
    Unauthenticated {
        /// What was wrong with it; never the token.
        problem: &'static str,
    },
    /// The target is not on the allow-list, or leads to an address that is never dialled.
    TargetDenied {
        /// `not-listed`, or the kind of address.
        problem: &'static str,
        /// What the client asked for.
        target: String,
    },
    /// This client address holds as many connections as it may.
    ConnectionLimit {
        /// The configured `max-connections-per-address`.
        limit: usize,
    },
    /// The broker could not be reached: refused, no such name, no route.
    DialFailed {
        /// What the operating system said, as a word.
        problem: &'static str,
        /// What the client asked for.
        target: String,
    },
    /// The broker did not answer in time.
    DialTimedOut {
        /// The configured `dial-timeout`.
        after: Duration,
        /// What the client asked for.
        target: String,
    },
}

impl CloseCause {
    /// The WebSocket close code (RFC 6455 section 7.4; 4000 to 4999 are the bridge's own).
    pub fn code(&self) -> u16 {
        match self {
            Self::UpstreamClosed | Self::ClientClosed => 1000,
            Self::ProtocolError { .. } => 1002,
            Self::TextMessage => 1003,
            Self::ClientGone | Self::ClientStalled { .. } => 1006,
            Self::Idle { .. } | Self::PongMissing { .. } => 1008,
            Self::MessageTooBig { .. } => 1009,
            Self::UpstreamFailed { .. } | Self::UpstreamStalled { .. } => 1011,
            Self::Restarting { .. } => 1012,
            Self::Overloaded { .. } => 1013,
            Self::BadTarget { .. } => 4400,
            Self::Unauthenticated { .. } => 4401,
            Self::TargetDenied { .. } => 4403,
            Self::ConnectionLimit { .. } => 4429,
            Self::DialFailed { .. } => 4502,
            Self::DialTimedOut { .. } => 4504,
        }
    }

    /// The first word of the reason, which also labels metrics.
    pub fn word(&self) -> &'static str {
        match self {
            Self::UpstreamClosed => "upstream-closed",
            Self::ClientClosed => "client-closed",
            Self::ClientGone => "client-gone",
            Self::ProtocolError { .. } => "protocol-error",
            Self::TextMessage => "binary-only",
            Self::MessageTooBig { .. } => "message-too-big",
            Self::Idle { .. } => "idle",
            Self::ClientStalled { .. } => "client-stalled",
            Self::PongMissing { .. } => "pong-missing",
            Self::UpstreamFailed { .. } => "upstream-failed",
            Self::UpstreamStalled { .. } => "upstream-stalled",
            Self::Restarting { .. } => "restarting",
            Self::Overloaded { .. } => "overloaded",
            Self::BadTarget { .. } => "bad-target",
            Self::Unauthenticated { .. } => "unauthenticated",
            Self::TargetDenied { .. } => "target-denied",
            Self::ConnectionLimit { .. } => "too-many-connections",
            Self::DialFailed { .. } => "dial-failed",
            Self::DialTimedOut { .. } => "dial-timeout",
        }
    }

    /// The whole reason, at most [`REASON_BYTES_MAX`] bytes of visible ASCII and spaces.
    pub fn reason(&self) -> String {
        let mut reason = Reason(self.word().to_owned());
        match self {
            Self::UpstreamClosed | Self::ClientClosed | Self::ClientGone | Self::TextMessage => {}
            Self::ProtocolError { problem }
            | Self::UpstreamFailed { problem }
            | Self::BadTarget { problem }
            | Self::Unauthenticated { problem } => reason.pair("problem", problem),
            Self::MessageTooBig { limit_bytes } => reason.pair("limit-bytes", &limit_bytes.to_string()),
            Self::Idle { after }
            | Self::ClientStalled { after }
            | Self::PongMissing { after }
            | Self::UpstreamStalled { after } => reason.milliseconds("after-ms", *after),
            Self::Restarting { retry_after } => reason.milliseconds("retry-after-ms", *retry_after),
            Self::Overloaded { limit, retry_after } => {
                reason.pair("limit", &limit.to_string());
                reason.milliseconds("retry-after-ms", *retry_after);
            }
            Self::TargetDenied { problem, target } | Self::DialFailed { problem, target } => {
                reason.pair("problem", problem);
                reason.pair("target", target);
            }
            Self::ConnectionLimit { limit } => reason.pair("limit", &limit.to_string()),
            Self::DialTimedOut { after, target } => {
                reason.milliseconds("after-ms", *after);
                reason.pair("target", target);
            }
        }
        reason.0
    }
}

struct Reason(String);

impl Reason {
    /// Appends ` name=value`; a value that came from outside is cut and cleaned so that the reason stays parseable.
    fn pair(&mut self, name: &str, value: &str) {
        let room = REASON_BYTES_MAX.saturating_sub(self.0.len() + name.len() + 2);
        self.0.push(' ');
        self.0.push_str(name);
        self.0.push('=');
        self.0.extend(value.chars().map(|c| if c.is_ascii_graphic() { c } else { '?' }).take(room));
    }

    fn milliseconds(&mut self, name: &str, duration: Duration) {
        self.pair(name, &duration.as_millis().to_string());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_fits_a_close_frame_whatever_the_client_sent() {
        for target in
            ["b1.example:9092".to_owned(), "x".repeat(500), "a b\r\nc=d é".to_owned(), "é".repeat(200)]
        {
            let cause = CloseCause::TargetDenied { problem: "not-listed", target };
            let reason = cause.reason();
            assert!(reason.len() <= REASON_BYTES_MAX, "{} bytes: {reason}", reason.len());
            assert_eq!(reason.split(' ').count(), 3, "{reason}");
        }
    }

    #[test]
    fn a_reason_is_a_word_and_pairs() {
        let cause = CloseCause::DialTimedOut { after: Duration::from_secs(10), target: "b1:9092".to_owned() };
        assert_eq!(
            (cause.code(), cause.reason().as_str()),
            (4504, "dial-timeout after-ms=10000 target=b1:9092")
        );
    }
}
