//! What brokers complain about.

use core::fmt;

/// Whether a request that failed may succeed when it is sent again. As in the Java client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Remedy {
    /// It will fail again.
    Final,
    /// It may succeed, after a pause.
    Retry,
    /// It may succeed, once metadata has been refreshed.
    RetryWithNewMetadata,
}

macro_rules! error_codes {
    ($($code:literal, $variant:ident, $name:literal, $remedy:ident, $description:literal, $advice:literal;)*) => {
        /// The error codes of the protocol, as of Apache Kafka 4.3.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(i16)]
        pub enum ErrorCode {$(
            #[doc = $description]
            $variant = $code,
        )*}

        impl ErrorCode {
            /// Every code, in the order of their numbers.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The name in the protocol guide, such as `NOT_LEADER_OR_FOLLOWER`.
            pub const fn name(self) -> &'static str {
                match self {$(
                    Self::$variant => $name,
                )*}
            }

            /// What it means, in one plain sentence.
            pub const fn description(self) -> &'static str {
                match self {$(
                    Self::$variant => $description,
                )*}
            }

            /// What to do about it, in one plain sentence.
            pub const fn advice(self) -> &'static str {
                match self {$(
                    Self::$variant => $advice,
                )*}
            }

            const fn remedy(self) -> Remedy {
                match self {$(
                    Self::$variant => Remedy::$remedy,
                )*}
            }
        }

        impl TryFrom<i16> for ErrorCode {
            type Error = UnknownErrorCode;

            fn try_from(code: i16) -> Result<Self, UnknownErrorCode> {
                match code {
                    $($code => Ok(Self::$variant),)*
                    _ => Err(UnknownErrorCode(code)),
                }
            }
        }
    };
}

