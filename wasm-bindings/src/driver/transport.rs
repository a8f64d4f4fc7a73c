//! What the driver needs from a network, and how output becomes actions on it.

use super::Sink;
use bytes::Bytes;
use client_core::{Address, ConnectionId};
use js_sys::Uint8Array;

/// A network. Its methods are called while the client is not borrowed, so they may report to the [`Sink`] at once.
pub trait Transport {
    /// Opens a connection and reports to `sink` how it goes: `connected` once or `disconnected` once, then
    /// `received` any number of times and `disconnected` once.
    fn connect(&self, connection: ConnectionId, address: &Address, sink: Sink);

    /// Writes the segments one after the other, if possible as one write. Failure is reported as `disconnected`.
    fn send(&self, connection: ConnectionId, segments: &[Bytes]);

    /// Closes the connection, or gives up opening it. Nothing is reported for it afterwards.
    fn close(&self, connection: ConnectionId);
}

/// Copies segments out of wasm memory into one JavaScript array of their own: the only copy on the way out, and a
/// necessary one, because hosts keep what they are given while this memory goes on changing.
#[must_use]
pub fn gather(segments: &[Bytes]) -> Uint8Array {
    if let [segment] = segments {
        return Uint8Array::from(&segment[..]);
    }
    let length: usize = segments.iter().map(Bytes::len).sum();
    let gathered = Uint8Array::new_with_length(length as u32);
    let mut start = 0;
    for segment in segments {
        let end = start + segment.len() as u32;
        gathered.subarray(start, end).copy_from(segment);
        start = end;
    }
    gathered
}

/// One thing to do on the network.
pub(super) enum Action {
    Connect { connection: ConnectionId, address: Address },
    Send { connection: ConnectionId, segments: Vec<Bytes> },
    Close { connection: ConnectionId },
}

impl Action {
    const fn connection(&self) -> ConnectionId {
        match self {
            Self::Connect { connection, .. } | Self::Send { connection, .. } | Self::Close { connection } => {
                *connection
            }
        }
    }
}

/// Adds bytes to the last action of their connection when that is a send, else as an action of their own.
pub(super) fn push_send(actions: &mut Vec<Action>, connection: ConnectionId, bytes: Bytes) {
    let last = actions.iter_mut().rev().find(|action| action.connection() == connection);
    if let Some(Action::Send { segments, .. }) = last {
        segments.push(bytes);
    } else {
        actions.push(Action::Send { connection, segments: vec![bytes] });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use client_core::BrokerId;

    fn connection(broker: u16) -> ConnectionId {
        ConnectionId { broker: BrokerId(broker), generation: 1 }
    }

    fn check(sends: &[(u16, &'static [u8])], expected: &[(u16, usize)]) {
        let mut actions = Vec::new();
        for (broker, bytes) in sends {
            push_send(&mut actions, connection(*broker), Bytes::from_static(bytes));
        }
        let found: Vec<_> = actions
            .iter()
            .map(|action| match action {
                Action::Send { connection, segments } => (connection.broker.0, segments.len()),
                Action::Connect { .. } | Action::Close { .. } => panic!("only sends went in"),
            })
            .collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn sends_to_one_connection_become_one_action() {
        check(&[], &[]);
        check(&[(1, b"a"), (1, b"b")], &[(1, 2)]);
        check(&[(1, b"a"), (2, b"b"), (1, b"c")], &[(1, 2), (2, 1)]);
    }

    #[test]
    fn a_send_after_a_close_stays_after_it() {
        let mut actions = Vec::new();
        push_send(&mut actions, connection(1), Bytes::from_static(b"a"));
        actions.push(Action::Close { connection: connection(1) });
        push_send(&mut actions, connection(1), Bytes::from_static(b"b"));
        assert_eq!(actions.len(), 3);
    }
}
