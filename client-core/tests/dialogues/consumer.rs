//! Reading: AS1, AS3, AS4, AS6, AS7, AS9, and "no silent stop".

use crate::support::{Dialogue, ms, partition, replies, secs};
use client_core::protocol::{
    EARLIEST_TIMESTAMP, ErrorCode, FetchRequest, FetchResponse, ListOffsetsRequest, MetadataRequest,
};
use client_core::{
    AssignOutcome, Client, Completion, Error, Event, FetchedBatch, Instant, OffsetReset, OffsetSpec,
    OperationId, StartOffset, TopicPartition,
};

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

impl Dialogue {
    fn assign(&mut self, wanted: &[(&str, i32, StartOffset)]) -> AssignOutcome {
        self.try_assign(wanted).unwrap()
    }

    fn try_assign(&mut self, wanted: &[(&str, i32, StartOffset)]) -> Result<AssignOutcome, Error> {
        let wanted: Vec<_> =
            wanted.iter().map(|(topic, number, start)| (partition(topic, *number), *start)).collect();
        self.command(|client, now| client.consumer(now).unwrap().assign(&wanted))
    }

    fn seek(&mut self, place: &TopicPartition, to: StartOffset) -> Result<(), Error> {
        self.command(|client, now| client.consumer(now).unwrap().seek(place, to))
    }

    fn pause(&mut self, place: &TopicPartition, paused: bool) {
        self.command(|client: &mut Client, now| {
            let mut consumer = client.consumer(now).unwrap();
            let places = [place.clone()];
            if paused { consumer.pause(&places) } else { consumer.resume(&places) }.unwrap();
        });
    }

    fn take(&mut self) -> Option<FetchedBatch> {
        self.command(|client, now| client.consumer(now).unwrap().take())
    }

    /// Takes everything there is: values of the records that are wanted.
    fn take_all(&mut self) -> Vec<String> {
        let mut values = Vec::new();
        while let Some(fetched) = self.take() {
            for record in fetched.batch.records().unwrap() {
                let record = record.unwrap();
                if record.offset >= fetched.first_offset {
                    values.push(String::from_utf8(record.value.unwrap().to_vec()).unwrap());
                }
            }
        }
        values
    }

    fn position(&mut self, place: &TopicPartition) -> Option<i64> {
        self.command(|client, now| client.consumer(now).unwrap().position(place))
    }

    fn list_offsets(&mut self, wanted: &[(TopicPartition, OffsetSpec)]) -> OperationId {
        self.command(|client, now| client.consumer(now).unwrap().list_offsets(wanted, Some(secs(5)))).unwrap()
    }
}

/// A started consumer of t-0, which holds a, b, c, d in two batches.
fn reading(start: StartOffset) -> Dialogue {
    let mut d = Dialogue::consumer("b1");
    d.cluster.topic("t", &[1, 1]);
    d.cluster.log("t", 0).write(&["a", "b"]);
    d.cluster.log("t", 0).write(&["c", "d"]);
    d.assign(&[("t", 0, start)]);
    d.started()
}

const EARLIEST: StartOffset = StartOffset::Earliest;
const DEFAULT: StartOffset = StartOffset::Default;

// ---- assign ----

/// Assign works before a start, and asks nobody but leaders.
#[test]
fn as1_an_assignment_before_the_start_is_read_after_it() {
    let mut d = reading(EARLIEST);
    assert_eq!(d.take_all(), ["a", "b", "c", "d"]);
    assert_eq!(d.position(&partition("t", 0)), Some(4));
    d.cluster.log("t", 0).write(&["e"]);
    d.serve();
    assert_eq!(d.take_all(), ["e"]);
}

/// A place in the middle of a batch: the records before it are marked as not wanted.
#[test]
fn reading_begins_where_it_was_asked_to() {
    let mut d = reading(StartOffset::At(1));
    let fetched = d.take().unwrap();
    assert_eq!((fetched.first_offset, fetched.batch.base_offset(), fetched.high_watermark), (1, 0, 4));
    assert_eq!(d.position(&partition("t", 0)), Some(2));
    assert_eq!(reading(StartOffset::At(1)).take_all(), ["b", "c", "d"]);
    assert!(reading(StartOffset::Latest).take_all().is_empty());
}

