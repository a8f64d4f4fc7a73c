//! Counters and gauges, and their Prometheus text.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::close::CloseCause;

/// Upper bounds of the histogram of dial times, in seconds.
const DIAL_SECONDS: [f64; 8] = [0.001, 0.005, 0.02, 0.1, 0.5, 2.0, 5.0, 10.0];

/// Which way bytes go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// From the client to the broker.
    ToBroker,
    /// From the broker to the client.
    ToClient,
}

/// What the bridge counts since it started.
#[derive(Debug, Default)]
pub struct Metrics {
    to_broker: Flow,
    to_client: Flow,
    sessions_active: AtomicU64,
    sessions_ended: Mutex<BTreeMap<(u16, &'static str), u64>>,
    requests_refused: Mutex<BTreeMap<&'static str, u64>>,
    dials: Mutex<Histogram>,
}

/// One direction, over all sessions.
#[derive(Debug, Default)]
struct Flow {
    received: AtomicU64,
    sent: AtomicU64,
    buffered: AtomicU64,
    session_buffered_max: AtomicU64,
}

#[derive(Debug, Default)]
struct Histogram {
    at_most: [u64; DIAL_SECONDS.len()],
    count: u64,
    sum_seconds: f64,
}

impl Metrics {
    fn flow(&self, direction: Direction) -> &Flow {
        match direction {
            Direction::ToBroker => &self.to_broker,
            Direction::ToClient => &self.to_client,
        }
    }

    /// Payload bytes read from the sender of this direction.
    pub fn received_bytes(&self, direction: Direction) -> u64 {
        self.flow(direction).received.load(Relaxed)
    }

    /// Payload bytes the receiver's socket accepted.
    pub fn sent_bytes(&self, direction: Direction) -> u64 {
        self.flow(direction).sent.load(Relaxed)
    }

    /// Bytes held now, over all sessions.
    pub fn buffered_bytes(&self, direction: Direction) -> u64 {
        self.flow(direction).buffered.load(Relaxed)
    }

    /// The most bytes any one session ever held.
    pub fn session_buffered_bytes_max(&self, direction: Direction) -> u64 {
        self.flow(direction).session_buffered_max.load(Relaxed)
    }

    /// Sessions that were upgraded and have not ended.
    pub fn sessions_active(&self) -> u64 {
        self.sessions_active.load(Relaxed)
    }

    /// How many sessions ended with this reason's first word.
    pub fn sessions_ended(&self, word: &str) -> u64 {
        let ended = self.sessions_ended.lock().unwrap_or_else(PoisonError::into_inner);
        ended.iter().filter(|((_, of), _)| *of == word).map(|(_, count)| count).sum()
    }

    pub(crate) fn count_received(&self, direction: Direction, bytes: usize) {
        self.flow(direction).received.fetch_add(bytes as u64, Relaxed);
    }

    pub(crate) fn count_sent(&self, direction: Direction, bytes: usize) {
        self.flow(direction).sent.fetch_add(bytes as u64, Relaxed);
    }

    pub(crate) fn session_began(&self) {
        self.sessions_active.fetch_add(1, Relaxed);
    }

    pub(crate) fn session_ended(&self, cause: &CloseCause) {
        self.sessions_active.fetch_sub(1, Relaxed);
        let mut ended = self.sessions_ended.lock().unwrap_or_else(PoisonError::into_inner);
        *ended.entry((cause.code(), cause.word())).or_default() += 1;
    }

    pub(crate) fn request_refused(&self, reason: &'static str) {
        *self.requests_refused.lock().unwrap_or_else(PoisonError::into_inner).entry(reason).or_default() += 1;
    }

    pub(crate) fn dialled(&self, took: Duration) {
        let mut dials = self.dials.lock().unwrap_or_else(PoisonError::into_inner);
        let seconds = took.as_secs_f64();
        for (bound, count) in DIAL_SECONDS.iter().zip(&mut dials.at_most) {
            *count += u64::from(seconds <= *bound);
        }
        dials.count += 1;
        dials.sum_seconds += seconds;
    }

