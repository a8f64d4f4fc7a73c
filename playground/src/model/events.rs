//! The events of a run as components pass them around: cheap to clone, compared by identity.

use simulator::event::Event;
use std::ops::Deref;
use std::rc::Rc;
use std::sync::Arc;

/// Events in order. Two are equal when they are the same list, not when their contents are.
#[derive(Clone, Default)]
pub struct Events(Rc<Vec<Arc<Event>>>);

impl Events {
    /// Wraps a list.
    #[must_use]
    pub fn new(events: Vec<Arc<Event>>) -> Self {
        Self(Rc::new(events))
    }
}

impl Deref for Events {
    type Target = [Arc<Event>];

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl PartialEq for Events {
    fn eq(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.0, &other.0)
    }
}
