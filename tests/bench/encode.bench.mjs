// How fast record batches are written, and compressed: natively and by the same code as WebAssembly in Node. No broker is involved.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { median, need, run, save, say } from './harness.mjs';

const RECORDS = 160;
const BATCHES = 200;
const ROUNDS = 41;
const SIZES = [100, 1_024];
const CODECS = ['gzip', 'snappy', 'lz4', 'zstd'];
const CODEC_ROUNDS = 15;

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

/** Lines of JSON, as applications write them: some of it again and again, some of it never twice. */
function lines(size) {
  let text = '';
  for (let i = 0, state = 1; text.length < size; i++) {
    const next = (below) => (state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fff_ffff) % below;
    const action = ['view', 'click', 'buy', 'leave'][next(4)];
    text += `{"id":${i},"user":"user-${next(5_000)}","action":"${action}","amount":${next(100_000) / 100},"note":"${next(0x7fff_ffff).toString(36)}"}\n`;
  }
  return new TextEncoder().encode(text.slice(0, size));
}

/** Ratio, and MB of uncompressed bytes a second: the medians of some rounds. */
function codec(name, bytes) {
  const packed = encoder.compressOnce(name, bytes);
  const rate = (work) => {
    let times = 1;
    const timed = () => {
      const begun = performance.now();
      work(times);
      return (performance.now() - begun) / 1_000;
    };
    while (timed() < 0.02) times *= 2;
    return median(Array.from({ length: CODEC_ROUNDS }, () => (times * bytes.length) / 1e6 / timed()));
  };
  if (encoder.decompressAgain(name, packed, 1) !== bytes.length) throw new Error(`${name} lost bytes`);
  const compress = rate((times) => encoder.compressAgain(name, bytes, times));
  return { name, size: bytes.length, ratio: bytes.length / packed.length, compress, decompress: rate((times) => encoder.decompressAgain(name, packed, times)) };
}

const native = await natively();
const results = SIZES.map((size) => ({ size, native: native.get(size), node: inNode(size) }));
console.log('record batches written\tMB/s natively\tMB/s in Node\tns a record in Node');
for (const { size, native, node } of results) {
  console.log(`${RECORDS} x ${size} B\t${native.toFixed(0)}\t${node.toFixed(0)}\t${((size / node) * 1_000).toFixed(0)}`);
}
const codecs = [4 << 10, 128 << 10].flatMap((size) => CODECS.map((name) => codec(name, lines(size))));
console.log('\nrecords compressed\tratio\tMB/s in Node, compressing\tdecompressing');
for (const { name, size, ratio, compress, decompress } of codecs) {
  console.log(`${name}, ${size >> 10} KiB\t${ratio.toFixed(2)}\t${compress.toFixed(0)}\t${decompress.toFixed(0)}`);
}
save('encode', [...results, ...codecs]);
