//! Record batches as the package writes them, for `cargo xtask bench --only encode`: `tests/bench/encode.bench.mjs` holds
//! the clock.

use client_core::protocol::record_batch::{
    Compression, ProducerStamp, RecordBatchBuilder, compress, decompress,
};
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

/// Compresses the bytes and returns the result.
///
/// # Errors
/// When there is no such compression.
#[wasm_bindgen(js_name = compressOnce)]
pub fn compress_once(codec: &str, bytes: &[u8]) -> Result<Vec<u8>, JsError> {
    Ok(compress(compression(codec)?, bytes))
}

/// Compresses the bytes that many times.
///
/// # Errors
/// When there is no such compression.
#[wasm_bindgen(js_name = compressAgain)]
pub fn compress_again(codec: &str, bytes: &[u8], times: u32) -> Result<(), JsError> {
    let compression = compression(codec)?;
    for _ in 0..times {
        black_box(compress(compression, black_box(bytes)));
    }
    Ok(())
}

/// Decompresses the bytes that many times; returns how many come out.
///
/// # Errors
/// When there is no such compression, or the bytes are not what it makes.
#[wasm_bindgen(js_name = decompressAgain)]
pub fn decompress_again(codec: &str, bytes: &[u8], times: u32) -> Result<u32, JsError> {
    let compression = compression(codec)?;
    let mut size = 0;
    for _ in 0..times {
        size = black_box(decompress(compression, black_box(bytes), SIZE_MAX)?).len();
    }
    Ok(size as u32)
}

fn compression(name: &str) -> Result<Compression, JsError> {
    Compression::from_name(name).ok_or_else(|| JsError::new("there is no such compression"))
}

const SIZE_MAX: usize = 16 << 20;
