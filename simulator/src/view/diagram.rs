//! The sequence diagram: lanes, generations of connections, arrows, waiting bars.

use super::shown;
use crate::event::{Actor, CloseBy, Connection, Direction, EndCause, Event, Kind, Outcome, StreamRange};
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec::Vec;

/// Everything the diagram shows. Rows are events: row n is the event with index n.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Diagram {
    /// From left to right: tasks, clients, connections, brokers. The same for every cursor.
    pub lanes: Vec<Lane>,
    /// The lives of the connections, in the order in which they began.
    pub segments: Vec<Segment>,
    /// Messages, in the order in which they were sent.
    pub arrows: Vec<Arrow>,
    /// Waiting tasks, in the order in which they began to wait.
    pub bars: Vec<Bar>,
    /// Skipped time.
    pub gaps: Vec<Gap>,
}

/// One vertical line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lane {
    /// What it stands for.
    pub id: LaneId,
    /// Its head: `T1`, `client`, `b1`, `broker 1`.
    pub label: String,
}

/// What a lane stands for; sorts from left to right.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LaneId {
    /// A task of the application.
    Task(u16),
    /// A client.
    Client(u8),
    /// A client's connections to one broker, one generation after the other.
    Connection {
        /// The client, counted from 0.
        client: u8,
        /// The client's number for the broker.
        broker: u16,
    },
    /// A broker, by node id.
    Broker(i32),
}

/// One connection's piece of its lane.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Segment {
    /// Which connection.
    pub connection: Connection,
    /// The place of its lane in [`Diagram::lanes`].
    pub lane: usize,
    /// The row of [`Kind::Open`].
    pub from: u32,
    /// The row of [`Kind::Opened`], once the connection was made.
    pub opened: Option<u32>,
    /// Its end, when it has ended.
    pub end: Option<SegmentEnd>,
    /// 0, or more when other connections of the lane are alive at the same time and it needs a track beside them.
    pub track: u32,
}

/// The cap at the end of a segment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SegmentEnd {
    /// The row.
    pub at: u32,
    /// Who ended it.
    pub by: CloseBy,
    /// In what way.
    pub cause: EndCause,
    /// Why, in words.
    pub why: String,
}

/// A message on its way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Arrow {
    /// The connection it travels on.
    pub connection: Connection,
    /// Which way.
    pub direction: Direction,
    /// The row where it was sent.
    pub sent: u32,
    /// The place of the sender's lane.
    pub from: usize,
    /// The place of the receiver's lane.
    pub to: usize,
    /// `Metadata #3`, `Metadata reply #3`.
    pub label: String,
    /// Its size in bytes.
    pub total: u64,
    /// How many of its bytes have arrived.
    pub delivered: u64,
    /// The row where its latest bytes arrived.
    pub arrived: Option<u32>,
    /// What became of it.
    pub fate: Fate,
    /// Whether a later generation of the connection has begun since.
    pub old: bool,
}

/// What became of a message, as far as the cursor shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Fate {
    /// On its way; nothing has arrived.
    InFlight,
    /// Some of it has arrived, and more may.
    Partial,
    /// All of it has arrived.
    Delivered,
    /// Some of it arrived, and the rest never will.
    Cut,
    /// None of it will ever arrive.
    Dropped,
}

/// A task that waits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bar {
    /// The place of the task's lane.
    pub lane: usize,
    /// The call: `start()`.
    pub label: String,
    /// The row of the call.
    pub from: u32,
    /// How the wait ended.
    pub end: BarEnd,
}

/// How a wait ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BarEnd {
    /// Still waiting at the cursor, but an end is known further down.
    Waiting,
    /// Still waiting at the end of everything that is known.
    NeverResolved,
    /// It ended.
    Ended {
        /// The row.
        at: u32,
        /// How.
        outcome: Outcome,
    },
}

/// Virtual time in which nothing happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gap {
    /// The row behind the gap.
    pub before: u32,
    /// How long, in microseconds.
    pub micros: u64,
}

