//! The host's clocks, the only place where time is read.

use client_core::Instant;
use wasm_bindgen::prelude::wasm_bindgen;

#[wasm_bindgen]
extern "C" {
    /// Milliseconds with fractions, monotonic. In pages, workers, Node, Deno and Bun.
    #[wasm_bindgen(js_namespace = performance, js_name = now)]
    fn performance_now() -> f64;
}

/// A monotonic clock that starts at zero.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    zero_millis: f64,
    unix_millis_at_zero: i64,
}

impl Clock {
    /// A clock that shows zero now.
    #[must_use]
    pub fn start() -> Self {
        Self { zero_millis: performance_now(), unix_millis_at_zero: js_sys::Date::now() as i64 }
    }

    /// The time on this clock.
    #[must_use]
    pub fn now(&self) -> Instant {
        Instant::from_micros(((performance_now() - self.zero_millis) * 1_000.0) as u64)
    }

    /// Unix time in milliseconds when this clock showed zero.
    #[must_use]
    pub const fn unix_millis_at_zero(&self) -> i64 {
        self.unix_millis_at_zero
    }
}

/// A seed for the client's jitter. Not for secrets.
pub(super) fn seed() -> u64 {
    let half = || (js_sys::Math::random() * f64::from(u32::MAX)) as u64;
    half() << 32 | half()
}
