//! Options as the facade hands them over, one flat object, made into the core's configuration.

use client_core::config::{Acks, Config, ConsumerConfig, OffsetReset, Partitioner, ProducerConfig, Role};
use client_core::time::Duration;
use client_core::{Address, Error};
use js_sys::{Array, Object, Reflect, Uint8Array};
use wasm_bindgen::{JsCast, JsValue};

/// The configuration that these options describe. Absent keys keep the core's defaults.
pub(super) fn config(options: &Object) -> Result<Config, Error> {
    let options = Options { object: options };
    let role = match options.text("role")?.as_deref() {
        Some("producer") => Role::Producer(producer(&options)?),
        Some("consumer") => Role::Consumer(consumer(&options)?),
        other => return Err(invalid("role", &format!("expected producer or consumer, found {other:?}"))),
    };
    let client_id = options.text("clientId")?.unwrap_or_else(|| "kafka-wasm".into());
    let mut config = Config::new(&client_id, options.brokers()?, role);
    options.duration("connectTimeoutMs", &mut config.connect_timeout)?;
    options.duration("requestTimeoutMs", &mut config.request_timeout)?;
    options.duration("reconnectBackoffMs", &mut config.reconnect_backoff)?;
    options.duration("reconnectBackoffMaxMs", &mut config.reconnect_backoff_max)?;
    options.duration("retryBackoffMs", &mut config.retry_backoff)?;
    options.duration("retryBackoffMaxMs", &mut config.retry_backoff_max)?;
    options.duration("metadataMaxAgeMs", &mut config.metadata_max_age)?;
    options.duration("connectionsMaxIdleMs", &mut config.connections_max_idle)?;
    options.size("maxFrameSize", &mut config.max_frame_size)?;
    config.check()?;
    Ok(config)
}

fn producer(options: &Options<'_>) -> Result<ProducerConfig, Error> {
    let mut config = ProducerConfig::default();
    if let Some(acks) = options.number("acks")? {
        config.acks = match acks as i32 {
            0 => Acks::None,
            1 => Acks::Leader,
            -1 => Acks::All,
            other => return Err(invalid("acks", &format!("expected -1, 0 or 1, found {other}"))),
        };
    }
    options.duration("lingerMs", &mut config.linger)?;
    options.size("batchSize", &mut config.batch_size)?;
    options.size("maxRequestSize", &mut config.max_request_size)?;
    options.size("bufferMemory", &mut config.buffer_memory)?;
    options.duration("deliveryTimeoutMs", &mut config.delivery_timeout)?;
    options.size("maxInFlightRequests", &mut config.max_in_flight)?;
    options.flag("idempotent", &mut config.idempotent)?;
    config.partitioner = match options.text("partitioner")?.as_deref() {
        None | Some("default") => Partitioner::Default,
        Some("roundRobin") => Partitioner::RoundRobin,
        Some(other) => {
            return Err(invalid("partitioner", &format!("expected default or roundRobin, found {other:?}")));
        }
    };
    config.extra_headers = options.headers("extraHeaders")?;
    Ok(config)
}

fn consumer(options: &Options<'_>) -> Result<ConsumerConfig, Error> {
    let mut config = ConsumerConfig::default();
    options.count("fetchMinBytes", &mut config.fetch_min_bytes)?;
    options.duration("fetchMaxWaitMs", &mut config.fetch_max_wait)?;
    options.count("fetchMaxBytes", &mut config.fetch_max_bytes)?;
    options.count("maxPartitionFetchBytes", &mut config.max_partition_fetch_bytes)?;
    options.flag("checkCrcs", &mut config.check_crcs)?;
    config.read_committed = match options.text("isolationLevel")?.as_deref() {
        None | Some("read_uncommitted") => false,
        Some("read_committed") => true,
        Some(other) => {
            let problem = format!("expected read_uncommitted or read_committed, found {other:?}");
            return Err(invalid("isolationLevel", &problem));
        }
    };
    config.offset_reset = match options.text("offsetReset")?.as_deref() {
        None | Some("latest") => OffsetReset::Latest,
        Some("earliest") => OffsetReset::Earliest,
        Some("none") => OffsetReset::None,
        Some(other) => {
            return Err(invalid(
                "offsetReset",
                &format!("expected earliest, latest or none, found {other:?}"),
            ));
        }
    };
    Ok(config)
}

