// The scenarios of a client's life in Node.js, over TCP. The one that breaks the core comes in a process of its own.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { Network } from '../lifecycle/network.mjs';
import { roles, scenarios } from '../lifecycle/scenarios.mjs';
import { brokers, freshTopic, inPackage, Kafka, PATIENCE, withClients } from './package.mjs';

const { tcp } = await import(pathToFileURL(inPackage('dist/transports/tcp.js')));
const BREAKS = 'LC13';

describe('a life in Node.js', () => {
  const topic = freshTopic('life');
  let network;
  before(async () => {
    network = await Network.to(brokers[0]);
    await withClients(({ producer }) => producer().produce({ topic, partition: 0, value: 'the topic exists' }));
  });
  after(() => network.close());

  for (const role of roles) {
    for (const [title, run] of Object.entries(scenarios)) {
      if (title.startsWith(BREAKS)) continue;
      test(`${title} (${role})`, PATIENCE, async () => {
        await network.tell('open');
        // Whatever address the brokers name, the way is the network.
        const transport = { connect: (_host, _port, handlers) => tcp().connect('127.0.0.1', network.port, handlers) };
        await run({ Kafka, role, options: { brokers, transport }, topic, net: (...command) => network.tell(...command) });
      });
    }
    const title = Object.keys(scenarios).find((title) => title.startsWith(BREAKS));
    test(`${title} (${role})`, PATIENCE, async () => {
      const script = `
        const { scenarios } = await import(process.argv[1])
        const { Kafka } = await import(process.argv[2])
        const [role, topic, brokers, title] = process.argv.slice(3)
        await scenarios[title]({ Kafka, role, options: { brokers: brokers.split(',') }, topic, net: async () => ({}) })
        console.log('it held')`;
      const files = [fileURLToPath(new URL('../lifecycle/scenarios.mjs', import.meta.url)), inPackage('dist/node.js')];
      const urls = files.map((file) => `${pathToFileURL(file)}`);
      const args = ['--input-type=module', '-e', script, ...urls, role, topic, brokers.join(), title];
      const { stdout } = await promisify(execFile)(process.execPath, args, { timeout: 30_000 });
      assert.match(stdout, /it held/);
    });
  }
});
