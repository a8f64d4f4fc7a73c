//! Carries effects from machine to machine until none is left.

use super::{Client, RoleState};
use crate::connection::Connection;
use crate::cx::{Effect, Owner};
use crate::error::{CloseReason, Error, LossCause};
use crate::ids::BrokerId;
use crate::io::{Event, Status};
use crate::lifecycle::LifecycleState;
use crate::protocol::Response;
use alloc::vec::Vec;

/// More effects than this in one go mean that machines are chasing each other.
const EFFECTS_MAX: usize = 1_000_000;

/// Rounds of looking for work in one go; each is caused by the effects of the one before.
const ROUNDS_MAX: usize = 1_000;

impl Client {
    /// Carries out what is pending. Work that only needs doing before output goes out is left to [`drive`](Self::drive).
    pub(super) fn settle(&mut self) {
        self.stirred = true;
        self.carry();
    }

    /// Lets the machines look for work, until there is none.
    pub(super) fn drive(&mut self) {
        for _ in 0..ROUNDS_MAX {
            let view = self.cluster.view();
            let connections = &self.connections;
            let now = self.cx.now;
            let unreachable =
                |broker| connections.get(broker).is_none_or(|it| it.is_unreachable() || it.is_throttled(now));
            let topics = match &mut self.role {
                RoleState::Producer(producer) => {
                    producer.drive(view, unreachable, &mut self.cx);
                    producer.new_topics()
                }
                RoleState::Consumer(consumer) => {
                    consumer.drive(view, unreachable, &mut self.cx);
                    consumer.new_topics()
                }
                RoleState::Admin(admin) => {
                    admin.drive(view, unreachable, &mut self.cx);
                    Vec::new()
                }
            };
            self.cluster.want_topics(&topics, &mut self.cx);
            if topics.iter().any(|topic| self.cluster.view().topics.contains_key(topic)) {
                self.cx.effect(Effect::MetadataUpdated);
            }
            let quiet = self.cx.effects.is_empty();
            self.carry();
            if quiet {
                return;
            }
        }
        debug_assert!(false, "machines found new work {ROUNDS_MAX} times in a row");
    }

    pub(super) fn handle_timeout(&mut self) {
        self.connections.handle_timeout(&mut self.cx);
        self.cluster.handle_timeout(&mut self.cx);
        self.lifecycle.handle_timeout(&mut self.cx);
        match &mut self.role {
            RoleState::Producer(producer) => producer.handle_timeout(&mut self.cx),
            RoleState::Consumer(consumer) => consumer.handle_timeout(&mut self.cx),
            RoleState::Admin(admin) => admin.handle_timeout(&mut self.cx),
        }
    }

    /// A stop has begun: what was accepted goes out; without anything to send it is over at once.
    pub(super) fn begin_stop(&mut self) {
        match &mut self.role {
            RoleState::Producer(producer) => producer.begin_stop(&mut self.cx),
            RoleState::Consumer(_) => self.cx.effect(Effect::Flushed),
            RoleState::Admin(admin) => admin.begin_stop(&mut self.cx),
        }
    }

    fn carry(&mut self) {
        for _ in 0..EFFECTS_MAX {
            if let Some(effect) = self.cx.effects.pop_front() {
                self.carry_one(effect);
            } else if core::mem::take(&mut self.cx.wants_metadata) {
                self.cluster.refresh(&mut self.cx);
            } else {
                return;
            }
        }
        debug_assert!(false, "{EFFECTS_MAX} effects in one go");
    }

