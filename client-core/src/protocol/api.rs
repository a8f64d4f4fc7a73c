//! Which APIs we speak, in which versions, and which header each version wears.
//!
//! Bounds follow Apache Kafka 4.3, and where they say so 4.4. A lower bound below what a 4.x broker still accepts is kept where an
//! older broker (or a compatible server) may need it and the codec has it anyway.

use core::fmt;

/// An API of the Kafka protocol, by its number on the wire.
///
/// Only the APIs this crate can encode and decode; a broker lists many more in its ApiVersions response.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(i16)]
pub enum ApiKey {
    /// Append record batches to partitions.
    Produce = 0,
    /// Read record batches from partitions.
    Fetch = 1,
    /// Look up offsets by timestamp, or the first and the last one.
    ListOffsets = 2,
    /// Which brokers exist, and which of them leads which partition.
    Metadata = 3,
    /// Which broker coordinates a group or a transactional producer.
    FindCoordinator = 10,
    /// Agree on a way to authenticate.
    SaslHandshake = 17,
    /// Which APIs and versions a broker speaks.
    ApiVersions = 18,
    /// Create topics.
    CreateTopics = 19,
    /// Delete topics.
    DeleteTopics = 20,
    /// Delete the oldest records of partitions.
    DeleteRecords = 21,
    /// Obtain a producer id, for idempotent and transactional writes.
    InitProducerId = 22,
    /// Read the settings of topics and brokers.
    DescribeConfigs = 32,
    /// Authenticate, in as many messages as the mechanism needs.
    SaslAuthenticate = 36,
    /// Give topics more partitions.
    CreatePartitions = 37,
    /// Change settings of topics and brokers.
    IncrementalAlterConfigs = 44,
}

impl ApiKey {
    /// Every API we speak, in the order of their numbers.
    pub const ALL: [Self; 15] = [
        Self::Produce,
        Self::Fetch,
        Self::ListOffsets,
        Self::Metadata,
        Self::FindCoordinator,
        Self::SaslHandshake,
        Self::ApiVersions,
        Self::CreateTopics,
        Self::DeleteTopics,
        Self::DeleteRecords,
        Self::InitProducerId,
        Self::DescribeConfigs,
        Self::SaslAuthenticate,
        Self::CreatePartitions,
        Self::IncrementalAlterConfigs,
    ];

    /// The number on the wire.
    pub const fn code(self) -> i16 {
        self as i16
    }

    /// The name in Kafka's protocol guide.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Produce => "Produce",
            Self::Fetch => "Fetch",
            Self::ListOffsets => "ListOffsets",
            Self::Metadata => "Metadata",
            Self::FindCoordinator => "FindCoordinator",
            Self::SaslHandshake => "SaslHandshake",
            Self::ApiVersions => "ApiVersions",
            Self::CreateTopics => "CreateTopics",
            Self::DeleteTopics => "DeleteTopics",
            Self::DeleteRecords => "DeleteRecords",
            Self::InitProducerId => "InitProducerId",
            Self::DescribeConfigs => "DescribeConfigs",
            Self::SaslAuthenticate => "SaslAuthenticate",
            Self::CreatePartitions => "CreatePartitions",
            Self::IncrementalAlterConfigs => "IncrementalAlterConfigs",
        }
    }

    /// The versions this codec speaks, with the reason for each bound.
    pub const fn versions(self) -> VersionRange {
        match self {
            // From 3: the first with record batches (magic 2); brokers 4.x dropped the older ones.
            // To 13: topics by id (KIP-516), the newest in Kafka 4.3.
            Self::Produce => VersionRange::new(3, 13),
            // From 4: the first with record batches (magic 2); brokers 4.x dropped the older ones.
            // To 18: the newest in Kafka 4.3. It adds a field that only replicas fill in (KIP-1166).
            Self::Fetch => VersionRange::new(4, 18),
            // From 1: version 0 answers with a list of segment boundaries; brokers 4.x dropped it.
            // To 11: earliest offset still to be tiered (KIP-1023), the newest in Kafka 4.3.
            Self::ListOffsets => VersionRange::new(1, 11),
            // From 0: brokers still accept it, and it is the only one pre-0.10 servers speak.
            // To 13: an error for the whole request (KIP-1102), the newest in Kafka 4.3.
            Self::Metadata => VersionRange::new(0, 13),
            // From 0: brokers still accept it. To 6: share groups (KIP-932), the newest in Kafka 4.3.
            Self::FindCoordinator => VersionRange::new(0, 6),
            // Only 1: after version 0 come bytes of the mechanism without any frame of Kafka's (KIP-152).
            Self::SaslHandshake => VersionRange::new(1, 1),
            // From 0: a broker that does not know our version answers in version 0 (KIP-511).
            // To 5: whom the client means to reach (KIP-1242), the newest in Kafka 4.4.
            Self::ApiVersions => VersionRange::new(0, 5),
            // From 0: brokers still accept it.
            // To 5: version 6 (two-phase commit, KIP-939) is still marked unstable in Kafka 4.3.
            Self::InitProducerId => VersionRange::new(0, 5),
            // From 0: brokers still accept it. To 2: the newest in Kafka 4.3.
            Self::SaslAuthenticate => VersionRange::new(0, 2),
            // From 2: brokers 4.x dropped the older ones. To 7: the topic's id (KIP-516), the newest in Kafka 4.3.
            Self::CreateTopics => VersionRange::new(2, 7),
            // From 1: brokers 4.x dropped version 0. To 6: topics by id (KIP-516), the newest in Kafka 4.3.
            Self::DeleteTopics => VersionRange::new(1, 6),
            // From 0: brokers still accept it. To 2: the newest in Kafka 4.3.
            Self::DeleteRecords => VersionRange::new(0, 2),
            // From 1: brokers 4.x dropped version 0. To 4: the newest in Kafka 4.3.
            Self::DescribeConfigs => VersionRange::new(1, 4),
            // From 0: brokers still accept it. To 3: quotas (KIP-599), the newest in Kafka 4.3.
            Self::CreatePartitions => VersionRange::new(0, 3),
            // From 0: brokers still accept it. To 1: the newest in Kafka 4.3.
            Self::IncrementalAlterConfigs => VersionRange::new(0, 1),
        }
    }

    /// The first flexible version: compact lengths and tagged fields from there on (KIP-482).
    pub const fn flexible_since(self) -> i16 {
        match self {
            Self::Produce | Self::Metadata => 9,
            Self::Fetch => 12,
            Self::ListOffsets => 6,
            Self::FindCoordinator | Self::ApiVersions => 3,
            Self::CreateTopics => 5,
            Self::DeleteTopics | Self::DescribeConfigs => 4,
            Self::InitProducerId | Self::SaslAuthenticate | Self::DeleteRecords | Self::CreatePartitions => 2,
            Self::IncrementalAlterConfigs => 1,
            // It must be readable before anything is agreed on.
            Self::SaslHandshake => i16::MAX,
        }
    }

    /// Whether messages of this version use compact lengths and tagged fields.
    pub const fn is_flexible(self, version: i16) -> bool {
        version >= self.flexible_since()
    }

    /// The version of the header in front of a request: 1, or 2 with tagged fields.
    pub const fn request_header_version(self, version: i16) -> i16 {
        if self.is_flexible(version) { 2 } else { 1 }
    }

    /// The version of the header in front of a response: 0, or 1 with tagged fields.
    ///
    /// ApiVersions responses always wear version 0, since the client cannot know yet what the broker
    /// speaks (KIP-511).
    pub const fn response_header_version(self, version: i16) -> i16 {
        if matches!(self, Self::ApiVersions) || !self.is_flexible(version) { 0 } else { 1 }
    }
}

