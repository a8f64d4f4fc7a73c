// A client's life beyond the scenarios of ../lifecycle: records in numbers, errors that say what to do, connections that break.

import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import { describe, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { brokers, closedPort, failure, freshTopic, inPackage, Kafka, listen, PATIENCE, Proxy, withClients } from './package.mjs';

const { tcp } = await import(pathToFileURL(inPackage('dist/transports/tcp.js')));

/** Options with which a broker that is away is noticed soon. */
const IMPATIENT = { reconnectBackoffMs: 5, reconnectBackoffMaxMs: 20, retryBackoffMs: 5, retryBackoffMaxMs: 20 };

describe('life', () => {
  test('stop() leaves nothing behind, and start() after it is a real start', PATIENCE, () =>
    withClients(async ({ producer }) => {
      const topic = freshTopic('restart');
      const client = producer();
      for (let round = 1; round <= 3; round += 1) {
        await client.start();
        const { offset } = await client.produce({ topic, partition: 0, value: `${round}` });
        assert.equal(offset, BigInt(round - 1));
        const closed = client.closed;
        await Promise.all([client.stop(), client.stop(), client.close()]);
        assert.equal(await closed, undefined);
        const { sockets, timers, waiters, bootstraps } = client.metrics();
        assert.deepEqual({ sockets, timers, waiters, bootstraps }, { sockets: 0, timers: 0, waiters: 0, bootstraps: round });
        assert.equal(client.state, 'idle');
        await failure(client.produce({ topic, value: 'late' }), 'STOPPED');
        await failure(client.partitionsFor(topic), 'STOPPED');
      }
      await client.stop();
    }));

  test('stop() sends what is pending', PATIENCE, () =>
    withClients(async ({ producer, consumer }) => {
      const topic = freshTopic('stop-flushes');
      const client = producer({ lingerMs: 20_000 });
      const sent = Array.from({ length: 500 }, (_, i) => client.produce({ topic, partition: 0, value: `${i}` }));
      await client.stop();
      await Promise.all(sent);
      const [end] = await consumer().endOffsets([{ topic, partition: 0 }]);
      assert.equal(end.offset, 500n);
    }));

  test('stop() on a client that never ran, and on one that is loading', PATIENCE, () =>
    withClients(async ({ producer, consumer }) => {
      await producer().stop();
      await consumer().stop();
      const client = producer();
      const start = failure(client.start(), 'STOPPED');
      await client.stop();
      await start;
      assert.equal(client.state, 'idle');
      await client.start();
    }));

  test('an unreachable broker: start() with a limit ends with an error that says what stood in the way', PATIENCE, async () => {
    const address = `127.0.0.1:${await closedPort()}`;
    const kafka = new Kafka({ brokers: [address], ...IMPATIENT });
    const client = kafka.producer();
    const error = await failure(client.start({ timeoutMs: 300 }), 'TIMEOUT');
    assert.match(`${error.message} ${error.cause?.message}`, /refused/);
    assert.equal(error.retriable, true);
    assert.equal(client.state, 'idle');
    assert.equal(client.metrics().sockets, 0);
    assert.equal(client.metrics().timers, 0);
  });

  test('a host that does not exist', PATIENCE, async () => {
    const kafka = new Kafka({ brokers: ['no-such-host.invalid:9092'], ...IMPATIENT });
    const client = kafka.producer();
    const error = await failure(client.start({ timeoutMs: 1_000 }), 'TIMEOUT');
    assert.match(`${error.message} ${error.cause?.message}`, /cannot be reached|no-such-host/);
    await client.stop();
  });

  test('something that is no Kafka', PATIENCE, async () => {
    for (const nonsense of ['HTTP/1.1 400 Bad Request\r\n\r\n', '\0\0\0\x10 0123456789abcdef', '\xff\xff\xff\xff']) {
      const server = createServer((socket) => {
        socket.on('error', () => {});
        socket.once('data', () => socket.write(nonsense, 'latin1'));
      });
      const kafka = new Kafka({ brokers: [`127.0.0.1:${await listen(server)}`], ...IMPATIENT });
      const client = kafka.producer();
      const error = await client.start({ timeoutMs: 500 }).then(() => assert.fail('started'), (error) => error);
      assert.match(error.code, /TIMEOUT|MALFORMED_REPLY/);
      await client.stop();
      server.close();
    }
  });

  test('records for a broker that never answers fail at their deadline, and stop() ends', PATIENCE, async () => {
    const kafka = new Kafka({ brokers: [`127.0.0.1:${await closedPort()}`], ...IMPATIENT });
    const client = kafka.producer({ requestTimeoutMs: 300, deliveryTimeoutMs: 300 });
    const failures = await Promise.all(Array.from({ length: 50 }, (_, i) => failure(client.produce({ topic: 'nowhere', value: `${i}` }), 'TIMEOUT')));
    assert.match(failures[0].message, /300/);
    const pending = failure(client.send({ topic: 'nowhere', messages: [{ value: 'x' }, { value: 'y' }] }), 'TIMEOUT').catch(
      (error) => error,
    );
    await client.stop({ timeoutMs: 200 });
    await pending;
    assert.equal(client.state, 'idle');
  });

  test('connections that break are made again, and every record arrives once and in order', PATIENCE, async () => {
    const proxy = new Proxy();
    const transport = redirecting(await proxy.listen());
    await withClients(
      async ({ producer, consumer }) => {
        const topic = freshTopic('cut');
        const client = producer();
        const states = [];
        client.on('status', ({ state }) => states.push(state));
        const sent = [];
        const cutting = setInterval(() => proxy.cut(), 120);
        for (let i = 0; i < 3_000; i += 1) {
          sent.push(client.produce({ topic, partition: 0, value: `${i}` }));
          if (i % 10 === 0) await new Promise((resolve) => setTimeout(resolve, 3));
        }
        clearInterval(cutting);
        const offsets = (await Promise.all(sent)).map(({ offset }) => offset);
        offsets.forEach((offset, i) => assert.equal(offset, BigInt(i)));
        assert.ok(proxy.connections > 2, `${proxy.connections} connections`);
        assert.ok(states.includes('reconnecting'), states.join());
        const [end] = await consumer().endOffsets([{ topic, partition: 0 }]);
        assert.equal(end.offset, 3_000n);
      },
      { transport, ...IMPATIENT },
    );
    await proxy.close();
  });

  test('a broker that goes away while reading is no error: reading goes on', PATIENCE, async () => {
    const proxy = new Proxy();
    const transport = redirecting(await proxy.listen());
    await withClients(
      async ({ producer, consumer }) => {
        const topic = freshTopic('reading-cut');
        const sender = producer();
        const reader = consumer();
        reader.assign([{ topic, partition: 0, offset: 'earliest' }]);
        await sender.produce({ topic, partition: 0, value: '0' });
        const seen = [];
        for await (const record of reader) {
          seen.push(record.text());
          if (seen.length === 20) break;
          proxy.cut();
          await sender.produce({ topic, partition: 0, value: `${seen.length}` });
        }
        assert.deepEqual(seen, Array.from({ length: 20 }, (_, i) => `${i}`));
      },
      { transport, ...IMPATIENT },
    );
    await proxy.close();
  });

  test('status() tells each condition until the end', PATIENCE, () =>
    withClients(async ({ producer }) => {
      const client = producer();
      const seen = [];
      const feed = (async () => {
        for await (const { state } of client.status()) seen.push(state);
      })();
      await client.start();
      await client.stop();
      await feed;
      assert.equal(seen[0], 'idle');
      assert.ok(seen.indexOf('connecting') < seen.indexOf('connected'), seen.join());
      assert.equal(seen.at(-1), 'idle');
    }));

  test('await using stops the client', PATIENCE, async () => {
    const client = new Kafka({ brokers }).producer();
    await client.start();
    await client[Symbol.asyncDispose]();
    assert.equal(client.state, 'idle');
  });
});

/** The package's own TCP transport, with every broker behind one address: the proxy's. */
function redirecting(address) {
  const [host, port] = address.split(':');
  return { connect: (_host, _port, handlers) => tcp().connect(host, Number(port), handlers) };
}
