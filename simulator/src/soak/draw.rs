//! Draws what a world is made of, and what happens to it.

use crate::choice::{Call, Choice, From};
use crate::cluster::SaslMechanism;
use crate::event::Direction;
use crate::fault::{Api, Cut, Fault};
use crate::random::draw_in;
use crate::recording::Recording;
use crate::scenario::{Chunking, ClientSetup, LimitSetup, NetworkSetup, RoleSetup, SaslSetup, Scenario};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec;
use alloc::vec::Vec;
use client_core::Compression;
use client_core::config::Acks;
use client_core::ids::TopicPartition;
use client_core::sasl::Mechanism;

/// The plan of a seed: a scenario and the choices of its first part, in which things may go wrong.
#[must_use]
pub fn draw(seed: u64) -> Recording {
    plan(Dice::Seed { seed, count: 0 }, seed)
}

/// A plan whose decisions are the bytes, one after the other, so that a fuzzer can change one and keep the rest. It ends with
/// the bytes.
#[must_use]
pub fn draw_from(bytes: &[u8]) -> Recording {
    plan(Dice::Bytes(bytes), u64::from(crate::text::crc32(bytes)))
}

fn plan(mut dice: Dice<'_>, seed: u64) -> Recording {
    let scenario = scenario(&mut dice);
    let mut plan = Recording::new(scenario, seed);
    // Most lives begin in order: what can go wrong later is more than what can go wrong without a connection.
    for client in 0..plan.scenario.clients.len() as u8 {
        let mut first = Vec::new();
        if is_consumer(&plan.scenario, client) {
            first.push(Call::Assign { partitions: all_partitions(&plan.scenario), from: From::Earliest });
            first.push(Call::Consume);
        }
        let at = if dice.one_in(6) { dice.roll(1, 60) } else { 0 };
        if !dice.one_in(12) {
            first.push(Call::START);
        }
        for call in first {
            plan.add(at as u32, of(client, 1 + u16::from(client), call));
        }
    }
    let mut step = dice.roll(0, 30);
    // Short lives find most, and long ones what needs a history.
    let choices = if dice.one_in(10) { dice.roll(30, 80) } else { dice.roll(4, 24) };
    let pace = dice.roll(3, 30);
    for _ in 0..choices {
        if dice.is_empty() {
            break;
        }
        step += dice.roll(0, pace);
        let choice =
            if dice.one_in(2) { fault(&mut dice, &plan.scenario) } else { call(&mut dice, &plan.scenario) };
        plan.add(step as u32, choice);
    }
    plan
}

/// Where decisions come from.
enum Dice<'a> {
    /// Numbers one after the other, each a function of the seed.
    Seed { seed: u64, count: u64 },
    /// Somebody's bytes; zeros behind their end.
    Bytes(&'a [u8]),
}

impl Dice<'_> {
    fn roll(&mut self, low: u64, high: u64) -> u64 {
        match self {
            Self::Seed { seed, count } => {
                *count += 1;
                draw_in(*seed, 0, "soak", *count, low, high)
            }
            Self::Bytes(bytes) => {
                let width = (high - low).saturating_add(1);
                let (taken, rest) = bytes.split_at(bytes.len().min(if width > 256 { 2 } else { 1 }));
                *bytes = rest;
                low + taken.iter().fold(0, |number, byte| number << 8 | u64::from(*byte)) % width
            }
        }
    }

    /// Whether nothing is left to decide with.
    const fn is_empty(&self) -> bool {
        matches!(self, Self::Bytes([]))
    }

    fn one_in(&mut self, sides: u64) -> bool {
        self.roll(1, sides) == sides
    }

    fn pick<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[self.roll(0, of.len() as u64 - 1) as usize]
    }

    fn maybe<T>(&mut self, sides: u64, draw: impl FnOnce(&mut Self) -> T) -> Option<T> {
        self.one_in(sides).then(|| draw(self))
    }
}

/// The topic that only admin clients use.
const SCRATCH: &str = "scratch";

/// The topic that is there only once somebody has asked for it or created it.
const LATE: &str = "late";

