//! Lives through a plan: with its faults, then healed, then judged.

#![expect(clippy::wildcard_enum_match_arm, reason = "a law looks at the kinds of events it is about")]

use super::draw::{is_admin, is_consumer};
use super::reading::Reader;
use super::{Breach, Law, model, silence};
use crate::check::{Bounds, check};
use crate::choice::{Call, Choice};
use crate::event::{Kind, Outcome as CallOutcome};
use crate::fault::Fault;
use crate::recording::Recording;
use crate::world::{Stepped, World, WorldError};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use client_core::LifecycleState;
use client_core::time::Duration;

/// A life that has come to its end.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The world at the end. Its recording is the whole run, the healing and what follows included.
    pub world: World,
    /// What was broken, first things first.
    pub breaches: Vec<Breach>,
}

impl Outcome {
    /// The first law that was broken.
    #[must_use]
    pub fn first(&self) -> Option<&Breach> {
        self.breaches.first()
    }
}

/// Lives through a plan and judges the run.
///
/// # Errors
/// The scenario makes no world.
pub fn run(plan: &Recording) -> Result<Outcome, WorldError> {
    let mut life = Life {
        world: World::new(plan.clone())?,
        reader: Reader::default(),
        breaches: Vec::new(),
        silent_steps: 0,
        leftover: false,
    };
    life.with_faults();
    let done = life.healed().is_ok();
    Ok(life.judged(done))
}

/// The most steps of one phase. Far more than any life needs, and few enough to end.
const STEPS_MAX: u32 = 200_000;

/// Steps after the last choice in which faults still work.
const STEPS_AFTER: u32 = 300;

/// Steps in a row in which nothing comes of being called.
const SILENT_STEPS_MAX: u32 = 1_000;

/// The tasks that act once everything is healed; no plan has so many.
const HEALER: u16 = 900;

struct Life {
    world: World,
    reader: Reader,
    breaches: Vec<Breach>,
    silent_steps: u32,
    leftover: bool,
}

/// Something is broken that makes what would follow meaningless.
struct Over;

impl Life {
    fn breach(&mut self, law: Law, text: String) {
        let event = self.world.events().len().saturating_sub(1) as u32;
        self.breaches.push(Breach { law, event, text });
    }

    fn fail<T>(&mut self, law: Law, text: String) -> Result<T, Over> {
        self.breach(law, text);
        Err(Over)
    }

    fn step(&mut self) -> Stepped {
        let events = self.world.events().len();
        let stepped = self.world.step();
        self.silent_steps = if self.world.events().len() > events { 0 } else { self.silent_steps + 1 };
        if !self.leftover
            && let Some(text) = leftover(&self.world)
        {
            self.leftover = true;
            self.breach(Law::Leftover, text);
        }
        stepped
    }

    /// Makes steps until `reached` says so; no later than so much virtual time from now.
    fn run(&mut self, time: Duration, mut reached: impl FnMut(&World) -> bool) -> Result<bool, Over> {
        let end = self.world.now() + time;
        for _ in 0..STEPS_MAX {
            if reached(&self.world) {
                return Ok(true);
            }
            let later = self.world.next_at().is_none_or(|at| at > end);
            if later && !self.world.has_choices_ahead() {
                return Ok(false);
            }
            self.step();
            if self.silent_steps > SILENT_STEPS_MAX {
                return self.fail(Law::Busy, format!("{SILENT_STEPS_MAX} steps in a row did nothing"));
            }
        }
        self.fail(Law::Busy, format!("{STEPS_MAX} steps were not enough"))
    }

    fn with_faults(&mut self) {
        let long = Duration::from_secs(3_600);
        if self.run(long, |world| !world.has_choices_ahead()).is_err() {
            return;
        }
        for _ in 0..STEPS_AFTER {
            if self.step() == Stepped::AtRest {
                break;
            }
        }
    }

    fn healed(&mut self) -> Result<(), Over> {
        if self.breaches.iter().any(|breach| breach.law == Law::Busy) {
            return Err(Over);
        }
        let clients = 0..self.world.clients().len() as u8;
        self.world.choose(Choice::Fault(Fault::HealAll));
        self.until_all_waits_end()?;
        self.as_asked()?;

        let from = self.world.events().len();
        for client in clients.clone() {
            self.call(client, Call::START);
        }
        self.until_all_waits_end()?;
        self.all_succeeded(from)?;
        self.calm_down()?;

        let from = self.world.events().len();
        for client in clients.clone() {
            self.go_on(client);
        }
        self.until_all_waits_end()?;
        self.all_succeeded(from)?;
        self.until_all_is_read()?;

        let from = self.world.events().len();
        for client in clients {
            self.call(client, Call::Stop { timeout_ms: Some(5_000) });
        }
        self.until_all_waits_end()?;
        self.all_succeeded(from)?;
        self.until_rest()
    }

