//! What is asked rarely, as all that an admin client does: one export takes any such request as a plain object. What became of an admin client's commands comes
//! back as one plain object for each of their parts.

use super::commands::duration;
use super::objects::ObjectBuilder;
use super::options::to_value;
use super::{ClientHandle, errors, events};
use client_core::config::Value;
use client_core::io::{
    AdminCommand, AdminFound, AdminResult, AdminSubject, ConfigChange, ConfigOperation, ConfigResource,
    ConfigResourceType, NewPartitions, NewTopic, TopicDescription,
};
use client_core::{Error, OffsetSpec, TopicName, TopicPartition};
use js_sys::Array;
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;

#[wasm_bindgen]
impl ClientHandle {
    /// Has something done or looked up, named like the method of the facade. Returns the operation.
    ///
    /// # Errors
    /// An error object when the request is not what it must be, or the client is none that does this, or not now.
    pub fn request(
        &self,
        name: &str,
        request: &JsValue,
        timeout_millis: Option<f64>,
    ) -> Result<f64, JsValue> {
        let request = to_value(request);
        let timeout = timeout_millis.map(duration);
        self.operation(|client, now| {
            if name == "partitionsFor" {
                let [topic] = Field { name: name.into(), value: Some(&request) }.fields(["topic"])?;
                return client.partitions_for(now, &topic.text()?, timeout);
            }
            let command = command(name, &request)?;
            if let AdminCommand::ListOffsets { partitions, .. } = &command
                && let Ok(mut consumer) = client.consumer(now)
            {
                return consumer.list_offsets(partitions, timeout);
            }
            client.admin(now)?.request(command, timeout)
        })
    }
}

// ---- what is asked ----

fn command(name: &str, request: &Value) -> Result<AdminCommand, Error> {
    let request = Field { name: name.into(), value: Some(request) };
    Ok(match name {
        "createTopics" => {
            let [topics, validate_only] = request.fields(["topics", "validateOnly"])?;
            AdminCommand::CreateTopics {
                topics: topics.list(|topic| new_topic(&topic))?,
                validate_only: validate_only.flag()?,
            }
        }
        "deleteTopics" => {
            let [topics] = request.fields(["topics"])?;
            AdminCommand::DeleteTopics { topics: topics.list(|topic| topic.topic())? }
        }
        "createPartitions" => {
            let [topics, validate_only] = request.fields(["topicPartitions", "validateOnly"])?;
            let grown = |it: Field<'_>| {
                let [topic, count, assignments] = it.fields(["topic", "count", "assignments"])?;
                Ok(NewPartitions {
                    topic: topic.topic()?,
                    total_count: count.whole()?,
                    assignments: assignments.list_or_none(|brokers| brokers.list(|it| it.whole()))?,
                })
            };
            AdminCommand::CreatePartitions {
                topics: topics.list(grown)?,
                validate_only: validate_only.flag()?,
            }
        }
        "listTopics" => {
            let [include_internal] = request.fields(["includeInternal"])?;
            AdminCommand::ListTopics { include_internal: include_internal.flag()? }
        }
        "describeTopics" => {
            let [topics] = request.fields(["topics"])?;
            AdminCommand::DescribeTopics { topics: topics.list(|topic| topic.topic())? }
        }
        "describeCluster" => {
            let [] = request.fields([])?;
            AdminCommand::DescribeCluster
        }
        "listOffsets" => {
            let [partitions, isolation] = request.fields(["partitions", "isolationLevel"])?;
            AdminCommand::ListOffsets {
                partitions: partitions.list(|it| offset_wanted(&it))?,
                read_committed: isolation
                    .word(&[("read_uncommitted", false), ("read_committed", true)], Some(false))?,
            }
        }
        "describeConfigs" => {
            let [resources] = request.fields(["resources"])?;
            let described = |it: Field<'_>| {
                let [kind, name, names] = it.some_fields(["type", "name", "configNames"])?;
                let names = if names.value.is_some() { Some(names.list(|name| name.text())?) } else { None };
                Ok((resource(&kind, &name)?, names))
            };
            AdminCommand::DescribeConfigs { resources: resources.list(described)? }
        }
        "incrementalAlterConfigs" => {
            let [resources, validate_only] = request.fields(["resources", "validateOnly"])?;
            let altered = |it: Field<'_>| {
                let [kind, name, configs] = it.some_fields(["type", "name", "configs"])?;
                Ok((resource(&kind, &name)?, configs.list(|it| change(&it))?))
            };
            let validate_only = validate_only.flag()?;
            AdminCommand::IncrementalAlterConfigs { resources: resources.list(altered)?, validate_only }
        }
        "deleteRecords" => {
            let [partitions] = request.fields(["partitions"])?;
            let kept = |it: Field<'_>| {
                let [topic, partition, offset] = it.some_fields(["topic", "partition", "offset"])?;
                Ok((TopicPartition { topic: topic.topic()?, partition: partition.whole()? }, offset.whole()?))
            };
            AdminCommand::DeleteRecords { partitions: partitions.list(kept)? }
        }
        other => return Err(Error::Internal(format!("there is no admin command {other}"))),
    })
}

