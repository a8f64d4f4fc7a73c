// npm @platformatic/kafka. It reads in groups, as a stream of records; its `data` events are the nearest it has to batches.

import { Consumer, MessagesStreamModes, ProduceAcks, Producer } from '@platformatic/kafka';

export async function producer(brokers) {
  const client = new Producer({ clientId: 'bench', bootstrapBrokers: brokers, acks: ProduceAcks.ALL });
  return {
    one: (topic, value) => client.send({ messages: [{ topic, value }] }),
    many: async (topic, messages) => {
      await client.send({ messages });
      return messages.length;
    },
    stop: () => client.close(),
  };
}

export async function consumer(brokers, topic) {
  const groupId = `bench-${process.pid}-${Date.now()}`;
  // Of the sizes tried this is the fastest: it searches through the pieces of a reply, so large replies slow it down.
  const sizes = { maxBytes: 1_048_576, maxBytesPerPartition: 262_144, highWaterMark: 8_192 };
  const client = new Consumer({ clientId: 'bench', groupId, bootstrapBrokers: brokers, autocommit: false, ...sizes });
  const stream = await client.consume({ topics: [topic], mode: MessagesStreamModes.EARLIEST });
  return {
    batches: (read) =>
      new Promise((resolve, reject) => {
        stream.on('error', reject);
        stream.on('data', ({ value }) => {
          if (read(1, value.length)) resolve();
        });
      }),
    async records(read) {
      for await (const { value } of stream) if (read(1, value.length)) return;
    },
    async stop() {
      await stream.close();
      await client.close();
    },
  };
}
