//! The client: where input comes in, commands are given and output goes out. It decides nothing by itself; it owns the
//! machines and carries effects between them.

mod dispatch;
mod facade;
mod inspect;

pub use facade::{Admin, Consumer, Producer};
pub use inspect::{ConnectionView, InFlightView, Inspect};

use crate::admin::AdminState;
use crate::cluster::Refresh;
use crate::config::{Config, MetadataRecovery, Role};
use crate::connection::{Connections, Settings};
use crate::consumer::ConsumerState;
use crate::cx::Cx;
use crate::error::Error;
use crate::ids::{ConnectionId, OperationId, TopicName};
use crate::io::{Deadline, Input, Output};
use crate::lifecycle::{Lifecycle, LifecycleState, Start, StartOptions, StopOptions};
use crate::producer::ProducerState;
use crate::rng::Rng;
use crate::sasl::Credentials;
use crate::time::{Duration, Instant};
use crate::trace::{TraceEvent, TraceKind};
use alloc::format;
use alloc::string::String;

/// A Kafka client as a value. See the [crate] for its one contract.
#[derive(Clone, Debug)]
pub struct Client {
    cx: Cx,
    lifecycle: Lifecycle,
    connections: Connections,
    cluster: Refresh,
    role: RoleState,
    /// Whether something has happened since machines last looked for work.
    stirred: bool,
    /// Whether a connection was lost since the application last heard that all is well.
    troubled: bool,
}

/// What kind of client it is, with the state that goes with it.
#[allow(
    clippy::large_enum_variant,
    reason = "there is one per client, and a box would cost every call a look-up; allowed, as it is large on 64 bits only"
)]
#[derive(Clone, Debug)]
enum RoleState {
    Producer(ProducerState),
    Consumer(ConsumerState),
    Admin(AdminState),
}

impl Client {
    /// A client that has done nothing yet. Equal arguments and equal input give equal output, always.
    ///
    /// `seed` decides jitter and the choice between equal partitions.
    ///
    /// # Errors
    /// [`Error::InvalidConfig`] names the first key that cannot be used.
    pub fn new(config: &Config, seed: u64, now: Instant) -> Result<Self, Error> {
        config.check()?;
        let rng = Rng::new(seed);
        let settings = Settings {
            client_id: config.client_id.clone(),
            connect_timeout: config.connect_timeout,
            request_timeout: config.request_timeout,
            reconnect_backoff: config.reconnect_backoff,
            reconnect_backoff_max: config.reconnect_backoff_max,
            max_idle: config.connections_max_idle,
            max_frame_size: config.max_frame_size,
            sasl: config.sasl.clone(),
            rebootstraps: config.metadata_recovery == MetadataRecovery::Rebootstrap,
            cluster_id: None,
            checks_nodes: false,
            #[cfg(feature = "exhibits")]
            defect: config.defect,
        };
        let (role, auto_create) = match &config.role {
            Role::Producer(producer) => {
                (RoleState::Producer(ProducerState::new(config, producer, &rng)), true)
            }
            // A consumer that mistypes a topic should hear of it, not create it (allow.auto.create.topics=false).
            Role::Consumer(consumer) => {
                (RoleState::Consumer(ConsumerState::new(config, consumer, &rng)), false)
            }
            Role::Admin(admin) => (RoleState::Admin(AdminState::new(config, admin, &rng)), false),
        };
        Ok(Self {
            cx: Cx::new(now),
            lifecycle: Lifecycle::new(config),
            cluster: Refresh::new(config, auto_create, &rng),
            connections: Connections::new(settings, &config.bootstrap, rng),
            role,
            stirred: false,
            troubled: false,
        })
    }

    // ---- what the world did ----

    /// Takes note of what the world did. Cannot fail: input that makes no sense is ignored, counted and traced.
    pub fn handle(&mut self, now: Instant, input: Input) {
        self.at(now);
        match &input {
            Input::Connected { connection }
            | Input::Received { connection, .. }
            | Input::Disconnected { connection, .. } => {
                let connection = *connection;
                self.connections.handle(connection, input, &mut self.cx);
            }
            Input::TimeoutFired => self.handle_timeout(),
        }
        self.settle();
    }

    // ---- what the application wants ----

    /// Starts the client. Calling it again, at any time, by anyone, does no harm: see [`StartOutcome`](crate::StartOutcome).
    pub fn start(&mut self, now: Instant, options: StartOptions) -> Start {
        self.at(now);
        let start = self.lifecycle.start(options, &mut self.cx);
        self.settle();
        start
    }

    /// Stops the client: what was accepted is sent, then everything is closed. On an idle client it does nothing.
    pub fn stop(&mut self, now: Instant, options: StopOptions) -> OperationId {
        self.at(now);
        let was_started = self.lifecycle.state() == LifecycleState::Started;
        let operation = self.lifecycle.stop(options, &mut self.cx);
        if was_started {
            self.begin_stop();
        }
        self.settle();
        operation
    }

    /// The caller of an operation gives up. It gets [`Error::Cancelled`]; nobody else is affected, except that a start which
    /// nobody waits for any more is abandoned (LC4). An operation that has ended already stays as it ended.
    pub fn cancel(&mut self, now: Instant, operation: OperationId) {
        self.at(now);
        let cx = &mut self.cx;
        let found = self.lifecycle.cancel(operation, cx)
            || self.cluster.cancel(operation, cx)
            || match &mut self.role {
                RoleState::Producer(producer) => producer.cancel(operation, cx),
                RoleState::Consumer(consumer) => consumer.cancel(operation, cx),
                RoleState::Admin(admin) => admin.cancel(operation, cx),
            };
        let outcome = if found { "cancelled" } else { "had ended" };
        cx.trace(|| TraceKind::Called { call: "cancel", operation: Some(operation), outcome });
        self.settle();
    }

