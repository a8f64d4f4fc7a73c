// Options: checked at construction, merged by layers, owned.

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
  test('good ones are taken', () => {
    assert.equal(problem({ brokers }), undefined);
    assert.equal(problem({ brokers: ['[::1]:9092', 'b2:1'], clientId: 'x' }, 'producer', {}), undefined);
    assert.equal(problem({ brokers, bridge: 'ws://localhost:8090' }, 'consumer', { offsetReset: 'earliest' }), undefined);
    assert.equal(problem({ brokers, bridge: new URL('https://bridge.example/kafka'), bridgeToken: 't' }), undefined);
    assert.equal(problem({ brokers, bridge: () => 'ws://x' }, 'producer', { acks: 'all', lingerMs: 5 }), undefined);
    assert.equal(problem({ brokers }, 'producer', { acks: 1, idempotent: false }), undefined);
    assert.equal(problem({ brokers }, 'producer', { lingerMs: undefined, batchSize: null }), undefined);
  });

  test('each bad one is named, with the layer it came from', () => {
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
    producer({ deliveryTimeoutMs: 10, lingerMs: 10 }, 'lingerMs');
    producer({ idempotent: 'yes' }, 'idempotent');
    producer({ groupId: 'g' }, 'groupId');
    consumer({ offsetReset: 'first' }, 'offsetReset');
    consumer({ isolationLevel: 1 }, 'isolationLevel');
    consumer({ fetchMaxBytes: 0 }, 'fetchMaxBytes');
    consumer({ lingerMs: 5 }, 'lingerMs');
    consumer([], 'options');
  });

  test('higher layers win key by key, and every value says where it comes from', () => {
    const options = { brokers, clientId: 'mine', retryBackoffMs: 7, extraHeaders: { a: '1', b: '2', c: '3' } };
    const kafka = new Kafka(options);
    const config = kafka.producer({ retryBackoffMs: 9, lingerMs: 3, clientId: null, extraHeaders: { b: 'x', c: null } }).resolvedConfig();
    assert.deepEqual(config.retryBackoffMs, { value: 9, layer: 'producer options' });
    assert.deepEqual(config.clientId, { value: 'kafka-wasm', layer: 'producer options' });
    assert.deepEqual(config.lingerMs, { value: 3, layer: 'producer options' });
    assert.deepEqual(config.brokers, { value: brokers, layer: 'Kafka options' });
    assert.deepEqual(config.acks, { value: -1, layer: 'defaults' });
    assert.deepEqual(config.extraHeaders.value, { a: '1', b: 'x' });
    assert.equal('fetchMinBytes' in config, false);

    options.brokers.push('late:1');
    options.clientId = 'late';
    options.extraHeaders.a = 'late';
    const later = kafka.consumer().resolvedConfig();
    assert.deepEqual(later.clientId.value, 'mine', 'later edits of the source do not leak in');
    assert.deepEqual(later.brokers.value, ['b1.example:9092']);
    assert.equal(later.extraHeaders, undefined);
    options.brokers.pop();
  });

  test('secrets are not shown', () => {
    const config = new Kafka({ brokers, bridge: 'ws://localhost', bridgeToken: 'secret' }).producer().resolvedConfig();
    assert.doesNotMatch(JSON.stringify(config), /secret/);
    assert.equal(config.bridgeToken.layer, 'Kafka options');
  });

  test('a browser needs a bridge, and is told so', async () => {
    const { Kafka } = await import(pathToFileURL(inPackage('dist/index.js')));
    assert.throws(() => new Kafka({ brokers }), { code: 'INVALID_CONFIG', key: 'bridge' });
    assert.doesNotThrow(() => new Kafka({ brokers, bridge: 'ws://localhost' }));
  });
});
