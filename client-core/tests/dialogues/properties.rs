//! Random lives: whatever the application, the brokers, the network and the clock do, in any order, a client never panics, never
//! loops, ends every operation and record exactly once, and leaves nothing behind. The harness checks most of this after each step;
//! a failing case is printed with its steps and the dialogue they led to.

use crate::support::{Dialogue, ms, partition, secs};
use client_core::protocol::ErrorCode;
use client_core::{
    Acks, AssignOutcome, DisconnectCause, Error, Instant, LifecycleState, OffsetReset, OffsetSpec,
    OperationId, Record, RecordId, StartOffset,
};
use proptest::prelude::*;
use std::collections::BTreeMap;

/// One step of the world.
#[derive(Clone, Debug)]
enum World {
    /// The cluster answers everything.
    Serve,
    /// It answers so many times.
    ServeSome(u8),
    /// The answer to some connection's first request is lost with the connection.
    LoseAnswer(u8),
    /// A connection ends.
    End(u8, DisconnectCause),
    /// Bytes that make no sense.
    Garbage(u8, Vec<u8>),
    /// An answer stops in the middle.
    Cut(u16),
    /// Time passes, with nobody answering.
    Wait(u32),
    /// The clock is set back.
    ClockBack(u32),
    /// A broker goes or comes.
    Up(u8, bool),
    /// A broker swallows attempts to connect, or no longer.
    BlackHole(u8, bool),
    /// Another broker leads.
    Elect(u8, u8),
    /// Brokers refuse produce and fetch requests for a while.
    Refuse(u8, u8),
}

/// One step of the application.
#[derive(Clone, Debug)]
enum Call {
    Start(Option<u16>),
    Stop(Option<u16>),
    CancelOne(u8),
    PartitionsFor(bool),
    Send(u8),
    Flush,
    Writable,
    Assign(u8, StartOffset),
    Seek(u8, StartOffset),
    Pause(u8, bool),
    Take,
    ListOffsets(u8),
    Write(u8),
}

#[derive(Clone, Debug)]
enum Step {
    World(World),
    Call(Call),
}

fn world() -> impl Strategy<Value = World> {
    let cause = prop_oneof![
        Just(DisconnectCause::Closed),
        Just(DisconnectCause::Reset),
        Just(DisconnectCause::Bridge { close_code: 4502, reason: String::new() }),
        Just(DisconnectCause::Bridge { close_code: 4403, reason: String::new() }),
    ];
    prop_oneof![
        6 => Just(World::Serve),
        6 => (1..20_u8).prop_map(World::ServeSome),
        2 => any::<u8>().prop_map(World::LoseAnswer),
        2 => (any::<u8>(), cause).prop_map(|(which, cause)| World::End(which, cause)),
        1 => (any::<u8>(), prop::collection::vec(any::<u8>(), 0..40)).prop_map(|(a, b)| World::Garbage(a, b)),
        1 => (0..400_u16).prop_map(World::Cut),
        4 => (0..3_000_u32).prop_map(World::Wait),
        1 => (3_000..200_000_u32).prop_map(World::Wait),
        1 => (0..5_000_u32).prop_map(World::ClockBack),
        1 => (0..2_u8, any::<bool>()).prop_map(|(a, b)| World::Up(a, b)),
        1 => (0..2_u8, prop::bool::weighted(0.3)).prop_map(|(a, b)| World::BlackHole(a, b)),
        1 => (0..2_u8, 0..2_u8).prop_map(|(a, b)| World::Elect(a, b)),
        1 => (0..6_u8, 0..5_u8).prop_map(|(a, b)| World::Refuse(a, b)),
    ]
}

fn life() -> impl Strategy<Value = Call> {
    prop_oneof![
        4 => prop::option::weighted(0.3, 0..5_000_u16).prop_map(Call::Start),
        1 => prop::option::weighted(0.7, 0..5_000_u16).prop_map(Call::Stop),
        1 => any::<u8>().prop_map(Call::CancelOne),
        1 => any::<bool>().prop_map(Call::PartitionsFor),
    ]
}

fn writing() -> impl Strategy<Value = Call> {
    prop_oneof![
        2 => life(),
        8 => (0..2_u8).prop_map(Call::Send),
        1 => Just(Call::Flush),
        1 => Just(Call::Writable),
    ]
}

