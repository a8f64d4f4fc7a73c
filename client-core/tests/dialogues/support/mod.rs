//! The other side of the client: a driver with a virtual clock, and brokers whose lines the test writes.
//!
//! `they_...` is what the client does and the test expects; `we_...` is what the test does as the world. After every step the
//! harness checks what must always hold: see [`Dialogue::check`].

mod admin;
mod check;
pub(crate) mod cluster;
pub(crate) mod replies;
pub(crate) mod sasl;
mod serve;

use bytes::Bytes;
use client_core::protocol::{
    ApiVersionsRequest, CreateTopicsRequest, DeleteRecordsRequest, FetchRequest, FrameDecoder,
    InitProducerIdRequest, ListOffsetsRequest, MetadataRequest, ProduceRequest, Request, RequestHeader,
    RequestMessage, Response, SaslAuthenticateRequest, SaslHandshakeRequest,
};
use client_core::{
    Address, AdminCommand, AdminConfig, Client, CloseReason, Completion, Config, ConnectionId,
    ConnectionState, ConnectionView, ConsumerConfig, Deadline, DisconnectCause, Duration, Error, Event,
    Input, Instant, LifecycleState, Machine, OperationId, ProducerConfig, Record, RecordId, Role, Start,
    StartOptions, Status, StopOptions, TopicPartition, TraceEvent, TraceKind,
};
use cluster::Cluster;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// A client, the world around it, and what has been said so far.
pub(crate) struct Dialogue {
    pub(crate) client: Client,
    /// Answers by itself in [`serve`](Self::serve).
    pub(crate) cluster: Cluster,
    now: Instant,
    wires: BTreeMap<ConnectionId, Wire>,
    /// Every connection ever asked for: a name is used once.
    named: BTreeSet<ConnectionId>,
    connects: VecDeque<ConnectionId>,
    /// When each host was asked for a connection.
    attempts: BTreeMap<String, Vec<Instant>>,
    closes: VecDeque<(String, CloseReason)>,
    ended: BTreeMap<OperationId, Result<Completion, Error>>,
    delivered: BTreeMap<u64, (TopicPartition, Result<Option<i64>, Error>)>,
    events: Vec<Event>,
    traces: Vec<TraceEvent>,
    transcript: Vec<String>,
    /// Whether moves that the tables do not have may be asked for: a world that says things twice.
    pub(crate) expects_rejections: bool,
    /// How the answers of [`serve`](Self::serve) travel.
    pub(crate) delivery: Delivering,
    /// What became of each request that expects a reply.
    fates: BTreeMap<(ConnectionId, i32), Fate>,
}

/// How answers travel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Delivering {
    /// Each in one piece.
    Whole,
    /// In pieces of so many bytes.
    Chunks(usize),
    /// Only so many bytes in all; then the connection breaks off, and from then on whole.
    CutAfter(usize),
    /// The same, but the connection is closed in order.
    CloseAfter(usize),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Sent,
    Answered,
    Failed,
}

/// The broker's end of a connection.
struct Wire {
    address: Address,
    open: bool,
    decoder: FrameDecoder,
    inbox: VecDeque<(RequestHeader, Request)>,
}

/// A request that the client has sent, with what an answer needs.
#[derive(Clone, Debug)]
pub(crate) struct Asked<R> {
    pub(crate) connection: ConnectionId,
    pub(crate) version: i16,
    pub(crate) correlation_id: i32,
    pub(crate) body: R,
}

/// A kind of request, taken out of the enum of all.
pub(crate) trait Ask: RequestMessage {
    fn take(request: Request) -> Option<Self>;
}

macro_rules! asks {
    ($($variant:ident($request:ident)),*) => {$(
        impl Ask for $request {
            fn take(request: Request) -> Option<Self> {
                if let Request::$variant(body) = request { Some(body) } else { None }
            }
        }
    )*};
}

asks!(
    ApiVersions(ApiVersionsRequest),
    Metadata(MetadataRequest),
    InitProducerId(InitProducerIdRequest),
    Produce(ProduceRequest),
    Fetch(FetchRequest),
    ListOffsets(ListOffsetsRequest),
    SaslHandshake(SaslHandshakeRequest),
    SaslAuthenticate(SaslAuthenticateRequest),
    CreateTopics(CreateTopicsRequest),
    DeleteRecords(DeleteRecordsRequest)
);

