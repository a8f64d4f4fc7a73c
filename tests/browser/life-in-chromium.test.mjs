// The scenarios of a client's life in headless Chromium, through kafka-bridge. Each in a page of its own.

import { readFileSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { Network } from '../lifecycle/network.mjs';
import { roles, scenarios } from '../lifecycle/scenarios.mjs';
import { Bridge, brokers, freshTopic, launch, PATIENCE, withPage } from './site.mjs';

const source = readFileSync(new URL('../lifecycle/scenarios.mjs', import.meta.url), 'utf8');

describe('a life in Chromium', () => {
  let browser;
  let bridge;
  let network;
  before(async () => {
    [browser, bridge, network] = await Promise.all([launch(), Bridge.start('--allow-target-loopback'), Network.to(brokers[0])]);
  });
  after(() => Promise.all([browser?.close(), bridge?.stop(), network?.close()]));

  for (const role of roles) {
    for (const title of Object.keys(scenarios)) {
      test(`${title} (${role})`, PATIENCE, async () => {
        await network.tell('open');
        const way = `${bridge.url.replace(/^http/, 'ws')}/v1/tcp?target=127.0.0.1:${network.port}`;
        const topic = freshTopic(role);
        await withPage(
          browser,
          bridge.url,
          async (page) => {
            await page.exposeFunction('net', (...command) => network.tell(...command));
            await page.evaluate(
              async ({ source, title, role, topic, brokers, way, bridge }) => {
                const { scenarios } = await import(URL.createObjectURL(new Blob([source], { type: 'text/javascript' })));
                const { Kafka } = window.kafkaWasm;
                const first = new Kafka({ brokers, bridge }).producer();
                await first.produce({ topic, partition: 0, value: 'the topic exists' });
                await first.stop();
                // Whatever address the brokers name, the way is the network.
                await scenarios[title]({ Kafka, role, options: { brokers, bridge: () => way }, topic, net: window.net });
              },
              { source, title, role, topic, brokers, way, bridge: bridge.url },
            );
          },
          /WebSocket|ERR_CONNECTION/,
        );
      });
    }
  }
});