struct Options<'a> {
    object: &'a Object,
}

impl Options<'_> {
    fn value(&self, key: &str) -> Option<JsValue> {
        Reflect::get(self.object, &key.into()).ok().filter(|value| !value.is_undefined())
    }

    fn text(&self, key: &str) -> Result<Option<String>, Error> {
        self.typed(key, "a string", |value| value.as_string())
    }

    fn number(&self, key: &str) -> Result<Option<f64>, Error> {
        self.typed(key, "a number", |value| value.as_f64().filter(|number| !number.is_nan()))
    }

    fn typed<T>(
        &self,
        key: &str,
        expected: &str,
        read: impl Fn(&JsValue) -> Option<T>,
    ) -> Result<Option<T>, Error> {
        let Some(value) = self.value(key) else { return Ok(None) };
        read(&value).map(Some).ok_or_else(|| invalid(key, &format!("expected {expected}")))
    }

    fn flag(&self, key: &str, flag: &mut bool) -> Result<(), Error> {
        if let Some(found) = self.typed(key, "true or false", |value| value.as_bool())? {
            *flag = found;
        }
        Ok(())
    }

    /// Milliseconds. `Infinity` is a hundred years, which is as good and can be computed with.
    fn duration(&self, key: &str, duration: &mut Duration) -> Result<(), Error> {
        const MILLIS_MAX: f64 = 100.0 * 365.0 * 86_400_000.0;
        if let Some(millis) = self.number(key)? {
            if millis < 0.0 {
                return Err(invalid(key, &format!("expected 0 or more milliseconds, found {millis}")));
            }
            *duration = Duration::from_micros((millis.min(MILLIS_MAX) * 1_000.0) as u64);
        }
        Ok(())
    }

    fn size(&self, key: &str, size: &mut usize) -> Result<(), Error> {
        if let Some(number) = self.number(key)? {
            *size = whole(key, number)? as usize;
        }
        Ok(())
    }

    fn count(&self, key: &str, count: &mut i32) -> Result<(), Error> {
        if let Some(number) = self.number(key)? {
            *count = whole(key, number)? as i32;
        }
        Ok(())
    }

    fn brokers(&self) -> Result<Vec<Address>, Error> {
        let brokers =
            self.typed("brokers", "an array of host:port", |value| value.dyn_ref::<Array>().cloned())?;
        brokers
            .unwrap_or_default()
            .iter()
            .map(|broker| {
                let text = broker.as_string().unwrap_or_default();
                Address::parse(&text)
                    .map_err(|problem| invalid("brokers", &format!("{problem}, in {text:?}")))
            })
            .collect()
    }

    /// An array of pairs: key bytes, and value bytes or null.
    fn headers(&self, key: &str) -> Result<Vec<(bytes::Bytes, Option<bytes::Bytes>)>, Error> {
        let pairs = self.typed(key, "an array of pairs", |value| value.dyn_ref::<Array>().cloned())?;
        let read = |value: &JsValue| value.dyn_ref::<Uint8Array>().map(|bytes| bytes.to_vec().into());
        pairs
            .unwrap_or_default()
            .iter()
            .map(|pair| {
                let pair = Array::from(&pair);
                let name = read(&pair.get(0)).ok_or_else(|| invalid(key, "expected the key's bytes"))?;
                Ok((name, read(&pair.get(1))))
            })
            .collect()
    }
}

fn whole(key: &str, number: f64) -> Result<f64, Error> {
    if number.fract() == 0.0 && (0.0..=f64::from(i32::MAX)).contains(&number) {
        Ok(number)
    } else {
        Err(invalid(key, &format!("expected a whole number from 0 to {}, found {number}", i32::MAX)))
    }
}

fn invalid(key: &str, problem: &str) -> Error {
    Error::InvalidConfig { layer: "options".into(), key: key.into(), problem: problem.into() }
}
