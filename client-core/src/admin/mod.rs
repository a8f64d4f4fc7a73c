//! The admin client: has things done by the broker that can do them, and retries until each part has ended or the time is up.
//!
//! `mod.rs` keeps operations, whatever they are about; `ask.rs` says which parts an operation has, where each goes and how it is asked;
//! `answer.rs` finds the answer for each part in a reply.
//!
//! Parts for one broker go as one request. Some go to the controller, some to a certain broker, some to the leader of a partition, which is
//! looked up first: topics that somebody manages are not among those whose metadata is kept fresh, for they may be deleted the next moment.

mod answer;
mod ask;

use crate::backoff::Backoff;
use crate::broker_error::broker_error;
use crate::config::{AdminConfig, Config};
use crate::cx::{Cx, Effect, Outgoing, Owner, Target};
use crate::error::Error;
use crate::ids::{BrokerId, NodeId, OperationId};
use crate::io::{AdminCommand, AdminFound, AdminResult, AdminSubject, Completion, Deadline, Timer};
use crate::protocol::{ErrorCode, Response};
use crate::rng::Rng;
use crate::time::{Duration, Instant};
use crate::view::ClusterView;
use alloc::borrow::Cow;
use alloc::boxed::Box;
use alloc::string::ToString;
use alloc::vec::Vec;
use ask::Route;
use litemap::LiteMap;

/// The admin client's part of a client.
#[derive(Clone, Debug)]
pub(crate) struct AdminState {
    config: AdminConfig,
    request_timeout: Duration,
    retry_backoff: Backoff,
    operations: LiteMap<OperationId, Operation>,
    in_flight: LiteMap<u64, Sent>,
    next_request: u64,
    active: bool,
    /// Whether stop() waits for the operations under way, as Java's client does.
    is_stopping: bool,
}

/// Something the application wants done.
#[derive(Clone, Debug)]
struct Operation {
    command: AdminCommand,
    parts: Vec<Part>,
    limit: Instant,
    after: Duration,
}

/// A part of a command, which ends by itself.
#[derive(Clone, Debug)]
struct Part {
    subject: AdminSubject,
    route: Route,
    /// Where the partition's leader is, once looked up.
    leader: Option<NodeId>,
    is_sent: bool,
    /// When to ask again after a failure.
    retry_at: Option<Instant>,
    failures: u32,
    last_error: Option<Error>,
    result: Option<Result<AdminFound, Error>>,
}

/// A request whose reply is still to come.
#[derive(Clone, Debug)]
struct Sent {
    operation: OperationId,
    parts: Vec<usize>,
    kind: Kind,
}

/// What a request is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// To carry the command out.
    Command,
    /// To find the leaders of partitions.
    Leaders,
}

/// How often a broker may say of something that it does not exist before that is believed: it may hear of new topics later than others.
const UNKNOWN_MAX: u32 = 3;

impl AdminState {
    pub(crate) fn new(config: &Config, admin: &AdminConfig, rng: &Rng) -> Self {
        Self {
            config: admin.clone(),
            request_timeout: config.request_timeout,
            retry_backoff: Backoff::new(
                config.retry_backoff,
                config.retry_backoff_max,
                rng.fork("admin retry", 0),
            ),
            operations: LiteMap::new(),
            in_flight: LiteMap::new(),
            next_request: 0,
            active: false,
            is_stopping: false,
        }
    }

    // ---- what the application wants ----

    pub(crate) fn request(
        &mut self,
        command: AdminCommand,
        timeout: Option<Duration>,
        cx: &mut Cx,
    ) -> Result<OperationId, Error> {
        ask::check(&command)?;
        let parts: Vec<Part> = ask::parts(&command)
            .into_iter()
            .map(|(subject, route)| Part {
                subject,
                route,
                leader: None,
                is_sent: false,
                retry_at: None,
                failures: 0,
                last_error: None,
                result: None,
            })
            .collect();
        let id = cx.begin_operation();
        let after = timeout.unwrap_or(self.config.default_api_timeout);
        self.operations.insert(id, Operation { command, parts, limit: cx.now + after, after });
        // Nothing to do is done at once.
        self.finish_if_ended(id, cx);
        Ok(id)
    }

    pub(crate) fn cancel(&mut self, operation: OperationId, cx: &mut Cx) -> bool {
        self.fail(operation, Error::Cancelled, cx)
    }

    // ---- the client's life ----

    pub(crate) const fn begin(&mut self) {
        self.active = true;
        self.is_stopping = false;
    }

    /// What was asked for is carried out; without anything it is over at once.
    pub(crate) fn begin_stop(&mut self, cx: &mut Cx) {
        self.is_stopping = true;
        self.tell_if_done(cx);
    }

    /// The client stops.
    pub(crate) fn end(&mut self, error: &Error, cx: &mut Cx) {
        self.active = false;
        self.in_flight.clear();
        for (operation, _) in core::mem::take(&mut self.operations) {
            cx.complete(operation, Err(error.clone()));
        }
    }