fn place() -> impl Strategy<Value = StartOffset> {
    prop_oneof![
        3 => Just(StartOffset::Default),
        1 => Just(StartOffset::Earliest),
        1 => Just(StartOffset::Latest),
        2 => (0..20_i64).prop_map(StartOffset::At),
    ]
}

fn reading() -> impl Strategy<Value = Call> {
    prop_oneof![
        2 => life(),
        2 => (0..4_u8, place()).prop_map(|(a, b)| Call::Assign(a, b)),
        2 => (0..2_u8, place()).prop_map(|(a, b)| Call::Seek(a, b)),
        2 => (0..2_u8, prop::bool::weighted(0.4)).prop_map(|(a, b)| Call::Pause(a, b)),
        6 => Just(Call::Take),
        1 => (0..4_u8).prop_map(Call::ListOffsets),
        4 => (0..2_u8).prop_map(Call::Write),
    ]
}

fn steps(calls: impl Strategy<Value = Call>) -> impl Strategy<Value = Vec<Step>> {
    prop::collection::vec(prop_oneof![world().prop_map(Step::World), calls.prop_map(Step::Call)], 1..60)
}

/// A life in progress, with what has been promised so far.
struct Life {
    d: Dialogue,
    operations: Vec<OperationId>,
    /// Accepted records: the partition and the value.
    records: BTreeMap<RecordId, (u8, String)>,
    /// What comes next of each assigned partition, where that is known for sure.
    expected: BTreeMap<u8, Option<i64>>,
    values: usize,
    /// The latest time that the clock has shown.
    latest: Instant,
}

impl Life {
    fn new(d: Dialogue) -> Self {
        let mut life = Self {
            d,
            operations: Vec::new(),
            records: BTreeMap::new(),
            expected: BTreeMap::new(),
            values: 0,
            latest: Instant::ZERO,
        };
        life.d.cluster.topic("t", &[1, 2]);
        life
    }

    fn step(&mut self, step: &Step) {
        match step {
            Step::World(world) => self.world(world),
            Step::Call(call) => self.call(call),
        }
        // An offset that did not exist leads to wherever the policy says.
        for (place, error) in self.d.partition_errors() {
            let number = u8::try_from(place.partition).unwrap();
            if let Some(expected) = self.expected.get_mut(&number)
                && error.code() == "OFFSET_OUT_OF_RANGE"
            {
                *expected = None;
            }
        }
        self.d.forget_events();
    }

    fn world(&mut self, world: &World) {
        let d = &mut self.d;
        let pick = |d: &Dialogue, which: u8| {
            let open = d.open_connections();
            (!open.is_empty()).then(|| open[usize::from(which) % open.len()])
        };
        match world {
            World::Serve => d.serve(),
            World::ServeSome(times) => {
                for _ in 0..*times {
                    d.serve_one();
                }
            }
            World::LoseAnswer(which) => {
                if let Some((connection, true)) = pick(d, *which) {
                    d.serve_and_lose(connection);
                }
            }
            World::End(which, cause) => {
                let host = pick(d, *which).and_then(|(connection, _)| d.host(connection));
                if let Some(host) = host {
                    d.we_end(&host, cause.clone());
                }
            }
            World::Garbage(which, bytes) => {
                if let Some((connection, true)) = pick(d, *which) {
                    d.we_send(connection, bytes.clone().into());
                }
            }
            World::Cut(after) => d.delivery = crate::support::Delivering::CutAfter(usize::from(*after)),
            World::Wait(millis) => {
                d.wait(ms(u64::from(*millis)));
            }
            World::ClockBack(millis) => {
                self.latest = self.latest.max(d.now());
                let earlier = d.now().as_micros().saturating_sub(u64::from(*millis) * 1_000);
                d.set_clock(Instant::from_micros(earlier));
            }
            World::Up(broker, up) => d.cluster.set_up(host(*broker), *up),
            World::BlackHole(broker, black) => d.cluster.set_black_hole(host(*broker), *black),
            World::Elect(number, leader) => {
                d.cluster.elect("t", usize::from(*number), i32::from(*leader) + 1)
            }
            World::Refuse(which, times) => {
                let code = [
                    ErrorCode::NotLeaderOrFollower,
                    ErrorCode::NotEnoughReplicas,
                    ErrorCode::RequestTimedOut,
                    ErrorCode::KafkaStorageError,
                    ErrorCode::InvalidRecord,
                    ErrorCode::TopicAuthorizationFailed,
                ][usize::from(*which)];
                for _ in 0..*times {
                    d.cluster.produce_errors.push_back(code);
                    // A consumer would have to seek after errors that do not pass: here it is the world that gets better.
                    if code.is_retriable() {
                        d.cluster.fetch_errors.push_back(code);
                    }
                }
            }
        }
    }

