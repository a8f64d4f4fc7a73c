//! The client's life: `start()` and `stop()`, called by anyone, any number of times, at any moment.
//!
//! The machine owns the waiters and the state; what has to be done (connect, fetch a producer id, flush, close)
//! it asks other machines for by effects. All callers of one start get the same end (LC1); a failure rolls
//! everything back (LC3); when the last caller has given up, the start is abandoned (LC4).

mod state;

pub use state::{LifecycleState, TRANSITIONS};

use crate::cx::{Cx, Effect, TimerSlot};
use crate::edge::is_legal;
use crate::error::{CloseReason, Error};
use crate::ids::{BrokerId, OperationId};
use crate::io::{Completion, Deadline, Event, Status, Timer};
use crate::time::{Duration, Instant};
use crate::trace::{Machine, TraceKind};
use crate::waiters::Waiters;
use alloc::boxed::Box;
use litemap::LiteMap;

/// How a start is limited.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StartOptions {
    /// How long this caller waits. Without a limit the client keeps trying, and says so in its status (LC14).
    pub timeout: Option<Duration>,
}

/// How a stop is limited.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StopOptions {
    /// How long to wait for records that are still to be sent; after that each fails with a definite error
    /// (LC8). Without a limit the records' own delivery timeout bounds it.
    pub timeout: Option<Duration>,
}

/// What a call of `start()` gave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Start {
    /// Ends when the client is started, or cannot be.
    pub operation: OperationId,
    /// What the call found.
    pub outcome: StartOutcome,
}

/// What a call of `start()` found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StartOutcome {
    /// The client was idle: this call began the start.
    Began,
    /// A start was under way: this call waits for the same end.
    AlreadyStarting,
    /// The client was started: nothing is done, nothing is sent (LC2).
    AlreadyStarted,
    /// A stop is under way: a new start begins when it has ended (LC6).
    AfterStop,
    /// The client is finished for good: the operation has failed.
    Refused,
}

impl StartOutcome {
    const fn name(self) -> &'static str {
        match self {
            Self::Began => "began",
            Self::AlreadyStarting => "already starting",
            Self::AlreadyStarted => "already started",
            Self::AfterStop => "after stop",
            Self::Refused => "refused",
        }
    }
}

/// The client's life.
#[derive(Clone, Debug)]
pub(crate) struct Lifecycle {
    state: LifecycleState,
    start_waiters: Waiters,
    stop_waiters: Waiters,
    /// Callers of `start()` during a stop.
    restart_waiters: Waiters,
    stop_timer: TimerSlot,
    /// The last failure of each broker during this start.
    failures: LiteMap<BrokerId, Error>,
    bootstrap_count: usize,
    fatal: Option<Error>,
    /// Why the start that is being rolled back has failed.
    start_error: Option<Error>,
    #[cfg(feature = "exhibits")]
    defect: Option<crate::config::Defect>,
}

/// How many different addresses there are; a start has failed for good when it has at each of them.
fn distinct(addresses: &[crate::io::Address]) -> usize {
    (0..addresses.len()).filter(|index| !addresses[..*index].contains(&addresses[*index])).count()
}

impl Lifecycle {
    pub(crate) fn new(config: &crate::config::Config) -> Self {
        Self {
            state: LifecycleState::Idle,
            start_waiters: Waiters::default(),
            stop_waiters: Waiters::default(),
            restart_waiters: Waiters::default(),
            stop_timer: TimerSlot::default(),
            failures: LiteMap::new(),
            bootstrap_count: distinct(&config.bootstrap),
            fatal: None,
            start_error: None,
            #[cfg(feature = "exhibits")]
            defect: config.defect,
        }
    }

    // ---- what the application wants ----