fn scenario(dice: &mut Dice<'_>) -> Scenario {
    let nodes = *dice.pick(&[1, 2, 2, 3, 3, 3, 4, 5]);
    let delay_micros_min = dice.roll(100, 5_000);
    let mut topics = vec![("orders".to_string(), dice.roll(1, 4) as i32)];
    if dice.one_in(3) {
        topics.push(("audit".to_string(), dice.roll(1, 2) as i32));
    }
    let producers = if dice.one_in(4) { 2 } else { 1 };
    let consumers = if dice.one_in(4) { 2 } else { 1 };
    let mut clients: Vec<ClientSetup> = (0..producers).map(|_| producer(dice)).collect();
    clients.extend((0..consumers).map(|_| consumer(dice)));
    if dice.one_in(4) {
        clients.push(client(dice, RoleSetup::Admin, LimitSetup::default()));
    }
    let sasl = dice.maybe(3, |dice| sasl(dice, &mut clients));
    Scenario {
        nodes,
        bootstrap: (1..=i32::from(nodes)).filter(|node| *node == 1 || dice.one_in(2)).collect(),
        compares_nodes: dice.one_in(2),
        topics,
        sasl,
        clients,
        network: NetworkSetup {
            delay_micros_min,
            delay_micros_max: delay_micros_min * dice.roll(1, 10),
            chunking: match dice.roll(0, 5) {
                0..=2 => Chunking::Whole,
                3 | 4 => Chunking::Random,
                _ => Chunking::Fixed(dice.roll(16, 100) as u32),
            },
        },
    }
}

/// What the clients say who they are with, and what the brokers have switched on for them. SCRAM is slow by design, and drawn less
/// often.
fn sasl(dice: &mut Dice<'_>, clients: &mut [ClientSetup]) -> SaslSetup {
    let mut mechanisms = Vec::new();
    for client in clients {
        let drawn = match dice.roll(0, 19) {
            0 => Mechanism::ScramSha256,
            1 => Mechanism::ScramSha512,
            2..=12 => Mechanism::Plain,
            _ => Mechanism::OauthBearer,
        };
        client.sasl = Some(drawn);
        mechanisms.extend(SaslMechanism::from_name(drawn.name()));
    }
    mechanisms.sort_unstable();
    mechanisms.dedup();
    // Shorter sessions than that would be renewed more often than brokers allow.
    SaslSetup { mechanisms, session_ms: dice.maybe(2, |dice| dice.roll(1_300, 6_000)) }
}

fn client(dice: &mut Dice<'_>, role: RoleSetup, limits: LimitSetup) -> ClientSetup {
    ClientSetup {
        role,
        connect_timeout_ms: dice.roll(300, 800),
        // A record's time is not shorter than a request's, and what lingers comes on top of that.
        request_timeout_ms: dice
            .roll(1_000, 2_000)
            .min(limits.delivery_timeout_ms.map_or(u64::MAX, |it| it - 60)),
        sasl: None,
        limits: LimitSetup { idle_ms: dice.maybe(5, |dice| dice.roll(300, 3_000)), ..limits },
        #[cfg(feature = "exhibits")]
        defect: None,
    }
}

fn producer(dice: &mut Dice<'_>) -> ClientSetup {
    let (acks, idempotent) = match dice.roll(0, 9) {
        0 => (Acks::None, false),
        1 => (Acks::Leader, false),
        2 => (Acks::All, false),
        _ => (Acks::All, true),
    };
    let linger_ms = if dice.one_in(2) { 0 } else { dice.roll(1, 60) };
    let max_request_size = dice.maybe(4, |dice| dice.roll(1_024, 4_096) as u32);
    let limits = LimitSetup {
        batch_size: dice.maybe(3, |dice| dice.roll(1, 900) as u32),
        max_request_size,
        buffer_memory: max_request_size.filter(|_| dice.one_in(2)).map(|size| size * dice.roll(1, 4) as u32),
        max_in_flight: dice.maybe(3, |dice| dice.roll(1, 5) as u32),
        // Longer than a first record takes on the slowest of these networks: connecting, metadata and all.
        delivery_timeout_ms: dice.maybe(2, |dice| dice.roll(960, 6_000)),
        max_block_ms: dice.maybe(3, |dice| dice.roll(900, 4_000)),
        headers: dice.maybe(3, |dice| dice.roll(0, 5) as u32),
        compression: dice.maybe(3, |dice| *dice.pick(&Compression::ALL)),
        ..LimitSetup::default()
    };
    client(dice, RoleSetup::Producer { idempotent, acks, linger_ms }, limits)
}

fn consumer(dice: &mut Dice<'_>) -> ClientSetup {
    let limits = LimitSetup {
        fetch_bytes: dice.maybe(3, |dice| dice.roll(1, 2_000) as u32),
        // Shorter ones only cost time: a consumer that may wait for nothing asks without end.
        fetch_wait_ms: dice.maybe(2, |dice| dice.roll(20, 400)),
        ..LimitSetup::default()
    };
    client(dice, RoleSetup::Consumer, limits)
}

