//! What every machine may use while it works: the time, the trace, the way out, and effects on other machines.
//!
//! Machines never call each other. They push an [`Effect`], and `client/dispatch` takes it to its receiver.

use crate::error::Error;
use crate::ids::{BrokerId, ConnectionId, NodeId, OperationId, TopicPartition};
use crate::io::{Completion, Event, Output, Status, Timer};
use crate::protocol::{LeaderIdAndEpoch, Request, Response};
use crate::time::{Duration, Instant};
use crate::trace::{TraceKind, Tracer};
use crate::waiters::Waiters;
use alloc::collections::VecDeque;

/// What every machine may use while it works.
#[derive(Clone, Debug)]
pub(crate) struct Cx {
    /// The time of the input or command being handled.
    pub(crate) now: Instant,
    pub(crate) tracer: Tracer,
    pub(crate) outputs: VecDeque<Output>,
    pub(crate) effects: VecDeque<Effect>,
    pub(crate) counters: Counters,
    /// Metadata is known to be wrong, or lacks something. A wish, not an effect: it may be repeated without end.
    pub(crate) wants_metadata: bool,
    next_operation: u64,
}

/// What the client has done so far, and what it holds now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Bootstraps begun: one per start, however many callers (LC1).
    pub bootstraps: u64,
    /// Attempts to connect.
    pub connects: u64,
    /// Requests written.
    pub requests_sent: u64,
    /// Replies matched to their requests.
    pub responses_received: u64,
    /// Inputs ignored because their connection was no longer current (CN2).
    pub stale_inputs: u64,
    /// Bytes of unfinished messages thrown away with their connections.
    pub bytes_discarded: u64,
    /// Timers armed now (LC10).
    pub timers: u64,
    /// Operations begun that have not ended.
    pub operations: u64,
}

/// Something a machine wants another machine to do or know.
#[derive(Clone, Debug)]
pub(crate) enum Effect {
    /// Send a request and bring the reply to `owner`.
    Request(Outgoing),
    /// A request that expects no reply has been written.
    Written { owner: Owner },
    /// Here is the end of a request.
    Reply { owner: Owner, result: Result<Response, Error> },
    /// A connection became ready.
    Ready,
    /// A broker wants to hear nothing on its connection until then.
    Throttled { broker: BrokerId, until: Instant },
    /// A request that was asked for and may not have been written yet should say this instead.
    Revise { owner: Owner, body: Request },
    /// A connection, or an attempt to make one, ended with a failure.
    Lost { connection: ConnectionId, error: Error },
    /// Begin to connect: a start was begun.
    Bootstrap,
    /// Close everything and forget what is under way; nothing is to come alive after this.
    CloseAll { reason: crate::error::CloseReason },
    /// A broker that does not lead the partition says who does (KIP-951).
    LeaderNamed { partition: TopicPartition, leader: NodeId, leader_epoch: i32 },
    /// What is known of the cluster is of no use any more: drop it, and ask the bootstrap addresses.
    Rebootstrap { cause: &'static str },
    /// Metadata is of another cluster than before.
    ClusterChanged,
    /// Metadata was replaced by newer metadata.
    MetadataUpdated,
    /// Something that start() needs has come, or cannot come.
    StartProgress { result: Result<(), Error> },
    /// All records have ended, as stop() wanted.
    Flushed,
    /// Tell everybody who waited, and the application, how a start or stop ended.
    Settle { waiters: Waiters, result: Result<Completion, Error>, status: Status },
    /// Nothing can be sent any more: a newer instance has taken over.
    Fenced { error: Error },
}

/// A request on its way to a connection.
#[derive(Clone, Debug)]
pub(crate) struct Outgoing {
    pub(crate) owner: Owner,
    pub(crate) target: Target,
    pub(crate) body: Request,
    /// How long the reply may take, counted from the sending; the same again at most for waiting for a connection.
    pub(crate) timeout: Duration,
    /// When it is not wanted any more, if it still waits for a connection then.
    pub(crate) until: Option<Instant>,
    /// False only for produce requests with `acks=0`.
    pub(crate) expects_reply: bool,
}

/// Which broker a request is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    /// Whichever is the least busy.
    Any,
    /// This one.
    Broker(BrokerId),
}

