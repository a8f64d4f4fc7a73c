//! Produce, versions 3 to 13.
//!
//! Checks batches as Kafka does (batch.rs) and the sequence of idempotent producers (producer_state.rs). With
//! `acks` 0 nothing is answered; if something went wrong then, the link is closed. From version 10 on a node
//! that does not lead names the leader and its address (KIP-951). The reply to a repeated batch carries the latest
//! timestamp of its records as if it were an append time, as Kafka's does.
//!
//! Deviations from Apache Kafka: `acks` 1 and -1 are the same, since replicas are always in sync, and no
//! `min.insync.replicas` is enforced. Transactions are not there yet: a transactional batch is answered with
//! `INVALID_TXN_STATE`. Every error says in words what was wrong; Kafka does so only for some. Timestamps in the
//! future are accepted, for the cluster does not know the time of day. Leaders always have all their records,
//! so an append never times out. Records that are null are refused; Kafka never answers them.

use super::batch::{self, Refusal};
use super::producer_state::Sequence;
use super::state::{Answer, ClusterState, TopicKey};
use alloc::collections::BTreeSet;
use alloc::format;
use alloc::vec::Vec;
use client_core::ids::NodeId;
use client_core::protocol::{
    ErrorCode, PartitionProduceData, PartitionProduceResponse, ProduceRequest, ProduceResponse, Response,
    TopicProduceData, TopicProduceResponse,
};

impl ClusterState {
    pub(crate) fn produce(&mut self, node_id: NodeId, version: i16, request: &ProduceRequest) -> Answer {
        let mut leaders = BTreeSet::new();
        let responses: Vec<TopicProduceResponse> = request
            .topic_data
            .iter()
            .map(|topic| TopicProduceResponse {
                name: topic.name.clone(),
                topic_id: topic.topic_id,
                partition_responses: topic
                    .partition_data
                    .iter()
                    .map(|data| {
                        let append = Append { node_id, version, acks: request.acks, topic, data };
                        let result = self.append(&append);
                        self.partition_response(&append, result, &mut leaders)
                    })
                    .collect(),
            })
            .collect();
        if request.acks == 0 {
            let partitions = responses.iter().flat_map(|topic| &topic.partition_responses);
            let error = partitions.map(|partition| partition.error_code).find(|&code| code != 0);
            return error.map_or(Answer::Nothing, |code| Answer::Close(ErrorCode::from_code(code)));
        }
        let node_endpoints = self.endpoints(&leaders);
        Answer::Reply(ProduceResponse { responses, throttle_time_ms: 0, node_endpoints }.into())
    }

    /// Appends one batch. The checks come in Kafka's order.
    fn append(&mut self, append: &Append<'_>) -> Result<Appended, Refused> {
        let &Append { node_id, version, acks, data, .. } = append;
        let limits = self.config.limits;
        let records = data.records.as_deref().unwrap_or_default();
        let found = self.topic(append.topic_key());
        let name = found.map_err(|code| Refusal::new(code, code.description()))?.name.clone();
        let Some(partition) = self.topics.partition_mut(&name, data.index) else {
            let message = format!("topic {name} has no partition {}", data.index);
            return Err(Refusal::new(ErrorCode::UnknownTopicOrPartition, message).into());
        };
        let header = batch::check_envelope(records, version)?;
        if !matches!(acks, -1..=1) {
            let message = format!("expected acks of -1, 0 or 1, got {acks}");
            return Err(Refusal::new(ErrorCode::InvalidRequiredAcks, message).into());
        }
        if partition.leader != Some(node_id) {
            let message = format!("{node_id} does not lead {name}-{}", data.index);
            return Err(Refusal::new(ErrorCode::NotLeaderOrFollower, message).into());
        }
        if header.transactional() {
            let message = "expected a batch outside of transactions, which this cluster does not have yet";
            return Err(Refusal::new(ErrorCode::InvalidTxnState, message).into());
        }
        batch::check_bytes(records, &header, limits.batch_size_max)?;
        let log_start_offset = partition.log.start_offset();
        let refused = |refusal| Refused { refusal, log_start_offset };
        let max_timestamp = batch::check_content(records, &header).map_err(refused)?;
        match partition.producers.check(&header).map_err(refused)? {
            Sequence::Duplicate { base_offset, max_timestamp } => {
                Ok(Appended { base_offset, log_append_time_ms: max_timestamp, log_start_offset })
            }
            Sequence::Next => {
                let epoch = partition.leader_epoch;
                let base_offset = partition.log.append(records, &header, epoch, max_timestamp);
                partition.producers.appended(&header, base_offset, max_timestamp, limits.producers_max);
                partition.log.retain(limits.partition_size_max);
                self.changed = true;
                Ok(Appended { base_offset, log_append_time_ms: -1, log_start_offset })
            }
        }
    }

