// Records go to a real Kafka and come back as they were.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { failure, freshTopic, PATIENCE, readAll, withClients } from './package.mjs';

const bytes = (text) => new TextEncoder().encode(text);
const text = (content) => (content === null ? null : new TextDecoder().decode(content));

describe('records', () => {
  test('keys, values, headers and timestamps come back as they were sent', PATIENCE, () =>
    withClients(async ({ producer, consumer }) => {
      const topic = freshTopic('roundtrip');
      const headers = [['a', '1'], ['b', bytes('two')], ['a', '3'], ['ü', 'ß'], ['empty', ''], ['null', null]];
      const sent = [
        { key: 'k', value: 'v', headers, timestamp: 1_700_000_000_123 },
        { key: null, value: 'no key' },
        { value: null, key: 'tombstone' },
        { key: '', value: '' },
        { key: null, value: null },
        { key: 'ключ', value: 'a longer text with ünïcödé and 🦀, more than twenty-four characters' },
        { key: bytes('bytes'), value: new Uint8Array([0, 255, 128]), headers: { one: 'x', many: ['y', 'z'] } },
        { value: '\u{d800} lone surrogates become the replacement character' },
        { value: new Uint8Array(200_000).fill(7) },
      ];
      const reports = await producer().send({ topic, messages: sent.map((message) => ({ ...message, partition: 0 })) });
      assert.equal(reports.reduce((sum, { recordCount }) => sum + recordCount, 0), sent.length);
      const records = await readAll(consumer(), topic, sent.length);
      assert.deepEqual(records.map(({ offset }) => offset), sent.map((_, i) => BigInt(i)));
      assert.deepEqual(records.map(({ key }) => text(key)).slice(0, 6), ['k', null, 'tombstone', '', null, 'ключ']);
      assert.deepEqual(records.map((record) => record.text()).slice(0, 5), ['v', 'no key', null, '', null]);
      assert.equal(records[5].text(), sent[5].value);
      assert.deepEqual([...records[6].value], [0, 255, 128]);
      assert.equal(records[7].text(), '\u{fffd} lone surrogates become the replacement character');
      assert.ok(records[8].value.length === 200_000 && records[8].value.every((byte) => byte === 7));

      const [first] = records;
      assert.equal(first.timestamp, 1_700_000_000_123n);
      assert.equal(first.timestampType, 'CreateTime');
      assert.equal(first.headers.size, headers.length);
      assert.deepEqual(
        [...first.headers].map(([name, value]) => [name, text(value)]),
        [['a', '1'], ['b', 'two'], ['a', '3'], ['ü', 'ß'], ['empty', ''], ['null', null]],
      );
      assert.deepEqual(first.headers.getAll('a').map(text), ['1', '3']);
      assert.equal(text(first.headers.get('a')), '3');
      assert.equal(first.headers.get('absent'), undefined);
      assert.deepEqual([...records[6].headers].map(([name, value]) => [name, text(value)]), [['one', 'x'], ['many', 'y'], ['many', 'z']]);
      assert.equal(records[1].headers.size, 0);
      assert.ok(Math.abs(Number(records[1].timestamp) - Date.now()) < 60_000, 'a record without a time gets the present');
    }));

  test('produce() says where each record went', PATIENCE, () =>
    withClients(async ({ producer, consumer }) => {
      const topic = freshTopic('metadata');
      const client = producer();
      const sent = await Promise.all(
        Array.from({ length: 3_000 }, (_, i) => client.produce({ topic, key: `key-${i % 100}`, value: `${i}` })),
      );
      const records = await readAll(consumer(), topic, sent.length);
      const places = new Map(records.map((record) => [record.text(), `${record.partition}:${record.offset}`]));
      sent.forEach((metadata, i) => {
        assert.equal(metadata.topic, topic);
        assert.equal(places.get(`${i}`), `${metadata.partition}:${metadata.offset}`);
      });
      const partitionOf = new Map();
      for (const { key, partition } of records) {
        const name = text(key);
        assert.equal(partitionOf.get(name) ?? partition, partition, 'equal keys go to one partition');
        partitionOf.set(name, partition);
      }
      assert.deepEqual(new Set(partitionOf.values()), new Set([0, 1, 2]));
    }));

  test('records of one partition keep their order', PATIENCE, () =>
    withClients(async ({ producer, consumer }) => {
      const topic = freshTopic('order');
      const client = producer({ batchSize: 2_000 });
      const messages = Array.from({ length: 20_000 }, (_, i) => ({ partition: 1, value: `${i}` }));
      const lanes = [];
      for (let i = 0; i < messages.length; i += 100) lanes.push(client.send({ topic, messages: messages.slice(i, i + 100) }));
      const reports = (await Promise.all(lanes)).flat();
      assert.equal(reports.reduce((sum, { recordCount }) => sum + recordCount, 0), messages.length);
      const records = await readAll(consumer(), topic, messages.length);
      records.forEach((record, i) => assert.equal(record.text(), `${i}`));
    }));

  test('sendBatch() sends to several topics', PATIENCE, () =>
    withClients(async ({ producer, consumer }) => {
      const topics = [freshTopic('batch-a'), freshTopic('batch-b')];
      const topicMessages = topics.map((topic, i) => ({ topic, messages: [{ value: `${i}` }, { value: `${i}!` }] }));
      const reports = await producer().sendBatch({ topicMessages });
      assert.deepEqual(new Set(reports.map(({ topic }) => topic)), new Set(topics));
      for (const [i, topic] of topics.entries()) {
        const records = await readAll(consumer(), topic, 2);
        assert.deepEqual(records.map((record) => record.text()).sort(), [`${i}`, `${i}!`]);
      }
    }));

  test('more than the buffer holds is sent, a piece at a time', PATIENCE, () =>
    withClients(async ({ producer, consumer }) => {
      const topic = freshTopic('buffer');
      const client = producer({ bufferMemory: 1024 * 1024, maxRequestSize: 256 * 1024, batchSize: 16 * 1024 });
      const value = 'x'.repeat(1_000);
      const many = client.send({ topic, messages: Array.from({ length: 5_000 }, (_, i) => ({ partition: i % 3, value })) });
      const singles = Array.from({ length: 1_000 }, (_, i) => client.produce({ topic, partition: i % 3, value: `s${i}` }));
      const reports = await many;
      await Promise.all(singles);
      assert.equal(reports.reduce((sum, { recordCount }) => sum + recordCount, 0), 5_000);
      assert.equal(client.bufferedBytes, 0);
      const records = await readAll(consumer(), topic, 6_000);
      const order = records.filter(({ partition }) => partition === 0).map((record) => record.text());
      assert.deepEqual(order.slice(-3), ['s993', 's996', 's999'], 'what waited for room kept its order');
    }));

  test('flush() ends when everything has', PATIENCE, () =>
    withClients(async ({ producer }) => {
      const topic = freshTopic('flush');
      const client = producer({ lingerMs: 30_000, deliveryTimeoutMs: 60_000 });
      let ended = 0;
      for (let i = 0; i < 100; i += 1) client.produce({ topic, value: `${i}` }).then(() => (ended += 1));
      await client.flush({ timeoutMs: 20_000 });
      assert.equal(ended, 100);
    }));

  test('acks 0 and 1 work, and without acks there are no offsets', PATIENCE, () =>
    withClients(async ({ producer, consumer }) => {
      const topic = freshTopic('acks');
      const leader = await producer({ acks: 1, idempotent: false }).produce({ topic, partition: 0, value: 'leader' });
      assert.equal(leader.offset, 0n);
      const nobody = await producer({ acks: 0, idempotent: false }).produce({ topic, partition: 0, value: 'nobody' });
      assert.equal(nobody.offset, undefined);
      const records = await readAll(consumer(), topic, 2);
      assert.deepEqual(records.map((record) => record.text()), ['leader', 'nobody']);
    }));

  test('CF5, CF8: extra headers are added to records that lack them', PATIENCE, () =>
    withClients(
      async ({ producer, consumer }) => {
        const topic = freshTopic('extra');
        const client = producer({ extraHeaders: { b: 'producer', c: null } });
        await client.send({ topic, messages: [{ partition: 0, value: '1' }, { partition: 0, value: '2', headers: [['b', 'own'], ['b', 'own too']] }] });
        const records = await readAll(consumer(), topic, 2);
        const shown = records.map(({ headers }) => [...headers].map(([name, value]) => `${name}=${text(value)}`));
        assert.deepEqual(shown, [['a=kafka', 'b=producer'], ['b=own', 'b=own too', 'a=kafka']]);
      },
      { extraHeaders: { a: 'kafka', b: 'kafka', c: 'kafka' } },
    ));

  test('what cannot be sent is refused with a typed error, and the rest is sent', PATIENCE, () =>
    withClients(async ({ producer, consumer }) => {
      const topic = freshTopic('refused');
      const client = producer({ maxRequestSize: 10_000 });
      await failure(client.produce({ topic, value: 'x'.repeat(20_000) }), 'RECORD_TOO_LARGE');
      await failure(client.produce({ topic, value: new Uint8Array(1_000_000) }), 'RECORD_TOO_LARGE');
      await failure(client.produce({ topic, value: 42 }), 'INVALID_ARGUMENT');
      await failure(client.produce({ topic, value: 'x', key: {} }), 'INVALID_ARGUMENT');
      await failure(client.produce({ topic, value: 'x', partition: -1 }), 'INVALID_ARGUMENT');
      await failure(client.produce({ topic, value: 'x', timestamp: 1.5 }), 'INVALID_ARGUMENT');
      await failure(client.produce({ topic, value: 'x', headers: { a: 1 } }), 'INVALID_ARGUMENT');
      await failure(client.produce({ topic: 'no spaces', value: 'x' }), 'INVALID_ARGUMENT');
      await failure(client.produce({ topic: '', value: 'x' }), 'INVALID_ARGUMENT');
      await failure(client.send({ topic, messages: 'x' }), 'INVALID_ARGUMENT');
      const error = await failure(client.send({ topic, messages: [{ value: 'a' }, { value: 1n }] }), 'INVALID_ARGUMENT');
      assert.match(error.message, /messages\[1\]\.value/);
      assert.equal(error.name, 'SerializationError');
      const mixed = [{ value: 'small' }, { value: 'x'.repeat(20_000) }, { value: 'small too' }];
      await failure(client.send({ topic, messages: mixed }), 'RECORD_TOO_LARGE');
      assert.deepEqual(await client.send({ topic, messages: [] }), []);
      await client.produce({ topic, partition: 0, value: 'after' });
      const records = await readAll(consumer(), topic, 3);
      assert.deepEqual(records.map((record) => record.text()).sort(), ['after', 'small', 'small too']);
    }));

  test('a partition that does not exist is an error that says so', PATIENCE, () =>
    withClients(async ({ producer }) => {
      const topic = freshTopic('no-partition');
      const client = producer({ requestTimeoutMs: 3_000, deliveryTimeoutMs: 3_000 });
      await client.produce({ topic, partition: 2, value: 'there' });
      const error = await client.produce({ topic, partition: 99, value: 'not there' }).then(() => assert.fail('sent'), (error) => error);
      assert.match(error.message, /99/);
    }));

  test('records are whole though another client has made the memory grow since the last turn', PATIENCE, () =>
    withClients(async ({ producer, consumer }) => {
      const topic = freshTopic('grown');
      const [client, other] = [producer(), producer({ bufferMemory: 64 * 1024 * 1024 })];
      // From now on both take records at once.
      await client.produce({ topic, partition: 0, value: 'before' });
      await other.produce({ topic, partition: 1, value: 'before' });
      const large = Array.from({ length: 40 }, () => ({ value: new Uint8Array(900_000), partition: 1 }));
      const sent = [other.send({ topic, messages: large })];
      // In the same turn: short and long, for they are written in different ways.
      for (const value of ['short', 'longer than twenty-four characters', new Uint8Array([1, 2, 3])]) {
        sent.push(client.produce({ topic, partition: 0, key: 'k', value }));
      }
      await Promise.all(sent);
      const reader = consumer();
      reader.assign([{ topic, partition: 0, offset: 'earliest' }]);
      const records = [];
      while (records.length < 4) records.push(...(await reader.poll()));
      const expected = ['before', 'short', 'longer than twenty-four characters', '\x01\x02\x03'];
      assert.deepEqual(records.map((record) => record.text()), expected);
    }));
});