    /// A broker refuses this client's credentials: what waits for it fails, and when no other broker is better, what waits for any.
    pub(crate) fn handle_refused(
        &mut self,
        view: &ClusterView,
        broker: BrokerId,
        nobody_else: bool,
        error: &Error,
        cx: &mut Cx,
    ) {
        let waits = |part: &Part| {
            part.result.is_none()
                && match part.place(view) {
                    Place::Broker(place) => place == broker,
                    Place::Any | Place::Unknown(_) => nobody_else,
                }
        };
        let refused: Vec<OperationId> = self
            .operations
            .iter()
            .filter(|(_, operation)| operation.parts.iter().any(waits))
            .map(|(id, _)| *id)
            .collect();
        for operation in refused {
            self.fail(operation, error.clone(), cx);
        }
    }

    // ---- what the world did ----

    /// Sends what can be sent: of each operation, one request to each broker.
    pub(crate) fn drive(&mut self, view: &ClusterView, unreachable: impl Fn(BrokerId) -> bool, cx: &mut Cx) {
        if !self.active {
            return;
        }
        for (id, operation) in &mut self.operations {
            let mut groups: Vec<(Target, Kind, Vec<usize>)> = Vec::new();
            for index in 0..operation.parts.len() {
                let part = &mut operation.parts[index];
                if part.result.is_some() || part.is_sent || part.retry_at.is_some_and(|at| at > cx.now) {
                    continue;
                }
                let kind = if part.route == Route::Leader && part.leader.is_none() {
                    Kind::Leaders
                } else {
                    Kind::Command
                };
                let target = match part.place(view) {
                    Place::Any => Target::Any,
                    Place::Broker(broker) if !unreachable(broker) => Target::Broker(broker),
                    Place::Broker(_) if part.leader.is_some() => {
                        // It may lead no more.
                        part.retry(None, &mut self.retry_backoff, cx);
                        continue;
                    }
                    Place::Broker(_) => continue,
                    Place::Unknown(what) => {
                        cx.wants_metadata = true;
                        let code = ErrorCode::BrokerNotAvailable.code();
                        part.last_error = Some(broker_error(code, what.to_string()));
                        if part.leader.is_some() {
                            part.retry(None, &mut self.retry_backoff, cx);
                        }
                        continue;
                    }
                };
                let group = groups.iter_mut().find(|(to, what, _)| (*to, *what) == (target, kind));
                match group {
                    // A request names each subject once: a second question about one goes with the next request.
                    Some((_, Kind::Command, parts))
                        if parts.iter().any(|other| {
                            operation.parts[*other].subject == operation.parts[index].subject
                        }) => {}
                    Some((_, _, parts)) => parts.push(index),
                    None => groups.push((target, kind, alloc::vec![index])),
                }
            }
            for (target, kind, parts) in groups {
                for index in &parts {
                    operation.parts[*index].is_sent = true;
                    operation.parts[*index].retry_at = None;
                }
                let time_left = operation.limit.since(cx.now).min(self.request_timeout);
                let body = match kind {
                    Kind::Command => ask::request(&operation.command, &parts, time_left),
                    Kind::Leaders => ask::leaders(&operation.parts, &parts),
                };
                let number = self.next_request;
                self.next_request += 1;
                self.in_flight.insert(number, Sent { operation: *id, parts, kind });
                cx.effect(Effect::Request(Outgoing {
                    owner: Owner::Admin(number),
                    target,
                    body,
                    timeout: self.request_timeout,
                    until: Some(operation.limit),
                    expects_reply: true,
                }));
            }
        }
    }

    /// The end of a request.
    pub(crate) fn handle_reply(&mut self, number: u64, result: Result<Response, Error>, cx: &mut Cx) {
        let Some(sent) = self.in_flight.remove(&number) else { return };
        let Some(operation) = self.operations.get_mut(&sent.operation) else { return };
        if let Some(refused) = result.as_ref().err().filter(|error| error.authentication().is_some()) {
            let refused = refused.clone();
            self.fail(sent.operation, refused, cx);
            return;
        }
        for index in sent.parts {
            let part = &mut operation.parts[index];
            part.is_sent = false;
            let answer = match (&result, sent.kind) {
                (Ok(response), Kind::Command) => {
                    answer::of(response, &operation.command, &part.subject).map(Some)
                }
                (Ok(response), Kind::Leaders) => answer::leader(response, &part.subject).map(|leader| {
                    part.leader = Some(leader);
                    None
                }),
                (Err(error), _) => Err(error.clone()),
            };
            match answer {
                Ok(None) => {}
                Ok(Some(found)) => part.result = Some(Ok(found)),
                Err(error) if part.may_pass(&error) => part.retry(Some(error), &mut self.retry_backoff, cx),
                Err(error) => part.result = Some(Err(error)),
            }
        }
        self.finish_if_ended(sent.operation, cx);
    }