    /// The Prometheus text format, version 0.0.4.
    pub fn prometheus(&self) -> String {
        let mut text = Exposition(String::new());
        let directions = [("to-broker", &self.to_broker), ("to-client", &self.to_client)];
        let by_direction = |pick: fn(&Flow) -> &AtomicU64| {
            directions.map(|(name, flow)| (format!("direction=\"{name}\""), pick(flow).load(Relaxed)))
        };
        text.family(
            "received_bytes_total",
            "counter",
            "Payload bytes read.",
            by_direction(|flow| &flow.received),
        );
        text.family("sent_bytes_total", "counter", "Payload bytes written.", by_direction(|flow| &flow.sent));
        text.family(
            "buffered_bytes",
            "gauge",
            "Bytes read and not yet written.",
            by_direction(|flow| &flow.buffered),
        );
        text.family(
            "session_buffered_bytes_max",
            "gauge",
            "The most bytes one session ever held.",
            by_direction(|flow| &flow.session_buffered_max),
        );
        text.family("sessions_active", "gauge", "Sessions now.", [(String::new(), self.sessions_active())]);
        let ended = self.sessions_ended.lock().unwrap_or_else(PoisonError::into_inner).clone();
        text.family(
            "sessions_ended_total",
            "counter",
            "Sessions that ended, by close code and reason.",
            ended.iter().map(|((code, word), count)| (format!("code=\"{code}\",reason=\"{word}\""), *count)),
        );
        let refused = self.requests_refused.lock().unwrap_or_else(PoisonError::into_inner).clone();
        text.family(
            "requests_refused_total",
            "counter",
            "Requests answered with an HTTP error.",
            refused.iter().map(|(reason, count)| (format!("reason=\"{reason}\""), *count)),
        );
        text.dials(&self.dials.lock().unwrap_or_else(PoisonError::into_inner));
        text.0
    }
}

struct Exposition(String);

impl Exposition {
    fn family(
        &mut self,
        name: &str,
        kind: &str,
        help: &str,
        samples: impl IntoIterator<Item = (String, u64)>,
    ) {
        self.head(name, kind, help);
        for (labels, value) in samples {
            let labels = if labels.is_empty() { labels } else { format!("{{{labels}}}") };
            self.line(format_args!("kafka_bridge_{name}{labels} {value}"));
        }
    }

    fn dials(&mut self, dials: &Histogram) {
        self.head("dial_seconds", "histogram", "Time to reach a broker.");
        for (bound, count) in DIAL_SECONDS.iter().zip(&dials.at_most) {
            self.line(format_args!("kafka_bridge_dial_seconds_bucket{{le=\"{bound}\"}} {count}"));
        }
        self.line(format_args!("kafka_bridge_dial_seconds_bucket{{le=\"+Inf\"}} {}", dials.count));
        self.line(format_args!("kafka_bridge_dial_seconds_sum {}", dials.sum_seconds));
        self.line(format_args!("kafka_bridge_dial_seconds_count {}", dials.count));
    }

    fn head(&mut self, name: &str, kind: &str, help: &str) {
        self.line(format_args!("# HELP kafka_bridge_{name} {help}\n# TYPE kafka_bridge_{name} {kind}"));
    }

    fn line(&mut self, line: std::fmt::Arguments<'_>) {
        // Writing to a String cannot fail.
        let _ = writeln!(self.0, "{line}");
    }
}

/// What one session holds in one direction; gives it back when dropped.
#[derive(Debug)]
pub(crate) struct Buffered<'a> {
    flow: &'a Flow,
    held: u64,
}

impl<'a> Buffered<'a> {
    pub(crate) fn new(metrics: &'a Metrics, direction: Direction) -> Self {
        Self { flow: metrics.flow(direction), held: 0 }
    }

    pub(crate) fn set(&mut self, bytes: usize) {
        let bytes = bytes as u64;
        if bytes >= self.held {
            self.flow.buffered.fetch_add(bytes - self.held, Relaxed);
            self.flow.session_buffered_max.fetch_max(bytes, Relaxed);
        } else {
            self.flow.buffered.fetch_sub(self.held - bytes, Relaxed);
        }
        self.held = bytes;
    }
}

impl Drop for Buffered<'_> {
    fn drop(&mut self) {
        self.flow.buffered.fetch_sub(self.held, Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_session_held_is_given_back() {
        let metrics = Metrics::default();
        let mut buffered = Buffered::new(&metrics, Direction::ToBroker);
        buffered.set(100);
        buffered.set(40);
        assert_eq!(metrics.buffered_bytes(Direction::ToBroker), 40);
        drop(buffered);
        assert_eq!(metrics.buffered_bytes(Direction::ToBroker), 0);
        assert_eq!(metrics.session_buffered_bytes_max(Direction::ToBroker), 100);
    }

    #[test]
    fn the_text_has_every_family() {
        let metrics = Metrics::default();
        metrics.session_began();
        metrics.session_ended(&CloseCause::UpstreamClosed);
        metrics.dialled(Duration::from_millis(3));
        let text = metrics.prometheus();
        assert!(
            text.contains("kafka_bridge_sessions_ended_total{code=\"1000\",reason=\"upstream-closed\"} 1\n"),
            "{text}"
        );
        assert!(text.contains("kafka_bridge_dial_seconds_bucket{le=\"0.001\"} 0\n"), "{text}");
        assert!(text.contains("kafka_bridge_dial_seconds_bucket{le=\"0.005\"} 1\n"), "{text}");
    }
}