/// `"b1 b2"` as addresses: brokers are named b1, b2 and so on, all at port 9092.
pub(crate) fn addresses(hosts: &str) -> Vec<Address> {
    hosts.split_whitespace().map(|host| Address { host: host.into(), port: 9092 }).collect()
}

pub(crate) const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

pub(crate) const fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

pub(crate) fn partition(topic: &str, number: i32) -> TopicPartition {
    TopicPartition::new(topic, number)
}

/// Notes what a test has measured, for `cargo xtask behaviour` to print: lines that begin with the name of a line of docs/behaviour.md.
pub(crate) fn measured(line: &str, text: &str) {
    #[cfg(not(target_family = "wasm"))]
    {
        let folder = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("behaviour");
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join(format!("{line}.txt")), text).unwrap();
    }
    #[cfg(target_family = "wasm")]
    let _ = (line, text);
}

impl Dialogue {
    // ---- the cast ----

    pub(crate) fn new(config: &Config) -> Self {
        let mut client = Client::new(config, 42, Instant::ZERO).unwrap();
        client.set_tracing(true);
        Self {
            client,
            cluster: Cluster::default(),
            now: Instant::ZERO,
            wires: BTreeMap::new(),
            named: BTreeSet::new(),
            connects: VecDeque::new(),
            attempts: BTreeMap::new(),
            closes: VecDeque::new(),
            ended: BTreeMap::new(),
            delivered: BTreeMap::new(),
            events: Vec::new(),
            traces: Vec::new(),
            transcript: Vec::new(),
            expects_rejections: false,
            delivery: Delivering::Whole,
            fates: BTreeMap::new(),
        }
    }

    /// A producer with these bootstrap servers.
    pub(crate) fn producer(hosts: &str) -> Self {
        Self::producer_with(hosts, |_, _| ())
    }

    pub(crate) fn producer_with(hosts: &str, change: impl FnOnce(&mut Config, &mut ProducerConfig)) -> Self {
        let mut producer = ProducerConfig::default();
        let mut config = Config::new("test", addresses(hosts), Role::Producer(producer.clone()));
        change(&mut config, &mut producer);
        config.role = Role::Producer(producer);
        Self::new(&config).beside(hosts)
    }

    /// A consumer with these bootstrap servers.
    pub(crate) fn consumer(hosts: &str) -> Self {
        Self::consumer_with(hosts, |_, _| ())
    }

    pub(crate) fn consumer_with(hosts: &str, change: impl FnOnce(&mut Config, &mut ConsumerConfig)) -> Self {
        let mut consumer = ConsumerConfig::default();
        let mut config = Config::new("test", addresses(hosts), Role::Consumer(consumer.clone()));
        change(&mut config, &mut consumer);
        config.role = Role::Consumer(consumer);
        Self::new(&config).beside(hosts)
    }

    /// An admin client with these bootstrap servers.
    pub(crate) fn admin(hosts: &str) -> Self {
        Self::new(&Config::new("test", addresses(hosts), Role::Admin(AdminConfig::default()))).beside(hosts)
    }

    fn beside(mut self, hosts: &str) -> Self {
        self.cluster = Cluster::new(hosts);
        self
    }

    /// Started, all of it said; the cluster has answered whatever was asked.
    pub(crate) fn started(mut self) -> Self {
        let start = self.start();
        self.serve();
        assert_eq!(self.result(start.operation), Ok(Completion::Done));
        self.forget();
        self
    }

    // ---- the application's lines ----

    /// Any command, and everything that follows from it at once.
    pub(crate) fn command<R>(&mut self, call: impl FnOnce(&mut Client, Instant) -> R) -> R {
        let result = call(&mut self.client, self.now);
        self.settle();
        result
    }

    pub(crate) fn start(&mut self) -> Start {
        self.say("we: start()");
        self.command(|client, now| client.start(now, StartOptions::default()))
    }

    pub(crate) fn start_within(&mut self, timeout: Duration) -> Start {
        self.say(format!("we: start(timeout {timeout:?})"));
        self.command(|client, now| client.start(now, StartOptions { timeout: Some(timeout) }))
    }

    pub(crate) fn stop(&mut self) -> OperationId {
        self.say("we: stop()");
        self.command(|client, now| client.stop(now, StopOptions::default()))
    }

    pub(crate) fn stop_within(&mut self, timeout: Duration) -> OperationId {
        self.say(format!("we: stop(timeout {timeout:?})"));
        self.command(|client, now| client.stop(now, StopOptions { timeout: Some(timeout) }))
    }