fn new_topic(topic: &Field<'_>) -> Result<NewTopic, Error> {
    let [name, partitions, replication, assignment, configs] = topic.fields([
        "topic",
        "numPartitions",
        "replicationFactor",
        "replicaAssignment",
        "configEntries",
    ])?;
    let assigned = |it: Field<'_>| {
        let [partition, replicas] = it.fields(["partition", "replicas"])?;
        Ok((partition.whole()?, replicas.list(|it| it.whole())?))
    };
    let config = |it: Field<'_>| {
        let [name, value] = it.fields(["name", "value"])?;
        Ok((name.text()?, value.text()?))
    };
    Ok(NewTopic {
        topic: name.topic()?,
        num_partitions: partitions.whole_or(-1)?,
        replication_factor: replication.whole_or(-1)?,
        replica_assignment: assignment.list_or_none(assigned)?,
        configs: configs.list_or_none(config)?,
    })
}

fn offset_wanted(wanted: &Field<'_>) -> Result<(TopicPartition, OffsetSpec), Error> {
    let [topic, partition, offset, timestamp] =
        wanted.some_fields(["topic", "partition", "offset", "timestamp"])?;
    let spec = if timestamp.value.is_some() {
        OffsetSpec::AtTimestamp(timestamp.whole()?)
    } else {
        offset.word(
            &[("earliest", OffsetSpec::Earliest), ("latest", OffsetSpec::Latest)],
            Some(OffsetSpec::Latest),
        )?
    };
    Ok((TopicPartition { topic: topic.topic()?, partition: partition.whole()? }, spec))
}

const RESOURCES: [(&str, ConfigResourceType); 5] = [
    ("topic", ConfigResourceType::Topic),
    ("broker", ConfigResourceType::Broker),
    ("brokerLogger", ConfigResourceType::BrokerLogger),
    ("clientMetrics", ConfigResourceType::ClientMetrics),
    ("group", ConfigResourceType::Group),
];

fn resource(kind: &Field<'_>, name: &Field<'_>) -> Result<ConfigResource, Error> {
    Ok(ConfigResource { kind: kind.word(&RESOURCES, None)?, name: name.text()? })
}

fn change(change: &Field<'_>) -> Result<ConfigChange, Error> {
    let [name, operation, value] = change.fields(["name", "operation", "value"])?;
    let words = [
        ("set", ConfigOperation::Set),
        ("delete", ConfigOperation::Delete),
        ("append", ConfigOperation::Append),
        ("subtract", ConfigOperation::Subtract),
    ];
    Ok(ConfigChange {
        name: name.text()?,
        operation: operation.word(&words, Some(ConfigOperation::Set))?,
        value: if value.value.is_some() { Some(value.text()?) } else { None },
    })
}

/// A value somewhere in a request, or the lack of one, and what errors call the place.
struct Field<'a> {
    name: String,
    value: Option<&'a Value>,
}

