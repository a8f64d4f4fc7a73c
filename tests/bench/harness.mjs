// What all parts need: topics, workers, medians, tables and files.

import { spawn } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import kafkajs from 'kafkajs';

export const OURS = 'kafka-wasm';
export const CLIENTS = [OURS, 'kafkajs', 'platformatic'];

/** What the environment must say; `cargo xtask bench` does. */
export function need(name) {
  const value = process.env[name];
  if (value === undefined) throw new Error(`${name} is not set: run this with \`cargo xtask bench\``);
  return value;
}

export const say = (text) => console.error(`  ${text}`);

/** Runs a function with an administrator's connection. */
export async function withAdmin(run) {
  const kafka = new kafkajs.Kafka({ brokers: need('KAFKA_BOOTSTRAP').split(','), logLevel: kafkajs.logLevel.NOTHING });
  const admin = kafka.admin();
  await admin.connect();
  try {
    return await run(admin);
  } finally {
    await admin.disconnect();
  }
}

let topics = 0;
/** Runs a function with a topic of three partitions, which is deleted afterwards. */
export const withTopic = (run) =>
  withAdmin(async (admin) => {
    const topic = `bench-${process.pid}-${Date.now()}-${(topics += 1)}`;
    const configEntries = [{ name: 'file.delete.delay.ms', value: '100' }];
    const created = await known(admin.createTopics({ waitForLeaders: false, topics: [{ topic, numPartitions: 3, configEntries }] }));
    if (!created) await create(topic);
    await leaders(admin, topic);
    try {
      return await run(topic, admin);
    } finally {
      await known(admin.deleteTopics({ topics: [topic] }));
    }
  });

/** False when the broker does not have that API, as the development broker has not every one. */
const known = (work) =>
  work.then(
    () => true,
    (error) => {
      if (error.name !== 'KafkaJSServerDoesNotSupportApiKey') throw error;
      return false;
    },
  );

/** A producer that asks for a topic makes it come into being. */
async function create(topic) {
  const { Kafka } = await import(pathToFileURL(join(need('KAFKA_WASM_FOLDER'), 'dist/node.js')));
  const producer = new Kafka({ brokers: need('KAFKA_BOOTSTRAP').split(',') }).producer();
  await producer.partitionsFor(topic);
  await producer.stop();
}

const PATIENCE_MS = 20_000;

/** Waits until the broker leads every partition of a new topic, which it does not know of at first. */
async function leaders(admin, topic) {
  for (const end = performance.now() + PATIENCE_MS; ; ) {
    const found = await admin.fetchTopicMetadata({ topics: [topic] }).catch((error) => error);
    if (!(found instanceof Error) && found.topics[0].partitions.every(({ leader }) => leader >= 0)) return;
    if (performance.now() > end) throw found instanceof Error ? found : new Error(`${topic} has no leaders`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** How many records a topic holds. */
export async function countRecords(admin, topic) {
  const offsets = await admin.fetchTopicOffsets(topic);
  return offsets.reduce((sum, { high, low }) => sum + Number(high) - Number(low), 0);
}

/** Runs a program and returns what it printed; its errors are seen as they come. */
export function run(program, args, options = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'inherit'], ...options });
    let printed = '';
    child.stdout.setEncoding('utf8').on('data', (text) => (printed += text));
    child.on('error', reject);
    child.on('close', (code, signal) =>
      code === 0 ? resolve(printed) : reject(new Error(`${program} ${args.join(' ')} ended with ${signal ?? code}`)),
    );
  });
}

/** One measurement of one client in its own process. */
export async function measure(client, what, particulars) {
  const worker = fileURLToPath(new URL('worker.mjs', import.meta.url));
  const printed = await run(process.execPath, [worker, client, what, JSON.stringify(particulars)]);
  return JSON.parse(printed.trim().split('\n').at(-1));
}

/**
 * Every client's measurements, in turn: each round begins with another client. One round comes before them and is not counted, for a
 * broker that has just begun to see such work is several times slower.
 */
export async function inRounds(what, rounds, clients, once) {
  const found = Object.fromEntries(clients.map((client) => [client, []]));
  for (let round = 0; round <= rounds; round += 1) {
    const which = round > 0 ? `round ${round} of ${rounds}` : 'to get warm';
    for (let place = 0; place < clients.length; place += 1) {
      const client = clients[(place + round) % clients.length];
      const result = await once(client);
      if (round > 0) found[client].push(result);
      say(`${what}, ${which}: ${client} ${Math.round(result.records / result.seconds)} records/s`);
    }
  }
  return found;
}

/** The summaries of every client's measurements. */
export const summaries = (found) => Object.fromEntries(Object.entries(found).map(([client, rounds]) => [client, summary(rounds)]));

export function median(numbers) {
  const sorted = [...numbers].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

const CPU_PER = 200_000;

/** The medians of some measurements of one client. */
const summary = (rounds) => ({
  rate: median(rounds.map(({ records, seconds }) => records / seconds)),
  cpuSeconds: median(rounds.map(({ records, cpuSeconds }) => (cpuSeconds / records) * CPU_PER)),
  peakBytes: median(rounds.map(({ peakBytes }) => peakBytes)),
  rounds,
});

/** Prints a table of clients, measure by measure: [{ name, clients: { name: summary } }] */
export function printRates(measures) {
  console.log(`measure\tclient\trecords/s\tratio to the best peer\tCPU s per ${CPU_PER / 1_000} k\tpeak MB`);
  for (const { name, clients } of measures) {
    const peers = Object.entries(clients).filter(([client]) => client !== OURS);
    const best = Math.max(...peers.map(([, { rate }]) => rate));
    for (const [client, { rate, cpuSeconds, peakBytes }] of Object.entries(clients)) {
      const ratio = peers.length === 0 ? '-' : (rate / best).toFixed(2);
      const peak = (peakBytes / 1e6).toFixed(0);
      console.log([name, client, Math.round(rate), ratio, cpuSeconds.toFixed(2), peak].join('\t'));
    }
  }
}

/** Writes what a part measured into the folder for results. */
export function save(part, results) {
  const folder = need('BENCH_OUT');
  mkdirSync(folder, { recursive: true });
  const machine = { cpus: cpus().length, model: cpus()[0]?.model, node: process.version };
  const text = JSON.stringify({ part, date: new Date().toISOString(), machine, results }, null, 2);
  writeFileSync(join(folder, `${part}.json`), `${text}\n`);
}