    pub(crate) fn handle_timeout(&mut self, cx: &mut Cx) {
        let late = self.operations.iter().filter(|(_, operation)| operation.limit <= cx.now);
        let late: Vec<OperationId> = late.map(|(id, _)| *id).collect();
        for id in late {
            if let Some(operation) = self.operations.get_mut(&id) {
                let (what, after) = (operation.command.name(), operation.after);
                for part in operation.parts.iter_mut().filter(|part| part.result.is_none()) {
                    let cause = part.last_error.take().map(Box::new);
                    part.result = Some(Err(Error::Timeout { what: Cow::Borrowed(what), after, cause }));
                }
            }
            self.finish_if_ended(id, cx);
        }
    }

    // ---- what others may ask ----

    pub(crate) fn waiting(&self) -> usize {
        self.operations.len()
    }

    pub(crate) fn deadline(&self, now: Instant) -> Option<Deadline> {
        let deadlines = self.operations.iter().flat_map(|(id, operation)| {
            let limit = Deadline { at: operation.limit, why: Timer::OperationLimit(*id) };
            let retries = operation.parts.iter().filter_map(|part| part.retry_at);
            let retries = retries.filter(|at| self.active && *at > now);
            retries.map(|at| Deadline { at, why: Timer::AdminRetry }).chain([limit])
        });
        deadlines.min()
    }

    // ---- inside ----

    fn finish_if_ended(&mut self, id: OperationId, cx: &mut Cx) {
        let ended = |operation: &Operation| operation.parts.iter().all(|part| part.result.is_some());
        if !self.operations.get(&id).is_some_and(ended) {
            return;
        }
        let Some(operation) = self.operations.remove(&id) else { return };
        let results = operation.parts.into_iter().filter_map(|part| {
            let result = part.result?;
            Some(AdminResult { subject: part.subject, result })
        });
        cx.complete(id, Ok(Completion::Admin(results.collect())));
        self.tell_if_done(cx);
    }

    /// Ends an operation as a whole. False if there is no such operation.
    fn fail(&mut self, operation: OperationId, error: Error, cx: &mut Cx) -> bool {
        let known = self.operations.remove(&operation).is_some();
        if known {
            cx.complete(operation, Err(error));
            self.tell_if_done(cx);
        }
        known
    }

    /// Lets a stop go on when nothing is left to wait for.
    fn tell_if_done(&self, cx: &mut Cx) {
        if self.is_stopping && self.operations.is_empty() {
            cx.effect(Effect::Flushed);
        }
    }
}

/// Where a part is to go now.
enum Place {
    Any,
    Broker(BrokerId),
    /// Metadata does not know such a broker.
    Unknown(&'static str),
}

impl Part {
    fn place(&self, view: &ClusterView) -> Place {
        let broker =
            |node: NodeId, what| view.nodes.get(&node).map_or(Place::Unknown(what), |it| Place::Broker(*it));
        match (self.route, self.leader) {
            (Route::Any, _) | (Route::Leader, None) => Place::Any,
            (Route::Leader, Some(leader)) => broker(leader, "the leader in metadata"),
            (Route::Node(node), _) => broker(node, "the broker in metadata"),
            (Route::Controller, _) => {
                view.controller().map_or(Place::Unknown("the controller in metadata"), Place::Broker)
            }
        }
    }

    /// Whether the same request may succeed later.
    fn may_pass(&self, error: &Error) -> bool {
        let code = error.errno().map(ErrorCode::from_code);
        if matches!(code, Some(ErrorCode::UnknownTopicOrPartition | ErrorCode::UnknownTopicId)) {
            // The controller knows.
            return self.route != Route::Controller && self.failures < UNKNOWN_MAX;
        }
        // What is known of the cluster is out of date: metadata will hear the same, and begin anew (KIP-1102).
        let begins_anew = code == Some(ErrorCode::RebootstrapRequired);
        error.retriable() || begins_anew || matches!(error, Error::Connection { .. })
    }

    /// Plans to ask again, the leader of a partition included. After a loss the connection has its own wait, or another broker is asked.
    fn retry(&mut self, error: Option<Error>, backoff: &mut Backoff, cx: &mut Cx) {
        self.leader = None;
        let lost_connection = matches!(error, Some(Error::Connection { .. }));
        if let Some(error) = error {
            let code = error.errno().map(ErrorCode::from_code);
            // Other leaders are looked up anyway.
            cx.wants_metadata |=
                matches!(code, Some(ErrorCode::NotController | ErrorCode::RebootstrapRequired));
            self.last_error = Some(error);
        }
        self.retry_at = (!lost_connection).then(|| cx.now + backoff.wait_after(self.failures));
        self.failures = self.failures.saturating_add(1);
    }
}
