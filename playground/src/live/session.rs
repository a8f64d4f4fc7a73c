//! A producer and a consumer, and what they say.

use super::setting::Setting;
use super::story::{Arrived, Draft, Phase, Sent, SentState, Story};
use crate::model::events::Events;
use client_core::protocol::record_batch::{RecordBatchError, RecordView};
use client_core::{
    Address, Client, Completion, Config, ConsumerConfig, Delivery, Duration, Error, Event, FetchedBatch,
    Instant, OperationId, ProducerConfig, Record, RecordHeader, Role, StartOffset, StartOptions, Status,
    StopOptions, TopicPartition,
};
use simulator::event::Log;
use std::cell::{Cell, RefCell};
use std::rc::{Rc, Weak};
use wasm_bindings::driver::{BridgeOptions, Driver, WebSocketTransport};

/// How long to wait for a start, a topic's partitions, a stop.
const PATIENCE: Duration = Duration::from_secs(15);
/// How long the broker may hold a fetch without records back. Long, so that a quiet topic makes a quiet list.
const FETCH_WAIT: Duration = Duration::from_secs(10);
/// So many events are recorded; then recording ends, and that is said.
const EVENTS: u32 = 20_000;
/// So many records of each list are kept on the page.
const RECORDS: usize = 100;

/// A running session. Dropping it closes its connections.
pub struct Session {
    inner: Rc<Inner>,
}

struct Inner {
    topic: String,
    clients: RefCell<Vec<Driver>>,
    state: RefCell<State>,
    /// Whether a look at the clients is already on its way.
    scheduled: Cell<bool>,
    tell: Box<dyn Fn(Story)>,
}

#[derive(Default)]
struct State {
    log: Log,
    story: Story,
    starts: Vec<Option<OperationId>>,
    stops: Vec<Option<OperationId>>,
    partitions: Option<OperationId>,
    assigned: Vec<TopicPartition>,
}

const PRODUCER: usize = 0;
const CONSUMER: usize = 1;

impl Session {
    /// Starts a producer and a consumer. `tell` is called with the news whenever there are any.
    ///
    /// # Errors
    /// What is wrong with the setting, in words.
    pub fn open(setting: &Setting, tell: impl Fn(Story) + 'static) -> Result<Self, String> {
        setting.check()?;
        let address = setting.address()?;
        let inner = Rc::new(Inner {
            topic: setting.topic.trim().to_owned(),
            clients: RefCell::default(),
            state: RefCell::default(),
            scheduled: Cell::new(false),
            tell: Box::new(tell),
        });
        for role in [producer_role(), consumer_role()] {
            let driver = driver(setting, address.clone(), role, &inner).map_err(|error| error.to_string())?;
            inner.clients.borrow_mut().push(driver);
        }
        {
            let mut state = inner.state.borrow_mut();
            state.story.phase = Phase::Connecting;
            state.stops = vec![None, None];
            let options = StartOptions { timeout: Some(PATIENCE) };
            state.starts = inner
                .clients
                .borrow()
                .iter()
                .map(|driver| Some(driver.command(|client, now| client.start(now, options)).operation))
                .collect();
        }
        inner.schedule();
        Ok(Self { inner })
    }

    /// Sends a record.
    pub fn send(&self, draft: &Draft) {
        let inner = &self.inner;
        let Some(driver) = inner.client(PRODUCER) else { return };
        let headers: Vec<RecordHeader<'_>> = draft
            .headers
            .iter()
            .filter(|(name, _)| !name.is_empty())
            .map(|(name, value)| RecordHeader { key: name.as_bytes(), value: Some(value.as_bytes()) })
            .collect();
        let record = Record {
            topic: &inner.topic,
            partition: None,
            key: (!draft.key.is_empty()).then_some(draft.key.as_bytes()),
            value: Some(draft.value.as_bytes()),
            timestamp: None,
            headers: &headers,
        };
        let at_us = driver.now().as_micros();
        let taken = driver.command(|client, now| client.producer(now).and_then(|mut it| it.send(&record)));
        {
            let story = &mut inner.state.borrow_mut().story;
            match taken {
                Ok(id) => {
                    let value = draft.value.clone();
                    story.sent.insert(0, Sent { id: id.0, value, at_us, state: SentState::Waiting });
                    story.sent.truncate(RECORDS);
                    story.problem = None;
                }
                Err(error) => story.problem = Some(error.to_string()),
            }
        }
        inner.schedule();
    }

    /// Stops both clients: what was sent is finished first.
    pub fn close(&self) {
        let inner = &self.inner;
        let options = StopOptions { timeout: Some(PATIENCE) };
        let stops = inner
            .clients
            .borrow()
            .iter()
            .map(|driver| Some(driver.command(|client, now| client.stop(now, options))))
            .collect();
        {
            let mut state = inner.state.borrow_mut();
            state.stops = stops;
            state.story.phase = Phase::Stopping;
        }
        inner.schedule();
    }
}

