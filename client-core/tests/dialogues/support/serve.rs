//! The cluster answers by itself.

use super::{Delivering, Dialogue};
use bytes::Bytes;
use client_core::{ConnectionId, DisconnectCause};

impl Dialogue {
    /// Lets the cluster accept, refuse and answer until nobody has anything to say. Fetches that would be empty wait.
    pub(crate) fn serve(&mut self) {
        for _ in 0..100_000 {
            if !self.serve_one() {
                return;
            }
        }
        panic!("the dialogue does not end");
    }

    /// Answers the fetches that wait for records, then serves what follows.
    pub(crate) fn end_long_polls(&mut self) {
        self.serve();
        self.cluster.impatient = true;
        for (connection, _) in self.open_connections() {
            self.serve_connection(connection);
        }
        self.cluster.impatient = false;
        self.serve();
    }

    /// One step of [`serve`](Self::serve). False if there was nothing to do.
    pub(crate) fn serve_one(&mut self) -> bool {
        if let Some(connection) = self.connects.pop_front() {
            let Some(wire) = self.wires.get(&connection) else { return true };
            let host = wire.address.host.clone();
            if self.cluster.is_black_hole(&host) {
                return true;
            }
            if self.cluster.is_up(&host) {
                self.we_accept(&host)
            } else {
                self.we_refuse(&host)
            }
            return true;
        }
        let connections: Vec<ConnectionId> = self.wires.keys().copied().collect();
        connections.into_iter().any(|connection| self.serve_connection(connection))
    }

    /// Answers the first request of the connection. False if there is none, or it has to wait.
    pub(crate) fn serve_connection(&mut self, connection: ConnectionId) -> bool {
        let Some(wire) = self.wires.get_mut(&connection) else { return false };
        let host = wire.address.host.clone();
        let Some((header, request)) = wire.inbox.front() else { return false };
        let others_wait = wire.inbox.len() > 1;
        let Some(answer) = self.cluster.answer(&host, request, others_wait) else { return false };
        let (version, correlation_id) = (header.request_api_version, header.correlation_id);
        wire.inbox.pop_front();
        if let Some(response) = answer {
            self.transcript.push(format!("{host}: answers {:?}", response.api_key()));
            let bytes = response.encode(version, correlation_id).unwrap().to_bytes();
            self.deliver(connection, bytes);
        }
        true
    }

    fn deliver(&mut self, connection: ConnectionId, mut bytes: Bytes) {
        match self.delivery {
            Delivering::Whole => self.we_send(connection, bytes),
            Delivering::Chunks(size) => {
                while !bytes.is_empty() {
                    let chunk = bytes.split_to(size.min(bytes.len()));
                    self.we_send(connection, chunk);
                }
            }
            Delivering::CutAfter(left) if bytes.len() <= left => {
                self.delivery = Delivering::CutAfter(left - bytes.len());
                self.we_send(connection, bytes);
            }
            Delivering::CloseAfter(left) if bytes.len() <= left => {
                self.delivery = Delivering::CloseAfter(left - bytes.len());
                self.we_send(connection, bytes);
            }
            Delivering::CutAfter(left) | Delivering::CloseAfter(left) => {
                let in_order = matches!(self.delivery, Delivering::CloseAfter(_));
                self.delivery = Delivering::Whole;
                self.we_send(connection, bytes.slice(..left));
                // Unless the client has closed it, if it made no sense of what it got.
                if let Some(host) = self.host(connection) {
                    self.we_end(
                        &host,
                        if in_order { DisconnectCause::Closed } else { DisconnectCause::Reset },
                    );
                }
            }
        }
    }

    /// The broker does what the first request wants, and its answer never comes.
    pub(crate) fn swallow(&mut self, connection: ConnectionId) {
        let wire = self.wires.get_mut(&connection).expect("the connection is open");
        let host = wire.address.host.clone();
        let (_, request) = wire.inbox.pop_front().expect("a request");
        self.cluster.answer(&host, &request, true);
    }

    /// Like [`serve_connection`](Self::serve_connection), but the answer gets lost with the connection.
    pub(crate) fn serve_and_lose(&mut self, connection: ConnectionId) {
        if let Some(wire) = self.wires.get_mut(&connection) {
            let host = wire.address.host.clone();
            if let Some((_, request)) = wire.inbox.pop_front() {
                self.cluster.answer(&host, &request, true);
            }
            self.we_end(&host, DisconnectCause::Reset);
        }
    }

    /// Every connection breaks off at the same time.
    pub(crate) fn lose_everything(&mut self) {
        for (connection, _) in self.open_connections() {
            if let Some(host) = self.host(connection) {
                self.we_end(&host, DisconnectCause::Reset);
            }
        }
    }

    /// Connections that are open or being opened, with whether they are open.
    pub(crate) fn open_connections(&self) -> Vec<(ConnectionId, bool)> {
        self.wires.iter().map(|(connection, wire)| (*connection, wire.open)).collect()
    }

    pub(crate) fn host(&self, connection: ConnectionId) -> Option<String> {
        self.wires.get(&connection).map(|wire| wire.address.host.clone())
    }
}
