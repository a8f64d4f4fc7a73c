// From the constructor to the first acknowledged record: the library is loaded already, the topic exists, the process is
// fresh.

import { CLIENTS, inRounds, measure, median, OURS, save, say, withTopic } from './harness.mjs';

const rounds = Number(process.env.BENCH_ROUNDS ?? 7);
const clients = process.env.BENCH_CLIENTS?.split(',') ?? CLIENTS;
const found = await withTopic((topic) => inRounds('start', rounds, clients, (client) => measure(client, 'start', { topic })));
const millis = (client) => median(found[client].map(({ seconds }) => seconds * 1_000));
const peers = clients.filter((client) => client !== OURS);
const best = Math.min(...peers.map(millis));
say(`medians of ${rounds} rounds`);
console.log('client\tms\tratio to the best peer\tCPU ms\tpeak MB');
for (const client of clients) {
  const cpu = median(found[client].map(({ cpuSeconds }) => cpuSeconds * 1_000));
  const peak = median(found[client].map(({ peakBytes }) => peakBytes / 1e6));
  console.log([client, millis(client).toFixed(1), (millis(client) / best).toFixed(2), cpu.toFixed(1), peak.toFixed(0)].join('\t'));
}
save('start', Object.fromEntries(clients.map((client) => [client, { millis: millis(client), rounds: found[client] }])));
