//! Keeps the cluster view fresh: one request at a time, coalesced, on start, on demand, on loss and by age (CN11).

mod recovery;

use crate::backoff::Backoff;
use crate::broker_error::broker_error;
use crate::config::Config;
use crate::cx::{Cx, Effect, Outgoing, Owner, Target, TimerSlot};
use crate::error::Error;
use crate::ids::{BrokerId, NodeId, OperationId, TopicName, TopicPartition};
use crate::io::{Address, Completion, Deadline, Timer};
use crate::protocol::{
    ErrorCode, MetadataRequest, MetadataRequestTopic, MetadataResponse, Request, Response,
};
use crate::rng::Rng;
use crate::time::{Duration, Instant};
use crate::trace::TraceKind;
use crate::view::ClusterView;
use crate::waiters::Waiters;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use litemap::LiteMap;
use recovery::Recovery;

/// Keeps the cluster view fresh.
#[derive(Clone, Debug)]
pub(crate) struct Refresh {
    view: ClusterView,
    /// Whether the client is started, or about to be: else nothing is asked.
    active: bool,
    /// Whether a request is under way.
    in_flight: bool,
    /// The number of the last request.
    number: u64,
    /// Whether something new was wanted after the request under way had been sent.
    again: bool,
    /// The topics to ask for, and who waits for each (`partitions_for`).
    topics: LiteMap<TopicName, Waiters>,
    backoff: Backoff,
    retry_timer: TimerSlot,
    age_timer: TimerSlot,
    max_age: Duration,
    request_timeout: Duration,
    auto_create: bool,
    last_error: Option<Error>,
    /// Whether metadata has come since the start began.
    fresh: bool,
    /// When the last reply came.
    refreshed_at: Option<Instant>,
    recovery: Recovery,
}

/// What a metadata response means for the connections.
pub(crate) type Nodes = Vec<(NodeId, Address)>;

impl Refresh {
    pub(crate) fn new(config: &Config, auto_create: bool, rng: &Rng) -> Self {
        Self {
            view: ClusterView::default(),
            active: false,
            in_flight: false,
            number: 0,
            again: false,
            topics: LiteMap::new(),
            backoff: Backoff::new(config.retry_backoff, config.retry_backoff_max, rng.fork("metadata", 0)),
            retry_timer: TimerSlot::default(),
            age_timer: TimerSlot::default(),
            max_age: config.metadata_max_age,
            request_timeout: config.request_timeout,
            auto_create,
            last_error: None,
            fresh: false,
            refreshed_at: None,
            recovery: Recovery::new(config, rng),
        }
    }

    // ---- what the world did ----

    /// The end of the request with this number. Returns the brokers it named, for the connections to know.
    pub(crate) fn handle_reply(
        &mut self,
        number: u64,
        result: Result<Response, Error>,
        cx: &mut Cx,
    ) -> Option<Nodes> {
        if !self.active || !self.in_flight || number != self.number {
            return None;
        }
        self.in_flight = false;
        match result {
            Ok(Response::Metadata(response)) if response.error_code != 0 => {
                let error = broker_error(response.error_code, "Metadata".to_string());
                if response.error_code == ErrorCode::RebootstrapRequired.code() && self.recovery.is_on() {
                    self.last_error = Some(error);
                    self.retry_later(cx);
                    cx.effect(Effect::Rebootstrap { cause: "a broker wants it" });
                    return None;
                }
                self.failed(error, cx);
                None
            }
            Ok(Response::Metadata(response)) => {
                let nodes = nodes_of(&response);
                if nodes.is_empty() {
                    // CN12: an empty list does not wipe the known brokers. Brokers that are just starting send one.
                    let context = "Metadata without brokers".to_string();
                    self.failed(broker_error(ErrorCode::LeaderNotAvailable.code(), context), cx);
                    return None;
                }
                self.notice_change(&response, cx);
                if self.view.apply(&response) {
                    // What comes next may be news again: while brokers restart, one leader moves after the other.
                    self.backoff.reset();
                }
                self.last_error = None;
                self.recovery.succeed(cx);
                self.refreshed_at = Some(cx.now);
                cx.trace(|| TraceKind::MetadataUpdated {
                    brokers: nodes.len(),
                    topics: response.topics.len(),
                });
                Some(nodes)
            }
            Ok(_) => {
                self.failed(
                    Error::Internal("a metadata request was answered with something else".into()),
                    cx,
                );
                None
            }
            Err(error) => {
                self.failed(error, cx);
                None
            }
        }
    }

    /// Goes on after the connections have taken over what the reply named.
    pub(crate) fn finish(&mut self, nodes: LiteMap<NodeId, BrokerId>, cx: &mut Cx) {
        self.view.nodes = nodes;
        self.fresh = true;
        cx.effect(Effect::MetadataUpdated);
        cx.effect(Effect::StartProgress { result: Ok(()) });
        let unsettled = self.settle_waiters(cx);
        self.age_timer.arm(Timer::MetadataAge, cx.now + self.max_age, cx);
        if core::mem::take(&mut self.again) {
            self.request(cx);
        } else if unsettled {
            // Topics that are being created, or partitions that are electing a leader: ask again, but not at once.
            self.retry_later(cx);
        }
    }

