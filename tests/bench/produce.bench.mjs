// Writing from Node: one call a record, and arrays; in turn, each client in its own process, medians of several rounds.
//
// BENCH_ROUNDS sets how many rounds, BENCH_CLIENTS (with commas) which clients.

import { CLIENTS, countRecords, inRounds, measure, printRates, save, summaries, withTopic } from './harness.mjs';

const rounds = Number(process.env.BENCH_ROUNDS ?? 3);
const clients = process.env.BENCH_CLIENTS?.split(',') ?? CLIENTS;
// As many calls wait for every client: `calls` in each of the worker's lanes.
const measures = [
  { name: 'one call a record, 100 B', bytes: 100, records: 1, calls: 1_000 },
  { name: 'one call a record, 1 KiB', bytes: 1_024, records: 1, calls: 1_000 },
  { name: 'arrays of 1000, 100 B', bytes: 100, records: 1_000, calls: 4 },
  { name: 'arrays of 200, 1 KiB', bytes: 1_024, records: 200, calls: 4 },
];

const results = [];
for (const { name, ...particulars } of measures) {
  const found = await inRounds(name, rounds, clients, (client) =>
    withTopic(async (topic, admin) => {
      const result = await measure(client, 'produce', { topic, ...particulars, warmMs: 500, runMs: 1_000 });
      const there = await countRecords(admin, topic);
      if (there !== result.total) {
        throw new Error(`${client}: ${result.total} records were acknowledged, and the topic holds ${there}`);
      }
      return result;
    }),
  );
  results.push({ name, clients: summaries(found) });
}
printRates(results);
save('produce', results);