    pub(crate) fn start(&mut self, options: StartOptions, cx: &mut Cx) -> Start {
        let (outcome, operation) = match self.state {
            LifecycleState::Idle => {
                let operation = self.start_waiters.begin(options.timeout, cx);
                (StartOutcome::Began, operation)
            }
            LifecycleState::Starting => {
                let operation = self.start_waiters.begin(options.timeout, cx);
                (StartOutcome::AlreadyStarting, operation)
            }
            LifecycleState::Started => (StartOutcome::AlreadyStarted, cx.begin_operation()),
            LifecycleState::Stopping => {
                (StartOutcome::AfterStop, self.restart_waiters.begin(options.timeout, cx))
            }
            LifecycleState::Fenced => (StartOutcome::Refused, cx.begin_operation()),
        };
        cx.trace(|| TraceKind::Called { call: "start", operation: Some(operation), outcome: outcome.name() });
        match outcome {
            StartOutcome::Began => self.begin_start("start() was called", cx),
            #[cfg(feature = "exhibits")]
            StartOutcome::AlreadyStarting if self.defect == Some(crate::config::Defect::NoStartGuard) => {
                self.open_everything(cx);
            }
            StartOutcome::AlreadyStarted => cx.complete(operation, Ok(Completion::Done)),
            StartOutcome::Refused => cx.complete(operation, Err(self.fatal_error())),
            StartOutcome::AlreadyStarting | StartOutcome::AfterStop => {}
        }
        Start { operation, outcome }
    }

    pub(crate) fn stop(&mut self, options: StopOptions, cx: &mut Cx) -> OperationId {
        let operation = self.stop_waiters.begin(None, cx);
        let outcome = match self.state {
            LifecycleState::Idle => "nothing to stop",
            LifecycleState::Starting => "interrupts the start",
            LifecycleState::Started => "began",
            LifecycleState::Stopping => "already stopping",
            LifecycleState::Fenced => "already finished",
        };
        cx.trace(|| TraceKind::Called { call: "stop", operation: Some(operation), outcome });
        match self.state {
            LifecycleState::Idle | LifecycleState::Fenced => {
                self.stop_waiters.complete_all(&Ok(Completion::Done), cx);
            }
            LifecycleState::Starting => {
                // Records accepted during the start would never be sent: they fail with the start (LC5).
                self.end_start(Err(Error::Stopped), CloseReason::Stopped, cx);
                settle(&mut self.stop_waiters, Ok(Completion::Done), Status::Idle, cx);
            }
            LifecycleState::Started => {
                self.transition(LifecycleState::Stopping, "stop() was called", cx);
                cx.event(Event::Status(Status::Stopping));
                self.limit_stop(options.timeout, cx);
            }
            LifecycleState::Stopping => {
                self.restart_waiters.complete_all(&Err(Error::Stopped), cx);
                if options.timeout.is_some() {
                    self.limit_stop(options.timeout, cx);
                }
            }
        }
        operation
    }

    /// One caller gives up. True if the operation waited here.
    pub(crate) fn cancel(&mut self, operation: OperationId, cx: &mut Cx) -> bool {
        if self.start_waiters.cancel(operation, cx) {
            self.abandon_if_alone(Error::Stopped, cx);
            return true;
        }
        self.stop_waiters.cancel(operation, cx) || self.restart_waiters.cancel(operation, cx)
    }

    // ---- what other machines say ----

    /// Something that a start needs has come (and perhaps `complete`s it), or cannot come.
    pub(crate) fn handle_progress(&mut self, result: Result<(), Error>, complete: bool, cx: &mut Cx) {
        if self.state != LifecycleState::Starting {
            return;
        }
        match result {
            Err(error) => self.end_start(Err(error), CloseReason::StartFailed, cx),
            Ok(()) if complete => {
                self.transition(LifecycleState::Started, "everything needed is there", cx);
                self.failures.clear();
                settle(&mut self.start_waiters, Ok(Completion::Done), Status::Connected, cx);
            }
            Ok(()) => {}
        }
    }