    pub(crate) fn handle_timeout(&mut self, cx: &mut Cx) {
        let retry = self.retry_timer.fire(Timer::MetadataRetry, cx);
        let aged = self.age_timer.fire(Timer::MetadataAge, cx);
        if self.recovery.is_due(cx) {
            cx.effect(Effect::Rebootstrap { cause: "no metadata has come for too long" });
        }
        if aged {
            self.backoff.reset();
        }
        if retry || aged {
            self.request(cx);
        }
        for (topic, waiters) in &mut self.topics {
            let cause = self
                .view
                .topics
                .get(topic)
                .filter(|view| view.error_code != 0)
                .map(|view| broker_error(view.error_code, format!("metadata of {topic}")));
            waiters.expire("waiting for metadata", cause.as_ref().or(self.last_error.as_ref()), cx);
        }
    }

    // ---- what other machines and the application want ----

    /// A start begins: everything known may be old.
    pub(crate) fn begin(&mut self, cx: &mut Cx) {
        self.active = true;
        self.fresh = false;
        self.refreshed_at = None;
        self.in_flight = false;
        self.again = false;
        self.backoff.reset();
        self.request(cx);
    }

    /// The client stops: nothing is asked any more, and whoever waits is told (CN12).
    pub(crate) fn end(&mut self, error: &Error, cx: &mut Cx) {
        self.active = false;
        self.in_flight = false;
        self.again = false;
        self.retry_timer.cancel(Timer::MetadataRetry, cx);
        self.age_timer.cancel(Timer::MetadataAge, cx);
        self.recovery.succeed(cx);
        for waiters in self.topics.iter_mut().map(|(_, it)| it) {
            waiters.complete_all(&Err(error.clone()), cx);
        }
    }

    /// Whether to begin anew with the configured addresses now. Not when that was done a moment ago: what leads nowhere is done less and
    /// less often.
    pub(crate) fn may_rebootstrap(&self, cx: &Cx) -> bool {
        self.active && self.recovery.may_begin(cx.now)
    }

    /// Begins anew: nothing is known, and the configured addresses are asked. The connections have been closed.
    pub(crate) fn rebootstrap(&mut self, cause: &'static str, cx: &mut Cx) {
        cx.trace(|| TraceKind::Rebootstrapped { cause });
        self.view.forget();
        self.recovery.begin(cx);
        self.in_flight = false;
        self.again = false;
        self.request(cx);
    }

    /// A broker that does not lead a partition says who does (KIP-951). True if that is news.
    pub(crate) fn follow(&mut self, partition: &TopicPartition, leader: NodeId, leader_epoch: i32) -> bool {
        self.view.follow(partition, leader, leader_epoch)
    }

    /// Something is wrong with what is known: ask again. Several wishes become one request; wishes that the last reply did not
    /// fulfil wait longer each time.
    pub(crate) fn refresh(&mut self, cx: &mut Cx) {
        if !self.active || self.in_flight || self.retry_timer.at().is_some() {
            return;
        }
        let patience = self.backoff.max().saturating_mul(2);
        if self.refreshed_at.is_none_or(|last| cx.now.since(last) > patience) {
            self.backoff.reset();
        }
        // Soon after the last reply, news would be no news: leaders take a moment to be elected.
        let wait = self.backoff.next_wait();
        let at = self.refreshed_at.map_or(cx.now, |last| last + wait).max(cx.now);
        self.retry_timer.arm(Timer::MetadataRetry, at, cx);
    }

    /// Makes sure that these topics are among those asked for. Asks at once if any is new. While the request under way still waits
    /// for its connection, as during a start, it asks for them too: that saves a round trip before the first record.
    pub(crate) fn want_topics(&mut self, topics: &[TopicName], cx: &mut Cx) {
        let known = self.topics.len();
        for topic in topics {
            if !self.topics.contains_key(topic) {
                self.topics.insert(topic.clone(), Waiters::default());
            }
        }
        if self.topics.len() == known || !self.active {
            return;
        }
        if self.in_flight {
            self.again = true;
            cx.effect(Effect::Revise { owner: Owner::Metadata(self.number), body: self.body() });
        } else {
            self.request(cx);
        }
    }

    /// The request under way had not been written, and now asks for everything that is wanted.
    pub(crate) const fn handle_revised(&mut self) {
        self.again = false;
    }

    /// An operation that ends with the topic's partitions. Without a limit of the caller's own it waits for two request timeouts.
    pub(crate) fn partitions_for(
        &mut self,
        topic: &TopicName,
        timeout: Option<Duration>,
        cx: &mut Cx,
    ) -> OperationId {
        self.want_topics(core::slice::from_ref(topic), cx);
        let waiters = self.topics.entry(topic.clone()).or_default();
        let limit = timeout.unwrap_or_else(|| self.request_timeout.saturating_mul(2));
        let operation = waiters.begin(Some(limit), cx);
        self.settle_waiters(cx);
        operation
    }