/// An identical set changes nothing, however often a partition is named.
#[test]
fn as3_the_same_assignment_again_is_a_no_op() {
    let mut d = reading(EARLIEST);
    let requests = d.client.inspect().counters().requests_sent;
    assert_eq!(d.assign(&[("t", 0, DEFAULT)]), AssignOutcome::Unchanged);
    assert_eq!(d.assign(&[("t", 0, DEFAULT), ("t", 0, DEFAULT)]), AssignOutcome::Unchanged);
    assert_eq!(d.client.inspect().counters().requests_sent, requests);
    assert_eq!(d.take_all(), ["a", "b", "c", "d"]);
}

/// Naming one of two partitions twice is not naming both.
#[test]
fn as3_naming_one_partition_twice_is_naming_it_once() {
    let mut d = Dialogue::consumer("b1");
    d.assign(&[("t", 0, EARLIEST), ("t", 1, EARLIEST)]);
    assert!(matches!(d.assign(&[("t", 0, DEFAULT), ("t", 0, DEFAULT)]), AssignOutcome::Changed { .. }));
    let assigned = d.command(|client, now| client.consumer(now).unwrap().assignment());
    assert_eq!(assigned, [partition("t", 0)]);
    let contradiction = d.try_assign(&[("t", 0, EARLIEST), ("t", 0, StartOffset::Latest)]);
    assert!(matches!(contradiction, Err(Error::InvalidArgument { .. })), "{contradiction:?}");
}

/// Partitions that stay keep position, pause and buffer; others begin anew.
#[test]
fn as3_partitions_that_stay_keep_everything() {
    let mut d = reading(EARLIEST);
    assert_eq!(d.take().unwrap().batch.base_offset(), 0);
    d.pause(&partition("t", 0), true);
    d.cluster.log("t", 1).write(&["x"]);
    assert!(matches!(d.assign(&[("t", 0, DEFAULT), ("t", 1, EARLIEST)]), AssignOutcome::Changed { .. }));
    d.serve();
    assert_eq!(d.position(&partition("t", 0)), Some(2));
    assert!(d.command(|client, now| client.consumer(now).unwrap().is_paused(&partition("t", 0))));
    assert_eq!(d.take_all(), ["x"]);
    d.pause(&partition("t", 0), false);
    assert_eq!(d.take_all(), ["c", "d"], "the buffer was kept");
}

/// What was asked for under another assignment is not delivered, though it comes.
#[test]
fn as4_replies_for_an_old_assignment_are_dropped() {
    let mut d = Dialogue::consumer("b1").started();
    d.cluster.topic("t", &[1]);
    d.assign(&[("t", 0, StartOffset::At(0))]);
    let metadata = d.they_send::<MetadataRequest>("b1");
    d.we_answer(&metadata, replies::metadata("b1", &[("t", &[1])]));
    let old = d.they_send::<FetchRequest>("b1");
    d.assign(&[]);
    d.assign(&[("t", 0, StartOffset::At(1))]);
    let records = replies::stored(0, &["old", "old"]);
    d.we_answer(&old, replies::fetched("t", replies::data(0, 2, records)));
    assert!(d.take().is_none());
    let new = d.they_send::<FetchRequest>("b1");
    assert_eq!(new.body.topics[0].partitions[0].fetch_offset, 1);
}

/// Assign([]) stops everything.
#[test]
fn as7_an_empty_assignment_reads_nothing() {
    let mut d = reading(EARLIEST);
    d.assign(&[]);
    assert!(d.take().is_none());
    d.cluster.log("t", 0).write(&["e"]);
    d.serve();
    assert!(d.take().is_none());
    assert_eq!(d.position(&partition("t", 0)), None);
}

// ---- seek and pause ----

/// Seek drops the buffer, and the reply in flight for the old place.
#[test]
fn as6_a_seek_forgets_the_old_place() {
    let mut d = reading(EARLIEST);
    d.seek(&partition("t", 0), StartOffset::At(3)).unwrap();
    assert_eq!(d.position(&partition("t", 0)), Some(3));
    d.end_long_polls();
    assert_eq!(d.take_all(), ["d"]);
    d.seek(&partition("t", 0), EARLIEST).unwrap();
    d.end_long_polls();
    assert_eq!(d.take_all(), ["a", "b", "c", "d"]);
    assert!(d.seek(&partition("t", 7), EARLIEST).is_err());
    assert!(d.seek(&partition("t", 0), StartOffset::At(-1)).is_err());
}

