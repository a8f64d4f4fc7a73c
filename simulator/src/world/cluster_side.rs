//! Between the network and its two ends: what arrives is handed over, what brokers answer is sent.

use super::World;
use crate::cluster::{self, ClusterOutput, LinkClosed};
use crate::event::{Actor, CloseBy, Connection, Direction, Entry, Kind, Side, StreamRange};
use crate::network::{End, Happening, LinkId, LinkView};
use alloc::string::ToString;
use alloc::vec::Vec;
use bytes::Bytes;
use client_core::ids::NodeId;
use client_core::io::Input;
use client_core::protocol::{ApiKey, redacted_response};

impl World {
    /// Lets the next thing in the network happen.
    pub(super) fn pop_network(&mut self) {
        // The link is gone once its end has happened, so who it was has to be asked before.
        let Some(link) = self.network.peek(self.now) else { return };
        let LinkView { id, connection, node, client_is_gone } = link;
        let Some(happening) = self.network.pop(self.now) else { return };
        match happening {
            Happening::Opened { silent, .. } => self.opened(id, connection, node, silent),
            Happening::Failed { end, .. } => {
                let why = match end {
                    End::Refused => "nobody listens there",
                    End::Unreachable => "no way leads there",
                    End::Fin | End::Reset => "broken off",
                };
                self.disconnect(connection, CloseBy::Network, end, why.into());
            }
            Happening::Delivered { direction, bytes, range, cause, silent, .. } => {
                self.delivered(id, connection, direction, bytes, range, cause, silent);
            }
            Happening::Ended { to: Side::Broker, .. } => {
                self.cluster.closed(self.now, cluster_link(id));
                self.drain_cluster();
            }
            Happening::Ended { to: Side::Client, .. } if client_is_gone => {
                self.broker_reasons.remove(&id);
            }
            Happening::Ended { to: Side::Client, end, .. } => {
                let why = self.broker_reasons.remove(&id).unwrap_or_else(|| "the broker closed it".into());
                self.disconnect(connection, CloseBy::Broker, end, why);
            }
            Happening::Cut { end, lost, .. } => {
                self.cut(id, connection, end, "the connection was cut", lost, client_is_gone);
            }
        }
    }

    /// Bytes have arrived at one of the two ends.
    #[expect(clippy::too_many_arguments, reason = "all that is known of a delivery")]
    pub(super) fn delivered(
        &mut self,
        id: LinkId,
        connection: Connection,
        direction: Direction,
        bytes: Bytes,
        range: StreamRange,
        cause: Option<u32>,
        silent: bool,
    ) {
        let entry = Entry::new(self.now, Actor::Network, Kind::Deliver { direction, range });
        let shown = self.log.shown(connection, direction, range, bytes.clone());
        let entry = entry.on(connection).because(cause).carrying(shown);
        let index = self.log.push(entry);
        self.log.set_current_cause(index, Some(connection));
        match direction {
            Direction::ToClient => {
                let input = Input::Received { connection: connection.id, bytes };
                self.tell_client(usize::from(connection.client), input);
            }
            Direction::ToBroker if silent => {}
            Direction::ToBroker => {
                self.cluster.receive(self.now, cluster_link(id), bytes);
                self.drain_cluster();
            }
        }
    }

    /// A link has ended for both sides at once; what was under way is lost.
    pub(super) fn cut(
        &mut self,
        id: LinkId,
        connection: Connection,
        end: End,
        why: &str,
        lost: Vec<(Direction, StreamRange)>,
        client_is_gone: bool,
    ) {
        self.cluster.closed(self.now, cluster_link(id));
        self.drain_cluster();
        let (by, why) = match self.broker_reasons.remove(&id) {
            Some(why) => (CloseBy::Broker, why),
            None => (CloseBy::Network, why.into()),
        };
        let first = self.log.len();
        for (direction, range) in lost {
            let entry = Entry::new(self.now, Actor::Network, Kind::Lose { direction, range });
            self.log.push(entry.on(connection).because(self.log.open_of(connection)));
        }
        if self.log.len() > first {
            self.log.set_current_cause(first, Some(connection));
        }
        if !client_is_gone {
            self.disconnect(connection, by, end, why);
        }
    }

