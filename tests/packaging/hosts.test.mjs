// The packed npm package, installed as people install it, in each host and bundler that it claims to load in with no
// set-up. A host has loaded it when the core inside has run: a producer without a broker in reach tells a typed error.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { build as esbuild } from 'esbuild';
import { chromium } from 'playwright-core';
import { build as vite } from 'vite';

const { CHROMIUM = '/usr/bin/chromium', KAFKA_WASM_PACKAGE } = process.env;
assert.ok(KAFKA_WASM_PACKAGE, 'KAFKA_WASM_PACKAGE is not set: run this with `cargo xtask test --only packaging`');

const PATIENCE = { timeout: 90_000 };
const tools = join(dirname(fileURLToPath(import.meta.url)), '../node_modules');

/** What each host runs: code, on loopback's port 1 where nobody listens. */
const probe = (network) => `
  const producer = new Kafka({ brokers: ['127.0.0.1:1'], ${network} }).producer()
  const outcome = producer.start({ timeoutMs: 300 }).then(() => 'started', (error) => [error.name, error.code, error instanceof KafkaError].join(' '))
`;
const EXPECTED = 'TimeoutError TIMEOUT true';
const inBrowser = probe("bridge: 'ws://127.0.0.1:1'");
const inNode = probe('');
const show = 'outcome.then((outcome) => { document.body.dataset.outcome = outcome })';

const run = (program, args, options) =>
  new Promise((resolve, reject) => {
    execFile(program, args, options, (error, stdout, stderr) => {
      if (error) reject(new Error(`${program} ${args.join(' ')}: ${error.message}\n${stdout}${stderr}`));
      else resolve(stdout);
    });
  });

