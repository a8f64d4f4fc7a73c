// A page reaches brokers that speak TLS: the bridge speaks it for the page.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Bridge, freshTopic, launch, PATIENCE, withPage } from './site.mjs';

const { KAFKA_SSL, KAFKA_SSL_CA } = process.env;
for (const [name, value] of Object.entries({ KAFKA_SSL, KAFKA_SSL_CA })) {
  assert.ok(value, `${name} is not set: run this with \`cargo xtask test --only browser\``);
}
const brokers = KAFKA_SSL.split(',');
const targets = brokers.flatMap((broker) => ['--target', `tls://${broker}`]);

describe('brokers that speak TLS', () => {
  let browser;
  before(async () => {
    browser = await launch();
  });
  after(() => browser?.close());

  /** What comes of writing a record and reading it back, in a page of that bridge. */
  const roundTrip = (bridge, topic) =>
    withPage(
      browser,
      bridge.url,
      (page) =>
        page.evaluate(
          async ({ options, topic }) => {
            const kafka = new window.kafkaWasm.Kafka({ reconnectBackoffMs: 10, reconnectBackoffMaxMs: 50, ...options });
            const [producer, consumer] = [kafka.producer(), kafka.consumer()];
            try {
              await producer.start({ timeoutMs: 5_000 });
              await producer.produce({ topic, partition: 0, value: 'over TLS' });
              consumer.assign([{ topic, partition: 0, offset: 'earliest' }]);
              return { text: (await consumer.poll({ timeoutMs: 10_000 }))[0]?.text() };
            } catch (error) {
              return window.describe(error);
            } finally {
              await Promise.all([producer.stop(), consumer.stop()]);
            }
          },
          { options: { brokers, bridge: bridge.url }, topic },
        ),
      /WebSocket/,
    );

  test('a record goes there and comes back', PATIENCE, async () => {
    const bridge = await Bridge.start(...targets, '--tls-ca', KAFKA_SSL_CA);
    assert.deepEqual(await roundTrip(bridge, freshTopic('tls')), { text: 'over TLS' });
    await bridge.stop();
  });

  test('a certificate that nobody trusts is told in words', PATIENCE, async () => {
    const bridge = await Bridge.start(...targets);
    const error = await roundTrip(bridge, freshTopic('tls'));
    const story = (error) => (error === undefined ? '' : `${error.code} ${error.message} ${story(error.cause)}`);
    assert.match(story(error), /BROKER_REFUSED/);
    assert.match(story(error), /certificate-not-trusted/);
    assert.match(story(error), /TLS/);
    await bridge.stop();
  });
});