    fn partition_response(
        &self,
        append: &Append<'_>,
        result: Result<Appended, Refused>,
        leaders: &mut BTreeSet<NodeId>,
    ) -> PartitionProduceResponse {
        let index = append.data.index;
        let Refused { refusal, log_start_offset } = match result {
            Ok(Appended { base_offset, log_append_time_ms, log_start_offset }) => {
                return PartitionProduceResponse {
                    index,
                    base_offset,
                    log_append_time_ms,
                    log_start_offset,
                    ..Default::default()
                };
            }
            Err(refused) => refused,
        };
        let mut response = failed_partition(index, refusal.code);
        response.log_start_offset = log_start_offset;
        response.error_message = Some(refusal.message);
        if refusal.code == ErrorCode::NotLeaderOrFollower
            && append.version >= LEADER_SINCE
            && let Ok(topic) = self.topic(append.topic_key())
            && let Some(partition) = topic.partition(index)
        {
            leaders.extend(partition.leader);
            response.current_leader = partition.leader_id_and_epoch();
        }
        response
    }
}

/// Where a batch is in the log.
struct Appended {
    base_offset: i64,
    log_append_time_ms: i64,
    log_start_offset: i64,
}

/// Why a batch is not in the log.
struct Refused {
    refusal: Refusal,
    /// Told only when it was the log that refused; else -1.
    log_start_offset: i64,
}

impl From<Refusal> for Refused {
    fn from(refusal: Refusal) -> Self {
        Self { refusal, log_start_offset: -1 }
    }
}

/// One batch of a request, with what the request says about it.
#[derive(Clone, Copy)]
struct Append<'a> {
    node_id: NodeId,
    version: i16,
    acks: i16,
    topic: &'a TopicProduceData,
    data: &'a PartitionProduceData,
}

impl<'a> Append<'a> {
    fn topic_key(&self) -> TopicKey<'a> {
        if self.version >= BY_ID_SINCE {
            TopicKey::Id(self.topic.topic_id)
        } else {
            TopicKey::Name(&self.topic.name)
        }
    }
}

/// The answer when everything has failed with this error.
pub(crate) fn failed(request: &ProduceRequest, error: ErrorCode) -> Answer {
    if request.acks == 0 {
        return Answer::Close(error);
    }
    let responses = request.topic_data.iter().map(|topic| TopicProduceResponse {
        name: topic.name.clone(),
        topic_id: topic.topic_id,
        partition_responses: topic
            .partition_data
            .iter()
            .map(|data| failed_partition(data.index, error))
            .collect(),
    });
    let response = ProduceResponse { responses: responses.collect(), ..Default::default() };
    Answer::Reply(Response::from(response))
}

fn failed_partition(index: i32, error: ErrorCode) -> PartitionProduceResponse {
    PartitionProduceResponse { index, error_code: error.code(), base_offset: -1, ..Default::default() }
}

/// The first version that names topics by id.
const BY_ID_SINCE: i16 = 13;
/// The first version that names the leader.
const LEADER_SINCE: i16 = 10;