error_codes! {
    -1, UnknownServerError, "UNKNOWN_SERVER_ERROR", Final, "The broker met an error it has no code for.", "See the broker's log.";
    0, None, "NONE", Final, "No error.", "Nothing.";
    1, OffsetOutOfRange, "OFFSET_OUT_OF_RANGE", Final, "The partition has no record at this offset: deleted already, or not written yet.", "Start from the earliest or latest offset.";
    2, CorruptMessage, "CORRUPT_MESSAGE", Retry, "A record failed its checksum, is too large, or lacks the key that a compacted topic needs.", "Give records of compacted topics a key; otherwise retry.";
    3, UnknownTopicOrPartition, "UNKNOWN_TOPIC_OR_PARTITION", RetryWithNewMetadata, "The broker does not have this topic or partition.", "Check the name; create the topic, or wait if it was just created.";
    4, InvalidFetchSize, "INVALID_FETCH_SIZE", Final, "The sizes in the fetch request make no sense.", "Check the fetch size options.";
    5, LeaderNotAvailable, "LEADER_NOT_AVAILABLE", RetryWithNewMetadata, "The partition has no leader at the moment; an election may be under way.", "Retry; if it lasts, check that the partition's brokers run.";
    6, NotLeaderOrFollower, "NOT_LEADER_OR_FOLLOWER", RetryWithNewMetadata, "The broker no longer leads this partition or holds no replica of it.", "Refresh metadata and ask the new leader.";
    7, RequestTimedOut, "REQUEST_TIMED_OUT", Retry, "The broker gave up waiting, often for its replicas.", "Retry; if it lasts, check the brokers' load or allow more time.";
    8, BrokerNotAvailable, "BROKER_NOT_AVAILABLE", Final, "The broker asked for is not available.", "Check that the broker runs.";
    9, ReplicaNotAvailable, "REPLICA_NOT_AVAILABLE", RetryWithNewMetadata, "The replica asked for is not available.", "Refresh metadata and retry.";
    10, MessageTooLarge, "MESSAGE_TOO_LARGE", Final, "A batch is larger than the topic allows.", "Send smaller records or batches, or raise max.message.bytes of the topic.";
    11, StaleControllerEpoch, "STALE_CONTROLLER_EPOCH", Final, "The request came from a controller that has been replaced.", "Internal to the cluster; see the broker's log.";
    12, OffsetMetadataTooLarge, "OFFSET_METADATA_TOO_LARGE", Final, "The text stored with an offset is too long.", "Shorten it.";
    13, NetworkException, "NETWORK_EXCEPTION", RetryWithNewMetadata, "The connection broke before the answer came.", "Retry; if it lasts, check the network.";
    14, CoordinatorLoadInProgress, "COORDINATOR_LOAD_IN_PROGRESS", Retry, "The coordinator has just taken over and is still loading its state.", "Retry in a moment.";
    15, CoordinatorNotAvailable, "COORDINATOR_NOT_AVAILABLE", Retry, "There is no coordinator at the moment.", "Retry; if it lasts, check the cluster's internal topics.";
    16, NotCoordinator, "NOT_COORDINATOR", Retry, "The broker is not the coordinator any more.", "Look the coordinator up again.";
    17, InvalidTopicException, "INVALID_TOPIC_EXCEPTION", Final, "The topic's name is not allowed, or the topic may not be used like this.", "Use letters, digits, dots, underscores and dashes, at most 249.";
    18, RecordListTooLarge, "RECORD_LIST_TOO_LARGE", Final, "The batch is larger than a segment of the log.", "Send smaller batches.";
    19, NotEnoughReplicas, "NOT_ENOUGH_REPLICAS", Retry, "Too few replicas are in sync to accept the batch; it was not written.", "Retry; if it lasts, check the brokers or min.insync.replicas.";
    20, NotEnoughReplicasAfterAppend, "NOT_ENOUGH_REPLICAS_AFTER_APPEND", Retry, "The batch was written, but too few replicas have it.", "Retry; without idempotence this may write it twice.";
    21, InvalidRequiredAcks, "INVALID_REQUIRED_ACKS", Final, "The number of acknowledgements asked for is not allowed.", "Use 0, 1 or all (-1).";
    22, IllegalGeneration, "ILLEGAL_GENERATION", Final, "The member's generation of the group is over.", "Join the group again.";
    23, InconsistentGroupProtocol, "INCONSISTENT_GROUP_PROTOCOL", Final, "The member shares no assignment strategy with the rest of the group.", "Give all members a strategy in common.";
    24, InvalidGroupId, "INVALID_GROUP_ID", Final, "The group id is empty or not allowed.", "Set a group id.";
    25, UnknownMemberId, "UNKNOWN_MEMBER_ID", Final, "The coordinator does not know this member, perhaps because it was silent too long.", "Join the group again.";
    26, InvalidSessionTimeout, "INVALID_SESSION_TIMEOUT", Final, "The session timeout lies outside of what the broker allows.", "Choose one between group.min.session.timeout.ms and group.max.session.timeout.ms.";
    27, RebalanceInProgress, "REBALANCE_IN_PROGRESS", Final, "The group is dividing its partitions anew.", "Join the group again.";
    28, InvalidCommitOffsetSize, "INVALID_COMMIT_OFFSET_SIZE", Final, "The offsets to commit are too large to store.", "Shorten the text stored with the offsets.";
    29, TopicAuthorizationFailed, "TOPIC_AUTHORIZATION_FAILED", Final, "We are not allowed to use this topic like this.", "Ask for the topic's ACLs to be extended.";
    30, GroupAuthorizationFailed, "GROUP_AUTHORIZATION_FAILED", Final, "We are not allowed to use this group.", "Ask for the group's ACLs to be extended.";
    31, ClusterAuthorizationFailed, "CLUSTER_AUTHORIZATION_FAILED", Final, "We are not allowed to do this in this cluster.", "Ask for the cluster's ACLs to be extended.";
    32, InvalidTimestamp, "INVALID_TIMESTAMP", Final, "A record's timestamp lies too far from the broker's clock.", "Check the clock, or the topic's limits on timestamps.";
    33, UnsupportedSaslMechanism, "UNSUPPORTED_SASL_MECHANISM", Final, "The broker does not offer this way to authenticate.", "Choose one of the mechanisms it lists.";
    34, IllegalSaslState, "ILLEGAL_SASL_STATE", Final, "The request does not fit the state of the authentication.", "Check that the listener expects SASL.";
    35, UnsupportedVersion, "UNSUPPORTED_VERSION", Final, "The broker does not speak this version of the request.", "Use a version it lists, or a newer broker.";
    36, TopicAlreadyExists, "TOPIC_ALREADY_EXISTS", Final, "A topic of this name exists.", "Use it, or choose another name.";
    37, InvalidPartitions, "INVALID_PARTITIONS", Final, "The number of partitions is not allowed.", "Choose at least 1, and never fewer than there are.";
    38, InvalidReplicationFactor, "INVALID_REPLICATION_FACTOR", Final, "The replication factor is below 1 or above the number of brokers.", "Choose one that fits the cluster.";
    39, InvalidReplicaAssignment, "INVALID_REPLICA_ASSIGNMENT", Final, "The assignment of replicas to brokers is not possible.", "Name existing brokers, each once a partition.";
    40, InvalidConfig, "INVALID_CONFIG", Final, "A configuration is not valid.", "Correct the entry the message names.";
    41, NotController, "NOT_CONTROLLER", Retry, "The broker is not the controller any more.", "Refresh metadata and ask the new controller.";
    42, InvalidRequest, "INVALID_REQUEST", Final, "The broker could not make sense of the request.", "See the broker's log; this may be a defect of the client.";
    43, UnsupportedForMessageFormat, "UNSUPPORTED_FOR_MESSAGE_FORMAT", Final, "The topic stores records in a format too old for this.", "Upgrade the topic's message format.";
    44, PolicyViolation, "POLICY_VIOLATION", Final, "The cluster's policy forbids the request.", "Follow what the message says, or ask who runs the cluster.";
    45, OutOfOrderSequenceNumber, "OUT_OF_ORDER_SEQUENCE_NUMBER", Final, "A batch is missing in front of this one.", "Send these records again if they must arrive; the producer goes on by itself.";
    46, DuplicateSequenceNumber, "DUPLICATE_SEQUENCE_NUMBER", Final, "The broker has this batch already.", "Nothing: it was written before.";
    47, InvalidProducerEpoch, "INVALID_PRODUCER_EPOCH", Final, "A newer producer with the same id has taken over.", "Stop this one; make sure only one is in use.";
    48, InvalidTxnState, "INVALID_TXN_STATE", Final, "The transaction is not in a state that allows this.", "Abort the transaction and begin a new one.";
    49, InvalidProducerIdMapping, "INVALID_PRODUCER_ID_MAPPING", Final, "The producer id does not belong to the transactional id.", "Restart the producer.";
    50, InvalidTransactionTimeout, "INVALID_TRANSACTION_TIMEOUT", Final, "The transaction timeout is longer than the broker allows.", "Choose at most transaction.max.timeout.ms.";
    51, ConcurrentTransactions, "CONCURRENT_TRANSACTIONS", Retry, "The previous transaction is still being completed.", "Retry in a moment.";
    52, TransactionCoordinatorFenced, "TRANSACTION_COORDINATOR_FENCED", Final, "The transaction's coordinator has been replaced.", "Internal to the cluster; see the broker's log.";
    53, TransactionalIdAuthorizationFailed, "TRANSACTIONAL_ID_AUTHORIZATION_FAILED", Final, "We are not allowed to use this transactional id.", "Ask for its ACLs to be extended.";
    54, SecurityDisabled, "SECURITY_DISABLED", Final, "The cluster has no security features switched on.", "Configure an authorizer first.";
    55, OperationNotAttempted, "OPERATION_NOT_ATTEMPTED", Final, "The broker did not try, because another part of the request had failed.", "Correct that part and send the request again.";
    56, KafkaStorageError, "KAFKA_STORAGE_ERROR", RetryWithNewMetadata, "The broker's disk failed.", "Retry: another broker may take over; check the disk.";
    57, LogDirNotFound, "LOG_DIR_NOT_FOUND", Final, "The broker has no such log directory.", "Name one of log.dirs.";
    58, SaslAuthenticationFailed, "SASL_AUTHENTICATION_FAILED", Final, "The broker refused our credentials.", "Check user name, password and mechanism.";
    59, UnknownProducerId, "UNKNOWN_PRODUCER_ID", Final, "The broker has forgotten this producer, as when all its records have expired.", "Obtain a new producer id.";
    60, ReassignmentInProgress, "REASSIGNMENT_IN_PROGRESS", Final, "The partition is being moved.", "Wait until it is done.";
    61, DelegationTokenAuthDisabled, "DELEGATION_TOKEN_AUTH_DISABLED", Final, "The cluster does not offer delegation tokens.", "Configure a secret key for them.";
    62, DelegationTokenNotFound, "DELEGATION_TOKEN_NOT_FOUND", Final, "There is no such delegation token.", "Create a new one.";
    63, DelegationTokenOwnerMismatch, "DELEGATION_TOKEN_OWNER_MISMATCH", Final, "The token belongs to somebody else.", "Use its owner or a renewer.";
    64, DelegationTokenRequestNotAllowed, "DELEGATION_TOKEN_REQUEST_NOT_ALLOWED", Final, "Delegation tokens cannot be asked for over this connection.", "Authenticate otherwise first.";
    65, DelegationTokenAuthorizationFailed, "DELEGATION_TOKEN_AUTHORIZATION_FAILED", Final, "We are not allowed to use this delegation token.", "Ask for its ACLs to be extended.";
    66, DelegationTokenExpired, "DELEGATION_TOKEN_EXPIRED", Final, "The delegation token has expired.", "Create a new one.";
    67, InvalidPrincipalType, "INVALID_PRINCIPAL_TYPE", Final, "The cluster does not know this type of principal.", "Use User.";
    68, NonEmptyGroup, "NON_EMPTY_GROUP", Final, "The group still has members.", "Stop them first.";
    69, GroupIdNotFound, "GROUP_ID_NOT_FOUND", Final, "There is no such group.", "Check the group id.";
    70, FetchSessionIdNotFound, "FETCH_SESSION_ID_NOT_FOUND", Retry, "The broker has dropped our fetch session.", "Begin a new one.";
    71, InvalidFetchSessionEpoch, "INVALID_FETCH_SESSION_EPOCH", Retry, "Our step in the fetch session is not the one the broker expects.", "Begin a new session.";
    72, ListenerNotFound, "LISTENER_NOT_FOUND", RetryWithNewMetadata, "The leader has no listener like the one we came in by.", "Retry; if it lasts, check the brokers' listeners.";
    73, TopicDeletionDisabled, "TOPIC_DELETION_DISABLED", Final, "The cluster does not allow topics to be deleted.", "Set delete.topic.enable.";
    74, FencedLeaderEpoch, "FENCED_LEADER_EPOCH", RetryWithNewMetadata, "Our knowledge of the leader is older than the broker's.", "Refresh metadata and retry.";
    75, UnknownLeaderEpoch, "UNKNOWN_LEADER_EPOCH", Retry, "Our knowledge of the leader is newer than the broker's.", "Retry in a moment.";
    76, UnsupportedCompressionType, "UNSUPPORTED_COMPRESSION_TYPE", Final, "The records are compressed in a way this version of the request does not allow.", "Use a newer client or another compression.";
    77, StaleBrokerEpoch, "STALE_BROKER_EPOCH", Final, "The broker has restarted since.", "Internal to the cluster; see the broker's log.";
    78, OffsetNotAvailable, "OFFSET_NOT_AVAILABLE", Retry, "A new leader does not know yet which offsets are safe.", "Retry in a moment.";
    79, MemberIdRequired, "MEMBER_ID_REQUIRED", Final, "The group wants the member to come back with the id it was given.", "Join again with that id.";
    80, PreferredLeaderNotAvailable, "PREFERRED_LEADER_NOT_AVAILABLE", RetryWithNewMetadata, "The preferred leader is not available.", "Check that its broker runs.";
    81, GroupMaxSizeReached, "GROUP_MAX_SIZE_REACHED", Final, "The group is full.", "Start fewer members, or raise group.max.size.";
    82, FencedInstanceId, "FENCED_INSTANCE_ID", Final, "Another member uses the same group.instance.id.", "Give every member its own.";
    83, EligibleLeadersNotAvailable, "ELIGIBLE_LEADERS_NOT_AVAILABLE", RetryWithNewMetadata, "No replica that could lead the partition is available.", "Check that the partition's brokers run.";
    84, ElectionNotNeeded, "ELECTION_NOT_NEEDED", RetryWithNewMetadata, "The right leader leads already.", "Nothing.";
    85, NoReassignmentInProgress, "NO_REASSIGNMENT_IN_PROGRESS", Final, "The partition is not being moved.", "Nothing.";
    86, GroupSubscribedToTopic, "GROUP_SUBSCRIBED_TO_TOPIC", Final, "The group still reads the topic.", "Unsubscribe its members first.";
    87, InvalidRecord, "INVALID_RECORD", Final, "The broker's checks refused a record.", "Correct the records the response names.";
    88, UnstableOffsetCommit, "UNSTABLE_OFFSET_COMMIT", Retry, "A transaction that commits these offsets is still open.", "Retry in a moment.";
    89, ThrottlingQuotaExceeded, "THROTTLING_QUOTA_EXCEEDED", Retry, "We have used up a quota.", "Retry after the time the broker names.";
    90, ProducerFenced, "PRODUCER_FENCED", Final, "A newer producer with the same transactional id has taken over.", "Stop this one; give every producer its own id.";
    91, ResourceNotFound, "RESOURCE_NOT_FOUND", Final, "What the request names does not exist.", "Check the name.";
    92, DuplicateResource, "DUPLICATE_RESOURCE", Final, "The request names something twice.", "Name it once.";
    93, UnacceptableCredential, "UNACCEPTABLE_CREDENTIAL", Final, "The credential does not meet the cluster's rules.", "Choose another one.";
    94, InconsistentVoterSet, "INCONSISTENT_VOTER_SET", Final, "The controllers disagree about who may vote.", "Internal to the cluster; see the broker's log.";
    95, InvalidUpdateVersion, "INVALID_UPDATE_VERSION", Final, "The version of the update is not valid.", "Read the current state and try again.";
    96, FeatureUpdateFailed, "FEATURE_UPDATE_FAILED", Final, "The features could not be updated.", "See the broker's log.";
    97, PrincipalDeserializationFailure, "PRINCIPAL_DESERIALIZATION_FAILURE", Final, "The controller could not read who the request came from.", "Internal to the cluster; see the broker's log.";
    98, SnapshotNotFound, "SNAPSHOT_NOT_FOUND", Final, "There is no such snapshot.", "Internal to the cluster; see the broker's log.";
    99, PositionOutOfRange, "POSITION_OUT_OF_RANGE", Final, "The position lies outside of the snapshot.", "Internal to the cluster; see the broker's log.";
    100, UnknownTopicId, "UNKNOWN_TOPIC_ID", RetryWithNewMetadata, "The broker does not have a topic of this id; it may have been deleted and created anew.", "Refresh metadata and retry.";
    101, DuplicateBrokerRegistration, "DUPLICATE_BROKER_REGISTRATION", Final, "Another broker has this id.", "Give every broker its own.";
    102, BrokerIdNotRegistered, "BROKER_ID_NOT_REGISTERED", Final, "No broker has registered this id.", "Check the id.";
    103, InconsistentTopicId, "INCONSISTENT_TOPIC_ID", RetryWithNewMetadata, "The topic's id is not the one in the request; it may have been created anew.", "Refresh metadata and retry.";
    104, InconsistentClusterId, "INCONSISTENT_CLUSTER_ID", Final, "The request was meant for another cluster.", "Check the addresses.";
    105, TransactionalIdNotFound, "TRANSACTIONAL_ID_NOT_FOUND", Final, "There is no such transactional id.", "Check the id.";
    106, FetchSessionTopicIdError, "FETCH_SESSION_TOPIC_ID_ERROR", Retry, "The fetch session mixes topic names and ids.", "Begin a new session.";
    107, IneligibleReplica, "INELIGIBLE_REPLICA", Final, "A replica may not join those in sync.", "Internal to the cluster; see the broker's log.";
    108, NewLeaderElected, "NEW_LEADER_ELECTED", Final, "The partition has changed, and its leader with it.", "Refresh metadata.";
    109, OffsetMovedToTieredStorage, "OFFSET_MOVED_TO_TIERED_STORAGE", Final, "The offset now lies in remote storage.", "Internal to the cluster; see the broker's log.";
    110, FencedMemberEpoch, "FENCED_MEMBER_EPOCH", Final, "The coordinator has given up on this member.", "Give up its partitions and join again.";
    111, UnreleasedInstanceId, "UNRELEASED_INSTANCE_ID", Final, "Another member still uses this instance id.", "Stop that member first.";
    112, UnsupportedAssignor, "UNSUPPORTED_ASSIGNOR", Final, "The group does not offer this way of assigning partitions.", "Choose one the broker offers.";
    113, StaleMemberEpoch, "STALE_MEMBER_EPOCH", Final, "The member has not heard of its latest epoch yet.", "Retry after the next heartbeat.";
    114, MismatchedEndpointType, "MISMATCHED_ENDPOINT_TYPE", Final, "The request was meant for a broker and reached a controller, or the reverse.", "Check the address and its listener.";
    115, UnsupportedEndpointType, "UNSUPPORTED_ENDPOINT_TYPE", Final, "This type of endpoint is not supported.", "Use a broker.";
    116, UnknownControllerId, "UNKNOWN_CONTROLLER_ID", Final, "There is no such controller.", "Check the id.";
    117, UnknownSubscriptionId, "UNKNOWN_SUBSCRIPTION_ID", Final, "Our subscription for telemetry is out of date.", "Ask for a new one.";
    118, TelemetryTooLarge, "TELEMETRY_TOO_LARGE", Final, "The telemetry is larger than the broker accepts.", "Send less of it.";
    119, InvalidRegistration, "INVALID_REGISTRATION", Final, "The controller refused the broker's registration.", "See the controller's log.";
    120, TransactionAbortable, "TRANSACTION_ABORTABLE", Final, "The transaction cannot be committed.", "Abort it and begin a new one.";
    121, InvalidRecordState, "INVALID_RECORD_STATE", Final, "The record is not in a state that allows this acknowledgement.", "Fetch again.";
    122, ShareSessionNotFound, "SHARE_SESSION_NOT_FOUND", Retry, "The broker has dropped our share session.", "Begin a new one.";
    123, InvalidShareSessionEpoch, "INVALID_SHARE_SESSION_EPOCH", Retry, "Our step in the share session is not the one the broker expects.", "Begin a new session.";
    124, FencedStateEpoch, "FENCED_STATE_EPOCH", Final, "The share group's state has moved on.", "Internal to the cluster; see the broker's log.";
    125, InvalidVoterKey, "INVALID_VOTER_KEY", Final, "The request was meant for another controller.", "Check the address and the directory id.";
    126, DuplicateVoter, "DUPLICATE_VOTER", Final, "The controller votes already.", "Nothing.";
    127, VoterNotFound, "VOTER_NOT_FOUND", Final, "The controller is not one of those who vote.", "Check its id and directory id.";
    128, InvalidRegularExpression, "INVALID_REGULAR_EXPRESSION", Final, "The broker cannot read the regular expression.", "Write it in RE2 syntax.";
    129, RebootstrapRequired, "REBOOTSTRAP_REQUIRED", Final, "What we know of the cluster is out of date.", "Start again from the bootstrap addresses.";
    130, StreamsInvalidTopology, "STREAMS_INVALID_TOPOLOGY", Final, "The topology of the streams application is not valid.", "Correct the topology.";
    131, StreamsInvalidTopologyEpoch, "STREAMS_INVALID_TOPOLOGY_EPOCH", Final, "The epoch of the topology is not valid.", "Use the group's epoch.";
    132, StreamsTopologyFenced, "STREAMS_TOPOLOGY_FENCED", Final, "The topology is out of date.", "Restart with the newest topology.";
    133, ShareSessionLimitReached, "SHARE_SESSION_LIMIT_REACHED", Retry, "The broker has no room for another share session.", "Retry later, or raise its limit.";
}

