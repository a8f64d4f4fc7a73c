//! The network: ordered byte pipes between clients and brokers, and everything that can go wrong with them.
//!
//! Knows nothing of Kafka. Reads no clock and schedules nothing by itself: [`Network::next_at`] says when something
//! will happen and [`Network::pop`] makes exactly one thing happen.

mod condition;
mod link;

pub use link::{End, LinkId};

use crate::event::{Connection, Direction, Side, StreamRange};
use crate::fault::{Cut, Fault};
use crate::random::draw_in;
use crate::scenario::{Chunking, NetworkSetup};
use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use bytes::Bytes;
use client_core::time::{Duration, Instant};
use condition::Condition;
use link::{Ahead, Chunk, Link, Stage};

/// All links between clients and brokers.
#[derive(Clone, Debug)]
pub struct Network {
    setup: NetworkSetup,
    seed: u64,
    links: BTreeMap<LinkId, Link>,
    conditions: BTreeMap<i32, Condition>,
    next_link: u64,
    next_sequence: u64,
}

/// Whose link it is, and to which broker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LinkView {
    /// The link's number.
    pub id: LinkId,
    /// The client's name for it.
    pub connection: Connection,
    /// The broker at the other end.
    pub node: i32,
    /// Whether the client has closed its end: it is not to hear of the link again.
    pub client_is_gone: bool,
}

/// What the network lets happen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Happening {
    /// A connection is open; the broker, if one is there, has to accept it.
    Opened {
        /// Which.
        link: LinkId,
        /// Whether the broker never learns of it.
        silent: bool,
    },
    /// A connection could not be made.
    Failed {
        /// Which.
        link: LinkId,
        /// Why.
        end: End,
    },
    /// Bytes arrived.
    Delivered {
        /// On which link.
        link: LinkId,
        /// Which way.
        direction: Direction,
        /// The bytes.
        bytes: Bytes,
        /// Where they lie in the stream.
        range: StreamRange,
        /// What the sender gave as their cause.
        cause: Option<u32>,
        /// Whether nobody is there to read them.
        silent: bool,
    },
    /// A side learns that the link ended.
    Ended {
        /// Which.
        link: LinkId,
        /// Who learns of it.
        to: Side,
        /// In what way.
        end: End,
    },
    /// The link was cut for both sides; what was under way is lost.
    Cut {
        /// Which.
        link: LinkId,
        /// In what way.
        end: End,
        /// What will never arrive.
        lost: Vec<(Direction, StreamRange)>,
    },
}

impl Network {
    /// A network without links.
    #[must_use]
    pub const fn new(setup: NetworkSetup, seed: u64) -> Self {
        Self {
            setup,
            seed,
            links: BTreeMap::new(),
            conditions: BTreeMap::new(),
            next_link: 1,
            next_sequence: 0,
        }
    }

    /// Which broker is reached by who connects to this one.
    #[must_use]
    pub fn reached(&self, node: i32) -> i32 {
        self.conditions.get(&node).and_then(|condition| condition.misroute).unwrap_or(node)
    }

    /// Begins to connect; `node` is `None` when nobody has the address, and `up` tells whether the broker runs.
    pub fn connect(&mut self, now: Instant, connection: Connection, node: Option<i32>, up: bool) -> LinkId {
        let id = LinkId(self.next_link);
        self.next_link += 1;
        let key = link_key(connection);
        let condition = node.and_then(|node| self.conditions.get(&node));
        let outcome = match node {
            None => Some(End::Unreachable),
            Some(_) if condition.is_some_and(|condition| condition.unreachable) => Some(End::Unreachable),
            Some(_) if !up || condition.is_some_and(|condition| condition.refuse) => Some(End::Refused),
            Some(_) => None,
        };
        let silent = condition.is_some_and(|condition| condition.silent);
        // There and back again.
        let at = now + self.delay(key, node, "connect-there", 0) + self.delay(key, node, "connect-back", 0);
        let sequence = self.sequence();
        let stage = Stage::Connecting { at, sequence, outcome };
        self.links.insert(id, Link::new(connection, node.unwrap_or(UNKNOWN_NODE), key, stage, silent));
        id
    }