    fn call(&mut self, call: &Call) {
        let limit = |millis: &Option<u16>| millis.map(|millis| ms(u64::from(millis)));
        match call {
            Call::Start(timeout) => {
                let start = match limit(timeout) {
                    Some(timeout) => self.d.start_within(timeout),
                    None => self.d.start(),
                };
                self.operations.push(start.operation);
            }
            Call::Stop(timeout) => {
                let operation = match limit(timeout) {
                    Some(timeout) => self.d.stop_within(timeout),
                    None => self.d.stop(),
                };
                self.operations.push(operation);
            }
            Call::CancelOne(which) => {
                if !self.operations.is_empty() {
                    let operation = self.operations[usize::from(*which) % self.operations.len()];
                    self.d.cancel(operation);
                    assert!(
                        self.d.ended(operation).is_some(),
                        "LC4: {operation} was cancelled, or had ended"
                    );
                }
            }
            Call::PartitionsFor(known) => {
                let topic = if *known { "t" } else { "unknown" };
                let asked = self.d.command(|client, now| client.partitions_for(now, topic, Some(secs(3))));
                self.operations.extend(asked);
            }
            Call::Send(number) => self.send(*number),
            Call::Flush => {
                let operation = self.d.flush();
                self.operations.push(operation);
            }
            Call::Writable => {
                let asked = self.d.command(|client, now| client.producer(now).unwrap().writable());
                self.operations.extend(asked);
            }
            Call::Assign(set, start) => self.assign(*set, *start),
            Call::Seek(number, to) => {
                let place = partition("t", i32::from(*number));
                if self.d.command(|client, now| client.consumer(now).unwrap().seek(&place, *to)).is_ok() {
                    self.expected.insert(*number, at(*to));
                }
            }
            Call::Pause(number, paused) => {
                let places = [partition("t", i32::from(*number))];
                let done = self.d.command(|client, now| {
                    let mut consumer = client.consumer(now).unwrap();
                    if *paused { consumer.pause(&places) } else { consumer.resume(&places) }
                });
                assert_eq!(done.is_ok(), self.expected.contains_key(number), "{done:?}");
            }
            Call::Take => self.take(),
            Call::ListOffsets(set) => {
                let wanted: Vec<_> =
                    numbers(*set).map(|it| (partition("t", it.into()), OffsetSpec::Latest)).collect();
                let limit = Some(secs(3));
                let asked =
                    self.d.command(|client, now| client.consumer(now).unwrap().list_offsets(&wanted, limit));
                self.operations.extend(asked);
            }
            Call::Write(number) => {
                let value = self.values.to_string();
                self.values += 1;
                self.d.cluster.log("t", usize::from(*number)).write(&[&value, "filler"]);
            }
        }
    }

    fn send(&mut self, number: u8) {
        let value = format!("record {}", self.values);
        self.values += 1;
        let record = Record {
            topic: "t",
            partition: Some(number.into()),
            key: None,
            value: Some(value.as_bytes()),
            timestamp: Some(1),
            headers: &[],
        };
        match self.d.command(|client, now| client.producer(now).unwrap().send(&record)) {
            Ok(id) => {
                assert_eq!(id.0, self.records.len() as u64, "numbers rise by one");
                self.records.insert(id, (number, value));
            }
            Err(Error::NotStarted { .. }) => {
                assert!(matches!(self.d.state(), LifecycleState::Idle | LifecycleState::Stopping));
            }
            Err(Error::BufferFull { .. }) => {}
            Err(error) => panic!("{error}"),
        }
    }

