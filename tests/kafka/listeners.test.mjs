// Every listener of the cluster that `cargo xtask` starts serves a public client: what the other tests stand on.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, describe, test } from 'node:test';
import { Kafka, logLevel } from 'kafkajs';

const { KAFKA_BOOTSTRAP, KAFKA_SASL_PLAINTEXT, KAFKA_SSL, KAFKA_SSL_CA, KAFKA_USERNAME, KAFKA_PASSWORD } = process.env;
assert.ok(KAFKA_BOOTSTRAP, 'KAFKA_BOOTSTRAP is not set: run this with `cargo xtask test --only kafka-listeners`');

const sasl = (mechanism) => ({
  brokers: KAFKA_SASL_PLAINTEXT.split(','),
  sasl: { mechanism, username: KAFKA_USERNAME, password: KAFKA_PASSWORD },
});
const listeners = {
  plaintext: { brokers: KAFKA_BOOTSTRAP.split(',') },
  'SASL PLAIN': sasl('plain'),
  'SCRAM-SHA-256': sasl('scram-sha-256'),
  'SCRAM-SHA-512': sasl('scram-sha-512'),
  TLS: { brokers: KAFKA_SSL.split(','), ssl: { ca: [readFileSync(KAFKA_SSL_CA, 'utf8')] } },
};

describe('listeners of the real Apache Kafka', () => {
  const run = process.pid;
  const closing = [];
  after(() => Promise.all(closing.map((client) => client.disconnect())));

  for (const [name, options] of Object.entries(listeners)) {
    test(`${name}: a record comes back as it was sent`, { timeout: 60_000 }, async () => {
      const kafka = new Kafka({ clientId: 'listeners', logLevel: logLevel.NOTHING, ...options });
      const topic = `listeners-${name.toLowerCase().replace(/[^a-z0-9]/g, '-')}-${run}`;
      const admin = kafka.admin();
      closing.push(admin);
      await admin.connect();
      await admin.createTopics({ topics: [{ topic, numPartitions: 1 }], waitForLeaders: true });
      const producer = kafka.producer();
      closing.push(producer);
      await producer.connect();
      await producer.send({ topic, messages: [{ key: 'k', value: name, headers: { h: 'x' } }] });
      const consumer = kafka.consumer({ groupId: topic, maxWaitTimeInMs: 100 });
      closing.push(consumer);
      await consumer.connect();
      await consumer.subscribe({ topic, fromBeginning: true });
      const message = await new Promise((resolve, reject) => {
        consumer.run({ eachMessage: async ({ message }) => resolve(message) }).catch(reject);
      });
      assert.equal(message.key.toString(), 'k');
      assert.equal(message.value.toString(), name);
      assert.equal(message.headers.h.toString(), 'x');
    });
  }

  test('a wrong password is refused', { timeout: 60_000 }, async () => {
    const options = sasl('scram-sha-256');
    options.sasl.password = 'wrong';
    const kafka = new Kafka({ clientId: 'listeners', logLevel: logLevel.NOTHING, retry: { retries: 0 }, ...options });
    const admin = kafka.admin();
    closing.push(admin);
    await assert.rejects(admin.connect(), /[Aa]uthentication/);
  });
});