describe('the packed package', () => {
  const home = mkdtempSync(join(tmpdir(), 'kafka-wasm-hosts-'));
  const installed = join(home, 'node_modules/kafka-wasm');
  let browser;
  let server;
  let origin;

  before(async () => {
    writeFileSync(join(home, 'package.json'), '{ "private": true, "type": "module" }');
    await run('npm', ['install', '--offline', '--no-audit', '--no-fund', '--loglevel', 'error', KAFKA_WASM_PACKAGE], { cwd: home });
    browser = await chromium.launch({ executablePath: CHROMIUM });
    const types = { html: 'text/html', js: 'text/javascript', wasm: 'application/wasm' };
    server = createServer((request, response) => {
      const path = new URL(request.url, 'http://localhost').pathname.replace(/\/$/, '/index.html');
      try {
        response.setHeader('content-type', types[path.split('.').at(-1)] ?? 'application/octet-stream');
        response.end(readFileSync(join(home, path)));
      } catch {
        response.writeHead(404).end();
      }
    });
    await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
    origin = `http://127.0.0.1:${server.address().port}`;
  });
  after(async () => {
    await browser?.close();
    server?.closeAllConnections();
    await new Promise((resolve) => (server ? server.close(resolve) : resolve()));
    rmSync(home, { recursive: true, force: true });
  });

  /** Makes a project's folder with these files. */
  const project = (name, files) => {
    const folder = join(home, name);
    mkdirSync(folder);
    for (const [file, text] of Object.entries(files)) writeFileSync(join(folder, file), text);
    return folder;
  };

  /** What a page says in the end. */
  const outcomeOf = async (path) => {
    const page = await browser.newPage();
    const complaints = [];
    page.on('pageerror', (error) => complaints.push(`${error}`));
    try {
      await page.goto(`${origin}${path}`);
      await page
        .waitForFunction(() => document.body.dataset.outcome !== undefined, undefined, { timeout: 30_000 })
        .catch((error) => assert.fail(`${error}\n${complaints.join('\n')}`));
      return await page.evaluate(() => document.body.dataset.outcome);
    } finally {
      await page.close();
    }
  };
  const html = (script) => `<!doctype html><meta charset="utf-8"><link rel="icon" href="data:,"><body>${script}</body>`;

  test('has what it promises, and nothing else', PATIENCE, async () => {
    const manifest = JSON.parse(readFileSync(join(installed, 'package.json'), 'utf8'));
    const paths = (entry) => (typeof entry === 'string' ? [entry] : Object.values(entry).flatMap(paths));
    for (const path of Object.values(manifest.exports).flatMap(paths)) readFileSync(join(installed, path));
    assert.equal(manifest.scripts, undefined, 'installing runs nothing');
    assert.equal(manifest.dependencies, undefined, 'it stands alone');
    for (const key of ['name', 'version', 'license', 'type', 'sideEffects']) assert.ok(key in manifest, key);
    const list = (await run('tar', ['-tzf', KAFKA_WASM_PACKAGE])).trim().split('\n');
    for (const file of list) assert.match(file, /^package\/(dist\/[\w./-]+\.(js|d\.ts|wasm)|package\.json|README\.md|LICENSE)$/);
    for (const file of list.filter((file) => file.endsWith('.js'))) {
      const text = readFileSync(join(installed, file.replace('package/', '')), 'utf8');
      assert.doesNotMatch(text, /import\.meta|\beval\(|new Function/, `${file} would not load everywhere`);
    }
  });

  test('Node, import', PATIENCE, async () => {
    const folder = project('node-esm', { 'main.mjs': `import { Kafka, KafkaError } from 'kafka-wasm'\n${inNode}\nconsole.log(await outcome)` });
    assert.equal((await run(process.execPath, ['main.mjs'], { cwd: folder })).trim(), EXPECTED);
  });

  test('Node, require', PATIENCE, async () => {
    const folder = project('node-cjs', { 'main.cjs': `const { Kafka, KafkaError } = require('kafka-wasm')\n${inNode}\noutcome.then(console.log)` });
    assert.equal((await run(process.execPath, ['main.cjs'], { cwd: folder })).trim(), EXPECTED);
  });

  test('Node, slim with core.wasm beside it, and transports by name', PATIENCE, async () => {
    const main = `
      import { init, Kafka, KafkaError } from 'kafka-wasm/slim'
      import { tcp } from 'kafka-wasm/transports/tcp'
      import { websocket } from 'kafka-wasm/transports/websocket'
      import { createRequire } from 'node:module'
      import { readFile } from 'node:fs/promises'
      const early = new Kafka({ brokers: ['127.0.0.1:1'], transport: tcp() }).producer()
      console.log(await early.start().catch((error) => error.code))
      await init(readFile(createRequire(import.meta.url).resolve('kafka-wasm/core.wasm')))
      ${probe('transport: tcp()')}
      console.log(await outcome)
      class Refusing { constructor() { setTimeout(() => this.onclose({ code: 1006, reason: '' })) } close() {} send() {} bufferedAmount = 0 }
      const transport = websocket({ bridge: 'ws://127.0.0.1:1', WebSocket: Refusing })
      const other = new Kafka({ brokers: ['127.0.0.1:1'], transport }).producer()
      console.log(await other.start({ timeoutMs: 200 }).catch(({ code }) => code))
    `;
    const folder = project('node-slim', { 'main.mjs': main });
    assert.deepEqual((await run(process.execPath, ['main.mjs'], { cwd: folder })).trim().split('\n'), ['NOT_INITIALIZED', EXPECTED, 'TIMEOUT']);
  });

  test('a plain page with <script type=module>', PATIENCE, async () => {
    const script = `<script type="module">import { Kafka, KafkaError } from '../node_modules/kafka-wasm/dist/index.js'\n${inBrowser}\n${show}</script>`;
    project('plain', { 'index.html': html(script) });
    assert.equal(await outcomeOf('/plain/'), EXPECTED);
  });

  test('a plain page, slim', PATIENCE, async () => {
    const script = `<script type="module">
      import { init, Kafka, KafkaError } from '../node_modules/kafka-wasm/dist/slim.js'
      await init(new URL('../node_modules/kafka-wasm/dist/core.wasm', import.meta.url))
      ${inBrowser}\n${show}</script>`;
    project('plain-slim', { 'index.html': html(script) });
    assert.equal(await outcomeOf('/plain-slim/'), EXPECTED);
  });

  const main = `import { Kafka, KafkaError } from 'kafka-wasm'\n${inBrowser}\n${show}`;

  test('esbuild, for browsers', PATIENCE, async () => {
    const folder = project('esbuild', { 'main.js': main, 'index.html': html('<script src="out/main.js"></script>') });
    for (const format of ['iife', 'esm']) {
      const { warnings } = await esbuild({ absWorkingDir: folder, entryPoints: ['main.js'], bundle: true, format, outdir: 'out', logLevel: 'silent' });
      assert.deepEqual(warnings, []);
      if (format === 'iife') assert.equal(await outcomeOf('/esbuild/'), EXPECTED);
    }
  });

  test('esbuild, for Node', PATIENCE, async () => {
    const folder = project('esbuild-node', { 'main.js': `import { Kafka, KafkaError } from 'kafka-wasm'\n${inNode}\noutcome.then(console.log)` });
    await esbuild({ absWorkingDir: folder, entryPoints: ['main.js'], bundle: true, format: 'cjs', platform: 'node', outfile: 'out/main.cjs', logLevel: 'silent' });
    assert.equal((await run(process.execPath, ['out/main.cjs'], { cwd: folder })).trim(), EXPECTED);
  });

  test('Vite', PATIENCE, async () => {
    const folder = project('vite', { 'main.js': main, 'index.html': html('<script type="module" src="./main.js"></script>') });
    await vite({ root: folder, base: './', logLevel: 'error', configFile: false, build: { outDir: 'out' } });
    assert.equal(await outcomeOf('/vite/out/'), EXPECTED);
  });

  test('TypeScript, strict', PATIENCE, async () => {
    const folder = project('typescript', {
      'main.ts': readFileSync(join(dirname(fileURLToPath(import.meta.url)), 'types.ts'), 'utf8'),
    });
    const lib = ['--lib', 'ES2022,ESNext.Disposable,DOM'];
    const modes = [['--module', 'ESNext', '--moduleResolution', 'bundler'], ['--module', 'NodeNext', '--moduleResolution', 'NodeNext']];
    for (const mode of modes) {
      await run(process.execPath, [join(tools, 'typescript/bin/tsc'), '--noEmit', '--strict', '--exactOptionalPropertyTypes', '--target', 'ES2022', ...lib, ...mode, '--types', '', 'main.ts'], { cwd: folder });
    }
  });
});