    fn call(&mut self, client: u8, call: Call) {
        self.world.choose(Choice::Call { task: HEALER + u16::from(client), client, call });
    }

    /// The longest that anything may wait for, and then some.
    fn patience(&self) -> Duration {
        let scenario = self.world.scenario();
        let longest = scenario.clients.iter().enumerate().map(|(number, client)| {
            let config = scenario.config(client, number);
            let own = config.request_timeout + config.connect_timeout;
            match config.role {
                client_core::Role::Producer(producer) => {
                    own + producer.delivery_timeout.max(producer.max_block)
                }
                client_core::Role::Consumer(consumer) => own + consumer.fetch_max_wait,
                client_core::Role::Admin(admin) => own + admin.default_api_timeout,
            }
        });
        longest.max().unwrap_or_default() + Duration::from_secs(30)
    }

    /// Records whose time is shorter than what it takes to notice a dead connection may fail once more, and rightly so. Where
    /// there are such, what died before the healing gets the time to be noticed.
    fn calm_down(&mut self) -> Result<(), Over> {
        let scenario = self.world.scenario();
        let (mut notice, mut shortest) = (Duration::ZERO, Duration::MAX);
        for (number, client) in scenario.clients.iter().enumerate() {
            let config = scenario.config(client, number);
            // Credentials that were refused are not tried again soon.
            let waits = if config.sasl.is_some() { 12 } else { 2 };
            notice = notice
                .max(config.request_timeout + config.connect_timeout + config.reconnect_backoff_max * waits);
            if let client_core::Role::Producer(producer) = config.role {
                shortest = shortest.min(producer.delivery_timeout).min(producer.max_block);
            }
        }
        if shortest < notice { self.run(notice, |_| false).map(|_| ()) } else { Ok(()) }
    }

    fn until_all_waits_end(&mut self) -> Result<(), Over> {
        let ended = self.run(self.patience(), |world| !world.has_choices_ahead() && world.waiting() == 0)?;
        if ended {
            return Ok(());
        }
        let text = format!("{} calls still wait, for longer than any of them may", self.world.waiting());
        self.fail(Law::Stuck, text)
    }

    /// Every client is started or idle, as the last calls wanted it.
    fn as_asked(&mut self) -> Result<(), Over> {
        let wanted = wanted(&self.world);
        for (number, wanted) in wanted.into_iter().enumerate() {
            let Some(client) = self.world.client(number) else { continue };
            let found = client.lifecycle();
            let settled = matches!(found, LifecycleState::Started | LifecycleState::Idle);
            if !settled || wanted.is_some_and(|wanted| wanted != found) {
                let wanted = wanted.map_or("Started or Idle", |wanted| wanted.name());
                let text = format!("client {} is {} and should be {wanted}", number + 1, found.name());
                return self.fail(Law::Astray, text);
            }
        }
        Ok(())
    }

    /// Producers write to every topic; consumers read on; admin clients look at every topic.
    fn go_on(&mut self, client: u8) {
        if is_consumer(self.world.scenario(), client) {
            self.reader.follow(&self.world, None, &mut Vec::new());
            let partitions = self.reader.partitions(client);
            if !partitions.is_empty() {
                self.call(client, Call::Resume { partitions });
            }
            self.call(client, Call::Consume);
            return;
        }
        if is_admin(self.world.scenario(), client) {
            for (topic, _) in self.world.scenario().topics.clone() {
                self.call(client, Call::DescribeTopic { topic });
            }
            return;
        }
        // One record for each topic: the smallest of the drawn buffers holds no more of them.
        for (topic, _) in self.world.scenario().topics.clone() {
            self.call(client, Call::Send { topic, partition: None, count: 1, size: 10 });
        }
        self.call(client, Call::Flush);
    }

    /// No call since then was refused or failed.
    fn all_succeeded(&mut self, from: usize) -> Result<(), Over> {
        let bad = self.world.events()[from..].iter().find_map(|event| match &event.kind {
            Kind::Resolve { what, outcome, text, .. } if *outcome != CallOutcome::Value => {
                Some(format!("{what} ended with {outcome}: {text}"))
            }
            Kind::Resolve { what, text, .. } if what.starts_with("describeTopics(") && text != "OK" => {
                Some(format!("{what} ended with {text}"))
            }
            Kind::Call { call, outcome, waits: false, .. }
                if call.starts_with("send(") || call.starts_with("resume(") && !outcome.is_empty() =>
            {
                Some(format!("{call} was refused with {outcome}"))
            }
            _ => None,
        });
        bad.map_or(Ok(()), |text| self.fail(Law::Refused, text))
    }