    /// Sends what the cluster has to say.
    pub(super) fn drain_cluster(&mut self) {
        while let Some(output) = self.cluster.poll_output() {
            match output {
                ClusterOutput::Send { link, bytes } => self.reply(LinkId(link.0), bytes),
                ClusterOutput::Close { link, why } => {
                    let id = LinkId(link.0);
                    self.broker_reasons.insert(id, why.to_string());
                    if matches!(why, LinkClosed::NodeDown) {
                        self.network.reset(id);
                    } else if let Some((connection, _)) = self.network.link(id) {
                        let lost = self.network.close(self.now, id, Side::Broker);
                        let cause = self.log.open_of(connection).unwrap_or_default();
                        self.log_lost(connection, lost, cause);
                    }
                }
            }
        }
    }

    pub(super) fn opened(&mut self, id: LinkId, connection: Connection, node: i32, silent: bool) {
        if !silent && self.cluster.accept(self.now, NodeId(node), cluster_link(id)).is_err() {
            // The broker went down while the connection was on its way.
            self.network.forget(id);
            self.disconnect(connection, CloseBy::Network, End::Refused, "nobody listens there".into());
            return;
        }
        let cause = self.log.open_of(connection);
        let entry = Entry::new(self.now, Actor::Network, Kind::Opened).on(connection).because(cause);
        let index = self.log.push(entry);
        self.log.set_current_cause(index, Some(connection));
        self.tell_client(usize::from(connection.client), Input::Connected { connection: connection.id });
    }

    fn reply(&mut self, id: LinkId, bytes: Bytes) {
        if !self.network.is_heard(id, Direction::ToClient) {
            return;
        }
        let Some((connection, node)) = self.network.link(id) else { return };
        let start = self.network.written(id, Direction::ToClient);
        let range = StreamRange { start, end: start + bytes.len() as u64 };
        // The correlation id stands behind the size.
        let correlation_id = bytes.get(4..8).and_then(|id| id.try_into().ok()).map(i32::from_be_bytes);
        let request = correlation_id.and_then(|id| self.log.request(connection, id));
        let (api, api_key, api_version) = match request.map(|index| &self.log.events()[index as usize].kind) {
            Some(Kind::Request { api, api_key, api_version, .. }) => (Some(*api), *api_key, *api_version),
            _ => (None, -1, -1),
        };
        let arrival = self
            .log
            .current_cause(None)
            .filter(|index| self.log.events()[*index as usize].connection == Some(connection));
        let kind = Kind::Reply { api, api_key, api_version, range };
        let is_secret = api == Some(ApiKey::SaslAuthenticate.name())
            || (api.is_none() && self.log.awaits_a_secret(connection));
        let shown = if is_secret {
            let shown = redacted(api_version, &bytes);
            self.log.hide(connection, Direction::ToClient, start, shown.clone());
            shown
        } else {
            bytes.clone()
        };
        let mut entry = Entry::new(self.now, Actor::Broker(node), kind)
            .on(connection)
            .because(arrival.or(request))
            .carrying(shown);
        entry.correlation_id = correlation_id;
        let index = self.log.push(entry);
        self.network.send(self.now, id, Direction::ToClient, bytes, Some(index));
    }
}

/// What may be shown of a reply to SaslAuthenticate, or of what a fault has made of one.
fn redacted(version: i16, bytes: &Bytes) -> Bytes {
    /// Bytes of the size in front of a frame.
    const SIZE: usize = 4;
    let (size, frame) = (bytes.slice(..bytes.len().min(SIZE)), bytes.slice(bytes.len().min(SIZE)..));
    [size, redacted_response(version, &frame)].concat().into()
}

const fn cluster_link(id: LinkId) -> cluster::LinkId {
    cluster::LinkId(id.0)
}