const fn of(client: u8, task: u16, call: Call) -> Choice {
    Choice::Call { task, client, call }
}

pub(super) fn is_consumer(scenario: &Scenario, client: u8) -> bool {
    scenario.clients.get(usize::from(client)).is_some_and(|client| client.role == RoleSetup::Consumer)
}

pub(super) fn is_admin(scenario: &Scenario, client: u8) -> bool {
    scenario.clients.get(usize::from(client)).is_some_and(|client| client.role == RoleSetup::Admin)
}

/// Every partition that the scenario begins with.
pub(super) fn all_partitions(scenario: &Scenario) -> Vec<TopicPartition> {
    let of = |(name, count): &(String, i32)| {
        let name = name.clone();
        (0..*count).map(move |partition| TopicPartition::new(name.as_str(), partition)).collect::<Vec<_>>()
    };
    scenario.topics.iter().flat_map(of).collect()
}

fn call(dice: &mut Dice<'_>, scenario: &Scenario) -> Choice {
    let client = dice.roll(0, scenario.clients.len() as u64 - 1) as u8;
    // Few tasks: what one began, it can give up.
    let task = dice.roll(1, 6) as u16;
    let call = match dice.roll(0, 15) {
        0 => Call::Start { timeout_ms: Some(dice.roll(1, 3_000)) },
        1 | 2 => Call::START,
        3 => Call::Stop { timeout_ms: Some(dice.roll(0, 3_000)) },
        4 => Call::STOP,
        5 | 6 => Call::Cancel,
        7 => Call::PartitionsFor { topic: topic(dice, scenario) },
        _ if is_consumer(scenario, client) => consumers_call(dice, scenario),
        _ if is_admin(scenario, client) => admins_call(dice, scenario),
        _ => producers_call(dice, scenario),
    };
    of(client, task, call)
}

fn producers_call(dice: &mut Dice<'_>, scenario: &Scenario) -> Call {
    match dice.roll(0, 9) {
        0 => Call::Flush,
        1 => Call::Writable,
        _ => {
            // A partition that does not exist now and then: it must be refused, or fail in the end.
            let partition = dice.maybe(3, |dice| dice.roll(0, 4) as i32);
            let size = if dice.one_in(8) { dice.roll(400, 3_000) } else { dice.roll(1, 300) };
            Call::Send {
                topic: topic(dice, scenario),
                partition,
                count: dice.roll(1, 10) as u32,
                size: size as u32,
            }
        }
    }
}

fn consumers_call(dice: &mut Dice<'_>, scenario: &Scenario) -> Call {
    let some = |dice: &mut Dice<'_>| -> Vec<TopicPartition> {
        let mut all = all_partitions(scenario);
        if dice.one_in(6) {
            all.push(TopicPartition::new(LATE, dice.roll(0, 3) as i32));
        }
        let kept: Vec<_> = all.iter().filter(|_| dice.one_in(2)).cloned().collect();
        // Nothing at all is a set as well, but a text of it could not be read.
        if kept.is_empty() { vec![dice.pick(&all).clone()] } else { kept }
    };
    match dice.roll(0, 9) {
        0 | 1 => Call::Assign { partitions: some(dice), from: place(dice) },
        2 => Call::Assign { partitions: some(dice), from: From::Kept },
        3 | 4 => Call::Seek { partition: some(dice)[0].clone(), to: place(dice) },
        5 => Call::Pause { partitions: some(dice) },
        6 => Call::Resume { partitions: some(dice) },
        7 => Call::ListOffsets { partitions: some(dice) },
        _ => Call::Assign { partitions: all_partitions(scenario), from: From::Kept },
    }
}

fn admins_call(dice: &mut Dice<'_>, scenario: &Scenario) -> Call {
    // What others write to stays: a record whose topic is deleted is not lost by the client.
    let own = || SCRATCH.to_string();
    match dice.roll(0, 9) {
        0..=2 => Call::CreateTopic { topic: own(), partitions: dice.roll(0, 4) as i32 },
        3 => Call::CreateTopic { topic: LATE.to_string(), partitions: dice.roll(1, 3) as i32 },
        4 | 5 => Call::GrowTopic { topic: own(), partitions: dice.roll(1, 6) as i32 },
        6 | 7 => Call::DeleteTopic { topic: own() },
        _ => Call::DescribeTopic { topic: topic(dice, scenario) },
    }
}

