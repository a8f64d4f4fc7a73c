// Compressed batches, between us, Kafka's own codecs and kafkajs.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { CompressionTypes, Kafka as KafkaJs, logLevel } from 'kafkajs';
import { brokers, freshTopic, Kafka, PATIENCE, readAll, withClients } from './package.mjs';

const CODECS = ['gzip', 'snappy', 'lz4', 'zstd'];
const text = (content) => (content === null || content === undefined ? null : Buffer.from(content).toString());

/** Records which compress well, badly and not at all, with everything a record can have. */
const records = (about) =>
  Array.from({ length: 120 }, (_, i) => ({
    partition: 0,
    key: i % 5 === 0 ? null : `key-${about}-${i}`,
    value: i % 7 === 0 ? null : i % 3 === 0 ? noise(i * 40) : `${about} ${'again and again '.repeat(i)}${i}`,
    headers: [['n', `${i}`], ['twice', 'a'], ['twice', 'ß🦀'], ['null', null]],
    timestamp: 1_700_000_000_000 + i,
  }));

function noise(size) {
  const bytes = new Uint8Array(size);
  for (let i = 0, state = size; i < size; i++) bytes[i] = (state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0) >>> 16;
  return bytes;
}

function assertSame(found, sent) {
  assert.equal(found.length, sent.length);
  found.forEach((record, i) => {
    const { key, value, headers, timestamp } = sent[i];
    assert.equal(text(record.key), key);
    assert.deepEqual(record.value && Buffer.from(record.value), value === null ? null : Buffer.from(value));
    assert.deepEqual([...record.headers].map(([name, content]) => [name, text(content)]), headers);
    assert.equal(record.timestamp, BigInt(timestamp));
  });
}

describe('compression', () => {
  const kafkaJs = new KafkaJs({ clientId: 'compression', brokers, logLevel: logLevel.NOTHING });
  const admin = kafkaJs.admin();
  before(() => admin.connect());
  after(() => admin.disconnect());

  const topicOf = async (name, entries = {}) => {
    const topic = freshTopic(name);
    const configEntries = Object.entries(entries).map(([name, value]) => ({ name, value }));
    await admin.createTopics({ topics: [{ topic, numPartitions: 1, configEntries }], waitForLeaders: true });
    return topic;
  };

  // Kafka opens every compressed batch to check it. With `compression.type` it packs all others anew, with its own codecs.
  for (const codec of CODECS) {
    test(`what Kafka packs anew with ${codec} is what we sent, however that was compressed`, PATIENCE, () =>
      withClients(async ({ producer, consumer }) => {
        const topic = await topicOf(`packed-${codec}`, { 'compression.type': codec });
        const sent = [];
        for (const compression of [...CODECS, 'none']) {
          const messages = records(compression);
          await producer({ compression }).send({ topic, messages });
          sent.push(...messages);
        }
        assertSame(await readAll(consumer(), topic, sent.length), sent);
      }));
  }

  test('one call is compressed in another way than the others, and order is kept', PATIENCE, () =>
    withClients(async ({ producer, consumer }) => {
      const topic = await topicOf('by-call');
      const writer = producer({ compression: 'gzip' });
      const calls = [undefined, 'zstd', 'none', 'lz4', undefined, 'snappy'];
      const sent = calls.map((compression) => records(`${compression}`));
      await Promise.all(calls.map((compression, i) => writer.send({ topic, messages: sent[i], compression })));
      assertSame(await readAll(consumer(), topic, 120 * calls.length), sent.flat());
      await writer.sendBatch({ topicMessages: [{ topic, messages: sent[0] }], compression: 'lz4' });
      const wrong = writer.send({ topic, messages: sent[0], compression: 'brotli' });
      await assert.rejects(wrong, { code: 'INVALID_ARGUMENT', message: /compression: expected one of "none", "gzip".*"brotli"/ });
    }));

  test('an option that is none names its key', () => {
    const kafka = new Kafka({ brokers });
    assert.throws(() => kafka.producer({ compression: 'GZIP' }), { code: 'INVALID_CONFIG', message: /compression.*"gzip"/ });
    assert.equal(kafka.producer({ compression: 'zstd' }).resolvedConfig().compression.value, 'zstd');
  });

  test('kafkajs and we read what the other has gzipped', PATIENCE, () =>
    withClients(async ({ producer, consumer }) => {
      const topic = await topicOf('kafkajs');
      const theirs = kafkaJs.producer();
      await theirs.connect();
      const headers = { h: ['1', '2'] };
      await theirs.send({ topic, compression: CompressionTypes.GZIP, messages: [{ key: 'theirs', value: 'v'.repeat(9_999), headers }] });
      await theirs.disconnect();
      await producer({ compression: 'gzip' }).send({ topic, messages: [{ key: 'ours', value: 'w'.repeat(9_999), headers }] });
      for (const record of await readAll(consumer(), topic, 2)) {
        assert.equal(record.value.length, 9_999);
        assert.deepEqual(record.headers.getAll('h').map(text), ['1', '2']);
      }
      const reader = kafkaJs.consumer({ groupId: topic, maxWaitTimeInMs: 100 });
      await reader.connect();
      await reader.subscribe({ topic, fromBeginning: true });
      const seen = [];
      await new Promise((resolve, reject) => {
        const eachMessage = async ({ message }) => {
          seen.push([text(message.key), message.value.length, message.headers.h.map(text).join()]);
          if (seen.length === 2) resolve();
        };
        reader.run({ eachMessage }).catch(reject);
      });
      await reader.disconnect();
      assert.deepEqual(seen, [['theirs', 9_999, '1,2'], ['ours', 9_999, '1,2']]);
    }));
});