/// A seek takes effect at once: the next fetch does not wait for the long poll under way, whose reply is dropped. However often
/// places are changed, no more than one such reply is left behind.
#[test]
fn as4_as6_a_seek_does_not_wait_for_a_long_poll() {
    let mut d = reading(EARLIEST);
    d.take_all();
    let old = d.they_send::<FetchRequest>("b1");
    assert_eq!(old.body.topics[0].partitions[0].fetch_offset, 4);
    d.seek(&partition("t", 0), StartOffset::At(1)).unwrap();
    let new = d.they_send::<FetchRequest>("b1");
    assert_eq!(new.body.topics[0].partitions[0].fetch_offset, 1);
    for offset in [3, 0, 2, 3, 0] {
        d.seek(&partition("t", 0), StartOffset::At(offset)).unwrap();
        d.expect_nothing();
    }
    let stale = replies::fetched("t", replies::data(0, 4, replies::stored(4, &["of the old place"])));
    d.we_answer(&old, stale);
    assert!(d.take_all().is_empty());
    let newest = d.they_send::<FetchRequest>("b1");
    assert_eq!(newest.body.topics[0].partitions[0].fetch_offset, 0);
    d.we_answer(
        &new,
        replies::fetched("t", replies::data(0, 4, replies::stored(1, &["of a place between"]))),
    );
    assert!(d.take_all().is_empty());
    d.we_answer(
        &newest,
        replies::fetched("t", replies::data(0, 4, replies::stored(0, &["a", "b", "c", "d"]))),
    );
    assert_eq!(d.take_all(), ["a", "b", "c", "d"]);
}

/// Pause keeps the buffer; resume says that there is something to take.
#[test]
fn as6_a_pause_keeps_the_buffer() {
    let mut d = reading(EARLIEST);
    d.pause(&partition("t", 0), true);
    assert!(d.take().is_none());
    d.forget();
    d.pause(&partition("t", 0), false);
    assert_eq!(d.events(), [Event::RecordsAvailable], "whoever waits for records hears of them");
    assert_eq!(d.take_all(), ["a", "b", "c", "d"]);
}

/// A paused partition asks for nothing, and its full buffer stops nobody else.
#[test]
fn a_paused_partition_stops_nobody_else() {
    let mut d = Dialogue::consumer_with("b1", |_, consumer| {
        consumer.fetch_max_bytes = 100;
        consumer.max_partition_fetch_bytes = 100;
    });
    d.cluster.topic("t", &[1, 1]);
    d.cluster.log("t", 0).write(&[&"x".repeat(200)]);
    d.assign(&[("t", 0, EARLIEST)]);
    d = d.started();
    d.pause(&partition("t", 0), true);
    d.cluster.log("t", 1).write(&["other"]);
    d.assign(&[("t", 0, DEFAULT), ("t", 1, EARLIEST)]);
    d.serve();
    assert_eq!(d.take_all(), ["other"]);
}

/// As a dialogue of many random steps, is in properties.rs. Here: a stop keeps positions for the next start.
#[test]
fn as4_positions_survive_a_restart() {
    let mut d = reading(EARLIEST);
    assert_eq!(d.take().unwrap().batch.base_offset(), 0);
    d.stop();
    assert_eq!(d.position(&partition("t", 0)), Some(2));
    d = d.started();
    d.serve();
    assert_eq!(d.take_all(), ["c", "d"], "nothing twice, nothing left out");
}

// ---- what the application has to know ----

fn error_codes(d: &Dialogue) -> Vec<&'static str> {
    d.partition_errors().iter().map(|(_, error)| error.code()).collect()
}