fn place(dice: &mut Dice<'_>) -> From {
    match dice.roll(0, 3) {
        0 => From::Earliest,
        1 => From::Latest,
        2 => From::Kept,
        _ => From::Offset(dice.roll(0, 20) as i64),
    }
}

fn topic(dice: &mut Dice<'_>, scenario: &Scenario) -> String {
    if dice.one_in(12) { LATE.to_string() } else { dice.pick(&scenario.topics).0.clone() }
}

/// Errors that brokers answer with in passing, and the APIs that know them.
const ERRORS: [(Api, &[i16]); 8] = [
    (Api::Produce, &[2, 3, 5, 6, 7, 10, 13, 19, 20, 56]),
    (Api::Fetch, &[3, 6, 13, 56, 74, 75, 78]),
    (Api::Metadata, &[5]),
    (Api::ListOffsets, &[3, 5, 6, 13, 74, 75, 78]),
    // The coordinator is loading, is not there, or is elsewhere.
    (Api::InitProducerId, &[14, 15, 16]),
    (Api::ApiVersions, &[35]),
    (Api::SaslHandshake, &[33]),
    (Api::SaslAuthenticate, &[58]),
];

fn fault(dice: &mut Dice<'_>, scenario: &Scenario) -> Choice {
    let node = dice.roll(1, u64::from(scenario.nodes)) as i32;
    let bytes = dice.roll(0, 250) as u32;
    let how = if dice.one_in(2) { Cut::Fin } else { Cut::Reset };
    let fault = match dice.roll(0, if scenario.sasl.is_some() { 39 } else { 36 }) {
        0 => Fault::Refuse(node),
        1 => Fault::Unreachable(node),
        2 => Fault::Silent(node),
        3 => Fault::Partition(node),
        4..=7 => Fault::Cut { node, how, after: Some(bytes) },
        8 => Fault::Cut { node, how, after: None },
        9 => Fault::Hold { node, direction: Direction::ToClient },
        10 => Fault::Hold { node, direction: Direction::ToBroker },
        11 | 12 => Fault::Pause { node, after: bytes },
        13 => Fault::Release(node),
        14 => Fault::Delay { node, micros: u64::from(bytes) * 10_000 },
        15 | 16 => Fault::Down(node),
        17 | 18 => Fault::Up(node),
        19 => Fault::BlackHole(node),
        20 | 21 => {
            let apis = [
                Api::Produce,
                Api::Fetch,
                Api::Metadata,
                Api::ApiVersions,
                Api::InitProducerId,
                Api::SaslHandshake,
                Api::SaslAuthenticate,
            ];
            let api = *dice.pick(&apis[..if scenario.sasl.is_some() { 7 } else { 5 }]);
            Fault::SlowApi { node, api, micros: u64::from(bytes) * 20_000 }
        }
        22..=24 => {
            let known = if scenario.sasl.is_some() { ERRORS.len() } else { ERRORS.len() - 2 };
            let (api, codes) = *dice.pick(&ERRORS[..known]);
            Fault::ErrorCode { node, api, code: *dice.pick(codes), count: dice.roll(1, 3) as u32 }
        }
        25 => match dice.roll(0, 4) {
            0 => Fault::WrongCorrelation(node),
            1 => Fault::NegativeSize(node),
            2 => Fault::Oversized(node),
            3 => Fault::Garbage(node),
            _ => Fault::Twice(node),
        },
        26 => Fault::Move { node, host: format!("elsewhere{node}"), port: 9_000 + bytes as u16 },
        27..=29 => {
            let (topic, count) = dice.pick(&scenario.topics).clone();
            Fault::MoveLeader { topic, partition: dice.roll(0, count as u64 - 1) as i32, node }
        }
        30 => Fault::CreateTopic { topic: LATE.to_string(), partitions: dice.roll(1, 3) as i32 },
        31 | 32 => {
            let api = *dice.pick(&[Api::Produce, Api::Produce, Api::Fetch, Api::Metadata, Api::ApiVersions]);
            let micros = u64::from(bytes) * 10_000;
            Fault::Throttle { node, api, micros, count: dice.roll(1, 3) as u32 }
        }
        // Nobody can find out where brokers do not compare.
        33 | 34 if scenario.compares_nodes => {
            Fault::Misroute { node, to: dice.roll(1, u64::from(scenario.nodes)) as i32 }
        }
        33..=35 => Fault::Heal(node),
        36 => Fault::HealAll,
        _ => Fault::LockOut(node),
    };
    Choice::Fault(fault)
}
