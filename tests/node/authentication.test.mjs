// Who this client is: SASL against the real Apache Kafka, with credentials as values and as functions; and TLS.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { rootCertificates } from 'node:tls';
import { pathToFileURL } from 'node:url';
import { Kafka, PATIENCE, failure, freshTopic, inPackage, kafkaWasm, readAll } from './package.mjs';

const { KAFKA_BOOTSTRAP, KAFKA_SASL_PLAINTEXT, KAFKA_SSL, KAFKA_SSL_CA, KAFKA_USERNAME: username, KAFKA_PASSWORD: password } = process.env;
const { AuthenticationError, ConfigurationError, ConnectionError } = kafkaWasm;
const brokers = KAFKA_SASL_PLAINTEXT.split(',');
const mechanisms = ['plain', 'scram-sha-256', 'SCRAM-SHA-512'];

/** A record goes out and comes back through clients with these options. */
async function roundTrip(options, records = 1) {
  const kafka = new Kafka(options);
  const topic = freshTopic('sasl');
  const producer = kafka.producer();
  const consumer = kafka.consumer({ fetchMaxWaitMs: 100 });
  try {
    for (let i = 0; i < records; i += 1) await producer.send({ topic, messages: [{ key: 'k', value: `${i}` }] });
    const found = await readAll(consumer, topic, records);
    assert.deepEqual(new Set(found.map((record) => record.text())), new Set(Array.from({ length: records }, (_, i) => `${i}`)));
    return { producer: producer.metrics(), consumer: consumer.metrics() };
  } finally {
    await Promise.all([producer.stop({ timeoutMs: 5_000 }), consumer.stop()]);
  }
}

