//! The core, natively over TCP, against real Apache Kafka. `KAFKA_BOOTSTRAP` names a broker (`cargo xtask kafka up` prints one).

use client_core::{
    AssignOutcome, Client, Completion, Config, ConsumerConfig, Error, Event, LifecycleState, OffsetReset,
    OffsetSpec, ProducerConfig, Record, RecordHeader, Role, StartOffset, StartOptions, StartOutcome,
    TopicPartition,
};
use std::time::Duration;
use tests::driver::Driver;

const LIMIT: Option<Duration> = Some(Duration::from_secs(30));

fn bootstrap() -> Vec<client_core::Address> {
    let text = std::env::var("KAFKA_BOOTSTRAP")
        .expect("KAFKA_BOOTSTRAP is not set: run `cargo xtask kafka up` and export its plaintext.1 address");
    text.split(',').map(|address| client_core::Address::parse(address).unwrap()).collect()
}

fn producer(change: impl FnOnce(&mut Config, &mut ProducerConfig)) -> Driver {
    let mut role = ProducerConfig::default();
    let mut config = Config::new("native-producer", bootstrap(), Role::Producer(role.clone()));
    change(&mut config, &mut role);
    config.role = Role::Producer(role);
    Driver::new(&config, 7).unwrap()
}

fn consumer(change: impl FnOnce(&mut ConsumerConfig)) -> Driver {
    let mut role = ConsumerConfig { offset_reset: OffsetReset::Earliest, ..ConsumerConfig::default() };
    change(&mut role);
    Driver::new(&Config::new("native-consumer", bootstrap(), Role::Consumer(role)), 8).unwrap()
}

/// A topic name that no other run uses.
fn fresh_topic(name: &str) -> String {
    let nanos = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_nanos();
    format!("{name}-{nanos}")
}

async fn partitions(driver: &mut Driver, topic: &str) -> i32 {
    let operation = driver.client.partitions_for(driver.now(), topic, LIMIT).unwrap();
    match driver.wait(operation).await.unwrap() {
        Completion::Partitions(partitions) => i32::try_from(partitions.len()).unwrap(),
        other => panic!("{other:?}"),
    }
}

/// Everything in the topic, as (partition, offset, key, value, headers).
async fn read_all(
    topic: &str,
    partitions: i32,
    count: usize,
) -> Vec<(i32, i64, Option<Vec<u8>>, Option<Vec<u8>>, usize)> {
    let mut driver = consumer(|_| ());
    driver.start(LIMIT).await.unwrap();
    let wanted: Vec<_> =
        (0..partitions).map(|number| (TopicPartition::new(topic, number), StartOffset::Earliest)).collect();
    driver.client.consumer(driver.now()).unwrap().assign(&wanted).unwrap();
    let mut found = Vec::new();
    let limit = tokio::time::Instant::now() + Duration::from_secs(60);
    while found.len() < count {
        assert!(tokio::time::Instant::now() < limit, "{} of {count} records of {topic} came", found.len());
        let now = driver.now();
        while let Some(batch) = driver.client.consumer(now).unwrap().take() {
            for record in batch.batch.records().unwrap() {
                let record = record.unwrap();
                if record.offset >= batch.first_offset {
                    found.push((
                        batch.partition.partition,
                        record.offset,
                        record.key.map(<[u8]>::to_vec),
                        record.value.map(<[u8]>::to_vec),
                        record.headers.count(),
                    ));
                }
            }
        }
        if found.len() < count {
            driver.turn().await;
        }
    }
    driver.stop(LIMIT).await.unwrap();
    assert_eq!(driver.sockets(), 0);
    found
}

