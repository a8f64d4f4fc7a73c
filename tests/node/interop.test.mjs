// Other people's client reads what we write, and we read what it writes.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Kafka as KafkaJs, logLevel, Partitioners } from 'kafkajs';
import { brokers, freshTopic, PATIENCE, readAll, withClients } from './package.mjs';

const text = (content) => (content === null || content === undefined ? null : Buffer.from(content).toString());

describe('kafkajs', () => {
  const kafkaJs = new KafkaJs({ clientId: 'interop', brokers, logLevel: logLevel.NOTHING });
  const admin = kafkaJs.admin();
  const theirs = kafkaJs.producer({ createPartitioner: Partitioners.DefaultPartitioner });
  before(() => Promise.all([admin.connect(), theirs.connect()]));
  after(() => Promise.all([admin.disconnect(), theirs.disconnect()]));

  const topicOf = async (name) => {
    const topic = freshTopic(name);
    await admin.createTopics({ topics: [{ topic, numPartitions: 3 }], waitForLeaders: true });
    return topic;
  };

  test('reads what we write, headers and all', PATIENCE, () =>
    withClients(async ({ producer }) => {
      const topic = await topicOf('interop-write');
      const messages = Array.from({ length: 300 }, (_, i) => ({
        key: i % 7 === 0 ? null : `key-${i}`,
        value: i % 11 === 0 ? null : `value-${i}-ß🦀`,
        headers: [['n', `${i}`], ['twice', 'a'], ['twice', 'b'], ['nothing', '']],
        timestamp: 1_700_000_000_000 + i,
      }));
      await producer().send({ topic, messages });
      const consumer = kafkaJs.consumer({ groupId: topic, maxWaitTimeInMs: 100 });
      await consumer.connect();
      await consumer.subscribe({ topic, fromBeginning: true });
      const seen = new Map();
      await new Promise((resolve, reject) => {
        const eachMessage = async ({ message }) => {
          seen.set(Number(text(message.headers.n)), message);
          if (seen.size === messages.length) resolve();
        };
        consumer.run({ eachMessage }).catch(reject);
      });
      await consumer.disconnect();
      messages.forEach((message, i) => {
        const { key, value, headers, timestamp } = seen.get(i);
        assert.equal(text(key), message.key);
        assert.equal(text(value), message.value);
        assert.equal(timestamp, `${message.timestamp}`);
        assert.deepEqual(headers.twice.map(text), ['a', 'b']);
        assert.equal(text(headers.nothing), '');
      });
    }));

  test('writes what we read, and puts keys where we do', PATIENCE, () =>
    withClients(async ({ producer, consumer }) => {
      const topic = await topicOf('interop-read');
      const keys = Array.from({ length: 200 }, (_, i) => `key-${i}`);
      await theirs.send({
        topic,
        messages: keys.map((key) => ({ key, value: `theirs ${key}`, headers: { many: ['1', '2'], one: Buffer.from([0, 1]) } })),
      });
      await producer().send({ topic, messages: keys.map((key) => ({ key, value: `ours ${key}` })) });
      const records = await readAll(consumer(), topic, 2 * keys.length);
      const places = new Map();
      for (const record of records) {
        const key = text(record.key);
        assert.equal(places.get(key) ?? record.partition, record.partition, `${key} lies in two partitions`);
        places.set(key, record.partition);
        if (!record.text().startsWith('theirs')) continue;
        assert.deepEqual(record.headers.getAll('many').map(text), ['1', '2']);
        assert.deepEqual([...record.headers.get('one')], [0, 1]);
      }
      assert.equal(places.size, keys.length);
    }));
});