    pub(crate) fn cancel(&mut self, operation: OperationId) {
        self.say(format!("we: cancel({operation})"));
        self.command(|client, now| client.cancel(now, operation));
    }

    /// Sends a record to partition 0 of the topic, or to `topic/partition`.
    pub(crate) fn send(&mut self, place: &str, value: &str) -> RecordId {
        self.try_send(place, value).unwrap()
    }

    pub(crate) fn try_send(&mut self, place: &str, value: &str) -> Result<RecordId, Error> {
        self.say(format!("we: send({place}, {} bytes)", value.len()));
        let (topic, number) = place.split_once('/').unwrap_or((place, "0"));
        let record = Record {
            topic,
            partition: Some(number.parse().unwrap()),
            key: None,
            value: Some(value.as_bytes()),
            timestamp: Some(1),
            headers: &[],
        };
        self.command(|client, now| client.producer(now)?.send(&record))
    }

    /// Has an admin client do something.
    pub(crate) fn ask_for(&mut self, command: AdminCommand, timeout: Option<Duration>) -> OperationId {
        self.say(format!("we: {}", command.name()));
        self.command(|client, now| client.admin(now).unwrap().request(command, timeout)).unwrap()
    }

    pub(crate) fn flush(&mut self) -> OperationId {
        self.say("we: flush()");
        self.command(|client, now| client.producer(now).unwrap().flush(None))
    }

    // ---- the world's lines ----

    /// Lets time pass; the client is woken at each of its deadlines.
    ///
    /// Returns how often it was woken.
    pub(crate) fn wait(&mut self, time: Duration) -> usize {
        let until = self.now + time;
        let mut wakes = 0;
        while let Some(deadline) = self.client.poll_timeout().filter(|deadline| deadline.at <= until) {
            self.wake(&deadline);
            wakes += 1;
            assert!(wakes < 100_000, "no more than so many wake-ups in {time:?}");
        }
        self.now = until;
        self.say("...");
        wakes
    }

    /// Lets time pass until the client's next deadline, and wakes it.
    pub(crate) fn wait_for_deadline(&mut self) -> Deadline {
        let deadline = self.client.poll_timeout().expect("the client waits for something");
        self.wake(&deadline);
        deadline
    }

    fn wake(&mut self, deadline: &Deadline) {
        self.now = self.now.max(deadline.at);
        self.say(format!("clock: {:?}", deadline.why));
        self.input(Input::TimeoutFired);
    }

    pub(crate) const fn now(&self) -> Instant {
        self.now
    }

    /// Moves the clock, backwards too, without waking anybody.
    pub(crate) const fn set_clock(&mut self, now: Instant) {
        self.now = now;
    }

    pub(crate) fn input(&mut self, input: Input) {
        self.client.handle(self.now, input);
        self.settle();
    }

    pub(crate) fn we_accept(&mut self, host: &str) {
        let connection = self.connection(host);
        self.say(format!("{host}: accepts"));
        self.wires.get_mut(&connection).unwrap().open = true;
        self.input(Input::Connected { connection });
    }

    pub(crate) fn we_refuse(&mut self, host: &str) {
        self.we_end(host, DisconnectCause::Refused);
    }

    pub(crate) fn we_close(&mut self, host: &str) {
        self.we_end(host, DisconnectCause::Closed);
    }

    pub(crate) fn we_end(&mut self, host: &str, cause: DisconnectCause) {
        let connection = self.connection(host);
        self.say(format!("{host}: ends the connection, {cause}"));
        self.wires.remove(&connection);
        self.input(Input::Disconnected { connection, cause });
    }

    pub(crate) fn we_answer<R: Ask>(&mut self, asked: &Asked<R>, response: R::Response)
    where
        Response: From<R::Response>,
    {
        self.say(format!("{}: answers {}", asked.connection, R::NAME));
        let frame = Response::from(response).encode(asked.version, asked.correlation_id).unwrap();
        self.we_send(asked.connection, frame.to_bytes());
    }

    /// An answer as bytes.
    pub(crate) fn encoded<R: Ask>(&self, asked: &Asked<R>, response: R::Response) -> Vec<u8>
    where
        Response: From<R::Response>,
    {
        Response::from(response).encode(asked.version, asked.correlation_id).unwrap().to_bytes().to_vec()
    }

    pub(crate) fn we_send(&mut self, connection: ConnectionId, bytes: Bytes) {
        self.input(Input::Received { connection, bytes });
    }

    // ---- the client's lines ----

