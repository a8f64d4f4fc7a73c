//! A small tokio driver: proves that the core runs on any runtime, and runs it natively against real brokers.
//!
//! One task owns the client; each socket has a reading and a writing task which talk to it by channels. A test calls
//! [`Driver::run_until`] or [`Driver::wait`], and nothing happens in between.

use bytes::Bytes;
use client_core::{
    Client, Completion, Config, ConnectionId, Delivery, DisconnectCause, Error, Event, Input, Instant,
    OperationId, Output, Start, StartOptions, Status, StopOptions,
};
use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::mpsc;

/// How long a test waits for anything before it fails. Only a guard against hangs: no test asserts on time.
const PATIENCE: Duration = Duration::from_secs(60);

/// A client, its sockets and its clock.
#[derive(Debug)]
pub struct Driver {
    /// The client itself, for inspection and commands. Drain with [`Driver::turn`] afterwards.
    pub client: Client,
    began: tokio::time::Instant,
    sockets: BTreeMap<ConnectionId, mpsc::UnboundedSender<Bytes>>,
    inputs: mpsc::UnboundedReceiver<Input>,
    input_sender: mpsc::UnboundedSender<Input>,
    /// Ends of operations not yet asked for.
    pub completed: BTreeMap<OperationId, Result<Completion, Error>>,
    /// Ends of records, in the order in which they came.
    pub deliveries: Vec<Delivery>,
    /// Everything else that the client told.
    pub events: Vec<Event>,
    /// How many sockets were opened.
    pub opened: usize,
}

impl Driver {
    /// A driver for a new client.
    ///
    /// # Errors
    /// When the configuration is not usable.
    pub fn new(config: &Config, seed: u64) -> Result<Self, Error> {
        let client = Client::new(config, seed, Instant::ZERO)?;
        let (input_sender, inputs) = mpsc::unbounded_channel();
        Ok(Self {
            client,
            began: tokio::time::Instant::now(),
            sockets: BTreeMap::new(),
            inputs,
            input_sender,
            completed: BTreeMap::new(),
            deliveries: Vec::new(),
            events: Vec::new(),
            opened: 0,
        })
    }

    /// The time on the client's clock.
    #[must_use]
    pub fn now(&self) -> Instant {
        Instant::from_micros(u64::try_from(self.began.elapsed().as_micros()).unwrap_or(u64::MAX))
    }

    /// How many sockets are open or being opened.
    #[must_use]
    pub fn sockets(&self) -> usize {
        self.sockets.len()
    }

    /// Calls `start()` and waits for its end.
    ///
    /// # Errors
    /// What the start ended with.
    pub async fn start(&mut self, timeout: Option<Duration>) -> Result<(), Error> {
        let Start { operation, .. } = self.client.start(self.now(), StartOptions { timeout });
        self.wait(operation).await.map(|_| ())
    }

    /// Calls `stop()` and waits for its end.
    ///
    /// # Errors
    /// What the stop ended with.
    pub async fn stop(&mut self, timeout: Option<Duration>) -> Result<(), Error> {
        let operation = self.client.stop(self.now(), StopOptions { timeout });
        self.wait(operation).await.map(|_| ())
    }

    /// Waits for the end of an operation.
    ///
    /// # Errors
    /// What the operation ended with.
    pub async fn wait(&mut self, operation: OperationId) -> Result<Completion, Error> {
        self.run_until(|driver| driver.completed.contains_key(&operation)).await;
        self.completed.remove(&operation).unwrap_or_else(|| Err(Error::Internal("no completion".into())))
    }

    /// Runs until the condition holds.
    ///
    /// # Panics
    /// When that takes longer than a minute.
    pub async fn run_until(&mut self, condition: impl Fn(&Self) -> bool) {
        let limit = tokio::time::Instant::now() + PATIENCE;
        self.drain();
        while !condition(self) {
            assert!(
                tokio::time::Instant::now() < limit,
                "waited {PATIENCE:?} in vain; deadline {:?}, connections {:?}, last events {:?}",
                self.client.poll_timeout(),
                self.client.inspect().connections().collect::<Vec<_>>(),
                self.events.iter().rev().take(5).collect::<Vec<_>>(),
            );
            self.turn().await;
        }
    }