    /// Writes bytes; `cause` comes back with their delivery. Bytes for an ended link are gone.
    pub fn send(&mut self, now: Instant, id: LinkId, direction: Direction, bytes: Bytes, cause: Option<u32>) {
        let Some(link) = self.links.get(&id) else { return };
        let (key, node) = (link.key, link.node);
        let mut chunk_number = link.pipe(direction).chunks;
        let mut rest = bytes;
        let mut chunks = Vec::new();
        while !rest.is_empty() {
            let size = self.chunk_size(key, direction, chunk_number, rest.len());
            let delay = self.delay(key, Some(node), purpose("delay", direction), chunk_number);
            chunks.push((rest.split_to(size), now + delay));
            chunk_number += 1;
        }
        let mut sequence = self.next_sequence;
        if let Some(link) = self.links.get_mut(&id) {
            for (bytes, arrives) in chunks {
                link.pipe_mut(direction).push(bytes, arrives, sequence, cause);
                sequence += 1;
            }
        }
        self.next_sequence = sequence;
    }

    /// One side closes in order: what it wrote still arrives, what was on its way to it is lost and returned.
    pub fn close(&mut self, now: Instant, id: LinkId, by: Side) -> Vec<(Direction, StreamRange)> {
        let sequence = self.sequence();
        let Some(link) = self.links.get(&id) else { return Vec::new() };
        let outgoing = outgoing(by);
        let at = now + self.delay(link.key, Some(link.node), purpose("fin", outgoing), 0);
        let Some(link) = self.links.get_mut(&id) else { return Vec::new() };
        if matches!(link.stage, Stage::Connecting { .. }) || (link.silent && by == Side::Client) {
            self.links.remove(&id);
            return Vec::new();
        }
        let lost = match by {
            Side::Client => link.pipe_mut(Direction::ToClient).deafen(),
            // The broker closes by a FIN behind its last bytes; what the client still writes meets nobody.
            Side::Broker => link.pipe_mut(Direction::ToBroker).deafen(),
        };
        link.end(outgoing, at, sequence, End::Fin);
        lost.map(|range| alloc::vec![(opposite(outgoing), range)]).unwrap_or_default()
    }

    /// The broker breaks the link off: both sides learn at once, what was under way is lost.
    pub fn reset(&mut self, id: LinkId) {
        let sequence = self.sequence();
        if let Some(link) = self.links.get_mut(&id) {
            link.cut = Some((End::Reset, sequence));
        }
    }

    /// When the next thing happens: never before `now`.
    #[must_use]
    pub fn next_at(&self, now: Instant) -> Option<Instant> {
        self.next(now).map(|(at, _, _)| at)
    }

    /// Makes the next thing happen, if its time has come.
    pub fn pop(&mut self, now: Instant) -> Option<Happening> {
        let (at, _, id) = self.next(now)?;
        if at > now {
            return None;
        }
        let link = self.links.get_mut(&id)?;
        let node = link.node;
        if let Some((end, _)) = link.cut {
            let lost = Direction::ALL
                .into_iter()
                .filter_map(|direction| link.pipe_mut(direction).clear().map(|range| (direction, range)))
                .collect();
            self.links.remove(&id);
            return Some(Happening::Cut { link: id, end, lost });
        }
        let ahead = link.ahead(self.conditions.get(&node))?.1;
        match ahead {
            Ahead::Connect(Some(end)) => {
                self.links.remove(&id);
                Some(Happening::Failed { link: id, end })
            }
            Ahead::Connect(None) => {
                link.stage = Stage::Open;
                Some(Happening::Opened { link: id, silent: link.silent })
            }
            Ahead::Chunk(direction) => {
                let condition = self.conditions.entry(node).or_default();
                let size_max = condition.allowance(direction);
                let Chunk { bytes, range, cause, .. } = link.pipe_mut(direction).take(size_max)?;
                let silent = link.silent && direction == Direction::ToBroker;
                if let Some(cut) = condition.spend(direction, range.len()) {
                    self.cut_node(node, cut);
                }
                Some(Happening::Delivered { link: id, direction, bytes, range, cause, silent })
            }
            Ahead::End(direction, end) => {
                let to = match direction {
                    Direction::ToBroker => Side::Broker,
                    Direction::ToClient => Side::Client,
                };
                self.links.remove(&id);
                Some(Happening::Ended { link: id, to, end })
            }
        }
    }

