// The npm package in headless Chromium, through kafka-bridge, against the real Apache Kafka.

import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { Bridge, brokers, consoleConsumer, countRecords, freshTopic, kafkaTool, launch, otherOrigin, PATIENCE, withPage } from './site.mjs';

describe('in Chromium, through the bridge', () => {
  let browser;
  let bridge;
  before(async () => {
    [browser, bridge] = await Promise.all([launch(), Bridge.start('--allow-target-loopback')]);
  });
  after(() => Promise.all([browser?.close(), bridge?.stop()]));

  const options = () => ({ brokers, bridge: bridge.url });

  test('1 000 records arrive, with equal bytes as Kafka itself counts and prints them', PATIENCE, async () => {
    const topic = freshTopic('thousand');
    const sent = await withPage(browser, bridge.url, (page) =>
      page.evaluate(
        async ({ options, topic }) => {
          const producer = new window.kafkaWasm.Kafka(options).producer();
          const messages = Array.from({ length: 1_000 }, (_, i) => ({
            key: `key-${i}`,
            value: `value ${i} äöü 🦀 ${'x'.repeat(i)}`,
            headers: [['number', `${i}`], ['page', 'one'], ['page', 'two']],
          }));
          const some = producer.send({ topic, messages: messages.slice(0, 500) });
          await Promise.all([some, ...messages.slice(500).map((message) => producer.produce({ topic, ...message }))]);
          await producer.stop();
          return messages.map(({ key, value, headers }) => `${headers.map(([k, v]) => `${k}:${v}`).join(',')}\t${key}\t${value}`);
        },
        { options: options(), topic },
      ),
    );
    assert.equal(await countRecords(topic), 1_000);
    const printed = await consoleConsumer(topic, 1_000);
    assert.deepEqual(printed.sort(), sent.sort());
  });

  test('a page manages a topic, as Kafka itself sees it', PATIENCE, async () => {
    const topic = freshTopic('admin');
    const described = await withPage(browser, bridge.url, (page) =>
      page.evaluate(
        async ({ options, topic }) => {
          const { Kafka } = window.kafkaWasm;
          const admin = new Kafka(options).admin();
          await admin.createTopics({ topics: [{ topic, numPartitions: 3, replicationFactor: 1 }] });
          const again = await admin.createTopics({ topics: [{ topic }] }).catch(({ name, code }) => [name, code]);
          const producer = new Kafka(options).producer();
          await producer.send({ topic, messages: [0, 1, 2].map((partition) => ({ partition, value: 'x' })) });
          await producer.stop();
          await admin.deleteRecords({ partitions: [{ topic, partition: 2, offset: 1n }] });
          const ends = await admin.listOffsets({ partitions: [0, 2].map((partition) => ({ topic, partition, offset: 'earliest' })) });
          const [{ partitions }] = await admin.describeTopics({ topics: [topic] });
          await admin.stop();
          return [again, ends.map(({ offset }) => Number(offset)), partitions.length];
        },
        { options: options(), topic },
      ),
    );
    assert.deepEqual(described, [['ProtocolError', 'TOPIC_ALREADY_EXISTS'], [0, 1], 3]);
    // Kafka's tool adds the ends of the partitions up; what was deleted counts.
    assert.equal(await countRecords(topic), 3);
  });

  test('a page reads what Kafka itself has written', PATIENCE, async () => {
    const topic = freshTopic('console');
    const lines = Array.from({ length: 200 }, (_, i) => `h:${i},h:again\tkey-${i}\tvalue-${i}-ß`);
    await kafkaTool(
      'org.apache.kafka.tools.ConsoleProducer',
      ['--topic', topic, '--reader-property', 'parse.key=true', '--reader-property', 'parse.headers=true'],
      `${lines.join('\n')}\n`,
    );
    const read = await withPage(browser, bridge.url, (page) =>
      page.evaluate(
        async ({ options, topic, count }) => {
          const consumer = new window.kafkaWasm.Kafka(options).consumer();
          const partitions = await consumer.partitionsFor(topic);
          consumer.assign(partitions.map(({ partition }) => ({ topic, partition, offset: 'earliest' })));
          const text = (bytes) => new TextDecoder().decode(bytes);
          const seen = [];
          for await (const { key, headers, ...record } of consumer) {
            void record;
            seen.push({ key: text(key), headers: [...headers].map(([name, value]) => `${name}:${text(value)}`).join(',') });
            if (seen.length === count) break;
          }
          consumer.seekToBeginning();
          const values = [];
          while (values.length < count) for (const one of await consumer.poll()) values.push(`${text(one.key)}\t${one.text()}`);
          await consumer.stop();
          return { seen, values };
        },
        { options: options(), topic, count: lines.length },
      ),
    );
    const byKey = new Map(read.seen.map(({ key, headers }) => [key, headers]));
    const found = read.values.map((line) => `${byKey.get(line.split('\t')[0])}\t${line}`);
    assert.deepEqual(found.sort(), lines.sort());
  });

  test('a page says who it is: SCRAM with a password that a function finds, and with a wrong one', PATIENCE, async () => {
    const { KAFKA_SASL_PLAINTEXT, KAFKA_USERNAME: username, KAFKA_PASSWORD: password } = process.env;
    assert.ok(KAFKA_SASL_PLAINTEXT && username && password, 'the addresses of listeners that ask are not set');
    const asking = { ...options(), brokers: KAFKA_SASL_PLAINTEXT.split(',') };
    const found = await withPage(browser, bridge.url, (page) =>
      page.evaluate(
        async ({ options, topic, username, password }) => {
          const { AuthenticationError, Kafka } = window.kafkaWasm;
          const sasl = { mechanism: 'scram-sha-256', username };
          let asked = 0;
          const find = async () => {
            asked += 1;
            await new Promise((resolve) => setTimeout(resolve, 10));
            return password;
          };
          const kafka = new Kafka({ ...options, sasl: { ...sasl, password: find } });
          const [producer, consumer] = [kafka.producer(), kafka.consumer({ fetchMaxWaitMs: 100 })];
          await producer.produce({ topic, partition: 0, value: 'let in' });
          consumer.assign([{ topic, partition: 0, offset: 'earliest' }]);
          const [record] = await consumer.poll();
          await Promise.all([producer.stop(), consumer.stop()]);

          const stranger = new Kafka({ ...options, sasl: { ...sasl, password: 'wrong-4711' } }).producer();
          const refusal = await stranger.start().then(
            () => ({ code: 'STARTED' }),
            (error) => ({ ...window.describe(error), isTyped: error instanceof AuthenticationError }),
          );
          const { state } = stranger;
          await stranger.stop();
          return { text: record.text(), asked, refusal, state };
        },
        { options: asking, topic: freshTopic('sasl'), username, password },
      ),
    );
    assert.equal(found.text, 'let in');
    assert.ok(found.asked >= 2, 'each client asks for itself');
    const { refusal } = found;
    assert.deepEqual([refusal.code, refusal.isTyped, refusal.retriable, found.state], ['SASL_AUTHENTICATION_FAILED', true, false, 'idle']);
    assert.match(refusal.message, /check user name, password or token/);
    assert.doesNotMatch(JSON.stringify(refusal), /4711/);
  });

  test('in a worker', PATIENCE, async () => {
    const topic = freshTopic('worker');
    const offset = await withPage(browser, bridge.url, (page) =>
      page.evaluate(
        (message) =>
          new Promise((resolve, reject) => {
            const worker = new Worker('/worker.js', { type: 'module' });
            worker.onmessage = ({ data }) => resolve(`${data}`);
            worker.onerror = (event) => reject(new Error(event.message));
            worker.postMessage(message);
          }),
        { options: options(), topic },
      ),
    );
    assert.equal(offset, '0');
  });

  test('the bridge restarts, and every record arrives once', PATIENCE, async () => {
    const topic = freshTopic('restart');
    const flags = ['--allow-target-loopback', '--origin', bridge.url];
    let fragile = await Bridge.start(...flags);
    const { address } = fragile;
    await withPage(
      browser,
      bridge.url,
      async (page) => {
        await page.evaluate(
          async ({ options, topic }) => {
            const producer = new window.kafkaWasm.Kafka(options).producer({ reconnectBackoffMs: 20, reconnectBackoffMaxMs: 100 });
            await producer.start();
            window.sending = (async () => {
              const sent = [];
              for (let i = 0; i < 400; i += 1) {
                sent.push(producer.produce({ topic, partition: 0, value: `${i}` }));
                await new Promise((resolve) => setTimeout(resolve, 5));
              }
              const offsets = (await Promise.all(sent)).map(({ offset }) => Number(offset));
              await producer.stop();
              return offsets;
            })();
          },
          { options: { brokers, bridge: fragile.url }, topic },
        );
        await fragile.stop();
        fragile = await Bridge.start(...flags, '--listen', address);
        const offsets = await page.evaluate(() => window.sending);
        assert.deepEqual(offsets, Array.from({ length: 400 }, (_, i) => i));
      },
      /WebSocket/,
    ).finally(() => fragile.stop());
    assert.equal(await countRecords(topic), 400);
  });

  describe('what goes wrong is a typed error that says what to do', () => {
    /** The error with which a start with a time limit ends, in a page of that URL. */
    const startError = (url, options) =>
      withPage(
        browser,
        url,
        (page) =>
          page.evaluate(async (options) => {
            const client = new window.kafkaWasm.Kafka({ reconnectBackoffMs: 10, reconnectBackoffMaxMs: 50, ...options }).producer();
            const error = await client.start({ timeoutMs: 1_500 }).then(
              () => ({ code: 'STARTED' }),
              (error) => window.describe(error),
            );
            const { state } = client;
            await client.stop();
            return { ...error, state, is: error.code !== 'STARTED' };
          }, options),
        /WebSocket|403/,
      );
    /** An error and everything that caused it, in words. */
    const story = (error) => (error === undefined ? '' : `${error.code} ${error.closeCode ?? ''} ${error.message} ${story(error.cause)}`);

    test('an unreachable bridge', PATIENCE, async () => {
      const server = createServer();
      const port = await new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(server.address().port)));
      await new Promise((resolve) => server.close(resolve));
      const error = await startError(bridge.url, { brokers, bridge: `ws://127.0.0.1:${port}` });
      assert.match(story(error), /BRIDGE_UNREACHABLE 1006/);
      assert.match(story(error), /check that kafka-bridge runs/);
      assert.equal(error.state, 'idle');
    });

    test('a wrong Origin', PATIENCE, async () => {
      const elsewhere = await otherOrigin();
      const error = await startError(elsewhere.url, options());
      assert.match(story(error), /BRIDGE_UNREACHABLE 1006/);
      assert.match(story(error), /Origin/);
      await elsewhere.stop();
    });

    test('a target that the bridge does not know', PATIENCE, async () => {
      const error = await startError(bridge.url, { ...options(), brokers: ['kafka.example:9092'] });
      assert.match(story(error), /BRIDGE_TARGET_DENIED 4403/);
      assert.match(story(error), /bridge's targets/);
    });

    test('a broker that the bridge cannot reach', PATIENCE, async () => {
      const server = createServer();
      const port = await new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(server.address().port)));
      await new Promise((resolve) => server.close(resolve));
      const error = await startError(bridge.url, { ...options(), brokers: [`127.0.0.1:${port}`] });
      assert.match(story(error), /BROKER_REFUSED 4502/);
    });

    test('a token that is missing or wrong, and the right one', PATIENCE, async () => {
      const guarded = await Bridge.start('--allow-target-loopback', '--token', 'a-secret-of-some-length');
      const asked = { brokers, bridge: guarded.url };
      assert.match(story(await startError(guarded.url, asked)), /BRIDGE_UNAUTHENTICATED 4401/);
      assert.match(story(await startError(guarded.url, { ...asked, bridgeToken: 'wrong' })), /BRIDGE_UNAUTHENTICATED 4401/);
      assert.equal((await startError(guarded.url, { ...asked, bridgeToken: 'a-secret-of-some-length' })).code, 'STARTED');
      await guarded.stop();
    });

    test('no bridge at all', PATIENCE, async () => {
      const error = await withPage(browser, bridge.url, (page) =>
        page.evaluate((brokers) => {
          try {
            return new window.kafkaWasm.Kafka({ brokers });
          } catch (error) {
            return window.describe(error);
          }
        }, brokers),
      );
      assert.equal(error.code, 'INVALID_CONFIG');
      assert.match(error.message, /^bridge /);
    });
  });
});
