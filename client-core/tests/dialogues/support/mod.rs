//! The other side of the client: a driver with a virtual clock, and brokers whose lines the test writes.
//!
//! `they_...` is what the client does and the test expects; `we_...` is what the test does as the world. After every step the
//! harness checks what must always hold: see [`Dialogue::check`].

pub(crate) mod cluster;
pub(crate) mod replies;

use bytes::Bytes;
use client_core::protocol::{
    ApiVersionsRequest, FetchRequest, FrameDecoder, InitProducerIdRequest, ListOffsetsRequest,
    MetadataRequest, ProduceRequest, Request, RequestHeader, RequestMessage, Response,
};
use client_core::{
    Address, Client, CloseReason, Completion, Config, ConnectionId, ConnectionState, ConnectionView,
    ConsumerConfig, Deadline, Delivery, DisconnectCause, Duration, Error, Event, Input, Instant,
    LifecycleState, Machine, OperationId, Output, ProducerConfig, Record, RecordId, Role, Start,
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
    ListOffsets(ListOffsetsRequest)
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

    /// Forgets what was said, so that a test can look at what comes next.
    pub(crate) fn forget(&mut self) {
        self.events.clear();
        self.traces.clear();
        self.connects.clear();
        self.closes.clear();
    }

    /// Forgets the events only.
    pub(crate) fn forget_events(&mut self) {
        self.events.clear();
    }

    // ---- the cluster answers by itself ----

    /// Lets the cluster accept, refuse and answer until nobody has anything to say. Fetches that would be empty wait.
    pub(crate) fn serve(&mut self) {
        for _ in 0..100_000 {
            if !self.serve_one() {
                return;
            }
        }
        panic!("the dialogue does not end");
    }

    /// Answers the fetches that wait for records, then serves what follows.
    pub(crate) fn end_long_polls(&mut self) {
        self.serve();
        self.cluster.impatient = true;
        for (connection, _) in self.open_connections() {
            self.serve_connection(connection);
        }
        self.cluster.impatient = false;
        self.serve();
    }

    /// One step of [`serve`](Self::serve). False if there was nothing to do.
    pub(crate) fn serve_one(&mut self) -> bool {
        if let Some(connection) = self.connects.pop_front() {
            let Some(wire) = self.wires.get(&connection) else { return true };
            let host = wire.address.host.clone();
            if self.cluster.is_black_hole(&host) {
                return true;
            }
            if self.cluster.is_up(&host) {
                self.we_accept(&host)
            } else {
                self.we_refuse(&host)
            }
            return true;
        }
        let connections: Vec<ConnectionId> = self.wires.keys().copied().collect();
        connections.into_iter().any(|connection| self.serve_connection(connection))
    }

    /// Answers the first request of the connection. False if there is none, or it has to wait.
    pub(crate) fn serve_connection(&mut self, connection: ConnectionId) -> bool {
        let Some(wire) = self.wires.get_mut(&connection) else { return false };
        let host = wire.address.host.clone();
        let Some((header, request)) = wire.inbox.front() else { return false };
        let others_wait = wire.inbox.len() > 1;
        let Some(answer) = self.cluster.answer(&host, request, others_wait) else { return false };
        let (version, correlation_id) = (header.request_api_version, header.correlation_id);
        wire.inbox.pop_front();
        if let Some(response) = answer {
            self.transcript.push(format!("{host}: answers {:?}", response.api_key()));
            let bytes = response.encode(version, correlation_id).unwrap().to_bytes();
            self.deliver(connection, bytes);
        }
        true
    }

    fn deliver(&mut self, connection: ConnectionId, mut bytes: Bytes) {
        match self.delivery {
            Delivering::Whole => self.we_send(connection, bytes),
            Delivering::Chunks(size) => {
                while !bytes.is_empty() {
                    let chunk = bytes.split_to(size.min(bytes.len()));
                    self.we_send(connection, chunk);
                }
            }
            Delivering::CutAfter(left) if bytes.len() <= left => {
                self.delivery = Delivering::CutAfter(left - bytes.len());
                self.we_send(connection, bytes);
            }
            Delivering::CutAfter(left) => {
                self.delivery = Delivering::Whole;
                self.we_send(connection, bytes.slice(..left));
                let host = self.host(connection).expect("the connection is open");
                self.we_end(&host, DisconnectCause::Reset);
            }
        }
    }

    /// Like [`serve_connection`](Self::serve_connection), but the answer gets lost with the connection.
    pub(crate) fn serve_and_lose(&mut self, connection: ConnectionId) {
        if let Some(wire) = self.wires.get_mut(&connection) {
            let host = wire.address.host.clone();
            if let Some((_, request)) = wire.inbox.pop_front() {
                self.cluster.answer(&host, &request, true);
            }
            self.we_end(&host, DisconnectCause::Reset);
        }
    }

    /// Every connection breaks off at the same time.
    pub(crate) fn lose_everything(&mut self) {
        for (connection, _) in self.open_connections() {
            if let Some(host) = self.host(connection) {
                self.we_end(&host, DisconnectCause::Reset);
            }
        }
    }

    /// Connections that are open or being opened, with whether they are open.
    pub(crate) fn open_connections(&self) -> Vec<(ConnectionId, bool)> {
        self.wires.iter().map(|(connection, wire)| (*connection, wire.open)).collect()
    }

    pub(crate) fn host(&self, connection: ConnectionId) -> Option<String> {
        self.wires.get(&connection).map(|wire| wire.address.host.clone())
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

    /// Drains the client, wakes it if it wants that at once, and checks what must always hold.
    pub(crate) fn settle(&mut self) {
        self.drain();
        for round in 0.. {
            let due = self.client.poll_timeout().filter(|deadline| deadline.at <= self.now);
            let Some(due) = due else { break };
            assert!(
                round < WAKES_AT_ONCE_MAX,
                "LC11: woken {round} times at one instant, and again for {due:?}"
            );
            self.client.handle(self.now, Input::TimeoutFired);
            self.drain();
        }
        self.check();
    }

    fn drain(&mut self) {
        for count in 0.. {
            assert!(count < OUTPUTS_MAX, "LC11: so many outputs at one instant");
            let Some(output) = self.client.poll_output() else { break };
            self.take_output(output);
        }
        while let Some(trace) = self.client.poll_trace() {
            if let TraceKind::Transition { machine, from, to, cause } = &trace.kind {
                self.transcript.push(format!("             {machine:?}: {from} -> {to}, {cause}"));
            }
            let rejected = matches!(trace.kind, TraceKind::TransitionRejected { .. });
            assert!(self.expects_rejections || !rejected, "CN1: {:?}", trace.kind);
            self.follow(&trace.kind);
            self.traces.push(trace);
        }
    }

    /// CN3: each request is answered or fails, once.
    fn follow(&mut self, kind: &TraceKind) {
        match kind {
            TraceKind::RequestSent { connection, correlation_id, expects_reply: true, .. } => {
                let before = self.fates.insert((*connection, *correlation_id), Fate::Sent);
                assert_eq!(before, None, "{connection}: correlation id {correlation_id} is used twice");
            }
            TraceKind::ResponseReceived { connection, correlation_id, .. } => {
                let before = self.fates.insert((*connection, *correlation_id), Fate::Answered);
                assert_eq!(before, Some(Fate::Sent), "{connection}: answer {correlation_id}");
            }
            // An answer that turns out to be unreadable fails its request after it has been matched.
            TraceKind::RequestFailed { connection, correlation_id, .. } => {
                let before = self.fates.insert((*connection, *correlation_id), Fate::Failed);
                assert!(
                    matches!(before, Some(Fate::Sent | Fate::Answered)),
                    "{connection}: {correlation_id} failed twice"
                );
            }
            _ => {}
        }
    }

    fn take_output(&mut self, output: Output) {
        match output {
            Output::Connect { connection, address } => {
                self.say(format!("they: connect {connection} to {address}"));
                assert!(self.named.insert(connection), "CN2: {connection} names a second connection");
                let decoder = FrameDecoder::new(64 << 20);
                let wire = Wire { address, open: false, decoder, inbox: VecDeque::new() };
                self.wires.insert(connection, wire);
                self.connects.push_back(connection);
            }
            Output::Send { connection, bytes } => {
                let wire = self.wires.get_mut(&connection).expect("bytes go to a connection that exists");
                assert!(wire.open, "bytes go to a connection that is open");
                wire.decoder.push(bytes);
                while let Some(frame) = wire.decoder.next_frame().expect("requests are frames") {
                    let (header, request) = Request::decode(frame).expect("requests can be decoded");
                    self.transcript.push(format!("             they: {connection} {:?}", request.api_key()));
                    wire.inbox.push_back((header, request));
                }
            }
            Output::Close { connection, reason } => {
                self.say(format!("they: close {connection}, {reason}"));
                let wire = self.wires.remove(&connection).expect("what is closed was open");
                self.connects.retain(|asked| *asked != connection);
                self.closes.push_back((wire.address.host, reason));
            }
            Output::Event(event) => self.take_event(event),
        }
    }

    fn take_event(&mut self, event: Event) {
        self.say(format!("they: {event:?}"));
        match event {
            Event::Completed { operation, result } => {
                let before = self.ended.insert(operation, result);
                assert!(before.is_none(), "{operation} ends once, but ended before with {before:?}");
            }
            Event::Delivered(Delivery { partition, records, result }) => {
                for (index, id) in records.iter().enumerate() {
                    let result = result.clone().map(|it| it.base_offset.map(|base| base + index as i64));
                    let before = self.delivered.insert(id.0, (partition.clone(), result));
                    assert!(before.is_none(), "record {} ends once, but ended before with {before:?}", id.0);
                }
            }
            other => self.events.push(other),
        }
    }

    /// What holds after every step: sockets, timers and waiters are counted right, and a client that is idle has none.
    fn check(&self) {
        let inspect = self.client.inspect();
        let counters = inspect.counters();
        assert_eq!(inspect.sockets(), self.wires.len(), "sockets counted and sockets seen");
        assert_eq!(inspect.waiters() as u64, counters.operations, "waiters and operations counted");
        let deadline = self.client.poll_timeout();
        if deadline.is_none() {
            assert_eq!(counters.timers, 0, "timers armed without a deadline");
        }
        if matches!(self.state(), LifecycleState::Idle | LifecycleState::Fenced) {
            assert!(
                self.wires.is_empty(),
                "LC10: open on a client that is not running: {:?}",
                self.wires.keys()
            );
            assert_eq!(counters.timers, 0, "LC10: timers armed on a client that is not running");
            assert_eq!(counters.operations, 0, "LC10: operations under way on a client that is not running");
            assert_eq!(deadline, None, "LC10: a client that is not running wants to be woken");
            assert_eq!(inspect.buffered_bytes(), 0, "a client that is not running holds records");
        }
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

/// A wake-up may make another one due at the same instant (a lost connection, whose requests are overdue as well), but not for long.
const WAKES_AT_ONCE_MAX: usize = 2;

const OUTPUTS_MAX: usize = 10_000;
