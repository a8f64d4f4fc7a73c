//! Everything that happens less often than records end: as plain objects `{ type, ... }`.

use super::objects::ObjectBuilder;
use super::{errors, requests};
use client_core::io::{Completion, OffsetFound, PartitionInfo};
use client_core::{Error, Event, Instant, Status};
use js_sys::Array;
use wasm_bindgen::JsValue;

pub(super) fn to_object(event: &Event, now: Instant) -> JsValue {
    let object = ObjectBuilder::new();
    match event {
        Event::Completed { operation, result } => {
            let object = object.with("type", "completed").with("operation", operation.0 as f64);
            match result {
                Ok(Completion::Admin(results)) => requests::ended(object, results),
                Ok(completion) => object.with("value", completed(completion)),
                Err(error) => object.with("error", errors::to_object(error)),
            }
        }
        Event::RecordsAvailable => object.with("type", "recordsAvailable"),
        Event::Status(status) => object.with("type", "status").with("status", status_object(status, now)),
        Event::PartitionError { partition, error } => object
            .with("type", "partitionError")
            .with("topic", partition.topic.as_str())
            .with("partition", partition.partition)
            .with("error", errors::to_object(error)),
        Event::CredentialsNeeded { connection, mechanism } => object
            .with("type", "credentials")
            .with("broker", connection.broker.0)
            .with("generation", connection.generation)
            .with("mechanism", mechanism.name()),
        Event::Fatal(error) => object.with("type", "fatal").with("error", errors::to_object(error)),
        // Deliveries go through the settlements.
        Event::Delivered(delivery) => {
            let error = Error::Internal(format!("a delivery to {} took the wrong way", delivery.partition));
            object.with("type", "fatal").with("error", errors::to_object(&error))
        }
    }
    .finish()
}

fn completed(completion: &Completion) -> JsValue {
    match completion {
        // An admin client's results may be an error as well.
        Completion::Done | Completion::Admin(_) => JsValue::UNDEFINED,
        Completion::Partitions(partitions) => {
            partitions.iter().map(partition_object).collect::<Array>().into()
        }
        Completion::Offsets(offsets) => offsets.iter().map(offset_object).collect::<Array>().into(),
    }
}

pub(super) fn partition_object(info: &PartitionInfo) -> JsValue {
    let ids = |ids: &[i32]| ids.iter().map(|id| JsValue::from(*id)).collect::<Array>();
    ObjectBuilder::new()
        .with("topic", info.partition.topic.as_str())
        .with("partition", info.partition.partition)
        .with_some("leader", info.leader)
        .with("leaderEpoch", info.leader_epoch)
        .with("replicas", ids(&info.replicas))
        .with("inSyncReplicas", ids(&info.in_sync_replicas))
        .finish()
}

fn offset_object(found: &OffsetFound) -> JsValue {
    ObjectBuilder::new()
        .with("topic", found.partition.topic.as_str())
        .with("partition", found.partition.partition)
        .with("offset", found.offset)
        .with("timestamp", found.timestamp)
        .finish()
}

fn status_object(status: &Status, now: Instant) -> JsValue {
    let object = ObjectBuilder::new();
    match status {
        Status::Idle => object.with("state", "idle"),
        Status::Connecting => object.with("state", "connecting"),
        Status::Connected => object.with("state", "connected"),
        Status::Reconnecting { broker, attempt, next_attempt, cause } => object
            .with("state", "reconnecting")
            .with("broker", broker.0)
            .with("attempt", *attempt)
            .with("delayMs", next_attempt.since(now).as_millis() as f64)
            .with("cause", errors::to_object(cause)),
        Status::Throttled { broker, until } => object
            .with("state", "throttled")
            .with("broker", broker.0)
            .with("delayMs", until.since(now).as_millis() as f64),
        Status::Offline => object.with("state", "offline"),
        Status::Stopping => object.with("state", "stopping"),
        Status::Fatal => object.with("state", "fatal"),
    }
    .finish()
}
