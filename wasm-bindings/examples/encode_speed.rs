//! Record batches as the package writes them, for `cargo xtask bench --only encode`: `tests/bench/encode.bench.mjs` holds
//! the clock.

use client_core::protocol::record_batch::{ProducerStamp, RecordBatchBuilder};
use std::hint::black_box;
use wasm_bindgen::JsError;
use wasm_bindgen::prelude::wasm_bindgen;

/// Writes that many batches of `records` records with values of `size` bytes; returns their bytes taken together.
///
/// # Errors
/// When the records are too many for a batch.
#[wasm_bindgen(js_name = writeBatches)]
pub fn write_batches(batches: u32, records: u32, size: u32) -> Result<f64, JsError> {
    let payload = vec![b'x'; size as usize];
    let mut builder = RecordBatchBuilder::new();
    let mut written = 0;
    for _ in 0..batches {
        builder.reserve(records as usize * (size as usize + 20) + 61);
        for number in 0..records {
            let timestamp = 1_700_000_000_000 + i64::from(number);
            builder.append(None, Some(black_box(&payload)), std::iter::empty(), timestamp)?;
        }
        written += black_box(builder.seal(ProducerStamp::NONE)).len();
    }
    Ok(written as f64)
}
