//! Input given by hand: the person who watches plays the driver of a client. What makes sense, the network does; what makes
//! none is given to the client as it is, as a driver at fault would.

use super::World;
use crate::choice::HandInput;
use crate::event::{Actor, Connection, Direction, Entry, Kind};
use crate::network::End;
use alloc::format;
use bytes::Bytes;
use client_core::error::DisconnectCause;
use client_core::io::Input;

/// Given where nothing can have arrived: the size and the number of a reply to nothing.
const NOBODYS_BYTES: &[u8] = &[0, 0, 0, 4, 0, 0, 0, 0];

impl World {
    /// Gives a client input for its newest connection to a broker.
    pub(super) fn give_by_hand(&mut self, client: u8, broker: u16, input: HandInput) {
        let known = self.clients.get(usize::from(client)).and_then(|client| {
            client.inspect().connections().find(|view| view.broker().0 == broker).map(|view| view.id())
        });
        let Some(id) = known else {
            self.note(Actor::You, format!("There is no b{broker} to give {} to", input.name()));
            return;
        };
        let connection = Connection::new(client, id);
        let kind = Kind::Fault {
            fault: format!("input:b{broker}:{}", input.name()),
            text: format!("By hand: {} for {connection}", input.name()),
        };
        let index = self.log.push(Entry::new(self.now, Actor::You, kind).on(connection));
        self.log.set_current_cause(index, Some(connection));
        match input {
            HandInput::Connected => self.connected_by_hand(connection),
            HandInput::Received => self.received_by_hand(connection),
            HandInput::Disconnected => self.disconnected_by_hand(connection),
            HandInput::TimeoutFired => self.timeout_by_hand(client),
        }
    }

    fn connected_by_hand(&mut self, connection: Connection) {
        match self.network.find(connection).and_then(|link| self.network.open_at_once(link)) {
            Some(link) => self.opened(link.id, connection, link.node, false),
            None => {
                let input = Input::Connected { connection: connection.id };
                self.tell_client(usize::from(connection.client), input);
            }
        }
    }

    /// Everything under way arrives: first at the broker, then, with what it answers at once, at the client.
    fn received_by_hand(&mut self, connection: Connection) {
        let Some(link) = self.network.find(connection).filter(|link| self.network.is_open(*link)) else {
            let input =
                Input::Received { connection: connection.id, bytes: Bytes::from_static(NOBODYS_BYTES) };
            self.tell_client(usize::from(connection.client), input);
            return;
        };
        let mut has_arrived = false;
        for direction in Direction::ALL {
            while let Some((bytes, range, cause)) = self.network.take_at_once(link, direction) {
                has_arrived |= direction == Direction::ToClient;
                self.delivered(link, connection, direction, bytes, range, cause, false);
            }
        }
        if !has_arrived {
            self.note(Actor::Network, "Nothing is under way to the client".into());
        }
    }

    fn disconnected_by_hand(&mut self, connection: Connection) {
        match self.network.find(connection) {
            Some(link) => {
                let lost = self.network.break_at_once(link);
                self.cut(link, connection, End::Reset, "broken off by hand", lost, false);
            }
            None => {
                let input = Input::Disconnected { connection: connection.id, cause: DisconnectCause::Reset };
                self.tell_client(usize::from(connection.client), input);
            }
        }
    }

    /// The clock jumps to what the client waits for.
    fn timeout_by_hand(&mut self, client: u8) {
        let deadline = self.clients.get(usize::from(client)).and_then(client_core::Client::poll_timeout);
        match deadline {
            Some(deadline) => {
                self.now = self.now.max(deadline.at);
                self.fire_client(usize::from(client));
            }
            None => {
                self.note(Actor::Client(client), "The client waits for no time".into());
            }
        }
    }
}
