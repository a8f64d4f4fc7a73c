//! The options: which there are, what each may be, and where it lies in the configuration. The only list of them.
//!
//! A new option is a field with its default in [`Config`] or in a role's part of it, and a line here; forgetting the line does
//! not compile. `UPDATE_OPTIONS=1 cargo test -p client-core --test options` then tells the npm package, whose types
//! (`wasm-bindings/js/src/options.ts`) want a line of documentation, too.

use super::sasl;
use super::value::{Plain, Value};
use super::{
    Acks, AdminConfig, Config, ConsumerConfig, MetadataRecovery, OffsetReset, Partitioner, ProducerConfig,
    Role,
};
use crate::compression::Compression;
use crate::io::Address;
use crate::sasl::Sasl;
use crate::time::Duration;
use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec;
use alloc::vec::Vec;
use bytes::Bytes;

/// One option of a configuration.
pub(super) struct Setting<'a> {
    pub(super) key: &'static str,
    pub(super) slot: Slot<'a>,
}

/// Where an option's value lies, and what it may be.
pub(super) enum Slot<'a> {
    Text(&'a mut String),
    Flag(&'a mut bool),
    /// A duration, at least this and at most that.
    Millis(&'a mut Duration, Duration, Duration),
    Size(&'a mut usize, usize, usize),
    Count(&'a mut i32, i32, i32),
    Word(&'a mut dyn Words),
    /// One of two words for `false` and `true`.
    Either(&'a mut bool, [&'static str; 2]),
    Addresses(&'a mut Vec<Address>),
    Headers(&'a mut Vec<(Bytes, Option<Bytes>)>),
    Sasl(&'a mut Option<Sasl>),
}

/// Something that is one of a few words or numbers.
pub(super) trait Words {
    /// What may be written, and the variant it means. The first one for a variant is how it is shown.
    fn words(&self) -> Vec<Value>;
    fn get(&self) -> Value;
    /// False if it is none of the words.
    fn set(&mut self, value: &Value) -> bool;
}

macro_rules! words {
    ($type:ident: $($word:expr => $variant:ident),+) => {
        impl Words for $type {
            fn words(&self) -> Vec<Value> {
                vec![$(Value::from($word)),+]
            }

            fn get(&self) -> Value {
                $(if *self == Self::$variant {
                    return Value::from($word);
                })+
                Value::Null
            }

            fn set(&mut self, value: &Value) -> bool {
                $(if *value == Value::from($word) {
                    *self = Self::$variant;
                    return true;
                })+
                false
            }
        }
    };
}

words!(Acks: -1 => All, "all" => All, 1 => Leader, 0 => None);
words!(Compression: "none" => None, "gzip" => Gzip, "snappy" => Snappy, "lz4" => Lz4, "zstd" => Zstd);
words!(MetadataRecovery: "rebootstrap" => Rebootstrap, "none" => None);
words!(Partitioner: "default" => Default, "roundRobin" => RoundRobin);
words!(OffsetReset: "latest" => Latest, "earliest" => Earliest, "none" => None);

const ZERO: Duration = Duration::ZERO;
/// More than nothing.
const POSITIVE: Duration = Duration::from_micros(1);
const INT_MAX: usize = i32::MAX as usize;

/// Every option of the configuration, those of its role included.
pub(super) fn options(config: &mut Config) -> Vec<Setting<'_>> {
    // Named one by one, so that a new field is an error here until it is an option, or said to be none.
    let Config {
        client_id,
        bootstrap,
        wall_clock: _,
        connect_timeout,
        request_timeout,
        reconnect_backoff,
        reconnect_backoff_max,
        retry_backoff,
        retry_backoff_max,
        metadata_max_age,
        metadata_recovery,
        rebootstrap_trigger,
        connections_max_idle,
        max_frame_size,
        sasl,
        role,
        #[cfg(feature = "exhibits")]
            defect: _,
    } = config;
    let mut options = vec![
        option("clientId", Slot::Text(client_id)),
        option("brokers", Slot::Addresses(bootstrap)),
        option("connectTimeoutMs", Slot::Millis(connect_timeout, POSITIVE, Duration::MAX)),
        option("requestTimeoutMs", Slot::Millis(request_timeout, POSITIVE, Duration::MAX)),
        option("reconnectBackoffMs", Slot::Millis(reconnect_backoff, ZERO, Duration::MAX)),
        option("reconnectBackoffMaxMs", Slot::Millis(reconnect_backoff_max, ZERO, Duration::MAX)),
        option("retryBackoffMs", Slot::Millis(retry_backoff, ZERO, Duration::MAX)),
        option("retryBackoffMaxMs", Slot::Millis(retry_backoff_max, ZERO, Duration::MAX)),
        option("metadataMaxAgeMs", Slot::Millis(metadata_max_age, ZERO, Duration::MAX)),
        option("metadataRecoveryStrategy", Slot::Word(metadata_recovery)),
        option(
            "metadataRecoveryRebootstrapTriggerMs",
            Slot::Millis(rebootstrap_trigger, ZERO, Duration::MAX),
        ),
        option("connectionsMaxIdleMs", Slot::Millis(connections_max_idle, ZERO, Duration::MAX)),
        option("maxFrameSize", Slot::Size(max_frame_size, 1024, INT_MAX)),
        option("sasl", Slot::Sasl(sasl)),
    ];
    match role {
        Role::Producer(producer) => options.append(&mut producer_options(producer)),
        Role::Consumer(consumer) => options.append(&mut consumer_options(consumer)),
        Role::Admin(admin) => options.append(&mut admin_options(admin)),
    }
    options
}

fn producer_options(config: &mut ProducerConfig) -> Vec<Setting<'_>> {
    let ProducerConfig {
        acks,
        linger,
        batch_size,
        max_request_size,
        buffer_memory,
        delivery_timeout,
        max_block,
        max_in_flight,
        idempotent,
        compression,
        partitioner,
        extra_headers,
    } = config;
    vec![
        option("acks", Slot::Word(acks)),
        option("lingerMs", Slot::Millis(linger, ZERO, Duration::MAX)),
        option("batchSize", Slot::Size(batch_size, 1, INT_MAX)),
        option("maxRequestSize", Slot::Size(max_request_size, 1024, 1 << 30)),
        option("bufferMemory", Slot::Size(buffer_memory, 1024, INT_MAX)),
        option("deliveryTimeoutMs", Slot::Millis(delivery_timeout, POSITIVE, Duration::MAX)),
        option("maxBlockMs", Slot::Millis(max_block, ZERO, Duration::MAX)),
        option("maxInFlightRequests", Slot::Size(max_in_flight, 1, 5)),
        option("idempotent", Slot::Flag(idempotent)),
        option("compression", Slot::Word(compression)),
        option("partitioner", Slot::Word(partitioner)),
        option("extraHeaders", Slot::Headers(extra_headers)),
    ]
}

fn consumer_options(config: &mut ConsumerConfig) -> Vec<Setting<'_>> {
    let ConsumerConfig {
        fetch_min_bytes,
        fetch_max_wait,
        fetch_max_bytes,
        max_partition_fetch_bytes,
        read_committed,
        offset_reset,
        check_crcs,
    } = config;
    vec![
        option("fetchMinBytes", Slot::Count(fetch_min_bytes, 0, i32::MAX)),
        option("fetchMaxWaitMs", Slot::Millis(fetch_max_wait, ZERO, Duration::from_secs(3_600))),
        option("fetchMaxBytes", Slot::Count(fetch_max_bytes, 1, i32::MAX)),
        option("maxPartitionFetchBytes", Slot::Count(max_partition_fetch_bytes, 1, i32::MAX)),
        option("isolationLevel", Slot::Either(read_committed, ["read_uncommitted", "read_committed"])),
        option("offsetReset", Slot::Word(offset_reset)),
        option("checkCrcs", Slot::Flag(check_crcs)),
    ]
}

fn admin_options(config: &mut AdminConfig) -> Vec<Setting<'_>> {
    let AdminConfig { default_api_timeout } = config;
    vec![option("defaultApiTimeoutMs", Slot::Millis(default_api_timeout, POSITIVE, Duration::MAX))]
}

/// Options whose values are not shown to anybody.
pub(super) const SECRETS: &[&str] = &[];

/// Options that together must not be larger than another one.
pub(super) const LIMITS: &[(&[&str], &str)] = &[
    (&["reconnectBackoffMs"], "reconnectBackoffMaxMs"),
    (&["retryBackoffMs"], "retryBackoffMaxMs"),
    (&["maxRequestSize"], "bufferMemory"),
    // As in Java's client: else records end long before their request, and what follows them waits for its end.
    (&["requestTimeoutMs", "lingerMs"], "deliveryTimeoutMs"),
];

/// Two options that are right one by one and wrong together.
pub(super) struct Conflict {
    /// The one to change.
    pub(super) key: &'static str,
    pub(super) other: &'static str,
    pub(super) problem: String,
}

impl Config {
    /// The first option whose value cannot be, and why.
    pub(super) fn wrong_option(&mut self) -> Option<(&'static str, String)> {
        options(self).iter().find_map(|option| Some((option.key, option.slot.problem()?)))
    }

    /// The first pair of options that do not go together.
    pub(super) fn conflict(&mut self) -> Option<Conflict> {
        if let Role::Producer(producer) = &self.role
            && producer.idempotent
            && producer.acks != Acks::All
        {
            let found = producer.acks.get();
            let problem = format!(
                "expected all (-1) because idempotent is on; set idempotent: false for others, found {found}"
            );
            return Some(Conflict { key: "acks", other: "idempotent", problem });
        }
        let options = options(self);
        let number = |key: &str| {
            let found = options.iter().find(|option| option.key == key)?;
            if let Value::Number(number) = found.slot.read() { Some(number) } else { None }
        };
        LIMITS.iter().find_map(|(keys, other)| {
            let (key, others) = keys.split_first()?;
            let mine = keys.iter().map(|key| number(key)).sum::<Option<f64>>()?;
            let theirs = number(other)?;
            let with = if others.is_empty() { String::new() } else { format!(" with {}", others.join(", ")) };
            let problem = || {
                format!("expected{with} no more than {other}, found {} and {}", Plain(mine), Plain(theirs))
            };
            (mine > theirs).then(|| Conflict { key, other, problem: problem() })
        })
    }
}

const fn option<'a>(key: &'static str, slot: Slot<'a>) -> Setting<'a> {
    Setting { key, slot }
}

impl Slot<'_> {
    /// Takes over what a caller passed. With an error nothing has changed; it says what would have been right.
    pub(super) fn write(&mut self, value: &Value) -> Result<(), String> {
        let good = match (&mut *self, value) {
            (Self::Text(text), Value::Text(found)) => {
                text.clone_from(found);
                true
            }
            (Self::Flag(flag), Value::Flag(found)) => {
                **flag = *found;
                true
            }
            (Self::Millis(duration, least, most), Value::Number(millis)) => match to_duration(*millis) {
                Some(found) if (*least..=*most).contains(&found) => {
                    **duration = found;
                    true
                }
                _ => false,
            },
            (Self::Size(size, least, most), Value::Number(number)) => {
                let found = to_whole(*number).filter(|it| (*least as u64..=*most as u64).contains(it));
                found.and_then(|it| usize::try_from(it).ok()).map(|it| **size = it).is_some()
            }
            (Self::Count(count, least, most), Value::Number(number)) => {
                let found = to_whole(*number).and_then(|it| i32::try_from(it).ok());
                found.filter(|it| (*least..=*most).contains(it)).map(|it| **count = it).is_some()
            }
            (Self::Word(words), found) => words.set(found),
            (Self::Either(flag, words), Value::Text(found)) => {
                words.iter().position(|word| word == found).map(|index| **flag = index == 1).is_some()
            }
            (Self::Addresses(addresses), Value::List(found)) => {
                **addresses = to_addresses(found)?;
                true
            }
            (Self::Headers(headers), Value::Map(found)) => match to_headers(found) {
                Some(found) => {
                    merge_headers(headers, found);
                    true
                }
                None => false,
            },
            (Self::Sasl(sasl), Value::Map(found)) => {
                **sasl = Some(sasl::read(found)?);
                true
            }
            _ => false,
        };
        if good { Ok(()) } else { Err(format!("expected {}, found {value}", self.expected())) }
    }

    /// Takes over the value of the same option in another configuration: what a removal falls back to.
    pub(super) fn reset(&mut self, default: &Slot<'_>) {
        match (self, default) {
            (Self::Text(to), Slot::Text(from)) => to.clone_from(from),
            (Self::Flag(to), Slot::Flag(from)) | (Self::Either(to, _), Slot::Either(from, _)) => {
                **to = **from
            }
            (Self::Millis(to, ..), Slot::Millis(from, ..)) => **to = **from,
            (Self::Size(to, ..), Slot::Size(from, ..)) => **to = **from,
            (Self::Count(to, ..), Slot::Count(from, ..)) => **to = **from,
            (Self::Word(to), Slot::Word(from)) => {
                to.set(&from.get());
            }
            (Self::Addresses(to), Slot::Addresses(from)) => to.clone_from(from),
            (Self::Headers(to), Slot::Headers(from)) => to.clone_from(from),
            (Self::Sasl(to), Slot::Sasl(from)) => to.clone_from(from),
            _ => debug_assert!(false, "the options of one role are the same ones in the same order"),
        }
    }

    /// The value as a caller would write it.
    pub(super) fn read(&self) -> Value {
        match self {
            Self::Text(text) => Value::Text((*text).clone()),
            Self::Flag(flag) => Value::Flag(**flag),
            Self::Millis(duration, ..) => Value::Number(duration.as_micros() as f64 / 1_000.0),
            Self::Size(size, ..) => Value::Number(**size as f64),
            Self::Count(count, ..) => Value::Number(f64::from(**count)),
            Self::Word(words) => words.get(),
            Self::Either(flag, words) => Value::from(words[usize::from(**flag)]),
            Self::Addresses(addresses) => {
                Value::List(addresses.iter().map(|address| Value::Text(address.to_string())).collect())
            }
            Self::Sasl(sasl) => sasl.as_ref().map_or(Value::Null, sasl::show),
            Self::Headers(headers) => Value::Map(
                headers
                    .iter()
                    .map(|(name, content)| {
                        let content = content.clone().map_or(Value::Null, Value::Bytes);
                        (String::from_utf8_lossy(name).into_owned(), content)
                    })
                    .collect(),
            ),
        }
    }

    /// What is wrong with the value that is there, for configurations that were not made from layers.
    pub(super) fn problem(&self) -> Option<String> {
        let good = match self {
            Self::Millis(duration, least, most) => (*least..=*most).contains(duration),
            Self::Size(size, least, most) => (*least..=*most).contains(size),
            Self::Count(count, least, most) => (*least..=*most).contains(count),
            Self::Addresses(addresses) => (1..=ADDRESSES_MAX).contains(&addresses.len()),
            Self::Sasl(Some(sasl)) => {
                return sasl.problem().map(str::to_owned);
            }
            Self::Text(_)
            | Self::Flag(_)
            | Self::Word(_)
            | Self::Either(..)
            | Self::Headers(_)
            | Self::Sasl(None) => true,
        };
        (!good).then(|| format!("expected {}, found {}", self.expected(), self.read()))
    }

    /// What it may be, in words.
    pub(super) fn expected(&self) -> String {
        match self {
            Self::Text(_) => "a string".to_owned(),
            Self::Flag(_) => "true or false".to_owned(),
            Self::Millis(_, least, most) if *most == Duration::MAX => {
                format!("{} or more milliseconds", Plain(to_millis(*least)))
            }
            Self::Millis(_, least, most) => {
                format!("{} to {} milliseconds", Plain(to_millis(*least)), Plain(to_millis(*most)))
            }
            Self::Size(_, least, most) => format!("a whole number from {least} to {most}"),
            Self::Count(_, least, most) => format!("a whole number from {least} to {most}"),
            Self::Word(words) => one_of(&words.words()),
            Self::Either(_, words) => one_of(&words.map(Value::from)),
            Self::Addresses(_) => format!("1 to {ADDRESSES_MAX} times \"host:port\""),
            Self::Sasl(_) => "an object with a mechanism and credentials".to_owned(),
            Self::Headers(_) => "an object of names and Uint8Array or string values".to_owned(),
        }
    }
}

/// More configured addresses than this are a mistake.
const ADDRESSES_MAX: usize = 1_000;

fn one_of(words: &[Value]) -> String {
    let words: Vec<String> = words.iter().map(Value::to_string).collect();
    format!("one of {}", words.join(", "))
}

/// Milliseconds. `Infinity` is a hundred years, which is as good and can be computed with.
fn to_duration(millis: f64) -> Option<Duration> {
    const MILLIS_MAX: f64 = 100.0 * 365.0 * 86_400_000.0;
    // What is not a number compares with nothing.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is within the bounds")]
    (millis >= 0.0).then(|| Duration::from_micros((millis.min(MILLIS_MAX) * 1_000.0) as u64))
}

pub(super) fn to_millis(duration: Duration) -> f64 {
    duration.as_micros() as f64 / 1_000.0
}

fn to_whole(number: f64) -> Option<u64> {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is within the bounds")]
    let whole = (0.0..=f64::from(u32::MAX)).contains(&number).then_some(number as u64)?;
    // A fraction is lost on the way there and back.
    (whole as f64 == number).then_some(whole)
}

fn to_addresses(values: &[Value]) -> Result<Vec<Address>, String> {
    let read = |value: &Value| {
        let Value::Text(text) = value else { return Err(format!("expected \"host:port\", found {value}")) };
        Address::parse(text).map_err(|problem| format!("{problem}, in {value}"))
    };
    values.iter().map(read).collect()
}

/// `None` for a null: take that header away.
type NamedHeader = (Bytes, Option<Bytes>);

fn to_headers(values: &[(String, Value)]) -> Option<Vec<NamedHeader>> {
    let read = |(name, value): &(String, Value)| {
        let content = match value {
            Value::Null => None,
            Value::Text(text) => Some(Bytes::copy_from_slice(text.as_bytes())),
            Value::Bytes(bytes) => Some(bytes.clone()),
            Value::Flag(_) | Value::Number(_) | Value::List(_) | Value::Map(_) | Value::Other(_) => {
                return None;
            }
        };
        Some((Bytes::copy_from_slice(name.as_bytes()), content))
    };
    values.iter().map(read).collect()
}

/// Header by header, so that none of a lower layer is lost: a name keeps its place and gets the higher value (CF1).
fn merge_headers(headers: &mut Vec<NamedHeader>, higher: Vec<NamedHeader>) {
    for (name, content) in higher {
        let place = headers.iter().position(|(known, _)| *known == name);
        match (place, content) {
            (Some(place), None) => {
                headers.remove(place);
            }
            (Some(place), content) => headers[place].1 = content,
            (None, None) => {}
            (None, content) => headers.push((name, content)),
        }
    }
}
