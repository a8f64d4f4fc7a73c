//! Runs a client: hands it what the world did, does what it asks for, and calls it when its time has come.
//!
//! One turn is: input or command, drain the output, carry it out, set the timer. Input which arrives while a turn is
//! being carried out (a transport may call back at once) waits for its own turn, so turns never nest.

mod clock;
mod entropy;
mod timer;
mod transport;
mod websocket;

pub use clock::Clock;
pub use transport::{Transport, gather};
pub use websocket::{BridgeOptions, WebSocketTransport};

use client_core::error::DisconnectCause;
use client_core::{Client, ConnectionId, Entropy, Error, Event, Input, Instant, Output, TraceEvent};
use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::{Rc, Weak};

use client_core::config::Config;
use client_core::time::WallClock;
use timer::HostTimer;
use transport::Action;

thread_local! {
    static HALTED: Cell<bool> = const { Cell::new(false) };
}

/// Makes every driver of this thread stand still for good: after a panic their clients cannot be trusted.
pub fn halt() {
    HALTED.set(true);
}

/// A running client. Clones are handles to the same one; when the last is dropped, its sockets and its timer go too.
#[derive(Clone)]
pub struct Driver {
    shared: Rc<Shared>,
}

struct Shared {
    client: RefCell<Client>,
    inbox: RefCell<VecDeque<Input>>,
    events: RefCell<VecDeque<Event>>,
    transport: Box<dyn Transport>,
    clock: Clock,
    timer: HostTimer,
    turning: Cell<bool>,
    tracing: Cell<bool>,
    wake: Box<dyn Fn()>,
}

impl std::fmt::Debug for Driver {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Driver").field("client", &self.shared.client).finish_non_exhaustive()
    }
}

impl Driver {
    /// A client that is not started yet. `wake` is called at the end of a turn that left something to look at
    /// (events, or trace while tracing): schedule a look, and do not call the driver from inside it.
    ///
    /// The configuration's wall clock is replaced by the host's, and so are the bits that nonces are made of.
    ///
    /// # Errors
    /// [`Error::InvalidConfig`] naming the key; [`Error::Internal`] on a host without a source of randomness.
    pub fn new(
        mut config: Config,
        transport: impl Transport + 'static,
        wake: impl Fn() + 'static,
    ) -> Result<Self, Error> {
        let clock = Clock::start();
        config.wall_clock = WallClock { unix_millis_at_zero: clock.unix_millis_at_zero() };
        if let Some(sasl) = &mut config.sasl {
            sasl.entropy = Some(Entropy(entropy::bits()?));
        }
        let client = Client::new(&config, clock::seed(), clock.now())?;
        let shared = Rc::new_cyclic(|weak: &Weak<Shared>| {
            let weak = weak.clone();
            Shared {
                client: RefCell::new(client),
                inbox: RefCell::default(),
                events: RefCell::default(),
                transport: Box::new(transport),
                clock,
                timer: HostTimer::new(move || {
                    if let Some(shared) = weak.upgrade() {
                        Self { shared }.timer_fired();
                    }
                }),
                turning: Cell::new(false),
                tracing: Cell::new(false),
                wake: Box::new(wake),
            }
        });
        Ok(Self { shared })
    }

    /// Gives the client commands, then carries out what it asks for.
    pub fn command<R>(&self, commands: impl FnOnce(&mut Client, Instant) -> R) -> R {
        let result = self.stage(commands);
        self.turn();
        result
    }

    /// Gives the client commands without carrying out what they ask for: the next [`turn`](Self::turn) does. For
    /// many small commands in a row, such as records that are to travel together.
    pub fn stage<R>(&self, commands: impl FnOnce(&mut Client, Instant) -> R) -> R {
        commands(&mut self.shared.client.borrow_mut(), self.shared.clock.now())
    }

    /// Looks at the client.
    pub fn look<R>(&self, look: impl FnOnce(&Client) -> R) -> R {
        look(&self.shared.client.borrow())
    }

    /// Takes the oldest event that has not been taken.
    #[must_use]
    pub fn poll_event(&self) -> Option<Event> {
        self.shared.events.borrow_mut().pop_front()
    }

