//! Operations that wait for the same thing, each with its own time limit.

use crate::cx::Cx;
use crate::error::Error;
use crate::ids::OperationId;
use crate::io::{Completion, Deadline, Timer};
use crate::time::{Duration, Instant};
use alloc::borrow::Cow;
use alloc::boxed::Box;
use alloc::vec::Vec;

/// Operations that wait for the same thing, first come first told.
#[derive(Clone, Debug, Default)]
pub(crate) struct Waiters {
    waiting: Vec<Waiter>,
}

#[derive(Clone, Copy, Debug)]
struct Waiter {
    operation: OperationId,
    limit: Option<(Instant, Duration)>,
}

impl Waiters {
    /// Begins an operation that waits here, for at most `timeout`.
    pub(crate) fn begin(&mut self, timeout: Option<Duration>, cx: &mut Cx) -> OperationId {
        let operation = cx.begin_operation();
        self.waiting.push(Waiter { operation, limit: timeout.map(|timeout| (cx.now + timeout, timeout)) });
        operation
    }

    /// Ends one operation as cancelled by its own caller. False if it does not wait here.
    pub(crate) fn cancel(&mut self, operation: OperationId, cx: &mut Cx) -> bool {
        let Some(index) = self.waiting.iter().position(|waiter| waiter.operation == operation) else {
            return false;
        };
        self.waiting.remove(index);
        cx.complete(operation, Err(Error::Cancelled));
        true
    }

    /// Ends all operations the same way.
    pub(crate) fn complete_all(&mut self, result: &Result<Completion, Error>, cx: &mut Cx) {
        for waiter in self.waiting.drain(..) {
            cx.complete(waiter.operation, result.clone());
        }
    }

    /// Ends the operations whose time is up; `what` and `cause` go into the error. Returns it if there were any.
    pub(crate) fn expire(&mut self, what: &'static str, cause: Option<&Error>, cx: &mut Cx) -> Option<Error> {
        let now = cx.now;
        let mut late = Vec::new();
        self.waiting.retain(|waiter| match waiter.limit {
            Some((at, after)) if at <= now => {
                late.push((waiter.operation, after));
                false
            }
            _ => true,
        });
        let mut last = None;
        for (operation, after) in late {
            let cause = cause.cloned().map(Box::new);
            let error = Error::Timeout { what: Cow::Borrowed(what), after, cause };
            last = Some(error.clone());
            cx.complete(operation, Err(error));
        }
        last
    }

    /// Moves everybody over from another place.
    pub(crate) fn append(&mut self, other: &mut Self) {
        self.waiting.append(&mut other.waiting);
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    pub(crate) const fn len(&self) -> usize {
        self.waiting.len()
    }

    /// The first time limit.
    pub(crate) fn deadline(&self) -> Option<Deadline> {
        self.waiting
            .iter()
            .filter_map(|waiter| {
                waiter.limit.map(|(at, _)| Deadline { at, why: Timer::OperationLimit(waiter.operation) })
            })
            .min()
    }
}
