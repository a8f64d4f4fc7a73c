//! The boundary to JavaScript. What is done once a client or once in a while (options, errors, offset look-ups) goes
//! through plain JavaScript objects; records never do, see `staging`, `settlements` and `batches`.
//!
//! Large things cross as addresses in wasm memory, which JavaScript reads and writes through typed arrays. Such a view
//! ends when the memory grows, so JavaScript takes it again after each call into this module.

mod batches;
mod commands;
mod credentials;
mod errors;
mod events;
mod objects;
mod options;
mod panics;
mod port;
mod report;
mod requests;
mod settlements;
mod staging;
mod topics;
mod views;

pub use panics::on_panic;

use crate::driver::Driver;
use batches::TakenBatch;
use errors::ErrorTable;
use js_sys::{Array, Function};
use report::Report;
use settlements::Settlements;
use staging::Staging;
use std::cell::RefCell;
use topics::Topics;
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;

/// One client: a producer, a consumer or an admin client, as it was made.
#[wasm_bindgen]
pub struct ClientHandle {
    driver: Driver,
    topics: RefCell<Topics>,
    staging: RefCell<Staging>,
    settlements: RefCell<Settlements>,
    errors: RefCell<ErrorTable>,
    taken: RefCell<TakenBatch>,
    report: RefCell<Report>,
}

#[wasm_bindgen]
impl ClientHandle {
    /// A client of this role with these layers of options (see `options`). `network` is a port object, a bridge URL
    /// or a function from host and port to a URL. `wake` is called at the end of a turn that left something to
    /// `drain`; it must only schedule that.
    ///
    /// # Errors
    /// An error object as `errors` describes it, for options that cannot be used.
    #[wasm_bindgen(constructor)]
    pub fn new(
        role: &str,
        layers: &Array,
        network: &JsValue,
        token: Option<String>,
        wake: Function,
    ) -> Result<Self, JsValue> {
        let config = options::config(role, layers).map_err(|error| errors::to_object(&error))?;
        let wake = move || {
            // `wake` only schedules a microtask; were it to throw, there would be nobody to tell.
            let _ = wake.call0(&JsValue::UNDEFINED);
        };
        let driver = port::driver(config, network, token, wake).map_err(|error| errors::to_object(&error))?;
        Ok(Self {
            driver,
            topics: RefCell::default(),
            staging: RefCell::default(),
            settlements: RefCell::default(),
            errors: RefCell::default(),
            taken: RefCell::default(),
            report: RefCell::default(),
        })
    }

    /// The address of the report, which stays where it is (`report` has its words).
    #[wasm_bindgen(js_name = reportAddress)]
    pub fn report_address(&self) -> u32 {
        self.report.borrow().address()
    }

    /// The number under which records and partitions name this topic from now on.
    ///
    /// # Errors
    /// An error object when Kafka would refuse the name.
    pub fn topic(&self, name: &str) -> Result<u32, JsValue> {
        self.topics.borrow_mut().handle(name).map_err(|error| errors::to_object(&error))
    }

    /// Makes the staging area hold at least this many bytes, and returns its address. What it held is kept.
    pub fn reserve(&self, bytes: u32) -> u32 {
        let mut staging = self.staging.borrow_mut();
        staging.reserve(bytes as usize);
        staging.address()
    }

    /// Hands the records in the first `bytes` bytes of the staging area to the producer, in order, until its buffer is
    /// full. What became of them is in the report. Nothing is sent before the next `drain`.
    ///
    /// # Errors
    /// An error object when the area holds anything but whole records (a bug in the facade) or this is no producer.
    pub fn commit(&self, bytes: u32) -> Result<(), JsValue> {
        let (mut staging, topics) = (self.staging.borrow_mut(), self.topics.borrow());
        let mut errors = self.errors.borrow_mut();
        let committed = self
            .driver
            .stage(|client, now| {
                let mut producer = client.producer(now)?;
                staging.commit(bytes as usize, &topics, &mut errors, |record, compression| {
                    producer.set_compression(compression);
                    producer.send(record)
                })
            })
            .map_err(|error| errors::to_object(&error))?;
        self.report.borrow_mut().set_commit(&committed, staging.rejections());
        Ok(())
    }

    /// Carries out what the client asks for, and returns what happened since the last call: settlements through the
    /// report, everything else as an array of objects, or nothing when there is none.
    pub fn drain(&self) -> Option<Array> {
        self.driver.turn();
        let mut settlements = self.settlements.borrow_mut();
        let (mut topics, mut errors) = (self.topics.borrow_mut(), self.errors.borrow_mut());
        settlements.clear();
        let mut others: Option<Array> = None;
        while let Some(event) = self.driver.poll_event() {
            if let client_core::Event::Delivered(delivery) = &event {
                settlements.push(delivery, &mut topics, &mut errors);
            } else {
                others.get_or_insert_with(Array::new).push(&events::to_object(&event, self.driver.now()));
            }
        }
        self.report.borrow_mut().set_settlements(settlements.words());
        others
    }

    /// The errors which the report and the settlements have numbered since the last call.
    #[wasm_bindgen(js_name = takeErrors)]
    pub fn take_errors(&self) -> Array {
        self.errors.borrow_mut().take()
    }

    /// Takes the next fetched batch: where it lies is in the report, until the next call. `false` when there is none.
    ///
    /// # Errors
    /// An error object when the batch cannot be read; the next call takes the batch after it.
    pub fn take(&self) -> Result<bool, JsValue> {
        let batch = self
            .driver
            .stage(|client, now| Ok(client.consumer(now)?.take()))
            .map_err(|error| errors::to_object(&error))?;
        let mut taken = self.taken.borrow_mut();
        let found = taken.set(batch).map_err(|error| errors::to_object(&error))?;
        if found {
            self.report.borrow_mut().set_batch(&taken, &mut self.topics.borrow_mut());
        }
        Ok(found)
    }
}