/// An offset that does not exist is an event, and reading goes on where the policy says.
#[test]
fn as9_an_offset_out_of_range_follows_the_policy() {
    for (policy, expected) in
        [(OffsetReset::Earliest, vec!["c", "d"]), (OffsetReset::Latest, vec![]), (OffsetReset::None, vec![])]
    {
        let mut d = Dialogue::consumer_with("b1", |_, consumer| consumer.offset_reset = policy);
        d.cluster.topic("t", &[1]);
        d.cluster.log("t", 0).write(&["a", "b"]);
        d.cluster.log("t", 0).write(&["c", "d"]);
        d.cluster.log("t", 0).delete_before(2);
        d.assign(&[("t", 0, StartOffset::At(0))]);
        let start = d.start();
        d.serve();
        assert_eq!(d.result(start.operation), Ok(Completion::Done));
        assert_eq!(error_codes(&d), ["OFFSET_OUT_OF_RANGE"]);
        assert_eq!(d.take_all(), expected, "{policy:?}");
        if policy == OffsetReset::None {
            // It waits for the application, and asks nothing meanwhile.
            assert_eq!(d.wait(secs(100)), 0);
            d.seek(&partition("t", 0), EARLIEST).unwrap();
            d.serve();
            assert_eq!(d.take_all(), ["c", "d"]);
        }
    }
}

/// What was fetched before the position got lost is still delivered first, and the position tells so.
#[test]
fn a_lost_position_does_not_lose_the_buffer() {
    let mut d = Dialogue::consumer_with("b1", |_, consumer| {
        consumer.offset_reset = OffsetReset::Latest;
        consumer.max_partition_fetch_bytes = 1_000;
    });
    d.cluster.topic("t", &[1]);
    d.cluster.log("t", 0).write(&["a"]);
    d.assign(&[("t", 0, EARLIEST)]);
    d = d.started();
    d.cluster.fetch_errors.push_back(ErrorCode::OffsetOutOfRange);
    d.cluster.log("t", 0).write(&["b"]);
    d.serve();
    assert_eq!(d.position(&partition("t", 0)), Some(0));
    assert_eq!(d.take_all()[0], "a");
}

/// A broker that finds no offset good enough is not asked without a pause.
#[test]
fn an_offset_that_stays_out_of_range_is_not_asked_for_in_a_loop() {
    let mut d = reading(EARLIEST);
    d.cluster.fetch_errors.extend([ErrorCode::OffsetOutOfRange; 1_000]);
    d.cluster.log("t", 0).write(&["e"]);
    let before = d.client.inspect().counters().requests_sent;
    let until = d.now() + secs(20);
    while d.now() < until {
        d.serve();
        d.wait_for_deadline();
    }
    let sent = d.client.inspect().counters().requests_sent - before;
    assert!((10..=80).contains(&sent), "{sent} requests in 20 seconds");
}

/// No silent stop: no place to begin and no policy to find one.
#[test]
fn no_place_to_begin_is_reported() {
    let mut d = Dialogue::consumer_with("b1", |_, consumer| consumer.offset_reset = OffsetReset::None);
    d.cluster.topic("t", &[1]);
    d.cluster.log("t", 0).write(&["a"]);
    d.assign(&[("t", 0, DEFAULT)]);
    d.start();
    d.serve();
    assert_eq!(error_codes(&d), ["INVALID_ARGUMENT"]);
    d.seek(&partition("t", 0), StartOffset::At(0)).unwrap();
    d.serve();
    assert_eq!(d.take_all(), ["a"]);
}

/// A topic that does not exist is an event naming the partition, once; then it is waited for.
#[test]
fn as9_a_missing_topic_is_reported_and_waited_for() {
    let mut d = Dialogue::consumer("b1");
    d.assign(&[("unknown", 0, EARLIEST)]);
    d.start();
    for _ in 0..20 {
        d.serve();
        d.wait_for_deadline();
    }
    assert_eq!(error_codes(&d), ["UNKNOWN_TOPIC_OR_PARTITION"]);
    assert_eq!(d.partition_errors()[0].0, partition("unknown", 0));
    d.cluster.topic("unknown", &[1]);
    d.cluster.log("unknown", 0).write(&["a"]);
    d.serve();
    d.wait(secs(2));
    d.serve();
    assert_eq!(d.take_all(), ["a"]);
}

