//! One link: two pipes, and how far it has got.

use super::condition::Condition;
use crate::event::{Connection, Direction, StreamRange};
use alloc::collections::VecDeque;
use bytes::Bytes;
use client_core::time::Instant;

/// One link, by its number in the order of connecting.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LinkId(pub u64);

/// In what way a link ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// In order.
    Fin,
    /// Broken off.
    Reset,
    /// Nobody listens.
    Refused,
    /// No way there.
    Unreachable,
}

#[derive(Clone, Debug)]
pub(super) struct Link {
    pub(super) connection: Connection,
    pub(super) node: i32,
    pub(super) key: u64,
    pub(super) stage: Stage,
    /// The broker never learns of the link.
    pub(super) silent: bool,
    /// The link is cut as soon as anything happens: in what way, and its place among the things that happen.
    pub(super) cut: Option<(End, u64)>,
    to_broker: Pipe,
    to_client: Pipe,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Stage {
    Connecting { at: Instant, sequence: u64, outcome: Option<End> },
    Open,
}

/// What a link has ahead of it.
#[derive(Clone, Copy, Debug)]
pub(super) enum Ahead {
    Connect(Option<End>),
    Chunk(Direction),
    End(Direction, End),
}

/// One direction of a link.
#[derive(Clone, Debug, Default)]
pub(super) struct Pipe {
    queue: VecDeque<Chunk>,
    /// Bytes written so far.
    pub(super) written: u64,
    /// Pieces cut so far, for keyed random numbers.
    pub(super) chunks: u64,
    latest: Instant,
    end: Option<(Instant, u64, End)>,
    /// Nobody reads at the far end any more: what is written is gone.
    pub(super) deaf: bool,
}

/// Bytes that travel together.
#[derive(Clone, Debug)]
pub(super) struct Chunk {
    pub(super) bytes: Bytes,
    pub(super) range: StreamRange,
    pub(super) cause: Option<u32>,
    arrives: Instant,
    sequence: u64,
}

impl Link {
    pub(super) fn new(connection: Connection, node: i32, key: u64, stage: Stage, silent: bool) -> Self {
        let (to_broker, to_client) = (Pipe::default(), Pipe::default());
        Self { connection, node, key, stage, silent, cut: None, to_broker, to_client }
    }

    pub(super) const fn pipe(&self, direction: Direction) -> &Pipe {
        match direction {
            Direction::ToBroker => &self.to_broker,
            Direction::ToClient => &self.to_client,
        }
    }

    pub(super) const fn pipe_mut(&mut self, direction: Direction) -> &mut Pipe {
        match direction {
            Direction::ToBroker => &mut self.to_broker,
            Direction::ToClient => &mut self.to_client,
        }
    }

    /// Marks the end of a direction, behind everything written to it.
    pub(super) fn end(&mut self, direction: Direction, at: Instant, sequence: u64, end: End) {
        let pipe = self.pipe_mut(direction);
        let at = at.max(pipe.latest);
        pipe.end.get_or_insert((at, sequence, end));
    }

    /// The next thing on this link under these conditions: when, its sequence number, and what.
    pub(super) fn ahead(&self, condition: Option<&Condition>) -> Option<((Instant, u64), Ahead)> {
        let condition = condition.copied().unwrap_or_default();
        match self.stage {
            Stage::Connecting { .. } if condition.partition => None,
            Stage::Connecting { at, sequence, outcome } => Some(((at, sequence), Ahead::Connect(outcome))),
            Stage::Open => Direction::ALL
                .into_iter()
                .filter(|direction| !condition.holds(*direction))
                .filter_map(|direction| {
                    let pipe = self.pipe(direction);
                    match pipe.queue.front() {
                        Some(chunk) => Some(((chunk.arrives, chunk.sequence), Ahead::Chunk(direction))),
                        None => {
                            pipe.end.map(|(at, sequence, end)| ((at, sequence), Ahead::End(direction, end)))
                        }
                    }
                })
                .min_by_key(|(order, _)| *order),
        }
    }

    pub(super) fn is_busy(&self) -> bool {
        matches!(self.stage, Stage::Connecting { .. })
            || self.cut.is_some()
            || Direction::ALL.into_iter().any(|direction| {
                let pipe = self.pipe(direction);
                !pipe.queue.is_empty() || pipe.end.is_some()
            })
    }
}

impl Pipe {
    /// Appends bytes. Streams keep their order: bytes never overtake.
    pub(super) fn push(&mut self, bytes: Bytes, arrives: Instant, sequence: u64, cause: Option<u32>) {
        if self.deaf {
            return;
        }
        let arrives = arrives.max(self.latest);
        self.latest = arrives;
        let range = StreamRange { start: self.written, end: self.written + bytes.len() as u64 };
        self.written = range.end;
        self.chunks += 1;
        self.queue.push_back(Chunk { bytes, range, cause, arrives, sequence });
    }

    /// Takes the front piece, or only its first `size_max` bytes.
    pub(super) fn take(&mut self, size_max: u64) -> Option<Chunk> {
        let front = self.queue.front_mut()?;
        if front.bytes.len() as u64 <= size_max {
            return self.queue.pop_front();
        }
        let bytes = front.bytes.split_to(size_max as usize);
        let middle = front.range.start + size_max;
        let taken = Chunk { bytes, range: StreamRange { end: middle, ..front.range }, ..front.clone() };
        front.range.start = middle;
        Some(taken)
    }

    /// The reader is gone: forgets everything under way and says what it was; nothing more gets in.
    pub(super) fn deafen(&mut self) -> Option<StreamRange> {
        self.deaf = true;
        self.clear()
    }

    /// Forgets everything under way and says what it was.
    pub(super) fn clear(&mut self) -> Option<StreamRange> {
        let start = self.queue.front()?.range.start;
        self.queue.clear();
        Some(StreamRange { start, end: self.written })
    }
}