fn producer_role() -> Role {
    Role::Producer(ProducerConfig { max_block: PATIENCE, ..ProducerConfig::default() })
}

fn consumer_role() -> Role {
    Role::Consumer(ConsumerConfig { fetch_max_wait: FETCH_WAIT, ..ConsumerConfig::default() })
}

fn driver(setting: &Setting, address: Address, role: Role, inner: &Rc<Inner>) -> Result<Driver, Error> {
    let token = Some(setting.token.clone()).filter(|token| !token.is_empty());
    let bridge = BridgeOptions::new(setting.bridge.trim(), token)?;
    let config = Config::new("kafka-wasm-playground", vec![address], role);
    let weak = Rc::downgrade(inner);
    let driver = Driver::new(config, WebSocketTransport::new(bridge), move || {
        if let Some(inner) = weak.upgrade() {
            inner.schedule();
        }
    })?;
    driver.set_tracing(true);
    Ok(driver)
}

impl Inner {
    fn client(&self, which: usize) -> Option<Driver> {
        self.clients.borrow().get(which).cloned()
    }

    /// Looks at the clients soon, but not from inside them.
    fn schedule(self: &Rc<Self>) {
        if self.scheduled.replace(true) {
            return;
        }
        let weak: Weak<Self> = Rc::downgrade(self);
        wasm_bindgen_futures::spawn_local(async move {
            if let Some(inner) = weak.upgrade() {
                inner.scheduled.set(false);
                inner.look();
            }
        });
    }

    fn look(self: &Rc<Self>) {
        for which in [PRODUCER, CONSUMER] {
            let Some(driver) = self.client(which) else { continue };
            self.record(which, &driver);
            while let Some(event) = driver.poll_event() {
                self.take_in(which, &driver, event);
            }
        }
        self.become_ready();
        let story = {
            let mut state = self.state.borrow_mut();
            state.story.events = Events::new(state.log.events().to_vec());
            if matches!(state.story.phase, Phase::Off | Phase::Failed { .. }) {
                // Dropping the handles closes what is still open.
                self.clients.borrow_mut().clear();
            }
            state.story.clone()
        };
        (self.tell)(story);
    }

    /// Takes what the client traced into the log.
    fn record(&self, which: usize, driver: &Driver) {
        let mut state = self.state.borrow_mut();
        state.log.begin_step(0);
        while let Some(trace) = driver.poll_trace() {
            if state.log.len() >= EVENTS {
                driver.set_tracing(false);
                state.story.is_full = true;
                break;
            }
            state.log.push_trace(which as u8, trace);
        }
    }

    fn take_in(&self, which: usize, driver: &Driver, event: Event) {
        match event {
            Event::Completed { operation, result } => self.completed(which, driver, operation, result),
            Event::Delivered(delivery) => self.delivered(driver, &delivery),
            Event::RecordsAvailable => self.take_records(driver),
            Event::Status(status) => self.state.borrow_mut().story.status[which] = status_words(&status),
            Event::PartitionError { partition, error } => {
                self.state.borrow_mut().story.problem = Some(format!("{partition}: {error}"));
            }
            // Only asked for when the configuration says so, and this page's never does.
            Event::CredentialsNeeded { connection, .. } => driver.command(|client, now| {
                client.provide_credentials(now, connection, Err("this page has no credentials".into()));
            }),
            Event::Fatal(error) => self.fail(&error),
        }
    }

    fn completed(
        &self,
        which: usize,
        driver: &Driver,
        operation: OperationId,
        result: Result<Completion, Error>,
    ) {
        let (is_start, is_stop, is_partitions) = {
            let state = self.state.borrow();
            let is = |operations: &[Option<OperationId>]| operations.get(which) == Some(&Some(operation));
            (is(&state.starts), is(&state.stops), which == PRODUCER && state.partitions == Some(operation))
        };
        match result {
            Err(error) if is_start || is_partitions => self.fail(&error),
            Err(error) => self.state.borrow_mut().story.problem = Some(error.to_string()),
            Ok(_) if is_start && which == PRODUCER => {
                let asked =
                    driver.stage(|client, now| client.partitions_for(now, &self.topic, Some(PATIENCE)));
                match asked {
                    Ok(operation) => self.state.borrow_mut().partitions = Some(operation),
                    Err(error) => self.fail(&error),
                }
                driver.turn();
            }
            Ok(Completion::Partitions(partitions)) if is_partitions => {
                let partitions = partitions.into_iter().map(|found| found.partition).collect();
                self.assign(partitions);
            }
            Ok(_) if is_stop => {
                let mut state = self.state.borrow_mut();
                state.stops[which] = None;
                if state.story.phase == Phase::Stopping && state.stops.iter().all(Option::is_none) {
                    state.story.phase = Phase::Off;
                }
            }
            Ok(_) => {}
        }
    }