/// An error that will not pass halts the partition and is an event; a restart tries and tells again.
#[test]
fn as9_a_halted_partition_waits_for_the_application() {
    let mut d = Dialogue::consumer("b1");
    d.cluster.topic("t", &[1]);
    d.cluster.log("t", 0).write(&["a"]);
    d.cluster.fetch_errors.extend([ErrorCode::TopicAuthorizationFailed; 2]);
    d.assign(&[("t", 0, EARLIEST)]);
    d.start();
    d.serve();
    assert_eq!(error_codes(&d), ["TOPIC_AUTHORIZATION_FAILED"]);
    assert_eq!(d.wait(secs(100)), 0, "nothing is asked until something changes");
    d.stop();
    d = d.started();
    d.seek(&partition("t", 0), EARLIEST).unwrap();
    d.serve();
    assert_eq!(d.take_all(), ["a"]);
}

/// Data that cannot be read halts the partition with the reason, after what could be read.
#[test]
fn corrupt_data_is_reported() {
    let mut d = Dialogue::consumer("b1").started();
    d.assign(&[("t", 0, StartOffset::At(0))]);
    let metadata = d.they_send::<MetadataRequest>("b1");
    d.we_answer(&metadata, replies::metadata("b1", &[("t", &[1])]));
    let asked = d.they_send::<FetchRequest>("b1");
    let mut bytes = replies::stored(0, &["good"]).to_vec();
    let good = bytes.len();
    bytes.extend(replies::stored(1, &["bad"]));
    bytes[good + 70] ^= 1;
    d.we_answer(&asked, replies::fetched("t", replies::data(0, 2, bytes.into())));
    assert_eq!(error_codes(&d), ["CORRUPT_DATA"]);
    assert_eq!(d.take_all(), ["good"]);
    d.expect_nothing();
}

/// Bytes that bring nothing new are not asked for again without a pause.
#[test]
fn a_reply_without_progress_is_not_repeated_at_once() {
    let mut d = Dialogue::consumer("b1").started();
    d.assign(&[("t", 0, StartOffset::At(5))]);
    let metadata = d.they_send::<MetadataRequest>("b1");
    d.we_answer(&metadata, replies::metadata("b1", &[("t", &[1])]));
    for bytes in [replies::stored(0, &["old"]), replies::stored(5, &["cut"]).slice(..30)] {
        let asked = d.they_send::<FetchRequest>("b1");
        d.we_answer(&asked, replies::fetched("t", replies::data(0, 9, bytes)));
        assert!(d.take().is_none());
        d.expect_nothing();
        d.wait(ms(250));
    }
    d.they_send::<FetchRequest>("b1");
}

/// A partition that a reply names twice is not delivered twice.
#[test]
fn a_partition_named_twice_is_delivered_once() {
    let mut d = Dialogue::consumer("b1").started();
    d.assign(&[("t", 0, StartOffset::At(0))]);
    let metadata = d.they_send::<MetadataRequest>("b1");
    d.we_answer(&metadata, replies::metadata("b1", &[("t", &[1])]));
    let asked = d.they_send::<FetchRequest>("b1");
    let mut answer = replies::fetched("t", replies::data(0, 1, replies::stored(0, &["a"])));
    let twice = answer.responses[0].partitions[0].clone();
    answer.responses[0].partitions.push(twice);
    d.we_answer(&asked, answer);
    assert_eq!(d.take_all(), ["a"]);
}

/// A new leader is found and read from, without anything twice.
#[test]
fn cn14_a_change_of_leader_is_followed() {
    let mut d = Dialogue::consumer("b1 b2");
    d.cluster.topic("t", &[1]);
    d.cluster.log("t", 0).write(&["a"]);
    d.assign(&[("t", 0, EARLIEST)]);
    d = d.started();
    assert_eq!(d.take_all(), ["a"]);
    d.cluster.elect("t", 0, 2);
    d.cluster.log("t", 0).write(&["b"]);
    for _ in 0..5 {
        d.serve();
        d.wait_for_deadline();
    }
    d.serve();
    assert_eq!(d.take_all(), ["b"]);
}

