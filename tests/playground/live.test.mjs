// The playground's Live view in Chromium: a record goes through kafka-bridge to a broker and comes back, for the real
// Apache Kafka and for the bridge's own development broker; and what goes wrong says what to do.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { after, before, describe, test } from 'node:test';
import { launch, PATIENCE, withPage } from './playground.mjs';

const { KAFKA_BOOTSTRAP, KAFKA_BRIDGE, PLAYGROUND } = process.env;
for (const [name, value] of Object.entries({ KAFKA_BOOTSTRAP, KAFKA_BRIDGE })) {
  assert.ok(value, `${name} is not set: run this with \`cargo xtask test --only playground\``);
}

/** The bridge with its development broker, serving the playground; ends when Node does. */
async function startBridge() {
  const args = ['--dev-broker', '--allow-target-loopback', '--listen', '127.0.0.1:0', '--serve', PLAYGROUND, '--log', 'off'];
  const child = spawn(KAFKA_BRIDGE, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  process.once('exit', () => child.kill());
  const said = {};
  for await (const line of createInterface({ input: child.stdout })) {
    const [name, ...value] = line.split('=');
    said[name] = value.join('=');
    if (said.listening && said['dev-broker']) break;
  }
  assert.ok(said.listening && said['dev-broker'], 'kafka-bridge ended before it listened');
  child.stdout.resume();
  const stop = async () => {
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGTERM');
    await ended;
  };
  return { url: said.listening, broker: said['dev-broker'], stop };
}

describe('Live', () => {
  let browser;
  let bridge;
  before(async () => {
    [browser, bridge] = await Promise.all([launch(), startBridge()]);
  });
  after(() => Promise.all([browser?.close(), bridge?.stop()]));

  // The page asks for the recommended broker in live.json; the test gives its own.
  const live = (body, broker) =>
    withPage(browser, `${bridge.url}/#v=1&m=live`, { viewport: { width: 1280, height: 900 } }, body, (page) =>
      page.route('**/live.json', (route) => route.fulfill({ json: { broker } })),
    );

  for (const [name, broker] of [['the development broker', () => bridge.broker], ['Apache Kafka', () => KAFKA_BOOTSTRAP.split(',')[0]]]) {
    test(`a record goes to ${name} and comes back, with key and headers`, PATIENCE, () =>
      live(async (page, hook) => {
        const topic = `live-${process.pid}-${Date.now()}`;
        await page.waitForFunction(() => document.querySelector('[data-testid="live-broker"]').value !== '');
        assert.equal(await hook('live-bridge').inputValue(), bridge.url.replace('http', 'ws'));
        await hook('live-topic').fill(topic);
        assert.ok(await hook('live-send').isDisabled(), 'nothing can be sent before a connection is there');
        await hook('live-connect').click();
        await page.locator('[data-testid="live"][data-phase="on"]').waitFor();
        const sockets = async () => Number(await hook('counter-sockets').innerText());
        assert.ok((await sockets()) >= 2, 'each client has a socket, and it is counted');

        await hook('live-key').fill('order-7');
        await hook('live-value').fill('zw\u00f6lf \u2615');
        await page.getByLabel('Name of header 1').fill('source');
        await page.getByLabel('Value of header 1').fill('a test');
        await hook('live-add-header').click();
        await page.getByLabel('Name of header 2').fill('source');
        await page.getByLabel('Value of header 2').fill('again');
        await hook('live-send').click();
        await hook('live-value').fill('the second');
        await page.keyboard.press('t');
        await hook('live-send').click();

        const arrived = hook('live-arrived').locator('li.record');
        await arrived.nth(1).waitFor();
        const first = await arrived.last().innerText();
        for (const part of ['zw\u00f6lf \u2615', 'key order-7', 'offset 0', 'source', 'a test', 'again', 'sent from here']) {
          assert.ok(first.includes(part), `${part} in: ${first}`);
        }
        assert.match(await arrived.first().innerText(), /the second/);
        await page.waitForFunction(() => {
          const sent = [...document.querySelectorAll('[data-testid="live-sent"] .tone-good')];
          return sent.length === 2;
        });

        const events = await hook('live-events').innerText();
        for (const sentence of ['Produce', 'Fetch', 'acknowledged']) {
          assert.ok(events.includes(sentence), `the list tells of ${sentence}`);
        }
        assert.equal(await page.locator('[data-testid="machine-lifecycle"]').getAttribute('data-state'), 'Started');
        await hook('live-disconnect').click();
        await page.locator('[data-testid="live"][data-phase="off"]').waitFor();
        assert.equal(await sockets(), 0, 'nothing is open any more');
      }, broker()));
  }

  test('what cannot be is said, with what to do, and the form stays', PATIENCE, () =>
    live(async (page, hook) => {
      const fails = async (fields, code, words) => {
        for (const [field, value] of Object.entries(fields)) await hook(`live-${field}`).fill(value);
        await hook('live-connect').click();
        await page.locator(`[data-testid="live-error"][data-code="${code}"]`).waitFor();
        assert.match(await hook('live-error').innerText(), words);
        assert.equal(await hook('live').getAttribute('data-phase'), 'failed');
      };
      const good = { bridge: bridge.url.replace('http', 'ws'), broker: bridge.broker, topic: 'live' };
      await fails({ ...good, broker: 'nowhere' }, 'INVALID_SETTING', /host:port/);
      await fails({ ...good, topic: 'a b' }, 'INVALID_SETTING', /Topic/);
      await fails({ ...good, broker: 'elsewhere.example:9092' }, 'BRIDGE_TARGET_DENIED', /targets/);
      // And after all that a good setting connects.
      for (const [field, value] of Object.entries(good)) await hook(`live-${field}`).fill(value);
      await hook('live-connect').click();
      await page.locator('[data-testid="live"][data-phase="on"]').waitFor();
      // Leaving the view closes what is open.
      await hook('lesson-1').click();
      await hook('question').waitFor();
    }, bridge.broker));
});