    fn carry_one(&mut self, effect: Effect) {
        let cx = &mut self.cx;
        match effect {
            Effect::Request(outgoing) => self.connections.submit(outgoing, cx),
            Effect::Revise { owner, body } => {
                if self.connections.revise(owner, body) {
                    self.cluster.handle_revised();
                }
            }
            Effect::Written { owner } => {
                if let (Owner::Produce(request), RoleState::Producer(producer)) = (owner, &mut self.role) {
                    producer.handle_written(request, cx);
                }
            }
            Effect::Reply { owner, result } => self.reply(owner, result),
            Effect::Lost { connection, error } => {
                let known = self.connections.iter().map(|(broker, _)| *broker);
                self.lifecycle.handle_lost(connection.broker, error.clone(), known, cx);
                self.cluster.refresh(cx);
                let is_configured = self.connections.is_configured(connection.broker);
                if let Some(cause) = rebootstrap_cause(&error, is_configured) {
                    cx.effect(Effect::Rebootstrap { cause });
                }
                if error.authentication().is_some() {
                    self.tell_who_waits(connection.broker, &error);
                }
                self.tell_if_offline();
            }
            Effect::Ready => self.tell_if_recovered(),
            Effect::LeaderNamed { partition, leader, leader_epoch } => {
                if self.cluster.follow(&partition, leader, leader_epoch)
                    && let RoleState::Consumer(consumer) = &mut self.role
                {
                    consumer.handle_moved(&partition);
                }
            }
            Effect::Rebootstrap { cause } => self.rebootstrap(cause),
            Effect::ClusterChanged => {
                if let RoleState::Producer(producer) = &mut self.role {
                    producer.handle_cluster_changed(cx);
                }
            }
            Effect::Throttled { broker, until } => {
                self.troubled = true;
                cx.event(Event::Status(Status::Throttled { broker, until }));
            }
            Effect::Bootstrap => {
                self.connections.begin(cx);
                self.cluster.begin(cx);
                match &mut self.role {
                    RoleState::Producer(producer) => producer.begin(cx),
                    RoleState::Consumer(consumer) => consumer.begin(),
                    RoleState::Admin(admin) => admin.begin(),
                }
            }
            Effect::CloseAll { reason } => self.close_all(&reason),
            Effect::MetadataUpdated => {
                let view = self.cluster.view();
                match &mut self.role {
                    RoleState::Producer(producer) => producer.handle_metadata(view, cx),
                    RoleState::Consumer(consumer) => consumer.handle_metadata(view, cx),
                    // It is asked for work in any case, and looks then.
                    RoleState::Admin(_) => {}
                }
            }
            Effect::StartProgress { result } => {
                let complete = self.cluster.is_fresh()
                    && match &self.role {
                        RoleState::Producer(producer) => producer.is_ready(),
                        RoleState::Consumer(_) | RoleState::Admin(_) => true,
                    };
                self.lifecycle.handle_progress(result, complete, cx);
            }
            Effect::Flushed => self.lifecycle.handle_flushed(cx),
            Effect::Settle { mut waiters, result, status } => {
                self.troubled &= status != Status::Connected;
                cx.event(Event::Status(status));
                waiters.complete_all(&result, cx);
            }
            Effect::Fenced { error } => self.lifecycle.handle_fatal(error, cx),
        }
    }

    fn reply(&mut self, owner: Owner, result: Result<Response, Error>) {
        let cx = &mut self.cx;
        match (owner, &mut self.role) {
            (Owner::Metadata(number), _) => {
                if let Some(nodes) = self.cluster.handle_reply(number, result, cx) {
                    self.connections.expect_cluster(self.cluster.view().cluster_id.as_ref());
                    let named = self.connections.apply(&nodes, cx);
                    self.cluster.finish(named, cx);
                }
            }
            (Owner::ProducerId(number), RoleState::Producer(producer)) => {
                producer.handle_producer_id(number, result, cx);
            }
            (Owner::Produce(request), RoleState::Producer(producer)) => {
                producer.handle_reply(request, result, cx)
            }
            (Owner::Fetch(request), RoleState::Consumer(consumer)) => {
                consumer.handle_fetch_reply(request, result, cx);
            }
            (Owner::ListOffsets(request), RoleState::Consumer(consumer)) => {
                consumer.handle_offsets_reply(request, result, cx);
            }
            (Owner::Admin(request), RoleState::Admin(admin)) => admin.handle_reply(request, result, cx),
            (
                Owner::Connection
                | Owner::ProducerId(_)
                | Owner::Produce(_)
                | Owner::Fetch(_)
                | Owner::ListOffsets(_)
                | Owner::Admin(_),
                _,
            ) => {
                debug_assert!(false, "a reply came for {owner:?}, which this client does not have");
            }
        }
    }

