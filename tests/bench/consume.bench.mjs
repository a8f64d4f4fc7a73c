// Reading in Node: by batches and record by record; in turn, each client in its own process, medians of several rounds.
// Every client looks at every value.
//
// BENCH_ROUNDS sets how many rounds, BENCH_CLIENTS (with commas) which clients.

import { CLIENTS, countRecords, inRounds, measure, OURS, printRates, save, say, summaries, withTopic } from './harness.mjs';
import { producer } from './clients/kafka-wasm.mjs';

const rounds = Number(process.env.BENCH_ROUNDS ?? 3);
// The peers read in groups, and the development broker has none.
const hasGroups = process.env.BENCH_AGAINST !== 'dev';
const clients = hasGroups ? (process.env.BENCH_CLIENTS?.split(',') ?? CLIENTS) : [OURS];
if (!hasGroups) say('the development broker has no groups, which the other clients need for reading: only ours is measured');
const sizes = [
  { label: '100 B', bytes: 100, records: 1_000_000 },
  { label: '1 KiB', bytes: 1_024, records: 300_000 },
];
const ways = [
  { label: 'by batches', how: 'batches' },
  { label: 'record by record', how: 'records' },
];

async function fill(topic, admin, { bytes, records }) {
  const client = await producer(process.env.KAFKA_BOOTSTRAP.split(','));
  const messages = Array.from({ length: 1_000 }, () => ({ value: Buffer.alloc(bytes, 'x') }));
  for (let sent = 0; sent < records; sent += messages.length * 10) {
    await Promise.all(Array.from({ length: 10 }, () => client.many(topic, messages)));
  }
  await client.stop();
  const there = await countRecords(admin, topic);
  if (there !== records) throw new Error(`${records} records were sent, and the topic holds ${there}`);
}

const results = [];
for (const { label: size, ...particulars } of sizes) {
  await withTopic(async (topic, admin) => {
    say(`writing ${particulars.records} records of ${size}`);
    await fill(topic, admin, particulars);
    for (const { label: way, how } of ways) {
      const name = `${way}, ${size}`;
      const found = await inRounds(name, rounds, clients, (client) => measure(client, 'consume', { topic, ...particulars, how }));
      results.push({ name, clients: summaries(found) });
    }
  });
}
printRates(results);
save('consume', results);
