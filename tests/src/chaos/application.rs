//! The application in this process: the core by the tokio driver, straight over TCP. Its sibling in Node, behind the bridge, is
//! `tests/chaos/application.mjs`.

use super::journal::{Journal, Outcome, Read, key, now, number_of, value};
use crate::driver::Driver;
use client_core::rng::Rng;
use client_core::time::WallClock;
use client_core::{
    Completion, Config, ConsumerConfig, Error, Event, OffsetReset, OffsetSpec, ProducerConfig, Record, Role,
    StartOffset, StartOptions, TopicPartition,
};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

/// What an application is to do.
#[derive(Clone, Debug)]
pub struct Task {
    /// Where to begin.
    pub bootstrap: Vec<client_core::Address>,
    /// Where to write and read.
    pub topic: String,
    /// How many partitions it has.
    pub partitions: i32,
    /// How long a record may take.
    pub delivery_timeout: Duration,
    /// How long a reply may take.
    pub request_timeout: Duration,
    /// Determines how many records are sent at once.
    pub seed: u64,
}

/// Tells the clients how far everything has come.
#[derive(Debug, Default)]
pub struct Stage(AtomicU8);

impl Stage {
    const SENDING: u8 = 0;
    /// Nothing new is sent.
    const FINISHING: u8 = 1;
    /// Every record has ended: what is in the log now is all there is.
    const ALL_ENDED: u8 = 2;

    /// Ends the sending.
    pub fn finish(&self) {
        self.0.fetch_max(Self::FINISHING, Ordering::Relaxed);
    }

    fn all_ended(&self) {
        self.0.fetch_max(Self::ALL_ENDED, Ordering::Relaxed);
    }

    fn now(&self) -> u8 {
        self.0.load(Ordering::Relaxed)
    }
}

/// How often records are sent.
const TICK: Duration = Duration::from_millis(10);
/// Longer than anything takes that has an end.
const PATIENCE: Duration = Duration::from_secs(180);

/// Runs producer and consumer, each in a thread, until everything that was sent has ended and is read.
#[must_use]
pub fn run(task: &Task, stage: &Stage) -> Journal {
    std::thread::scope(|scope| {
        let reading = scope.spawn(|| block_on(consume(task, stage)));
        let mut journal = block_on(produce(task, stage));
        stage.all_ended();
        let reader = reading.join().unwrap_or_else(|_| Journal {
            complaints: vec!["the consumer's thread panicked".into()],
            ..Journal::default()
        });
        journal.read = reader.read;
        journal.facts.extend(reader.facts);
        journal.complaints.extend(reader.complaints);
        journal
    })
}

fn block_on(work: impl Future<Output = Journal>) -> Journal {
    match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime.block_on(work),
        Err(error) => Journal { complaints: vec![format!("no runtime: {error}")], ..Journal::default() },
    }
}

fn config(task: &Task, name: &str, role: Role) -> Config {
    let mut config = Config::new(name, task.bootstrap.clone(), role);
    config.request_timeout = task.request_timeout;
    config.connect_timeout = task.request_timeout;
    // Brokers delete records of 1970.
    config.wall_clock = WallClock { unix_millis_at_zero: i64::try_from(now()).unwrap_or(0) };
    config
}

/// Turns until it is time, or the client has something to say.
async fn turn_until(driver: &mut Driver, until: tokio::time::Instant) {
    tokio::select! {
        () = driver.turn() => {}
        () = tokio::time::sleep_until(until) => {}
    }
}