    /// A connection, or an attempt to make one, failed. A start goes on as long as some of the known addresses may still work.
    pub(crate) fn handle_lost(
        &mut self,
        broker: BrokerId,
        error: Error,
        mut known: impl Iterator<Item = BrokerId>,
        cx: &mut Cx,
    ) {
        if self.state != LifecycleState::Starting {
            return;
        }
        self.failures.insert(broker, error);
        let failed_for_good = |broker| self.failures.get(&broker).is_some_and(|error| !error.retriable());
        if known.all(failed_for_good) {
            let error = self.failure_so_far();
            self.end_start(Err(error), CloseReason::StartFailed, cx);
        }
    }

    /// Everything that stop() waited for has ended.
    pub(crate) fn handle_flushed(&mut self, cx: &mut Cx) {
        if self.state == LifecycleState::Stopping {
            self.finish_stop("everything has ended", cx);
        }
    }

    /// A newer instance has taken over, or this one is broken: nothing works any more.
    pub(crate) fn handle_fatal(&mut self, error: Error, cx: &mut Cx) {
        if self.state == LifecycleState::Fenced {
            return;
        }
        self.transition(LifecycleState::Fenced, error.code(), cx);
        self.fatal = Some(error.clone());
        self.stop_timer.cancel(Timer::StopLimit, cx);
        cx.effect(Effect::CloseAll { reason: CloseReason::Stopped });
        let mut waiting = core::mem::take(&mut self.start_waiters);
        waiting.append(&mut self.restart_waiters);
        settle(&mut waiting, Err(error.clone()), Status::Fatal, cx);
        settle(&mut self.stop_waiters, Ok(Completion::Done), Status::Fatal, cx);
        cx.event(Event::Fatal(error));
    }

    pub(crate) fn handle_timeout(&mut self, cx: &mut Cx) {
        let cause = (!self.failures.is_empty()).then(|| self.failure_so_far());
        if let Some(error) = self.start_waiters.expire("start()", cause.as_ref(), cx) {
            self.abandon_if_alone(error, cx);
        }
        self.restart_waiters.expire("start()", None, cx);
        if self.stop_timer.fire(Timer::StopLimit, cx) && self.state == LifecycleState::Stopping {
            self.finish_stop("the time for flushing is over", cx);
        }
    }

    // ---- what others may ask ----

    pub(crate) const fn state(&self) -> LifecycleState {
        self.state
    }

    /// Why the client is finished.
    pub(crate) const fn fatal(&self) -> Option<&Error> {
        self.fatal.as_ref()
    }

    /// Why the start that is being rolled back did not succeed: records accepted meanwhile fail with it.
    pub(crate) const fn take_start_error(&mut self) -> Option<Error> {
        self.start_error.take()
    }

    /// Refuses a call that needs a client which is started, or about to be.
    pub(crate) fn check_running(&self, call: &'static str) -> Result<(), Error> {
        match self.state {
            LifecycleState::Starting | LifecycleState::Started => Ok(()),
            LifecycleState::Idle | LifecycleState::Stopping => Err(Error::NotStarted { call }),
            LifecycleState::Fenced => Err(self.fatal_error()),
        }
    }

    pub(crate) fn fatal_error(&self) -> Error {
        self.fatal.clone().unwrap_or(Error::Stopped)
    }

    pub(crate) const fn waiting(&self) -> usize {
        self.start_waiters.len() + self.stop_waiters.len() + self.restart_waiters.len()
    }

    pub(crate) fn deadline(&self) -> Option<Deadline> {
        let stop = self.stop_timer.at().map(|at| Deadline { at, why: Timer::StopLimit });
        let waiters = [self.start_waiters.deadline(), self.restart_waiters.deadline()];
        waiters.into_iter().chain([stop]).flatten().min()
    }

    // ---- inside ----

    fn begin_start(&mut self, cause: &'static str, cx: &mut Cx) {
        self.transition(LifecycleState::Starting, cause, cx);
        // As an effect, so that after a stop it comes behind the stop's own end, which is one.
        settle(&mut Waiters::default(), Ok(Completion::Done), Status::Connecting, cx);
        self.open_everything(cx);
    }