/// The shortest silence that gets a mark.
const GAP_MICROS_MIN: u64 = 50_000;

/// The diagram at a cursor.
#[must_use]
pub fn diagram(events: &[Arc<Event>], cursor: usize) -> Diagram {
    let lanes = lanes(events);
    let shown = shown(events, cursor);
    Diagram {
        segments: segments(&lanes, shown),
        arrows: arrows(&lanes, shown),
        bars: bars(&lanes, events, cursor),
        gaps: gaps(shown),
        lanes,
    }
}

/// All lanes of a run, from left to right.
#[must_use]
pub fn lanes(events: &[Arc<Event>]) -> Vec<Lane> {
    let mut ids = Vec::new();
    let mut add = |id| {
        if !ids.contains(&id) {
            ids.push(id);
        }
    };
    for event in events {
        match event.actor {
            Actor::Task(task) => add(LaneId::Task(task)),
            Actor::Client(client) => add(LaneId::Client(client)),
            Actor::Broker(node) => add(LaneId::Broker(node)),
            Actor::You | Actor::Network | Actor::Referee => {}
        }
        if let Some(connection) = event.connection {
            add(LaneId::Connection { client: connection.client, broker: connection.broker() });
        }
        if let Kind::Open { node: Some(node), .. } = event.kind {
            add(LaneId::Broker(node));
        }
    }
    ids.sort_unstable();
    ids.into_iter().map(|id| Lane { id, label: label(id) }).collect()
}

fn label(id: LaneId) -> String {
    match id {
        LaneId::Task(task) => format!("T{task}"),
        LaneId::Client(client) => Actor::Client(client).to_string(),
        LaneId::Connection { client: 0, broker } => format!("b{broker}"),
        LaneId::Connection { client, broker } => format!("c{}\u{b7}b{broker}", client + 1),
        LaneId::Broker(node) => format!("broker {node}"),
    }
}

fn place(lanes: &[Lane], id: LaneId) -> usize {
    // Lanes come from the same events, so the lane exists; the first one is a harmless answer for a caller who
    // mixes two runs.
    lanes.iter().position(|lane| lane.id == id).unwrap_or(0)
}

fn connection_lane(lanes: &[Lane], connection: Connection) -> usize {
    place(lanes, LaneId::Connection { client: connection.client, broker: connection.broker() })
}

fn segments(lanes: &[Lane], shown: &[Arc<Event>]) -> Vec<Segment> {
    let mut segments: Vec<Segment> = Vec::new();
    for event in shown {
        let Some(connection) = event.connection else { continue };
        match &event.kind {
            Kind::Open { .. } => {
                let lane = connection_lane(lanes, connection);
                let taken: Vec<u32> = segments
                    .iter()
                    .filter(|segment| segment.lane == lane && segment.end.is_none())
                    .map(|segment| segment.track)
                    .collect();
                let track = (0..).find(|track| !taken.contains(track)).unwrap_or(0);
                segments.push(Segment {
                    connection,
                    lane,
                    from: event.index,
                    opened: None,
                    end: None,
                    track,
                });
            }
            Kind::Opened => {
                if let Some(segment) = alive(&mut segments, connection) {
                    segment.opened = Some(event.index);
                }
            }
            Kind::Close { by, cause, why } => {
                if let Some(segment) = alive(&mut segments, connection) {
                    let why = why.clone();
                    segment.end = Some(SegmentEnd { at: event.index, by: *by, cause: *cause, why });
                }
            }
            _ => {}
        }
    }
    segments
}

fn alive(segments: &mut [Segment], connection: Connection) -> Option<&mut Segment> {
    segments.iter_mut().rev().find(|segment| segment.connection == connection && segment.end.is_none())
}

/// A message while its bytes are counted.
struct Message {
    arrow: Arrow,
    range: StreamRange,
    lost: u64,
}