    /// Takes the oldest trace event that has not been taken.
    #[must_use]
    pub fn poll_trace(&self) -> Option<TraceEvent> {
        self.shared.client.borrow_mut().poll_trace()
    }

    /// Switches tracing on or off.
    pub fn set_tracing(&self, on: bool) {
        self.shared.tracing.set(on);
        self.shared.client.borrow_mut().set_tracing(on);
    }

    /// What the host's clock says.
    #[must_use]
    pub fn now(&self) -> Instant {
        self.shared.clock.now()
    }

    /// Where transports report to, without keeping the client alive.
    #[must_use]
    pub fn sink(&self) -> Sink {
        Sink { shared: Rc::downgrade(&self.shared) }
    }

    /// Carries out what the client asks for, and everything that follows from it at once.
    pub fn turn(&self) {
        let shared = &*self.shared;
        if HALTED.get() || shared.turning.replace(true) {
            return;
        }
        loop {
            let actions = self.drain();
            let quiet = actions.is_empty();
            for action in actions {
                self.carry_out(action);
            }
            let input = shared.inbox.borrow_mut().pop_front();
            match input {
                Some(input) => shared.client.borrow_mut().handle(shared.clock.now(), input),
                None if quiet => break,
                None => {}
            }
        }
        shared.turning.set(false);
        let deadline = shared.client.borrow().poll_timeout();
        shared.timer.arm(deadline.map(|deadline| deadline.at), shared.clock.now());
        if shared.tracing.get() || !shared.events.borrow().is_empty() {
            (shared.wake)();
        }
    }

    fn input(&self, input: Input) {
        self.shared.inbox.borrow_mut().push_back(input);
        self.turn();
    }

    fn timer_fired(&self) {
        if HALTED.get() {
            return;
        }
        let deadline = self.shared.client.borrow().poll_timeout();
        let now = self.shared.clock.now();
        match deadline {
            Some(deadline) if deadline.at <= now => self.input(Input::TimeoutFired),
            // Hosts fire early by a fraction of a millisecond, and a deadline may have moved: not a reason to wake anyone.
            other => self.shared.timer.arm(other.map(|deadline| deadline.at), now),
        }
    }

    /// Empties the output. What goes to one connection without a pause becomes one action.
    fn drain(&self) -> Vec<Action> {
        let mut client = self.shared.client.borrow_mut();
        let mut actions = Vec::new();
        while let Some(output) = client.poll_output() {
            match output {
                Output::Connect { connection, address } => {
                    actions.push(Action::Connect { connection, address });
                }
                Output::Send { connection, bytes } => transport::push_send(&mut actions, connection, bytes),
                Output::Close { connection, .. } => actions.push(Action::Close { connection }),
                Output::Event(event) => self.shared.events.borrow_mut().push_back(event),
            }
        }
        actions
    }

    fn carry_out(&self, action: Action) {
        let transport = &*self.shared.transport;
        match action {
            Action::Connect { connection, address } => transport.connect(connection, &address, self.sink()),
            Action::Send { connection, segments } => transport.send(connection, &segments),
            Action::Close { connection } => transport.close(connection),
        }
    }
}

/// Where a transport reports what happened. Reports for a client that is gone, or for an old connection, do no harm.
#[derive(Clone)]
pub struct Sink {
    shared: Weak<Shared>,
}

impl std::fmt::Debug for Sink {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sink").finish_non_exhaustive()
    }
}

impl Sink {
    /// The connection is open.
    pub fn connected(&self, connection: ConnectionId) {
        self.input(Input::Connected { connection });
    }

    /// Bytes arrived. They are not copied.
    pub fn received(&self, connection: ConnectionId, bytes: Vec<u8>) {
        self.input(Input::Received { connection, bytes: bytes.into() });
    }

    /// The connection, or the attempt to make it, ended.
    pub fn disconnected(&self, connection: ConnectionId, cause: DisconnectCause) {
        self.input(Input::Disconnected { connection, cause });
    }

    fn input(&self, input: Input) {
        if let Some(shared) = self.shared.upgrade() {
            Driver { shared }.input(input);
        }
    }
}
