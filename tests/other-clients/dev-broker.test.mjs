// Other people's clients against the simulated cluster: they share no code with it, and no belief about the protocol.
//
// Wants KAFKA_BRIDGE, the path of a built kafka-bridge: `cargo xtask test --only other-clients` sets it.

import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Consumer, ProduceAcks, Producer, stringDeserializers, stringSerializers } from '@platformatic/kafka';
import { CompressionTypes, Kafka, logLevel } from 'kafkajs';

const { KAFKA_BRIDGE } = process.env;
assert.ok(KAFKA_BRIDGE, 'KAFKA_BRIDGE is not set: run this with `cargo xtask test --only other-clients`');

const HERE = dirname(fileURLToPath(import.meta.url));
const NODES = 3;
const LIBRDKAFKA = 'confluent-kafka==2.16.1';
const PATIENCE = { timeout: 60_000 };

/** Starts a bridge with a dev broker and returns the addresses of its nodes. */
async function startDevBroker() {
  const arguments_ = ['--dev-broker', '--dev-broker-nodes', String(NODES), '--listen', '127.0.0.1:0'];
  const bridge = spawn(KAFKA_BRIDGE, arguments_, { stdio: ['ignore', 'pipe', 'inherit'] });
  const brokers = [];
  for await (const line of createInterface(bridge.stdout)) {
    const [name, address] = line.split('=');
    if (name === 'dev-broker') brokers.push(address);
    if (brokers.length === NODES) return { bridge, brokers };
  }
  throw new Error('kafka-bridge ended before it named its dev brokers');
}

