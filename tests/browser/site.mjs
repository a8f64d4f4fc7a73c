// A page with the packed npm package in it, the bridge it goes through, and Kafka's own tools: for tests in Chromium.

import assert from 'node:assert/strict';
import { execFile, execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { readFile } from 'node:fs/promises';
import { chromium } from 'playwright-core';

const { CHROMIUM = '/usr/bin/chromium', KAFKA_BOOTSTRAP, KAFKA_BRIDGE, KAFKA_JARS, KAFKA_WASM_PACKAGE } = process.env;
for (const [name, value] of Object.entries({ KAFKA_BOOTSTRAP, KAFKA_BRIDGE, KAFKA_JARS, KAFKA_WASM_PACKAGE })) {
  assert.ok(value, `${name} is not set: run this with \`cargo xtask test --only browser\``);
}

export const brokers = KAFKA_BOOTSTRAP.split(',');

/** Longer than anything here takes; what has not ended by then hangs. */
export const PATIENCE = { timeout: 90_000 };

const folder = mkdtempSync(join(tmpdir(), 'kafka-wasm-site-'));
process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
execFileSync('tar', ['-xzf', KAFKA_WASM_PACKAGE, '-C', folder]);
writeFileSync(
  join(folder, 'index.html'),
  `<!doctype html><meta charset="utf-8"><link rel="icon" href="data:,"><script type="module">
    import * as kafkaWasm from './package/dist/index.js'
    window.kafkaWasm = kafkaWasm
    window.describe = (error) => ({ name: error.name, code: error.code, message: error.message, closeCode: error.closeCode,
      retriable: error.retriable, cause: error.cause && window.describe(error.cause) })
  </script>`,
);
writeFileSync(
  join(folder, 'worker.js'),
  `import { Kafka } from './package/dist/index.js'
  self.onmessage = async ({ data: { options, topic } }) => {
    const producer = new Kafka(options).producer()
    const { offset } = await producer.produce({ topic, partition: 0, value: 'from a worker' })
    await producer.stop()
    self.postMessage(offset)
  }`,
);

let topics = 0;
/** A topic's name that nobody else uses. */
export const freshTopic = (name) => `browser-${name}-${process.pid}-${Date.now()}-${(topics += 1)}`;

const bridges = new Set();
process.on('exit', () => bridges.forEach((bridge) => bridge.kill()));

/** kafka-bridge, which also serves the page. */
export class Bridge {
  #process;

  static async start(...flags) {
    const bridge = new Bridge();
    const args = flags.some((flag) => flag === '--listen') ? flags : ['--listen', '127.0.0.1:0', ...flags];
    bridge.#process = spawn(KAFKA_BRIDGE, [...args, '--serve', folder, '--log', 'off'], { stdio: ['ignore', 'pipe', 'inherit'] });
    bridges.add(bridge.#process);
    for await (const line of createInterface({ input: bridge.#process.stdout })) {
      if (!line.startsWith('listening=')) continue;
      bridge.url = line.slice('listening='.length);
      bridge.#process.stdout.resume();
      return bridge;
    }
    throw new Error('kafka-bridge ended before it listened');
  }

  get address() {
    return new URL(this.url).host;
  }

  async stop() {
    const ended = new Promise((resolve) => this.#process.once('exit', resolve));
    this.#process.kill('SIGTERM');
    await ended;
    bridges.delete(this.#process);
  }
}

/** The same page from another origin. */
export async function otherOrigin() {
  const types = { html: 'text/html', js: 'text/javascript' };
  const server = createServer(async ({ url }, response) => {
    const path = url === '/' ? '/index.html' : url;
    response.setHeader('content-type', types[path.split('.').at(-1)] ?? 'application/octet-stream');
    response.end(await readFile(join(folder, path)).catch(() => response.writeHead(404) && ''));
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { url: `http://127.0.0.1:${server.address().port}`, stop: () => new Promise((resolve) => server.close(resolve)) };
}

/** Runs a function with a page at that URL; what it complains about makes the test fail. */
export async function withPage(browser, url, run, expected = /$^/) {
  const page = await browser.newPage();
  const complaints = [];
  page.on('pageerror', (error) => complaints.push(`uncaught: ${error.stack ?? error}`));
  page.on('console', (message) => {
    if (message.type() === 'error' && !expected.test(message.text())) complaints.push(message.text());
  });
  try {
    await page.goto(url);
    await page.waitForFunction(() => 'kafkaWasm' in window);
    const result = await run(page);
    assert.deepEqual(complaints, [], 'the page complained');
    return result;
  } finally {
    await page.close();
  }
}

export const launch = () => chromium.launch({ executablePath: CHROMIUM });

/** Runs one of Kafka's own tools and returns its output. */
export function kafkaTool(name, args, input) {
  return new Promise((resolve, reject) => {
    const java = ['-Xmx128m', '-XX:TieredStopAtLevel=1', '-cp', `${KAFKA_JARS}/*`, name, '--bootstrap-server', brokers[0], ...args];
    const child = execFile('java', java, { maxBuffer: 64 << 20 }, (error, stdout, stderr) => {
      if (error) reject(new Error(`${name}: ${error.message}\n${stderr}`));
      else resolve(stdout);
    });
    if (input !== undefined) child.stdin.end(input);
  });
}

/** How many records a topic has, as Kafka's own tool counts them. */
export async function countRecords(topic) {
  const lines = await kafkaTool('org.apache.kafka.tools.GetOffsetShell', ['--topic', topic]);
  return lines.trim().split('\n').reduce((sum, line) => sum + Number(line.split(':')[2]), 0);
}

/** A topic's records as Kafka's own console consumer prints them: headers, key and value with tabs between. */
export async function consoleConsumer(topic, count) {
  const shown = ['print.key=true', 'print.headers=true'].flatMap((property) => ['--formatter-property', property]);
  const limits = ['--max-messages', `${count}`, '--timeout-ms', '30000'];
  const text = await kafkaTool('org.apache.kafka.tools.consumer.ConsoleConsumer', ['--topic', topic, '--from-beginning', ...limits, ...shown]);
  return text.trim().split('\n');
}
