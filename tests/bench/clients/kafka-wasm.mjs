// Ours, from the package as it would be published.

import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const { Kafka } = await import(pathToFileURL(join(process.env.KAFKA_WASM_FOLDER, 'dist/node.js')));

export async function producer(brokers) {
  const client = new Kafka({ brokers }).producer();
  return {
    one: (topic, value) => client.produce({ topic, value }),
    many: async (topic, messages) => {
      const reports = await client.send({ topic, messages });
      return reports.reduce((sum, { recordCount }) => sum + recordCount, 0);
    },
    stop: () => client.stop(),
  };
}

export async function consumer(brokers, topic) {
  const client = new Kafka({ brokers }).consumer();
  const partitions = await client.partitionsFor(topic);
  client.assign(partitions.map(({ partition }) => ({ topic, partition, offset: 'earliest' })));
  return {
    async batches(read) {
      for await (const batch of client.batches()) {
        let bytes = 0;
        for (const record of batch) bytes += record.value.length;
        if (read(batch.length, bytes)) return;
      }
    },
    async records(read) {
      for await (const record of client) if (read(1, record.value.length)) return;
    },
    stop: () => client.stop(),
  };
}
