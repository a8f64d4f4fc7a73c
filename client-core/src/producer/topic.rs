//! One topic as the producer sees it: its partitions' queues, and records that wait until the partitions are known.

use super::partitioner::Chooser;
use super::queue::{BatchLimits, PartitionQueue, Payload};
use crate::compression::Compression;
use crate::error::Error;
use crate::ids::{RecordId, TopicName};
use crate::protocol::record_batch::RecordHeader;
use crate::time::Instant;
use alloc::collections::VecDeque;
use alloc::vec::Vec;

/// One topic as the producer sees it.
#[derive(Clone, Debug)]
pub(crate) struct Topic {
    pub(crate) name: TopicName,
    /// Whether metadata has been asked to tell about it.
    pub(crate) announced: bool,
    /// Why metadata tells nothing about it.
    pub(crate) error: Option<Error>,
    pub(crate) waiting: VecDeque<Waiting>,
    partitions: Vec<PartitionQueue>,
    /// Whether each partition has a leader now.
    available: Vec<bool>,
    chooser: Chooser,
}

/// A record that waits for its topic's metadata.
#[derive(Clone, Debug)]
pub(crate) struct Waiting {
    pub(crate) id: RecordId,
    pub(crate) partition: Option<i32>,
    key: Option<Vec<u8>>,
    value: Option<Vec<u8>>,
    headers: Vec<(Vec<u8>, Option<Vec<u8>>)>,
    timestamp: i64,
    compression: Compression,
    pub(crate) size: usize,
    pub(crate) deadline: Instant,
    pub(crate) flush_epoch: u32,
    pub(crate) accepted_at: Instant,
}

impl Topic {
    pub(crate) const fn new(name: TopicName, chooser: Chooser) -> Self {
        Self {
            name,
            announced: false,
            error: None,
            waiting: VecDeque::new(),
            partitions: Vec::new(),
            available: Vec::new(),
            chooser,
        }
    }

    /// Whether its partitions are known.
    pub(crate) const fn is_known(&self) -> bool {
        !self.partitions.is_empty()
    }

    pub(crate) fn partition_count(&self) -> u32 {
        u32::try_from(self.partitions.len()).unwrap_or(u32::MAX)
    }

    /// Takes over how many partitions there are, and which have a leader. Topics grow; they do not shrink.
    pub(crate) fn set_partitions(&mut self, available: Vec<bool>) {
        if available.len() > self.partitions.len() {
            self.partitions.resize_with(available.len(), PartitionQueue::default);
        }
        self.available = available;
    }

    pub(crate) fn queue(&self, partition: i32) -> Option<&PartitionQueue> {
        self.partitions.get(usize::try_from(partition).ok()?)
    }

    pub(crate) fn queue_mut(&mut self, partition: i32) -> Option<&mut PartitionQueue> {
        self.partitions.get_mut(usize::try_from(partition).ok()?)
    }

    /// Adds a record to a batch. Returns the partition, and whether a new batch was begun.
    pub(crate) fn append(
        &mut self,
        partition: Option<i32>,
        id: RecordId,
        payload: &Payload<'_>,
        limits: &BatchLimits,
    ) -> (i32, bool) {
        let count = self.partition_count();
        let available = &self.available;
        let partition = partition.unwrap_or_else(|| {
            self.chooser.choose(payload.key, payload.size, count, limits.batch_size, |partition| {
                usize::try_from(partition)
                    .is_ok_and(|partition| available.get(partition).copied().unwrap_or(false))
            })
        });
        let begun = self.queue_mut(partition).is_some_and(|queue| queue.append(id, payload, limits));
        (partition, begun)
    }

    pub(crate) fn forget_identities(&mut self) {
        for queue in &mut self.partitions {
            queue.forget_identity();
        }
    }
}

impl Waiting {
    pub(crate) fn new(
        id: RecordId,
        partition: Option<i32>,
        payload: &Payload<'_>,
        deadline: Instant,
        flush_epoch: u32,
        accepted_at: Instant,
    ) -> Self {
        let headers = payload.headers.iter().map(|it| (it.key.to_vec(), it.value.map(<[u8]>::to_vec)));
        Self {
            id,
            partition,
            key: payload.key.map(<[u8]>::to_vec),
            value: payload.value.map(<[u8]>::to_vec),
            headers: headers.collect(),
            timestamp: payload.timestamp,
            compression: payload.compression,
            size: payload.size,
            deadline,
            flush_epoch,
            accepted_at,
        }
    }

    /// Calls `append` with the record's bytes.
    pub(crate) fn with_payload<R>(&self, append: impl FnOnce(&Payload<'_>) -> R) -> R {
        let headers: Vec<RecordHeader<'_>> = self
            .headers
            .iter()
            .map(|(key, value)| RecordHeader { key: key.as_slice(), value: value.as_deref() })
            .collect();
        append(&Payload {
            key: self.key.as_deref(),
            value: self.value.as_deref(),
            headers: &headers,
            timestamp: self.timestamp,
            compression: self.compression,
            size: self.size,
        })
    }
}