    /// The client asks for a connection to the host.
    #[track_caller]
    pub(crate) fn they_connect(&mut self, host: &str) -> ConnectionId {
        let connection = self.connects.pop_front().expect("a connection is asked for");
        let asked = self.wires.get(&connection).map(|wire| wire.address.host.as_str());
        assert_eq!(asked, Some(host), "the host of the connection asked for");
        connection
    }

    /// The next request to the host is one of this kind.
    #[track_caller]
    pub(crate) fn they_send<R: Ask>(&mut self, host: &str) -> Asked<R> {
        let connection = self.connection(host);
        let (header, request) = self
            .wires
            .get_mut(&connection)
            .and_then(|wire| wire.inbox.pop_front())
            .unwrap_or_else(|| panic!("expected {} to {host}, got nothing", R::NAME));
        let name = request.api_key().name();
        let body = R::take(request).unwrap_or_else(|| panic!("expected {} to {host}, got {name}", R::NAME));
        Asked { connection, version: header.request_api_version, correlation_id: header.correlation_id, body }
    }

    /// What [`they_send`](Self::they_send) would give, left where it is.
    #[track_caller]
    pub(crate) fn peek<R: Ask>(&self, host: &str) -> Asked<R> {
        let connection = self.connection(host);
        let (header, request) = self.wires[&connection].inbox.front().expect("a request");
        let body = R::take(request.clone()).expect("a request of this kind");
        let (version, correlation_id) = (header.request_api_version, header.correlation_id);
        Asked { connection, version, correlation_id, body }
    }

    /// The client closes its connection to the host.
    #[track_caller]
    pub(crate) fn they_close(&mut self, host: &str) -> CloseReason {
        let (closed, reason) = self.closes.pop_front().expect("a connection is closed");
        assert_eq!(closed, host, "the host whose connection is closed");
        reason
    }

    /// The client has said nothing that the test has not heard.
    #[track_caller]
    pub(crate) fn expect_nothing(&self) {
        assert!(self.connects.is_empty(), "expected nothing, got attempts to connect: {:?}", self.connects);
        assert!(self.closes.is_empty(), "expected nothing, got closes: {:?}", self.closes);
        for (connection, wire) in &self.wires {
            assert!(wire.inbox.is_empty(), "expected nothing, got to {connection}: {:?}", wire.inbox);
        }
    }

    /// Whether the client has sent something to the host that the test has not heard.
    pub(crate) fn has_request(&self, host: &str) -> bool {
        self.wires.values().any(|wire| wire.address.host == host && !wire.inbox.is_empty())
    }

    /// Whether the next request to the host is one of this kind.
    pub(crate) fn next_is<R: Ask>(&self, host: &str) -> bool {
        let next = self.wires.get(&self.connection(host)).and_then(|wire| wire.inbox.front());
        next.is_some_and(|(_, request)| R::take(request.clone()).is_some())
    }

    /// The client asks for nothing else, and the cluster answers.
    #[track_caller]
    pub(crate) fn they_send_nothing_but<R: Ask>(&mut self) {
        for (connection, wire) in &self.wires {
            for (_, request) in &wire.inbox {
                assert!(R::take(request.clone()).is_some(), "{connection}: {request:?}");
            }
        }
        self.serve();
    }

    /// Connects, and agrees on versions: what comes before every other dialogue.
    #[track_caller]
    pub(crate) fn handshake(&mut self, host: &str) {
        self.they_connect(host);
        self.we_accept(host);
        let asked = self.they_send::<ApiVersionsRequest>(host);
        self.we_answer(&asked, replies::versions());
    }

    // ---- what came of it ----

    /// How the operation ended, `None` while it is under way.
    pub(crate) fn ended(&self, operation: OperationId) -> Option<&Result<Completion, Error>> {
        self.ended.get(&operation)
    }

    /// How the operation ended.
    #[track_caller]
    pub(crate) fn result(&self, operation: OperationId) -> Result<Completion, Error> {
        self.ended.get(&operation).unwrap_or_else(|| panic!("{operation} has not ended")).clone()
    }