    /// The consumer reads everything that comes from now on.
    fn assign(&self, partitions: Vec<TopicPartition>) {
        let Some(driver) = self.client(CONSUMER) else { return };
        let wanted: Vec<_> = partitions.iter().cloned().map(|it| (it, StartOffset::Latest)).collect();
        self.state.borrow_mut().assigned = partitions;
        let done = driver.command(|client, now| client.consumer(now).and_then(|mut it| it.assign(&wanted)));
        if let Err(error) = done {
            self.fail(&error);
        }
    }

    /// Records can be sent when the consumer knows where to read: those sent before would be missed.
    fn become_ready(&self) {
        let (is_connecting, assigned) = {
            let state = self.state.borrow();
            (state.story.phase == Phase::Connecting, state.assigned.clone())
        };
        let Some(driver) = self.client(CONSUMER).filter(|_| is_connecting && !assigned.is_empty()) else {
            return;
        };
        let knows = |client: &mut Client, now: Instant| {
            let consumer = client.consumer(now).ok()?;
            assigned.iter().all(|partition| consumer.position(partition).is_some()).then_some(())
        };
        if driver.stage(knows).is_some() {
            self.state.borrow_mut().story.phase = Phase::On;
        }
    }

    fn delivered(&self, driver: &Driver, delivery: &Delivery) {
        let now = driver.now().as_micros();
        let mut state = self.state.borrow_mut();
        for (place, id) in delivery.records.iter().enumerate() {
            let Some(sent) = state.story.sent.iter_mut().find(|sent| sent.id == id.0) else { continue };
            sent.state = match &delivery.result {
                Ok(stored) => SentState::Stored {
                    partition: delivery.partition.to_string(),
                    offset: stored.base_offset.map_or(-1, |base| base + place as i64),
                    took_us: now.saturating_sub(sent.at_us),
                },
                Err(error) => SentState::Failed { text: error.to_string() },
            };
        }
    }

    fn take_records(&self, driver: &Driver) {
        loop {
            let taken = driver.command(|client, now| client.consumer(now).map(|mut it| it.take()));
            match taken {
                Ok(Some(batch)) => self.take_batch(&batch),
                Ok(None) => return,
                Err(error) => {
                    self.state.borrow_mut().story.problem = Some(error.to_string());
                    return;
                }
            }
        }
    }

    fn take_batch(&self, fetched: &FetchedBatch) {
        let mut state = self.state.borrow_mut();
        if fetched.batch.is_control() {
            return;
        }
        let story = &mut state.story;
        let records = match fetched.batch.records() {
            Ok(records) => records,
            Err(error) => {
                story.problem = Some(format!("{}: a batch cannot be read: {error}", fetched.partition));
                return;
            }
        };
        for record in records {
            let wanted = record.as_ref().map_or(true, |record| record.offset >= fetched.first_offset);
            match record.and_then(|record| arrived(&fetched.partition, &record)) {
                Ok(_) if !wanted => {}
                Ok(arrived) => story.arrived.insert(0, arrived),
                Err(error) => {
                    story.problem = Some(format!("{}: a record cannot be read: {error}", fetched.partition));
                }
            }
        }
        story.arrived.truncate(RECORDS);
    }

    fn fail(&self, error: &Error) {
        let phase = Phase::Failed { code: error.code(), text: error.to_string() };
        self.state.borrow_mut().story.phase = phase;
    }
}

fn arrived(partition: &TopicPartition, record: &RecordView<'_>) -> Result<Arrived, RecordBatchError> {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let headers = record
        .headers
        .clone()
        .map(|header| header.map(|header| (text(header.key), header.value.map(text))))
        .collect::<Result<_, _>>()?;
    Ok(Arrived {
        partition: partition.to_string(),
        offset: record.offset,
        key: record.key.map(text),
        value: record.value.map(text),
        headers,
    })
}

fn status_words(status: &Status) -> String {
    match status {
        Status::Idle => "idle".to_owned(),
        Status::Connecting => "connecting".to_owned(),
        Status::Connected => "connected".to_owned(),
        Status::Reconnecting { broker, attempt, .. } => {
            format!("reconnecting to {broker}, attempt {attempt}")
        }
        Status::Throttled { broker, .. } => format!("throttled by {broker}"),
        Status::Offline => "offline, trying again".to_owned(),
        Status::Stopping => "stopping".to_owned(),
        Status::Fatal => "finished".to_owned(),
    }
}