    /// Drops what is known of the cluster and asks the configured addresses. What is in flight fails, and is sent again where that is its
    /// way.
    fn rebootstrap(&mut self, cause: &'static str) {
        if self.cluster.may_rebootstrap(&self.cx) {
            self.troubled = true;
            self.connections.rebootstrap(&mut self.cx);
            self.cluster.rebootstrap(cause, &mut self.cx);
        }
    }

    /// Closes everything. What is under way ends with the reason, in the order: requests, records, waiters.
    fn close_all(&mut self, reason: &CloseReason) {
        let start_error = self.lifecycle.take_start_error();
        let error = self.lifecycle.fatal().cloned().or(start_error).unwrap_or(Error::Stopped);
        let cx = &mut self.cx;
        // What was asked for earlier in this very moment, when nobody knew of the end yet, would open connections again.
        cx.effects.retain(|effect| !matches!(effect, Effect::Request(_) | Effect::Revise { .. }));
        match &mut self.role {
            RoleState::Producer(producer) => producer.end(&error, cx),
            RoleState::Consumer(consumer) => consumer.end(&error, cx),
            RoleState::Admin(admin) => admin.end(&error, cx),
        }
        self.cluster.end(&error, cx);
        self.connections.close_all(reason, cx);
    }

    /// A broker refuses this client's credentials: nobody waits for it to change its mind.
    fn tell_who_waits(&mut self, broker: BrokerId, error: &Error) {
        let nobody_else = self.connections.iter().all(|(_, connection)| connection.is_failing());
        let (view, cx) = (self.cluster.view(), &mut self.cx);
        match &mut self.role {
            RoleState::Producer(producer) => producer.handle_refused(view, broker, nobody_else, error, cx),
            RoleState::Consumer(consumer) => consumer.handle_refused(view, broker, nobody_else, error, cx),
            RoleState::Admin(admin) => admin.handle_refused(view, broker, nobody_else, error, cx),
        }
    }

    /// Says so when the last known broker has become unreachable.
    fn tell_if_offline(&mut self) {
        let mut known = self.connections.iter().map(|(_, connection)| connection).peekable();
        if known.peek().is_some() && known.all(|connection| connection.is_failing()) {
            self.cx.event(Event::Status(Status::Offline));
        }
        self.troubled = true;
    }

    /// Says so when, after trouble, every connection that is wanted is there again, and may be used.
    fn tell_if_recovered(&mut self) {
        let started = self.lifecycle.state() == LifecycleState::Started;
        let now = self.cx.now;
        let is_held_up = |it: &Connection| it.is_missed() || it.is_throttled(now);
        if started && self.troubled && !self.connections.iter().any(|(_, it)| is_held_up(it)) {
            self.troubled = false;
            self.cx.event(Event::Status(Status::Connected));
        }
    }
}

/// Why the loss of a connection means that what is known of the cluster is of no use, if it does.
fn rebootstrap_cause(error: &Error, is_configured: bool) -> Option<&'static str> {
    let Error::Connection { cause: LossCause::Local(reason), .. } = error else { return None };
    if *reason == CloseReason::Misrouted {
        Some("a broker is not the one that it was taken for")
    } else if is_configured && matches!(reason, CloseReason::WrongCluster { .. }) {
        // The configured addresses say which cluster is meant; any other one leads astray.
        Some("a configured address leads to another cluster")
    } else {
        None
    }
}
