//! ListOffsets, versions 1 to 11.
//!
//! The end of the log (-1), its start (-2), the record with the latest timestamp (-3), the start of the local
//! log (-4), the last tiered offset (-5), the earliest offset still to be tiered (-6), and the first record that
//! is not older than a timestamp. A special timestamp that the version does not have is answered with
//! `UNSUPPORTED_VERSION`, a partition named twice, once, with `INVALID_REQUEST`.
//!
//! Deviations from Apache Kafka: there is no remote storage, so nothing is tiered, and -5 and -6 find no offset.

use super::log::FoundRecord;
use super::state::{ClusterState, TopicKey};
use super::topic::Partition;
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;
use client_core::ids::NodeId;
use client_core::protocol::{
    ErrorCode, ListOffsetsPartition, ListOffsetsPartitionResponse, ListOffsetsRequest, ListOffsetsResponse,
    ListOffsetsTopicResponse, Response,
};

impl ClusterState {
    pub(crate) fn list_offsets(
        &self,
        node_id: NodeId,
        version: i16,
        request: &ListOffsetsRequest,
    ) -> Response {
        let mut times_named = BTreeMap::new();
        for topic in &request.topics {
            for wanted in &topic.partitions {
                *times_named.entry((topic.name.as_str(), wanted.partition_index)).or_insert(0) += 1;
            }
        }
        let look_up = |topic: &str, wanted: &ListOffsetsPartition| {
            let found = if times_named.get(&(topic, wanted.partition_index)) == Some(&1) {
                self.look_up(node_id, version, topic, wanted)
            } else {
                Err(ErrorCode::InvalidRequest)
            };
            match found {
                Ok(found) => ListOffsetsPartitionResponse {
                    partition_index: wanted.partition_index,
                    error_code: 0,
                    timestamp: found.timestamp,
                    offset: found.offset,
                    leader_epoch: if version >= EPOCH_SINCE { found.leader_epoch } else { -1 },
                },
                Err(error) => failed_partition(wanted.partition_index, error),
            }
        };
        respond(request, look_up)
    }

    fn look_up(
        &self,
        node_id: NodeId,
        version: i16,
        topic: &str,
        wanted: &ListOffsetsPartition,
    ) -> Result<FoundRecord, ErrorCode> {
        let since = match wanted.timestamp {
            0.. | LATEST | EARLIEST => 0,
            MAX_TIMESTAMP => 7,
            EARLIEST_LOCAL => 8,
            LATEST_TIERED => 9,
            EARLIEST_PENDING_UPLOAD => 11,
            _ => i16::MAX,
        };
        if version < since {
            return Err(ErrorCode::UnsupportedVersion);
        }
        let topic = self.topic(TopicKey::Name(topic))?;
        let partition = topic.partition(wanted.partition_index).ok_or(ErrorCode::UnknownTopicOrPartition)?;
        partition.check_epoch(wanted.current_leader_epoch)?;
        if partition.leader != Some(node_id) {
            return Err(ErrorCode::NotLeaderOrFollower);
        }
        Ok(find(partition, wanted.timestamp))
    }
}

fn find(partition: &Partition, timestamp: i64) -> FoundRecord {
    let log = &partition.log;
    let at = |offset, leader_epoch| FoundRecord { offset, timestamp: -1, leader_epoch };
    match timestamp {
        LATEST => at(log.end_offset(), partition.leader_epoch),
        EARLIEST | EARLIEST_LOCAL => {
            let start = log.start_offset();
            at(start, log.epoch_at(start).unwrap_or(partition.leader_epoch))
        }
        MAX_TIMESTAMP => log.find_latest_timestamp().unwrap_or_else(|| at(-1, -1)),
        0.. => log.find_timestamp(timestamp).unwrap_or_else(|| at(-1, -1)),
        _ => at(-1, -1),
    }
}

/// The answer when everything has failed with this error.
pub(crate) fn failed(request: &ListOffsetsRequest, error: ErrorCode) -> Response {
    respond(request, |_, wanted| failed_partition(wanted.partition_index, error))
}

fn respond(
    request: &ListOffsetsRequest,
    look_up: impl Fn(&str, &ListOffsetsPartition) -> ListOffsetsPartitionResponse,
) -> Response {
    let topics: Vec<ListOffsetsTopicResponse> = request
        .topics
        .iter()
        .map(|topic| ListOffsetsTopicResponse {
            name: topic.name.clone(),
            partitions: {
                // A partition that is named twice is answered once.
                let mut seen = BTreeSet::new();
                let wanted = topic.partitions.iter().filter(|wanted| seen.insert(wanted.partition_index));
                wanted.map(|wanted| look_up(&topic.name, wanted)).collect()
            },
        })
        .collect();
    ListOffsetsResponse { topics, ..Default::default() }.into()
}

fn failed_partition(partition_index: i32, error: ErrorCode) -> ListOffsetsPartitionResponse {
    ListOffsetsPartitionResponse { partition_index, error_code: error.code(), ..Default::default() }
}

const LATEST: i64 = -1;
const EARLIEST: i64 = -2;
const MAX_TIMESTAMP: i64 = -3;
const EARLIEST_LOCAL: i64 = -4;
const LATEST_TIERED: i64 = -5;
const EARLIEST_PENDING_UPLOAD: i64 = -6;
/// The first version with leader epochs.
const EPOCH_SINCE: i16 = 4;
