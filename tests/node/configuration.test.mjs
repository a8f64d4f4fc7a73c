// Options: checked at construction, merged by layers, owned. (CF5 to CF8 are about records: headers.test.mjs.)

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { inPackage, Kafka, KafkaError } from './package.mjs';
import { pathToFileURL } from 'node:url';

const brokers = ['b1.example:9092'];

/** The key and the layer that an error names, or nothing when there is none. */
function problem(options, role, roleOptions) {
  try {
    const kafka = new Kafka(options);
    if (role !== undefined) kafka[role](roleOptions);
    return undefined;
  } catch (error) {
    assert.ok(KafkaError.is(error) && error.name === 'ConfigurationError' && error.code === 'INVALID_CONFIG', `${error}`);
    assert.ok(error.message.includes(error.key) && error.message.includes(error.layer), error.message);
    return `${error.layer}: ${error.key}`;
  }
}

describe('options', () => {
  test('CF4: good ones are taken', () => {
    assert.equal(problem({ brokers }), undefined);
    assert.equal(problem({ brokers: ['[::1]:9092', 'b2:1'], clientId: 'x' }, 'producer', {}), undefined);
    assert.equal(problem({ brokers, bridge: 'ws://localhost:8090' }, 'consumer', { offsetReset: 'earliest' }), undefined);
    assert.equal(problem({ brokers, bridge: new URL('https://bridge.example/kafka'), bridgeToken: 't' }), undefined);
    assert.equal(problem({ brokers, bridge: () => 'ws://x' }, 'producer', { acks: 'all', lingerMs: 5 }), undefined);
    assert.equal(problem({ brokers }, 'producer', { acks: 1, idempotent: false }), undefined);
    assert.equal(problem({ brokers }, 'producer', { lingerMs: undefined, batchSize: null }), undefined);
  });

  test('CF4: each bad one is named, with the layer it came from', () => {
    const kafka = (options, key) => assert.equal(problem({ brokers, ...options }), `Kafka options: ${key}`);
    const producer = (options, key) => assert.equal(problem({ brokers }, 'producer', options), `producer options: ${key}`);
    const consumer = (options, key) => assert.equal(problem({ brokers }, 'consumer', options), `consumer options: ${key}`);
    assert.equal(problem({}), 'Kafka options: brokers');
    kafka({ brokers: [] }, 'brokers');
    kafka({ brokers: 'b1:9092' }, 'brokers');
    kafka({ brokers: ['b1'] }, 'brokers');
    kafka({ brokers: ['http://b1:9092'] }, 'brokers');
    kafka({ broker: 'b1:9092' }, 'broker');
    kafka({ toString: 1 }, 'toString');
    kafka({ clientId: 5 }, 'clientId');
    kafka({ connectTimeoutMs: 0 }, 'connectTimeoutMs');
    kafka({ requestTimeoutMs: '30s' }, 'requestTimeoutMs');
    kafka({ bridge: 'localhost' }, 'bridge');
    kafka({ bridge: 'ftp://localhost' }, 'bridge');
    kafka({ transport: {} }, 'transport');
    kafka({ bridge: 'ws://localhost', transport: { connect() {} } }, 'transport');
    kafka({ bridgeToken: 't' }, 'bridgeToken');
    kafka({ extraHeaders: { a: 1 } }, 'extraHeaders');
    kafka({ maxFrameSize: 1 }, 'maxFrameSize');
    producer({ acks: 2 }, 'acks');
    producer({ acks: 1 }, 'acks');
    producer({ lingerMs: -1 }, 'lingerMs');
    producer({ lingerMs: NaN }, 'lingerMs');
    producer({ batchSize: 1.5 }, 'batchSize');
    producer({ maxInFlightRequests: 6 }, 'maxInFlightRequests');
    producer({ bufferMemory: 2_000 }, 'maxRequestSize');
    producer({ partitioner: 'mine' }, 'partitioner');
    producer({ reconnectBackoffMs: 5_000 }, 'reconnectBackoffMs');
    producer({ deliveryTimeoutMs: 29_999 }, 'requestTimeoutMs');
    producer({ requestTimeoutMs: 100_000, lingerMs: 20_001 }, 'requestTimeoutMs');
    producer({ idempotent: 'yes' }, 'idempotent');
    producer({ groupId: 'g' }, 'groupId');
    consumer({ offsetReset: 'first' }, 'offsetReset');
    consumer({ isolationLevel: 1 }, 'isolationLevel');
    consumer({ fetchMaxBytes: 0 }, 'fetchMaxBytes');
    consumer({ lingerMs: 5 }, 'lingerMs');
    consumer([], 'options');
  });

  test('CF1, CF2: higher layers win key by key, and every value says where it comes from', () => {
    const profile = { name: 'staging', retryBackoffMs: 5, connectTimeoutMs: 1_000, batchSize: 1_000, extraHeaders: { z: '0', c: '0' } };
    const options = { brokers, profile, clientId: 'mine', retryBackoffMs: 7, batchSize: null, extraHeaders: { a: '1', b: '2', c: '3' } };
    const kafka = new Kafka(options);
    const config = kafka.producer({ retryBackoffMs: 9, lingerMs: 3, clientId: null, extraHeaders: { b: 'x', c: null } }).resolvedConfig();
    assert.deepEqual(config.retryBackoffMs, { value: 9, layer: 'producer options' });
    assert.deepEqual(config.clientId, { value: 'kafka-wasm', layer: 'producer options' });
    assert.deepEqual(config.lingerMs, { value: 3, layer: 'producer options' });
    assert.deepEqual(config.connectTimeoutMs, { value: 1_000, layer: 'profile staging' });
    assert.deepEqual(config.batchSize, { value: 128 * 1024, layer: 'Kafka options' }, 'taken away');
    assert.deepEqual(config.brokers, { value: brokers, layer: 'Kafka options' });
    assert.deepEqual(config.acks, { value: -1, layer: 'defaults' });
    assert.deepEqual(Object.entries(config.extraHeaders.value), [['z', '0'], ['a', '1'], ['b', 'x']]);
    assert.equal('fetchMinBytes' in config, false);
    const reader = kafka.consumer().resolvedConfig();
    assert.equal('batchSize' in reader, false, 'an option of producers is none of a consumer');
    assert.equal(reader.retryBackoffMs.value, 7);
    assert.deepEqual(kafka.producer({ extraHeaders: null }).resolvedConfig().extraHeaders.value, {});
  });

  test('CF1, CF4: a profile may hold whatever options there are, and is named where something is wrong', () => {
    const everything = { name: 'all', brokers, bridge: 'ws://localhost', bridgeToken: 't', lingerMs: 1, offsetReset: 'none' };
    const kafka = new Kafka({ profile: everything });
    assert.equal(kafka.consumer().resolvedConfig().offsetReset.layer, 'profile all');
    assert.equal(kafka.producer().resolvedConfig().brokers.layer, 'profile all');
    assert.equal(problem({ brokers, profile: { name: 'x', lingerMs: 'soon' } }), 'profile x: lingerMs');
    assert.equal(problem({ brokers, profile: { name: 'x', linger: 1 } }), 'profile x: linger');
    assert.equal(problem({ brokers, profile: { name: 'x', acks: 0 } }, 'producer'), 'profile x: acks');
    assert.equal(problem({ brokers, profile: { lingerMs: 1 } }), 'Kafka options: profile');
    assert.equal(problem({ brokers, profile: 'x' }), 'Kafka options: profile');
    assert.equal(problem({ brokers, profile: null }), undefined);
  });

  test('CF3: what was passed is owned from then on', () => {
    const bytes = new Uint8Array([1, 2]);
    const options = { brokers: [...brokers], clientId: 'mine', extraHeaders: { a: bytes }, profile: { name: 'p', lingerMs: 1 } };
    const kafka = new Kafka(options);
    const own = { extraHeaders: { b: 'own' } };
    const producer = kafka.producer(own);
    options.brokers.push('late:1');
    options.clientId = 'late';
    options.extraHeaders.late = 'late';
    options.profile.lingerMs = 9;
    bytes.fill(9);
    own.extraHeaders.b = 'late';
    for (const client of [producer, kafka.producer(own)]) {
      const config = client.resolvedConfig();
      assert.equal(config.clientId.value, 'mine');
      assert.deepEqual(config.brokers.value, brokers);
      assert.equal(config.lingerMs.value, 1);
      assert.deepEqual(config.extraHeaders.value.a, new Uint8Array([1, 2]));
    }
    const shown = producer.resolvedConfig();
    assert.equal(shown.extraHeaders.value.b, 'own');
    shown.brokers.value.push('x');
    shown.extraHeaders.value.a.fill(7);
    assert.deepEqual(producer.resolvedConfig().brokers.value, brokers, 'what is shown is a copy');
    assert.deepEqual(producer.resolvedConfig().extraHeaders.value.a, new Uint8Array([1, 2]));
  });

  test('CF3: secrets are not shown', () => {
    const config = new Kafka({ brokers, bridge: 'ws://localhost', bridgeToken: 'secret' }).producer().resolvedConfig();
    assert.doesNotMatch(JSON.stringify(config), /secret/);
    assert.equal(config.bridgeToken.layer, 'Kafka options');
  });

  test('CF4: names of extra headers are free', () => {
    const names = ['__proto__', 'constructor', 'toString', 'clientId', '', ' ', 'ä', '1'];
    const extraHeaders = Object.fromEntries(names.map((name) => [name, `of ${name}`]));
    const found = new Kafka({ brokers, extraHeaders }).producer({ extraHeaders: { b: 'x' } }).resolvedConfig().extraHeaders.value;
    assert.deepEqual(new Set(Object.keys(found)), new Set([...names, 'b']));
    for (const name of names) assert.equal(Object.getOwnPropertyDescriptor(found, name).value, `of ${name}`);
  });

  test('CF4: a browser needs a bridge, and is told so', async () => {
    const { Kafka } = await import(pathToFileURL(inPackage('dist/index.js')));
    assert.throws(() => new Kafka({ brokers }), { code: 'INVALID_CONFIG', key: 'bridge' });
    assert.doesNotThrow(() => new Kafka({ brokers, bridge: 'ws://localhost' }));
  });
});