impl TryFrom<i16> for ApiKey {
    type Error = UnknownApiKey;

    fn try_from(code: i16) -> Result<Self, UnknownApiKey> {
        Self::ALL.into_iter().find(|key| key.code() == code).ok_or(UnknownApiKey(code))
    }
}

impl fmt::Display for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// An API number this crate does not speak.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UnknownApiKey(
    /// The number that was asked for.
    pub i16,
);

impl fmt::Display for UnknownApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "expected the key of an API this client speaks, got {}", self.0)
    }
}

impl core::error::Error for UnknownApiKey {}

/// An inclusive range of versions of one API.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VersionRange {
    /// The lowest version, inclusive.
    pub min: i16,
    /// The highest version, inclusive.
    pub max: i16,
}

impl VersionRange {
    /// The versions from `min` to `max`, both included.
    pub const fn new(min: i16, max: i16) -> Self {
        Self { min, max }
    }

    /// Whether the version lies in the range.
    pub const fn contains(self, version: i16) -> bool {
        self.min <= version && version <= self.max
    }

    /// The highest version both ranges hold, if any: what two peers agree on.
    pub fn highest_common(self, other: Self) -> Option<i16> {
        let highest = self.max.min(other.max);
        (self.contains(highest) && other.contains(highest)).then_some(highest)
    }

    /// Every version of the range, ascending.
    pub fn iter(self) -> core::ops::RangeInclusive<i16> {
        self.min..=self.max
    }
}

impl fmt::Display for VersionRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} to {}", self.min, self.max)
    }
}

#[cfg(test)]
mod tests {
    use super::{ApiKey, UnknownApiKey, VersionRange};

    #[test]
    fn numbers_and_keys_agree() {
        for key in ApiKey::ALL {
            assert_eq!(ApiKey::try_from(key.code()), Ok(key));
        }
        assert_eq!(ApiKey::try_from(-1), Err(UnknownApiKey(-1)));
    }

    #[test]
    fn peers_agree_on_the_highest_common_version() {
        let ours = VersionRange::new(3, 13);
        assert_eq!(ours.highest_common(VersionRange::new(0, 9)), Some(9));
        assert_eq!(ours.highest_common(VersionRange::new(5, 20)), Some(13));
        assert_eq!(ours.highest_common(VersionRange::new(0, 2)), None);
        assert_eq!(ours.highest_common(VersionRange::new(14, 20)), None);
    }

    #[test]
    fn api_versions_responses_never_wear_a_flexible_header() {
        assert_eq!(ApiKey::ApiVersions.response_header_version(4), 0);
        assert_eq!(ApiKey::ApiVersions.request_header_version(4), 2);
        assert_eq!(ApiKey::Metadata.response_header_version(9), 1);
        assert_eq!(ApiKey::Metadata.response_header_version(8), 0);
    }
}