    /// The code of the error with which the operation ended.
    #[track_caller]
    pub(crate) fn error_code(&self, operation: OperationId) -> &'static str {
        self.result(operation).expect_err("the operation fails").code()
    }

    /// How the record ended, `None` while it is under way: its offset or its error.
    pub(crate) fn record(&self, id: RecordId) -> Option<&Result<Option<i64>, Error>> {
        self.delivered.get(&id.0).map(|(_, result)| result)
    }

    #[track_caller]
    pub(crate) fn record_offset(&self, id: RecordId) -> i64 {
        let result = self.record(id).unwrap_or_else(|| panic!("record {} has not ended", id.0));
        result.as_ref().expect("the record is delivered").expect("the broker says where")
    }

    #[track_caller]
    pub(crate) fn record_error(&self, id: RecordId) -> &Error {
        let result = self.record(id).unwrap_or_else(|| panic!("record {} has not ended", id.0));
        result.as_ref().expect_err("the record fails")
    }

    pub(crate) fn records_ended(&self) -> usize {
        self.delivered.len()
    }

    pub(crate) fn state(&self) -> LifecycleState {
        self.client.lifecycle()
    }

    pub(crate) fn view(&self, host: &str) -> ConnectionView<'_> {
        self.view_of(host).unwrap_or_else(|| panic!("the client does not know {host}"))
    }

    pub(crate) fn view_of(&self, host: &str) -> Option<ConnectionView<'_>> {
        self.client.inspect().connections().find(|view| view.address().host == host)
    }

    pub(crate) fn connection_state(&self, host: &str) -> ConnectionState {
        self.view(host).state()
    }

    pub(crate) fn statuses(&self) -> Vec<Status> {
        let status =
            |event: &Event| if let Event::Status(status) = event { Some(status.clone()) } else { None };
        self.events.iter().filter_map(status).collect()
    }

    pub(crate) fn partition_errors(&self) -> Vec<(TopicPartition, Error)> {
        let find = |event: &Event| match event {
            Event::PartitionError { partition, error } => Some((partition.clone(), error.clone())),
            _ => None,
        };
        self.events.iter().filter_map(find).collect()
    }

    pub(crate) fn events(&self) -> &[Event] {
        &self.events
    }

    pub(crate) fn traces(&self) -> impl Iterator<Item = &TraceKind> {
        self.traces.iter().map(|trace| &trace.kind)
    }

    /// The moves that machines have made: which kind of machine, from where, to where.
    pub(crate) fn moves(&self) -> BTreeSet<(&'static str, &'static str, &'static str)> {
        let find = |kind: &TraceKind| match kind {
            TraceKind::Transition { machine: Machine::Lifecycle, from, to, .. } => {
                Some(("lifecycle", *from, *to))
            }
            TraceKind::Transition { machine: Machine::Connection(_), from, to, .. } => {
                Some(("connection", *from, *to))
            }
            _ => None,
        };
        self.traces().filter_map(find).collect()
    }

    /// How many attempts to connect have been made so far.
    pub(crate) fn connects(&self) -> u64 {
        self.client.inspect().counters().connects
    }

    /// The attempts to connect, by host.
    pub(crate) const fn attempts(&self) -> &BTreeMap<String, Vec<Instant>> {
        &self.attempts
    }

    /// How many requests that expect a reply have neither got one nor failed, of those whose connection is gone.
    pub(crate) fn unanswered(&self) -> usize {
        let is_gone = |connection: &ConnectionId| !self.wires.contains_key(connection);
        let lost =
            self.fates.iter().filter(|((connection, _), fate)| is_gone(connection) && **fate == Fate::Sent);
        lost.count()
    }

    /// Forgets what was said, so that a test can look at what comes next.
    pub(crate) fn forget(&mut self) {
        self.events.clear();
        self.traces.clear();
        self.connects.clear();
        self.closes.clear();
    }

    /// Forgets what was closed only.
    pub(crate) fn forget_closes(&mut self) {
        self.closes.clear();
    }

    /// Forgets the events only.
    pub(crate) fn forget_events(&mut self) {
        self.events.clear();
    }

    // ---- inside ----

    #[track_caller]
    pub(crate) fn connection(&self, host: &str) -> ConnectionId {
        let mut found = self.wires.iter().filter(|(_, wire)| wire.address.host == host);
        let connection = found.next().unwrap_or_else(|| panic!("there is no connection to {host}")).0;
        assert!(found.next().is_none(), "there is one connection to {host}");
        *connection
    }

    fn say(&mut self, line: impl Into<String>) {
        self.transcript.push(format!("{:>12} {}", self.now.to_string(), line.into()));
    }
}

impl Drop for Dialogue {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("---- the dialogue so far ----");
            let skipped = self.transcript.len().saturating_sub(200);
            for line in self.transcript.iter().skip(skipped) {
                eprintln!("{line}");
            }
        }
    }
}