describe('SASL', () => {
  for (const mechanism of mechanisms) {
    test(`${mechanism}: credentials as values and as functions`, PATIENCE, async () => {
      await roundTrip({ brokers, sasl: { mechanism, username, password } });
      let asked = 0;
      const find = async () => {
        asked += 1;
        await new Promise((resolve) => setTimeout(resolve, 10));
        return password;
      };
      await roundTrip({ brokers, sasl: { mechanism, username: () => username, password: find } });
      assert.ok(asked >= 2, 'each client asks for itself');
    });

    test(`LC3: ${mechanism}: a wrong password ends the start, and the next one may work`, PATIENCE, async () => {
      let current = 'wrong-4711';
      const kafka = new Kafka({ brokers, sasl: { mechanism, username, password: () => current } });
      const producer = kafka.producer();
      try {
        const starts = [producer.start(), producer.start()];
        for (const start of starts) {
          const error = await failure(start, 'SASL_AUTHENTICATION_FAILED');
          assert.ok(error instanceof AuthenticationError);
          assert.deepEqual([error.errno, error.retriable, error.fatal], [58, false, false]);
          assert.doesNotMatch(error.message, /4711/);
        }
        assert.equal(producer.state, 'idle');
        await failure(producer.send({ topic: freshTopic('sasl'), messages: [{ value: 'x' }] }), 'SASL_AUTHENTICATION_FAILED');
        current = password;
        await producer.start();
        assert.equal(producer.state, 'started');
      } finally {
        await producer.stop({ timeoutMs: 1_000 });
      }
    });
  }

  test('a function that throws ends the start, with what it threw as the cause', PATIENCE, async () => {
    const reason = new Error('the login page was closed');
    const sasl = { mechanism: 'plain', username, password: () => Promise.reject(reason) };
    const consumer = new Kafka({ brokers, sasl }).consumer();
    const error = await failure(consumer.start(), 'NO_CREDENTIALS');
    assert.ok(error instanceof AuthenticationError);
    assert.equal(error.cause, reason);
    assert.match(error.message, /the login page was closed/);
    assert.equal(consumer.state, 'idle');
  });

  test('a function that never answers is bounded by requestTimeoutMs', PATIENCE, async () => {
    const sasl = { mechanism: 'plain', username, password: () => new Promise(() => {}) };
    const consumer = new Kafka({ brokers, sasl, requestTimeoutMs: 200 }).consumer();
    const seen = [];
    consumer.on('status', (status) => seen.push(status.state));
    await failure(consumer.start({ timeoutMs: 1_500 }), 'TIMEOUT');
    assert.ok(seen.includes('reconnecting'), `the client says that it tries again: ${seen}`);
    assert.equal(consumer.state, 'idle');
  });

  const part = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const seconds = Math.floor(Date.now() / 1000);
  const token = `${part({ alg: 'none' })}.${part({ sub: username, iat: seconds - 60, exp: seconds + 600 })}.`;

  test('oauthbearer: a token as a value and from a function, and one that is not accepted', PATIENCE, async () => {
    await roundTrip({ brokers, sasl: { mechanism: 'oauthbearer', oauthBearerProvider: async () => ({ value: token }) } });
    const refused = new Kafka({ brokers, sasl: { mechanism: 'oauthbearer', oauthBearerProvider: async () => ({ value: 'abc' }) } });
    const error = await failure(refused.producer().start(), 'SASL_AUTHENTICATION_FAILED');
    assert.match(error.message, /invalid_token/);
  });

  test('sessions that the broker limits are renewed on the same connection', PATIENCE, async () => {
    // The broker's listener limits sessions of OAUTHBEARER to two seconds.
    let asked = 0;
    const oauthBearerProvider = async () => {
      asked += 1;
      return { value: token };
    };
    const kafka = new Kafka({ brokers, sasl: { mechanism: 'oauthbearer', oauthBearerProvider } });
    const topic = freshTopic('session');
    const producer = kafka.producer();
    try {
      const end = performance.now() + 5_000;
      let sent = 0;
      for (; performance.now() < end; sent += 1) {
        await producer.send({ topic, messages: [{ value: `${sent}` }] });
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
      const { connects } = producer.metrics();
      assert.ok(connects <= brokers.length, `${connects} connections for ${sent} records: none was closed for its session's end`);
      assert.ok(asked >= 3, `asked ${asked} times`);
    } finally {
      await producer.stop({ timeoutMs: 5_000 });
    }
  });

  test('CF4: settings that cannot work are refused, secrets are hidden', PATIENCE, async () => {
    assert.throws(() => new Kafka({ brokers, sasl: 'plain' }), ConfigurationError);
    const kafka = new Kafka({ brokers, sasl: { mechanism: 'plain', username, password: 'secret-4711' } });
    assert.doesNotMatch(JSON.stringify(kafka.producer().resolvedConfig()), /4711/);
    for (const sasl of [{ mechanism: 'gssapi' }, { mechanism: 'plain', username }, { mechanism: 'plain', username, password: '' }]) {
      const error = await failure(new Kafka({ brokers, sasl }).producer().start(), 'INVALID_CONFIG');
      assert.ok(error instanceof ConfigurationError);
      assert.deepEqual([error.layer, error.key], ['Kafka options', 'sasl']);
    }
  });
});

describe('TLS', () => {
  const ca = readFileSync(KAFKA_SSL_CA, 'utf8');
  const secure = KAFKA_SSL.split(',');

  /** What stands in the way of a start with these options. */
  async function obstacle(options) {
    const consumer = new Kafka({ brokers: secure, reconnectBackoffMaxMs: 100, ...options }).consumer();
    const error = await failure(consumer.start({ timeoutMs: 500 }), 'TIMEOUT');
    await consumer.stop();
    assert.ok(error.cause instanceof ConnectionError, `${error.cause}`);
    return error.cause.message;
  }

  test('straight to the brokers, with the server checked: its authority and its name', PATIENCE, async () => {
    await roundTrip({ brokers: secure, tls: { ca } });
    await roundTrip({ brokers: secure, tls: { ca, servername: 'localhost' } });
    await roundTrip({ profile: { name: 'secure', brokers: secure, tls: { ca } } });

    assert.match(await obstacle({ tls: true }), /certificate.*give the authority.*tls: \{ ca \}/);
    assert.match(await obstacle({ tls: { ca: rootCertificates[0] } }), /certificate.*give the authority.*tls: \{ ca \}/);
    assert.match(await obstacle({ tls: { ca, servername: 'kafka.example' } }), /kafka\.example.*tls: \{ servername \}/);
    assert.match(await obstacle({ brokers: KAFKA_BOOTSTRAP.split(','), tls: { ca } }), /may not speak TLS/);
  });

  test('the transport can be had by itself', PATIENCE, async () => {
    const { tcp } = await import(pathToFileURL(inPackage('dist/transports/tcp.js')));
    await roundTrip({ brokers: secure, transport: tcp({ tls: { ca } }) });
  });

  test('CF4: where somebody else connects, the option is refused; what it holds is hidden', async () => {
    const forBrowsers = await import(pathToFileURL(inPackage('dist/index.js')));
    const bridge = 'ws://127.0.0.1:8090';
    for (const [Entry, options] of [
      [forBrowsers.Kafka, { bridge }],
      [Kafka, { bridge }],
      [Kafka, { transport: { connect() {} } }],
    ]) {
      assert.throws(() => new Entry({ brokers: secure, tls: true, ...options }), (error) => {
        assert.deepEqual([error.name, error.code, error.key], ['ConfigurationError', 'INVALID_CONFIG', 'tls']);
        return /TLS to brokers is the bridge's job/.test(error.message);
      });
      assert.ok(new Entry({ brokers: secure, tls: false, ...options }));
    }
    assert.throws(() => new Kafka({ brokers: secure, tls: 'yes' }), /tls .*true or an object/);
    const { tls } = new Kafka({ brokers: secure, tls: { ca, passphrase: 'secret-4711' } }).producer().resolvedConfig();
    assert.deepEqual(tls, { value: '(hidden)', layer: 'Kafka options' });
  });
});