/// Who gets the reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Owner {
    /// The connection itself: negotiation.
    Connection,
    /// The metadata refresh, by its own number: an answer to a request from before a restart is nobody's.
    Metadata(u64),
    /// The producer's look-up of its id, by its own number.
    ProducerId(u64),
    /// A produce request, by the producer's own number.
    Produce(u64),
    /// A fetch request, by the consumer's own number.
    Fetch(u64),
    /// A look-up of offsets, by the consumer's own number.
    ListOffsets(u64),
    /// A request of an admin client, by its own number.
    Admin(u64),
}

impl Cx {
    pub(crate) fn new(now: Instant) -> Self {
        Self {
            now,
            tracer: Tracer::default(),
            outputs: VecDeque::new(),
            effects: VecDeque::new(),
            counters: Counters::default(),
            wants_metadata: false,
            next_operation: 1,
        }
    }

    /// Hands out the number of a new operation.
    pub(crate) const fn begin_operation(&mut self) -> OperationId {
        let operation = OperationId(self.next_operation);
        self.next_operation += 1;
        self.counters.operations += 1;
        operation
    }

    /// Ends an operation. The caller must have forgotten it: each ends exactly once.
    pub(crate) fn complete(&mut self, operation: OperationId, result: Result<Completion, Error>) {
        debug_assert!(self.counters.operations > 0, "{operation} ended but none was begun");
        self.counters.operations = self.counters.operations.saturating_sub(1);
        let outcome = result.as_ref().map_or_else(Error::code, |_| "OK");
        self.trace(|| TraceKind::Resolved { operation, outcome });
        self.event(Event::Completed { operation, result });
    }

    /// Tells the application something.
    pub(crate) fn event(&mut self, event: Event) {
        self.outputs.push_back(Output::Event(event));
    }

    /// Tells another machine something.
    pub(crate) fn effect(&mut self, effect: Effect) {
        self.effects.push_back(effect);
    }

    /// A reply says that a partition has moved, and perhaps where to: metadata is old in any case.
    pub(crate) fn moved(&mut self, partition: &TopicPartition, leader: &LeaderIdAndEpoch) {
        self.wants_metadata = true;
        if leader.leader_id >= 0 {
            let (leader, leader_epoch) = (NodeId(leader.leader_id), leader.leader_epoch);
            self.effect(Effect::LeaderNamed { partition: partition.clone(), leader, leader_epoch });
        }
    }

    /// Notes something for people who watch.
    pub(crate) fn trace(&mut self, kind: impl FnOnce() -> TraceKind) {
        self.tracer.add(self.now, kind);
    }
}

/// One timer of a machine: armed for a time, or not.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct TimerSlot {
    at: Option<Instant>,
}

impl TimerSlot {
    /// Arms the timer, or moves it.
    pub(crate) fn arm(&mut self, timer: Timer, at: Instant, cx: &mut Cx) {
        if self.at == Some(at) {
            return;
        }
        if self.at.replace(at).is_none() {
            cx.counters.timers += 1;
        }
        cx.trace(|| TraceKind::TimerArmed { timer, at });
    }

    /// Disarms the timer, if it is armed.
    pub(crate) fn cancel(&mut self, timer: Timer, cx: &mut Cx) {
        if self.at.take().is_some() {
            cx.counters.timers -= 1;
            cx.trace(|| TraceKind::TimerCancelled { timer });
        }
    }

    /// Whether the time has come; then the timer is no longer armed.
    pub(crate) fn fire(&mut self, timer: Timer, cx: &mut Cx) -> bool {
        let due = self.at.is_some_and(|at| at <= cx.now);
        if due {
            self.at = None;
            cx.counters.timers -= 1;
            cx.trace(|| TraceKind::TimerFired { timer });
        }
        due
    }

    /// When it fires.
    pub(crate) const fn at(&self) -> Option<Instant> {
        self.at
    }
}