    fn open_everything(&mut self, cx: &mut Cx) {
        cx.counters.bootstraps += 1;
        self.failures.clear();
        cx.effect(Effect::Bootstrap);
    }

    /// The start is over without success: everything it opened is closed, then everybody hears of it.
    fn end_start(&mut self, result: Result<Completion, Error>, reason: CloseReason, cx: &mut Cx) {
        let cause = result.as_ref().map_or_else(Error::code, |_| "abandoned");
        self.start_error = result.as_ref().err().cloned();
        self.transition(LifecycleState::Idle, cause, cx);
        self.failures.clear();
        #[cfg(feature = "exhibits")]
        let rolls_back = self.defect != Some(crate::config::Defect::NoRollback);
        #[cfg(not(feature = "exhibits"))]
        let rolls_back = true;
        if rolls_back {
            cx.effect(Effect::CloseAll { reason });
        }
        settle(&mut self.start_waiters, result, Status::Idle, cx);
    }

    /// The last caller has left (LC4). Records accepted meanwhile fail with the error.
    fn abandon_if_alone(&mut self, error: Error, cx: &mut Cx) {
        if self.state == LifecycleState::Starting && self.start_waiters.is_empty() {
            self.end_start(Err(error), CloseReason::Stopped, cx);
        }
    }

    fn limit_stop(&mut self, timeout: Option<Duration>, cx: &mut Cx) {
        let Some(timeout) = timeout else { return };
        let at: Instant = cx.now + timeout;
        if self.stop_timer.at().is_none_or(|current| at < current) {
            self.stop_timer.arm(Timer::StopLimit, at, cx);
        }
    }

    fn finish_stop(&mut self, cause: &'static str, cx: &mut Cx) {
        self.stop_timer.cancel(Timer::StopLimit, cx);
        self.transition(LifecycleState::Idle, cause, cx);
        cx.effect(Effect::CloseAll { reason: CloseReason::Stopped });
        settle(&mut self.stop_waiters, Ok(Completion::Done), Status::Idle, cx);
        if !self.restart_waiters.is_empty() {
            let mut waiting = core::mem::take(&mut self.restart_waiters);
            self.start_waiters.append(&mut waiting);
            self.begin_start("start() was called during the stop", cx);
        }
    }

    fn failure_so_far(&self) -> Error {
        let mut failures = self.failures.values();
        match (failures.next(), failures.next_back()) {
            (Some(only), None) if self.bootstrap_count == 1 => only.clone(),
            // Brokers that all refuse these credentials are not away.
            (Some(refused), _) if self.failures.values().all(|it| it.authentication().is_some()) => {
                refused.clone()
            }
            (first, last) => {
                Error::NoBrokers { tried: self.failures.len(), last: last.or(first).cloned().map(Box::new) }
            }
        }
    }

    /// The one place where the state changes.
    fn transition(&mut self, to: LifecycleState, cause: &'static str, cx: &mut Cx) {
        let from = self.state;
        let machine = Machine::Lifecycle;
        if !is_legal(TRANSITIONS, from, to) {
            debug_assert!(false, "{}", machine.refusal(from.name(), to.name()));
            cx.trace(|| TraceKind::TransitionRejected { machine, from: from.name(), to: to.name() });
            return;
        }
        self.state = to;
        cx.trace(|| TraceKind::Transition { machine, from: from.name(), to: to.name(), cause: cause.into() });
    }
}

/// Tells everybody who waits, after everything else that was asked for before has been done: whoever hears that a
/// start has failed or a stop has ended finds nothing open any more.
fn settle(waiters: &mut Waiters, result: Result<Completion, Error>, status: Status, cx: &mut Cx) {
    cx.effect(Effect::Settle { waiters: core::mem::take(waiters), result, status });
}