    fn assign(&mut self, set: u8, start: StartOffset) {
        let wanted: Vec<_> = numbers(set).map(|number| (partition("t", number.into()), start)).collect();
        let outcome = self.d.command(|client, now| client.consumer(now).unwrap().assign(&wanted)).unwrap();
        let stays = |number: &u8| start == StartOffset::Default && self.expected.contains_key(number);
        let same = numbers(set).count() == self.expected.len() && numbers(set).all(|number| stays(&number));
        assert_eq!(outcome == AssignOutcome::Unchanged, same, "AS3");
        let keep = |number: u8| {
            let kept = self.expected.get(&number).filter(|_| start == StartOffset::Default);
            (number, kept.copied().unwrap_or_else(|| at(start)))
        };
        self.expected = numbers(set).map(keep).collect();
    }

    /// AS4: what is delivered belongs to the assignment, follows what was delivered before, and is what was written.
    fn take(&mut self) {
        let Some(fetched) = self.d.command(|client, now| client.consumer(now).unwrap().take()) else {
            return;
        };
        let number = u8::try_from(fetched.partition.partition).unwrap();
        let expected = self.expected.get_mut(&number).expect("AS4: only assigned partitions are delivered");
        let log = &self.d.cluster.topics["t"][usize::from(number)];
        if let Some(expected) = *expected {
            let first = fetched.batch.base_offset().max(fetched.first_offset);
            assert_eq!(first, expected, "AS4: nothing twice, nothing left out");
        }
        *expected = Some(fetched.batch.next_offset());
        assert!(log.batches.contains(&fetched.batch), "what was written is read");
    }

    /// The world falls silent, and the client is told to stop: everything ends.
    fn end(mut self) -> Self {
        self.d.set_clock(self.latest.max(self.d.now()));
        let stop = self.d.stop_within(secs(5));
        self.operations.push(stop);
        self.d.wait(secs(6));
        assert_eq!(self.d.state(), LifecycleState::Idle);
        for operation in &self.operations {
            assert!(self.d.ended(*operation).is_some(), "{operation} has not ended");
        }
        assert_eq!(self.d.records_ended(), self.records.len(), "every record has ended");
        self.d.forget();
        assert_eq!(self.d.wait(secs(3_600)), 0, "LC10: nobody wakes up any more");
        self.d.expect_nothing();
        self
    }

    /// What an idempotent producer promises: what it calls delivered is in the log where it says, nothing is there twice, and the order
    /// is that of sending.
    fn check_log(&self) {
        for number in 0..2_u8 {
            let log = self.d.cluster.values("t", number.into());
            for (id, (_, value)) in self.records.iter().filter(|(_, (to, _))| *to == number) {
                let copies = log.iter().filter(|stored| *stored == value).count();
                match self.d.record(*id) {
                    Some(Ok(offset)) => {
                        assert_eq!(copies, 1, "CN18: {value} is delivered once");
                        if let Some(offset) = offset {
                            assert_eq!(log.get(*offset as usize), Some(value), "where it was said to be");
                        }
                    }
                    _ => assert!(copies <= 1, "CN18: {value} has {copies} copies"),
                }
            }
            let order: Vec<u64> = log.iter().map(|value| value[7..].parse().unwrap()).collect();
            assert!(
                order.windows(2).all(|pair| pair[0] < pair[1]),
                "CN18: the order of t-{number} is {order:?}"
            );
        }
    }
}

fn host(broker: u8) -> &'static str {
    ["b1", "b2"][usize::from(broker)]
}

/// Bit 0 names partition 0, bit 1 partition 1.
fn numbers(set: u8) -> impl Iterator<Item = u8> {
    (0..2).filter(move |number| set & (1 << number) != 0)
}

const fn at(start: StartOffset) -> Option<i64> {
    if let StartOffset::At(offset) = start { Some(offset) } else { None }
}