impl<'a> Field<'a> {
    fn unfit(&self, expected: &str) -> Error {
        let found = self.value.map_or_else(|| "nothing".to_owned(), Value::to_string);
        let problem = format!("expected {expected}, found {found}");
        Error::InvalidArgument { argument: self.name.clone().into(), problem: problem.into() }
    }

    /// The fields of an object, which has no others: in one of another name somebody was mistaken.
    fn fields<const N: usize>(&self, keys: [&str; N]) -> Result<[Self; N], Error> {
        if let Some(Value::Map(entries)) = self.value
            && let Some((key, _)) = entries.iter().find(|(key, _)| !keys.contains(&key.as_str()))
        {
            let field = Field { name: format!("{}.{key}", self.name), value: None };
            return Err(field.unfit(&format!("one of {}", keys.join(", "))));
        }
        self.some_fields(keys)
    }

    /// Fields of an object that may have others: what was found is passed on to be asked about. Undefined and null are as good as nothing.
    fn some_fields<const N: usize>(&self, keys: [&str; N]) -> Result<[Self; N], Error> {
        let Some(Value::Map(entries)) = self.value else { return Err(self.unfit("an object")) };
        let absent = |value: &&Value| {
            **value == Value::Null || matches!(value, Value::Other(what) if what == "undefined")
        };
        Ok(keys.map(|key| {
            let found = entries.iter().find(|(name, _)| name == key).map(|(_, value)| value);
            Field { name: format!("{}.{key}", self.name), value: found.filter(|value| !absent(value)) }
        }))
    }

    fn list<T>(&self, read: impl Fn(Self) -> Result<T, Error>) -> Result<Vec<T>, Error> {
        let Some(Value::List(items)) = self.value else { return Err(self.unfit("an array")) };
        let item =
            |(index, value)| read(Field { name: format!("{}[{index}]", self.name), value: Some(value) });
        items.iter().enumerate().map(item).collect()
    }

    fn list_or_none<T>(&self, read: impl Fn(Self) -> Result<T, Error>) -> Result<Vec<T>, Error> {
        if self.value.is_some() { self.list(read) } else { Ok(Vec::new()) }
    }

    fn text(&self) -> Result<String, Error> {
        match self.value {
            Some(Value::Text(text)) => Ok(text.clone()),
            _ => Err(self.unfit("a string")),
        }
    }

    /// Any text: what Kafka thinks of the name, it says itself, for each topic.
    fn topic(&self) -> Result<TopicName, Error> {
        self.text().map(|name| TopicName::from(name.as_str()))
    }

    fn flag(&self) -> Result<bool, Error> {
        match self.value {
            None => Ok(false),
            Some(Value::Flag(flag)) => Ok(*flag),
            Some(_) => Err(self.unfit("true or false")),
        }
    }

    fn whole<T: TryFrom<i64>>(&self) -> Result<T, Error> {
        let whole = match self.value {
            Some(Value::Number(number)) if number.fract() == 0.0 && number.abs() < 9e15 => {
                Some(*number as i64)
            }
            Some(Value::Text(text)) => text.parse().ok(),
            _ => None,
        };
        whole.and_then(|whole| T::try_from(whole).ok()).ok_or_else(|| self.unfit("a whole number that fits"))
    }

    fn whole_or<T: TryFrom<i64>>(&self, default: T) -> Result<T, Error> {
        if self.value.is_some() { self.whole() } else { Ok(default) }
    }

    fn word<T: Copy>(&self, words: &[(&str, T)], default: Option<T>) -> Result<T, Error> {
        let found = match (self.value, default) {
            (None, Some(default)) => return Ok(default),
            (Some(Value::Text(text)), _) => words.iter().find(|(word, _)| word == text),
            _ => None,
        };
        found.map(|(_, meaning)| *meaning).ok_or_else(|| {
            let words: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
            self.unfit(&format!("one of {}", words.join(", ")))
        })
    }
}