/// After failures that have passed, waits are short again.
#[test]
fn waits_are_short_again_after_a_success() {
    let mut d = reading(EARLIEST);
    for round in 0..10 {
        d.cluster.fetch_errors.push_back(ErrorCode::UnknownServerError);
        d.cluster.fetch_errors.clear();
        d.cluster.fetch_errors.push_back(ErrorCode::KafkaStorageError);
        d.cluster.log("t", 0).write(&["more"]);
        d.serve();
        d.take_all();
        let before = d.now();
        while d.take_all().is_empty() {
            d.wait_for_deadline();
            d.serve();
        }
        assert!(d.now().since(before) <= ms(250), "round {round}: {:?}", d.now().since(before));
    }
}

// ---- looking offsets up ----

/// Answers come in the order of the questions, a partition asked twice too.
#[test]
fn offsets_are_looked_up() {
    let mut d = reading(StartOffset::Latest);
    let place = partition("t", 0);
    let operation = d.list_offsets(&[
        (place.clone(), OffsetSpec::Latest),
        (partition("t", 1), OffsetSpec::Earliest),
        (place, OffsetSpec::Earliest),
    ]);
    d.serve();
    let Ok(Completion::Offsets(found)) = d.result(operation) else { panic!("{:?}", d.result(operation)) };
    assert_eq!(found.iter().map(|found| found.offset).collect::<Vec<_>>(), [4, 0, 0]);
}

/// An error that passes is asked again, one that will not ends the operation, and its time limit ends it in any case.
#[test]
fn look_ups_end() {
    let mut d = Dialogue::consumer("b1").started();
    let operation = d.list_offsets(&[(partition("t", 0), OffsetSpec::Earliest)]);
    let metadata = d.they_send::<MetadataRequest>("b1");
    d.we_answer(&metadata, replies::metadata("b1", &[("t", &[1])]));
    let asked = d.they_send::<ListOffsetsRequest>("b1");
    assert_eq!(asked.body.topics[0].partitions[0].timestamp, EARLIEST_TIMESTAMP);
    d.we_answer(&asked, replies::offset_error("t", 0, ErrorCode::OffsetNotAvailable));
    d.expect_nothing();
    d.wait(ms(120));
    let asked = d.they_send::<ListOffsetsRequest>("b1");
    d.we_answer(&asked, replies::offset_error("t", 0, ErrorCode::TopicAuthorizationFailed));
    assert_eq!(d.error_code(operation), "TOPIC_AUTHORIZATION_FAILED");

    let late = d.list_offsets(&[(partition("unknown", 0), OffsetSpec::Latest)]);
    let before = d.now();
    while d.ended(late).is_none() {
        d.serve();
        d.wait_for_deadline();
    }
    assert_eq!(d.error_code(late), "TIMEOUT");
    assert_eq!(d.now().since(before), secs(5));

    let cancelled = d.list_offsets(&[(partition("unknown", 0), OffsetSpec::Latest)]);
    d.cancel(cancelled);
    assert_eq!(d.result(cancelled), Err(Error::Cancelled));
    let stopped = d.list_offsets(&[(partition("unknown", 0), OffsetSpec::Latest)]);
    d.stop();
    assert_eq!(d.result(stopped), Err(Error::Stopped));
}

/// A place to begin that the broker gives as -1 is none.
#[test]
fn an_impossible_offset_is_not_begun_at() {
    let mut d = Dialogue::consumer("b1").started();
    d.assign(&[("t", 0, EARLIEST)]);
    let metadata = d.they_send::<MetadataRequest>("b1");
    d.we_answer(&metadata, replies::metadata("b1", &[("t", &[1])]));
    let asked = d.they_send::<ListOffsetsRequest>("b1");
    d.we_answer(&asked, replies::offset("t", 0, -1));
    d.expect_nothing();
    d.wait(ms(120));
    let asked = d.they_send::<ListOffsetsRequest>("b1");
    d.we_answer(&asked, replies::offset("t", 0, 3));
    assert_eq!(d.they_send::<FetchRequest>("b1").body.topics[0].partitions[0].fetch_offset, 3);
}

/// A consumer that waits for records wakes up for nothing else.
#[test]
fn lc11_a_waiting_consumer_sleeps() {
    let mut d = reading(EARLIEST);
    d.take_all();
    assert_eq!(d.wait(secs(29)), 0);
    assert!(d.now() > Instant::ZERO);
    let asked = d.they_send::<FetchRequest>("b1");
    d.we_answer(&asked, FetchResponse::default());
}