async fn produce(task: &Task, stage: &Stage) -> Journal {
    let mut journal = Journal::default();
    let role = ProducerConfig { delivery_timeout: task.delivery_timeout, ..ProducerConfig::default() };
    let mut driver = match Driver::new(&config(task, "chaos-producer", Role::Producer(role)), task.seed) {
        Ok(driver) => driver,
        Err(error) => return complain(journal, format!("producer: {error}")),
    };
    let start = driver.client.start(driver.now(), StartOptions::default()).operation;
    let mut numbers = BTreeMap::new();
    let mut rng = Rng::new(task.seed).fork("sending", 0);
    let mut next_tick = tokio::time::Instant::now();
    while stage.now() == Stage::SENDING {
        turn_until(&mut driver, next_tick).await;
        note(&mut driver, &mut numbers, &mut journal);
        if tokio::time::Instant::now() < next_tick {
            continue;
        }
        next_tick = tokio::time::Instant::now() + TICK;
        // Mostly a few, now and then many: batches of one and batches of hundreds.
        let burst = if rng.below(100) == 0 { 200 } else { rng.below(6) };
        for _ in 0..burst {
            let number = journal.sent.len() as u64;
            match send(&mut driver, &task.topic, number) {
                Ok(id) => {
                    journal.sent.push(now());
                    numbers.insert(id, number);
                }
                // Back-pressure: the rest of this burst is never sent.
                Err(Error::BufferFull { .. }) => break,
                Err(error) => return complain(journal, format!("send(): {error}")),
            }
        }
    }
    let flush = match driver.client.producer(driver.now()) {
        Ok(mut producer) => producer.flush(None),
        Err(error) => return complain(journal, format!("flush(): {error}")),
    };
    let limit = tokio::time::Instant::now() + PATIENCE + task.delivery_timeout;
    while !driver.completed.contains_key(&flush) {
        if tokio::time::Instant::now() > limit {
            let connections: Vec<_> = driver.client.inspect().connections().collect();
            let waits = driver.client.poll_timeout();
            return complain(journal, format!("flush() hangs; next deadline {waits:?}, {connections:?}"));
        }
        turn_until(&mut driver, limit).await;
        note(&mut driver, &mut numbers, &mut journal);
    }
    match driver.completed.get(&start) {
        Some(Ok(_)) => {}
        other => journal.complaints.push(format!("start() ended with {other:?}")),
    }
    for event in driver.events.drain(..) {
        if let Event::Fatal(error) = event {
            journal.complaints.push(format!("the producer is finished: {error}"));
        }
    }
    finish(driver, "producer", journal).await
}

fn send(driver: &mut Driver, topic: &str, number: u64) -> Result<u64, Error> {
    let (key, value) = (key(number), value(number));
    let record = Record {
        topic,
        partition: None,
        key: Some(key.as_bytes()),
        value: Some(value.as_bytes()),
        timestamp: None,
        headers: &[],
    };
    Ok(driver.client.producer(driver.now())?.send(&record)?.0)
}

/// Writes down what the producer said.
fn note(driver: &mut Driver, numbers: &mut BTreeMap<u64, u64>, journal: &mut Journal) {
    let at = now();
    for delivery in driver.deliveries.drain(..) {
        for (position, id) in (0_i64..).zip(delivery.records.iter()) {
            let Some(number) = numbers.remove(&id.0) else {
                journal.complaints.push(format!("{id:?} ended twice, or was never sent"));
                continue;
            };
            let outcome = match &delivery.result {
                Ok(delivered) => Outcome::Acknowledged {
                    partition: delivery.partition.partition,
                    offset: delivered.base_offset.map(|base| base + position),
                },
                Err(error) => Outcome::Failed { code: error.code().to_owned() },
            };
            journal.outcomes.push((number, at, outcome));
        }
    }
}