    /// The commands of a producer, valid at `now`.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] on a client of another role.
    pub fn producer(&mut self, now: Instant) -> Result<Producer<'_>, Error> {
        self.at(now);
        match &mut self.role {
            RoleState::Producer(state) => {
                self.stirred = true;
                Ok(Producer::new(state, &self.lifecycle, &mut self.cx))
            }
            other @ (RoleState::Consumer(_) | RoleState::Admin(_)) => Err(wrong_role("producer", other)),
        }
    }

    /// The commands of a consumer, valid at `now`.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] on a client of another role.
    pub fn consumer(&mut self, now: Instant) -> Result<Consumer<'_>, Error> {
        self.at(now);
        match &mut self.role {
            RoleState::Consumer(state) => {
                self.stirred = true;
                Ok(Consumer::new(state, &self.lifecycle, &mut self.cx))
            }
            other @ (RoleState::Producer(_) | RoleState::Admin(_)) => Err(wrong_role("consumer", other)),
        }
    }

    /// The commands of an admin client, valid at `now`.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] on a client of another role.
    pub fn admin(&mut self, now: Instant) -> Result<Admin<'_>, Error> {
        self.at(now);
        match &mut self.role {
            RoleState::Admin(state) => {
                self.stirred = true;
                Ok(Admin::new(state, &self.lifecycle, &mut self.cx))
            }
            other @ (RoleState::Producer(_) | RoleState::Consumer(_)) => {
                Err(wrong_role("admin client", other))
            }
        }
    }

    /// Asks for a topic's partitions; ends in [`Completion::Partitions`](crate::io::Completion::Partitions). Without a `timeout` it
    /// waits for two request timeouts: a topic that does not exist may still be created.
    ///
    /// # Errors
    /// [`Error::NotStarted`], or [`Error::InvalidArgument`] for a name that cannot be a topic's.
    pub fn partitions_for(
        &mut self,
        now: Instant,
        topic: &str,
        timeout: Option<Duration>,
    ) -> Result<OperationId, Error> {
        self.at(now);
        self.lifecycle.check_running("partitionsFor()")?;
        if let Some(problem) = TopicName::problem(topic) {
            let problem = format!("{topic:?} is not a topic name: {problem}");
            return Err(Error::InvalidArgument { argument: "topic".into(), problem: problem.into() });
        }
        let operation = self.cluster.partitions_for(&TopicName::from(topic), timeout, &mut self.cx);
        self.settle();
        Ok(operation)
    }

    /// Answers [`Event::CredentialsNeeded`](crate::Event::CredentialsNeeded): with credentials, or with the reason why there are none,
    /// which ends the attempt to connect. An answer that comes too late is ignored: that connection asks no more.
    pub fn provide_credentials(
        &mut self,
        now: Instant,
        connection: ConnectionId,
        answer: Result<Credentials, String>,
    ) {
        self.at(now);
        self.connections.provide_credentials(connection, answer, &mut self.cx);
        self.settle();
    }

    /// Ends the client for good because its driver has failed: every pending and later call fails with this error (LC13).
    pub fn fail(&mut self, now: Instant, error: Error) {
        self.at(now);
        self.lifecycle.handle_fatal(error, &mut self.cx);
        self.settle();
    }

    // ---- what the driver must do ----

    /// The next thing to do, or `None` when all is done for now. Drain it after every input and after commands.
    pub fn poll_output(&mut self) -> Option<Output> {
        if self.stirred {
            self.stirred = false;
            self.drive();
        }
        self.cx.outputs.pop_front()
    }

    /// When to call [`handle`](Self::handle) with [`Input::TimeoutFired`], if nothing else happens before. Ask after draining
    /// [`poll_output`](Self::poll_output).
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Deadline> {
        let role = match &self.role {
            RoleState::Producer(producer) => producer.deadline(self.cx.now),
            RoleState::Consumer(consumer) => consumer.deadline(self.cx.now),
            RoleState::Admin(admin) => admin.deadline(self.cx.now),
        };
        [self.connections.deadline(), self.cluster.deadline(), self.lifecycle.deadline(), role]
            .into_iter()
            .flatten()
            .min()
    }

    /// Switches tracing on or off.
    pub fn set_tracing(&mut self, on: bool) {
        self.cx.tracer.set(on);
    }

    /// The oldest trace event not yet taken. Nothing unless tracing is on.
    pub fn poll_trace(&mut self) -> Option<TraceEvent> {
        self.cx.tracer.take()
    }

    // ---- what others may ask ----

    /// Where the client stands in its life.
    #[must_use]
    pub const fn lifecycle(&self) -> LifecycleState {
        self.lifecycle.state()
    }

    /// Everything a user interface or an assertion may want to see.
    #[must_use]
    pub const fn inspect(&self) -> Inspect<'_> {
        Inspect::new(self)
    }

    /// Time does not run backwards, whatever the driver's clock does.
    fn at(&mut self, now: Instant) {
        self.cx.now = self.cx.now.max(now);
    }
}

fn wrong_role(asked: &'static str, role: &RoleState) -> Error {
    let is = match role {
        RoleState::Producer(_) => "producer",
        RoleState::Consumer(_) => "consumer",
        RoleState::Admin(_) => "admin client",
    };
    let problem = format!("this client is a {is}; make another client with the role of a {asked}");
    Error::InvalidArgument { argument: "role".into(), problem: problem.into() }
}