fn arrows(lanes: &[Lane], shown: &[Arc<Event>]) -> Vec<Arrow> {
    let mut nodes: BTreeMap<Connection, i32> = BTreeMap::new();
    let mut newest: BTreeMap<(u8, u16), u32> = BTreeMap::new();
    let mut messages: Vec<Message> = Vec::new();
    for event in shown {
        let Some(connection) = event.connection else { continue };
        let here = connection_lane(lanes, connection);
        let number = event.correlation_id.map(|id| format!(" #{id}")).unwrap_or_default();
        match &event.kind {
            Kind::Open { node, .. } => {
                newest.insert((connection.client, connection.broker()), connection.generation());
                if let Some(node) = node {
                    nodes.insert(connection, *node);
                }
            }
            Kind::Request { api, range, .. } => {
                let to = nodes.get(&connection).map_or(here, |node| place(lanes, LaneId::Broker(*node)));
                let label = format!("{api}{number}");
                messages.push(message(
                    event.index,
                    connection,
                    Direction::ToBroker,
                    *range,
                    (here, to),
                    label,
                ));
            }
            Kind::Reply { api, range, .. } => {
                let from = nodes.get(&connection).map_or(here, |node| place(lanes, LaneId::Broker(*node)));
                let label = format!("{} reply{number}", api.unwrap_or("unknown"));
                messages.push(message(
                    event.index,
                    connection,
                    Direction::ToClient,
                    *range,
                    (from, here),
                    label,
                ));
            }
            Kind::Deliver { direction, range } => {
                for message in travelling(&mut messages, connection, *direction) {
                    let bytes = message.range.overlap(*range);
                    if bytes > 0 {
                        message.arrow.delivered += bytes;
                        message.arrow.arrived = Some(event.index);
                    }
                }
            }
            Kind::Lose { direction, range } => {
                for message in travelling(&mut messages, connection, *direction) {
                    message.lost += message.range.overlap(*range);
                }
            }
            _ => {}
        }
    }
    messages
        .into_iter()
        .map(|Message { mut arrow, lost, .. }| {
            arrow.fate = match (arrow.delivered, lost) {
                (0, 0) => Fate::InFlight,
                (delivered, _) if delivered >= arrow.total => Fate::Delivered,
                (_, 0) => Fate::Partial,
                (0, _) => Fate::Dropped,
                (_, _) => Fate::Cut,
            };
            let key = (arrow.connection.client, arrow.connection.broker());
            arrow.old =
                newest.get(&key).is_some_and(|generation| *generation > arrow.connection.generation());
            arrow
        })
        .collect()
}

fn message(
    sent: u32,
    connection: Connection,
    direction: Direction,
    range: StreamRange,
    (from, to): (usize, usize),
    label: String,
) -> Message {
    let arrow = Arrow {
        connection,
        direction,
        sent,
        from,
        to,
        label,
        total: range.len(),
        delivered: 0,
        arrived: None,
        fate: Fate::InFlight,
        old: false,
    };
    Message { arrow, range, lost: 0 }
}

fn travelling(
    messages: &mut [Message],
    connection: Connection,
    direction: Direction,
) -> impl Iterator<Item = &mut Message> {
    messages
        .iter_mut()
        .filter(move |message| message.arrow.connection == connection && message.arrow.direction == direction)
}

fn bars(lanes: &[Lane], events: &[Arc<Event>], cursor: usize) -> Vec<Bar> {
    super::waiters::waiters(events, cursor)
        .into_iter()
        .filter_map(|waiter| {
            let Actor::Task(task) = waiter.actor else { return None };
            let end = match waiter.end {
                Some((at, outcome)) => BarEnd::Ended { at, outcome },
                None if waiter.ends_later => BarEnd::Waiting,
                None => BarEnd::NeverResolved,
            };
            let lane = place(lanes, LaneId::Task(task));
            Some(Bar { lane, label: waiter.call, from: waiter.from, end })
        })
        .collect()
}

fn gaps(shown: &[Arc<Event>]) -> Vec<Gap> {
    shown
        .windows(2)
        .filter_map(|pair| {
            let micros = pair[1].at.since(pair[0].at).as_micros() as u64;
            (micros >= GAP_MICROS_MIN).then_some(Gap { before: pair[1].index, micros })
        })
        .collect()
}