async fn consume(task: &Task, stage: &Stage) -> Journal {
    let mut journal = Journal::default();
    let role = ConsumerConfig {
        offset_reset: OffsetReset::None,
        fetch_max_wait: Duration::from_millis(200),
        ..ConsumerConfig::default()
    };
    let mut driver = match Driver::new(&config(task, "chaos-consumer", Role::Consumer(role)), task.seed ^ 1) {
        Ok(driver) => driver,
        Err(error) => return complain(journal, format!("consumer: {error}")),
    };
    driver.client.start(driver.now(), StartOptions::default());
    let partitions: Vec<_> =
        (0..task.partitions).map(|number| TopicPartition::new(task.topic.as_str(), number)).collect();
    let places: Vec<_> = partitions.iter().map(|partition| (partition.clone(), StartOffset::At(0))).collect();
    if let Err(error) = driver.client.consumer(driver.now()).and_then(|mut consumer| consumer.assign(&places))
    {
        return complain(journal, format!("assign(): {error}"));
    }
    while stage.now() != Stage::ALL_ENDED {
        turn_until(&mut driver, tokio::time::Instant::now() + TICK).await;
        read(&mut driver, &mut journal);
    }

    let limit = tokio::time::Instant::now() + PATIENCE;
    let wanted: Vec<_> = partitions.into_iter().map(|partition| (partition, OffsetSpec::Latest)).collect();
    let asked =
        driver.client.consumer(driver.now()).and_then(|mut consumer| consumer.list_offsets(&wanted, None));
    let asked = match asked {
        Ok(asked) => asked,
        Err(error) => return complain(journal, format!("list_offsets(): {error}")),
    };
    let mut ends = None;
    loop {
        turn_until(&mut driver, tokio::time::Instant::now() + TICK).await;
        read(&mut driver, &mut journal);
        match driver.completed.remove(&asked) {
            None => {}
            Some(Ok(Completion::Offsets(found))) => ends = Some(found),
            Some(other) => return complain(journal, format!("list_offsets() ended with {other:?}")),
        }
        if let Some(ends) = &ends {
            let now = driver.now();
            let is_behind = |driver: &mut Driver| {
                driver.client.consumer(now).is_ok_and(|consumer| {
                    ends.iter().any(|end| consumer.position(&end.partition).is_none_or(|at| at < end.offset))
                })
            };
            if !is_behind(&mut driver) {
                break;
            }
        }
        if tokio::time::Instant::now() > limit {
            let connections: Vec<_> = driver.client.inspect().connections().collect();
            return complain(
                journal,
                format!("the consumer is not getting to the end {ends:?}: {connections:?}"),
            );
        }
    }
    finish(driver, "consumer", journal).await
}

/// Takes what has been fetched.
fn read(driver: &mut Driver, journal: &mut Journal) {
    let now = driver.now();
    loop {
        let batch = match driver.client.consumer(now).map(|mut consumer| consumer.take()) {
            Ok(Some(batch)) => batch,
            Ok(None) => break,
            Err(error) => {
                journal.complaints.push(format!("take(): {error}"));
                break;
            }
        };
        let records = match batch.batch.records() {
            Ok(records) => records,
            Err(error) => {
                journal.complaints.push(format!("{}: {error}", batch.partition));
                continue;
            }
        };
        for record in records {
            match record {
                Ok(record) if record.offset >= batch.first_offset => {
                    let text = record.value.and_then(|value| std::str::from_utf8(value).ok());
                    let number = text.and_then(number_of);
                    let partition = batch.partition.partition;
                    journal.read.push(Read { partition, offset: record.offset, number });
                }
                Ok(_before) => {}
                Err(error) => journal.complaints.push(format!("{}: {error}", batch.partition)),
            }
        }
    }
    for event in driver.events.drain(..) {
        match event {
            Event::PartitionError { partition, error } => {
                journal.complaints.push(format!("reading {partition}: {error}"));
            }
            Event::Fatal(error) => journal.complaints.push(format!("the consumer is finished: {error}")),
            _ => {}
        }
    }
}

/// Stops the client and checks that nothing is left of it.
async fn finish(mut driver: Driver, name: &str, mut journal: Journal) -> Journal {
    if let Err(error) = driver.stop(Some(Duration::from_secs(30))).await {
        journal.complaints.push(format!("{name}: stop(): {error}"));
    }
    let left = (driver.sockets(), driver.client.poll_timeout());
    if left != (0, None) {
        journal.complaints.push(format!("{name}: {left:?} is left after stop()"));
    }
    let counters = driver.client.inspect().counters();
    journal.facts.insert(format!("{name}.connects"), counters.connects);
    journal.facts.insert(format!("{name}.requests"), counters.requests_sent);
    journal
}

fn complain(mut journal: Journal, what: String) -> Journal {
    journal.complaints.push(what);
    journal
}
