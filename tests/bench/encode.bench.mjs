// How fast record batches are written: natively and by the same code as WebAssembly in Node. No broker is involved.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { median, need, run, save, say } from './harness.mjs';

const RECORDS = 160;
const BATCHES = 200;
const ROUNDS = 41;
const SIZES = [100, 1_024];

const folder = need('BENCH_ENCODER');
const encoder = await import(pathToFileURL(join(folder, 'encode_speed.js')));
encoder.initSync({ module: readFileSync(join(folder, 'encode_speed_bg.wasm')) });

/** MB of values a second: the median of many rounds. */
function inNode(size) {
  const rates = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    const begun = performance.now();
    const written = encoder.writeBatches(BATCHES, RECORDS, size);
    const seconds = (performance.now() - begun) / 1_000;
    if (written < BATCHES * RECORDS * size) throw new Error(`only ${written} bytes were written`);
    rates.push((BATCHES * RECORDS * size) / 1e6 / seconds);
  }
  return median(rates);
}

/** The same, from what client-core's own example prints. */
async function natively() {
  say('building client-core natively');
  const cargo = process.env.CARGO ?? 'cargo';
  const printed = await run(cargo, ['run', '--quiet', '--release', '-p', 'client-core', '--example', 'record_batch_speed']);
  const rates = new Map();
  for (const [, size, rate] of printed.matchAll(/write of \d+ x +(\d+) B: +(\d+) MB\/s/g)) rates.set(Number(size), Number(rate));
  for (const size of SIZES) if (!rates.has(size)) throw new Error(`the example printed no rate for ${size} B:\n${printed}`);
  return rates;
}

const native = await natively();
const results = SIZES.map((size) => ({ size, native: native.get(size), node: inNode(size) }));
console.log('record batches written\tMB/s natively\tMB/s in Node\tns a record in Node');
for (const { size, native, node } of results) {
  console.log(`${RECORDS} x ${size} B\t${native.toFixed(0)}\t${node.toFixed(0)}\t${((size / node) * 1_000).toFixed(0)}`);
}
save('encode', results);
