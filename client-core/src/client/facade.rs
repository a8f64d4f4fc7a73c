//! What applications may ask of a producer, a consumer and an admin client. Short-lived: made for one moment, then dropped.

use crate::admin::AdminState;
use crate::compression::Compression;
use crate::consumer::{AssignOutcome, ConsumerState, FetchedBatch, StartOffset};
use crate::cx::Cx;
use crate::error::Error;
use crate::ids::{OperationId, RecordId, TopicPartition};
use crate::io::{AdminCommand, OffsetSpec};
use crate::lifecycle::{Lifecycle, LifecycleState};
use crate::producer::{ProducerState, Record};
use crate::time::Duration;
use alloc::vec::Vec;

/// The commands of a producer.
#[derive(Debug)]
pub struct Producer<'a> {
    state: &'a mut ProducerState,
    lifecycle: &'a Lifecycle,
    cx: &'a mut Cx,
    compression: Option<Compression>,
}

impl<'a> Producer<'a> {
    pub(super) const fn new(state: &'a mut ProducerState, lifecycle: &'a Lifecycle, cx: &'a mut Cx) -> Self {
        Self { state, lifecycle, cx, compression: None }
    }

    /// What is sent from here on is compressed in this way, and with `None` as configured. Records of one batch are compressed alike:
    /// one that is to be compressed in another way than those before it begins a new batch.
    pub const fn set_compression(&mut self, compression: Option<Compression>) {
        self.compression = compression;
    }

    /// Takes a record to send. Its end comes as [`Event::Delivered`](crate::io::Event::Delivered) with the number returned.
    ///
    /// # Errors
    /// With an error nothing was taken: [`Error::NotStarted`], [`Error::BufferFull`] (wait for [`writable`](Self::writable)),
    /// [`Error::RecordTooLarge`], [`Error::InvalidArgument`], or the error that has finished the client.
    pub fn send(&mut self, record: &Record<'_>) -> Result<RecordId, Error> {
        if self.lifecycle.state() == LifecycleState::Fenced {
            return Err(self.lifecycle.fatal_error());
        }
        self.state.send(record, self.compression, self.cx)
    }

    /// Ends when everything accepted so far has ended, well or not. What lingers goes out now. On a client that is finished for
    /// good it fails (LC13).
    pub fn flush(&mut self, timeout: Option<Duration>) -> OperationId {
        if self.lifecycle.state() == LifecycleState::Fenced {
            let operation = self.cx.begin_operation();
            self.cx.complete(operation, Err(self.lifecycle.fatal_error()));
            return operation;
        }
        self.state.flush(timeout, self.cx)
    }

    /// How many bytes of records have been accepted and have not ended.
    #[must_use]
    pub const fn buffered_bytes(&self) -> usize {
        self.state.buffered_bytes()
    }

    /// `None` when there is room for more records; else an operation that ends when there is.
    pub fn writable(&mut self) -> Option<OperationId> {
        self.state.writable(self.cx)
    }
}

/// The commands of a consumer.
#[derive(Debug)]
pub struct Consumer<'a> {
    state: &'a mut ConsumerState,
    lifecycle: &'a Lifecycle,
    cx: &'a mut Cx,
}

impl<'a> Consumer<'a> {
    pub(super) const fn new(state: &'a mut ConsumerState, lifecycle: &'a Lifecycle, cx: &'a mut Cx) -> Self {
        Self { state, lifecycle, cx }
    }

    /// Names exactly the partitions to read, in place of those named before. Works before and after a start. A partition that
    /// is named with [`StartOffset::Default`] and was assigned already keeps its position, pause and buffer (AS3).
    ///
    /// # Errors
    /// [`Error::InvalidArgument`], with nothing changed.
    pub fn assign(&mut self, partitions: &[(TopicPartition, StartOffset)]) -> Result<AssignOutcome, Error> {
        self.check_usable()?;
        self.state.assign(partitions, self.cx)
    }

    /// The partitions named by the last [`assign`](Self::assign).
    #[must_use]
    pub fn assignment(&self) -> Vec<TopicPartition> {
        self.state.assignment()
    }