#[tokio::test(flavor = "current_thread")]
async fn what_is_produced_is_read_back() {
    let topic = fresh_topic("round-trip");
    let mut driver = producer(|_, _| ());
    let operation = driver.client.start(driver.now(), StartOptions { timeout: LIMIT }).operation;
    let count = 5_000_usize;
    // Sending begins before the start has ended: the records wait for their topic.
    for number in 0..count {
        let key = format!("key-{}", number % 50);
        let value = format!("value-{number}");
        let header = RecordHeader { key: b"n", value: Some(b"1") };
        let record = Record {
            topic: &topic,
            partition: None,
            key: Some(key.as_bytes()),
            value: (number % 7 != 0).then_some(value.as_bytes()),
            timestamp: None,
            headers: &[header, header],
        };
        driver.client.producer(driver.now()).unwrap().send(&record).unwrap();
    }
    driver.wait(operation).await.unwrap();
    let flush = driver.client.producer(driver.now()).unwrap().flush(LIMIT);
    driver.wait(flush).await.unwrap();
    let delivered: usize = driver.deliveries.iter().map(|delivery| delivery.records.len()).sum();
    assert_eq!(delivered, count);
    assert!(driver.deliveries.iter().all(|delivery| delivery.result.is_ok()), "{:?}", driver.deliveries);
    let partitions = partitions(&mut driver, &topic).await;
    assert_eq!(partitions, 3);
    driver.stop(LIMIT).await.unwrap();
    assert_eq!(driver.sockets(), 0);
    assert_eq!(driver.client.poll_timeout(), None, "LC10: nothing is planned after a stop");

    let found = read_all(&topic, partitions, count).await;
    assert_eq!(found.len(), count);
    for (_, _, key, value, headers) in &found {
        assert!(key.as_ref().unwrap().starts_with(b"key-"));
        assert_eq!(*headers, 2);
        assert!(value.as_ref().is_none_or(|value| value.starts_with(b"value-")));
    }
    // Order per key: each key's values come in the order in which they were sent.
    for key in 0..50 {
        let key = format!("key-{key}").into_bytes();
        let numbers: Vec<u32> = found
            .iter()
            .filter(|found| found.2.as_deref() == Some(&key))
            .filter_map(|found| {
                std::str::from_utf8(found.3.as_ref()?).ok()?.strip_prefix("value-")?.parse().ok()
            })
            .collect();
        assert!(numbers.windows(2).all(|pair| pair[0] < pair[1]), "{numbers:?}");
    }
}

#[tokio::test(flavor = "current_thread")]
async fn a_hundred_starts_are_one_bootstrap_and_one_connection() {
    let mut driver = producer(|_, _| ());
    let now = driver.now();
    let starts: Vec<_> = (0..100).map(|_| driver.client.start(now, StartOptions::default())).collect();
    assert_eq!(starts[0].outcome, StartOutcome::Began);
    assert!(starts[1..].iter().all(|start| start.outcome == StartOutcome::AlreadyStarting));
    for start in starts {
        assert_eq!(driver.wait(start.operation).await, Ok(Completion::Done));
    }
    let counters = driver.client.inspect().counters();
    assert_eq!((counters.bootstraps, counters.connects, driver.opened), (1, 1, 1));
    driver.stop(LIMIT).await.unwrap();
    assert_eq!(driver.client.lifecycle(), LifecycleState::Idle);
    // LC6: a start after a stop is a real new start.
    driver.start(LIMIT).await.unwrap();
    assert_eq!(driver.client.inspect().counters().bootstraps, 2);
    driver.stop(LIMIT).await.unwrap();
}

#[tokio::test(flavor = "current_thread")]
async fn acks_of_every_kind() {
    for acks in [client_core::Acks::None, client_core::Acks::Leader, client_core::Acks::All] {
        let topic = fresh_topic("acks");
        // A leader that does not know yet that it is one loses what is sent without acks: one record with them first.
        send_and_flush(&topic, 1, client_core::Acks::All).await;
        send_and_flush(&topic, 100, acks).await;
        assert_eq!(read_all(&topic, 3, 101).await.len(), 101);
    }
}

async fn send_and_flush(topic: &str, count: usize, acks: client_core::Acks) {
    let mut driver = producer(|_, role| {
        role.acks = acks;
        role.idempotent = false;
    });
    driver.start(LIMIT).await.unwrap();
    for _ in 0..count {
        let record = Record {
            topic,
            partition: Some(1),
            key: None,
            value: Some(b"v"),
            timestamp: Some(5),
            headers: &[],
        };
        driver.client.producer(driver.now()).unwrap().send(&record).unwrap();
    }
    let flush = driver.client.producer(driver.now()).unwrap().flush(LIMIT);
    driver.wait(flush).await.unwrap();
    assert!(driver.deliveries.iter().all(|delivery| delivery.result.is_ok()), "{:?}", driver.deliveries);
    driver.stop(LIMIT).await.unwrap();
}

