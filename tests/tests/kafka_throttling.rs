//! A real Apache Kafka whose quota is used up: nothing is lost, nobody reconnects, and the application is told (KIP-219).

use bytes::{Buf, BufMut};
use client_core::{Address, Config, ProducerConfig, Record, Role, Status};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;
use tests::driver::Driver;

const LIMIT: Option<Duration> = Some(Duration::from_secs(30));

fn bootstrap() -> String {
    std::env::var("KAFKA_BOOTSTRAP").expect("run by `cargo xtask test --only kafka-native`")
}

/// Sets `producer_byte_rate` of a client id, or takes it away: AlterClientQuotas version 0, written by hand, since no client of ours
/// has it.
fn set_quota(client_id: &str, bytes_per_second: Option<f64>) {
    fn text(into: &mut Vec<u8>, text: &str) {
        into.put_i16(i16::try_from(text.len()).unwrap());
        into.put_slice(text.as_bytes());
    }
    let mut request = Vec::new();
    request.put_i16(49);
    request.put_i16(0);
    request.put_i32(1);
    text(&mut request, "kafka-wasm-tests");
    // One entry with one entity and one operation.
    request.put_i32(1);
    request.put_i32(1);
    text(&mut request, "client-id");
    text(&mut request, client_id);
    request.put_i32(1);
    text(&mut request, "producer_byte_rate");
    request.put_f64(bytes_per_second.unwrap_or_default());
    request.put_u8(u8::from(bytes_per_second.is_none()));
    // Not only to see whether it could be done.
    request.put_u8(0);

    let mut stream = TcpStream::connect(bootstrap().split(',').next().unwrap()).unwrap();
    stream.set_read_timeout(LIMIT).unwrap();
    stream.write_all(&u32::try_from(request.len()).unwrap().to_be_bytes()).unwrap();
    stream.write_all(&request).unwrap();
    let mut size = [0; 4];
    stream.read_exact(&mut size).unwrap();
    let mut answer = vec![0; u32::from_be_bytes(size) as usize];
    stream.read_exact(&mut answer).unwrap();
    let mut answer = &answer[..];
    let (correlation_id, _throttled, entries) = (answer.get_i32(), answer.get_i32(), answer.get_i32());
    assert_eq!((correlation_id, entries), (1, 1));
    assert_eq!(answer.get_i16(), 0, "the broker takes the quota");
}

#[tokio::test]
async fn a_quota_that_is_used_up_loses_nothing() {
    const RECORDS: usize = 26;
    let nanos = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_nanos();
    let (topic, client_id) = (format!("throttled-{nanos}"), format!("throttled-{nanos}"));
    // Measured over ten seconds: what follows the first megabyte is too much.
    set_quota(&client_id, Some(100_000.0));
    let bootstrap = bootstrap().split(',').map(|address| Address::parse(address).unwrap()).collect();
    let config = Config::new(&client_id, bootstrap, Role::Producer(ProducerConfig::default()));
    let mut driver = Driver::new(&config, 7).unwrap();
    driver.start(LIMIT).await.unwrap();
    let value = vec![b'x'; 50_000];
    for _ in 0..RECORDS {
        let record = Record {
            topic: &topic,
            partition: Some(0),
            key: None,
            value: Some(&value),
            timestamp: None,
            headers: &[],
        };
        driver.client.producer(driver.now()).unwrap().send(&record).unwrap();
    }
    let flush = driver.client.producer(driver.now()).unwrap().flush(LIMIT);
    driver.wait(flush).await.unwrap();
    // The reply that says so may be the last one.
    assert!(driver.has_status(|status| matches!(status, Status::Throttled { .. })));
    let delivered: usize = driver.deliveries.iter().map(|delivery| delivery.records.len()).sum();
    assert_eq!(delivered, RECORDS);
    assert!(driver.deliveries.iter().all(|delivery| delivery.result.is_ok()), "{:?}", driver.deliveries);
    let (connects, brokers) =
        (driver.client.inspect().counters().connects, driver.client.inspect().connections().count());
    assert!(connects <= brokers as u64, "{connects} attempts to connect to {brokers} brokers");

    // One more waits until the time is over, and the application hears that it is.
    let throttled =
        |driver: &Driver| driver.client.inspect().connections().any(|it| it.throttled_until().is_some());
    assert!(throttled(&driver));
    let sent = driver.client.inspect().counters().requests_sent;
    let record = Record {
        topic: &topic,
        partition: Some(0),
        key: None,
        value: Some(b"last"),
        timestamp: None,
        headers: &[],
    };
    driver.client.producer(driver.now()).unwrap().send(&record).unwrap();
    driver.drain();
    assert_eq!(driver.client.inspect().counters().requests_sent, sent, "it waits");
    driver
        .run_until(|driver| driver.deliveries.iter().map(|it| it.records.len()).sum::<usize>() > RECORDS)
        .await;
    assert!(driver.deliveries.iter().all(|delivery| delivery.result.is_ok()), "{:?}", driver.deliveries);
    assert!(driver.has_status(|status| *status == Status::Connected));
    driver.stop(LIMIT).await.unwrap();
    set_quota(&client_id, None);
}
