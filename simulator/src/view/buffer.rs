//! The receive buffers: every byte with the generation that brought it, and the tray of bytes thrown away.

use super::shown;
use crate::event::{Connection, Direction, Event, Kind};
use alloc::collections::BTreeMap;
use alloc::sync::Arc;
use alloc::vec::Vec;

/// One broker's receive buffer at the cursor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Buffer {
    /// The client, counted from 0.
    pub client: u8,
    /// The client's number for the broker.
    pub broker: u16,
    /// The newest connection.
    pub connection: Connection,
    /// The bytes that wait to become a frame, oldest first.
    pub cells: Vec<Cell>,
    /// The size that the first four bytes announce, themselves included; `None` while fewer than four are there, and
    /// for a negative number.
    pub announced: Option<u64>,
    /// Frames taken out so far, newest last.
    pub frames: Vec<Frame>,
    /// Bytes thrown away, oldest first.
    pub tray: Vec<Discarded>,
}

impl Buffer {
    /// How many bytes are missing until the frame is whole; `None` while its size is not known.
    #[must_use]
    pub fn missing(&self) -> Option<u64> {
        self.announced.map(|announced| announced.saturating_sub(self.cells.len() as u64))
    }

    /// How many bytes of this connection were thrown away.
    #[must_use]
    pub fn thrown_away(&self, connection: Connection) -> u64 {
        self.tray
            .iter()
            .flat_map(|discarded| &discarded.cells)
            .filter(|cell| cell.connection == connection)
            .count() as u64
    }
}

/// One byte in a receive buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cell {
    /// The byte.
    pub byte: u8,
    /// The connection that brought it.
    pub connection: Connection,
    /// The index of the event that brought it.
    pub event: u32,
}

/// A frame that was taken out of a buffer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// The index of the event that took it.
    pub event: u32,
    /// The connection on which it was taken to be sent.
    pub connection: Connection,
    /// Its bytes, size field included.
    pub cells: Vec<Cell>,
}

impl Frame {
    /// How many of its bytes came on another connection than the one it was taken from.
    #[must_use]
    pub fn foreign(&self) -> usize {
        self.cells.iter().filter(|cell| cell.connection != self.connection).count()
    }
}

/// Bytes thrown away at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Discarded {
    /// The index of the event that threw them away.
    pub event: u32,
    /// The connection that ended.
    pub connection: Connection,
    /// The bytes.
    pub cells: Vec<Cell>,
}

/// The receive buffer of every broker that a client opened a connection to, in front of the cursor.
#[must_use]
pub fn buffers(events: &[Arc<Event>], cursor: usize) -> Vec<Buffer> {
    let mut buffers: BTreeMap<(u8, u16), Buffer> = BTreeMap::new();
    let mut arrived: BTreeMap<Connection, Vec<Cell>> = BTreeMap::new();
    for event in shown(events, cursor) {
        let Some(connection) = event.connection else { continue };
        let buffer = buffers.entry((connection.client, connection.broker())).or_insert_with(|| Buffer {
            client: connection.client,
            broker: connection.broker(),
            connection,
            cells: Vec::new(),
            announced: None,
            frames: Vec::new(),
            tray: Vec::new(),
        });
        match &event.kind {
            Kind::Open { .. } => buffer.connection = connection,
            Kind::Deliver { direction: Direction::ToClient, .. } => {
                let cells = arrived.entry(connection).or_default();
                cells.clear();
                cells.extend(event.payload.iter().flatten().map(|byte| Cell {
                    byte: *byte,
                    connection,
                    event: event.index,
                }));
            }
            // The client says what it took in: bytes that it ignored as stale never enter the picture.
            Kind::Buffered { .. } => buffer.cells.append(arrived.entry(connection).or_default()),
            Kind::FrameTaken { count } => {
                let count = (*count as usize).min(buffer.cells.len());
                let cells = buffer.cells.drain(..count).collect();
                buffer.frames.push(Frame { event: event.index, connection, cells });
            }
            Kind::Discarded { .. } => {
                let cells = core::mem::take(&mut buffer.cells);
                buffer.tray.push(Discarded { event: event.index, connection, cells });
            }
            _ => {}
        }
    }
    let mut buffers: Vec<Buffer> = buffers.into_values().collect();
    for buffer in &mut buffers {
        buffer.announced = announced(&buffer.cells);
    }
    buffers
}

fn announced(cells: &[Cell]) -> Option<u64> {
    let [a, b, c, d, ..] = cells else { return None };
    let size = i32::from_be_bytes([a.byte, b.byte, c.byte, d.byte]);
    u64::try_from(size).ok().map(|size| size + 4)
}