    /// The link on which the next thing happens, if its time has come.
    #[must_use]
    pub fn peek(&self, now: Instant) -> Option<LinkView> {
        let (at, _, id) = self.next(now)?;
        let link = self.links.get(&id).filter(|_| at <= now)?;
        let client_is_gone = link.pipe(Direction::ToClient).deaf;
        Some(LinkView { id, connection: link.connection, node: link.node, client_is_gone })
    }

    /// Opens a link that is connecting, whatever stands in its way. `None` if it is not.
    pub fn open_at_once(&mut self, id: LinkId) -> Option<LinkView> {
        let link = self.links.get_mut(&id)?;
        if !matches!(link.stage, Stage::Connecting { outcome: None, .. }) {
            return None;
        }
        link.stage = Stage::Open;
        Some(LinkView { id, connection: link.connection, node: link.node, client_is_gone: false })
    }

    /// Whether a link exists and is open.
    #[must_use]
    pub fn is_open(&self, id: LinkId) -> bool {
        self.links.get(&id).is_some_and(|link| matches!(link.stage, Stage::Open) && link.cut.is_none())
    }

    /// Takes the next bytes that are under way, whatever holds them back: the bytes, where they lie in the stream, and what
    /// the sender gave as their cause.
    pub fn take_at_once(
        &mut self,
        id: LinkId,
        direction: Direction,
    ) -> Option<(Bytes, StreamRange, Option<u32>)> {
        let Chunk { bytes, range, cause, .. } =
            self.links.get_mut(&id)?.pipe_mut(direction).take(u64::MAX)?;
        Some((bytes, range, cause))
    }

    /// Ends a link at once and says what was under way on it.
    pub fn break_at_once(&mut self, id: LinkId) -> Vec<(Direction, StreamRange)> {
        let Some(mut link) = self.links.remove(&id) else { return Vec::new() };
        let lost = Direction::ALL.into_iter();
        lost.filter_map(|direction| link.pipe_mut(direction).clear().map(|range| (direction, range)))
            .collect()
    }

    /// Forgets a link at once, as if it had never been.
    pub fn forget(&mut self, id: LinkId) {
        self.links.remove(&id);
    }

    /// Applies what a fault means for the network. Faults inside brokers mean nothing here.
    pub fn apply(&mut self, fault: &Fault) {
        let Some(node) = fault.node() else {
            if *fault == Fault::HealAll {
                self.conditions.clear();
            }
            return;
        };
        let condition = self.conditions.entry(node).or_default();
        match fault {
            Fault::Refuse(_) => condition.refuse = true,
            Fault::Unreachable(_) => condition.unreachable = true,
            Fault::Silent(_) => condition.silent = true,
            Fault::Partition(_) => condition.partition = true,
            Fault::Cut { how, after: Some(after), .. } if *after > 0 => {
                condition.cut = Some((u64::from(*after), *how));
            }
            Fault::Cut { how, .. } => self.cut_node(node, *how),
            Fault::Hold { direction, .. } => condition.hold(*direction),
            Fault::Pause { after, .. } => condition.pause = Some(u64::from(*after)),
            Fault::Misroute { to, .. } => condition.misroute = Some(*to),
            Fault::Release(_) => condition.release(),
            Fault::Delay { micros, .. } => condition.extra_delay = Duration::from_micros(*micros),
            Fault::Heal(_) => {
                self.conditions.remove(&node);
            }
            Fault::Down(_)
            | Fault::Up(_)
            | Fault::BlackHole(_)
            | Fault::LockOut(_)
            | Fault::SlowApi { .. }
            | Fault::Throttle { .. }
            | Fault::ErrorCode { .. }
            | Fault::WrongCorrelation(_)
            | Fault::NegativeSize(_)
            | Fault::Oversized(_)
            | Fault::Garbage(_)
            | Fault::Twice(_)
            | Fault::Move { .. }
            | Fault::MoveLeader { .. }
            | Fault::CreateTopic { .. }
            | Fault::HealAll => {}
        }
    }

    /// Whose link it is, and to which broker; `None` once it has ended.
    #[must_use]
    pub fn link(&self, id: LinkId) -> Option<(Connection, i32)> {
        self.links.get(&id).map(|link| (link.connection, link.node))
    }

    /// The client's connection on a link that still exists.
    #[must_use]
    pub fn find(&self, connection: Connection) -> Option<LinkId> {
        self.links.iter().find(|(_, link)| link.connection == connection).map(|(id, _)| *id)
    }

