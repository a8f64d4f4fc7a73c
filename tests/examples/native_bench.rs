//! How fast the core is natively, with the tokio driver, against a real broker: `KAFKA_BOOTSTRAP=... cargo run --release -p tests
//! --example native_bench`. Prints one line per measure: records a second, and CPU seconds of this process.

use client_core::{
    Address, Completion, Config, ConsumerConfig, OffsetReset, ProducerConfig, Record, Role, StartOffset,
};
use std::time::Duration;
use tests::driver::Driver;

const LIMIT: Option<Duration> = Some(Duration::from_secs(60));

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let bootstrap = std::env::var("KAFKA_BOOTSTRAP").expect("KAFKA_BOOTSTRAP names a broker");
    let bootstrap = vec![Address::parse(&bootstrap).unwrap()];
    for size in [100_usize, 1024] {
        let count = if size == 100 { 2_000_000 } else { 400_000 };
        let topic = format!("native-bench-{size}-{}", std::process::id());
        let value = vec![b'x'; size];
        let mut driver = Driver::new(
            &Config::new("bench", bootstrap.clone(), Role::Producer(ProducerConfig::default())),
            1,
        )
        .unwrap();
        driver.start(LIMIT).await.unwrap();
        let operation = driver.client.partitions_for(driver.now(), &topic, LIMIT).unwrap();
        let Completion::Partitions(partitions) = driver.wait(operation).await.unwrap() else { return };
        let (began, cpu) = (driver.now(), cpu_seconds());
        let record = Record {
            topic: &topic,
            partition: None,
            key: None,
            value: Some(&value),
            timestamp: None,
            headers: &[],
        };
        let mut sent = 0;
        while sent < count {
            let now = driver.now();
            let mut producer = driver.client.producer(now).unwrap();
            let full = loop {
                match producer.send(&record) {
                    Ok(_) => sent += 1,
                    Err(error) if error.code() == "BUFFER_FULL" => break true,
                    Err(error) => panic!("{error}"),
                }
                if sent == count || sent % 1_000 == 0 {
                    break false;
                }
            };
            driver.drain();
            if full {
                driver.turn().await;
            }
        }
        let flush = driver.client.producer(driver.now()).unwrap().flush(LIMIT);
        driver.wait(flush).await.unwrap();
        assert!(driver.deliveries.iter().all(|delivery| delivery.result.is_ok()));
        report("produce", size, count, driver.now().since(began), cpu_seconds() - cpu);
        driver.stop(LIMIT).await.unwrap();

        let role = ConsumerConfig { offset_reset: OffsetReset::Earliest, ..ConsumerConfig::default() };
        let mut driver =
            Driver::new(&Config::new("bench", bootstrap.clone(), Role::Consumer(role)), 1).unwrap();
        driver.start(LIMIT).await.unwrap();
        let wanted: Vec<_> =
            partitions.iter().map(|info| (info.partition.clone(), StartOffset::Earliest)).collect();
        let (began, cpu) = (driver.now(), cpu_seconds());
        driver.client.consumer(began).unwrap().assign(&wanted).unwrap();
        let mut read = 0;
        while read < count {
            let now = driver.now();
            while let Some(batch) = driver.client.consumer(now).unwrap().take() {
                read += batch
                    .batch
                    .records()
                    .unwrap()
                    .filter(|record| record.as_ref().unwrap().value.is_some())
                    .count();
            }
            if read < count {
                driver.turn().await;
            }
        }
        report("consume", size, count, driver.now().since(began), cpu_seconds() - cpu);
        driver.stop(LIMIT).await.unwrap();
    }
}

fn report(what: &str, size: usize, count: usize, took: Duration, cpu: f64) {
    let rate = count as f64 / took.as_secs_f64();
    println!("{what} {size} B: {:.0} k records/s, {cpu:.2} CPU s for {count}", rate / 1_000.0);
}

/// CPU seconds of this process, from the kernel's clock ticks (100 a second on Linux).
fn cpu_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let after_name = stat.rsplit(')').next().unwrap_or_default();
    let ticks: f64 =
        after_name.split_whitespace().skip(11).take(2).filter_map(|word| word.parse::<f64>().ok()).sum();
    ticks / 100.0
}
