//! The application's commands, except records. Each only tells the client; the next `drain` carries it out. Operations
//! are numbers, and end in one `completed` event each. Time limits are milliseconds, absent for none.

use super::{ClientHandle, errors};
use client_core::{
    AssignOutcome, Client, Duration, Error, Instant, LifecycleState, OperationId, StartOffset, StartOptions,
    StopOptions, TopicPartition,
};
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;

#[wasm_bindgen]
impl ClientHandle {
    /// Starts the client, or joins the start under way. Returns the operation.
    pub fn start(&self, timeout_millis: Option<f64>) -> f64 {
        let timeout = timeout_millis.map(duration);
        number(self.driver.stage(|client, now| client.start(now, StartOptions { timeout }).operation))
    }

    /// Flushes and stops the client, or joins the stop under way. Returns the operation.
    pub fn stop(&self, timeout_millis: Option<f64>) -> f64 {
        let timeout = timeout_millis.map(duration);
        number(self.driver.stage(|client, now| client.stop(now, StopOptions { timeout })))
    }

    /// Gives up waiting for an operation. It ends with an `AbortError`.
    pub fn cancel(&self, operation: f64) {
        self.driver.stage(|client, now| client.cancel(now, OperationId(operation as u64)));
    }

    /// `idle`, `starting`, `started`, `stopping` or `fenced`.
    pub fn state(&self) -> String {
        let state = self.driver.look(Client::lifecycle);
        match state {
            LifecycleState::Idle => "idle",
            LifecycleState::Starting => "starting",
            LifecycleState::Started => "started",
            LifecycleState::Stopping => "stopping",
            LifecycleState::Fenced => "fenced",
        }
        .into()
    }

    /// Waits until all records accepted so far have ended. Returns the operation.
    ///
    /// # Errors
    /// An error object when this is no producer.
    pub fn flush(&self, timeout_millis: Option<f64>) -> Result<f64, JsValue> {
        self.operation(|client, now| Ok(client.producer(now)?.flush(timeout_millis.map(duration))))
    }

    /// Waits for room in the producer's buffer. Returns the operation, or nothing when there is room.
    ///
    /// # Errors
    /// An error object when this is no producer.
    pub fn writable(&self) -> Result<Option<f64>, JsValue> {
        self.command(|client, now| Ok(client.producer(now)?.writable().map(number)))
    }

    /// How many bytes of records have not ended.
    ///
    /// # Errors
    /// An error object when this is no producer.
    #[wasm_bindgen(js_name = bufferedBytes)]
    pub fn buffered_bytes(&self) -> Result<f64, JsValue> {
        self.command(|client, now| Ok(client.producer(now)?.buffered_bytes() as f64))
    }

    /// Reads exactly these partitions from now on (a list of `PLACE_WORDS`). Returns whether anything changed.
    ///
    /// # Errors
    /// An error object when this is no consumer, or a partition cannot be assigned.
    pub fn assign(&self, list: &[i32]) -> Result<bool, JsValue> {
        let places = self.places(list)?;
        let wanted: Vec<_> = places
            .into_iter()
            .map(|place| (place.partition, start_offset(place.kind, place.value)))
            .collect();
        self.command(|client, now| {
            let outcome = client.consumer(now)?.assign(&wanted)?;
            Ok(!matches!(outcome, AssignOutcome::Unchanged))
        })
    }

    /// The name behind a topic's number.
    #[wasm_bindgen(js_name = topicName)]
    pub fn topic_name(&self, topic: u32) -> Option<String> {
        self.topics.borrow().name(topic).map(|name| name.as_str().to_owned())
    }

    /// The offset of the next record to be taken, if it is known already.
    ///
    /// # Errors
    /// An error object when this is no consumer.
    pub fn position(&self, topic: u32, partition: i32) -> Result<Option<i64>, JsValue> {
        let partition = self.partition(topic, partition).map_err(|error| errors::to_object(&error))?;
        self.command(|client, now| Ok(client.consumer(now)?.position(&partition)))
    }

    /// Goes on reading elsewhere.
    ///
    /// # Errors
    /// An error object when the partition is not assigned.
    pub fn seek(&self, topic: u32, partition: i32, kind: i32, offset: i64) -> Result<(), JsValue> {
        let partition = self.partition(topic, partition).map_err(|error| errors::to_object(&error))?;
        self.command(|client, now| client.consumer(now)?.seek(&partition, start_offset(kind, offset)))
    }

    /// Stops reading these partitions (a list of `PLACE_WORDS`), or goes on.
    ///
    /// # Errors
    /// An error object when a partition is not assigned.
    #[wasm_bindgen(js_name = setPaused)]
    pub fn set_paused(&self, list: &[i32], paused: bool) -> Result<(), JsValue> {
        let partitions: Vec<_> = self.places(list)?.into_iter().map(|place| place.partition).collect();
        self.command(|client, now| {
            let mut consumer = client.consumer(now)?;
            if paused { consumer.pause(&partitions) } else { consumer.resume(&partitions) }
        })
    }

    fn command<T>(
        &self,
        command: impl FnOnce(&mut Client, Instant) -> Result<T, Error>,
    ) -> Result<T, JsValue> {
        self.driver.stage(command).map_err(|error| errors::to_object(&error))
    }

    pub(super) fn operation(
        &self,
        command: impl FnOnce(&mut Client, Instant) -> Result<OperationId, Error>,
    ) -> Result<f64, JsValue> {
        self.command(command).map(number)
    }

    fn partition(&self, topic: u32, partition: i32) -> Result<TopicPartition, Error> {
        let topics = self.topics.borrow();
        let topic =
            topics.name(topic).ok_or_else(|| Error::Internal(format!("there is no topic number {topic}")))?;
        Ok(TopicPartition::new(topic.clone(), partition))
    }

    fn places(&self, list: &[i32]) -> Result<Vec<Place>, JsValue> {
        let (places, _) = list.as_chunks::<PLACE_WORDS>();
        let place = |[topic, partition, kind, low, high]: &[i32; PLACE_WORDS]| {
            let value = i64::from(*high) << 32 | i64::from(*low as u32);
            Ok(Place { partition: self.partition(*topic as u32, *partition)?, kind: *kind, value })
        };
        places.iter().map(place).collect::<Result<_, _>>().map_err(|error: Error| errors::to_object(&error))
    }
}

/// Lists of partitions have five words for each: topic, partition, kind, and a value's low and high half.
const PLACE_WORDS: usize = 5;
const KIND_EARLIEST: i32 = 1;
const KIND_LATEST: i32 = 2;
const KIND_AT: i32 = 3;

/// A partition and, in most lists, a place in it.
struct Place {
    partition: TopicPartition,
    kind: i32,
    value: i64,
}

/// Operations count up from small numbers: a double holds them exactly for as long as anybody can wait.
const fn number(operation: OperationId) -> f64 {
    operation.0 as f64
}

/// A time limit; negative ones and nonsense end at once.
pub(super) fn duration(millis: f64) -> Duration {
    const MILLIS_MAX: f64 = 100.0 * 365.0 * 86_400_000.0;
    Duration::from_micros((millis.clamp(0.0, MILLIS_MAX) * 1_000.0) as u64)
}

const fn start_offset(kind: i32, offset: i64) -> StartOffset {
    match kind {
        KIND_EARLIEST => StartOffset::Earliest,
        KIND_LATEST => StartOffset::Latest,
        KIND_AT => StartOffset::At(offset),
        _default => StartOffset::Default,
    }
}