    /// Where the next byte written in this direction will lie in its stream.
    #[must_use]
    pub fn written(&self, id: LinkId, direction: Direction) -> u64 {
        self.links.get(&id).map_or(0, |link| link.pipe(direction).written)
    }

    /// Whether somebody still reads at the far end of this direction.
    #[must_use]
    pub fn is_heard(&self, id: LinkId, direction: Direction) -> bool {
        self.links.get(&id).is_some_and(|link| link.cut.is_none() && !link.pipe(direction).deaf)
    }

    /// How many links exist, half-ended ones included.
    #[must_use]
    pub fn links(&self) -> usize {
        self.links.len()
    }

    /// Whether anything is on its way, or waits to be let through.
    #[must_use]
    pub fn is_busy(&self) -> bool {
        self.links.values().any(Link::is_busy)
    }

    fn cut_node(&mut self, node: i32, how: Cut) {
        let end = match how {
            Cut::Fin => End::Fin,
            Cut::Reset => End::Reset,
        };
        let mut sequence = self.next_sequence;
        for link in self.links.values_mut().filter(|link| link.node == node && link.cut.is_none()) {
            if matches!(link.stage, Stage::Open) {
                link.cut = Some((end, sequence));
                sequence += 1;
            }
        }
        self.next_sequence = sequence;
    }

    /// The earliest thing ahead: when, its sequence number, and on which link.
    fn next(&self, now: Instant) -> Option<(Instant, u64, LinkId)> {
        self.links
            .iter()
            .filter_map(|(id, link)| {
                if let Some((_, sequence)) = link.cut {
                    return Some((now, sequence, *id));
                }
                let ((at, sequence), _) = link.ahead(self.conditions.get(&link.node))?;
                Some((at.max(now), sequence, *id))
            })
            .min()
    }

    fn delay(&self, key: u64, node: Option<i32>, purpose: &str, count: u64) -> Duration {
        let NetworkSetup { delay_micros_min, delay_micros_max, .. } = self.setup;
        let micros = draw_in(self.seed, key, purpose, count, delay_micros_min, delay_micros_max);
        let extra =
            node.and_then(|node| self.conditions.get(&node)).map_or(Duration::ZERO, |c| c.extra_delay);
        Duration::from_micros(micros) + extra
    }

    fn chunk_size(&self, key: u64, direction: Direction, count: u64, left: usize) -> usize {
        match self.setup.chunking {
            Chunking::Whole => left,
            Chunking::Fixed(size) => left.min(size.max(1) as usize),
            Chunking::Random => {
                // Small sizes often: that is where decoders break.
                let cap = match draw_in(self.seed, key, purpose("cap", direction), count, 0, 3) {
                    0 => 1,
                    1 => 8,
                    2 => 64,
                    _ => left as u64,
                };
                let high = cap.min(left as u64);
                draw_in(self.seed, key, purpose("size", direction), count, 1, high) as usize
            }
        }
    }

    const fn sequence(&mut self) -> u64 {
        let sequence = self.next_sequence;
        self.next_sequence += 1;
        sequence
    }
}

/// No broker has this number: what a link to an unknown address leads to.
const UNKNOWN_NODE: i32 = -1;

/// A link's own key for random numbers: it does not depend on how many links came before.
fn link_key(connection: Connection) -> u64 {
    u64::from(connection.client) << 48
        | u64::from(connection.broker()) << 32
        | u64::from(connection.generation())
}

const fn outgoing(by: Side) -> Direction {
    match by {
        Side::Client => Direction::ToBroker,
        Side::Broker => Direction::ToClient,
    }
}

const fn opposite(direction: Direction) -> Direction {
    match direction {
        Direction::ToBroker => Direction::ToClient,
        Direction::ToClient => Direction::ToBroker,
    }
}

fn purpose(what: &'static str, direction: Direction) -> &'static str {
    match (what, direction) {
        ("delay", Direction::ToBroker) => "delay-to-broker",
        ("delay", Direction::ToClient) => "delay-to-client",
        ("fin", Direction::ToBroker) => "fin-to-broker",
        ("fin", Direction::ToClient) => "fin-to-client",
        ("cap", Direction::ToBroker) => "cap-to-broker",
        ("cap", Direction::ToClient) => "cap-to-client",
        ("size", Direction::ToBroker) => "size-to-broker",
        ("size", Direction::ToClient) => "size-to-client",
        (other, _) => other,
    }
}

#[cfg(test)]
mod tests;
