// The admin client against Apache Kafka; what it did, kafkajs sees as well.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Kafka as KafkaJs, logLevel } from 'kafkajs';
import { brokers, failure, freshTopic, Kafka, PATIENCE, until, withClients } from './package.mjs';

describe('the admin client', () => {
  const kafka = new Kafka({ brokers });
  const admin = kafka.admin();
  const theirs = new KafkaJs({ clientId: 'admin', brokers, logLevel: logLevel.NOTHING }).admin();
  before(() => theirs.connect());
  after(() => Promise.all([admin.stop(), theirs.disconnect()]));

  test('a topic from its creation to its end, as kafkajs sees it, too', PATIENCE, async () => {
    const topic = freshTopic('admin');
    const wanted = { topic, numPartitions: 3, replicationFactor: 1, configEntries: [{ name: 'retention.ms', value: '86400000' }] };
    assert.deepEqual(await admin.createTopics({ topics: [wanted], validateOnly: true }), [{ topic }]);
    assert.deepEqual(await admin.createTopics({ topics: [wanted] }), [{ topic }]);
    const again = await failure(admin.createTopics({ topics: [wanted, { topic: `${topic}-b`, numPartitions: 1 }] }), 'TOPIC_ALREADY_EXISTS');
    assert.equal([again.name, again.retriable, again.message.includes(topic)].join(), 'ProtocolError,false,true');
    assert.deepEqual(again.results.map((result) => [result.topic, result.error?.code]), [[topic, 'TOPIC_ALREADY_EXISTS'], [`${topic}-b`, undefined]]);

    const [described] = await admin.describeTopics({ topics: [topic] });
    assert.deepEqual(described.partitions.map(({ partition, leader, replicas }) => [partition, leader, replicas]), [0, 1, 2].map((n) => [n, 1, [1]]));
    assert.match(described.topicId, /^[\w-]{22}$/);
    await until('kafkajs sees the topic', async () => (await theirs.listTopics()).includes(topic));
    assert.equal((await theirs.fetchTopicMetadata({ topics: [topic] })).topics[0].partitions.length, 3);

    assert.deepEqual(await admin.createPartitions({ topicPartitions: [{ topic, count: 5 }] }), [{ topic }]);
    const fewer = await failure(admin.createPartitions({ topicPartitions: [{ topic, count: 2 }] }), 'INVALID_PARTITIONS');
    assert.match(fewer.message, /2/, 'the broker says more');
    await until('there are five', async () => (await admin.describeTopics({ topics: [topic] }))[0].partitions.length === 5);
    const listed = await admin.listTopics();
    assert.equal(listed.find((one) => one.topic === topic).partitions.length, 5);
    assert.ok(listed.every(({ isInternal }) => !isInternal));

    await withClients(async ({ producer }) => {
      await producer().send({ topic, messages: Array.from({ length: 10 }, (_, i) => ({ value: `${i}`, partition: 1, timestamp: 1_000 + i })) });
    });
    const found = await admin.listOffsets({
      partitions: [
        { topic, partition: 1 },
        { topic, partition: 1, offset: 'earliest' },
        { topic, partition: 1, timestamp: 1_004n },
        { topic, partition: 1, timestamp: new Date(5_000) },
        { topic, partition: 4, offset: 'latest' },
      ],
    });
    assert.deepEqual(found.map(({ partition, offset }) => [partition, offset]), [[1, 10n], [1, 0n], [1, 4n], [1, -1n], [4, 0n]]);
    assert.equal(found[2].timestamp, 1_004n);

    assert.deepEqual(await admin.deleteRecords({ partitions: [{ topic, partition: 1, offset: 6n }] }), [{ topic, partition: 1, lowWatermark: 6n }]);
    const beyond = admin.deleteRecords({ partitions: [{ topic, partition: 1, offset: 60 }, { topic, partition: 1, offset: '-1' }] });
    const { lowWatermark, error } = (await failure(beyond, 'OFFSET_OUT_OF_RANGE')).results[1];
    assert.deepEqual([lowWatermark, error], [10n, undefined]);

    assert.deepEqual(await admin.deleteTopics({ topics: [topic, `${topic}-b`] }), [{ topic }, { topic: `${topic}-b` }]);
    await failure(admin.deleteTopics({ topics: [topic] }), 'UNKNOWN_TOPIC_OR_PARTITION');
    await until('kafkajs sees it no more', async () => !(await theirs.listTopics()).includes(topic));
    await failure(admin.describeTopics({ topics: [topic] }), 'UNKNOWN_TOPIC_OR_PARTITION');
  });

  test('settings are read and changed', PATIENCE, async () => {
    const topic = freshTopic('settings');
    await admin.createTopics({ topics: [{ topic, configEntries: [{ name: 'cleanup.policy', value: 'compact' }] }] });
    const resource = { type: 'topic', name: topic };
    const read = async (...names) => {
      const [found] = await admin.describeConfigs({ resources: [{ ...resource, configNames: names }] });
      assert.deepEqual([found.type, found.name], ['topic', topic]);
      return found.configs.map(({ name, value, source }) => [name, value, source]);
    };
    assert.deepEqual(await read('cleanup.policy'), [['cleanup.policy', 'compact', 'topic']]);
    const configs = [
      { name: 'cleanup.policy', operation: 'append', value: 'delete' },
      { name: 'retention.ms', value: '1000' },
    ];
    assert.deepEqual(await admin.incrementalAlterConfigs({ resources: [{ ...resource, configs }] }), [resource]);
    await until('it is changed', async () => (await read('retention.ms'))[0][1] === '1000');
    assert.deepEqual((await read('cleanup.policy'))[0][1].split(',').sort(), ['compact', 'delete']);
    await admin.incrementalAlterConfigs({ resources: [{ ...resource, configs: [{ name: 'retention.ms', operation: 'delete' }] }] });
    await until('it is as before', async () => (await read('retention.ms'))[0][2] !== 'topic');

    const bad = { resources: [{ ...resource, configs: [{ name: 'retention.ms', value: 'soon' }] }], validateOnly: true };
    await failure(admin.incrementalAlterConfigs(bad), 'INVALID_CONFIG');
    const [broker] = await admin.describeConfigs({ resources: [{ type: 'broker', name: '1' }] });
    assert.ok(broker.configs.some(({ name, value, isReadOnly }) => name === 'node.id' && value === '1' && isReadOnly));
    await admin.deleteTopics({ topics: [topic] });
  });

  test('the cluster describes itself', PATIENCE, async () => {
    const { clusterId, brokers: nodes, controller } = await admin.describeCluster();
    const expected = await theirs.describeCluster();
    assert.deepEqual([clusterId, nodes.map(({ nodeId }) => nodeId)], [expected.clusterId, expected.brokers.map(({ nodeId }) => nodeId)]);
    assert.ok(nodes.some(({ nodeId }) => nodeId === controller));
    assert.ok(brokers.includes(`${nodes[0].host}:${nodes[0].port}`));
  });

  test('what cannot be meant is refused at once, and says where', PATIENCE, async () => {
    const refused = async (promise, text) => {
      const error = await failure(promise, 'INVALID_ARGUMENT');
      assert.ok(error.name === 'SerializationError' && error.message.startsWith(text), error.message);
    };
    await refused(admin.createTopics({ topics: [{ topic: 't' }, { topic: 5 }] }), 'createTopics.topics[1].topic: expected a string, found 5');
    await refused(admin.createTopics({ topics: [{ topic: 't', partitions: 3 }] }), 'createTopics.topics[0].partitions: expected one of topic, numPartitions');
    await refused(admin.createTopics({ topics: 't' }), 'createTopics.topics: expected an array, found "t"');
    await refused(admin.createTopics({ topics: [{ topic: 't', numPartitions: 1.5 }] }), 'createTopics.topics[0].numPartitions: expected a whole number');
    await refused(
      admin.createTopics({ topics: [{ topic: 't', numPartitions: 1, replicaAssignment: [{ partition: 0, replicas: [1] }] }] }),
      'numPartitions, replicationFactor: t has a replica assignment',
    );
    await refused(admin.describeConfigs({ resources: [{ type: 'moon', name: '' }] }), 'describeConfigs.resources[0].type: expected one of topic, broker');
    await refused(admin.deleteTopics({ topics: ['t'], timeoutMs: -1 }), 'timeoutMs: expected 0 or more milliseconds');
    assert.deepEqual(await admin.deleteTopics({ topics: [] }), []);
  });

  test('a replica assignment is carried out', PATIENCE, async () => {
    const topic = freshTopic('assigned');
    await admin.createTopics({ topics: [{ topic, replicaAssignment: [0, 1].map((partition) => ({ partition, replicas: [1] })) }] });
    assert.equal((await admin.describeTopics({ topics: [topic] }))[0].partitions.length, 2);
    await admin.createPartitions({ topicPartitions: [{ topic, count: 3, assignments: [[1]] }] });
    await failure(admin.createPartitions({ topicPartitions: [{ topic, count: 4, assignments: [[77]] }] }), 'INVALID_REPLICA_ASSIGNMENT');
    await admin.deleteTopics({ topics: [topic] });
  });

  test('time limits and signals end a command', PATIENCE, async () => {
    const nobody = new Kafka({ brokers: ['127.0.0.1:1'], reconnectBackoffMs: 5, reconnectBackoffMaxMs: 10 }).admin({ defaultApiTimeoutMs: 50 });
    const late = await failure(nobody.listTopics(), 'TIMEOUT');
    assert.deepEqual([late.name, late.results[0].error.code], ['TimeoutError', 'TIMEOUT']);
    await failure(nobody.listTopics({ timeoutMs: 20 }), 'TIMEOUT');
    const caller = new AbortController();
    const left = failure(nobody.listTopics({ signal: caller.signal, timeoutMs: 60_000 }), 'CANCELLED');
    await until('it tries', () => nobody.metrics().connects > 2);
    caller.abort();
    await left;
    const pending = failure(nobody.listTopics({ timeoutMs: 60_000 }), 'STOPPED');
    await nobody.stop({ timeoutMs: 10 });
    await pending;
    await failure(nobody.listTopics(), 'STOPPED');
    const wrong = kafka.consumer();
    assert.equal(wrong.createTopics, undefined);
  });
});
