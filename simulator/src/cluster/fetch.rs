//! Fetch, versions 4 to 18.
//!
//! Waits until `min_bytes` are there, `max_wait_ms` are over or something is wrong. Reads begin with the batch
//! that holds the wanted offset and are cut off at the limits, in the middle of a batch if need be; the first
//! batch of a reply is sent whole whatever the limits. From version 11 on consumers may read from any replica
//! (KIP-392); before that, and with a leader epoch that is not the current one, they are sent away. From version
//! 16 on the leader is named with its address (KIP-951).
//!
//! Deviations from Apache Kafka: there are no fetch sessions (KIP-227): a session is refused by the id 0, as by
//! a broker whose session cache is full, and later steps of a session get `FETCH_SESSION_ID_NOT_FOUND`.
//! No replica is ever preferred. There are no transactions, so everything is stable and nothing was aborted.
//! Requests of replicas are treated like those of consumers.

use super::log::Slice;
use super::state::{ClusterState, TopicKey};
use super::topic::Partition;
use alloc::collections::BTreeSet;
use alloc::vec::Vec;
use bytes::Bytes;
use client_core::ids::NodeId;
use client_core::protocol::{
    EpochEndOffset, ErrorCode, FetchPartition, FetchRequest, FetchResponse, FetchTopic,
    FetchableTopicResponse, PartitionData, Response,
};

impl ClusterState {
    /// The reply, if there is a reason to send it now; `due` is one.
    pub(crate) fn fetch(
        &self,
        node_id: NodeId,
        version: i16,
        request: &FetchRequest,
        due: bool,
    ) -> Option<Response> {
        if request.session_epoch > 0 {
            let error = ErrorCode::FetchSessionIdNotFound;
            let response = FetchResponse { error_code: error.code(), ..Default::default() };
            return Some(response.into());
        }
        let mut reading = Reading {
            node_id,
            version,
            committed_only: request.isolation_level == READ_COMMITTED,
            left: i64::from(request.max_bytes).min(self.config.limits.fetch_size_max as i64),
            bytes: 0,
            stop_waiting: request.topics.is_empty(),
            leaders: BTreeSet::new(),
            slices: Vec::new(),
        };
        let mut responses: Vec<FetchableTopicResponse> = request
            .topics
            .iter()
            .map(|topic| FetchableTopicResponse {
                topic: topic.topic.clone(),
                topic_id: topic.topic_id,
                partitions: topic
                    .partitions
                    .iter()
                    .map(|wanted| {
                        let (data, slice) = self.fetch_partition(&mut reading, topic, wanted);
                        reading.slices.push(slice);
                        data
                    })
                    .collect(),
            })
            .collect();
        let enough = i64::try_from(reading.bytes).is_ok_and(|bytes| bytes >= i64::from(request.min_bytes));
        if !due && !reading.stop_waiting && !enough {
            return None;
        }
        // Only now, for joining batches copies them, and a Fetch may wait for many small ones.
        let partitions = responses.iter_mut().flat_map(|topic| &mut topic.partitions);
        for (partition, slice) in partitions.zip(reading.slices) {
            partition.records = Some(slice.into_bytes());
        }
        let node_endpoints = self.endpoints(&reading.leaders);
        Some(FetchResponse { responses, node_endpoints, ..Default::default() }.into())
    }

    fn fetch_partition(
        &self,
        reading: &mut Reading,
        topic: &FetchTopic,
        wanted: &FetchPartition,
    ) -> (PartitionData, Slice) {
        let key = if reading.version >= BY_ID_SINCE {
            TopicKey::Id(topic.topic_id)
        } else {
            TopicKey::Name(&topic.topic)
        };
        let partition = self
            .topic(key)
            .and_then(|topic| topic.partition(wanted.partition).ok_or(ErrorCode::UnknownTopicOrPartition));
        let partition = match partition {
            Ok(partition) => partition,
            Err(error) => {
                reading.stop_waiting = true;
                return (failed_partition(wanted.partition, error), Slice::default());
            }
        };
        if let Err(error) = reading.allowed(partition, wanted) {
            return (reading.failed(wanted.partition, error, Some(partition)), Slice::default());
        }
        let Ok(limit) = usize::try_from(reading.left.min(i64::from(wanted.partition_max_bytes))) else {
            let failed = reading.failed(wanted.partition, ErrorCode::UnknownServerError, None);
            return (failed, Slice::default());
        };
        let log = &partition.log;
        let mut data = PartitionData {
            partition_index: wanted.partition,
            high_watermark: log.end_offset(),
            last_stable_offset: log.end_offset(),
            log_start_offset: log.start_offset(),
            aborted_transactions: reading.committed_only.then(Vec::new),
            ..Default::default()
        };
        match diverging(partition, wanted) {
            Ok(None) => {
                let slice = log.read(wanted.fetch_offset, limit, reading.bytes == 0);
                reading.take(&slice);
                (data, slice)
            }
            Ok(Some(diverging)) => {
                reading.stop_waiting = true;
                data.diverging_epoch = diverging;
                (data, Slice::default())
            }
            Err(error) => (reading.failed(wanted.partition, error, None), Slice::default()),
        }
    }
}

