//! InitProducerId, versions 0 to 5.
//!
//! Without a transactional id every request gets a new producer id with epoch 0, also one that names an id to
//! keep. With one, its coordinator gives the same producer id each time with an epoch one higher, which
//! fences the producer before; a request that names an older epoch is fenced itself, unless it repeats the one
//! before, whose reply may be lost (KIP-360).
//!
//! Deviations from Apache Kafka: ids rise by one over all nodes, without blocks per node. Nothing is ever
//! "loading". A transactional id is never forgotten, and there is nothing to abort.

use super::digest::Feed;
use super::state::ClusterState;
use crate::digest::Digest;
use alloc::collections::BTreeMap;
use alloc::string::String;
use client_core::ids::NodeId;
use client_core::protocol::{ErrorCode, InitProducerIdRequest, InitProducerIdResponse, Response};

/// The producer ids given out.
#[derive(Clone, Debug, Default)]
pub(crate) struct ProducerIds {
    next: i64,
    transactional: BTreeMap<String, Producer>,
}

/// A producer id and its epoch.
#[derive(Clone, Copy, Debug)]
struct Producer {
    id: i64,
    epoch: i16,
    /// The epoch that the last request named to get this one, or -1.
    named_epoch: i16,
}

impl ProducerIds {
    const fn new_producer(&mut self) -> Producer {
        let id = self.next;
        self.next += 1;
        Producer { id, epoch: 0, named_epoch: -1 }
    }

    pub(crate) fn digest(&self, into: &mut Digest) {
        into.feed_i64(self.next);
        into.feed_u64(self.transactional.len() as u64);
        for (transactional_id, producer) in &self.transactional {
            into.feed_sized(transactional_id.as_bytes());
            into.feed_i64(producer.id);
            into.feed_i64(i64::from(producer.epoch));
            into.feed_i64(i64::from(producer.named_epoch));
        }
    }
}

impl ClusterState {
    pub(crate) fn init_producer_id(
        &mut self,
        node_id: NodeId,
        version: i16,
        request: &InitProducerIdRequest,
    ) -> Response {
        match self.give_producer_id(node_id, version, request) {
            Ok(producer) => InitProducerIdResponse {
                producer_id: producer.id,
                producer_epoch: producer.epoch,
                ..Default::default()
            }
            .into(),
            Err(error) => failed(error),
        }
    }

    fn give_producer_id(
        &mut self,
        node_id: NodeId,
        version: i16,
        request: &InitProducerIdRequest,
    ) -> Result<Producer, ErrorCode> {
        if (request.producer_id == -1) != (request.producer_epoch == -1) {
            return Err(ErrorCode::InvalidRequest);
        }
        let Some(transactional_id) = &request.transactional_id else {
            return Ok(self.producer_ids.new_producer());
        };
        if transactional_id.is_empty() {
            return Err(ErrorCode::InvalidRequest);
        }
        if !(1..=TRANSACTION_TIMEOUT_MS_MAX).contains(&request.transaction_timeout_ms) {
            return Err(ErrorCode::InvalidTransactionTimeout);
        }
        if self.coordinator(transactional_id).map(|node| node.config.node_id) != Some(node_id) {
            return Err(ErrorCode::NotCoordinator);
        }
        let known = self.producer_ids.transactional.get(transactional_id).copied();
        if known.is_none()
            && self.producer_ids.transactional.len() >= self.config.limits.transactional_ids_max
        {
            return Err(ErrorCode::PolicyViolation);
        }
        let current = match known {
            None => self.producer_ids.new_producer(),
            Some(known) => self.next_epoch(known, version, request)?,
        };
        self.producer_ids.transactional.insert(transactional_id.clone(), current);
        Ok(current)
    }

    fn next_epoch(
        &mut self,
        known: Producer,
        version: i16,
        request: &InitProducerIdRequest,
    ) -> Result<Producer, ErrorCode> {
        let named = (request.producer_id, request.producer_epoch);
        if named.0 != -1 && named == (known.id, known.named_epoch) {
            return Ok(known);
        }
        if named.0 != -1 && named != (known.id, known.epoch) {
            let fenced = version >= FENCED_SINCE;
            return Err(if fenced { ErrorCode::ProducerFenced } else { ErrorCode::InvalidProducerEpoch });
        }
        if known.epoch >= EPOCH_MAX {
            return Ok(self.producer_ids.new_producer());
        }
        Ok(Producer { id: known.id, epoch: known.epoch + 1, named_epoch: named.1 })
    }
}

/// The answer when everything has failed with this error.
pub(crate) fn failed(error: ErrorCode) -> Response {
    InitProducerIdResponse { error_code: error.code(), producer_epoch: -1, ..Default::default() }.into()
}

/// The first version that knows `PRODUCER_FENCED`.
const FENCED_SINCE: i16 = 4;
/// `transaction.max.timeout.ms`.
const TRANSACTION_TIMEOUT_MS_MAX: i32 = 900_000;
/// The last epoch of a producer id; the one above it is kept for fencing.
const EPOCH_MAX: i16 = i16::MAX - 1;