// ---- what is answered ----

/// What a command ended with: its parts; or, when some have failed, the error of the first of them, with all parts.
pub(super) fn ended(object: ObjectBuilder, results: &[AdminResult]) -> ObjectBuilder {
    let failed = results.iter().find_map(|part| part.result.as_ref().err());
    match (failed, results) {
        (Some(error), _) => {
            object.with("error", errors::builder(error).with("results", parts(results)).finish())
        }
        (None, [AdminResult { result: Ok(found @ AdminFound::Cluster(_)), .. }]) => {
            object.with("value", with_found(ObjectBuilder::new(), found).finish())
        }
        (None, _) => object.with("value", parts(results)),
    }
}

/// One object for each part: what it is about, and what was found or why it failed.
fn parts(results: &[AdminResult]) -> Array {
    let all = Array::new();
    for AdminResult { subject, result } in results {
        // The one part of which others come.
        if let Ok(AdminFound::Topics(topics)) = result {
            topics.iter().for_each(|topic| {
                all.push(&describe(ObjectBuilder::new().with("topic", topic.topic.as_str()), topic).finish());
            });
            continue;
        }
        let object = ObjectBuilder::new();
        let object = match subject {
            AdminSubject::Cluster => object,
            AdminSubject::Topic(topic) => object.with("topic", topic.as_str()),
            AdminSubject::Partition(partition) => {
                object.with("topic", partition.topic.as_str()).with("partition", partition.partition)
            }
            AdminSubject::Resource(resource) => {
                let kind = RESOURCES.iter().find(|(_, kind)| *kind == resource.kind);
                object.with_some("type", kind.map(|(word, _)| *word)).with("name", resource.name.as_str())
            }
        };
        let object = match result {
            Ok(found) => with_found(object, found),
            Err(error) => object.with("error", errors::to_object(error)),
        };
        all.push(&object.finish());
    }
    all
}

fn with_found(object: ObjectBuilder, found: &AdminFound) -> ObjectBuilder {
    match found {
        AdminFound::Done | AdminFound::Topics(_) => object,
        AdminFound::Topic(topic) => describe(object, topic),
        AdminFound::Offset(found) => object.with("offset", found.offset).with("timestamp", found.timestamp),
        AdminFound::LowWatermark(offset) => object.with("lowWatermark", *offset),
        AdminFound::Cluster(cluster) => {
            let broker = |broker: &client_core::io::BrokerDescription| {
                ObjectBuilder::new()
                    .with("nodeId", broker.node_id)
                    .with("host", broker.host.as_str())
                    .with("port", broker.port)
                    .with_some("rack", broker.rack.as_deref())
                    .finish()
            };
            object
                .with_some("clusterId", cluster.cluster_id.as_deref())
                .with_some("controller", cluster.controller)
                .with("brokers", cluster.brokers.iter().map(broker).collect::<Array>())
        }
        AdminFound::Configs(configs) => {
            let config = |config: &client_core::io::ConfigEntry| {
                let source = usize::try_from(config.source).ok().and_then(|source| SOURCES.get(source));
                ObjectBuilder::new()
                    .with("name", config.name.as_str())
                    .with_some("value", config.value.as_deref())
                    .with("isReadOnly", config.is_read_only)
                    .with("isSensitive", config.is_sensitive)
                    .with("source", *source.unwrap_or(&SOURCES[0]))
                    .finish()
            };
            object.with("configs", configs.iter().map(config).collect::<Array>())
        }
    }
}

/// Where a setting comes from, by the protocol's number.
const SOURCES: [&str; 9] =
    ["unknown", "topic", "broker", "brokers", "file", "default", "brokerLogger", "clientMetrics", "group"];

fn describe(object: ObjectBuilder, topic: &TopicDescription) -> ObjectBuilder {
    object
        .with_some("topicId", topic.topic_id.as_deref())
        .with("isInternal", topic.is_internal)
        .with("partitions", topic.partitions.iter().map(events::partition_object).collect::<Array>())
}