/// So many cases, or as many as `PROPTEST_CASES` wants.
fn cases(usual: u32) -> ProptestConfig {
    let wanted = std::env::var("PROPTEST_CASES").ok().and_then(|text| text.parse().ok());
    ProptestConfig { cases: wanted.unwrap_or(usual), ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(cases(400))]

    /// Any calls in any order, by an idempotent producer: nothing is left behind, every operation ends, each record is written once and in order.
    #[test]
    fn lc3_lc4_lc10_lc11_cn3_cn18_random_lives_of_an_idempotent_producer(steps in steps(writing()), linger in 0..20_u64, small in any::<bool>()) {
        let mut life = Life::new(Dialogue::producer_with("b1 b2", |_, producer| {
            producer.linger = ms(linger);
            producer.delivery_timeout = secs(40);
            if small {
                producer.batch_size = 200;
                producer.max_request_size = 1_024;
                producer.buffer_memory = 1_024;
            }
        }));
        for step in &steps {
            life.step(step);
        }
        life.end().check_log();
    }

    /// The same without idempotence, where copies and another order are allowed.
    #[test]
    fn lc3_lc4_lc10_lc11_cn3_random_lives_of_a_plain_producer(steps in steps(writing()), acks in 0..3_usize) {
        let mut life = Life::new(Dialogue::producer_with("b1 b2", |_, producer| {
            producer.idempotent = false;
            producer.acks = [Acks::None, Acks::Leader, Acks::All][acks];
        }));
        for step in &steps {
            life.step(step);
        }
        life.end();
    }

    /// The same for a consumer: what is delivered belongs to the assignment, once and in order.
    #[test]
    fn as3_as4_as6_random_lives_of_a_consumer(steps in steps(reading())) {
        let mut life = Life::new(Dialogue::consumer_with("b1 b2", |_, consumer| {
            consumer.offset_reset = OffsetReset::Earliest;
            consumer.max_partition_fetch_bytes = 200;
        }));
        life.d.cluster.log("t", 0).write(&["x", "y"]);
        for step in &steps {
            life.step(step);
        }
        life.end();
    }
}

proptest! {
    #![proptest_config(cases(150))]

    /// A liveness phase: after any life, once the world is well again, what is sent arrives.
    #[test]
    fn a_world_that_gets_well_again_is_enough(steps in steps(writing())) {
        let mut life = Life::new(Dialogue::producer("b1 b2"));
        for step in &steps {
            life.step(step);
        }
        life.get_well();
        let start = life.d.start();
        life.live(|d| d.ended(start.operation).is_some());
        assert_eq!(life.d.result(start.operation), Ok(client_core::Completion::Done));
        for number in 0..2 {
            life.send(number);
        }
        life.live(|d| d.client.inspect().buffered_bytes() == 0);
        let (last, _) = life.records.last_key_value().unwrap();
        assert!(life.d.record(*last).is_some_and(Result::is_ok), "{:?}", life.d.record(*last));
        life.end().check_log();
    }
}

/// Headers with few names, so that they repeat and meet.
fn headers() -> impl Strategy<Value = crate::headers::Pairs> {
    let name =
        prop_oneof![Just(b"a".to_vec()), Just(b"b".to_vec()), proptest::collection::vec(any::<u8>(), 0..3)];
    let content = proptest::option::of(proptest::collection::vec(any::<u8>(), 0..20));
    proptest::collection::vec((name, content), 0..5)
}

proptest! {
    #![proptest_config(cases(200))]

    /// Whatever the headers are and whichever way the records go, nothing that was passed is dropped, and nothing is there twice.
    #[test]
    fn cf5_cf6_nothing_that_was_passed_is_dropped(
        extra in headers(),
        records in proptest::collection::vec(headers(), 1..6),
        together in any::<bool>(),
        failures in 0..3_usize,
    ) {
        // Of extra headers each name is there once: they come from a map.
        let mut extra = extra;
        let mut names = std::collections::BTreeSet::new();
        extra.retain(|(name, _)| names.insert(name.clone()));
        crate::headers::check_extra_headers(&extra, &records, together, failures);
    }
}

impl Life {
    fn get_well(&mut self) {
        for broker in 0..2 {
            self.d.cluster.set_up(host(broker), true);
            self.d.cluster.set_black_hole(host(broker), false);
        }
        self.d.cluster.produce_errors.clear();
        self.d.delivery = crate::support::Delivering::Whole;
        // A stop that is under way comes first.
        self.live(|d| d.state() != LifecycleState::Stopping);
        // What a silent broker has swallowed times out.
        self.d.wait(secs(31));
    }

    fn live(&mut self, done: impl Fn(&Dialogue) -> bool) {
        for _ in 0..2_000 {
            self.d.serve();
            if done(&self.d) {
                return;
            }
            self.d.wait_for_deadline();
        }
        panic!("it takes too long");
    }
}
