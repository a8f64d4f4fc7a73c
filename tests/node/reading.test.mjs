// A consumer with assigned partitions, against a real Kafka.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { failure, freshTopic, PATIENCE, readAll, until, withClients } from './package.mjs';

/** A topic with `count` records in each of its three partitions, in batches of ten. */
async function filled(producer, count) {
  const topic = freshTopic('reading');
  const client = producer();
  for (let i = 0; i < count; i += 10) {
    const messages = [];
    for (let j = i; j < Math.min(count, i + 10); j += 1) {
      for (const partition of [0, 1, 2]) messages.push({ partition, value: `${partition}/${j}` });
    }
    await client.send({ topic, messages });
  }
  return topic;
}

async function take(consumer, count) {
  const records = [];
  while (records.length < count) {
    const more = await consumer.poll({ timeoutMs: 20_000, maxRecords: count - records.length });
    assert.notEqual(more.length, 0, `${records.length} of ${count} records came, then nothing`);
    records.push(...more);
  }
  return records.map((record) => record.text());
}

describe('reading', () => {
  test('from the beginning, from an offset, and from the end', PATIENCE, () =>
    withClients(async ({ producer, consumer }) => {
      const topic = await filled(producer, 30);
      const client = consumer();
      client.assign([{ topic, partition: 0, offset: 'earliest' }]);
      assert.deepEqual(await take(client, 2), ['0/0', '0/1']);
      for (const offset of [13n, 13, '13']) {
        client.assign([{ topic, partition: 1, offset }]);
        assert.deepEqual(await take(client, 2), ['1/13', '1/14'], `from ${typeof offset}`);
      }
      client.assign([{ topic, partition: 2, offset: 'latest' }]);
      assert.deepEqual(await client.poll({ timeoutMs: 500 }), []);
      assert.equal(client.position({ topic, partition: 2 }), 30n);
      await producer().produce({ topic, partition: 2, value: 'new' });
      assert.deepEqual(await take(client, 1), ['new']);
    }));

  test('one by one, by batches and by poll() the same records come', PATIENCE, () =>
    withClients(async ({ producer, consumer }) => {
      const topic = await filled(producer, 200);
      const all = (await readAll(consumer(), topic, 600)).map((record) => record.text()).sort();
      const assignment = [0, 1, 2].map((partition) => ({ topic, partition, offset: 'earliest' }));

      const single = consumer();
      single.assign(assignment);
      const seen = [];
      for await (const record of single) if (seen.push(record.text()) === 600) break;
      assert.deepEqual(seen.sort(), all);

      const batched = consumer();
      batched.assign(assignment);
      const read = [];
      for await (const batch of batched.batches()) {
        assert.equal(batch.topic, topic);
        assert.equal(batch.records.length, batch.length);
        assert.equal(batch.lastOffset - batch.firstOffset, BigInt(batch.length - 1));
        assert.equal(batch.highWatermark, 200n);
        for (const record of batch) {
          assert.equal(record.partition, batch.partition);
          read.push(record.text());
        }
        if (read.length === 600) break;
      }
      assert.deepEqual(read.sort(), all);
    }));

  test('a loop can be left and taken up again without losing a record', PATIENCE, () =>
    withClients(async ({ producer, consumer }) => {
      const topic = await filled(producer, 30);
      const client = consumer();
      client.assign([{ topic, partition: 0, offset: 'earliest' }]);
      const seen = [];
      for await (const record of client) if (seen.push(record.text()) === 4) break;
      assert.equal(client.position({ topic, partition: 0 }), 4n);
      for (const record of await client.poll({ maxRecords: 3 })) seen.push(record.text());
      for await (const batch of client.batches()) {
        for (const record of batch) seen.push(record.text());
        if (seen.length >= 30) break;
      }
      assert.deepEqual(seen, Array.from({ length: 30 }, (_, i) => `0/${i}`));
    }));

  test('seek drops what was fetched, in both directions', PATIENCE, () =>
    withClients(async ({ producer, consumer }) => {
      const topic = await filled(producer, 30);
      const client = consumer();
      client.assign([{ topic, partition: 0, offset: 'earliest' }]);
      assert.deepEqual(await take(client, 3), ['0/0', '0/1', '0/2']);
      client.seek({ topic, partition: 0 }, 20n);
      assert.deepEqual(await take(client, 2), ['0/20', '0/21']);
      client.seekToBeginning();
      assert.deepEqual(await take(client, 1), ['0/0']);
      client.seekToEnd([{ topic, partition: 0 }]);
      assert.deepEqual(await client.poll({ timeoutMs: 500 }), []);
      client.seek({ topic, partition: 0 }, 29);
      assert.deepEqual(await take(client, 1), ['0/29']);
    }));

  test('a new assignment keeps what stays and delivers nothing of what goes', PATIENCE, () =>
    withClients(async ({ producer, consumer }) => {
      const topic = await filled(producer, 30);
      const client = consumer();
      client.assign([0, 1].map((partition) => ({ topic, partition, offset: 'earliest' })));
      const before = await take(client, 15);
      client.assign([{ topic, partition: 1 }, { topic, partition: 2, offset: 'earliest' }]);
      assert.deepEqual(client.assignment(), [{ topic, partition: 1 }, { topic, partition: 2 }]);
      const ones = before.filter((value) => value.startsWith('1/')).length;
      const after = await take(client, 30 - ones + 30);
      assert.deepEqual(after.filter((value) => value.startsWith('0/')), []);
      const kept = [...before, ...after].filter((value) => value.startsWith('1/'));
      assert.deepEqual(kept, Array.from({ length: 30 }, (_, i) => `1/${i}`));
    }));

  test('pause keeps what was fetched and delivers none of it', PATIENCE, () =>
    withClients(async ({ producer, consumer }) => {
      const topic = await filled(producer, 30);
      const client = consumer();
      client.assign([0, 1].map((partition) => ({ topic, partition, offset: 'earliest' })));
      const first = await take(client, 5);
      const paused = Number(first[0][0]);
      client.pause([{ topic, partition: paused }]);
      assert.deepEqual(client.paused(), [{ topic, partition: paused }]);
      const before = first.filter((value) => value.startsWith(`${paused}/`)).length;
      const others = await take(client, 30 - (first.length - before));
      assert.deepEqual(others.filter((value) => value.startsWith(`${paused}/`)), []);
      assert.deepEqual(await client.poll({ timeoutMs: 300 }), []);
      client.resume([{ topic, partition: paused }]);
      const rest = await take(client, 30 - before);
      assert.deepEqual(rest, Array.from({ length: 30 - before }, (_, i) => `${paused}/${i + before}`));
    }));

  test('offsets are looked up', PATIENCE, () =>
    withClients(async ({ producer, consumer }) => {
      const topic = freshTopic('offsets');
      const sender = producer();
      for (const timestamp of [1_000, 2_000, 3_000]) await sender.produce({ topic, partition: 0, value: 'x', timestamp });
      const client = consumer();
      const partition = { topic, partition: 0 };
      assert.deepEqual((await client.beginningOffsets([partition])).map(({ offset }) => offset), [0n]);
      assert.deepEqual((await client.endOffsets([partition])).map(({ offset }) => offset), [3n]);
      const [found] = await client.offsetsForTimes([{ ...partition, timestamp: 1_500 }]);
      assert.deepEqual(found, { ...partition, offset: 1n, timestamp: 2_000n });
      const [none] = await client.offsetsForTimes([{ ...partition, timestamp: new Date(9_000) }]);
      assert.equal(none.offset, -1n);
      assert.deepEqual(await client.endOffsets([]), []);
    }));

  test('an offset that does not exist is an error when there is no place to go to', PATIENCE, () =>
    withClients(async ({ producer, consumer }) => {
      const topic = await filled(producer, 10);
      const client = consumer({ offsetReset: 'none' });
      const errors = [];
      client.on('partitionError', (error) => errors.push(error));
      client.assign([{ topic, partition: 0, offset: 1_000 }]);
      await failure(client.poll({ timeoutMs: 20_000 }), 'OFFSET_OUT_OF_RANGE');
      assert.deepEqual(errors.map(({ topic, partition }) => ({ topic, partition })), [{ topic, partition: 0 }]);
      client.seek({ topic, partition: 0 }, 5);
      assert.deepEqual(await take(client, 1), ['0/5']);

      const forgiving = consumer({ offsetReset: 'earliest' });
      forgiving.assign([{ topic, partition: 0, offset: 1_000 }]);
      assert.deepEqual(await take(forgiving, 1), ['0/0']);
    }));

  test('a topic that does not exist is an event and no hang', PATIENCE, () =>
    withClients(async ({ consumer }) => {
      const client = consumer();
      const errors = [];
      client.on('partitionError', (error) => errors.push(error));
      client.assign([{ topic: freshTopic('nowhere'), partition: 7, offset: 'earliest' }]);
      const polled = client.poll({ timeoutMs: 5_000 }).catch((error) => errors.push({ error }));
      await until('the partition is reported', () => errors.length > 0);
      assert.match(errors[0].error.code, /UNKNOWN_TOPIC|LEADER|PARTITION/);
      await polled;
    }));

  test('waiting can be given up, and ends with the client', PATIENCE, () =>
    withClients(async ({ producer, consumer }) => {
      const topic = await filled(producer, 10);
      const client = consumer();
      client.assign([{ topic, partition: 0, offset: 'latest' }]);
      const gone = new AbortController();
      const polled = client.poll({ signal: gone.signal });
      setTimeout(() => gone.abort(new Error('enough')), 50);
      const error = await failure(polled, 'CANCELLED');
      assert.equal(error.name, 'AbortError');
      assert.equal(error.cause.message, 'enough');

      const waiting = (async () => {
        for await (const record of client) assert.fail(`there is ${record.offset}`);
        return 'ended';
      })();
      const last = client.poll();
      setTimeout(() => client.stop(), 50);
      assert.deepEqual([await waiting, await last], ['ended', []]);
    }));

  test('reading without an assignment is a state error', PATIENCE, () =>
    withClients(async ({ consumer }) => {
      const client = consumer();
      await failure(client.poll(), 'NOT_ASSIGNED');
      assert.throws(() => client.seek({ topic: 'a', partition: 0 }, 1), { code: 'NOT_ASSIGNED' });
      assert.throws(() => client.pause([{ topic: 'a', partition: 0 }]), { code: 'NOT_ASSIGNED' });
      assert.throws(() => client.assign([{ topic: 'a', partition: 0, offset: -5 }]), { code: 'INVALID_ARGUMENT' });
      assert.throws(() => client.assign([{ topic: 'a', partition: 0, offset: 1.5 }]), { code: 'INVALID_ARGUMENT' });
      assert.throws(() => client.assign([{ topic: 'a', partition: -1 }]), { code: 'INVALID_ARGUMENT' });
      assert.throws(() => client.assign('a'), { code: 'INVALID_ARGUMENT' });
    }));
});
