// The packed npm package, unpacked: what the tests of this folder test. And what they all need of the world.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const { KAFKA_BOOTSTRAP, KAFKA_WASM_PACKAGE } = process.env;
assert.ok(KAFKA_BOOTSTRAP, 'KAFKA_BOOTSTRAP is not set: run this with `cargo xtask test --only node`');
assert.ok(KAFKA_WASM_PACKAGE, 'KAFKA_WASM_PACKAGE is not set: run this with `cargo xtask test --only node`');

const folder = mkdtempSync(join(tmpdir(), 'kafka-wasm-'));
process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
execFileSync('tar', ['-xzf', KAFKA_WASM_PACKAGE, '-C', folder]);

/** A file of the package. */
export const inPackage = (path) => join(folder, 'package', path);

const entry = await import(pathToFileURL(inPackage('dist/node.js')));
export const { Kafka, KafkaError } = entry;
export const kafkaWasm = entry;

export const brokers = KAFKA_BOOTSTRAP.split(',');

/** Longer than anything here takes; what has not ended by then hangs. */
export const PATIENCE = { timeout: 60_000 };

let topics = 0;
/** A topic's name that nobody else uses. */
export const freshTopic = (name) => `node-${name}-${process.pid}-${Date.now()}-${(topics += 1)}`;

/** Runs a function with clients which are stopped afterwards, however it ends. */
export async function withClients(run, options = {}) {
  const kafka = new Kafka({ brokers, ...options });
  const clients = [];
  const keep = (client) => {
    clients.push(client);
    return client;
  };
  try {
    return await run({
      producer: (options) => keep(kafka.producer(options)),
      consumer: (options) => keep(kafka.consumer({ fetchMaxWaitMs: 100, ...options })),
    });
  } finally {
    await Promise.all(clients.map((client) => client.stop({ timeoutMs: 5_000 })));
  }
}

/** Every record of a topic, from the beginning. */
export async function readAll(consumer, topic, count) {
  const partitions = await consumer.partitionsFor(topic);
  consumer.assign(partitions.map(({ partition }) => ({ topic, partition, offset: 'earliest' })));
  const records = [];
  while (records.length < count) {
    const more = await consumer.poll({ timeoutMs: 20_000 });
    assert.notEqual(more.length, 0, `${records.length} of ${count} records came, then nothing`);
    records.push(...more);
  }
  return records;
}

/** A port on loopback where nobody listens. */
export async function closedPort() {
  const server = createServer();
  const port = await listen(server);
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** Makes a server listen on a free port of loopback. */
export const listen = (server) =>
  new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(server.address().port)));

/** A TCP server between clients and the first broker, whose connections can be cut. */
export class Proxy {
  #server = createServer((socket) => this.#join(socket));
  #sockets = new Set();
  /** How many connections have been made. */
  connections = 0;
  #target;

  constructor(target = brokers[0]) {
    const [host, port] = target.split(':');
    this.#target = { host, port: Number(port) };
  }

  async listen() {
    return `127.0.0.1:${await listen(this.#server)}`;
  }

  cut() {
    for (const socket of this.#sockets) socket.resetAndDestroy();
  }

  async close() {
    this.cut();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #join(socket) {
    this.connections += 1;
    const broker = connect(this.#target);
    for (const [from, to] of [[socket, broker], [broker, socket]]) {
      this.#sockets.add(from);
      from.on('error', () => to.destroy());
      from.on('close', () => {
        this.#sockets.delete(from);
        to.destroy();
      });
      from.pipe(to);
    }
  }
}

/** Waits until something is true. */
export async function until(what, check, patienceMs = 20_000) {
  const end = performance.now() + patienceMs;
  for (;;) {
    const value = await check();
    if (value) return value;
    assert.ok(performance.now() < end, `waited in vain until ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** The error that a promise ends with, checked to be one of ours with this code. */
export async function failure(promise, code) {
  const error = await promise.then(
    (value) => assert.fail(`expected ${code}, found success: ${value}`),
    (error) => error,
  );
  if (error instanceof assert.AssertionError) throw error;
  assert.ok(KafkaError.is(error), `expected a KafkaError, found ${error?.stack}`);
  assert.equal(error.code, code, error.message);
  assert.notEqual(error.message, '');
  return error;
}