    pub(crate) fn cancel(&mut self, operation: OperationId, cx: &mut Cx) -> bool {
        self.topics.iter_mut().map(|(_, it)| it).any(|waiters| waiters.cancel(operation, cx))
    }

    // ---- what others may ask ----

    pub(crate) const fn view(&self) -> &ClusterView {
        &self.view
    }

    /// Whether metadata has come since the start began.
    pub(crate) const fn is_fresh(&self) -> bool {
        self.fresh
    }

    pub(crate) fn deadline(&self) -> Option<Deadline> {
        let retry = self.retry_timer.at().map(|at| Deadline { at, why: Timer::MetadataRetry });
        let age = self.age_timer.at().map(|at| Deadline { at, why: Timer::MetadataAge });
        let waiters = self.topics.values().filter_map(Waiters::deadline).min();
        [retry, age, self.recovery.deadline(), waiters].into_iter().flatten().min()
    }

    pub(crate) fn waiting(&self) -> usize {
        self.topics.values().map(Waiters::len).sum()
    }

    // ---- inside ----

    fn request(&mut self, cx: &mut Cx) {
        if self.in_flight || !self.active {
            return;
        }
        self.retry_timer.cancel(Timer::MetadataRetry, cx);
        self.in_flight = true;
        self.number += 1;
        self.recovery.attempt(cx.now);
        let body = self.body();
        cx.effect(Effect::Request(Outgoing {
            owner: Owner::Metadata(self.number),
            target: Target::Any,
            body,
            timeout: self.request_timeout,
            until: None,
            expects_reply: true,
        }));
    }

    /// Asks for every topic that somebody uses.
    fn body(&self) -> Request {
        let topic = |name: &TopicName| MetadataRequestTopic {
            name: Some(String::from(name.as_str())),
            ..Default::default()
        };
        Request::Metadata(MetadataRequest {
            topics: Some(self.topics.keys().map(topic).collect()),
            allow_auto_topic_creation: self.auto_create,
            ..Default::default()
        })
    }

    fn failed(&mut self, error: Error, cx: &mut Cx) {
        let lost_connection = matches!(error, Error::Connection { .. });
        if !error.retriable() && !lost_connection {
            cx.effect(Effect::StartProgress { result: Err(error.clone()) });
        }
        if error.authentication().is_some() {
            // Waiting longer would not help: whoever waits hears why.
            for waiters in self.topics.iter_mut().map(|(_, it)| it) {
                waiters.complete_all(&Err(error.clone()), cx);
            }
        }
        self.last_error = Some(error);
        if !self.view.nodes.is_empty() {
            self.recovery.fail(cx);
        }
        if lost_connection {
            // The next broker is asked at once; each broker has its own wait before it is tried again.
            self.request(cx);
        } else {
            self.retry_later(cx);
        }
    }

    fn retry_later(&mut self, cx: &mut Cx) {
        let at = cx.now + self.backoff.next_wait();
        self.retry_timer.arm(Timer::MetadataRetry, at, cx);
    }

    /// After a rebootstrap or a restart the cluster may be another one, of which the epochs and ids that are known say nothing.
    fn notice_change(&mut self, response: &MetadataResponse, cx: &mut Cx) {
        if let (Some(from), Some(to)) = (&self.view.cluster_id, &response.cluster_id)
            && from != to
        {
            cx.trace(|| TraceKind::ClusterChanged { from: from.clone(), to: to.clone() });
            cx.effect(Effect::ClusterChanged);
            self.view.forget();
        }
    }

    /// Ends the operations whose topics are known now, or never will be. True if some topic needs another look.
    fn settle_waiters(&mut self, cx: &mut Cx) -> bool {
        let mut unsettled = false;
        for (topic, waiters) in &mut self.topics {
            let Some(view) = self.view.topics.get(topic) else {
                continue;
            };
            if view.error_code == 0 {
                unsettled |= view.partitions.values().any(|partition| partition.leader.is_none());
                if let Some(partitions) = self.view.describe(topic).filter(|_| !waiters.is_empty()) {
                    waiters.complete_all(&Ok(Completion::Partitions(partitions)), cx);
                }
                continue;
            }
            let error = broker_error(view.error_code, format!("metadata of {topic}"));
            if error.retriable() || view.error_code == ErrorCode::UnknownTopicOrPartition.code() {
                unsettled = true;
            } else {
                waiters.complete_all(&Err(error), cx);
            }
        }
        unsettled
    }
}

fn nodes_of(response: &MetadataResponse) -> Nodes {
    response
        .brokers
        .iter()
        .filter_map(|broker| {
            let port = u16::try_from(broker.port).ok()?;
            Some((NodeId(broker.node_id), Address { host: broker.host.clone(), port }))
        })
        .collect()
}