impl ErrorCode {
    /// The error of a number on the wire. A number that Kafka has added since is taken for
    /// [`Self::UnknownServerError`], as the Java client does.
    pub fn from_code(code: i16) -> Self {
        Self::try_from(code).unwrap_or(Self::UnknownServerError)
    }

    /// The number on the wire.
    pub const fn code(self) -> i16 {
        self as i16
    }

    /// Whether the same request may succeed when it is sent again.
    pub const fn is_retriable(self) -> bool {
        !matches!(self.remedy(), Remedy::Final)
    }

    /// Whether our metadata is out of date, so that it should be refreshed before anything is sent again.
    pub const fn needs_new_metadata(self) -> bool {
        matches!(self.remedy(), Remedy::RetryWithNewMetadata)
    }
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}): {} {}", self.name(), self.code(), self.description(), self.advice())
    }
}

/// A number that is no error code of the protocol, as far as this crate knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UnknownErrorCode(
    /// The number.
    pub i16,
);

impl fmt::Display for UnknownErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "expected an error code of the protocol, got {}", self.0)
    }
}

impl core::error::Error for UnknownErrorCode {}

#[cfg(test)]
mod tests {
    use super::{ErrorCode, UnknownErrorCode};

    #[test]
    fn numbers_and_codes_agree() {
        for pair in ErrorCode::ALL.windows(2) {
            assert_eq!(pair[0].code() + 1, pair[1].code(), "the protocol's codes have no gaps");
        }
        for code in ErrorCode::ALL {
            assert_eq!(ErrorCode::try_from(code.code()), Ok(*code));
            assert!(code.description().ends_with('.') && code.advice().ends_with('.'));
        }
        assert_eq!(ErrorCode::try_from(9999), Err(UnknownErrorCode(9999)));
        assert_eq!(ErrorCode::from_code(9999), ErrorCode::UnknownServerError);
    }

    #[test]
    fn remedies_are_those_of_the_java_client() {
        assert!(ErrorCode::NotLeaderOrFollower.needs_new_metadata());
        assert!(ErrorCode::CoordinatorLoadInProgress.is_retriable());
        assert!(!ErrorCode::CoordinatorLoadInProgress.needs_new_metadata());
        assert!(!ErrorCode::MessageTooLarge.is_retriable());
    }
}
