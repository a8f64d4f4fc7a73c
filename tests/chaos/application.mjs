// The application of `cargo xtask chaos` in Node: the packed npm package through kafka-bridge, as in a browser. It writes its journal to
// standard output (tests/src/chaos/journal.rs says how), and stops sending when its standard input ends.
//
// Node 20 has a WebSocket behind --experimental-websocket; with it the package takes the same way as in a page.

import { Kafka } from '../node/package.mjs';

const { topic, partitions, bridge, bridgeToken, brokers, deliveryTimeoutMs, requestTimeoutMs, seed } = JSON.parse(process.argv[2]);
const PATIENCE_MS = 180_000;
const kafka = new Kafka({ brokers, bridge, bridgeToken, requestTimeoutMs, connectTimeoutMs: requestTimeoutMs });
const producer = kafka.producer({ deliveryTimeoutMs });
const consumer = kafka.consumer({ offsetReset: 'none', fetchMaxWaitMs: 200 });

let lines = [];
const write = (...words) => {
  lines.push(words.join(' '));
  if (lines.length === 1) setImmediate(flushLines);
};
const flushLines = () => {
  if (lines.length === 0) return;
  process.stdout.write(`${lines.join('\n')}\n`);
  lines = [];
};
const complain = (what) => write('complaint', String(what).replaceAll('\n', ' '));
process.on('unhandledRejection', (error) => complain(`unhandled: ${error?.stack ?? error}`));
process.on('uncaughtException', (error) => complain(`uncaught: ${error?.stack ?? error}`));

let sending = true;
process.stdin.resume();
process.stdin.on('end', () => (sending = false));

/** A small generator, so that the seed alone says how many records are sent at once. */
let state = seed;
const below = (bound) => {
  state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
  return Math.floor((state / 2 ** 32) * bound);
};
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const within = (what, promise) => {
  let timer;
  const limit = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what} hangs`)), PATIENCE_MS + deliveryTimeoutMs);
  });
  return Promise.race([promise, limit]).finally(() => clearTimeout(timer));
};

const keyOf = (number) => `key-${number % 97}`;
const valueOf = (number) => {
  const length = number % 100 === 99 ? 50_000 : (number * 7_919) % 397;
  return `${number}:${String.fromCharCode(97 + (number % 26)).repeat(length)}`;
};
const numberOf = (text) => {
  const number = Number.parseInt(text, 10);
  return Number.isSafeInteger(number) && text === valueOf(number) ? number : -1;
};

async function produce() {
  let number = 0;
  const pending = new Set();
  while (sending) {
    const burst = below(100) === 0 ? 200 : below(6);
    for (let i = 0; i < burst; i += 1, number += 1) {
      const mine = number;
      write('sent', mine, Date.now());
      const end = producer.produce({ topic, key: keyOf(mine), value: valueOf(mine) }).then(
        ({ partition, offset }) => write('acknowledged', mine, partition, offset ?? -1, Date.now()),
        (error) => write('failed', mine, error.code ?? error.name, Date.now()),
      );
      pending.add(end);
      end.then(() => pending.delete(end));
    }
    await sleep(10);
  }
  await within('flush()', producer.flush());
  await within('a record', Promise.all(pending));
}

let ends;
async function consume() {
  const all = Array.from({ length: partitions }, (_, partition) => ({ topic, partition, offset: 0n }));
  consumer.assign(all);
  const positions = all.map(() => 0n);
  let limit = Infinity;
  while (ends === undefined || ends.some(({ partition, offset }) => positions[partition] < offset)) {
    if (ends !== undefined && limit === Infinity) limit = performance.now() + PATIENCE_MS;
    if (performance.now() > limit) throw new Error(`the consumer is not getting to the end: ${positions}`);
    try {
      for (const { partition, offset, value } of await consumer.poll({ timeoutMs: 500 })) {
        positions[partition] = offset + 1n;
        write('read', partition, offset, value === null ? -1 : numberOf(new TextDecoder().decode(value)));
      }
    } catch (error) {
      complain(`poll(): ${error.code} ${error.message}`);
      if (error.fatal) return;
    }
  }
}

async function finish(name, client) {
  await within(`${name}: stop()`, client.stop());
  const { sockets, timers, waiters, connects, requestsSent } = client.metrics();
  if (sockets !== 0 || timers !== 0 || waiters !== 0) complain(`${name}: after stop() ${sockets} sockets, ${timers} timers, ${waiters} waiters`);
  write('fact', `${name}.connects`, connects);
  write('fact', `${name}.requests`, requestsSent);
}

try {
  const reading = consume();
  reading.catch(() => {});
  await produce();
  ends = await within('endOffsets()', consumer.endOffsets(Array.from({ length: partitions }, (_, partition) => ({ topic, partition }))));
  await reading;
  await finish('producer', producer);
  await finish('consumer', consumer);
} catch (error) {
  complain(error?.stack ?? error);
}
flushLines();
process.exitCode = 0;