#[tokio::test(flavor = "current_thread")]
async fn offsets_seek_and_positions() {
    let topic = fresh_topic("offsets");
    let mut driver = producer(|_, _| ());
    driver.start(LIMIT).await.unwrap();
    for number in 0..10_i64 {
        let record = Record {
            topic: &topic,
            partition: Some(0),
            key: None,
            value: Some(b"v"),
            timestamp: Some(1_000 + number),
            headers: &[],
        };
        driver.client.producer(driver.now()).unwrap().send(&record).unwrap();
        let flush = driver.client.producer(driver.now()).unwrap().flush(LIMIT);
        driver.wait(flush).await.unwrap();
    }
    driver.stop(LIMIT).await.unwrap();

    let mut driver = consumer(|_| ());
    let partition = TopicPartition::new(topic.as_str(), 0);
    driver.start(LIMIT).await.unwrap();
    let wanted = [OffsetSpec::Earliest, OffsetSpec::Latest, OffsetSpec::AtTimestamp(1_004)];
    let wanted: Vec<_> = wanted.into_iter().map(|spec| (partition.clone(), spec)).collect();
    let operation = driver.client.consumer(driver.now()).unwrap().list_offsets(&wanted, LIMIT).unwrap();
    let Completion::Offsets(found) = driver.wait(operation).await.unwrap() else { panic!("not offsets") };
    assert_eq!(found.iter().map(|found| found.offset).collect::<Vec<_>>(), [0, 10, 4]);

    let now = driver.now();
    let outcome =
        driver.client.consumer(now).unwrap().assign(&[(partition.clone(), StartOffset::At(7))]).unwrap();
    assert!(matches!(outcome, AssignOutcome::Changed { .. }));
    driver.run_until(|driver| driver.events.contains(&Event::RecordsAvailable)).await;
    let batch = driver.client.consumer(now).unwrap().take().unwrap();
    assert_eq!(batch.first_offset, 7);
    assert_eq!(batch.batch.base_offset(), 7);
    driver.client.consumer(now).unwrap().seek(&partition, StartOffset::Earliest).unwrap();
    driver.events.clear();
    driver.run_until(|driver| driver.events.contains(&Event::RecordsAvailable)).await;
    assert_eq!(driver.client.consumer(now).unwrap().take().unwrap().batch.base_offset(), 0);
    driver.stop(LIMIT).await.unwrap();
}

#[tokio::test(flavor = "current_thread")]
async fn an_unknown_partition_and_a_bad_topic_are_typed_errors() {
    let topic = fresh_topic("errors");
    let mut driver = producer(|_, _| ());
    driver.start(LIMIT).await.unwrap();
    partitions(&mut driver, &topic).await;
    let now = driver.now();
    let mut producer = driver.client.producer(now).unwrap();
    let mut send = |topic: &str, partition| {
        producer.send(&Record { topic, partition, key: None, value: None, timestamp: None, headers: &[] })
    };
    assert!(matches!(send("no such/topic", None), Err(Error::InvalidArgument { .. })));
    send(&topic, Some(77)).unwrap();
    driver.run_until(|driver| !driver.deliveries.is_empty()).await;
    assert!(matches!(driver.deliveries[0].result, Err(Error::InvalidArgument { .. })));
    driver.stop(LIMIT).await.unwrap();
}

#[tokio::test(flavor = "current_thread")]
async fn nobody_listens() {
    let unused = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let address = client_core::Address::parse(&unused.to_string()).unwrap();
    let config = Config::new("nobody", vec![address], Role::Producer(ProducerConfig::default()));
    let mut driver = Driver::new(&config, 1).unwrap();
    let error = driver.start(Some(Duration::from_millis(300))).await.unwrap_err();
    assert_eq!(error.code(), "TIMEOUT");
    assert!(error.to_string().contains("refused"), "{error}");
    assert_eq!((driver.client.lifecycle(), driver.sockets()), (LifecycleState::Idle, 0));
    assert_eq!(driver.client.poll_timeout(), None);
    assert!(Client::new(&config, 1, driver.now()).is_ok());
}
