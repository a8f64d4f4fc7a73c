//! The names of things: brokers, connections, operations, records, partitions.

use alloc::string::String;
use alloc::sync::Arc;
use core::fmt;

/// The client's own number for one broker address.
///
/// Bootstrap addresses get the first numbers, in the order in which they were configured; addresses which
/// metadata names later get the next ones. A bootstrap address that metadata also names keeps its number, so
/// that its open connection is adopted and not opened twice. Kafka's own number for a broker is [`NodeId`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BrokerId(pub u16);

impl fmt::Display for BrokerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "b{}", self.0)
    }
}

/// Kafka's number for a broker (`node_id` in the Metadata response).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId(pub i32);

impl fmt::Display for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "node {}", self.0)
    }
}

/// One connection in the life of the client: which broker, and the how-manieth connection to it.
///
/// Input that carries an older generation than the current one is ignored and counted, never parsed (CN2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConnectionId {
    /// The broker at the other end.
    pub broker: BrokerId,
    /// 1 for the first connection to this broker, then one more each time. A number that belonged to another address before goes on
    /// above that one's generations, so that no two connections of a client ever have the same name.
    pub generation: u32,
}

impl fmt::Display for ConnectionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}\u{b7}g{}", self.broker, self.generation)
    }
}

/// Something the application waits for. Ends in exactly one [`Event::Completed`](crate::io::Event::Completed).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OperationId(pub u64);

impl fmt::Display for OperationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "operation {}", self.0)
    }
}

/// One record accepted for sending. Numbers rise by one with each accepted record, so that drivers can keep
/// their waiters in an array. Ends in exactly one [`Delivery`](crate::io::Delivery).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RecordId(pub u64);

/// A topic's name, cheap to copy.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TopicName(Arc<str>);

impl TopicName {
    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Why Kafka would refuse this name, or `None` for a legal one: 1 to 249 characters out of
    /// `[a-zA-Z0-9._-]`, and neither `.` nor `..`.
    #[must_use]
    pub fn problem(name: &str) -> Option<&'static str> {
        if name.is_empty() {
            Some("it is empty")
        } else if name.len() > 249 {
            Some("it is longer than 249 characters")
        } else if name == "." || name == ".." {
            Some("\".\" and \"..\" are reserved")
        } else if !name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-')) {
            Some("it has a character other than a-z, A-Z, 0-9, '.', '_' and '-'")
        } else {
            None
        }
    }
}

impl From<&str> for TopicName {
    fn from(name: &str) -> Self {
        Self(Arc::from(name))
    }
}

impl From<String> for TopicName {
    fn from(name: String) -> Self {
        Self(Arc::from(name))
    }
}

impl core::borrow::Borrow<str> for TopicName {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for TopicName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for TopicName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&*self.0, f)
    }
}

/// One partition of one topic.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TopicPartition {
    /// The topic.
    pub topic: TopicName,
    /// The partition's number, from 0.
    pub partition: i32,
}

impl TopicPartition {
    /// Names a partition.
    #[must_use]
    pub fn new(topic: impl Into<TopicName>, partition: i32) -> Self {
        Self { topic: topic.into(), partition }
    }
}

impl fmt::Display for TopicPartition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.topic, self.partition)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn topic_names_follow_kafkas_rules() {
        for good in ["a", "orders.v1", "A_b-C.9"] {
            assert_eq!(TopicName::problem(good), None, "{good}");
        }
        for bad in ["", ".", "..", "a b", "caf\u{e9}", "a/b"] {
            assert!(TopicName::problem(bad).is_some(), "{bad}");
        }
        assert!(TopicName::problem(&"x".repeat(250)).is_some());
    }

    #[test]
    fn a_connection_shows_broker_and_generation() {
        let connection = ConnectionId { broker: BrokerId(1), generation: 3 };
        assert_eq!(connection.to_string(), "b1\u{b7}g3");
    }
}
