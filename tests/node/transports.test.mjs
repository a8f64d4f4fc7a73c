// Transports that applications bring along, good and bad, and a core that breaks.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { describe, test } from 'node:test';
import { promisify } from 'node:util';
import { pathToFileURL } from 'node:url';
import { brokers, failure, freshTopic, inPackage, Kafka, PATIENCE, withClients } from './package.mjs';

const { tcp } = await import(pathToFileURL(inPackage('dist/transports/tcp.js')));
const IMPATIENT = { reconnectBackoffMs: 5, reconnectBackoffMaxMs: 20 };

/** How a start ends on a transport. */
async function startOn(transport, timeoutMs = 300) {
  const client = new Kafka({ brokers, transport, ...IMPATIENT }).producer();
  const error = await client.start({ timeoutMs }).then(() => assert.fail('started'), (error) => error);
  assert.equal(client.state, 'idle');
  assert.equal(client.metrics().sockets, 0);
  await client.stop();
  return `${error.code} ${error.message} ${error.cause?.message ?? ''}`;
}

describe('transports', () => {
  test('bytes may come one by one, and all at once from inside write()', PATIENCE, async () => {
    const dripping = {
      connect: (host, port, handlers) =>
        tcp().connect(host, port, {
          ...handlers,
          data: (bytes) => bytes.forEach((_, i) => handlers.data(bytes.subarray(i, i + 1))),
        }),
    };
    await withClients(
      async ({ producer, consumer }) => {
        const topic = freshTopic('drip');
        const client = producer();
        for (let i = 0; i < 5; i += 1) await client.produce({ topic, partition: 0, value: `${i}` });
        const reader = consumer();
        reader.assign([{ topic, partition: 0, offset: 'earliest' }]);
        const seen = [];
        while (seen.length < 5) for (const record of await reader.poll()) seen.push(record.text());
        assert.deepEqual(seen, ['0', '1', '2', '3', '4']);
      },
      { transport: dripping },
    );
  });

  test('one that throws, closes at once, or hands over nonsense loses its connections and nothing else', PATIENCE, async () => {
    const throwing = { connect: () => { throw new Error('no network today'); } };
    assert.match(await startOn(throwing), /no network today/);
    const closing = { connect: (host, port, handlers) => (handlers.close({ how: 'refused' }), { write() {}, close() {} }) };
    assert.match(await startOn(closing), /refused/);
    const nonsense = { connect: (host, port, handlers) => (handlers.open(), { write: () => handlers.data('text'), close() {} }) };
    assert.match(await startOn(nonsense), /no Uint8Array/);
    const failing = { connect: (host, port, handlers) => (handlers.open(), { write: () => { throw new Error('pipe is full'); }, close() {} }) };
    assert.match(await startOn(failing), /pipe is full/);
    const silent = { connect: () => ({ write() {}, close() {} }) };
    assert.match(await startOn(silent), /TIMEOUT/);
    const chatty = { connect: (host, port, handlers) => {
      for (let i = 0; i < 3; i += 1) handlers.open(), handlers.data(new Uint8Array([0, 0, 0, 1, 7])), handlers.close({ how: 'reset' });
      return { write() {}, close() {} };
    } };
    assert.match(await startOn(chatty), /TIMEOUT|MALFORMED/);
    await withClients(({ producer }) => producer().start());
  });

  test('TLS with the right authority, and without', PATIENCE, async (context) => {
    const { KAFKA_SSL, KAFKA_SSL_CA } = process.env;
    if (!KAFKA_SSL) return context.skip('KAFKA_SSL is not set');
    const { readFileSync } = await import('node:fs');
    const transport = tcp({ tls: { ca: readFileSync(KAFKA_SSL_CA, 'utf8') } });
    await withClients(({ producer }) => producer().produce({ topic: freshTopic('tls'), value: 'secret' }), { brokers: KAFKA_SSL.split(','), transport });
    const stranger = new Kafka({ brokers: KAFKA_SSL.split(','), transport: tcp({ tls: true }), ...IMPATIENT }).producer();
    const error = await failure(stranger.start({ timeoutMs: 500 }), 'TIMEOUT');
    assert.match(`${error.message} ${error.cause?.message}`, /certificate/);
    assert.throws(() => tcp({ ssl: true }), /there is no option ssl/);
  });
});

describe('a core that breaks', () => {
  test('every pending and later call of every client fails with one InternalError; nothing hangs, nothing crashes', PATIENCE, async () => {
    // In a process of its own: there is no way back. The core's memory is overwritten under its feet.
    const script = `
      const instantiate = WebAssembly.instantiate
      let memory
      WebAssembly.instantiate = async (...args) => {
        const made = await instantiate(...args)
        memory = (made.instance ?? made).exports.memory
        return made
      }
      const { Kafka } = await import(process.argv[1])
      const kafka = new Kafka({ brokers: process.argv[2].split(',') })
      const [producer, other, consumer] = [kafka.producer({ lingerMs: 5_000 }), kafka.producer(), kafka.consumer({ fetchMaxWaitMs: 100 })]
      await Promise.all([producer.start(), other.start(), consumer.start()])
      const topic = process.argv[3]
      await other.produce({ topic, partition: 0, value: 'before' })
      consumer.assign([{ topic, partition: 0, offset: 'latest' }])
      const fatal = new Promise((resolve) => producer.on('fatal', resolve))
      const pending = [producer.produce({ topic, value: 'pending' }), consumer.poll()]
      const ends = pending.map((promise) => promise.then(() => 'fine', (error) => error.name))
      await new Promise((resolve) => setTimeout(resolve, 50))
      new Uint8Array(memory.buffer).fill(0xff)
      const name = (call) => call().then(() => 'fine', (error) => error.name)
      const later = [() => producer.send({ topic, messages: [{ value: 'x' }] }), () => other.produce({ topic, value: 'x' }),
        () => consumer.poll(), () => kafka.producer().start(), () => other.partitionsFor(topic), () => producer.start()]
      const first = await name(later[0])
      const rest = []
      for (const call of later.slice(1)) rest.push(await name(call))
      const error = await fatal
      await Promise.all([producer.stop(), other.stop(), consumer.stop()])
      console.log(JSON.stringify({ names: [first, ...rest, ...(await Promise.all(ends))], fatal: error.fatal, code: error.code,
        states: [producer.state, other.state, consumer.state], closed: (await producer.closed).code }))
    `;
    const args = ['--input-type=module', '-e', script, `${pathToFileURL(inPackage('dist/node.js'))}`, brokers.join(), freshTopic('broken')];
    const { stdout } = await promisify(execFile)(process.execPath, args, { timeout: 30_000 });
    const { names, ...rest } = JSON.parse(stdout);
    assert.deepEqual(new Set(names), new Set(['InternalError']), names.join());
    assert.deepEqual(rest, { fatal: true, code: 'INTERNAL', states: ['failed', 'failed', 'failed'], closed: 'INTERNAL' });
  });
});
