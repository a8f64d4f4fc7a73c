// One client, one measurement, in a process of its own: node worker.mjs <client> <what> <JSON of the particulars>
//
// Prints one line of JSON: { records, seconds, cpuSeconds, peakBytes }, or fails.

import { setDefaultResultOrder } from 'node:dns';

setDefaultResultOrder('ipv4first');
const [name, what, text] = process.argv.slice(2);
const particulars = JSON.parse(text);
const brokers = process.env.KAFKA_BOOTSTRAP.split(',');
const client = await import(`./clients/${name}.mjs`);

/** Keeps this many calls waiting, as an application with that many things to do at once would. */
const LANES = 4;
const PATIENCE_MS = 60_000;

const watchdog = setTimeout(() => {
  console.error(`${name} ${what}: not done after ${PATIENCE_MS} ms`);
  process.exit(1);
}, PATIENCE_MS);

const result = await { produce, consume, start }[what](particulars);
clearTimeout(watchdog);
console.log(JSON.stringify({ ...result, peakBytes: process.resourceUsage().maxRSS * 1024 }));
process.exit(0);

function clock() {
  const [time, cpu] = [performance.now(), process.cpuUsage()];
  return () => {
    const { user, system } = process.cpuUsage(cpu);
    return { seconds: (performance.now() - time) / 1_000, cpuSeconds: (user + system) / 1e6 };
  };
}

/** Sends for some time, after a while to get warm, and waits until all of it is acknowledged. */
async function produce({ topic, bytes, records, calls, warmMs, runMs }) {
  const producer = await client.producer(brokers);
  const value = Buffer.alloc(bytes, 'x');
  const messages = Array.from({ length: records }, () => ({ topic, value }));
  let acknowledged = 0;
  const wave =
    records === 1
      ? async () => {
          const pending = new Array(calls);
          for (let i = 0; i < calls; i += 1) pending[i] = producer.one(topic, value);
          for (const metadata of await Promise.all(pending)) if (metadata !== undefined) acknowledged += 1;
        }
      : async () => {
          for (const sent of await Promise.all(Array.from({ length: calls }, () => producer.many(topic, messages)))) {
            acknowledged += sent;
          }
        };
  const until = async (end) => {
    while (performance.now() < end) await wave();
  };
  const run = (millis) => Promise.all(Array.from({ length: LANES }, () => until(performance.now() + millis)));
  await producer.one(topic, value);
  await run(warmMs);
  const before = acknowledged;
  const stopped = clock();
  await run(runMs);
  const measured = { records: acknowledged - before, ...stopped() };
  await producer.stop();
  // Everything that was acknowledged, for whoever counts what is there: the first record too.
  return { ...measured, total: acknowledged + 1 };
}

/** Reads a topic of known size; the clock starts when a tenth has been read. */
async function consume({ topic, bytes, records, how }) {
  const warm = records / 10;
  const consumer = await client.consumer(brokers, topic);
  let [found, foundBytes, from] = [0, 0, 0];
  let stopped;
  let measured;
  await consumer[how]((count, size) => {
    found += count;
    foundBytes += size;
    if (stopped === undefined && found >= warm) {
      from = found;
      stopped = clock();
    }
    if (found < records || measured !== undefined) return measured !== undefined;
    measured = { records: found - from, ...stopped() };
    return true;
  });
  if (found !== records || foundBytes !== records * bytes) {
    throw new Error(`${found} records with ${foundBytes} bytes were read, and ${records} with ${records * bytes} are there`);
  }
  // A client that must not be left without goodbye is none that is measured.
  await Promise.race([consumer.stop(), new Promise((resolve) => setTimeout(resolve, 2_000))]);
  return measured;
}

/** From the constructor to the first acknowledged record. */
async function start({ topic }) {
  const stopped = clock();
  const producer = await client.producer(brokers);
  await producer.one(topic, Buffer.from('first'));
  const measured = { records: 1, ...stopped() };
  await producer.stop();
  return measured;
}