    fn until_all_is_read(&mut self) -> Result<(), Over> {
        let mut reader = core::mem::take(&mut self.reader);
        let mut behind = None;
        let mut looks = 0_u32;
        let read = self.run(READING_MAX, |world| {
            // Looking is dearer than a step.
            looks += 1;
            if looks % 16 != 1 && world.next_at().is_some() {
                return false;
            }
            reader.follow(world, None, &mut Vec::new());
            behind = reader.behind(world);
            behind.is_none()
        })?;
        if read { Ok(()) } else { self.fail(Law::Behind, behind.unwrap_or_default()) }
    }

    /// Nothing is left to happen.
    fn until_rest(&mut self) -> Result<(), Over> {
        for _ in 0..STEPS_AFTER * 10 {
            if self.step() == Stepped::AtRest {
                let links = self.world.links();
                return if links == 0 {
                    Ok(())
                } else {
                    self.fail(Law::Restless, format!("{links} links are left in the network"))
                };
            }
        }
        self.fail(Law::Restless, "the world does not come to rest".into())
    }

    fn judged(mut self, finished: bool) -> Outcome {
        self.breaches.extend(judge(&self.world, finished));
        self.breaches.sort_by_key(|breach| breach.event);
        Outcome { world: self.world, breaches: self.breaches }
    }
}

/// What a run has broken, first things first: the rules, and what the reference model says of its records. `finished`: nothing
/// is to follow, so that what has not ended never will.
#[must_use]
pub fn judge(world: &World, finished: bool) -> Vec<Breach> {
    let mut breaches = Vec::new();
    let scenario = world.scenario();
    let bounds = scenario.clients.iter().enumerate();
    let bounds = bounds.map(|(number, client)| Bounds::of(&scenario.config(client, number)));
    if let Some(bounds) = bounds.max_by_key(|bounds| bounds.recovery) {
        for finding in check(world.events(), &bounds, finished) {
            if let Some((event, text)) = finding.broken {
                breaches.push(Breach { law: Law::Rule(finding.rule), event, text });
            }
        }
    }
    silence::judge(world, &mut breaches);
    let logs = model::judge(world, &mut breaches);
    Reader::default().follow(world, Some(&logs), &mut breaches);
    breaches.sort_by_key(|breach| breach.event);
    breaches
}

/// How long consumers may take to read what is there once nothing is wrong.
const READING_MAX: Duration = Duration::from_secs(60);

/// What an idle client still holds.
fn leftover(world: &World) -> Option<String> {
    world.clients().iter().enumerate().find_map(|(number, client)| {
        if client.lifecycle() != LifecycleState::Idle {
            return None;
        }
        let inspect = client.inspect();
        let (sockets, timers) = (inspect.sockets(), inspect.counters().timers);
        let (waiters, bytes) = (inspect.waiters(), inspect.buffered_bytes());
        let due = client.poll_timeout();
        (sockets + waiters + bytes > 0 || timers > 0 || due.is_some()).then(|| {
            let number = number + 1;
            format!(
                "client {number} is idle with {sockets} sockets, {timers} timers, {waiters} waiters, {bytes} bytes of \
                 records; next time: {due:?}"
            )
        })
    })
}

/// What each client was last asked to be: idle after `stop()`, started after a `start()` that succeeded.
fn wanted(world: &World) -> Vec<Option<LifecycleState>> {
    let mut wanted = alloc::vec![None; world.clients().len()];
    let mut want = |client: u8, state| {
        if let Some(wanted) = wanted.get_mut(usize::from(client)) {
            *wanted = Some(state);
        }
    };
    for event in world.events() {
        match &event.kind {
            Kind::Call { client, call, .. } if call.starts_with("stop(") => {
                want(*client, LifecycleState::Idle)
            }
            Kind::Resolve { call: Some(call), what, outcome: CallOutcome::Value, .. }
                if what.starts_with("start(") =>
            {
                if let Some(Kind::Call { client, .. }) =
                    world.events().get(*call as usize).map(|event| &event.kind)
                {
                    want(*client, LifecycleState::Started);
                }
            }
            _ => {}
        }
    }
    wanted
}