    /// Waits for one thing to happen, at most a second, and handles it.
    pub async fn turn(&mut self) {
        self.drain();
        let deadline = self.client.poll_timeout().map(|deadline| deadline.at.since(self.now()));
        let patience = Duration::from_secs(1);
        let sleep = deadline.map_or(patience, |deadline| deadline.min(patience));
        match tokio::time::timeout(sleep, self.inputs.recv()).await {
            Ok(Some(input)) => {
                if let Input::Disconnected { connection, .. } = &input {
                    self.sockets.remove(connection);
                }
                self.client.handle(self.now(), input);
            }
            Ok(None) | Err(_) => self.client.handle(self.now(), Input::TimeoutFired),
        }
        self.drain();
    }

    /// Does what the client wants done.
    pub fn drain(&mut self) {
        while let Some(output) = self.client.poll_output() {
            match output {
                Output::Connect { connection, address } => {
                    self.opened += 1;
                    let (sender, receiver) = mpsc::unbounded_channel();
                    self.sockets.insert(connection, sender);
                    let target = address.to_string();
                    tokio::spawn(socket(connection, target, receiver, self.input_sender.clone()));
                }
                Output::Send { connection, bytes } => {
                    if let Some(socket) = self.sockets.get(&connection) {
                        // A closed channel means that the socket has ended; its Disconnected is on the way.
                        drop(socket.send(bytes));
                    }
                }
                Output::Close { connection, .. } => {
                    self.sockets.remove(&connection);
                }
                Output::Event(Event::Completed { operation, result }) => {
                    let twice = self.completed.insert(operation, result);
                    assert_eq!(twice, None, "{operation} ended twice");
                }
                Output::Event(Event::Delivered(delivery)) => self.deliveries.push(delivery),
                Output::Event(event) => self.events.push(event),
            }
        }
    }

    /// Whether the client has told of this condition.
    pub fn has_status(&self, wanted: impl Fn(&Status) -> bool) -> bool {
        self.events.iter().any(|event| matches!(event, Event::Status(status) if wanted(status)))
    }
}

/// One socket, from opening to end.
async fn socket(
    connection: ConnectionId,
    target: String,
    mut outgoing: mpsc::UnboundedReceiver<Bytes>,
    inputs: mpsc::UnboundedSender<Input>,
) {
    let opened = tokio::select! {
        opened = TcpStream::connect(&target) => opened,
        () = closed_before_open(&mut outgoing) => return,
    };
    let stream = match opened.and_then(|stream| stream.set_nodelay(true).map(|()| stream)) {
        Ok(stream) => stream,
        Err(error) => {
            // A closed channel means that the test is over.
            drop(inputs.send(Input::Disconnected { connection, cause: cause_of(&error) }));
            return;
        }
    };
    drop(inputs.send(Input::Connected { connection }));
    let (mut reader, mut writer) = stream.into_split();
    let reading = async {
        loop {
            let mut buffer = bytes::BytesMut::with_capacity(64 << 10);
            match reader.read_buf(&mut buffer).await {
                Ok(0) => return DisconnectCause::Closed,
                Ok(_) => drop(inputs.send(Input::Received { connection, bytes: buffer.freeze() })),
                Err(error) => return cause_of(&error),
            }
        }
    };
    let writing = async {
        while let Some(bytes) = outgoing.recv().await {
            if let Err(error) = writer.write_all(&bytes).await {
                return Some(cause_of(&error));
            }
        }
        None
    };
    tokio::select! {
        cause = reading => drop(inputs.send(Input::Disconnected { connection, cause })),
        cause = writing => if let Some(cause) = cause {
            drop(inputs.send(Input::Disconnected { connection, cause }));
        },
    }
}

/// Returns when the client has given the connection up while it was being opened.
async fn closed_before_open(outgoing: &mut mpsc::UnboundedReceiver<Bytes>) {
    // Nothing is sent before Connected, so the only thing to come is the end of the channel.
    while outgoing.recv().await.is_some() {}
}

fn cause_of(error: &std::io::Error) -> DisconnectCause {
    let known = [
        (ErrorKind::ConnectionRefused, DisconnectCause::Refused),
        (ErrorKind::ConnectionReset, DisconnectCause::Reset),
        (ErrorKind::ConnectionAborted, DisconnectCause::Reset),
        (ErrorKind::BrokenPipe, DisconnectCause::Reset),
        (ErrorKind::TimedOut, DisconnectCause::TimedOut),
        (ErrorKind::HostUnreachable, DisconnectCause::Unreachable),
        (ErrorKind::NetworkUnreachable, DisconnectCause::Unreachable),
        (ErrorKind::NotFound, DisconnectCause::Unreachable),
    ];
    let found = known.into_iter().find(|(kind, _)| *kind == error.kind());
    found.map_or_else(|| DisconnectCause::Transport(error.to_string()), |(_, cause)| cause)
}