describe('the dev broker', () => {
  let bridge;
  let brokers;
  before(async () => ({ bridge, brokers } = await startDevBroker()), PATIENCE);
  after(() => bridge?.kill());

  /** Reads every record of a topic from its leaders, as platformatic's client decodes them. */
  async function readAll(topic) {
    const options = { clientId: 'reader', groupId: 'reader', bootstrapBrokers: brokers };
    const consumer = new Consumer({ ...options, deserializers: stringDeserializers });
    try {
      const { id: topicId, partitions } = (await consumer.metadata({ topics: [topic] })).topics.get(topic);
      const records = [];
      for (const [partition, { leader, leaderEpoch }] of Object.entries(partitions)) {
        let fetchOffset = 0n;
        for (let highWatermark = 1n; fetchOffset < highWatermark; ) {
          const wanted = {
            partition: Number(partition),
            currentLeaderEpoch: leaderEpoch,
            fetchOffset,
            lastFetchedEpoch: -1,
            partitionMaxBytes: 1 << 20,
          };
          const response = await consumer.fetch({
            node: leader,
            maxWaitTime: 100,
            minBytes: 1,
            maxBytes: 1 << 20,
            topics: [{ topicId, partitions: [wanted] }],
          });
          const [data] = response.responses[0].partitions;
          assert.equal(data.errorCode, 0);
          highWatermark = data.highWatermark;
          for (const batch of data.records ?? []) {
            records.push(...batch.records);
            fetchOffset = batch.firstOffset + BigInt(batch.lastOffsetDelta) + 1n;
          }
        }
      }
      return records;
    } finally {
      await consumer.close(true);
    }
  }

  async function withKafkajs(options, use) {
    const kafka = new Kafka({ clientId: 'kafkajs', brokers, logLevel: logLevel.NOTHING });
    const producer = kafka.producer(options);
    const admin = kafka.admin();
    await Promise.all([producer.connect(), admin.connect()]);
    try {
      return await use(producer, admin);
    } finally {
      await Promise.all([producer.disconnect(), admin.disconnect()]);
    }
  }

  for (const [name, options, acks] of [
    ['acks 1', {}, 1],
    ['acks all', {}, -1],
    ['an idempotent producer', { idempotent: true, maxInFlightRequests: 1 }, -1],
  ]) {
    test(`kafkajs, ${name}: every record is there, key, value and headers intact`, PATIENCE, async () => {
      const topic = `kafkajs-${name.replaceAll(' ', '-')}`;
      const sent = Array.from({ length: 200 }, (_, n) => ({ key: `k${n}`, value: `v${n}`, headers: { n: `${n}` } }));
      const offsets = await withKafkajs(options, async (producer, admin) => {
        await producer.send({ topic, acks, messages: sent.slice(0, 100) });
        await producer.send({ topic, acks, messages: sent.slice(100) });
        return admin.fetchTopicOffsets(topic);
      });
      assert.equal(offsets.reduce((sum, { high }) => sum + Number(high), 0), sent.length);
      const read = (await readAll(topic)).map(({ key, value, headers }) => [
        String(key),
        String(value),
        Object.fromEntries([...headers].map(([name, value]) => [String(name), String(value)])),
      ]);
      const expected = sent.map(({ key, value, headers }) => [key, value, headers]);
      assert.deepEqual(read.sort(), expected.sort());
    });
  }

  test('kafkajs, acks 0 and gzip: nothing is lost', PATIENCE, async () => {
    const topic = 'kafkajs-quiet';
    const high = await withKafkajs({}, async (producer, admin) => {
      const messages = [{ partition: 0, value: 'x'.repeat(10_000) }];
      await producer.send({ topic, acks: -1, messages, compression: CompressionTypes.GZIP });
      await producer.send({ topic, acks: 0, messages });
      // The answer to this one comes after both others: they go over one connection to one leader.
      await producer.send({ topic, acks: -1, messages });
      const offsets = await admin.fetchTopicOffsets(topic);
      return offsets.reduce((sum, { high }) => sum + Number(high), 0);
    });
    assert.equal(high, 3);
  });

  test('kafkajs: offsets by time', PATIENCE, async () => {
    const topic = 'kafkajs-times';
    await withKafkajs({}, async (producer, admin) => {
      const messages = [10, 20, 30].map((time) => ({ partition: 0, value: 'x', timestamp: String(time * 1_000) }));
      await producer.send({ topic, messages });
      const at = async (time) => {
        const offsets = await admin.fetchTopicOffsetsByTimestamp(topic, time);
        return offsets.find(({ partition }) => partition === 0).offset;
      };
      assert.deepEqual([await at(1), await at(10_001), await at(30_000)], ['0', '1', '2']);
    });
  });

  test('kafkajs: topics are created, grow and are deleted', PATIENCE, async () => {
    const topic = 'kafkajs-admin';
    await withKafkajs({}, async (producer, admin) => {
      assert.equal(await admin.createTopics({ topics: [{ topic, numPartitions: 2, replicationFactor: 3 }], waitForLeaders: true }), true);
      assert.equal(await admin.createTopics({ topics: [{ topic }] }), false, 'it is there already');
      await admin.createPartitions({ topicPartitions: [{ topic, count: 3 }] });
      const [{ partitions }] = (await admin.fetchTopicMetadata({ topics: [topic] })).topics;
      assert.deepEqual(partitions.map(({ partitionId, replicas }) => [partitionId, replicas.length]).sort(), [[0, 3], [1, 3], [2, 3]]);
      await producer.send({ topic, messages: [0, 1].map((n) => ({ partition: 1, value: `${n}` })) });
      await admin.deleteTopicRecords({ topic, partitions: [{ partition: 1, offset: '1' }] });
      const [{ low }] = (await admin.fetchTopicOffsets(topic)).filter(({ partition }) => partition === 1);
      assert.equal(low, '1');
      await admin.deleteTopics({ topics: [topic] });
      assert.ok(!(await admin.listTopics()).includes(topic));
    });
  });

  for (const idempotent of [false, true]) {
    test(`@platformatic/kafka, idempotent ${idempotent}: every record is there`, PATIENCE, async () => {
      const topic = `platformatic-${idempotent}`;
      const options = { clientId: 'platformatic', bootstrapBrokers: brokers, serializers: stringSerializers };
      const producer = new Producer({ ...options, autocreateTopics: true, idempotent, retries: 10, retryDelay: 100 });
      const messages = Array.from({ length: 300 }, (_, n) => ({ topic, key: `k${n}`, value: `v${n}` }));
      try {
        await producer.send({ messages, acks: ProduceAcks.ALL });
      } finally {
        await producer.close();
      }
      const read = (await readAll(topic)).map(({ key, value }) => `${key} ${value}`);
      assert.deepEqual(read.sort(), messages.map(({ key, value }) => `${key} ${value}`).sort());
    });
  }

  test('librdkafka: produces in every compression and reads it all back', { timeout: 180_000 }, () => {
    const target = join(HERE, '..', '..', 'target', 'other-clients', LIBRDKAFKA);
    if (!existsSync(join(target, 'confluent_kafka'))) {
      const quiet = ['--quiet', '--root-user-action=ignore', '--disable-pip-version-check'];
      const pip = ['-m', 'pip', 'install', ...quiet, '--target', target, LIBRDKAFKA];
      execFileSync('python3', pip, { stdio: 'inherit' });
    }
    const environment = { ...process.env, PYTHONPATH: target };
    const script = join(HERE, 'librdkafka.py');
    execFileSync('python3', [script, brokers[0]], { env: environment, stdio: 'inherit', timeout: 120_000 });
  });
});
