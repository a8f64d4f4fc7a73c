// The core without JavaScript: the tokio driver of the tests, against the same broker as everybody else.

import { run, save, say } from './harness.mjs';

say('building the native core');
const cargo = process.env.CARGO ?? 'cargo';
const printed = await run(cargo, ['run', '--quiet', '--release', '-p', 'tests', '--example', 'native_bench']);
const lines = [...printed.matchAll(/^(\w+) (\d+) B: (\d+) k records\/s, ([\d.]+) CPU s for (\d+)$/gm)];
if (lines.length !== 4) throw new Error(`expected four measures, found ${lines.length}:\n${printed}`);
const results = lines.map(([, what, bytes, thousands, cpuSeconds, records]) => ({
  what,
  bytes: Number(bytes),
  rate: Number(thousands) * 1_000,
  cpuSeconds: Number(cpuSeconds),
  records: Number(records),
}));
console.log('measure\trecords/s\tCPU s per 200 k');
for (const { what, bytes, rate, cpuSeconds, records } of results) {
  console.log(`${what}, ${bytes} B\t${rate}\t${((cpuSeconds / records) * 200_000).toFixed(2)}`);
}
save('native', results);
