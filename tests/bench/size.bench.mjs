// The size of what a page loads: the core raw, gzipped and with brotli, and the JavaScript that goes with it.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import { need, save } from './harness.mjs';

const dist = join(need('KAFKA_WASM_FOLDER'), 'dist');

/** An entry with all that it imports from the package. */
function loadedBy(entry) {
  const files = [join(dist, entry)];
  for (const file of files) {
    const text = readFileSync(file, 'utf8');
    for (const [, path] of text.matchAll(/(?:from|import)\s*["'](\.[^"']+)["']/g)) {
      const imported = join(file, '..', path);
      if (!files.includes(imported)) files.push(imported);
    }
  }
  return Buffer.concat(files.map((file) => readFileSync(file)));
}

const parts = [
  ['core.wasm', readFileSync(join(dist, 'core.wasm'))],
  ['slim.js and what it imports', loadedBy('slim.js')],
  ['index.js and what it imports, core inside', loadedBy('index.js')],
];
const results = parts.map(([name, bytes]) => ({
  name,
  raw: bytes.length,
  gzip: gzipSync(bytes, { level: 9 }).length,
  brotli: brotliCompressSync(bytes).length,
}));
console.log('file\tbytes\tgzip\tbrotli');
for (const { name, raw, gzip, brotli } of results) console.log([name, raw, gzip, brotli].join('\t'));
save('size', results);
