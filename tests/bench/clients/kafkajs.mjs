// npm kafkajs. It reads in groups only; nothing is committed, so that reading is all it does.

import kafkajs from 'kafkajs';

const { Kafka, logLevel } = kafkajs;
// Quiet, because it logs what it then tries again; what it does not is thrown, or comes as CRASH.
const connect = (brokers) => new Kafka({ clientId: 'bench', brokers, logLevel: logLevel.NOTHING });

export async function producer(brokers) {
  const client = connect(brokers).producer({ createPartitioner: kafkajs.Partitioners.DefaultPartitioner });
  await client.connect();
  return {
    one: (topic, value) => client.send({ topic, acks: -1, messages: [{ value }] }),
    many: async (topic, messages) => {
      await client.send({ topic, acks: -1, messages });
      return messages.length;
    },
    stop: () => client.disconnect(),
  };
}

export async function consumer(brokers, topic) {
  const client = connect(brokers).consumer({ groupId: `bench-${process.pid}-${Date.now()}` });
  await client.connect();
  await client.subscribe({ topic, fromBeginning: true });
  const options = { autoCommit: false, partitionsConsumedConcurrently: 3 };
  const run = (handlers) =>
    new Promise((resolve, reject) => {
      client.on(client.events.CRASH, ({ payload }) => reject(payload.error));
      client.run({ ...options, ...handlers(resolve) }).catch(reject);
    });
  return {
    batches: (read) =>
      run((resolve) => ({
        eachBatchAutoResolve: true,
        eachBatch: async ({ batch: { messages } }) => {
          let bytes = 0;
          for (const { value } of messages) bytes += value.length;
          if (read(messages.length, bytes)) resolve();
        },
      })),
    records: (read) =>
      run((resolve) => ({
        eachMessage: async ({ message }) => {
          if (read(1, message.value.length)) resolve();
        },
      })),
    stop: () => client.disconnect(),
  };
}