/// What one request has read so far.
struct Reading {
    node_id: NodeId,
    version: i16,
    committed_only: bool,
    /// Bytes that may still be read.
    left: i64,
    bytes: usize,
    /// Whether something was met that the client should hear of at once.
    stop_waiting: bool,
    /// Leaders that the reply names.
    leaders: BTreeSet<NodeId>,
    /// What was read, one for each partition of the request.
    slices: Vec<Slice>,
}

impl Reading {
    fn allowed(&self, partition: &Partition, wanted: &FetchPartition) -> Result<(), ErrorCode> {
        partition.check_epoch(wanted.current_leader_epoch)?;
        let leads = partition.leader == Some(self.node_id);
        let follows = partition.leader.is_some() && partition.in_sync.contains(&self.node_id);
        if !leads && (!follows || self.version < FROM_FOLLOWERS_SINCE) {
            return Err(ErrorCode::NotLeaderOrFollower);
        }
        let log = &partition.log;
        if !(log.start_offset()..=log.end_offset()).contains(&wanted.fetch_offset) {
            return Err(ErrorCode::OffsetOutOfRange);
        }
        Ok(())
    }

    fn take(&mut self, slice: &Slice) {
        self.bytes += slice.len();
        self.left = (self.left - slice.len() as i64).max(0);
    }

    fn failed(&mut self, index: i32, error: ErrorCode, partition: Option<&Partition>) -> PartitionData {
        self.stop_waiting = true;
        let mut data = PartitionData { aborted_transactions: None, ..failed_partition(index, error) };
        let moved = matches!(error, ErrorCode::NotLeaderOrFollower | ErrorCode::FencedLeaderEpoch);
        if let Some(partition) = partition.filter(|_| moved && self.version >= LEADER_SINCE) {
            self.leaders.extend(partition.leader);
            data.current_leader = partition.leader_id_and_epoch();
        }
        data
    }
}

/// Where the log has left the one that the client has read, if the client asks (KIP-320, KIP-595). An epoch of
/// the future leaves no offset to go on from.
fn diverging(partition: &Partition, wanted: &FetchPartition) -> Result<Option<EpochEndOffset>, ErrorCode> {
    if wanted.last_fetched_epoch < 0 {
        return Ok(None);
    }
    let end = partition.log.epoch_end(wanted.last_fetched_epoch);
    let (epoch, end_offset) = end.ok_or(ErrorCode::OffsetOutOfRange)?;
    let diverges = epoch < wanted.last_fetched_epoch || end_offset < wanted.fetch_offset;
    Ok(diverges.then_some(EpochEndOffset { epoch, end_offset }))
}

/// The answer when everything has failed with this error.
pub(crate) fn failed(version: i16, request: &FetchRequest, error: ErrorCode) -> Response {
    let responses = request.topics.iter().map(|topic| FetchableTopicResponse {
        topic: topic.topic.clone(),
        topic_id: topic.topic_id,
        partitions: topic.partitions.iter().map(|wanted| failed_partition(wanted.partition, error)).collect(),
    });
    // An error of a session stands for the whole reply, the others stand with each partition.
    let whole = matches!(
        error,
        ErrorCode::FetchSessionIdNotFound
            | ErrorCode::InvalidFetchSessionEpoch
            | ErrorCode::FetchSessionTopicIdError
    ) && version >= ERROR_SINCE;
    if whole {
        FetchResponse { error_code: error.code(), ..Default::default() }.into()
    } else {
        FetchResponse { responses: responses.collect(), ..Default::default() }.into()
    }
}

fn failed_partition(partition_index: i32, error: ErrorCode) -> PartitionData {
    PartitionData {
        partition_index,
        error_code: error.code(),
        high_watermark: -1,
        aborted_transactions: Some(Vec::new()),
        records: Some(Bytes::new()),
        ..Default::default()
    }
}

/// The isolation level that hides records of transactions which are open or aborted.
const READ_COMMITTED: i8 = 1;
/// The first version with an error for the whole reply.
const ERROR_SINCE: i16 = 7;
/// The first version in which consumers may read from followers.
const FROM_FOLLOWERS_SINCE: i16 = 11;
/// The first version that names topics by id.
const BY_ID_SINCE: i16 = 13;
/// The first version that names the leader.
const LEADER_SINCE: i16 = 16;