    /// The offset of the next record of the partition, `None` while it is not known or the partition is not assigned.
    #[must_use]
    pub fn position(&self, partition: &TopicPartition) -> Option<i64> {
        self.state.position(partition)
    }

    /// The end of what all replicas in sync have, as the last fetch said.
    #[must_use]
    pub fn high_watermark(&self, partition: &TopicPartition) -> Option<i64> {
        self.state.high_watermark(partition)
    }

    /// Goes on at another place. What was fetched for the old place is dropped.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] when the partition is not assigned or the offset is negative.
    pub fn seek(&mut self, partition: &TopicPartition, to: StartOffset) -> Result<(), Error> {
        self.check_usable()?;
        self.state.seek(partition, to)
    }

    /// Delivers nothing of these partitions until [`resume`](Self::resume). What was fetched is kept.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] when one of them is not assigned; then none is paused.
    pub fn pause(&mut self, partitions: &[TopicPartition]) -> Result<(), Error> {
        self.check_usable()?;
        self.state.set_paused(partitions, true, self.cx)
    }

    /// Delivers these partitions again.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] when one of them is not assigned; then none is resumed.
    pub fn resume(&mut self, partitions: &[TopicPartition]) -> Result<(), Error> {
        self.check_usable()?;
        self.state.set_paused(partitions, false, self.cx)
    }

    /// Whether the partition is paused.
    #[must_use]
    pub fn is_paused(&self, partition: &TopicPartition) -> bool {
        self.state.is_paused(partition)
    }

    /// The next batch that has been fetched, decompressed. Taking it moves the position past it and lets the next fetch go out.
    ///
    /// A batch that cannot be decompressed halts its partition, as a
    /// [`PartitionError`](crate::io::Event::PartitionError) with [`Error::CorruptData`] says.
    pub fn take(&mut self) -> Option<FetchedBatch> {
        self.state.take(self.cx)
    }

    /// Looks offsets up; ends in [`Completion::Offsets`](crate::io::Completion::Offsets), in the order asked.
    ///
    /// # Errors
    /// [`Error::NotStarted`], or [`Error::InvalidArgument`] when nothing is asked.
    pub fn list_offsets(
        &mut self,
        partitions: &[(TopicPartition, OffsetSpec)],
        timeout: Option<Duration>,
    ) -> Result<OperationId, Error> {
        self.lifecycle.check_running("listing offsets")?;
        self.state.list_offsets(partitions, timeout, self.cx)
    }

    fn check_usable(&self) -> Result<(), Error> {
        match self.lifecycle.state() {
            LifecycleState::Fenced => Err(self.lifecycle.fatal_error()),
            LifecycleState::Idle
            | LifecycleState::Starting
            | LifecycleState::Started
            | LifecycleState::Stopping => Ok(()),
        }
    }
}

/// The commands of an admin client.
#[derive(Debug)]
pub struct Admin<'a> {
    state: &'a mut AdminState,
    lifecycle: &'a Lifecycle,
    cx: &'a mut Cx,
}

impl<'a> Admin<'a> {
    pub(super) const fn new(state: &'a mut AdminState, lifecycle: &'a Lifecycle, cx: &'a mut Cx) -> Self {
        Self { state, lifecycle, cx }
    }

    /// Has something done. Ends in [`Completion::Admin`](crate::io::Completion::Admin) with what became of each part, at the latest after
    /// `timeout` (without one, after `default_api_timeout`): what has not ended then has failed with [`Error::Timeout`].
    ///
    /// Errors that may pass are retried until then. So is a request whose reply got lost, though it may have been carried out: to create a
    /// topic may then end with `TOPIC_ALREADY_EXISTS`, and to delete one with `UNKNOWN_TOPIC_OR_PARTITION`, as with Java's client.
    ///
    /// # Errors
    /// [`Error::NotStarted`], [`Error::InvalidArgument`], or the error that has finished the client.
    pub fn request(
        &mut self,
        command: AdminCommand,
        timeout: Option<Duration>,
    ) -> Result<OperationId, Error> {
        self.lifecycle.check_running(command.name())?;
        self.state.request(command, timeout, self.cx)
    }
}
