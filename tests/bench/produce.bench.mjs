// Writing from Node: one call a record, and arrays; in turn, each client in its own process, medians of several rounds.
//
// BENCH_ROUNDS sets how many rounds, BENCH_CLIENTS (with commas) which clients.

import { CLIENTS, countRecords, measure, OURS, printRates, save, say, summary, withTopic } from './harness.mjs';

const rounds = Number(process.env.BENCH_ROUNDS ?? 3);
const clients = process.env.BENCH_CLIENTS?.split(',') ?? CLIENTS;
// The peers send a request a call and are no faster when more calls wait; ours fills its requests with what waits.
const calls = { [OURS]: 4_000, kafkajs: 500, platformatic: 500 };
const measures = [
  { name: 'one call a record, 100 B', bytes: 100, records: 1, calls },
  { name: 'one call a record, 1 KiB', bytes: 1_024, records: 1, calls },
  { name: 'arrays of 1000, 100 B', bytes: 100, records: 1_000, calls: 4 },
  { name: 'arrays of 200, 1 KiB', bytes: 1_024, records: 200, calls: 4 },
];

const results = [];
for (const { name, ...particulars } of measures) {
  const found = Object.fromEntries(clients.map((client) => [client, []]));
  for (let round = 1; round <= rounds; round += 1) {
    for (const client of clients) {
      await withTopic(async (topic, admin) => {
        const calls = particulars.calls[client] ?? particulars.calls;
        const result = await measure(client, 'produce', { topic, ...particulars, calls, warmMs: 500, runMs: 1_000 });
        const there = await countRecords(admin, topic);
        if (there !== result.total) {
          throw new Error(`${client}: ${result.total} records were acknowledged, and the topic holds ${there}`);
        }
        found[client].push(result);
        say(`${name}, round ${round} of ${rounds}: ${client} ${Math.round(result.records / result.seconds)} records/s`);
      });
    }
  }
  results.push({ name, clients: Object.fromEntries(clients.map((client) => [client, summary(found[client])])) });
}
printRates(results);
save('produce', results);
